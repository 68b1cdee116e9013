/* base: a team does every item once, uses all of its lanes, and waits for the last of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/team.h"

enum { ITEMS = 1000, LANES = 3 };

typedef struct tally {
    atomic_int done[ITEMS]; /* how often */
    atomic_int by[LANES];   /* items of each lane */
    atomic_int at_work[LANES], clash;
    pthread_barrier_t *together; /* NULL: nobody waits */
} tally;

static void count_item(void *user, int item, int lane)
{
    tally *t = user;
    if (atomic_fetch_add(&t->at_work[lane], 1) != 0) atomic_store(&t->clash, 1);
    if (t->together != NULL) pthread_barrier_wait(t->together);
    atomic_fetch_add(&t->done[item], 1);
    atomic_fetch_add(&t->by[lane], 1);
    atomic_fetch_sub(&t->at_work[lane], 1);
}

static void every_item_is_done_once(void **state)
{
    (void)state;
    pp_error err = {0};
    for (int lanes = 1; lanes <= LANES; lanes++) {
        pp_team *team = NULL;
        assert_int_equal(pp_team_create(&team, lanes, &err), PP_OK);
        assert_int_equal(pp_team_lanes(team), lanes);
        for (int count = 0; count <= ITEMS; count += count < 10 ? 1 : 330) {
            tally t;
            memset(&t, 0, sizeof t);
            pp_team_run(team, count_item, &t, count);
            for (int i = 0; i < ITEMS; i++) assert_int_equal(t.done[i], i < count);
            assert_int_equal(t.clash, 0);
        }
        pp_team_destroy(&team);
        assert_null(team);
    }
}

/* Items that wait for each other: only as many lanes as there are can end this. */
static void all_lanes_work_at_a_time(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_team *team = NULL;
    pthread_barrier_t together;
    tally t;
    assert_int_equal(pp_team_create(&team, LANES, &err), PP_OK);
    assert_int_equal(pthread_barrier_init(&together, NULL, LANES), 0);
    for (int round = 0; round < 100; round++) {
        memset(&t, 0, sizeof t);
        t.together = &together;
        pp_team_run(team, count_item, &t, LANES);
        for (int lane = 0; lane < LANES; lane++) assert_int_equal(t.by[lane], 1);
    }
    pthread_barrier_destroy(&together);
    pp_team_destroy(&team);
}

static void no_team_is_the_caller_alone(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_team *none = NULL;
    tally t;
    memset(&t, 0, sizeof t);
    assert_int_equal(pp_team_lanes(none), 1);
    pp_team_run(none, count_item, &t, 7);
    assert_int_equal(t.by[0], 7);
    pp_team_destroy(&none);
    assert_int_not_equal(pp_team_create(&none, 0, &err), PP_OK);
    assert_null(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_item_is_done_once),
        cmocka_unit_test(all_lanes_work_at_a_time),
        cmocka_unit_test(no_team_is_the_caller_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
