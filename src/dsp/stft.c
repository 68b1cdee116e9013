#include "dsp/stft.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include <fftw3.h>

#include "base/memory.h"
#include "dsp/real_dft.h"

/* Lengths that real_dft takes (the published one is) go many frames at a time, each in a lane of
 * its own. The others go through FFTW one by one, on the object's own aligned buffers: the same
 * frame always runs through the same code on the same alignment. Without SIMD, since FFTW's vector
 * code differs from one processor to the next in the last bits; ranks on unlike nodes must agree.
 */
static const unsigned plan_flags = FFTW_ESTIMATE | FFTW_NO_SIMD;

struct pp_stft {
    pp_stft_shape shape;
    int bins, half;
    float *window;         /* [n_fft] analysis: periodic Hann */
    float *synthesis;      /* [n_fft] Hann / n_fft: FFTW leaves its transforms unscaled */
    float *window_square;  /* [n_fft] */
    float *full_sum;       /* [hop] sum of squares where every covering frame exists */
    float *time;           /* [n_fft] of one frame, FFTW-aligned */
    pp_real_dft *lanes;    /* NULL: one by one, with the plans */
    float *work, *re, *im; /* of lanes */
    fftwf_complex *freq;   /* [bins], FFTW-aligned */
    fftwf_plan forward, inverse;
};

static int64_t floor_divide(int64_t a, int64_t b)
{
    return a >= 0 ? a / b : -((-a + b - 1) / b);
}

/* First and last frame whose window covers sample n: t * hop - half <= n < t * hop - half + n_fft.
 */
static int64_t first_covering(const pp_stft *stft, int64_t n)
{
    return floor_divide(n + stft->half - stft->shape.n_fft, stft->shape.hop_samples) + 1;
}

static int64_t last_covering(const pp_stft *stft, int64_t n)
{
    return floor_divide(n + stft->half, stft->shape.hop_samples);
}

/* Sum of squared windows over frames [first, last] at sample n, in ascending order of frames. */
static float sum_of_squares(const pp_stft *stft, int64_t n, int64_t first, int64_t last)
{
    float sum = 0.0F;
    for (int64_t t = first; t <= last; t++) {
        sum += stft->window_square[n + stft->half - t * stft->shape.hop_samples];
    }
    return sum;
}

static void fill_windows(pp_stft *stft)
{
    const int n = stft->shape.n_fft;
    for (int i = 0; i < n; i++) {
        double hann = 0.5 - 0.5 * cos(2.0 * M_PI * i / n);
        stft->window[i] = (float)hann;
        stft->synthesis[i] = (float)(hann / n);
        stft->window_square[i] = (float)(hann * hann);
    }
    for (int i = 0; i < stft->shape.hop_samples; i++) {
        stft->full_sum[i] =
            sum_of_squares(stft, i, first_covering(stft, i), last_covering(stft, i));
    }
}

static pp_status make_lanes(pp_stft *stft, pp_error *err)
{
    const size_t bins = (size_t)stft->bins * PP_DFT_LANES;
    pp_status status = pp_real_dft_create(&stft->lanes, stft->shape.n_fft, err);
    if (status != PP_OK || stft->lanes == NULL) return status;
    void *work = NULL;
    status = pp_alloc_checked(&work, pp_real_dft_work_floats(stft->lanes) + 2 * bins, sizeof(float),
                              "STFT frames", err);
    stft->work = work;
    if (status != PP_OK) return status;
    stft->re = stft->work + pp_real_dft_work_floats(stft->lanes);
    stft->im = stft->re + bins;
    return PP_OK;
}

static pp_status allocate(pp_stft *stft, pp_error *err)
{
    const size_t n = (size_t)stft->shape.n_fft;
    pp_status status =
        pp_alloc_checked((void **)&stft->window, n, sizeof(float), "STFT window", err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&stft->synthesis, n, sizeof(float), "STFT window", err);
    }
    if (status == PP_OK) {
        status =
            pp_alloc_checked((void **)&stft->window_square, n, sizeof(float), "STFT window", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&stft->full_sum, (size_t)stft->shape.hop_samples,
                                  sizeof(float), "STFT window", err);
    }
    if (status != PP_OK) return status;
    status = make_lanes(stft, err);
    if (status != PP_OK) return status;
    stft->time = fftwf_alloc_real(n);
    if (stft->time != NULL && stft->lanes != NULL) return PP_OK;
    stft->freq = fftwf_alloc_complex((size_t)stft->bins);
    if (stft->time == NULL || stft->freq == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for an STFT of %zu samples", n);
    }
    stft->forward = fftwf_plan_dft_r2c_1d(stft->shape.n_fft, stft->time, stft->freq, plan_flags);
    stft->inverse = fftwf_plan_dft_c2r_1d(stft->shape.n_fft, stft->freq, stft->time, plan_flags);
    if (stft->forward == NULL || stft->inverse == NULL) {
        return pp_fail(err, PP_ERR_INTERNAL, "FFTW has no plan for %zu samples", n);
    }
    return PP_OK;
}

