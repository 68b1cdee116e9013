/* Ideal masks: what a perfect network could reach on this grid. Pure functions. */
#ifndef PP_EVAL_MASKS_H
#define PP_EVAL_MASKS_H

#include <stddef.h>

/* Magnitudes [cells] on any one grid -> mask [cells].
 * Binary, as networks are trained: 1 where the source is above half of the mixture (Zhao et al.
 * 2018). */
void pp_mask_ideal_binary(const float *source, const float *mixture, size_t cells, float *mask);

/* Ratio: the source's share of the summed magnitudes of all sources; in [0, 1]. */
void pp_mask_ideal_ratio(const float *const *sources, int count, int which, size_t cells,
                         float *mask);

#endif
