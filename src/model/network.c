#include "model/network.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define NORM_EPSILON 1e-5

static const char *const norm_parts[] = {"weight", "bias", "running_mean", "running_var"};

static void norm_name(const char *norm, int part, char name[PP_TENSOR_MOST_NAME])
{
    snprintf(name, PP_TENSOR_MOST_NAME, "%.100s.%s", norm, norm_parts[part]);
}

static pp_status expect_norm(pp_network *network, const pp_tensors *tensors, const char *norm,
                             int64_t channels, pp_error *err)
{
    pp_status status = PP_OK;
    for (int part = 0; status == PP_OK && part < 4; part++) {
        char name[PP_TENSOR_MOST_NAME];
        pp_tensor *found;
        norm_name(norm, part, name);
        status = pp_tensors_expect(tensors, name, 1, &channels, &found, err);
    }
    network->used += 4;
    return status;
}

pp_status pp_network_add(pp_network *network, const pp_tensors *tensors, pp_op op, const char *norm,
                         const char *bias, int *tensor, pp_error *err)
{
    pp_graph *graph = network->graph;
    pp_status status = PP_OK;
    pp_recipe recipe = {0};
    if (op.kind != PP_OP_MAX_POOL) {
        int64_t dims[] = {op.out.channels, op.in.channels, op.kernel, op.kernel};
        int64_t channels = op.out.channels;
        pp_tensor *found;
        status = pp_tensors_expect(tensors, op.name, 4, dims, &found, err);
        network->used++;
        if (status == PP_OK && bias != NULL) {
            status = pp_tensors_expect(tensors, bias, 1, &channels, &found, err);
            network->used++;
            snprintf(recipe.bias, sizeof recipe.bias, "%s", bias);
        }
        if (status == PP_OK && norm != NULL) {
            status = expect_norm(network, tensors, norm, channels, err);
            snprintf(recipe.norm, sizeof recipe.norm, "%s", norm);
        }
    }
    if (status == PP_OK && op.out.tensor < 0) {
        pp_extent extent = pp_op_result(&op, graph->tensors[op.in.tensor]);
        status = pp_graph_tensor(graph, extent, &op.out.tensor, err);
    }
    if (status == PP_OK) {
        status = pp_grow((void **)&network->recipes, &network->recipe_capacity, graph->op_count + 1,
                         sizeof *network->recipes, err);
    }
    if (status != PP_OK) return status;
    network->recipes[graph->op_count] = recipe;
    if (tensor != NULL) *tensor = op.out.tensor;
    return pp_graph_add(graph, &op, err);
}

static int belongs(const pp_network *network, const char *name)
{
    char names[6][PP_TENSOR_MOST_NAME];
    for (size_t op = 0; op < network->graph->op_count; op++) {
        int count = pp_network_names(network, (int)op, names);
        for (int i = 0; i < count; i++) {
            if (strcmp(names[i], name) == 0) return 1;
        }
    }
    return strncmp(name, "bn0.", 4) == 0 && network->levels > 0;
}

pp_status pp_network_finish(pp_network *network, const pp_tensors *tensors, pp_error *err)
{
    for (size_t i = 0; network->used != tensors->count && i < tensors->count; i++) {
        const char *name = tensors->items[i].name;
        if (!belongs(network, name)) {
            return pp_fail(err, PP_ERR_FORMAT, "%s belongs to no layer of this network", name);
        }
    }
    return pp_graph_check(network->graph, err);
}

void pp_network_clear(pp_network *network)
{
    pp_graph_destroy(&network->graph);
    pp_free(network->recipes);
    *network = (pp_network){0};
}

int pp_network_names(const pp_network *network, int op, char names[6][PP_TENSOR_MOST_NAME])
{
    const pp_recipe *recipe = &network->recipes[op];
    int count = 0;
    if (network->graph->ops[op].kind == PP_OP_MAX_POOL) return 0;
    snprintf(names[count++], PP_TENSOR_MOST_NAME, "%s", network->graph->ops[op].name);
    if (recipe->bias[0] != '\0') {
        snprintf(names[count++], PP_TENSOR_MOST_NAME, "%s", recipe->bias);
    }
    for (int part = 0; part < 4 && recipe->norm[0] != '\0'; part++) {
        norm_name(recipe->norm, part, names[count++]);
    }
    return count;
}

/* Channel c of a BatchNorm as y = scale x + shift. */
static void norm_of_channel(const float *parts[4], size_t c, double *scale, double *shift)
{
    *scale = parts[0][c] / sqrt((double)parts[3][c] + NORM_EPSILON);
    *shift = parts[1][c] - parts[2][c] * *scale;
}

static void find_norm(const pp_tensors *tensors, const char *norm, const float *parts[4])
{
    for (int part = 0; part < 4; part++) {
        char name[PP_TENSOR_MOST_NAME];
        norm_name(norm, part, name);
        parts[part] = pp_tensors_find(tensors, name)->values;
    }
}

void pp_network_norm(const pp_tensors *tensors, const char *name, float *scale, float *shift)
{
    const float *parts[4];
    double a, b;
    find_norm(tensors, name, parts);
    norm_of_channel(parts, 0, &a, &b);
    *scale = (float)a;
    *shift = (float)b;
}

void pp_network_fold(const pp_network *network, int op, const pp_tensors *tensors, float *weight,
                     float *bias)
{
    const pp_op *o = &network->graph->ops[op];
    const pp_recipe *recipe = &network->recipes[op];
    const float *from = pp_tensors_find(tensors, o->name)->values, *added = NULL, *parts[4];
    if (recipe->bias[0] != '\0') added = pp_tensors_find(tensors, recipe->bias)->values;
    if (recipe->norm[0] != '\0') find_norm(tensors, recipe->norm, parts);
    size_t channels = (size_t)o->out.channels, each = pp_op_weights(o) / channels;
    for (size_t c = 0; c < channels; c++) {
        double scale = 1, shift = 0;
        if (recipe->norm[0] != '\0') norm_of_channel(parts, c, &scale, &shift);
        for (size_t i = 0; i < each; i++) {
            weight[c * each + i] = (float)(scale * from[c * each + i]);
        }
        bias[c] = (float)(shift + scale * (added != NULL ? added[c] : 0));
    }
}
