/* Masks of overlapping windows brought onto the STFT grid of the whole sound.
 *
 *   weight  1 |   ____________       ____________
 *             |  /            \_____/            \       of windows w and w + 1, before they are
 *           0 | /             /     \             \      divided by their sum in each frame
 *
 * Weights are positive in every frame of a window and divided by their sum in each frame, so
 * however many windows overlap (three where the last one was moved back), they add up to 1, and
 * equal masks stay what they are. Pure arithmetic; nothing is allocated; thread-safe.
 */
#ifndef PP_PIPELINE_CROSSFADE_H
#define PP_PIPELINE_CROSSFADE_H

#include "pipeline/segments.h"

/* The trapezoid of one window at one of its frames (of the whole sound's numbering), in (0, 1]. */
float pp_crossfade_weight(const pp_cut *cut, int64_t window, int64_t frame);

/* The masks of one window on the linear grid. */
typedef struct pp_window_masks {
    int64_t window;
    float *linear; /* [sources, bins, window_frames]; borrowed */
} pp_window_masks;

/* windows: all that lie over [first_frame, first_frame + frames), ascending
 * -> masks [sources, frames, bins], the layout of the STFT. */
void pp_crossfade(const pp_cut *cut, const pp_window_masks *windows, int count, int sources,
                  int bins, int64_t first_frame, int64_t frames, float *masks);

/* 1 where above one half, else 0. */
void pp_masks_make_binary(float *masks, int64_t count);

/* masks [sources, count]: where they sum above 1 all are scaled down to sum 1.
 * residual [count] = 1 - sum, never negative. */
void pp_masks_limit(float *masks, int sources, int64_t count, float *residual);

/* spectrum [count, 2] times mask [count] -> out [count, 2]. */
void pp_mask_apply(const float *spectrum, const float *mask, int64_t count, float *out);

#endif
