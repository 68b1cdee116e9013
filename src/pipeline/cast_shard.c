#include "pipeline/cast_shard.h"

pp_status pp_cast_shard_create(pp_h5 **file, pp_job *job, int sources, pp_error *err)
{
    int64_t windows = job->cut.all.windows;
    int grid = job->pipeline->shape->grid;
    const int64_t source[] = {windows, grid, grid}, box[] = {windows, sources, 4};
    pp_status status = pp_shard_create(file, job, PP_SHARD_CAST, 0, err);
    if (status == PP_OK) status = pp_h5_set_int(*file, "/", "sources", sources, err);
    if (status == PP_OK) {
        status = pp_shard_dataset(*file, "/source", PP_H5_I8, 3, source, "1",
                                  "source of each pixel, -1: none", err);
    }
    if (status == PP_OK && sources > 0) {
        status = pp_shard_dataset(*file, "/box", PP_H5_F32, 3, box, "1",
                                  "left, top, right, bottom in the picture; NaN: unseen", err);
    }
    return status;
}

void pp_cast_box_stretch(float *box, int row, int column, int grid)
{
    const float edges[4] = {(float)column / (float)grid, (float)row / (float)grid,
                            (float)(column + 1) / (float)grid, (float)(row + 1) / (float)grid};
    for (int e = 0; e < 2; e++) {
        if (!(box[e] <= edges[e])) box[e] = edges[e];
        if (!(box[e + 2] >= edges[e + 2])) box[e + 2] = edges[e + 2];
    }
}
