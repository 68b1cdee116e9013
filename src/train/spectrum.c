#include "train/spectrum.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "dsp/warp.h"
#include "nn/blas.h"

#define FLOOR_MAGNITUDE 1e-10F /* keeps the logarithm finite in silence: dsp/window_input.c */
#define CHUNK_FRAMES 16

typedef struct warp_row { /* a row of the log grid from two slots */
    int slot[2];
    float weight[2];
} warp_row;

struct pp_train_spectrum {
    pp_train_spectrum_shape shape;
    int p, q, half;     /* half = q / 2 + 1: bins of the real q-point transform */
    int slots;          /* p half: complex values of a frame */
    int *place;         /* [p, q] which sample of the frame, in the order of the transform */
    float *window;      /* [p, q] periodic Hann, in the same order */
    float *long_basis;  /* [q, 2 half] cosines, then minus sines */
    float *short_basis; /* [2 p, 2 p] acting on [re of all a, im of all a] */
    int *slot_of_bin;   /* [n_fft / 2 + 1] */
    float *slot_gain;   /* [slots] */
    warp_row *warp;     /* [rows] */
    float *gathered;    /* [chunk, p, q] */
    float *middle;      /* [chunk, p, 2 half] */
    float *padded;      /* the sound with its reflections */
    float *magnitude;   /* [chunk, slots] */
};

/* The factors with the fewest multiplications; p = 1 (a plain transform) always serves. */
static void choose_factors(int n, int *p, int *q)
{
    double best = 0;
    for (int a = 1; a <= n; a++) {
        if (n % a != 0) continue;
        int x = a, y = n / a;
        while (y != 0) {
            const int rest = x % y;
            x = y;
            y = rest;
        }
        if (x != 1) continue;
        const double b = n / a, half = floor(b / 2) + 1, cost = 2 * n * half + 4.0 * a * a * half;
        if (best != 0 && cost >= best) continue;
        best = cost;
        *p = a;
        *q = n / a;
    }
}

static void fill_tables(pp_train_spectrum *s)
{
    const int n = s->shape.n_fft, p = s->p, q = s->q, half = s->half;
    const double turn = 2 * acos(-1.0);
    for (int a = 0; a < p; a++) {
        for (int b = 0; b < q; b++) {
            const int at = (int)(((long)q * a + (long)p * b) % n);
            s->place[a * q + b] = at;
            s->window[a * q + b] = (float)(0.5 - 0.5 * cos(turn * at / n));
        }
    }
    for (int b = 0; b < q; b++) {
        for (int k = 0; k < half; k++) {
            const double angle = turn * ((long)b * k % q) / q;
            s->long_basis[(long)b * 2 * half + k] = (float)cos(angle);
            s->long_basis[(long)b * 2 * half + half + k] = (float)-sin(angle);
        }
    }
    /* (c - i s)(re + i im) = (c re + s im) + i (c im - s re) */
    for (int k = 0; k < p; k++) {
        for (int a = 0; a < p; a++) {
            const double angle = turn * ((long)a * k % p) / p;
            const float c = (float)cos(angle), sine = (float)sin(angle);
            s->short_basis[(long)k * 2 * p + 2 * a] = c;
            s->short_basis[(long)k * 2 * p + 2 * a + 1] = sine;
            s->short_basis[(long)(p + k) * 2 * p + 2 * a] = -sine;
            s->short_basis[(long)(p + k) * 2 * p + 2 * a + 1] = c;
        }
    }
    for (int k = 0; k <= n / 2; k++) {
        const int mirrored = k % q < half ? k : n - k; /* as large, by symmetry */
        s->slot_of_bin[k] = mirrored % p * half + mirrored % q;
    }
}

