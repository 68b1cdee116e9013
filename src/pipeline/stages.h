/* Inside the pipeline: one lease at work, and the six stages that it runs.
 *
 * Every stage function commits its files before it returns PP_OK and leaves nothing half-visible
 * otherwise. Failures do not name the video yet: pp_pipeline_run puts its name in front.
 */
#ifndef PP_PIPELINE_STAGES_H
#define PP_PIPELINE_STAGES_H

#include "base/team.h"
#include "dsp/stft.h"
#include "dsp/warp.h"
#include "pipeline/segments.h"

/* How alike (0..1) two groups of pixels must be to be one source; docs/pipeline.md, Cast. */
#define PP_CAST_ALIKE 0.8

double pp_parameters_cast_threshold(const pp_parameters *parameters);

/* The stage keys, and the key of the pixel energies, which depend on see, listen and synthesizer
 * and so have no stage of their own. */
typedef struct pp_keys {
    char stage[PP_STAGES][PP_HASH_HEX];
    char energy[PP_HASH_HEX];
} pp_keys;
void pp_keys_of(pp_keys *keys, const char *source_sha256, const pp_source *source,
                const pp_parameters *parameters, const pp_model *model);

/* ---- one lease at work ------------------------------------------------------------------- */

typedef struct pp_lane { /* what one thread at work needs for itself */
    pp_stft *stft;
    pp_model_scratch *scratch; /* for `batch` windows or pictures */
} pp_lane;

/* Threads compute; files, the decoder, signs of life and the clock are the caller's alone. */
struct pp_pipeline {
    pp_pipeline_setup is; /* as given: borrowed */
    const pp_model_shape *shape;
    int batch, bins;
    pp_team *team; /* NULL: the caller alone */
    int lanes;
    pp_lane *lane; /* [lanes]; the caller's first */
    pp_warp *warp;
};

typedef struct pp_job {
    pp_pipeline *pipeline;
    const pp_lease *lease;
    pp_progress progress;
    void *user;
    pp_lease_result *result;
    pp_keys keys;
    pp_cut cut;      /* once probe is there */
    char *folder;    /* OUT/shards/<id> */
    pp_media *media; /* open while see needs it */
    pp_h5 *probe;    /* open once something read it */
    pp_archive *old; /* of the same content and other keys, open to restore from; NULL: none */
    int looked_for_old;
    int unsynced; /* shards need not reach the disk: this lease alone reads and removes them */
} pp_job;

/* pp_part_enter of the pipeline's clock, if it has one. */
pp_part pp_job_part(const pp_job *job, pp_part part);

/* Once the length is known: whether this lease keeps its shards to itself. */
void pp_job_choose_syncing(pp_job *job, const pp_segments *all);

/* Shows life; other than PP_OK ends the lease. */
pp_status pp_job_progress(pp_job *job, pp_stage stage, int windows_done, pp_error *err) PP_MUST_USE;

struct stat;
int64_t pp_mtime_ns(const struct stat *of);

/* One stage of the lease's video, or of one of its segments. What is committed already with the
 * same key is left as it is. */
pp_status pp_stage_probe(pp_job *job, pp_error *err) PP_MUST_USE;
pp_status pp_stage_see(pp_job *job, int64_t segment, pp_error *err) PP_MUST_USE;
pp_status pp_stage_listen(pp_job *job, int64_t segment, pp_error *err) PP_MUST_USE;
pp_status pp_stage_energy(pp_job *job, int64_t segment, pp_error *err) PP_MUST_USE;
pp_status pp_stage_cast(pp_job *job, pp_error *err) PP_MUST_USE;
/* cast, where the sources are asked for by name. */
pp_status pp_stage_query(pp_job *job, pp_error *err) PP_MUST_USE;
pp_status pp_stage_separate(pp_job *job, int64_t segment, pp_error *err) PP_MUST_USE;
pp_status pp_stage_publish(pp_job *job, pp_error *err) PP_MUST_USE;

/* Opens the video for the job. After probe: fails where the file is no longer the same. */
pp_status pp_job_open_media(pp_job *job, pp_error *err) PP_MUST_USE;

/* Whether a sound without pictures will do. */
int pp_job_may_be_unseen(const pp_job *job);
/* Opens probe.h5 for the job and makes its cut. PP_ERR_NOT_FOUND where it is not there. */
pp_status pp_job_open_probe(pp_job *job, pp_error *err) PP_MUST_USE;
/* Samples [first, first + count) of the sound. */
pp_status pp_job_sound(pp_job *job, int64_t first, int64_t count, float *samples,
                       pp_error *err) PP_MUST_USE;

/* The samples that the STFT frames [first, first + count) of the sound see, as pp_stft_forward
 * takes them; *begin: where they begin. slice: of pp_job_slice_room(count). */
pp_status pp_job_slice(pp_job *job, int64_t first, int64_t count, float *slice, int64_t *begin,
                       pp_error *err) PP_MUST_USE;
/* Those frames: spectrum [count, bins, 2]. */
pp_status pp_job_spectrum(pp_job *job, int64_t first, int64_t count, float *slice, float *spectrum,
                          pp_error *err) PP_MUST_USE;
/* Samples that a slice of so many frames can need, reflection at the ends included. */
int64_t pp_job_slice_room(const pp_job *job, int64_t frames);

#endif
