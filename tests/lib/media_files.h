/* For tests of media: small videos made by the ffmpeg program, and what it makes of them. */
#ifndef PP_TESTS_MEDIA_FILES_H
#define PP_TESTS_MEDIA_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "media/media.h"

/* A scratch folder of this process ($PP_WORK or a new one), and its removal. */
void media_files_start(void);
void media_files_end(void);

/* A path in the scratch folder; owned. */
char *media_path(const char *name);

/* Runs a shell command made by printf; aborts the test program where it fails. */
void media_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* ffmpeg -v error -y ARGUMENTS PATH; the path, owned. */
char *media_make(const char *name, const char *arguments);

/* The pp-decode of this build; owned. */
char *media_program(void);
/* As media_program, but it misbehaves (pp-decode --fault=WHAT); owned. */
char *media_faulty_program(const char *what);

/* Sound by the ffmpeg program: -ac 1 -ar RATE -af aresample=async=1:first_pts=0, float; owned.
 * track < 0: its default. */
float *media_reference_sound(const char *path, int rate_hz, int track, int64_t *samples);

typedef struct media_scan {
    float *sound; /* [samples]; owned */
    size_t room;
    pp_media_scan_result result;
} media_scan;

pp_status media_scan_all(pp_media *media, double interval_s, media_scan *out, pp_error *err);
void media_scan_free(media_scan *scan);

/* rgb [count, size, size, 3], owned, and what was said of each; flags may be NULL. */
uint8_t *media_pictures_of(pp_media *media, const pp_picture_plan *plan, int64_t count, int size,
                           int *missing, int *neighbours, pp_error *err);

/* Energy of a - b against that of b in dB, both silent: -200. */
double media_difference_db(const float *a, const float *b, int64_t samples);

#endif
