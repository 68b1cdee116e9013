#include "eval/nmf.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "eval/bss.h"
#include "eval/nmf_group.h"

enum { LANES = 8 }; /* columns are padded to this, so that inner loops have a known length */

static const float tiny = 1e-12F; /* keeps quotients finite where a component has died */

struct pp_nmf {
    pp_nmf_options options;
    int rows, columns, padded;
    float *v;             /* [rows, padded] */
    float *w, *h;         /* [rows, rank], [rank, padded] */
    float *model;         /* [rows, padded] W H */
    float *quotient;      /* [rows, padded] V model^(beta - 2) */
    float *power;         /* [rows, padded] model^(beta - 1) */
    float *above, *below; /* [max(rows * rank, rank * padded)] numerator, denominator */
    double *features;     /* [rank, PP_NMF_FEATURES] */
    int *owner;           /* [rank] source that a component belongs to */
    double *shares;       /* [rank, PP_BSS_MOST_SOURCES] of each source in a component */
};

static const char *const names[] = {"kl", "euclidean", "is"};

const char *pp_nmf_divergence_name(pp_nmf_divergence divergence)
{
    return names[divergence];
}

pp_status pp_nmf_divergence_parse(pp_nmf_divergence *out, const char *name, pp_error *err)
{
    for (int i = 0; i < 3; i++) {
        if (!pp_text_equal(name, names[i])) continue;
        *out = (pp_nmf_divergence)i;
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "NMF divergence '%s': kl, euclidean or is", name);
}

static pp_status allocate(pp_nmf *nmf, pp_error *err)
{
    const size_t cells = (size_t)nmf->rows * (size_t)nmf->padded, rank = (size_t)nmf->options.rank;
    const size_t w = (size_t)nmf->rows * rank, h = rank * (size_t)nmf->padded;
    const size_t factor = w > h ? w : h;
    const struct {
        float **to;
        size_t count;
    } arrays[] = {
        {&nmf->v, cells},        {&nmf->w, w},         {&nmf->h, h},          {&nmf->model, cells},
        {&nmf->quotient, cells}, {&nmf->power, cells}, {&nmf->above, factor}, {&nmf->below, factor},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        pp_status status =
            pp_alloc_checked((void **)arrays[i].to, arrays[i].count, sizeof(float), "NMF", err);
        if (status != PP_OK) return status;
    }
    pp_status status = pp_alloc_checked((void **)&nmf->features, rank * PP_NMF_FEATURES,
                                        sizeof(double), "NMF", err);
    if (status != PP_OK) return status;
    status = pp_alloc_checked((void **)&nmf->owner, rank, sizeof(int), "NMF", err);
    if (status != PP_OK) return status;
    return pp_alloc_checked((void **)&nmf->shares, rank * PP_BSS_MOST_SOURCES, sizeof(double),
                            "NMF", err);
}

pp_status pp_nmf_create(pp_nmf **out, int rows, int columns, const pp_nmf_options *options,
                        pp_error *err)
{
    *out = NULL;
    if (rows < 1 || columns < 1 || options->rank < 1 || options->rank > 1024 ||
        options->iterations < 1 || options->iterations > 100000) {
        return pp_fail(err, PP_ERR_USAGE,
                       "NMF of rank %d with %d iterations: a rank of 1 to 1024 and 1 to 100000 "
                       "iterations",
                       options->rank, options->iterations);
    }
    pp_nmf *nmf = NULL;
    pp_status status = pp_alloc_checked((void **)&nmf, 1, sizeof *nmf, "NMF", err);
    if (status != PP_OK) return status;
    nmf->options = *options;
    nmf->rows = rows;
    nmf->columns = columns;
    nmf->padded = (columns + LANES - 1) / LANES * LANES;
    status = allocate(nmf, err);
    if (status != PP_OK) pp_nmf_destroy(&nmf);
    *out = nmf;
    return status;
}

