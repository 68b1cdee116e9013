/* The audio network (U-Net) in training: everything but its outermost up convolution, which
 * head.h computes together with the synthesizer.
 *
 * Level 0 is the outermost. Down: 4x4 convolution, stride 2; up: ReLU, bilinear x2, 3x3
 * (shared oracle nets.py, NETWORKS.md). The result is the input of the outermost up step, after
 * its ReLU: [batch, rows / 2, frames / 2, 2 base]. Channels last.
 *
 * Order: create (adds the tensors), then forward, backward. One thread an object.
 */
#ifndef PP_TRAIN_UNET_H
#define PP_TRAIN_UNET_H

#include "base/status.h"
#include "train/norm_layer.h"
#include "train/params.h"

#define PP_TRAIN_LEAST_LEVELS 2
#define PP_TRAIN_MOST_LEVELS 8

typedef struct pp_train_unet pp_train_unet;

typedef struct pp_train_unet_shape {
    int rows, frames; /* of the input; both divisible by 2^levels */
    int base, levels, components;
    int batch; /* largest */
} pp_train_unet_shape;

/* params: borrowed for the object's life. */
pp_status pp_train_unet_create(pp_train_unet **out, const pp_train_unet_shape *shape,
                               pp_train_params *params, pp_error *err) PP_MUST_USE;
void pp_train_unet_destroy(pp_train_unet **unet);

/* The tensors of the outermost up convolution, [components, 2 base, 3, 3] and [components]. */
void pp_train_unet_head(const pp_train_unet *unet, int *weight, int *bias);

/* input [count, rows, frames] -> *top [count, rows / 2, frames / 2, 2 base], borrowed until the
 * next forward pass. */
void pp_train_unet_forward(pp_train_unet *unet, const float *input, int count, int training,
                           const pp_train_hooks *hooks, const float **top);

/* Where the caller writes d_top, the gradient by the result, before pp_train_unet_backward. */
float *pp_train_unet_d_top(pp_train_unet *unet);

/* Gradients of all tensors but the head's, added to, after a training forward pass. */
void pp_train_unet_backward(pp_train_unet *unet, const float *input, int count,
                            const pp_train_hooks *hooks);

#endif
