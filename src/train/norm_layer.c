#include "train/norm_layer.h"

#include "base/memory.h"

static pp_status make_room(pp_train_norm_layer *layer, pp_error *err)
{
    const size_t c = (size_t)layer->channels;
    layer->room = pp_alloc(7 * c, sizeof(float));
    layer->sums = pp_alloc(2 * c + 1, sizeof(double));
    if (layer->room == NULL || layer->sums == NULL) {
        pp_train_norm_layer_free(layer);
        return pp_fail(err, PP_ERR_NOMEM, "no memory for BatchNorm");
    }
    layer->map =
        (pp_train_norm_map){layer->room, layer->room + c, layer->room + 2 * c, layer->room + 3 * c};
    return PP_OK;
}

static float *scratch_of(const pp_train_norm_layer *layer)
{
    return layer->room + 4 * (size_t)layer->channels;
}

pp_status pp_train_norm_layer_add(pp_train_norm_layer *layer, pp_train_params *params,
                                  pp_train_part part, pp_train_group group, int channels,
                                  const char *name, pp_error *err)
{
    static const struct {
        const char *ending;
        pp_train_role role;
    } tensors[] = {{"weight", PP_TRAIN_NORM_WEIGHT},
                   {"bias", PP_TRAIN_NORM_BIAS},
                   {"running_mean", PP_TRAIN_RUNNING_MEAN},
                   {"running_var", PP_TRAIN_RUNNING_VAR}};
    layer->channels = channels;
    int *const indices[] = {&layer->weight, &layer->bias, &layer->mean, &layer->var};
    pp_status status = make_room(layer, err);
    for (int i = 0; i < 4 && status == PP_OK; i++) {
        status = pp_train_params_add(params, part, group, PP_TRAIN_FLAT, tensors[i].role, 1,
                                     &channels, indices[i], err, "%s.%s", name, tensors[i].ending);
    }
    return status;
}

void pp_train_norm_layer_free(pp_train_norm_layer *layer)
{
    PP_FREE(layer->room);
    PP_FREE(layer->sums);
}

void pp_train_norm_layer_forward(pp_train_norm_layer *layer, const pp_train_params *params,
                                 const float *z, long pixels, int training,
                                 const pp_train_hooks *hooks)
{
    const float *weight = pp_train_value(params, layer->weight);
    const float *bias = pp_train_value(params, layer->bias);
    float *mean = pp_train_value(params, layer->mean), *var = pp_train_value(params, layer->var);
    if (!training) {
        pp_train_norm_make_fixed(layer->channels, weight, bias, mean, var, &layer->map);
        return;
    }
    pp_train_norm_sums(z, pixels, layer->channels, layer->sums, scratch_of(layer));
    if (hooks->sum != NULL) hooks->sum(hooks->user, layer->sums, 2 * layer->channels + 1);
    layer->batch_pixels = layer->sums[2 * layer->channels];
    pp_train_norm_make(layer->sums, layer->channels, weight, bias, &layer->map, mean, var);
}

void pp_train_norm_layer_backward(pp_train_norm_layer *layer, const pp_train_params *params,
                                  const float *z, float *dx, long pixels, int only_weights,
                                  const pp_train_hooks *hooks)
{
    const int channels = layer->channels;
    float *d_weight = pp_train_gradient(params, layer->weight);
    float *d_bias = pp_train_gradient(params, layer->bias);
    pp_train_norm_backward_sums(z, dx, pixels, channels, &layer->map, layer->sums,
                                scratch_of(layer));
    for (int c = 0; c < channels; c++) {
        d_bias[c] += (float)layer->sums[c];
        d_weight[c] += (float)layer->sums[channels + c];
    }
    if (only_weights) return;
    if (hooks->sum != NULL) hooks->sum(hooks->user, layer->sums, 2 * channels);
    pp_train_norm_backward(z, dx, pixels, channels, &layer->map, layer->sums, layer->batch_pixels,
                           scratch_of(layer));
}
