/* pipeline: the cast's metric, kinds and players, on made-up pixels. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "pipeline/cast_groups.h"
#include "pipeline/cast_players.h"
#include "pipeline/cast_regions.h"

enum { K = 5, GRID = 14, PIXELS = GRID * GRID };

static void distances_are_rms_differences_of_logits(void **state)
{
    (void)state;
    enum { ROWS = 16, FRAMES = 16, BINS = ROWS * FRAMES };
    uint8_t codes[K * BINS];
    float scale[K], offset[K], magnitude[BINS], synth[K], a[K], b[K];
    pp_random random;
    pp_random_seed(&random, 7, 0);
    for (int i = 0; i < K * BINS; i++) codes[i] = (uint8_t)(pp_random_uniform(&random) * 256);
    for (int i = 0; i < BINS; i++) magnitude[i] = (float)pp_random_uniform(&random);
    for (int k = 0; k < K; k++) {
        scale[k] = 0.01f * (float)(k + 1), offset[k] = -0.3f * (float)k, synth[k] = 1 - 0.4f * k;
        a[k] = (float)pp_random_uniform(&random), b[k] = (float)pp_random_uniform(&random);
    }
    pp_quantised_maps maps = {codes, scale, offset};
    float deviation[K], products[K * K], za[K], zb[K];
    double means[K], sum[K * K], weight, square = 0, mean = 0, found = 0, used = 0;
    pp_cast_covariance(&maps, magnitude, K, ROWS, FRAMES, means, deviation, products, &weight);
    for (int i = 0; i < K * K; i++) sum[i] = products[i];
    for (int i = 0; i < BINS; i++) {
        if (i % PP_CAST_BIN_STEP != 0) continue;
        double difference = 0;
        for (int k = 0; k < K; k++) {
            double map = offset[k] + (double)scale[k] * codes[k * BINS + i];
            difference += (a[k] - b[k]) * synth[k] * map;
        }
        square += magnitude[i] * difference * difference;
        mean += magnitude[i] * difference;
        used += magnitude[i];
    }
    double expected = square / used - mean / used * (mean / used);
    assert_true(fabs(weight - used) < 1e-5);
    pp_cast_metric *metric = NULL;
    pp_error err = {0};
    assert_int_equal(pp_cast_metric_create(&metric, K, sum, weight, synth, &err), PP_OK);
    pp_cast_metric_map(metric, a, za);
    pp_cast_metric_map(metric, b, zb);
    for (int k = 0; k < K; k++) found += (double)(za[k] - zb[k]) * (za[k] - zb[k]);
    assert_true(fabs(found - expected) < 1e-4 * expected);
    pp_cast_metric_destroy(&metric);
}

/* Pixels round `peak`: strong ones, a fading rim, and noise on all components. */
static void add_kind(pp_cast_groups *groups, pp_random *random, const float *peak, int count,
                     double weight)
{
    for (int i = 0; i < count; i++) {
        float z[K];
        float strength = i % 3 ? 0.8f + 0.2f * (float)pp_random_uniform(random)
                               : 0.2f + 0.6f * (float)pp_random_uniform(random);
        for (int k = 0; k < K; k++) {
            z[k] = strength * peak[k] + 0.3f * ((float)pp_random_uniform(random) - 0.5f);
        }
        pp_cast_groups_add(groups, z, weight * strength);
    }
}

static const float peaks[3][K] = {{6, 0, 1, 0, 0}, {0, 5, 0, 2, 0}, {0, 0, 0, -3, 5}};
static const float origin[K] = {0};

static void kinds_of(int kinds, int count, int most, pp_cast_kinds *out)
{
    pp_error err = {0};
    pp_random random;
    pp_random_seed(&random, 11, 0);
    pp_cast_groups *groups = NULL;
    assert_int_equal(pp_cast_groups_create(&groups, K, &err), PP_OK);
    for (int round = 0; round < count; round++) {
        for (int kind = 0; kind < kinds; kind++) {
            add_kind(groups, &random, peaks[kind], 10, 1.0 / (kind + 1));
        }
        const float off[K] = {0.1f, 0.1f, 0, 0, 0.1f};
        for (int i = 0; i < 50; i++) pp_cast_groups_add(groups, off, 0.1);
        const float odd[K] = {-3, 0, 0, 0, -3}; /* now and then something else */
        pp_cast_groups_add(groups, odd, 0.05);
    }
    assert_int_equal(pp_cast_groups_finish(groups, origin, 0.8, most, out, &err), PP_OK);
    pp_cast_groups_destroy(&groups);
}

static void the_number_of_kinds_is_found(void **state)
{
    (void)state;
    for (int kinds = 1; kinds <= 3; kinds++) {
        pp_cast_kinds found;
        kinds_of(kinds, 200, 4, &found);
        assert_int_equal(found.count, kinds);
        assert_false(found.everything);
        for (int kind = 0; kind < kinds; kind++) { /* loudest first; a weak pixel is of its kind */
            float weak[K], none[K] = {0.2f, 0, 0, 0, 0.2f}, other[K] = {-4, 0, 0, 0, -4};
            for (int k = 0; k < K; k++) weak[k] = 0.3f * peaks[kind][k];
            assert_int_equal(pp_cast_kind_of(&found, peaks[kind]), kind);
            assert_int_equal(pp_cast_kind_of(&found, weak), kind);
            assert_int_equal(pp_cast_kind_of(&found, none), -1);
            assert_int_equal(pp_cast_kind_of(&found, other), -1);
        }
        pp_cast_kinds_free(&found);
    }
}

