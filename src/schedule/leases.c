/* Leases: given, ended well or badly, lost, given twice. */
#include "base/memory.h"
#include "schedule/internal.h"

/* ---- the table --------------------------------------------------------------------------------
 */

static uint64_t lease_name(uint32_t generation, int32_t slot)
{
    return (uint64_t)generation << 32 | (uint32_t)slot;
}

int32_t pp_sched_lease_find(const pp_schedule *schedule, uint64_t id)
{
    uint64_t slot = id & 0xffffffffu;
    if (slot >= schedule->lease_count) return NO_LEASE;
    const lease *l = &schedule->leases[slot];
    return l->state != LEASE_FREE && l->generation == id >> 32 ? (int32_t)slot : NO_LEASE;
}

static int32_t take_slot(pp_schedule *schedule, pp_error *err)
{
    int32_t slot = schedule->free_lease;
    if (slot != NO_LEASE) {
        schedule->free_lease = schedule->leases[slot].next;
        return slot;
    }
    if (schedule->lease_count >= INT32_MAX - 1 ||
        pp_grow((void **)&schedule->leases, &schedule->lease_capacity, schedule->lease_count + 1,
                sizeof *schedule->leases, err) != PP_OK) {
        return NO_LEASE;
    }
    return (int32_t)schedule->lease_count++;
}

static void set_state(pp_schedule *schedule, int32_t slot, lease_state state)
{
    lease *l = &schedule->leases[slot];
    if (l->state == LEASE_RUNNING) schedule->running--;
    if (state == LEASE_RUNNING) schedule->running++;
    l->state = (uint8_t)state;
    if (state == LEASE_RUNNING) return;
    pp_heap_remove(&schedule->overdue, slot);
    pp_heap_remove(&schedule->late, slot);
}

void pp_sched_lease_free(pp_schedule *schedule, int32_t slot)
{
    lease *l = &schedule->leases[slot];
    set_state(schedule, slot, LEASE_FREE);
    if (l->previous != NO_LEASE) schedule->leases[l->previous].next = l->next;
    else schedule->videos[l->task.video].first_lease = l->next;
    if (l->next != NO_LEASE) schedule->leases[l->next].previous = l->previous;
    l->next = schedule->free_lease;
    schedule->free_lease = slot;
    pp_sched_worker_free_of(schedule, slot);
}

/* Known to be slow, so that a copy pays whatever else there is to do: above every chain. */
#define SURE 1e15

/* Segments of stages whose progress is not told: their length is known, unlike a whole video's. */
static double certainty(const pp_task *task)
{
    int tells = task->stage == PP_STAGE_SEE || task->stage == PP_STAGE_LISTEN;
    return task->kind == PP_TASK_STAGE && !tells ? SURE : 0;
}

/* Such a copy is made while there is other work, so it must be rare that it was not needed. */
static double overdue_factor(const pp_schedule *schedule, const pp_task *task)
{
    return certainty(task) > 0 ? 2 * schedule->setup.overdue_factor
                               : schedule->setup.overdue_factor;
}

pp_status pp_sched_lease_give(pp_schedule *schedule, int worker_index, pp_task task, pp_error *err)
{
    int32_t slot = take_slot(schedule, err);
    if (slot == NO_LEASE) return PP_ERR_NOMEM;
    video *v = &schedule->videos[task.video];
    lease *l = &schedule->leases[slot];
    uint32_t generation = l->generation + 1;
    task.lease = lease_name(generation, slot);
    *l = (lease){.task = task,
                 .worker = worker_index,
                 .started_s = schedule->now_s,
                 .next = v->first_lease,
                 .previous = NO_LEASE,
                 .generation = generation,
                 .doubled = (uint8_t)task.copy};
    if (v->first_lease != NO_LEASE) schedule->leases[v->first_lease].previous = slot;
    v->first_lease = slot;
    set_state(schedule, slot, LEASE_RUNNING);
    schedule->given++;
    schedule->copies += task.copy;
    worker *w = &schedule->workers[worker_index];
    pp_sched_worker_unwait(schedule, worker_index);
    w->state = WORKER_BUSY;
    w->lease = slot;
    w->video = task.video;
    schedule->busy++;
    double patience = overdue_factor(schedule, &task) * task.expected_s;
    if (patience < schedule->setup.overdue_least_s) patience = schedule->setup.overdue_least_s;
    pp_status status = pp_heap_put(&schedule->overdue, slot, -(schedule->now_s + patience), err);
    if (status != PP_OK) return status;
    pp_action action = {.kind = PP_ACTION_GIVE,
                        .worker = worker_index,
                        .task = task,
                        .video = task.video,
                        .same_as = -1};
    return pp_sched_act(schedule, &action, err);
}

