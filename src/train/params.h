/* The trainable tensors of the networks, all in one flat array, and the running statistics in
 * another; each tensor has the name and the shape that published checkpoints give it.
 *
 * In memory convolution weights lie as the kernels want them (layout); files and PyTorch have
 * [out, in, rows, columns]. pp_train_params_export and _import turn one into the other.
 *
 * The flat array is in the order of the forward pass, so that the backward pass finishes it from
 * its end to its start: gradients can be sent while the rest is still being computed.
 *
 * Order: create, add..., allocate, use, destroy. One thread.
 */
#ifndef PP_TRAIN_PARAMS_H
#define PP_TRAIN_PARAMS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#define PP_TRAIN_NAME 112 /* bytes of the name of a tensor */

typedef enum pp_train_part { /* the file a tensor belongs to */
                             PP_TRAIN_SOUND,
                             PP_TRAIN_FRAME,
                             PP_TRAIN_SYNTHESIZER,
                             PP_TRAIN_LABELS
} pp_train_part;

typedef enum pp_train_group { /* learning rates of their own */
                              PP_TRAIN_GROUP_SOUND,
                              PP_TRAIN_GROUP_HEAD, /* synthesizer, video head, label vectors */
                              PP_TRAIN_GROUP_TRUNK,
                              PP_TRAIN_GROUPS
} pp_train_group;

typedef enum pp_train_layout {
    PP_TRAIN_FLAT,
    PP_TRAIN_CONV, /* [rows, columns, in, out]: conv.h */
    PP_TRAIN_UP    /* [in, rows, columns, out]: upstep.h, head.h */
} pp_train_layout;

typedef enum pp_train_role { /* how it is initialised, and whether it decays */
                             PP_TRAIN_WEIGHT,
                             PP_TRAIN_BIAS,
                             PP_TRAIN_NORM_WEIGHT,
                             PP_TRAIN_NORM_BIAS,
                             PP_TRAIN_SCALE,        /* of the synthesizer */
                             PP_TRAIN_VECTOR,       /* of a label */
                             PP_TRAIN_RUNNING_MEAN, /* from here on: statistics, not trained */
                             PP_TRAIN_RUNNING_VAR
} pp_train_role;

typedef struct pp_train_tensor {
    char name[PP_TRAIN_NAME];
    pp_train_part part;
    pp_train_group group;
    pp_train_layout layout;
    pp_train_role role;
    int rank, dims[4]; /* as files have it */
    size_t offset;     /* floats, into values and gradients, or into statistics */
    size_t count;
} pp_train_tensor;

typedef struct pp_train_params {
    pp_train_tensor *tensors;
    size_t count, capacity;
    size_t trained; /* floats in values and gradients, gaps between tensors included */
    size_t tracked; /* floats in statistics */
    float *values, *gradients, *statistics;
} pp_train_params;

pp_status pp_train_params_create(pp_train_params **out, pp_error *err) PP_MUST_USE;
void pp_train_params_destroy(pp_train_params **params);

/* Adds a tensor behind the ones before; *index finds it again. dims: `rank` sizes, copied. */
pp_status pp_train_params_add(pp_train_params *params, pp_train_part part, pp_train_group group,
                              pp_train_layout layout, pp_train_role role, int rank, const int *dims,
                              int *index, pp_error *err, const char *name_format, ...) PP_MUST_USE
    PP_PRINTF(10, 11);

/* Makes the arrays; values and gradients 0, running means 0, running variances 1. */
pp_status pp_train_params_allocate(pp_train_params *params, pp_error *err) PP_MUST_USE;

int pp_train_is_statistic(const pp_train_tensor *tensor);
/* Where the tensor lies (a statistic: in `statistics`), and its gradient. Borrowed. */
float *pp_train_value(const pp_train_params *params, int index);
float *pp_train_gradient(const pp_train_params *params, int index);

/* A tensor, or another array laid out like `values` (a momentum), in the order of files.
 * from, to: [count] of the tensor; they do not overlap. */
void pp_train_tensor_export(const pp_train_tensor *tensor, const float *from, float *to);
void pp_train_tensor_import(const pp_train_tensor *tensor, const float *from, float *to);

typedef enum pp_train_init { PP_TRAIN_INIT_HE, PP_TRAIN_INIT_PAPER } pp_train_init;

/* Fills `values` from the seed: He et al. 2015 (fan-in, for ReLU), or the paper's: convolutions
 * N(0, 0.001), BatchNorm weights N(1, 0.02). Biases 0, scales 1; label vectors N(0, 1) both ways.
 */
void pp_train_params_init(pp_train_params *params, pp_train_init init, uint64_t seed);

#endif
