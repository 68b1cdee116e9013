/* eval: spectrograms through masks, ideal masks, NMF, means with their intervals. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "eval/bss.h"
#include "eval/confidence.h"
#include "eval/masks.h"
#include "eval/nmf.h"
#include "eval/nmf_group.h"
#include "eval/spectrogram.h"

enum { N_FFT = 256, HOP = 64, FRAMES = 64, ROWS = 80, BINS = N_FFT / 2 + 1 };
enum { SAMPLES = HOP * FRAMES - 1, CELLS = ROWS * FRAMES };

static pp_spectrogram *make(void)
{
    pp_spectrogram *s = NULL;
    pp_error err = {0};
    const pp_spectrogram_shape shape = {N_FFT, HOP, FRAMES, ROWS};
    assert_int_equal(pp_spectrogram_create(&s, shape, &err), PP_OK);
    assert_int_equal(pp_spectrogram_bins(s), BINS);
    assert_int_equal(pp_spectrogram_most_samples(s), SAMPLES);
    return s;
}

/* A melody of short notes with harmonics, its timbre and tune from `seed`. */
static float *melody(uint64_t seed, int64_t samples)
{
    float *sound = pp_alloc((size_t)samples, sizeof *sound);
    pp_random random;
    pp_random_seed(&random, seed, 0);
    double frequency = 0.0, phase = 0.0;
    for (int64_t n = 0; n < samples; n++) {
        if (n % 700 == 0) frequency = 0.2 * pow(2.0, (double)pp_random_below(&random, 4) / 4.0);
        phase += frequency * (1.0 + 0.7 * (double)(seed % 3));
        double fade = exp(-(double)(n % 700) / 300.0);
        sound[n] = (float)(0.3 * fade * (sin(phase) + 0.5 * sin(2 * phase) + 0.2 * sin(5 * phase)));
    }
    return sound;
}

static void a_constant_mask_scales_every_sample(void **state)
{
    (void)state;
    pp_spectrogram *s = make();
    float *mask = pp_alloc(BINS * FRAMES, sizeof *mask), *out = pp_alloc(SAMPLES, sizeof *out);
    for (int i = 0; i < BINS * FRAMES; i++) mask[i] = 0.3F;
    const int64_t lengths[] = {SAMPLES, SAMPLES - 100, 64, 63, 1};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        float *sound = melody(1, lengths[l]);
        sound[0] = 0.5F;
        pp_spectrogram_analyse(s, sound, lengths[l]);
        for (int grid = PP_MASK_LINEAR; grid <= PP_MASK_LOG; grid++) {
            pp_spectrogram_separate(s, mask, (pp_mask_grid)grid, out);
            for (int64_t n = 0; n < lengths[l]; n++) {
                assert_true(fabsf(out[n] - 0.3F * sound[n]) < 1e-6F);
            }
        }
        pp_free(sound);
    }
    pp_free(out);
    pp_free(mask);
    pp_spectrogram_destroy(&s);
}

static void binary_masks_pass_what_lies_above_one_half(void **state)
{
    (void)state;
    pp_spectrogram *s = make();
    float *mask = pp_alloc(CELLS, sizeof *mask), *out = pp_alloc(SAMPLES, sizeof *out);
    float *sound = melody(1, SAMPLES);
    pp_spectrogram_analyse(s, sound, SAMPLES);
    for (int i = 0; i < CELLS; i++) mask[i] = 0.51F;
    pp_spectrogram_separate(s, mask, PP_MASK_LOG_BINARY, out);
    for (int n = 0; n < SAMPLES; n++) assert_true(fabsf(out[n] - sound[n]) < 1e-6F);
    for (int i = 0; i < CELLS; i++) mask[i] = 0.49F;
    pp_spectrogram_separate(s, mask, PP_MASK_LOG_BINARY, out);
    for (int n = 0; n < SAMPLES; n++) assert_true(out[n] == 0.0F);
    pp_free(sound);
    pp_free(out);
    pp_free(mask);
    pp_spectrogram_destroy(&s);
}

/* Two melodies, their mixture, and what each baseline makes of it. */
typedef struct scene {
    pp_spectrogram *mixture, *parts[2];
    float *sounds[2], *mix, *estimates[2];
} scene;

static void set_scene(scene *z)
{
    z->mixture = make();
    z->mix = pp_alloc(SAMPLES, sizeof(float));
    for (int i = 0; i < 2; i++) {
        z->parts[i] = make();
        z->sounds[i] = melody((uint64_t)i + 1, SAMPLES);
        z->estimates[i] = pp_alloc(SAMPLES, sizeof(float));
        for (int n = 0; n < SAMPLES; n++) z->mix[n] += z->sounds[i][n];
        pp_spectrogram_analyse(z->parts[i], z->sounds[i], SAMPLES);
    }
    pp_spectrogram_analyse(z->mixture, z->mix, SAMPLES);
}

