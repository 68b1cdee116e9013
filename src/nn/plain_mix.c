/* Masks and energies, plainly: a tile of bins at a time, so that the logits of 196 pixels are
 * never all there at once (51 MB for a published window). */
#include <string.h>

#include "base/memory.h"
#include "nn/blas.h"
#include "nn/plain.h"
#include "nn/sigmoid.h"

enum { ROWS = 16, TILE = 512 }; /* every product is [ROWS, K] x [K, TILE or the last bins] */

typedef struct workspace {
    float *coefficients; /* [ROWS, K]; rows beyond the last source are zero */
    float *maps;         /* [K, TILE] */
    float *logits;       /* [ROWS, TILE] */
    double *sums;        /* [ROWS] */
} workspace;

static workspace carve(pp_arena *arena, int components)
{
    workspace w;
    w.coefficients = pp_arena_take(arena, (size_t)ROWS * components, sizeof(float));
    w.maps = pp_arena_take(arena, (size_t)TILE * components, sizeof(float));
    w.logits = pp_arena_take(arena, ROWS * TILE, sizeof(float));
    w.sums = pp_arena_take(arena, ROWS, sizeof(double));
    return w;
}

size_t pp_plain_mix_scratch_bytes(int components, int bins)
{
    (void)bins;
    pp_arena arena = {0};
    carve(&arena, components);
    return arena.used;
}

static void fetch_tile(const pp_mix *mix, int first, int count, float *maps)
{
    for (int k = 0; k < mix->components; k++) {
        size_t at = (size_t)k * mix->bins + first;
        float *row = maps + (size_t)k * count;
        if (mix->maps != NULL) {
            memcpy(row, mix->maps + at, (size_t)count * sizeof *row);
        } else {
            for (int i = 0; i < count; i++) row[i] = (float)mix->codes[at + i];
        }
    }
}

/* Masks of `rows` sources from `source` on, in w->logits [ROWS, count]. */
static void mask_tile(const pp_mix *mix, const workspace *w, int source, int rows, int count)
{
    pp_sgemm(0, 0, ROWS, count, mix->components, 1, w->coefficients, mix->components, w->maps,
             count, 0, w->logits, count);
    for (int p = 0; p < rows; p++) {
        float *row = w->logits + (size_t)p * count, constant = mix->constants[source + p];
        for (int i = 0; i < count; i++) row[i] = pp_sigmoid(row[i] + constant);
    }
}

static int fetch_sources(const pp_mix *mix, const workspace *w, int source)
{
    int rows = mix->sources - source < ROWS ? mix->sources - source : ROWS;
    size_t row_bytes = (size_t)mix->components * sizeof(float);
    memset(w->coefficients, 0, ROWS * row_bytes);
    memcpy(w->coefficients, mix->coefficients + (size_t)source * mix->components, rows * row_bytes);
    return rows;
}

void pp_plain_masks(const pp_mix *mix, void *scratch, float *masks)
{
    pp_arena arena = {scratch, 0, SIZE_MAX};
    workspace w = carve(&arena, mix->components);
    for (int source = 0; source < mix->sources; source += ROWS) {
        int rows = fetch_sources(mix, &w, source);
        for (int first = 0; first < mix->bins; first += TILE) {
            int count = mix->bins - first < TILE ? mix->bins - first : TILE;
            fetch_tile(mix, first, count, w.maps);
            mask_tile(mix, &w, source, rows, count);
            for (int p = 0; p < rows; p++) {
                memcpy(masks + (size_t)(source + p) * mix->bins + first,
                       w.logits + (size_t)p * count, (size_t)count * sizeof(float));
            }
        }
    }
}

void pp_plain_energies(const pp_mix *mix, const float *magnitude, void *scratch, float *energy)
{
    pp_arena arena = {scratch, 0, SIZE_MAX};
    workspace w = carve(&arena, mix->components);
    for (int source = 0; source < mix->sources; source += ROWS) {
        int rows = fetch_sources(mix, &w, source);
        memset(w.sums, 0, ROWS * sizeof *w.sums);
        for (int first = 0; first < mix->bins; first += TILE) {
            int count = mix->bins - first < TILE ? mix->bins - first : TILE;
            fetch_tile(mix, first, count, w.maps);
            mask_tile(mix, &w, source, rows, count);
            for (int p = 0; p < rows; p++) {
                const float *mask = w.logits + (size_t)p * count;
                for (int i = 0; i < count; i++) {
                    double heard = (double)mask[i] * magnitude[first + i];
                    w.sums[p] += heard * heard;
                }
            }
        }
        for (int p = 0; p < rows; p++) energy[source + p] = (float)w.sums[p];
    }
}
