/* A BatchNorm layer: its tensors in the parameter array, and what it does in the current step.
 *
 * While training, statistics are those of the batch, summed over all ranks through a callback
 * where one is given; otherwise the running statistics serve.
 */
#ifndef PP_TRAIN_NORM_LAYER_H
#define PP_TRAIN_NORM_LAYER_H

#include "base/status.h"
#include "train/norm.h"
#include "train/params.h"

/* What the networks ask of whoever runs them. Any function may be NULL. */
typedef struct pp_train_hooks {
    void *user;
    /* Adds up `count` values over all ranks, in place. NULL: this rank's batch is the batch. */
    void (*sum)(void *user, double *values, int count);
    /* Gradients [first, first + count) of the flat array are final. Calls go from the end of the
     * array to its start without gaps. */
    void (*gradient_ready)(void *user, size_t first, size_t count);
} pp_train_hooks;

typedef struct pp_train_norm_layer {
    int channels;
    int weight, bias, mean, var; /* tensors */
    pp_train_norm_map map;       /* of this step */
    double *sums;                /* [2 channels + 1] */
    double batch_pixels;         /* over all ranks */
    float *room;                 /* map and scratch */
} pp_train_norm_layer;

/* Adds NAME.weight, .bias, .running_mean and .running_var. */
pp_status pp_train_norm_layer_add(pp_train_norm_layer *layer, pp_train_params *params,
                                  pp_train_part part, pp_train_group group, int channels,
                                  const char *name, pp_error *err) PP_MUST_USE;
void pp_train_norm_layer_free(pp_train_norm_layer *layer);

/* Finds this step's map from z [pixels, channels]; not training: from the running statistics. */
void pp_train_norm_layer_forward(pp_train_norm_layer *layer, const pp_train_params *params,
                                 const float *z, long pixels, int training,
                                 const pp_train_hooks *hooks);

/* dx [pixels, channels] -> dz in place (not where `only_weights`); gradients of weight and bias
 * added to, of this rank's pixels. */
void pp_train_norm_layer_backward(pp_train_norm_layer *layer, const pp_train_params *params,
                                  const float *z, float *dx, long pixels, int only_weights,
                                  const pp_train_hooks *hooks);

#endif
