/* The labeller: fitted to made-up samples, calibrated, unsure where it should be, kept in a model
 * file; and the features it is fitted to. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../lib/small_model.h"
#include "base/memory.h"
#include "base/random.h"
#include "dsp/stft.h"
#include "pipeline/label_features.h"
#include "pipeline/relabel.h"
#include "train/label_fit.h"

/* ---- made-up samples: clouds in a plane of many dimensions ----------------------------------- */

enum { D = 6, C = 3, MOST = 3000 };

typedef struct world {
    float x[MOST * D];
    int y[MOST], video[MOST], count;
} world;

/* Clouds `apart` deviations from each other along one axis each; the last feature is constant. */
static void make_clouds(world *w, int count, double apart, uint64_t seed)
{
    pp_random random;
    pp_random_seed(&random, seed, 0);
    w->count = count;
    for (int i = 0; i < count; i++) {
        w->y[i] = i % C;
        w->video[i] = i / 2; /* two samples a video */
        for (int k = 0; k < D - 1; k++) {
            double middle = k == w->y[i] ? apart : 0;
            w->x[i * D + k] = (float)(100 + 20 * (middle + pp_random_normal(&random)));
        }
        w->x[i * D + D - 1] = 7;
    }
}

static pp_label_samples samples_of(const world *w)
{
    return (pp_label_samples){
        .count = w->count, .features = D, .classes = C, .x = w->x, .y = w->y, .video = w->video};
}

static void name_classes(pp_labeller *labeller)
{
    static const char *const names[] = {"violin", "my kazoo", "Acoustic Guitar"};
    labeller->layout = PP_LABEL_LAYOUT;
    for (int i = 0; i < labeller->classes; i++) {
        snprintf(labeller->names[i], sizeof labeller->names[i], "%s", names[i]);
        snprintf(labeller->audioset_ids[i], sizeof labeller->audioset_ids[i], "%s",
                 pp_audioset_id(names[i]));
    }
    MUST(pp_labeller_complete(labeller, &why));
}

/* ---- the fit --------------------------------------------------------------------------------- */

static void the_gradient_is_that_of_the_loss(void **state)
{
    (void)state;
    enum { N = 20 };
    double x[N * D], theta[C * (D + 1)], gradient[C * (D + 1)], ignored[C * (D + 1)], room[C];
    int y[N];
    unsigned char chosen[N];
    pp_random random;
    pp_random_seed(&random, 3, 0);
    for (int i = 0; i < N * D; i++) x[i] = pp_random_normal(&random);
    for (int i = 0; i < C * (D + 1); i++) theta[i] = 0.3 * pp_random_normal(&random);
    for (int i = 0; i < N; i++) y[i] = i % C, chosen[i] = i % 4 != 0;
    const pp_label_problem problem = {
        .count = N, .features = D, .classes = C, .x = x, .y = y, .chosen = chosen, .penalty = 0.1};
    pp_label_loss(&problem, theta, gradient, room);
    for (int i = 0; i < C * (D + 1); i++) {
        double was = theta[i], h = 1e-5;
        theta[i] = was + h;
        double above = pp_label_loss(&problem, theta, ignored, room);
        theta[i] = was - h;
        double below = pp_label_loss(&problem, theta, ignored, room);
        theta[i] = was;
        assert_float_equal((above - below) / (2 * h), gradient[i], 1e-8);
    }
}

static void the_minimum_is_reached(void **state)
{
    (void)state;
    world *w = pp_alloc(1, sizeof *w);
    double *x = pp_alloc(300 * D, sizeof *x), loss = 0, room[C];
    double theta[C * (D + 1)] = {0}, gradient[C * (D + 1)];
    make_clouds(w, 300, 1.5, 4);
    for (int i = 0; i < 300 * D; i++) x[i] = ((double)w->x[i] - 100) / 20;
    const pp_label_problem problem = {
        .count = 300, .features = D, .classes = C, .x = x, .y = w->y, .penalty = 1e-3};
    MUST(pp_label_minimise(&problem, theta, &loss, &why));
    assert_float_equal(pp_label_loss(&problem, theta, gradient, room), loss, 1e-12);
    double length = 0;
    for (int i = 0; i < C * (D + 1); i++) length += gradient[i] * gradient[i];
    assert_true(sqrt(length) < 1e-5);
    assert_true(loss < 0.75 && loss > 0.3);
    pp_free(x);
    pp_free(w);
}

/* Three clouds 3 deviations out on their axes: the best possible classifier is right with a
 * probability of 1 - error where nearest means share pairs at distance 3 sqrt 2: about 0.967. */
