/* The lock of a run's part of the corpus (store/lock.h), kept fresh by a thread of its own: a
 * coordinator may be busy or wait for a slow disk for longer than a lock lives.
 *
 * Of rank 0 alone. Order: take, is_lost now and then, release. */
#ifndef PP_CLUSTER_RUN_LOCK_H
#define PP_CLUSTER_RUN_LOCK_H

#include "cluster/job.h"
#include "store/lock.h"

typedef struct pp_run_lock pp_run_lock;

/* Waits, with a word on what for, until it is known whether an earlier run lives. PP_ERR_BUSY: it
 * does. PP_ERR_INTERRUPTED: asked to stop meanwhile. Makes the output folder. */
pp_status pp_run_lock_take(pp_run_lock **out, const pp_job *job, pp_error *err) PP_MUST_USE;
/* pp_lock_agree. */
pp_status pp_run_lock_agree(pp_run_lock *lock, const pp_job *job, const char *parameters,
                            pp_error *err) PP_MUST_USE;
/* Another run has taken over, since nothing was written here for a minute: this one has to end. */
int pp_run_lock_is_lost(const pp_run_lock *lock); /* NULL: 0 */
void pp_run_lock_release(pp_run_lock **lock);

#endif
