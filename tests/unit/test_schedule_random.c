/* schedule: random histories. Workers that die, hang, forget, answer late or twice or never; videos
 * that are long, equal, broken or flaky. A referee of its own checks every action.
 *
 * PP_HISTORIES=N runs that many (default 1500), PP_SEED=S starts elsewhere. A failure names its
 * seed; the same seed gives the same history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "schedule/schedule.h"

enum { MOST_WORKERS = 6, MOST_VIDEOS = 12, MOST_SEGMENTS = 9, MOST_MESSAGES = 256 };

typedef enum flavour { GOOD, BROKEN, FLAKY, DEADLY } flavour;

typedef struct film {
    int content;
    int64_t size, segments; /* segments 0: short */
    flavour how;
    /* what the referee has seen */
    int identified, probed, outcome, computed;
    pp_status status;
    uint8_t done[PP_STAGES][MOST_SEGMENTS];
} film;

typedef struct hand {
    int alive, mute_until, buried, stopped;
    int asked; /* the scheduler knows that it waits */
    int busy, cancelled;
    pp_task task;
    int done_at, idle_since;
} hand;

typedef enum message_kind { ASKS, FINISHED, FAILED, ALIVE } message_kind;

typedef struct message {
    message_kind kind;
    int worker, at;
    pp_task task;
    pp_status status;
} message;

typedef struct world {
    uint64_t seed, random;
    pp_schedule *schedule;
    int workers, films, now, draining, chaos;
    film film[MOST_VIDEOS];
    hand hand[MOST_WORKERS];
    message messages[MOST_MESSAGES];
    int message_count;
    pp_error err;
} world;

