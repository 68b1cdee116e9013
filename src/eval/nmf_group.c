#include "eval/nmf_group.h"

#include <math.h>
#include <string.h>

#include "base/random.h"
#include "eval/assign.h"

enum { BANDS = 24, STARTS = 20, ROUNDS = 50, MOST_GROUPS = 8 };

/* ---- features: cepstral coefficients of a spectrum ---------------------------------------------
 */

/* Mean of a component's spectrum in bands of equal width on a logarithmic scale of frequency. */
static void band_levels(const pp_components *c, int k, double levels[BANDS])
{
    const double ratio = pow(c->rows - 1, 1.0 / BANDS);
    double most = 0.0;
    for (int b = 0; b < BANDS; b++) {
        int from = (int)pow(ratio, b), to = (int)ceil(pow(ratio, b + 1));
        if (to <= from) to = from + 1;
        if (to > c->rows) to = c->rows;
        if (from >= to) from = to - 1;
        levels[b] = 0.0;
        for (int r = from; r < to; r++) levels[b] += c->w[(size_t)r * (size_t)c->rank + (size_t)k];
        levels[b] /= to - from;
        most = fmax(most, levels[b]);
    }
    for (int b = 0; b < BANDS; b++) levels[b] = log(levels[b] + 1e-4 * most + 1e-30);
}

/* The cosine transform without its constant: the shape of the spectrum, not its level. */
static void fill_features(const pp_components *c, double *features)
{
    for (int k = 0; k < c->rank; k++) {
        double levels[BANDS];
        band_levels(c, k, levels);
        for (int i = 0; i < PP_NMF_FEATURES; i++) {
            double sum = 0.0;
            for (int b = 0; b < BANDS; b++) {
                sum += levels[b] * cos(M_PI * (i + 1) * (b + 0.5) / BANDS);
            }
            features[k * PP_NMF_FEATURES + i] = sum;
        }
    }
}

/* How much sound component k makes in all. */
static double weight_of(const pp_components *c, int k)
{
    double w = 0.0, h = 0.0;
    for (int r = 0; r < c->rows; r++) w += c->w[(size_t)r * (size_t)c->rank + (size_t)k];
    for (int i = 0; i < c->columns; i++) h += c->h[(size_t)k * (size_t)c->padded + (size_t)i];
    return w * h;
}

/* ---- k-means -----------------------------------------------------------------------------------
 */

typedef double centre[PP_NMF_FEATURES];

static double distance(const double *a, const double *b)
{
    double sum = 0.0;
    for (int i = 0; i < PP_NMF_FEATURES; i++) sum += (a[i] - b[i]) * (a[i] - b[i]);
    return sum;
}

/* Centres far from each other: each the component furthest from those before, from a random one. */
static void start_centres(const double *features, int rank, int groups, pp_random *random,
                          centre *centres)
{
    size_t at = (size_t)pp_random_below(random, (uint64_t)rank);
    for (int g = 0; g < groups; g++) {
        memcpy(centres[g], features + at * PP_NMF_FEATURES, sizeof *centres);
        double furthest = -1.0;
        for (int k = 0; k < rank; k++) {
            double nearest = INFINITY;
            for (int o = 0; o <= g; o++) {
                nearest = fmin(nearest, distance(features + k * PP_NMF_FEATURES, centres[o]));
            }
            if (nearest <= furthest) continue;
            furthest = nearest;
            at = (size_t)k;
        }
    }
}

/* Sends each component to its nearest centre; returns the weighted sum of squared distances. */
static double send(const pp_components *c, const double *features, int groups, centre *centres,
                   int *group)
{
    double sum = 0.0;
    for (int k = 0; k < c->rank; k++) {
        double nearest = INFINITY;
        for (int g = 0; g < groups; g++) {
            const double d = distance(features + k * PP_NMF_FEATURES, centres[g]);
            if (d >= nearest) continue;
            nearest = d;
            group[k] = g;
        }
        sum += weight_of(c, k) * nearest;
    }
    return sum;
}

static void move_centres(const pp_components *c, const double *features, int groups,
                         const int *group, centre *centres)
{
    for (int g = 0; g < groups; g++) {
        centre sum = {0};
        double all = 0.0;
        for (int k = 0; k < c->rank; k++) {
            if (group[k] != g) continue;
            const double weight = weight_of(c, k) + 1e-30;
            for (int i = 0; i < PP_NMF_FEATURES; i++) {
                sum[i] += weight * features[k * PP_NMF_FEATURES + i];
            }
            all += weight;
        }
        for (int i = 0; i < PP_NMF_FEATURES && all > 0.0; i++) centres[g][i] = sum[i] / all;
    }
}

/* ---- all ---------------------------------------------------------------------------------------
 */

/* Names the groups after the sources they overlap most. */
static void name_groups(const double *shares, int rank, int groups, int *owner)
{
    double values[MOST_GROUPS * MOST_GROUPS] = {0};
    int group_of_source[MOST_GROUPS], source_of_group[MOST_GROUPS];
    for (int k = 0; k < rank; k++) {
        for (int n = 0; n < groups; n++) values[n * groups + owner[k]] += shares[k * groups + n];
    }
    pp_assign_best(values, groups, groups, group_of_source);
    for (int n = 0; n < groups; n++) source_of_group[group_of_source[n]] = n;
    for (int k = 0; k < rank; k++) owner[k] = source_of_group[owner[k]];
}

void pp_nmf_group(const pp_components *c, int groups, uint64_t seed, const double *shares,
                  double *features, int *owner)
{
    fill_features(c, features);
    pp_random random;
    pp_random_seed(&random, seed, 1);
    centre centres[MOST_GROUPS], best[MOST_GROUPS];
    double least = INFINITY;
    for (int s = 0; s < STARTS; s++) {
        start_centres(features, c->rank, groups, &random, centres);
        double now = INFINITY, before;
        int rounds = 0;
        do {
            before = now;
            now = send(c, features, groups, centres, owner);
            move_centres(c, features, groups, owner, centres);
        } while (now < before && ++rounds < ROUNDS);
        if (now >= least) continue;
        least = now;
        memcpy(best, centres, sizeof best);
    }
    send(c, features, groups, best, owner);
    name_groups(shares, c->rank, groups, owner);
}
