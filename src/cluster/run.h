/* A run, from the point where every rank has its model: alone, or as one of many. */
#ifndef PP_CLUSTER_RUN_H
#define PP_CLUSTER_RUN_H

#include "cluster/inputs.h"
#include "cluster/job.h"
#include "cluster/run_lock.h"

typedef struct pp_run { /* all borrowed */
    const pp_job *job;
    const pp_inputs *inputs; /* of the coordinator and of one alone; NULL elsewhere */
    const pp_model *model;
    pp_pipeline *pipeline; /* NULL for a coordinator that only coordinates */
    const pp_fileops *ops;
    const pp_run_lock *lock; /* of the coordinator; NULL: none is held */
    const char *host;
    double started_s, started_unix_s;
} pp_run;

/* One process does everything itself. */
pp_status pp_run_alone(const pp_run *run, int *exit_code, pp_error *err) PP_MUST_USE;

/* Prints what would run and what it would take, from the files alone; with --explain a line for
 * each video. */
pp_status pp_run_dry(const pp_run *run, pp_error *err) PP_MUST_USE;

#endif
