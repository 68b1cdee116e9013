/* What a training works on: its inputs turned into clips of the cache, shared out over the ranks.
 *
 * Inputs are those of pp-cluster (inputs.h), and published lists: CSV without a header, each row
 * AUDIO,FRAMES,COUNT (a sound file, a folder of pictures at 8 a second, their number). All
 * functions but the last are collective over `comm`.
 */
#ifndef PP_CLUSTER_TRAIN_INPUTS_H
#define PP_CLUSTER_TRAIN_INPUTS_H

#include <mpi.h>

#include "train/corpus.h"
#include "train/ingest.h"

typedef struct pp_train_inputs { /* settled corpora; validation may be empty */
    pp_train_corpus *train, *validation;
} pp_train_inputs;

/* Decodes what is not in the cache yet (each rank its share, through `decoder`), then opens all
 * clips on every rank, and counts loudly what cannot be used. labels: the order of a checkpoint
 * that training goes on from, NULL: none. should_stop: asked between clips; PP_ERR_INTERRUPTED. */
pp_status pp_train_inputs_open(pp_train_inputs *inputs, const pp_train_job *job,
                               pp_decoder *decoder, const char *const *labels, int label_count,
                               int (*should_stop)(void *user), void *user, MPI_Comm comm,
                               pp_error *err) PP_MUST_USE;
void pp_train_inputs_close(pp_train_inputs *inputs);

#endif
