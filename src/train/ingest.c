#include "train/ingest.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"

#define ATTEMPTS 3          /* where the decoder crashed or hung */
#define PUBLISHED_FPS 8     /* of the pictures that published lists name */
#define STILL_INTERVAL_S 60 /* of the grid over a still picture: one point */
#define MOST_PICTURES 200000

/* What a clip is made of while it is being decoded. */
typedef struct material {
    float *sound;
    size_t samples, sound_room;
    uint8_t *rgb;
    size_t pictures, bytes, rgb_room;
    int picture_size;
} material;

static void free_material(material *m)
{
    pp_free(m->sound);
    pp_free(m->rgb);
    *m = (material){.picture_size = m->picture_size};
}

static pp_status keep_sound(void *user, const float *samples, int64_t first, int64_t count,
                            pp_error *err)
{
    material *m = user;
    if (first != (int64_t)m->samples) {
        return pp_fail(err, PP_ERR_INTERNAL, "sound came out of order");
    }
    pp_status status =
        pp_grow((void **)&m->sound, &m->sound_room, m->samples + (size_t)count, sizeof(float), err);
    if (status != PP_OK) return status;
    memcpy(m->sound + m->samples, samples, sizeof(float) * (size_t)count);
    m->samples += (size_t)count;
    return PP_OK;
}

/* A picture that could not be decoded stays black: the clip is as long as its sound. */
static pp_status keep_picture(void *user, int64_t index, const pp_picture *picture, pp_error *err)
{
    material *m = user;
    const size_t size = (size_t)m->picture_size, bytes = 3 * size * size;
    (void)index;
    if (picture->size != m->picture_size || m->pictures >= MOST_PICTURES) {
        return pp_fail(err, PP_ERR_INTERNAL, "a picture that was not asked for");
    }
    pp_status status = pp_grow((void **)&m->rgb, &m->rgb_room, m->bytes + bytes, 1, err);
    if (status != PP_OK) return status;
    memcpy(m->rgb + m->bytes, picture->rgb, bytes);
    m->bytes += bytes;
    m->pictures++;
    return PP_OK;
}

static int wants_pictures(const pp_train_job *job)
{
    return job->mix.condition != PP_TRAIN_BY_LABEL;
}

static int cached_size(const pp_train_job *job)
{
    return wants_pictures(job) ? (int)lround(job->shape.picture_size * job->picture_margin) : 0;
}

static pp_status read_media(pp_media *media, double interval_s, int with_pictures, material *m,
                            pp_error *err)
{
    pp_media_scan_result scan = {0};
    pp_status status = pp_media_scan(media, interval_s, keep_sound, m, &scan, err);
    if (status == PP_OK && with_pictures && scan.pictures > 0) {
        status = pp_media_pictures(media, scan.plan, scan.pictures, keep_picture, m, err);
    }
    pp_free(scan.plan);
    return status;
}

/* One file through the decoder, once more where it crashed. */
static pp_status decode_file(pp_decoder *decoder, const char *path, const pp_media_options *options,
                             double interval_s, int with_pictures, material *m, pp_error *err)
{
    pp_status status = PP_OK;
    const material before = *m;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
        pp_media *media = NULL;
        pp_error_clear(err);
        status = pp_media_open(&media, decoder, path, options, err);
        if (status == PP_OK) status = read_media(media, interval_s, with_pictures, m, err);
        pp_media_close(&media);
        if (status != PP_ERR_CRASH && status != PP_ERR_TIMEOUT) break;
        m->samples = before.samples; /* what came before the crash is read again */
        m->pictures = before.pictures;
        m->bytes = before.bytes;
    }
    return status;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int is_shown(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The pictures of a published list: files in order of name, eight a second. */
static pp_status decode_folder(const pp_train_job *job, pp_decoder *decoder, const char *folder,
                               material *m, pp_error *err)
{
    const pp_media_options options = {.need = PP_MEDIA_PICTURES,
                                      .rate_hz = job->mix.rate_hz,
                                      .picture_size = m->picture_size,
                                      .audio_track = -1};
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, is_shown, by_name);
    if (count < 0) {
        pp_fail_errno(err, "cannot read %s", folder);
        return PP_ERR_MEDIA;
    }
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK; i++) {
        const long at = lround(i * PUBLISHED_FPS / job->picture_rate);
        if (at >= count) break;
        char *path = pp_path_join(folder, entries[at]->d_name);
        const size_t sound = m->samples;
        status = path != NULL ? decode_file(decoder, path, &options, STILL_INTERVAL_S, 1, m, err)
                              : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        m->samples = sound;
        pp_free(path);
    }
    for (int i = 0; i < count; i++) free(entries[i]);
    free(entries);
    return status;
}

