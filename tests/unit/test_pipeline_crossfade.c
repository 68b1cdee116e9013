/* pipeline: cross-fade of masks on the STFT grid. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/crossfade.h"

enum { BINS = 3, FRAMES = 16, STEP = 12 };

static pp_cut cut_of(int64_t stft_frames)
{
    pp_parameters parameters;
    pp_parameters_default(&parameters);
    parameters.window_step_frames = STEP;
    const pp_model_shape shape = {
        .rate_hz = 8000, .n_fft = 30, .hop_samples = 8, .window_frames = FRAMES};
    return pp_cut_of((stft_frames - 1) * 8, &parameters, &shape);
}

/* Every window's masks, [windows, sources, BINS, FRAMES]: window w has value[w] everywhere. */
static pp_window_masks *windows_of(const pp_cut *cut, int sources, float (*value)(int64_t))
{
    int64_t each = (int64_t)sources * BINS * FRAMES;
    pp_window_masks *windows = test_malloc((size_t)cut->all.windows * sizeof *windows);
    for (int64_t w = 0; w < cut->all.windows; w++) {
        windows[w].window = w;
        windows[w].linear = test_malloc((size_t)each * sizeof(float));
        for (int64_t i = 0; i < each; i++) windows[w].linear[i] = value(w);
    }
    return windows;
}

static void free_windows(const pp_cut *cut, pp_window_masks *windows)
{
    for (int64_t w = 0; w < cut->all.windows; w++) test_free(windows[w].linear);
    test_free(windows);
}

static float constant(int64_t window)
{
    (void)window;
    return 0.37f;
}

static float window_number(int64_t window)
{
    return (float)window;
}

static void equal_masks_stay_what_they_are(void **state)
{
    (void)state;
    for (int64_t frames = 1; frames < 60; frames++) { /* all places of the last window */
        pp_cut cut = cut_of(frames);
        pp_window_masks *windows = windows_of(&cut, 2, constant);
        float *masks = test_malloc((size_t)(2 * frames * BINS) * sizeof *masks);
        pp_crossfade(&cut, windows, (int)cut.all.windows, 2, BINS, 0, frames, masks);
        for (int64_t i = 0; i < 2 * frames * BINS; i++) {
            assert_true(fabsf(masks[i] - 0.37f) < 1e-7f);
        }
        test_free(masks);
        free_windows(&cut, windows);
    }
}

static void weights_fade_from_one_window_to_the_next(void **state)
{
    (void)state;
    pp_cut cut = cut_of(FRAMES + 2 * STEP);
    assert_int_equal(cut.all.windows, 3);
    pp_window_masks *windows = windows_of(&cut, 1, window_number);
    float masks[(FRAMES + 2 * STEP) * BINS];
    pp_crossfade(&cut, windows, 3, 1, BINS, 0, FRAMES + 2 * STEP, masks);
    assert_true(masks[0] == 0);
    /* The overlap of windows 0 and 1: frames 12 to 15, weights 4/5 to 1/5 against 1/5 to 4/5. */
    for (int i = 0; i < 4; i++) {
        float expected = (float)(i + 1) / 5;
        assert_true(fabsf(masks[(STEP + i) * BINS] - expected) < 1e-6f);
    }
    assert_true(masks[FRAMES * BINS] == 1);
    assert_true(masks[(FRAMES + 2 * STEP - 1) * BINS] == 2);
    free_windows(&cut, windows);
}

static void any_range_gives_the_bytes_of_the_whole(void **state)
{
    (void)state;
    pp_cut cut = cut_of(45); /* the last window is moved back: three overlap */
    assert_int_equal(cut.all.windows, 4);
    pp_window_masks *windows = windows_of(&cut, 1, window_number);
    float whole[45 * BINS], part[45 * BINS];
    pp_crossfade(&cut, windows, 4, 1, BINS, 0, 45, whole);
    for (int64_t first = 0; first < 45; first++) {
        int64_t frames = 45 - first < 7 ? 45 - first : 7;
        pp_range over = pp_cut_windows_over(&cut, first, frames);
        pp_crossfade(&cut, windows + over.first, (int)over.count, 1, BINS, first, frames, part);
        assert_memory_equal(part, whole + first * BINS, (size_t)(frames * BINS) * sizeof *part);
    }
    free_windows(&cut, windows);
}

static void sums_above_one_are_scaled_down(void **state)
{
    (void)state;
    float masks[2][3] = {{0.2f, 0.9f, 0.6f}, {0.3f, 0.6f, 0.4f}}, residual[3];
    pp_masks_limit(masks[0], 2, 3, residual);
    assert_true(masks[0][0] == 0.2f && masks[1][0] == 0.3f && residual[0] == 0.5f);
    assert_true(fabsf(masks[0][1] - 0.6f) < 1e-6f && fabsf(masks[1][1] - 0.4f) < 1e-6f);
    assert_true(residual[1] == 0 && fabsf(residual[2]) < 1e-6f);
    for (int i = 0; i < 3; i++) assert_true(residual[i] >= 0);

    float edge[4] = {0.5f, 0.50001f, 0, 1};
    pp_masks_make_binary(edge, 4);
    assert_true(edge[0] == 0 && edge[1] == 1 && edge[2] == 0 && edge[3] == 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(equal_masks_stay_what_they_are),
        cmocka_unit_test(weights_fade_from_one_window_to_the_next),
        cmocka_unit_test(any_range_gives_the_bytes_of_the_whole),
        cmocka_unit_test(sums_above_one_are_scaled_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
