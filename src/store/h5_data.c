/* Data sets of numbers: found, written and read in slabs. */
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/h5_internal.h"

/* ---- types ---------------------------------------------------------------------------------- */

hid_t pp_h5_memory_type(pp_h5_type type)
{
    switch (type) {
    case PP_H5_F32:
        return H5T_NATIVE_FLOAT;
    case PP_H5_F64:
        return H5T_NATIVE_DOUBLE;
    case PP_H5_U8:
        return H5T_NATIVE_UINT8;
    case PP_H5_I8:
        return H5T_NATIVE_INT8;
    case PP_H5_I16:
        return H5T_NATIVE_INT16;
    case PP_H5_I32:
        return H5T_NATIVE_INT32;
    case PP_H5_I64:
        return H5T_NATIVE_INT64;
    }
    return -1;
}

hid_t pp_h5_file_type(pp_h5_type type)
{
    switch (type) {
    case PP_H5_F32:
        return H5T_IEEE_F32LE;
    case PP_H5_F64:
        return H5T_IEEE_F64LE;
    case PP_H5_U8:
        return H5T_STD_U8LE;
    case PP_H5_I8:
        return H5T_STD_I8LE;
    case PP_H5_I16:
        return H5T_STD_I16LE;
    case PP_H5_I32:
        return H5T_STD_I32LE;
    case PP_H5_I64:
        return H5T_STD_I64LE;
    }
    return -1;
}

size_t pp_h5_type_bytes(pp_h5_type type)
{
    switch (type) {
    case PP_H5_U8:
    case PP_H5_I8:
        return 1;
    case PP_H5_I16:
        return 2;
    case PP_H5_F32:
    case PP_H5_I32:
        return 4;
    case PP_H5_F64:
    case PP_H5_I64:
        return 8;
    }
    return 0;
}

int pp_h5_is_number(hid_t type)
{
    H5T_class_t class = H5Tget_class(type);
    return (class == H5T_INTEGER || class == H5T_FLOAT) && H5Tget_size(type) <= 16;
}

hid_t pp_h5_dataset_access(size_t chunk_bytes)
{
    hid_t access = H5Pcreate(H5P_DATASET_ACCESS);
    size_t bytes = chunk_bytes > (8u << 20) ? 0 : chunk_bytes;
    if (bytes < (1u << 20)) bytes = 1u << 20;
    if (access >= 0 && H5Pset_chunk_cache(access, 521, bytes, 1.0) < 0) {
        H5Pclose(access);
        return -1;
    }
    return access;
}

/* ---- finding -------------------------------------------------------------------------------- */

static int has_only_known_filters(hid_t creation)
{
    int count = H5Pget_nfilters(creation);
    for (int i = 0; i < count; i++) {
        unsigned flags, config;
        size_t values = 0;
        H5Z_filter_t filter =
            H5Pget_filter2(creation, (unsigned)i, &flags, &values, NULL, 0, NULL, &config);
        if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE &&
            filter != H5Z_FILTER_FLETCHER32) {
            return 0;
        }
    }
    return count >= 0;
}

/* NULL, or why this data set is not read: a file of a stranger could name outside files, load
 * plug-ins or ask for chunks of any size. */
static const char *distrust(hid_t dataset, size_t *chunk_bytes)
{
    hid_t creation = H5Dget_create_plist(dataset), type = H5Dget_type(dataset);
    const char *reason = NULL;
    *chunk_bytes = 0;
    if (creation < 0 || type < 0) {
        reason = "its description cannot be read";
    } else if (H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) != 0) {
        reason = "its numbers lie in other files";
    } else if (!has_only_known_filters(creation)) {
        reason = "it is packed in a way that this program does not know";
    } else if (H5Pget_layout(creation) == H5D_CHUNKED) {
        hsize_t chunk[H5S_MAX_RANK];
        int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
        double bytes = (double)H5Tget_size(type);
        for (int i = 0; i < rank; i++) bytes *= (double)chunk[i];
        if (rank < 0 || bytes > PP_H5_MOST_CHUNK_READ) reason = "its chunks are too large";
        else *chunk_bytes = (size_t)bytes;
    }
    if (creation >= 0) H5Pclose(creation);
    if (type >= 0) H5Tclose(type);
    return reason;
}

static pp_h5_handle *place_for_handle(pp_h5 *file)
{
    pp_h5_handle *oldest = &file->handles[0];
    for (int i = 0; i < PP_H5_HANDLES; i++) {
        pp_h5_handle *handle = &file->handles[i];
        if (handle->id < 0) return handle;
        if (handle->used < oldest->used) oldest = handle;
    }
    H5Dclose(oldest->id); /* a failed write shows in pp_h5_settled */
    pp_free(oldest->path);
    *oldest = (pp_h5_handle){.id = -1};
    return oldest;
}

