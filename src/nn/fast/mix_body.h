/* Masks and energies: a tile of bins at a time, mixtures of K maps as a product whose sums stay in
 * registers, the sigmoid on the way out. Compiled once an instruction set.
 *
 * Sixteen bins are a vector, so that a map is read as it lies (or widened from its bytes once a
 * tile). A group of sources is worked on at a time; each one's numbers depend on nothing else. */
#ifndef PP_NN_FAST_MIX_BODY_H
#define PP_NN_FAST_MIX_BODY_H

#include "nn/fast/product_body.h"
#include "nn/sigmoid.h"

enum {
    MIX_BINS = 128,          /* of a tile */
    MIX_SOURCES = TILE_ROWS, /* of a product */
    MIX_GROUPS = 7,          /* products that share a tile of maps, at most */
    MIX_STEP = TILE_COLUMNS * PP_LANES
};

/* As pp_sigmoid of nn/sigmoid.h, with fused multiply-adds. */
PP_INLINE vec sigmoid(vec x)
{
    vec t = vec_sub(vec_zero(), x);
    t = vec_max(vec_min(t, vec_all(87.0f)), vec_all(-87.0f));
    vec n = vec_sub(vec_fma(t, vec_all(1.44269504f), vec_all(12582912.0f)), vec_all(12582912.0f));
    vec r = vec_fma(n, vec_all(2.12194440e-4f), vec_fma(n, vec_all(-0.693359375f), t));
    vec p = vec_fma(vec_all(1.0f / 720), r, vec_all(1.0f / 120));
    p = vec_fma(p, r, vec_all(1.0f / 24));
    p = vec_fma(p, r, vec_all(1.0f / 6));
    p = vec_fma(p, r, vec_all(0.5f));
    p = vec_fma(p, r, vec_all(1.0f));
    p = vec_fma(p, r, vec_all(1.0f));
    return vec_div(vec_all(1.0f), vec_fma(p, vec_power2(n), vec_all(1.0f)));
}

/* maps[k][MIX_BINS] of the tile; bins behind the last are zero. */
static void mix_fetch(const pp_mix *mix, int first, int count, float *maps)
{
    for (int k = 0; k < mix->components; k++) {
        size_t at = (size_t)k * mix->bins + first;
        float *row = maps + (size_t)k * MIX_BINS;
        int i = 0;
        for (; i + PP_LANES <= count; i += PP_LANES) {
            vec_store(row + i, mix->maps != NULL ? vec_load(mix->maps + at + i)
                                                 : vec_bytes(mix->codes + at + i));
        }
        for (; i < MIX_BINS; i++) {
            row[i] = i >= count ? 0 : mix->maps != NULL ? mix->maps[at + i] : mix->codes[at + i];
        }
    }
}

typedef struct mix_work {
    float *maps;         /* [K][MIX_BINS] */
    float *coefficients; /* [MIX_GROUPS][K][MIX_SOURCES], zero behind the last source */
    float *loudness;     /* [MIX_BINS] */
} mix_work;

static mix_work mix_carve(const pp_mix *mix, void *scratch)
{
    mix_work w;
    w.maps = scratch;
    w.coefficients = w.maps + (size_t)mix->components * MIX_BINS;
    w.loudness = w.coefficients + (size_t)MIX_GROUPS * MIX_SOURCES * mix->components;
    return w;
}

static void mix_coefficients(const pp_mix *mix, int source, int count, float *coefficients)
{
    for (int group = 0; group * MIX_SOURCES < count; group++) {
        for (int k = 0; k < mix->components; k++) {
            for (int i = 0; i < MIX_SOURCES; i++) {
                int s = source + group * MIX_SOURCES + i;
                *coefficients++ =
                    s < source + count ? mix->coefficients[(size_t)s * mix->components + k] : 0;
            }
        }
    }
}

/* Sums of the group at MIX_STEP bins; rows is a constant where it is called. */
PP_INLINE void mix_product(int components, const float *coefficients, const float *maps,
                           const int rows, float to[TILE_ROWS][MIX_STEP])
{
    vec sums[TILE_ROWS][TILE_COLUMNS];
    PP_UNROLL
    for (int i = 0; i < rows; i++) {
        PP_UNROLL
        for (int j = 0; j < TILE_COLUMNS; j++) sums[i][j] = vec_zero();
    }
    for (int k = 0; k < components; k++) {
        vec x[TILE_COLUMNS];
        PP_UNROLL
        for (int j = 0; j < TILE_COLUMNS; j++) x[j] = vec_load(maps + j * PP_LANES);
        PP_UNROLL
        for (int i = 0; i < rows; i++) {
            vec c = vec_all(coefficients[i]);
            PP_UNROLL
            for (int j = 0; j < TILE_COLUMNS; j++) sums[i][j] = vec_fma(c, x[j], sums[i][j]);
        }
        maps += MIX_BINS;
        coefficients += MIX_SOURCES;
    }
    PP_UNROLL
    for (int i = 0; i < rows; i++) {
        PP_UNROLL
        for (int j = 0; j < TILE_COLUMNS; j++) vec_store(to[i] + j * PP_LANES, sums[i][j]);
    }
}

