/* The plain kernel set: activations [channels, rows, columns], one item at a time, a convolution
 * as im2col of a strip of output rows and one sgemm. Slow and easy to believe. */
#include "nn/plain.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "nn/blas.h"

enum { STRIP_FLOATS = 1 << 20 }; /* of the im2col matrix: what a strip may take, one row at least */

/*  input rows a strip reads          im2col of the strip                output rows of the strip
 *  band [Cin, band_rows, width]  ->  [Cin*k*k, strip_rows * columns]  ->  [Cout, strip_rows,
 * columns]
 */
typedef struct op_plan {
    size_t weight, bias; /* byte offsets in the packed block */
    int strip_rows, band_rows, width;
} op_plan;

struct pp_plan {
    pp_graph *graph;
    op_plan *ops;
    size_t packed_bytes;
    size_t most_band, most_columns, most_line; /* floats, over all operations */
};

static void plain_plan_destroy(pp_plan **plan)
{
    if (plan == NULL || *plan == NULL) return;
    pp_graph_destroy(&(*plan)->graph);
    pp_free((*plan)->ops);
    PP_FREE(*plan);
}

static size_t larger(size_t a, size_t b)
{
    return a > b ? a : b;
}

static void plan_op(pp_plan *plan, int index, pp_arena *packed)
{
    const pp_op *op = &plan->graph->ops[index];
    op_plan *p = &plan->ops[index];
    if (op->kind == PP_OP_MAX_POOL) return;
    p->weight = packed->used;
    pp_arena_take(packed, pp_op_weights(op), sizeof(float));
    p->bias = packed->used;
    pp_arena_take(packed, op->out.channels, sizeof(float));

    pp_extent in = plan->graph->tensors[op->in.tensor], out = plan->graph->tensors[op->out.tensor];
    size_t depth = (size_t)op->in.channels * op->kernel * op->kernel;
    size_t rows = STRIP_FLOATS / (depth * out.columns);
    p->strip_rows = rows < 1 ? 1 : rows > (size_t)out.rows ? out.rows : (int)rows;
    p->band_rows = (p->strip_rows - 1) * op->stride + op->dilation * (op->kernel - 1) + 1;
    p->width = op->kind == PP_OP_UP_CONV ? 2 * in.columns : in.columns;
    plan->most_band = larger(plan->most_band, (size_t)op->in.channels * p->band_rows * p->width);
    plan->most_columns = larger(plan->most_columns, depth * p->strip_rows * out.columns);
    plan->most_line = larger(plan->most_line, in.columns);
}

static pp_status plain_plan_create(pp_plan **out, const pp_graph *graph, pp_error *err)
{
    pp_plan *plan = NULL;
    pp_arena packed = {0};
    pp_status status = pp_alloc_checked((void **)&plan, 1, sizeof *plan, "a network's plan", err);
    if (status == PP_OK) status = pp_graph_copy(&plan->graph, graph, err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&plan->ops, graph->op_count, sizeof *plan->ops,
                                  "a network's plan", err);
    }
    if (status != PP_OK) {
        plain_plan_destroy(&plan);
        return status;
    }
    for (size_t i = 0; i < graph->op_count; i++) plan_op(plan, (int)i, &packed);
    plan->packed_bytes = packed.used;
    *out = plan;
    return PP_OK;
}

static size_t plain_packed_bytes(const pp_plan *plan)
{
    return plan->packed_bytes;
}

/* Copies, and fills up to the next part with zeros. */
static void put(void *packed, size_t at, const float *values, size_t count)
{
    size_t bytes = count * sizeof *values;
    memcpy((char *)packed + at, values, bytes);
    memset((char *)packed + at + bytes, 0, pp_align_up(bytes) - bytes);
}

static void plain_pack(const pp_plan *plan, int op, const float *weight, const float *bias,
                       void *packed)
{
    const pp_op *o = &plan->graph->ops[op];
    if (o->kind == PP_OP_MAX_POOL) return;
    put(packed, plan->ops[op].weight, weight, pp_op_weights(o));
    put(packed, plan->ops[op].bias, bias, (size_t)o->out.channels);
}

/* One item's activations: all tensors, one after the other, then the strip's two matrices. */
typedef struct workspace {
    float *band, *columns, *line;
    pp_arena tensors;
} workspace;

static size_t tensor_floats(pp_extent e)
{
    return (size_t)e.channels * e.rows * e.columns;
}

static workspace carve(const pp_plan *plan, void *scratch)
{
    pp_arena arena = {scratch, 0, SIZE_MAX};
    if (scratch == NULL) arena.size = 0;
    workspace w;
    w.band = pp_arena_take(&arena, plan->most_band, sizeof(float));
    w.columns = pp_arena_take(&arena, plan->most_columns, sizeof(float));
    w.line = pp_arena_take(&arena, plan->most_line, sizeof(float));
    w.tensors = arena;
    return w;
}

