/* The whole of Mix-and-Separate as one function of a batch: audio network, video network or label
 * vectors, synthesizer, loss; forward, and backward into the gradients of all parameters.
 *
 * Every source of a mix can ask for its mask by its picture, by its label, or both: each gives one
 * mask, and all masks of the batch weigh the same (NETWORKS.md, "Training").
 *
 * Order: create, pp_train_params_init or an import, steps. One thread an object; needs
 * pp_blas_load.
 */
#ifndef PP_TRAIN_NET_H
#define PP_TRAIN_NET_H

#include <stdint.h>

#include "base/status.h"
#include "train/loss.h"
#include "train/mosaic.h"
#include "train/norm_layer.h"
#include "train/params.h"
#include "train/trunk.h"
#include "train/unet.h"

#define PP_TRAIN_MOST_SOURCES 8

typedef struct pp_train_shape {
    int rows, frames; /* of a window: 256 x 256 as published */
    int base, levels; /* U-Net: 64 and 7 as published */
    int components;   /* K */
    int linear;       /* synthesizer with a scale for each component, or with a bias alone */
    int pictures;     /* of a clip, 0: no video network */
    int picture_size; /* 224 as published */
    int trunk_width;  /* 64 as published */
    int trunk_blocks[PP_TRAIN_LAYERS]; /* 2, 2, 2, 2 as published */
    int pool_average;
    int labels;      /* label vectors, 0: none */
    int sources;     /* of a mix, at most */
    int batch;       /* mixes, at most */
    int extra_clips; /* beside each mix: clips that only show their pictures (picture_to_label) */
    int mosaics;     /* and pictures made of several clips' */
} pp_train_shape;

typedef struct pp_train_net pp_train_net;

pp_status pp_train_net_create(pp_train_net **out, const pp_train_shape *shape,
                              pp_error *err) PP_MUST_USE;
void pp_train_net_destroy(pp_train_net **net);

const pp_train_shape *pp_train_net_shape(const pp_train_net *net); /* borrowed */
pp_train_params *pp_train_net_params(pp_train_net *net);           /* borrowed */
int pp_train_net_grid(const pp_train_net *net); /* of the video network, 0 without one */

/* What a step works on. All arrays are borrowed; sizes by the shape, `mixes` and `sources`. */
typedef struct pp_train_batch {
    int mixes, sources;
    const float *sound;    /* [mixes, rows, frames] natural log of the mixture's warped magnitude */
    const float *weight;   /* [mixes, rows, frames] of each bin in the loss */
    const float *target;   /* [mixes, sources, rows, frames] masks */
    int clips;             /* with pictures */
    const float *pictures; /* [clips, shape.pictures, size, size, 3] normalised */
    const int *clip;       /* [mixes, sources] index of the source's clip, -1: no picture asked */
    const int *label;      /* [mixes, sources] -1: no label asked */
    int extra;             /* clips behind those of the mixes */
    const int *extra_label;     /* [extra] whose label's vector their pictures are drawn to */
    int mosaics;                /* clips behind those, the last: several clips' pictures in one */
    const pp_train_tile *tiles; /* [mosaics, PP_TRAIN_TILES] */
    float picture_to_label;     /* weight of the terms below, 0: none */
    float nobody;
} pp_train_batch;

/* Mean loss of all masks of the batch (double sums in a fixed order); gradients, set to zero first,
 * of that mean. hooks: borrowed. A batch without any mask is refused.
 *
 * A source that is asked for by picture and by label can also teach the video network directly:
 * picture_to_label times the mean over all masks and components of the Kullback-Leibler divergence
 * from the label's vector (taken as given) to the picture's is added to the loss. So do extra
 * clips, each of which weighs as much as a mask, and mosaics, whose tiles weigh a fourth: the
 * pixels of each tile, pooled, are drawn to its label, so that pixels learn to tell what is
 * where they are.
 *
 * nobody times the cross-entropy of the mask of a vector of zeros against silence is added, so that
 * what no source claims, and pixels that show nothing, let nothing through: the synthesizer's bias
 * sinks, and maps make up for it where there is a source. */
pp_status pp_train_net_step(pp_train_net *net, const pp_train_batch *batch, pp_train_loss loss,
                            const pp_train_hooks *hooks, double *mean_loss,
                            pp_error *err) PP_MUST_USE;

/* With running statistics: the mean loss, and the masks [masks][rows, frames] one mix after
 * another, in each its sources, in each the picture's before the label's. masks may be NULL. */
pp_status pp_train_net_evaluate(pp_train_net *net, const pp_train_batch *batch, pp_train_loss loss,
                                float *masks, double *mean_loss, pp_error *err) PP_MUST_USE;

/* Tests and diagnostics: what the last step or evaluation computed inside. Borrowed. */
const float *pp_train_net_vectors(const pp_train_net *net); /* [masks, K], sigmoid applied */

#endif
