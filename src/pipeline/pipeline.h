/* The stages of one video, callable without MPI: one lease of work.
 *
 * A lease names a video, a range of stages and a range of time segments. It reads files and
 * commits files, so that the next lease (here or on another rank) can start from them:
 *
 *   OUT/shards/<id>/probe.h5             sound [N], picture plan, media facts     probe
 *   OUT/shards/<id>/see-<segment>.h5     frame times, thumbnails, features        see
 *   OUT/shards/<id>/listen-<segment>.h5  8-bit maps                               listen
 *   OUT/shards/<id>/energy-<segment>.h5  pixel energies, loudness                 listen
 *   OUT/shards/<id>/cast.h5              sources, their pixels through time       cast
 *   OUT/shards/<id>/separate-<seg>.h5    stems of the segment's own samples       separate
 *   OUT/archives/..                      everything gathered; shards removed      publish
 *
 * <id> is 16 hex digits of pp_source_identity. Every shard carries its stage key and is taken for
 * granted where the key is the same. Segments are a whole number of windows; their bounds depend
 * on the video alone, and no byte of a result depends on where they lie.
 * docs/formats/shards.md specifies the files, docs/pipeline.md what each stage does.
 *
 * What must be committed before a stage of a cut video may run (s: a segment):
 *
 *   stage        one lease is   needs
 *   probe        the video      the source file
 *   see s        a segment      probe, the source file
 *   listen s     a segment      probe; see of segments pp_segment_needs(s) (those whose pictures
 *                               lie in the windows of s: s itself and its neighbours)
 *   cast         the video      see and listen of every segment
 *   separate s   a segment      probe, cast; listen of segments pp_segment_needs(s)
 *   publish      the video      everything above
 *
 * A scheduler that finishes see of all segments, then listen of all, cast, separate of all,
 * publish, needs no more than this order. A lease that finds a needed shard missing fails with
 * PP_ERR_NOT_FOUND and does not compute it; one that finds a shard damaged (checksums) removes it,
 * computes it again and goes on. A lease of several stages does them in this order
 * itself (see of all its segments, then listen of all its segments, ...).
 *
 * One pp_pipeline a rank, one caller; it has threads of its own where setup asks for them.
 */
#ifndef PP_PIPELINE_PIPELINE_H
#define PP_PIPELINE_PIPELINE_H

#include <stdint.h>

#include "base/hash.h"
#include "base/json.h"
#include "media/media.h"
#include "model/model.h"
#include "pipeline/parts.h"
#include "store/archive.h"

typedef enum pp_stage {
    PP_STAGE_PROBE,
    PP_STAGE_SEE,
    PP_STAGE_LISTEN,
    PP_STAGE_CAST,
    PP_STAGE_SEPARATE,
    PP_STAGE_PUBLISH
} pp_stage;

const char *pp_stage_name(pp_stage stage);

#define PP_MOST_SOURCES 16

typedef enum pp_profile { PP_PROFILE_STEMS, PP_PROFILE_PIXELS } pp_profile;

typedef enum pp_mask_kind {
    PP_MASK_SHARED, /* sources compete for each bin (nn/share.h) */
    PP_MASK_RATIO,  /* each source's sigmoid mask; where they sum above 1, scaled down */
    PP_MASK_BINARY  /* 1 where the sigmoid mask is above one half */
} pp_mask_kind;

const char *pp_mask_kind_name(pp_mask_kind kind); /* "shared", "ratio", "binary" */

typedef struct pp_parameters {
    double frame_interval_s; /* 2: the grid of `see` */
    int window_step_frames;  /* 192: STFT frames between windows of `listen` */
    int most_sources;        /* 4; at most PP_MOST_SOURCES */
    double cast_threshold;   /* how alike pixels of one source are, 0..1; 0: the default */
    pp_mask_kind masks;      /* of the stems */
    char query[1024];        /* classes of the model, with commas: these are the sources, and a file
                                without pictures will do; "": cast finds the sources */
    pp_profile profile;
    int strict;               /* the kernel set is part of the keys */
    int segment_windows;      /* 30 (about 134 s): affects no byte */
    int single_lease_windows; /* videos up to this long (60) are one lease */
    int keep_shards;
} pp_parameters;

void pp_parameters_default(pp_parameters *parameters);
/* PP_ERR_USAGE with the name and the accepted range of the first one that is out of it. */
pp_status pp_parameters_check(const pp_parameters *parameters, pp_error *err) PP_MUST_USE;
/* Those that reach results, as canonical JSON (kept in archives). Owned by the caller. */
char *pp_parameters_json(const pp_parameters *parameters);

/* Raised whenever the bytes that a stage writes change for the same inputs. */
#define PP_NUMERICS_VERSION 2