static float *tensor_at(const pp_plan *plan, const workspace *w, int index)
{
    pp_arena arena = w->tensors;
    for (int i = 0; i < index; i++) {
        pp_arena_take(&arena, tensor_floats(plan->graph->tensors[i]), sizeof(float));
    }
    return (float *)(arena.base + arena.used);
}

static float *slice_at(const pp_plan *plan, const workspace *w, pp_slice slice)
{
    pp_extent e = plan->graph->tensors[slice.tensor];
    return tensor_at(plan, w, slice.tensor) + (size_t)slice.first * e.rows * e.columns;
}

static size_t plain_scratch_bytes(const pp_plan *plan, int batch)
{
    (void)batch; /* items go one by one */
    workspace w = carve(plan, NULL);
    for (size_t i = 0; i < plan->graph->tensor_count; i++) {
        pp_arena_take(&w.tensors, tensor_floats(plan->graph->tensors[i]), sizeof(float));
    }
    return w.tensors.used;
}

void pp_plain_enlarged_row(const float *channel, int rows, int columns, int y, pp_activation before,
                           float *line, float *out)
{
    /* Row y lies at y (rows - 1) / (2 rows - 1) of the input: whole part and rest, exactly. */
    int above = y * (rows - 1) / (2 * rows - 1), below = above + (above < rows - 1);
    float down = (float)(y * (rows - 1) % (2 * rows - 1)) / (float)(2 * rows - 1);
    const float *first = channel + (size_t)above * columns;
    const float *second = channel + (size_t)below * columns;
    for (int x = 0; x < columns; x++) {
        line[x] =
            (1 - down) * pp_activate(first[x], before) + down * pp_activate(second[x], before);
    }
    for (int x = 0; x < 2 * columns; x++) {
        int left = x * (columns - 1) / (2 * columns - 1), right = left + (left < columns - 1);
        float over = (float)(x * (columns - 1) % (2 * columns - 1)) / (float)(2 * columns - 1);
        out[x] = (1 - over) * line[left] + over * line[right];
    }
}

/* The input rows that output rows [first, first + strip_rows) read, activated, zero outside. */
static void fetch_band(const pp_op *op, const op_plan *p, pp_extent in, const float *source,
                       int first, float *line, float *band)
{
    int top = first * op->stride - op->padding;
    int height = op->kind == PP_OP_UP_CONV ? 2 * in.rows : in.rows;
    for (int c = 0; c < op->in.channels; c++) {
        const float *channel = source + (size_t)c * in.rows * in.columns;
        for (int r = 0; r < p->band_rows; r++) {
            float *row = band + ((size_t)c * p->band_rows + r) * p->width;
            int y = top + r;
            if (y < 0 || y >= height) {
                memset(row, 0, (size_t)p->width * sizeof *row);
            } else if (op->kind == PP_OP_UP_CONV) {
                pp_plain_enlarged_row(channel, in.rows, in.columns, y, op->before, line, row);
            } else {
                const float *from = channel + (size_t)y * in.columns;
                for (int x = 0; x < p->width; x++) row[x] = pp_activate(from[x], op->before);
            }
        }
    }
}

/* One row of im2col: tap (c, ky, kx) over the strip. */
static void spread_tap(const pp_op *op, const op_plan *p, const float *band, int kx, int ky,
                       int rows, int columns, float *to)
{
    for (int r = 0; r < rows; r++) {
        const float *row = band + (size_t)(r * op->stride + ky * op->dilation) * p->width;
        for (int x = 0; x < columns; x++) {
            int at = x * op->stride - op->padding + kx * op->dilation;
            *to++ = at >= 0 && at < p->width ? row[at] : 0;
        }
    }
}

static void spread_band(const pp_op *op, const op_plan *p, const float *band, int rows, int columns,
                        float *matrix)
{
    for (int c = 0; c < op->in.channels; c++) {
        const float *from = band + (size_t)c * p->band_rows * p->width;
        for (int ky = 0; ky < op->kernel; ky++) {
            for (int kx = 0; kx < op->kernel; kx++) {
                spread_tap(op, p, from, kx, ky, rows, columns, matrix);
                matrix += (size_t)rows * columns;
            }
        }
    }
}

static void finish_strip(const pp_op *op, const float *bias, const float *addend, size_t plane,
                         int count, float *out)
{
    for (int c = 0; c < op->out.channels; c++, out += plane) {
        for (int i = 0; i < count; i++) {
            float x = out[i] + bias[c];
            if (addend != NULL) x += addend[c * plane + i];
            out[i] = pp_activate(x, op->after);
        }
    }
}