/* Opened twice: the chunk cache is set at opening, and its size known only then. */
static pp_status open_dataset(pp_h5 *file, const char *path, hid_t *dataset, pp_error *err)
{
    H5I_type_t kind;
    pp_status status = pp_h5_object(file, path, dataset, &kind, err);
    if (status != PP_OK) return status;
    size_t chunk_bytes = 0;
    const char *reason = kind == H5I_DATASET ? distrust(*dataset, &chunk_bytes) : "it is a group";
    H5Oclose(*dataset);
    *dataset = -1;
    if (reason != NULL) {
        H5Eclear2(H5E_DEFAULT);
        return pp_fail(err, PP_ERR_FORMAT, "%s: cannot read %s: %s", file->path, path, reason);
    }
    hid_t access = pp_h5_dataset_access(chunk_bytes);
    if (access >= 0) *dataset = H5Dopen2(file->file, path, access);
    if (*dataset < 0) status = pp_h5_failed(file, err, "open", path);
    if (access >= 0) H5Pclose(access);
    return status;
}

pp_status pp_h5_borrow(pp_h5 *file, const char *path, hid_t *dataset, pp_error *err)
{
    *dataset = -1;
    for (int i = 0; i < PP_H5_HANDLES; i++) {
        pp_h5_handle *handle = &file->handles[i];
        if (handle->id < 0 || strcmp(handle->path, path) != 0) continue;
        handle->used = ++file->clock;
        *dataset = handle->id;
        return PP_OK;
    }
    pp_status status = open_dataset(file, path, dataset, err);
    if (status != PP_OK) return status;
    pp_h5_handle *handle = place_for_handle(file);
    handle->path = pp_strdup(path);
    if (handle->path == NULL) {
        H5Dclose(*dataset);
        *dataset = -1;
        return pp_fail(err, PP_ERR_NOMEM, "no memory for a name");
    }
    handle->id = *dataset;
    if (file->temporary != NULL) pp_h5_prepare_packing(handle);
    handle->used = ++file->clock;
    return PP_OK;
}

const pp_h5_handle *pp_h5_handle_of(const pp_h5 *file, const char *path)
{
    for (int i = 0; i < PP_H5_HANDLES; i++) {
        const pp_h5_handle *handle = &file->handles[i];
        if (handle->id >= 0 && strcmp(handle->path, path) == 0) return handle;
    }
    return NULL;
}

pp_status pp_h5_shape(pp_h5 *file, const char *path, hid_t *dataset, hid_t *type, int *rank,
                      hsize_t dims[PP_H5_MOST_RANK], pp_error *err)
{
    *type = -1;
    *rank = 0;
    pp_status status = pp_h5_borrow(file, path, dataset, err);
    if (status != PP_OK) return status;
    hid_t space = H5Dget_space(*dataset);
    int dimensions = space < 0 ? -1 : H5Sget_simple_extent_ndims(space);
    const char *wrong = NULL;
    if (dimensions > PP_H5_MOST_RANK) wrong = "it has too many dimensions";
    else if (dimensions < 0 || H5Sget_simple_extent_type(space) == H5S_NULL) wrong = "it is empty";
    else if (H5Sget_simple_extent_dims(space, dims, NULL) < 0) wrong = "it has no extent";
    for (int i = 0; wrong == NULL && i < dimensions; i++) {
        if (dims[i] > INT64_MAX) wrong = "it is too large";
    }
    if (space >= 0) H5Sclose(space);
    if (wrong == NULL) *type = H5Dget_type(*dataset);
    if (wrong == NULL && *type >= 0) {
        *rank = dimensions;
        return PP_OK;
    }
    if (wrong == NULL) return pp_h5_failed(file, err, "read the type of", path);
    H5Eclear2(H5E_DEFAULT);
    return pp_fail(err, PP_ERR_FORMAT, "%s: cannot read %s: %s", file->path, path, wrong);
}

pp_status pp_h5_dims(pp_h5 *file, const char *path, int *rank, int64_t dims[PP_H5_MOST_RANK],
                     pp_error *err)
{
    hid_t dataset, type;
    hsize_t extent[PP_H5_MOST_RANK];
    pp_status status = pp_h5_shape(file, path, &dataset, &type, rank, extent, err);
    if (status != PP_OK) return status;
    H5Tclose(type);
    for (int i = 0; i < *rank; i++) dims[i] = (int64_t)extent[i];
    return PP_OK;
}

/* ---- slabs ---------------------------------------------------------------------------------- */

typedef struct slab {
    hid_t dataset, file_space, memory_space;
    int empty; /* nothing to move */
} slab;

static void close_slab(slab *at)
{
    if (at->file_space >= 0) H5Sclose(at->file_space);
    if (at->memory_space >= 0) H5Sclose(at->memory_space);
}

