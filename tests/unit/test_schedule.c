/* schedule: single decisions, one story a test. test_schedule_random.c has the random histories. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "schedule/heap.h"
#include "schedule/schedule.h"

/* ---- a little scene: a schedule and what it said ----------------------------------------------
 */

typedef struct scene {
    pp_schedule *schedule;
    pp_schedule_setup setup;
    double now_s;
    pp_error err;
} scene;

static void begin(scene *s, int workers, const int64_t *sizes, int count)
{
    if (s->setup.workers == 0) pp_schedule_setup_default(&s->setup, workers);
    assert_int_equal(pp_schedule_create(&s->schedule, &s->setup, &s->err), PP_OK);
    for (int i = 0; i < count; i++) {
        pp_schedule_video video = {.size_bytes = sizes[i]};
        assert_int_equal(pp_schedule_add(s->schedule, &video, &s->err), PP_OK);
    }
    assert_int_equal(pp_schedule_start(s->schedule, s->now_s, &s->err), PP_OK);
}

static void end(scene *s)
{
    const char *wrong = pp_schedule_check(s->schedule);
    if (wrong != NULL) fail_msg("%s", wrong);
    pp_schedule_destroy(&s->schedule);
    assert_null(s->schedule);
}

static void asks(scene *s, int worker)
{
    assert_int_equal(pp_schedule_asks(s->schedule, worker, s->now_s, &s->err), PP_OK);
}

/* The next action must be this one. */
static pp_action expect(scene *s, pp_action_kind kind)
{
    pp_action action;
    if (!pp_schedule_next_action(s->schedule, &action)) fail_msg("no action, expected %d", kind);
    assert_int_equal(action.kind, kind);
    return action;
}

static void expect_none(scene *s)
{
    pp_action action;
    if (pp_schedule_next_action(s->schedule, &action)) fail_msg("an action of %d", action.kind);
}

static pp_task given(scene *s, int worker)
{
    pp_action action = expect(s, PP_ACTION_GIVE);
    assert_int_equal(action.worker, worker);
    return action.task;
}

static pp_task asks_and_gets(scene *s, int worker)
{
    asks(s, worker);
    return given(s, worker);
}

static int finished(scene *s, pp_task task, pp_task_result result)
{
    int counts = -1;
    assert_int_equal(
        pp_schedule_finished(s->schedule, task.lease, &result, s->now_s, &counts, &s->err), PP_OK);
    return counts;
}

static int failed(scene *s, pp_task task, pp_status status)
{
    int counts = -1;
    assert_int_equal(
        pp_schedule_failed(s->schedule, task.lease, status, s->now_s, &counts, &s->err), PP_OK);
    return counts;
}

static void tick(scene *s, double later_s)
{
    s->now_s += later_s;
    assert_int_equal(pp_schedule_tick(s->schedule, s->now_s, &s->err), PP_OK);
}

static void alive(scene *s, int worker)
{
    assert_int_equal(pp_schedule_alive(s->schedule, worker, s->now_s, &s->err), PP_OK);
}

static void expect_outcome(scene *s, int64_t video, pp_status status)
{
    pp_action action = expect(s, PP_ACTION_OUTCOME);
    assert_int_equal(action.video, video);
    assert_int_equal(action.status, status);
}

static const pp_task_result fine = {.windows = 3, .segments = 1};

/* A video of 180 windows in 6 segments. */
static const pp_task_result long_one = {
    .windows = 180, .segments = 6, .reach = 1, .stopped_after_probe = 1};

/* ---- the stories ------------------------------------------------------------------------------
 */

