/* Made-up workers, and the coordinator between them and the scheduler: what src/cluster's
 * ranks_work.c, worker.c and coordinator.c do, as far as it matters here.
 *
 *   WAITING --lease--> WORKING: step by step; each ends with a commit --finished, asks--> WAITING
 *              cancelled: noticed between two windows --failed (interrupted), asks--> WAITING
 *              a lease that comes while at work is begun afterwards
 *   any --stop, dies--> GONE
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "schedule/simulate_internal.h"

/* ---- messages: late, lost, twice --------------------------------------------------------------
 */

static double post_s(world *w)
{
    double extra_s = 0;
    if (w->setup.jitter_s > 0) extra_s = w->setup.jitter_s * pp_random_uniform(&w->random);
    return w->setup.latency_s + extra_s;
}

static int happens(world *w, double share)
{
    return share > 0 && pp_random_uniform(&w->random) < share;
}

static pp_status post(world *w, double leaves_s, event_kind kind, int index, const letter *says,
                      pp_error *err)
{
    w->report->messages++;
    w->report->to_coordinator += kind <= EVENT_FAILED;
    if (happens(w, w->setup.lost_share)) {
        w->report->messages_lost++;
        return PP_OK;
    }
    pp_status status = pp_sim_push(w, leaves_s + post_s(w), kind, index, says, err);
    if (status == PP_OK && happens(w, w->setup.repeated_share)) {
        w->report->messages_repeated++;
        status = pp_sim_push(w, leaves_s + post_s(w), kind, index, says, err);
    }
    return status;
}

static int is_mute(const world *w, const hand *h)
{
    return w->now_s >= h->mute_from_s && w->now_s < h->mute_until_s;
}

/* A process that was stopped says what it has to say when it goes on. */
static pp_status tell(world *w, event_kind kind, int index, const letter *says, pp_error *err)
{
    const hand *h = &w->hands[index];
    return post(w, is_mute(w, h) ? h->mute_until_s : w->now_s, kind, index, says, err);
}

/* ---- at work ----------------------------------------------------------------------------------
 */

static pp_status ask(world *w, int index, pp_error *err)
{
    hand *h = &w->hands[index];
    h->state = HAND_WAITING;
    h->waits_since_s = w->now_s;
    h->epoch++;
    pp_status status = tell(w, EVENT_ASKS, index, NULL, err);
    if (status != PP_OK || !(w->setup.ask_again_s > 0)) return status;
    return pp_sim_push(w, w->now_s + w->setup.ask_again_s, EVENT_ASKS_AGAIN, index, NULL, err);
}

static pp_status begin(world *w, int index, const pp_task *task, pp_error *err);

/* The lease is over for this worker: says so, asks for the next one, begins one that came. */
static pp_status end_lease(world *w, int index, event_kind kind, pp_status how, pp_error *err)
{
    hand *h = &w->hands[index];
    letter says = {.task = h->task, .status = how, .already_done = !h->ran};
    memcpy(says.stage_s, h->stage_s, sizeof says.stage_s);
    if (how == PP_ERR_INTERRUPTED) w->report->interrupted++;
    pp_status status = tell(w, kind, index, &says, err);
    if (status == PP_OK) status = ask(w, index, err);
    if (status != PP_OK || !h->has_next) return status;
    h->has_next = 0;
    pp_task next = h->next;
    return begin(w, index, &next, err);
}

static int64_t last_step(const pp_task *task)
{
    if (task->kind != PP_TASK_STAGE) return 0;
    return task->first_segment + task->segments - 1;
}

/* Goes on to the next step that is not committed yet. */
static pp_status next_step(world *w, int index, double extra_s, pp_error *err)
{
    hand *h = &w->hands[index];
    while (h->step <= last_step(&h->task) && pp_sim_step_is_done(w, &h->task, h->step)) h->step++;
    h->step_begins_s = w->now_s;
    if (h->cancelled) return end_lease(w, index, EVENT_FAILED, PP_ERR_INTERRUPTED, err);
    if (h->step > last_step(&h->task)) {
        h->step_takes_s = extra_s;
    } else {
        pp_error why = {0};
        pp_status status = pp_sim_step_check(w, &h->task, h->step, &why);
        if (status == PP_ERR_INTERNAL) return pp_fail(err, status, "%s", why.message);
        if (status != PP_OK) return end_lease(w, index, EVENT_FAILED, status, err);
        h->step_takes_s = extra_s + pp_sim_step_s(w, &h->task, h->step) * h->slow * h->noise;
        h->ran = 1;
    }
    return pp_sim_push(w, w->now_s + h->step_takes_s, EVENT_STEP_ENDS, index, NULL, err);
}

