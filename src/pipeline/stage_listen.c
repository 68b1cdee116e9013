/* listen: the audio network on the windows of one segment, its maps in 8 bits; and, while they are
 * at hand, the energies that follow from them. */
#include "base/memory.h"
#include "pipeline/energy.h"
#include "pipeline/restore.h"
#include "pipeline/shard_rows.h"
#include "pipeline/window.h"

typedef struct listen {
    pp_job *job;
    pp_h5 *file;
    pp_energy *energy; /* NULL: they are there already */
    pp_window_room room;
    float *maps;             /* [batch, K, log_rows, window_frames] */
    pp_quantised_maps codes; /* of one window */
} listen;

static size_t maps_of_one(const pp_model_shape *shape)
{
    return (size_t)shape->components * (size_t)shape->log_rows * (size_t)shape->window_frames;
}

static pp_status allocate(listen *at, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    void *maps = NULL;
    pp_status status = pp_window_room_create(&at->room, at->job, pipeline->batch, err);
    if (status == PP_OK) {
        status = pp_alloc_checked(&maps, (size_t)pipeline->batch * maps_of_one(pipeline->shape),
                                  sizeof(float), "component maps", err);
    }
    at->maps = maps;
    return status != PP_OK ? status : pp_maps_create(&at->codes, pipeline->shape, err);
}

/* One window of a batch: to 8 bits, written, and its energies. */
static pp_status keep_window(listen *at, int64_t window, int64_t row, int slot, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    const pp_model_shape *shape = pipeline->shape;
    size_t grid = (size_t)shape->log_rows * (size_t)shape->window_frames;
    pp_part before = pp_job_part(at->job, PP_PART_QUANTISE);
    pp_model_quantise(pipeline->is.model, at->maps + (size_t)slot * maps_of_one(shape), &at->codes);
    pp_job_part(at->job, PP_PART_WRITE);
    pp_status status = pp_listen_file_write(at->file, shape, row, &at->codes, err);
    pp_job_part(at->job, before);
    if (status == PP_OK && at->energy != NULL) {
        status = pp_energy_add(at->energy, window, &at->codes,
                               at->room.magnitude + (size_t)slot * grid, err);
    }
    return status != PP_OK ? status : pp_job_progress(at->job, PP_STAGE_LISTEN, 1, err);
}

/* Windows [windows.first + done, + count), which are rows done... of the shard. */
static pp_status run_batch(listen *at, pp_range windows, int64_t done, int count, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < count; i++) {
        status = pp_window_read(at->job, windows.first + done + i, &at->room, i, err);
    }
    if (status != PP_OK) return status;
    pp_part before = pp_job_part(at->job, PP_PART_LISTEN);
    pp_model_listen(pipeline->is.model, pipeline->scratch, at->room.input, count, at->maps);
    pp_job_part(at->job, before);
    for (int i = 0; status == PP_OK && i < count; i++) {
        status = keep_window(at, windows.first + done + i, done + i, i, err);
    }
    return status;
}

static pp_status commit(listen *at, pp_error *err)
{
    pp_part before = pp_job_part(at->job, PP_PART_WRITE);
    pp_status status = pp_shard_commit(&at->file, at->job, err);
    pp_job_part(at->job, before);
    return status == PP_OK && at->energy != NULL ? pp_energy_commit(at->energy, err) : status;
}

pp_status pp_stage_listen(pp_job *job, int64_t segment, pp_error *err)
{
    int restored = 0;
    if (pp_shard_is_done(job, PP_SHARD_LISTEN, segment)) return PP_OK;
    pp_status status = pp_restore_listen(job, segment, &restored, err);
    if (status != PP_OK || restored) return status;
    listen at = {.job = job};
    pp_range windows = pp_cut_segment_windows(&job->cut, segment);
    status = allocate(&at, err);
    if (status == PP_OK) status = pp_listen_file_create(&at.file, job, segment, err);
    if (status == PP_OK && !pp_shard_is_done(job, PP_SHARD_ENERGY, segment)) {
        status = pp_energy_create(&at.energy, job, segment, err);
    }
    for (int64_t done = 0; status == PP_OK && done < windows.count;) {
        int64_t left = windows.count - done;
        int count = left < job->pipeline->batch ? (int)left : job->pipeline->batch;
        status = run_batch(&at, windows, done, count, err);
        done += count;
    }
    if (status == PP_OK) status = commit(&at, err);
    pp_h5_close(&at.file);
    pp_energy_destroy(&at.energy);
    pp_window_room_free(&at.room);
    pp_free(at.maps);
    pp_maps_free(&at.codes);
    return status;
}
