#include "schedule/simulate.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "schedule/simulate_internal.h"

/* ---- setup ------------------------------------------------------------------------------------
 */

void pp_simulation_setup_default(pp_simulation_setup *setup, int workers)
{
    *setup = (pp_simulation_setup){
        .seed = 1,
        .workers = workers,
        .pareto_alpha = 1.5,
        .shortest_s = 30,
        .longest_s = 36000,
        .window_step_s = 192 * 256 / 11025.0,
        .size_spread = 0.5,
        .segment_windows = 30,
        .single_lease_windows = 60,
        .reach = 1,
        .video_s = 0.1,
        .cost_spread = 0.2,
        .noise_spread = 0.05,
        .straggler_factor = 20,
        .latency_s = 0.001,
        .coordinator_s = 20e-6,
        .tick_s = 0.25,
        .alive_every_s = 2,
        .time_limit_s = HUGE_VAL,
        .drain_at_s = HUGE_VAL,
    };
    /* Processor seconds a window of one core with the published networks and the fast kernels on
     * 480p H.264: three minutes through pp-cluster, docs/scheduling.md. */
    static const double measured_s[PP_STAGES] = {0.012, 0.190, 0.150, 0.002, 0.015, 0.011};
    pp_costs_default(&setup->costs);
    memcpy(setup->costs.window_s, measured_s, sizeof measured_s);
    pp_schedule_setup_default(&setup->schedule, workers);
}

static pp_status check_setup(const pp_simulation_setup *s, pp_error *err)
{
    if (s->workers < 1 || s->workers > 10000000) {
        return pp_fail(err, PP_ERR_USAGE, "%d workers", s->workers);
    }
    if (!(s->shortest_s > 0) || !(s->longest_s >= s->shortest_s) || !(s->pareto_alpha > 0)) {
        return pp_fail(err, PP_ERR_USAGE, "durations from %g to %g s, alpha %g", s->shortest_s,
                       s->longest_s, s->pareto_alpha);
    }
    if (s->deaths < 0 || s->deaths >= s->workers) {
        return pp_fail(err, PP_ERR_USAGE, "%d deaths among %d workers: one must live", s->deaths,
                       s->workers);
    }
    double shares[] = {s->equal_share, s->broken_share,   s->flaky_share, s->straggler_share,
                       s->mute_share,  s->repeated_share, s->lost_share};
    for (size_t i = 0; i < sizeof shares / sizeof *shares; i++) {
        if (!(shares[i] >= 0 && shares[i] <= 1)) {
            return pp_fail(err, PP_ERR_USAGE, "a share of %g", shares[i]);
        }
    }
    if (s->lost_share > 0 && !(s->ask_again_s > 0)) {
        return pp_fail(err, PP_ERR_USAGE, "messages get lost, but nobody asks again");
    }
    if (s->segment_windows < 1 || s->single_lease_windows < 1 || s->reach < 0 ||
        !(s->straggler_factor >= 1) || !(s->tick_s > 0) || !(s->alive_every_s > 0)) {
        return pp_fail(err, PP_ERR_USAGE, "a world that cannot run");
    }
    return PP_OK;
}

/* ---- what happens when ------------------------------------------------------------------------
 */

static int before(const event *a, const event *b)
{
    return a->at_s != b->at_s ? a->at_s < b->at_s : a->number < b->number;
}

static void enqueue(world *w, event e)
{
    size_t at = w->queue_count++;
    for (; at > 0 && before(&e, &w->queue[(at - 1) / 2]); at = (at - 1) / 2) {
        w->queue[at] = w->queue[(at - 1) / 2];
    }
    w->queue[at] = e;
}

static event dequeue(world *w)
{
    event first = w->queue[0], e = w->queue[--w->queue_count];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < w->queue_count; at = child) {
        if (child + 1 < w->queue_count && before(&w->queue[child + 1], &w->queue[child])) child++;
        if (!before(&w->queue[child], &e)) break;
        w->queue[at] = w->queue[child];
    }
    w->queue[at] = e;
    return first;
}

static pp_status keep_letter(world *w, const letter *says, int32_t *place, pp_error *err)
{
    *place = w->free_letter;
    if (*place >= 0) {
        w->free_letter = w->letters[*place].next_free;
    } else {
        pp_status status = pp_grow((void **)&w->letters, &w->letter_capacity, w->letter_count + 1,
                                   sizeof *w->letters, err);
        if (status != PP_OK) return status;
        *place = (int32_t)w->letter_count++;
    }
    w->letters[*place] = *says;
    return PP_OK;
}

