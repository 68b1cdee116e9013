/* Parts of the plain kernel set (nn/kernels.h says what each does). Private to src/nn. */
#ifndef PP_NN_PLAIN_H
#define PP_NN_PLAIN_H

#include "nn/kernels.h"

size_t pp_plain_mix_scratch_bytes(int components, int bins);
void pp_plain_masks(const pp_mix *mix, void *scratch, float *masks);
void pp_plain_energies(const pp_mix *mix, const float *magnitude, void *scratch, float *energy);

/* Output row y of a bilinear x2 enlargement (align_corners) of one channel [rows, columns], to
 * out [2 * columns]; `before` is applied to the input. line: columns floats of scratch. */
void pp_plain_enlarged_row(const float *channel, int rows, int columns, int y, pp_activation before,
                           float *line, float *out);

static inline float pp_activate(float x, pp_activation activation)
{
    if (activation == PP_LINEAR || x > 0) return x;
    return activation == PP_RELU ? 0 : PP_LEAKY_SLOPE * x;
}

#endif
