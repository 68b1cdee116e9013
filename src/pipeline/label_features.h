/* What a label is guessed from: numbers about one source that do not depend on how loud it is.
 *
 *   what its pixels look like   K visual activations of the source before the sigmoid
 *   spectral shape              32 bands, logarithmic: mean log of each band's share of its
 *                               frame's power; deviation, and RMS change from frame to frame, the
 *                               mean of 8 bands each (of every band they fitted worse)
 *   envelope                    how much the level rises, falls, changes; how much the bands do
 *   harmonics                   how alike the spectrum is to itself moved up by a fifth, an
 *                               octave, ... on a logarithmic grid: the same at any pitch
 *   components                  mean and deviation of each of the K component maps where the source
 *                               sounds
 *
 * Frames and bins count by their amplitude, so that silence does not count and a louder copy gives
 * the same. Sums are kept by blocks of `separate` (one window step each) and by windows, and added
 * in time order by `publish`: they depend neither on segments nor on ranks. docs/labels.md.
 *
 * One thread an object.
 */
#ifndef PP_PIPELINE_LABEL_FEATURES_H
#define PP_PIPELINE_LABEL_FEATURES_H

#include <stdint.h>

#include "base/status.h"
#include "model/model.h"

/* Raised whenever the same sound gives other features: labellers of another layout do not fit. */
#define PP_LABEL_LAYOUT 1

enum { PP_LABEL_BANDS = 32, PP_LABEL_GROUPS = 4, PP_LABEL_LAGS = 11, PP_LABEL_ENVELOPE = 5 };
/* Doubles that a block's sums take, and features of a source. */
enum { PP_LABEL_SUMS = 8 + 3 * PP_LABEL_BANDS + PP_LABEL_LAGS };
enum {
    PP_LABEL_SOUND_FEATURES =
        PP_LABEL_BANDS + 2 * PP_LABEL_GROUPS + PP_LABEL_ENVELOPE + PP_LABEL_LAGS
};
static inline int pp_label_feature_count(int components)
{
    return 3 * components + PP_LABEL_SOUND_FEATURES;
}
/* Doubles that the sums of the components of a window take. */
static inline int pp_label_component_sums(int components)
{
    return 2 * components + 1;
}

typedef struct pp_label_meter pp_label_meter;
pp_status pp_label_meter_create(pp_label_meter **out, int bins, int n_fft, int rate_hz,
                                pp_error *err) PP_MUST_USE;
void pp_label_meter_destroy(pp_label_meter **meter);

/* Adds frames [first, first + count) of a source's spectrum [frames, bins, 2] to sums
 * [PP_LABEL_SUMS]. The frame before `first`, where there is one, shows what the first changed. */
void pp_label_meter_add(pp_label_meter *meter, const float *spectrum, int64_t first, int64_t count,
                        double *sums);

/* Adds one window's maps where a source sounds in it (mask, magnitude [log_rows, window_frames]) to
 * sums [pp_label_component_sums(K)]. */
void pp_label_add_components(const pp_quantised_maps *maps, const pp_model_shape *shape,
                             const float *mask, const float *magnitude, double *sums);

/* vector [K] after the sigmoid, sums of the whole sound -> features [pp_label_feature_count(K)].
 * A source that never sounds has zeros for its sound. */
void pp_label_features_finish(const double *sums, const double *component_sums, const float *vector,
                              int components, float *features);

#endif
