/* train: the whole networks against PyTorch (tests/data/make_train.py): loss, gradients of every
 * tensor, running statistics, three steps of each optimiser; and that gradients are reported from
 * the end of the array to its start without gaps. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "nn/blas.h"
#include "store/h5.h"
#include "train/net.h"
#include "train/optimiser.h"

typedef struct golden {
    pp_h5 *file;
    pp_train_net *net;
    pp_train_batch batch;
    void *arrays[8];
} golden;

static const pp_train_shape shape = {.rows = 32,
                                     .frames = 16,
                                     .base = 4,
                                     .levels = 4,
                                     .components = 3,
                                     .linear = 1,
                                     .pictures = 2,
                                     .picture_size = 32,
                                     .trunk_width = 2,
                                     .trunk_blocks = {1, 2, 1, 2},
                                     .labels = 3,
                                     .sources = 2,
                                     .batch = 3};

static void *take(golden *g, const char *path, pp_h5_type type, int rank)
{
    pp_error err = {0};
    int64_t dims[PP_H5_MOST_RANK] = {-1, -1, -1, -1, -1, -1};
    void *data = NULL;
    if (pp_h5_take(g->file, path, type, rank, dims, 1 << 24, &data, &err) != PP_OK) {
        fail_msg("%s: %s", path, err.message);
    }
    return data;
}

/* The tensor as files have it, from the golden file into the network. */
static void import_all(golden *g)
{
    pp_train_params *params = pp_train_net_params(g->net);
    for (size_t i = 0; i < params->count; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (pp_train_is_statistic(t)) continue;
        char path[160];
        snprintf(path, sizeof path, "/parameters/%s", t->name);
        float *values = take(g, path, PP_H5_F32, t->rank);
        pp_train_tensor_import(t, values, params->values + t->offset);
        pp_free(values);
    }
}

static int set_up(void **state)
{
    static golden g;
    pp_error err = {0};
    const char *root = getenv("PP_ROOT");
    char path[1024];
    snprintf(path, sizeof path, "%s/tests/data/train_golden.h5", root != NULL ? root : ".");
    if (pp_blas_load(NULL, &err) != PP_OK ||
        pp_h5_open(&g.file, pp_fileops_system(), path, &err) != PP_OK) {
        fprintf(stderr, "%s\n", err.message);
        return -1;
    }
    *state = &g;
    return 0;
}

static int tear_down(void **state)
{
    golden *g = *state;
    pp_h5_close(&g->file);
    return 0;
}

static int make_net(void **state)
{
    golden *g = *state;
    pp_error err = {0};
    assert_int_equal(pp_train_net_create(&g->net, &shape, &err), PP_OK);
    import_all(g);
    void *const arrays[] = {
        take(g, "/data/sound", PP_H5_F32, 3),  take(g, "/data/weight", PP_H5_F32, 3),
        take(g, "/data/target", PP_H5_F32, 4), take(g, "/data/pictures", PP_H5_F32, 5),
        take(g, "/data/clip", PP_H5_I32, 2),   take(g, "/data/label", PP_H5_I32, 2)};
    memcpy(g->arrays, arrays, sizeof arrays);
    g->batch = (pp_train_batch){.mixes = 3,
                                .sources = 2,
                                .sound = arrays[0],
                                .weight = arrays[1],
                                .target = arrays[2],
                                .clips = 3,
                                .pictures = arrays[3],
                                .clip = arrays[4],
                                .label = arrays[5]};
    return 0;
}

static int free_net(void **state)
{
    golden *g = *state;
    pp_train_net_destroy(&g->net);
    for (int i = 0; i < 6; i++) pp_free(g->arrays[i]);
    return 0;
}

static void compare(const char *what, const float *got, const float *expected, size_t count,
                    double tolerance)
{
    double most = 0, scale = 1e-6;
    for (size_t i = 0; i < count; i++) {
        scale = fmax(scale, fabs(expected[i]));
        most = fmax(most, fabs((double)got[i] - expected[i]));
    }
    if (!(most <= tolerance * scale)) {
        fail_msg("%s: off by %.3g of at most %.3g", what, most, scale);
    }
}

