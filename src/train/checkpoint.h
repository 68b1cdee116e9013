/* The state of a training: parameters, running statistics, optimiser, running mean of the
 * parameters, step, history; everything that going on needs. docs/formats/checkpoint.md specifies
 * the file. Written atomically (store/h5.h). One thread.
 */
#ifndef PP_TRAIN_CHECKPOINT_H
#define PP_TRAIN_CHECKPOINT_H

#include "store/h5.h"
#include "train/history.h"
#include "train/net.h"
#include "train/optimiser.h"

typedef struct pp_train_state {
    pp_train_params *params;       /* borrowed */
    pp_train_optimiser *optimiser; /* borrowed; NULL: without */
    float *average;                /* as params->values; borrowed; NULL: none */
    pp_train_history *history;     /* borrowed; NULL: without */
    char *const *labels;           /* borrowed */
    int label_count;
    int64_t step; /* steps done */
    int ranks;    /* with which they were done */
    double hours;
    double loss_sum; /* of the steps since the last point of the history, over all ranks */
    int64_t loss_steps;
    double best_loss; /* of validation, so far; infinite: none */
    const char *job;  /* JSON, borrowed; NULL: none */
} pp_train_state;

pp_status pp_train_checkpoint_write(const pp_train_state *state, const pp_fileops *ops,
                                    const char *path, pp_error *err) PP_MUST_USE;

/* Reads into the arrays that `state` points to, and step, ranks, hours, best_loss. Refuses a file
 * whose tensors are not those of state->params, or without an optimiser or an average that `state`
 * has. The labels of the file are compared with state's where it has any. */
pp_status pp_train_checkpoint_read(pp_train_state *state, const pp_fileops *ops, const char *path,
                                   pp_error *err) PP_MUST_USE;

/* The labels of a checkpoint, in their order; owned: pp_h5_free_texts. *count 0: none. */
pp_status pp_train_checkpoint_labels(const pp_fileops *ops, const char *path, char ***labels,
                                     int64_t *count, pp_error *err) PP_MUST_USE;

#endif