static void strike(scene *z)
{
    for (int i = 0; i < 2; i++) {
        pp_spectrogram_destroy(&z->parts[i]);
        pp_free(z->sounds[i]);
        pp_free(z->estimates[i]);
    }
    pp_spectrogram_destroy(&z->mixture);
    pp_free(z->mix);
}

static double mean_sdr(const scene *z, const float *const *estimates)
{
    pp_bss_result result;
    pp_error err = {0};
    assert_int_equal(
        pp_bss_eval((const float *const *)z->sounds, estimates, 2, SAMPLES, 16, 0, &result, &err),
        PP_OK);
    return 0.5 * (result.sdr_db[0] + result.sdr_db[1]);
}

static void ideal_masks_beat_nmf_and_nmf_beats_the_mixture(void **state)
{
    (void)state;
    scene z = {0};
    set_scene(&z);
    const float *both[2] = {z.mix, z.mix};
    const float *const *estimates = (const float *const *)z.estimates;
    const float *warped[2] = {pp_spectrogram_warped(z.parts[0]), pp_spectrogram_warped(z.parts[1])};
    const float *linear[2] = {pp_spectrogram_magnitude(z.parts[0]),
                              pp_spectrogram_magnitude(z.parts[1])};
    float *mask = pp_alloc(CELLS, sizeof *mask);
    float *masks[2] = {pp_alloc(BINS * FRAMES, sizeof(float)),
                       pp_alloc(BINS * FRAMES, sizeof(float))};
    double none = mean_sdr(&z, both);
    for (int i = 0; i < 2; i++) {
        pp_mask_ideal_binary(warped[i], pp_spectrogram_warped(z.mixture), CELLS, mask);
        pp_spectrogram_separate(z.mixture, mask, PP_MASK_LOG_BINARY, z.estimates[i]);
    }
    double binary = mean_sdr(&z, estimates);
    for (int i = 0; i < 2; i++) {
        pp_mask_ideal_ratio(warped, 2, i, CELLS, mask);
        pp_spectrogram_separate(z.mixture, mask, PP_MASK_LOG, z.estimates[i]);
    }
    double ratio = mean_sdr(&z, estimates);
    double nmf_sdr[3];
    for (int d = 0; d < 3; d++) {
        pp_nmf *nmf = NULL;
        pp_error err = {0};
        const pp_nmf_options options = {12, 60, (pp_nmf_divergence)d, 1};
        assert_int_equal(pp_nmf_create(&nmf, BINS, FRAMES, &options, &err), PP_OK);
        pp_nmf_factor(nmf, pp_spectrogram_magnitude(z.mixture));
        pp_nmf_masks(nmf, PP_NMF_ORACLE, linear, 2, masks);
        for (int i = 0; i < BINS * FRAMES; i++) {
            assert_true(fabsf(masks[0][i] + masks[1][i] - 1.0F) < 1e-5F);
        }
        for (int i = 0; i < 2; i++) {
            pp_spectrogram_separate(z.mixture, masks[i], PP_MASK_LINEAR, z.estimates[i]);
        }
        nmf_sdr[d] = mean_sdr(&z, estimates);
        pp_nmf_destroy(&nmf);
    }
    print_message("SDR: mixture %.1f, NMF kl %.1f euclidean %.1f is %.1f, ideal binary %.1f, "
                  "ideal ratio %.1f dB\n",
                  none, nmf_sdr[0], nmf_sdr[1], nmf_sdr[2], binary, ratio);
    assert_true(binary > none + 8.0 && ratio > none + 8.0);
    assert_true(nmf_sdr[PP_NMF_KL] > none + 3.0 && nmf_sdr[PP_NMF_KL] < ratio);
    assert_true(nmf_sdr[PP_NMF_EUCLIDEAN] > none + 1.0);
    pp_free(masks[0]);
    pp_free(masks[1]);
    pp_free(mask);
    strike(&z);
}

/* Six spectra of three timbres (dark, bright, in between), two pitches each: grouped by timbre
 * without being told, and the groups named after the sources they overlap. */
static void blind_grouping_finds_timbres(void **state)
{
    (void)state;
    enum { R = 256, RANK = 6, C = 8 };
    static const int timbre[RANK] = {1, 0, 2, 2, 0, 1}, source_of_timbre[3] = {2, 0, 1};
    float *w = pp_alloc(R * RANK, sizeof *w), h[RANK * C];
    double shares[RANK * 3], features[RANK * PP_NMF_FEATURES];
    for (int k = 0; k < RANK; k++) {
        const int pitch = 5 + k; /* harmonics lie at its multiples */
        for (int r = 1; r < R; r++) {
            const float slope = timbre[k] == 0   ? expf(-0.05F * (float)r)
                                : timbre[k] == 1 ? 0.2F
                                                 : expf(-powf((float)(r - 60) / 30.0F, 2.0F));
            w[r * RANK + k] = slope * (r % pitch == 0 ? 1.0F : 0.1F);
        }
        for (int c = 0; c < C; c++) h[k * C + c] = 1.0F + (float)(c == k);
        for (int n = 0; n < 3; n++)
            shares[k * 3 + n] = n == source_of_timbre[timbre[k]] ? 2.0 : 1.0;
    }
    const pp_components components = {w, h, R, RANK, C, C};
    for (uint64_t seed = 1; seed <= 5; seed++) {
        int owner[RANK];
        pp_nmf_group(&components, 3, seed, shares, features, owner);
        for (int k = 0; k < RANK; k++) assert_int_equal(owner[k], source_of_timbre[timbre[k]]);
    }
    pp_free(w);
}

