/* publish: everything of one video gathered into its archive, streamed a little at a time. Nothing
 * is computed here but levels and activity, so that a long video has no long serial end. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "pipeline/activity.h"
#include "pipeline/label_features.h"
#include "pipeline/publish_labels.h"
#include "pipeline/room.h"
#include "pipeline/thumbnail.h"
#include "pipeline/window.h"

#define SLAB 65536 /* samples: a chunk of the archive */
#define PICTURES 8 /* copied at once */

typedef struct publish {
    pp_job *job;
    pp_archive *archive;
    pp_h5 *cast;
    pp_series see, listen, energy;
    int sources;
    double mixture_power; /* mean square */
    double residual_db;   /* largest difference that separate found */
    int64_t pictures_missing;
    float *stem, *mixture; /* [SLAB] */
    float *boxes;          /* [S, W, 4] */
    float *levels;         /* [S, W] */
    float *vectors;        /* [S, K] */
    float (*centers)[2];   /* [S] */
    float *label_features; /* [S, D] */
    pp_annotation *annotations;
    size_t annotation_count, annotation_room;
} publish;

static void destroy(publish *at)
{
    pp_archive_close(&at->archive);
    pp_h5_close(&at->cast);
    pp_series_close(&at->see);
    pp_series_close(&at->listen);
    pp_series_close(&at->energy);
    pp_free(at->stem);
    pp_free(at->mixture);
    pp_free(at->boxes);
    pp_free(at->levels);
    pp_free(at->vectors);
    pp_free(at->centers);
    pp_free(at->label_features);
    pp_free(at->annotations);
}

static pp_status read_sources(publish *at, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    int64_t windows = at->job->cut.all.windows, sources = 0, origin[2] = {0, 0};
    size_t features = (size_t)pp_label_feature_count(shape->components);
    pp_status status = pp_shard_open(&at->cast, at->job, PP_SHARD_CAST, 0, err);
    if (status == PP_OK) status = pp_h5_get_int(at->cast, "/", "sources", &sources, err);
    if (status == PP_OK && (sources < 0 || sources > PP_MOST_SOURCES)) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s names %lld sources", pp_h5_path(at->cast),
                         (long long)sources);
    }
    at->sources = (int)sources;
    const pp_want wants[] = {
        {&at->stem, SLAB, sizeof(float)},
        {&at->mixture, SLAB, sizeof(float)},
        {&at->boxes, (size_t)(sources * windows), 4 * sizeof(float)},
        {&at->levels, (size_t)(sources * windows), sizeof(float)},
        {&at->vectors, (size_t)sources, (size_t)shape->components * sizeof(float)},
        {&at->centers, (size_t)sources, sizeof *at->centers},
        {&at->label_features, (size_t)sources, features * sizeof(float)},
    };
    if (status == PP_OK)
        status = pp_room_take(wants, sizeof wants / sizeof *wants, "publishing", err);
    if (status != PP_OK || sources == 0) return status;
    const int64_t vectors[2] = {sources, shape->components}, centers[2] = {sources, 2};
    status = pp_h5_read(at->cast, "/vector", PP_H5_F32, origin, vectors, at->vectors, err);
    if (status == PP_OK)
        status = pp_h5_read(at->cast, "/center", PP_H5_F32, origin, centers, at->centers, err);
    return status;
}

/* The facts that probe found, with what see found. Owned; NULL: no memory. */
static char *complete_media(const char *media, int64_t pictures_missing)
{
    pp_error ignored = {0};
    pp_json *json = NULL;
    if (pp_json_parse(&json, media, strlen(media), "media facts", &ignored) != PP_OK) return NULL;
    pp_json_set_int(json, "pictures_missing", pictures_missing);
    char *text = pp_json_dump(json, 0);
    pp_json_free(&json);
    return text;
}

static pp_status count_missing(publish *at, pp_error *err)
{
    for (int64_t p = 0; p < at->job->cut.all.pictures; p++) {
        uint8_t missing = 0;
        pp_status status =
            pp_series_read(&at->see, "/missing", PP_H5_U8, 1, NULL, p, 1, &missing, err);
        if (status != PP_OK) return status;
        at->pictures_missing += missing != 0;
    }
    return PP_OK;
}

