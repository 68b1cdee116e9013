#include "nn/graph.h"

#include <string.h>

#include "base/memory.h"

#define MOST_CHANNELS 65536
#define MOST_SIDE 65536

pp_status pp_graph_create(pp_graph **out, pp_error *err)
{
    return pp_alloc_checked((void **)out, 1, sizeof **out, "a network's graph", err);
}

void pp_graph_destroy(pp_graph **graph)
{
    if (graph == NULL || *graph == NULL) return;
    pp_free((*graph)->tensors);
    pp_free((*graph)->ops);
    PP_FREE(*graph);
}

pp_status pp_graph_tensor(pp_graph *graph, pp_extent extent, int *index, pp_error *err)
{
    pp_status status = pp_grow((void **)&graph->tensors, &graph->tensor_capacity,
                               graph->tensor_count + 1, sizeof *graph->tensors, err);
    if (status != PP_OK) return status;
    *index = (int)graph->tensor_count;
    graph->tensors[graph->tensor_count++] = extent;
    return PP_OK;
}

pp_status pp_graph_add(pp_graph *graph, const pp_op *op, pp_error *err)
{
    pp_status status = pp_grow((void **)&graph->ops, &graph->op_capacity, graph->op_count + 1,
                               sizeof *graph->ops, err);
    if (status != PP_OK) return status;
    graph->ops[graph->op_count++] = *op;
    return PP_OK;
}

pp_status pp_graph_copy(pp_graph **out, const pp_graph *graph, pp_error *err)
{
    pp_status status = pp_graph_create(out, err);
    int index;
    for (size_t i = 0; status == PP_OK && i < graph->tensor_count; i++) {
        status = pp_graph_tensor(*out, graph->tensors[i], &index, err);
    }
    for (size_t i = 0; status == PP_OK && i < graph->op_count; i++) {
        status = pp_graph_add(*out, &graph->ops[i], err);
    }
    return status;
}

pp_slice pp_graph_whole(const pp_graph *graph, int tensor)
{
    return (pp_slice){tensor, 0, graph->tensors[tensor].channels};
}

static int result_side(const pp_op *op, int side)
{
    if (op->kind == PP_OP_UP_CONV) side *= 2;
    int reach = op->dilation * (op->kernel - 1) + 1, padded = side + 2 * op->padding;
    return padded < reach ? 0 : (padded - reach) / op->stride + 1;
}

pp_extent pp_op_result(const pp_op *op, pp_extent in)
{
    return (pp_extent){op->out.channels, result_side(op, in.rows), result_side(op, in.columns)};
}

pp_extent pp_graph_result(const pp_graph *graph)
{
    pp_slice out = graph->ops[graph->op_count - 1].out;
    pp_extent extent = graph->tensors[out.tensor];
    extent.channels = out.channels;
    return extent;
}

size_t pp_op_weights(const pp_op *op)
{
    if (op->kind == PP_OP_MAX_POOL) return 0;
    return (size_t)op->out.channels * op->in.channels * op->kernel * op->kernel;
}

double pp_op_multiply_adds(const pp_graph *graph, const pp_op *op)
{
    pp_extent out = graph->tensors[op->out.tensor];
    return (double)pp_op_weights(op) * out.rows * out.columns;
}

static int slice_fits(const pp_graph *graph, pp_slice slice)
{
    return slice.tensor >= 0 && (size_t)slice.tensor < graph->tensor_count && slice.first >= 0 &&
           slice.channels > 0 &&
           slice.channels <= graph->tensors[slice.tensor].channels - slice.first;
}

static int op_is_sound(const pp_graph *graph, const pp_op *op)
{
    if (!slice_fits(graph, op->in) || !slice_fits(graph, op->out)) return 0;
    if (op->in.tensor == op->out.tensor || op->out.tensor == 0) return 0;
    if (op->kernel < 1 || op->kernel > 64 || op->stride < 1 || op->stride > 64 || op->padding < 0 ||
        op->padding > 256 || op->dilation < 1 || op->dilation > 64) {
        return 0;
    }
    if (op->kind == PP_OP_UP_CONV &&
        (op->kernel != 3 || op->stride != 1 || op->padding != 1 || op->dilation != 1)) {
        return 0;
    }
    if (op->kind == PP_OP_MAX_POOL &&
        (op->in.channels != op->out.channels || op->dilation != 1 || op->addend >= 0 ||
         op->before != PP_LINEAR || op->after != PP_LINEAR || 2 * op->padding > op->kernel)) {
        return 0;
    }
    pp_extent result = pp_op_result(op, graph->tensors[op->in.tensor]);
    pp_extent target = graph->tensors[op->out.tensor];
    if (result.rows != target.rows || result.columns != target.columns) return 0;
    if (op->addend < 0) return op->addend == -1;
    pp_slice addend = {op->addend, 0, op->out.channels};
    pp_extent added = graph->tensors[slice_fits(graph, addend) ? op->addend : 0];
    return slice_fits(graph, addend) && added.channels == op->out.channels &&
           added.rows == target.rows && added.columns == target.columns;
}

/* Has every channel of the slice been written by one of the first `before` operations? */
static int covered(const pp_graph *graph, size_t before, pp_slice slice)
{
    for (int channel = slice.first; channel < slice.first + slice.channels; channel++) {
        int found = slice.tensor == 0;
        for (size_t i = 0; i < before && !found; i++) {
            pp_slice out = graph->ops[i].out;
            found = out.tensor == slice.tensor && channel >= out.first &&
                    channel < out.first + out.channels;
        }
        if (!found) return 0;
    }
    return 1;
}

pp_status pp_graph_check(const pp_graph *graph, pp_error *err)
{
    if (graph->tensor_count < 2 || graph->op_count < 1) {
        return pp_fail(err, PP_ERR_FORMAT, "a network without operations");
    }
    for (size_t i = 0; i < graph->tensor_count; i++) {
        pp_extent e = graph->tensors[i];
        if (e.channels < 1 || e.channels > MOST_CHANNELS || e.rows < 1 || e.rows > MOST_SIDE ||
            e.columns < 1 || e.columns > MOST_SIDE) {
            return pp_fail(err, PP_ERR_FORMAT, "an activation of %d x %d x %d", e.channels, e.rows,
                           e.columns);
        }
    }
    for (size_t i = 0; i < graph->op_count; i++) {
        const pp_op *op = &graph->ops[i];
        if (!op_is_sound(graph, op)) {
            return pp_fail(err, PP_ERR_FORMAT, "%s: its shape does not fit the layers around it",
                           op->name);
        }
        pp_slice addend = {op->addend, 0, op->out.channels};
        if (!covered(graph, i, op->in) || (op->addend >= 0 && !covered(graph, i, addend))) {
            return pp_fail(err, PP_ERR_INTERNAL, "%s reads what nothing has written", op->name);
        }
    }
    return PP_OK;
}