static void clouds_are_told_apart(void **state)
{
    (void)state;
    world *w = pp_alloc(1, sizeof *w), *fresh = pp_alloc(1, sizeof *fresh);
    pp_labeller labeller;
    pp_label_report report;
    pp_label_options options;
    pp_label_options_default(&options);
    make_clouds(w, 900, 3, 5);
    make_clouds(fresh, 3000, 3, 6);
    pp_label_samples samples = samples_of(w);
    MUST(pp_label_fit(&labeller, &samples, &options, &report, &why));
    name_classes(&labeller);
    assert_int_equal(report.videos, 450);
    assert_true(report.accuracy > 0.94 && report.accuracy < 0.99);
    assert_true(report.calibration_error < 0.03);
    assert_true(report.sure_precision >= 0.95);
    assert_true(report.confusion_count > 0);
    int right = 0, sure = 0, sure_right = 0;
    double believed = 0;
    for (int i = 0; i < fresh->count; i++) {
        pp_label label;
        MUST(pp_labeller_decide(&labeller, fresh->x + i * D, &label, &why));
        int is_right = label.index == fresh->y[i];
        right += is_right;
        believed += (double)label.confidence;
        if (strcmp(label.name, PP_LABEL_UNKNOWN) == 0) {
            assert_true((double)label.confidence < labeller.threshold);
            assert_string_equal(label.audioset_id, "");
            continue;
        }
        assert_string_equal(label.name, labeller.names[label.index]);
        sure++;
        sure_right += is_right;
    }
    assert_true((double)right / fresh->count > 0.95);
    assert_float_equal(believed / fresh->count, (double)right / fresh->count, 0.02);
    assert_true((double)sure_right / sure > 0.95);
    pp_labeller_clear(&labeller);
    pp_free(w);
    pp_free(fresh);
}

/* Clouds that overlap: the threshold keeps what is given right, and chance labels are not given. */
static void what_is_not_sure_is_unknown(void **state)
{
    (void)state;
    world *w = pp_alloc(1, sizeof *w);
    pp_labeller labeller;
    pp_label_report report;
    pp_label_options options;
    pp_label_options_default(&options);
    make_clouds(w, 1500, 1.6, 7);
    pp_label_samples samples = samples_of(w);
    MUST(pp_label_fit(&labeller, &samples, &options, &report, &why));
    assert_true(report.accuracy > 0.6 && report.accuracy < 0.85);
    assert_true(report.sure_precision >= 0.95);
    assert_true(report.sure_share > 0.05 && report.sure_share < 0.7);
    assert_true(report.threshold > 0.6);
    pp_labeller_clear(&labeller);
    pp_random random;
    pp_random_seed(&random, 8, 0);
    for (int i = 0; i < w->count; i++) w->y[i] = (int)pp_random_below(&random, C);
    MUST(pp_label_fit(&labeller, &samples, &options, &report, &why));
    assert_true(report.accuracy < 0.45 && report.sure_share < 0.05);
    pp_labeller_clear(&labeller);
    pp_free(w);
}

/* Two samples of one video are the same but for their label's noise: with one of them in the fit,
 * the other would be no test. */
static void videos_are_left_out_whole(void **state)
{
    (void)state;
    enum { VIDEOS = 60 };
    world *w = pp_alloc(1, sizeof *w);
    pp_labeller labeller;
    pp_label_report report;
    pp_label_options options;
    pp_label_options_default(&options);
    make_clouds(w, 2 * VIDEOS, 0, 9);
    pp_random random;
    pp_random_seed(&random, 10, 0);
    for (int v = 0; v < VIDEOS; v++) { /* a label by chance, the same for twins */
        memcpy(w->x + (2 * v + 1) * D, w->x + 2 * v * D, D * sizeof(float));
        w->y[2 * v] = w->y[2 * v + 1] = v % C;
    }
    options.penalty = 1e-6;
    pp_label_samples samples = samples_of(w);
    MUST(pp_label_fit(&labeller, &samples, &options, &report, &why));
    assert_true(report.accuracy < 0.55);
    pp_labeller_clear(&labeller);
    pp_free(w);
}

