/* separate: the stems of one segment's own samples.
 *
 *   8-bit maps of a window -> masks of all sources, which compete -> unwarped to linear frequency
 *   windows that overlap   -> cross-faded on the STFT grid -> sums above 1 scaled down
 *   mixture's spectrum x mask, mixture's phase -> inverse STFT -> stem
 *   residual = mixture - stems, in double; its own mask, 1 - sum, must give the same
 *
 * The work goes in blocks of one window step. Any range of samples can be rebuilt with the bytes
 * of the whole (dsp/stft.h), so neither blocks nor segments leave a seam; a few frames on both
 * sides are computed by two blocks.
 */
#include <math.h>

#include "base/memory.h"
#include "nn/share.h"
#include "pipeline/activity.h"
#include "pipeline/crossfade.h"
#include "pipeline/label_features.h"
#include "pipeline/room.h"
#include "pipeline/window.h"

#define MOST_RESIDUAL_DB (-80.0) /* of the mixture: between the two ways to the residual */

typedef struct separate {
    pp_job *job;
    pp_h5 *file;
    pp_series listen;
    pp_quantised_maps maps;
    int sources, bins, slots;
    int64_t most_frames, most_samples; /* of a block */
    float *vectors;                    /* [S, K] */
    float *log_masks;                  /* [S, log_rows, window_frames] of one window */
    pp_window_masks *windows;          /* [slots] masks kept, window -1: free */
    pp_window_masks *over;             /* [slots] those over a block, in order */
    float *linear;                     /* [slots, S, bins, window_frames] */
    float *slice, *mixture;            /* samples */
    float *spectrum;                   /* [most_frames, bins, 2] */
    float *masked;                     /* [lanes] x [most_frames, bins, 2] */
    float *masks, *rest;               /* [S, most_frames, bins], [most_frames, bins] */
    float *stems;                      /* [S + 1, most_samples]; the last: the residual */
    double *sum;                       /* [most_samples] of the stems */
    double worst_db;                   /* of all blocks */
    pp_label_meter **labels;           /* [lanes] */
    double *label_sums;                /* [S, PP_LABEL_SUMS] of a block */
    pp_window_room room;               /* for the magnitude of a window */
    double *component_sums;            /* [S, pp_label_component_sums] of a window */
    pp_range own;                      /* windows of the segment */
} separate;

static void destroy(separate *at)
{
    pp_series_close(&at->listen);
    pp_h5_close(&at->file);
    pp_maps_free(&at->maps);
    for (int i = 0; at->labels != NULL && i < at->job->pipeline->lanes; i++) {
        pp_label_meter_destroy(&at->labels[i]);
    }
    pp_free(at->labels);
    pp_free(at->label_sums);
    pp_free(at->component_sums);
    pp_window_room_free(&at->room);
    pp_free(at->vectors);
    pp_free(at->log_masks);
    pp_free(at->windows);
    pp_free(at->over);
    pp_free(at->linear);
    pp_free(at->slice);
    pp_free(at->mixture);
    pp_free(at->spectrum);
    pp_free(at->masked);
    pp_free(at->masks);
    pp_free(at->rest);
    pp_free(at->stems);
    pp_free(at->sum);
}

/* Sizes for the largest block of the video, and how many windows lie over one. */
static void measure(separate *at)
{
    const pp_cut *cut = &at->job->cut;
    for (int64_t w = 0; w < cut->all.windows; w++) {
        pp_range block = pp_cut_block_samples(cut, w);
        int64_t first = 0, frames = 0;
        pp_stft_frame_range(at->job->pipeline->lane[0].stft, block.first, block.first + block.count,
                            cut->all.stft_frames, &first, &frames);
        pp_range over = pp_cut_windows_over(cut, first, frames);
        if (frames > at->most_frames) at->most_frames = frames;
        if (block.count > at->most_samples) at->most_samples = block.count;
        if (over.count > at->slots) at->slots = (int)over.count;
    }
}

