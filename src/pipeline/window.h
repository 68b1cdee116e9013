/* One window of the sound on the networks' grid, and its 8-bit maps. */
#ifndef PP_PIPELINE_WINDOW_H
#define PP_PIPELINE_WINDOW_H

#include "pipeline/shards.h"

/* Where the samples of a window lie. */
typedef struct pp_window_slice {
    float *samples;
    int64_t begin, first_frame;
    int present; /* frames; the rest of the window is silence */
} pp_window_slice;

/* Buffers for reading windows. Zero-initialise; free whatever create returned. */
typedef struct pp_window_room {
    pp_window_slice *slice;    /* [slots] */
    float *samples;            /* [slots, room of a slice] */
    float *spectrum, *scratch; /* [lanes] x [window_frames, bins, 2], [lanes] x [bins, frames] */
    float *magnitude;          /* [slots, log_rows, window_frames] */
    float *input;              /* [slots, log_rows, window_frames] */
} pp_window_room;

pp_status pp_window_room_create(pp_window_room *room, const pp_job *job, int slots,
                                pp_error *err) PP_MUST_USE;
void pp_window_room_free(pp_window_room *room);
/* The samples of a window into a slot. */
pp_status pp_window_fetch(pp_job *job, int64_t window, pp_window_room *room, int slot,
                          pp_error *err) PP_MUST_USE;
/* The slot's magnitude and network input from its samples; any thread, on its lane. */
void pp_window_transform(const pp_job *job, pp_window_room *room, int slot, int lane);
/* Both, on the caller's lane. */
pp_status pp_window_read(pp_job *job, int64_t window, pp_window_room *room, int slot,
                         pp_error *err) PP_MUST_USE;

/* Maps of one window. Zero-initialise; free whatever create returned. */
pp_status pp_maps_create(pp_quantised_maps *maps, const pp_model_shape *shape,
                         pp_error *err) PP_MUST_USE;
void pp_maps_free(pp_quantised_maps *maps);
/* listen: a series of PP_SHARD_LISTEN. */
pp_status pp_maps_read(pp_series *listen, int64_t window, pp_quantised_maps *maps,
                       pp_error *err) PP_MUST_USE;

#endif
