/* The up path: bilinear x2 (align_corners), then 3x3 with padding 1. Mixing channels commutes with
 * interpolation, so the nine taps are 1x1 products at low resolution, interpolated and added:
 *
 *   low rows ──product──> ring [9 taps][rows][columns]      nine times the output channels
 *   ring ──vertically──> lines [3 taps across][columns]     6 terms: 3 taps down x 2 low rows
 *   lines ──across──> an output row                         6 terms: 3 taps x 2 low columns
 *
 * Two blocks of output channels at a time, so that ring and weights stay in the second-level
 * cache. Compiled once an instruction set. */
#ifndef PP_NN_FAST_UP_BODY_H
#define PP_NN_FAST_UP_BODY_H

#include "nn/fast/product_body.h"

/* Where high-resolution index y lies between low ones; both shares 0 outside the picture. */
typedef struct between {
    int first, second;
    float first_share, second_share;
} between;

PP_INLINE between between_of(int y, int low)
{
    if (y < 0 || y >= 2 * low) return (between){0, 0, 0, 0};
    int first = y * (low - 1) / (2 * low - 1), rest = y * (low - 1) % (2 * low - 1);
    float share = (float)rest / (float)(2 * low - 1);
    return (between){first, first + (first < low - 1), 1 - share, share};
}

typedef struct up {
    const pp_fast_run *run;
    const pp_fast_op *op;
    const pp_fast_tensor *in;
    int item, slab, slab_blocks; /* which output blocks: slab, slab + slab_blocks - 1 */
    int ring_rows;
    float *panel;  /* [in_blocks][chunk rows * columns][16]: activated input */
    float *ring;   /* [9 * slab_blocks][ring_rows][columns][16] */
    float *lines;  /* [3][columns][16] */
    between *over; /* [2 * columns + 2]: of high-resolution columns -1 ... 2 * columns */
} up;

/* Low rows [first, first + rows) through the product into the ring. */
static void up_multiply(const up *u, int first, int rows)
{
    int columns = u->in->columns, pixels = rows * columns;
    size_t plane = pp_fast_plane(u->run, u->in) * PP_LANES;
    const float *from = pp_fast_block(u->run, u->op->in, u->op->in_block) +
                        ((size_t)u->item * u->in->rows + first) * columns * PP_LANES;
    for (int block = 0; block < u->op->in_blocks; block++) {
        float *to = u->panel + (size_t)block * pixels * PP_LANES;
        for (int i = 0; i < pixels * PP_LANES; i += PP_LANES) {
            vec_store(to + i, activate(vec_load(from + block * plane + i), u->op->before));
        }
    }
    size_t slab_floats = (size_t)PP_UP_TAPS * u->op->in_blocks * PP_LANES * PP_LANES;
    product p = {.a = u->panel,
                 .a_step = (size_t)pixels * PP_LANES,
                 .pixels = pixels,
                 .k_blocks = u->op->in_blocks,
                 .b = pp_fast_weight(u->run, u->op) + u->slab * slab_floats,
                 .columns = PP_UP_TAPS * u->slab_blocks,
                 .c = u->ring + (size_t)(first % u->ring_rows) * columns * PP_LANES,
                 .c_step = (size_t)u->ring_rows * columns * PP_LANES};
    multiply(&p);
}

