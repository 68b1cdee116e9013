/* The networks of a model against what the oracle gave (tests/data/make_networks.py), and new
 * models of other shapes. */
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
#include "model/init.h"
#include "model/model.h"
#include "nn/blas.h"
#include "nn/kernels.h"

enum { PIXELS = 2 * GRID * GRID };

typedef struct fixture {
    char folder[64], model_path[96];
    float *input, *magnitude, *maps, *features, *pooled, *masks, *energy;
    uint8_t *rgb;
} fixture;

static fixture made;

static void *take(pp_h5 *h5, const char *name, pp_h5_type type)
{
    int64_t dims[PP_H5_MOST_RANK];
    int rank;
    size_t count = 1;
    MUST(pp_h5_dims(h5, name, &rank, dims, &why));
    for (int i = 0; i < rank; i++) count *= (size_t)dims[i];
    void *data = pp_alloc(count, type == PP_H5_U8 ? 1 : 4);
    MUST(pp_h5_read(h5, name, type, NULL, NULL, data, &why));
    return data;
}

static int set_up(void **state)
{
    (void)state;
    pp_h5 *h5 = NULL;
    if (make_folder(made.folder) != 0) return -1;
    snprintf(made.model_path, sizeof made.model_path, "%s/m.h5", made.folder);
    MUST(pp_blas_load(NULL, &why));
    pp_model_file file;
    import_small(&file, "legacy");
    MUST(pp_model_file_write(&file, pp_fileops_system(), made.model_path, &why));
    pp_model_file_clear(&file);
    char *path = data_path("networks.h5");
    MUST(pp_h5_open(&h5, pp_fileops_system(), path, &why));
    made.input = take(h5, "/input", PP_H5_F32);
    made.rgb = take(h5, "/rgb", PP_H5_U8);
    made.magnitude = take(h5, "/magnitude", PP_H5_F32);
    made.maps = take(h5, "/maps", PP_H5_F32);
    made.features = take(h5, "/features", PP_H5_F32);
    made.pooled = take(h5, "/pooled", PP_H5_F32);
    made.masks = take(h5, "/masks_every_5", PP_H5_F32);
    made.energy = take(h5, "/energy", PP_H5_F32);
    pp_h5_close(&h5);
    pp_free(path);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    float *owned[] = {made.input,  made.magnitude, made.maps,  made.features,
                      made.pooled, made.masks,     made.energy};
    for (int i = 0; i < 7; i++) pp_free(owned[i]);
    pp_free(made.rgb);
    return remove_folder(made.folder);
}

static double largest_difference(const float *a, const float *b, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)a[i] - b[i]);
        if (!(off <= most)) most = off;
    }
    return most;
}

