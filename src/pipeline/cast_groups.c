/* Streaming clusters of pixels, merged into kinds of sound. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "pipeline/cast_groups.h"

#define MOST_CLUSTERS 64
#define MOST_SAME_LOGITS 0.5  /* RMS difference below which two masks count as one: this, or */
#define SAME_SHARE 0.2        /* this much of what the most open kind is from the origin, */
#define LEAST_SAME_LOGITS 0.1 /* but no less */
#define FIRST_RADIUS 0.25     /* logits: half of that */
#define RADIUS_GROWTH 1.4
#define LEAST_SHARE 0.05    /* of all weight: a kind with less is dropped */
#define LEAST_CLUSTER 0.002 /* of all weight: a small cluster with less is noise */
#define PIXEL_SLACK 0.9     /* a pixel needs this much of the likeness asked of groups */

struct pp_cast_groups {
    int components, count;
    double radius2;
    double same2;    /* squared: below it two masks count as one */
    double *weights; /* [MOST_CLUSTERS + 1] */
    float *centers;  /* [MOST_CLUSTERS + 1, K]; one more than ever stays */
};

pp_status pp_cast_groups_create(pp_cast_groups **out, int components, pp_error *err)
{
    void *memory = NULL, *weights = NULL, *centers = NULL;
    *out = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "the cast's groups", err);
    if (status != PP_OK) return status;
    pp_cast_groups *groups = memory;
    status =
        pp_alloc_checked(&weights, MOST_CLUSTERS + 1, sizeof(double), "the cast's groups", err);
    groups->weights = weights;
    if (status == PP_OK) {
        status = pp_alloc_checked(&centers, MOST_CLUSTERS + 1, (size_t)components * sizeof(float),
                                  "the cast's groups", err);
    }
    groups->centers = centers;
    groups->components = components;
    groups->radius2 = FIRST_RADIUS * FIRST_RADIUS;
    if (status == PP_OK) *out = groups;
    else pp_cast_groups_destroy(&groups);
    return status;
}

void pp_cast_groups_destroy(pp_cast_groups **groups)
{
    if (*groups == NULL) return;
    pp_free((*groups)->weights);
    pp_free((*groups)->centers);
    PP_FREE(*groups);
}

static double distance2(const float *a, const float *b, int components)
{
    double sum = 0;
    for (int k = 0; k < components; k++) {
        double by = (double)a[k] - b[k];
        sum += by * by;
    }
    return sum;
}

static float *center(const pp_cast_groups *groups, int cluster)
{
    return groups->centers + (int64_t)cluster * groups->components;
}

/* Adds z with its weight to a cluster: the centre is the weighted mean. */
static void absorb(pp_cast_groups *groups, int cluster, const float *z, double weight)
{
    float *at = center(groups, cluster);
    groups->weights[cluster] += weight;
    double share = weight / groups->weights[cluster];
    for (int k = 0; k < groups->components; k++) {
        at[k] = (float)(at[k] + share * ((double)z[k] - at[k]));
    }
}

static void append(pp_cast_groups *groups, const float *z, double weight)
{
    int at = groups->count++;
    memcpy(center(groups, at), z, (size_t)groups->components * sizeof *z);
    groups->weights[at] = weight;
}

/* Takes a cluster out; the later ones move up, so that their order stays. */
static void take_out(pp_cast_groups *groups, int cluster)
{
    int behind = --groups->count - cluster;
    size_t row = (size_t)groups->components;
    memmove(center(groups, cluster), center(groups, cluster + 1),
            (size_t)behind * row * sizeof(float));
    memmove(groups->weights + cluster, groups->weights + cluster + 1,
            (size_t)behind * sizeof(double));
}

static void merge(pp_cast_groups *groups, int into, int from)
{
    absorb(groups, into, center(groups, from), groups->weights[from]);
    take_out(groups, from);
}

/* No more room: wider clusters, until at least one has gone. */
static void widen(pp_cast_groups *groups)
{
    while (groups->count > MOST_CLUSTERS) {
        groups->radius2 *= RADIUS_GROWTH * RADIUS_GROWTH;
        for (int i = 0; i < groups->count; i++) {
            for (int j = groups->count - 1; j > i; j--) {
                if (distance2(center(groups, i), center(groups, j), groups->components) <=
                    groups->radius2)
                    merge(groups, i, j);
            }
        }
    }
}

void pp_cast_groups_add(pp_cast_groups *groups, const float *z, double weight)
{
    if (!(weight > 0)) return;
    int nearest = -1;
    double least = 0;
    for (int i = 0; i < groups->count; i++) {
        double away = distance2(center(groups, i), z, groups->components);
        if (nearest < 0 || away < least) nearest = i, least = away;
    }
    if (nearest >= 0 && least <= groups->radius2) {
        absorb(groups, nearest, z, weight);
        return;
    }
    append(groups, z, weight);
    widen(groups);
}

/* ---- kinds ------------------------------------------------------------------------------- */

/* Squared. How far masks differ follows from how far training has opened them, so a video's own
 * masks are the measure: the furthest from the origin of those with least_weight or more.
 * weights: NULL: all count. */
static double measure(const float *origin, const float *centers, const double *weights,
                      double least_weight, int count, int components)
{
    double most2 = 0;
    for (int i = 0; i < count; i++) {
        if (weights != NULL && weights[i] < least_weight) continue;
        const float *at = centers + (int64_t)i * components;
        most2 = fmax(most2, distance2(at, origin, components));
    }
    const double same = SAME_SHARE * sqrt(most2);
    const double bounded = fmin(fmax(same, LEAST_SAME_LOGITS), MOST_SAME_LOGITS);
    return bounded * bounded;
}

