/* pipeline: what keeping maps in 8 bits costs, on the golden networks (where that folder is). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "dsp/stft.h"
#include "dsp/warp.h"
#include "dsp/window_input.h"
#include "model/checkpoint.h"
#include "model/file.h"
#include "nn/blas.h"
#include "nn/share.h"

enum { BINS = 512, FRAMES = 256, ROWS = 256, GRID = ROWS * FRAMES, SAMPLES = 65535, SIZE = 224 };
enum { PIXELS = 14 * 14, SOURCES = 4 };

static const double least_db = 35; /* DESIGN.md */

static float *room(size_t count)
{
    return pp_alloc(count, sizeof(float));
}

/* Imports the three checkpoints of a golden folder and opens them as a model. */
static pp_model *open_golden(const char *golden, const char *name)
{
    static const char *const parts[] = {"sound", "frame", "synthesizer"};
    const char *work = getenv("PP_WORK");
    char *path = pp_format("%s/golden-%d.h5", work != NULL ? work : "/tmp", (int)getpid());
    pp_model_file file = {0};
    pp_error err = {0};
    pp_model *model = NULL;
    pp_model_file_defaults(&file);
    for (int i = 0; i < PP_NETWORKS; i++) {
        char *checkpoint = pp_format("%s/%s/%s_best.pth", golden, name, parts[i]);
        assert_int_equal(pp_checkpoint_read(&file.networks[i], checkpoint, &err), PP_OK);
        pp_free(checkpoint);
    }
    snprintf(file.identity.name, sizeof file.identity.name, "%s", name);
    assert_int_equal(pp_model_file_write(&file, pp_fileops_system(), path, &err), PP_OK);
    pp_model_file_clear(&file);
    if (pp_model_open(&model, path, NULL, "", &err) != PP_OK) fail_msg("%s", err.message);
    unlink(path);
    pp_free(path);
    return model;
}

static void read_inputs(const char *golden, float *mixture, uint8_t *rgb)
{
    char *path = pp_format("%s/inputs.h5", golden);
    pp_error err = {0};
    pp_h5 *file = NULL;
    void *planes = NULL;
    int64_t dims[4] = {3, 3, SIZE, SIZE};
    assert_int_equal(pp_h5_open(&file, pp_fileops_system(), path, &err), PP_OK);
    assert_int_equal(pp_h5_read(file, "/mix", PP_H5_F32, NULL, NULL, mixture, &err), PP_OK);
    assert_int_equal(pp_h5_take(file, "/frames_rgb", PP_H5_U8, 4, dims, 1 << 24, &planes, &err),
                     PP_OK);
    for (size_t f = 0; f < 3; f++) { /* [frame, channel, pixel] -> [frame, pixel, channel] */
        for (size_t p = 0; p < SIZE * SIZE; p++) {
            for (size_t c = 0; c < 3; c++) {
                rgb[(f * SIZE * SIZE + p) * 3 + c] =
                    ((const uint8_t *)planes)[(f * 3 + c) * SIZE * SIZE + p];
            }
        }
    }
    pp_h5_close(&file);
    pp_free(planes);
    pp_free(path);
}

/* The clip's pooled vector, and those of three pixels. */
static void make_vectors(const pp_model *model, const float *features, float *vectors)
{
    int k = pp_model_get_shape(model)->components;
    pp_model_pool(model, features, 3, vectors);
    for (int s = 1; s < SOURCES; s++) {
        for (int c = 0; c < k; c++) vectors[s * k + c] = features[c * PIXELS + 60 * s - 17];
    }
    pp_model_activate(vectors, (size_t)(SOURCES * k), vectors);
}

static double ratio_db(const float *truth, const float *other, size_t count)
{
    double signal = 0, noise = 0;
    for (size_t i = 0; i < count; i++) {
        double apart = (double)truth[i] - other[i];
        signal += (double)truth[i] * truth[i];
        noise += apart * apart;
    }
    return noise > 0 ? 10 * log10(signal / noise) : 300;
}

typedef struct sound {
    pp_stft *stft;
    pp_warp *warp;
    float *mixture, *spectrum, *magnitude, *input;
} sound;

static void prepare(sound *at)
{
    pp_error err = {0};
    float *scratch = room(BINS * FRAMES);
    at->spectrum = room(FRAMES * BINS * 2);
    at->magnitude = room(GRID);
    at->input = room(GRID);
    assert_int_equal(pp_stft_create(&at->stft, (pp_stft_shape){1022, 256}, &err), PP_OK);
    assert_int_equal(pp_warp_create(&at->warp, BINS, ROWS, &err), PP_OK);
    pp_stft_forward(at->stft, at->mixture, 0, SAMPLES, 0, FRAMES, at->spectrum);
    pp_window_input(at->warp, at->spectrum, FRAMES, FRAMES, BINS, ROWS, scratch, at->magnitude,
                    at->input);
    pp_free(scratch);
}

