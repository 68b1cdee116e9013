/* A whole file read through its checksums, whatever it holds. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "store/h5_internal.h"

#define BLOCK_BYTES (4 << 20)
#define DEEPEST 16

/* Rows of a data set that fit in a block; at least one. */
static hsize_t rows_at_once(size_t element, int rank, const hsize_t *dims)
{
    double row = (double)element;
    for (int i = 1; i < rank; i++) row *= (double)dims[i];
    return row < 1 || row > BLOCK_BYTES ? 1 : (hsize_t)(BLOCK_BYTES / row);
}

static pp_status read_block(pp_h5 *file, const char *path, hid_t dataset, hid_t type, int rank,
                            const hsize_t *start, const hsize_t *count, void *block, pp_error *err)
{
    hid_t space = H5Dget_space(dataset);
    hid_t memory = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, count, NULL);
    int failed = space < 0 || memory < 0;
    if (!failed && rank > 0) {
        failed = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, count, NULL) < 0;
    }
    failed = failed || H5Dread(dataset, type, memory, space, H5P_DEFAULT, block) < 0;
    pp_status status = failed ? pp_h5_failed(file, err, "read", path) : PP_OK;
    if (space >= 0) H5Sclose(space);
    if (memory >= 0) H5Sclose(memory);
    return status;
}

static pp_status verify_dataset(pp_h5 *file, const char *path, int64_t *bytes, pp_error *err)
{
    hid_t dataset, type;
    int rank;
    hsize_t dims[PP_H5_MOST_RANK], start[PP_H5_MOST_RANK] = {0}, count[PP_H5_MOST_RANK];
    pp_status status = pp_h5_shape(file, path, &dataset, &type, &rank, dims, err);
    if (status != PP_OK) return status;
    memcpy(count, dims, sizeof count);
    hsize_t step = rows_at_once(H5Tget_size(type), rank, dims), rows = rank > 0 ? dims[0] : 1;
    double room = (double)H5Tget_size(type) * (double)(rank > 0 ? step : 1);
    for (int i = 1; i < rank; i++) room *= (double)dims[i];
    void *block = NULL;
    if (room > PP_H5_MOST_TABLE) {
        status = pp_fail(err, PP_ERR_LIMIT, "%s: %s has rows that are too large", file->path, path);
    } else if (H5Tdetect_class(type, H5T_VLEN) == 0 && H5Tis_variable_str(type) == 0) {
        status = pp_alloc_checked(&block, (size_t)room, 1, path, err);
    } else {
        rows = 0; /* of variable length: they have no checksums */
    }
    for (hsize_t at = 0; status == PP_OK && at < rows && room > 0; at += step) {
        start[0] = at;
        count[0] = rows - at < step ? rows - at : step;
        status = read_block(file, path, dataset, type, rank, start, count, block, err);
    }
    if (bytes != NULL && rows > 0) *bytes += (int64_t)(room / (double)step * (double)rows);
    pp_free(block);
    H5Tclose(type);
    return status;
}

static pp_status verify_group(pp_h5 *file, const char *path, int depth, int64_t *bytes,
                              pp_error *err)
{
    char **names;
    int64_t count;
    pp_status status = pp_h5_list(file, path, &names, &count, err);
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        char *child = pp_format("%s%s%s", path, path[1] != '\0' ? "/" : "", names[i]);
        hid_t object = -1;
        H5I_type_t kind = H5I_BADID;
        if (child == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a name");
        else status = pp_h5_object(file, child, &object, &kind, err);
        if (object >= 0) H5Oclose(object);
        if (status == PP_OK && kind == H5I_DATASET)
            status = verify_dataset(file, child, bytes, err);
        if (status == PP_OK && kind == H5I_GROUP && depth < DEEPEST) {
            status = verify_group(file, child, depth + 1, bytes, err);
        }
        pp_free(child);
    }
    pp_h5_free_texts(&names, count);
    return status;
}

pp_status pp_h5_verify(pp_h5 *file, int64_t *bytes, pp_error *err)
{
    if (bytes != NULL) *bytes = 0;
    return verify_group(file, "/", 0, bytes, err);
}
