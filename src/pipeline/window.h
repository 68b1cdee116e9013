/* One window of the sound on the networks' grid, and its 8-bit maps. */
#ifndef PP_PIPELINE_WINDOW_H
#define PP_PIPELINE_WINDOW_H

#include "pipeline/shards.h"

/* Buffers for reading windows. Zero-initialise; free whatever create returned. */
typedef struct pp_window_room {
    float *slice;     /* samples */
    float *spectrum;  /* [window_frames, bins, 2] */
    float *scratch;   /* [bins, window_frames] */
    float *magnitude; /* [batch, log_rows, window_frames] */
    float *input;     /* [batch, log_rows, window_frames] */
} pp_window_room;

pp_status pp_window_room_create(pp_window_room *room, const pp_job *job, int batch,
                                pp_error *err) PP_MUST_USE;
void pp_window_room_free(pp_window_room *room);
/* Reads a window: its magnitude and the network's input, into slot `slot` of the batch. */
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
