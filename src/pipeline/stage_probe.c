/* probe: the whole sound once, from its very start, and which coded picture serves each grid time.
 */
#include <math.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "pipeline/shards.h"

#define SOUND_CHUNK 65536 /* samples */
#define PLAN_CHUNK 4096   /* pictures */
#define LOUDEST 1e6f      /* a sample beyond is damage, not sound */

typedef struct probe {
    pp_job *job;
    pp_h5 *file;
    float *buffer; /* [SOUND_CHUNK] */
    int64_t written, buffered;
    int64_t bad_samples;
    float peak;
} probe;

static pp_status flush(probe *at, pp_error *err)
{
    if (at->buffered == 0) return PP_OK;
    pp_part before = pp_job_part(at->job, PP_PART_WRITE);
    pp_status status = pp_h5_resize(at->file, "/sound", at->written + at->buffered, err);
    if (status == PP_OK) {
        status = pp_h5_write(at->file, "/sound", PP_H5_F32, &at->written, &at->buffered, at->buffer,
                             err);
    }
    pp_job_part(at->job, before);
    at->written += at->buffered;
    at->buffered = 0;
    return status != PP_OK ? status : pp_job_progress(at->job, PP_STAGE_PROBE, 0, err);
}

/* The decoder's words are checked: samples must come in order and be numbers. */
static pp_status take_sound(void *user, const float *samples, int64_t first, int64_t count,
                            pp_error *err)
{
    probe *at = user;
    if (first != at->written + at->buffered) {
        return pp_fail(err, PP_ERR_CRASH, "the decoder sent sample %lld where %lld was due",
                       (long long)first, (long long)(at->written + at->buffered));
    }
    for (int64_t i = 0; i < count; i++) {
        float sample = samples[i];
        if (!(fabsf(sample) <= LOUDEST)) {
            at->bad_samples++;
            sample = 0;
        }
        if (fabsf(sample) > at->peak) at->peak = fabsf(sample);
        at->buffer[at->buffered++] = sample;
        if (at->buffered < SOUND_CHUNK) continue;
        pp_status status = flush(at, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

/* One column of the plan as a data set of its own, so that segments read slices. */
static pp_status put_column(pp_h5 *file, const char *path, pp_h5_type type, int64_t rows,
                            const char *units, const char *long_name, const void *data,
                            pp_error *err)
{
    const pp_h5_spec spec = {.path = path,
                             .type = type,
                             .rank = 1,
                             .dims = {rows},
                             .chunk = {rows < PLAN_CHUNK ? rows : PLAN_CHUNK},
                             .units = units,
                             .long_name = long_name};
    return pp_h5_put(file, &spec, data, err);
}

static pp_status put_plan(pp_h5 *file, const pp_picture_plan *plan, int64_t count, pp_error *err)
{
    void *memory = NULL;
    pp_status status = pp_alloc_checked(&memory, (size_t)count, 8, "the picture plan", err);
    if (status != PP_OK) return status;
    double *real = memory;
    int64_t *whole = memory;
    uint8_t *flags = memory;
    for (int64_t i = 0; i < count; i++) real[i] = plan[i].time_s;
    status = put_column(file, "/plan/time", PP_H5_F64, count, "s", "time of the picture grid", real,
                        err);
    for (int64_t i = 0; i < count; i++) real[i] = plan[i].shown_s;
    if (status == PP_OK) {
        status = put_column(file, "/plan/shown", PP_H5_F64, count, "s",
                            "time stamp of the coded picture that serves it", real, err);
    }
    for (int64_t i = 0; i < count; i++) whole[i] = plan[i].pts;
    if (status == PP_OK) {
        status = put_column(file, "/plan/pts", PP_H5_I64, count, "1",
                            "the same in units of the stream", whole, err);
    }
    for (int64_t i = 0; i < count; i++) whole[i] = plan[i].seek_pts;
    if (status == PP_OK) {
        status = put_column(file, "/plan/seek_pts", PP_H5_I64, count, "1",
                            "key picture from which decoding starts", whole, err);
    }
    for (int64_t i = 0; i < count; i++) whole[i] = plan[i].only_reference;
    if (status == PP_OK) {
        status = put_column(file, "/plan/only_reference", PP_H5_I64, count, "1",
                            "1: reference pictures lead to it; 2: by reading from the start", whole,
                            err);
    }
    for (int64_t i = 0; i < count; i++) flags[i] = plan[i].same_as_before != 0;
    if (status == PP_OK) {
        status = put_column(file, "/plan/same_as_before", PP_H5_U8, count, "1",
                            "1: the very picture of the grid time before", flags, err);
    }
    pp_free(memory);
    return status;
}

/* What is known of the file, for the archive. */
static char *media_json(const pp_media_info *info, const pp_media_scan_result *scan,
                        const probe *at)
{
    pp_json *json = pp_json_object();
    pp_json_set_text(json, "container", info->container);
    pp_json_set_real(json, "start_s", at->job->lease->source.start_s);
    pp_json_set_real(json, "end_s", at->job->lease->source.end_s);
    pp_json_set_text(json, "video_codec", info->video_codec);
    pp_json_set_int(json, "width", info->width);
    pp_json_set_int(json, "height", info->height);
    pp_json_set_int(json, "rotation_degrees", info->rotation_degrees);
    pp_json_set_real(json, "video_fps", info->video_fps);
    pp_json_set_bool(json, "is_cover_picture", info->is_cover_picture);
    pp_json_set_text(json, "audio_codec", info->audio_codec);
    pp_json_set_int(json, "audio_rate_hz", info->audio_rate_hz);
    pp_json_set_int(json, "audio_channels", info->audio_channels);
    pp_json_set_int(json, "audio_track", info->audio_track);
    pp_json_set_int(json, "audio_tracks", info->audio_tracks);
    pp_json_set_real(json, "header_duration_s", info->duration_s);
    pp_json_set_real(json, "video_end_s", scan->video_end_s);
    pp_json_set_bool(json, "truncated", scan->truncated);
    if (scan->truncated) pp_json_set_real(json, "truncated_at_s", scan->truncated_at_s);
    pp_json_set_int(json, "damaged_packets", scan->damaged_packets);
    pp_json_set_int(json, "bad_samples", scan->bad_samples + at->bad_samples);
    char *text = pp_json_dump(json, 0);
    pp_json_free(&json);
    return text;
}

static pp_status put_facts(probe *at, const pp_media_scan_result *scan, const struct stat *is,
                           pp_error *err)
{
    char *media = media_json(pp_media_get_info(at->job->media), scan, at);
    if (media == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the media facts");
    pp_h5 *file = at->file;
    pp_status status = pp_h5_set_text(file, "/", "media", media, err);
    if (status == PP_OK) {
        status = pp_h5_set_text(file, "/", "source_sha256", at->job->result->sha256, err);
    }
    if (status == PP_OK) status = pp_h5_set_int(file, "/", "source_size_bytes", is->st_size, err);
    if (status == PP_OK) status = pp_h5_set_int(file, "/", "source_mtime_ns", pp_mtime_ns(is), err);
    if (status == PP_OK) status = pp_h5_set_int(file, "/", "samples", scan->samples, err);
    if (status == PP_OK) status = pp_h5_set_int(file, "/", "pictures", scan->pictures, err);
    if (status == PP_OK) status = pp_h5_set_real(file, "/", "peak", at->peak, err);
    pp_free(media);
    return status;
}

static pp_status check_scan(probe *at, const pp_media_scan_result *scan, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    if (scan->samples <= 0) {
        pp_fail(err, PP_ERR_MEDIA, "no sound could be decoded");
        return pp_advise(err, "Play the file: if it is silent there as well, its sound is lost.");
    }
    pp_segments cut;
    pp_segments_of(&cut, scan->samples, pipeline->is.parameters, pipeline->shape);
    if (scan->pictures == 0 && pp_job_may_be_unseen(at->job)) cut.pictures = 0;
    pp_job_choose_syncing(at->job, &cut);
    if (scan->samples == at->written && scan->pictures == cut.pictures) return PP_OK;
    return pp_fail(err, PP_ERR_CRASH,
                   "the decoder counts %lld samples and %lld pictures; %lld and %lld were due",
                   (long long)scan->samples, (long long)scan->pictures, (long long)at->written,
                   (long long)cut.pictures);
}

/* A file that changes while it is read would give an archive of no file at all. */
static pp_status check_unchanged(const pp_job *job, const struct stat *before, pp_error *err)
{
    struct stat now;
    if (stat(job->lease->source.path, &now) != 0) {
        return pp_fail_errno(err, "cannot look at %s", job->lease->source.path);
    }
    if (now.st_size == before->st_size && pp_mtime_ns(&now) == pp_mtime_ns(before)) return PP_OK;
    pp_fail(err, PP_ERR_IO, "the file changed while it was read");
    return pp_advise(err, "Wait until it is copied completely and run again.");
}

static pp_status scan_into(probe *at, const struct stat *before, pp_error *err)
{
    pp_job *job = at->job;
    pp_media_scan_result scan = {0};
    const pp_h5_spec sound = {.path = "/sound",
                              .type = PP_H5_F32,
                              .rank = 1,
                              .dims = {0},
                              .chunk = {SOUND_CHUNK},
                              .units = "1",
                              .long_name = "mono sound, full scale 1"};
    pp_status status = pp_h5_dataset(at->file, &sound, err);
    pp_part part = pp_job_part(job, PP_PART_RESAMPLE);
    if (status == PP_OK) {
        status = pp_media_scan(job->media, job->pipeline->is.parameters->frame_interval_s,
                               take_sound, at, &scan, err);
    }
    pp_job_part(job, part);
    if (status == PP_OK) status = flush(at, err);
    if (status == PP_OK) status = check_scan(at, &scan, err);
    if (status == PP_OK) status = put_plan(at->file, scan.plan, scan.pictures, err);
    if (status == PP_OK) status = put_facts(at, &scan, before, err);
    if (status == PP_OK) status = check_unchanged(job, before, err);
    pp_free(scan.plan);
    return status;
}

pp_status pp_stage_probe(pp_job *job, pp_error *err)
{
    if (pp_shard_is_done(job, PP_SHARD_PROBE, 0)) return PP_OK;
    probe at = {.job = job};
    void *buffer = NULL;
    struct stat before;
    if (stat(job->lease->source.path, &before) != 0) {
        return pp_fail_errno(err, "cannot look at %s", job->lease->source.path);
    }
    pp_part part = pp_job_part(job, PP_PART_RESAMPLE);
    pp_status status = pp_job_open_media(job, err);
    pp_job_part(job, PP_PART_WRITE);
    if (status == PP_OK) {
        status = pp_alloc_checked(&buffer, SOUND_CHUNK, sizeof(float), "sound", err);
    }
    at.buffer = buffer;
    if (status == PP_OK) status = pp_shard_create(&at.file, job, PP_SHARD_PROBE, 0, err);
    if (status == PP_OK) status = scan_into(&at, &before, err);
    if (status == PP_OK) status = pp_shard_commit(&at.file, job, err);
    pp_h5_close(&at.file);
    pp_job_part(job, part);
    pp_free(buffer);
    return status;
}
