/* Where windows, frames, samples and pictures of a cut video lie. Pure arithmetic; thread-safe.
 *
 *   windows    0         1         2            STFT frames step * w .. + window_frames
 *              |---------|---------|----->      "own" frames of a window: up to the next one's
 * first segments   |0                  |1           a segment's own part: that of its windows
 * together
 *
 * The last window is moved back to end on the last frame; its own part is what is left.
 */
#ifndef PP_PIPELINE_SEGMENTS_H
#define PP_PIPELINE_SEGMENTS_H

#include "pipeline/pipeline.h"

typedef struct pp_range {
    int64_t first, count;
} pp_range;

/* Everything the arithmetic needs, gathered once. */
typedef struct pp_cut {
    pp_segments all;
    int window_frames, step_frames, hop_samples, rate_hz, segment_windows;
    double interval_s;
} pp_cut;

/* Refuses nothing: parameters and shape were checked. samples >= 1. Of a sound without pictures the
 * caller sets all.pictures to 0. */
pp_cut pp_cut_of(int64_t samples, const pp_parameters *parameters, const pp_model_shape *shape);

int64_t pp_cut_window_first_frame(const pp_cut *cut, int64_t window);
/* STFT frames of the sound that lie in a window: fewer than window_frames in a short sound. */
int pp_cut_window_present(const pp_cut *cut, int64_t window);
/* The samples a window stands for, [first, first + count): as in training, window_frames * hop - 1
 * of them; clipped to the sound. Times of windows in archives are these over rate_hz. */
pp_range pp_cut_window_samples(const pp_cut *cut, int64_t window);
/* The pictures a window uses: those inside it, or the one nearest to its middle; none where there
 * are none at all. */
pp_range pp_cut_window_pictures(const pp_cut *cut, int64_t window);
/* Windows that hold at least one of these frames. */
pp_range pp_cut_windows_over(const pp_cut *cut, int64_t first_frame, int64_t frames);

pp_range pp_cut_segment_windows(const pp_cut *cut, int64_t segment);
pp_range pp_cut_segment_samples(const pp_cut *cut, int64_t segment);
pp_range pp_cut_segment_pictures(const pp_cut *cut, int64_t segment);
int64_t pp_cut_segment_of_window(const pp_cut *cut, int64_t window);
int64_t pp_cut_segment_of_picture(const pp_cut *cut, int64_t picture);

/* The part of the sound that one block of `separate` rebuilds: one window step, so that blocks do
 * not depend on segments. Blocks of a segment are its windows; the last block is what is left. */
pp_range pp_cut_block_samples(const pp_cut *cut, int64_t window);

#endif
