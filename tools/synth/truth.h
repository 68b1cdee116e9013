/* What is known of a synthetic video: when each performer sounds, how loud, where. The file format
 * is in docs/formats/truth.md. */
#ifndef PP_SYNTH_TRUTH_H
#define PP_SYNTH_TRUTH_H

#include "base/json.h"
#include "scene.h"

#define PP_LEVEL_STEP_S 0.05 /* levels and activity are measured in steps of this */
#define PP_BOX_STEP_S 0.2

/* RMS of each step, dB of full scale, -120 for silence; levels [pp_truth_steps]. */
int64_t pp_truth_steps(int64_t frames, int rate_hz);
void pp_truth_levels(const float *samples, int64_t frames, int rate_hz, float *levels);

typedef struct pp_interval {
    double on_s, off_s;
} pp_interval;

/* Where the level is above both the loudest step less 40 dB and -60 dB; gaps of less than 0.15 s
 * are closed, then intervals of less than 0.1 s dropped. *out is owned by the caller (pp_free). */
pp_status pp_truth_activity(pp_interval **out, size_t *count, const float *levels, int64_t steps,
                            double duration_s, pp_error *err) PP_MUST_USE;

/* The whole truth. tracks as pp_scene_play gave them; video: the file's name; folder: of the
 * tracks, NULL where none are written. *out is owned by the caller. */
pp_status pp_truth_describe(pp_json **out, const pp_scene *scene, const pp_band *band,
                            float *const tracks[], pp_canvas *canvas, const char *video,
                            const char *folder, pp_error *err) PP_MUST_USE;

#endif