static pp_status begin(world *w, int index, const pp_task *task, pp_error *err)
{
    hand *h = &w->hands[index];
    w->report->idle_s += w->now_s - h->waits_since_s;
    h->state = HAND_WORKING;
    h->task = *task;
    h->epoch++;
    h->cancelled = h->ran = 0;
    h->step = task->kind == PP_TASK_STAGE ? task->first_segment : 0;
    memset(h->stage_s, 0, sizeof h->stage_s);
    h->slow = happens(w, w->setup.straggler_share) ? w->setup.straggler_factor : 1;
    h->noise = 1;
    if (w->setup.noise_spread > 0) {
        double spread = w->setup.noise_spread;
        h->noise = exp(spread * pp_random_normal(&w->random) - 0.5 * spread * spread);
    }
    return next_step(w, index, w->setup.costs.lease_s * h->slow, err);
}

static void account(world *w, const hand *h, double spent_s, double useful_s)
{
    w->report->useful_s += useful_s;
    w->report->straggling_s += spent_s * (1 - 1 / h->slow);
    if (!(useful_s > 0)) w->report->again_s += spent_s / h->slow;
}

static pp_status fails_by_itself(world *w, int index, int *fails, pp_error *err)
{
    hand *h = &w->hands[index];
    film *f = &w->films[w->films[h->task.video].content];
    *fails = 1;
    if (h->task.kind == PP_TASK_WHOLE && f->flavour == FILM_BROKEN) {
        return end_lease(w, index, EVENT_FAILED, PP_ERR_MEDIA, err);
    }
    if (h->ran && f->failures_left > 0) {
        f->failures_left--;
        return end_lease(w, index, EVENT_FAILED, PP_ERR_CRASH, err);
    }
    *fails = 0;
    return PP_OK;
}

static pp_status step_ends(world *w, int index, pp_error *err)
{
    hand *h = &w->hands[index];
    int fails;
    pp_status status = fails_by_itself(w, index, &fails, err);
    if (status != PP_OK || fails) return status;
    if (h->step <= last_step(&h->task)) {
        double parts[PP_STAGES], useful_s;
        pp_sim_step_stages_s(w, &h->task, h->step, parts);
        for (int stage = 0; stage < PP_STAGES; stage++) {
            h->stage_s[stage] += parts[stage] * h->slow * h->noise;
        }
        status = pp_sim_step_commit(w, &h->task, h->step, &useful_s, err);
        if (status != PP_OK) return status;
        account(w, h, h->step_takes_s, useful_s);
        h->step++;
    }
    if (h->step <= last_step(&h->task)) return next_step(w, index, 0, err);
    return end_lease(w, index, EVENT_FINISHED, PP_OK, err);
}

/* The pipeline looks up once a window at least. */
static pp_status hear_cancel(world *w, int index, const letter *says, pp_error *err)
{
    hand *h = &w->hands[index];
    if (h->state != HAND_WORKING || h->task.lease != says->task.lease || h->cancelled) return PP_OK;
    h->cancelled = 1;
    double window_s = 0;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        window_s = fmax(window_s, w->setup.costs.window_s[stage]);
    }
    double notices_s = w->now_s + pp_random_uniform(&w->random) * window_s * h->slow;
    return pp_sim_push(w, notices_s, EVENT_NOTICES, index, NULL, err);
}

static pp_status hear_lease(world *w, int index, const letter *says, pp_error *err)
{
    hand *h = &w->hands[index];
    if (h->state == HAND_WAITING) return begin(w, index, &says->task, err);
    h->next = says->task;
    h->has_next = 1;
    return PP_OK;
}

static void leave(world *w, hand *h)
{
    if (h->state == HAND_WAITING) w->report->idle_s += w->now_s - h->waits_since_s;
    if (h->state == HAND_WORKING) account(w, h, w->now_s - h->step_begins_s, 0);
    h->state = HAND_GONE;
    h->epoch++;
}

/* Pictures and windows are counted as in the pipeline: committed steps, and of the one at work on
 * as much as the time spent in it is worth, one stage after the other. */
static void count_progress(const world *w, const hand *h, double windows[PP_STAGES])
{
    double spent_s = (w->now_s - h->step_begins_s) / (h->slow * h->noise);
    for (int64_t step = h->task.first_segment; step <= h->step; step++) {
        if (step > last_step(&h->task)) break;
        double parts[PP_STAGES], all = pp_sim_step_windows(w, &h->task, step);
        int is_current = step == h->step;
        pp_sim_step_stages_s(w, &h->task, step, parts);
        for (int stage = 0; stage < PP_STAGES; stage++) {
            if (!(parts[stage] > 0)) continue;
            double share = is_current ? fmin(1, fmax(0, spent_s / parts[stage])) : 1;
            if (is_current) spent_s -= parts[stage];
            if (stage == PP_STAGE_SEE || stage == PP_STAGE_LISTEN) windows[stage] += share * all;
        }
    }
}

