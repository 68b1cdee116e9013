/* cast: who is in the video. Four passes over the shards in time order, each with state of fixed
 * size; cast_groups.h and cast_players.h hold the ideas, docs/pipeline.md the whole method.
 *
 *   1  energy shards              what the maps are like                     -> metric
 *   2  features + energies        loud regions, streamed into small clusters -> kinds of sound
 *   3  the same                   which places of a kind sound together      -> sources
 *   4  the same                   each pixel's source; boxes; pooled vectors -> cast.h5
 */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "pipeline/cast_groups.h"
#include "pipeline/cast_players.h"
#include "pipeline/cast_regions.h"
#include "pipeline/cast_shard.h"
#include "pipeline/room.h"
#include "pipeline/shards.h"

typedef struct cast {
    pp_job *job;
    int grid, pixels, components;
    pp_series see, energy;
    /* of one window */
    float *row, *features;        /* [pixels, K] */
    float *shown;                 /* [regions, K]: activations of each region as a whole */
    int8_t *region;               /* [pixels], -1: none */
    int regions, *order;          /* [pixels]: scratch */
    float *energies, *amplitudes; /* [pixels]; amplitude 0: not loud enough */
    float *z;                     /* [K] */
    int8_t *label;                /* [pixels] kind, then source */
    /* of the video */
    float *least; /* [K] least activations seen */
    pp_cast_metric *metric;
    pp_cast_kinds kinds;
    pp_cast_players *players;
    int sources;
    /* of the sources */
    float *pooled;                           /* [K] of one window */
    double *vectors, *weights, (*places)[2]; /* [S, K], [S], [S, 2]: weighted sums */
    float *boxes;                            /* [S, 4] of one window */
} cast;

static pp_status allocate(cast *at, pp_error *err)
{
    size_t pixels = (size_t)at->pixels, k = (size_t)at->components, most = PP_MOST_SOURCES;
    const pp_want wants[] = {
        {&at->row, pixels * k, sizeof(float)},
        {&at->features, pixels * k, sizeof(float)},
        {&at->shown, PP_CAST_MOST_REGIONS * k, sizeof(float)},
        {&at->energies, pixels, sizeof(float)},
        {&at->amplitudes, pixels, sizeof(float)},
        {&at->z, k, sizeof(float)},
        {&at->label, pixels, 1},
        {&at->region, pixels, 1},
        {&at->order, pixels, sizeof(int)},
        {&at->least, k, sizeof(float)},
        {&at->pooled, k, sizeof(float)},
        {&at->vectors, most * k, sizeof(double)},
        {&at->weights, most, sizeof(double)},
        {&at->places, most, sizeof *at->places},
        {&at->boxes, most, 4 * sizeof(float)},
    };
    return pp_room_take(wants, sizeof wants / sizeof *wants, "the cast", err);
}

static void destroy(cast *at)
{
    pp_series_close(&at->see);
    pp_series_close(&at->energy);
    pp_cast_metric_destroy(&at->metric);
    pp_cast_kinds_free(&at->kinds);
    pp_cast_players_destroy(&at->players);
    pp_free(at->row);
    pp_free(at->features);
    pp_free(at->shown);
    pp_free(at->energies);
    pp_free(at->amplitudes);
    pp_free(at->z);
    pp_free(at->label);
    pp_free(at->region);
    pp_free(at->order);
    pp_free(at->least);
    pp_free(at->pooled);
    pp_free(at->vectors);
    pp_free(at->weights);
    pp_free(at->places);
    pp_free(at->boxes);
}