static void heap_gives_the_largest_and_lets_any_go(void **state)
{
    (void)state;
    pp_heap heap = {0};
    pp_error err = {0};
    for (int64_t i = 0; i < 200; i++) {
        assert_int_equal(pp_heap_put(&heap, i, (double)(i * 7919 % 100), &err), PP_OK);
    }
    assert_int_equal(pp_heap_put(&heap, 5, 1000, &err), PP_OK);
    assert_int_equal(pp_heap_top(&heap), 5);
    assert_int_equal(pp_heap_put(&heap, 5, -1, &err), PP_OK);
    for (int64_t i = 0; i < 200; i += 3) pp_heap_remove(&heap, i);
    double last = 1000;
    int64_t last_item = -1;
    int count = 0;
    for (; heap.count > 0; count++) {
        int64_t item = pp_heap_top(&heap);
        double key = pp_heap_top_key(&heap);
        assert_true(item % 3 != 0);
        assert_true(key < last || (key == last && item > last_item));
        last = key;
        last_item = item;
        pp_heap_remove(&heap, item);
    }
    assert_int_equal(count, 133);
    assert_int_equal(last_item, 5);
    pp_heap_free(&heap);
}

static void no_videos_no_work(void **state)
{
    (void)state;
    scene s = {0};
    begin(&s, 3, NULL, 0);
    for (int i = 0; i < 3; i++) {
        asks(&s, i);
        assert_int_equal(expect(&s, PP_ACTION_STOP).worker, i);
    }
    pp_schedule_state now;
    pp_schedule_get_state(s.schedule, &now);
    assert_true(now.over);
    end(&s);
}

static void longest_first(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000, 5000000, 30000};
    begin(&s, 4, sizes, 3);
    assert_int_equal(asks_and_gets(&s, 2).video, 1);
    assert_int_equal(asks_and_gets(&s, 0).video, 2);
    assert_int_equal(asks_and_gets(&s, 1).video, 0);
    asks(&s, 3);
    expect_none(&s);
    end(&s);
}

static void whole_videos_end_once(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000, 2000};
    begin(&s, 1, sizes, 2);
    for (int i = 0; i < 2; i++) {
        pp_task task = asks_and_gets(&s, 0);
        assert_int_equal(task.kind, PP_TASK_WHOLE);
        assert_int_equal(finished(&s, task, fine), 1);
        expect_outcome(&s, 1 - i, PP_OK);
        assert_int_equal(finished(&s, task, fine), 0);
        expect_none(&s);
    }
    asks(&s, 0);
    expect(&s, PP_ACTION_STOP);
    end(&s);
}

/* Carries a cut video through with one worker; every stage in its order. */
static void a_long_video_runs_stage_by_stage(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {100000000};
    begin(&s, 2, sizes, 1);
    pp_task task = asks_and_gets(&s, 0);
    assert_int_equal(finished(&s, task, long_one), 1);
    int seen[6] = {0}, heard[6] = {0}, cast = 0, separated[6] = {0}, published = 0;
    while (!published) {
        task = asks_and_gets(&s, 0);
        assert_int_equal(task.kind, PP_TASK_STAGE);
        for (int64_t i = task.first_segment; i < task.first_segment + task.segments; i++) {
            if (task.stage == PP_STAGE_SEE) assert_int_equal(seen[i]++, 0);
            if (task.stage == PP_STAGE_LISTEN) {
                assert_int_equal(heard[i]++, 0);
                for (int64_t n = i - 1; n <= i + 1; n++) {
                    if (n >= 0 && n < 6) assert_true(seen[n]);
                }
            }
            if (task.stage == PP_STAGE_SEPARATE) {
                assert_int_equal(separated[i]++, 0);
                assert_true(cast);
            }
            if (task.stage == PP_STAGE_CAST) {
                for (int n = 0; n < 6; n++) assert_true(heard[n]);
                cast++;
            }
            if (task.stage == PP_STAGE_PUBLISH) {
                for (int n = 0; n < 6; n++) assert_true(separated[n]);
                published++;
            }
        }
        assert_int_equal(finished(&s, task, fine), 1);
    }
    assert_int_equal(cast, 1);
    expect_outcome(&s, 0, PP_OK);
    end(&s);
}

