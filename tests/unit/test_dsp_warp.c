/* dsp: the log-frequency warp, its inverse grid, and the input of the audio network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>

#include <cmocka.h>

#include "base/memory.h"
#include "dsp/window_input.h"

static pp_warp *make(int linear_rows, int log_rows)
{
    pp_warp *warp = NULL;
    pp_error err = {0};
    assert_int_equal(pp_warp_create(&warp, linear_rows, log_rows, &err), PP_OK);
    return warp;
}

/* A ramp over the rows is kept by bilinear resampling, so each output row shows where it was read:
 * the formulas of NETWORKS.md, written out again. */
static void rows_are_read_where_the_formula_says(void **state)
{
    (void)state;
    enum { L = 512, R = 256 };
    pp_warp *warp = make(L, R);
    float *linear = pp_alloc(L, sizeof *linear), *rows = pp_alloc(L, sizeof *rows);
    for (int i = 0; i < L; i++) linear[i] = (float)i;
    pp_warp_to_log(warp, linear, 1, rows);
    for (int i = 0; i < R; i++) {
        double at = (exp(log(21.0) * i / (R - 1)) - 1.0) / 20.0 * (L - 1);
        assert_true(fabs(rows[i] - at) < 1e-3);
    }
    assert_true(rows[0] == 0.0F && rows[R - 1] == (float)(L - 1));
    pp_warp_to_linear(warp, linear, 1, rows); /* the first R rows of the ramp */
    for (int i = 0; i < L; i++) {
        double at = log(1.0 + 20.0 * i / (L - 1)) / log(21.0) * (R - 1);
        assert_true(fabs(rows[i] - at) < 1e-3);
    }
    pp_free(rows);
    pp_free(linear);
    pp_warp_destroy(&warp);
}

static void constant_masks_stay_constant_and_columns_stay_apart(void **state)
{
    (void)state;
    const int shapes[][3] = {{512, 256, 256}, {512, 256, 3}, {33, 20, 7}, {2, 2, 1}, {9, 40, 5}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        const int linear_rows = shapes[s][0], log_rows = shapes[s][1], columns = shapes[s][2];
        const size_t most = (size_t)(linear_rows > log_rows ? linear_rows : log_rows);
        pp_warp *warp = make(linear_rows, log_rows);
        float *in = pp_alloc(most * (size_t)columns, sizeof *in);
        float *out = pp_alloc(most * (size_t)columns, sizeof *out);
        for (size_t i = 0; i < most * (size_t)columns; i++) in[i] = (float)(i % (size_t)columns);
        pp_warp_to_linear(warp, in, columns, out);
        for (int i = 0; i < linear_rows * columns; i++) {
            assert_true(fabsf(out[i] - (float)(i % columns)) <= 1e-6F * (float)columns);
        }
        pp_warp_to_log(warp, in, columns, out);
        for (int i = 0; i < log_rows * columns; i++) {
            assert_true(fabsf(out[i] - (float)(i % columns)) <= 1e-6F * (float)columns);
        }
        pp_free(out);
        pp_free(in);
        pp_warp_destroy(&warp);
    }
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    pp_warp *warp = NULL;
    pp_error err = {0};
    assert_int_equal(pp_warp_create(&warp, 1, 256, &err), PP_ERR_USAGE);
    assert_null(warp);
    pp_warp_destroy(&warp);
}

static void missing_frames_are_silence(void **state)
{
    (void)state;
    enum { BINS = 9, ROWS = 6, FRAMES = 5, PRESENT = 2 };
    pp_warp *warp = make(BINS, ROWS);
    float spectrum[PRESENT * BINS * 2], scratch[BINS * FRAMES];
    float magnitude[ROWS * FRAMES], input[ROWS * FRAMES];
    for (int i = 0; i < PRESENT * BINS; i++) {
        spectrum[2 * i] = 3.0F;
        spectrum[2 * i + 1] = i < BINS ? 4.0F : 0.0F;
    }
    pp_window_input(warp, spectrum, PRESENT, FRAMES, BINS, ROWS, scratch, magnitude, input);
    for (int r = 0; r < ROWS; r++) {
        assert_true(fabsf(magnitude[r * FRAMES] - 5.0F) < 1e-5F);
        assert_true(fabsf(magnitude[r * FRAMES + 1] - 3.0F) < 1e-5F);
        assert_true(fabsf(input[r * FRAMES] - logf(5.0F)) < 1e-5F);
        for (int f = PRESENT; f < FRAMES; f++) {
            assert_true(fabsf(input[r * FRAMES + f] - logf(1e-10F)) < 1e-4F);
        }
    }
    pp_warp_destroy(&warp);
}

static void the_logarithm_is_right_over_the_whole_range(void **state)
{
    (void)state;
    enum { COUNT = 4000 };
    pp_warp *warp = make(2, 2);
    float spectrum[2 * 2] = {0}, scratch[2], magnitude[2], input[2];
    double worst = 0.0;
    for (int i = 0; i < COUNT; i++) {
        spectrum[0] = spectrum[2] = expf(-23.0F + 40.0F * (float)i / COUNT);
        pp_window_input(warp, spectrum, 1, 1, 2, 2, scratch, magnitude, input);
        worst = fmax(worst, fabs(input[0] - log(magnitude[0])));
    }
    for (int i = 0; i < COUNT; i++) { /* where the result is small, relative to it */
        spectrum[0] = spectrum[2] = 0.9F + 0.2F * (float)i / COUNT;
        pp_window_input(warp, spectrum, 1, 1, 2, 2, scratch, magnitude, input);
        double exact = log(magnitude[0]);
        assert_true(fabs(input[0] - exact) <= 1.2e-7 * fabs(exact));
    }
    assert_true(worst < 1.1e-6); /* half a unit in the last place of 17 */
    pp_warp_destroy(&warp);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_read_where_the_formula_says),
        cmocka_unit_test(constant_masks_stay_constant_and_columns_stay_apart),
        cmocka_unit_test(bad_shapes_are_refused),
        cmocka_unit_test(missing_frames_are_silence),
        cmocka_unit_test(the_logarithm_is_right_over_the_whole_range),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
