/* A small world for tests of the pipeline: two models, made-up videos, runs of leases. Include it
 * once, in the test's own file, after cmocka's headers. */
#ifndef PP_TESTS_PIPELINE_WORLD_H
#define PP_TESTS_PIPELINE_WORLD_H

#include <unistd.h>

/* PP_TESTS_REAL_MEDIA: the decoder is the real one. */
#ifndef PP_TESTS_REAL_MEDIA
#include "pipeline_fakes.h"
#else
#include "base/memory.h"
#include "base/text.h"
#include "media/media.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#endif

#include "base/path.h"
#include "model/init.h"
#include "nn/blas.h"
#include "pipeline/pipeline.h"

enum {
    RATE = 1000,
    HOP = 16,
    BINS = 32,
    FRAMES = 16,
    ROWS = 16,
    GRID = ROWS * FRAMES,
    K = 4,
    PIXELS = 4 * 4
};

/* ---- a small world ----------------------------------------------------------------------- */

typedef struct world {
    char *folder;
    pp_model *plain, *constant;
    pp_model *other; /* plain with another synthesizer */
    pp_model *wide;  /* with features of 14 x 14 */
    pp_decoder *decoder;
} world;

static inline void multiply(pp_tensors *tensors, const char *name, float by)
{
    pp_tensor *tensor = pp_tensors_find(tensors, name);
    for (size_t i = 0; i < pp_tensor_count(tensor); i++) tensor->values[i] *= by;
}

/* constant > 0: every mask is that. Otherwise random weights whose masks differ a lot. */
static inline pp_model *make_model(const char *folder, const char *name, double constant,
                                   int picture, float synthesizer)
{
    pp_error err = {0};
    pp_model_file file = {0};
    pp_model *model = NULL;
    char *path = pp_path_join(folder, name);
    pp_model_file_defaults(&file);
    file.shape.rate_hz = RATE;
    file.shape.n_fft = 62;
    file.shape.hop_samples = HOP;
    file.shape.window_frames = FRAMES;
    file.shape.log_rows = 16;
    file.shape.picture_size = picture;
    const pp_model_options options = {.seed = 5,
                                      .base_width = 4,
                                      .levels = 3,
                                      .components = 4,
                                      .trunk_width = 4,
                                      .trunk_blocks = 1,
                                      .constant_mask = constant};
    assert_int_equal(pp_model_file_init(&file, &options, &err), PP_OK);
    if (constant <= 0) { /* masks that differ a lot between pixels that differ */
        multiply(&file.networks[PP_NET_SYNTHESIZER], "scale", synthesizer);
        multiply(&file.networks[PP_NET_FRAME], "fc.weight", 8);
    }
    assert_int_equal(pp_model_file_write(&file, pp_fileops_system(), path, &err), PP_OK);
    pp_model_file_clear(&file);
    if (pp_model_open(&model, path, "plain", "", &err) != PP_OK) fail_msg("%s", err.message);
    pp_free(path);
    return model;
}

static inline int set_up(void **state)
{
    pp_error err = {0};
    world *w = pp_alloc(1, sizeof *w);
    const char *work = getenv("PP_WORK");
    w->folder = pp_format("%s/pipeline-%d", work != NULL ? work : "/tmp", (int)getpid());
    assert_int_equal(pp_path_make_folders(w->folder, &err), PP_OK);
    assert_int_equal(pp_blas_load(NULL, &err), PP_OK);
    w->plain = make_model(w->folder, "plain.h5", 0, 64, 8);
    w->other = make_model(w->folder, "other.h5", 0, 64, 5);
    w->constant = make_model(w->folder, "constant.h5", 0.3, 64, 0);
    w->wide = make_model(w->folder, "wide.h5", 0, 224, 8);
    *state = w;
    return 0;
}

static inline int tear_down(void **state)
{
    world *w = *state;
    pp_model_close(&w->plain);
    pp_model_close(&w->other);
    pp_model_close(&w->wide);
    pp_model_close(&w->constant);
    char *command = pp_format("rm -rf '%s'", w->folder);
    int status = system(command);
    pp_free(command);
    pp_free(w->folder);
    pp_free(w);
    return status;
}

static inline char *make_video(const world *w, const char *name, const char *text)
{
    char *path = pp_path_join(w->folder, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
    return path;
}

static inline pp_parameters small_parameters(void)
{
    pp_parameters parameters;
    pp_parameters_default(&parameters);
    parameters.window_step_frames = 12;
    parameters.frame_interval_s = 0.1;
    parameters.single_lease_windows = 1000;
    parameters.profile = PP_PROFILE_PIXELS;
    return parameters;
}

/* One run: everything that may differ between runs of the same video. */
typedef struct run {
    const pp_model *model;
    pp_parameters parameters;
    const char *out; /* below the world's folder */
    int batch, threads;
    pp_progress progress;
    void *user;
    const pp_fileops *ops; /* NULL: the system's */
} run;

static inline pp_status run_lease(world *w, const run *how, const pp_lease *lease,
                                  pp_lease_result *result, pp_error *err)
{
    char *out = pp_path_join(w->folder, how->out);
    const pp_pipeline_setup setup = {.model = how->model,
                                     .decoder = w->decoder,
                                     .parameters = &how->parameters,
                                     .ops = how->ops != NULL ? how->ops : pp_fileops_system(),
                                     .out_folder = out,
                                     .batch = how->batch,
                                     .threads = how->threads};
    pp_pipeline *pipeline = NULL;
    pp_status status = pp_pipeline_create(&pipeline, &setup, err);
    if (status == PP_OK) {
        status = pp_pipeline_run(pipeline, lease, how->progress, how->user, result, err);
    }
    pp_pipeline_destroy(&pipeline);
    pp_free(out);
    return status;
}

static inline pp_lease whole_lease(const char *path)
{
    return (pp_lease){.source = {.path = path, .id = "", .audio_track = -1},
                      .first_stage = PP_STAGE_PROBE,
                      .last_stage = PP_STAGE_PUBLISH};
}

static inline void run_whole(world *w, const run *how, const char *video, pp_lease_result *result)
{
    pp_error err = {0};
    pp_lease lease = whole_lease(video);
    if (run_lease(w, how, &lease, result, &err) != PP_OK) fail_msg("%s", err.message);
}

/* ---- archives ---------------------------------------------------------------------------- */

static inline pp_archive *open_result(const world *w, const run *how, const pp_lease_result *result)
{
    pp_error err = {0};
    pp_archive *archive = NULL;
    char *path = pp_format("%s/%s/%s", w->folder, how->out, result->archive);
    if (pp_archive_open(&archive, pp_fileops_system(), path, &err) != PP_OK)
        fail_msg("%s", err.message);
    pp_archive_verdict verdict;
    if (pp_archive_verify(archive, &verdict, &err) != PP_OK) fail_msg("%s", err.message);
    assert_true(verdict.sum_error <= PP_ARCHIVE_SUM_TOLERANCE * verdict.peak);
    assert_int_equal(verdict.not_finite, 0);
    pp_free(path);
    return archive;
}

static inline float *take_sound(pp_archive *archive, int which, int64_t *samples)
{
    char path[32];
    pp_error err = {0};
    int64_t dims[2] = {1, -1};
    void *sound = NULL;
    pp_archive_sound_path(which, path);
    assert_int_equal(
        pp_h5_take(pp_archive_h5(archive), path, PP_H5_F32, 2, dims, 1 << 26, &sound, &err), PP_OK);
    *samples = dims[1];
    return sound;
}

#endif