static void segments_are_shared_and_small_at_the_end(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {100000000};
    begin(&s, 3, sizes, 1);
    assert_int_equal(finished(&s, asks_and_gets(&s, 0), long_one), 1);
    int64_t covered = 0;
    for (int i = 0; i < 3; i++) {
        pp_task task = asks_and_gets(&s, i);
        assert_int_equal(task.stage, PP_STAGE_SEE);
        assert_int_equal(task.first_segment, covered);
        covered += task.segments;
        assert_true(task.segments < 6);
    }
    end(&s);
}

static void runs_are_long_while_there_is_plenty(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[40];
    for (int i = 0; i < 40; i++) sizes[i] = 1000000000 + i;
    begin(&s, 2, sizes, 40);
    pp_task_result cut = {.windows = 3000, .segments = 100, .reach = 1, .stopped_after_probe = 1};
    finished(&s, asks_and_gets(&s, 0), cut);
    pp_task task = asks_and_gets(&s, 0);
    while (task.kind == PP_TASK_WHOLE) {
        finished(&s, task, cut);
        task = asks_and_gets(&s, 0);
    }
    assert_true(task.segments > 4);
    assert_true(task.expected_s <= 60.5);
    end(&s);
}

static void a_worker_keeps_its_video(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {100000000, 100000001};
    begin(&s, 2, sizes, 2);
    pp_task one = asks_and_gets(&s, 0), two = asks_and_gets(&s, 1);
    finished(&s, one, long_one);
    finished(&s, two, long_one);
    for (int i = 0; i < 3; i++) {
        pp_task a = asks_and_gets(&s, 1), b = asks_and_gets(&s, 0);
        assert_int_equal(a.video, two.video);
        assert_int_equal(b.video, one.video);
        finished(&s, a, fine);
        finished(&s, b, fine);
    }
    end(&s);
}

/* The stage of a cut video or, -1, the whole one that a worker gets next to it. */
static int next_beside_a_cut_one(int workers, double unsure_first_s, int others)
{
    scene s = {0};
    int64_t sizes[41] = {100000000};
    for (int i = 1; i <= others; i++) sizes[i] = 1000000 + i;
    pp_schedule_setup_default(&s.setup, workers);
    s.setup.unsure_first_s = unsure_first_s;
    begin(&s, workers, sizes, 1 + others);
    pp_task probe = asks_and_gets(&s, 0);
    assert_int_equal(probe.video, 0);
    assert_int_equal(finished(&s, probe, long_one), 1);
    pp_task next = asks_and_gets(&s, 0);
    end(&s);
    return next.kind == PP_TASK_STAGE ? (int)next.stage : -1;
}

static void near_the_end_guesses_go_first(void **state)
{
    (void)state;
    assert_int_equal(next_beside_a_cut_one(2, 60, 40), -1);
    assert_int_equal(next_beside_a_cut_one(2, 10, 40), PP_STAGE_SEE); /* not near it yet */
    assert_int_equal(next_beside_a_cut_one(8, 60, 1), PP_STAGE_SEE);  /* all would wait for it */
}

static void a_lasting_failure_is_recorded_at_once(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000};
    begin(&s, 2, sizes, 1);
    pp_task task = asks_and_gets(&s, 0);
    assert_int_equal(failed(&s, task, PP_ERR_MEDIA), 1);
    expect_outcome(&s, 0, PP_ERR_MEDIA);
    assert_int_equal(failed(&s, task, PP_ERR_MEDIA), 0);
    expect_none(&s);
    end(&s);
}

static void a_passing_failure_is_tried_three_times_on_two_workers(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000};
    begin(&s, 2, sizes, 1);
    pp_task task = asks_and_gets(&s, 0);
    assert_int_equal(failed(&s, task, PP_ERR_CRASH), 1);
    asks(&s, 0);
    /* Nobody else is known yet: alone, it tries again itself. */
    task = given(&s, 0);
    asks(&s, 1);
    expect_none(&s);
    assert_int_equal(failed(&s, task, PP_ERR_TIMEOUT), 1);
    task = given(&s, 1); /* who waited */
    asks(&s, 0);
    expect_none(&s);
    assert_int_equal(failed(&s, task, PP_ERR_CRASH), 1);
    pp_action action = expect(&s, PP_ACTION_OUTCOME);
    assert_int_equal(action.status, PP_ERR_CRASH);
    assert_int_equal(action.attempts, 3);
    end(&s);
}

