#include "eval/bss.h"

#include <math.h>
#include <string.h>

#include <fftw3.h>

#include "base/memory.h"
#include "eval/cholesky.h"

/* Names as in the paper: an estimate e is split into its projection on the delayed copies of its
 * own reference (target), what the delayed copies of all references explain beyond that
 * (interference), and the rest (artefacts). A delay is 0 .. taps - 1 samples.
 *
 * Everything is padded to `length` >= samples + taps - 1, so that circular and linear convolution
 * are the same, and energies are sums over spectra (Parseval). */
struct pp_bss {
    int64_t samples;
    int sources, taps, order; /* order = sources * taps */
    int length, bins;         /* of the transforms */
    double *time;             /* [length] */
    fftw_complex *freq;       /* [bins] */
    fftw_plan forward, inverse;
    fftw_complex *references; /* [sources, bins] */
    fftw_complex *estimate;   /* [bins] */
    fftw_complex *target;     /* [bins] projection on one reference */
    fftw_complex *all;        /* [bins] projection on all of them */
    double *correlations;     /* [sources, sources, 2 taps - 1] lag -(taps - 1) .. taps - 1 */
    double *whole;            /* [order, order] Cholesky factor for all references */
    double *single;           /* [sources, taps, taps] for each alone */
    double *scratch;          /* for the factorisation */
    double *delayed;          /* [order] products of the estimate with the delayed references */
    double *filter;           /* [order] */
};

/* The next length that FFTW does fast: no prime factor above 7. */
static int64_t good_length(int64_t least)
{
    for (int64_t n = least;; n++) {
        int64_t rest = n;
        for (int p = 2; p <= 7; p++) {
            while (rest % p == 0) rest /= p;
        }
        if (rest == 1 && n % 2 == 0) return n;
    }
}

void pp_bss_destroy(pp_bss **bss)
{
    pp_bss *w = *bss;
    if (w == NULL) return;
    if (w->forward != NULL) fftw_destroy_plan(w->forward);
    if (w->inverse != NULL) fftw_destroy_plan(w->inverse);
    fftw_free(w->time);
    fftw_free(w->freq);
    pp_free(w->references);
    pp_free(w->correlations);
    pp_free(w->whole);
    pp_free(w->single);
    pp_free(w->scratch);
    pp_free(w->delayed);
    PP_FREE(*bss);
}

static pp_status prepare(pp_bss *w, pp_error *err)
{
    const size_t bins = (size_t)w->bins, n = (size_t)w->sources, taps = (size_t)w->taps;
    const size_t order = (size_t)w->order;
    const struct {
        void **to;
        size_t count;
    } arrays[] = {
        {(void **)&w->references, (n + 3) * bins * 2},
        {(void **)&w->correlations, n * n * (2 * taps - 1)},
        {(void **)&w->whole, order * order},
        {(void **)&w->single, n * taps * taps},
        {(void **)&w->scratch, (size_t)pp_cholesky_workspace(w->order)},
        {(void **)&w->delayed, 2 * order},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        pp_status status =
            pp_alloc_checked(arrays[i].to, arrays[i].count, sizeof(double), "BSS-eval", err);
        if (status != PP_OK) return status;
    }
    w->estimate = w->references + n * bins;
    w->target = w->estimate + bins;
    w->all = w->target + bins;
    w->filter = w->delayed + order;
    w->time = fftw_alloc_real((size_t)w->length);
    w->freq = fftw_alloc_complex(bins);
    if (w->time == NULL || w->freq == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for BSS-eval of %d samples", w->length);
    }
    w->forward = fftw_plan_dft_r2c_1d(w->length, w->time, w->freq, FFTW_ESTIMATE);
    w->inverse = fftw_plan_dft_c2r_1d(w->length, w->freq, w->time, FFTW_ESTIMATE);
    if (w->forward == NULL || w->inverse == NULL) {
        return pp_fail(err, PP_ERR_INTERNAL, "FFTW has no plan for %d samples", w->length);
    }
    return PP_OK;
}

