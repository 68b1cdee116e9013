#include "pipeline/energy.h"

#include "base/memory.h"
#include "pipeline/cast_groups.h"
#include "pipeline/room.h"
#include "pipeline/window.h"

typedef struct place { /* one window */
    int64_t window;
    float *vectors;   /* [grid, grid, K] */
    float *energies;  /* [grid, grid] */
    double *means;    /* [K] */
    float *deviation; /* [K] */
    float *products;  /* [K, K] */
    double weight;
} place;

struct pp_energy {
    pp_job *job;
    pp_h5 *file;
    pp_series see;
    int64_t first_window;
    float *row;   /* [grid, grid, K] */
    place *place; /* [places] */
    int places;
};

static pp_status allocate(pp_energy *at, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    size_t pixels = (size_t)shape->grid * (size_t)shape->grid, k = (size_t)shape->components;
    const pp_want shared[] = {{&at->row, pixels * k, sizeof(float)},
                              {&at->place, (size_t)at->places, sizeof *at->place}};
    pp_status status = pp_room_take(shared, 2, "pixel energies", err);
    for (int i = 0; status == PP_OK && i < at->places; i++) {
        place *p = &at->place[i];
        const pp_want wants[] = {
            {&p->vectors, pixels * k, sizeof(float)}, {&p->energies, pixels, sizeof(float)},
            {&p->means, k, sizeof(double)},           {&p->deviation, k, sizeof(float)},
            {&p->products, k * k, sizeof(float)},
        };
        status = pp_room_take(wants, sizeof wants / sizeof *wants, "pixel energies", err);
    }
    return status;
}

static pp_status create_file(pp_energy *at, int64_t segment, int64_t rows, pp_error *err)
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

pp_status pp_energy_create(pp_energy **out, pp_job *job, int64_t segment, int places, pp_error *err)
{
    pp_range windows = pp_cut_segment_windows(&job->cut, segment);
    void *memory = NULL;
    *out = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "pixel energies", err);
    if (status != PP_OK) return status;
    pp_energy *at = memory;
    *at = (pp_energy){.job = job,
                      .see = {.job = job, .shard = PP_SHARD_SEE},
                      .first_window = windows.first,
                      .places = places};
    status = allocate(at, err);
    if (status == PP_OK) status = create_file(at, segment, windows.count, err);
    if (status == PP_OK) *out = at;
    else pp_energy_destroy(&at);
    return status;
}

void pp_energy_destroy(pp_energy **energy)
{
    pp_energy *at = *energy;
    if (at == NULL) return;
    pp_h5_close(&at->file);
    pp_series_close(&at->see);
    for (int i = 0; at->place != NULL && i < at->places; i++) {
        pp_free(at->place[i].vectors);
        pp_free(at->place[i].energies);
        pp_free(at->place[i].means);
        pp_free(at->place[i].deviation);
        pp_free(at->place[i].products);
    }
    pp_free(at->place);
    pp_free(at->row);
    PP_FREE(*energy);
}

/* Without pictures no pixel sounds. */
static int is_seen(const pp_energy *at)
{
    return at->job->cut.all.pictures > 0;
}

pp_status pp_energy_fetch(pp_energy *at, int index, int64_t window, pp_error *err)
{
    at->place[index].window = window;
    if (!is_seen(at)) return PP_OK;
    pp_part before = pp_job_part(at->job, PP_PART_WRITE);
    pp_status status = pp_window_features(&at->see, window, at->row, at->place[index].vectors, err);
    pp_job_part(at->job, before);
    return status;
}

void pp_energy_compute(pp_energy *at, int index, int lane, const pp_quantised_maps *maps,
                       const float *magnitude)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    const pp_model_shape *shape = pipeline->shape;
    int pixels = shape->grid * shape->grid, components = shape->components;
    place *p = &at->place[index];
    if (is_seen(at)) {
        pp_model_activate(p->vectors, (size_t)pixels * (size_t)components, p->vectors);
        pp_model_energies(pipeline->is.model, pipeline->lane[lane].scratch, maps, magnitude,
                          p->vectors, pixels, p->energies);
    }
    pp_cast_covariance(maps, magnitude, components, shape->log_rows, shape->window_frames, p->means,
                       p->deviation, p->products, &p->weight);
}

pp_status pp_energy_write(pp_energy *at, int index, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    const place *p = &at->place[index];
    const int64_t start[3] = {p->window - at->first_window};
    const int64_t energies[3] = {1, shape->grid, shape->grid};
    const int64_t products[3] = {1, shape->components, shape->components};
    pp_part before = pp_job_part(at->job, PP_PART_WRITE);
    pp_status status =
        pp_h5_write(at->file, "/energy", PP_H5_F32, start, energies, p->energies, err);
    if (status == PP_OK)
        status = pp_h5_write(at->file, "/products", PP_H5_F32, start, products, p->products, err);
    if (status == PP_OK)
        status = pp_h5_write(at->file, "/weight", PP_H5_F64, start, energies, &p->weight, err);
    pp_job_part(at->job, before);
    return status != PP_OK ? status : pp_job_progress(at->job, PP_STAGE_LISTEN, 0, err);
}

pp_status pp_energy_commit(pp_energy *at, pp_error *err)
{
    pp_part before = pp_job_part(at->job, PP_PART_WRITE);
    pp_status status = pp_shard_commit(&at->file, at->job, err);
    pp_job_part(at->job, before);
    return status;
}

/* ---- from maps that are there already -------------------------------------------------------- */

static pp_status read_and_add(pp_energy *at, pp_range windows, pp_series *listen,
                              pp_window_room *room, pp_quantised_maps *maps, pp_error *err)
{
    pp_status status = PP_OK;
    for (int64_t w = windows.first; status == PP_OK && w < windows.first + windows.count; w++) {
        status = pp_window_read(at->job, w, room, 0, err);
        if (status == PP_OK) status = pp_maps_read(listen, w, maps, err);
        if (status == PP_OK) status = pp_energy_fetch(at, 0, w, err);
        if (status != PP_OK) break;
        pp_part before = pp_job_part(at->job, PP_PART_ENERGY);
        pp_energy_compute(at, 0, 0, maps, room->magnitude);
        pp_job_part(at->job, before);
        status = pp_energy_write(at, 0, err);
    }
    return status;
}

pp_status pp_stage_energy(pp_job *job, int64_t segment, pp_error *err)
{
    if (pp_shard_is_done(job, PP_SHARD_ENERGY, segment)) return PP_OK;
    pp_energy *at = NULL;
    pp_series listen = {.job = job, .shard = PP_SHARD_LISTEN};
    pp_window_room room = {0};
    pp_quantised_maps maps = {0};
    pp_status status = pp_energy_create(&at, job, segment, 1, err);
    if (status == PP_OK) status = pp_window_room_create(&room, job, 1, err);
    if (status == PP_OK) status = pp_maps_create(&maps, job->pipeline->shape, err);
    if (status == PP_OK) {
        status = read_and_add(at, pp_cut_segment_windows(&job->cut, segment), &listen, &room, &maps,
                              err);
    }
    if (status == PP_OK) status = pp_energy_commit(at, err);
    pp_energy_destroy(&at);
    pp_series_close(&listen);
    pp_window_room_free(&room);
    pp_maps_free(&maps);
    return status;
}