void pp_nmf_destroy(pp_nmf **nmf)
{
    pp_nmf *n = *nmf;
    if (n == NULL) return;
    float *const all[] = {n->v, n->w, n->h, n->model, n->quotient, n->power, n->above, n->below};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pp_free(all[i]);
    pp_free(n->owner);
    pp_free(n->features);
    pp_free(n->shares);
    PP_FREE(*nmf);
}

static void multiply(const pp_nmf *nmf)
{
    const int rank = nmf->options.rank, padded = nmf->padded;
    for (int r = 0; r < nmf->rows; r++) {
        const float *w = nmf->w + (size_t)r * (size_t)rank;
        for (int c = 0; c < padded; c += LANES) {
            float sum[LANES] = {0};
            for (int k = 0; k < rank; k++) {
                const float *h = nmf->h + (size_t)k * (size_t)padded + c;
                for (int l = 0; l < LANES; l++) sum[l] += w[k] * h[l];
            }
            float *to = nmf->model + (size_t)r * (size_t)padded + c;
            for (int l = 0; l < LANES; l++) to[l] = sum[l] + tiny;
        }
    }
}

/* V model^(beta - 2) and model^(beta - 1) for beta = 1 (KL), 2 (Euclidean), 0 (Itakura-Saito). */
static void prepare_update(const pp_nmf *nmf)
{
    const size_t cells = (size_t)nmf->rows * (size_t)nmf->padded;
    multiply(nmf);
    switch (nmf->options.divergence) {
    case PP_NMF_KL:
        for (size_t i = 0; i < cells; i++) nmf->quotient[i] = nmf->v[i] / nmf->model[i];
        break;
    case PP_NMF_EUCLIDEAN:
        memcpy(nmf->quotient, nmf->v, cells * sizeof(float));
        memcpy(nmf->power, nmf->model, cells * sizeof(float));
        break;
    case PP_NMF_IS:
        for (size_t i = 0; i < cells; i++) nmf->power[i] = 1.0F / nmf->model[i];
        for (size_t i = 0; i < cells; i++) {
            nmf->quotient[i] = nmf->v[i] * nmf->power[i] * nmf->power[i];
        }
        break;
    }
}

/* out [rank, padded] = W^T m */
static void times_w(const pp_nmf *nmf, const float *m, float *out)
{
    const int rank = nmf->options.rank, padded = nmf->padded;
    memset(out, 0, (size_t)rank * (size_t)padded * sizeof *out);
    for (int r = 0; r < nmf->rows; r++) {
        const float *row = m + (size_t)r * (size_t)padded;
        for (int k = 0; k < rank; k++) {
            const float w = nmf->w[(size_t)r * (size_t)rank + (size_t)k];
            float *to = out + (size_t)k * (size_t)padded;
            for (int c = 0; c < padded; c += LANES) {
                for (int l = 0; l < LANES; l++) to[c + l] += w * row[c + l];
            }
        }
    }
}

/* out [rows, rank] = m H^T; padding has H = 0 and counts for nothing. */
static void times_h(const pp_nmf *nmf, const float *m, float *out)
{
    const int rank = nmf->options.rank, padded = nmf->padded;
    for (int r = 0; r < nmf->rows; r++) {
        const float *row = m + (size_t)r * (size_t)padded;
        for (int k = 0; k < rank; k++) {
            const float *h = nmf->h + (size_t)k * (size_t)padded;
            float sum[LANES] = {0}, all = 0.0F;
            for (int c = 0; c < padded; c += LANES) {
                for (int l = 0; l < LANES; l++) sum[l] += row[c + l] * h[c + l];
            }
            for (int l = 0; l < LANES; l++) all += sum[l];
            out[(size_t)r * (size_t)rank + (size_t)k] = all;
        }
    }
}

/* The denominators for KL: sums of the other factor. */
static void sums_of_w(const pp_nmf *nmf, float *out)
{
    const int rank = nmf->options.rank, padded = nmf->padded;
    for (int k = 0; k < rank; k++) {
        float sum = 0.0F;
        for (int r = 0; r < nmf->rows; r++) sum += nmf->w[(size_t)r * (size_t)rank + (size_t)k];
        for (int c = 0; c < padded; c++) out[(size_t)k * (size_t)padded + (size_t)c] = sum;
    }
}

