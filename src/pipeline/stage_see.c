/* see: the video network on the pictures of one segment.
 *
 *   slots   [ last computed | new | new | ... ]      rows of the segment wait for their slots
 *
 * Pictures come one after another; those that need computing fill the slots behind the first. When
 * they are full (and at the end) the network runs on them, the rows that wait are written, each
 * from its slot, and the last slot becomes the first: a picture equal to the one before it waits
 * for that one's slot and costs nothing.
 */
#include <string.h>

#include "base/memory.h"
#include "pipeline/restore.h"
#include "pipeline/room.h"
#include "pipeline/shard_rows.h"
#include "pipeline/thumbnail.h"

typedef struct see {
    pp_job *job;
    pp_h5 *file;
    pp_range pictures; /* of the segment */
    size_t picture_bytes, features_of_one;
    uint8_t *rgb;          /* [1 + most_used, size, size, 3] */
    uint8_t *missing;      /* [1 + most_used] */
    float *features;       /* [1 + most_used, K, grid, grid] as the network gives them */
    float *row;            /* [grid, grid, K] as files keep them */
    uint8_t *thumbnail;    /* [112, 112, 3] */
    pp_picture_plan *plan; /* [pictures.count] */
    int64_t *wanted;       /* [pictures.count] those to be decoded, by their place in the plan */
    int32_t *slot;         /* [pictures.count] */
    int64_t wanted_count, taken; /* pictures to be decoded, and those that came */
    int used, most_used;         /* new slots */
    int group;                   /* of them, that a thread takes at once */
    int64_t filled;              /* rows that have a slot */
    int64_t written;             /* rows */
} see;

static void destroy(see *at)
{
    pp_free(at->rgb);
    pp_free(at->missing);
    pp_free(at->features);
    pp_free(at->row);
    pp_free(at->thumbnail);
    pp_free(at->plan);
    pp_free(at->wanted);
    pp_free(at->slot);
    pp_h5_close(&at->file);
}

static pp_status allocate(see *at, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    size_t grid = (size_t)shape->grid * (size_t)shape->grid;
    int batch = at->job->pipeline->batch, lanes = at->job->pipeline->lanes;
    /* More would let the decoder wait: it is only a few pictures ahead. */
    at->most_used = (batch + lanes - 1) / lanes * lanes;
    size_t slots = 1 + (size_t)at->most_used;
    size_t count = (size_t)at->pictures.count;
    at->picture_bytes = (size_t)shape->picture_size * (size_t)shape->picture_size * 3;
    at->features_of_one = grid * (size_t)shape->components;
    const pp_want wants[] = {
        {&at->rgb, slots, at->picture_bytes},
        {&at->missing, slots, 1},
        {&at->features, slots, at->features_of_one * sizeof(float)},
        {&at->row, at->features_of_one, sizeof(float)},
        {&at->thumbnail, (size_t)PP_THUMBNAIL_SIZE * PP_THUMBNAIL_SIZE, 3},
        {&at->plan, count, sizeof *at->plan},
        {&at->wanted, count, sizeof *at->wanted},
        {&at->slot, count, sizeof *at->slot},
    };
    return pp_room_take(wants, sizeof wants / sizeof *wants, "the pictures of a segment", err);
}

