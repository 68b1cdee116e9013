/* A small archive with made-up numbers that obey every rule of the format, for tests. */
#ifndef PP_TESTS_SMALL_ARCHIVE_H
#define PP_TESTS_SMALL_ARCHIVE_H

#include "store/archive.h"

typedef struct small_archive {
    int64_t samples, frames, windows;
    int sources, components, with_maps;
    unsigned seed;
    const char *source_path;
    float gain; /* of the sound, whose peak is 0.5; 0: 1 */
} small_archive;

/* A header of this shape; its texts are constants. The SHA-256 follows from the seed. */
pp_archive_header small_archive_header(const small_archive *shape);

/* Writes and commits it at `path`. */
pp_status small_archive_write(const small_archive *shape, const pp_fileops *ops, const char *path,
                              pp_error *err);

#endif
