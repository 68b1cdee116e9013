/* A training job: everything that `pp-train JOB.ini` can be told. docs/training.md explains the
 * keys, jobs/train.ini lists them; a key that is not known is refused.
 *
 * Order: defaults, read, settings of the command line, settle, use, free. Not thread-safe.
 */
#ifndef PP_TRAIN_JOB_H
#define PP_TRAIN_JOB_H

#include <stdio.h>

#include "base/json.h"
#include "train/loss.h"
#include "train/mixer.h"
#include "train/net.h"
#include "train/optimiser.h"
#include "train/rates.h"

#define PP_TRAIN_MOST_INPUTS 32
#define PP_TRAIN_MOST_STAGES 8

typedef struct pp_train_stage { /* of the curriculum */
    int sources;
    int64_t from_step;
} pp_train_stage;

typedef struct pp_train_job {
    pp_train_shape shape;
    pp_train_mix_options mix; /* of the training mixes; validation has no augmentation */
    pp_train_optimiser_options optimiser;
    pp_train_rates rates;
    pp_train_loss loss;
    pp_train_init init;
    char name[64]; /* of the model */

    char *train[PP_TRAIN_MOST_INPUTS]; /* absolute; owned */
    char *validation[PP_TRAIN_MOST_INPUTS];
    int train_count, validation_count;
    char *train_split, *validation_split; /* of manifests; "": all; owned */
    double validation_share;              /* of the training clips, where there is no list */
    char *cache, *out;                    /* folders, absolute; owned */
    char *start, *trunk; /* parameters to start from: model or checkpoint; ResNet .pth; owned */
    double picture_rate, picture_margin, least_peak, least_s, most_s;
    int folder_labels; /* the label of a file is the folder it lies in */

    pp_train_stage stages[PP_TRAIN_MOST_STAGES];
    int stage_count;
    uint64_t seed;
    int64_t steps;
    double average; /* of the parameters: decay a step of the running mean; 0: none */
    int synchronised_norm;
    int64_t validate_every, checkpoint_every, progress_every; /* steps */
    int validation_mixes, validation_sdr_mixes;
    double time_limit_s; /* of the program; 0: none */
    int window_frames;   /* of the exported model; 0: as trained */
} pp_train_job;

pp_status pp_train_job_defaults(pp_train_job *job, pp_error *err) PP_MUST_USE;
void pp_train_job_free(pp_train_job *job);

pp_status pp_train_job_read(pp_train_job *job, const char *path, pp_error *err) PP_MUST_USE;
/* "section.key=value", as in the file; relative paths start at the working folder, and a list
 * ([data] train, validation) replaces the file's. */
pp_status pp_train_job_set(pp_train_job *job, const char *setting, pp_error *err) PP_MUST_USE;
/* Checks what hangs together and fills in what follows. */
pp_status pp_train_job_settle(pp_train_job *job, pp_error *err) PP_MUST_USE;

/* Sources of a mix at this step. */
int pp_train_job_sources(const pp_train_job *job, int64_t step);

/* All settings that the result depends on, for checkpoints and models; owned. */
pp_json *pp_train_job_describe(const pp_train_job *job);

/* Every key with its default and meaning, as a job file. */
void pp_train_job_print_keys(FILE *to);

#endif
