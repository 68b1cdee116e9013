/* From a graph to a plan: where channels lie, which method computes each operation, how much is
 * worked on at a time, and which tensors may share memory. */
#include <string.h>

#include "base/memory.h"
#include "nn/fast/plan.h"

enum {
    MOST_THIN_CHANNELS = 4,    /* of an input that is read in rows of taps and channels */
    CACHE_FLOATS = 64 * 1024,  /* of the block being worked on; a 1 MB cache holds weights too */
    DIRECT_FLOATS = 64 * 1024, /* gathered pixels of a product */
    UP_PIXELS = 128            /* low-resolution pixels of a product, about */
};

static int blocks_of(int channels)
{
    return (channels + PP_LANES - 1) / PP_LANES;
}

/* ---- tensors --------------------------------------------------------------------------------- */

/* Is `channel` the first of some slice of this tensor, or the one behind its last? */
static int is_cut(const pp_graph *graph, int tensor, int channel)
{
    for (size_t i = 0; i < graph->op_count; i++) {
        const pp_slice slices[] = {graph->ops[i].in, graph->ops[i].out};
        for (int j = 0; j < 2; j++) {
            if (slices[j].tensor != tensor) continue;
            if (channel == slices[j].first || channel == slices[j].first + slices[j].channels) {
                return 1;
            }
        }
    }
    return 0;
}

/* A thin tensor is the input where only convolutions read it, each in one go. */
static int is_thin(const pp_graph *graph, int tensor)
{
    if (tensor != 0 || graph->tensors[0].channels > MOST_THIN_CHANNELS) return 0;
    for (size_t i = 0; i < graph->op_count; i++) {
        const pp_op *op = &graph->ops[i];
        if (op->addend == 0) return 0;
        if (op->in.tensor != 0) continue;
        if (op->kind != PP_OP_CONV || op->dilation != 1 ||
            op->in.channels != graph->tensors[0].channels || op->before != PP_LINEAR) {
            return 0;
        }
    }
    return 1;
}

static void plan_thin(pp_plan *plan, pp_fast_tensor *t)
{
    t->thin = 1;
    for (size_t i = 0; i < plan->graph->op_count; i++) {
        const pp_op *op = &plan->graph->ops[i];
        if (op->in.tensor == 0 && op->padding > t->border) t->border = op->padding;
    }
    t->bytes = pp_align_up(sizeof(float) * (size_t)(t->rows + 2 * t->border) *
                           (t->columns + 2 * t->border) * t->channels);
}

static pp_status plan_tensor(pp_plan *plan, int index, pp_error *err)
{
    pp_extent e = plan->graph->tensors[index];
    pp_fast_tensor *t = &plan->tensors[index];
    t->rows = e.rows;
    t->columns = e.columns;
    t->channels = e.channels;
    pp_status status = pp_alloc_checked((void **)&t->physical, (size_t)e.channels + 1, sizeof(int),
                                        "a network's plan", err);
    if (status != PP_OK) return status;
    int next = 0;
    for (int channel = 0; channel <= e.channels; channel++) {
        if (channel > 0 && is_cut(plan->graph, index, channel)) {
            next = blocks_of(next) * PP_LANES;
        }
        t->physical[channel] = next++;
    }
    t->blocks = blocks_of(t->physical[e.channels]);
    t->bytes = sizeof(float) * (size_t)t->blocks * PP_LANES * e.rows * e.columns;
    if (is_thin(plan->graph, index)) plan_thin(plan, t);
    return PP_OK;
}

/* ---- operations ------------------------------------------------------------------------------ */

static pp_fast_method choose_method(const pp_plan *plan, const pp_op *op)
{
    const pp_fast_tensor *out = &plan->tensors[op->out.tensor];
    if (op->kind == PP_OP_MAX_POOL) return PP_FAST_POOL;
    if (op->kind == PP_OP_UP_CONV) return PP_FAST_UP;
    if (plan->tensors[op->in.tensor].thin) return PP_FAST_THIN;
    if (op->kernel == 3 && op->stride == 1 && op->padding == op->dilation &&
        out->rows >= 2 * op->dilation && out->columns >= 2 * op->dilation) {
        return PP_FAST_WINOGRAD;
    }
    /* Few tiles read many transformed weights: below 8 x 8 the plain product is faster. */
    if ((op->kernel == 4 || op->kernel == 3) && op->stride == 2 && op->padding == 1 &&
        op->dilation == 1 && out->rows >= 8 && out->columns >= 8) {
        return PP_FAST_WINOGRAD_2;
    }
    return PP_FAST_DIRECT;
}

static int within(size_t value, int least, int most)
{
    return value < (size_t)least ? least : value > (size_t)most ? most : (int)value;
}

