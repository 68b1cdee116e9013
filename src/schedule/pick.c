/* Which work a waiting worker gets. */
#include "schedule/internal.h"

typedef enum picked { PICKED_NOTHING, PICKED_TASK } picked;

/* ---- what a lease will take -------------------------------------------------------------------
 */

static double stage_lease_s(const pp_schedule *schedule, const cut *c, int stage, int64_t segments)
{
    double windows =
        c->segment_windows * (double)(pp_sched_cut_is_whole_stage(stage) ? c->segments : segments);
    return schedule->costs.lease_s + windows * pp_costs_window_s(&schedule->costs, stage);
}

static double video_lease_s(const pp_schedule *schedule, const video *v)
{
    const pp_costs *costs = &schedule->costs;
    if (v->must_identify) {
        return costs->lease_s + (double)v->size_bytes / costs->identify_bytes_per_s;
    }
    double windows = pp_sched_video_windows(schedule, v);
    int is_short = windows <= schedule->setup.single_lease_windows;
    double window_s =
        is_short ? pp_costs_all_window_s(costs) : pp_costs_window_s(costs, PP_STAGE_PROBE);
    return costs->lease_s + windows * window_s;
}

static int fits(pp_schedule *schedule, double expected_s)
{
    if (schedule->now_s + expected_s <= schedule->setup.end_s) return 1;
    schedule->out_of_time = 1;
    return 0;
}

/* Guided sizes: at most half of what is left for each, one segment where the run waits for this
 * video's chain. */
static int64_t run_length(const pp_schedule *schedule, const cut *c, int stage)
{
    double share_s = pp_sched_share_s(schedule);
    if (schedule->setup.workers > 1 && pp_sched_cut_chain_s(schedule, c) > share_s) return 1;
    double budget_s = 0.5 * share_s;
    if (budget_s > schedule->setup.most_lease_s) budget_s = schedule->setup.most_lease_s;
    double segment_s = stage_lease_s(schedule, c, stage, 1) - schedule->costs.lease_s;
    if (!(segment_s > 0)) return c->segments;
    double segments = budget_s / segment_s;
    if (segments < 1) return 1;
    return segments > (double)c->segments ? c->segments : (int64_t)segments;
}

/* ---- one source of work after another ---------------------------------------------------------
 */

static pp_status give_video(pp_schedule *schedule, int index, int64_t video_index, picked *what,
                            pp_error *err)
{
    video *v = &schedule->videos[video_index];
    pp_heap_remove(&schedule->ready, video_index);
    pp_task task = {.video = video_index,
                    .kind = v->must_identify ? PP_TASK_IDENTIFY : PP_TASK_WHOLE,
                    .expected_s = video_lease_s(schedule, v)};
    if (!fits(schedule, task.expected_s)) {
        v->state = VIDEO_HELD;
        return PP_OK;
    }
    v->state = VIDEO_OUT;
    *what = PICKED_TASK;
    return pp_sched_lease_give(schedule, index, task, err);
}

static pp_status give_segments(pp_schedule *schedule, int index, int64_t video_index, picked *what,
                               pp_error *err)
{
    cut *c = schedule->videos[video_index].cut;
    int stage = pp_sched_cut_ready_stage(c);
    int64_t most = run_length(schedule, c, stage);
    if (!fits(schedule, stage_lease_s(schedule, c, stage, most))) most = 1;
    if (!fits(schedule, stage_lease_s(schedule, c, stage, most))) {
        pp_heap_remove(&schedule->active, video_index);
        return PP_OK;
    }
    pp_task task = {.video = video_index, .kind = PP_TASK_STAGE, .stage = (pp_stage)stage};
    pp_sched_cut_take(c, stage, most, &task.first_segment, &task.segments);
    task.expected_s = stage_lease_s(schedule, c, stage, task.segments);
    pp_status status = pp_sched_cut_place(schedule, video_index, err);
    if (status != PP_OK) return status;
    *what = PICKED_TASK;
    return pp_sched_lease_give(schedule, index, task, err);
}

static pp_status give_retry(pp_schedule *schedule, int index, picked *what, pp_error *err)
{
    retry entry;
    while (pp_sched_retry_take(schedule, index, &entry)) {
        video *v = &schedule->videos[entry.video];
        if (entry.stage < 0) {
            pp_status status = give_video(schedule, index, entry.video, what, err);
            if (status != PP_OK || *what != PICKED_NOTHING) return status;
            continue;
        }
        pp_task task = {.video = entry.video,
                        .kind = PP_TASK_STAGE,
                        .stage = (pp_stage)entry.stage,
                        .first_segment = entry.segment,
                        .segments = 1,
                        .expected_s = stage_lease_s(schedule, v->cut, entry.stage, 1)};
        if (!fits(schedule, task.expected_s)) continue;
        v->cut->state[entry.stage][entry.segment] = TASK_OUT;
        *what = PICKED_TASK;
        return pp_sched_lease_give(schedule, index, task, err);
    }
    return PP_OK;
}

