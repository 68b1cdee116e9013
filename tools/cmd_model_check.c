/* pp model check: runs the networks, the warps and the inverse STFT on given inputs, and compares
 * with what another implementation gave. Data sets are named as in the project's golden files:
 *
 *   inputs   log_magnitude, warped_magnitude [rows, frames]; frames_rgb [T, 3, size, size] bytes;
 *            mix [samples]
 *   outputs  frame_features [T, K, grid, grid], frame_pooled [1, K], sound_features_ch0,
 *            sound_features_every4, mask, mask_linear, pixel_masks_every8, pixel_energy,
 *            wave_ratio, wave_binary
 */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "cmd_model.h"
#include "dsp/stft.h"
#include "dsp/warp.h"
#include "nn/blas.h"

static const char usage_text[] =
    "usage: pp model check MODEL.h5 --inputs I.h5 [-o OUTPUTS.h5] [--expected E.h5]\n"
    "\n"
    "      --inputs F       data sets log_magnitude, warped_magnitude, frames_rgb, mix\n"
    "  -o, --out F          where the outputs go\n"
    "      --expected F     outputs to compare with; status 1 where a tolerance is passed\n"
    "      --kernels NAME   the kernel set (the best of this processor)\n"
    "      --core TYPE      OpenBLAS's core type (its own choice)\n";

enum { MOST_OUTPUTS = 16, PIXELS_AT_ONCE = 16 };

typedef struct output {
    const char *name, *long_name;
    int rank;
    int64_t dims[4];
    float *values; /* owned */
} output;

typedef struct check {
    const char *model_path, *inputs, *out, *expected, *kernels, *core;
    pp_model *model;
    pp_model_scratch *scratch;
    const pp_model_shape *shape;
    float *log_magnitude, *warped_magnitude, *mix, *maps;
    uint8_t *rgb; /* [T, size, size, 3] */
    int frames;
    int64_t samples;
    output outputs[MOST_OUTPUTS];
    int count;
    pp_error err;
} check;

/* Room for one more output; NULL without memory. */
static float *new_output(check *c, const char *name, const char *long_name, int rank, int64_t a,
                         int64_t b, int64_t d, int64_t e)
{
    output *o = &c->outputs[c->count];
    *o = (output){name, long_name, rank, {a, b, d, e}, NULL};
    size_t count = 1;
    for (int i = 0; i < rank; i++) count *= (size_t)o->dims[i];
    o->values = pp_alloc(count, sizeof(float));
    if (o->values == NULL) {
        (void)!pp_fail(&c->err, PP_ERR_NOMEM, "no memory for %s", name);
        return NULL;
    }
    c->count++;
    return o->values;
}

/* ---- inputs ---------------------------------------------------------------------------------- */

/* [T, 3, size, size] to the interleaved bytes a decoder gives. */
static pp_status interleave(check *c, const uint8_t *planar)
{
    size_t size = (size_t)c->shape->picture_size, plane = size * size;
    pp_status status =
        pp_alloc_checked((void **)&c->rgb, (size_t)c->frames * 3 * plane, 1, "pictures", &c->err);
    for (size_t i = 0; status == PP_OK && i < (size_t)c->frames * plane; i++) {
        for (size_t k = 0; k < 3; k++) {
            c->rgb[3 * i + k] = planar[(i / plane * 3 + k) * plane + i % plane];
        }
    }
    return status;
}