static pp_status read_plan(see *at, pp_error *err)
{
    pp_h5 *probe = at->job->probe;
    const int64_t *first = &at->pictures.first, *count = &at->pictures.count;
    void *memory = NULL;
    pp_status status = pp_alloc_checked(&memory, (size_t)*count, 8, "the picture plan", err);
    if (status != PP_OK) return status;
    double *real = memory;
    int64_t *whole = memory;
    uint8_t *flags = memory;
    pp_picture_plan *plan = at->plan;
    status = pp_h5_read(probe, "/plan/time", PP_H5_F64, first, count, real, err);
    for (int64_t i = 0; i < *count; i++) plan[i].time_s = real[i];
    if (status == PP_OK) {
        status = pp_h5_read(probe, "/plan/shown", PP_H5_F64, first, count, real, err);
    }
    for (int64_t i = 0; i < *count; i++) plan[i].shown_s = real[i];
    if (status == PP_OK) {
        status = pp_h5_read(probe, "/plan/pts", PP_H5_I64, first, count, whole, err);
    }
    for (int64_t i = 0; i < *count; i++) plan[i].pts = whole[i];
    if (status == PP_OK) {
        status = pp_h5_read(probe, "/plan/seek_pts", PP_H5_I64, first, count, whole, err);
    }
    for (int64_t i = 0; i < *count; i++) plan[i].seek_pts = whole[i];
    if (status == PP_OK) {
        status = pp_h5_read(probe, "/plan/only_reference", PP_H5_I64, first, count, whole, err);
    }
    for (int64_t i = 0; i < *count; i++) plan[i].only_reference = (int32_t)whole[i];
    if (status == PP_OK) {
        status = pp_h5_read(probe, "/plan/same_as_before", PP_H5_U8, first, count, flags, err);
    }
    for (int64_t i = 0; i < *count; i++) plan[i].same_as_before = flags[i];
    pp_free(memory);
    return status;
}

static pp_status write_row(see *at, int64_t row, int slot, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    int pixels = shape->grid * shape->grid, components = shape->components;
    const float *features = at->features + (size_t)slot * at->features_of_one;
    for (int p = 0; p < pixels; p++) {
        for (int k = 0; k < components; k++) {
            at->row[p * components + k] = features[k * pixels + p];
        }
    }
    pp_thumbnail(at->rgb + (size_t)slot * at->picture_bytes, shape->picture_size, at->thumbnail);
    pp_part before = pp_job_part(at->job, PP_PART_WRITE);
    pp_status status = pp_see_file_write(at->file, shape, row, at->plan[row].time_s,
                                         at->missing[slot], at->thumbnail, at->row, err);
    pp_job_part(at->job, before);
    return status;
}

static void run_network(void *user, int group, int lane)
{
    see *at = user;
    const pp_pipeline *pipeline = at->job->pipeline;
    int first = group * at->group, left = at->used - first;
    size_t slot = 1 + (size_t)first;
    pp_model_see(pipeline->is.model, pipeline->lane[lane].scratch,
                 at->rgb + slot * at->picture_bytes, left < at->group ? left : at->group,
                 at->features + slot * at->features_of_one);
}

/* Runs the network on the new slots and writes the rows that wait. */
static pp_status run_batch(see *at, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    if (at->used > 0) {
        pp_part before = pp_job_part(at->job, PP_PART_SEE);
        at->group = (at->used + pipeline->lanes - 1) / pipeline->lanes;
        pp_team_run(pipeline->team, run_network, at, (at->used + at->group - 1) / at->group);
        pp_job_part(at->job, before);
    }
    for (; at->written < at->filled; at->written++) {
        pp_status status = write_row(at, at->written, at->slot[at->written], err);
        if (status != PP_OK) return status;
    }
    size_t last = (size_t)at->used;
    memmove(at->rgb, at->rgb + last * at->picture_bytes, at->picture_bytes);
    memmove(at->features, at->features + last * at->features_of_one,
            at->features_of_one * sizeof(float));
    at->missing[0] = at->missing[last];
    at->used = 0;
    return pp_job_progress(at->job, PP_STAGE_SEE, 0, err);
}

/* Rows up to `behind` show the picture of the last slot. */
static void fill_up_to(see *at, int64_t behind)
{
    while (at->filled < behind) at->slot[at->filled++] = at->used;
}

static int equals_last(const see *at, const uint8_t *rgb, int missing)
{
    if (at->filled == 0 || at->missing[at->used] != missing) return 0;
    return memcmp(at->rgb + (size_t)at->used * at->picture_bytes, rgb, at->picture_bytes) == 0;
}

