/* The scheduler in simulated worlds: whole runs, and random histories under a referee.
 *
 * PP_HISTORIES=N runs that many (default 3000), PP_SEED=S starts elsewhere; `pp simulate
 * --histories N` runs the same ones.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "schedule/simulate.h"

static pp_simulation_report simulate(const pp_simulation_setup *setup)
{
    pp_simulation_report report;
    pp_error err = {0};
    if (pp_simulate(setup, &report, &err) != PP_OK) fail_msg("%s", err.message);
    return report;
}

static pp_simulation_setup small_world(int workers, int64_t videos)
{
    pp_simulation_setup setup;
    pp_simulation_setup_default(&setup, workers);
    setup.videos = videos;
    return setup;
}

static void the_same_seed_gives_the_same_run(void **state)
{
    (void)state;
    pp_simulation_setup setup = small_world(32, 2000);
    setup.straggler_share = 0.02;
    setup.deaths = 5;
    setup.jitter_s = 0.01;
    pp_simulation_report first = simulate(&setup);
    setup.clock_s = pp_clock_s; /* measuring changes nothing */
    pp_simulation_report second = simulate(&setup);
    assert_true(second.scheduler_s > 0 && second.slowest_event_s > 0);
    second.scheduler_s = second.slowest_event_s = 0;
    assert_memory_equal(&first, &second, sizeof first);
    setup.seed = 2;
    pp_simulation_report other = simulate(&setup);
    assert_true(other.fingerprint != first.fingerprint);
    assert_true(other.makespan_s != first.makespan_s);
}

static void a_run_comes_near_its_bound(void **state)
{
    (void)state;
    pp_simulation_setup setup = small_world(32, 8000);
    pp_simulation_report r = simulate(&setup);
    assert_int_equal(r.done, 8000);
    assert_int_equal(r.windows_published, r.windows);
    assert_true(r.makespan_s >= r.bound_s);
    assert_true(r.useful_share > 0.99 && r.useful_share <= 1);
    assert_true(fabs(r.useful_s - r.work_s) < 1e-6 * r.work_s);
    double all_s = r.makespan_s * setup.workers;
    assert_true(r.useful_s + r.straggling_s + r.again_s + r.idle_s <= 1.001 * all_s);
}

/* One video of ten hours and many workers: its own chain is what counts. */
static void one_long_video_is_bound_by_its_chain(void **state)
{
    (void)state;
    pp_simulation_setup setup = small_world(512, 1);
    setup.shortest_s = 35999;
    setup.size_spread = setup.noise_spread = 0;
    pp_simulation_report r = simulate(&setup);
    assert_int_equal(r.cut_videos, 1);
    assert_true(r.chain_s > 10 * r.share_s);
    assert_true(r.bound_s == r.chain_s);
    assert_true(r.makespan_s >= r.bound_s && r.makespan_s < 1.1 * r.bound_s);
}

static void slow_leases_are_copied(void **state)
{
    (void)state;
    pp_simulation_setup setup = small_world(64, 4000);
    pp_simulation_report plain = simulate(&setup);
    setup.straggler_share = 0.01;
    pp_simulation_report with = simulate(&setup);
    setup.schedule.most_copies = 0;
    pp_simulation_report without = simulate(&setup);
    assert_true(with.copies > 0 && without.copies == 0);
    assert_true(with.makespan_s < without.makespan_s);
    assert_true(plain.straggling_s == 0 && with.straggling_s > 0);
    assert_true(fabs(with.useful_s - plain.useful_s) < 1e-6 * plain.useful_s); /* once each */
}

static void the_dead_cost_their_leases_alone(void **state)
{
    (void)state;
    pp_simulation_setup setup = small_world(40, 4000);
    setup.deaths = 10;
    pp_simulation_report r = simulate(&setup);
    assert_int_equal(r.workers_dead, 10);
    assert_int_equal(r.done, 4000);
    assert_true(r.lost <= 10);
    assert_true(r.makespan_s < 1.6 * r.bound_s);
}

static void a_limited_run_stops_in_time(void **state)
{
    (void)state;
    pp_simulation_setup setup = small_world(8, 500);
    double whole_s = simulate(&setup).makespan_s;
    setup.time_limit_s = whole_s / 2;
    pp_simulation_report r = simulate(&setup);
    assert_true(r.over && r.done > 0 && r.done < 500);
    assert_true(r.makespan_s <= setup.time_limit_s);
    assert_true(r.useful_share > 0.9);
}

static void setups_without_sense_are_refused(void **state)
{
    (void)state;
    pp_simulation_report report;
    pp_error err = {0};
    pp_simulation_setup setup = small_world(8, 10);
    setup.deaths = 8;
    assert_int_equal(pp_simulate(&setup, &report, &err), PP_ERR_USAGE);
    err = (pp_error){0};
    setup = small_world(8, 10);
    setup.lost_share = 0.1; /* and nobody asks again */
    assert_int_equal(pp_simulate(&setup, &report, &err), PP_ERR_USAGE);
}

static void the_scheduler_is_fast(void **state)
{
    (void)state;
    pp_simulation_speed speed;
    pp_error err = {0};
    assert_int_equal(pp_simulate_speed(500, 20000, pp_clock_cpu_s, &speed, &err), PP_OK);
    assert_int_equal(speed.leases, 20000);
    printf("%.0f leases/s\n", speed.leases_per_s);
    assert_true(speed.leases_per_s > 1000); /* sanitizers, loaded machines */
}

static void every_window_is_published_once_in_every_history(void **state)
{
    (void)state;
    const char *count = getenv("PP_HISTORIES"), *first = getenv("PP_SEED");
    uint64_t seed = first != NULL ? strtoull(first, NULL, 10) : 1;
    long histories = count != NULL ? atol(count) : first != NULL ? 1 : 3000;
    int64_t lost = 0, repeated = 0, dead = 0, copies = 0;
    for (long i = 0; i < histories; i++) {
        pp_simulation_setup setup;
        pp_simulation_setup_random(&setup, seed + (uint64_t)i);
        pp_simulation_report r = simulate(&setup);
        lost += r.messages_lost;
        repeated += r.messages_repeated;
        dead += r.workers_dead;
        copies += r.copies;
    }
    printf("%ld histories: messages lost %lld, repeated %lld; ranks dead %lld; copies %lld\n",
           histories, (long long)lost, (long long)repeated, (long long)dead, (long long)copies);
    if (histories >= 100) assert_true(lost > 0 && repeated > 0 && dead > 0 && copies > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_seed_gives_the_same_run),
        cmocka_unit_test(a_run_comes_near_its_bound),
        cmocka_unit_test(one_long_video_is_bound_by_its_chain),
        cmocka_unit_test(slow_leases_are_copied),
        cmocka_unit_test(the_dead_cost_their_leases_alone),
        cmocka_unit_test(a_limited_run_stops_in_time),
        cmocka_unit_test(setups_without_sense_are_refused),
        cmocka_unit_test(the_scheduler_is_fast),
        cmocka_unit_test(every_window_is_published_once_in_every_history),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
