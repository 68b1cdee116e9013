/* The second half of listen: how much of each window every pixel sounds, and what the cast needs to
 * know of the maps. A file of its own with a key of its own: another synthesizer needs new
 * energies, but no new maps. */
#include "base/memory.h"
#include "pipeline/cast_groups.h"
#include "pipeline/room.h"
#include "pipeline/window.h"

typedef struct energy {
    pp_job *job;
    pp_h5 *file;
    pp_series see, listen;
    pp_window_room room;
    pp_quantised_maps maps;
    float *row, *vectors; /* [grid, grid, K] */
    float *energies;      /* [grid, grid] */
    double *means;        /* [K] */
    float *deviation;     /* [K] */
    float *products;      /* [K, K] */
} energy;

static pp_status allocate(energy *at, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    size_t pixels = (size_t)shape->grid * (size_t)shape->grid, k = (size_t)shape->components;
    const pp_want wants[] = {
        {&at->row, pixels * k, sizeof(float)},  {&at->vectors, pixels * k, sizeof(float)},
        {&at->energies, pixels, sizeof(float)}, {&at->means, k, sizeof(double)},
        {&at->deviation, k, sizeof(float)},     {&at->products, k * k, sizeof(float)},
    };
    pp_status status = pp_room_take(wants, sizeof wants / sizeof *wants, "pixel energies", err);
    if (status == PP_OK) status = pp_window_room_create(&at->room, at->job, 1, err);
    return status != PP_OK ? status : pp_maps_create(&at->maps, shape, err);
}

static pp_status create_file(energy *at, int64_t segment, int64_t rows, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    const int64_t energies[] = {rows, shape->grid, shape->grid};
    const int64_t products[] = {rows, shape->components, shape->components};
    pp_status status = pp_shard_create(&at->file, at->job, PP_SHARD_ENERGY, segment, err);
    if (status == PP_OK) {
        status = pp_shard_dataset(at->file, "/energy", PP_H5_F32, 3, energies, "1",
                                  "energy of the sound of each pixel", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(at->file, "/products", PP_H5_F32, 3, products, "1",
                                  "products of the maps' deviations, summed with weights", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(at->file, "/weight", PP_H5_F64, 1, &rows, "1",
                                  "sum of those weights: magnitudes", err);
    }
    return status;
}

static pp_status one_window(energy *at, int64_t window, int64_t row, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    const pp_model_shape *shape = pipeline->shape;
    int pixels = shape->grid * shape->grid, components = shape->components;
    double weight = 0;
    pp_status status = pp_window_read(at->job, window, &at->room, 0, err);
    if (status == PP_OK) status = pp_maps_read(&at->listen, window, &at->maps, err);
    int seen = at->job->cut.all.pictures > 0; /* without pictures no pixel sounds */
    if (status == PP_OK && seen) {
        status = pp_window_features(&at->see, window, at->row, at->vectors, err);
    }
    if (status != PP_OK) return status;
    if (seen) {
        pp_model_activate(at->vectors, (size_t)pixels * (size_t)components, at->vectors);
        pp_model_energies(pipeline->is.model, pipeline->scratch, &at->maps, at->room.magnitude,
                          at->vectors, pixels, at->energies);
    }
    pp_cast_covariance(&at->maps, at->room.magnitude, components, shape->log_rows,
                       shape->window_frames, at->means, at->deviation, at->products, &weight);
    const int64_t start[3] = {row};
    const int64_t energies[3] = {1, shape->grid, shape->grid};
    const int64_t products[3] = {1, components, components};
    status = pp_h5_write(at->file, "/energy", PP_H5_F32, start, energies, at->energies, err);
    if (status == PP_OK)
        status = pp_h5_write(at->file, "/products", PP_H5_F32, start, products, at->products, err);
    if (status == PP_OK)
        status = pp_h5_write(at->file, "/weight", PP_H5_F64, start, energies, &weight, err);
    return status != PP_OK ? status : pp_job_progress(at->job, PP_STAGE_LISTEN, 0, err);
}

pp_status pp_stage_energy(pp_job *job, int64_t segment, pp_error *err)
{
    if (pp_shard_is_done(job, PP_SHARD_ENERGY, segment)) return PP_OK;
    energy at = {.job = job,
                 .see = {.job = job, .shard = PP_SHARD_SEE},
                 .listen = {.job = job, .shard = PP_SHARD_LISTEN}};
    pp_range windows = pp_cut_segment_windows(&job->cut, segment);
    pp_status status = allocate(&at, err);
    if (status == PP_OK) status = create_file(&at, segment, windows.count, err);
    for (int64_t i = 0; status == PP_OK && i < windows.count; i++) {
        status = one_window(&at, windows.first + i, i, err);
    }
    if (status == PP_OK) status = pp_h5_commit(&at.file, err);
    pp_h5_close(&at.file);
    pp_series_close(&at.see);
    pp_series_close(&at.listen);
    pp_window_room_free(&at.room);
    pp_maps_free(&at.maps);
    pp_free(at.row);
    pp_free(at.vectors);
    pp_free(at.energies);
    pp_free(at.means);
    pp_free(at.deviation);
    pp_free(at.products);
    return status;
}
