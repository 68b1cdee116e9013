/* 3x3 convolutions of stride 1 with four times fewer multiplications, forward and backward:
 * Winograd's minimal filtering F(4x4, 3x3) (Lavin and Gray 2016), as train/conv.h in layout and
 * meaning. The backward pass is the exact transpose of the forward one, product by product, so
 * that both gradients save as much. Rounding errors are a few times those of plain sums: 1e-5 of
 * the largest value at most (see the tests).
 *
 * Nothing allocates; the scratch is sized by pp_train_winograd_scratch. The same inputs give the
 * same bits. Needs pp_blas_load. Any number of threads on separate scratch and results.
 */
#ifndef PP_TRAIN_WINOGRAD_H
#define PP_TRAIN_WINOGRAD_H

#include "train/conv.h"

/* Whether it can be computed so: 3x3, stride 1, result as large as the input, any dilation,
 * channels in whole vectors of 16. */
int pp_train_winograd_can(const pp_train_conv *conv);

/* Whether it can, and saves at least half of the multiplications: small pictures do not fill the
 * tiles. */
int pp_train_winograd_pays(const pp_train_conv *conv);

size_t pp_train_winograd_scratch(const pp_train_conv *conv); /* floats; any batch */

/* As pp_train_conv_forward and pp_train_conv_backward. */
void pp_train_winograd_forward(const pp_train_conv *conv, int batch, const float *x,
                               const float *weights, float *y, float *scratch);
void pp_train_winograd_backward(const pp_train_conv *conv, int batch, const float *x,
                                const float *weights, const float *dy, float *dx, float *d_weights,
                                float *scratch);

#endif
