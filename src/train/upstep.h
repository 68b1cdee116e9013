/* The up step of the U-Net, forward and backward: input (already through its ReLU) -> bilinear x2
 * (align_corners) -> 3x3 convolution with padding 1 and no bias.
 *
 * Computed by the exact shortcut of NETWORKS.md: the nine taps act on the coarse grid as one
 * matrix product [pixels, in_channels] x [in_channels, 9 out_channels]; then rows and columns are
 * interpolated and shifted one axis after the other. Four times fewer multiplications than on the
 * fine grid. The backward pass is the transpose of the same two stages.
 *
 * Channels last. Weights [in_channel, kernel_row, kernel_col, out_channel]. Nothing allocates but
 * create. Needs pp_blas_load. Immutable once created; any number of threads on separate scratch.
 */
#ifndef PP_TRAIN_UPSTEP_H
#define PP_TRAIN_UPSTEP_H

#include <stddef.h>

#include "base/status.h"
#include "train/axis.h"

typedef struct pp_train_upstep {
    int height, width; /* of the input; the result is twice as large */
    int in_channels, out_channels;
    int chunk_rows; /* coarse rows a matrix product */
    pp_train_axis rows, columns;
} pp_train_upstep;

pp_status pp_train_upstep_create(pp_train_upstep *step, int height, int width, int in_channels,
                                 int out_channels, pp_error *err) PP_MUST_USE;
void pp_train_upstep_destroy(pp_train_upstep *step);

size_t pp_train_upstep_weights(const pp_train_upstep *step); /* floats */
size_t pp_train_upstep_scratch(const pp_train_upstep *step); /* floats; any batch */

/* x [batch, height, width, in_channels] -> y [batch, 2 height, 2 width, out_channels]. */
void pp_train_upstep_forward(const pp_train_upstep *step, int batch, const float *x,
                             const float *weights, float *y, float *scratch);

/* dy as y -> dx as x (overwritten), d_weights (added to). */
void pp_train_upstep_backward(const pp_train_upstep *step, int batch, const float *x,
                              const float *weights, const float *dy, float *dx, float *d_weights,
                              float *scratch);

#endif
