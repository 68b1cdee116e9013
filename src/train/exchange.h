/* What a training needs from the other ranks. src/train knows no MPI: pp-train fills this in. A
 * single rank leaves every function NULL. All functions are collective: every rank calls them in
 * the same order.
 */
#ifndef PP_TRAIN_EXCHANGE_H
#define PP_TRAIN_EXCHANGE_H

#include <stddef.h>

#include "base/status.h"

typedef struct pp_train_exchange {
    void *user;
    int rank, ranks; /* 0, 1 for a single one */
    /* Adds up `count` values over all ranks, in place, in an order that is always the same. */
    void (*sum)(void *user, double *values, int count);
    /* Gradients of a step: begin, then ready for pieces from the end to the start (each may be on
     * its way while the rest is computed), then finish: all hold the sum over all ranks. */
    void (*begin)(void *user, float *gradients, size_t count);
    void (*ready)(void *user, size_t first, size_t count);
    void (*finish)(void *user);
} pp_train_exchange;

/* The worst status of all ranks, so that all go on or none does. */
static inline pp_status pp_train_agree(const pp_train_exchange *exchange, pp_status mine,
                                       pp_error *err)
{
    double failed = mine != PP_OK;
    if (exchange->sum == NULL) return mine;
    exchange->sum(exchange->user, &failed, 1);
    if (mine != PP_OK || failed == 0) return mine;
    return pp_fail(err, PP_ERR_INTERRUPTED, "another rank failed");
}

#endif