/* The stem of one mask, as `separate` makes it from one window. */
static void make_stem(const sound *at, const float *mask, float *stem)
{
    float *linear = room(BINS * FRAMES), *masked = room(FRAMES * BINS * 2);
    pp_warp_to_linear(at->warp, mask, FRAMES, linear);
    for (int f = 0; f < FRAMES; f++) {
        for (int b = 0; b < BINS; b++) {
            for (int part = 0; part < 2; part++) {
                int i = (f * BINS + b) * 2 + part;
                masked[i] = at->spectrum[i] * linear[b * FRAMES + f];
            }
        }
    }
    pp_stft_inverse(at->stft, masked, 0, FRAMES, FRAMES, 0, SAMPLES, stem);
    pp_free(linear);
    pp_free(masked);
}

/* Masks of the same sources, exact and from 8-bit maps, and the stems that they give. */
static void compare_masks(const char *name, const char *kind, const sound *at, const float *exact,
                          const float *kept)
{
    float *exact_stem = room(SAMPLES), *kept_stem = room(SAMPLES);
    for (int s = 0; s < SOURCES; s++) {
        double masks = ratio_db(exact + s * GRID, kept + s * GRID, GRID);
        make_stem(at, exact + s * GRID, exact_stem);
        make_stem(at, kept + s * GRID, kept_stem);
        double stems = ratio_db(exact_stem, kept_stem, SAMPLES);
        print_message("%s, %s masks: %s: 8 bits against floats: masks %.1f dB, stem %.1f dB\n",
                      name, kind, s == 0 ? "the clip" : "a pixel", masks, stems);
        assert_true(masks > least_db && stems > least_db);
    }
    pp_free(exact_stem);
    pp_free(kept_stem);
}

static void compare(const char *name, const pp_model *model, const sound *at, const uint8_t *rgb)
{
    pp_error err = {0};
    pp_model_scratch *scratch = NULL;
    size_t k = (size_t)pp_model_get_shape(model)->components;
    assert_int_equal(pp_model_scratch_create(&scratch, model, 3, &err), PP_OK);
    float *features = room(3 * k * PIXELS), *vectors = room(SOURCES * k), *maps = room(k * GRID);
    float *exact = room(SOURCES * GRID), *kept = room(SOURCES * GRID);
    pp_quantised_maps codes = {pp_alloc(k * GRID, 1), room(k), room(k)};
    pp_model_see(model, scratch, rgb, 3, features);
    pp_model_listen(model, scratch, at->input, 1, maps);
    make_vectors(model, features, vectors);
    pp_model_quantise(model, maps, &codes);
    pp_model_masks_float(model, scratch, maps, vectors, SOURCES, exact);
    pp_model_masks(model, scratch, &codes, vectors, SOURCES, kept);
    compare_masks(name, "ratio", at, exact, kept);
    pp_masks_share(exact, SOURCES, GRID);
    pp_masks_share(kept, SOURCES, GRID);
    compare_masks(name, "shared", at, exact, kept);
    void *used[] = {features, vectors, maps, exact, kept, codes.codes, codes.scale, codes.offset};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) pp_free(used[i]);
    pp_model_scratch_destroy(&scratch);
}
static void eight_bits_cost_less_than_35_db(void **state)
{
    (void)state;
    const char *shared = getenv("PP_SHARED");
    char *golden = pp_format("%s/golden", shared != NULL ? shared : "../shared");
    if (!pp_path_is_folder(golden)) {
        print_message("no %s here: 8-bit maps are not measured\n", golden);
        pp_free(golden);
        skip();
    }
    pp_error err = {0};
    assert_int_equal(pp_blas_load(NULL, &err), PP_OK);
    sound at = {.mixture = room(SAMPLES)};
    uint8_t *rgb = pp_alloc(3 * SIZE * SIZE, 3);
    read_inputs(golden, at.mixture, rgb);
    prepare(&at);
    const char *const names[] = {"small-zip", "reference"};
    int count = 2;
#ifdef __SANITIZE_ADDRESS__
    count = 1; /* the published size takes too long there */
#endif
    for (int i = 0; i < count; i++) {
        pp_model *model = open_golden(golden, names[i]);
        compare(names[i], model, &at, rgb);
        pp_model_close(&model);
    }
    pp_stft_destroy(&at.stft);
    pp_warp_destroy(&at.warp);
    void *used[] = {at.mixture, at.spectrum, at.magnitude, at.input, rgb, golden};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) pp_free(used[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(eight_bits_cost_less_than_35_db),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
