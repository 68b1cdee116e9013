#include "tests/lib/media_files.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

static char *folder;
static int is_ours;

void media_files_start(void)
{
    const char *work = getenv("PP_WORK");
    char scratch[] = "/tmp/pp-media-XXXXXX";
    is_ours = work == NULL;
    folder = pp_strdup(work != NULL ? work : mkdtemp(scratch));
}

void media_files_end(void)
{
    if (is_ours) media_run("rm -rf '%s'", folder);
    PP_FREE(folder);
}

char *media_path(const char *name)
{
    return pp_path_join(folder, name);
}

void media_run(const char *format, ...)
{
    char command[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(command, sizeof command, format, args);
    va_end(args);
    if (system(command) == 0) return;
    fprintf(stderr, "failed: %s\n", command);
    abort();
}

char *media_make(const char *name, const char *arguments)
{
    char *path = media_path(name);
    media_run("ffmpeg -v error -nostdin -y %s '%s'", arguments, path);
    return path;
}

char *media_program(void)
{
    static const char *const places[] = {"../bin/pp-decode", "../../bin/pp-decode"};
    char *own = NULL;
    pp_error err = {0};
    if (pp_path_program_folder(&own, &err) != PP_OK) abort();
    for (size_t i = 0; i < 2; i++) {
        char *path = pp_path_join(own, places[i]);
        if (pp_path_exists(path)) {
            pp_free(own);
            return path;
        }
        pp_free(path);
    }
    fprintf(stderr, "no pp-decode beside %s: run make\n", own);
    abort();
}

char *media_faulty_program(const char *what)
{
    char *program = media_program(), *name = pp_format("faulty-%s", what);
    char *path = media_path(name);
    FILE *file = fopen(path, "w");
    if (file == NULL) abort();
    fprintf(file, "#!/bin/sh\nexec '%s' '--fault=%s' \"$@\"\n", program, what);
    fclose(file);
    chmod(path, 0755);
    pp_free(program);
    pp_free(name);
    return path;
}

float *media_reference_sound(const char *path, int rate_hz, int track, int64_t *samples)
{
    char *raw = media_path("reference.f32"), map[40] = "";
    if (track >= 0) snprintf(map, sizeof map, "-map 0:a:%d", track);
    media_run("ffmpeg -v quiet -nostdin -y -i '%s' %s -vn -ac 1 -ar %d "
              "-af aresample=async=1:first_pts=0 -f f32le '%s'",
              path, map, rate_hz, raw);
    char *bytes = NULL;
    size_t length = 0;
    pp_error err = {0};
    if (pp_text_read_file(&bytes, &length, raw, (size_t)1 << 30, &err) != PP_OK) abort();
    float *sound = pp_alloc(length / sizeof *sound, sizeof *sound);
    memcpy(sound, bytes, length / sizeof *sound * sizeof *sound);
    *samples = (int64_t)(length / sizeof *sound);
    pp_free(bytes);
    pp_free(raw);
    return sound;
}

static pp_status keep_sound(void *user, const float *samples, int64_t first, int64_t count,
                            pp_error *err)
{
    media_scan *out = user;
    pp_status status =
        pp_grow((void **)&out->sound, &out->room, (size_t)(first + count), sizeof *samples, err);
    if (status != PP_OK) return status;
    memcpy(out->sound + first, samples, (size_t)count * sizeof *samples);
    return PP_OK;
}

pp_status media_scan_all(pp_media *media, double interval_s, media_scan *out, pp_error *err)
{
    memset(out, 0, sizeof *out);
    return pp_media_scan(media, interval_s, keep_sound, out, &out->result, err);
}

void media_scan_free(media_scan *scan)
{
    PP_FREE(scan->sound);
    PP_FREE(scan->result.plan);
}

typedef struct pictures {
    uint8_t *rgb;
    int *missing, *neighbours;
} pictures;

static pp_status keep_picture(void *user, int64_t index, const pp_picture *picture, pp_error *err)
{
    pictures *out = user;
    size_t bytes = (size_t)picture->size * (size_t)picture->size * 3;
    (void)err;
    memcpy(out->rgb + (size_t)index * bytes, picture->rgb, bytes);
    if (out->missing != NULL) *out->missing += picture->missing;
    if (out->neighbours != NULL) *out->neighbours += picture->neighbour;
    return PP_OK;
}

uint8_t *media_pictures_of(pp_media *media, const pp_picture_plan *plan, int64_t count, int size,
                           int *missing, int *neighbours, pp_error *err)
{
    size_t bytes = (size_t)size * (size_t)size * 3;
    pictures out = {pp_alloc((size_t)count, bytes), missing, neighbours};
    if (missing != NULL) *missing = 0;
    if (neighbours != NULL) *neighbours = 0;
    if (pp_media_pictures(media, plan, count, keep_picture, &out, err) == PP_OK) return out.rgb;
    pp_free(out.rgb);
    return NULL;
}

double media_difference_db(const float *a, const float *b, int64_t samples)
{
    double off = 0, all = 0;
    for (int64_t i = 0; i < samples; i++) {
        off += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
        all += (double)b[i] * b[i];
    }
    if (off == 0) return -200;
    return 10 * log10(off / (all + 1e-20));
}
