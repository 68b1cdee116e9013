#include "eval/spectrogram.h"

#include <string.h>

#include "base/memory.h"
#include "dsp/stft.h"
#include "dsp/window_input.h"

struct pp_spectrogram {
    pp_spectrogram_shape shape;
    int bins, present; /* present: frames of the sound itself, at most shape.frames */
    int64_t samples;
    pp_stft *stft;
    pp_warp *warp;
    float *spectrum;  /* [frames, bins, 2] */
    float *masked;    /* [frames, bins, 2] */
    float *magnitude; /* [bins, frames] */
    float *linear;    /* [bins, frames] an unwarped mask */
    float *warped;    /* [log_rows, frames] */
    float *input;     /* [log_rows, frames] */
};

static pp_status allocate(pp_spectrogram *s, pp_error *err)
{
    const size_t cells = (size_t)s->bins * (size_t)s->shape.frames;
    const size_t log_cells = (size_t)s->shape.log_rows * (size_t)s->shape.frames;
    const struct {
        float **to;
        size_t count;
    } arrays[] = {
        {&s->spectrum, 2 * cells}, {&s->masked, 2 * cells}, {&s->magnitude, cells},
        {&s->linear, cells},       {&s->warped, log_cells}, {&s->input, log_cells},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        pp_status status = pp_alloc_checked((void **)arrays[i].to, arrays[i].count, sizeof(float),
                                            "spectrogram", err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

pp_status pp_spectrogram_create(pp_spectrogram **out, pp_spectrogram_shape shape, pp_error *err)
{
    *out = NULL;
    if (shape.frames < 1 || shape.frames > 1 << 16) {
        return pp_fail(err, PP_ERR_USAGE, "a window of %d frames: 1 to 65536", shape.frames);
    }
    pp_spectrogram *s = NULL;
    pp_status status = pp_alloc_checked((void **)&s, 1, sizeof *s, "spectrogram", err);
    if (status != PP_OK) return status;
    s->shape = shape;
    status = pp_stft_create(&s->stft, (pp_stft_shape){shape.n_fft, shape.hop_samples}, err);
    if (status == PP_OK) {
        s->bins = pp_stft_bins(s->stft);
        status = pp_warp_create(&s->warp, s->bins, shape.log_rows, err);
    }
    if (status == PP_OK) status = allocate(s, err);
    if (status != PP_OK) pp_spectrogram_destroy(&s);
    *out = s;
    return status;
}

void pp_spectrogram_destroy(pp_spectrogram **spectrogram)
{
    pp_spectrogram *s = *spectrogram;
    if (s == NULL) return;
    pp_stft_destroy(&s->stft);
    pp_warp_destroy(&s->warp);
    pp_free(s->spectrum);
    pp_free(s->masked);
    pp_free(s->magnitude);
    pp_free(s->linear);
    pp_free(s->warped);
    pp_free(s->input);
    PP_FREE(*spectrogram);
}

int pp_spectrogram_bins(const pp_spectrogram *spectrogram)
{
    return spectrogram->bins;
}

int64_t pp_spectrogram_most_samples(const pp_spectrogram *spectrogram)
{
    return (int64_t)spectrogram->shape.hop_samples * spectrogram->shape.frames - 1;
}

void pp_spectrogram_analyse(pp_spectrogram *s, const float *sound, int64_t samples)
{
    s->samples = samples;
    s->present = (int)pp_stft_frames(s->stft, samples);
    pp_stft_forward(s->stft, sound, 0, samples, 0, s->present, s->spectrum);
    pp_window_input(s->warp, s->spectrum, s->present, s->shape.frames, s->bins, s->shape.log_rows,
                    s->magnitude, s->warped, s->input);
}

const float *pp_spectrogram_magnitude(const pp_spectrogram *spectrogram)
{
    return spectrogram->magnitude;
}

const float *pp_spectrogram_warped(const pp_spectrogram *spectrogram)
{
    return spectrogram->warped;
}

const float *pp_spectrogram_input(const pp_spectrogram *spectrogram)
{
    return spectrogram->input;
}

void pp_spectrogram_separate(pp_spectrogram *s, const float *mask, pp_mask_grid grid, float *sound)
{
    const int bins = s->bins, frames = s->shape.frames;
    if (grid != PP_MASK_LINEAR) {
        pp_warp_to_linear(s->warp, mask, frames, s->linear);
        mask = s->linear;
    }
    for (int t = 0; t < s->present; t++) {
        for (int b = 0; b < bins; b++) {
            float weight = mask[(size_t)b * (size_t)frames + (size_t)t];
            if (grid == PP_MASK_LOG_BINARY) weight = weight > 0.5F ? 1.0F : 0.0F;
            const size_t at = 2 * ((size_t)t * (size_t)bins + (size_t)b);
            s->masked[at] = weight * s->spectrum[at];
            s->masked[at + 1] = weight * s->spectrum[at + 1];
        }
    }
    pp_stft_inverse(s->stft, s->masked, 0, s->present, s->present, 0, s->samples, sound);
}
