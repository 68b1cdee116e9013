/* Opening and closing a video. */
#include "media/media.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "media/channel.h"
#include "media/session.h"

enum { PAGE = 4096, LONGEST_SHOWN = 300 };

/* ---- the file --------------------------------------------------------------------------------*/

/* The path for messages: control characters shown as '?', a very long one by its end. Owned. */
static char *shown_path(const char *path)
{
    size_t length = strlen(path);
    char *shown = length <= LONGEST_SHOWN ? pp_strdup(path)
                                          : pp_format("...%s", path + length - LONGEST_SHOWN);
    for (char *c = shown; c != NULL && *c != '\0'; c++) {
        if (iscntrl((unsigned char)*c)) *c = '?';
    }
    return shown;
}

static pp_status explain_open(int code, const char *shown, pp_error *err)
{
    errno = code;
    if (code == ENOENT || code == ENOTDIR) {
        pp_fail(err, PP_ERR_NOT_FOUND, "%s: there is no such file", shown);
        return pp_advise(err, "check the path; on a cluster, that every node can see it");
    }
    pp_fail_errno(err, "%s: cannot be opened", shown);
    if (code == EACCES || code == EPERM) {
        return pp_advise(err, "give this user the right to read it: chmod u+r FILE");
    }
    return pp_advise(err, "check the disk or network it lies on");
}

static pp_status explain_kind(mode_t mode, const char *shown, pp_error *err)
{
    if (S_ISDIR(mode)) {
        pp_fail(err, PP_ERR_MEDIA, "%s: is a folder, not a video", shown);
        return pp_advise(err, "name the videos in it, or give the folder as an input of a job");
    }
    pp_fail(err, PP_ERR_MEDIA, "%s: is not a regular file", shown);
    return pp_advise(err, "copy what it delivers into a file first");
}

/* Never waits for the other end of a pipe, and takes no terminal. */
static pp_status open_file(int *fd, const char *path, const char *shown, pp_error *err)
{
    struct stat facts;
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (*fd < 0) return explain_open(errno, shown, err);
    pp_status status = PP_OK;
    if (fstat(*fd, &facts) != 0) status = explain_open(errno, shown, err);
    else if (!S_ISREG(facts.st_mode)) status = explain_kind(facts.st_mode, shown, err);
    else if (facts.st_size == 0) {
        pp_fail(err, PP_ERR_MEDIA, "%s: is empty (0 bytes)", shown);
        status = pp_advise(err, "fetch or copy it again");
    }
    if (status == PP_OK) return PP_OK;
    close(*fd);
    *fd = -1;
    return status;
}

/* ---- shared memory ---------------------------------------------------------------------------*/