static void nmf_descends_and_repeats(void **state)
{
    (void)state;
    enum { R = 30, C = 21 }; /* not a multiple of the padding */
    float *v = pp_alloc(R * C, sizeof *v);
    for (int r = 0; r < R; r++) {
        for (int c = 0; c < C; c++) {
            v[r * C + c] = (float)((1 + r % 3) * (1 + c % 4) + 3 * (r % 5 == 1) * (c % 2) + 0.1);
        }
    }
    for (int d = 0; d < 3; d++) {
        double before = INFINITY;
        for (int iterations = 1; iterations <= 256; iterations *= 4) {
            double left[2];
            for (int again = 0; again < 2; again++) {
                pp_nmf *nmf = NULL;
                pp_error err = {0};
                const pp_nmf_options options = {3, iterations, (pp_nmf_divergence)d, 9};
                assert_int_equal(pp_nmf_create(&nmf, R, C, &options, &err), PP_OK);
                left[again] = pp_nmf_factor(nmf, v);
                pp_nmf_destroy(&nmf);
            }
            assert_true(left[0] == left[1]);
            assert_true(left[0] >= -1e-6 && left[0] <= before * (1.0 + 1e-6));
            before = left[0];
        }
        assert_true(before < 0.05); /* the matrix has rank 3 or close to it */
    }
    pp_free(v);
}

static void every_source_gets_a_component(void **state)
{
    (void)state;
    enum { R = 4, C = 8 };
    float v[R * C], a[R * C], b[R * C], ma[R * C], mb[R * C];
    for (int i = 0; i < R * C; i++) {
        v[i] = (float)(1 + i % 3);
        a[i] = 1.0F;
        b[i] = 0.01F; /* never the louder one */
    }
    const float *sources[2] = {a, b};
    float *masks[2] = {ma, mb};
    pp_nmf *nmf = NULL;
    pp_error err = {0};
    const pp_nmf_options options = {2, 5, PP_NMF_KL, 1};
    assert_int_equal(pp_nmf_create(&nmf, R, C, &options, &err), PP_OK);
    pp_nmf_factor(nmf, v);
    pp_nmf_masks(nmf, PP_NMF_ORACLE, sources, 2, masks);
    float most = 0.0F;
    for (int i = 0; i < R * C; i++) most = fmaxf(most, mb[i]);
    assert_true(most > 0.1F);
    pp_nmf_destroy(&nmf);
    const pp_nmf_options bad = {0, 5, PP_NMF_KL, 1};
    assert_int_equal(pp_nmf_create(&nmf, R, C, &bad, &err), PP_ERR_USAGE);
    assert_null(nmf);
}

static void intervals_hold_the_mean_and_shrink(void **state)
{
    (void)state;
    static double values[1600], room[PP_BOOTSTRAP_RESAMPLES];
    pp_random random;
    pp_random_seed(&random, 4, 0);
    for (int i = 0; i < 1600; i++) values[i] = 5.0 + 2.0 * pp_random_normal(&random);
    pp_mean few = pp_mean_of(values, 100, 1, room), many = pp_mean_of(values, 1600, 1, room);
    /* 1.96 sigma / sqrt(n) on either side: 0.39 and 0.098 */
    assert_true(fabs((few.high - few.low) / 2.0 - 0.39) < 0.1);
    assert_true(fabs((many.high - many.low) / 2.0 - 0.098) < 0.015);
    assert_true(few.low < few.mean && few.mean < few.high);
    assert_true(fabs(many.mean - 5.0) < 0.2);
    pp_mean again = pp_mean_of(values, 100, 1, room);
    assert_true(again.low == few.low && again.high == few.high);
    assert_true(isnan(pp_mean_of(values, 0, 1, room).mean));
    pp_mean one = pp_mean_of(values, 1, 1, room);
    assert_true(one.low == values[0] && one.high == values[0]);
    values[3] = INFINITY;
    assert_true(isinf(pp_mean_of(values, 10, 1, room).mean));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_mask_scales_every_sample),
        cmocka_unit_test(binary_masks_pass_what_lies_above_one_half),
        cmocka_unit_test(ideal_masks_beat_nmf_and_nmf_beats_the_mixture),
        cmocka_unit_test(blind_grouping_finds_timbres),
        cmocka_unit_test(nmf_descends_and_repeats),
        cmocka_unit_test(every_source_gets_a_component),
        cmocka_unit_test(intervals_hold_the_mean_and_shrink),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