static void a_failed_run_is_retried_segment_by_segment(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {100000000};
    begin(&s, 1, sizes, 1);
    finished(&s, asks_and_gets(&s, 0), long_one);
    pp_task run = asks_and_gets(&s, 0);
    assert_true(run.segments > 1);
    failed(&s, run, PP_ERR_CRASH);
    for (int64_t i = 0; i < run.segments; i++) {
        pp_task task = asks_and_gets(&s, 0);
        assert_int_equal(task.stage, PP_STAGE_SEE);
        assert_int_equal(task.segments, 1);
        assert_int_equal(task.first_segment, run.first_segment + i);
        finished(&s, task, fine);
    }
    /* A shard that has gone missing is no lasting failure; the third time it is one. */
    for (int i = 0; i < 2; i++) failed(&s, asks_and_gets(&s, 0), PP_ERR_NOT_FOUND);
    expect_none(&s);
    end(&s);
}

static void the_dead_lose_their_lease_and_get_nothing(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000, 2000};
    begin(&s, 2, sizes, 2);
    pp_task lost = asks_and_gets(&s, 0);
    for (int i = 0; i < 4; i++) {
        tick(&s, 20);
        alive(&s, 1);
    }
    pp_action action = expect(&s, PP_ACTION_DEAD);
    assert_int_equal(action.worker, 0);
    pp_task again = asks_and_gets(&s, 1);
    assert_int_equal(again.video, lost.video);
    asks(&s, 0); /* the dead speak: no answer */
    expect_none(&s);
    /* .. but their late result is taken, and the second copy is dropped */
    assert_int_equal(finished(&s, lost, fine), 1);
    action = expect(&s, PP_ACTION_CANCEL);
    assert_int_equal(action.worker, 1);
    assert_true(action.task.lease == again.lease);
    expect_outcome(&s, lost.video, PP_OK);
    assert_int_equal(failed(&s, again, PP_ERR_INTERRUPTED), 0);
    end(&s);
}

static void own_sleep_kills_nobody(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000};
    begin(&s, 2, sizes, 1);
    asks_and_gets(&s, 0);
    tick(&s, 1);
    tick(&s, 5000);
    expect_none(&s);
    end(&s);
}

static void a_lease_forgotten_by_its_worker_is_given_again(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000};
    begin(&s, 1, sizes, 1);
    pp_task first = asks_and_gets(&s, 0), second = asks_and_gets(&s, 0);
    assert_int_equal(first.video, second.video);
    assert_true(first.lease != second.lease);
    assert_int_equal(finished(&s, second, fine), 1);
    expect_outcome(&s, 0, PP_OK);
    assert_int_equal(finished(&s, first, fine), 0);
    end(&s);
}

static void stragglers_get_a_second_copy_at_the_tail(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000};
    begin(&s, 3, sizes, 1);
    pp_task slow = asks_and_gets(&s, 0);
    asks(&s, 1);
    asks(&s, 2);
    expect_none(&s);
    tick(&s, 1.5);
    expect_none(&s);
    tick(&s, 1);
    pp_task copy = given(&s, 1);
    assert_true(copy.copy);
    tick(&s, 0);
    expect_none(&s); /* one copy, not two */
    assert_int_equal(finished(&s, copy, fine), 1);
    pp_action action = expect(&s, PP_ACTION_CANCEL);
    assert_int_equal(action.worker, 0);
    assert_true(action.task.lease == slow.lease);
    expect_outcome(&s, 0, PP_OK);
    expect(&s, PP_ACTION_STOP); /* worker 2, who waited */
    assert_int_equal(finished(&s, slow, fine), 0);
    end(&s);
}

