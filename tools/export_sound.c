/* Tracks of an archive as WAV and FLAC files, a block at a time. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "export.h"
#include "media/encode.h"

#define BLOCK 65536

typedef struct tracks {
    pp_export *job;
    int bits;
    double scale; /* of integers; 0: floats as they are */
    float *samples;
    double *left; /* [BLOCK]: what the stems leave of the mixture, in integers */
} tracks;

static pp_status read_track(const tracks *t, int which, int64_t first, int64_t count, pp_error *err)
{
    char path[32];
    int64_t start[2] = {0, first}, size[2] = {1, count};
    pp_archive_sound_path(which, path);
    return pp_h5_read(pp_archive_h5(t->job->archive), path, PP_H5_F32, start, size, t->samples,
                      err);
}

static int64_t block_length(const tracks *t, int64_t first)
{
    int64_t left = t->job->header->samples - first;
    return left < BLOCK ? left : BLOCK;
}

/* The largest sample of all tracks: the residual's too, since it becomes a file. */
static pp_status find_peak(tracks *t, double *peak, pp_error *err)
{
    pp_status status = PP_OK;
    *peak = 0;
    for (int which = PP_SOUND_RESIDUAL; which < t->job->header->sources; which++) {
        for (int64_t at = 0; status == PP_OK && at < t->job->header->samples; at += BLOCK) {
            int64_t count = block_length(t, at);
            status = read_track(t, which, at, count, err);
            for (int64_t i = 0; status == PP_OK && i < count; i++) {
                if (fabs((double)t->samples[i]) > *peak) *peak = fabs((double)t->samples[i]);
            }
        }
    }
    return status;
}

/* Full scale, or what is left of it so that the loudest sample and the roundings of all stems,
 * which end up in the residual, fit. */
static void choose_scale(tracks *t, double peak)
{
    double full = (double)((INT64_C(1) << (t->bits - 1)) - 1);
    double room = full - 0.5 * (t->job->header->sources + 2);
    t->scale = peak * full > room ? room / peak : full;
    double db = 20 * log10(t->scale / full);
    if (db < -0.01 && !t->job->quiet) {
        printf("  all tracks are %.2f dB softer, so that nothing clips\n", -db);
    }
}

/* The track's samples of a block as integers, in t->left. */
static pp_status to_integers(tracks *t, int which, int64_t first, int64_t count, pp_error *err)
{
    if (which != PP_SOUND_RESIDUAL) {
        pp_status status = read_track(t, which, first, count, err);
        for (int64_t i = 0; i < count; i++) t->left[i] = rint((double)t->samples[i] * t->scale);
        return status;
    }
    pp_status status = to_integers(t, PP_SOUND_MIXTURE, first, count, err);
    for (int s = 0; status == PP_OK && s < t->job->header->sources; s++) {
        status = read_track(t, s, first, count, err);
        for (int64_t i = 0; i < count; i++) t->left[i] -= rint((double)t->samples[i] * t->scale);
    }
    return status;
}

/* Integers go to the encoder as what they are of full scale, which floats hold exactly. */
static pp_status add_block(tracks *t, pp_sound_file *file, int which, int64_t first, int64_t count,
                           pp_error *err)
{
    pp_status status = t->scale > 0 ? to_integers(t, which, first, count, err)
                                    : read_track(t, which, first, count, err);
    if (status != PP_OK) return status;
    double step = ldexp(1, 1 - t->bits);
    for (int64_t i = 0; t->scale > 0 && i < count; i++) {
        t->samples[i] = (float)(t->left[i] * step);
    }
    return pp_sound_file_add(file, t->samples, count, err);
}

static pp_status write_track(tracks *t, int which, const char *path, pp_error *err)
{
    pp_sound_file *file;
    pp_status status = pp_sound_file_create(&file, path, 1, t->job->header->rate_hz, t->bits, err);
    for (int64_t at = 0; status == PP_OK && at < t->job->header->samples; at += BLOCK) {
        status = add_block(t, file, which, at, block_length(t, at), err);
    }
    if (status == PP_OK) status = pp_sound_file_finish(file, err);
    pp_sound_file_destroy(&file);
    return status;
}

static pp_status export_track(tracks *t, int which, const char *ending, pp_error *err)
{
    pp_export *job = t->job;
    char *source = which >= 0 ? pp_export_source_name(job, which) : NULL;
    char *path = which == PP_SOUND_MIXTURE    ? pp_format("%s/mixture.%s", job->folder, ending)
                 : which == PP_SOUND_RESIDUAL ? pp_format("%s/residual.%s", job->folder, ending)
                                              : pp_format("%s/stem-%s.%s", job->folder,
                                                          source != NULL ? source : "", ending);
    char *temporary = path != NULL ? pp_export_temporary(path) : NULL;
    pp_status status = PP_OK;
    if (temporary == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    if (status == PP_OK) {
        status = write_track(t, which, temporary, err);
        if (status != PP_OK) unlink(temporary);
    }
    if (status == PP_OK) {
        status = pp_export_publish(job, temporary, path,
                                   which == PP_SOUND_MIXTURE    ? "the video's sound"
                                   : which == PP_SOUND_RESIDUAL ? "what belongs to no source"
                                                                : "a source alone",
                                   err);
    }
    pp_free(temporary);
    pp_free(path);
    pp_free(source);
    return status;
}

pp_status pp_export_sound(pp_export *job, const char *ending, int bits, pp_error *err)
{
    tracks t = {.job = job, .bits = bits};
    t.samples = pp_alloc(BLOCK, sizeof *t.samples);
    t.left = pp_alloc(BLOCK, sizeof *t.left);
    pp_status status = PP_OK;
    if (t.samples == NULL || t.left == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for sound");
    }
    if (status == PP_OK && bits < 32) {
        double peak;
        status = find_peak(&t, &peak, err);
        if (status == PP_OK) choose_scale(&t, peak);
    }
    if (status == PP_OK) status = export_track(&t, PP_SOUND_MIXTURE, ending, err);
    for (int s = 0; status == PP_OK && s < job->header->sources; s++) {
        status = export_track(&t, s, ending, err);
    }
    if (status == PP_OK) status = export_track(&t, PP_SOUND_RESIDUAL, ending, err);
    pp_free(t.samples);
    pp_free(t.left);
    return status;
}