static void transform(pp_bss *w, const float *sound, int64_t samples, fftw_complex *to)
{
    memset(w->time, 0, (size_t)w->length * sizeof *w->time);
    for (int64_t i = 0; i < samples; i++) w->time[i] = sound[i];
    fftw_execute(w->forward);
    memcpy(to, w->freq, (size_t)w->bins * sizeof *to);
}

/* time[l] = sum over m of a[m] b[m + l]; negative lags at the end of `time`. */
static void correlate(pp_bss *w, fftw_complex *const a, fftw_complex *const b)
{
    for (int k = 0; k < w->bins; k++) {
        w->freq[k][0] = a[k][0] * b[k][0] + a[k][1] * b[k][1];
        w->freq[k][1] = a[k][0] * b[k][1] - a[k][1] * b[k][0];
    }
    fftw_execute(w->inverse);
    for (int l = 0; l < w->taps; l++) w->time[l] /= w->length;
    for (int l = 1; l < w->taps; l++) w->time[w->length - l] /= w->length;
}

static fftw_complex *reference(pp_bss *w, int i)
{
    return w->references + (size_t)i * (size_t)w->bins;
}

/* Correlation of references i and j; [0] is lag -(taps - 1). */
static double *correlation(const pp_bss *w, int i, int j)
{
    return w->correlations + (size_t)(i * w->sources + j) * (size_t)(2 * w->taps - 1);
}

static void correlate_references(pp_bss *w)
{
    for (int i = 0; i < w->sources; i++) {
        for (int j = 0; j <= i; j++) {
            correlate(w, reference(w, i), reference(w, j));
            double *to = correlation(w, i, j) + w->taps - 1;
            double *mirror = correlation(w, j, i) + w->taps - 1;
            for (int l = 1 - w->taps; l < w->taps; l++) {
                double value = w->time[l >= 0 ? l : w->length + l];
                to[l] = value;
                mirror[-l] = value;
            }
        }
    }
}

/* Gram matrix of the delayed copies of references [first, first + count):
 * element ((i, a), (j, b)) = sum over n of r_i[n - a] r_j[n - b] = correlation_ij(a - b). */
static void fill_gram(const pp_bss *w, int first, int count, double *gram)
{
    const int n = count * w->taps;
    for (int i = 0; i < count; i++) {
        for (int j = 0; j < count; j++) {
            const double *lags = correlation(w, first + i, first + j) + w->taps - 1;
            for (int a = 0; a < w->taps; a++) {
                double *row = gram + (size_t)(i * w->taps + a) * (size_t)n + j * w->taps;
                for (int b = 0; b < w->taps; b++) row[b] = lags[a - b];
            }
        }
    }
}

/* A reference that never uses part of the spectrum, or two that are equal, make the matrix singular
 * to working precision; the projection is still unique, and a ridge far below the signal finds it.
 */
static pp_status factor_gram(const pp_bss *w, int first, int count, double *gram, pp_error *err)
{
    const int n = count * w->taps;
    double ridge = 0.0;
    for (int attempt = 0; attempt < 8; attempt++) {
        fill_gram(w, first, count, gram);
        for (int i = 0; i < n; i++) gram[(size_t)i * (size_t)n + (size_t)i] *= 1.0 + ridge;
        if (pp_cholesky_factor(gram, n, w->scratch) == 0) return PP_OK;
        ridge = ridge == 0.0 ? 1e-14 : 10.0 * ridge;
    }
    return pp_fail(err, PP_ERR_INTERNAL, "BSS-eval: the references cannot be told apart");
}