/* Every kernel set gives what the oracle gave. */
static void the_networks_are_the_oracles(void **state)
{
    (void)state;
    for (int set = 0; pp_kernels_all()[set] != NULL; set++) {
        if (!pp_kernels_all()[set]->usable()) continue;
        pp_model *model = NULL;
        pp_model_scratch *scratch = NULL;
        MUST(pp_model_open(&model, made.model_path, pp_kernels_all()[set]->name, "", &why));
        MUST(pp_model_scratch_create(&scratch, model, 2, &why));
        const pp_model_shape *shape = pp_model_get_shape(model);
        assert_int_equal(shape->components, K);
        assert_int_equal(shape->grid, GRID);

        enum { BINS = ROWS * COLUMNS, MAPS = K * BINS, FEATURES = 2 * K * GRID * GRID };
        float *maps = pp_alloc(2 * MAPS, 4), *masks = pp_alloc(PIXELS * BINS, 4);
        float features[FEATURES], pooled[K], vectors[PIXELS * K], energy[PIXELS];
        pp_model_listen(model, scratch, made.input, 2, maps);
        assert_true(largest_difference(maps, made.maps, 2 * MAPS) < 1e-4);
        pp_model_see(model, scratch, made.rgb, 2, features);
        assert_true(largest_difference(features, made.features, FEATURES) < 1e-4);
        pp_model_pool(model, features, 2, pooled);
        assert_true(largest_difference(pooled, made.pooled, K) < 1e-4);

        for (int p = 0; p < PIXELS; p++) {
            for (int k = 0; k < K; k++) {
                int pixel = p % (GRID * GRID), frame = p / (GRID * GRID);
                vectors[p * K + k] = features[(frame * K + k) * GRID * GRID + pixel];
            }
        }
        pp_model_activate(vectors, PIXELS * K, vectors);
        pp_model_masks_float(model, scratch, maps, vectors, PIXELS, masks);
        int rows = (ROWS + 4) / 5, columns = (COLUMNS + 4) / 5;
        for (int p = 0; p < PIXELS; p += 5) {
            for (int i = 0; i < rows * columns; i++) {
                float mask = masks[p * BINS + i / columns * 5 * COLUMNS + i % columns * 5];
                assert_float_equal(mask, made.masks[p / 5 * rows * columns + i], 2e-5);
            }
        }
        pp_model_energies_float(model, scratch, maps, made.magnitude, vectors, PIXELS, energy);
        for (int p = 0; p < PIXELS; p++) assert_float_equal(energy[p] / made.energy[p], 1, 1e-4);

        uint8_t *codes = pp_alloc(MAPS, 1);
        float scale[K], offset[K], *coarse = pp_alloc(PIXELS * BINS, 4), coarse_energy[PIXELS];
        pp_quantised_maps quantised = {codes, scale, offset};
        pp_model_quantise(model, maps, &quantised);
        pp_model_masks(model, scratch, &quantised, vectors, PIXELS, coarse);
        assert_true(largest_difference(masks, coarse, PIXELS * BINS) < 0.02);
        pp_model_energies(model, scratch, &quantised, made.magnitude, vectors, PIXELS,
                          coarse_energy);
        for (int p = 0; p < PIXELS; p++) assert_float_equal(coarse_energy[p] / energy[p], 1, 0.01);
        pp_free(codes);
        pp_free(coarse);
        pp_free(maps);
        pp_free(masks);
        pp_model_scratch_destroy(&scratch);
        pp_model_close(&model);
    }
}

static void normalised_pictures_give_the_same(void **state)
{
    (void)state;
    static const double mean[] = {0.485, 0.456, 0.406}, deviation[] = {0.229, 0.224, 0.225};
    enum { PLANE = SIZE * SIZE, FEATURES = K * GRID * GRID };
    pp_model *model = NULL;
    pp_model_scratch *scratch = NULL;
    MUST(pp_model_open(&model, made.model_path, NULL, "", &why));
    MUST(pp_model_scratch_create(&scratch, model, 1, &why));
    float *pictures = pp_alloc(3 * PLANE, 4), features[FEATURES];
    for (int i = 0; i < 3 * PLANE; i++) {
        pictures[i] = (float)((made.rgb[i % PLANE * 3 + i / PLANE] / 255.0 - mean[i / PLANE]) /
                              deviation[i / PLANE]);
    }
    pp_model_see_normalised(model, scratch, pictures, 1, features);
    assert_true(largest_difference(features, made.features, FEATURES) < 1e-4);
    pp_free(pictures);
    pp_model_scratch_destroy(&scratch);
    pp_model_close(&model);
}

/* ---- other shapes, new models ---------------------------------------------------------------- */

static void describe_masks(const float *masks, size_t count, double *mean, double *deviation)
{
    double sum = 0, squares = 0;
    for (size_t i = 0; i < count; i++) {
        sum += masks[i];
        squares += (double)masks[i] * masks[i];
    }
    *mean = sum / (double)count;
    double variance = squares / (double)count - *mean * *mean;
    *deviation = variance > 0 ? sqrt(variance) : 0;
}