/* Reads the warp off its own function: what it makes of each unit vector. */
static pp_status fill_warp(pp_train_spectrum *s, pp_error *err)
{
    const int bins = s->shape.n_fft / 2 + 1, rows = s->shape.rows;
    pp_warp *warp = NULL;
    float *units = pp_alloc((size_t)bins * (size_t)bins, sizeof *units);
    float *seen = pp_alloc((size_t)rows * (size_t)bins, sizeof *seen);
    pp_status status = pp_warp_create(&warp, bins, rows, err);
    if (status == PP_OK && (units == NULL || seen == NULL)) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for the frequency warp");
    }
    if (status == PP_OK) {
        for (int b = 0; b < bins; b++) units[(long)b * bins + b] = 1;
        pp_warp_to_log(warp, units, bins, seen);
        for (int r = 0; r < rows; r++) {
            int terms = 0;
            for (int b = 0; b < bins; b++) {
                const float weight = seen[(long)r * bins + b];
                if (weight == 0) continue;
                if (terms < 2) {
                    s->warp[r].slot[terms] = s->slot_of_bin[b];
                    s->warp[r].weight[terms] = weight;
                }
                terms++;
            }
            if (terms > 2) status = pp_fail(err, PP_ERR_INTERNAL, "a warp of more than two terms");
        }
    }
    pp_warp_destroy(&warp);
    pp_free(units), pp_free(seen);
    return status;
}

