/* listen: the audio network on the windows of one segment, its maps in 8 bits; and, while they are
 * at hand, the energies that follow from them. */
#include "base/memory.h"
#include "pipeline/energy.h"
#include "pipeline/restore.h"
#include "pipeline/room.h"
#include "pipeline/shard_rows.h"
#include "pipeline/window.h"

/* Windows go in rounds of as many as all threads take at once (a batch each); what follows from a
 * window's maps, 2 MB, in steps of one window a thread. */
typedef struct listen {
    pp_job *job;
    pp_h5 *file;
    pp_energy *energy; /* NULL: they are there already */
    pp_window_room room;
    float *maps;              /* [slots, K, log_rows, window_frames] */
    pp_quantised_maps *codes; /* [lanes] */
    int slots;
    /* the round: */
    int64_t first_window, first_row;
    int count, group; /* windows; windows that a thread takes at once */
    int step;         /* the first slot of the step */
} listen;

static size_t grid_of(const pp_model_shape *shape)
{
    return (size_t)shape->log_rows * (size_t)shape->window_frames;
}

static float *maps_of(const listen *at, int slot)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    return at->maps + (size_t)slot * (size_t)shape->components * grid_of(shape);
}

static pp_status allocate(listen *at, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    const pp_model_shape *shape = pipeline->shape;
    size_t lanes = (size_t)pipeline->lanes;
    at->slots = pipeline->batch * pipeline->lanes;
    const pp_want wants[] = {
        {&at->maps, (size_t)at->slots * (size_t)shape->components * grid_of(shape), sizeof(float)},
        {&at->codes, lanes, sizeof *at->codes},
    };
    pp_status status = pp_room_take(wants, 2, "component maps", err);
    if (status == PP_OK) status = pp_window_room_create(&at->room, at->job, at->slots, err);
    for (size_t i = 0; status == PP_OK && i < lanes; i++) {
        status = pp_maps_create(&at->codes[i], shape, err);
    }
    return status;
}

static void destroy(listen *at)
{
    pp_h5_close(&at->file);
    pp_energy_destroy(&at->energy);
    pp_window_room_free(&at->room);
    for (int i = 0; at->codes != NULL && i < at->job->pipeline->lanes; i++) {
        pp_maps_free(&at->codes[i]);
    }
    pp_free(at->codes);
    pp_free(at->maps);
}

/* ---- tasks of threads --------------------------------------------------------------------- */

static void transform(void *user, int slot, int lane)
{
    listen *at = user;
    pp_window_transform(at->job, &at->room, slot, lane);
}

static void run_network(void *user, int group, int lane)
{
    listen *at = user;
    const pp_pipeline *pipeline = at->job->pipeline;
    int slot = group * at->group, left = at->count - slot;
    pp_model_listen(pipeline->is.model, pipeline->lane[lane].scratch,
                    at->room.input + (size_t)slot * grid_of(pipeline->shape),
                    left < at->group ? left : at->group, maps_of(at, slot));
}

static void quantise(void *user, int index, int lane)
{
    listen *at = user;
    (void)lane;
    pp_model_quantise(at->job->pipeline->is.model, maps_of(at, at->step + index),
                      &at->codes[index]);
}

static void find_energies(void *user, int index, int lane)
{
    listen *at = user;
    size_t slot = (size_t)(at->step + index);
    pp_energy_compute(at->energy, index, lane, &at->codes[index],
                      at->room.magnitude + slot * grid_of(at->job->pipeline->shape));
}

/* ---- rounds ------------------------------------------------------------------------------- */

static void work(listen *at, pp_part part, pp_team_task task, int count)
{
    pp_part before = pp_job_part(at->job, part);
    pp_team_run(at->job->pipeline->team, task, at, count);
    pp_job_part(at->job, before);
}

static pp_status write_window(listen *at, int index, pp_error *err)
{
    pp_part before = pp_job_part(at->job, PP_PART_WRITE);
    pp_status status =
        pp_listen_file_write(at->file, at->job->pipeline->shape, at->first_row + at->step + index,
                             &at->codes[index], err);
    pp_job_part(at->job, before);
    if (status == PP_OK && at->energy != NULL) status = pp_energy_write(at->energy, index, err);
    return status != PP_OK ? status : pp_job_progress(at->job, PP_STAGE_LISTEN, 1, err);
}

/* From the maps of one window a thread to 8 bits and energies, written. */
static pp_status keep_step(listen *at, pp_error *err)
{
    pp_status status = PP_OK;
    int left = at->count - at->step, lanes = at->job->pipeline->lanes;
    int count = left < lanes ? left : lanes;
    work(at, PP_PART_QUANTISE, quantise, count);
    for (int i = 0; status == PP_OK && at->energy != NULL && i < count; i++) {
        status = pp_energy_fetch(at->energy, i, at->first_window + at->step + i, err);
    }
    if (status == PP_OK && at->energy != NULL) work(at, PP_PART_ENERGY, find_energies, count);
    for (int i = 0; status == PP_OK && i < count; i++) status = write_window(at, i, err);
    at->step += count;
    return status;
}

static pp_status run_round(listen *at, pp_error *err)
{
    pp_status status = PP_OK;
    int lanes = at->job->pipeline->lanes;
    for (int i = 0; status == PP_OK && i < at->count; i++) {
        status = pp_window_fetch(at->job, at->first_window + i, &at->room, i, err);
    }
    if (status != PP_OK) return status;
    work(at, PP_PART_STFT, transform, at->count);
    at->group = (at->count + lanes - 1) / lanes;
    work(at, PP_PART_LISTEN, run_network, (at->count + at->group - 1) / at->group);
    for (at->step = 0; status == PP_OK && at->step < at->count;) status = keep_step(at, err);
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
        status = pp_energy_create(&at.energy, job, segment, job->pipeline->lanes, err);
    }
    for (int64_t done = 0; status == PP_OK && done < windows.count; done += at.count) {
        int64_t left = windows.count - done;
        at.count = left < at.slots ? (int)left : at.slots;
        at.first_window = windows.first + done;
        at.first_row = done;
        status = run_round(&at, err);
    }
    if (status == PP_OK) status = commit(&at, err);
    destroy(&at);
    return status;
}