static pp_status allocate(separate *at, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    size_t sources = (size_t)at->sources, slots = (size_t)at->slots;
    size_t frames = (size_t)at->most_frames, bins = (size_t)at->bins;
    size_t samples = (size_t)at->most_samples, columns = (size_t)shape->window_frames;
    size_t lanes = (size_t)at->job->pipeline->lanes;
    const pp_want wants[] = {
        {&at->vectors, sources * (size_t)shape->components, sizeof(float)},
        {&at->log_masks, sources * (size_t)shape->log_rows * columns, sizeof(float)},
        {&at->windows, slots, sizeof *at->windows},
        {&at->over, slots, sizeof *at->over},
        {&at->linear, slots * sources * bins * columns, sizeof(float)},
        {&at->slice, (size_t)pp_job_slice_room(at->job, at->most_frames), sizeof(float)},
        {&at->mixture, samples, sizeof(float)},
        {&at->spectrum, frames * bins * 2, sizeof(float)},
        {&at->masked, lanes * frames * bins * 2, sizeof(float)},
        {&at->masks, sources * frames * bins, sizeof(float)},
        {&at->rest, frames * bins, sizeof(float)},
        {&at->stems, (sources + 1) * samples, sizeof(float)},
        {&at->labels, lanes, sizeof *at->labels},
        {&at->sum, samples, sizeof(double)},
        {&at->label_sums, sources * PP_LABEL_SUMS, sizeof(double)},
        {&at->component_sums, sources * (size_t)pp_label_component_sums(shape->components),
         sizeof(double)},
    };
    pp_status status = pp_room_take(wants, sizeof wants / sizeof *wants, "separation", err);
    if (status != PP_OK) return status;
    for (size_t i = 0; i < slots; i++) {
        at->windows[i].window = -1;
        at->windows[i].linear = at->linear + i * sources * bins * columns;
    }
    for (size_t i = 0; status == PP_OK && i < lanes; i++) {
        status = pp_label_meter_create(&at->labels[i], at->bins, shape->n_fft, shape->rate_hz, err);
    }
    if (status == PP_OK) status = pp_window_room_create(&at->room, at->job, 1, err);
    return status != PP_OK ? status : pp_maps_create(&at->maps, shape, err);
}

static pp_status read_cast(separate *at, pp_error *err)
{
    int64_t sources = 0;
    pp_h5 *file = NULL;
    pp_status status = pp_shard_open(&file, at->job, PP_SHARD_CAST, 0, err);
    if (status == PP_OK) status = pp_h5_get_int(file, "/", "sources", &sources, err);
    if (status == PP_OK && (sources < 0 || sources > PP_MOST_SOURCES)) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s names %lld sources", pp_h5_path(file),
                         (long long)sources);
    }
    at->sources = (int)sources;
    if (status == PP_OK) {
        measure(at);
        status = allocate(at, err);
    }
    if (status == PP_OK && sources > 0) {
        const int64_t start[2] = {0, 0};
        const int64_t count[2] = {sources, at->job->pipeline->shape->components};
        status = pp_h5_read(file, "/vector", PP_H5_F32, start, count, at->vectors, err);
    }
    pp_h5_close(&file);
    return status;
}

static pp_status create_file(separate *at, int64_t segment, pp_error *err)
{
    int64_t windows = pp_cut_segment_windows(&at->job->cut, segment).count;
    int64_t samples = pp_cut_segment_samples(&at->job->cut, segment).count;
    const int64_t stems[2] = {at->sources, samples};
    pp_status status = pp_shard_create(&at->file, at->job, PP_SHARD_SEPARATE, segment, err);
    if (status == PP_OK) status = pp_h5_set_int(at->file, "/", "sources", at->sources, err);
    if (status == PP_OK && at->sources > 0) {
        pp_h5_spec spec = {.path = "/stems",
                           .type = PP_H5_F32,
                           .rank = 2,
                           .dims = {stems[0], stems[1]},
                           .chunk = {1, at->most_samples},
                           .units = "1",
                           .long_name = "sound of each source, full scale 1"};
        status = pp_h5_dataset(at->file, &spec, err);
    }
    if (status == PP_OK && at->sources > 0) {
        const int64_t sums[3] = {windows, at->sources, PP_LABEL_SUMS};
        status = pp_shard_dataset(at->file, "/label_sums", PP_H5_F64, 3, sums, "1",
                                  "sums for the label features of each source, by blocks", err);
    }
    if (status == PP_OK && at->sources > 0) {
        const int components = at->job->pipeline->shape->components;
        const int64_t sums[3] = {windows, at->sources, pp_label_component_sums(components)};
        status = pp_shard_dataset(at->file, "/component_sums", PP_H5_F64, 3, sums, "1",
                                  "sums for the label features of each source, by windows", err);
    }
    if (status == PP_OK) {
        pp_h5_spec spec = {.path = "/residual",
                           .type = PP_H5_F32,
                           .rank = 1,
                           .dims = {samples},
                           .chunk = {at->most_samples},
                           .units = "1",
                           .long_name = "mixture minus stems, full scale 1"};
        status = pp_h5_dataset(at->file, &spec, err);
    }
    return status;
}