static pp_status give_copy(pp_schedule *schedule, int index, double least_chain_s, picked *what,
                           pp_error *err)
{
    while (schedule->late.count > 0 && pp_heap_top_key(&schedule->late) > least_chain_s) {
        int64_t slot = pp_heap_top(&schedule->late);
        pp_heap_remove(&schedule->late, slot);
        lease *l = &schedule->leases[slot];
        pp_task task = l->task;
        if (pp_sched_lease_copies_running(schedule, &task) > schedule->setup.most_copies ||
            !fits(schedule, task.expected_s)) {
            continue;
        }
        l->doubled = 1;
        task.copy = 1;
        *what = PICKED_TASK;
        return pp_sched_lease_give(schedule, index, task, err);
    }
    return PP_OK;
}

/* Near the end, videos whose length is a guess go before what is known, unless the run would wait
 * for that: a guess may be wrong by a factor of ten, and then it is too late to share the rest. */
static int unsure_first(const pp_schedule *schedule, int64_t whole, double part_s)
{
    if (whole < 0 || schedule->videos[whole].known) return 0;
    double share_s = pp_sched_share_s(schedule);
    return share_s < schedule->setup.unsure_first_s && part_s < 0.5 * share_s;
}

static pp_status give_longest(pp_schedule *schedule, int index, picked *what, pp_error *err)
{
    while (*what == PICKED_NOTHING && (schedule->active.count > 0 || schedule->ready.count > 0)) {
        int64_t whole = pp_heap_top(&schedule->ready), part = pp_heap_top(&schedule->active);
        double whole_s =
            whole < 0 ? -1 : pp_sched_video_chain_s(schedule, &schedule->videos[whole]);
        double part_s = part < 0 ? -1 : pp_heap_top_key(&schedule->active);
        double longest_s = part_s > whole_s ? part_s : whole_s;
        int64_t own = schedule->workers[index].video;
        if (unsure_first(schedule, whole, part_s)) {
            part_s = -1;
        } else if (own >= 0 && pp_heap_has(&schedule->active, own) &&
                   2 * pp_sched_cut_chain_s(schedule, schedule->videos[own].cut) >= longest_s) {
            part = own;
            part_s = longest_s;
        }
        pp_status status = part_s >= whole_s ? give_segments(schedule, index, part, what, err)
                                             : give_video(schedule, index, whole, what, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

static pp_status give(pp_schedule *schedule, int index, picked *what, pp_error *err)
{
    *what = PICKED_NOTHING;
    pp_status status = give_retry(schedule, index, what, err);
    if (status == PP_OK && *what == PICKED_NOTHING && schedule->late.count > 0) {
        status = give_copy(schedule, index, 0.5 * pp_sched_share_s(schedule), what, err);
    }
    if (status == PP_OK && *what == PICKED_NOTHING) {
        status = give_longest(schedule, index, what, err);
    }
    if (status == PP_OK && *what == PICKED_NOTHING) {
        status = give_copy(schedule, index, -1, what, err);
    }
    return status;
}

/* ---- all who wait -----------------------------------------------------------------------------
 */

static pp_status stop_all(pp_schedule *schedule, pp_error *err)
{
    while (schedule->first_waiting != NOBODY) {
        int index = schedule->first_waiting;
        pp_sched_worker_unwait(schedule, index);
        schedule->workers[index].state = WORKER_STOPPED;
        schedule->alive--;
        schedule->stopped++;
        pp_action action = {.kind = PP_ACTION_STOP, .worker = index, .video = -1, .same_as = -1};
        pp_status status = pp_sched_act(schedule, &action, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

static int nothing_at_all(const pp_schedule *schedule)
{
    return schedule->ready.count == 0 && schedule->active.count == 0 &&
           schedule->retry_count == 0 && schedule->late.count == 0;
}

pp_status pp_sched_pick_dispatch(pp_schedule *schedule, pp_error *err)
{
    int all_final = schedule->final_count == (int64_t)schedule->video_count;
    if (all_final || schedule->draining) return stop_all(schedule, err);
    if (schedule->first_waiting == NOBODY) return PP_OK;
    pp_status status = pp_sched_lease_find_late(schedule, err);
    for (int index = schedule->first_waiting; status == PP_OK && index != NOBODY;) {
        if (nothing_at_all(schedule)) break;
        int next = schedule->workers[index].waiting_after;
        picked what;
        status = give(schedule, index, &what, err);
        if (what == PICKED_NOTHING && schedule->retry_count == 0) break;
        index = next;
    }
    if (status != PP_OK) return status;
    /* Held back by the time limit for good: nobody is at work who could make more. */
    if (schedule->out_of_time && schedule->busy == 0 && nothing_at_all(schedule)) {
        return stop_all(schedule, err);
    }
    return PP_OK;
}
