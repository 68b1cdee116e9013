/* A job: what pp-cluster was asked to do, by its arguments and, where there is one, a job file.
 *
 * Every setting has one name: `--most-sources 3` on the command line is `most_sources = 3` in the
 * job file (docs/formats/job.md); what the command line says wins. Relative paths on the command
 * line start at the working folder, those in a job file at the job file's folder.
 * Not thread-safe.
 */
#ifndef PP_CLUSTER_JOB_H
#define PP_CLUSTER_JOB_H

#include <stdio.h>

#include "base/log.h"
#include "pipeline/pipeline.h"

typedef enum pp_job_verb {
    PP_JOB_RUN,
    PP_JOB_HELP,
    PP_JOB_VERSION,
    PP_JOB_PRINT_OUT /* prints where results would go: for scripts */
} pp_job_verb;

typedef struct pp_job_input {
    char *argument, *folder; /* owned; folder NULL: the working folder */
} pp_job_input;

typedef struct pp_job {
    pp_job_verb verb;
    char *file;    /* the job file, absolute, NULL for none; owned */
    char *out;     /* absolute; owned */
    char *model;   /* absolute, NULL: the default; owned */
    char *kernels; /* NULL: the best that all ranks have; owned */
    pp_job_input *inputs;
    size_t input_count, input_capacity;
    pp_parameters parameters;
    int audio_track; /* -1: the default */
    pp_log_form log_form;
    int quiet, dry_run, explain, force, only_failed;
    double max_failures; /* a count, or a percentage of all videos */
    int max_failures_percent;
    double dead_after_s;   /* a worker not heard of for so long is presumed dead */
    double decoder_wait_s; /* a decoder without any answer for so long hangs */
    double time_limit_s;   /* from the start of the program; 0: none */
    double end_unix_s;     /* of the batch job, from its environment; 0: none */
    int skip_space_check;  /* begin although the results may not fit */
    int mixed;             /* archives of other parameters may stay beside this run's */
    int part, parts;       /* 1 .. parts; 0, 0: everything */
    int threads;           /* of each worker */
} pp_job;

/* Reads arguments and job file. *job is filled in as far as possible even where it fails
 * (PP_ERR_USAGE), so that log_form is known; free it in every case. */
pp_status pp_job_parse(pp_job *job, int argc, char **argv, pp_error *err) PP_MUST_USE;
void pp_job_free(pp_job *job);

void pp_job_print_help(FILE *to);

#endif
