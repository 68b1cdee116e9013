/* The video network: a stem, up to four layers of basic blocks, and a 3x3 head.
 *
 *   block:  x ─ conv1 3x3 ─ bn1 ─ ReLU ─ conv2 3x3 ─ bn2 ─ + ─ ReLU
 *           └────────── or downsample 1x1 ─ bn ────────────┘
 *
 * A layer that would take the stride beyond output_stride keeps its size and dilates instead: the
 * convolution that would have strided by half of the dilation, every other 3x3 by all of it.
 */
#include <stdio.h>
#include <string.h>

#include "model/network.h"

enum { FIRST_LAYER = 4, MOST_LAYERS = 4, MOST_BLOCKS = 64 };

typedef struct builder {
    pp_network *out;
    const pp_tensors *tensors;
    pp_error *err;
    int tensor;        /* the last one written */
    int stride;        /* so far, of the input */
    int output_stride; /* not to be passed */
    int dilation;      /* of the layer being built; 1: none */
} builder;

static int has(const builder *b, const char *name)
{
    return pp_tensors_find(b->tensors, name) != NULL;
}

/* An operation on a whole tensor, its output channels and kernel read off its weight. */
static pp_status describe(builder *b, const char *name, int in, pp_op *op)
{
    static const int64_t any[] = {-1, -1, -1, -1};
    pp_tensor *weight;
    pp_status status = pp_tensors_expect(b->tensors, name, 4, any, &weight, b->err);
    if (status != PP_OK) return status;
    *op = (pp_op){.kind = PP_OP_CONV,
                  .in = pp_graph_whole(b->out->graph, in),
                  .out = {-1, 0, (int)weight->dims[0]},
                  .addend = -1,
                  .kernel = (int)weight->dims[2],
                  .stride = 1,
                  .dilation = 1};
    op->padding = (op->kernel - 1) / 2;
    snprintf(op->name, sizeof op->name, "%s", name);
    return PP_OK;
}

static pp_status add_stem(builder *b)
{
    pp_op op;
    pp_status status = describe(b, "features.0.weight", 0, &op);
    if (status != PP_OK) return status;
    op.stride = 2;
    op.after = PP_RELU;
    status = pp_network_add(b->out, b->tensors, op, "features.1", NULL, &b->tensor, b->err);
    if (status != PP_OK) return status;
    pp_slice whole = pp_graph_whole(b->out->graph, b->tensor);
    pp_op pool = {.kind = PP_OP_MAX_POOL,
                  .name = "maxpool",
                  .in = whole,
                  .out = {-1, 0, whole.channels},
                  .addend = -1,
                  .kernel = 3,
                  .stride = 2,
                  .padding = 1,
                  .dilation = 1};
    b->stride = 4;
    return pp_network_add(b->out, b->tensors, pool, NULL, NULL, &b->tensor, b->err);
}

static pp_status add_conv(builder *b, const char *block, const char *conv, const char *norm, int in,
                          int stride, int dilation, int addend, int *out)
{
    char name[PP_TENSOR_MOST_NAME], norm_name[PP_TENSOR_MOST_NAME];
    pp_op op;
    snprintf(name, sizeof name, "%s%s.weight", block, conv);
    snprintf(norm_name, sizeof norm_name, "%s%s", block, norm);
    pp_status status = describe(b, name, in, &op);
    if (status != PP_OK) return status;
    op.stride = stride;
    op.dilation = op.kernel > 1 ? dilation : 1;
    op.padding *= op.dilation;
    op.addend = addend;
    op.after = strcmp(conv, "downsample.0") == 0 ? PP_LINEAR : PP_RELU;
    return pp_network_add(b->out, b->tensors, op, norm_name, NULL, out, b->err);
}

static pp_status add_block(builder *b, const char *name, int stride, int first_dilation)
{
    char downsample[PP_TENSOR_MOST_NAME];
    int inner = 0, shortcut = b->tensor;
    snprintf(downsample, sizeof downsample, "%sdownsample.0.weight", name);
    pp_status status =
        add_conv(b, name, "conv1", "bn1", b->tensor, stride, first_dilation, -1, &inner);
    if (status == PP_OK && has(b, downsample)) {
        status =
            add_conv(b, name, "downsample.0", "downsample.1", b->tensor, stride, 1, -1, &shortcut);
    }
    if (status != PP_OK) return status;
    status = add_conv(b, name, "conv2", "bn2", inner, 1, b->dilation, shortcut, &b->tensor);
    b->out->blocks++;
    return status;
}

static pp_status add_layer(builder *b, int layer)
{
    int stride = layer == 0 ? 1 : 2, first_dilation = b->dilation;
    if (b->stride * stride > b->output_stride) {
        first_dilation = b->dilation;
        b->dilation *= 2;
        stride = 1;
    }
    b->stride *= stride;
    pp_status status = PP_OK;
    for (int block = 0; status == PP_OK && block < MOST_BLOCKS; block++) {
        char name[64], first[PP_TENSOR_MOST_NAME];
        snprintf(name, sizeof name, "features.%d.%d.", FIRST_LAYER + layer, block);
        snprintf(first, sizeof first, "%sconv1.weight", name);
        if (block > 0 && !has(b, first)) break;
        status =
            add_block(b, name, block == 0 ? stride : 1, block == 0 ? first_dilation : b->dilation);
    }
    return status;
}

static pp_status add_head(builder *b)
{
    pp_op op;
    pp_status status = describe(b, "fc.weight", b->tensor, &op);
    if (status != PP_OK) return status;
    return pp_network_add(b->out, b->tensors, op, NULL, "fc.bias", &b->tensor, b->err);
}

pp_status pp_network_trunk(pp_network *out, const pp_tensors *tensors, int size, int output_stride,
                           pp_error *err)
{
    *out = (pp_network){0};
    builder b = {.out = out,
                 .tensors = tensors,
                 .err = err,
                 .stride = 1,
                 .output_stride = output_stride,
                 .dilation = 1};
    if (output_stride != 8 && output_stride != 16 && output_stride != 32) {
        return pp_fail(err, PP_ERR_FORMAT, "a video network's output stride is 8, 16 or 32, not %d",
                       output_stride);
    }
    int input;
    pp_status status = pp_graph_create(&out->graph, err);
    if (status == PP_OK) {
        status = pp_graph_tensor(out->graph, (pp_extent){3, size, size}, &input, err);
    }
    if (status == PP_OK) status = add_stem(&b);
    for (int layer = 0; status == PP_OK && layer < MOST_LAYERS; layer++) {
        char first[PP_TENSOR_MOST_NAME];
        snprintf(first, sizeof first, "features.%d.0.conv1.weight", FIRST_LAYER + layer);
        if (layer > 0 && !has(&b, first)) break;
        status = add_layer(&b, layer);
    }
    if (status == PP_OK) status = add_head(&b);
    return status == PP_OK ? pp_network_finish(out, tensors, err) : status;
}