static void compare_tensor(golden *g, const pp_train_tensor *t, const char *folder,
                           const float *array, double tolerance)
{
    char path[160];
    snprintf(path, sizeof path, "/%s/%s", folder, t->name);
    float *expected = take(g, path, PP_H5_F32, t->rank), *got = pp_alloc(t->count, sizeof *got);
    pp_train_tensor_export(t, array + t->offset, got);
    compare(path, got, expected, t->count, tolerance);
    pp_free(expected), pp_free(got);
}

static double golden_loss(golden *g, const char *name)
{
    pp_error err = {0};
    double value = 0;
    assert_int_equal(pp_h5_get_real(g->file, "/", name, &value, &err), PP_OK);
    return value;
}

/* Reports must come from the end of the array to its start without a gap of more than padding. */
typedef struct reports {
    size_t low;
    int calls;
} reports;

static void note(void *user, size_t first, size_t count)
{
    reports *r = user;
    assert_true(first < r->low);
    assert_true(r->low - (first + count) < PP_ALIGNMENT / sizeof(float));
    r->low = first;
    r->calls++;
}

static void gradients_are_those_of_pytorch(void **state)
{
    golden *g = *state;
    pp_error err = {0};
    pp_train_params *params = pp_train_net_params(g->net);
    reports r = {params->trained, 0};
    const pp_train_hooks hooks = {&r, NULL, note};
    double loss = 0;
    assert_int_equal(pp_train_net_step(g->net, &g->batch, PP_TRAIN_BCE, &hooks, &loss, &err),
                     PP_OK);
    assert_true(fabs(loss - golden_loss(g, "loss")) < 1e-6);
    assert_int_equal(r.low, 0);
    assert_true(r.calls > 10);
    for (size_t i = 0; i < params->count; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (pp_train_is_statistic(t)) {
            compare_tensor(g, t, "statistics", params->statistics, 1e-5);
        } else {
            compare_tensor(g, t, "gradients", params->gradients, 1e-4);
        }
    }
}

static void other_losses(void **state)
{
    golden *g = *state;
    pp_error err = {0};
    const pp_train_hooks hooks = {0};
    double loss = 0;
    assert_int_equal(pp_train_net_step(g->net, &g->batch, PP_TRAIN_L1, &hooks, &loss, &err), PP_OK);
    assert_true(fabs(loss - golden_loss(g, "loss_l1")) < 1e-6);
    assert_int_equal(pp_train_net_step(g->net, &g->batch, PP_TRAIN_L2, &hooks, &loss, &err), PP_OK);
    assert_true(fabs(loss - golden_loss(g, "loss_l2")) < 1e-6);
}

static void check_optimiser(golden *g, const pp_train_optimiser_options *options, const char *name)
{
    const char *const tensors[] = {"features.0.weight",
                                   "features.7.1.bn2.bias",
                                   "fc.weight",
                                   "labels.weight",
                                   "bn0.bias",
                                   "unet_block.model.1.model.1.weight",
                                   "unet_block.model.4.weight",
                                   "scale"};
    const double rates[PP_TRAIN_GROUPS] = {1e-2, 2e-2, 5e-3};
    pp_error err = {0};
    pp_train_params *params = pp_train_net_params(g->net);
    pp_train_optimiser *optimiser;
    const pp_train_hooks hooks = {0};
    assert_int_equal(pp_train_optimiser_create(&optimiser, options, params, &err), PP_OK);
    char path[160];
    snprintf(path, sizeof path, "/%s/losses", name);
    double *losses = take(g, path, PP_H5_F64, 1);
    for (int step = 0; step < 3; step++) {
        double loss = 0;
        assert_int_equal(pp_train_net_step(g->net, &g->batch, PP_TRAIN_BCE, &hooks, &loss, &err),
                         PP_OK);
        if (!(fabs(loss - losses[step]) < 2e-5)) fail_msg("%s step %d: %.9g", name, step, loss);
        /* as if two ranks had summed the same gradient */
        for (size_t i = 0; i < params->trained; i++) params->gradients[i] *= 2;
        pp_train_optimiser_step(optimiser, params, rates, 0.5);
    }
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
        for (size_t j = 0; j < params->count; j++) {
            if (strcmp(params->tensors[j].name, tensors[i]) != 0) continue;
            compare_tensor(g, &params->tensors[j], name, params->values, 2e-3);
        }
    }
    pp_free(losses);
    pp_train_optimiser_destroy(&optimiser);
}

