/* The exchange between the ranks of a training over MPI (train/exchange.h).
 *
 * Gradients go out in buckets, by MPI_Iallreduce, while the backward pass goes on; every call that
 * reports more of them also lets MPI make progress. Sums come in the same order in every run on
 * the same number of ranks. Create and destroy are collective over `comm`.
 */
#ifndef PP_CLUSTER_TRAIN_EXCHANGE_H
#define PP_CLUSTER_TRAIN_EXCHANGE_H

#include <mpi.h>

#include "train/exchange.h"

typedef struct pp_train_ranks pp_train_ranks;

/* *exchange borrows from *out. On one rank its functions are NULL. */
pp_status pp_train_ranks_create(pp_train_ranks **out, MPI_Comm comm, pp_train_exchange *exchange,
                                pp_error *err) PP_MUST_USE;
void pp_train_ranks_destroy(pp_train_ranks **ranks);

#endif
