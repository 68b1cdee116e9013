/* A pipeline, and one lease run through it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "pipeline/activity.h"
#include "pipeline/query.h"
#include "pipeline/relabel.h"
#include "pipeline/shards.h"

#define DEFAULT_BATCH 4
#define HASH_BLOCK (4 << 20) /* bytes between two signs of life */

/* ---- the pipeline ------------------------------------------------------------------------ */

/* What the model must offer for these parameters. */
static pp_status check_model(const pp_pipeline_setup *setup, pp_error *err)
{
    pp_query asked;
    const pp_labeller *labeller = pp_model_labeller(setup->model);
    pp_status status = pp_query_resolve(&asked, setup->parameters, setup->model, err);
    if (status != PP_OK || labeller == NULL) return status;
    return pp_labeller_check(labeller, pp_model_get_shape(setup->model)->components, err);
}

static pp_status create_lanes(pp_pipeline *p, pp_error *err)
{
    void *memory = NULL;
    const pp_stft_shape stft = {p->shape->n_fft, p->shape->hop_samples};
    pp_status status = pp_alloc_checked(&memory, (size_t)p->lanes, sizeof *p->lane, "threads", err);
    p->lane = memory;
    for (int i = 0; status == PP_OK && i < p->lanes; i++) {
        status = pp_stft_create(&p->lane[i].stft, stft, err);
        if (status == PP_OK) {
            status = pp_model_scratch_create(&p->lane[i].scratch, p->is.model, p->batch, err);
        }
    }
    if (status == PP_OK && p->lanes > 1) status = pp_team_create(&p->team, p->lanes, err);
    return status;
}

pp_status pp_pipeline_create(pp_pipeline **out, const pp_pipeline_setup *setup, pp_error *err)
{
    *out = NULL;
    const pp_model_shape *shape = pp_model_get_shape(setup->model);
    pp_status status = pp_parameters_check(setup->parameters, err);
    if (status != PP_OK) return status;
    status = check_model(setup, err);
    if (status != PP_OK) return status;
    if (setup->parameters->window_step_frames > shape->window_frames) {
        return pp_fail(err, PP_ERR_USAGE,
                       "window_step_frames = %d leaves holes: a window of this model has %d frames",
                       setup->parameters->window_step_frames, shape->window_frames);
    }
    void *memory = NULL;
    status = pp_alloc_checked(&memory, 1, sizeof **out, "a pipeline", err);
    if (status != PP_OK) return status;
    pp_pipeline *pipeline = memory;
    pipeline->is = *setup;
    pipeline->shape = shape;
    pipeline->batch = setup->batch > 0 ? setup->batch : DEFAULT_BATCH;
    pipeline->lanes = setup->threads > 1 ? setup->threads : 1;
    status = create_lanes(pipeline, err);
    if (status == PP_OK) {
        pipeline->bins = pp_stft_bins(pipeline->lane[0].stft);
        status = pp_warp_create(&pipeline->warp, pipeline->bins, shape->log_rows, err);
    }
    if (status == PP_OK) *out = pipeline;
    else pp_pipeline_destroy(&pipeline);
    return status;
}

void pp_pipeline_destroy(pp_pipeline **pipeline)
{
    if (*pipeline == NULL) return;
    pp_pipeline *p = *pipeline;
    pp_team_destroy(&p->team);
    for (int i = 0; p->lane != NULL && i < p->lanes; i++) {
        pp_model_scratch_destroy(&p->lane[i].scratch);
        pp_stft_destroy(&p->lane[i].stft);
    }
    pp_free(p->lane);
    pp_warp_destroy(&p->warp);
    PP_FREE(*pipeline);
}

int64_t pp_mtime_ns(const struct stat *of)
{
    return (int64_t)of->st_mtim.tv_sec * 1000000000 + of->st_mtim.tv_nsec;
}

/* ---- the job ----------------------------------------------------------------------------- */

pp_part pp_job_part(const pp_job *job, pp_part part)
{
    return pp_part_enter(job->pipeline->is.clock, part);
}

pp_status pp_job_progress(pp_job *job, pp_stage stage, int windows_done, pp_error *err)
{
    return job->progress != NULL ? job->progress(job->user, stage, windows_done, err) : PP_OK;
}

static int is_whole(const pp_lease *lease)
{
    return lease->first_stage == PP_STAGE_PROBE && lease->last_stage == PP_STAGE_PUBLISH;
}

