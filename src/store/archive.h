/* The archive of one video: HDF5, readable by h5py, HDFView and h5dump.
 * docs/formats/archive.md specifies every data set. Written in any order, committed at the end.
 *
 * Order: create, puts, commit; or open, gets, close. One thread (HDF5).
 */
#ifndef PP_STORE_ARCHIVE_H
#define PP_STORE_ARCHIVE_H

#include <stdint.h>

#include "base/hash.h"
#include "store/h5.h"

#define PP_ARCHIVE_FORMAT 1
#define PP_STAGES 6                /* probe, see, listen, cast, separate, publish */
#define PP_ARCHIVE_MOST_SOURCES 99 /* two digits name a stem */

typedef struct pp_archive pp_archive;

typedef struct pp_archive_header {
    const char *source_path; /* as given; bytes kept (hex attribute where not UTF-8) */
    const char *source_id;   /* of the manifest, or "" */
    char source_sha256[PP_HASH_HEX];
    /* Of what was taken from the source: the same as source_sha256 for all of it. Names the
     * archive. Empty when creating: source_sha256. */
    char source_identity[PP_HASH_HEX];
    int audio_track;                     /* -1: the default one */
    double source_start_s, source_end_s; /* the part of it; 0, 0: all */
    double duration_s;
    const char *model_name;
    char model_digest[PP_HASH_HEX];
    int untrained;               /* the model's, so that nobody takes noise for results */
    const char *parameters_json; /* of this run */
    char stage_keys[PP_STAGES][PP_HASH_HEX];
    const char *kernels; /* kernel set that computed it */
    const char *tool_version;
    const char *media_json;           /* container, codecs, sizes, truncation, damage */
    int64_t samples, frames, windows; /* N, F, W */
    int rate_hz, components, grid, log_rows, window_frames; /* K, 14, 256, 256 */
    int sources;                                            /* S */
    int thumbnail_size;                                     /* 112 */
    int with_maps;                                          /* profile `pixels` */
    int label_features; /* D: numbers that a label is guessed from; 0: an archive without them */
    char label_digest[PP_HASH_HEX]; /* of the labeller that named the sources; "": none did */
} pp_archive_header;

typedef struct pp_archive_source {
    char label[64], audioset_id[32]; /* empty until labelled */
    float confidence;
    const float *vector;   /* [K] after the sigmoid */
    const float *box;      /* [W, 4] left, top, right, bottom in 0..1 of the picture; NaN: unseen */
    const float *level_db; /* [W] */
    const float *features; /* [D] for its label */
} pp_archive_source;

typedef struct pp_annotation {
    double start_s, end_s;
    int32_t source;
    char label[64];
    float confidence, level_db;
} pp_annotation;

enum { PP_SOUND_MIXTURE = -1, PP_SOUND_RESIDUAL = -2 }; /* otherwise a stem, 0 .. S - 1 */

pp_status pp_archive_create(pp_archive **out, const pp_fileops *ops, const char *path,
                            const pp_archive_header *header, pp_error *err) PP_MUST_USE;
/* time [count] s, thumbnails [count, size, size, 3], features [count, grid, grid, K] */
pp_status pp_archive_put_frames(pp_archive *archive, int64_t first, int64_t count,
                                const double *time_s, const uint8_t *thumbnails,
                                const float *features, pp_error *err) PP_MUST_USE;
/* start, end [count] s, energy [count, grid, grid], source [count, grid, grid] */
pp_status pp_archive_put_windows(pp_archive *archive, int64_t first, int64_t count,
                                 const double *start_s, const double *end_s, const float *energy,
                                 const int8_t *source, pp_error *err) PP_MUST_USE;
/* codes [count, K, log_rows, window_frames], scale and offset [count, K] */
pp_status pp_archive_put_maps(pp_archive *archive, int64_t first, int64_t count,
                              const uint8_t *codes, const float *scale, const float *offset,
                              pp_error *err) PP_MUST_USE;
/* which: PP_SOUND_* or a stem; samples [count] from sample `first` on */
pp_status pp_archive_put_sound(pp_archive *archive, int which, int64_t first, int64_t count,
                               const float *samples, pp_error *err) PP_MUST_USE;
pp_status pp_archive_put_sources(pp_archive *archive, const pp_archive_source *sources,
                                 pp_error *err) PP_MUST_USE;
pp_status pp_archive_put_annotations(pp_archive *archive, const pp_annotation *rows, int64_t count,
                                     pp_error *err) PP_MUST_USE;
/* Fails where a frame, a window, a sample or the sources were never put. *archive is destroyed in
 * every case. */
pp_status pp_archive_commit(pp_archive **archive, pp_error *err) PP_MUST_USE;
void pp_archive_close(pp_archive **archive); /* throws away what was not committed; NULL-safe */

/* Reads the header and checks it. Archives of every version up to PP_ARCHIVE_FORMAT are read. */
pp_status pp_archive_open(pp_archive **out, const pp_fileops *ops, const char *path,
                          pp_error *err) PP_MUST_USE;
pp_status pp_archive_open_memory(pp_archive **out, const void *bytes, size_t length,
                                 const char *name, pp_error *err) PP_MUST_USE;
const pp_archive_header *pp_archive_get_header(const pp_archive *archive); /* borrowed */
pp_h5 *pp_archive_h5(pp_archive *archive); /* borrowed: the data sets, by their paths */

typedef struct pp_archive_relabelling {
    const char *model_name;
    const char *label_digest, *publish_key; /* [PP_HASH_HEX] */
    const pp_archive_source *labels;        /* [S]: label, audioset_id and confidence count */
} pp_archive_relabelling;

/* Writes an open archive anew as `path` (its own name, as a rule) with other labels of its sources
 * and annotations; everything else is copied as it lies there. */
pp_status pp_archive_relabel(pp_archive *from, const pp_fileops *ops, const char *path,
                             const pp_archive_relabelling *how, pp_error *err) PP_MUST_USE;

/* /stems/00/audio, /mixture/audio ..: the path of a track in its archive. */
void pp_archive_sound_path(int which, char path[32]);

/* /annotations as rows by start; owned by the caller (pp_free). */
pp_status pp_archive_take_annotations(pp_archive *archive, pp_annotation **rows, int64_t *count,
                                      pp_error *err) PP_MUST_USE;

/* What a whole reading found. */
typedef struct pp_archive_verdict {
    int64_t bytes_read; /* of numbers, unpacked */
    double peak;        /* largest sample of mixture and stems */
    double sum_error;   /* largest |mixture - (stems + residual)| */
    int64_t not_finite; /* samples that are no numbers */
} pp_archive_verdict;

/* |mixture - (stems + residual)| of an archive in order, relative to `peak`. */
#define PP_ARCHIVE_SUM_TOLERANCE 1e-6

/* Reads every data set through its checksums; checks shapes against the header, keys, and that
 * stems + residual = mixture. Fails with PP_ERR_FORMAT on the first thing that is wrong. */
pp_status pp_archive_verify(pp_archive *archive, pp_archive_verdict *verdict,
                            pp_error *err) PP_MUST_USE;

/* archives/<2 hex>/<safe name>-<16 hex>.h5, relative to OUT; owned by the caller. */
char *pp_archive_name(const char *source_path, const char *identity);
/* The archive of this content in OUT, under whatever name it was published; relative to OUT, owned
 * by the caller; NULL where there is none. The first 16 digits of the identity are enough. */
char *pp_archive_find(const char *out_folder, const char *identity);

#endif
