/* Masks of sources that are asked for together compete for each bin.
 *
 * A sigmoid mask p judges its source alone: "more than half of this bin is mine". Where several
 * sources are known, each one's odds p / (1 - p) say more. Squared, as powers add where sounds
 * do (a Wiener filter), they share the bin, with a nobody of power PP_SHARE_NOBODY who takes what
 * no source claims:
 *
 *     m_i = o_i^2 / (nobody + sum_j o_j^2),     o = p / (1 - p)
 *
 * docs/pipeline.md has what this gains. Pure arithmetic in a fixed order: the same bits
 * everywhere.
 */
#ifndef PP_NN_SHARE_H
#define PP_NN_SHARE_H

#include <stdint.h>

#define PP_SHARE_NOBODY 0.1f

/* masks [sources, count], sigmoid masks in 0..1, become shares whose sum is below 1. */
void pp_masks_share(float *masks, int sources, int64_t count);

#endif
