/* What a training tells while it runs: lines, OUT/progress.jsonl, OUT/curve.svg, OUT/status.json.
 * Called by one rank. Single-threaded.
 */
#ifndef PP_TRAIN_REPORT_H
#define PP_TRAIN_REPORT_H

#include "train/history.h"
#include "train/job.h"

/* A line for the last point of the history. */
void pp_train_report_line(const pp_train_history *history, int64_t steps);

/* Writes progress.jsonl and curve.svg anew, each atomically. */
pp_status pp_train_report_files(const pp_train_job *job, const pp_train_history *history,
                                pp_error *err) PP_MUST_USE;

/* OUT/status.json says how a run ended: removed when one starts, written last of all, with the keys
 * `format`, `version`, `status` (0, 1 or 75) and `state` that pp-cluster's has. */
void pp_train_report_start(const pp_train_job *job);
pp_status pp_train_report_end(const pp_train_job *job, int finished, int64_t step, double best_loss,
                              const pp_error *failure, pp_error *err) PP_MUST_USE;

#endif
