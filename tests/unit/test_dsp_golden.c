/* dsp: STFT, warp, network input and inverse against the reference: six frames of it always
 * (tests/data/dsp_golden.md), all of golden/inputs.h5 where the shared folder is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "dsp/stft.h"
#include "dsp/window_input.h"
#include "store/h5.h"

enum { SAMPLES = 65535, HEAD = 2048, TAIL = 2047, BINS = 512, ROWS = 256, COLUMNS = 6 };
static const int frame_of[COLUMNS] = {0, 1, 2, 253, 254, 255};

typedef struct golden {
    float *all;
    const float *head, *tail, *magnitude, *phase, *warped, *log_magnitude;
} golden;

static int load(void **state)
{
    static golden g;
    const char *root = getenv("PP_ROOT");
    char *path = pp_path_join(root != NULL ? root : ".", "tests/data/dsp_golden.f32");
    size_t length = 0;
    pp_error err = {0};
    if (pp_text_read_file((char **)&g.all, &length, path, 1 << 20, &err) != PP_OK) return -1;
    pp_free(path);
    if (length != sizeof(float) * (HEAD + TAIL + 2 * BINS * COLUMNS + 2 * ROWS * COLUMNS))
        return -1;
    g.head = g.all;
    g.tail = g.head + HEAD;
    g.magnitude = g.tail + TAIL;
    g.phase = g.magnitude + BINS * COLUMNS;
    g.warped = g.phase + BINS * COLUMNS;
    g.log_magnitude = g.warped + ROWS * COLUMNS;
    *state = &g;
    return 0;
}

static int unload(void **state)
{
    if (*state != NULL) pp_free(((golden *)*state)->all);
    return 0;
}

/* The spectrum of the six frames, three from either end, each from its slice alone. */
static void transform(const golden *g, float *spectrum)
{
    pp_stft *stft = NULL;
    pp_error err = {0};
    assert_int_equal(pp_stft_create(&stft, (pp_stft_shape){1022, 256}, &err), PP_OK);
    pp_stft_forward(stft, g->head, 0, SAMPLES, 0, 3, spectrum);
    pp_stft_forward(stft, g->tail, SAMPLES - TAIL, SAMPLES, 253, 3, spectrum + 3 * BINS * 2);
    pp_stft_destroy(&stft);
}

static double largest(const float *values, int count)
{
    double most = 0.0;
    for (int i = 0; i < count; i++) most = fmax(most, fabs(values[i]));
    return most;
}

static double difference(const float *a, const float *b, int count)
{
    double most = 0.0;
    for (int i = 0; i < count; i++) most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return most;
}

static void stft_equals_the_reference(void **state)
{
    const golden *g = *state;
    float *spectrum = pp_alloc(COLUMNS * BINS * 2, sizeof *spectrum);
    transform(g, spectrum);
    const double scale = largest(g->magnitude, BINS * COLUMNS);
    double worst = 0.0;
    for (int t = 0; t < COLUMNS; t++) {
        for (int b = 0; b < BINS; b++) {
            const float *s = spectrum + 2 * (t * BINS + b);
            double magnitude = g->magnitude[b * COLUMNS + t], phase = g->phase[b * COLUMNS + t];
            worst = fmax(worst, fabs(s[0] - magnitude * cos(phase)));
            worst = fmax(worst, fabs(s[1] - magnitude * sin(phase)));
        }
    }
    print_message("STFT of frames %d..%d: %.2e of the largest\n", frame_of[0], frame_of[5],
                  worst / scale);
    assert_true(worst < 1e-5 * scale);
    pp_free(spectrum);
}

static void network_input_equals_the_reference(void **state)
{
    const golden *g = *state;
    pp_warp *warp = NULL;
    pp_error err = {0};
    assert_int_equal(pp_warp_create(&warp, BINS, ROWS, &err), PP_OK);
    float *spectrum = pp_alloc(COLUMNS * BINS * 2, sizeof *spectrum);
    float *scratch = pp_alloc(BINS * COLUMNS, sizeof *scratch);
    float *warped = pp_alloc(ROWS * COLUMNS, sizeof *warped);
    float *input = pp_alloc(ROWS * COLUMNS, sizeof *input);
    transform(g, spectrum);
    pp_window_input(warp, spectrum, COLUMNS, COLUMNS, BINS, ROWS, scratch, warped, input);
    double scale = largest(g->warped, ROWS * COLUMNS);
    double worst = difference(warped, g->warped, ROWS * COLUMNS);
    /* Quiet cells of the reference are its own rounding noise (its columns are interpolated in
     * single precision too), so the logarithm is compared where there is sound. */
    double worst_log = 0.0;
    for (int i = 0; i < ROWS * COLUMNS; i++) {
        if (g->warped[i] < 1e-2 * scale) continue;
        worst_log = fmax(worst_log, fabs((double)input[i] - (double)g->log_magnitude[i]));
    }
    print_message("warp: %.2e of the largest; logarithm: %.2e\n", worst / scale, worst_log);
    assert_true(worst < 1e-5 * scale);
    assert_true(worst_log < 1e-3);
    pp_free(input);
    pp_free(warped);
    pp_free(scratch);
    pp_free(spectrum);
    pp_warp_destroy(&warp);
}

