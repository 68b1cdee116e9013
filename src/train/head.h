/* The end of the audio network and the synthesizer in one: the outermost up step (bilinear x2,
 * 3x3 convolution to K components, bias) and mask logits = sum_k v_k scale_k s_k + bias.
 *
 * The component maps s_k are never computed. Both steps are linear, so the mask of a source is the
 * up step with one output channel whose weights are mixed by that source's vector:
 *
 *     logit_n = upstep(x; sum_k u_nk W_k) + sum_k u_nk b_k + bias,     u_nk = v_nk scale_k
 *
 * With few sources this needs K / N times fewer multiplications than the maps, and the same
 * gradients follow by the chain rule through the mixed weights. Exact but for rounding.
 *
 * Layout: x [height, width, in_channels] channels last, after its ReLU; weights [in_channel, 3, 3,
 * K]; logits, targets [masks][2 height, 2 width] planes. Needs pp_blas_load.
 */
#ifndef PP_TRAIN_HEAD_H
#define PP_TRAIN_HEAD_H

#include <stddef.h>

#include "base/status.h"
#include "train/axis.h"
#include "train/loss.h"

typedef struct pp_train_head {
    int height, width; /* of the input; masks are twice as large */
    int in_channels, components;
    int most_masks; /* of one sample */
    pp_train_axis rows;
    float *columns; /* coefficients of the column stencils, see head.c */
} pp_train_head;

pp_status pp_train_head_create(pp_train_head *head, int height, int width, int in_channels,
                               int components, int most_masks, pp_error *err) PP_MUST_USE;
void pp_train_head_destroy(pp_train_head *head);
size_t pp_train_head_scratch(const pp_train_head *head); /* floats; from pp_alloc */

/* Parameters, or the gradients that are added to. scale NULL: all ones (the `bias` synthesizer). */
typedef struct pp_train_head_weights {
    float *up;      /* [in_channels, 3, 3, K] */
    float *up_bias; /* [K] */
    float *scale;   /* [K] */
    float *bias;    /* [1] */
} pp_train_head_weights;

/* logits [masks][2 height, 2 width] of one sample; vectors [masks, K] after the sigmoid. */
void pp_train_head_forward(const pp_train_head *head, const pp_train_head_weights *weights,
                           const float *x, const float *vectors, int masks, float *logits,
                           float *scratch);

/* d_logits as logits -> dx as x (overwritten), d_vectors [masks, K] (overwritten), gradients of the
 * weights (added to). `scratch` as pp_train_head_forward on the same sample left it. */
void pp_train_head_backward(const pp_train_head *head, const pp_train_head_weights *weights,
                            const float *x, const float *vectors, int masks, const float *d_logits,
                            float *dx, float *d_vectors, const pp_train_head_weights *gradients,
                            float *scratch);

#endif
