/* The metric of cast: distances between activations are RMS differences of masks in logits. */
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "eval/cholesky.h"
#include "pipeline/cast_groups.h"

#define RIDGE 1e-9        /* of the mean diagonal: keeps a singular matrix (a component without */
#define LEAST_RIDGE 1e-12 /* weight) factorable; logits^2, far below what makes a difference */

/* Weighted means [K] over the bins used; returns the sum of weights. */
static double find_means(const pp_quantised_maps *maps, const float *magnitude, int components,
                         int64_t bins, double *means)
{
    double weight = 0;
    for (int64_t bin = 0; bin < bins; bin += PP_CAST_BIN_STEP) weight += magnitude[bin];
    for (int k = 0; k < components; k++) {
        const uint8_t *codes = maps->codes + k * bins;
        double sum = 0;
        for (int64_t bin = 0; bin < bins; bin += PP_CAST_BIN_STEP) {
            sum += (double)magnitude[bin] * codes[bin];
        }
        means[k] = weight > 0 ? sum / weight : 0;
    }
    return weight;
}

PP_CLONES static void add_products(const float *restrict deviation, int components, float weight,
                                   float *restrict products)
{
    for (int k = 0; k < components; k++) {
        float by = weight * deviation[k], *out = products + (int64_t)k * components;
        for (int l = 0; l < components; l++) out[l] += by * deviation[l];
    }
}

void pp_cast_covariance(const pp_quantised_maps *maps, const float *magnitude, int components,
                        int rows, int frames, double *means, float *deviation, float *products,
                        double *weight)
{
    int64_t bins = (int64_t)rows * frames;
    memset(products, 0, (size_t)components * (size_t)components * sizeof *products);
    *weight = find_means(maps, magnitude, components, bins, means);
    for (int64_t bin = 0; bin < bins; bin += PP_CAST_BIN_STEP) {
        for (int k = 0; k < components; k++) {
            deviation[k] = maps->scale[k] * ((float)maps->codes[k * bins + bin] - (float)means[k]);
        }
        add_products(deviation, components, magnitude[bin], products);
    }
}

struct pp_cast_metric {
    int components;
    double *factor; /* [K, K] lower triangular F with F F' = C G C; z = F' v */
};

/* C G C with a small ridge into the matrix. */
static void fill(double *matrix, int components, const double *products_sum, double weight_sum,
                 const float *scale)
{
    double trace = 0;
    for (int i = 0; i < components; i++) {
        for (int j = 0; j < components; j++) {
            /* Both triangles averaged: floats were summed in two orders. */
            double both = products_sum[i * components + j] + products_sum[j * components + i];
            double mean = weight_sum > 0 ? both / (2 * weight_sum) : 0;
            matrix[i * components + j] = mean * scale[i] * scale[j];
        }
        trace += matrix[i * components + i];
    }
    for (int i = 0; i < components; i++) {
        matrix[i * components + i] += RIDGE * trace / components + LEAST_RIDGE;
    }
}

pp_status pp_cast_metric_create(pp_cast_metric **out, int components, const double *products_sum,
                                double weight_sum, const float *scale, pp_error *err)
{
    void *memory = NULL, *factor = NULL, *workspace = NULL;
    *out = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "the cast's metric", err);
    if (status != PP_OK) return status;
    pp_cast_metric *metric = memory;
    metric->components = components;
    status = pp_alloc_checked(&factor, (size_t)components * (size_t)components, sizeof(double),
                              "the cast's metric", err);
    metric->factor = factor;
    if (status == PP_OK) {
        status = pp_alloc_checked(&workspace, (size_t)pp_cholesky_workspace(components),
                                  sizeof(double), "the cast's metric", err);
    }
    if (status == PP_OK) {
        fill(metric->factor, components, products_sum, weight_sum, scale);
        if (pp_cholesky_factor(metric->factor, components, workspace) != 0)
            status = pp_fail(err, PP_ERR_INTERNAL, "the component maps' covariance is not finite");
    }
    pp_free(workspace);
    if (status == PP_OK) *out = metric;
    else pp_cast_metric_destroy(&metric);
    return status;
}

void pp_cast_metric_destroy(pp_cast_metric **metric)
{
    if (*metric == NULL) return;
    pp_free((*metric)->factor);
    PP_FREE(*metric);
}

void pp_cast_metric_map(const pp_cast_metric *metric, const float *v, float *z)
{
    int size = metric->components;
    for (int j = 0; j < size; j++) {
        double sum = 0;
        for (int i = j; i < size; i++) sum += metric->factor[i * size + j] * v[i];
        z[j] = (float)sum;
    }
}