static uint64_t draw(world *w) /* splitmix64 */
{
    uint64_t z = w->random += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static int below(world *w, int n)
{
    return (int)(draw(w) % (uint64_t)n);
}

static int once_in(world *w, int n)
{
    return w->chaos && below(w, n) == 0;
}

#define REQUIRE(w, what)                                                                           \
    do {                                                                                           \
        if (!(what)) fail_msg("PP_SEED=%llu: %s", (unsigned long long)(w)->seed, #what);           \
    } while (0)

/* ---- the world --------------------------------------------------------------------------------
 */

static void make_films(world *w)
{
    w->films = below(w, MOST_VIDEOS + 1);
    for (int i = 0; i < w->films; i++) {
        film *f = &w->film[i];
        f->content = i > 0 && below(w, 4) == 0 ? w->film[below(w, i)].content : i;
        if (f->content != i) {
            *f = w->film[f->content];
            continue;
        }
        f->size = 1000 * (1 + below(w, 5));
        f->segments = below(w, 3) == 0 ? 1 + below(w, MOST_SEGMENTS) : 0;
        f->how = GOOD;
        if (w->chaos && below(w, 4) == 0) f->how = (flavour)(1 + below(w, 3));
    }
}

static void make_world(world *w, uint64_t seed)
{
    *w = (world){.seed = seed, .random = seed};
    w->chaos = below(w, 5) > 0;
    w->workers = 1 + below(w, MOST_WORKERS);
    make_films(w);
    pp_schedule_setup setup;
    pp_schedule_setup_default(&setup, w->workers);
    setup.overdue_least_s = 10;
    setup.most_deaths = 3;
    REQUIRE(w, pp_schedule_create(&w->schedule, &setup, &w->err) == PP_OK);
    for (int i = 0; i < w->films; i++) {
        pp_schedule_video video = {.size_bytes = w->film[i].size};
        REQUIRE(w, pp_schedule_add(w->schedule, &video, &w->err) == PP_OK);
    }
    REQUIRE(w, pp_schedule_start(w->schedule, 0, &w->err) == PP_OK);
    for (int i = 0; i < w->workers; i++) w->hand[i].alive = 1;
}

static void send(world *w, message m, int most_delay)
{
    if (w->message_count == MOST_MESSAGES) return; /* lost, too */
    m.at = w->now + below(w, most_delay);
    w->messages[w->message_count++] = m;
}

/* ---- the referee ------------------------------------------------------------------------------
 */

static void check_stage_needs(world *w, const pp_task *task)
{
    const film *f = &w->film[task->video];
    REQUIRE(w, f->probed);
    int64_t count =
        task->stage == PP_STAGE_CAST || task->stage == PP_STAGE_PUBLISH ? 1 : f->segments;
    REQUIRE(w, task->first_segment >= 0 && task->segments > 0);
    REQUIRE(w, task->first_segment + task->segments <= count);
    for (int64_t s = 0; s < f->segments; s++) {
        int near = s >= task->first_segment - 1 && s <= task->first_segment + task->segments;
        if (task->stage == PP_STAGE_LISTEN && near) REQUIRE(w, f->done[PP_STAGE_SEE][s]);
        if (task->stage == PP_STAGE_CAST) REQUIRE(w, f->done[PP_STAGE_LISTEN][s]);
        if (task->stage == PP_STAGE_PUBLISH) REQUIRE(w, f->done[PP_STAGE_SEPARATE][s]);
    }
    if (task->stage == PP_STAGE_SEPARATE) REQUIRE(w, f->done[PP_STAGE_CAST][0]);
}

static void check_give(world *w, int worker, const pp_task *task)
{
    hand *h = &w->hand[worker];
    film *f = &w->film[task->video];
    REQUIRE(w, !h->buried && !h->stopped && h->asked && !w->draining);
    REQUIRE(w, !f->outcome);
    if (task->kind == PP_TASK_STAGE) check_stage_needs(w, task);
    if (task->kind == PP_TASK_IDENTIFY) REQUIRE(w, !f->identified);
    if (task->kind == PP_TASK_WHOLE) {
        REQUIRE(w, !f->probed);
        for (int i = 0; i < w->films; i++) {
            const film *other = &w->film[i];
            if (i == task->video || other->content != f->content || !other->computed) continue;
            /* Only where its own file went away may another one of the content be computed. */
            REQUIRE(w, other->outcome && other->status == PP_ERR_IO);
        }
        f->computed = 1;
    }
    h->asked = 0;
    if (!h->alive || once_in(w, 60)) return; /* it never arrives */
    REQUIRE(w, !h->busy || w->chaos);
    h->busy = 1;
    h->cancelled = 0;
    h->task = *task;
    h->done_at = w->now + 1 + below(w, once_in(w, 20) ? 90 : 6);
}

static void check_outcome(world *w, const pp_action *action)
{
    film *f = &w->film[action->video];
    REQUIRE(w, !f->outcome);
    f->outcome = 1;
    f->status = action->status;
    if (f->how == GOOD && !w->chaos) REQUIRE(w, action->status == PP_OK);
    if (f->how == BROKEN) REQUIRE(w, action->status != PP_OK);
    if (action->same_as >= 0) {
        const film *leader = &w->film[action->same_as];
        REQUIRE(w, leader->content == f->content && leader->outcome);
        REQUIRE(w, leader->status == action->status);
    } else if (action->status == PP_OK && f->segments > 0) {
        REQUIRE(w, f->done[PP_STAGE_PUBLISH][0]);
    }
}

static void take_actions(world *w)
{
    pp_action action;
    while (pp_schedule_next_action(w->schedule, &action)) {
        hand *h = action.worker >= 0 ? &w->hand[action.worker] : NULL;
        switch (action.kind) {
        case PP_ACTION_GIVE:
            check_give(w, action.worker, &action.task);
            break;
        case PP_ACTION_CANCEL:
            REQUIRE(w, !h->buried);
            if (h->busy && h->task.lease == action.task.lease && !once_in(w, 10)) {
                h->cancelled = 1;
            }
            break;
        case PP_ACTION_STOP:
            REQUIRE(w, !h->buried);
            h->stopped = 1;
            break;
        case PP_ACTION_DEAD:
            REQUIRE(w, !h->buried && action.worker != 0);
            h->buried = 1;
            break;
        case PP_ACTION_OUTCOME:
            check_outcome(w, &action);
            break;
        }
    }
    const char *wrong = pp_schedule_check(w->schedule);
    if (wrong != NULL) fail_msg("PP_SEED=%llu: %s", (unsigned long long)w->seed, wrong);
}

/* ---- what happens -----------------------------------------------------------------------------
 */

static pp_task_result result_of(const world *w, const pp_task *task)
{
    const film *f = &w->film[task->video];
    pp_task_result result = {.windows = 3, .segments = 1, .reach = 1};
    if (f->segments > 0) {
        result.windows = 30.0 * (double)f->segments;
        result.segments = f->segments;
        result.stopped_after_probe = 1;
    }
    snprintf(result.sha256, sizeof result.sha256, "%064d", f->content);
    return result;
}

static void note_result(world *w, const pp_task *task)
{
    film *f = &w->film[task->video];
    if (task->kind == PP_TASK_IDENTIFY) f->identified = 1;
    if (task->kind == PP_TASK_WHOLE) f->probed = 1;
    if (task->kind != PP_TASK_STAGE) return;
    memset(f->done[task->stage] + task->first_segment, 1, (size_t)task->segments);
}

static void deliver(world *w, const message *m)
{
    int counts = 0;
    pp_status status = PP_OK;
    switch (m->kind) {
    case ASKS:
        w->hand[m->worker].asked = 1;
        status = pp_schedule_asks(w->schedule, m->worker, w->now, &w->err);
        break;
    case FINISHED: {
        note_result(w, &m->task);
        pp_task_result result = result_of(w, &m->task);
        status =
            pp_schedule_finished(w->schedule, m->task.lease, &result, w->now, &counts, &w->err);
        break;
    }
    case FAILED:
        status =
            pp_schedule_failed(w->schedule, m->task.lease, m->status, w->now, &counts, &w->err);
        break;
    case ALIVE:
        status = pp_schedule_alive(w->schedule, m->worker, w->now, &w->err);
        break;
    }
    REQUIRE(w, status == PP_OK);
    take_actions(w);
}

static void deliver_all_due(world *w)
{
    for (int i = 0; i < w->message_count;) {
        if (w->messages[i].at > w->now) {
            i++;
            continue;
        }
        message m = w->messages[i];
        w->messages[i] = w->messages[--w->message_count];
        deliver(w, &m);
        if (m.kind != ASKS && once_in(w, 15)) deliver(w, &m); /* twice */
    }
}

static void report(world *w, int index)
{
    hand *h = &w->hand[index];
    const film *f = &w->film[h->task.video];
    message m = {.kind = FINISHED, .worker = index, .task = h->task};
    if (h->cancelled) m.status = PP_ERR_INTERRUPTED;
    else if (f->how == BROKEN && h->task.kind == PP_TASK_WHOLE) m.status = PP_ERR_MEDIA;
    else if (f->how == FLAKY && below(w, 3) == 0) m.status = PP_ERR_CRASH;
    if (m.status != PP_OK) m.kind = FAILED;
    if (!once_in(w, 40)) send(w, m, once_in(w, 20) ? 100 : 2);
    h->busy = 0;
    h->idle_since = w->now;
    send(w, (message){.kind = ASKS, .worker = index}, 3);
}

static void work(world *w, int index)
{
    hand *h = &w->hand[index];
    if (!h->alive) return;
    int fatal = h->busy && w->film[h->task.video].how == DEADLY && below(w, 3) == 0;
    if (index > 0 && (fatal || once_in(w, 400))) {
        h->alive = 0;
        return;
    }
    if (once_in(w, 300)) h->mute_until = w->now + 90;
    if (index == 0 || w->now >= h->mute_until) {
        deliver(w, &(message){.kind = ALIVE, .worker = index});
    }
    if (h->busy && (w->now >= h->done_at || h->cancelled)) {
        report(w, index);
    } else if (!h->busy && !h->stopped && !h->buried && w->now >= h->idle_since + 40) {
        h->idle_since = w->now;
        send(w, (message){.kind = ASKS, .worker = index}, 3);
    }
}

static void one_history(uint64_t seed)
{
    world *w = calloc(1, sizeof *w);
    make_world(w, seed);
    for (int i = 0; i < w->workers; i++) {
        w->hand[i].idle_since = 0;
        send(w, (message){.kind = ASKS, .worker = i}, 3);
    }
    int drain_at = below(w, 6) == 0 ? below(w, 60) : -1;
    pp_schedule_state state = {0};
    for (w->now = 0; w->now < 200000; w->now++) {
        deliver_all_due(w);
        for (int i = 0; i < w->workers; i++) work(w, i);
        REQUIRE(w, pp_schedule_tick(w->schedule, w->now, &w->err) == PP_OK);
        take_actions(w);
        if (w->now == drain_at) {
            w->draining = 1;
            REQUIRE(w, pp_schedule_drain(w->schedule, w->now, below(w, 10), &w->err) == PP_OK);
            take_actions(w);
        }
        pp_schedule_get_state(w->schedule, &state);
        if (state.over && w->message_count == 0) break;
    }
    REQUIRE(w, state.over);
    int final = 0;
    for (int i = 0; i < w->films; i++) final += w->film[i].outcome;
    REQUIRE(w, final == state.done + state.failed);
    if (!w->draining) REQUIRE(w, final == w->films);
    pp_schedule_destroy(&w->schedule);
    free(w);
}

static void every_video_ends_once_whatever_happens(void **state)
{
    (void)state;
    const char *count = getenv("PP_HISTORIES"), *first = getenv("PP_SEED");
    uint64_t seed = first != NULL ? strtoull(first, NULL, 10) : 1;
    long histories = count != NULL ? atol(count) : first != NULL ? 1 : 1500;
    for (long i = 0; i < histories; i++) one_history(seed + (uint64_t)i);
    printf("%ld histories\n", histories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_video_ends_once_whatever_happens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