static pp_status show_life(world *w, int index, pp_error *err)
{
    const hand *h = &w->hands[index];
    if (h->state == HAND_GONE || w->over) return PP_OK;
    double every_s = w->setup.alive_every_s;
    if (h->state == HAND_WORKING) {
        every_s = fmax(every_s, h->slow * w->setup.costs.window_s[PP_STAGE_LISTEN]);
    }
    letter says = {.task = h->task};
    if (h->state == HAND_WORKING) count_progress(w, h, says.windows);
    pp_status status = is_mute(w, h) ? PP_OK : tell(w, EVENT_ALIVE, index, &says, err);
    if (status != PP_OK) return status;
    return pp_sim_push(w, w->now_s + every_s, EVENT_HEARTBEAT, index, NULL, err);
}

static int is_void(const event *e, const hand *h)
{
    if (h->state == HAND_GONE) return 1;
    int own = e->kind == EVENT_STEP_ENDS || e->kind == EVENT_NOTICES || e->kind == EVENT_ASKS_AGAIN;
    return own && e->epoch != h->epoch;
}

pp_status pp_sim_ranks_event(world *w, const event *e, const letter *says, pp_error *err)
{
    hand *h = &w->hands[e->worker];
    if (is_void(e, h)) return PP_OK;
    switch (e->kind) {
    case EVENT_LEASE:
        return hear_lease(w, e->worker, says, err);
    case EVENT_CANCEL:
        return hear_cancel(w, e->worker, says, err);
    case EVENT_STEP_ENDS:
        return step_ends(w, e->worker, err);
    case EVENT_NOTICES:
        account(w, h, w->now_s - h->step_begins_s, 0);
        return end_lease(w, e->worker, EVENT_FAILED, PP_ERR_INTERRUPTED, err);
    case EVENT_HEARTBEAT:
        return show_life(w, e->worker, err);
    case EVENT_ASKS_AGAIN:
        if (w->over) return PP_OK;
        w->report->idle_s += w->now_s - h->waits_since_s;
        return ask(w, e->worker, err);
    default: /* stop, dies */
        leave(w, h);
        return PP_OK;
    }
}

static pp_status draw_fates(world *w, int *dying, pp_error *err)
{
    pp_random random;
    pp_random_seed(&random, w->setup.seed, 2);
    double span_s = fmax(w->report->bound_s, 1);
    for (int i = 1; i < w->setup.workers; i++) {
        hand *h = &w->hands[i];
        int left = w->setup.workers - i;
        if (pp_random_below(&random, (uint64_t)left) < (uint64_t)*dying) {
            double at_s = span_s * pp_random_uniform(&random);
            pp_status status = pp_sim_push(w, at_s, EVENT_DIES, i, NULL, err);
            if (status != PP_OK) return status;
            --*dying;
        }
        if (pp_random_uniform(&random) < w->setup.mute_share) {
            h->mute_from_s = span_s * pp_random_uniform(&random);
            h->mute_until_s =
                h->mute_from_s + 3 * w->setup.schedule.dead_after_s * pp_random_uniform(&random);
        }
    }
    return PP_OK;
}