static void sgd_steps_as_in_pytorch(void **state)
{
    const pp_train_optimiser_options options = {
        .method = PP_TRAIN_SGD, .momentum = 0.9, .weight_decay = 1e-2};
    check_optimiser(*state, &options, "sgd");
}

static void adamw_steps_as_in_pytorch(void **state)
{
    const pp_train_optimiser_options options = {.method = PP_TRAIN_ADAMW,
                                                .beta1 = 0.9,
                                                .beta2 = 0.999,
                                                .epsilon = 1e-8,
                                                .weight_decay = 1e-1};
    check_optimiser(*state, &options, "adamw");
}

/* From its own random start, not from the golden weights. */
static void a_batch_can_be_learned_by_heart(void **state)
{
    golden *g = *state;
    pp_error err = {0};
    const pp_train_optimiser_options options = {
        .method = PP_TRAIN_ADAMW, .beta1 = 0.9, .beta2 = 0.999, .epsilon = 1e-8};
    const double rates[PP_TRAIN_GROUPS] = {1e-2, 1e-2, 1e-2};
    const pp_train_hooks hooks = {0};
    pp_train_params *params = pp_train_net_params(g->net);
    pp_train_optimiser *optimiser;
    double first = 0, loss = 0;
    pp_train_params_init(params, PP_TRAIN_INIT_HE, 5);
    assert_int_equal(pp_train_optimiser_create(&optimiser, &options, params, &err), PP_OK);
    for (int step = 0; step < 200; step++) {
        assert_int_equal(pp_train_net_step(g->net, &g->batch, PP_TRAIN_BCE, &hooks, &loss, &err),
                         PP_OK);
        pp_train_optimiser_step(optimiser, params, rates, 1);
        if (step == 0) first = loss;
    }
    print_message("loss %.3f at first, %.3f after 200 steps\n", first, loss);
    assert_true(loss < 0.7 * first); /* the targets are noise: no less than memory helps */
    pp_train_optimiser_destroy(&optimiser);
}

/* ---- pictures drawn to labels ---- */

static double loss_of(golden *g, float picture_to_label)
{
    pp_error err = {0};
    const pp_train_hooks hooks = {0};
    double loss = 0;
    static const int extra_label[] = {2};
    static const pp_train_tile tiles[] = {{0, 0, 1, 0}, {1, 0, 1, 1}, {0, 1, 1, 2}, {1, 1, 1, -1}};
    g->batch.picture_to_label = picture_to_label;
    g->batch.extra = g->batch.mosaics = 1; /* the last two clips, whatever mix they belong to */
    g->batch.extra_label = extra_label;
    g->batch.tiles = tiles;
    assert_int_equal(pp_train_net_step(g->net, &g->batch, PP_TRAIN_BCE, &hooks, &loss, &err),
                     PP_OK);
    g->batch.picture_to_label = 0;
    g->batch.extra = g->batch.mosaics = 0;
    return loss;
}

/* What the term adds to the loss is never negative, and its derivative by the video network's last
 * bias is what it adds to the gradient; labels are taken as given. */
