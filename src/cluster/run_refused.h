/* What is left behind by a run that could not even begin. Called by one rank. */
#ifndef PP_CLUSTER_RUN_REFUSED_H
#define PP_CLUSTER_RUN_REFUSED_H

#include "base/status.h"
#include "cluster/job.h"

/* Writes status.json with exit_code and the reason, in place of an older run's: a batch script that
 * finds no such file, or an old 75, starts the same run again and again. A folder that cannot be
 * written is warned about. */
void pp_run_refused(const pp_job *job, int exit_code, const pp_error *reason);

#endif
