/* Winograd convolution 4x4 with stride 2 (and 3x3, its fourth row and column of taps zero).
 * Compiled once an instruction set.
 *
 * Even and odd input rows and columns make four phases, each with 2x2 taps and stride 1; all four
 * are transformed by F(4x4, 2x2) on the points 0, 1, -1, 2, inf and summed in one product:
 *
 *   10 x 10 inputs of a tile ──> V [25 points][4 phases x in blocks][tiles][16] ──25 products──>
 *   M [25][out blocks][tiles][16] ──> 4 x 4 outputs
 */
#ifndef PP_NN_FAST_WINOGRAD2_BODY_H
#define PP_NN_FAST_WINOGRAD2_BODY_H

#include "nn/fast/product_body.h"

enum { SIDE_2 = 5, OUTPUTS_2 = 4, PHASES_2 = 4 };

typedef struct wino2 {
    const pp_fast_run *run;
    const pp_fast_op *op;
    const pp_fast_tensor *in, *out;
    int tile_rows, tile_columns, most_tiles;
    int first_tile, tiles; /* of the block; tiles are numbered over all items */
    float *v, *m;
} wino2;

PP_INLINE void wino2_in(const vec *d, vec *v)
{
    const vec two = vec_all(2);
    vec a = vec_sub(d[3], d[2]), b = vec_sub(d[3], d[1]);
    v[0] = vec_add(vec_fma(two, vec_sub(d[0], d[2]), d[3]), vec_sub(vec_zero(), d[1]));
    v[1] = vec_fma(vec_all(-2), d[1], a);
    v[2] = vec_fma(two, vec_sub(d[1], d[2]), a);
    v[3] = b;
    v[4] = vec_fma(vec_all(-2), b, vec_sub(d[4], d[2]));
}

PP_INLINE void wino2_out(const vec *m, vec *y)
{
    vec sum = vec_add(m[1], m[2]), difference = vec_sub(m[1], m[2]);
    y[0] = vec_add(vec_add(m[0], sum), m[3]);
    y[1] = vec_fma(vec_all(2), m[3], difference);
    y[2] = vec_fma(vec_all(4), m[3], sum);
    y[3] = vec_add(vec_fma(vec_all(8), m[3], difference), m[4]);
}

typedef struct tile_place {
    int item, row, column; /* of its first output */
} tile_place;

PP_INLINE tile_place place_of_tile(const wino2 *w, int tile)
{
    int each = w->tile_rows * w->tile_columns, within = tile % each;
    return (tile_place){tile / each, within / w->tile_columns * OUTPUTS_2,
                        within % w->tile_columns * OUTPUTS_2};
}

/* Inputs 2 * output - 1 + phase + 2 * i of one phase of one tile and block of channels. inside, a
 * constant where it is called: all of them are there. */
PP_INLINE void wino2_tile_in(const wino2 *w, tile_place p, const float *plane, int phase, float *to,
                             size_t point_floats, const int inside)
{
    const pp_fast_tensor *in = w->in;
    vec half[SIDE_2][SIDE_2];
    for (int i = 0; i < SIDE_2; i++) {
        int row = 2 * (p.row + i) - 1 + phase / 2;
        int row_there = inside || (row >= 0 && row < in->rows);
        const float *from = plane;
        if (row_there) from += ((size_t)p.item * in->rows + row) * in->columns * PP_LANES;
        vec line[SIDE_2];
        PP_UNROLL
        for (int j = 0; j < SIDE_2; j++) {
            int column = 2 * (p.column + j) - 1 + phase % 2;
            int there = inside || (row_there && column >= 0 && column < in->columns);
            line[j] = there ? vec_load(from + (ptrdiff_t)column * PP_LANES) : vec_zero();
            line[j] = activate(line[j], w->op->before);
        }
        wino2_in(line, half[i]);
    }
    PP_UNROLL
    for (int j = 0; j < SIDE_2; j++) {
        vec line[SIDE_2], v[SIDE_2];
        PP_UNROLL
        for (int i = 0; i < SIDE_2; i++) line[i] = half[i][j];
        wino2_in(line, v);
        PP_UNROLL
        for (int i = 0; i < SIDE_2; i++) vec_store(to + (i * SIDE_2 + j) * point_floats, v[i]);
    }
}

