/* A network as a short list of operations on numbered tensors: shapes only, no weights.
 *
 *   tensor 0 ── conv ──> tensor 1 ── conv ──> tensor 2 [ 0 ........ C | C ........ 2C ]
 *                                                        written by     written by the
 *                                                        the way down   way up: a concat
 *
 * A tensor is one item's (window's, picture's) activation; every operation reads one slice of
 * channels and writes one, so that concatenation costs nothing. The model layer builds a graph
 * from a checkpoint's shapes; a kernel set (nn/kernels.h) compiles it and owns how activations and
 * weights lie in memory.
 *
 * Order: pp_graph_create, pp_graph_tensor (the input first) and pp_graph_add in the order of
 * running, pp_graph_check, then read-only for any number of threads.
 */
#ifndef PP_NN_GRAPH_H
#define PP_NN_GRAPH_H

#include <stddef.h>

#include "base/status.h"

#define PP_LEAKY_SLOPE 0.2f /* of the U-Net's encoder */

typedef enum pp_activation { PP_LINEAR, PP_RELU, PP_LEAKY } pp_activation;

typedef struct pp_extent {
    int channels, rows, columns;
} pp_extent;

typedef struct pp_slice {
    int tensor, first, channels; /* channels first .. first + channels - 1 */
} pp_slice;

typedef enum pp_op_kind {
    PP_OP_CONV,    /* zero padding; out = after(weight * before(in) + bias + addend) */
    PP_OP_UP_CONV, /* as CONV on bilinear x2 (align_corners) of before(in); 3x3, padding 1 */
    PP_OP_MAX_POOL /* padding counts as minus infinity; no weight */
} pp_op_kind;

typedef struct pp_op {
    pp_op_kind kind;
    char name[120]; /* of the weight in the checkpoint, for profiles and messages */
    pp_slice in, out;
    int addend; /* tensor of out's shape added before `after` (residual), or -1 */
    int kernel, stride, padding, dilation;
    pp_activation before, after;
} pp_op;

typedef struct pp_graph {
    pp_extent *tensors; /* [tensor_count]; 0 is the input, the last op's output the result */
    size_t tensor_count, tensor_capacity;
    pp_op *ops; /* [op_count], in the order of running */
    size_t op_count, op_capacity;
} pp_graph;

pp_status pp_graph_create(pp_graph **out, pp_error *err) PP_MUST_USE;
void pp_graph_destroy(pp_graph **graph);
pp_status pp_graph_copy(pp_graph **out, const pp_graph *graph, pp_error *err) PP_MUST_USE;

/* Appends; *index is the new tensor's number. */
pp_status pp_graph_tensor(pp_graph *graph, pp_extent extent, int *index, pp_error *err) PP_MUST_USE;
pp_status pp_graph_add(pp_graph *graph, const pp_op *op, pp_error *err) PP_MUST_USE;

/* Refuses slices outside their tensors, sizes that do not follow from kernel, stride, padding and
 * dilation, and reading what nothing has written. */
pp_status pp_graph_check(const pp_graph *graph, pp_error *err) PP_MUST_USE;

/* Whole tensor as a slice. */
pp_slice pp_graph_whole(const pp_graph *graph, int tensor);
/* The extent that `op` gives for an input of this extent (channels: out.channels). */
pp_extent pp_op_result(const pp_op *op, pp_extent in);
/* The result of the network: the extent of the last operation's output slice. */
pp_extent pp_graph_result(const pp_graph *graph);
/* Floats in the weight [out.channels, in.channels, kernel, kernel]; 0 for max-pool. */
size_t pp_op_weights(const pp_op *op);
/* Multiply-adds of one item by the count of a direct convolution. */
double pp_op_multiply_adds(const pp_graph *graph, const pp_op *op);

#endif
