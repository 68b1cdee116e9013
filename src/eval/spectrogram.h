/* One window of sound as the networks see it, and back: STFT, log-frequency warp, masks applied to
 * the mixture, inverse STFT. Every method that is compared goes through the same code.
 *
 * Order: create, analyse, any number of separations of what was analysed last, destroy.
 * One thread an object.
 */
#ifndef PP_EVAL_SPECTROGRAM_H
#define PP_EVAL_SPECTROGRAM_H

#include <stdint.h>

#include "base/status.h"

typedef struct pp_spectrogram pp_spectrogram;

typedef struct pp_spectrogram_shape {
    int n_fft, hop_samples; /* samples */
    int frames;             /* STFT frames of a window */
    int log_rows;           /* rows of the networks' grid */
} pp_spectrogram_shape;

pp_status pp_spectrogram_create(pp_spectrogram **out, pp_spectrogram_shape shape,
                                pp_error *err) PP_MUST_USE;
void pp_spectrogram_destroy(pp_spectrogram **spectrogram);

int pp_spectrogram_bins(const pp_spectrogram *spectrogram); /* n_fft / 2 + 1 */
/* The longest sound that fits: hop * frames - 1 samples (65 535 as published). */
int64_t pp_spectrogram_most_samples(const pp_spectrogram *spectrogram);

/* 1 <= samples <= pp_spectrogram_most_samples. Frames behind the end of the sound are silence. */
void pp_spectrogram_analyse(pp_spectrogram *spectrogram, const float *sound, int64_t samples);

/* Of the sound analysed last; borrowed, row-major, magnitudes with the 1e-10 of the front end. */
const float *pp_spectrogram_magnitude(const pp_spectrogram *spectrogram); /* [bins, frames] */
const float *pp_spectrogram_warped(const pp_spectrogram *spectrogram);    /* [log_rows, frames] */
const float *pp_spectrogram_input(const pp_spectrogram *spectrogram);     /* its logarithm */

typedef enum pp_mask_grid {
    PP_MASK_LINEAR,    /* [bins, frames] */
    PP_MASK_LOG,       /* [log_rows, frames]: unwarped first */
    PP_MASK_LOG_BINARY /* as PP_MASK_LOG, and bins above 0.5 pass, the others do not */
} pp_mask_grid;

/* The sound analysed last through a mask: its magnitude times the mask, its phase. Writes as many
 * samples as were analysed. */
void pp_spectrogram_separate(pp_spectrogram *spectrogram, const float *mask, pp_mask_grid grid,
                             float *sound);

#endif