pp_status pp_stft_create(pp_stft **out, pp_stft_shape shape, pp_error *err)
{
    *out = NULL;
    if (shape.n_fft < 4 || shape.n_fft > 1 << 20 || shape.n_fft % 2 != 0 || shape.hop_samples < 1 ||
        shape.hop_samples > shape.n_fft / 2) {
        return pp_fail(err, PP_ERR_USAGE,
                       "STFT of %d samples every %d: the length must be even, from 4 to 1048576, "
                       "and the hop at most half of it",
                       shape.n_fft, shape.hop_samples);
    }
    pp_stft *stft = NULL;
    pp_status status = pp_alloc_checked((void **)&stft, 1, sizeof *stft, "STFT", err);
    if (status != PP_OK) return status;
    stft->shape = shape;
    stft->half = shape.n_fft / 2;
    stft->bins = stft->half + 1;
    status = allocate(stft, err);
    if (status != PP_OK) {
        pp_stft_destroy(&stft);
        return status;
    }
    fill_windows(stft);
    *out = stft;
    return PP_OK;
}

void pp_stft_destroy(pp_stft **stft)
{
    pp_stft *s = *stft;
    if (s == NULL) return;
    if (s->forward != NULL) fftwf_destroy_plan(s->forward);
    if (s->inverse != NULL) fftwf_destroy_plan(s->inverse);
    pp_real_dft_destroy(&s->lanes);
    pp_free(s->work);
    fftwf_free(s->freq);
    fftwf_free(s->time);
    pp_free(s->full_sum);
    pp_free(s->window_square);
    pp_free(s->synthesis);
    pp_free(s->window);
    PP_FREE(*stft);
}

int pp_stft_bins(const pp_stft *stft)
{
    return stft->bins;
}

int64_t pp_stft_frames(const pp_stft *stft, int64_t samples)
{
    return samples <= 0 ? 0 : 1 + samples / stft->shape.hop_samples;
}

void pp_stft_sample_range(const pp_stft *stft, int64_t first_frame, int64_t frames, int64_t samples,
                          int64_t *begin, int64_t *end)
{
    *begin = *end = 0;
    if (frames <= 0 || samples <= 0) return;
    const int hop = stft->shape.hop_samples, n_fft = stft->shape.n_fft;
    int64_t low = first_frame * hop - stft->half;
    int64_t high = (first_frame + frames - 1) * hop - stft->half + n_fft;
    /* So short that a reflection may be reflected again: everything. */
    if (samples <= n_fft) {
        *end = samples;
        return;
    }
    int64_t mirrored_low = high > samples ? 2 * (samples - 1) - (high - 1) : low;
    int64_t mirrored_high = low < 0 ? -low + 1 : high;
    if (mirrored_low < low) low = mirrored_low;
    if (mirrored_high > high) high = mirrored_high;
    *begin = low < 0 ? 0 : low;
    *end = high > samples ? samples : high;
}

/* Mirrors an index into [0, samples) without repeating the end samples: period 2 (samples - 1). */
static int64_t reflect(int64_t index, int64_t samples)
{
    if (samples == 1) return 0;
    const int64_t period = 2 * (samples - 1);
    index %= period;
    if (index < 0) index += period;
    return index < samples ? index : period - index;
}

/* The samples under a frame, reflected where it hangs over an end: in the slice itself, or in
 * `room` [n_fft]. */
static const float *frame_samples(const pp_stft *stft, const float *slice, int64_t slice_begin,
                                  int64_t samples, int64_t frame, float *room)
{
    const int n_fft = stft->shape.n_fft;
    const int64_t begin = frame * stft->shape.hop_samples - stft->half;
    if (begin >= 0 && begin + n_fft <= samples) return slice + (begin - slice_begin);
    for (int i = 0; i < n_fft; i++) room[i] = slice[reflect(begin + i, samples) - slice_begin];
    return room;
}

static void transform_one(pp_stft *stft, const float *from, float *spectrum)
{
    for (int i = 0; i < stft->shape.n_fft; i++) stft->time[i] = from[i] * stft->window[i];
    fftwf_execute(stft->forward);
    memcpy(spectrum, stft->freq, 2 * (size_t)stft->bins * sizeof(float));
}

/* One frame into its lane; lanes without one keep what they had, which reaches nobody. */
static void load_lane(pp_stft *stft, const float *from, int lane)
{
    const int *places = pp_real_dft_places(stft->lanes);
    for (int i = 0; i < stft->shape.n_fft; i++) {
        stft->work[places[i] * PP_DFT_LANES + lane] = from[i] * stft->window[i];
    }
}

static void store_lane(const pp_stft *stft, int lane, float *spectrum)
{
    for (int b = 0; b < stft->bins; b++) {
        spectrum[2 * b] = stft->re[b * PP_DFT_LANES + lane];
        spectrum[2 * b + 1] = stft->im[b * PP_DFT_LANES + lane];
    }
}

