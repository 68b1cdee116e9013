#include "pipeline/window.h"

#include "base/memory.h"
#include "dsp/window_input.h"
#include "pipeline/room.h"

static size_t grid_of(const pp_model_shape *shape)
{
    return (size_t)shape->log_rows * (size_t)shape->window_frames;
}

pp_status pp_window_room_create(pp_window_room *room, const pp_job *job, int batch, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    size_t frames = (size_t)shape->window_frames, bins = (size_t)job->pipeline->bins;
    const pp_want wants[] = {
        {&room->slice, (size_t)pp_job_slice_room(job, shape->window_frames), sizeof(float)},
        {&room->spectrum, frames * bins * 2, sizeof(float)},
        {&room->scratch, frames * bins, sizeof(float)},
        {&room->magnitude, grid_of(shape) * (size_t)batch, sizeof(float)},
        {&room->input, grid_of(shape) * (size_t)batch, sizeof(float)},
    };
    return pp_room_take(wants, sizeof wants / sizeof *wants, "a window's sound", err);
}

void pp_window_room_free(pp_window_room *room)
{
    pp_free(room->slice);
    pp_free(room->spectrum);
    pp_free(room->scratch);
    pp_free(room->magnitude);
    pp_free(room->input);
}

pp_status pp_window_read(pp_job *job, int64_t window, pp_window_room *room, int slot, pp_error *err)
{
    const pp_pipeline *pipeline = job->pipeline;
    const pp_model_shape *shape = pipeline->shape;
    int present = pp_cut_window_present(&job->cut, window);
    int64_t first = pp_cut_window_first_frame(&job->cut, window);
    pp_status status = pp_job_spectrum(job, first, present, room->slice, room->spectrum, err);
    if (status != PP_OK) return status;
    pp_part before = pp_job_part(job, PP_PART_STFT);
    pp_window_input(pipeline->warp, room->spectrum, present, shape->window_frames, pipeline->bins,
                    shape->log_rows, room->scratch, room->magnitude + (size_t)slot * grid_of(shape),
                    room->input + (size_t)slot * grid_of(shape));
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