void pp_job_choose_syncing(pp_job *job, const pp_segments *all)
{
    const pp_pipeline_setup *is = &job->pipeline->is;
    job->unsynced = is_whole(job->lease) && is->ops->boot != NULL && !is->parameters->keep_shards &&
                    all->windows <= is->parameters->single_lease_windows;
}

pp_status pp_job_open_media(pp_job *job, pp_error *err)
{
    const pp_source *source = &job->lease->source;
    if (job->media != NULL) return PP_OK;
    if (job->probe != NULL) {
        struct stat now;
        if (stat(source->path, &now) != 0) {
            return pp_fail_errno(err, "cannot look at %s", source->path);
        }
        if (now.st_size != job->result->size_bytes || pp_mtime_ns(&now) != job->result->mtime_ns) {
            pp_fail(err, PP_ERR_IO, "the file has changed since its sound was read");
            return pp_advise(err, "Run again: the new file is a new video.");
        }
    }
    const pp_media_options options = {.need = pp_job_may_be_unseen(job) ? PP_MEDIA_SOUND
                                                                        : PP_MEDIA_BOTH,
                                      .rate_hz = job->pipeline->shape->rate_hz,
                                      .picture_size = job->pipeline->shape->picture_size,
                                      .audio_track = source->audio_track,
                                      .start_s = source->start_s,
                                      .end_s = source->end_s};
    return pp_media_open(&job->media, job->pipeline->is.decoder, source->path, &options, err);
}

/* SHA-256 of the source, block by block so that a long file shows life. */
static pp_status hash_blocks(pp_job *job, int fd, pp_hash *hash, pp_error *err)
{
    void *block = NULL;
    pp_status status = pp_alloc_checked(&block, HASH_BLOCK, 1, "reading a file", err);
    while (status == PP_OK) {
        ssize_t count = read(fd, block, HASH_BLOCK);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) status = pp_fail_errno(err, "cannot read the file");
        if (count <= 0) break;
        pp_hash_add(hash, block, (size_t)count);
        status = pp_job_progress(job, PP_STAGE_PROBE, 0, err);
    }
    pp_free(block);
    return status;
}

static pp_status hash_source(pp_job *job, pp_error *err)
{
    const char *path = job->lease->source.path;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        pp_fail_errno(err, "cannot open %s", path);
        return pp_advise(err, "Check that the file is there and that you may read it.");
    }
    pp_hash *hash = NULL;
    pp_status status = pp_hash_create(&hash, err);
    pp_part before = pp_job_part(job, PP_PART_HASH);
    if (status == PP_OK) status = hash_blocks(job, fd, hash, err);
    pp_job_part(job, before);
    if (status == PP_OK) pp_hash_finish(hash, job->result->sha256);
    pp_hash_destroy(&hash);
    close(fd);
    return status;
}

static pp_status start_job(pp_job *job, pp_error *err)
{
    const pp_lease *lease = job->lease;
    pp_pipeline *pipeline = job->pipeline;
    pp_status status = PP_OK;
    if (lease->sha256[0] != '\0') memcpy(job->result->sha256, lease->sha256, PP_HASH_HEX);
    else if (lease->first_stage == PP_STAGE_PROBE) status = hash_source(job, err);
    else
        status = pp_fail(err, PP_ERR_INTERNAL, "a lease that starts behind probe needs its digest");
    if (status != PP_OK) return status;
    pp_source_identity(job->result->identity, job->result->sha256, &lease->source);
    pp_keys_of(&job->keys, job->result->sha256, &lease->source, pipeline->is.parameters,
               pipeline->is.model);
    job->folder = pp_shard_folder(pipeline->is.out_folder, job->result->identity);
    return job->folder != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a folder name");
}

static void end_job(pp_job *job)
{
    if (job->media != NULL) pp_media_close(&job->media);
    pp_h5_close(&job->probe);
    pp_archive_close(&job->old);
    pp_free(job->folder);
}

/* ---- an archive that is there already ---------------------------------------------------- */