static void there_are_never_too_many(void **state)
{
    (void)state;
    pp_cast_kinds found;
    kinds_of(3, 50, 2, &found);
    assert_int_equal(found.count, 2);
    pp_cast_kinds_free(&found);
    kinds_of(3, 50, 1, &found);
    assert_int_equal(found.count, 1);
    pp_cast_kinds_free(&found);
}

static void masks_that_do_not_differ_are_one_source(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_cast_groups *groups = NULL;
    pp_cast_kinds found;
    assert_int_equal(pp_cast_groups_create(&groups, K, &err), PP_OK);
    for (int i = 0; i < 100; i++) {
        float z[K] = {0.01f * (float)(i % 7), 0.02f * (float)(i % 5), 0, 0, 0};
        pp_cast_groups_add(groups, z, 1);
    }
    assert_int_equal(pp_cast_groups_finish(groups, origin, 0.8, 4, &found, &err), PP_OK);
    assert_int_equal(found.count, 1);
    assert_true(found.everything);
    assert_int_equal(pp_cast_kind_of(&found, origin), 0);
    pp_cast_kinds_free(&found);
    pp_cast_groups_destroy(&groups);
}

/* One window: blobs of kind 0 round these columns (row 6), 0 for none. */
static void add_window(pp_cast_players *players, int first, int second, float loudness)
{
    int8_t kind[PIXELS];
    float amplitude[PIXELS] = {0};
    memset(kind, -1, sizeof kind);
    const int columns[2] = {first, second};
    for (int blob = 0; blob < 2; blob++) {
        if (columns[blob] == 0) continue;
        for (int row = 5; row <= 7; row++) {
            for (int column = columns[blob] - 1; column <= columns[blob] + 1; column++) {
                kind[row * GRID + column] = 0;
                amplitude[row * GRID + column] = loudness;
            }
        }
    }
    pp_cast_players_add(players, kind, amplitude);
}

static int players_of(int (*columns)[2], int count, int most, int *left, int *right)
{
    pp_error err = {0};
    pp_cast_players *players = NULL;
    assert_int_equal(pp_cast_players_create(&players, 1, GRID, &err), PP_OK);
    for (int i = 0; i < 60; i++) {
        add_window(players, columns[i % count][0], columns[i % count][1], 1);
    }
    int sources = pp_cast_players_finish(players, most);
    *left = pp_cast_players_source(players, 0, 6, 2);
    *right = pp_cast_players_source(players, 0, 6, 12);
    pp_cast_players_destroy(&players);
    return sources;
}

static void one_instrument_twice_is_two_players(void **state)
{
    (void)state;
    int left, right;
    int both[][2] = {{3, 11}, {3, 11}, {3, 0}, {0, 11}};
    assert_int_equal(players_of(both, 4, 4, &left, &right), 2);
    assert_true(left != right);
    assert_int_equal(players_of(both, 4, 1, &left, &right), 1); /* no room for a second */
    assert_true(left == 0 && right == 0);
    int moved[][2] = {{3, 0}, {11, 0}}; /* never at once: one player who moved, or a cut */
    assert_int_equal(players_of(moved, 2, 4, &left, &right), 1);
    int near[][2] = {{5, 8}}; /* at once, but side by side: an instrument and its player */
    assert_int_equal(players_of(near, 1, 4, &left, &right), 1);
}

/* Rows of digits, tenths of an amplitude -> regions, as letters; '.' is none. */
static void expect_regions(const char *const *rows, const char *const *expected, int grid)
{
    float amplitude[64];
    int order[64];
    int8_t region[64];
    char found[9] = {0};
    for (int p = 0; p < grid * grid; p++) {
        amplitude[p] = 0.1F * (float)(rows[p / grid][p % grid] - '0');
    }
    pp_cast_regions(amplitude, grid, order, region);
    for (int row = 0; row < grid; row++) {
        for (int c = 0; c < grid; c++) {
            int r = region[row * grid + c];
            found[c] = r < 0 ? '.' : (char)('a' + r);
        }
        found[grid] = 0;
        assert_string_equal(found, expected[row]);
    }
}

static void regions_are_hills_cut_at_valleys(void **state)
{
    (void)state;
    /* two apart, the louder one first; corners touch */
    expect_regions((const char *const[]){"50008", "05000", "00000", "00000", "00009"},
                   (const char *const[]){"c...b", ".c...", ".....", ".....", "....a"}, 5);
    /* a way between two tops: 7 is no valley under 8, 5 is one */
    expect_regions((const char *const[]){"97800", "00000", "00000", "00000", "00000"},
                   (const char *const[]){"aaa..", ".....", ".....", ".....", "....."}, 5);
    expect_regions((const char *const[]){"95800", "00000", "00000", "00000", "00000"},
                   (const char *const[]){"aab..", ".....", ".....", ".....", "....."}, 5);
    /* three hills that meet in one pixel: the two that no valley parts become one */
    expect_regions((const char *const[]){"90008", "07070", "00700", "00400", "00600"},
                   (const char *const[]){"a...a", ".a.a.", "..a..", "..a..", "..b.."}, 5);
    expect_regions((const char *const[]){"00", "00"}, (const char *const[]){"..", ".."}, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_hills_cut_at_valleys),
        cmocka_unit_test(distances_are_rms_differences_of_logits),
        cmocka_unit_test(the_number_of_kinds_is_found),
        cmocka_unit_test(there_are_never_too_many),
        cmocka_unit_test(masks_that_do_not_differ_are_one_source),
        cmocka_unit_test(one_instrument_twice_is_two_players),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