static void too_little_is_refused(void **state)
{
    (void)state;
    world *w = pp_alloc(1, sizeof *w);
    pp_labeller labeller;
    pp_label_report report;
    pp_label_options options;
    pp_error err = {0};
    pp_label_options_default(&options);
    make_clouds(w, 30, 3, 11);
    pp_label_samples samples = samples_of(w);
    for (int i = 0; i < w->count; i++) {
        if (w->y[i] == 2) w->video[i] = 1000;
    }
    assert_int_equal(pp_label_fit(&labeller, &samples, &options, &report, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "class 2"));
    samples.classes = 1;
    pp_error_clear(&err);
    assert_int_equal(pp_label_fit(&labeller, &samples, &options, &report, &err), PP_ERR_USAGE);
    pp_labeller_clear(&labeller);
    pp_free(w);
}

/* ---- calibration ----------------------------------------------------------------------------- */

/* Scores that are three times too confident: the temperature is 3. */
static void the_temperature_is_found(void **state)
{
    (void)state;
    enum { N = 20000 };
    double *scores = pp_alloc(N * 2, sizeof *scores), room[2];
    int *y = pp_alloc(N, sizeof *y);
    pp_random random;
    pp_random_seed(&random, 12, 0);
    for (int i = 0; i < N; i++) {
        double logit = 2 * pp_random_normal(&random);
        y[i] = pp_random_uniform(&random) < 1 / (1 + exp(-logit));
        scores[2 * i + 1] = 3 * logit;
    }
    double temperature = pp_label_find_temperature(scores, y, N, 2, room);
    assert_float_equal(temperature, 3, 0.15);
    for (int i = 0; i < N; i++) pp_labeller_softmax(scores + (size_t)2 * (size_t)i, 2, temperature);
    assert_true(pp_label_calibration_error(scores, y, N, 2) < 0.02);
    pp_free(scores);
    pp_free(y);
}

static void the_threshold_is_the_lowest_that_will_do(void **state)
{
    (void)state;
    pp_label_sure sure[] = {{0.9, 1}, {0.6, 0},  {0.95, 1}, {0.8, 1},
                            {0.7, 1}, {0.65, 1}, {0.55, 0}};
    assert_float_equal(pp_label_find_threshold(sure, 7, 1.0), 0.625, 1e-12);
    assert_float_equal(pp_label_find_threshold(sure, 7, 0.8), 0.575, 1e-12);
    assert_float_equal(pp_label_find_threshold(sure, 7, 0.5), 0.5, 1e-12);
    pp_label_sure tied[] = {{0.9, 1}, {0.9, 0}};
    assert_float_equal(pp_label_find_threshold(tied, 2, 0.95), 1, 1e-12);
}

/* ---- in the model file ----------------------------------------------------------------------- */

static void a_labeller_comes_back_and_changes_no_network(void **state)
{
    (void)state;
    char folder[64], path[96];
    pp_model_file file, read = {0};
    pp_h5 *h5 = NULL;
    assert_int_equal(make_folder(folder), 0);
    snprintf(path, sizeof path, "%s/named.h5", folder);
    import_small(&file, "zip");
    MUST(pp_model_file_complete(&file, &why));
    pp_model_identity before = file.identity;
    assert_string_equal(before.label_digest, "");
    MUST(pp_labeller_make(&file.labeller, 3, D, &why));
    file.labeller.temperature = 1.0 / 3;
    file.labeller.threshold = 0.7234567890123;
    file.labeller.training = pp_strdup("{\"videos\": 12}");
    pp_tensors_find(&file.labeller.tensors, "weight")->values[4] = 0.1f;
    name_classes(&file.labeller);
    MUST(pp_model_file_write(&file, pp_fileops_system(), path, &why));
    MUST(pp_h5_open(&h5, pp_fileops_system(), path, &why));
    MUST(pp_model_file_read(&read, h5, 0, &why));
    pp_h5_close(&h5);
    assert_string_equal(read.identity.digest, before.digest);
    assert_string_equal(read.identity.label_digest, file.labeller.digest);
    assert_int_equal(read.labeller.classes, 3);
    assert_string_equal(read.labeller.names[1], "my kazoo");
    assert_string_equal(read.labeller.audioset_ids[0], "/m/07y_7");
    assert_string_equal(read.labeller.audioset_ids[1], "");
    assert_string_equal(read.labeller.audioset_ids[2], "/m/042v_gx");
    assert_true(read.labeller.threshold == file.labeller.threshold);
    assert_non_null(strstr(read.labeller.training, "12"));

    /* Each of its parts is in the digest. */
    char digest[PP_HASH_HEX];
    memcpy(digest, read.labeller.digest, sizeof digest);
    read.labeller.threshold = 0.5;
    MUST(pp_labeller_complete(&read.labeller, &why));
    assert_string_not_equal(digest, read.labeller.digest);
    memcpy(digest, read.labeller.digest, sizeof digest);
    pp_tensors_find(&read.labeller.tensors, "bias")->values[0] = 1;
    MUST(pp_labeller_complete(&read.labeller, &why));
    assert_string_not_equal(digest, read.labeller.digest);
    strcpy(read.labeller.names[1], "VIOLIN");
    pp_error err = {0};
    assert_int_equal(pp_labeller_complete(&read.labeller, &err), PP_ERR_FORMAT);
    pp_model_file_clear(&file);
    pp_model_file_clear(&read);
    assert_int_equal(remove_folder(folder), 0);
}