static pp_status read_inputs(check *c)
{
    const uint64_t most = (uint64_t)1 << 30;
    int64_t size = c->shape->picture_size;
    int64_t grid[] = {c->shape->log_rows, c->shape->window_frames},
            pictures[] = {-1, 3, size, size};
    uint8_t *planar = NULL;
    pp_h5 *h5 = NULL;
    pp_status status = pp_h5_open(&h5, pp_fileops_system(), c->inputs, &c->err);
    if (status == PP_OK) {
        status = pp_h5_take(h5, "/log_magnitude", PP_H5_F32, 2, grid, most,
                            (void **)&c->log_magnitude, &c->err);
    }
    if (status == PP_OK) {
        status = pp_h5_take(h5, "/warped_magnitude", PP_H5_F32, 2, grid, most,
                            (void **)&c->warped_magnitude, &c->err);
    }
    if (status == PP_OK) {
        status =
            pp_h5_take(h5, "/frames_rgb", PP_H5_U8, 4, pictures, most, (void **)&planar, &c->err);
    }
    c->samples = -1;
    if (status == PP_OK) {
        status = pp_h5_take(h5, "/mix", PP_H5_F32, 1, &c->samples, most, (void **)&c->mix, &c->err);
    }
    c->frames = (int)pictures[0];
    if (status == PP_OK) status = interleave(c, planar);
    pp_free(planar);
    pp_h5_close(&h5);
    return status;
}

/* ---- networks -------------------------------------------------------------------------------- */

static pp_status listen_and_see(check *c)
{
    const pp_model_shape *s = c->shape;
    int k = s->components, rows = s->log_rows, columns = s->window_frames;
    pp_status status = pp_alloc_checked((void **)&c->maps, (size_t)k * rows * columns,
                                        sizeof(float), "component maps", &c->err);
    if (status != PP_OK) return status;
    pp_model_listen(c->model, c->scratch, c->log_magnitude, 1, c->maps);
    float *first =
        new_output(c, "/sound_features_ch0", "first component map", 2, rows, columns, 0, 0);
    int every_rows = (rows + 3) / 4, every_columns = (columns + 3) / 4;
    float *every =
        new_output(c, "/sound_features_every4", "component maps, every 4th row and column", 3, k,
                   every_rows, every_columns, 0);
    float *features = new_output(c, "/frame_features", "video network before pooling", 4, c->frames,
                                 k, s->grid, s->grid);
    float *pooled =
        new_output(c, "/frame_pooled", "pooled over the clip, before the sigmoid", 2, 1, k, 0, 0);
    if (first == NULL || every == NULL || features == NULL || pooled == NULL) return c->err.status;
    memcpy(first, c->maps, (size_t)rows * columns * sizeof *first);
    for (int i = 0; i < k * every_rows * every_columns; i++) {
        int row = i / every_columns % every_rows * 4, column = i % every_columns * 4;
        int map = i / (every_rows * every_columns);
        every[i] = c->maps[((size_t)map * rows + row) * columns + column];
    }
    pp_model_see(c->model, c->scratch, c->rgb, c->frames, features);
    pp_model_pool(c->model, features, c->frames, pooled);
    return PP_OK;
}

static const float *output_named(const check *c, const char *name)
{
    for (int i = 0; i < c->count; i++) {
        if (strcmp(c->outputs[i].name, name) == 0) return c->outputs[i].values;
    }
    return NULL;
}

/* One vector a pixel: pooled over the frames only, then the sigmoid. */
static void pixel_vectors(const check *c, float *vectors)
{
    const float *features = output_named(c, "/frame_features");
    int k = c->shape->components, pixels = c->shape->grid * c->shape->grid;
    for (int p = 0; p < pixels; p++) {
        for (int i = 0; i < k; i++) {
            float most = -INFINITY, sum = 0;
            for (int t = 0; t < c->frames; t++) {
                float x = features[((size_t)t * k + i) * pixels + p];
                most = x > most ? x : most;
                sum += x;
            }
            vectors[p * k + i] = c->shape->pool_average ? sum / (float)c->frames : most;
        }
    }
    pp_model_activate(vectors, (size_t)pixels * k, vectors);
}