static pp_status place_picture(see *at, int64_t index, const pp_picture *picture, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    if (index != at->taken || index >= at->wanted_count) {
        return pp_fail(err, PP_ERR_CRASH, "the decoder sent picture %lld where %lld was due",
                       (long long)index, (long long)at->taken);
    }
    if (!picture->missing && picture->size != pipeline->shape->picture_size) {
        return pp_fail(err, PP_ERR_CRASH, "the decoder sent a picture of %d pixels instead of %d",
                       picture->size, pipeline->shape->picture_size);
    }
    int64_t row = at->wanted[at->taken++];
    fill_up_to(at, row);
    pp_status status = PP_OK;
    if (at->used == at->most_used) status = run_batch(at, err);
    if (status != PP_OK) return status;
    /* What could not be decoded is black, whatever the decoder showed last: that would depend on
     * where the segment begins. */
    uint8_t *next = at->rgb + (size_t)(at->used + 1) * at->picture_bytes;
    if (picture->missing) memset(next, 0, at->picture_bytes);
    else memcpy(next, picture->rgb, at->picture_bytes);
    if (!equals_last(at, next, picture->missing != 0)) {
        at->used++;
        at->missing[at->used] = picture->missing != 0;
    }
    fill_up_to(at, row + 1);
    return pp_job_progress(at->job, PP_STAGE_SEE, 0, err);
}

static pp_status take_picture(void *user, int64_t index, const pp_picture *picture, pp_error *err)
{
    see *at = user;
    pp_part before = pp_job_part(at->job, PP_PART_OTHER);
    pp_status status = place_picture(at, index, picture, err);
    pp_job_part(at->job, before);
    return status;
}

static pp_status see_pictures(see *at, pp_error *err)
{
    pp_job *job = at->job;
    pp_status status = read_plan(at, err);
    if (status != PP_OK) return status;
    pp_picture_plan *wanted = pp_alloc((size_t)at->pictures.count, sizeof *wanted);
    if (wanted == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the picture plan");
    for (int64_t i = 0; i < at->pictures.count; i++) {
        if (i > 0 && at->plan[i].same_as_before) continue;
        wanted[at->wanted_count] = at->plan[i];
        at->wanted[at->wanted_count++] = i;
    }
    pp_part before = pp_job_part(job, PP_PART_DECODE);
    status = pp_job_open_media(job, err);
    if (status == PP_OK) {
        status = pp_media_pictures(job->media, wanted, at->wanted_count, take_picture, at, err);
    }
    pp_job_part(job, before);
    pp_free(wanted);
    if (status == PP_OK && at->taken != at->wanted_count) {
        status = pp_fail(err, PP_ERR_CRASH, "the decoder sent %lld pictures of %lld",
                         (long long)at->taken, (long long)at->wanted_count);
    }
    if (status == PP_OK) {
        fill_up_to(at, at->pictures.count);
        status = run_batch(at, err);
    }
    return status;
}

pp_status pp_stage_see(pp_job *job, int64_t segment, pp_error *err)
{
    int restored = 0;
    if (pp_shard_is_done(job, PP_SHARD_SEE, segment)) return PP_OK;
    pp_status status = pp_restore_see(job, segment, &restored, err);
    if (status != PP_OK || restored) return status;
    see at = {.job = job, .pictures = pp_cut_segment_pictures(&job->cut, segment)};
    status = pp_see_file_create(&at.file, job, segment, err);
    if (status == PP_OK && at.pictures.count > 0) {
        status = allocate(&at, err);
        if (status == PP_OK) status = see_pictures(&at, err);
    }
    pp_part before = pp_job_part(job, PP_PART_WRITE);
    if (status == PP_OK) status = pp_shard_commit(&at.file, job, err);
    pp_job_part(job, before);
    destroy(&at);
    return status;
}