/* Points of the tiles along a side: 6 a full tile, fewer the last one. */
static double winograd_points(int side)
{
    int rest = side % 4;
    return 6.0 * (side / 4) + (rest == 0 ? 0 : rest == 3 ? 5 : 4);
}

/* Sets chunk and multiply_adds; returns the floats of workspace. */
static size_t plan_winograd(const pp_plan *plan, pp_fast_op *op)
{
    const pp_fast_tensor *out = &plan->tensors[op->out];
    int d = op->dilation, rows = (out->rows + d - 1) / d, columns = (out->columns + d - 1) / d;
    size_t tile_columns = ((size_t)columns + 3) / 4;
    size_t tile = (size_t)PP_WINOGRAD_POINTS * (op->in_blocks + op->out_blocks) * PP_LANES;
    size_t strips = CACHE_FLOATS / (tile * tile_columns);
    /* Weights that outgrow the cache anyway are read once for at least this many tiles. */
    size_t least = op->in_blocks * op->out_blocks >= 64 ? 64 / tile_columns : 1;
    op->chunk = within(strips > least ? strips : least, 1, 1 << 20);
    op->multiply_adds = winograd_points(rows) * winograd_points(columns) * d * d * op->in_blocks *
                        op->out_blocks * PP_LANES * PP_LANES;
    size_t tiles = op->chunk * tile_columns;
    return tiles * tile + tiles * 8;
}

static size_t plan_winograd_2(const pp_plan *plan, pp_fast_op *op)
{
    const pp_fast_tensor *out = &plan->tensors[op->out];
    size_t tile = (size_t)PP_WINOGRAD_2_POINTS * (4 * op->in_blocks + op->out_blocks) * PP_LANES;
    op->chunk = within(CACHE_FLOATS / tile, 28, 1 << 20);
    int tiles = ((out->rows + 3) / 4) * ((out->columns + 3) / 4);
    op->multiply_adds = (double)tiles * PP_WINOGRAD_2_POINTS * 4 * op->in_blocks * op->out_blocks *
                        PP_LANES * PP_LANES;
    return (size_t)op->chunk * tile;
}

static size_t plan_up(const pp_plan *plan, pp_fast_op *op)
{
    const pp_fast_tensor *in = &plan->tensors[op->in];
    size_t width = (size_t)in->columns * PP_LANES;
    op->chunk = within(UP_PIXELS / (size_t)in->columns, 1, in->rows);
    size_t ring_rows = op->chunk >= in->rows ? (size_t)in->rows
                       : op->chunk == 1      ? 3
                                             : 2 * (size_t)op->chunk;
    op->multiply_adds = (double)in->rows * in->columns * PP_UP_TAPS * op->in_blocks *
                        op->out_blocks * PP_LANES * PP_LANES;
    return op->in_blocks * op->chunk * width + 2 * PP_UP_TAPS * ring_rows * width +
           6 * (width + 2 * PP_LANES) + 2 * width + (2 * (size_t)in->columns + 2) * 2;
}

static size_t plan_direct(const pp_plan *plan, pp_fast_op *op)
{
    const pp_fast_tensor *in = &plan->tensors[op->in], *out = &plan->tensors[op->out];
    size_t taps = (size_t)op->kernel * op->kernel;
    size_t depth = taps * (op->method == PP_FAST_THIN ? in->channels : op->in_blocks * PP_LANES);
    op->chunk = within(DIRECT_FLOATS / depth, 8 * PP_FAST_MOST_ROWS, 1 << 20);
    op->multiply_adds =
        (double)out->rows * out->columns * (double)depth * op->out_blocks * PP_LANES;
    return op->method == PP_FAST_THIN ? 0 : (size_t)op->chunk * depth;
}

static void plan_op(pp_plan *plan, int index, pp_arena *packed)
{
    const pp_op *shape = &plan->graph->ops[index];
    pp_fast_op *op = &plan->ops[index];
    const int *in_at = plan->tensors[shape->in.tensor].physical;
    const int *out_at = plan->tensors[shape->out.tensor].physical;
    *op = (pp_fast_op){.method = choose_method(plan, shape),
                       .in = shape->in.tensor,
                       .out = shape->out.tensor,
                       .addend = shape->addend,
                       .kernel = shape->kernel,
                       .stride = shape->stride,
                       .padding = shape->padding,
                       .dilation = shape->dilation,
                       .before = shape->before,
                       .after = shape->after};
    op->in_block = in_at[shape->in.first] / PP_LANES;
    op->in_blocks = blocks_of(in_at[shape->in.first + shape->in.channels - 1] + 1) - op->in_block;
    op->out_block = out_at[shape->out.first] / PP_LANES;
    op->out_blocks =
        blocks_of(out_at[shape->out.first + shape->out.channels - 1] + 1) - op->out_block;
    size_t floats = op->method == PP_FAST_WINOGRAD     ? plan_winograd(plan, op)
                    : op->method == PP_FAST_WINOGRAD_2 ? plan_winograd_2(plan, op)
                    : op->method == PP_FAST_UP         ? plan_up(plan, op)
                    : op->method == PP_FAST_POOL       ? 0
                                                       : plan_direct(plan, op);
    size_t bytes = pp_align_up(floats * sizeof(float));
    if (bytes > plan->work_bytes) plan->work_bytes = bytes;
    if (op->method == PP_FAST_POOL) return;
    op->weight_floats = pp_fast_packed_floats(op, shape);
    op->weight = packed->used;
    pp_arena_take(packed, op->weight_floats, sizeof(float));
    op->bias = packed->used;
    pp_arena_take(packed, (size_t)op->out_blocks * PP_LANES, sizeof(float));
}

