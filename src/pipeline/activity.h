/* How loud a sound is in each window, and when a source plays. Fed in order, in slabs of any size:
 * the results are the same. One thread an object. */
#ifndef PP_PIPELINE_ACTIVITY_H
#define PP_PIPELINE_ACTIVITY_H

#include "pipeline/segments.h"

#define PP_SILENCE_DB (-200.0f) /* stands for every level at or below it */

/* 10 log10 of a mean square (full scale 1), PP_SILENCE_DB at least. */
double pp_level_db(double mean_square);

/* Level of each window: mean square over its window_frames hops. */
typedef struct pp_level_meter pp_level_meter;
pp_status pp_level_meter_create(pp_level_meter **out, const pp_cut *cut, pp_error *err) PP_MUST_USE;
void pp_level_meter_destroy(pp_level_meter **meter);
/* level_db [windows]: those that are complete are written. */
void pp_level_meter_add(pp_level_meter *meter, const float *samples, int64_t count,
                        float *level_db);
/* Behind the last sample: writes the rest; returns the level of the whole sound. */
double pp_level_meter_finish(pp_level_meter *meter, float *level_db);

/* On and off. Blocks of about 0.1 s; a source comes on where its stem is within 20 dB of the mean
 * power of the whole mixture and within 12 dB of the mixture in that block, and goes off where it
 * is not within 26 dB and 18 dB for three blocks together. */
typedef struct pp_activity pp_activity;
/* mixture_power: mean square of the whole mixture. */
pp_status pp_activity_create(pp_activity **out, const pp_cut *cut, int source, double mixture_power,
                             pp_error *err) PP_MUST_USE;
void pp_activity_destroy(pp_activity **activity);
pp_status pp_activity_add(pp_activity *activity, const float *stem, const float *mixture,
                          int64_t count, pp_error *err) PP_MUST_USE;
/* Behind the last sample. rows: borrowed until the object is destroyed; by start. */
pp_status pp_activity_finish(pp_activity *activity, const pp_annotation **rows, int64_t *count,
                             pp_error *err) PP_MUST_USE;

#endif
