/* train: settings, learning rates, checkpoints, the history's curve, weights in and out. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "model/classes.h"
#include "model/model.h"
#include "nn/blas.h"
#include "store/commit.h"
#include "train/checkpoint.h"
#include "train/job.h"
#include "train/transfer.h"

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status != PP_OK) fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

static char *work_path(const char *name)
{
    const char *work = getenv("PP_WORK");
    return pp_format("%s/state-%d-%s", work != NULL ? work : "/tmp", (int)getpid(), name);
}

static const pp_train_shape shape = {.rows = 32,
                                     .frames = 16,
                                     .base = 4,
                                     .levels = 3,
                                     .components = 3,
                                     .linear = 1,
                                     .pictures = 2,
                                     .picture_size = 32,
                                     .trunk_width = 2,
                                     .trunk_blocks = {1, 2, 1, 2},
                                     .labels = 2,
                                     .sources = 2,
                                     .batch = 2};

/* A network with weights that have nothing regular about them, statistics included. */
static pp_train_net *make_net(pp_train_shape s)
{
    pp_error err = {0};
    pp_train_net *net;
    OK(pp_train_net_create(&net, &s, &err));
    pp_train_params *p = pp_train_net_params(net);
    pp_train_params_init(p, PP_TRAIN_INIT_HE, 3);
    pp_random random;
    pp_random_seed(&random, 4, 4);
    for (size_t i = 0; i < p->tracked; i++) {
        p->statistics[i] += 0.3F * (float)pp_random_uniform(&random);
    }
    for (size_t i = 0; i < p->count; i++) {
        const pp_train_tensor *t = &p->tensors[i];
        if (pp_train_is_statistic(t) || t->role == PP_TRAIN_WEIGHT) continue;
        for (size_t j = 0; j < t->count; j++) {
            p->values[t->offset + j] += 0.2F * (float)pp_random_normal(&random);
        }
    }
    return net;
}

static int same_values(const pp_train_params *a, const pp_train_params *b, const float *x,
                       const float *y)
{
    for (size_t i = 0; i < a->count; i++) {
        const pp_train_tensor *t = &a->tensors[i];
        const float *p = pp_train_is_statistic(t) ? a->statistics : x;
        const float *q = pp_train_is_statistic(t) ? b->statistics : y;
        if (memcmp(p + t->offset, q + t->offset, t->count * sizeof(float)) != 0) return 0;
    }
    return 1;
}

/* ---- settings ---- */

static void settings_are_read_refused_and_described(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_train_job job;
    char *path = work_path("job.ini");
    const char text[] =
        "[model]\ncondition = both\ntrunk_blocks = 1 2 3 4\nmasks = ratio\n"
        "[data]\ntrain = a.csv\ntrain = /b\ncache = c\n"
        "[mix]\nsources = 2@0 3@500 4@900\n"
        "[train]\nschedule = steps\ndrop_at = 100, 200\nloss = l2\nseed = 7\n[run]\nout = o\n";
    OK(pp_commit_bytes(pp_fileops_system(), path, text, sizeof text - 1, &err));
    OK(pp_train_job_defaults(&job, &err));
    OK(pp_train_job_read(&job, path, &err));
    OK(pp_train_job_set(&job, "train.batch=3", &err));
    OK(pp_train_job_settle(&job, &err));
    assert_int_equal(job.mix.condition, PP_TRAIN_BY_BOTH);
    assert_int_equal(job.mix.ratio_masks, 1);
    assert_int_equal(job.loss, PP_TRAIN_L2);
    assert_int_equal(job.shape.trunk_blocks[3], 4);
    assert_int_equal(job.train_count, 2);
    assert_non_null(strstr(job.train[0], "/a.csv"));
    assert_string_equal(job.train[1], "/b");
    assert_int_equal(job.shape.batch, 3);
    assert_int_equal(job.shape.sources, 4);
    assert_int_equal(pp_train_job_sources(&job, 0), 2);
    assert_int_equal(pp_train_job_sources(&job, 500), 3);
    assert_int_equal(pp_train_job_sources(&job, 5000), 4);
    assert_int_equal(job.rates.drops, 2);
    assert_int_equal(job.shape.base, 64); /* the published shape unless told otherwise */
    pp_json *description = pp_train_job_describe(&job);
    const pp_json *train = pp_json_get(description, "train");
    assert_string_equal(pp_json_text(train, "loss", ""), "l2");
    assert_int_equal(pp_json_int(train, "seed", 0), 7);
    assert_true(pp_json_real(train, "weight_decay", 0) == 1e-4);
    assert_string_equal(
        pp_json_text_at(pp_json_get(pp_json_get(description, "data"), "train"), 0, ""), "a.csv");
    pp_json_free(&description);
    OK(pp_train_job_set(&job, "data.train=/only", &err));
    assert_int_equal(job.train_count, 1);
    const char *const bad[] = {"train.batch=0",
                               "train.batch",
                               "x.y=1",
                               "train.loss=bcf",
                               "mix.sources=3@5",
                               "mix.sources=2@0 3@0",
                               "mix.sources=99",
                               "model.trunk_blocks=1 2",
                               "train.drop_at=a",
                               "augment.noise_db=3",
                               "data.folder_labels=perhaps"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pp_error refused = {0};
        if (pp_train_job_set(&job, bad[i], &refused) != PP_ERR_USAGE)
            fail_msg("%s was taken", bad[i]);
        assert_true(refused.message[0] != 0);
    }
    pp_train_job_free(&job);
    unlink(path);
    pp_free(path);
}