static pp_status take_result(pp_job *job, pp_archive *archive, pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    pp_lease_result *result = job->result;
    job->cut = pp_cut_of(header->samples, job->pipeline->is.parameters, job->pipeline->shape);
    if (header->frames == 0) job->cut.all.pictures = 0;
    result->cut = job->cut.all;
    result->duration_s = header->duration_s;
    result->sources = header->sources < PP_MOST_SOURCES ? header->sources : PP_MOST_SOURCES;
    pp_status status = PP_OK;
    for (int s = 0; status == PP_OK && s < result->sources; s++) {
        char path[32];
        double x = 0, y = 0;
        pp_h5 *file = pp_archive_h5(archive);
        pp_archive_sound_path(s, path);
        status = pp_h5_get_real(file, path, "level_db", &result->source_level_db[s], err);
        if (status == PP_OK) status = pp_h5_get_real(file, path, "center_x", &x, err);
        if (status == PP_OK) status = pp_h5_get_real(file, path, "center_y", &y, err);
        result->source_center[s][0] = (float)x;
        result->source_center[s][1] = (float)y;
    }
    return status;
}

/* An archive of this content with the same publish key: there is nothing to do. One that is
 * damaged or of other keys counts as none and is written anew. */
static int is_done(pp_job *job)
{
    pp_error ignored = {0};
    const char *out = job->pipeline->is.out_folder;
    pp_archive *archive = NULL;
    char *name = pp_archive_find(out, job->result->identity);
    char *path = name != NULL ? pp_format("%s/%s", out, name) : NULL;
    int done = path != NULL && strlen(name) < sizeof job->result->archive &&
               pp_archive_open(&archive, job->pipeline->is.ops, path, &ignored) == PP_OK &&
               strcmp(pp_archive_get_header(archive)->stage_keys[PP_STAGE_PUBLISH],
                      job->keys.stage[PP_STAGE_PUBLISH]) == 0 &&
               take_result(job, archive, &ignored) == PP_OK;
    if (done) memcpy(job->result->archive, name, strlen(name) + 1);
    pp_archive_close(&archive);
    pp_free(path);
    pp_free(name);
    return done;
}

/* An archive of this content that differs in its labels alone gets others, and is done. One that
 * cannot be read that far counts as none. */
static pp_status relabel(pp_job *job, int *done, pp_error *err)
{
    const pp_pipeline_setup *is = &job->pipeline->is;
    pp_error ignored = {0};
    pp_archive *archive = NULL;
    double start_s = pp_clock_s();
    char *name = pp_archive_find(is->out_folder, job->result->identity);
    char *path = name != NULL ? pp_format("%s/%s", is->out_folder, name) : NULL;
    *done = path != NULL && strlen(name) < sizeof job->result->archive &&
            pp_archive_open(&archive, is->ops, path, &ignored) == PP_OK &&
            pp_only_labels_differ(pp_archive_get_header(archive), job->keys.stage,
                                  is->parameters->profile) &&
            take_result(job, archive, &ignored) == PP_OK;
    pp_status status = PP_OK;
    if (*done) {
        status = pp_job_progress(job, PP_STAGE_PUBLISH, 0, err);
        if (status == PP_OK) {
            status = pp_archive_label(archive, is->ops, path, pp_model_labeller(is->model),
                                      pp_model_get_identity(is->model)->name, err);
        }
        *done = status == PP_OK;
        if (status == PP_ERR_FORMAT) { /* damaged, or packed by an older program: made again */
            pp_error_clear(err);
            status = PP_OK;
        }
    }
    if (*done) memcpy(job->result->archive, name, strlen(name) + 1);
    if (*done) job->result->stage_s[PP_STAGE_PUBLISH] += pp_clock_s() - start_s;
    pp_archive_close(&archive);
    pp_free(path);
    pp_free(name);
    return status;
}

/* ---- stages ------------------------------------------------------------------------------ */

typedef pp_status (*segment_stage)(pp_job *job, int64_t segment, pp_error *err);

/* Of the lease's segments, or of all. */
static pp_status for_segments(pp_job *job, segment_stage run, int all, pp_error *err)
{
    int64_t first = job->lease->first_segment, behind = first + job->lease->segments;
    if (all || job->lease->segments == 0) first = 0, behind = job->cut.all.segments;
    if (first < 0 || behind > job->cut.all.segments) {
        return pp_fail(err, PP_ERR_INTERNAL, "a lease of segments %lld to %lld of %lld",
                       (long long)first, (long long)behind, (long long)job->cut.all.segments);
    }
    pp_status status = PP_OK;
    for (int64_t s = first; status == PP_OK && s < behind; s++) status = run(job, s, err);
    return status;
}