typedef struct pp_source {
    const char *path;      /* borrowed */
    const char *id;        /* manifest id, "" for none; borrowed */
    int audio_track;       /* -1: the default */
    double start_s, end_s; /* 0, 0: all of it */
} pp_source;

/* Which content a source is: the file's SHA-256 itself for a whole file with its default sound; a
 * hash of that and of the track and the times for a part of it. Names shards and archives. */
void pp_source_identity(char identity[PP_HASH_HEX], const char *source_sha256,
                        const pp_source *source);

/* Stage keys: source content + the parameters that affect the stage + weights digest of the network
 * it uses + numerics version, each chained to the stages it reads. The path, the id and the cut
 * into segments are in none of them. */
void pp_stage_keys(char keys[PP_STAGES][PP_HASH_HEX], const char *source_sha256,
                   const pp_source *source, const pp_parameters *parameters, const pp_model *model);

/* The cut of a video of this length into segments. A segment's own windows are segment_windows in
 * a row (the last segment may have fewer); its own STFT frames begin with its first window and
 * end where the next segment's begin; its own samples begin on its first frame; its own pictures
 * are the grid times within its own samples. Each of these lies in exactly one segment. */
typedef struct pp_segments {
    int64_t samples, stft_frames, windows, pictures; /* pictures 0: a sound without any */
    int64_t segments;                                /* at least 1 */
} pp_segments;
void pp_segments_of(pp_segments *out, int64_t samples, const pp_parameters *parameters,
                    const pp_model_shape *shape);
/* First STFT frame of a window: step * window, the last one moved back to end on the last frame. */
int64_t pp_window_first_frame(const pp_segments *cut, int64_t window,
                              const pp_parameters *parameters, const pp_model_shape *shape);

/* Segments [*first, *first + *count) whose see (for listen) or listen (for separate) shards the
 * given segment reads; see the table above. */
void pp_segment_needs(const pp_segments *cut, const pp_parameters *parameters,
                      const pp_model_shape *shape, pp_stage stage, int64_t segment, int64_t *first,
                      int64_t *count);

typedef struct pp_pipeline pp_pipeline;

typedef struct pp_pipeline_setup { /* all borrowed for the pipeline's life */
    const pp_model *model;
    pp_decoder *decoder;
    const pp_parameters *parameters;
    const pp_fileops *ops;
    const char *out_folder;
    int batch;   /* windows or pictures in one run of a network; 0: the default; reaches no byte */
    int threads; /* windows or pictures worked on at a time; 0: 1; reaches no byte */
    pp_part_clock *clock; /* NULL: nobody asks where the time goes */
} pp_pipeline_setup;

pp_status pp_pipeline_create(pp_pipeline **out, const pp_pipeline_setup *setup,
                             pp_error *err) PP_MUST_USE;
void pp_pipeline_destroy(pp_pipeline **pipeline);

typedef struct pp_lease {
    pp_source source;
    char sha256[PP_HASH_HEX]; /* of the file's content; "" before probe, which finds it */
    pp_stage first_stage, last_stage;
    int64_t first_segment, segments; /* for see, listen, separate; segments 0: all */
    int force; /* an archive that is there counts for nothing; a lease that begins with probe
                  removes the video's shards first */
} pp_lease;

typedef struct pp_lease_result {
    char sha256[PP_HASH_HEX];   /* of the file's content */
    char identity[PP_HASH_HEX]; /* pp_source_identity */
    int64_t size_bytes, mtime_ns;
    double duration_s;
    pp_segments cut;
    int already_done;        /* an archive with the same keys was there: nothing ran */
    int stopped_after_probe; /* longer than single_lease_windows: the rest is for more leases */
    int sources;
    double source_level_db[PP_MOST_SOURCES]; /* of the whole stem, dB of full scale */
    float source_center[PP_MOST_SOURCES][2]; /* x, y in 0..1 of the picture: where it sounds */
    char archive[512];                       /* relative to OUT, once published */
    double stage_s[PP_STAGES];               /* wall seconds spent */
} pp_lease_result;

/* Called at least once a window and once a few decoded pictures, so that a rank can show life, be
 * told to stop, and count. Return other than PP_OK (PP_ERR_INTERRUPTED) ends the lease: what is
 * committed stays. windows_done counts windows listened to since the last call. */
typedef pp_status (*pp_progress)(void *user, pp_stage stage, int windows_done, pp_error *err);

/* Runs one lease. Shards whose key fits are not computed again; an archive that differs in its
 * labels alone is labelled anew, and nothing else is done. */
pp_status pp_pipeline_run(pp_pipeline *pipeline, const pp_lease *lease, pp_progress progress,
                          void *user, pp_lease_result *out, pp_error *err) PP_MUST_USE;

#endif
