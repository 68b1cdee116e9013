#include "base/clock.h"
#include "base/log.h"
#include "cluster/link.h"
#include "cluster/ranks.h"
#include "cluster/signals.h"
#include "cluster/worker.h"

#define SHORTEST_S 50e-6
#define LONGEST_S 2e-3

typedef struct rank_worker {
    pp_link *link;
    double alive_every_s, dead_after_s;
    double told_s, heard_s, looked_s;
    pp_message lease;   /* at work on; owned */
    pp_message next;    /* arrived while at work; owned; kind 0: none */
    int windows;        /* not told yet */
    int seen, listened; /* in this lease: pictures, windows */
    int cancelled, stopped, ranks_lost, closing_s;
} rank_worker;

static int wants_stop(void)
{
    pp_signals seen = pp_signals_seen();
    return seen.now ? 2 : seen.drain;
}

static void tell_alive(rank_worker *w, pp_stage stage, double now_s)
{
    pp_message m = {.kind = PP_MESSAGE_ALIVE,
                    .lease = w->lease.lease,
                    .stage = stage,
                    .windows = w->windows,
                    .seen = w->seen,
                    .listened = w->listened,
                    .wants_stop = wants_stop()};
    pp_link_send(w->link, 0, &m);
    w->windows = 0;
    w->told_s = now_s;
}

/* Takes what has come; a lease that comes is kept for later. */
static int take_messages(rank_worker *w)
{
    pp_message m;
    int rank, any = 0;
    while (pp_link_receive(w->link, &rank, &m)) {
        any = 1;
        w->heard_s = pp_clock_s();
        if (m.kind == PP_MESSAGE_CANCEL && m.lease == w->lease.lease) w->cancelled = 1;
        if (m.kind == PP_MESSAGE_STOP) {
            w->stopped = 1;
            w->ranks_lost = m.lease > 0;
            w->closing_s = m.closing_s;
        }
        if (m.kind == PP_MESSAGE_LEASE) {
            pp_message_free(&w->next);
            w->next = m;
        } else {
            pp_message_free(&m);
        }
    }
    return any;
}

static pp_status show_life(void *user, pp_stage stage, int windows, pp_error *err)
{
    rank_worker *w = user;
    w->windows += windows;
    w->listened += windows;
    w->seen += stage == PP_STAGE_SEE;
    double now_s = pp_clock_s();
    if (now_s > w->looked_s + 0.02) {
        w->looked_s = now_s;
        take_messages(w);
    }
    if (now_s > w->told_s + w->alive_every_s) tell_alive(w, stage, now_s);
    if (w->cancelled || w->stopped) return pp_fail(err, PP_ERR_INTERRUPTED, "asked to stop");
    return PP_OK;
}

/* Waits for a lease: 1; or for the end: 0. */
static int wait_for_lease(rank_worker *w)
{
    pp_message asks = {.kind = PP_MESSAGE_ASKS};
    double sleep_s = SHORTEST_S;
    w->heard_s = w->told_s = pp_clock_s();
    w->lease = (pp_message){0};
    pp_link_send(w->link, 0, &asks);
    while (w->next.kind != PP_MESSAGE_LEASE) {
        if (w->stopped) return 0;
        double now_s = pp_clock_s();
        if (now_s > w->heard_s + w->dead_after_s) {
            pp_log(PP_LOG_WARN, "no word from the coordinator for %.0f s: leaving",
                   w->dead_after_s);
            w->ranks_lost = 1;
            return 0;
        }
        if (now_s > w->told_s + w->alive_every_s) tell_alive(w, PP_STAGE_PROBE, now_s);
        sleep_s = take_messages(w) ? SHORTEST_S : sleep_s * 1.5;
        if (sleep_s > LONGEST_S) sleep_s = LONGEST_S;
        if (w->next.kind != PP_MESSAGE_LEASE) pp_clock_sleep_s(sleep_s);
    }
    w->lease = w->next;
    w->next = (pp_message){0};
    w->cancelled = 0;
    w->windows = w->seen = w->listened = 0;
    return 1;
}

pp_status pp_ranks_work(const pp_run *run, MPI_Comm comm, int *patience_s, pp_error *err)
{
    rank_worker w = {.dead_after_s = run->job->dead_after_s};
    w.alive_every_s = w.dead_after_s / 20 < 2 ? w.dead_after_s / 20 : 2;
    pp_status status = pp_link_create(&w.link, comm, err);
    while (status == PP_OK && wait_for_lease(&w)) {
        pp_message answer;
        pp_worker_run(run->pipeline, &w.lease, show_life, &w, &answer);
        pp_link_send(w.link, 0, &answer);
        pp_message_free(&w.lease);
        pp_link_settle(w.link);
    }
    *patience_s = w.ranks_lost ? PP_RANKS_LOST_PATIENCE_S : PP_RANKS_PATIENCE_S + w.closing_s;
    pp_message_free(&w.lease);
    pp_message_free(&w.next);
    double end_s = pp_clock_s() + 1;
    while (w.link != NULL && pp_link_settle(w.link) > 0 && pp_clock_s() < end_s) {
        pp_clock_sleep_s(SHORTEST_S);
    }
    pp_link_destroy(&w.link);
    return status;
}
