/* The video network in training: a ResNet of basic blocks without its classifier, layer 4 dilated
 * instead of strided, and a 3x3 convolution with bias (`fc`) to K channels (shared oracle nets.py,
 * dilated_resnet18; He et al. 2016). Width and blocks are data: the published shape has width 64
 * and 2 blocks a layer. Channels last.
 *
 * Order: create (adds the tensors), then forward, backward. One thread an object.
 */
#ifndef PP_TRAIN_TRUNK_H
#define PP_TRAIN_TRUNK_H

#include "base/status.h"
#include "train/norm_layer.h"
#include "train/params.h"

#define PP_TRAIN_LAYERS 4
#define PP_TRAIN_MOST_BLOCKS 8 /* of a layer */

typedef struct pp_train_trunk pp_train_trunk;

typedef struct pp_train_trunk_shape {
    int picture_size; /* pixels, square */
    int width;        /* channels of the stem and of layer 1; doubled by each further layer */
    int blocks[PP_TRAIN_LAYERS];
    int components;
    int batch; /* pictures, largest */
} pp_train_trunk_shape;

/* params: borrowed for the object's life. */
pp_status pp_train_trunk_create(pp_train_trunk **out, const pp_train_trunk_shape *shape,
                                pp_train_params *params, pp_error *err) PP_MUST_USE;
void pp_train_trunk_destroy(pp_train_trunk **trunk);

int pp_train_trunk_grid(const pp_train_trunk *trunk); /* rows and columns of the result */

/* pictures [count, size, size, 3], normalised -> *features [count, grid, grid, K], borrowed until
 * the next forward pass. pictures: borrowed until the backward pass is done. */
void pp_train_trunk_forward(pp_train_trunk *trunk, const float *pictures, int count, int training,
                            const pp_train_hooks *hooks, const float **features);

/* d_features as features, after a training forward pass; gradients of all tensors added to. */
void pp_train_trunk_backward(pp_train_trunk *trunk, const float *d_features,
                             const pp_train_hooks *hooks);

#endif
