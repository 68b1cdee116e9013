/* Short-time Fourier transform and its least-squares inverse, single precision (real_dft.h; FFTW3
 * for lengths that it does not take).
 *
 * n_fft 1022, hop 256 in the published configuration: 512 bins. Periodic Hann window, centred,
 * reflect padding at the two true ends. Frame t is centred on sample t * hop; a sound of N samples
 * has 1 + N / hop frames. Griffin and Lim 1984 for the inverse (window-sum-square).
 *
 * Any range of frames can be transformed from a slice of the sound, and any range of samples
 * rebuilt from a slice of frames, with the very bytes that the whole would give: this is what
 * lets segments be cut anywhere.
 *
 * Order: create, any number of forward/inverse calls, destroy. One thread an object; creation
 * and destruction are not thread-safe (FFTW's planner).
 */
#ifndef PP_DSP_STFT_H
#define PP_DSP_STFT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct pp_stft pp_stft;

typedef struct pp_stft_shape {
    int n_fft;       /* samples, even */
    int hop_samples; /* samples between frames; at most n_fft / 2 */
} pp_stft_shape;

pp_status pp_stft_create(pp_stft **out, pp_stft_shape shape, pp_error *err) PP_MUST_USE;
void pp_stft_destroy(pp_stft **stft);

int pp_stft_bins(const pp_stft *stft);                        /* n_fft / 2 + 1 */
int64_t pp_stft_frames(const pp_stft *stft, int64_t samples); /* 1 + samples / hop; 0 for 0 */

/* The samples that frames [first, first + count) touch, clipped to [0, samples): what a caller
 * must have at hand for the two functions below. Reflection at an end needs up to n_fft / 2 more
 * samples there; the range given here includes them. */
void pp_stft_sample_range(const pp_stft *stft, int64_t first_frame, int64_t frames, int64_t samples,
                          int64_t *begin, int64_t *end);

/* Frames [first_frame, first_frame + frames) of a sound of `samples` samples in all, of which
 * slice[0] is number slice_begin (the range must cover pp_stft_sample_range).
 * spectrum: [frames, bins, 2] (real, imaginary), written. Sounds shorter than n_fft / 2 + 1 are
 * reflected as often as it takes. */
void pp_stft_forward(pp_stft *stft, const float *slice, int64_t slice_begin, int64_t samples,
                     int64_t first_frame, int64_t frames, float *spectrum);

/* The frames that samples [begin, end) of a sound with `total_frames` frames are rebuilt from. */
void pp_stft_frame_range(const pp_stft *stft, int64_t begin, int64_t end, int64_t total_frames,
                         int64_t *first_frame, int64_t *frames);

/* Samples [begin, end) from spectrum [frames, bins, 2] of frames first_frame...; the range must
 * cover pp_stft_frame_range. Writes end - begin samples. */
void pp_stft_inverse(pp_stft *stft, const float *spectrum, int64_t first_frame, int64_t frames,
                     int64_t total_frames, int64_t begin, int64_t end, float *samples);

#endif
