#include "base/clock.h"
#include "base/log.h"
#include "cluster/coordinator.h"
#include "cluster/estimate.h"
#include "cluster/link.h"
#include "cluster/ranks.h"

/* Sleeps between looks for messages: short while they come, longer while nothing does, so that
 * rank 0 leaves its core to a worker. */
#define SHORTEST_S 200e-6
#define LONGEST_S 2e-3

static void send_to(void *user, int worker, const pp_message *message)
{
    pp_link_send(user, worker + 1, message);
}

static pp_status receive_all(pp_coordinator *coordinator, pp_link *link, int *any, pp_error *err)
{
    pp_message message;
    int rank;
    *any = 0;
    pp_status status = PP_OK;
    while (status == PP_OK && pp_link_receive(link, &rank, &message)) {
        *any = 1;
        if (rank > 0) status = pp_coordinator_receive(coordinator, rank - 1, &message, err);
        pp_message_free(&message);
    }
    return status;
}

static pp_status loop(pp_coordinator *coordinator, pp_link *link, pp_error *err)
{
    double sleep_s = SHORTEST_S;
    while (!pp_coordinator_is_over(coordinator)) {
        int any = 0;
        pp_status status = receive_all(coordinator, link, &any, err);
        if (status == PP_OK) status = pp_coordinator_turn(coordinator, err);
        if (status != PP_OK) return status;
        pp_link_settle(link);
        sleep_s = any ? SHORTEST_S : sleep_s * 1.5;
        if (sleep_s > LONGEST_S) sleep_s = LONGEST_S;
        pp_clock_sleep_s(sleep_s);
    }
    return PP_OK;
}

/* What is still on its way to living ranks goes out before MPI is finalised. */
static void flush(pp_link *link, double most_s)
{
    double end_s = pp_clock_s() + most_s;
    while (pp_link_settle(link) > 0 && pp_clock_s() < end_s) pp_clock_sleep_s(SHORTEST_S);
}

static void stop_all(pp_link *link, int workers)
{
    pp_message stop = {.kind = PP_MESSAGE_STOP};
    for (int rank = 1; rank <= workers; rank++) pp_link_send(link, rank, &stop);
}

pp_status pp_ranks_coordinate(const pp_run *run, MPI_Comm comm, int *exit_code, int *patience_s,
                              pp_error *err)
{
    int ranks = 1;
    MPI_Comm_size(comm, &ranks);
    pp_link *link = NULL;
    pp_ledger *ledger = NULL;
    pp_coordinator *coordinator = NULL;
    pp_display *display = pp_display_create(run->job->log_form, run->job->quiet);
    pp_ledger_setup books = {.job = run->job,
                             .inputs = run->inputs,
                             .model = run->model,
                             .ops = run->ops,
                             .ranks = ranks,
                             .started_unix_s = run->started_unix_s};
    pp_status status = pp_link_create(&link, comm, err);
    if (status == PP_OK) status = pp_ledger_create(&ledger, &books, err);
    if (status == PP_OK) status = pp_space_check(run, ledger, ranks - 1, err);
    pp_coordinator_setup setup = {.job = run->job,
                                  .ledger = ledger,
                                  .model = run->model,
                                  .display = display,
                                  .lock = run->lock,
                                  .host = run->host,
                                  .workers = ranks - 1,
                                  .first_rank = 1,
                                  .started_s = run->started_s,
                                  .send = send_to,
                                  .user = link};
    if (status == PP_OK) status = pp_coordinator_create(&coordinator, &setup, err);
    if (status == PP_OK) status = loop(coordinator, link, err);
    if (status == PP_OK) status = pp_coordinator_finish(coordinator, exit_code, err);
    if (status != PP_OK && link != NULL) stop_all(link, ranks - 1);
    if (link != NULL) flush(link, 2);
    int lost = coordinator != NULL && pp_coordinator_ranks_lost(coordinator) > 0;
    *patience_s = lost ? PP_RANKS_LOST_PATIENCE_S : PP_RANKS_PATIENCE_S;
    pp_coordinator_destroy(&coordinator);
    pp_ledger_destroy(&ledger);
    pp_link_destroy(&link);
    pp_display_destroy(&display);
    return status;
}