/* Pass 1. */
static pp_status find_metric(cast *at, pp_error *err)
{
    size_t k = (size_t)at->components;
    const int64_t row[2] = {at->components, at->components};
    float *products = NULL;
    double *sum = NULL, weight_sum = 0;
    const pp_want wants[] = {{&products, k * k, sizeof(float)}, {&sum, k * k, sizeof(double)}};
    pp_status status = pp_room_take(wants, 2, "the cast's metric", err);
    for (int64_t w = 0; status == PP_OK && w < at->job->cut.all.windows; w++) {
        double weight = 0;
        status = pp_series_read(&at->energy, "/products", PP_H5_F32, 3, row, w, 1, products, err);
        if (status == PP_OK) {
            status = pp_series_read(&at->energy, "/weight", PP_H5_F64, 1, NULL, w, 1, &weight, err);
        }
        for (size_t i = 0; i < k * k; i++) sum[i] += products[i];
        weight_sum += weight;
    }
    if (status == PP_OK) {
        status = pp_cast_metric_create(&at->metric, at->components, sum, weight_sum,
                                       pp_model_scale(at->job->pipeline->is.model), err);
    }
    pp_free(products);
    pp_free(sum);
    return status;
}

/* Over the pixels whose group is `which`, as in training, where a clip is what a window is here:
 * the largest (or mean) feature of each component, before the sigmoid. Returns how many pixels. */
static int pool(const cast *at, const int8_t *group, int which, float *pooled)
{
    int components = at->components, count = 0;
    int average = at->job->pipeline->shape->pool_average;
    for (int p = 0; p < at->pixels; p++) {
        if (group[p] != which) continue;
        const float *f = at->features + (int64_t)p * components;
        for (int k = 0; k < components; k++) {
            if (count == 0) pooled[k] = f[k];
            else if (average) pooled[k] += f[k];
            else if (f[k] > pooled[k]) pooled[k] = f[k];
        }
        count++;
    }
    for (int k = 0; average && count > 0 && k < components; k++) pooled[k] /= (float)count;
    return count;
}

/* Features, energies, amplitudes and regions of one window. */
static pp_status load(cast *at, int64_t window, pp_error *err)
{
    const int64_t row[2] = {at->grid, at->grid};
    pp_status status =
        pp_series_read(&at->energy, "/energy", PP_H5_F32, 3, row, window, 1, at->energies, err);
    if (status == PP_OK) status = pp_window_features(&at->see, window, at->row, at->features, err);
    if (status == PP_OK) status = pp_job_progress(at->job, PP_STAGE_CAST, 0, err);
    if (status != PP_OK) return status;
    float loudest = 0;
    for (int p = 0; p < at->pixels; p++) {
        if (at->energies[p] > loudest) loudest = at->energies[p];
    }
    for (int p = 0; p < at->pixels; p++) {
        /* A window whose every mask is shut: all its pixels are as loud as each other. */
        float energy = loudest > 0 ? at->energies[p] : 1e-30f;
        at->amplitudes[p] = energy >= PP_CAST_LOUD_SHARE * loudest ? sqrtf(energy) : 0;
    }
    at->regions = pp_cast_regions(at->amplitudes, at->grid, at->order, at->region);
    for (int r = 0; r < at->regions; r++) {
        float *shown = at->shown + (int64_t)r * at->components;
        pool(at, at->region, r, shown);
        pp_model_activate(shown, (size_t)at->components, shown);
    }
    return PP_OK;
}

/* z of one region, in at->z; returns its loudness. */
static double map_region(cast *at, int region)
{
    double loudness = 0;
    for (int p = 0; p < at->pixels; p++) {
        if (at->region[p] == region) loudness += at->amplitudes[p];
    }
    pp_cast_metric_map(at->metric, at->shown + (int64_t)region * at->components, at->z);
    return loudness;
}

static void keep_least(cast *at, int first)
{
    for (int p = 0; p < at->pixels; p++) {
        const float *f = at->features + (int64_t)p * at->components;
        for (int k = 0; k < at->components; k++) {
            if ((first && p == 0) || f[k] < at->least[k]) at->least[k] = f[k];
        }
    }
}