static void fill_header(const publish *at, pp_archive_header *header)
{
    const pp_job *job = at->job;
    const pp_model_shape *shape = job->pipeline->shape;
    const pp_model_identity *model = pp_model_get_identity(job->pipeline->is.model);
    *header = (pp_archive_header){
        .source_path = job->lease->source.path,
        .source_id = job->lease->source.id != NULL ? job->lease->source.id : "",
        .duration_s = job->result->duration_s,
        .model_name = model->name,
        .untrained = model->untrained,
        .kernels = pp_model_kernels(job->pipeline->is.model),
        .tool_version = PP_VERSION,
        .samples = job->cut.all.samples,
        .frames = job->cut.all.pictures,
        .windows = job->cut.all.windows,
        .rate_hz = shape->rate_hz,
        .components = shape->components,
        .grid = shape->grid,
        .log_rows = shape->log_rows,
        .window_frames = shape->window_frames,
        .sources = at->sources,
        .thumbnail_size = PP_THUMBNAIL_SIZE,
        .with_maps = job->pipeline->is.parameters->profile == PP_PROFILE_PIXELS,
        .label_features = pp_label_feature_count(shape->components),
    };
    if (job->pipeline->is.parameters->query[0] == '\0') {
        memcpy(header->label_digest, model->label_digest, PP_HASH_HEX);
    }
    memcpy(header->source_sha256, job->result->sha256, PP_HASH_HEX);
    memcpy(header->source_identity, job->result->identity, PP_HASH_HEX);
    header->audio_track = job->lease->source.audio_track;
    header->source_start_s = job->lease->source.start_s;
    header->source_end_s = job->lease->source.end_s;
    memcpy(header->model_digest, model->digest, PP_HASH_HEX);
    memcpy(header->stage_keys, job->keys.stage, sizeof header->stage_keys);
}

/* Where the archive goes: over the one of the same content, if there is one under any name. */
static pp_status name_archive(publish *at, char **path, pp_error *err)
{
    pp_job *job = at->job;
    const char *out = job->pipeline->is.out_folder, *identity = job->result->identity;
    char *name = pp_archive_find(out, identity);
    if (name == NULL) name = pp_archive_name(job->lease->source.path, identity);
    *path = name != NULL ? pp_format("%s/%s", out, name) : NULL;
    if (*path != NULL && strlen(name) < sizeof job->result->archive) {
        memcpy(job->result->archive, name, strlen(name) + 1);
        pp_free(name);
        return PP_OK;
    }
    pp_free(name);
    return pp_fail(err, PP_ERR_NOMEM, "no memory for an archive's name");
}

static pp_status create_archive(publish *at, pp_error *err)
{
    pp_job *job = at->job;
    pp_archive_header header;
    char *path = NULL, *facts = NULL, *media = NULL, *parameters = NULL;
    pp_status status = count_missing(at, err);
    if (status == PP_OK) status = name_archive(at, &path, err);
    if (status == PP_OK) status = pp_h5_get_text(job->probe, "/", "media", &facts, err);
    if (status == PP_OK) {
        media = complete_media(facts, at->pictures_missing);
        parameters = pp_parameters_json(job->pipeline->is.parameters);
        if (media == NULL || parameters == NULL)
            status = pp_fail(err, PP_ERR_NOMEM, "no memory for an archive's header");
    }
    if (status == PP_OK) {
        fill_header(at, &header);
        header.media_json = media;
        header.parameters_json = parameters;
        status = pp_archive_create(&at->archive, job->pipeline->is.ops, path, &header, err);
    }
    pp_free(path);
    pp_free(facts);
    pp_free(media);
    pp_free(parameters);
    return status;
}

/* ---- pictures, windows, maps ------------------------------------------------------------- */