/* Where the last operation makes whole rows of a result that nothing else reads or writes, no
 * tensor is needed for it. */
static void plan_output(pp_plan *plan)
{
    const pp_graph *graph = plan->graph;
    size_t last = graph->op_count - 1;
    int result = graph->ops[last].out.tensor;
    if (plan->ops[last].method != PP_FAST_UP ||
        graph->ops[last].out.channels != graph->tensors[result].channels) {
        return;
    }
    for (size_t i = 0; i < last; i++) {
        const pp_op *op = &graph->ops[i];
        if (op->in.tensor == result || op->out.tensor == result || op->addend == result) return;
    }
    plan->ops[last].to_output = 1;
    plan->tensors[result].bytes = 0;
}

/* ---- sharing memory -------------------------------------------------------------------------- */

/* Operations between which a tensor holds something. */
typedef struct life {
    int first, last;
} life;

static life life_of(const pp_graph *graph, int tensor)
{
    life l = {tensor == 0 ? -1 : (int)graph->op_count, -1};
    for (int i = 0; i < (int)graph->op_count; i++) {
        const pp_op *op = &graph->ops[i];
        if (op->out.tensor == tensor && i < l.first) l.first = i;
        if (op->out.tensor == tensor || op->in.tensor == tensor || op->addend == tensor) l.last = i;
    }
    /* The result is read behind the last operation. */
    if (graph->ops[graph->op_count - 1].out.tensor == tensor) l.last = (int)graph->op_count;
    return l;
}

/* The lowest place where the tensor meets no earlier one that lives at the same time. */
static void place_tensor(pp_plan *plan, int index)
{
    pp_fast_tensor *t = &plan->tensors[index];
    life mine = life_of(plan->graph, index);
    size_t at = 0;
    for (int moved = 1; moved;) {
        moved = 0;
        for (int i = 0; i < index; i++) {
            const pp_fast_tensor *other = &plan->tensors[i];
            life theirs = life_of(plan->graph, i);
            if (theirs.last < mine.first || mine.last < theirs.first) continue;
            if (at + t->bytes <= other->offset || other->offset + other->bytes <= at) continue;
            at = other->offset + other->bytes;
            moved = 1;
        }
    }
    t->offset = at;
    if (at + t->bytes > plan->tensor_bytes) plan->tensor_bytes = at + t->bytes;
}

/* ---- the whole ------------------------------------------------------------------------------- */

void pp_fast_plan_destroy(pp_plan **plan)
{
    if (plan == NULL || *plan == NULL) return;
    pp_plan *p = *plan;
    for (size_t i = 0; p->tensors != NULL && i < p->graph->tensor_count; i++) {
        pp_free(p->tensors[i].physical);
    }
    pp_free(p->tensors);
    pp_free(p->ops);
    pp_graph_destroy(&p->graph);
    PP_FREE(*plan);
}

pp_status pp_fast_plan_create(pp_plan **out, const pp_graph *graph, const pp_fast_isa *isa,
                              pp_error *err)
{
    pp_plan *plan = NULL;
    pp_arena packed = {0};
    pp_status status = pp_alloc_checked((void **)&plan, 1, sizeof *plan, "a network's plan", err);
    if (status == PP_OK) status = pp_graph_copy(&plan->graph, graph, err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&plan->tensors, graph->tensor_count,
                                  sizeof *plan->tensors, "a network's plan", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&plan->ops, graph->op_count, sizeof *plan->ops,
                                  "a network's plan", err);
    }
    for (size_t i = 0; status == PP_OK && i < graph->tensor_count; i++) {
        status = plan_tensor(plan, (int)i, err);
    }
    if (status != PP_OK) {
        pp_fast_plan_destroy(&plan);
        return status;
    }
    plan->isa = isa;
    for (size_t i = 0; i < graph->op_count; i++) plan_op(plan, (int)i, &packed);
    plan_output(plan);
    for (size_t i = 0; i < graph->tensor_count; i++) place_tensor(plan, (int)i);
    plan->packed_bytes = packed.used;
    *out = plan;
    return PP_OK;
}
