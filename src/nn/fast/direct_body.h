/* Convolutions as one product over gathered pixels, and the maximum. Compiled once an instruction
 * set. */
#ifndef PP_NN_FAST_DIRECT_BODY_H
#define PP_NN_FAST_DIRECT_BODY_H

#include "nn/fast/product_body.h"

/* Where output pixels of a chunk come from; pixels are numbered over all items. */
typedef struct place {
    int item, row, column;
} place;

PP_INLINE place place_of(const pp_fast_tensor *t, int pixel)
{
    int plane = t->rows * t->columns, within = pixel % plane;
    return (place){pixel / plane, within / t->columns, within % t->columns};
}

PP_INLINE void step_place(const pp_fast_tensor *t, place *p)
{
    if (++p->column < t->columns) return;
    p->column = 0;
    if (++p->row < t->rows) return;
    p->row = 0;
    p->item++;
}

/* One tap of `count` pixels from `first` on: to [in_blocks][count][16], zero outside. */
static void gather_tap(const pp_fast_run *run, const pp_fast_op *op, int tap, int first, int count,
                       float *to)
{
    const pp_fast_tensor *in = &run->plan->tensors[op->in], *out = &run->plan->tensors[op->out];
    int down = tap / op->kernel * op->dilation - op->padding;
    int over = tap % op->kernel * op->dilation - op->padding;
    const float *source = pp_fast_block(run, op->in, op->in_block);
    size_t step = pp_fast_plane(run, in) * PP_LANES;
    place p = place_of(out, first);
    for (int i = 0; i < count; i++, step_place(out, &p)) {
        int row = p.row * op->stride + down, column = p.column * op->stride + over;
        int inside = row >= 0 && row < in->rows && column >= 0 && column < in->columns;
        size_t at = inside ? (((size_t)p.item * in->rows + row) * in->columns + column) : 0;
        for (int block = 0; block < op->in_blocks; block++) {
            vec x = inside ? vec_load(source + block * step + at * PP_LANES) : vec_zero();
            vec_store(to + ((size_t)block * count + i) * PP_LANES, activate(x, op->before));
        }
    }
}

static void run_direct(const pp_fast_run *run, const pp_fast_op *op)
{
    const pp_fast_tensor *in = &run->plan->tensors[op->in], *out = &run->plan->tensors[op->out];
    int taps = op->kernel * op->kernel, pixels = (int)pp_fast_plane(run, out);
    product p = {.k_blocks = taps * op->in_blocks,
                 .b = pp_fast_weight(run, op),
                 .columns = op->out_blocks,
                 .c_step = pp_fast_plane(run, out) * PP_LANES,
                 .bias = pp_fast_bias(run, op),
                 .after = op->after};
    int as_it_lies = taps == 1 && op->stride == 1 && op->padding == 0 && op->before == PP_LINEAR;
    for (int first = 0; first < pixels; first += op->chunk) {
        p.pixels = pixels - first < op->chunk ? pixels - first : op->chunk;
        size_t tap_floats = (size_t)op->in_blocks * p.pixels * PP_LANES;
        if (as_it_lies) {
            p.a = pp_fast_block(run, op->in, op->in_block) + (size_t)first * PP_LANES;
            p.a_step = pp_fast_plane(run, in) * PP_LANES;
        } else {
            p.a = run->work;
            p.a_step = (size_t)p.pixels * PP_LANES;
            for (int tap = 0; tap < taps; tap++) {
                gather_tap(run, op, tap, first, p.pixels, run->work + tap * tap_floats);
            }
        }
        p.c = pp_fast_block(run, op->out, op->out_block) + (size_t)first * PP_LANES;
        if (op->addend >= 0) {
            p.addend = pp_fast_block(run, op->addend, 0) + (size_t)first * PP_LANES;
        }
        multiply(&p);
    }
}

/* One row of outputs of one block: the largest of the kernel's rows, column by column, then across.
 * `from` is the item's plane. */
static void pool_row(const pp_fast_op *op, const pp_fast_tensor *in, const pp_fast_tensor *out,
                     const float *from, int row, float *to)
{
    int top = row * op->stride - op->padding, bottom = top + op->kernel;
    if (top < 0) top = 0;
    if (bottom > in->rows) bottom = in->rows;
    for (int x = 0; x < out->columns; x++) {
        int left = x * op->stride - op->padding, right = left + op->kernel;
        if (left < 0) left = 0;
        if (right > in->columns) right = in->columns;
        vec largest = vec_load(from + ((size_t)top * in->columns + left) * PP_LANES);
        for (int y = top; y < bottom; y++) {
            const float *line = from + (size_t)y * in->columns * PP_LANES;
            for (int i = left; i < right; i++) {
                largest = vec_max(vec_load(line + (size_t)i * PP_LANES), largest);
            }
        }
        vec_store(to + (size_t)x * PP_LANES, largest);
    }
}

static void run_pool(const pp_fast_run *run, const pp_fast_op *op)
{
    const pp_fast_tensor *in = &run->plan->tensors[op->in], *out = &run->plan->tensors[op->out];
    size_t in_plane = (size_t)in->rows * in->columns * PP_LANES;
    size_t out_row = (size_t)out->columns * PP_LANES;
    for (int block = 0; block < op->in_blocks; block++) {
        const float *from = pp_fast_block(run, op->in, op->in_block + block);
        float *to = pp_fast_block(run, op->out, op->out_block + block);
        for (int item = 0; item < run->n; item++) {
            for (int row = 0; row < out->rows; row++, to += out_row) {
                pool_row(op, in, out, from + item * in_plane, row, to);
            }
        }
    }
}

#endif