pp_status pp_sim_ranks_begin(world *w, pp_error *err)
{
    w->hands = pp_alloc((size_t)w->setup.workers, sizeof *w->hands);
    if (w->hands == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the workers");
    int dying = w->setup.deaths;
    pp_status status = draw_fates(w, &dying, err);
    for (int i = 0; status == PP_OK && i < w->setup.workers; i++) {
        status = ask(w, i, err);
        double first_s = w->setup.alive_every_s * pp_random_uniform(&w->random);
        if (status == PP_OK) status = pp_sim_push(w, first_s, EVENT_HEARTBEAT, i, NULL, err);
    }
    return status;
}

/* ---- the coordinator --------------------------------------------------------------------------
 */

static pp_status tell_schedule(world *w, const event *e, const letter *says, pp_error *err)
{
    pp_schedule *s = w->schedule;
    int counts = 0;
    switch (e->kind) {
    case EVENT_ASKS:
        return pp_schedule_asks(s, e->worker, w->now_s, err);
    case EVENT_ALIVE:
        return pp_schedule_progress(s, e->worker, says->task.lease, says->windows, w->now_s, err);
    case EVENT_FAILED:
        return pp_schedule_failed(s, says->task.lease, says->status, w->now_s, &counts, err);
    case EVENT_TICK:
        return pp_schedule_tick(s, w->now_s, err);
    case EVENT_DRAIN:
        w->draining = 1;
        return pp_schedule_drain(s, w->now_s, 0, err);
    default:
        break;
    }
    const film *f = &w->films[w->films[says->task.video].content];
    pp_task_result result = {.windows = (double)f->windows,
                             .segments = pp_sim_film_segments(w, f),
                             .reach = w->setup.reach,
                             .already_done = says->already_done};
    result.stopped_after_probe = f->windows > w->setup.single_lease_windows;
    if (says->task.kind == PP_TASK_IDENTIFY) {
        int64_t content = w->films[says->task.video].content;
        snprintf(result.sha256, sizeof result.sha256, "%064llx", (unsigned long long)content);
    }
    memcpy(result.stage_s, says->stage_s, sizeof result.stage_s);
    return pp_schedule_finished(s, says->task.lease, &result, w->now_s, &counts, err);
}

/* The event and all that follows from it, measured; the actions are kept. */
static pp_status decide(world *w, const event *e, const letter *says, pp_error *err)
{
    double (*clock_s)(void) = w->setup.clock_s;
    double began_s = clock_s != NULL ? clock_s() : 0;
    pp_status status = tell_schedule(w, e, says, err);
    w->action_count = 0;
    pp_action action;
    while (status == PP_OK && pp_schedule_next_action(w->schedule, &action)) {
        status = pp_grow((void **)&w->actions, &w->action_capacity, w->action_count + 1,
                         sizeof *w->actions, err);
        if (status == PP_OK) w->actions[w->action_count++] = action;
    }
    w->report->events++;
    if (clock_s == NULL) return status;
    double took_s = clock_s() - began_s;
    w->report->scheduler_s += took_s;
    if (took_s > w->report->slowest_event_s) w->report->slowest_event_s = took_s;
    return status;
}

static void note_action(pp_simulation_report *report, const pp_action *action)
{
    uint64_t parts[] = {(uint64_t)action->kind,
                        (uint64_t)action->worker,
                        action->task.lease,
                        (uint64_t)action->task.video,
                        (uint64_t)action->task.stage,
                        (uint64_t)action->task.first_segment,
                        (uint64_t)action->task.segments,
                        (uint64_t)action->video,
                        (uint64_t)action->status};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        report->fingerprint = (report->fingerprint ^ parts[i]) * 0x9e3779b97f4a7c15u;
        report->fingerprint ^= report->fingerprint >> 29;
    }
    report->leases += action->kind == PP_ACTION_GIVE;
    report->copies += action->kind == PP_ACTION_GIVE && action->task.copy;
    report->cancelled += action->kind == PP_ACTION_CANCEL;
    report->workers_dead += action->kind == PP_ACTION_DEAD;
}

static pp_status act(world *w, const pp_action *action, pp_error *err)
{
    letter says = {.task = action->task};
    switch (action->kind) {
    case PP_ACTION_GIVE:
        if (w->draining) return pp_sim_broken(w, err, "a lease after the drain", action->video);
        if (w->films[action->video].outcome) {
            return pp_sim_broken(w, err, "a lease after the outcome", action->video);
        }
        return post(w, w->now_s, EVENT_LEASE, action->worker, &says, err);
    case PP_ACTION_CANCEL:
        return post(w, w->now_s, EVENT_CANCEL, action->worker, &says, err);
    case PP_ACTION_STOP:
        return post(w, w->now_s, EVENT_STOP, action->worker, &says, err);
    case PP_ACTION_OUTCOME:
        return pp_sim_outcome(w, action, err);
    default:
        return PP_OK;
    }
}

pp_status pp_sim_coordinator_event(world *w, const event *e, const letter *says, pp_error *err)
{
    if (w->over && e->kind >= EVENT_TICK) return PP_OK;
    pp_status status = decide(w, e, says, err);
    for (size_t i = 0; status == PP_OK && i < w->action_count; i++) {
        note_action(w->report, &w->actions[i]);
        status = act(w, &w->actions[i], err);
    }
    if (status != PP_OK) return status;
    if (w->setup.checks) {
        const char *wrong = pp_schedule_check(w->schedule);
        if (wrong != NULL) return pp_sim_broken(w, err, wrong, -1);
    }
    if (e->kind != EVENT_TICK) return PP_OK;
    size_t bytes = pp_schedule_bytes(w->schedule);
    if (bytes > w->report->schedule_bytes) w->report->schedule_bytes = bytes;
    pp_schedule_state state;
    pp_schedule_get_state(w->schedule, &state);
    w->over = state.over || state.workers_dead == w->setup.workers;
    if (w->over) return PP_OK;
    return pp_sim_push(w, w->now_s + w->setup.tick_s, EVENT_TICK, 0, NULL, err);
}