static pp_status decode(const pp_train_job *job, pp_decoder *decoder, const pp_train_item *item,
                        material *m, pp_error *err)
{
    const int in_video = wants_pictures(job) && item->frames_folder == NULL;
    pp_media_options options = {.need = PP_MEDIA_SOUND,
                                .rate_hz = job->mix.rate_hz,
                                .picture_size = m->picture_size > 0 ? m->picture_size : 32,
                                .audio_track = item->audio_track,
                                .start_s = item->start_s,
                                .end_s = item->end_s};
    if (options.end_s == 0 || options.end_s > options.start_s + job->most_s) {
        options.end_s = options.start_s + job->most_s;
    }
    pp_status status =
        decode_file(decoder, item->path, &options, 1 / job->picture_rate, in_video, m, err);
    if (status == PP_OK && wants_pictures(job) && item->frames_folder != NULL) {
        status = decode_folder(job, decoder, item->frames_folder, m, err);
    }
    return status;
}

/* Everything that the content of the clip depends on. */
static char *clip_path(const pp_train_job *job, const pp_train_item *item)
{
    const char *texts[4] = {"clip 1", item->path,
                            item->frames_folder != NULL ? item->frames_folder : "", NULL};
    char *numbers = pp_format("size %lld time %lld part %.6f %.6f track %d rate %d pictures %d "
                              "every %.6f least %.9g %.6f "
                              "most %.6f",
                              (long long)item->size_bytes, (long long)item->mtime_ns, item->start_s,
                              item->end_s, item->audio_track, job->mix.rate_hz, cached_size(job),
                              1 / job->picture_rate, job->least_peak, job->least_s, job->most_s);
    texts[3] = numbers;
    char *path = numbers != NULL ? pp_train_clip_path(job->cache, texts, 4) : NULL;
    pp_free(numbers);
    return path;
}

static pp_status make_clip(const pp_train_job *job, pp_decoder *decoder, const pp_train_item *item,
                           const char *path, pp_error *err)
{
    material m = {.picture_size = cached_size(job)};
    pp_error reason = {0};
    pp_status status = decode(job, decoder, item, &m, &reason);
    pp_train_clip clip = {.rate_hz = job->mix.rate_hz,
                          .picture_size = m.picture_size,
                          .interval_s = 1 / job->picture_rate};
    int16_t *codes = pp_alloc(m.samples, sizeof *codes);
    if (codes == NULL) {
        free_material(&m);
        return pp_fail(err, PP_ERR_NOMEM, "%s: no memory for its sound", item->path);
    }
    pp_train_clip_set_sound(&clip, m.sound, (int64_t)m.samples, (float)job->least_peak,
                            (int64_t)(job->least_s * job->mix.rate_hz), codes);
    clip.rgb = m.rgb;
    clip.pictures = (int)m.pictures;
    if (status != PP_OK) {
        clip.state = PP_TRAIN_CLIP_BROKEN;
        snprintf(clip.reason, sizeof clip.reason, "%.*s", (int)sizeof clip.reason - 1,
                 reason.message);
    }
    if (status == PP_ERR_NOMEM || status == PP_ERR_INTERRUPTED || status == PP_ERR_INTERNAL) {
        status = pp_fail(err, status, "%s", reason.message); /* says nothing about the video */
    } else {
        status = pp_train_clip_write(&clip, pp_fileops_system(), path, err);
    }
    pp_free(codes);
    free_material(&m);
    return status;
}

pp_status pp_train_ingest(const pp_train_job *job, pp_decoder *decoder, const pp_train_item *item,
                          pp_train_clip *clip, int *decoded, pp_error *err)
{
    memset(clip, 0, sizeof *clip);
    *decoded = 0;
    char *path = clip_path(job, item);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_error missing = {0};
    pp_status status = pp_train_clip_open(clip, path, &missing);
    if (status == PP_ERR_NOT_FOUND && decoder != NULL) {
        status = make_clip(job, decoder, item, path, err);
        if (status == PP_OK) status = pp_train_clip_open(clip, path, err);
        *decoded = status == PP_OK;
    } else if (status != PP_OK) {
        status = pp_fail(err, status, "%s", missing.message);
    }
    pp_free(path);
    return status;
}