pp_status pp_sched_lease_cancel(pp_schedule *schedule, int32_t slot, pp_error *err)
{
    lease *l = &schedule->leases[slot];
    set_state(schedule, slot, LEASE_CANCELLED);
    pp_action action = {.kind = PP_ACTION_CANCEL,
                        .worker = l->worker,
                        .task = l->task,
                        .video = l->task.video,
                        .same_as = -1};
    return pp_sched_act(schedule, &action, err);
}

/* ---- copies -----------------------------------------------------------------------------------
 */

static int same_task(const pp_task *a, const pp_task *b)
{
    return a->video == b->video && a->kind == b->kind &&
           (a->kind != PP_TASK_STAGE ||
            (a->stage == b->stage && a->first_segment == b->first_segment));
}

int pp_sched_lease_copies_running(const pp_schedule *schedule, const pp_task *task)
{
    int running = 0;
    int32_t slot = schedule->videos[task->video].first_lease;
    for (; slot != NO_LEASE; slot = schedule->leases[slot].next) {
        const lease *l = &schedule->leases[slot];
        running += l->state == LEASE_RUNNING && same_task(&l->task, task);
    }
    return running;
}

/* Leases whose whole result has come from elsewhere are dropped. */
static pp_status cancel_needless(pp_schedule *schedule, int64_t index, pp_error *err)
{
    video *v = &schedule->videos[index];
    for (int32_t slot = v->first_lease; slot != NO_LEASE; slot = schedule->leases[slot].next) {
        lease *l = &schedule->leases[slot];
        if (l->state != LEASE_RUNNING) continue;
        int needless = l->task.kind == PP_TASK_STAGE
                           ? v->cut != NULL && pp_sched_cut_task_is_done(v->cut, &l->task)
                           : v->state != VIDEO_OUT;
        if (l->task.kind == PP_TASK_IDENTIFY) needless = !v->must_identify;
        pp_status status = needless ? pp_sched_lease_cancel(schedule, slot, err) : PP_OK;
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

pp_status pp_sched_lease_find_late(pp_schedule *schedule, pp_error *err)
{
    while (schedule->overdue.count > 0 && -pp_heap_top_key(&schedule->overdue) <= schedule->now_s) {
        int64_t slot = pp_heap_top(&schedule->overdue);
        pp_heap_remove(&schedule->overdue, slot);
        const lease *l = &schedule->leases[slot];
        if (pp_sched_lease_copies_running(schedule, &l->task) > schedule->setup.most_copies) {
            continue;
        }
        double chain = pp_sched_video_chain_s(schedule, &schedule->videos[l->task.video]);
        chain += certainty(&l->task);
        pp_status status = pp_heap_put(&schedule->late, slot, chain, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

/* What was gone through should have taken less than this: with a window of grace, and the probe of
 * a video, which tells nothing. */
static double slow_after_s(const pp_schedule *schedule, const lease *l)
{
    const pp_costs *costs = &schedule->costs;
    double fair_s = costs->lease_s + pp_costs_all_window_s(costs) + l->worth_s;
    if (l->task.kind == PP_TASK_WHOLE) {
        const video *v = &schedule->videos[l->task.video];
        fair_s += pp_sched_video_windows(schedule, v) * pp_costs_window_s(costs, PP_STAGE_PROBE);
    }
    double after_s = schedule->setup.slow_factor * fair_s;
    return after_s > schedule->setup.slow_least_s ? after_s : schedule->setup.slow_least_s;
}

static int tells_progress(const pp_task *task)
{
    if (task->kind == PP_TASK_STAGE) return certainty(task) == 0;
    return task->kind == PP_TASK_WHOLE;
}

/* A copy that is further than the slow lease it was made for is worth more than waiting for both.
 */
static pp_status drop_overtaken(pp_schedule *schedule, const lease *ahead, pp_error *err)
{
    int32_t slot = schedule->videos[ahead->task.video].first_lease;
    for (; slot != NO_LEASE; slot = schedule->leases[slot].next) {
        const lease *l = &schedule->leases[slot];
        if (l->state != LEASE_RUNNING || !l->slow || l->worth_s >= ahead->worth_s ||
            !same_task(&l->task, &ahead->task)) {
            continue;
        }
        pp_status status = pp_sched_lease_cancel(schedule, slot, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

static int is_slow(const pp_schedule *schedule, const lease *l)
{
    return schedule->now_s - l->started_s >= slow_after_s(schedule, l) &&
           pp_sched_lease_copies_running(schedule, &l->task) <= schedule->setup.most_copies;
}

pp_status pp_schedule_progress(pp_schedule *schedule, int worker_index, uint64_t id,
                               const double windows[PP_STAGES], double now_s, pp_error *err)
{
    pp_status status = pp_schedule_alive(schedule, worker_index, now_s, err);
    if (status != PP_OK) return status;
    int32_t slot = pp_sched_lease_find(schedule, id);
    if (slot == NO_LEASE) return PP_OK;
    lease *l = &schedule->leases[slot];
    if (l->state != LEASE_RUNNING || l->worker != worker_index || !tells_progress(&l->task)) {
        return PP_OK;
    }
    l->worth_s = 0;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        l->worth_s += windows[stage] * pp_costs_window_s(&schedule->costs, stage);
    }
    if (l->doubled) {
        status = drop_overtaken(schedule, l, err);
        if (status != PP_OK) return status;
    }
    if (l->slow || !is_slow(schedule, l)) return PP_OK;
    l->slow = 1;
    pp_heap_remove(&schedule->overdue, slot);
    double chain = pp_sched_video_chain_s(schedule, &schedule->videos[l->task.video]);
    status = pp_heap_put(&schedule->late, slot, SURE + chain, err);
    return status != PP_OK ? status : pp_sched_pick_dispatch(schedule, err);
}

/* ---- ended well -------------------------------------------------------------------------------
 */

static void learn(pp_schedule *schedule, const pp_task *task, const pp_task_result *result)
{
    video *v = &schedule->videos[task->video];
    if (task->kind == PP_TASK_WHOLE && result->windows > 0) {
        pp_costs_learn_size(&schedule->costs, v->size_bytes, result->windows);
    }
    if (result->already_done || task->kind == PP_TASK_IDENTIFY) return;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        double windows = result->windows;
        if (task->kind == PP_TASK_STAGE) {
            if (stage != (int)task->stage || v->cut == NULL) continue;
            int64_t segments =
                pp_sched_cut_is_whole_stage(stage) ? v->cut->segments : task->segments;
            windows = v->cut->segment_windows * (double)segments;
        }
        pp_costs_learn(&schedule->costs, stage, windows, result->stage_s[stage]);
    }
}

static pp_status finish_whole(pp_schedule *schedule, const pp_task *task,
                              const pp_task_result *result, int *counts, pp_error *err)
{
    video *v = &schedule->videos[task->video];
    *counts = v->state != VIDEO_CUT;
    if (!*counts) return PP_OK;
    if (result->stopped_after_probe) {
        return pp_sched_cut_begin(schedule, task->video, result, err);
    }
    if (result->windows > 0) {
        pp_sched_video_account(schedule, v, -1);
        v->windows = result->windows;
        v->known = 1;
        pp_sched_video_account(schedule, v, 1);
    }
    return pp_sched_video_finalize(schedule, task->video, PP_OK, err);
}

static pp_status apply(pp_schedule *schedule, const pp_task *task, const pp_task_result *result,
                       int *counts, pp_error *err)
{
    video *v = &schedule->videos[task->video];
    int64_t news = 0;
    switch (task->kind) {
    case PP_TASK_IDENTIFY:
        *counts = v->must_identify;
        return *counts ? pp_sched_video_identified(schedule, task->video, result->sha256, err)
                       : PP_OK;
    case PP_TASK_WHOLE:
        return finish_whole(schedule, task, result, counts, err);
    case PP_TASK_STAGE:
        if (v->cut == NULL) return PP_OK;
        pp_status status = pp_sched_cut_done(schedule, task->video, task, &news, err);
        *counts = news > 0;
        return status;
    }
    return PP_OK;
}

pp_status pp_schedule_finished(pp_schedule *schedule, uint64_t id, const pp_task_result *result,
                               double now_s, int *counts, pp_error *err)
{
    *counts = 0;
    pp_sched_advance(schedule, now_s);
    int32_t slot = pp_sched_lease_find(schedule, id);
    if (slot == NO_LEASE) return PP_OK;
    lease ended = schedule->leases[slot];
    pp_sched_worker_seen(schedule, ended.worker);
    pp_sched_lease_free(schedule, slot);
    int64_t index = ended.task.video;
    if (schedule->videos[index].state == VIDEO_FINAL) return PP_OK;
    learn(schedule, &ended.task, result);
    pp_status status = apply(schedule, &ended.task, result, counts, err);
    if (status != PP_OK) return status;
    if (ended.doubled || ended.state != LEASE_RUNNING) {
        status = cancel_needless(schedule, index, err);
        if (status != PP_OK) return status;
    }
    return pp_sched_pick_dispatch(schedule, err);
}

/* ---- ended badly, or not at all ---------------------------------------------------------------
 */

/* The task may be given out again as if it had never been. */
static pp_status give_back(pp_schedule *schedule, const lease *ended, pp_error *err)
{
    const pp_task *task = &ended->task;
    video *v = &schedule->videos[task->video];
    if (ended->doubled && pp_sched_lease_copies_running(schedule, task) > 0) return PP_OK;
    if (task->kind == PP_TASK_STAGE) {
        return v->cut != NULL ? pp_sched_cut_return(schedule, task->video, task, err) : PP_OK;
    }
    if (v->state != VIDEO_OUT) return PP_OK;
    /* A dropped `identify` may come back when the video is out for more. */
    for (int32_t slot = v->first_lease; slot != NO_LEASE; slot = schedule->leases[slot].next) {
        if (schedule->leases[slot].state == LEASE_RUNNING) return PP_OK;
    }
    return pp_sched_video_make_ready(schedule, task->video, err);
}

static int count_one(uint8_t *counter)
{
    if (*counter < UINT8_MAX) ++*counter;
    return *counter;
}

/* Counts the attempt (or death) for every task of the lease: the largest count. */
static int count_attempt(pp_schedule *schedule, const pp_task *task, int is_death)
{
    video *v = &schedule->videos[task->video];
    v->failures++;
    if (task->kind != PP_TASK_STAGE) return count_one(is_death ? &v->deaths : &v->attempts);
    uint8_t *counters = (is_death ? v->cut->deaths : v->cut->attempts)[task->stage];
    int most = 0;
    for (int64_t s = task->first_segment; s < task->first_segment + task->segments; s++) {
        int count = count_one(&counters[s]);
        if (count > most) most = count;
    }
    return most;
}

static pp_status to_retries(pp_schedule *schedule, const pp_task *task, int avoid, pp_error *err)
{
    video *v = &schedule->videos[task->video];
    if (task->kind != PP_TASK_STAGE) {
        if (v->state != VIDEO_OUT) return PP_OK;
        v->state = VIDEO_RETRY;
        return pp_sched_retry_put(schedule, (retry){task->video, 0, avoid, -1}, err);
    }
    for (int64_t s = task->first_segment; s < task->first_segment + task->segments; s++) {
        uint8_t *state = &v->cut->state[task->stage][s];
        if (*state != TASK_OUT) continue;
        *state = TASK_RETRY;
        retry entry = {task->video, s, avoid, (int)task->stage};
        pp_status status = pp_sched_retry_put(schedule, entry, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

static pp_status try_again(pp_schedule *schedule, const lease *ended, pp_status reason,
                           int is_death, pp_error *err)
{
    const pp_task *task = &ended->task;
    const video *v = &schedule->videos[task->video];
    if (task->kind == PP_TASK_STAGE && v->cut == NULL) return PP_OK;
    int count = count_attempt(schedule, task, is_death);
    int most = is_death ? schedule->setup.most_deaths : schedule->setup.most_attempts;
    if (count >= most) return pp_sched_video_finalize(schedule, task->video, reason, err);
    if (ended->doubled && pp_sched_lease_copies_running(schedule, task) > 0) return PP_OK;
    return to_retries(schedule, task, ended->worker, err);
}

/* A later stage that finds a shard missing or damaged may find it mended the next time. */
static int is_lasting(const pp_task *task, pp_status status)
{
    if (pp_status_is_transient(status) || status == PP_ERR_BUSY) return 0;
    return task->kind != PP_TASK_STAGE || (status != PP_ERR_NOT_FOUND && status != PP_ERR_FORMAT);
}

/* Two ranks at work on one video remove its shards when the first of them has published: the other
 * finds its files gone, and may say so before the first has said that all is done. */
static int was_overtaken(const pp_schedule *schedule, const lease *ended, pp_status reason)
{
    if (reason != PP_ERR_NOT_FOUND && reason != PP_ERR_FORMAT && reason != PP_ERR_IO) return 0;
    return ended->doubled && pp_sched_lease_copies_running(schedule, &ended->task) > 0;
}

pp_status pp_schedule_failed(pp_schedule *schedule, uint64_t id, pp_status reason, double now_s,
                             int *counts, pp_error *err)
{
    *counts = 0;
    pp_sched_advance(schedule, now_s);
    int32_t slot = pp_sched_lease_find(schedule, id);
    if (slot == NO_LEASE) return PP_OK;
    lease ended = schedule->leases[slot];
    pp_sched_worker_seen(schedule, ended.worker);
    pp_sched_lease_free(schedule, slot);
    if (schedule->videos[ended.task.video].state == VIDEO_FINAL) return PP_OK;
    pp_status status = PP_OK;
    if (reason == PP_ERR_INTERRUPTED || ended.state == LEASE_CANCELLED) {
        if (ended.state != LEASE_LOST) status = give_back(schedule, &ended, err);
    } else if (was_overtaken(schedule, &ended, reason)) {
        status = PP_OK; /* the other copy brings the outcome */
    } else if (is_lasting(&ended.task, reason)) {
        *counts = 1;
        status = pp_sched_video_finalize(schedule, ended.task.video, reason, err);
    } else if (ended.state == LEASE_RUNNING) {
        *counts = 1;
        status = try_again(schedule, &ended, reason, 0, err);
    }
    return status != PP_OK ? status : pp_sched_pick_dispatch(schedule, err);
}

pp_status pp_sched_lease_lose(pp_schedule *schedule, int32_t slot, int is_death, pp_error *err)
{
    lease *l = &schedule->leases[slot];
    if (l->state != LEASE_RUNNING) {
        lease ended = *l;
        pp_sched_lease_free(schedule, slot);
        if (schedule->videos[ended.task.video].state == VIDEO_FINAL) return PP_OK;
        return give_back(schedule, &ended, err);
    }
    set_state(schedule, slot, LEASE_LOST);
    schedule->lost++;
    lease ended = *l;
    pp_sched_worker_free_of(schedule, slot);
    if (is_death) return try_again(schedule, &ended, PP_ERR_CRASH, 1, err);
    return give_back(schedule, &ended, err);
}