/* ---- masks ------------------------------------------------------------------------------- */

/* What the maps are like where each source sounds; a segment answers for its own windows. */
static pp_status write_component_sums(separate *at, int64_t window, pp_error *err)
{
    const pp_model_shape *shape = at->job->pipeline->shape;
    int sums = pp_label_component_sums(shape->components);
    size_t grid = (size_t)shape->log_rows * (size_t)shape->window_frames;
    if (window < at->own.first || window >= at->own.first + at->own.count) return PP_OK;
    pp_status status = pp_window_read(at->job, window, &at->room, 0, err);
    if (status != PP_OK) return status;
    for (int i = 0; i < at->sources * sums; i++) at->component_sums[i] = 0;
    for (int s = 0; s < at->sources; s++) {
        pp_label_add_components(&at->maps, shape, at->log_masks + (size_t)s * grid,
                                at->room.magnitude, at->component_sums + s * sums);
    }
    const int64_t start[3] = {window - at->own.first}, count[3] = {1, at->sources, sums};
    return pp_h5_write(at->file, "/component_sums", PP_H5_F64, start, count, at->component_sums,
                       err);
}

/* The masks of one window on the linear grid, into a slot. */
static pp_status compute_masks(separate *at, int64_t window, pp_window_masks *slot, pp_error *err)
{
    const pp_pipeline *pipeline = at->job->pipeline;
    const pp_model_shape *shape = pipeline->shape;
    slot->window = -1;
    pp_status status = pp_maps_read(&at->listen, window, &at->maps, err);
    if (status != PP_OK) return status;
    pp_model_masks(pipeline->is.model, pipeline->lane[0].scratch, &at->maps, at->vectors,
                   at->sources, at->log_masks);
    int64_t log_grid = (int64_t)shape->log_rows * shape->window_frames;
    pp_mask_kind kind = pipeline->is.parameters->masks;
    if (kind == PP_MASK_SHARED) pp_masks_share(at->log_masks, at->sources, log_grid);
    status = write_component_sums(at, window, err);
    if (status != PP_OK) return status;
    int64_t grid = (int64_t)at->bins * shape->window_frames;
    for (int s = 0; s < at->sources; s++) {
        pp_warp_to_linear(pipeline->warp, at->log_masks + s * log_grid, shape->window_frames,
                          slot->linear + s * grid);
    }
    if (kind == PP_MASK_BINARY) pp_masks_make_binary(slot->linear, at->sources * grid);
    slot->window = window;
    return PP_OK;
}

/* The slot that holds a window's masks; the one with the earliest other window makes room. */
static pp_status masks_of(separate *at, pp_range over, int64_t window, pp_window_masks *out,
                          pp_error *err)
{
    pp_window_masks *oldest = NULL;
    for (int i = 0; i < at->slots; i++) {
        pp_window_masks *slot = &at->windows[i];
        int needed = slot->window >= over.first && slot->window < over.first + over.count;
        if (slot->window == window) {
            *out = *slot;
            return PP_OK;
        }
        if (!needed && (oldest == NULL || slot->window < oldest->window)) oldest = slot;
    }
    pp_status status = compute_masks(at, window, oldest, err);
    *out = *oldest;
    return status;
}

