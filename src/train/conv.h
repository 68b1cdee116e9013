/* Convolution forward and backward for training, as matrix products over tiles of pixels.
 *
 * All tensors are float32 with channels last: pictures [batch, height, width, channels]. Weights
 * are kept as [kernel_row, kernel_col, in_channel, out_channel], so that a tile of unrolled pixels
 * [pixels, kernel * kernel * in_channels] times the weights gives out_channels contiguous results
 * a pixel. Convolutions that Winograd's filtering serves better go to train/winograd.h. Zero
 * padding. Nothing allocates; the scratch is sized by pp_train_conv_scratch.
 * Needs pp_blas_load. Any number of threads on separate scratch and results.
 */
#ifndef PP_TRAIN_CONV_H
#define PP_TRAIN_CONV_H

#include <stddef.h>

typedef struct pp_train_conv {
    int height, width, in_channels; /* of the input */
    int out_channels;
    int kernel, stride, padding, dilation; /* the same in both directions */
    int out_height, out_width;             /* filled in by pp_train_conv_make */
} pp_train_conv;

/* A convolution on pictures of height x width; sizes of the result as PyTorch's Conv2d. */
pp_train_conv pp_train_conv_make(int height, int width, int in_channels, int out_channels,
                                 int kernel, int stride, int padding, int dilation);

size_t pp_train_conv_weights(const pp_train_conv *conv); /* floats */
size_t pp_train_conv_scratch(const pp_train_conv *conv); /* floats; any batch */

/* x [batch, height, width, in_channels] -> y [batch, out_height, out_width, out_channels].
 * bias [out_channels] or NULL. */
void pp_train_conv_forward(const pp_train_conv *conv, int batch, const float *x,
                           const float *weights, const float *bias, float *y, float *scratch);

/* From dy, the gradient of the loss by y: dx (as x; overwritten; NULL where nobody needs it),
 * d_weights and d_bias (added to; d_bias may be NULL). */
void pp_train_conv_backward(const pp_train_conv *conv, int batch, const float *x,
                            const float *weights, const float *dy, float *dx, float *d_weights,
                            float *d_bias, float *scratch);

#endif