static void odd_features_are_unknown(void **state)
{
    (void)state;
    pp_labeller labeller;
    pp_archive_source source;
    enum { K_HERE = 2 };
    float features[256] = {0};
    int d = pp_label_feature_count(K_HERE);
    MUST(pp_labeller_make(&labeller, 3, d, &why));
    pp_tensors_find(&labeller.tensors, "bias")->values[0] = 9;
    name_classes(&labeller);
    MUST(pp_labeller_check(&labeller, K_HERE, &why));
    features[0] = 3; /* seen, but never heard */
    MUST(pp_label_source(&labeller, features, K_HERE, &source, &why));
    assert_string_equal(source.label, "unknown");
    assert_true(source.confidence == 0);
    features[K_HERE] = -1;
    MUST(pp_label_source(&labeller, features, K_HERE, &source, &why));
    assert_string_equal(source.label, "violin");
    assert_true((double)source.confidence > 0.99);
    features[0] = NAN;
    MUST(pp_label_source(&labeller, features, K_HERE, &source, &why));
    assert_string_equal(source.label, "unknown");
    MUST(pp_label_source(NULL, features, K_HERE, &source, &why));
    assert_string_equal(source.label, "");
    labeller.layout++;
    pp_error err = {0};
    assert_int_equal(pp_labeller_check(&labeller, K_HERE, &err), PP_ERR_FORMAT);
    pp_labeller_clear(&labeller);
}

/* ---- features -------------------------------------------------------------------------------- */

enum { RATE = 11025, SAMPLES = 30000, SUMS = PP_LABEL_SUMS };

/* Harmonics of a note that is struck again and again; odd ones only where asked for. */
static void make_note(float *sound, double pitch_hz, int odd_only, double gain, double decay)
{
    for (int i = 0; i < SAMPLES; i++) {
        double t = (double)(i % 5000) / RATE, sum = 0;
        for (int h = 1; h * pitch_hz < 0.45 * RATE; h += odd_only ? 2 : 1) {
            sum += sin(2 * M_PI * h * pitch_hz * i / RATE) / h;
        }
        sound[i] = (float)(gain * exp(-decay * t) * sum);
    }
}

/* The features of a sound, its frames handed over in parts of `part`. */
static void measure(const float *sound, int part, float *features)
{
    pp_stft *stft = NULL;
    pp_label_meter *meter = NULL;
    double sums[SUMS] = {0}, nothing[3] = {0};
    const float vector = 0.5f;
    MUST(pp_stft_create(&stft, (pp_stft_shape){1022, 256}, &why));
    int64_t frames = pp_stft_frames(stft, SAMPLES);
    int bins = pp_stft_bins(stft);
    float *spectrum = pp_alloc((size_t)(frames * bins * 2), sizeof *spectrum);
    pp_stft_forward(stft, sound, 0, SAMPLES, 0, frames, spectrum);
    MUST(pp_label_meter_create(&meter, bins, 1022, RATE, &why));
    for (int64_t at = 0; at < frames; at += part) {
        double own[SUMS] = {0};
        pp_label_meter_add(meter, spectrum, at, frames - at < part ? frames - at : part, own);
        for (int i = 0; i < SUMS; i++) sums[i] += own[i];
    }
    pp_label_features_finish(sums, nothing, &vector, 1, features);
    pp_label_meter_destroy(&meter);
    pp_stft_destroy(&stft);
    pp_free(spectrum);
}

static double distance(const float *a, const float *b, int from, int count)
{
    double sum = 0;
    for (int i = from; i < from + count; i++) {
        double apart = (double)a[i] - (double)b[i];
        sum += apart * apart;
    }
    return sqrt(sum);
}