static void wino2_input(const wino2 *w)
{
    int in_blocks = w->op->in_blocks;
    size_t point_floats = (size_t)PHASES_2 * in_blocks * w->most_tiles * PP_LANES;
    for (int phase = 0; phase < PHASES_2; phase++) {
        for (int block = 0; block < in_blocks; block++) {
            const float *plane = pp_fast_block(w->run, w->op->in, w->op->in_block + block);
            float *to = w->v + (size_t)(phase * in_blocks + block) * w->tiles * PP_LANES;
            for (int i = 0; i < w->tiles; i++) {
                tile_place p = place_of_tile(w, w->first_tile + i);
                float *at = to + (size_t)i * PP_LANES;
                int inside = p.row > 0 && p.column > 0 && 2 * p.row + 2 * SIDE_2 <= w->in->rows &&
                             2 * p.column + 2 * SIDE_2 <= w->in->columns;
                if (inside) wino2_tile_in(w, p, plane, phase, at, point_floats, 1);
                else wino2_tile_in(w, p, plane, phase, at, point_floats, 0);
            }
        }
    }
}

static void wino2_products(const wino2 *w)
{
    const pp_fast_op *op = w->op;
    int k_blocks = PHASES_2 * op->in_blocks;
    size_t v_floats = (size_t)k_blocks * w->most_tiles * PP_LANES;
    size_t m_floats = (size_t)op->out_blocks * w->most_tiles * PP_LANES;
    size_t u_floats = (size_t)k_blocks * op->out_blocks * PP_LANES * PP_LANES;
    for (int point = 0; point < PP_WINOGRAD_2_POINTS; point++) {
        product p = {.a = w->v + point * v_floats,
                     .a_step = (size_t)w->tiles * PP_LANES,
                     .pixels = w->tiles,
                     .k_blocks = k_blocks,
                     .b = pp_fast_weight(w->run, op) + point * u_floats,
                     .columns = op->out_blocks,
                     .c = w->m + point * m_floats,
                     .c_step = (size_t)w->tiles * PP_LANES};
        multiply(&p);
    }
}

PP_INLINE void wino2_tile_out(const wino2 *w, tile_place p, int block, const float *from,
                              size_t point_floats)
{
    const pp_fast_op *op = w->op;
    vec half[OUTPUTS_2][SIDE_2];
    PP_UNROLL
    for (int j = 0; j < SIDE_2; j++) {
        vec m[SIDE_2], y[OUTPUTS_2];
        PP_UNROLL
        for (int i = 0; i < SIDE_2; i++) m[i] = vec_load(from + (i * SIDE_2 + j) * point_floats);
        wino2_out(m, y);
        PP_UNROLL
        for (int i = 0; i < OUTPUTS_2; i++) half[i][j] = y[i];
    }
    vec bias = vec_load(pp_fast_bias(w->run, op) + block * PP_LANES);
    float *to = pp_fast_block(w->run, op->out, op->out_block + block);
    const float *addend = op->addend < 0 ? NULL : pp_fast_block(w->run, op->addend, block);
    for (int i = 0; i < OUTPUTS_2 && p.row + i < w->out->rows; i++) {
        vec y[OUTPUTS_2];
        wino2_out(half[i], y);
        size_t at = ((size_t)p.item * w->out->rows + p.row + i) * w->out->columns + p.column;
        for (int j = 0; j < OUTPUTS_2 && p.column + j < w->out->columns; j++) {
            size_t pixel = (at + j) * PP_LANES;
            vec x = vec_add(y[j], bias);
            if (addend != NULL) x = vec_add(x, vec_load(addend + pixel));
            vec_store(to + pixel, activate(x, op->after));
        }
    }
}

static void wino2_output(const wino2 *w)
{
    int out_blocks = w->op->out_blocks;
    size_t point_floats = (size_t)out_blocks * w->most_tiles * PP_LANES;
    for (int block = 0; block < out_blocks; block++) {
        const float *from = w->m + (size_t)block * w->tiles * PP_LANES;
        for (int i = 0; i < w->tiles; i++) {
            wino2_tile_out(w, place_of_tile(w, w->first_tile + i), block,
                           from + (size_t)i * PP_LANES, point_floats);
        }
    }
}

static void run_winograd_2(const pp_fast_run *run, const pp_fast_op *op)
{
    wino2 w = {.run = run, .op = op};
    w.in = &run->plan->tensors[op->in];
    w.out = &run->plan->tensors[op->out];
    w.tile_rows = (w.out->rows + OUTPUTS_2 - 1) / OUTPUTS_2;
    w.tile_columns = (w.out->columns + OUTPUTS_2 - 1) / OUTPUTS_2;
    w.most_tiles = op->chunk;
    w.v = run->work;
    w.m = w.v + (size_t)PP_WINOGRAD_2_POINTS * PHASES_2 * op->in_blocks * w.most_tiles * PP_LANES;
    int tiles = run->n * w.tile_rows * w.tile_columns;
    for (w.first_tile = 0; w.first_tile < tiles; w.first_tile += op->chunk) {
        w.tiles = tiles - w.first_tile < op->chunk ? tiles - w.first_tile : op->chunk;
        wino2_input(&w);
        wino2_products(&w);
        wino2_output(&w);
    }
}

#endif