/* A new model of this shape: finite maps and features, masks that spread round a half. */
static void try_new_model(const pp_model_options *options, int rows, int columns, int size,
                          int stride, int grid)
{
    char path[96];
    snprintf(path, sizeof path, "%s/new.h5", made.folder);
    pp_model_file file = {0};
    pp_model_file_defaults(&file);
    file.shape.log_rows = rows;
    file.shape.window_frames = columns;
    file.shape.picture_size = size;
    file.output_stride = stride;
    MUST(pp_model_file_init(&file, options, &why));
    MUST(pp_model_file_write(&file, pp_fileops_system(), path, &why));
    pp_model_file_clear(&file);

    pp_model *model = NULL;
    pp_model_scratch *scratch = NULL;
    MUST(pp_model_open(&model, path, NULL, "", &why));
    MUST(pp_model_scratch_create(&scratch, model, 1, &why));
    assert_true(pp_model_get_identity(model)->untrained);
    assert_int_equal(pp_model_get_shape(model)->grid, grid);
    int k = options->components, pixels = grid * grid;
    size_t bins = (size_t)rows * columns;
    float *input = pp_alloc(bins, 4), *maps = pp_alloc(k * bins, 4);
    float *features = pp_alloc((size_t)k * pixels, 4), *vectors = pp_alloc(2 * (size_t)k, 4);
    float *masks = pp_alloc(2 * bins, 4);
    uint8_t *rgb = pp_alloc(3 * (size_t)size * size, 1);
    pp_random random;
    pp_random_seed(&random, 11, 0);
    for (size_t i = 0; i < bins; i++) input[i] = (float)(3 * pp_random_normal(&random) - 4);
    for (int i = 0; i < 3 * size * size; i++) rgb[i] = (uint8_t)pp_random_below(&random, 256);
    pp_model_listen(model, scratch, input, 1, maps);
    pp_model_see(model, scratch, rgb, 1, features);
    for (int p = 0; p < 2; p++) {
        for (int i = 0; i < k; i++) vectors[p * k + i] = features[i * pixels + p * (pixels - 1)];
    }
    pp_model_activate(vectors, 2 * (size_t)k, vectors);
    pp_model_masks_float(model, scratch, maps, vectors, 2, masks);
    double mean, deviation;
    describe_masks(masks, 2 * bins, &mean, &deviation);
    if (options->constant_mask > 0) {
        assert_float_equal(mean, options->constant_mask, 1e-6);
        assert_true(deviation < 1e-3);
    } else if (!(mean > 0.2 && mean < 0.8 && deviation > 0.05)) {
        fail_msg("masks of mean %g, deviation %g", mean, deviation);
    }
    pp_free(input);
    pp_free(maps);
    pp_free(features);
    pp_free(vectors);
    pp_free(masks);
    pp_free(rgb);
    pp_model_scratch_destroy(&scratch);
    pp_model_close(&model);
}

static void new_models_of_many_shapes_run(void **state)
{
    (void)state;
    pp_model_options o = {.seed = 1,
                          .base_width = 4,
                          .levels = 5,
                          .components = 6,
                          .trunk_width = 8,
                          .trunk_blocks = 1};
    try_new_model(&o, 64, 96, 112, 16, 7);
    o.levels = 3;
    o.trunk_blocks = 2;
    try_new_model(&o, 32, 40, 64, 8, 8);
    o.levels = 8;
    o.components = 1;
    o.base_width = 2;
    o.bias_only = 1;
    try_new_model(&o, 256, 256, 96, 32, 3);
    o = (pp_model_options){.seed = 2,
                           .base_width = 3,
                           .levels = 2,
                           .components = 32,
                           .trunk_width = 5,
                           .trunk_blocks = 1,
                           .constant_mask = 0.3};
    try_new_model(&o, 16, 16, 37, 16, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_networks_are_the_oracles),
        cmocka_unit_test(normalised_pictures_give_the_same),
        cmocka_unit_test(new_models_of_many_shapes_run),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
