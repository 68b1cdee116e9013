#include "eval/masks.h"

void pp_mask_ideal_binary(const float *source, const float *mixture, size_t cells, float *mask)
{
    for (size_t i = 0; i < cells; i++) mask[i] = source[i] > 0.5F * mixture[i] ? 1.0F : 0.0F;
}

void pp_mask_ideal_ratio(const float *const *sources, int count, int which, size_t cells,
                         float *mask)
{
    for (size_t i = 0; i < cells; i++) {
        float sum = 0.0F;
        for (int n = 0; n < count; n++) sum += sources[n][i];
        mask[i] = sum > 0.0F ? sources[which][i] / sum : 0.0F;
    }
}
