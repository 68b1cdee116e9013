/* Convolutions of an input of very few channels (pictures, a spectrogram): a pixel's taps of one
 * kernel row lie side by side in the input, so the product reads them where they are. Compiled once
 * an instruction set.
 *
 *   input row:  r g b r g b r g b ...      output pixel m starts at number m * stride * channels,
 *               |--- kernel * channels     its taps are the next kernel * channels numbers
 *                     |--- (pixel 1)
 */
#ifndef PP_NN_FAST_THIN_BODY_H
#define PP_NN_FAST_THIN_BODY_H

#include "nn/fast/product_body.h"

/* As `tile` of product_body.h; step: numbers from pixel to pixel, a constant where it is called, or
 * 0 to take p->a_step. */
PP_INLINE void thin_tile(const product *p, const pp_fast_op *op, size_t row_floats, int segment,
                         int pixel, int column, const int step, const int rows, const int columns)
{
    const size_t apart = step > 0 ? (size_t)step : p->a_step;
    const size_t b_step = (size_t)op->kernel * segment * PP_LANES;
    const float *b = p->b + (size_t)column * b_step;
    vec sums[TILE_ROWS][TILE_COLUMNS];
    PP_UNROLL
    for (int i = 0; i < rows; i++) {
        PP_UNROLL
        for (int j = 0; j < columns; j++) sums[i][j] = vec_zero();
    }
    for (int ky = 0; ky < op->kernel; ky++) {
        const float *a = p->a + pixel * apart + ky * row_floats;
        for (int k = 0; k < segment; k++, a++, b += PP_LANES) {
            vec weights[TILE_COLUMNS];
            PP_UNROLL
            for (int j = 0; j < columns; j++) weights[j] = vec_load(b + j * b_step);
            PP_UNROLL
            for (int i = 0; i < rows; i++) {
                vec x = vec_all(a[i * apart]);
                PP_UNROLL
                for (int j = 0; j < columns; j++) sums[i][j] = vec_fma(x, weights[j], sums[i][j]);
            }
        }
    }
    finish_tile(p, pixel, column, rows, columns, sums);
}

typedef struct thin {
    const pp_fast_op *op;
    size_t row_floats;
    int segment;
} thin;

PP_INLINE void thin_tile_of(const product *p, const thin *t, int pixel, int column, int rows,
                            const int columns)
{
    const int full = rows == TILE_ROWS, channels_2 = p->a_step == 2, channels_6 = p->a_step == 6;
    /* Whole tiles of the two published inputs; the rest a row at a time. */
    if (full && channels_6) {
        thin_tile(p, t->op, t->row_floats, t->segment, pixel, column, 6, TILE_ROWS, columns);
    } else if (full && channels_2) {
        thin_tile(p, t->op, t->row_floats, t->segment, pixel, column, 2, TILE_ROWS, columns);
    } else {
        for (; rows >= 4; rows -= 4, pixel += 4) {
            thin_tile(p, t->op, t->row_floats, t->segment, pixel, column, 0, 4, columns);
        }
        for (; rows > 0; rows--, pixel++) {
            thin_tile(p, t->op, t->row_floats, t->segment, pixel, column, 0, 1, columns);
        }
    }
}

static void run_thin(const pp_fast_run *run, const pp_fast_op *op)
{
    const pp_fast_tensor *in = &run->plan->tensors[op->in], *out = &run->plan->tensors[op->out];
    thin t = {op, (size_t)(in->columns + 2 * in->border) * in->channels, op->kernel * in->channels};
    int shift = in->border - op->padding;
    product p = {.a_step = (size_t)op->stride * in->channels,
                 .b = pp_fast_weight(run, op),
                 .c_step = pp_fast_plane(run, out) * PP_LANES,
                 .bias = pp_fast_bias(run, op),
                 .after = op->after};
    for (int line = 0; line < run->n * out->rows; line++) {
        int item = line / out->rows, row = line % out->rows * op->stride + shift;
        p.a = (const float *)(run->scratch + in->offset * run->n + item * in->bytes) +
              row * t.row_floats + (size_t)shift * in->channels;
        size_t at = (size_t)line * out->columns * PP_LANES;
        p.c = pp_fast_block(run, op->out, op->out_block) + at;
        if (op->addend >= 0) p.addend = pp_fast_block(run, op->addend, 0) + at;
        for (int column = 0; column < op->out_blocks; column += TILE_COLUMNS) {
            int wide = op->out_blocks - column >= TILE_COLUMNS;
            for (int pixel = 0; pixel < out->columns; pixel += TILE_ROWS) {
                int left = out->columns - pixel, rows = left < TILE_ROWS ? left : TILE_ROWS;
                if (wide) thin_tile_of(&p, &t, pixel, column, rows, TILE_COLUMNS);
                else thin_tile_of(&p, &t, pixel, column, rows, 1);
            }
        }
    }
}

#endif
