/* How long the work on each archive took, from the events of the runs that made them (run*.jsonl,
 * docs/formats/events.md). Archives themselves hold no times: equal results are equal files. */
#ifndef PP_TOOLS_RUN_SPEED_H
#define PP_TOOLS_RUN_SPEED_H

#include "base/status.h"

typedef struct run_speed run_speed;

/* Reads every run*.jsonl of an output folder; none is no failure. */
pp_status run_speed_create(run_speed **out, const char *out_folder, pp_error *err) PP_MUST_USE;
void run_speed_destroy(run_speed **speed);

/* Seconds of work of the last run that computed this archive (its path within the output folder);
 * 0 where no run says. speed may be NULL. */
double run_speed_work_s(const run_speed *speed, const char *archive);

#endif