/* lines[kx] = sum over ky of the tap (ky, kx), interpolated at row y + ky - 1. */
static void up_vertically(const up *u, int block, int y)
{
    int columns = u->in->columns;
    size_t tap_floats = (size_t)u->ring_rows * columns * PP_LANES;
    vec share[6];
    size_t row[6];
    for (int ky = 0; ky < 3; ky++) {
        between b = between_of(y + ky - 1, u->in->rows);
        share[2 * ky] = vec_all(b.first_share);
        share[2 * ky + 1] = vec_all(b.second_share);
        row[2 * ky] = (size_t)(b.first % u->ring_rows) * columns * PP_LANES;
        row[2 * ky + 1] = (size_t)(b.second % u->ring_rows) * columns * PP_LANES;
        if (b.first_share == 0 && b.second_share == 0) {
            /* Outside: any row that is there will do. */
            b = between_of(y, u->in->rows);
            row[2 * ky] = row[2 * ky + 1] = (size_t)(b.first % u->ring_rows) * columns * PP_LANES;
        }
    }
    for (int kx = 0; kx < 3; kx++) {
        const float *term[6];
        for (int i = 0; i < 6; i++) {
            int tap = i / 2 * 3 + kx;
            term[i] = u->ring + (size_t)(tap * u->slab_blocks + block) * tap_floats + row[i];
        }
        float *line = u->lines + (size_t)kx * columns * PP_LANES;
        for (int x = 0; x < columns * PP_LANES; x += PP_LANES) {
            vec sum = vec_mul(share[0], vec_load(term[0] + x));
            PP_UNROLL
            for (int i = 1; i < 6; i++) sum = vec_fma(share[i], vec_load(term[i] + x), sum);
            vec_store(line + x, sum);
        }
    }
}

static void up_across(const up *u, int block, int y)
{
    const pp_fast_op *op = u->op;
    int columns = u->in->columns;
    vec bias = vec_load(pp_fast_bias(u->run, op) + (u->slab + block) * PP_LANES);
    float *to = pp_fast_block(u->run, op->out, op->out_block + u->slab + block) +
                ((size_t)u->item * 2 * u->in->rows + y) * 2 * columns * PP_LANES;
    for (int x = 0; x < 2 * columns; x++) {
        vec sum = bias;
        PP_UNROLL
        for (int kx = 0; kx < 3; kx++) {
            between b = u->over[x + kx];
            const float *line = u->lines + (size_t)kx * columns * PP_LANES;
            sum = vec_fma(vec_all(b.first_share), vec_load(line + b.first * PP_LANES), sum);
            sum = vec_fma(vec_all(b.second_share), vec_load(line + b.second * PP_LANES), sum);
        }
        vec_store(to + (size_t)x * PP_LANES, activate(sum, op->after));
    }
}

/* The lowest low row that output row y needs to be there. */
PP_INLINE int up_last_needed(int y, int rows)
{
    int below = y + 1 < 2 * rows ? y + 1 : 2 * rows - 1;
    return between_of(below, rows).second;
}

static void up_slab(const up *u)
{
    int rows = u->in->rows, chunk = u->op->chunk, y = 0;
    for (int first = 0; first < rows; first += chunk) {
        int count = rows - first < chunk ? rows - first : chunk;
        up_multiply(u, first, count);
        for (; y < 2 * rows && up_last_needed(y, rows) < first + count; y++) {
            for (int block = 0; block < u->slab_blocks; block++) {
                up_vertically(u, block, y);
                up_across(u, block, y);
            }
        }
    }
}

/* Ring: the chunk being written and the two rows before it; a whole number of chunks, so that a
 * chunk never wraps round. */
PP_INLINE int up_ring_rows(int rows, int chunk)
{
    if (chunk >= rows) return rows;
    return chunk == 1 ? 3 : 2 * chunk;
}

static void run_up(const pp_fast_run *run, const pp_fast_op *op)
{
    const pp_fast_tensor *in = &run->plan->tensors[op->in];
    up u = {.run = run, .op = op, .in = in, .ring_rows = up_ring_rows(in->rows, op->chunk)};
    int chunk = op->chunk < in->rows ? op->chunk : in->rows;
    u.panel = run->work;
    u.ring = u.panel + (size_t)op->in_blocks * chunk * in->columns * PP_LANES;
    u.lines = u.ring + (size_t)2 * PP_UP_TAPS * u.ring_rows * in->columns * PP_LANES;
    u.over = (between *)(u.lines + (size_t)3 * in->columns * PP_LANES);
    for (int x = -1; x <= 2 * in->columns; x++) u.over[x + 1] = between_of(x, in->columns);
    for (u.item = 0; u.item < run->n; u.item++) {
        for (u.slab = 0; u.slab < op->out_blocks; u.slab += 2) {
            u.slab_blocks = op->out_blocks - u.slab < 2 ? 1 : 2;
            up_slab(&u);
        }
    }
}

#endif
