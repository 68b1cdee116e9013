#include "train/params.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/random.h"

pp_status pp_train_params_create(pp_train_params **out, pp_error *err)
{
    *out = pp_alloc(1, sizeof **out);
    return *out != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for parameters");
}

void pp_train_params_destroy(pp_train_params **params)
{
    if (params == NULL || *params == NULL) return;
    pp_free((*params)->tensors);
    pp_free((*params)->values);
    pp_free((*params)->gradients);
    pp_free((*params)->statistics);
    PP_FREE(*params);
}

int pp_train_is_statistic(const pp_train_tensor *tensor)
{
    return tensor->role >= PP_TRAIN_RUNNING_MEAN;
}

pp_status pp_train_params_add(pp_train_params *params, pp_train_part part, pp_train_group group,
                              pp_train_layout layout, pp_train_role role, int rank, const int *dims,
                              int *index, pp_error *err, const char *name_format, ...)
{
    pp_status status = pp_grow((void **)&params->tensors, &params->capacity, params->count + 1,
                               sizeof *params->tensors, err);
    if (status != PP_OK) return status;
    pp_train_tensor *t = &params->tensors[params->count];
    *t = (pp_train_tensor){.part = part,
                           .group = group,
                           .layout = layout,
                           .role = role,
                           .rank = rank,
                           .dims = {1, 1, 1, 1},
                           .count = 1};
    va_list arguments;
    va_start(arguments, name_format);
    const int length = vsnprintf(t->name, sizeof t->name, name_format, arguments);
    va_end(arguments);
    if (length < 0 || (size_t)length >= sizeof t->name) {
        return pp_fail(err, PP_ERR_INTERNAL, "the name of a tensor is too long: %s", t->name);
    }
    for (int i = 0; i < rank; i++) {
        t->dims[i] = dims[i];
        t->count *= (size_t)dims[i];
    }
    size_t *used = pp_train_is_statistic(t) ? &params->tracked : &params->trained;
    t->offset = *used;
    *used += pp_align_up(t->count * sizeof(float)) / sizeof(float);
    *index = (int)params->count++;
    return PP_OK;
}

pp_status pp_train_params_allocate(pp_train_params *params, pp_error *err)
{
    params->values = pp_alloc(params->trained, sizeof(float));
    params->gradients = pp_alloc(params->trained, sizeof(float));
    params->statistics = pp_alloc(params->tracked, sizeof(float));
    if (params->values == NULL || params->gradients == NULL || params->statistics == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu parameters", params->trained);
    }
    for (size_t i = 0; i < params->count; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (t->role != PP_TRAIN_RUNNING_VAR) continue;
        for (size_t j = 0; j < t->count; j++) params->statistics[t->offset + j] = 1;
    }
    return PP_OK;
}

float *pp_train_value(const pp_train_params *params, int index)
{
    const pp_train_tensor *t = &params->tensors[index];
    return (pp_train_is_statistic(t) ? params->statistics : params->values) + t->offset;
}

float *pp_train_gradient(const pp_train_params *params, int index)
{
    return params->gradients + params->tensors[index].offset;
}

/* Where entry [out][in][row][column] of a file lies in memory. */
static size_t place(const pp_train_tensor *t, size_t entry)
{
    if (t->layout == PP_TRAIN_FLAT) return entry;
    const size_t in = (size_t)t->dims[1], taps = (size_t)(t->dims[2] * t->dims[3]);
    const size_t tap = entry % taps, i = entry / taps % in, o = entry / taps / in;
    const size_t outer = t->layout == PP_TRAIN_CONV ? tap * in + i : i * taps + tap;
    return outer * (size_t)t->dims[0] + o;
}

void pp_train_tensor_export(const pp_train_tensor *tensor, const float *from, float *to)
{
    for (size_t i = 0; i < tensor->count; i++) to[i] = from[place(tensor, i)];
}

void pp_train_tensor_import(const pp_train_tensor *tensor, const float *from, float *to)
{
    for (size_t i = 0; i < tensor->count; i++) to[place(tensor, i)] = from[i];
}

static void fill_normal(float *values, size_t count, double mean, double deviation,
                        pp_random *random)
{
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(mean + deviation * pp_random_normal(random));
    }
}

static void init_tensor(const pp_train_tensor *t, pp_train_init init, float *values,
                        pp_random *random)
{
    const double fan_in = (double)t->dims[1] * t->dims[2] * t->dims[3];
    const int paper = init == PP_TRAIN_INIT_PAPER;
    switch (t->role) {
    case PP_TRAIN_WEIGHT:
        fill_normal(values, t->count, 0, paper ? 0.001 : sqrt(2 / fan_in), random);
        break;
    case PP_TRAIN_NORM_WEIGHT:
        fill_normal(values, t->count, 1, paper ? 0.02 : 0, random);
        break;
    case PP_TRAIN_SCALE:
        fill_normal(values, t->count, 1, 0, random);
        break;
    case PP_TRAIN_VECTOR:
        fill_normal(values, t->count, 0, 1, random);
        break;
    default:
        fill_normal(values, t->count, 0, 0, random);
    }
}

void pp_train_params_init(pp_train_params *params, pp_train_init init, uint64_t seed)
{
    for (size_t i = 0; i < params->count; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (pp_train_is_statistic(t)) continue;
        pp_random random; /* a stream a tensor: adding one changes no other */
        pp_random_seed(&random, seed, i);
        init_tensor(t, init, params->values + t->offset, &random);
    }
}
