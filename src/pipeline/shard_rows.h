/* The see and listen shards, written row by row: by their stages, or from an older archive. */
#ifndef PP_PIPELINE_SHARD_ROWS_H
#define PP_PIPELINE_SHARD_ROWS_H

#include "pipeline/shards.h"

pp_status pp_see_file_create(pp_h5 **out, const pp_job *job, int64_t segment,
                             pp_error *err) PP_MUST_USE;
/* thumbnail [112, 112, 3], features [grid, grid, K] */
pp_status pp_see_file_write(pp_h5 *file, const pp_model_shape *shape, int64_t row, double time_s,
                            uint8_t missing, const uint8_t *thumbnail, const float *features,
                            pp_error *err) PP_MUST_USE;

pp_status pp_listen_file_create(pp_h5 **out, const pp_job *job, int64_t segment,
                                pp_error *err) PP_MUST_USE;
pp_status pp_listen_file_write(pp_h5 *file, const pp_model_shape *shape, int64_t row,
                               const pp_quantised_maps *maps, pp_error *err) PP_MUST_USE;

#endif
