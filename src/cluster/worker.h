/* A worker's part that needs no MPI: one lease carried out, and its answer. One thread. */
#ifndef PP_CLUSTER_WORKER_H
#define PP_CLUSTER_WORKER_H

#include "cluster/messages.h"

/* Runs the lease of a LEASE message and fills in the answer: FINISHED, or FAILED with the stage
 * in which it did. progress is called as pp_pipeline_run calls it; it may end the lease. */
void pp_worker_run(pp_pipeline *pipeline, const pp_message *lease, pp_progress progress, void *user,
                   pp_message *answer);

#endif
