#include "pipeline/restore.h"

#include <string.h>

#include "base/memory.h"
#include "pipeline/room.h"
#include "pipeline/shard_rows.h"
#include "pipeline/thumbnail.h"
#include "pipeline/window.h"

/* The archive of this content, if there is a readable one; looked for once a job. */
static pp_archive *old_archive(pp_job *job)
{
    pp_error ignored = {0};
    const char *out = job->pipeline->is.out_folder;
    if (job->looked_for_old) return job->old;
    job->looked_for_old = 1;
    char *name = pp_archive_find(out, job->result->identity);
    char *path = name != NULL ? pp_format("%s/%s", out, name) : NULL;
    if (path != NULL &&
        pp_archive_open(&job->old, job->pipeline->is.ops, path, &ignored) != PP_OK) {
        job->old = NULL;
    }
    pp_free(path);
    pp_free(name);
    return job->old;
}

static int no_picture_missing(const pp_archive_header *header)
{
    pp_error ignored = {0};
    pp_json *media = NULL;
    size_t length = strlen(header->media_json);
    if (pp_json_parse(&media, header->media_json, length, "media facts", &ignored) != PP_OK)
        return 0;
    int none = pp_json_int(media, "pictures_missing", -1) == 0;
    pp_json_free(&media);
    return none;
}

/* The archive if its stage has this job's key and its shape is this job's. */
static pp_archive *archive_with(pp_job *job, pp_stage stage)
{
    pp_archive *archive = old_archive(job);
    if (archive == NULL) return NULL;
    const pp_archive_header *header = pp_archive_get_header(archive);
    const pp_model_shape *shape = job->pipeline->shape;
    int fits = strcmp(header->stage_keys[stage], job->keys.stage[stage]) == 0 &&
               header->samples == job->cut.all.samples && header->grid == shape->grid &&
               header->components == shape->components && header->log_rows == shape->log_rows &&
               header->window_frames == shape->window_frames;
    if (stage == PP_STAGE_SEE) {
        /* Which pictures were missing is not in archives, only how many. */
        fits = fits && header->frames == job->cut.all.pictures &&
               header->thumbnail_size == PP_THUMBNAIL_SIZE && no_picture_missing(header);
    } else {
        fits = fits && header->windows == job->cut.all.windows && header->with_maps;
    }
    return fits ? archive : NULL;
}

/* A row of the archive that cannot be read is no failure: the stage computes it. What was written
 * so far is thrown away. */
typedef enum row_end { ROW_DONE, ROW_UNREADABLE, ROW_FAILED } row_end;

typedef struct pictures {
    float *features;
    uint8_t *thumbnail;
} pictures;

static row_end copy_picture(pp_job *job, pp_h5 *from, pp_h5 *to, int64_t picture, int64_t row,
                            const pictures *room, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    pp_error unread = {0};
    double time_s = 0;
    const int64_t start[4] = {picture};
    const int64_t one[4] = {1, shape->grid, shape->grid, shape->components};
    const int64_t small[4] = {1, PP_THUMBNAIL_SIZE, PP_THUMBNAIL_SIZE, 3};
    if (pp_h5_read(from, "/frames/time", PP_H5_F64, start, one, &time_s, &unread) != PP_OK ||
        pp_h5_read(from, "/frames/thumbnail", PP_H5_U8, start, small, room->thumbnail, &unread) !=
            PP_OK ||
        pp_h5_read(from, "/pixels/features", PP_H5_F32, start, one, room->features, &unread) !=
            PP_OK)
        return ROW_UNREADABLE;
    pp_status status =
        pp_see_file_write(to, shape, row, time_s, 0, room->thumbnail, room->features, err);
    if (status == PP_OK) status = pp_job_progress(job, PP_STAGE_SEE, 0, err);
    return status == PP_OK ? ROW_DONE : ROW_FAILED;
}

/* Commits where all rows were copied; *file is closed in every case. */
static pp_status finish(const pp_job *job, pp_h5 **file, row_end end, int *restored, pp_error *err)
{
    pp_status status = PP_OK;
    if (end == ROW_FAILED) status = err->status;
    if (end == ROW_DONE) status = pp_shard_commit(file, job, err);
    *restored = end == ROW_DONE && status == PP_OK;
    pp_h5_close(file);
    return status;
}

pp_status pp_restore_see(pp_job *job, int64_t segment, int *restored, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    pp_archive *archive = archive_with(job, PP_STAGE_SEE);
    pp_range rows = pp_shard_rows(job, PP_SHARD_SEE, segment);
    pictures room = {0};
    pp_h5 *file = NULL;
    row_end end = ROW_DONE;
    *restored = 0;
    if (archive == NULL) return PP_OK;
    size_t values = (size_t)shape->grid * (size_t)shape->grid * (size_t)shape->components;
    const pp_want wants[] = {
        {&room.features, values, sizeof(float)},
        {&room.thumbnail, (size_t)PP_THUMBNAIL_SIZE * PP_THUMBNAIL_SIZE, 3},
    };
    pp_status status = pp_room_take(wants, 2, "pictures", err);
    if (status == PP_OK) status = pp_see_file_create(&file, job, segment, err);
    for (int64_t i = 0; status == PP_OK && end == ROW_DONE && i < rows.count; i++) {
        end = copy_picture(job, pp_archive_h5(archive), file, rows.first + i, i, &room, err);
    }
    if (status == PP_OK) status = finish(job, &file, end, restored, err);
    pp_free(room.features);
    pp_free(room.thumbnail);
    return status;
}

static row_end copy_maps(pp_job *job, pp_h5 *from, pp_h5 *to, int64_t window, int64_t row,
                         pp_quantised_maps *maps, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    pp_error unread = {0};
    const int64_t start[4] = {window};
    const int64_t count[4] = {1, shape->components, shape->log_rows, shape->window_frames};
    if (pp_h5_read(from, "/components/maps", PP_H5_U8, start, count, maps->codes, &unread) !=
            PP_OK ||
        pp_h5_read(from, "/components/scale", PP_H5_F32, start, count, maps->scale, &unread) !=
            PP_OK ||
        pp_h5_read(from, "/components/offset", PP_H5_F32, start, count, maps->offset, &unread) !=
            PP_OK)
        return ROW_UNREADABLE;
    pp_status status = pp_listen_file_write(to, shape, row, maps, err);
    if (status == PP_OK) status = pp_job_progress(job, PP_STAGE_LISTEN, 1, err);
    return status == PP_OK ? ROW_DONE : ROW_FAILED;
}

pp_status pp_restore_listen(pp_job *job, int64_t segment, int *restored, pp_error *err)
{
    pp_archive *archive = archive_with(job, PP_STAGE_LISTEN);
    pp_range rows = pp_shard_rows(job, PP_SHARD_LISTEN, segment);
    pp_quantised_maps maps = {0};
    pp_h5 *file = NULL;
    row_end end = ROW_DONE;
    *restored = 0;
    if (archive == NULL) return PP_OK;
    pp_status status = pp_maps_create(&maps, job->pipeline->shape, err);
    if (status == PP_OK) status = pp_listen_file_create(&file, job, segment, err);
    for (int64_t i = 0; status == PP_OK && end == ROW_DONE && i < rows.count; i++) {
        end = copy_maps(job, pp_archive_h5(archive), file, rows.first + i, i, &maps, err);
    }
    if (status == PP_OK) status = finish(job, &file, end, restored, err);
    pp_maps_free(&maps);
    return status;
}