/* Projects the estimate on the delayed copies of references [first, first + count). */
static void project(pp_bss *w, int first, int count, const double *factor, fftw_complex *projection)
{
    const int n = count * w->taps;
    memcpy(w->filter, w->delayed + (size_t)first * (size_t)w->taps, (size_t)n * sizeof(double));
    pp_cholesky_solve(factor, n, w->filter);
    memset(projection, 0, (size_t)w->bins * sizeof *projection);
    for (int i = 0; i < count; i++) {
        memset(w->time, 0, (size_t)w->length * sizeof *w->time);
        memcpy(w->time, w->filter + (size_t)i * (size_t)w->taps, (size_t)w->taps * sizeof *w->time);
        fftw_execute(w->forward);
        const fftw_complex *r = reference(w, first + i);
        for (int k = 0; k < w->bins; k++) {
            projection[k][0] += w->freq[k][0] * r[k][0] - w->freq[k][1] * r[k][1];
            projection[k][1] += w->freq[k][0] * r[k][1] + w->freq[k][1] * r[k][0];
        }
    }
}

/* Energy of a - b; b may be NULL. The half spectrum of a real signal: the inner bins count twice.
 */
static double energy(const pp_bss *w, fftw_complex *const a, fftw_complex *const b)
{
    double sum = 0.0;
    for (int k = 0; k < w->bins; k++) {
        double re = a[k][0] - (b != NULL ? b[k][0] : 0.0);
        double im = a[k][1] - (b != NULL ? b[k][1] : 0.0);
        sum += (k == 0 || k == w->bins - 1 ? 1.0 : 2.0) * (re * re + im * im);
    }
    return sum;
}

static double decibels(double numerator, double denominator)
{
    if (denominator <= 0.0) return INFINITY;
    return 10.0 * log10(numerator / denominator);
}

typedef struct figures {
    double sdr, sir, sar;
} figures;

/* row[j]: the figures of this estimate, were it meant for reference j. */
static void score_estimate(pp_bss *w, const float *estimate, int64_t samples, int only,
                           figures *row)
{
    transform(w, estimate, samples, w->estimate);
    for (int i = 0; i < w->sources; i++) {
        correlate(w, reference(w, i), w->estimate);
        memcpy(w->delayed + (size_t)i * (size_t)w->taps, w->time, (size_t)w->taps * sizeof(double));
    }
    project(w, 0, w->sources, w->whole, w->all);
    for (int j = 0; j < w->sources; j++) {
        if (only >= 0 && j != only) continue;
        project(w, j, 1, w->single + (size_t)j * (size_t)w->taps * (size_t)w->taps, w->target);
        double target = energy(w, w->target, NULL);
        /* With one source there is no interference; its rounding noise is not a figure. */
        double interference = w->sources > 1 ? energy(w, w->all, w->target) : 0.0;
        row[j].sdr = decibels(target, energy(w, w->estimate, w->target));
        row[j].sir = decibels(target, interference);
        row[j].sar = decibels(energy(w, w->all, NULL), energy(w, w->estimate, w->all));
    }
}

/* The next permutation in lexicographic order; 0 behind the last. */
static int next_permutation(int *p, int n)
{
    int i = n - 2;
    while (i >= 0 && p[i] > p[i + 1]) i--;
    if (i < 0) return 0;
    int j = n - 1;
    while (p[j] < p[i]) j--;
    int kept = p[i];
    p[i] = p[j];
    p[j] = kept;
    for (int a = i + 1, b = n - 1; a < b; a++, b--) {
        kept = p[a];
        p[a] = p[b];
        p[b] = kept;
    }
    return 1;
}

static void choose_permutation(int n, figures scores[][PP_BSS_MOST_SOURCES], int *best)
{
    int p[PP_BSS_MOST_SOURCES];
    double most = -INFINITY;
    for (int i = 0; i < n; i++) p[i] = best[i] = i;
    do {
        double sum = 0.0;
        for (int i = 0; i < n; i++) sum += scores[p[i]][i].sir;
        if (sum > most) {
            most = sum;
            memcpy(best, p, (size_t)n * sizeof *p);
        }
    } while (next_permutation(p, n));
}