/* Pass 2. */
static pp_status find_kinds(cast *at, pp_error *err)
{
    const pp_parameters *parameters = at->job->pipeline->is.parameters;
    pp_cast_groups *groups = NULL;
    pp_status status = pp_cast_groups_create(&groups, at->components, err);
    for (int64_t w = 0; status == PP_OK && w < at->job->cut.all.windows; w++) {
        status = load(at, w, err);
        if (status == PP_OK) keep_least(at, w == 0);
        for (int r = 0; status == PP_OK && r < at->regions; r++) {
            double loudness = map_region(at, r);
            pp_cast_groups_add(groups, at->z, loudness);
        }
    }
    if (status == PP_OK) {
        pp_model_activate(at->least, (size_t)at->components, at->least);
        pp_cast_metric_map(at->metric, at->least, at->z);
        status = pp_cast_groups_finish(groups, at->z, pp_parameters_cast_threshold(parameters),
                                       parameters->most_sources, &at->kinds, err);
    }
    if (groups != NULL) pp_cast_groups_destroy(&groups);
    return status;
}

static void label_kinds(cast *at)
{
    int8_t kind[PP_CAST_MOST_REGIONS];
    for (int r = 0; r < at->regions; r++) {
        map_region(at, r);
        kind[r] = (int8_t)pp_cast_kind_of(&at->kinds, at->z);
    }
    for (int p = 0; p < at->pixels; p++) {
        at->label[p] = at->region[p] >= 0 ? kind[at->region[p]] : -1;
    }
}

/* Pass 3. */
static pp_status find_players(cast *at, pp_error *err)
{
    int most = at->job->pipeline->is.parameters->most_sources;
    pp_status status = pp_cast_players_create(&at->players, at->kinds.count, at->grid, err);
    for (int64_t w = 0; status == PP_OK && w < at->job->cut.all.windows; w++) {
        status = load(at, w, err);
        if (status != PP_OK) break;
        label_kinds(at);
        pp_cast_players_add(at->players, at->label, at->amplitudes);
    }
    if (status != PP_OK) return status;
    /* Masks that do not differ tell nobody apart, wherever they are. */
    at->sources = pp_cast_players_finish(at->players, at->kinds.everything ? 1 : most);
    if (at->sources > 0) return PP_OK;
    /* No pixel came near any kind: then all of them are one. */
    at->kinds.everything = at->kinds.count = 1;
    pp_cast_players_destroy(&at->players);
    return find_players(at, err);
}

/* ---- pass 4 ------------------------------------------------------------------------------ */

/* Windows are averaged, each by how loud the source is in it. */
static void add_window(cast *at, int source)
{
    double weight = 0;
    if (pool(at, at->label, source, at->pooled) == 0) return;
    for (int p = 0; p < at->pixels; p++) {
        if (at->label[p] != source) continue;
        weight += at->amplitudes[p];
        at->places[source][0] += at->amplitudes[p] * (p % at->grid + 0.5) / at->grid;
        at->places[source][1] += at->amplitudes[p] * ((double)(p / at->grid) + 0.5) / at->grid;
    }
    at->weights[source] += weight;
    for (int k = 0; k < at->components; k++) {
        at->vectors[(int64_t)source * at->components + k] += weight * (double)at->pooled[k];
    }
}

static pp_status one_window(cast *at, pp_h5 *file, int64_t window, pp_error *err)
{
    pp_status status = load(at, window, err);
    if (status != PP_OK) return status;
    label_kinds(at);
    for (int i = 0; i < at->sources * 4; i++) at->boxes[i] = NAN;
    for (int p = 0; p < at->pixels; p++) {
        if (at->label[p] < 0) continue;
        int row = p / at->grid, column = p % at->grid;
        int source = pp_cast_players_source(at->players, at->label[p], row, column);
        at->label[p] = (int8_t)source;
        pp_cast_box_stretch(at->boxes + (int64_t)source * 4, row, column, at->grid);
    }
    for (int s = 0; s < at->sources; s++) add_window(at, s);
    const int64_t start[3] = {window};
    const int64_t labels[3] = {1, at->grid, at->grid}, boxes[3] = {1, at->sources, 4};
    status = pp_h5_write(file, "/source", PP_H5_I8, start, labels, at->label, err);
    return status != PP_OK ? status
                           : pp_h5_write(file, "/box", PP_H5_F32, start, boxes, at->boxes, err);
}

