/* How many leases a second the scheduler hands out. */
#include <math.h>

#include "base/memory.h"
#include "schedule/simulate.h"

enum { CUT_EVERY = 20, CUT_WINDOWS = 300, CUT_SEGMENTS = 10, WINDOWS = 20 };

static pp_status make(pp_schedule **out, int workers, int64_t leases, pp_error *err)
{
    pp_schedule_setup setup;
    pp_schedule_setup_default(&setup, workers);
    pp_status status = pp_schedule_create(out, &setup, err);
    /* A cut video is a probe, runs of segments in three stages, cast and publish. */
    for (int64_t i = 0; status == PP_OK && i < leases; i++) {
        int windows = i % CUT_EVERY == 0 ? CUT_WINDOWS : WINDOWS;
        pp_schedule_video video = {.size_bytes = 500000 * windows + i, .windows = windows};
        status = pp_schedule_add(*out, &video, err);
    }
    return status == PP_OK ? pp_schedule_start(*out, 0, err) : status;
}

typedef struct giver {
    pp_schedule *schedule;
    pp_action *held; /* ring [workers]: who holds what, oldest first */
    int workers, first, count;
    int64_t given;
} giver;

static void take(giver *g)
{
    pp_action action;
    while (pp_schedule_next_action(g->schedule, &action)) {
        if (action.kind != PP_ACTION_GIVE || g->count == g->workers) continue;
        g->held[(g->first + g->count++) % g->workers] = action;
        g->given++;
    }
}

static pp_status finish_oldest(giver *g, double now_s, pp_error *err)
{
    pp_action held = g->held[g->first];
    g->first = (g->first + 1) % g->workers;
    g->count--;
    int is_long = held.task.video % CUT_EVERY == 0, counts;
    pp_task_result result = {.windows = is_long ? CUT_WINDOWS : WINDOWS,
                             .segments = is_long ? CUT_SEGMENTS : 1,
                             .reach = 1,
                             .stopped_after_probe = is_long};
    for (int stage = 0; stage < PP_STAGES; stage++) result.stage_s[stage] = 0.05 * result.windows;
    pp_status status =
        pp_schedule_finished(g->schedule, held.task.lease, &result, now_s, &counts, err);
    if (status == PP_OK) status = pp_schedule_asks(g->schedule, held.worker, now_s, err);
    take(g);
    return status;
}

pp_status pp_simulate_speed(int workers, int64_t leases, double (*clock_s)(void),
                            pp_simulation_speed *out, pp_error *err)
{
    *out = (pp_simulation_speed){0};
    giver g = {.workers = workers, .held = pp_alloc((size_t)workers, sizeof(pp_action))};
    if (g.held == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for %d workers", workers);
    pp_status status = make(&g.schedule, workers, leases, err);
    double begin_s = clock_s();
    for (int i = 0; status == PP_OK && i < workers; i++) {
        status = pp_schedule_asks(g.schedule, i, 0, err);
        take(&g);
    }
    double now_s = 0;
    while (status == PP_OK && g.count > 0 && g.given < leases) {
        now_s += 1e-5;
        status = finish_oldest(&g, now_s, err);
    }
    out->seconds = clock_s() - begin_s;
    out->leases = g.given;
    if (out->seconds > 0) out->leases_per_s = (double)g.given / out->seconds;
    pp_schedule_destroy(&g.schedule);
    pp_free(g.held);
    return status;
}