void pp_stft_forward(pp_stft *stft, const float *slice, int64_t slice_begin, int64_t samples,
                     int64_t first_frame, int64_t frames, float *spectrum)
{
    const size_t row = 2 * (size_t)stft->bins;
    const int64_t step = stft->lanes != NULL ? PP_DFT_LANES : 1;
    for (int64_t f = 0; f < frames; f += step, spectrum += row * (size_t)step) {
        const int count = (int)(frames - f < step ? frames - f : step);
        for (int i = 0; i < count; i++) {
            const float *from =
                frame_samples(stft, slice, slice_begin, samples, first_frame + f + i, stft->time);
            if (stft->lanes != NULL) load_lane(stft, from, i);
            else transform_one(stft, from, spectrum);
        }
        if (stft->lanes == NULL) continue;
        pp_real_dft_forward(stft->lanes, stft->work, stft->re, stft->im);
        for (int i = 0; i < count; i++) store_lane(stft, i, spectrum + (size_t)i * row);
    }
}

static void clip_frames(int64_t *first, int64_t *last, int64_t total_frames)
{
    if (*first < 0) *first = 0;
    if (*last > total_frames - 1) *last = total_frames - 1;
}

void pp_stft_frame_range(const pp_stft *stft, int64_t begin, int64_t end, int64_t total_frames,
                         int64_t *first_frame, int64_t *frames)
{
    *first_frame = *frames = 0;
    if (end <= begin || total_frames <= 0) return;
    int64_t first = first_covering(stft, begin), last = last_covering(stft, end - 1);
    clip_frames(&first, &last, total_frames);
    if (last < first) return;
    *first_frame = first;
    *frames = last - first + 1;
}

/* Divides by the sum of squared windows of the frames that exist; where none reaches, silence. */
static void normalise(const pp_stft *stft, int64_t total_frames, int64_t begin, int64_t end,
                      float *samples)
{
    const int hop = stft->shape.hop_samples;
    for (int64_t n = begin; n < end; n++) {
        int64_t first = first_covering(stft, n), last = last_covering(stft, n);
        float sum;
        if (first >= 0 && last < total_frames) {
            sum = stft->full_sum[n % hop];
        } else {
            clip_frames(&first, &last, total_frames);
            sum = sum_of_squares(stft, n, first, last);
        }
        samples[n - begin] = sum > FLT_MIN ? samples[n - begin] / sum : 0.0F;
    }
}

static void rebuild_one(pp_stft *stft, const float *spectrum)
{
    memcpy(stft->freq, spectrum, 2 * (size_t)stft->bins * sizeof(float));
    stft->freq[0][1] = stft->freq[stft->bins - 1][1] = 0.0F; /* real by definition */
    fftwf_execute(stft->inverse);
}

static void rebuild_lanes(pp_stft *stft, const float *spectrum, int count)
{
    for (int i = 0; i < count; i++, spectrum += 2 * (size_t)stft->bins) {
        for (int b = 0; b < stft->bins; b++) {
            stft->re[b * PP_DFT_LANES + i] = spectrum[2 * b];
            stft->im[b * PP_DFT_LANES + i] = spectrum[2 * b + 1];
        }
    }
    pp_real_dft_inverse(stft->lanes, stft->re, stft->im, stft->work);
}

static void take_lane(pp_stft *stft, int lane)
{
    const int *places = pp_real_dft_places(stft->lanes);
    for (int i = 0; i < stft->shape.n_fft; i++) {
        stft->time[i] = stft->work[places[i] * PP_DFT_LANES + lane];
    }
}

/* Adds what lies in stft->time, frame `frame`, to the samples [begin, end). */
static void overlap_add(const pp_stft *stft, int64_t frame, int64_t begin, int64_t end,
                        float *samples)
{
    const int64_t start = frame * stft->shape.hop_samples - stft->half;
    const int64_t from = start < begin ? begin : start;
    const int64_t to = start + stft->shape.n_fft > end ? end : start + stft->shape.n_fft;
    for (int64_t n = from; n < to; n++) {
        samples[n - begin] += stft->time[n - start] * stft->synthesis[n - start];
    }
}

void pp_stft_inverse(pp_stft *stft, const float *spectrum, int64_t first_frame, int64_t frames,
                     int64_t total_frames, int64_t begin, int64_t end, float *samples)
{
    if (end <= begin) return;
    const size_t row = 2 * (size_t)stft->bins;
    const int64_t step = stft->lanes != NULL ? PP_DFT_LANES : 1;
    int64_t first = 0, count = 0;
    pp_stft_frame_range(stft, begin, end, total_frames, &first, &count);
    memset(samples, 0, (size_t)(end - begin) * sizeof(float));
    int64_t behind = first + count < first_frame + frames ? first + count : first_frame + frames;
    /* Ascending frames: every sample sums the same numbers in the same order for any range. */
    for (int64_t t = first; t < behind; t += step) {
        const float *from = spectrum + (size_t)(t - first_frame) * row;
        const int now = (int)(behind - t < step ? behind - t : step);
        if (stft->lanes != NULL) rebuild_lanes(stft, from, now);
        else rebuild_one(stft, from);
        for (int i = 0; i < now; i++) {
            if (stft->lanes != NULL) take_lane(stft, i);
            overlap_add(stft, t + i, begin, end, samples);
        }
    }
    normalise(stft, total_frames, begin, end, samples);
}