static pp_status mask_pixels(check *c)
{
    const pp_model_shape *s = c->shape;
    int grid = s->grid, pixels = grid * grid, k = s->components, columns = s->window_frames;
    int every_rows = (s->log_rows + 7) / 8, every_columns = (columns + 7) / 8;
    size_t bins = (size_t)s->log_rows * columns, each = (size_t)every_rows * every_columns;
    float *vectors = pp_alloc((size_t)pixels * k, sizeof *vectors);
    float *masks = pp_alloc(PIXELS_AT_ONCE * bins, sizeof *masks);
    float *every =
        new_output(c, "/pixel_masks_every8", "masks of the pixels, every 8th row and column", 4,
                   grid, grid, every_rows, every_columns);
    float *energy = new_output(c, "/pixel_energy", "sum of (mask * magnitude)^2 of each pixel", 2,
                               grid, grid, 0, 0);
    if (vectors != NULL && masks != NULL && every != NULL && energy != NULL) {
        pixel_vectors(c, vectors);
        for (int first = 0; first < pixels; first += PIXELS_AT_ONCE) {
            int count = pixels - first < PIXELS_AT_ONCE ? pixels - first : PIXELS_AT_ONCE;
            pp_model_masks_float(c->model, c->scratch, c->maps, vectors + (size_t)first * k, count,
                                 masks);
            for (size_t i = 0; i < count * each; i++) {
                size_t row = i % each / every_columns * 8, column = i % every_columns * 8;
                every[first * each + i] = masks[i / each * bins + row * columns + column];
            }
        }
        pp_model_energies_float(c->model, c->scratch, c->maps, c->warped_magnitude, vectors, pixels,
                                energy);
    } else {
        (void)!pp_fail(&c->err, PP_ERR_NOMEM, "no memory for masks");
    }
    pp_free(vectors);
    pp_free(masks);
    return c->err.status;
}

/* ---- sound ----------------------------------------------------------------------------------- */

/* Every bin of the spectrum [frames, bins] times its mask [bins, frames], binary or as it is. */
static void apply_mask(const float *spectrum, const float *mask, int frames, int bins, int binary,
                       float *out)
{
    for (int t = 0; t < frames; t++) {
        for (int b = 0; b < bins; b++) {
            float m = mask[(size_t)b * frames + t];
            if (binary) m = m > 0.5f;
            size_t at = 2 * ((size_t)t * bins + b);
            out[at] = spectrum[at] * m;
            out[at + 1] = spectrum[at + 1] * m;
        }
    }
}

static pp_status make_waves(check *c, pp_stft *stft, const float *mask)
{
    int frames = c->shape->window_frames, bins = pp_stft_bins(stft);
    int64_t samples = (int64_t)(frames - 1) * c->shape->hop_samples;
    size_t numbers = 2 * (size_t)frames * bins;
    float *spectrum = pp_alloc(numbers, sizeof *spectrum),
          *masked = pp_alloc(numbers, sizeof *masked);
    float *ratio = new_output(c, "/wave_ratio", "inverse STFT of the mixture times mask_linear", 1,
                              samples, 0, 0, 0);
    float *binary =
        new_output(c, "/wave_binary", "inverse STFT of the mixture times (mask_linear > 0.5)", 1,
                   samples, 0, 0, 0);
    if (spectrum != NULL && masked != NULL && ratio != NULL && binary != NULL) {
        pp_stft_forward(stft, c->mix, 0, c->samples, 0, frames, spectrum);
        apply_mask(spectrum, mask, frames, bins, 0, masked);
        pp_stft_inverse(stft, masked, 0, frames, frames, 0, samples, ratio);
        apply_mask(spectrum, mask, frames, bins, 1, masked);
        pp_stft_inverse(stft, masked, 0, frames, frames, 0, samples, binary);
    } else {
        (void)!pp_fail(&c->err, PP_ERR_NOMEM, "no memory for sound");
    }
    pp_free(spectrum);
    pp_free(masked);
    return c->err.status;
}