static pp_status select_slab(pp_h5 *file, slab *at, const char *path, int rank, const hsize_t *dims,
                             const int64_t *start, const int64_t *count, pp_error *err)
{
    hsize_t from[PP_H5_MOST_RANK], size[PP_H5_MOST_RANK];
    for (int i = 0; i < rank; i++) {
        int64_t extent = (int64_t)dims[i];
        int64_t first = start != NULL ? start[i] : 0;
        int64_t length = count != NULL ? count[i] : extent - first;
        if (first < 0 || length < 0 || first > extent || length > extent - first) {
            return pp_fail(err, PP_ERR_INTERNAL,
                           "%s: %s: entries %lld to %lld of dimension %d do not lie within its "
                           "%lld",
                           file->path, path, (long long)first, (long long)(first + length), i,
                           (long long)extent);
        }
        from[i] = (hsize_t)first;
        size[i] = (hsize_t)length;
        at->empty |= length == 0;
    }
    if (at->empty) return PP_OK;
    at->file_space = H5Dget_space(at->dataset);
    at->memory_space = rank == 0 ? H5Screate(H5S_SCALAR) : H5Screate_simple(rank, size, NULL);
    int failed = at->file_space < 0 || at->memory_space < 0;
    if (!failed && rank > 0) {
        failed = H5Sselect_hyperslab(at->file_space, H5S_SELECT_SET, from, NULL, size, NULL) < 0;
    }
    return failed ? pp_h5_failed(file, err, "select a part of", path) : PP_OK;
}

static pp_status open_slab(pp_h5 *file, slab *at, const char *path, const int64_t *start,
                           const int64_t *count, pp_error *err)
{
    *at = (slab){.dataset = -1, .file_space = -1, .memory_space = -1};
    hid_t type;
    int rank;
    hsize_t dims[PP_H5_MOST_RANK];
    pp_status status = pp_h5_shape(file, path, &at->dataset, &type, &rank, dims, err);
    if (status != PP_OK) return status;
    int number = pp_h5_is_number(type);
    H5Tclose(type);
    if (!number) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: %s does not hold plain numbers", file->path, path);
    }
    status = select_slab(file, at, path, rank, dims, start, count, err);
    if (status != PP_OK) close_slab(at);
    return status;
}

pp_status pp_h5_write(pp_h5 *file, const char *path, pp_h5_type type, const int64_t *start,
                      const int64_t *count, const void *data, pp_error *err)
{
    slab at;
    int done = 0;
    pp_status status = pp_h5_write_chunks(file, path, type, start, count, data, &done, err);
    if (status != PP_OK || done) return status;
    status = open_slab(file, &at, path, start, count, err);
    if (status != PP_OK) return status;
    if (!at.empty && H5Dwrite(at.dataset, pp_h5_memory_type(type), at.memory_space, at.file_space,
                              H5P_DEFAULT, data) < 0) {
        status = pp_h5_failed(file, err, "write", path);
    }
    close_slab(&at);
    return status != PP_OK ? status : pp_h5_settled(file, err);
}

pp_status pp_h5_put(pp_h5 *file, const pp_h5_spec *spec, const void *data, pp_error *err)
{
    pp_status status = pp_h5_dataset(file, spec, err);
    if (status != PP_OK) return status;
    return pp_h5_write(file, spec->path, spec->type, NULL, NULL, data, err);
}

pp_status pp_h5_read(pp_h5 *file, const char *path, pp_h5_type type, const int64_t *start,
                     const int64_t *count, void *data, pp_error *err)
{
    slab at;
    pp_status status = open_slab(file, &at, path, start, count, err);
    if (status != PP_OK) return status;
    if (!at.empty && H5Dread(at.dataset, pp_h5_memory_type(type), at.memory_space, at.file_space,
                             H5P_DEFAULT, data) < 0) {
        status = pp_h5_failed(file, err, "read", path);
    }
    close_slab(&at);
    return status;
}

pp_status pp_h5_take(pp_h5 *file, const char *path, pp_h5_type type, int rank, int64_t *dims,
                     uint64_t most_bytes, void **data, pp_error *err)
{
    *data = NULL;
    int real_rank;
    int64_t real[PP_H5_MOST_RANK];
    pp_status status = pp_h5_dims(file, path, &real_rank, real, err);
    if (status != PP_OK) return status;
    if (real_rank != rank) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: %s has %d dimensions, not %d", file->path, path,
                       real_rank, rank);
    }
    double bytes = (double)pp_h5_type_bytes(type);
    for (int i = 0; i < rank; i++) {
        if (dims[i] >= 0 && dims[i] != real[i]) {
            return pp_fail(err, PP_ERR_FORMAT, "%s: dimension %d of %s is %lld, not %lld",
                           file->path, i, path, (long long)real[i], (long long)dims[i]);
        }
        bytes *= (double)real[i];
    }
    if (bytes > (double)most_bytes) {
        char size[32], most[32];
        pp_text_bytes((uint64_t)(bytes < 1e18 ? bytes : 1e18), size, sizeof size);
        pp_text_bytes(most_bytes, most, sizeof most);
        return pp_fail(err, PP_ERR_LIMIT, "%s: %s takes %s, more than the %s expected at most",
                       file->path, path, size, most);
    }
    status = pp_alloc_checked(data, (size_t)bytes, 1, path, err);
    if (status == PP_OK) status = pp_h5_read(file, path, type, NULL, NULL, *data, err);
    if (status != PP_OK) PP_FREE(*data);
    if (status == PP_OK) memcpy(dims, real, (size_t)rank * sizeof *dims);
    return status;
}
