/* The audio network.
 *
 *   input ─4x4 s2─> e0 ─4x4 s2─> e1 ... e(n-1)          level tensor d: [ e(d) | up from d+1 ]
 *                   │            │        │
 *   maps <─up 3x3── [e0|u0] <─── [e1|u1] <┘            down: leaky 0.2 on reading, so e(d) is
 *                                                       written activated; up: ReLU on reading
 */
#include <stdio.h>
#include <string.h>

#include "model/network.h"

enum { LEAST_LEVELS = 2, MOST_LEVELS = 8 };

/* How often "model." stands in the deepest name: the levels. */
static int count_levels(const pp_tensors *tensors)
{
    int most = 0;
    for (size_t i = 0; i < tensors->count; i++) {
        int count = 0;
        const char *at = tensors->items[i].name;
        while ((at = strstr(at, "model.")) != NULL) {
            count++;
            at += 6;
        }
        if (count > most) most = count;
    }
    return most;
}

/* "unet_block.model.1.model.3.model.<child>": part `child` of level `level`. */
static void part_name(int level, int child, const char *end, char name[PP_TENSOR_MOST_NAME])
{
    int used = snprintf(name, PP_TENSOR_MOST_NAME, "unet_block.");
    for (int d = 0; d < level; d++) {
        used +=
            snprintf(name + used, PP_TENSOR_MOST_NAME - (size_t)used, "model.%d.", d == 0 ? 1 : 3);
    }
    snprintf(name + used, PP_TENSOR_MOST_NAME - (size_t)used, "model.%d%s", child, end);
}

typedef struct builder {
    pp_network *out;
    const pp_tensors *tensors;
    pp_error *err;
    int levels;
    int down[MOST_LEVELS], up[MOST_LEVELS]; /* output channels of each level's convolutions */
    int level_tensor[MOST_LEVELS];
} builder;

static int up_child(const builder *b, int level)
{
    return level == 0 || level == b->levels - 1 ? 4 : 6;
}

static pp_status output_channels(builder *b, const char *name, int *channels)
{
    static const int64_t any[] = {-1, -1, -1, -1};
    pp_tensor *tensor;
    pp_status status = pp_tensors_expect(b->tensors, name, 4, any, &tensor, b->err);
    if (status == PP_OK) *channels = (int)tensor->dims[0];
    return status;
}

static pp_status read_channels(builder *b)
{
    pp_status status = PP_OK;
    for (int d = 0; status == PP_OK && d < b->levels; d++) {
        char name[PP_TENSOR_MOST_NAME];
        part_name(d, d == 0 ? 0 : 1, ".weight", name);
        status = output_channels(b, name, &b->down[d]);
        part_name(d, up_child(b, d), ".weight", name);
        if (status == PP_OK) status = output_channels(b, name, &b->up[d]);
    }
    return status;
}

static pp_status add_level_tensors(builder *b, int rows, int columns)
{
    pp_status status = PP_OK;
    for (int d = 0; status == PP_OK && d < b->levels; d++) {
        int innermost = d == b->levels - 1;
        pp_extent extent = {b->down[d] + (innermost ? 0 : b->up[d + 1]), rows >> (d + 1),
                            columns >> (d + 1)};
        status = pp_graph_tensor(b->out->graph, extent, &b->level_tensor[d], b->err);
    }
    return status;
}

static pp_status add_down(builder *b, int level)
{
    int outermost = level == 0, innermost = level == b->levels - 1;
    char norm[PP_TENSOR_MOST_NAME];
    pp_op op = {.kind = PP_OP_CONV,
                .in = {0, 0, 1},
                .out = {b->level_tensor[level], 0, b->down[level]},
                .addend = -1,
                .kernel = 4,
                .stride = 2,
                .padding = 1,
                .dilation = 1,
                .after = innermost ? PP_RELU : PP_LEAKY};
    if (!outermost) op.in = (pp_slice){b->level_tensor[level - 1], 0, b->down[level - 1]};
    part_name(level, outermost ? 0 : 1, ".weight", op.name);
    part_name(level, 2, "", norm);
    return pp_network_add(b->out, b->tensors, op, outermost || innermost ? NULL : norm, NULL, NULL,
                          b->err);
}

static pp_status add_up(builder *b, int level)
{
    int outermost = level == 0, child = up_child(b, level);
    char norm[PP_TENSOR_MOST_NAME], bias[PP_TENSOR_MOST_NAME];
    pp_op op = {.kind = PP_OP_UP_CONV,
                .in = pp_graph_whole(b->out->graph, b->level_tensor[level]),
                .out = {-1, 0, b->up[level]},
                .addend = -1,
                .kernel = 3,
                .stride = 1,
                .padding = 1,
                .dilation = 1,
                .before = PP_RELU,
                .after = outermost ? PP_LINEAR : PP_RELU};
    /* The up path is read by ReLUs only, so it may be written with one. */
    if (!outermost) {
        op.out = (pp_slice){b->level_tensor[level - 1], b->down[level - 1], b->up[level]};
    }
    part_name(level, child, ".weight", op.name);
    part_name(level, child, ".bias", bias);
    part_name(level, child + 1, "", norm);
    return pp_network_add(b->out, b->tensors, op, outermost ? NULL : norm, outermost ? bias : NULL,
                          NULL, b->err);
}

static pp_status expect_input_norm(builder *b)
{
    static const char *const names[] = {"bn0.weight", "bn0.bias", "bn0.running_mean",
                                        "bn0.running_var"};
    static const int64_t one = 1;
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < 4; i++) {
        pp_tensor *found;
        status = pp_tensors_expect(b->tensors, names[i], 1, &one, &found, b->err);
    }
    b->out->used += 4;
    return status;
}

pp_status pp_network_unet(pp_network *out, const pp_tensors *tensors, int rows, int columns,
                          pp_error *err)
{
    *out = (pp_network){0};
    builder b = {.out = out, .tensors = tensors, .err = err, .levels = count_levels(tensors)};
    if (b.levels < LEAST_LEVELS || b.levels > MOST_LEVELS) {
        return pp_fail(err, PP_ERR_FORMAT, "not an audio network: a U-Net of %d levels (%d to %d)",
                       b.levels, LEAST_LEVELS, MOST_LEVELS);
    }
    if (rows < 1 || columns < 1 || rows % (1 << b.levels) != 0 || columns % (1 << b.levels) != 0) {
        return pp_fail(err, PP_ERR_FORMAT,
                       "a U-Net of %d levels takes sides divisible by %d, not %d x %d", b.levels,
                       1 << b.levels, rows, columns);
    }
    int input;
    pp_status status = pp_graph_create(&out->graph, err);
    if (status == PP_OK) {
        status = pp_graph_tensor(out->graph, (pp_extent){1, rows, columns}, &input, err);
    }
    if (status == PP_OK) status = expect_input_norm(&b);
    if (status == PP_OK) status = read_channels(&b);
    if (status == PP_OK) status = add_level_tensors(&b, rows, columns);
    out->levels = b.levels;
    for (int d = 0; status == PP_OK && d < b.levels; d++) status = add_down(&b, d);
    for (int d = b.levels - 1; status == PP_OK && d >= 0; d--) status = add_up(&b, d);
    return status == PP_OK ? pp_network_finish(out, tensors, err) : status;
}