/* at->masks and at->rest of the frames of a block. */
static pp_status prepare_masks(separate *at, int64_t first, int64_t frames, pp_error *err)
{
    pp_job_part(at->job, PP_PART_SEPARATE);
    pp_range over = pp_cut_windows_over(&at->job->cut, first, frames);
    for (int64_t i = 0; at->sources > 0 && i < over.count; i++) {
        pp_status status = masks_of(at, over, over.first + i, &at->over[i], err);
        if (status != PP_OK) return status;
    }
    pp_crossfade(&at->job->cut, at->over, at->sources > 0 ? (int)over.count : 0, at->sources,
                 at->bins, first, frames, at->masks);
    pp_masks_limit(at->masks, at->sources, frames * at->bins, at->rest);
    return PP_OK;
}

/* ---- sound ------------------------------------------------------------------------------- */

typedef struct block {
    pp_range samples, frames; /* of the whole sound */
    int64_t offset;           /* of its samples in the segment */
    int64_t row;              /* of its window in the segment */
} block;

/* The sums for a source's label over the frames centred in the block's own samples. */
static void add_label_sums(separate *at, const block *now, int source, const float *masked,
                           int lane)
{
    int64_t hop = at->job->pipeline->shape->hop_samples;
    int64_t first = (now->samples.first + hop - 1) / hop - now->frames.first;
    int64_t behind = (now->samples.first + now->samples.count + hop - 1) / hop - now->frames.first;
    if (behind > now->frames.count) behind = now->frames.count;
    pp_label_meter_add(at->labels[lane], masked, first, behind - first,
                       at->label_sums + (int64_t)source * PP_LABEL_SUMS);
}

static pp_status write_label_sums(separate *at, const block *now, pp_error *err)
{
    const int64_t start[3] = {now->row}, count[3] = {1, at->sources, PP_LABEL_SUMS};
    if (at->sources == 0) return PP_OK;
    return pp_h5_write(at->file, "/label_sums", PP_H5_F64, start, count, at->label_sums, err);
}

typedef struct tracks { /* what threads rebuild */
    separate *at;
    const block *now;
} tracks;

static float *stem_of(const separate *at, int track)
{
    return at->stems + track * at->most_samples;
}

/* One source, or (the last track) the residual by its own mask. */
static void rebuild(void *user, int track, int lane)
{
    const tracks *all = user;
    separate *at = all->at;
    const block *now = all->now;
    int64_t cells = now->frames.count * at->bins;
    const float *mask = track < at->sources ? at->masks + track * cells : at->rest;
    float *masked = at->masked + lane * at->most_frames * at->bins * 2;
    pp_mask_apply(at->spectrum, mask, cells, masked);
    pp_stft_inverse(at->job->pipeline->lane[lane].stft, masked, now->frames.first,
                    now->frames.count, at->job->cut.all.stft_frames, now->samples.first,
                    now->samples.first + now->samples.count, stem_of(at, track));
    if (track < at->sources) add_label_sums(at, now, track, masked, lane);
}

static pp_status write_stems(separate *at, const block *now, pp_error *err)
{
    tracks all = {at, now};
    pp_job_part(at->job, PP_PART_STITCH);
    for (int64_t i = 0; i < now->samples.count; i++) at->sum[i] = 0;
    for (int i = 0; i < at->sources * PP_LABEL_SUMS; i++) at->label_sums[i] = 0;
    pp_team_run(at->job->pipeline->team, rebuild, &all, at->sources + 1);
    for (int s = 0; s < at->sources; s++) {
        const float *stem = stem_of(at, s);
        for (int64_t i = 0; i < now->samples.count; i++) at->sum[i] += stem[i];
        const int64_t start[2] = {s, now->offset}, count[2] = {1, now->samples.count};
        pp_job_part(at->job, PP_PART_WRITE);
        pp_status status = pp_h5_write(at->file, "/stems", PP_H5_F32, start, count, stem, err);
        pp_job_part(at->job, PP_PART_STITCH);
        if (status != PP_OK) return status;
    }
    return write_label_sums(at, now, err);
}

/* Mean square of the sound that the block's frames see: what rounding is measured against. In a
 * silent block beside a loud one, the loud one's rounding comes through the STFT. */