static void rates_warm_up_and_fall(void **state)
{
    (void)state;
    pp_train_rates rates = {.base = {1, 2, 4}, .warmup_steps = 10, .steps = 101};
    double r[PP_TRAIN_GROUPS];
    pp_train_rates_at(&rates, 0, r);
    assert_true(fabs(r[0] - 0.1) < 1e-12 && fabs(r[2] - 0.4) < 1e-12);
    pp_train_rates_at(&rates, 50, r);
    assert_true(r[0] == 1 && r[1] == 2);
    rates.schedule = PP_TRAIN_STEPS;
    rates.drop_at[0] = 40;
    rates.drop_at[1] = 80;
    rates.drops = 2;
    rates.drop_factor = 0.1;
    pp_train_rates_at(&rates, 39, r);
    assert_true(r[0] == 1);
    pp_train_rates_at(&rates, 80, r);
    assert_true(fabs(r[0] - 0.01) < 1e-12);
    rates.schedule = PP_TRAIN_COSINE;
    rates.last_share = 0.1;
    pp_train_rates_at(&rates, 50, r);
    assert_true(fabs(r[0] - 0.55) < 1e-12);
    pp_train_rates_at(&rates, 100, r);
    assert_true(fabs(r[0] - 0.1) < 1e-12);
    pp_train_rates_at(&rates, 1000, r);
    assert_true(fabs(r[0] - 0.1) < 1e-12);
}

/* ---- checkpoints ---- */

static pp_train_state state_of(pp_train_net *net, pp_train_optimiser *optimiser, float *average,
                               pp_train_history *history)
{
    static char violin[] = "violin", tuba[] = "tuba";
    static char *const labels[] = {tuba, violin};
    return (pp_train_state){.params = pp_train_net_params(net),
                            .optimiser = optimiser,
                            .average = average,
                            .history = history,
                            .labels = labels,
                            .label_count = 2,
                            .job = "{}"};
}