pp_status pp_sim_push(world *w, double at_s, event_kind kind, int worker, const letter *says,
                      pp_error *err)
{
    event e = {.at_s = at_s,
               .number = w->event_number++,
               .kind = kind,
               .worker = worker,
               .letter = -1,
               .epoch = w->hands[worker].epoch};
    pp_status status =
        pp_grow((void **)&w->queue, &w->queue_capacity, w->queue_count + 1, sizeof *w->queue, err);
    if (status == PP_OK && says != NULL) status = keep_letter(w, says, &e.letter, err);
    if (status == PP_OK) enqueue(w, e);
    return status;
}

/* Messages are handled one after the other: one that comes while another is handled waits. */
static pp_status handle(world *w, const event *e, const letter *says, pp_error *err)
{
    if (e->kind > EVENT_FAILED && e->kind < EVENT_TICK) {
        w->now_s = e->at_s;
        return pp_sim_ranks_event(w, e, says, err);
    }
    w->free_s = fmax(w->free_s, e->at_s) + (e->kind < EVENT_TICK ? w->setup.coordinator_s : 0);
    w->now_s = w->free_s;
    return pp_sim_coordinator_event(w, e, says, err);
}

static pp_status run(world *w, pp_error *err)
{
    double most_s = 1e6 + 1000 * w->report->bound_s;
    pp_status status = PP_OK;
    while (status == PP_OK && w->queue_count > 0) {
        event e = dequeue(w);
        letter says = {0};
        if (e.letter >= 0) {
            says = w->letters[e.letter];
            w->letters[e.letter].next_free = w->free_letter;
            w->free_letter = e.letter;
        }
        status = handle(w, &e, &says, err);
        if (status == PP_OK && w->now_s > most_s) status = pp_sim_broken(w, err, "no end", -1);
    }
    return status;
}

/* ---- the report -------------------------------------------------------------------------------
 */

static pp_status close_books(world *w, pp_error *err)
{
    pp_simulation_report *r = w->report;
    pp_schedule_state state;
    pp_schedule_get_state(w->schedule, &state);
    r->done = state.done;
    r->failed = state.failed;
    r->shared = state.shared;
    r->lost = state.lost;
    r->out_of_time = state.out_of_time;
    r->over = state.over;
    if (w->draining || r->out_of_time) {
        r->makespan_s = fmin(fmin(w->setup.time_limit_s, w->setup.drain_at_s), w->free_s);
    }
    if (r->makespan_s > 0) {
        r->useful_share = r->useful_s / (w->setup.workers * r->makespan_s);
        r->coordinator_busy_share =
            w->setup.coordinator_s * (double)r->to_coordinator / r->makespan_s;
    }
    pp_status status = pp_sim_films_check(w, err);
    if (status != PP_OK || w->draining || r->out_of_time) return status;
    if (!r->over) return pp_sim_broken(w, err, "not over at the end", -1);
    if (fabs(state.windows_done - (double)r->windows_published) >
        1e-6 * (double)r->windows + 1e-3) {
        return pp_sim_broken(w, err, "windows were counted twice, or not at all", -1);
    }
    return PP_OK;
}

static void world_free(world *w)
{
    pp_schedule_destroy(&w->schedule);
    pp_sim_films_free(w);
    pp_free(w->hands);
    pp_free(w->queue);
    pp_free(w->letters);
    pp_free(w->actions);
}

static pp_status make_schedule(world *w, pp_error *err)
{
    pp_schedule_setup setup = w->setup.schedule;
    setup.workers = w->setup.workers;
    setup.single_lease_windows = w->setup.single_lease_windows;
    setup.end_s = w->setup.time_limit_s;
    return pp_schedule_create(&w->schedule, &setup, err);
}

static pp_status set_out(world *w, pp_error *err)
{
    pp_status status = pp_schedule_start(w->schedule, 0, err);
    if (status == PP_OK) status = pp_sim_ranks_begin(w, err);
    if (status == PP_OK) status = pp_sim_push(w, 0, EVENT_TICK, 0, NULL, err);
    double drain_s = fmin(w->setup.drain_at_s, w->setup.time_limit_s);
    if (status == PP_OK && drain_s < HUGE_VAL) {
        status = pp_sim_push(w, drain_s, EVENT_DRAIN, 0, NULL, err);
    }
    return status;
}

pp_status pp_simulate(const pp_simulation_setup *setup, pp_simulation_report *out, pp_error *err)
{
    *out = (pp_simulation_report){0};
    pp_status status = check_setup(setup, err);
    if (status != PP_OK) return status;
    world w = {.setup = *setup, .report = out, .free_letter = -1};
    pp_random_seed(&w.random, setup->seed, 0);
    status = make_schedule(&w, err);
    if (status == PP_OK) status = pp_sim_films_make(&w, err);
    if (status == PP_OK) status = set_out(&w, err);
    if (status == PP_OK) status = run(&w, err);
    if (status == PP_OK) status = close_books(&w, err);
    world_free(&w);
    return status;
}
