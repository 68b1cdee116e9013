/* The matrix product of the fast kernels: C [pixels, columns] = A [pixels, K] B [K, columns] in the
 * layouts of fast/fast.h, a register tile at a time. Compiled once an instruction set. */
#ifndef PP_NN_FAST_PRODUCT_BODY_H
#define PP_NN_FAST_PRODUCT_BODY_H

#include "nn/fast/fast.h"
#include "nn/fast/vector.h"

typedef struct product {
    const float *a; /* block b of pixel m: a + b * a_step + m * 16 */
    size_t a_step;
    int pixels, k_blocks;
    const float *b; /* [columns][k_blocks * 16][16] */
    int columns;    /* blocks of 16 */
    float *c;       /* as a */
    size_t c_step;
    /* The epilogue; bias NULL: none at all. */
    const float *bias;   /* [columns * 16] */
    const float *addend; /* as c, or NULL */
    pp_activation after;
} product;

PP_INLINE vec activate(vec x, pp_activation activation)
{
    if (activation == PP_RELU) return vec_max(x, vec_zero());
    if (activation == PP_LEAKY) return vec_max(x, vec_mul(x, vec_all(PP_LEAKY_SLOPE)));
    return x;
}

PP_INLINE void finish_tile(const product *p, int pixel, int column, const int rows,
                           const int columns, vec sums[TILE_ROWS][TILE_COLUMNS])
{
    for (int j = 0; j < columns; j++) {
        float *c = p->c + (size_t)(column + j) * p->c_step + (size_t)pixel * PP_LANES;
        if (p->bias == NULL) {
            PP_UNROLL
            for (int i = 0; i < rows; i++) vec_store(c + i * PP_LANES, sums[i][j]);
            continue;
        }
        vec bias = vec_load(p->bias + (column + j) * PP_LANES);
        const float *addend = p->addend;
        if (addend != NULL) {
            addend += (size_t)(column + j) * p->c_step + (size_t)pixel * PP_LANES;
        }
        PP_UNROLL
        for (int i = 0; i < rows; i++) {
            vec x = vec_add(sums[i][j], bias);
            if (addend != NULL) x = vec_add(x, vec_load(addend + i * PP_LANES));
            vec_store(c + i * PP_LANES, activate(x, p->after));
        }
    }
}

/* Which part of the next column's weights a tile asks for, so that they are in the second-level
 * cache when their turn comes: input blocks [from, to) of them. */
typedef struct ahead {
    int from, to;
} ahead;

/* rows x columns of C, both constants where it is called: the sums stay in registers. */
PP_INLINE void tile(const product *p, int pixel, int column, ahead next, const int rows,
                    const int columns)
{
    const float *a = p->a + (size_t)pixel * PP_LANES;
    const size_t b_step = (size_t)p->k_blocks * PP_LANES * PP_LANES;
    const float *b = p->b + (size_t)column * b_step;
    vec sums[TILE_ROWS][TILE_COLUMNS];
    PP_UNROLL
    for (int i = 0; i < rows; i++) {
        PP_UNROLL
        for (int j = 0; j < columns; j++) sums[i][j] = vec_zero();
    }
    const float *fetch = b + columns * b_step;
    for (int block = 0; block < p->k_blocks; block++) {
        /* A line a step, so that the requests never queue up; otherwise what is being read. */
        const float *wanted = block >= next.from && block < next.to ? fetch : b;
        fetch += PP_LANES * PP_LANES;
        PP_UNROLL
        for (int k = 0; k < PP_LANES; k++) {
            vec weights[TILE_COLUMNS];
            PP_UNROLL
            for (int j = 0; j < columns; j++) weights[j] = vec_load(b + j * b_step + k * PP_LANES);
            PP_UNROLL
            for (int j = 0; j < columns; j++) {
                __builtin_prefetch(wanted + j * b_step + k * PP_LANES, 0, 2);
            }
            PP_UNROLL
            for (int i = 0; i < rows; i++) {
                vec x = vec_all(a[i * PP_LANES + k]);
                PP_UNROLL
                for (int j = 0; j < columns; j++) sums[i][j] = vec_fma(x, weights[j], sums[i][j]);
            }
        }
        a += p->a_step;
        b += PP_LANES * PP_LANES;
    }
    finish_tile(p, pixel, column, rows, columns, sums);
}

#define PP_TILE(rows)                                                                              \
    case rows:                                                                                     \
        if (TILE_ROWS >= rows) {                                                                   \
            tile(p, pixel, column, next, TILE_ROWS >= rows ? rows : 1, columns);                   \
        }                                                                                          \
        break

PP_INLINE void tile_of(const product *p, int pixel, int column, ahead next, int rows,
                       const int columns)
{
    switch (rows) {
        PP_TILE(1);
        PP_TILE(2);
        PP_TILE(3);
        PP_TILE(4);
        PP_TILE(5);
        PP_TILE(6);
        PP_TILE(7);
        PP_TILE(8);
        PP_TILE(9);
        PP_TILE(10);
        PP_TILE(11);
        PP_TILE(12);
        PP_TILE(13);
        PP_TILE(14);
    }
}

static __attribute__((noinline)) void wide_tile(const product *p, int pixel, int column, ahead next,
                                                int rows)
{
    tile_of(p, pixel, column, next, rows, TILE_COLUMNS);
}

static __attribute__((noinline)) void narrow_tile(const product *p, int pixel, int column,
                                                  ahead next, int rows)
{
    tile_of(p, pixel, column, next, rows, 1);
}

/* Columns outside, pixels inside: a column's weights are read once from far and then found in the
 * second-level cache. Tiles are of about equal height. */
static __attribute__((unused)) void multiply(const product *p)
{
    int panels = (p->pixels + TILE_ROWS - 1) / TILE_ROWS;
    for (int column = 0; column < p->columns; column += TILE_COLUMNS) {
        int wide = p->columns - column >= TILE_COLUMNS;
        for (int i = 0; i < panels; i++) {
            int from = (int)((int64_t)p->pixels * i / panels);
            int to = (int)((int64_t)p->pixels * (i + 1) / panels);
            ahead next = {p->k_blocks * i / panels, p->k_blocks * (i + 1) / panels};
            if (panels == 1) next.to = 0;
            if (wide) wide_tile(p, from, column, next, to - from);
            else narrow_tile(p, from, column, next, to - from);
        }
    }
}

#endif
