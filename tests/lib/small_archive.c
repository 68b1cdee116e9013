#include "small_archive.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define GRID 14
#define THUMBNAIL 8
#define ROWS 16
#define COLUMNS 12

pp_archive_header small_archive_header(const small_archive *shape)
{
    pp_archive_header header = {
        .source_path = shape->source_path != NULL ? shape->source_path : "videos/duet.mp4",
        .source_id = "",
        .audio_track = -1,
        .duration_s = (double)shape->samples / 11025,
        .model_name = "test",
        .untrained = 1,
        .parameters_json = "{\"most_sources\":4}",
        .kernels = "plain",
        .tool_version = "0",
        .media_json = "{}",
        .samples = shape->samples,
        .frames = shape->frames,
        .windows = shape->windows,
        .rate_hz = 11025,
        .components = shape->components,
        .grid = GRID,
        .log_rows = ROWS,
        .window_frames = COLUMNS,
        .sources = shape->sources,
        .thumbnail_size = THUMBNAIL,
        .with_maps = shape->with_maps,
    };
    char text[64];
    snprintf(text, sizeof text, "source %u", shape->seed);
    pp_hash_bytes(text, strlen(text), header.source_sha256);
    pp_hash_bytes("model", 5, header.model_digest);
    for (int i = 0; i < PP_STAGES; i++) {
        snprintf(text, sizeof text, "key %u %d", shape->seed, i);
        pp_hash_bytes(text, strlen(text), header.stage_keys[i]);
    }
    return header;
}

static float noise(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) / (float)(1 << 24) - 0.5f;
}

static pp_status put_frames(pp_archive *archive, const small_archive *shape, unsigned *state,
                            pp_error *err)
{
    pp_status status = PP_OK;
    float *features = pp_alloc((size_t)(GRID * GRID * shape->components), sizeof *features);
    uint8_t thumbnail[THUMBNAIL * THUMBNAIL * 3];
    for (int64_t f = 0; status == PP_OK && f < shape->frames; f++) {
        double time = 2.0 * (double)f;
        for (int i = 0; i < GRID * GRID * shape->components; i++) features[i] = noise(state);
        for (size_t i = 0; i < sizeof thumbnail; i++) {
            thumbnail[i] = (uint8_t)(128 + 100 * noise(state));
        }
        status = pp_archive_put_frames(archive, f, 1, &time, thumbnail, features, err);
    }
    pp_free(features);
    return status;
}

static pp_status put_maps(pp_archive *archive, const small_archive *shape, int64_t w,
                          unsigned *state, pp_error *err)
{
    size_t codes = (size_t)(shape->components * ROWS * COLUMNS);
    uint8_t *map = pp_alloc(codes, 1);
    float *scale = pp_alloc((size_t)shape->components, sizeof *scale);
    for (size_t i = 0; i < codes; i++) map[i] = (uint8_t)(128 + 100 * noise(state));
    for (int k = 0; k < shape->components; k++) scale[k] = 0.01f;
    pp_status status = pp_archive_put_maps(archive, w, 1, map, scale, scale, err);
    pp_free(map);
    pp_free(scale);
    return status;
}

static pp_status put_windows(pp_archive *archive, const small_archive *shape, unsigned *state,
                             pp_error *err)
{
    pp_status status = PP_OK;
    for (int64_t w = 0; status == PP_OK && w < shape->windows; w++) {
        double start = 4.458 * (double)w, end = start + 5.944;
        float energy[GRID * GRID];
        int8_t source[GRID * GRID];
        for (int i = 0; i < GRID * GRID; i++) {
            energy[i] = noise(state) + 0.5f;
            source[i] = (int8_t)(i % (shape->sources + 1) - 1);
        }
        status = pp_archive_put_windows(archive, w, 1, &start, &end, energy, source, err);
        if (status == PP_OK && shape->with_maps) status = put_maps(archive, shape, w, state, err);
    }
    return status;
}