static void progresses(scene *s, int worker, pp_task task, double seen, double listened)
{
    double windows[PP_STAGES] = {0};
    windows[PP_STAGE_SEE] = seen;
    windows[PP_STAGE_LISTEN] = listened;
    assert_int_equal(
        pp_schedule_progress(s->schedule, worker, task.lease, windows, s->now_s, &s->err), PP_OK);
}

/* While there is plenty to do: a lease that goes on well is left alone however long it takes; one
 * that is slow by its progress goes to the next who asks, and is dropped once the copy is ahead. */
static void slow_progress_is_copied_at_once_and_dropped(void **state)
{
    (void)state;
    scene s = {0};
    enum { PLENTY = 60 };
    int64_t sizes[PLENTY];
    for (int i = 0; i < PLENTY; i++) sizes[i] = 9000000 - i;
    begin(&s, 3, sizes, PLENTY);
    pp_task good = asks_and_gets(&s, 0), slow = asks_and_gets(&s, 1);
    for (int i = 1; i <= 10; i++) { /* four windows of both networks a second, and none */
        s.now_s += 1;
        progresses(&s, 0, good, 4 * i, 4 * i);
        progresses(&s, 1, slow, 0.1 * i, 0);
    }
    pp_task copy = asks_and_gets(&s, 2);
    assert_true(copy.copy);
    assert_int_equal(copy.video, slow.video);
    s.now_s += 1;
    progresses(&s, 2, copy, 0.5, 0);
    expect_none(&s);
    progresses(&s, 2, copy, 4, 4);
    pp_action action = expect(&s, PP_ACTION_CANCEL);
    assert_int_equal(action.worker, 1);
    assert_int_equal(failed(&s, slow, PP_ERR_INTERRUPTED), 0);
    pp_task other = asks_and_gets(&s, 1);
    assert_false(other.copy);
    assert_true(other.video != slow.video && other.video != good.video);
    assert_int_equal(finished(&s, copy, fine), 1);
    expect_outcome(&s, slow.video, PP_OK);
    end(&s);
}

/* The first of two copies publishes and removes the shards; the other finds none and is the first
 * to say something. */
static void a_copy_whose_files_are_gone_fails_nothing(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000};
    begin(&s, 2, sizes, 1);
    pp_task slow = asks_and_gets(&s, 0);
    asks(&s, 1);
    tick(&s, 4);
    tick(&s, 4);
    pp_task copy = given(&s, 1);
    assert_true(copy.copy);
    assert_int_equal(failed(&s, copy, PP_ERR_NOT_FOUND), 0);
    assert_int_equal(finished(&s, slow, fine), 1);
    expect_outcome(&s, 0, PP_OK);
    end(&s);
    /* Where both find nothing, it is the source that is gone. */
    s = (scene){0};
    begin(&s, 2, sizes, 1);
    slow = asks_and_gets(&s, 0);
    asks(&s, 1);
    tick(&s, 4);
    tick(&s, 4);
    copy = given(&s, 1);
    assert_int_equal(failed(&s, copy, PP_ERR_NOT_FOUND), 0);
    assert_int_equal(failed(&s, slow, PP_ERR_NOT_FOUND), 1);
    expect_outcome(&s, 0, PP_ERR_NOT_FOUND);
    end(&s);
}

static void draining_lets_the_short_end_and_drops_the_long(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000, 25000000, 100};
    begin(&s, 3, sizes, 3);
    pp_task large = asks_and_gets(&s, 0), small = asks_and_gets(&s, 1);
    assert_true(large.expected_s > 5 && small.expected_s < 1);
    assert_int_equal(pp_schedule_drain(s.schedule, s.now_s, 5, &s.err), PP_OK);
    pp_action action = expect(&s, PP_ACTION_CANCEL);
    assert_true(action.task.lease == large.lease);
    asks(&s, 2);
    expect(&s, PP_ACTION_STOP);
    assert_int_equal(finished(&s, small, fine), 1);
    expect_outcome(&s, small.video, PP_OK);
    assert_int_equal(failed(&s, large, PP_ERR_INTERRUPTED), 0);
    for (int w = 0; w < 2; w++) {
        asks(&s, w);
        expect(&s, PP_ACTION_STOP);
    }
    pp_schedule_state now;
    pp_schedule_get_state(s.schedule, &now);
    assert_true(now.over);
    assert_int_equal(now.done, 1);
    assert_int_equal(now.failed, 0);
    end(&s);
}