static void pictures_are_drawn_to_labels(void **state)
{
    golden *g = *state;
    const float weight = 3, step = 0.02F;
    const pp_train_params *params = pp_train_net_params(g->net);
    float *without = pp_alloc(params->trained, sizeof *without);
    const pp_train_tensor *bias = NULL, *labels = NULL;
    for (size_t i = 0; i < params->count; i++) {
        if (strcmp(params->tensors[i].name, "fc.bias") == 0) bias = &params->tensors[i];
        if (strcmp(params->tensors[i].name, "labels.weight") == 0) labels = &params->tensors[i];
    }
    assert_non_null(bias);
    assert_non_null(labels);
    double plain = loss_of(g, 0);
    memcpy(without, params->gradients, params->trained * sizeof *without);
    assert_true(loss_of(g, weight) > plain);
    for (size_t i = labels->offset; i < labels->offset + labels->count; i++) {
        assert_true(params->gradients[i] == without[i]);
    }
    float added[3];
    for (int k = 0; k < 3; k++) {
        added[k] = params->gradients[bias->offset + (size_t)k] - without[bias->offset + (size_t)k];
    }
    for (int k = 0; k < 3; k++) {
        float *value = params->values + bias->offset + k, middle = *value;
        *value = middle + step;
        double above = loss_of(g, weight) - loss_of(g, 0);
        *value = middle - step;
        double below = loss_of(g, weight) - loss_of(g, 0);
        *value = middle;
        double slope = (above - below) / (2.0 * step);
        if (fabs(slope - added[k]) > 1e-3 * fabs(slope) + 1e-6) {
            fail_msg("bias %d: %g, not %g", k, (double)added[k], slope);
        }
        assert_true(fabs(slope) > 1e-4);
    }
    pp_free(without);
}

/* The bias alone: its derivative is the mask. */
static void nobody_is_silent(void **state)
{
    golden *g = *state;
    const pp_train_params *params = pp_train_net_params(g->net);
    const pp_train_tensor *bias = &params->tensors[params->count - 1];
    assert_string_equal(bias->name, "bias");
    for (int i = -1; i <= 1; i++) {
        float value = params->values[bias->offset] = 3.0F * (float)i;
        double plain = loss_of(g, 0), without = params->gradients[bias->offset];
        g->batch.nobody = 0.5F;
        double more = loss_of(g, 0) - plain;
        double slope = params->gradients[bias->offset] - without;
        g->batch.nobody = 0;
        assert_true(fabs(more - 0.5 * log1p(exp(value))) < 1e-6);
        assert_true(fabs(slope - 0.5 / (1 + exp(-value))) < 1e-6);
    }
}

/* Evaluation uses running statistics: with those of the batch forced in, it gives the same loss. */
static void evaluation_uses_running_statistics(void **state)
{
    golden *g = *state;
    pp_error err = {0};
    const pp_train_hooks hooks = {0};
    double loss = 0, evaluated = 0;
    for (int i = 0; i < 120; i++) { /* running statistics converge on those of the batch */
        assert_int_equal(pp_train_net_step(g->net, &g->batch, PP_TRAIN_BCE, &hooks, &loss, &err),
                         PP_OK);
    }
    float *masks = pp_alloc(7 * 32 * 16, sizeof *masks);
    assert_int_equal(
        pp_train_net_evaluate(g->net, &g->batch, PP_TRAIN_BCE, masks, &evaluated, &err), PP_OK);
    /* the running variance is the unbiased one; the innermost level has 3 x 2 x 1 pixels */
    assert_true(fabs(evaluated - loss) < 0.02 * loss);
    for (int i = 0; i < 7 * 32 * 16; i++) assert_true(masks[i] > 0 && masks[i] < 1);
    pp_free(masks);
}

/* ---- two ranks step as one ---- */

/* Two ranks run in turns. What a rank's sums still lack is what the other said in its last turn,
 * so each turn makes the sums of one more layer right; in the end all are. */
typedef struct exchange {
    double *said[2]; /* by each rank in its last turn */
    size_t room, at;
    int rank;
} exchange;

static void exchange_sum(void *user, double *values, int count)
{
    exchange *e = user;
    assert_true(e->at + (size_t)count <= e->room);
    double *mine = e->said[e->rank] + e->at, *other = e->said[1 - e->rank] + e->at;
    for (int i = 0; i < count; i++) {
        mine[i] = values[i];
        values[i] += other[i];
    }
    e->at += (size_t)count;
}

/* Mix 0 asks by two pictures, mix 1 by a third picture and a label. */
static const int two_clips[] = {0, 1, 2, -1}, two_labels[] = {-1, -1, -1, 1};