/* Masks of `rows` sources at MIX_STEP bins. Few sources are the rule for masks, many for
 * energies. */
static void mix_masks(const pp_mix *mix, int source, int rows, const float *coefficients,
                      const float *maps, float to[TILE_ROWS][MIX_STEP])
{
    if (rows <= 2) mix_product(mix->components, coefficients, maps, 2, to);
    else if (rows <= 4) mix_product(mix->components, coefficients, maps, 4, to);
    else mix_product(mix->components, coefficients, maps, TILE_ROWS, to);
    for (int i = 0; i < rows; i++) {
        vec constant = vec_all(mix->constants[source + i]);
        PP_UNROLL
        for (int j = 0; j < MIX_STEP; j += PP_LANES) {
            vec_store(to[i] + j, sigmoid(vec_add(vec_load(to[i] + j), constant)));
        }
    }
}

PP_INLINE int mix_least(int a, int b)
{
    return a < b ? a : b;
}

static void run_masks(const pp_mix *mix, void *scratch, float *masks)
{
    mix_work w = mix_carve(mix, scratch);
    float tile[TILE_ROWS][MIX_STEP];
    for (int source = 0; source < mix->sources; source += MIX_SOURCES) {
        int rows = mix_least(mix->sources - source, MIX_SOURCES);
        mix_coefficients(mix, source, rows, w.coefficients);
        for (int first = 0; first < mix->bins; first += MIX_BINS) {
            int count = mix_least(mix->bins - first, MIX_BINS);
            mix_fetch(mix, first, count, w.maps);
            for (int at = 0; at < count; at += MIX_STEP) {
                size_t bytes = (size_t)mix_least(count - at, MIX_STEP) * sizeof(float);
                mix_masks(mix, source, rows, w.coefficients, w.maps + at, tile);
                for (int i = 0; i < rows; i++) {
                    memcpy(masks + (size_t)(source + i) * mix->bins + first + at, tile[i], bytes);
                }
            }
        }
    }
}

/* Adds the energies of a group at one tile of bins: sixteen lanes a source (bins 0, 16, ... in the
 * first), then double; so the sums are the same for every instruction set. */
static void mix_energy_tile(const pp_mix *mix, const mix_work *w, int source, int rows,
                            const float *coefficients, double *total)
{
    float tile[TILE_ROWS][MIX_STEP], lanes[TILE_ROWS][PP_LANES];
    memset(lanes, 0, sizeof lanes);
    for (int at = 0; at < MIX_BINS; at += MIX_STEP) {
        mix_masks(mix, source, rows, coefficients, w->maps + at, tile);
        for (int i = 0; i < rows; i++) {
            vec sum = vec_load(lanes[i]);
            PP_UNROLL
            for (int j = 0; j < MIX_STEP; j += PP_LANES) {
                vec heard = vec_mul(vec_load(tile[i] + j), vec_load(w->loudness + at + j));
                sum = vec_fma(heard, heard, sum);
            }
            vec_store(lanes[i], sum);
        }
    }
    for (int i = 0; i < rows; i++) {
        for (int j = 0; j < PP_LANES; j++) total[i] += lanes[i][j];
    }
}

static void run_energies(const pp_mix *mix, const float *magnitude, void *scratch, float *energy)
{
    enum { MOST = MIX_GROUPS * MIX_SOURCES };
    mix_work w = mix_carve(mix, scratch);
    for (int source = 0; source < mix->sources; source += MOST) {
        int count = mix_least(mix->sources - source, MOST);
        double total[MOST] = {0};
        mix_coefficients(mix, source, count, w.coefficients);
        for (int first = 0; first < mix->bins; first += MIX_BINS) {
            int bins = mix_least(mix->bins - first, MIX_BINS);
            mix_fetch(mix, first, bins, w.maps);
            memset(w.loudness, 0, MIX_BINS * sizeof(float));
            memcpy(w.loudness, magnitude + first, (size_t)bins * sizeof(float));
            for (int i = 0; i < count; i += MIX_SOURCES) {
                mix_energy_tile(mix, &w, source + i, mix_least(count - i, MIX_SOURCES),
                                w.coefficients + (size_t)i * mix->components, total + i);
            }
        }
        for (int i = 0; i < count; i++) energy[source + i] = (float)total[i];
    }
}

#endif
