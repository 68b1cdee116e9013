/* Cast, first half: which kinds of sound do the pixels of a video make? docs/pipeline.md, Cast.
 *
 * Pixels are compared by what their masks do. The mask of a pixel with activations v is
 * sigmoid(sum_k v_k c_k s_k + bias) with synthesizer scale c and component maps s, so the logits of
 * two pixels differ by sum_k (v_k - v'_k) c_k s_k. Its mean over a window makes one mask more open
 * everywhere, which is no other sound; its variance over the bins, weighted by how loud each is, is
 * (v - v')' C G C (v - v') with the covariance G of the maps. A metric maps v to z with exactly
 * these distances: |z - z'| is the RMS difference of two masks in logits, their means apart.
 *
 * Groups: z of loud pixels, streamed in time order into a fixed number of small clusters (as in
 * BIRCH: Zhang, Ramakrishnan, Livny, SIGMOD 1996; the radius grows when room runs out), which are
 * merged into kinds at the end. State of fixed size; the same order gives the same result.
 */
#ifndef PP_PIPELINE_CAST_GROUPS_H
#define PP_PIPELINE_CAST_GROUPS_H

#include "model/model.h"

/* ---- the metric -------------------------------------------------------------------------- */

/* Sums for the covariance of one window's maps: products [K, K] of deviations from the window's
 * means, and the weight, the sum of magnitudes over the bins used. means, deviation: scratch [K].
 */
#define PP_CAST_BIN_STEP                                                                           \
    13 /* one bin in 13 is plenty; odd, so that it meets every row and column */
void pp_cast_covariance(const pp_quantised_maps *maps, const float *magnitude, int components,
                        int rows, int frames, double *means, float *deviation, float *products,
                        double *weight);

typedef struct pp_cast_metric pp_cast_metric;
/* products_sum [K, K]: sum over windows of products; weight_sum of their weights; scale [K]. */
pp_status pp_cast_metric_create(pp_cast_metric **out, int components, const double *products_sum,
                                double weight_sum, const float *scale, pp_error *err) PP_MUST_USE;
void pp_cast_metric_destroy(pp_cast_metric **metric);
/* v [K] -> z [K] */
void pp_cast_metric_map(const pp_cast_metric *metric, const float *v, float *z);

/* ---- groups ------------------------------------------------------------------------------ */

typedef struct pp_cast_groups pp_cast_groups;
pp_status pp_cast_groups_create(pp_cast_groups **out, int components, pp_error *err) PP_MUST_USE;
void pp_cast_groups_destroy(pp_cast_groups **groups);
void pp_cast_groups_add(pp_cast_groups *groups, const float *z, double weight);

/* The kinds found, loudest first. One that stands for everything where no mask differs from the
 * quietest pixels' (an untrained network) or nothing was added. */
typedef struct pp_cast_kinds {
    int count, components;
    int everything;   /* one kind, and every pixel is of it */
    double least_cos; /* how alike a pixel must be */
    double same2;     /* squared distance from the origin below which a mask is off */
    float *origin;    /* [K]: z of the least activations seen, where masks are off */
    float *centers;   /* [count, K]: z */
} pp_cast_kinds;
/* alike: cosine at the origin above which two groups are one kind. Freed by pp_cast_kinds_free. */
pp_status pp_cast_groups_finish(pp_cast_groups *groups, const float *origin_z, double alike,
                                int most, pp_cast_kinds *out, pp_error *err) PP_MUST_USE;
void pp_cast_kinds_free(pp_cast_kinds *kinds);
/* Sets same2 of kinds that were given, not found. */
void pp_cast_kinds_measure(pp_cast_kinds *kinds);
/* The kind of a pixel, or -1. */
int pp_cast_kind_of(const pp_cast_kinds *kinds, const float *z);

#endif