static pp_train_batch batch_of(const golden *g, int first, int mixes)
{
    static const int first_clip[] = {0, -1}; /* mix 1 alone: its picture is the first of its own */
    const long bins = 32 * 16, clip = 2 * 32 * 32 * 3;
    pp_train_batch b = g->batch;
    b.mixes = mixes;
    b.sound += first * bins, b.weight += first * bins, b.target += first * 2 * bins;
    b.clip = first == 0 ? two_clips : first_clip;
    b.label = two_labels + 2 * first;
    b.pictures += first == 0 ? 0 : 2 * clip;
    b.clips = mixes == 2 ? 3 : first == 0 ? 2 : 1;
    return b;
}

/* turns: enough for every sum of every layer to become right. */
static void check_two_ranks(const golden *g, int turns)
{
    enum { ROOM = 20000 };
    pp_error err = {0};
    pp_train_params *params = pp_train_net_params(g->net);
    const size_t bytes = sizeof(float) * params->trained;
    exchange e = {{pp_alloc(ROOM, sizeof(double)), pp_alloc(ROOM, sizeof(double))}, ROOM, 0, 0};
    const pp_train_hooks alone = {0}, together = {&e, exchange_sum, NULL};
    float *one = pp_alloc(1, bytes), *two = pp_alloc(1, bytes);
    double loss = 0, part[2] = {0};
    const pp_train_batch whole = batch_of(g, 0, 2);
    assert_int_equal(pp_train_net_step(g->net, &whole, PP_TRAIN_BCE, &alone, &loss, &err), PP_OK);
    memcpy(one, params->gradients, bytes);
    for (int turn = 0; turn < turns; turn++) {
        e.rank = turn % 2;
        e.at = 0;
        const pp_train_batch half = batch_of(g, e.rank, 1);
        assert_int_equal(
            pp_train_net_step(g->net, &half, PP_TRAIN_BCE, &together, &part[e.rank], &err), PP_OK);
        if (turn < turns - 2) continue;
        for (size_t i = 0; i < params->trained; i++) two[i] += params->gradients[i] / 2;
    }
    assert_true(fabs((part[0] + part[1]) / 2 - loss) < 1e-6);
    for (size_t i = 0; i < params->count; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (pp_train_is_statistic(t)) continue;
        compare(t->name, two + t->offset, one + t->offset, t->count, 5e-5);
    }
    double difference = 0, size = 0;
    for (size_t i = 0; i < params->trained; i++) {
        difference += pow((double)two[i] - one[i], 2);
        size += pow(one[i], 2);
    }
    print_message("two ranks against one: gradient differs by %.2g of its norm\n",
                  sqrt(difference / size));
    assert_true(sqrt(difference / size) < 1e-5);
    pp_free(one), pp_free(two), pp_free(e.said[0]), pp_free(e.said[1]);
}

static void two_ranks_step_as_one(void **state)
{
    check_two_ranks(*state, 200);
}

/* Wide enough for Winograd's convolutions. */
static void two_ranks_of_a_wide_trunk_step_as_one(void **state)
{
    golden *g = *state;
    pp_error err = {0};
    pp_train_shape wide = shape;
    pp_train_net_destroy(&g->net);
    wide.trunk_width = 16;
    assert_int_equal(pp_train_net_create(&g->net, &wide, &err), PP_OK);
    pp_train_params_init(pp_train_net_params(g->net), PP_TRAIN_INIT_HE, 1);
    check_two_ranks(g, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(gradients_are_those_of_pytorch, make_net, free_net),
        cmocka_unit_test_setup_teardown(other_losses, make_net, free_net),
        cmocka_unit_test_setup_teardown(sgd_steps_as_in_pytorch, make_net, free_net),
        cmocka_unit_test_setup_teardown(adamw_steps_as_in_pytorch, make_net, free_net),
        cmocka_unit_test_setup_teardown(a_batch_can_be_learned_by_heart, make_net, free_net),
        cmocka_unit_test_setup_teardown(evaluation_uses_running_statistics, make_net, free_net),
        cmocka_unit_test_setup_teardown(pictures_are_drawn_to_labels, make_net, free_net),
        cmocka_unit_test_setup_teardown(nobody_is_silent, make_net, free_net),
        cmocka_unit_test_setup_teardown(two_ranks_step_as_one, make_net, free_net),
        cmocka_unit_test_setup_teardown(two_ranks_of_a_wide_trunk_step_as_one, make_net, free_net),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