static void features_know_timbre_and_not_level(void **state)
{
    (void)state;
    enum {
        F = 3 + PP_LABEL_SOUND_FEATURES,
        LAGS = 1 + PP_LABEL_BANDS + 2 * PP_LABEL_GROUPS + PP_LABEL_ENVELOPE
    };
    float *sound = pp_alloc(SAMPLES, sizeof *sound);
    float reference[F], other[F];
    make_note(sound, 220, 0, 0.5, 4);
    measure(sound, 1000, reference);
    for (int i = 0; i < F; i++) assert_true(isfinite(reference[i]));

    make_note(sound, 220, 0, 0.001, 4); /* quieter by 54 dB */
    measure(sound, 1000, other);
    assert_true(distance(reference, other, 0, F) < 1e-3);

    make_note(sound, 220, 0, 0.5, 40); /* plucked: the level falls faster */
    measure(sound, 1000, other);
    int fall = 1 + PP_LABEL_BANDS + 2 * PP_LABEL_GROUPS + 1;
    assert_true(other[fall] > 1.5f * reference[fall]);

    float odd[F],
        higher[F]; /* odd harmonics: the same again at another pitch, unlike all harmonics */
    make_note(sound, 220, 1, 0.5, 4);
    measure(sound, 1000, odd);
    make_note(sound, 294, 1, 0.5, 4);
    measure(sound, 1000, higher);
    assert_true(distance(odd, reference, LAGS, PP_LABEL_LAGS) >
                2 * distance(odd, higher, LAGS, PP_LABEL_LAGS));
    pp_free(sound);
}

/* Blocks know the frame before them: the sums of parts are those of the whole. */
static void parts_give_the_whole(void **state)
{
    (void)state;
    enum { F = 3 + PP_LABEL_SOUND_FEATURES };
    float *sound = pp_alloc(SAMPLES, sizeof *sound);
    float whole[F], parts[F];
    make_note(sound, 150, 0, 0.3, 9);
    measure(sound, 1000, whole);
    measure(sound, 7, parts);
    assert_true(distance(whole, parts, 0, F) < 1e-5);
    memset(sound, 0, SAMPLES * sizeof *sound);
    measure(sound, 50, parts);
    for (int i = 1; i < F; i++) assert_true(parts[i] == 0);
    pp_free(sound);
}

/* The components, against their definition. */
static void components_are_means_where_it_sounds(void **state)
{
    (void)state;
    enum { R = 3, T = 5, BINS = R * T, KK = 2 };
    const pp_model_shape shape = {.log_rows = R, .window_frames = T, .components = KK};
    uint8_t codes[KK * BINS];
    float scale[KK] = {0.5f, 0.25f}, offset[KK] = {-3, 1}, mask[BINS], magnitude[BINS];
    double sums[2 * KK + 1] = {0}, none[SUMS] = {0};
    float features[3 * KK + PP_LABEL_SOUND_FEATURES], vector[KK] = {0.5f, 1};
    for (int i = 0; i < KK * BINS; i++) codes[i] = (uint8_t)(i * 37 % 251);
    for (int i = 0; i < BINS; i++) mask[i] = (float)(i % 4) / 4, magnitude[i] = (float)(1 + i % 3);
    const pp_quantised_maps maps = {codes, scale, offset};
    pp_label_add_components(&maps, &shape, mask, magnitude, sums);
    pp_label_features_finish(none, sums, vector, KK, features);
    assert_true(features[0] == 0 && features[1] == 12);
    for (int k = 0; k < KK; k++) {
        double weight = 0, mean = 0, square = 0;
        for (int i = 0; i < BINS; i++) {
            double by = (double)(mask[i] * magnitude[i]);
            double value = (double)offset[k] + (double)scale[k] * codes[k * BINS + i];
            weight += by, mean += by * value, square += by * value * value;
        }
        mean /= weight;
        const float *own = features + KK + PP_LABEL_SOUND_FEATURES;
        assert_float_equal(own[k], mean, 1e-5);
        assert_float_equal(own[KK + k], sqrt(square / weight - mean * mean), 1e-4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_is_that_of_the_loss),
        cmocka_unit_test(the_minimum_is_reached),
        cmocka_unit_test(clouds_are_told_apart),
        cmocka_unit_test(what_is_not_sure_is_unknown),
        cmocka_unit_test(videos_are_left_out_whole),
        cmocka_unit_test(too_little_is_refused),
        cmocka_unit_test(the_temperature_is_found),
        cmocka_unit_test(the_threshold_is_the_lowest_that_will_do),
        cmocka_unit_test(a_labeller_comes_back_and_changes_no_network),
        cmocka_unit_test(odd_features_are_unknown),
        cmocka_unit_test(features_know_timbre_and_not_level),
        cmocka_unit_test(parts_give_the_whole),
        cmocka_unit_test(components_are_means_where_it_sounds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
