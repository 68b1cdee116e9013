/* cast, where sources are asked for by name: their vectors are the classes' of the model. Pixels
 * belong to a source where the picture agrees: a loud pixel whose masks are like those of a class
 * that was asked for, measured as cast measures pixels (cast_groups.h). Two passes:
 *
 *   1  energy and see shards   what the maps are like; the least activations seen
 *   2  the same                each pixel's source; boxes; where each source sounds -> cast.h5
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "pipeline/cast_groups.h"
#include "pipeline/cast_shard.h"
#include "pipeline/query.h"
#include "pipeline/room.h"
#include "pipeline/shards.h"

typedef struct asked {
    pp_job *job;
    pp_query query;
    int grid, pixels, components;
    pp_series see, energy;
    float *row, *features, *energies, *products; /* of one window */
    double *sum;                                 /* [K, K] of products */
    double weight;
    float *least, *z; /* [K] */
    int8_t *label;    /* [pixels] */
    float *boxes;     /* [S, 4] of one window */
    pp_cast_metric *metric;
    pp_cast_kinds kinds; /* one a name */
    double weights[PP_MOST_SOURCES], places[PP_MOST_SOURCES][2];
} asked;

static void destroy(asked *at)
{
    pp_series_close(&at->see);
    pp_series_close(&at->energy);
    pp_cast_metric_destroy(&at->metric);
    pp_free(at->row);
    pp_free(at->features);
    pp_free(at->energies);
    pp_free(at->products);
    pp_free(at->sum);
    pp_free(at->least);
    pp_free(at->z);
    pp_free(at->label);
    pp_free(at->boxes);
    pp_free(at->kinds.origin);
    pp_free(at->kinds.centers);
}

static pp_status allocate(asked *at, pp_error *err)
{
    size_t pixels = (size_t)at->pixels, k = (size_t)at->components;
    size_t sources = (size_t)at->query.count;
    const pp_want wants[] = {
        {&at->row, pixels * k, sizeof(float)},
        {&at->features, pixels * k, sizeof(float)},
        {&at->energies, pixels, sizeof(float)},
        {&at->products, k * k, sizeof(float)},
        {&at->sum, k * k, sizeof(double)},
        {&at->least, k, sizeof(float)},
        {&at->z, k, sizeof(float)},
        {&at->label, pixels, 1},
        {&at->boxes, sources, 4 * sizeof(float)},
        {&at->kinds.origin, k, sizeof(float)},
        {&at->kinds.centers, sources * k, sizeof(float)},
    };
    return pp_room_take(wants, sizeof wants / sizeof *wants, "the sources asked for", err);
}

/* Activations of one window's pixels, after the sigmoid, into at->features. */
static pp_status read_activations(asked *at, int64_t window, pp_error *err)
{
    pp_status status = pp_window_features(&at->see, window, at->row, at->features, err);
    size_t values = (size_t)at->pixels * (size_t)at->components;
    if (status == PP_OK) pp_model_activate(at->features, values, at->features);
    return status == PP_OK ? pp_job_progress(at->job, PP_STAGE_CAST, 0, err) : status;
}

/* Pass 1. */
static pp_status look(asked *at, int64_t window, pp_error *err)
{
    const int64_t row[2] = {at->components, at->components};
    double weight = 0;
    pp_status status =
        pp_series_read(&at->energy, "/products", PP_H5_F32, 3, row, window, 1, at->products, err);
    if (status == PP_OK) {
        status =
            pp_series_read(&at->energy, "/weight", PP_H5_F64, 1, NULL, window, 1, &weight, err);
    }
    if (status == PP_OK) status = read_activations(at, window, err);
    if (status != PP_OK) return status;
    for (int i = 0; i < at->components * at->components; i++) at->sum[i] += at->products[i];
    at->weight += weight;
    for (int i = 0; i < at->pixels * at->components; i++) {
        float *least = &at->least[i % at->components];
        if (at->features[i] < *least) *least = at->features[i];
    }
    return PP_OK;
}

static pp_status find_kinds(asked *at, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    for (int k = 0; k < at->components; k++) at->least[k] = 1;
    pp_status status = PP_OK;
    for (int64_t w = 0; status == PP_OK && w < at->job->cut.all.windows; w++) {
        status = look(at, w, err);
    }
    if (status == PP_OK) {
        status = pp_cast_metric_create(&at->metric, at->components, at->sum, at->weight,
                                       pp_model_scale(pipeline->is.model), err);
    }
    if (status != PP_OK) return status;
    at->kinds.count = at->query.count;
    at->kinds.components = at->components;
    at->kinds.least_cos = pp_parameters_cast_threshold(pipeline->is.parameters);
    pp_cast_metric_map(at->metric, at->least, at->kinds.origin);
    for (int s = 0; s < at->query.count; s++) {
        pp_cast_metric_map(at->metric, at->query.vector[s],
                           at->kinds.centers + (int64_t)s * at->components);
    }
    pp_cast_kinds_measure(&at->kinds);
    return PP_OK;
}