static void sums_of_h(const pp_nmf *nmf, float *out)
{
    const int rank = nmf->options.rank, padded = nmf->padded;
    for (int k = 0; k < rank; k++) {
        float sum = 0.0F;
        for (int c = 0; c < padded; c++) sum += nmf->h[(size_t)k * (size_t)padded + (size_t)c];
        for (int r = 0; r < nmf->rows; r++) out[(size_t)r * (size_t)rank + (size_t)k] = sum;
    }
}

static void scale_factor(const pp_nmf *nmf, float *factor, size_t count)
{
    const int root = nmf->options.divergence == PP_NMF_IS;
    for (size_t i = 0; i < count; i++) {
        float step = nmf->above[i] / (nmf->below[i] + tiny);
        factor[i] *= root ? sqrtf(step) : step;
    }
}

/* Columns of W sum to 1; what was taken goes into H. */
static void normalise(const pp_nmf *nmf)
{
    const int rank = nmf->options.rank, padded = nmf->padded;
    for (int k = 0; k < rank; k++) {
        float sum = tiny;
        for (int r = 0; r < nmf->rows; r++) sum += nmf->w[(size_t)r * (size_t)rank + (size_t)k];
        for (int r = 0; r < nmf->rows; r++) nmf->w[(size_t)r * (size_t)rank + (size_t)k] /= sum;
        for (int c = 0; c < padded; c++) nmf->h[(size_t)k * (size_t)padded + (size_t)c] *= sum;
    }
}

static double divergence_left(const pp_nmf *nmf)
{
    double sum = 0.0;
    for (int r = 0; r < nmf->rows; r++) {
        for (int c = 0; c < nmf->columns; c++) {
            const size_t i = (size_t)r * (size_t)nmf->padded + (size_t)c;
            double v = (double)nmf->v[i] + (double)tiny, m = nmf->model[i];
            switch (nmf->options.divergence) {
            case PP_NMF_KL:
                sum += v * log(v / m) - v + m;
                break;
            case PP_NMF_EUCLIDEAN:
                sum += 0.5 * (v - m) * (v - m);
                break;
            case PP_NMF_IS:
                sum += v / m - log(v / m) - 1.0;
                break;
            }
        }
    }
    return sum / ((double)nmf->rows * nmf->columns);
}

static void start(pp_nmf *nmf, const float *magnitude)
{
    const size_t rank = (size_t)nmf->options.rank, padded = (size_t)nmf->padded;
    double mean = 0.0;
    for (int r = 0; r < nmf->rows; r++) {
        const float *row = magnitude + (size_t)r * (size_t)nmf->columns;
        memcpy(nmf->v + (size_t)r * padded, row, (size_t)nmf->columns * sizeof *row);
        for (int c = 0; c < nmf->columns; c++) mean += row[c];
    }
    mean /= (double)nmf->rows * nmf->columns;
    pp_random random;
    pp_random_seed(&random, nmf->options.seed, 0);
    for (size_t i = 0; i < (size_t)nmf->rows * rank; i++) {
        nmf->w[i] = (float)((0.5 + pp_random_uniform(&random)) / nmf->rows);
    }
    memset(nmf->h, 0, rank * padded * sizeof *nmf->h);
    for (size_t k = 0; k < rank; k++) {
        for (int c = 0; c < nmf->columns; c++) {
            nmf->h[k * padded + (size_t)c] =
                (float)((0.5 + pp_random_uniform(&random)) * mean * nmf->rows / nmf->options.rank);
        }
    }
}