static pp_status refuse_unusable(const float *const *sounds, int count, int64_t samples,
                                 const char *what, pp_error *err)
{
    for (int i = 0; i < count; i++) {
        double sum = 0.0;
        for (int64_t n = 0; n < samples; n++) sum += (double)sounds[i][n] * (double)sounds[i][n];
        if (!isfinite(sum)) {
            return pp_fail(err, PP_ERR_USAGE, "BSS-eval: %s %d is not finite", what, i + 1);
        }
        if (sum == 0.0) {
            return pp_fail(err, PP_ERR_USAGE,
                           "BSS-eval: %s %d is silent: SDR, SIR and SAR would mean nothing", what,
                           i + 1);
        }
    }
    return PP_OK;
}

static pp_status correlate_and_factor(pp_bss *w, const float *const *references, pp_error *err)
{
    const size_t square = (size_t)w->taps * (size_t)w->taps;
    for (int i = 0; i < w->sources; i++) {
        transform(w, references[i], w->samples, reference(w, i));
    }
    correlate_references(w);
    pp_status status = factor_gram(w, 0, w->sources, w->whole, err);
    for (int i = 0; i < w->sources && status == PP_OK; i++) {
        status = factor_gram(w, i, 1, w->single + (size_t)i * square, err);
    }
    return status;
}

pp_status pp_bss_create(pp_bss **out, const float *const *references, int sources, int64_t samples,
                        int filter_taps, pp_error *err)
{
    *out = NULL;
    if (sources < 1 || sources > PP_BSS_MOST_SOURCES || filter_taps < 1 || filter_taps > 4096 ||
        samples < filter_taps || samples > INT64_C(1) << 29) {
        return pp_fail(err, PP_ERR_USAGE,
                       "BSS-eval of %d sources, %lld samples, %d taps: 1 to %d sources, 1 to 4096 "
                       "taps, and at least as many samples as taps",
                       sources, (long long)samples, filter_taps, PP_BSS_MOST_SOURCES);
    }
    pp_status status = refuse_unusable(references, sources, samples, "reference", err);
    if (status != PP_OK) return status;
    pp_bss *w = NULL;
    status = pp_alloc_checked((void **)&w, 1, sizeof *w, "BSS-eval", err);
    if (status != PP_OK) return status;
    w->samples = samples;
    w->sources = sources;
    w->taps = filter_taps;
    w->order = sources * filter_taps;
    w->length = (int)good_length(samples + filter_taps - 1);
    w->bins = w->length / 2 + 1;
    status = prepare(w, err);
    if (status == PP_OK) status = correlate_and_factor(w, references, err);
    if (status != PP_OK) pp_bss_destroy(&w);
    *out = w;
    return status;
}

pp_status pp_bss_score(pp_bss *w, const float *const *estimates, int best_permutation,
                       pp_bss_result *out, pp_error *err)
{
    memset(out, 0, sizeof *out);
    pp_status status = refuse_unusable(estimates, w->sources, w->samples, "estimate", err);
    if (status != PP_OK) return status;
    figures scores[PP_BSS_MOST_SOURCES][PP_BSS_MOST_SOURCES];
    for (int i = 0; i < w->sources; i++) {
        score_estimate(w, estimates[i], w->samples, best_permutation ? -1 : i, scores[i]);
    }
    out->sources = w->sources;
    for (int i = 0; i < w->sources; i++) out->permutation[i] = i;
    if (best_permutation) choose_permutation(w->sources, scores, out->permutation);
    for (int i = 0; i < w->sources; i++) {
        const figures *f = &scores[out->permutation[i]][i];
        out->sdr_db[i] = f->sdr;
        out->sir_db[i] = f->sir;
        out->sar_db[i] = f->sar;
    }
    return PP_OK;
}

pp_status pp_bss_eval(const float *const *references, const float *const *estimates, int sources,
                      int64_t samples, int filter_taps, int best_permutation, pp_bss_result *out,
                      pp_error *err)
{
    memset(out, 0, sizeof *out);
    pp_bss *bss = NULL;
    pp_status status = pp_bss_create(&bss, references, sources, samples, filter_taps, err);
    if (status == PP_OK) status = pp_bss_score(bss, estimates, best_permutation, out, err);
    pp_bss_destroy(&bss);
    return status;
}
