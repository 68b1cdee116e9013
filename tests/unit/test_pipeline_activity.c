/* pipeline: levels of windows, and when a source plays. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/activity.h"

enum { SAMPLES = 200123, RATE = 11025 };

static pp_cut cut_of(int64_t samples)
{
    pp_parameters parameters;
    pp_parameters_default(&parameters);
    const pp_model_shape shape = {
        .rate_hz = RATE, .n_fft = 1022, .hop_samples = 256, .window_frames = 256};
    return pp_cut_of(samples, &parameters, &shape);
}

/* A tone of this amplitude between two times. */
static void add_tone(float *sound, int64_t samples, double from_s, double to_s, float amplitude)
{
    for (int64_t i = (int64_t)(from_s * RATE); i < (int64_t)(to_s * RATE) && i < samples; i++) {
        sound[i] += amplitude * sinf((float)(i % RATE) * 0.25f);
    }
}

static void levels_are_those_of_each_window(void **state)
{
    (void)state;
    const int64_t lengths[] = {1, 256, 300, 65535, 65536, SAMPLES};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        pp_cut cut = cut_of(lengths[l]);
        float *sound = test_calloc((size_t)lengths[l], sizeof *sound);
        for (int64_t i = 0; i < lengths[l]; i++) sound[i] = (float)(i % 1000 + i / 20000) / 1500;
        float whole[16], slabs[16];
        pp_error err = {0};
        for (int64_t slab = lengths[l]; slab > 0; slab = slab > 777 ? 777 : 0) {
            pp_level_meter *meter = NULL;
            float *levels = slab == lengths[l] ? whole : slabs;
            assert_int_equal(pp_level_meter_create(&meter, &cut, &err), PP_OK);
            for (int64_t at = 0; at < lengths[l]; at += slab) {
                int64_t count = lengths[l] - at < slab ? lengths[l] - at : slab;
                pp_level_meter_add(meter, sound + at, count, levels);
            }
            double all = pp_level_meter_finish(meter, levels), energy = 0;
            for (int64_t i = 0; i < lengths[l]; i++) energy += (double)sound[i] * sound[i];
            assert_true(fabs(all - pp_level_db(energy / (double)lengths[l])) < 1e-6);
            pp_level_meter_destroy(&meter);
        }
        if (lengths[l] > 777)
            assert_memory_equal(whole, slabs, (size_t)cut.all.windows * sizeof(float));
        for (int64_t w = 0; w < cut.all.windows; w++) {
            pp_range in = pp_cut_window_samples(&cut, w);
            double energy = 0;
            for (int64_t i = 0; i < in.count; i++) {
                energy += (double)sound[in.first + i] * sound[in.first + i];
            }
            assert_true(fabs(pp_level_db(energy / (double)in.count) - whole[w]) < 1e-3);
        }
        test_free(sound);
    }
}

static void a_source_is_on_while_it_sounds(void **state)
{
    (void)state;
    pp_cut cut = cut_of(SAMPLES);
    float *stem = test_calloc(SAMPLES, sizeof *stem), *mixture = test_calloc(SAMPLES, sizeof *stem);
    add_tone(stem, SAMPLES, 1, 4, 0.3f);
    add_tone(stem, SAMPLES, 4.15, 6, 0.3f); /* a gap too short to count */
    add_tone(stem, SAMPLES, 9, 30, 0.1f);   /* to the end */
    add_tone(stem, SAMPLES, 7, 8, 0.001f);  /* leakage */
    for (int i = 0; i < SAMPLES; i++) mixture[i] = stem[i];
    add_tone(mixture, SAMPLES, 0, 9, 0.3f);
    double power = 0;
    for (int i = 0; i < SAMPLES; i++) power += (double)mixture[i] * mixture[i] / SAMPLES;

    pp_error err = {0};
    pp_activity *activity = NULL;
    assert_int_equal(pp_activity_create(&activity, &cut, 1, power, &err), PP_OK);
    for (int at = 0; at < SAMPLES; at += 5000) {
        int count = SAMPLES - at < 5000 ? SAMPLES - at : 5000;
        assert_int_equal(pp_activity_add(activity, stem + at, mixture + at, count, &err), PP_OK);
    }
    const pp_annotation *rows = NULL;
    int64_t count = 0;
    assert_int_equal(pp_activity_finish(activity, &rows, &count, &err), PP_OK);
    assert_int_equal(count, 2);
    assert_true(fabs(rows[0].start_s - 1) < 0.11 && fabs(rows[0].end_s - 6) < 0.11);
    assert_true(fabs(rows[1].start_s - 9) < 0.11);
    assert_true(fabs(rows[1].end_s - (double)SAMPLES / RATE) < 1e-9);
    assert_true(rows[0].source == 1 && rows[0].label[0] == 0);
    assert_true(fabs(rows[1].level_db - (20 * log10(0.1) - 3.01)) < 0.3);
    pp_activity_destroy(&activity);
    test_free(stem);
    test_free(mixture);
}

static void silence_is_never_on(void **state)
{
    (void)state;
    pp_cut cut = cut_of(30000);
    float *silence = test_calloc(30000, sizeof *silence);
    const pp_annotation *rows = NULL;
    int64_t count = 1;
    pp_error err = {0};
    pp_activity *activity = NULL;
    assert_int_equal(pp_activity_create(&activity, &cut, 0, 0, &err), PP_OK);
    assert_int_equal(pp_activity_add(activity, silence, silence, 30000, &err), PP_OK);
    assert_int_equal(pp_activity_finish(activity, &rows, &count, &err), PP_OK);
    assert_int_equal(count, 0);
    assert_true(pp_level_db(0) == PP_SILENCE_DB && pp_level_db(1) == 0);
    pp_activity_destroy(&activity);
    test_free(silence);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels_are_those_of_each_window),
        cmocka_unit_test(a_source_is_on_while_it_sounds),
        cmocka_unit_test(silence_is_never_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
