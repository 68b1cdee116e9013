/* One output folder, one set of parameters: a run is refused where archives made by others would
 * stay beside its own (job->mixed: never).
 *
 * Changed parameters are welcome where the run covers all that is there: it then makes again what
 * they reach. What counts is what reaches sound and sources: parameters, networks, numerics; not
 * labels, and not whether maps are kept. */
#ifndef PP_CLUSTER_ONE_SET_H
#define PP_CLUSTER_ONE_SET_H

#include "cluster/inputs.h"
#include "cluster/job.h"
#include "cluster/run_lock.h"

/* inputs: settled, of all parts. lock: this run's, NULL in a dry run. PP_ERR_USAGE: an archive that
 * this corpus does not name was made by other parameters, or another part is at work by others. */
pp_status pp_one_set_check(const pp_job *job, const pp_inputs *inputs, const pp_model *model,
                           pp_run_lock *lock, pp_error *err) PP_MUST_USE;

#endif