static pp_status put_sources(cast *at, pp_h5 *file, pp_error *err)
{
    const int64_t vectors[] = {at->sources, at->components}, places[] = {at->sources, 2};
    float values[PP_MOST_SOURCES][2], *v = NULL;
    void *memory = NULL;
    size_t count = (size_t)at->sources * (size_t)at->components;
    pp_status status = pp_alloc_checked(&memory, count, sizeof(float), "sources", err);
    if (status != PP_OK) return status;
    v = memory;
    for (int s = 0; s < at->sources; s++) {
        double weight = at->weights[s] > 0 ? at->weights[s] : 1;
        for (int k = 0; k < at->components; k++) {
            int64_t i = (int64_t)s * at->components + k;
            v[i] = (float)(at->vectors[i] / weight);
        }
        for (int d = 0; d < 2; d++) values[s][d] = (float)(at->places[s][d] / weight);
    }
    const int64_t origin[2] = {0, 0};
    pp_model_activate(v, count, v);
    status = pp_shard_dataset(file, "/vector", PP_H5_F32, 2, vectors, "1",
                              "pooled activations of each source, after the sigmoid", err);
    if (status == PP_OK) status = pp_h5_write(file, "/vector", PP_H5_F32, origin, vectors, v, err);
    if (status == PP_OK) {
        status = pp_shard_dataset(file, "/center", PP_H5_F32, 2, places, "1",
                                  "x and y where each source sounds, 0 to 1", err);
    }
    if (status == PP_OK) {
        status = pp_h5_write(file, "/center", PP_H5_F32, origin, places, values, err);
    }
    pp_free(memory);
    return status;
}

/* Digital silence: nobody plays. */
static pp_status write_nobody(cast *at, pp_h5 *file, pp_error *err)
{
    const int64_t labels[3] = {1, at->grid, at->grid};
    memset(at->label, -1, (size_t)at->pixels);
    for (int64_t w = 0; w < at->job->cut.all.windows; w++) {
        const int64_t start[3] = {w};
        pp_status status = pp_h5_write(file, "/source", PP_H5_I8, start, labels, at->label, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

pp_status pp_stage_cast(pp_job *job, pp_error *err)
{
    if (pp_shard_is_done(job, PP_SHARD_CAST, 0)) return PP_OK;
    if (job->pipeline->is.parameters->query[0] != '\0') return pp_stage_query(job, err);
    const pp_model_shape *shape = job->pipeline->shape;
    cast at = {.job = job,
               .grid = shape->grid,
               .pixels = shape->grid * shape->grid,
               .components = shape->components,
               .see = {.job = job, .shard = PP_SHARD_SEE},
               .energy = {.job = job, .shard = PP_SHARD_ENERGY}};
    pp_h5 *file = NULL;
    double peak = 0;
    pp_status status = pp_h5_get_real(job->probe, "/", "peak", &peak, err);
    if (status == PP_OK) status = allocate(&at, err);
    if (status == PP_OK && peak > 0) {
        status = find_metric(&at, err);
        if (status == PP_OK) status = find_kinds(&at, err);
        if (status == PP_OK) status = find_players(&at, err);
    }
    if (status == PP_OK) status = pp_cast_shard_create(&file, job, at.sources, err);
    if (status == PP_OK && at.sources == 0) status = write_nobody(&at, file, err);
    for (int64_t w = 0; status == PP_OK && at.sources > 0 && w < job->cut.all.windows; w++) {
        status = one_window(&at, file, w, err);
    }
    if (status == PP_OK && at.sources > 0) status = put_sources(&at, file, err);
    if (status == PP_OK) status = pp_shard_commit(&file, job, err);
    pp_h5_close(&file);
    destroy(&at);
    return status;
}