static pp_status run_stage(pp_job *job, pp_stage stage, int all, pp_error *err)
{
    pp_status status = PP_OK;
    switch (stage) {
    case PP_STAGE_PROBE:
        status = pp_stage_probe(job, err);
        if (status == PP_OK) status = pp_job_open_probe(job, err);
        if (status == PP_OK) pp_job_choose_syncing(job, &job->cut.all);
        return status;
    case PP_STAGE_SEE:
        status = for_segments(job, pp_stage_see, all, err);
        if (job->media != NULL) pp_media_close(&job->media); /* its decoder's memory */
        return status;
    case PP_STAGE_LISTEN:
        status = for_segments(job, pp_stage_listen, all, err);
        return status != PP_OK ? status : for_segments(job, pp_stage_energy, all, err);
    case PP_STAGE_CAST:
        pp_job_part(job, PP_PART_CAST);
        status = pp_stage_cast(job, err);
        pp_job_part(job, PP_PART_OTHER);
        return status;
    case PP_STAGE_SEPARATE:
        return for_segments(job, pp_stage_separate, all, err);
    case PP_STAGE_PUBLISH:
        pp_job_part(job, PP_PART_WRITE);
        status = pp_stage_publish(job, err);
        pp_job_part(job, PP_PART_OTHER);
        return status;
    }
    return pp_fail(err, PP_ERR_INTERNAL, "there is no stage %d", (int)stage);
}

/* Stages [first, last]; those before the lease's own, which are there already but for what was
 * damaged, for all segments. */
static pp_status run_stages(pp_job *job, pp_stage first, pp_error *err)
{
    const pp_lease *lease = job->lease;
    const pp_parameters *parameters = job->pipeline->is.parameters;
    pp_status status = PP_OK;
    if (first > PP_STAGE_PROBE) status = pp_job_open_probe(job, err);
    for (unsigned i = first; status == PP_OK && i < PP_STAGES; i++) {
        pp_stage stage = (pp_stage)i;
        double start_s = pp_clock_s();
        if (stage > lease->last_stage) break;
        status = run_stage(job, stage, stage < lease->first_stage, err);
        job->result->stage_s[stage] += pp_clock_s() - start_s;
        if (status == PP_OK && stage == PP_STAGE_PROBE && lease->first_stage == PP_STAGE_PROBE &&
            lease->last_stage > PP_STAGE_PROBE &&
            job->cut.all.windows > parameters->single_lease_windows) {
            job->result->stopped_after_probe = 1;
            break;
        }
    }
    return status;
}

/* A shard whose checksums do not hold is computed again, once; no other attempt could use it. */
static pp_status run_and_mend(pp_job *job, pp_error *err)
{
    int dropped = 0;
    pp_error problem = {0};
    pp_status status = run_stages(job, job->lease->first_stage, err);
    if (status != PP_ERR_FORMAT) return status;
    pp_h5_close(&job->probe);
    if (pp_shards_drop_damaged(job, &dropped, &problem) != PP_OK || dropped == 0) return status;
    pp_error_clear(err);
    return run_stages(job, PP_STAGE_PROBE, err);
}

pp_status pp_pipeline_run(pp_pipeline *pipeline, const pp_lease *lease, pp_progress progress,
                          void *user, pp_lease_result *out, pp_error *err)
{
    pp_error ignored = {0};
    if (err == NULL) err = &ignored;
    *out = (pp_lease_result){0};
    for (int s = 0; s < PP_MOST_SOURCES; s++) out->source_level_db[s] = PP_SILENCE_DB;
    pp_job job = {
        .pipeline = pipeline, .lease = lease, .progress = progress, .user = user, .result = out};
    int labelled = 0;
    job.looked_for_old = lease->force;
    pp_job_part(&job, PP_PART_OTHER);
    pp_status status = start_job(&job, err);
    if (status == PP_OK && lease->force && lease->first_stage == PP_STAGE_PROBE) {
        status = pp_shards_remove(&job, err);
    }
    if (status == PP_OK && !lease->force && is_done(&job)) {
        out->already_done = 1;
        if (!pipeline->is.parameters->keep_shards) status = pp_shards_remove(&job, err);
    } else if (status == PP_OK) {
        if (is_whole(lease) && !lease->force) status = relabel(&job, &labelled, err);
        if (status == PP_OK && !labelled) status = run_and_mend(&job, err);
    }
    end_job(&job);
    pp_part_stop(pipeline->is.clock);
    /* Some layers below know the file's name and say it, most do not. */
    if (status != PP_OK && strstr(err->message, lease->source.path) == NULL) {
        pp_error_prefix(err, "%s: ", lease->source.path);
    }
    return status;
}