/* ---- pass 2 ------------------------------------------------------------------------------ */

static void give_pixel(asked *at, int pixel)
{
    pp_cast_metric_map(at->metric, at->features + (int64_t)pixel * at->components, at->z);
    int source = pp_cast_kind_of(&at->kinds, at->z);
    if (source < 0) return;
    int row = pixel / at->grid, column = pixel % at->grid;
    double loud = sqrt((double)at->energies[pixel]);
    at->label[pixel] = (int8_t)source;
    pp_cast_box_stretch(at->boxes + (int64_t)source * 4, row, column, at->grid);
    at->weights[source] += loud;
    at->places[source][0] += loud * (column + 0.5) / at->grid;
    at->places[source][1] += loud * (row + 0.5) / at->grid;
}

static pp_status give_pixels(asked *at, int64_t window, pp_error *err)
{
    const int64_t row[2] = {at->grid, at->grid};
    float loudest = 0;
    pp_status status =
        pp_series_read(&at->energy, "/energy", PP_H5_F32, 3, row, window, 1, at->energies, err);
    if (status == PP_OK) status = read_activations(at, window, err);
    if (status != PP_OK) return status;
    for (int p = 0; p < at->pixels; p++) {
        if (at->energies[p] > loudest) loudest = at->energies[p];
    }
    for (int p = 0; p < at->pixels && loudest > 0; p++) {
        if (at->energies[p] >= PP_CAST_LOUD_SHARE * loudest) give_pixel(at, p);
    }
    return PP_OK;
}

static pp_status put_window(asked *at, pp_h5 *file, int64_t window, pp_error *err)
{
    const int64_t start[3] = {window};
    const int64_t labels[3] = {1, at->grid, at->grid}, boxes[3] = {1, at->query.count, 4};
    pp_status status = pp_h5_write(file, "/source", PP_H5_I8, start, labels, at->label, err);
    if (status != PP_OK) return status;
    return pp_h5_write(file, "/box", PP_H5_F32, start, boxes, at->boxes, err);
}

static pp_status create_file(asked *at, pp_h5 **file, pp_error *err)
{
    const int64_t vectors[] = {at->query.count, at->components}, places[] = {at->query.count, 2};
    pp_status status = pp_cast_shard_create(file, at->job, at->query.count, err);
    if (status == PP_OK) {
        status = pp_shard_dataset(*file, "/vector", PP_H5_F32, 2, vectors, "1",
                                  "activations of each class asked for, after the sigmoid", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(*file, "/center", PP_H5_F32, 2, places, "1",
                                  "x and y where each source sounds, 0 to 1; NaN: unseen", err);
    }
    return status;
}

static pp_status put_sources(asked *at, pp_h5 *file, pp_error *err)
{
    pp_status status = PP_OK;
    for (int s = 0; status == PP_OK && s < at->query.count; s++) {
        const int64_t start[2] = {s}, vector[2] = {1, at->components}, pair[2] = {1, 2};
        float place[2] = {NAN, NAN};
        for (int d = 0; d < 2 && at->weights[s] > 0; d++) {
            place[d] = (float)(at->places[s][d] / at->weights[s]);
        }
        status = pp_h5_write(file, "/vector", PP_H5_F32, start, vector, at->query.vector[s], err);
        if (status == PP_OK) {
            status = pp_h5_write(file, "/center", PP_H5_F32, start, pair, place, err);
        }
    }
    return status;
}

pp_status pp_stage_query(pp_job *job, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    asked at = {.job = job,
                .grid = shape->grid,
                .pixels = shape->grid * shape->grid,
                .components = shape->components,
                .see = {.job = job, .shard = PP_SHARD_SEE},
                .energy = {.job = job, .shard = PP_SHARD_ENERGY}};
    pp_h5 *file = NULL;
    int seen = job->cut.all.pictures > 0;
    pp_status status =
        pp_query_resolve(&at.query, job->pipeline->is.parameters, job->pipeline->is.model, err);
    if (status == PP_OK) status = allocate(&at, err);
    if (status == PP_OK && seen) status = find_kinds(&at, err);
    if (status == PP_OK) status = create_file(&at, &file, err);
    for (int64_t w = 0; status == PP_OK && w < job->cut.all.windows; w++) {
        memset(at.label, -1, (size_t)at.pixels);
        for (int i = 0; i < at.query.count * 4; i++) at.boxes[i] = NAN;
        if (seen) status = give_pixels(&at, w, err);
        if (status == PP_OK) status = put_window(&at, file, w, err);
    }
    if (status == PP_OK) status = put_sources(&at, file, err);
    if (status == PP_OK) status = pp_shard_commit(&file, job, err);
    pp_h5_close(&file);
    destroy(&at);
    return status;
}
