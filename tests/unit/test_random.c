/* base/random: known values, streams, ranges, moments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/random.h"

static void generator_gives_the_published_numbers(void **state)
{
    (void)state;
    /* xoshiro256** from state {1, 2, 3, 4}, as its authors' code gives it. */
    pp_random random = {{1, 2, 3, 4}};
    assert_true(pp_random_bits(&random) == 11520u);
    assert_true(pp_random_bits(&random) == 0u);
    assert_true(pp_random_bits(&random) == 1509978240u);
    assert_true(pp_random_bits(&random) == 1215971899390074240u);
}

static void streams_differ_and_repeat(void **state)
{
    (void)state;
    pp_random a, b, c;
    pp_random_seed(&a, 1, 2);
    pp_random_seed(&b, 1, 2);
    pp_random_seed(&c, 2, 1);
    for (int i = 0; i < 10; i++) {
        uint64_t bits = pp_random_bits(&a);
        assert_true(bits == pp_random_bits(&b));
        assert_true(bits != pp_random_bits(&c));
    }
}

static void moments_and_ranges_hold(void **state)
{
    (void)state;
    pp_random random;
    pp_random_seed(&random, 7, 0);
    double sum = 0, squares = 0, uniform = 0;
    int seen[3] = {0};
    for (int i = 0; i < 20000; i++) {
        double x = pp_random_normal(&random), u = pp_random_uniform(&random);
        assert_true(u >= 0 && u < 1);
        sum += x;
        squares += x * x;
        uniform += u;
        seen[pp_random_below(&random, 3)]++;
    }
    assert_float_equal(sum / 20000, 0, 0.03);
    assert_float_equal(squares / 20000, 1, 0.05);
    assert_float_equal(uniform / 20000, 0.5, 0.01);
    for (int i = 0; i < 3; i++) assert_in_range(seen[i], 6400, 6950);
    assert_true(pp_random_below(&random, 0) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_gives_the_published_numbers),
        cmocka_unit_test(streams_differ_and_repeat),
        cmocka_unit_test(moments_and_ranges_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
