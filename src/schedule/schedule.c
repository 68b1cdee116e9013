#include "schedule/schedule.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "schedule/internal.h"

void pp_schedule_setup_default(pp_schedule_setup *setup, int workers)
{
    *setup = (pp_schedule_setup){
        .workers = workers,
        .most_attempts = 3,
        .most_deaths = 5,
        .dead_after_s = 60,
        .overdue_factor = 1.5,
        .overdue_least_s = 2,
        .slow_factor = 4,
        .slow_least_s = 2,
        .most_lease_s = 30,
        .unsure_first_s = 60,
        .end_s = HUGE_VAL,
        .most_copies = 3,
        .single_lease_windows = 60,
    };
    pp_costs_default(&setup->costs);
}

pp_status pp_schedule_create(pp_schedule **out, const pp_schedule_setup *setup, pp_error *err)
{
    *out = NULL;
    if (setup->workers < 1) {
        return pp_fail(err, PP_ERR_USAGE, "a schedule needs at least one worker");
    }
    pp_schedule *schedule = pp_alloc(1, sizeof *schedule);
    if (schedule == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the schedule");
    schedule->setup = *setup;
    schedule->costs = setup->costs;
    schedule->grace_end_s = HUGE_VAL;
    schedule->free_lease = NO_LEASE;
    schedule->oldest = schedule->newest = NOBODY;
    schedule->first_waiting = schedule->last_waiting = NOBODY;
    schedule->workers = pp_alloc((size_t)setup->workers, sizeof *schedule->workers);
    if (schedule->workers == NULL) {
        pp_schedule_destroy(&schedule);
        return pp_fail(err, PP_ERR_NOMEM, "no memory for %d workers", setup->workers);
    }
    for (int i = 0; i < setup->workers; i++) {
        worker *w = &schedule->workers[i];
        *w = (worker){.lease = NO_LEASE, .video = -1};
        w->older = w->newer = w->waiting_before = w->waiting_after = NOBODY;
    }
    *out = schedule;
    return PP_OK;
}

void pp_schedule_destroy(pp_schedule **schedule)
{
    if (*schedule == NULL) return;
    pp_schedule *s = *schedule;
    for (size_t i = 0; i < s->video_count; i++) pp_sched_cut_destroy(&s->videos[i].cut);
    pp_heap_free(&s->ready);
    pp_heap_free(&s->active);
    pp_heap_free(&s->overdue);
    pp_heap_free(&s->late);
    pp_free(s->videos);
    pp_free(s->retries);
    pp_free(s->groups);
    pp_free(s->identities);
    pp_free(s->identity_table);
    pp_free(s->leases);
    pp_free(s->workers);
    pp_free(s->actions);
    PP_FREE(*schedule);
}

void pp_sched_advance(pp_schedule *schedule, double now_s)
{
    if (now_s > schedule->now_s) schedule->now_s = now_s;
}

double pp_sched_left_s(const pp_schedule *schedule)
{
    const pp_costs *costs = &schedule->costs;
    double windows = schedule->whole_windows;
    if (schedule->whole_bytes > 0) windows += schedule->whole_bytes / pp_costs_window_bytes(costs);
    double left = windows * pp_costs_all_window_s(costs);
    for (int stage = 0; stage < PP_STAGES; stage++) {
        left += schedule->left_windows[stage] * pp_costs_window_s(costs, stage);
    }
    return left > 0 ? left : 0;
}

double pp_sched_share_s(const pp_schedule *schedule)
{
    int workers = schedule->setup.workers - schedule->dead; /* who has not come yet will */
    return pp_sched_left_s(schedule) / (workers > 0 ? workers : 1);
}

/* ---- actions: a ring ------------------------------------------------------------------------ */

pp_status pp_sched_act(pp_schedule *schedule, const pp_action *action, pp_error *err)
{
    if (schedule->action_count == schedule->action_capacity) {
        size_t wider = schedule->action_capacity < 16 ? 16 : schedule->action_capacity * 2;
        pp_action *moved = pp_alloc(wider, sizeof *moved);
        if (moved == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu actions", wider);
        for (size_t i = 0; i < schedule->action_count; i++) {
            moved[i] = schedule->actions[(schedule->action_first + i) % schedule->action_capacity];
        }
        pp_free(schedule->actions);
        schedule->actions = moved;
        schedule->action_capacity = wider;
        schedule->action_first = 0;
    }
    size_t at = (schedule->action_first + schedule->action_count++) % schedule->action_capacity;
    schedule->actions[at] = *action;
    return PP_OK;
}

int pp_schedule_next_action(pp_schedule *schedule, pp_action *out)
{
    if (schedule->action_count == 0) return 0;
    *out = schedule->actions[schedule->action_first];
    schedule->action_first = (schedule->action_first + 1) % schedule->action_capacity;
    schedule->action_count--;
    return 1;
}

/* ---- state ---------------------------------------------------------------------------------- */

static int is_over(const pp_schedule *s)
{
    if (!s->started || s->busy > 0) return 0;
    if (s->final_count == (int64_t)s->video_count || s->draining) return 1;
    return s->out_of_time && s->running == 0 && s->ready.count == 0 && s->active.count == 0 &&
           s->retry_count == 0;
}

void pp_schedule_get_state(const pp_schedule *schedule, pp_schedule_state *out)
{
    const pp_schedule *s = schedule;
    double guessed = 0;
    if (s->whole_bytes > 0) guessed = s->whole_bytes / pp_costs_window_bytes(&s->costs);
    *out = (pp_schedule_state){
        .videos = (int64_t)s->video_count,
        .done = s->final_count - s->failed_count,
        .failed = s->failed_count,
        .shared = s->shared_count,
        .workers_alive = s->alive,
        .workers_busy = s->busy,
        .workers_dead = s->dead,
        .workers_stopped = s->stopped,
        .leases = s->given,
        .copies = s->copies,
        .lost = s->lost,
        .running = s->running,
        .windows_done = s->done_windows,
        .windows_total = s->known_windows + s->whole_windows + guessed,
        .left_s = pp_sched_left_s(s),
        .draining = s->draining,
        .over = is_over(s),
        .out_of_time = s->out_of_time,
    };
}

static size_t heap_bytes(const pp_heap *heap)
{
    return heap->items_capacity * sizeof *heap->items + heap->keys_capacity * sizeof *heap->keys +
           heap->places * sizeof *heap->place;
}

size_t pp_schedule_bytes(const pp_schedule *schedule)
{
    const pp_schedule *s = schedule;
    return sizeof *s + s->cut_bytes + s->video_capacity * sizeof *s->videos +
           s->retry_capacity * sizeof *s->retries + s->group_capacity * sizeof *s->groups +
           s->identity_capacity * sizeof *s->identities +
           s->identity_places * sizeof *s->identity_table + s->lease_capacity * sizeof *s->leases +
           (size_t)s->setup.workers * sizeof *s->workers + s->action_capacity * sizeof *s->actions +
           heap_bytes(&s->ready) + heap_bytes(&s->active) + heap_bytes(&s->overdue) +
           heap_bytes(&s->late);
}

const pp_costs *pp_schedule_costs(const pp_schedule *schedule)
{
    return &schedule->costs;
}

int pp_schedule_find(const pp_schedule *schedule, uint64_t id, pp_task *out, int *worker_index)
{
    int32_t slot = pp_sched_lease_find(schedule, id);
    if (slot == NO_LEASE) return 0;
    *out = schedule->leases[slot].task;
    *worker_index = schedule->leases[slot].worker;
    return 1;
}