pp_status pp_train_spectrum_create(pp_train_spectrum **out, pp_train_spectrum_shape shape,
                                   pp_error *err)
{
    pp_train_spectrum *s = pp_alloc(1, sizeof *s);
    *out = s;
    if (s == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for spectra");
    s->shape = shape;
    choose_factors(shape.n_fft, &s->p, &s->q);
    s->half = s->q / 2 + 1;
    s->slots = s->p * s->half;
    const size_t n = (size_t)shape.n_fft, slots = (size_t)s->slots, p = (size_t)s->p;
    s->place = pp_alloc(n, sizeof(int));
    s->window = pp_alloc(n, sizeof(float));
    s->long_basis = pp_alloc((size_t)s->q * 2 * (size_t)s->half, sizeof(float));
    s->short_basis = pp_alloc(4 * p * p, sizeof(float));
    s->slot_of_bin = pp_alloc(n / 2 + 1, sizeof(int));
    s->slot_gain = pp_alloc(slots, sizeof(float));
    s->warp = pp_alloc((size_t)shape.rows, sizeof *s->warp);
    s->gathered = pp_alloc(CHUNK_FRAMES * n, sizeof(float));
    s->middle = pp_alloc(CHUNK_FRAMES * 2 * slots, sizeof(float));
    s->padded = pp_alloc((size_t)pp_train_spectrum_samples(s) + n, sizeof(float));
    s->magnitude = pp_alloc(CHUNK_FRAMES * slots, sizeof(float));
    pp_status status = PP_OK;
    if (s->place == NULL || s->window == NULL || s->long_basis == NULL || s->short_basis == NULL ||
        s->slot_of_bin == NULL || s->slot_gain == NULL || s->warp == NULL || s->gathered == NULL ||
        s->middle == NULL || s->padded == NULL || s->magnitude == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for spectra");
    }
    if (status == PP_OK && (shape.n_fft % 2 != 0 || pp_train_spectrum_samples(s) <= shape.n_fft)) {
        status = pp_fail(err, PP_ERR_USAGE, "n_fft is even and shorter than a window");
    }
    if (status == PP_OK) {
        fill_tables(s);
        status = fill_warp(s, err);
    }
    if (status != PP_OK) pp_train_spectrum_destroy(out);
    return status;
}

void pp_train_spectrum_destroy(pp_train_spectrum **spectrum)
{
    if (spectrum == NULL || *spectrum == NULL) return;
    pp_train_spectrum *s = *spectrum;
    pp_free(s->place), pp_free(s->window), pp_free(s->long_basis), pp_free(s->short_basis);
    pp_free(s->slot_of_bin), pp_free(s->slot_gain), pp_free(s->warp), pp_free(s->gathered);
    pp_free(s->middle), pp_free(s->padded), pp_free(s->magnitude);
    PP_FREE(*spectrum);
}

int pp_train_spectrum_samples(const pp_train_spectrum *spectrum)
{
    return spectrum->shape.hop_samples * spectrum->shape.frames - 1;
}

size_t pp_train_spectrum_size(const pp_train_spectrum *spectrum)
{
    return 2 * (size_t)spectrum->slots * (size_t)spectrum->shape.frames;
}

static void pad_by_reflection(const float *sound, int samples, int each_side, float *padded)
{
    memcpy(padded + each_side, sound, sizeof *sound * (size_t)samples);
    for (int i = 1; i <= each_side; i++) {
        padded[each_side - i] = sound[i];
        padded[each_side + samples - 1 + i] = sound[samples - 1 - i];
    }
}

PP_CLONES static void gather(const float *padded, const int *place, const float *window, int n,
                             int hop, int frames, float *restrict to)
{
    for (int f = 0; f < frames; f++, padded += hop, to += n) {
        for (int i = 0; i < n; i++) to[i] = padded[place[i]] * window[i];
    }
}

PP_CLONES static void apply_gains(const float *gain, int slots, int frames, float *restrict at)
{
    for (int f = 0; f < 2 * frames; f++, at += slots) {
        for (int i = 0; i < slots; i++) at[i] *= gain[i];
    }
}

void pp_train_spectrum_transform(pp_train_spectrum *spectrum, const float *sound,
                                 const float *gains, float *out)
{
    const pp_train_spectrum *s = spectrum;
    const int n = s->shape.n_fft, p = s->p, q = s->q, wide = 2 * s->half;
    const size_t frame_size = 2 * (size_t)s->slots;
    pad_by_reflection(sound, pp_train_spectrum_samples(s), n / 2, s->padded);
    if (gains != NULL) {
        for (int i = 0; i < s->slots; i++) s->slot_gain[i] = 0; /* slots that no bin reads */
        for (int k = 0; k <= n / 2; k++) s->slot_gain[s->slot_of_bin[k]] = gains[k];
    }
    for (int first = 0; first < s->shape.frames; first += CHUNK_FRAMES) {
        const int left = s->shape.frames - first,
                  frames = left < CHUNK_FRAMES ? left : CHUNK_FRAMES;
        float *to = out + (size_t)first * frame_size;
        gather(s->padded + (long)first * s->shape.hop_samples, s->place, s->window, n,
               s->shape.hop_samples, frames, s->gathered);
        pp_sgemm(0, 0, frames * p, wide, q, 1, s->gathered, q, s->long_basis, wide, 0, s->middle,
                 wide);
        for (int f = 0; f < frames; f++) {
            pp_sgemm(0, 0, 2 * p, s->half, 2 * p, 1, s->short_basis, 2 * p,
                     s->middle + (size_t)f * frame_size, s->half, 0, to + (size_t)f * frame_size,
                     s->half);
        }
        if (gains != NULL) apply_gains(s->slot_gain, s->slots, frames, to);
    }
}

PP_CLONES static void add_floats(float *restrict sum, const float *other, size_t count)
{
    for (size_t i = 0; i < count; i++) sum[i] += other[i];
}

void pp_train_spectrum_add(const pp_train_spectrum *spectrum, const float *other, float *sum)
{
    add_floats(sum, other, pp_train_spectrum_size(spectrum));
}

PP_CLONES static void magnitudes(const float *from, int slots, int frames, float *restrict to)
{
    for (int f = 0; f < frames; f++, from += 2 * slots, to += slots) {
        const float *re = from, *im = from + slots;
        for (int i = 0; i < slots; i++) {
            to[i] = __builtin_sqrtf(re[i] * re[i] + im[i] * im[i]) + FLOOR_MAGNITUDE;
        }
    }
}

void pp_train_spectrum_warp(pp_train_spectrum *spectrum, const float *from, float *magnitude)
{
    const pp_train_spectrum *s = spectrum;
    for (int first = 0; first < s->shape.frames; first += CHUNK_FRAMES) {
        const int left = s->shape.frames - first,
                  frames = left < CHUNK_FRAMES ? left : CHUNK_FRAMES;
        magnitudes(from + (size_t)first * 2 * (size_t)s->slots, s->slots, frames, s->magnitude);
        for (int r = 0; r < s->shape.rows; r++) {
            const warp_row *w = &s->warp[r];
            const float *a = s->magnitude + w->slot[0], *b = s->magnitude + w->slot[1];
            float *to = magnitude + (long)r * s->shape.frames + first;
            for (int f = 0; f < frames; f++) {
                to[f] = w->weight[0] * a[(long)f * s->slots] + w->weight[1] * b[(long)f * s->slots];
            }
        }
    }
}