static pp_status mask_clip(check *c)
{
    const pp_model_shape *s = c->shape;
    pp_stft *stft = NULL;
    pp_warp *warp = NULL;
    float *vector = pp_alloc((size_t)s->components, sizeof *vector), *linear = NULL;
    float *mask =
        new_output(c, "/mask", "mask of the clip", 2, s->log_rows, s->window_frames, 0, 0);
    if (vector == NULL || mask == NULL) {
        pp_free(vector);
        return pp_fail(&c->err, PP_ERR_NOMEM, "no memory for a mask");
    }
    pp_model_activate(output_named(c, "/frame_pooled"), (size_t)s->components, vector);
    pp_model_masks_float(c->model, c->scratch, c->maps, vector, 1, mask);
    pp_stft_shape shape = {s->n_fft, s->hop_samples};
    pp_status status = pp_stft_create(&stft, shape, &c->err);
    if (status == PP_OK && pp_stft_frames(stft, c->samples) != s->window_frames) {
        status = pp_fail(&c->err, PP_ERR_FORMAT, "/mix has %lld samples, not those of %d frames",
                         (long long)c->samples, s->window_frames);
    }
    if (status == PP_OK) {
        status = pp_warp_create(&warp, pp_stft_bins(stft), s->log_rows, &c->err);
    }
    if (status == PP_OK) {
        linear = new_output(c, "/mask_linear", "mask on the linear-frequency grid", 2,
                            pp_stft_bins(stft), s->window_frames, 0, 0);
        status = c->err.status;
    }
    if (status == PP_OK) {
        pp_warp_to_linear(warp, mask, s->window_frames, linear);
        status = make_waves(c, stft, linear);
    }
    pp_warp_destroy(&warp);
    pp_stft_destroy(&stft);
    pp_free(vector);
    return status;
}

/* ---- comparison ------------------------------------------------------------------------------ */

typedef enum measure { LARGEST, OF_LARGEST, RMS } measure;

typedef struct tolerance {
    const char *name;
    measure measure;
    double most;
} tolerance;

static const tolerance tolerances[] = {
    {"/frame_features", LARGEST, 1e-3},
    {"/frame_pooled", LARGEST, 1e-3},
    {"/mask", LARGEST, 1e-3},
    {"/mask_linear", LARGEST, 1e-3},
    {"/pixel_masks_every8", LARGEST, 1e-3},
    {"/sound_features_ch0", LARGEST, 3e-3},
    {"/sound_features_every4", LARGEST, 3e-3},
    {"/wave_ratio", LARGEST, 1e-3},
    {"/wave_binary", RMS, 0.02},
    {"/pixel_energy", OF_LARGEST, 1e-3},
};

static double difference(measure how, const float *a, const float *b, size_t count)
{
    double most = 0, largest = 0, squares = 0, reference = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)a[i] - b[i]);
        if (!(off <= most)) most = off; /* also NaN */
        if (fabs((double)b[i]) > largest) largest = fabs((double)b[i]);
        squares += off * off;
        reference += (double)b[i] * b[i];
    }
    if (how == LARGEST) return most;
    if (how == OF_LARGEST) return largest > 0 ? most / largest : most;
    return reference > 0 ? sqrt(squares / reference) : sqrt(squares);
}

static pp_status compare_one(check *c, pp_h5 *h5, const tolerance *t, int *beyond)
{
    static const char *const words[] = {"largest", "of the largest value", "RMS, of the RMS"};
    const output *o = NULL;
    for (int i = 0; i < c->count; i++) {
        if (strcmp(c->outputs[i].name, t->name) == 0) o = &c->outputs[i];
    }
    if (o == NULL || !pp_h5_has(h5, t->name)) {
        printf("%-24s %s\n", t->name + 1, o == NULL ? "not computed" : "not among the expected");
        return PP_OK;
    }
    float *expected = NULL;
    int64_t dims[4];
    size_t count = 1;
    for (int i = 0; i < o->rank; i++) {
        dims[i] = o->dims[i];
        count *= (size_t)dims[i];
    }
    pp_status status = pp_h5_take(h5, t->name, PP_H5_F32, o->rank, dims, (uint64_t)1 << 30,
                                  (void **)&expected, &c->err);
    if (status != PP_OK) return status;
    double off = difference(t->measure, o->values, expected, count);
    int fits = off <= t->most;
    printf("%-24s %10.2e   at most %g (%s)%s\n", t->name + 1, off, t->most, words[t->measure],
           fits ? "" : "   BEYOND");
    *beyond += !fits;
    pp_free(expected);
    return PP_OK;
}