void pp_cast_kinds_measure(pp_cast_kinds *kinds)
{
    kinds->same2 = measure(kinds->origin, kinds->centers, NULL, 0, kinds->count, kinds->components);
}

/* Cosine of the angle at the origin between two points; 0 where one of them is the origin. */
static double cosine_at(const float *origin, const float *a, const float *b, int components)
{
    double ab = 0, aa = 0, bb = 0;
    for (int k = 0; k < components; k++) {
        double x = (double)a[k] - origin[k], y = (double)b[k] - origin[k];
        ab += x * y, aa += x * x, bb += y * y;
    }
    return aa > 0 && bb > 0 ? ab / sqrt(aa * bb) : 0;
}

static double likeness(const pp_cast_groups *groups, const float *origin, int i, int j)
{
    const float *a = center(groups, i), *b = center(groups, j);
    double away2 = distance2(a, b, groups->components);
    if (away2 < groups->same2) return 1;
    return cosine_at(origin, a, b, groups->components);
}

/* Merges the most alike pair while it is alike enough, or while there are too many. */
static void merge_alike(pp_cast_groups *groups, const float *origin, double alike, int most)
{
    while (groups->count > 1) {
        int a = 0, b = 1;
        double best = -2;
        for (int i = 0; i < groups->count; i++) {
            for (int j = i + 1; j < groups->count; j++) {
                double like = likeness(groups, origin, i, j);
                if (like > best) best = like, a = i, b = j;
            }
        }
        if (best < alike && groups->count <= most) return;
        merge(groups, a, b);
    }
}

static double total_weight(const pp_cast_groups *groups)
{
    double sum = 0;
    for (int i = 0; i < groups->count; i++) sum += groups->weights[i];
    return sum;
}

/* Takes out clusters below a share of the weight, and those whose masks are off. */
static void drop(pp_cast_groups *groups, const float *origin, double least_weight)
{
    for (int i = groups->count - 1; i >= 0; i--) {
        double on2 = distance2(center(groups, i), origin, groups->components);
        if (groups->weights[i] < least_weight || on2 < groups->same2) take_out(groups, i);
    }
}

static void sort_by_weight(pp_cast_groups *groups)
{
    /* One row behind the last is always free: the list holds MOST_CLUSTERS + 1. */
    for (int sorted = 0; sorted < groups->count; sorted++) {
        int loudest = sorted;
        for (int i = sorted + 1; i < groups->count; i++) {
            if (groups->weights[i] > groups->weights[loudest]) loudest = i;
        }
        double weight = groups->weights[loudest];
        size_t row = (size_t)groups->components * sizeof(float);
        float *spare = center(groups, MOST_CLUSTERS);
        memcpy(spare, center(groups, loudest), row);
        memcpy(center(groups, loudest), center(groups, sorted), row);
        memcpy(center(groups, sorted), spare, row);
        groups->weights[loudest] = groups->weights[sorted];
        groups->weights[sorted] = weight;
    }
}

pp_status pp_cast_groups_finish(pp_cast_groups *groups, const float *origin_z, double alike,
                                int most, pp_cast_kinds *out, pp_error *err)
{
    void *origin = NULL, *centers = NULL;
    size_t row = (size_t)groups->components * sizeof(float);
    double all = total_weight(groups);
    groups->same2 = measure(origin_z, groups->centers, groups->weights, LEAST_SHARE * all,
                            groups->count, groups->components);
    *out = (pp_cast_kinds){
        .components = groups->components, .least_cos = alike * PIXEL_SLACK, .same2 = groups->same2};
    drop(groups, origin_z, LEAST_CLUSTER * all);
    merge_alike(groups, origin_z, alike, MOST_CLUSTERS);
    sort_by_weight(groups);
    while (groups->count > 1 && groups->weights[groups->count - 1] < LEAST_SHARE * all) {
        groups->count--;
    }
    merge_alike(groups, origin_z, alike, most);
    sort_by_weight(groups);

    pp_status status = pp_alloc_checked(&origin, 1, row, "kinds of sound", err);
    out->origin = origin;
    if (status == PP_OK) {
        status = pp_alloc_checked(&centers, (size_t)groups->count + 1, row, "kinds of sound", err);
    }
    out->centers = centers;
    if (status != PP_OK) {
        pp_cast_kinds_free(out);
        return status;
    }
    memcpy(out->origin, origin_z, row);
    memcpy(out->centers, groups->centers, (size_t)groups->count * row);
    out->everything = groups->count == 0;
    out->count = out->everything ? 1 : groups->count;
    return PP_OK;
}

void pp_cast_kinds_free(pp_cast_kinds *kinds)
{
    PP_FREE(kinds->origin);
    PP_FREE(kinds->centers);
}

int pp_cast_kind_of(const pp_cast_kinds *kinds, const float *z)
{
    if (kinds->everything) return 0;
    if (distance2(z, kinds->origin, kinds->components) < kinds->same2) return -1;
    int best = -1;
    double most = kinds->least_cos;
    for (int i = 0; i < kinds->count; i++) {
        const float *at = kinds->centers + (int64_t)i * kinds->components;
        double like = cosine_at(kinds->origin, z, at, kinds->components);
        if (like > most) most = like, best = i;
    }
    return best;
}