static void the_grace_of_a_drain_ends(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000};
    begin(&s, 1, sizes, 1);
    asks_and_gets(&s, 0);
    assert_int_equal(pp_schedule_drain(s.schedule, s.now_s, 5, &s.err), PP_OK);
    expect_none(&s);
    tick(&s, 5.1);
    expect(&s, PP_ACTION_CANCEL);
    tick(&s, 1);
    expect_none(&s);
    end(&s);
}

static void nothing_starts_that_would_not_end_in_time(void **state)
{
    (void)state;
    scene s = {0};
    pp_schedule_setup_default(&s.setup, 1);
    s.setup.end_s = 2;
    int64_t sizes[] = {1000, 29000000};
    begin(&s, 1, sizes, 2);
    pp_task task = asks_and_gets(&s, 0);
    assert_int_equal(task.video, 0);
    finished(&s, task, fine);
    expect_outcome(&s, 0, PP_OK);
    asks(&s, 0);
    expect(&s, PP_ACTION_STOP);
    pp_schedule_state now;
    pp_schedule_get_state(s.schedule, &now);
    assert_true(now.over && now.out_of_time);
    assert_int_equal(now.done, 1);
    end(&s);
}

static pp_task_result hash_of(char letter)
{
    pp_task_result result = {0};
    memset(result.sha256, letter, PP_HASH_HEX - 1);
    return result;
}

static void equal_content_is_computed_once(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000, 1000, 1000, 500};
    begin(&s, 3, sizes, 4);
    pp_task task[3];
    for (int i = 0; i < 3; i++) {
        task[i] = asks_and_gets(&s, i);
        assert_int_equal(task[i].kind, PP_TASK_IDENTIFY);
    }
    /* Whoever is known first: the first of the inputs is computed. */
    finished(&s, task[2], hash_of('a'));
    finished(&s, task[1], hash_of('b'));
    expect_none(&s);
    finished(&s, task[0], hash_of('a'));
    for (int i = 0; i < 3; i++) {
        task[i] = asks_and_gets(&s, i);
        assert_int_equal(task[i].kind, PP_TASK_WHOLE);
    }
    assert_int_equal(task[0].video, 0);
    assert_int_equal(task[1].video, 1);
    assert_int_equal(task[2].video, 3);
    finished(&s, task[0], fine);
    expect_outcome(&s, 0, PP_OK);
    pp_action action = expect(&s, PP_ACTION_OUTCOME);
    assert_int_equal(action.video, 2);
    assert_int_equal(action.same_as, 0);
    finished(&s, task[1], fine);
    expect_outcome(&s, 1, PP_OK);
    end(&s);
}

static void an_heir_takes_over_where_the_file_went_away(void **state)
{
    (void)state;
    scene s = {0};
    int64_t sizes[] = {1000, 1000, 1000};
    begin(&s, 3, sizes, 3);
    pp_task tasks[3];
    for (int i = 0; i < 3; i++) tasks[i] = asks_and_gets(&s, i);
    for (int i = 0; i < 3; i++) finished(&s, tasks[i], hash_of('a'));
    pp_task task = asks_and_gets(&s, 0);
    int64_t leader = task.video;
    failed(&s, task, PP_ERR_NOT_FOUND);
    expect_outcome(&s, leader, PP_ERR_NOT_FOUND);
    task = asks_and_gets(&s, 0);
    assert_int_equal(task.kind, PP_TASK_WHOLE);
    assert_true(task.video != leader);
    finished(&s, task, fine);
    expect_outcome(&s, task.video, PP_OK);
    assert_int_equal(expect(&s, PP_ACTION_OUTCOME).same_as, task.video);
    end(&s);
}