static double context_power(const separate *at, const block *now)
{
    double energy = 0;
    int64_t values = now->frames.count * at->bins * 2;
    for (int64_t i = 0; i < values; i++) energy += (double)at->spectrum[i] * at->spectrum[i];
    /* Parseval, for a Hann window (mean square 3/8) and half the spectrum. */
    double n_fft = 2.0 * (at->bins - 1);
    return 2 * energy / ((double)now->frames.count * n_fft * n_fft * 0.375);
}

/* mixture - stems is what is stored; the residual of its own mask must agree with it. */
static pp_status write_residual(separate *at, const block *now, pp_error *err)
{
    double difference = 0;
    float *stem = stem_of(at, at->sources);
    for (int64_t i = 0; i < now->samples.count; i++) {
        double residual = (double)at->mixture[i] - at->sum[i];
        double apart = residual - stem[i];
        difference += apart * apart;
        stem[i] = (float)residual;
    }
    double power = context_power(at, now);
    double db = PP_SILENCE_DB;
    if (difference > 0 && power > 0) {
        db = pp_level_db(difference / (double)now->samples.count / power);
    }
    if (db > at->worst_db) at->worst_db = db;
    if (difference > 0 && (power <= 0 || db > MOST_RESIDUAL_DB)) {
        return pp_fail(err, PP_ERR_INTERNAL,
                       "at %.1f s the residual of the masks and mixture minus stems differ by %.1f "
                       "dB of the mixture",
                       (double)now->samples.first / at->job->cut.rate_hz, db);
    }
    pp_job_part(at->job, PP_PART_WRITE);
    return pp_h5_write(at->file, "/residual", PP_H5_F32, &now->offset, &now->samples.count, stem,
                       err);
}

static pp_status one_block(separate *at, int64_t window, int64_t segment, pp_error *err)
{
    pp_job *job = at->job;
    pp_part before = pp_job_part(job, PP_PART_OTHER);
    block now = {.samples = pp_cut_block_samples(&job->cut, window),
                 .row = window - pp_cut_segment_windows(&job->cut, segment).first};
    now.offset = now.samples.first - pp_cut_segment_samples(&job->cut, segment).first;
    pp_stft_frame_range(job->pipeline->lane[0].stft, now.samples.first,
                        now.samples.first + now.samples.count, job->cut.all.stft_frames,
                        &now.frames.first, &now.frames.count);
    pp_status status =
        pp_job_spectrum(job, now.frames.first, now.frames.count, at->slice, at->spectrum, err);
    if (status == PP_OK)
        status = pp_job_sound(job, now.samples.first, now.samples.count, at->mixture, err);
    if (status == PP_OK) status = prepare_masks(at, now.frames.first, now.frames.count, err);
    if (status == PP_OK) status = write_stems(at, &now, err);
    if (status == PP_OK) status = write_residual(at, &now, err);
    pp_job_part(job, before);
    return status != PP_OK ? status : pp_job_progress(job, PP_STAGE_SEPARATE, 0, err);
}

pp_status pp_stage_separate(pp_job *job, int64_t segment, pp_error *err)
{
    if (pp_shard_is_done(job, PP_SHARD_SEPARATE, segment)) return PP_OK;
    separate at = {.job = job,
                   .bins = job->pipeline->bins,
                   .listen = {.job = job, .shard = PP_SHARD_LISTEN},
                   .worst_db = PP_SILENCE_DB};
    pp_range windows = pp_cut_segment_windows(&job->cut, segment);
    at.own = windows;
    pp_status status = read_cast(&at, err);
    if (status == PP_OK) status = create_file(&at, segment, err);
    for (int64_t w = windows.first; status == PP_OK && w < windows.first + windows.count; w++) {
        status = one_block(&at, w, segment, err);
    }
    if (status == PP_OK)
        status = pp_h5_set_real(at.file, "/", "residual_difference_db", at.worst_db, err);
    pp_part before = pp_job_part(job, PP_PART_WRITE);
    if (status == PP_OK) status = pp_shard_commit(&at.file, job, err);
    pp_job_part(job, before);
    destroy(&at);
    return status;
}
