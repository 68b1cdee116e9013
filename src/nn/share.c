#include "nn/share.h"

#define LEAST_DOUBT 1e-6f /* 1 - p: odds end at a million */

enum { BLOCK = 512 }; /* bins at a time, so that their sums stay in the nearest cache */

static void share_block(float *masks, int sources, int64_t stride, int count)
{
    float sum[BLOCK];
    for (int i = 0; i < count; i++) sum[i] = PP_SHARE_NOBODY;
    for (int s = 0; s < sources; s++) {
        float *mask = masks + s * stride;
        for (int i = 0; i < count; i++) {
            float doubt = 1 - mask[i] > LEAST_DOUBT ? 1 - mask[i] : LEAST_DOUBT;
            float odds = mask[i] / doubt;
            mask[i] = odds * odds;
            sum[i] += mask[i];
        }
    }
    for (int s = 0; s < sources; s++) {
        float *mask = masks + s * stride;
        for (int i = 0; i < count; i++) mask[i] /= sum[i];
    }
}

void pp_masks_share(float *masks, int sources, int64_t count)
{
    for (int64_t first = 0; first < count; first += BLOCK) {
        int64_t left = count - first;
        share_block(masks + first, sources, count, left < BLOCK ? (int)left : BLOCK);
    }
}
