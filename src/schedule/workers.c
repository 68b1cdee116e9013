/* Workers: heard of, waiting, dead; and the end of a run. */
#include <math.h>

#include "schedule/internal.h"

static void unlink_seen(pp_schedule *schedule, int index)
{
    worker *w = &schedule->workers[index];
    if (w->older != NOBODY) schedule->workers[w->older].newer = w->newer;
    else if (schedule->oldest == index) schedule->oldest = w->newer;
    if (w->newer != NOBODY) schedule->workers[w->newer].older = w->older;
    else if (schedule->newest == index) schedule->newest = w->older;
    w->older = w->newer = NOBODY;
}

void pp_sched_worker_seen(pp_schedule *schedule, int index)
{
    worker *w = &schedule->workers[index];
    if (w->state == WORKER_DEAD) return;
    unlink_seen(schedule, index);
    w->seen_s = schedule->now_s;
    w->older = schedule->newest;
    if (schedule->newest != NOBODY) schedule->workers[schedule->newest].newer = index;
    else schedule->oldest = index;
    schedule->newest = index;
}

void pp_sched_worker_free_of(pp_schedule *schedule, int32_t slot)
{
    worker *w = &schedule->workers[schedule->leases[slot].worker];
    if (w->lease == slot) w->lease = NO_LEASE;
}

static void wait_at_the_end(pp_schedule *schedule, int index)
{
    worker *w = &schedule->workers[index];
    w->waiting_before = schedule->last_waiting;
    w->waiting_after = NOBODY;
    if (schedule->last_waiting != NOBODY) {
        schedule->workers[schedule->last_waiting].waiting_after = index;
    } else {
        schedule->first_waiting = index;
    }
    schedule->last_waiting = index;
}

void pp_sched_worker_unwait(pp_schedule *schedule, int index)
{
    worker *w = &schedule->workers[index];
    if (w->waiting_before != NOBODY) {
        schedule->workers[w->waiting_before].waiting_after = w->waiting_after;
    } else {
        schedule->first_waiting = w->waiting_after;
    }
    if (w->waiting_after != NOBODY) {
        schedule->workers[w->waiting_after].waiting_before = w->waiting_before;
    } else {
        schedule->last_waiting = w->waiting_before;
    }
    w->waiting_before = w->waiting_after = NOBODY;
}

static pp_status check_index(const pp_schedule *schedule, int index, pp_error *err)
{
    if (schedule->started && index >= 0 && index < schedule->setup.workers) return PP_OK;
    return pp_fail(err, PP_ERR_INTERNAL, "an event of worker %d, of %d", index,
                   schedule->setup.workers);
}

static pp_status stop(pp_schedule *schedule, int index, pp_error *err)
{
    pp_action action = {.kind = PP_ACTION_STOP, .worker = index, .video = -1, .same_as = -1};
    return pp_sched_act(schedule, &action, err);
}

pp_status pp_schedule_asks(pp_schedule *schedule, int index, double now_s, pp_error *err)
{
    pp_status status = check_index(schedule, index, err);
    if (status != PP_OK) return status;
    pp_sched_advance(schedule, now_s);
    worker *w = &schedule->workers[index];
    if (w->state == WORKER_DEAD) return PP_OK;
    if (w->state == WORKER_STOPPED) return stop(schedule, index, err);
    pp_sched_worker_seen(schedule, index);
    if (w->state == WORKER_ABSENT) schedule->alive++;
    if (w->state == WORKER_BUSY) schedule->busy--;
    if (w->state != WORKER_WAITING) {
        w->state = WORKER_WAITING;
        wait_at_the_end(schedule, index);
    }
    if (w->lease != NO_LEASE) {
        status = pp_sched_lease_lose(schedule, w->lease, 0, err);
        if (status != PP_OK) return status;
    }
    return pp_sched_pick_dispatch(schedule, err);
}

pp_status pp_schedule_alive(pp_schedule *schedule, int index, double now_s, pp_error *err)
{
    pp_status status = check_index(schedule, index, err);
    if (status != PP_OK) return status;
    pp_sched_advance(schedule, now_s);
    pp_sched_worker_seen(schedule, index);
    return PP_OK;
}

static pp_status bury(pp_schedule *schedule, int index, pp_error *err)
{
    worker *w = &schedule->workers[index];
    if (w->state == WORKER_WAITING) pp_sched_worker_unwait(schedule, index);
    if (w->state == WORKER_BUSY) schedule->busy--;
    if (w->state == WORKER_BUSY || w->state == WORKER_WAITING) schedule->alive--;
    if (w->state == WORKER_STOPPED) schedule->stopped--;
    unlink_seen(schedule, index);
    w->state = WORKER_DEAD;
    schedule->dead++;
    pp_action action = {.kind = PP_ACTION_DEAD, .worker = index, .video = -1, .same_as = -1};
    pp_status status = pp_sched_act(schedule, &action, err);
    if (status != PP_OK || w->lease == NO_LEASE) return status;
    return pp_sched_lease_lose(schedule, w->lease, 1, err);
}

/* Where this process itself slept, the silence of the others says nothing: they get their time
 * again. */
static void forgive_own_sleep(pp_schedule *schedule)
{
    double slept_s = schedule->now_s - schedule->ticked_s;
    schedule->ticked_s = schedule->now_s;
    if (slept_s < 0.5 * schedule->setup.dead_after_s) return;
    for (int i = schedule->oldest; i != NOBODY; i = schedule->workers[i].newer) {
        schedule->workers[i].seen_s = schedule->now_s;
    }
}

static pp_status cancel_those_behind(pp_schedule *schedule, double end_s, pp_error *err)
{
    for (size_t slot = 0; slot < schedule->lease_count; slot++) {
        const lease *l = &schedule->leases[slot];
        if (l->state != LEASE_RUNNING || l->started_s + l->task.expected_s <= end_s) continue;
        pp_status status = pp_sched_lease_cancel(schedule, (int32_t)slot, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

pp_status pp_schedule_tick(pp_schedule *schedule, double now_s, pp_error *err)
{
    pp_sched_advance(schedule, now_s);
    forgive_own_sleep(schedule);
    pp_status status = PP_OK;
    while (status == PP_OK && schedule->oldest != NOBODY &&
           schedule->workers[schedule->oldest].seen_s + schedule->setup.dead_after_s <
               schedule->now_s) {
        status = bury(schedule, schedule->oldest, err);
    }
    if (status == PP_OK && schedule->now_s >= schedule->grace_end_s) {
        schedule->grace_end_s = HUGE_VAL;
        status = cancel_those_behind(schedule, -HUGE_VAL, err);
    }
    return status != PP_OK ? status : pp_sched_pick_dispatch(schedule, err);
}

pp_status pp_schedule_drain(pp_schedule *schedule, double now_s, double grace_s, pp_error *err)
{
    pp_sched_advance(schedule, now_s);
    schedule->draining = 1;
    schedule->grace_end_s = schedule->now_s + grace_s;
    pp_status status =
        cancel_those_behind(schedule, grace_s > 0 ? schedule->grace_end_s : -HUGE_VAL, err);
    return status != PP_OK ? status : pp_sched_pick_dispatch(schedule, err);
}