static void run_convolution(const pp_plan *plan, int index, const void *packed, const workspace *w)
{
    const pp_op *op = &plan->graph->ops[index];
    const op_plan *p = &plan->ops[index];
    const float *weight = (const float *)((const char *)packed + p->weight);
    const float *bias = (const float *)((const char *)packed + p->bias);
    pp_extent in = plan->graph->tensors[op->in.tensor], out = plan->graph->tensors[op->out.tensor];
    const float *source = slice_at(plan, w, op->in);
    float *target = slice_at(plan, w, op->out);
    const float *addend = op->addend < 0 ? NULL : tensor_at(plan, w, op->addend);
    size_t plane = (size_t)out.rows * out.columns;
    int depth = op->in.channels * op->kernel * op->kernel;
    for (int first = 0; first < out.rows; first += p->strip_rows) {
        int rows = out.rows - first < p->strip_rows ? out.rows - first : p->strip_rows;
        int count = rows * out.columns;
        size_t at = (size_t)first * out.columns;
        fetch_band(op, p, in, source, first, w->line, w->band);
        spread_band(op, p, w->band, rows, out.columns, w->columns);
        pp_sgemm(0, 0, op->out.channels, count, depth, 1, weight, depth, w->columns, count, 0,
                 target + at, (int)plane);
        finish_strip(op, bias, addend != NULL ? addend + at : NULL, plane, count, target + at);
    }
}

static float largest_around(const pp_op *op, pp_extent in, const float *channel, int row,
                            int column)
{
    float largest = 0;
    int found = 0;
    for (int ky = 0; ky < op->kernel; ky++) {
        for (int kx = 0; kx < op->kernel; kx++) {
            int y = row * op->stride - op->padding + ky, x = column * op->stride - op->padding + kx;
            if (y < 0 || y >= in.rows || x < 0 || x >= in.columns) continue;
            float value = channel[(size_t)y * in.columns + x];
            if (!found || value > largest) largest = value;
            found = 1;
        }
    }
    return largest;
}

static void run_max_pool(const pp_plan *plan, int index, const workspace *w)
{
    const pp_op *op = &plan->graph->ops[index];
    pp_extent in = plan->graph->tensors[op->in.tensor], out = plan->graph->tensors[op->out.tensor];
    const float *source = slice_at(plan, w, op->in);
    float *target = slice_at(plan, w, op->out);
    for (int c = 0; c < op->in.channels; c++) {
        const float *channel = source + (size_t)c * in.rows * in.columns;
        for (int y = 0; y < out.rows; y++) {
            for (int x = 0; x < out.columns; x++) {
                *target++ = largest_around(op, in, channel, y, x);
            }
        }
    }
}

static void load_input(pp_extent e, const pp_net_input *input, int item, float *to)
{
    size_t plane = (size_t)e.rows * e.columns, from = (size_t)item * e.channels * plane;
    for (int c = 0; c < e.channels; c++) {
        float scale = input->scale[c], shift = input->shift[c];
        for (size_t i = 0; i < plane; i++) {
            float x = input->planar != NULL ? input->planar[from + c * plane + i]
                                            : (float)input->rgb[from + i * e.channels + c];
            *to++ = x * scale + shift;
        }
    }
}

static void add_time(double *total, double *since)
{
    double now = pp_clock_s();
    if (total != NULL) *total += now - *since;
    *since = now;
}

static void plain_run(const pp_plan *plan, const void *packed, void *scratch,
                      const pp_net_input *input, int n, float *output, pp_profile *profile)
{
    const pp_graph *graph = plan->graph;
    workspace w = carve(plan, scratch);
    size_t result = tensor_floats(pp_graph_result(graph));
    pp_profile none = {0}, *times = profile != NULL ? profile : &none;
    for (int item = 0; item < n; item++) {
        double since = pp_clock_s();
        load_input(graph->tensors[0], input, item, tensor_at(plan, &w, 0));
        add_time(&times->input_s, &since);
        for (size_t i = 0; i < graph->op_count; i++) {
            if (graph->ops[i].kind == PP_OP_MAX_POOL) run_max_pool(plan, (int)i, &w);
            else run_convolution(plan, (int)i, packed, &w);
            add_time(times->op_s != NULL ? &times->op_s[i] : NULL, &since);
        }
        memcpy(output + item * result, slice_at(plan, &w, graph->ops[graph->op_count - 1].out),
               result * sizeof *output);
        add_time(&times->output_s, &since);
    }
}

static double plain_multiply_adds(const pp_plan *plan, int op)
{
    return pp_op_multiply_adds(plan->graph, &plan->graph->ops[op]);
}

static int plain_usable(void)
{
    return 1;
}

const pp_kernels pp_kernels_plain = {
    .name = "plain",
    .version = 1,
    .uses_blas = 1,
    .usable = plain_usable,
    .plan_create = plain_plan_create,
    .plan_destroy = plain_plan_destroy,
    .packed_bytes = plain_packed_bytes,
    .pack = plain_pack,
    .scratch_bytes = plain_scratch_bytes,
    .run = plain_run,
    .multiply_adds = plain_multiply_adds,
    .mix_scratch_bytes = pp_plain_mix_scratch_bytes,
    .masks = pp_plain_masks,
    .energies = pp_plain_energies,
};
