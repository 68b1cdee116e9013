/* What is the same whoever finds the sources, cast itself or a query by name: which pixels count,
 * and what the cast's shard holds. */
#ifndef PP_PIPELINE_CAST_SHARD_H
#define PP_PIPELINE_CAST_SHARD_H

#include "pipeline/shards.h"

/* Of the window's loudest pixel (10 dB below it): quieter ones tell nothing. */
#define PP_CAST_LOUD_SHARE 0.1f

/* The job's cast shard, begun: `sources`, /source [W, grid, grid] and, where there are sources,
 * /box [W, S, 4]. *file is the caller's to fill and commit. */
pp_status pp_cast_shard_create(pp_h5 **file, pp_job *job, int sources, pp_error *err) PP_MUST_USE;

/* Widens a box (left, top, right, bottom in 0..1; NaN: empty) to hold a pixel of the grid. */
void pp_cast_box_stretch(float *box, int row, int column, int grid);

#endif
