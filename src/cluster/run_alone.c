/* One process: the coordinator and the one worker take turns. */
#include "base/clock.h"
#include "base/log.h"
#include "cluster/coordinator.h"
#include "cluster/estimate.h"
#include "cluster/run.h"
#include "cluster/worker.h"

typedef struct alone {
    pp_coordinator *coordinator;
    pp_message lease; /* of kind 0: none; texts borrowed from the ledger */
    uint64_t cancelled;
    int stopped;
    pp_error broken; /* the run cannot go on: noticed inside a lease */
    double told_s;
    int windows;
} alone;

static void take_message(void *user, int worker, const pp_message *message)
{
    alone *a = user;
    (void)worker;
    if (message->kind == PP_MESSAGE_LEASE) a->lease = *message;
    else if (message->kind == PP_MESSAGE_CANCEL) a->cancelled = message->lease;
    else if (message->kind == PP_MESSAGE_STOP) a->stopped = 1;
}

static pp_status show_life(void *user, pp_stage stage, int windows, pp_error *err)
{
    alone *a = user;
    a->windows += windows;
    double now_s = pp_clock_s();
    if (now_s > a->told_s + 0.1) {
        a->told_s = now_s;
        pp_message m = {.kind = PP_MESSAGE_ALIVE,
                        .lease = a->lease.lease,
                        .stage = stage,
                        .windows = a->windows};
        a->windows = 0;
        if (pp_coordinator_receive(a->coordinator, 0, &m, &a->broken) != PP_OK ||
            pp_coordinator_turn(a->coordinator, &a->broken) != PP_OK) {
            return pp_fail(err, PP_ERR_INTERRUPTED, "the run cannot go on");
        }
    }
    if (a->cancelled == a->lease.lease) {
        return pp_fail(err, PP_ERR_INTERRUPTED, "asked to stop");
    }
    return PP_OK;
}

static pp_status work(alone *a, pp_pipeline *pipeline, pp_error *err)
{
    pp_message asks = {.kind = PP_MESSAGE_ASKS}, answer;
    while (!a->stopped && !pp_coordinator_is_over(a->coordinator)) {
        a->lease.kind = 0;
        pp_status status = pp_coordinator_receive(a->coordinator, 0, &asks, err);
        if (status == PP_OK) status = pp_coordinator_turn(a->coordinator, err);
        if (status != PP_OK) return status;
        if (a->lease.kind != PP_MESSAGE_LEASE) {
            if (!a->stopped) pp_clock_sleep_s(0.01);
            continue;
        }
        a->windows = 0;
        pp_worker_run(pipeline, &a->lease, show_life, a, &answer);
        if (a->broken.status != PP_OK) {
            *err = a->broken;
            return a->broken.status;
        }
        status = pp_coordinator_receive(a->coordinator, 0, &answer, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

pp_status pp_run_alone(const pp_run *run, int *exit_code, pp_error *err)
{
    alone a = {.cancelled = UINT64_MAX};
    pp_ledger *ledger = NULL;
    pp_display *display = pp_display_create(run->job->log_form, run->job->quiet);
    pp_ledger_setup books = {.job = run->job,
                             .inputs = run->inputs,
                             .model = run->model,
                             .ops = run->ops,
                             .ranks = 1,
                             .started_unix_s = run->started_unix_s};
    pp_status status = pp_ledger_create(&ledger, &books, err);
    if (status == PP_OK) status = pp_space_check(run, ledger, 1, err);
    pp_coordinator_setup setup = {.job = run->job,
                                  .ledger = ledger,
                                  .model = run->model,
                                  .display = display,
                                  .lock = run->lock,
                                  .host = run->host,
                                  .workers = 1,
                                  .first_rank = 0,
                                  .started_s = run->started_s,
                                  .send = take_message,
                                  .user = &a};
    if (status == PP_OK) status = pp_coordinator_create(&a.coordinator, &setup, err);
    if (status == PP_OK) status = work(&a, run->pipeline, err);
    if (status == PP_OK) status = pp_coordinator_finish(a.coordinator, exit_code, err);
    pp_coordinator_destroy(&a.coordinator);
    pp_ledger_destroy(&ledger);
    pp_display_destroy(&display);
    return status;
}
