/* The training loop: mixes, steps, progress, validation, checkpoints, the model that comes out.
 *
 * pp_train_run is collective over the ranks of `exchange`; only rank 0 writes files:
 *
 *   OUT/checkpoint.h5   the latest state, to go on from (docs/formats/checkpoint.md)
 *   OUT/best.h5         parameters with the lowest validation loss
 *   OUT/model.h5        the same as a model file (docs/formats/model.md)
 *   OUT/progress.jsonl  one JSON object a point of progress; OUT/curve.svg draws them
 *
 * OUT/status.json is for the caller to write (report.h).
 *
 * Where OUT/checkpoint.h5 is there, training goes on from it, with the very losses of a run that
 * was never stopped, on the same number of ranks.
 */
#ifndef PP_TRAIN_TRAINER_H
#define PP_TRAIN_TRAINER_H

#include "train/corpus.h"
#include "train/exchange.h"
#include "train/job.h"

typedef struct pp_train_setup { /* everything is borrowed */
    const pp_train_job *job;
    const pp_train_corpus *train, *validation; /* settled with the same labels */
    const pp_train_exchange *exchange;
    int (*should_stop)(void *user); /* asked by signal or clock; each rank may see it alone */
    void *stop_user;
} pp_train_setup;

typedef struct pp_train_outcome {
    int64_t step; /* steps done */
    int finished; /* 0: stopped on request; run it again */
    double last_loss, best_loss;
} pp_train_outcome;

pp_status pp_train_run(const pp_train_setup *setup, pp_train_outcome *outcome,
                       pp_error *err) PP_MUST_USE;

/* OUT/checkpoint.h5 and the like; owned by the caller. */
char *pp_train_out_path(const pp_train_job *job, const char *name);

#endif
