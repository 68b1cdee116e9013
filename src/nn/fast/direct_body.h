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

/* All taps and channels of a pixel lie in a row of each kernel row: they are copied as they come,
 * to [k / 16][count][16], zero behind the last. */
static void gather_thin(const pp_fast_run *run, const pp_fast_op *op, int first, int count,
                        float *to)
{
    enum { MOST = 1024 }; /* numbers of a pixel; the planner keeps below */
    float line[MOST + PP_LANES];
    const pp_fast_tensor *in = &run->plan->tensors[op->in], *out = &run->plan->tensors[op->out];
    const float *source = (const float *)(run->scratch + in->offset * run->n);
    size_t width = (size_t)(in->columns + 2 * in->border) * in->channels;
    size_t item_floats = in->bytes / sizeof(float);
    int segment = op->kernel * in->channels, used = op->kernel * segment;
    int shift = in->border - op->padding;
    int blocks = (used + PP_LANES - 1) / PP_LANES;
    memset(line, 0, sizeof line);
    place p = place_of(out, first);
    for (int i = 0; i < count; i++, step_place(out, &p)) {
        const float *from = source + p.item * item_floats +
                            (size_t)(p.row * op->stride + shift) * width +
                            (size_t)(p.column * op->stride + shift) * in->channels;
        for (int ky = 0; ky < op->kernel; ky++) {
            memcpy(line + ky * segment, from + ky * width, (size_t)segment * sizeof *line);
        }
        for (int block = 0; block < blocks; block++) {
            vec x = activate(vec_load(line + block * PP_LANES), op->before);
            vec_store(to + ((size_t)block * count + i) * PP_LANES, x);
        }
    }
}

static void run_direct(const pp_fast_run *run, const pp_fast_op *op)
{
    const pp_fast_tensor *in = &run->plan->tensors[op->in], *out = &run->plan->tensors[op->out];
    int taps = op->kernel * op->kernel, pixels = (int)pp_fast_plane(run, out);
    int thin = op->method == PP_FAST_THIN;
    int k_blocks = thin ? (taps * in->channels + PP_LANES - 1) / PP_LANES : taps * op->in_blocks;
    product p = {.k_blocks = k_blocks,
                 .b = pp_fast_weight(run, op),
                 .columns = op->out_blocks,
                 .c_step = pp_fast_plane(run, out) * PP_LANES,
                 .bias = pp_fast_bias(run, op),
                 .after = op->after};
    int as_it_lies =
        !thin && taps == 1 && op->stride == 1 && op->padding == 0 && op->before == PP_LINEAR;
    for (int first = 0; first < pixels; first += op->chunk) {
        p.pixels = pixels - first < op->chunk ? pixels - first : op->chunk;
        size_t tap_floats = (size_t)op->in_blocks * p.pixels * PP_LANES;
        if (as_it_lies) {
            p.a = pp_fast_block(run, op->in, op->in_block) + (size_t)first * PP_LANES;
            p.a_step = pp_fast_plane(run, in) * PP_LANES;
        } else {
            p.a = run->work;
            p.a_step = (size_t)p.pixels * PP_LANES;
            if (thin) gather_thin(run, op, first, p.pixels, run->work);
            for (int tap = 0; !thin && tap < taps; tap++) {
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

static vec largest_around(const pp_fast_op *op, const pp_fast_tensor *in, const float *plane,
                          place p)
{
    vec largest = vec_zero();
    int found = 0;
    for (int ky = 0; ky < op->kernel; ky++) {
        for (int kx = 0; kx < op->kernel; kx++) {
            int row = p.row * op->stride - op->padding + ky;
            int column = p.column * op->stride - op->padding + kx;
            if (row < 0 || column < 0 || row >= in->rows || column >= in->columns) continue;
            size_t at = ((size_t)p.item * in->rows + row) * in->columns + column;
            vec x = vec_load(plane + at * PP_LANES);
            largest = found ? vec_max(x, largest) : x;
            found = 1;
        }
    }
    return largest;
}

static void run_pool(const pp_fast_run *run, const pp_fast_op *op)
{
    const pp_fast_tensor *in = &run->plan->tensors[op->in], *out = &run->plan->tensors[op->out];
    int pixels = (int)pp_fast_plane(run, out);
    for (int block = 0; block < op->in_blocks; block++) {
        const float *from = pp_fast_block(run, op->in, op->in_block + block);
        float *to = pp_fast_block(run, op->out, op->out_block + block);
        place p = {0, 0, 0};
        for (int i = 0; i < pixels; i++, step_place(out, &p)) {
            vec_store(to + (size_t)i * PP_LANES, largest_around(op, in, from, p));
        }
    }
}

#endif
