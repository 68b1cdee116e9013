#include "pipeline/shard_rows.h"

#include "pipeline/thumbnail.h"

pp_status pp_see_file_create(pp_h5 **out, const pp_job *job, int64_t segment, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    int64_t rows = pp_shard_rows(job, PP_SHARD_SEE, segment).count;
    const int64_t thumbnails[] = {rows, PP_THUMBNAIL_SIZE, PP_THUMBNAIL_SIZE, 3};
    const int64_t features[] = {rows, shape->grid, shape->grid, shape->components};
    pp_status status = pp_shard_create(out, job, PP_SHARD_SEE, segment, err);
    if (status == PP_OK) {
        status = pp_shard_dataset(*out, "/time", PP_H5_F64, 1, &rows, "s",
                                  "time of the picture grid", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(*out, "/missing", PP_H5_U8, 1, &rows, "1",
                                  "1: could not be decoded, taken as black", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(*out, "/thumbnail", PP_H5_U8, 4, thumbnails, "1",
                                  "small picture, red green blue", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(*out, "/features", PP_H5_F32, 4, features, "1",
                                  "visual activations before the sigmoid", err);
    }
    if (status != PP_OK) pp_h5_close(out);
    return status;
}

pp_status pp_see_file_write(pp_h5 *file, const pp_model_shape *shape, int64_t row, double time_s,
                            uint8_t missing, const uint8_t *thumbnail, const float *features,
                            pp_error *err)
{
    const int64_t start[4] = {row};
    const int64_t one[4] = {1, shape->grid, shape->grid, shape->components};
    const int64_t small[4] = {1, PP_THUMBNAIL_SIZE, PP_THUMBNAIL_SIZE, 3};
    pp_status status = pp_h5_write(file, "/features", PP_H5_F32, start, one, features, err);
    if (status == PP_OK)
        status = pp_h5_write(file, "/thumbnail", PP_H5_U8, start, small, thumbnail, err);
    if (status == PP_OK)
        status = pp_h5_write(file, "/missing", PP_H5_U8, start, one, &missing, err);
    if (status == PP_OK) status = pp_h5_write(file, "/time", PP_H5_F64, start, one, &time_s, err);
    return status;
}

pp_status pp_listen_file_create(pp_h5 **out, const pp_job *job, int64_t segment, pp_error *err)
{
    const pp_model_shape *shape = job->pipeline->shape;
    int64_t rows = pp_shard_rows(job, PP_SHARD_LISTEN, segment).count;
    const int64_t codes[] = {rows, shape->components, shape->log_rows, shape->window_frames};
    const int64_t levels[] = {rows, shape->components};
    pp_status status = pp_shard_create(out, job, PP_SHARD_LISTEN, segment, err);
    if (status == PP_OK) {
        status = pp_shard_dataset(*out, "/codes", PP_H5_U8, 4, codes, "1",
                                  "component maps: offset + scale * code", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(*out, "/scale", PP_H5_F32, 2, levels, "1",
                                  "step of the codes of each map", err);
    }
    if (status == PP_OK) {
        status = pp_shard_dataset(*out, "/offset", PP_H5_F32, 2, levels, "1",
                                  "value of code 0 of each map", err);
    }
    if (status != PP_OK) pp_h5_close(out);
    return status;
}

pp_status pp_listen_file_write(pp_h5 *file, const pp_model_shape *shape, int64_t row,
                               const pp_quantised_maps *maps, pp_error *err)
{
    const int64_t start[4] = {row};
    const int64_t count[4] = {1, shape->components, shape->log_rows, shape->window_frames};
    pp_status status = pp_h5_write(file, "/codes", PP_H5_U8, start, count, maps->codes, err);
    if (status == PP_OK)
        status = pp_h5_write(file, "/scale", PP_H5_F32, start, count, maps->scale, err);
    if (status == PP_OK)
        status = pp_h5_write(file, "/offset", PP_H5_F32, start, count, maps->offset, err);
    return status;
}