static pp_status put_frames(publish *at, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    const int64_t small[3] = {PP_THUMBNAIL_SIZE, PP_THUMBNAIL_SIZE, 3};
    const int64_t features[3] = {shape->grid, shape->grid, shape->components};
    double time[PICTURES];
    uint8_t *thumbnails = NULL;
    float *values = NULL;
    const pp_want wants[] = {
        {&thumbnails, PICTURES, (size_t)(small[0] * small[1] * small[2])},
        {&values, PICTURES, (size_t)(features[0] * features[1] * features[2]) * sizeof(float)},
    };
    pp_status status = pp_room_take(wants, 2, "pictures", err);
    for (int64_t p = 0; status == PP_OK && p < at->job->cut.all.pictures; p += PICTURES) {
        int64_t count = at->job->cut.all.pictures - p;
        if (count > PICTURES) count = PICTURES;
        status = pp_series_read(&at->see, "/time", PP_H5_F64, 1, NULL, p, count, time, err);
        if (status == PP_OK)
            status = pp_series_read(&at->see, "/thumbnail", PP_H5_U8, 4, small, p, count,
                                    thumbnails, err);
        if (status == PP_OK)
            status = pp_series_read(&at->see, "/features", PP_H5_F32, 4, features, p, count, values,
                                    err);
        if (status == PP_OK)
            status = pp_archive_put_frames(at->archive, p, count, time, thumbnails, values, err);
        if (status == PP_OK) status = pp_job_progress(at->job, PP_STAGE_PUBLISH, 0, err);
    }
    pp_free(thumbnails);
    pp_free(values);
    return status;
}

/* Boxes lie window by window in the shard and source by source in the archive. */
static pp_status take_boxes(publish *at, int64_t window, pp_error *err)
{
    float boxes[PP_MOST_SOURCES][4];
    const int64_t start[3] = {window}, count[3] = {1, at->sources, 4};
    if (at->sources == 0) return PP_OK;
    pp_status status = pp_h5_read(at->cast, "/box", PP_H5_F32, start, count, boxes, err);
    for (int s = 0; status == PP_OK && s < at->sources; s++) {
        int64_t row = s * at->job->cut.all.windows + window;
        memcpy(at->boxes + 4 * row, boxes[s], sizeof boxes[s]);
    }
    return status;
}

static pp_status put_windows(publish *at, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    const int64_t grid[2] = {shape->grid, shape->grid};
    size_t pixels = (size_t)(grid[0] * grid[1]);
    float *energy = NULL;
    int8_t *source = NULL;
    const pp_want wants[] = {{&energy, pixels, sizeof(float)}, {&source, pixels, 1}};
    pp_status status = pp_room_take(wants, 2, "windows", err);
    for (int64_t w = 0; status == PP_OK && w < at->job->cut.all.windows; w++) {
        pp_range samples = pp_cut_window_samples(&at->job->cut, w);
        double start_s = (double)samples.first / shape->rate_hz;
        double end_s = (double)(samples.first + samples.count) / shape->rate_hz;
        const int64_t start[3] = {w}, count[3] = {1, grid[0], grid[1]};
        status = pp_series_read(&at->energy, "/energy", PP_H5_F32, 3, grid, w, 1, energy, err);
        if (status == PP_OK)
            status = pp_h5_read(at->cast, "/source", PP_H5_I8, start, count, source, err);
        if (status == PP_OK)
            status =
                pp_archive_put_windows(at->archive, w, 1, &start_s, &end_s, energy, source, err);
        if (status == PP_OK) status = take_boxes(at, w, err);
        if (status == PP_OK) status = pp_job_progress(at->job, PP_STAGE_PUBLISH, 0, err);
    }
    pp_free(energy);
    pp_free(source);
    return status;
}

static pp_status put_maps(publish *at, pp_error *err)
{
    pp_quantised_maps maps = {0};
    pp_status status = pp_maps_create(&maps, at->job->pipeline->shape, err);
    for (int64_t w = 0; status == PP_OK && w < at->job->cut.all.windows; w++) {
        status = pp_maps_read(&at->listen, w, &maps, err);
        if (status == PP_OK)
            status =
                pp_archive_put_maps(at->archive, w, 1, maps.codes, maps.scale, maps.offset, err);
        if (status == PP_OK) status = pp_job_progress(at->job, PP_STAGE_PUBLISH, 0, err);
    }
    pp_maps_free(&maps);
    return status;
}

/* ---- sound ------------------------------------------------------------------------------- */

/* A track's level as an attribute. */
static pp_status put_level(publish *at, int which, double level_db, pp_error *err)
{
    char path[32];
    pp_archive_sound_path(which, path);
    return pp_h5_set_real(pp_archive_h5(at->archive), path, "level_db", level_db, err);
}

