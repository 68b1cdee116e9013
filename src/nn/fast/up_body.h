/* The up path: bilinear x2 (align_corners), then 3x3 with padding 1. Mixing channels commutes with
 * interpolation, so the nine taps are 1x1 products at low resolution, interpolated and added:
 *
 *   low rows ──product──> ring [9 taps][rows][columns]       nine times the output channels
 *   ring ──down──> lines [2 rows out][3 taps across][columns]
 *   lines ──across──> two output rows
 *
 * High-resolution index y = 2i - 1 or 2i lies between low i - 1 and i (rows - 1 low steps are
 * 2 rows - 1 high ones), so the two output rows 2i and 2i + 1 need low rows i - 1, i, i + 1 only:
 * one pass makes both, and likewise across.
 *
 * Two blocks of output channels at a time, so that ring and weights stay in the second-level
 * cache. Compiled once an instruction set. */
#ifndef PP_NN_FAST_UP_BODY_H
#define PP_NN_FAST_UP_BODY_H

#include "nn/fast/product_body.h"

/* Shares of the two low neighbours of high index y; both 0 outside the picture. */
typedef struct shares {
    float first, second; /* of low (y + 1) / 2 - 1 and the next one */
} shares;

PP_INLINE shares shares_of(int y, int low)
{
    if (y < 0 || y >= 2 * low) return (shares){0, 0};
    int rest = y % 2 ? low - (y + 1) / 2 : 2 * low - 1 - y / 2;
    float second = (float)rest / (float)(2 * low - 1);
    return (shares){1 - second, second};
}

