/* The coordinator: drives the scheduler with what workers say and carries out what it decides.
 * It knows no MPI: messages go out through a callback, so that one process that does everything
 * itself runs the very same code.
 *
 * Order: create; turn and receive for ever until is_over; finish; destroy. One thread.
 */
#ifndef PP_CLUSTER_COORDINATOR_H
#define PP_CLUSTER_COORDINATOR_H

#include "cluster/display.h"
#include "cluster/ledger.h"
#include "cluster/messages.h"
#include "cluster/run_lock.h"

typedef struct pp_coordinator pp_coordinator;

/* Never waits; a message that cannot be sent is lost, as if the worker had died. */
typedef void pp_coordinator_send(void *user, int worker, const pp_message *message);

typedef struct pp_coordinator_setup { /* all borrowed */
    const pp_job *job;
    pp_ledger *ledger;
    const pp_model *model;
    pp_display *display;
    const pp_run_lock *lock; /* NULL: none is held */
    const char *host;
    int workers;      /* numbered 0 .. workers - 1 */
    int first_rank;   /* rank of worker 0, for people */
    double started_s; /* pp_clock_s when the program began */
    pp_coordinator_send *send;
    void *user;
} pp_coordinator_setup;

pp_status pp_coordinator_create(pp_coordinator **out, const pp_coordinator_setup *setup,
                                pp_error *err) PP_MUST_USE;
void pp_coordinator_destroy(pp_coordinator **coordinator);

/* A message of a worker. Fails only where the run cannot go on (memory, OUT not writable). */
pp_status pp_coordinator_receive(pp_coordinator *coordinator, int worker, const pp_message *message,
                                 pp_error *err) PP_MUST_USE;
/* Often: time passes, signals are looked at, the display and progress.json kept fresh. */
pp_status pp_coordinator_turn(pp_coordinator *coordinator, pp_error *err) PP_MUST_USE;
int pp_coordinator_ranks_lost(const pp_coordinator *coordinator);
int pp_coordinator_is_over(const pp_coordinator *coordinator);

/* The end: corpus.h5, status.json, the closing words. *exit_code: 0, 1 or 75. */
pp_status pp_coordinator_finish(pp_coordinator *coordinator, int *exit_code,
                                pp_error *err) PP_MUST_USE;

#endif