/* Tracks in blocks of an awkward size; the residual is what the stems leave. */
static pp_status put_tracks(pp_archive *archive, const small_archive *shape, unsigned *state,
                            pp_error *err)
{
    enum { BLOCK = 5000 };
    float mixture[BLOCK], stem[BLOCK], residual[BLOCK];
    double left[BLOCK];
    float gain = shape->gain > 0 ? shape->gain : 1;
    pp_status status = PP_OK;
    for (int64_t at = 0; status == PP_OK && at < shape->samples; at += BLOCK) {
        int64_t count = shape->samples - at < BLOCK ? shape->samples - at : BLOCK;
        for (int64_t i = 0; i < count; i++) left[i] = mixture[i] = gain * noise(state);
        status = pp_archive_put_sound(archive, PP_SOUND_MIXTURE, at, count, mixture, err);
        for (int s = 0; status == PP_OK && s < shape->sources; s++) {
            for (int64_t i = 0; i < count; i++) {
                stem[i] = mixture[i] * (0.5f + noise(state)) / (float)shape->sources;
                left[i] -= stem[i];
            }
            status = pp_archive_put_sound(archive, s, at, count, stem, err);
        }
        for (int64_t i = 0; i < count; i++) residual[i] = (float)left[i];
        if (status == PP_OK) {
            status = pp_archive_put_sound(archive, PP_SOUND_RESIDUAL, at, count, residual, err);
        }
    }
    return status;
}

static pp_status put_sources(pp_archive *archive, const small_archive *shape, unsigned *state,
                             pp_error *err)
{
    pp_archive_source sources[8] = {0};
    size_t K = (size_t)shape->components, W = (size_t)shape->windows, S = (size_t)shape->sources;
    float *numbers = pp_alloc(S * (K + 5 * W), sizeof *numbers), *at = numbers;
    for (size_t s = 0; s < S; s++) {
        snprintf(sources[s].label, sizeof sources[s].label, s == 0 ? "cello" : "fl\xc3\xb6te");
        sources[s].confidence = 0.75f;
        sources[s].vector = at;
        for (size_t k = 0; k < K; k++) *at++ = noise(state) + 0.5f;
        sources[s].box = at;
        for (size_t w = 0; w < W; w++) {
            const float box[4] = {0.1f, 0.2f, 0.5f, 0.9f};
            for (int i = 0; i < 4; i++) *at++ = w == 1 ? NAN : box[i];
        }
        sources[s].level_db = at;
        for (size_t w = 0; w < W; w++) *at++ = -20;
    }
    pp_status status = pp_archive_put_sources(archive, sources, err);
    for (int which = PP_SOUND_RESIDUAL; status == PP_OK && which < shape->sources; which++) {
        char path[32];
        pp_archive_sound_path(which, path);
        status = pp_h5_set_real(pp_archive_h5(archive), path, "level_db", -20, err);
        if (status == PP_OK && which >= 0) {
            status = pp_h5_set_real(pp_archive_h5(archive), path, "center_x", 0.25, err);
        }
        if (status == PP_OK && which >= 0) {
            status = pp_h5_set_real(pp_archive_h5(archive), path, "center_y", 0.5, err);
        }
    }
    if (status == PP_OK) {
        status = pp_h5_set_real(pp_archive_h5(archive), "/", "residual_difference_db", -120, err);
    }
    pp_free(numbers);
    pp_annotation rows[2] = {{0.5, 2.5, 0, "cello", 0.75f, -20},
                             {1.5, 3.5, shape->sources - 1, "", 0, -30}};
    if (status != PP_OK || S == 0) return status;
    return pp_archive_put_annotations(archive, rows, 2, err);
}

pp_status small_archive_write(const small_archive *shape, const pp_fileops *ops, const char *path,
                              pp_error *err)
{
    unsigned state = shape->seed;
    pp_archive_header header = small_archive_header(shape);
    pp_archive *archive;
    pp_status status = pp_archive_create(&archive, ops, path, &header, err);
    if (status != PP_OK) return status;
    status = put_frames(archive, shape, &state, err);
    if (status == PP_OK) status = put_windows(archive, shape, &state, err);
    if (status == PP_OK) status = put_tracks(archive, shape, &state, err);
    if (status == PP_OK) status = put_sources(archive, shape, &state, err);
    if (status == PP_OK) status = pp_archive_commit(&archive, err);
    pp_archive_close(&archive);
    return status;
}
