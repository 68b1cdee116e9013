/* train: fast spectra against the STFT and the network input of src/dsp. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "dsp/stft.h"
#include "dsp/window_input.h"
#include "nn/blas.h"
#include "train/spectrum.h"

static double seconds_of[2]; /* of the general way and of this one, in the last comparison */

static void compare(pp_train_spectrum_shape shape)
{
    pp_error err = {0};
    pp_train_spectrum *spectrum;
    pp_stft *stft;
    pp_warp *warp;
    const int bins = shape.n_fft / 2 + 1;
    assert_int_equal(pp_train_spectrum_create(&spectrum, shape, &err), PP_OK);
    assert_int_equal(pp_stft_create(&stft, (pp_stft_shape){shape.n_fft, shape.hop_samples}, &err),
                     PP_OK);
    assert_int_equal(pp_warp_create(&warp, bins, shape.rows, &err), PP_OK);
    const int samples = pp_train_spectrum_samples(spectrum);
    assert_int_equal(pp_stft_frames(stft, samples), shape.frames);
    const size_t cells = (size_t)(shape.rows * shape.frames);
    float *sound = pp_alloc((size_t)samples, sizeof(float)), *half = pp_alloc((size_t)samples, 4);
    float *full = pp_alloc((size_t)(bins * shape.frames), 8),
          *scratch = pp_alloc((size_t)(bins * shape.frames), 4);
    float *expected = pp_alloc(cells, 4), *logs = pp_alloc(cells, 4), *got = pp_alloc(cells, 4);
    float *fast = pp_alloc(pp_train_spectrum_size(spectrum), 4);
    float *other = pp_alloc(pp_train_spectrum_size(spectrum), 4);
    pp_random random;
    pp_random_seed(&random, 1, 1);
    for (int i = 0; i < samples; i++) {
        sound[i] = (float)(0.3 * sin(0.05 * i) + 0.05 * pp_random_normal(&random));
        half[i] = 0.5F * sound[i];
    }
    double start = pp_clock_s();
    pp_stft_forward(stft, sound, 0, samples, 0, shape.frames, full);
    pp_window_input(warp, full, shape.frames, shape.frames, bins, shape.rows, scratch, expected,
                    logs);
    seconds_of[0] = pp_clock_s() - start;
    start = pp_clock_s();
    pp_train_spectrum_transform(spectrum, sound, NULL, fast);
    pp_train_spectrum_warp(spectrum, fast, got);
    seconds_of[1] = pp_clock_s() - start;
    double most = 0, scale = 0;
    for (size_t i = 0; i < cells; i++) {
        most = fmax(most, fabs((double)got[i] - expected[i]));
        scale = fmax(scale, expected[i]);
    }
    if (!(most < 1e-6 * scale)) fail_msg("n_fft %d: off by %g of %g", shape.n_fft, most, scale);
    /* linear: half and half again make the whole; a gain of 3 makes it three times as loud */
    pp_train_spectrum_transform(spectrum, half, NULL, other);
    pp_train_spectrum_add(spectrum, other, other);
    pp_train_spectrum_warp(spectrum, other, logs);
    float *gains = pp_alloc((size_t)bins, sizeof(float));
    for (int i = 0; i < bins; i++) gains[i] = 3;
    pp_train_spectrum_transform(spectrum, sound, gains, other);
    pp_train_spectrum_warp(spectrum, other, expected);
    for (size_t i = 0; i < cells; i++) {
        assert_true(fabs(logs[i] - got[i]) < 1e-6 * scale);
        assert_true(fabs(expected[i] - 3 * got[i]) < 4e-6 * scale);
    }
    pp_free(sound), pp_free(half), pp_free(full), pp_free(scratch), pp_free(expected);
    pp_free(logs), pp_free(got), pp_free(fast), pp_free(other), pp_free(gains);
    pp_train_spectrum_destroy(&spectrum);
    pp_stft_destroy(&stft);
    pp_warp_destroy(&warp);
}

static void spectra_are_those_of_the_front_end(void **state)
{
    (void)state;
    compare((pp_train_spectrum_shape){510, 128, 20, 64});
    compare((pp_train_spectrum_shape){256, 64, 33, 48});
    compare((pp_train_spectrum_shape){1022, 256, 256, 256});
    print_message("a window of 5.9 s: %.2f ms, %.2f ms the general way\n", seconds_of[1] * 1e3,
                  seconds_of[0] * 1e3);
}

static int load_blas(void **state)
{
    (void)state;
    pp_error err = {0};
    return pp_blas_load(NULL, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(spectra_are_those_of_the_front_end)};
    return cmocka_run_group_tests(tests, load_blas, NULL);
}
