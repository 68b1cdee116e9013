/* The stages of one video, callable without MPI: one lease of work.
 *
 * A lease names a video, a range of stages and a range of time segments. It reads files and
 * commits files, so that the next lease (here or on another rank) can start from them:
 *
 *   OUT/shards/<id>/probe.h5            sound [N], picture plan, media facts     probe
 *   OUT/shards/<id>/see-<segment>.h5    frame times, thumbnails, features        see
 *   OUT/shards/<id>/listen-<segment>.h5 8-bit maps, pixel energies               listen
 *   OUT/shards/<id>/cast.h5             sources, their pixels through time       cast
 *   OUT/shards/<id>/separate-<seg>.h5   stems of the segment's own samples       separate
 *   OUT/archives/..                     everything gathered; shards removed      publish
 *
 * <id> is 16 hex digits of the source's SHA-256. Every shard carries its stage key and is taken
 * for granted where the key is the same. Segments are a whole number of windows; their bounds
 * depend on the video alone, and no byte of a result depends on where they lie.
 *
 * One pp_pipeline a rank; one thread.
 */
#ifndef PP_PIPELINE_PIPELINE_H
#define PP_PIPELINE_PIPELINE_H

#include <stdint.h>

#include "base/hash.h"
#include "base/json.h"
#include "media/media.h"
#include "model/model.h"
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

typedef enum pp_profile { PP_PROFILE_STEMS, PP_PROFILE_PIXELS } pp_profile;

typedef struct pp_parameters {
    double frame_interval_s; /* 2: the grid of `see` */
    int window_step_frames;  /* 192: STFT frames between windows of `listen` */
    int most_sources;        /* 4 */
    double cast_threshold;   /* how alike pixels of one source are; 0: the default */
    int binary_masks;        /* stems through binary masks; default ratio masks */
    pp_profile profile;
    int segment_windows;      /* 30 (about 134 s): affects no byte */
    int single_lease_windows; /* videos up to this long (60) are one lease */
    int keep_shards;
} pp_parameters;

void pp_parameters_default(pp_parameters *parameters);
/* Those that reach results, as canonical JSON (kept in archives, hashed into keys). Owned. */
char *pp_parameters_json(const pp_parameters *parameters);

/* Raised whenever the bytes that a stage writes change for the same inputs. */
#define PP_NUMERICS_VERSION 1

typedef struct pp_source {
    const char *path;      /* borrowed */
    const char *id;        /* manifest id, "" for none; borrowed */
    int audio_track;       /* -1: the default */
    double start_s, end_s; /* 0, 0: all of it */
} pp_source;

/* Stage keys: source content + the parameters that affect the stage + weights digest of the network
 * it uses + numerics version, each chained to the stages it reads. */
void pp_stage_keys(char keys[PP_STAGES][PP_HASH_HEX], const char *source_sha256,
                   const pp_source *source, const pp_parameters *parameters, const pp_model *model);

/* The cut of a video of this length into segments. */
typedef struct pp_segments {
    int64_t samples, stft_frames, windows, pictures;
    int64_t segments; /* at least 1 */
} pp_segments;
void pp_segments_of(pp_segments *out, int64_t samples, const pp_parameters *parameters,
                    const pp_model_shape *shape);
/* First STFT frame of a window: step * window, the last one moved back to end on the last frame. */
int64_t pp_window_first_frame(const pp_segments *cut, int64_t window,
                              const pp_parameters *parameters, const pp_model_shape *shape);

typedef struct pp_pipeline pp_pipeline;

typedef struct pp_pipeline_setup { /* all borrowed for the pipeline's life */
    const pp_model *model;
    pp_decoder *decoder;
    const pp_parameters *parameters;
    const pp_fileops *ops;
    const char *out_folder;
} pp_pipeline_setup;

pp_status pp_pipeline_create(pp_pipeline **out, const pp_pipeline_setup *setup,
                             pp_error *err) PP_MUST_USE;
void pp_pipeline_destroy(pp_pipeline **pipeline);

typedef struct pp_lease {
    pp_source source;
    char sha256[PP_HASH_HEX]; /* "" before probe, which finds it */
    pp_stage first_stage, last_stage;
    int64_t first_segment, segments; /* for see, listen, separate; segments 0: all */
} pp_lease;

typedef struct pp_lease_result {
    char sha256[PP_HASH_HEX];
    int64_t size_bytes, mtime_ns;
    double duration_s;
    pp_segments cut;
    int already_done;        /* an archive with the same keys was there: nothing ran */
    int stopped_after_probe; /* longer than single_lease_windows: the rest is for more leases */
    int sources;
    double source_level_db[16]; /* mean level of each source's stem */
    float source_center[16][2]; /* x, y in 0..1 */
    char archive[512];          /* relative to OUT, once published */
    double stage_s[PP_STAGES];  /* wall seconds spent */
} pp_lease_result;

/* Called at least once a window and once a few decoded pictures, so that a rank can show life, be
 * told to stop, and count. Return other than PP_OK (PP_ERR_INTERRUPTED) ends the lease: what is
 * committed stays. windows_done counts windows listened to since the last call. */
typedef pp_status (*pp_progress)(void *user, pp_stage stage, int windows_done, pp_error *err);

/* Runs one lease. Shards whose key fits are not computed again. */
pp_status pp_pipeline_run(pp_pipeline *pipeline, const pp_lease *lease, pp_progress progress,
                          void *user, pp_lease_result *out, pp_error *err) PP_MUST_USE;

#endif