/* ---- the whole of golden/inputs.h5 ------------------------------------------------------------
 */

enum { FRAMES = 256, BACK = 65280 };

static float *take(pp_h5 *file, const char *name, int64_t rows, int64_t columns)
{
    float *values = NULL;
    int64_t dims[2] = {rows, columns};
    pp_error err = {0};
    assert_int_equal(pp_h5_take(file, name, PP_H5_F32, columns > 0 ? 2 : 1, dims, 1 << 22,
                                (void **)&values, &err),
                     PP_OK);
    return values;
}

static pp_h5 *open_inputs(void)
{
    const char *shared = getenv("PP_SHARED");
    char *path = pp_path_join(shared != NULL ? shared : "../shared", "golden/inputs.h5");
    pp_h5 *file = NULL;
    pp_error err = {0};
    if (!pp_path_exists(path)) print_message("no %s: the full comparison is skipped\n", path);
    else assert_int_equal(pp_h5_open(&file, pp_fileops_system(), path, &err), PP_OK);
    pp_free(path);
    return file;
}

static double spectrum_error(const float *spectrum, const float *magnitude, const float *phase)
{
    double worst = 0.0;
    for (int t = 0; t < FRAMES; t++) {
        for (int b = 0; b < BINS; b++) {
            const float *s = spectrum + 2 * (t * BINS + b);
            double m = magnitude[b * FRAMES + t], p = phase[b * FRAMES + t];
            worst = fmax(worst, fmax(fabs(s[0] - m * cos(p)), fabs(s[1] - m * sin(p))));
        }
    }
    return worst;
}

static void the_whole_reference_is_met(void **state)
{
    (void)state;
    pp_h5 *file = open_inputs();
    if (file == NULL) skip();
    float *mix = take(file, "/mix", SAMPLES, 0), *back = take(file, "/istft_roundtrip", BACK, 0);
    float *magnitude = take(file, "/stft_magnitude", BINS, FRAMES);
    float *phase = take(file, "/stft_phase", BINS, FRAMES);
    float *warped = take(file, "/warped_magnitude", ROWS, FRAMES);
    float *spectrum = pp_alloc(FRAMES * BINS * 2, sizeof *spectrum);
    float *scratch = pp_alloc(BINS * FRAMES, sizeof *scratch);
    float *own = pp_alloc(ROWS * FRAMES, sizeof *own),
          *input = pp_alloc(ROWS * FRAMES, sizeof *own);
    float *sound = pp_alloc(BACK, sizeof *sound);
    pp_stft *stft = NULL;
    pp_warp *warp = NULL;
    pp_error err = {0};
    assert_int_equal(pp_stft_create(&stft, (pp_stft_shape){1022, 256}, &err), PP_OK);
    assert_int_equal(pp_warp_create(&warp, BINS, ROWS, &err), PP_OK);
    assert_int_equal(pp_stft_frames(stft, SAMPLES), FRAMES);
    pp_stft_forward(stft, mix, 0, SAMPLES, 0, FRAMES, spectrum);
    pp_window_input(warp, spectrum, FRAMES, FRAMES, BINS, ROWS, scratch, own, input);
    pp_stft_inverse(stft, spectrum, 0, FRAMES, FRAMES, 0, BACK, sound);
    double stft_error =
        spectrum_error(spectrum, magnitude, phase) / largest(magnitude, BINS * FRAMES);
    double warp_error = difference(own, warped, ROWS * FRAMES) / largest(warped, ROWS * FRAMES);
    double sound_error = difference(sound, back, BACK) / largest(back, BACK);
    print_message("of the largest value: STFT %.1e, warp %.1e, inverse %.1e\n", stft_error,
                  warp_error, sound_error);
    assert_true(stft_error < 1e-5 && warp_error < 1e-5 && sound_error < 1e-5);
    float *const all[] = {mix,      back,    magnitude, phase, warped,
                          spectrum, scratch, own,       input, sound};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pp_free(all[i]);
    pp_stft_destroy(&stft);
    pp_warp_destroy(&warp);
    pp_h5_close(&file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stft_equals_the_reference),
        cmocka_unit_test(network_input_equals_the_reference),
        cmocka_unit_test(the_whole_reference_is_met),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
