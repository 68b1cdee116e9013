/* The sound of one performer without a picture, for training on sound alone.
 *
 * Sound `item` depends on the options and (seed, item) alone; instruments follow one another in
 * turn, so that any run of items is balanced. Of the options: world, seed, instruments, seconds,
 * rate_hz and fonts count. Soundings vary more widely than in videos. */
#ifndef PP_SYNTH_SOLO_H
#define PP_SYNTH_SOLO_H

#include "scene.h"

pp_instrument pp_solo_instrument(const pp_scene_options *options, uint64_t item);
int64_t pp_solo_frames(const pp_scene_options *options);

/* Fills samples[pp_solo_frames], within -1..1. */
pp_status pp_solo_play(const pp_scene_options *options, uint64_t item, pp_band *band,
                       float *samples, pp_error *err) PP_MUST_USE;

#endif