typedef struct up {
    const pp_fast_run *run;
    const pp_fast_op *op;
    const pp_fast_tensor *in;
    int item, slab, slab_blocks; /* which output blocks: slab, slab + slab_blocks - 1 */
    int ring_rows;
    float *panel;    /* [in_blocks][chunk rows * columns][16]: activated input */
    float *ring;     /* [9 * slab_blocks][ring_rows][columns][16] */
    float *lines;    /* [2][3][columns + 2][16], a zero column at both ends */
    float *finished; /* [2 * columns][16]: an output row on its way to the caller's planes */
    shares *across;  /* [2 * columns + 2]: of high columns -1 ... 2 * columns */
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

/* Low row i in the ring, the nearest one where i lies outside (its share is 0 then). */
PP_INLINE size_t up_row(const up *u, int i)
{
    int row = i < 0 ? 0 : i >= u->in->rows ? u->in->rows - 1 : i;
    return (size_t)(row % u->ring_rows) * u->in->columns * PP_LANES;
}

/* lines[0], lines[1]: output rows 2i and 2i + 1 before the step across, for each tap across the sum
 * of its three taps down. */
static void up_down(const up *u, int block, int i)
{
    int columns = u->in->columns;
    size_t tap_floats = (size_t)u->ring_rows * columns * PP_LANES;
    size_t above = up_row(u, i - 1), here = up_row(u, i), below = up_row(u, i + 1);
    vec f[4], s[4]; /* shares at high rows 2i - 1 ... 2i + 2 */
    for (int k = 0; k < 4; k++) {
        shares at = shares_of(2 * i - 1 + k, u->in->rows);
        f[k] = vec_all(at.first);
        s[k] = vec_all(at.second);
    }
    for (int kx = 0; kx < 3; kx++) {
        const float *tap0 = u->ring + (size_t)(kx * u->slab_blocks + block) * tap_floats;
        const float *tap1 = tap0 + (size_t)3 * u->slab_blocks * tap_floats;
        const float *tap2 = tap1 + (size_t)3 * u->slab_blocks * tap_floats;
        float *line0 = u->lines + ((size_t)kx * (columns + 2) + 1) * PP_LANES;
        float *line1 = line0 + (size_t)3 * (columns + 2) * PP_LANES;
        for (int x = 0; x < columns * PP_LANES; x += PP_LANES) {
            vec a0 = vec_load(tap0 + above + x), h0 = vec_load(tap0 + here + x);
            vec a1 = vec_load(tap1 + above + x), h1 = vec_load(tap1 + here + x);
            vec b1 = vec_load(tap1 + below + x);
            vec h2 = vec_load(tap2 + here + x), b2 = vec_load(tap2 + below + x);
            vec even = vec_fma(f[0], a0, vec_mul(s[0], h0));
            vec odd = vec_fma(f[1], a0, vec_mul(s[1], h0));
            even = vec_fma(s[1], h1, vec_fma(f[1], a1, even));
            odd = vec_fma(s[2], b1, vec_fma(f[2], h1, odd));
            even = vec_fma(s[2], b2, vec_fma(f[2], h2, even));
            odd = vec_fma(s[3], b2, vec_fma(f[3], h2, odd));
            vec_store(line0 + x, even);
            vec_store(line1 + x, odd);
        }
    }
}

/* Output row 2i + odd from its line; the zero columns stand for low columns -1 and `columns`. */
static void up_across(const up *u, int block, int i, int odd)
{
    const pp_fast_op *op = u->op;
    int columns = u->in->columns;
    size_t line_floats = (size_t)(columns + 2) * PP_LANES;
    vec bias = vec_load(pp_fast_bias(u->run, op) + (u->slab + block) * PP_LANES);
    float *to = u->finished;
    if (!op->to_output) {
        to = pp_fast_block(u->run, op->out, op->out_block + u->slab + block) +
             ((size_t)u->item * 2 * u->in->rows + 2 * i + odd) * 2 * columns * PP_LANES;
    }
    const float *tap0 = u->lines + (size_t)odd * 3 * line_floats;
    const float *tap1 = tap0 + line_floats, *tap2 = tap1 + line_floats;
    for (int x = 0; x < columns; x++) {
        const shares *at = u->across + 2 * x; /* of high columns 2x - 1 ... 2x + 2 */
        vec f1 = vec_all(at[1].first), s1 = vec_all(at[1].second);
        vec f2 = vec_all(at[2].first), s2 = vec_all(at[2].second);
        vec l0 = vec_load(tap0), h0 = vec_load(tap0 + PP_LANES);
        vec l1 = vec_load(tap1), h1 = vec_load(tap1 + PP_LANES);
        vec r1 = vec_load(tap1 + 2 * PP_LANES);
        vec h2 = vec_load(tap2 + PP_LANES), r2 = vec_load(tap2 + 2 * PP_LANES);
        vec even = vec_fma(vec_all(at[0].second), h0, vec_fma(vec_all(at[0].first), l0, bias));
        vec next = vec_fma(s1, h0, vec_fma(f1, l0, bias));
        even = vec_fma(s1, h1, vec_fma(f1, l1, even));
        next = vec_fma(s2, r1, vec_fma(f2, h1, next));
        even = vec_fma(s2, r2, vec_fma(f2, h2, even));
        next = vec_fma(vec_all(at[3].second), r2, vec_fma(vec_all(at[3].first), h2, next));
        vec_store(to, activate(even, op->after));
        vec_store(to + PP_LANES, activate(next, op->after));
        to += 2 * PP_LANES;
        tap0 += PP_LANES;
        tap1 += PP_LANES;
        tap2 += PP_LANES;
    }
}

/* u->finished, 16 channels a pixel, to row y of 16 planes. */
static void up_to_planes(const up *u, int block, int y)
{
    const pp_fast_tensor *out = &u->run->plan->tensors[u->op->out];
    size_t plane = (size_t)out->rows * out->columns;
    int first = (u->slab + block) * PP_LANES;
    int channels = out->channels - first < PP_LANES ? out->channels - first : PP_LANES;
    float *to = u->run->output + ((size_t)u->item * out->channels + first) * plane +
                (size_t)y * out->columns;
    int x = 0;
    for (; x + PP_LANES <= out->columns; x += PP_LANES) {
        vec r[PP_LANES];
        PP_UNROLL
        for (int i = 0; i < PP_LANES; i++) r[i] = vec_load(u->finished + (x + i) * PP_LANES);
        vec_transpose(r);
        PP_UNROLL
        for (int c = 0; c < PP_LANES; c++) {
            if (c < channels) vec_store(to + c * plane + x, r[c]);
        }
    }
    for (; x < out->columns; x++) {
        for (int c = 0; c < channels; c++) to[c * plane + x] = u->finished[x * PP_LANES + c];
    }
}

static void up_slab(const up *u)
{
    int rows = u->in->rows, chunk = u->op->chunk, i = 0;
    for (int first = 0; first < rows; first += chunk) {
        int there = first + chunk < rows ? first + chunk : rows;
        up_multiply(u, first, there - first);
        for (; i < rows && (i + 1 < there || there == rows); i++) {
            for (int block = 0; block < u->slab_blocks; block++) {
                up_down(u, block, i);
                for (int odd = 0; odd < 2; odd++) {
                    up_across(u, block, i, odd);
                    if (u->op->to_output) up_to_planes(u, block, 2 * i + odd);
                }
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
    size_t line_floats = (size_t)(in->columns + 2) * PP_LANES;
    u.panel = run->work;
    u.ring = u.panel + (size_t)op->in_blocks * chunk * in->columns * PP_LANES;
    u.lines = u.ring + (size_t)2 * PP_UP_TAPS * u.ring_rows * in->columns * PP_LANES;
    u.finished = u.lines + 6 * line_floats;
    u.across = (shares *)(u.finished + (size_t)2 * in->columns * PP_LANES);
    for (int x = -1; x <= 2 * in->columns; x++) u.across[x + 1] = shares_of(x, in->columns);
    for (int line = 0; line < 6; line++) {
        vec_store(u.lines + line * line_floats, vec_zero());
        vec_store(u.lines + (line + 1) * line_floats - PP_LANES, vec_zero());
    }
    for (u.item = 0; u.item < run->n; u.item++) {
        for (u.slab = 0; u.slab < op->out_blocks; u.slab += 2) {
            u.slab_blocks = op->out_blocks - u.slab < 2 ? 1 : 2;
            up_slab(&u);
        }
    }
}

#endif
