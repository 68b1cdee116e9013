/* BSS-eval version 3 (Vincent, Gribonval, Fevotte 2006, with 512-tap time-invariant distortion
 * filters as in mir_eval's bss_eval_sources): SDR, SIR and SAR in dB.
 *
 * Computed in double precision: correlations by FFT, the block-Toeplitz normal equations factored
 * once for a set of references. One thread, and no two objects created or destroyed at the same
 * time (FFTW's planner). Two sources of 6 s take about 0.1 s and 30 MB; memory grows with
 * (sources * taps)^2.
 */
#ifndef PP_EVAL_BSS_H
#define PP_EVAL_BSS_H

#include <stdint.h>

#include "base/status.h"

#define PP_BSS_MOST_SOURCES 8

typedef struct pp_bss_result {
    int sources;
    int permutation[PP_BSS_MOST_SOURCES]; /* estimate that stands for reference i */
    double sdr_db[PP_BSS_MOST_SOURCES], sir_db[PP_BSS_MOST_SOURCES], sar_db[PP_BSS_MOST_SOURCES];
} pp_bss_result;

/* For many estimates of the same sources: what depends on the references alone is done once.
 * references [sources][samples] are not kept. A silent reference is refused (PP_ERR_USAGE, naming
 * it, counted from 1): figures against it would mean nothing. */
typedef struct pp_bss pp_bss;
pp_status pp_bss_create(pp_bss **out, const float *const *references, int sources, int64_t samples,
                        int filter_taps, pp_error *err) PP_MUST_USE;
void pp_bss_destroy(pp_bss **bss);

/* estimates: [sources][samples]. best_permutation: try all and keep the one with the highest mean
 * SIR; otherwise estimate i stands for reference i. With one source SIR is infinite. A silent
 * estimate is refused as above. */
pp_status pp_bss_score(pp_bss *bss, const float *const *estimates, int best_permutation,
                       pp_bss_result *out, pp_error *err) PP_MUST_USE;

/* All three in one call. */
pp_status pp_bss_eval(const float *const *references, const float *const *estimates, int sources,
                      int64_t samples, int filter_taps, int best_permutation, pp_bss_result *out,
                      pp_error *err) PP_MUST_USE;

#endif