double pp_nmf_factor(pp_nmf *nmf, const float *magnitude)
{
    const size_t w = (size_t)nmf->rows * (size_t)nmf->options.rank;
    const size_t h = (size_t)nmf->options.rank * (size_t)nmf->padded;
    const int kl = nmf->options.divergence == PP_NMF_KL;
    start(nmf, magnitude);
    for (int i = 0; i < nmf->options.iterations; i++) {
        prepare_update(nmf);
        times_w(nmf, nmf->quotient, nmf->above);
        if (kl) sums_of_w(nmf, nmf->below);
        else times_w(nmf, nmf->power, nmf->below);
        scale_factor(nmf, nmf->h, h);
        prepare_update(nmf);
        times_h(nmf, nmf->quotient, nmf->above);
        if (kl) sums_of_h(nmf, nmf->below);
        else times_h(nmf, nmf->power, nmf->below);
        scale_factor(nmf, nmf->w, w);
        normalise(nmf);
    }
    multiply(nmf);
    return divergence_left(nmf);
}

/* How much of component k's sound lies in cells where `source` dominates: sum of W H weighted by
 * the source's share of all. */
static double overlap(const pp_nmf *nmf, int k, const float *const *sources, int count, int which)
{
    const size_t rank = (size_t)nmf->options.rank, padded = (size_t)nmf->padded;
    const float *h = nmf->h + (size_t)k * padded;
    double total = 0.0;
    for (int r = 0; r < nmf->rows; r++) {
        double row = 0.0;
        for (int c = 0; c < nmf->columns; c++) {
            const size_t i = (size_t)r * (size_t)nmf->columns + (size_t)c;
            float sum = tiny;
            for (int n = 0; n < count; n++) sum += sources[n][i];
            row += (double)(h[c] * sources[which][i] / sum);
        }
        total += (double)nmf->w[(size_t)r * rank + (size_t)k] * row;
    }
    return total;
}

/* shares [rank, count] */
static void share_out(const pp_nmf *nmf, const float *const *sources, int count, double *shares)
{
    for (int k = 0; k < nmf->options.rank; k++) {
        for (int n = 0; n < count; n++) {
            shares[k * count + n] = overlap(nmf, k, sources, count, n);
        }
    }
}

/* owner[k]: the source that component k overlaps most. A source left without any takes the
 * component of which it has the largest share, from a source that keeps another. */
static void assign(const pp_nmf *nmf, int count, int *owner, const double *shares)
{
    const int rank = nmf->options.rank;
    for (int k = 0; k < rank; k++) {
        owner[k] = 0;
        for (int n = 1; n < count; n++) {
            if (shares[k * count + n] > shares[k * count + owner[k]]) owner[k] = n;
        }
    }
    for (int n = 0; n < count && rank >= count; n++) {
        int best = -1, owned = 0;
        for (int k = 0; k < rank; k++) {
            owned += owner[k] == n;
            int left = 0;
            for (int other = 0; other < rank; other++) left += owner[other] == owner[k];
            if (left < 2) continue;
            if (best < 0 || shares[k * count + n] > shares[best * count + n]) best = k;
        }
        if (owned == 0 && best >= 0) owner[best] = n;
    }
}

void pp_nmf_masks(pp_nmf *nmf, pp_nmf_grouping grouping, const float *const *sources, int count,
                  float *const *masks)
{
    const int rank = nmf->options.rank, padded = nmf->padded;
    const int *owner = nmf->owner;
    share_out(nmf, sources, count, nmf->shares);
    if (grouping == PP_NMF_ORACLE) {
        assign(nmf, count, nmf->owner, nmf->shares);
    } else {
        const pp_components components = {nmf->w, nmf->h, nmf->rows, rank, nmf->columns, padded};
        pp_nmf_group(&components, count, nmf->options.seed, nmf->shares, nmf->features, nmf->owner);
    }
    for (int r = 0; r < nmf->rows; r++) {
        const float *w = nmf->w + (size_t)r * (size_t)rank;
        for (int c = 0; c < nmf->columns; c++) {
            const size_t i = (size_t)r * (size_t)nmf->columns + (size_t)c;
            float sum = 0.0F;
            for (int n = 0; n < count; n++) masks[n][i] = 0.0F;
            for (int k = 0; k < rank; k++) {
                const float part = w[k] * nmf->h[(size_t)k * (size_t)padded + (size_t)c] + tiny;
                masks[owner[k]][i] += part;
                sum += part;
            }
            for (int n = 0; n < count; n++) masks[n][i] /= sum;
        }
    }
}