static pp_status compare(check *c, int *beyond)
{
    pp_h5 *h5 = NULL;
    pp_status status = pp_h5_open(&h5, pp_fileops_system(), c->expected, &c->err);
    if (status == PP_OK) printf("%-24s difference   kernels %s\n", "", pp_model_kernels(c->model));
    for (size_t i = 0; status == PP_OK && i < sizeof tolerances / sizeof *tolerances; i++) {
        status = compare_one(c, h5, &tolerances[i], beyond);
    }
    pp_h5_close(&h5);
    return status;
}

static pp_status write_outputs(check *c)
{
    pp_h5 *h5 = NULL;
    pp_status status = pp_h5_create(&h5, pp_fileops_system(), c->out, &c->err);
    for (int i = 0; status == PP_OK && i < c->count; i++) {
        const output *o = &c->outputs[i];
        pp_h5_spec spec = {.path = o->name,
                           .type = PP_H5_F32,
                           .rank = o->rank,
                           .units = "1",
                           .long_name = o->long_name};
        memcpy(spec.dims, o->dims, sizeof o->dims);
        status = pp_h5_put(h5, &spec, o->values, &c->err);
    }
    if (status == PP_OK) status = pp_h5_commit(&h5, &c->err);
    pp_h5_close(&h5);
    return status;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static pp_status run(check *c, int *beyond)
{
    pp_status status = pp_blas_load(c->core, &c->err);
    if (status == PP_OK) {
        status = pp_model_open(&c->model, c->model_path, c->kernels, "", &c->err);
    }
    if (status != PP_OK) return status;
    c->shape = pp_model_get_shape(c->model);
    status = read_inputs(c);
    if (status == PP_OK) {
        status =
            pp_model_scratch_create(&c->scratch, c->model, c->frames > 1 ? c->frames : 1, &c->err);
    }
    if (status == PP_OK) status = listen_and_see(c);
    if (status == PP_OK) status = mask_clip(c);
    if (status == PP_OK) status = mask_pixels(c);
    if (status == PP_OK && c->out != NULL) status = write_outputs(c);
    if (status == PP_OK && c->expected != NULL) status = compare(c, beyond);
    return status;
}

static void clear(check *c)
{
    for (int i = 0; i < c->count; i++) pp_free(c->outputs[i].values);
    pp_free(c->log_magnitude);
    pp_free(c->warped_magnitude);
    pp_free(c->mix);
    pp_free(c->maps);
    pp_free(c->rgb);
    pp_model_scratch_destroy(&c->scratch);
    pp_model_close(&c->model);
}

int pp_model_command_check(int argc, char **argv)
{
    static const struct option options[] = {{"inputs", required_argument, NULL, 'i'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"expected", required_argument, NULL, 'e'},
                                            {"kernels", required_argument, NULL, 'k'},
                                            {"core", required_argument, NULL, 'c'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    check c = {0};
    int option, beyond = 0;
    while ((option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        if (option == 'i') c.inputs = optarg;
        else if (option == 'o') c.out = optarg;
        else if (option == 'e') c.expected = optarg;
        else if (option == 'k') c.kernels = optarg;
        else if (option == 'c') c.core = optarg;
        else if (option == 'h') return fputs(usage_text, stdout) < 0;
        else return 2;
    }
    if (optind != argc - 1 || c.inputs == NULL) {
        fputs(usage_text, stderr);
        return 2;
    }
    c.model_path = argv[optind];
    pp_status status = run(&c, &beyond);
    clear(&c);
    if (status != PP_OK) return pp_model_command_failed(&c.err);
    if (beyond > 0) fprintf(stderr, "error: %d outputs lie beyond their tolerance\n", beyond);
    return beyond > 0;
}