static pp_status put_mixture(publish *at, pp_error *err)
{
    int64_t samples = at->job->cut.all.samples;
    double energy = 0;
    for (int64_t first = 0; first < samples; first += SLAB) {
        int64_t count = samples - first < SLAB ? samples - first : SLAB;
        pp_status status = pp_job_sound(at->job, first, count, at->mixture, err);
        if (status == PP_OK)
            status =
                pp_archive_put_sound(at->archive, PP_SOUND_MIXTURE, first, count, at->mixture, err);
        if (status == PP_OK) status = pp_job_progress(at->job, PP_STAGE_PUBLISH, 0, err);
        if (status != PP_OK) return status;
        for (int64_t i = 0; i < count; i++) energy += (double)at->mixture[i] * at->mixture[i];
    }
    at->mixture_power = energy / (double)samples;
    return put_level(at, PP_SOUND_MIXTURE, pp_level_db(at->mixture_power), err);
}

/* What a track goes through on its way. */
typedef struct listener {
    pp_level_meter *meter;
    pp_activity *activity; /* NULL for the residual */
    float *levels;         /* [W] */
} listener;

/* One shard's part of a track. */
static pp_status put_part(publish *at, pp_h5 *shard, int which, pp_range own, listener *hears,
                          pp_error *err)
{
    for (int64_t done = 0; done < own.count; done += SLAB) {
        int64_t left = own.count - done, first = own.first + done;
        int64_t count = left < SLAB ? left : SLAB;
        const int64_t start[2] = {which, done}, extent[2] = {1, count};
        pp_status status =
            which == PP_SOUND_RESIDUAL
                ? pp_h5_read(shard, "/residual", PP_H5_F32, &done, &count, at->stem, err)
                : pp_h5_read(shard, "/stems", PP_H5_F32, start, extent, at->stem, err);
        if (status == PP_OK)
            status = pp_archive_put_sound(at->archive, which, first, count, at->stem, err);
        pp_part before = pp_job_part(at->job, PP_PART_STITCH);
        if (status == PP_OK) pp_level_meter_add(hears->meter, at->stem, count, hears->levels);
        if (status == PP_OK && hears->activity != NULL) {
            status = pp_job_sound(at->job, first, count, at->mixture, err);
            if (status == PP_OK)
                status = pp_activity_add(hears->activity, at->stem, at->mixture, count, err);
        }
        pp_job_part(at->job, before);
        if (status == PP_OK) status = pp_job_progress(at->job, PP_STAGE_PUBLISH, 0, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

static pp_status put_track(publish *at, int which, listener *hears, pp_error *err)
{
    pp_status status = PP_OK;
    for (int64_t s = 0; status == PP_OK && s < at->job->cut.all.segments; s++) {
        pp_h5 *shard = NULL;
        double db = 0;
        status = pp_shard_open(&shard, at->job, PP_SHARD_SEPARATE, s, err);
        if (status == PP_OK)
            status = pp_h5_get_real(shard, "/", "residual_difference_db", &db, err);
        if (db > at->residual_db) at->residual_db = db;
        if (status == PP_OK)
            status =
                put_part(at, shard, which, pp_cut_segment_samples(&at->job->cut, s), hears, err);
        pp_h5_close(&shard);
    }
    return status;
}

static pp_status take_annotations(publish *at, pp_activity *activity, pp_error *err)
{
    const pp_annotation *rows = NULL;
    int64_t count = 0;
    pp_status status = pp_activity_finish(activity, &rows, &count, err);
    size_t all = at->annotation_count + (size_t)count;
    if (status == PP_OK)
        status = pp_grow((void **)&at->annotations, &at->annotation_room, all,
                         sizeof *at->annotations, err);
    if (status != PP_OK || count == 0) return status;
    memcpy(at->annotations + at->annotation_count, rows, (size_t)count * sizeof *rows);
    at->annotation_count = all;
    return PP_OK;
}

static pp_status put_stem(publish *at, int source, pp_error *err)
{
    char path[32];
    listener hears = {.levels = at->levels + source * at->job->cut.all.windows};
    pp_h5 *file = pp_archive_h5(at->archive);
    double level_db = 0;
    const float *center = at->centers[source];
    pp_archive_sound_path(source, path);
    pp_status status = pp_level_meter_create(&hears.meter, &at->job->cut, err);
    if (status == PP_OK)
        status = pp_activity_create(&hears.activity, &at->job->cut, source, at->mixture_power, err);
    if (status == PP_OK) status = put_track(at, source, &hears, err);
    if (status == PP_OK) {
        level_db = pp_level_meter_finish(hears.meter, hears.levels);
        status = take_annotations(at, hears.activity, err);
    }
    if (status == PP_OK) status = put_level(at, source, level_db, err);
    if (status == PP_OK) status = pp_h5_set_real(file, path, "center_x", (double)center[0], err);
    if (status == PP_OK) status = pp_h5_set_real(file, path, "center_y", (double)center[1], err);
    at->job->result->source_level_db[source] = level_db;
    memcpy(at->job->result->source_center[source], center, sizeof at->centers[source]);
    pp_level_meter_destroy(&hears.meter);
    pp_activity_destroy(&hears.activity);
    return status;
}

static pp_status put_residual(publish *at, pp_error *err)
{
    listener hears = {0};
    void *levels = NULL; /* of windows: nobody asks for them */
    pp_status status =
        pp_alloc_checked(&levels, (size_t)at->job->cut.all.windows, sizeof(float), "levels", err);
    hears.levels = levels;
    if (status == PP_OK) status = pp_level_meter_create(&hears.meter, &at->job->cut, err);
    if (status == PP_OK) status = put_track(at, PP_SOUND_RESIDUAL, &hears, err);
    if (status == PP_OK) {
        status = put_level(at, PP_SOUND_RESIDUAL, pp_level_meter_finish(hears.meter, levels), err);
    }
    pp_level_meter_destroy(&hears.meter);
    pp_free(levels);
    return status;
}

/* ---- who and when ------------------------------------------------------------------------ */

static int by_start(const void *a, const void *b)
{
    const pp_annotation *x = a, *y = b;
    if (x->start_s != y->start_s) return x->start_s < y->start_s ? -1 : 1;
    return x->source - y->source;
}

static pp_status put_sources(publish *at, pp_error *err)
{
    pp_archive_source sources[PP_MOST_SOURCES] = {0};
    int64_t windows = at->job->cut.all.windows;
    for (int s = 0; s < at->sources; s++) {
        sources[s].vector = at->vectors + (int64_t)s * at->job->pipeline->shape->components;
        sources[s].box = at->boxes + s * windows * 4;
        sources[s].level_db = at->levels + s * windows;
    }
    pp_status status =
        pp_publish_labels(at->job, at->sources, at->vectors, at->label_features, sources, err);
    for (size_t i = 0; status == PP_OK && i < at->annotation_count; i++) {
        pp_annotation *row = &at->annotations[i];
        memcpy(row->label, sources[row->source].label, sizeof row->label);
        row->confidence = sources[row->source].confidence;
    }
    if (status == PP_OK) status = pp_archive_put_sources(at->archive, sources, err);
    if (status != PP_OK) return status;
    if (at->annotation_count > 1)
        qsort(at->annotations, at->annotation_count, sizeof *at->annotations, by_start);
    return pp_archive_put_annotations(at->archive, at->annotations, (int64_t)at->annotation_count,
                                      err);
}

static pp_status gather(publish *at, pp_error *err)
{
    pp_status status = put_frames(at, err);
    if (status == PP_OK) status = put_windows(at, err);
    if (status == PP_OK && at->job->pipeline->is.parameters->profile == PP_PROFILE_PIXELS)
        status = put_maps(at, err);
    if (status == PP_OK) status = put_mixture(at, err);
    for (int s = 0; status == PP_OK && s < at->sources; s++) status = put_stem(at, s, err);
    if (status == PP_OK) status = put_residual(at, err);
    if (status == PP_OK) status = put_sources(at, err);
    if (status == PP_OK)
        status = pp_h5_set_real(pp_archive_h5(at->archive), "/", "residual_difference_db",
                                at->residual_db, err);
    return status;
}

pp_status pp_stage_publish(pp_job *job, pp_error *err)
{
    publish at = {.job = job,
                  .see = {.job = job, .shard = PP_SHARD_SEE},
                  .listen = {.job = job, .shard = PP_SHARD_LISTEN},
                  .energy = {.job = job, .shard = PP_SHARD_ENERGY},
                  .residual_db = PP_SILENCE_DB};
    pp_status status = read_sources(&at, err);
    if (status == PP_OK) status = create_archive(&at, err);
    if (status == PP_OK) status = gather(&at, err);
    if (status == PP_OK) status = pp_archive_commit(&at.archive, err);
    if (status == PP_OK) job->result->sources = at.sources;
    destroy(&at);
    if (status != PP_OK || job->pipeline->is.parameters->keep_shards) return status;
    pp_h5_close(&job->probe);
    return pp_shards_remove(job, err);
}