static void checkpoints_come_back_whole(void **state)
{
    (void)state;
    pp_error err = {0};
    const pp_train_optimiser_options options = {
        .method = PP_TRAIN_ADAMW, .beta1 = 0.9, .beta2 = 0.99};
    pp_train_net *one = make_net(shape), *two = make_net(shape);
    pp_train_params *p = pp_train_net_params(one), *q = pp_train_net_params(two);
    pp_train_optimiser *o, *r;
    OK(pp_train_optimiser_create(&o, &options, p, &err));
    OK(pp_train_optimiser_create(&r, &options, q, &err));
    float *average = pp_alloc(p->trained, sizeof(float)),
          *other = pp_alloc(p->trained, sizeof(float));
    for (size_t i = 0; i < p->trained; i++) {
        o->first[i] = (float)i, o->second[i] = (float)i + 0.5F, average[i] = -(float)i;
        q->values[i] = 9;
    }
    o->steps = 77;
    pp_train_history history = {0}, read = {0};
    const pp_train_point point = {5, 0.25, 1.5, 1e-3, NAN, NAN, NAN, 3.5, -0.5, 12};
    OK(pp_train_history_add(&history, &point, &err));
    OK(pp_train_history_add(&history, &point, &err));
    pp_train_state s = state_of(one, o, average, &history), t = state_of(two, r, other, &read);
    s.step = 123, s.ranks = 3, s.hours = 1.25, s.best_loss = INFINITY, s.loss_sum = 4,
    s.loss_steps = 2;
    char *path = work_path("checkpoint.h5");
    OK(pp_train_checkpoint_write(&s, pp_fileops_system(), path, &err));
    OK(pp_train_checkpoint_read(&t, pp_fileops_system(), path, &err));
    assert_true(same_values(p, q, p->values, q->values));
    assert_true(same_values(p, q, o->first, r->first));
    assert_true(same_values(p, q, o->second, r->second));
    assert_true(same_values(p, q, average, other));
    assert_int_equal(t.step, 123);
    assert_int_equal(t.ranks, 3);
    assert_int_equal(r->steps, 77);
    assert_true(t.hours == 1.25 && isinf(t.best_loss) && t.loss_sum == 4 && t.loss_steps == 2);
    assert_int_equal(read.count, 2);
    assert_true(read.points[1].label_sdr_db == 3.5 && isnan(read.points[1].gain_db));
    /* another order of labels is another training */
    static char first[] = "violin", second[] = "tuba";
    char *const swapped[] = {first, second};
    t.labels = swapped;
    pp_error refused = {0};
    assert_int_equal(pp_train_checkpoint_read(&t, pp_fileops_system(), path, &refused),
                     PP_ERR_USAGE);
    /* so is another shape */
    pp_train_shape wider = shape;
    wider.base = 5;
    pp_train_net *third = make_net(wider);
    pp_train_state u = state_of(third, NULL, NULL, NULL);
    pp_error mismatch = {0};
    assert_int_not_equal(pp_train_checkpoint_read(&u, pp_fileops_system(), path, &mismatch), PP_OK);
    char **labels = NULL;
    int64_t count = 0;
    OK(pp_train_checkpoint_labels(pp_fileops_system(), path, &labels, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(labels[0], "tuba");
    pp_h5_free_texts(&labels, count);
    pp_train_history_free(&history), pp_train_history_free(&read);
    pp_free(average), pp_free(other);
    pp_train_optimiser_destroy(&o), pp_train_optimiser_destroy(&r);
    pp_train_net_destroy(&one), pp_train_net_destroy(&two), pp_train_net_destroy(&third);
    unlink(path);
    pp_free(path);
}

static void curves_are_drawn_of_what_was_measured(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_train_history history = {0};
    char *plot = pp_train_history_plot(&history, "nothing <yet>");
    assert_non_null(strstr(plot, "nothing &lt;yet>"));
    assert_null(strstr(plot, "nan"));
    pp_free(plot);
    for (int i = 0; i < 50; i++) {
        const double measured = i % 10 == 9 ? 1.0 / i : NAN;
        const pp_train_point p = {i,   0.1 * i, 2.0 / (i + 1), 1e-3, measured, NAN,
                                  NAN, 3,       measured,      12};
        OK(pp_train_history_add(&history, &p, &err));
    }
    plot = pp_train_history_plot(&history, "trained");
    assert_non_null(strstr(plot, "validation</text>"));
    assert_non_null(strstr(plot, "asked by name"));
    assert_null(strstr(plot, "asked by picture")); /* never measured */
    assert_null(strstr(plot, "nan"));
    assert_null(strstr(plot, "inf"));
    pp_free(plot);
    pp_train_history_free(&history);
}

/* ---- weights in and out ---- */

static void set_job(pp_train_job *job)
{
    pp_error err = {0};
    OK(pp_train_job_defaults(job, &err));
    OK(pp_train_job_set(job, "model.n_fft=62", &err));
    OK(pp_train_job_set(job, "model.hop_samples=16", &err));
    OK(pp_train_job_set(job, "model.name=small", &err));
    job->shape = shape;
    job->window_frames = shape.frames;
}

/* The exported model, run by the code that everything else uses, gives the masks of the network. */
static void exported_models_compute_the_same(void **state)
{
    (void)state;
    static char violin[] = "violin", tuba[] = "tuba";
    char *const labels[] = {tuba, violin};
    enum { BINS = 32 * 16, PICTURE = 32 * 32 * 3 };
    pp_error err = {0};
    pp_train_job job;
    pp_train_net *net = make_net(shape);
    pp_train_params *p = pp_train_net_params(net);
    char *path = work_path("model.h5");
    set_job(&job);
    OK(pp_train_export(&job, p, p->values, labels, 2, pp_json_object(), pp_json_object(), path,
                       &err));
    float *sound = pp_alloc(BINS, 4), *target = pp_alloc(2 * BINS, 4),
          *pictures = pp_alloc(2 * PICTURE, 4);
    float *chw = pp_alloc(2 * PICTURE, 4), *masks = pp_alloc(2 * BINS, 4),
          *maps = pp_alloc(3 * BINS, 4);
    float *features = pp_alloc(2 * 3 * 2 * 2, 4), *expected = pp_alloc(2 * BINS, 4), vectors[6];
    pp_random random;
    pp_random_seed(&random, 1, 1);
    for (int i = 0; i < BINS; i++) sound[i] = (float)(2 * pp_random_normal(&random) - 4);
    for (int i = 0; i < 2 * PICTURE; i++) {
        pictures[i] = (float)pp_random_normal(&random);
        const int picture = i / PICTURE, pixel = i % PICTURE / 3, channel = i % 3;
        chw[picture * PICTURE + channel * 1024 + pixel] = pictures[i];
    }
    /* source 0 by its picture, source 1 by its name */
    const int clip[] = {0, -1}, label[] = {-1, 1};
    const pp_train_batch batch = {.mixes = 1,
                                  .sources = 2,
                                  .sound = sound,
                                  .weight = target,
                                  .target = target,
                                  .clips = 1,
                                  .pictures = pictures,
                                  .clip = clip,
                                  .label = label};
    double loss;
    OK(pp_train_net_evaluate(net, &batch, PP_TRAIN_BCE, expected, &loss, &err));
    pp_model *model;
    pp_model_scratch *scratch;
    pp_classes classes;
    OK(pp_model_open(&model, path, "plain", "", &err));
    OK(pp_model_scratch_create(&scratch, model, 2, &err));
    OK(pp_classes_read(&classes, path, &err));
    assert_string_equal(pp_model_get_identity(model)->name, "small");
    assert_int_equal(pp_model_get_shape(model)->grid, 2);
    pp_model_listen(model, scratch, sound, 1, maps);
    pp_model_see_normalised(model, scratch, chw, 2, features);
    for (int k = 0; k < 3; k++) { /* [pictures, K, grid, grid]: maximum, then the sigmoid */
        float most = -INFINITY;
        for (int i = 0; i < 8; i++) most = fmaxf(most, features[(i / 4 * 3 + k) * 4 + i % 4]);
        vectors[k] = 1 / (1 + expf(-most));
        vectors[3 + k] = pp_classes_vector(&classes, "violin")[k];
    }
    pp_model_masks_float(model, scratch, maps, vectors, 2, masks);
    float most = 0;
    for (int i = 0; i < 2 * BINS; i++) most = fmaxf(most, fabsf(masks[i] - expected[i]));
    print_message("masks of the exported model differ by at most %.2g\n", (double)most);
    assert_true(most < 1e-5F);
    /* and a training can start from it */
    pp_train_net *other = make_net(shape);
    pp_train_params *q = pp_train_net_params(other);
    for (size_t i = 0; i < q->trained; i++) q->values[i] = 0;
    int taken = 0;
    OK(pp_train_start_from(q, path, &taken, &err));
    assert_int_equal(taken, (int)q->count - 1); /* all but the label vectors */
    OK(pp_train_net_evaluate(other, &batch, PP_TRAIN_BCE, masks, &loss, &err));
    assert_memory_equal(masks, expected, BINS * sizeof *masks);
    pp_classes_free(&classes);
    pp_model_scratch_destroy(&scratch), pp_model_close(&model);
    pp_train_net_destroy(&net), pp_train_net_destroy(&other), pp_train_job_free(&job);
    pp_free(sound), pp_free(target), pp_free(pictures), pp_free(chw), pp_free(masks), pp_free(maps);
    pp_free(features), pp_free(expected);
    unlink(path);
    pp_free(path);
}

/* Trained by name alone: a stand-in fills the place of the video network, and says so. */
static void models_by_name_are_whole_files(void **state)
{
    (void)state;
    static char tuba[] = "tuba", violin[] = "violin";
    char *const labels[] = {tuba, violin};
    pp_error err = {0};
    pp_train_job job;
    pp_train_shape by_name = shape;
    by_name.pictures = 0;
    pp_train_net *net = make_net(by_name);
    pp_train_params *p = pp_train_net_params(net);
    char *path = work_path("by-name.h5");
    set_job(&job);
    job.shape.pictures = 0;
    OK(pp_train_export(&job, p, p->values, labels, 2, pp_json_object(), NULL, path, &err));
    pp_model *model;
    OK(pp_model_open(&model, path, "plain", "", &err));
    assert_int_equal(pp_model_get_shape(model)->components, 3);
    pp_model_close(&model);
    pp_h5 *h5;
    char *provenance;
    OK(pp_h5_open(&h5, pp_fileops_system(), path, &err));
    OK(pp_h5_get_text(h5, "/", "provenance", &provenance, &err));
    assert_non_null(strstr(provenance, "stand-in"));
    pp_free(provenance);
    pp_h5_close(&h5);
    pp_train_net_destroy(&net), pp_train_job_free(&job);
    unlink(path);
    pp_free(path);
}

/* tests/data/train_trunk.pth holds the golden file's video network under torchvision's names. */
static void trunks_of_torchvision_are_taken(void **state)
{
    (void)state;
    pp_error err = {0};
    const char *root = getenv("PP_ROOT");
    pp_train_net *net = make_net(shape);
    pp_train_params *p = pp_train_net_params(net);
    char *trunk = pp_format("%s/tests/data/train_trunk.pth", root != NULL ? root : ".");
    char *golden = pp_format("%s/tests/data/train_golden.h5", root != NULL ? root : ".");
    int taken = 0, compared = 0;
    OK(pp_train_trunk_from(p, trunk, &taken, &err));
    pp_h5 *h5;
    OK(pp_h5_open(&h5, pp_fileops_system(), golden, &err));
    for (size_t i = 0; i < p->count; i++) {
        const pp_train_tensor *t = &p->tensors[i];
        if (t->group != PP_TRAIN_GROUP_TRUNK) continue;
        taken--;
        if (pp_train_is_statistic(t)) {
            const float fresh = t->role == PP_TRAIN_RUNNING_VAR;
            assert_true(p->statistics[t->offset] == fresh);
            continue;
        }
        char path[160];
        float *expected = pp_alloc(t->count, 4), *got = pp_alloc(t->count, 4);
        snprintf(path, sizeof path, "/parameters/%s", t->name);
        OK(pp_h5_read(h5, path, PP_H5_F32, NULL, NULL, expected, &err));
        pp_train_tensor_export(t, p->values + t->offset, got);
        assert_memory_equal(got, expected, t->count * 4);
        pp_free(expected), pp_free(got);
        compared++;
    }
    assert_int_equal(taken, 0);
    assert_true(compared > 20);
    pp_error refused = {0};
    assert_int_not_equal(pp_train_trunk_from(p, golden, &taken, &refused), PP_OK);
    pp_h5_close(&h5);
    pp_train_net_destroy(&net);
    pp_free(trunk), pp_free(golden);
}

static int load_blas(void **state)
{
    (void)state;
    pp_error err = {0};
    return pp_blas_load(NULL, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_read_refused_and_described),
        cmocka_unit_test(rates_warm_up_and_fall),
        cmocka_unit_test(checkpoints_come_back_whole),
        cmocka_unit_test(curves_are_drawn_of_what_was_measured),
        cmocka_unit_test(exported_models_compute_the_same),
        cmocka_unit_test(models_by_name_are_whole_files),
        cmocka_unit_test(trunks_of_torchvision_are_taken),
    };
    return cmocka_run_group_tests(tests, load_blas, NULL);
}
