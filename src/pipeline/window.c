#include "pipeline/window.h"

#include "base/memory.h"
#include "dsp/window_input.h"
#include "pipeline/room.h"

static size_t grid_of(const pp_model_shape *shape)
{
    return (size_t)shape->log_rows * (size_t)shape->window_frames;
}

static size_t spectrum_of(const pp_job *job)
{
    return (size_t)job->pipeline->shape->window_frames * (size_t)job->pipeline->bins * 2;
}

pp_status pp_window_room_create(pp_window_room *room, const pp_job *job, int slots, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    size_t count = (size_t)slots, lanes = (size_t)job->pipeline->lanes;
    size_t samples = (size_t)pp_job_slice_room(job, shape->window_frames);
    const pp_want wants[] = {
        {&room->slice, count, sizeof *room->slice},
        {&room->samples, count * samples, sizeof(float)},
        {&room->spectrum, lanes * spectrum_of(job), sizeof(float)},
        {&room->scratch, lanes * spectrum_of(job) / 2, sizeof(float)},
        {&room->magnitude, grid_of(shape) * count, sizeof(float)},
        {&room->input, grid_of(shape) * count, sizeof(float)},
    };
    pp_status status = pp_room_take(wants, sizeof wants / sizeof *wants, "a window's sound", err);
    for (size_t i = 0; status == PP_OK && i < count; i++) {
        room->slice[i].samples = room->samples + i * samples;
    }
    return status;
}

void pp_window_room_free(pp_window_room *room)
{
    pp_free(room->slice);
    pp_free(room->samples);
    pp_free(room->spectrum);
    pp_free(room->scratch);
    pp_free(room->magnitude);
    pp_free(room->input);
}

pp_status pp_window_fetch(pp_job *job, int64_t window, pp_window_room *room, int slot,
                          pp_error *err)
{
    pp_window_slice *slice = &room->slice[slot];
    slice->present = pp_cut_window_present(&job->cut, window);
    slice->first_frame = pp_cut_window_first_frame(&job->cut, window);
    return pp_job_slice(job, slice->first_frame, slice->present, slice->samples, &slice->begin,
                        err);
}

void pp_window_transform(const pp_job *job, pp_window_room *room, int slot, int lane)
{
    const pp_pipeline *pipeline = job->pipeline;
    const pp_model_shape *shape = pipeline->shape;
    const pp_window_slice *slice = &room->slice[slot];
    float *spectrum = room->spectrum + (size_t)lane * spectrum_of(job);
    float *scratch = room->scratch + (size_t)lane * spectrum_of(job) / 2;
    size_t at = (size_t)slot * grid_of(shape);
    pp_stft_forward(pipeline->lane[lane].stft, slice->samples, slice->begin, job->cut.all.samples,
                    slice->first_frame, slice->present, spectrum);
    pp_window_input(pipeline->warp, spectrum, slice->present, shape->window_frames, pipeline->bins,
                    shape->log_rows, scratch, room->magnitude + at, room->input + at);
}

pp_status pp_window_read(pp_job *job, int64_t window, pp_window_room *room, int slot, pp_error *err)
{
    pp_status status = pp_window_fetch(job, window, room, slot, err);
    if (status != PP_OK) return status;
    pp_part before = pp_job_part(job, PP_PART_STFT);
    pp_window_transform(job, room, slot, 0);
    pp_job_part(job, before);
    return PP_OK;
}

pp_status pp_maps_create(pp_quantised_maps *maps, const pp_model_shape *shape, pp_error *err)
{
    size_t components = (size_t)shape->components;
    const pp_want wants[] = {
        {&maps->codes, components * grid_of(shape), 1},
        {&maps->scale, components, sizeof(float)},
        {&maps->offset, components, sizeof(float)},
    };
    return pp_room_take(wants, sizeof wants / sizeof *wants, "component maps", err);
}

void pp_maps_free(pp_quantised_maps *maps)
{
    pp_free(maps->codes);
    pp_free(maps->scale);
    pp_free(maps->offset);
}

pp_status pp_maps_read(pp_series *listen, int64_t window, pp_quantised_maps *maps, pp_error *err)
{
    const pp_model_shape *shape = listen->job->pipeline->shape;
    const int64_t row[3] = {shape->components, shape->log_rows, shape->window_frames};
    pp_part before = pp_job_part(listen->job, PP_PART_WRITE);
    pp_status status =
        pp_series_read(listen, "/codes", PP_H5_U8, 4, row, window, 1, maps->codes, err);
    if (status == PP_OK)
        status = pp_series_read(listen, "/scale", PP_H5_F32, 2, row, window, 1, maps->scale, err);
    if (status == PP_OK)
        status = pp_series_read(listen, "/offset", PP_H5_F32, 2, row, window, 1, maps->offset, err);
    pp_job_part(listen->job, before);
    return status;
}