static void parts_of_one_file_are_not_the_same(void **state)
{
    (void)state;
    scene s = {0};
    pp_schedule_setup_default(&s.setup, 1);
    assert_int_equal(pp_schedule_create(&s.schedule, &s.setup, &s.err), PP_OK);
    const char *parts[] = {"0-10", "10-20"};
    for (int i = 0; i < 2; i++) {
        pp_schedule_video video = {.size_bytes = 1000, .variant = parts[i]};
        assert_int_equal(pp_schedule_add(s.schedule, &video, &s.err), PP_OK);
    }
    assert_int_equal(pp_schedule_start(s.schedule, 0, &s.err), PP_OK);
    assert_int_equal(asks_and_gets(&s, 0).kind, PP_TASK_WHOLE);
    end(&s);
}

/* Not a promise about this machine, but a decision must not get slower as the queue gets longer. */
static void many_leases_a_second(void **state)
{
    (void)state;
    enum { VIDEOS = 100000, WORKERS = 1000 };
    scene s = {0};
    pp_schedule_setup_default(&s.setup, WORKERS);
    assert_int_equal(pp_schedule_create(&s.schedule, &s.setup, &s.err), PP_OK);
    for (int i = 0; i < VIDEOS; i++) {
        pp_schedule_video video = {.size_bytes = 1000000 + 7 * (int64_t)(i * 7919LL % VIDEOS)};
        assert_int_equal(pp_schedule_add(s.schedule, &video, &s.err), PP_OK);
    }
    double start = pp_clock_cpu_s();
    assert_int_equal(pp_schedule_start(s.schedule, 0, &s.err), PP_OK);
    for (int w = 0; w < WORKERS; w++) asks(&s, w);
    pp_action action;
    int done = 0;
    while (pp_schedule_next_action(s.schedule, &action)) {
        if (action.kind == PP_ACTION_OUTCOME) done++;
        if (action.kind != PP_ACTION_GIVE) continue;
        s.now_s += 1e-3;
        finished(&s, action.task, fine);
        asks(&s, action.worker);
    }
    double seconds = pp_clock_cpu_s() - start;
    assert_int_equal(done, VIDEOS);
    printf("%.0f leases/s\n", VIDEOS / seconds);
    assert_true(VIDEOS / seconds > 5000); /* also under sanitizers */
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heap_gives_the_largest_and_lets_any_go),
        cmocka_unit_test(no_videos_no_work),
        cmocka_unit_test(longest_first),
        cmocka_unit_test(whole_videos_end_once),
        cmocka_unit_test(a_long_video_runs_stage_by_stage),
        cmocka_unit_test(segments_are_shared_and_small_at_the_end),
        cmocka_unit_test(runs_are_long_while_there_is_plenty),
        cmocka_unit_test(a_worker_keeps_its_video),
        cmocka_unit_test(near_the_end_guesses_go_first),
        cmocka_unit_test(a_lasting_failure_is_recorded_at_once),
        cmocka_unit_test(a_passing_failure_is_tried_three_times_on_two_workers),
        cmocka_unit_test(a_failed_run_is_retried_segment_by_segment),
        cmocka_unit_test(the_dead_lose_their_lease_and_get_nothing),
        cmocka_unit_test(own_sleep_kills_nobody),
        cmocka_unit_test(a_lease_forgotten_by_its_worker_is_given_again),
        cmocka_unit_test(stragglers_get_a_second_copy_at_the_tail),
        cmocka_unit_test(slow_progress_is_copied_at_once_and_dropped),
        cmocka_unit_test(a_copy_whose_files_are_gone_fails_nothing),
        cmocka_unit_test(draining_lets_the_short_end_and_drops_the_long),
        cmocka_unit_test(the_grace_of_a_drain_ends),
        cmocka_unit_test(nothing_starts_that_would_not_end_in_time),
        cmocka_unit_test(equal_content_is_computed_once),
        cmocka_unit_test(an_heir_takes_over_where_the_file_went_away),
        cmocka_unit_test(parts_of_one_file_are_not_the_same),
        cmocka_unit_test(many_leases_a_second),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