/* Sealed against shrinking: no worker can make our reads of it fault. */
static pp_status make_slots(pp_media *media, int *fd, pp_error *err)
{
    size_t bytes = PP_SLOTS * (size_t)media->job.slot_bytes;
    *fd = memfd_create("pp-decode", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0 || ftruncate(*fd, (off_t)bytes) != 0 ||
        fcntl(*fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0) {
        return pp_fail_errno(err, "cannot make shared memory for the decoder");
    }
    void *slots = mmap(NULL, bytes, PROT_READ, MAP_SHARED, *fd, 0);
    if (slots == MAP_FAILED) {
        return pp_fail_errno(err, "cannot map shared memory of the decoder");
    }
    media->slots = slots;
    media->copy = pp_alloc((size_t)media->job.slot_bytes, 1);
    return media->copy != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a video");
}

/* ---- opening ---------------------------------------------------------------------------------*/

static pp_status check_options(const pp_media_options *o, pp_error *err)
{
    int part_good = isfinite(o->start_s) && isfinite(o->end_s) && o->start_s >= 0 &&
                    o->start_s <= PP_MOST_SOUND_S && (o->end_s == 0 || o->end_s > o->start_s);
    if (o->rate_hz < 1000 || o->rate_hz > 192000 || o->picture_size < 1 || o->picture_size > 4096) {
        return pp_fail(err, PP_ERR_USAGE,
                       "sound at %d Hz and pictures of %d pixels are not to be had", o->rate_hz,
                       o->picture_size);
    }
    if (part_good) return PP_OK;
    pp_fail(err, PP_ERR_USAGE, "there is no part from %g s to %g s", o->start_s, o->end_s);
    return pp_advise(err, "the end of a part has to lie behind its start");
}

static void clean_name(char *name, size_t room)
{
    name[room - 1] = '\0';
    for (char *c = name; *c != '\0'; c++) {
        if (!isalnum((unsigned char)*c) && !strchr(",_-. ", *c)) *c = '?';
    }
}

static int in_range(int value, int least, int most)
{
    return value >= least && value <= most;
}

/* What a worker says of its video, as far as it can be true. */
static int is_credible(pp_media_info *info)
{
    clean_name(info->container, sizeof info->container);
    clean_name(info->video_codec, sizeof info->video_codec);
    clean_name(info->audio_codec, sizeof info->audio_codec);
    if (!isfinite(info->duration_s) || info->duration_s < 0) return 0;
    if (!isfinite(info->video_fps) || info->video_fps < 0) return 0;
    return in_range(info->width, 0, 1 << 24) && in_range(info->height, 0, 1 << 24) &&
           in_range(info->rotation_degrees, 0, 270) && info->rotation_degrees % 90 == 0 &&
           in_range(info->audio_rate_hz, 0, 1 << 30) &&
           in_range(info->audio_channels, 0, 1 << 20) && in_range(info->audio_tracks, 0, 1 << 16) &&
           in_range(info->audio_track, -1, info->audio_tracks - 1) &&
           in_range(info->is_cover_picture, 0, 1);
}

static pp_status start(pp_media *media, int video_fd, pp_error *err)
{
    int ends[2] = {-1, -1}, slots_fd = -1;
    pp_report report;
    pp_status status = make_slots(media, &slots_fd, err);
    if (status == PP_OK && pp_channel_pair(ends) != 0) {
        status = pp_fail_errno(err, "cannot make a socket");
    }
    if (status == PP_OK) {
        status = pp_client_open(media->decoder, &media->job, video_fd, ends[1], slots_fd, err);
        if (status != PP_OK) pp_error_prefix(err, "%s: ", media->shown);
    }
    if (slots_fd >= 0) close(slots_fd);
    if (ends[1] >= 0) close(ends[1]);
    media->socket = ends[0];
    if (status == PP_OK) status = pp_session_next(media, 60, &report, err);
    if (status != PP_OK) return status;
    if (report.kind != PP_REPORT_INFO || !is_credible(&report.as.info)) {
        return pp_session_lie(media, "impossible facts", err);
    }
    media->info = report.as.info;
    pp_client_note_sandbox(media->decoder, report.sandboxed != 0);
    return PP_OK;
}

pp_status pp_media_open(pp_media **out, pp_decoder *decoder, const char *path,
                        const pp_media_options *options, pp_error *err)
{
    *out = NULL;
    int fd = -1;
    pp_error local = {0};
    if (err == NULL) err = &local;
    pp_status status = check_options(options, err);
    if (status != PP_OK) return status;
    if (pp_client_claim(decoder) != 0) {
        return pp_fail(err, PP_ERR_USAGE, "%s: another video is still open", path);
    }
    pp_media *media = pp_alloc(1, sizeof *media);
    char *shown = shown_path(path);
    if (media == NULL || shown == NULL) {
        pp_free(media);
        pp_free(shown);
        pp_client_release(decoder);
        return pp_fail(err, PP_ERR_NOMEM, "no memory for a video");
    }
    media->decoder = decoder;
    media->shown = shown;
    media->socket = -1;
    media->job.options = *options;
    media->job.limits = *pp_client_limits(decoder);
    size_t picture = (size_t)options->picture_size * (size_t)options->picture_size * 3;
    size_t sound = PP_SLOT_SAMPLES * sizeof(float);
    media->job.slot_bytes = ((picture > sound ? picture : sound) + PAGE - 1) / PAGE * PAGE;
    status = open_file(&fd, path, shown, err);
    if (status == PP_OK) status = start(media, fd, err);
    if (fd >= 0) close(fd);
    if (status != PP_OK) pp_media_close(&media);
    *out = media;
    return status;
}

void pp_media_close(pp_media **media)
{
    if (media == NULL || *media == NULL) return;
    pp_media *m = *media;
    pp_session_end(m);
    if (m->slots != NULL) munmap(m->slots, PP_SLOTS * (size_t)m->job.slot_bytes);
    pp_client_release(m->decoder);
    pp_free(m->copy);
    pp_free(m->shown);
    PP_FREE(*media);
}

const pp_media_info *pp_media_get_info(const pp_media *media)
{
    return &media->info;
}
