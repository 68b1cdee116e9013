/* Slabs of whole chunks: packed by h5_pack and handed to HDF5 as they go to the file. */
#include <string.h>

#include "base/memory.h"
#include "store/h5_internal.h"

/* Exactly the filters that pp_h5_make sets at level 1. */
static int has_our_filters(hid_t creation)
{
    static const H5Z_filter_t ours[] = {H5Z_FILTER_SHUFFLE, H5Z_FILTER_DEFLATE,
                                        H5Z_FILTER_FLETCHER32};
    if (H5Pget_nfilters(creation) != 3) return 0;
    for (unsigned i = 0; i < 3; i++) {
        unsigned flags, config, values[8] = {0};
        size_t count = 8;
        if (H5Pget_filter2(creation, i, &flags, &count, values, 0, NULL, &config) != ours[i]) {
            return 0;
        }
        if (ours[i] == H5Z_FILTER_DEFLATE && (count < 1 || values[0] != 1)) return 0;
    }
    return 1;
}

void pp_h5_prepare_packing(pp_h5_handle *handle)
{
    handle->rank = 0;
    if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__) return; /* memory is then no image of the file */
    hid_t creation = H5Dget_create_plist(handle->id), type = H5Dget_type(handle->id);
    if (creation >= 0 && type >= 0 && pp_h5_is_number(type) && has_our_filters(creation)) {
        int rank = H5Pget_chunk(creation, PP_H5_MOST_RANK, handle->chunk);
        handle->element = H5Tget_size(type);
        if (rank > 0 && rank <= PP_H5_MOST_RANK) handle->rank = rank;
    }
    if (creation >= 0) H5Pclose(creation);
    if (type >= 0) H5Tclose(type);
}

typedef struct chunk_slab {
    int rank;
    size_t element;
    hsize_t dims[PP_H5_MOST_RANK], chunk[PP_H5_MOST_RANK];
    hsize_t start[PP_H5_MOST_RANK], count[PP_H5_MOST_RANK];
    const unsigned char *data;
} chunk_slab;

/* 1 where every chunk that the slab touches lies in it whole, as far as the data set goes. */
static int is_of_whole_chunks(const chunk_slab *slab)
{
    for (int i = 0; i < slab->rank; i++) {
        hsize_t end = slab->start[i] + slab->count[i];
        if (slab->count[i] == 0 || slab->start[i] % slab->chunk[i] != 0 || end > slab->dims[i]) {
            return 0;
        }
        if (end % slab->chunk[i] != 0 && end != slab->dims[i]) return 0;
    }
    return 1;
}

static int describe(pp_h5 *file, const char *path, pp_h5_type type, const int64_t *start,
                    const int64_t *count, const void *data, chunk_slab *slab, pp_status *status,
                    pp_error *err)
{
    hid_t dataset, stored;
    *status = pp_h5_shape(file, path, &dataset, &stored, &slab->rank, slab->dims, err);
    if (*status != PP_OK) return 0;
    const pp_h5_handle *handle = pp_h5_handle_of(file, path);
    int fits = handle != NULL && handle->rank > 0 && handle->rank == slab->rank &&
               H5Tequal(stored, pp_h5_file_type(type)) > 0;
    H5Tclose(stored);
    if (!fits) return 0;
    slab->element = handle->element;
    slab->data = data;
    for (int i = 0; i < slab->rank; i++) {
        if (start != NULL && start[i] < 0) return 0;
        slab->chunk[i] = handle->chunk[i];
        slab->start[i] = start != NULL ? (hsize_t)start[i] : 0;
        if (slab->start[i] > slab->dims[i]) return 0;
        slab->count[i] = count != NULL ? (hsize_t)count[i] : slab->dims[i] - slab->start[i];
    }
    return is_of_whole_chunks(slab);
}

static size_t chunk_bytes(const chunk_slab *slab)
{
    size_t bytes = slab->element;
    for (int i = 0; i < slab->rank; i++) bytes *= (size_t)slab->chunk[i];
    return bytes;
}

/* Runs of the last dimension of the chunk at `corner` (relative to the slab), from the slab into
 * `to`; what lies behind the data set's end stays zero. */
static void gather(const chunk_slab *slab, const hsize_t *corner, unsigned char *to)
{
    int last = slab->rank - 1;
    hsize_t present[PP_H5_MOST_RANK], at[PP_H5_MOST_RANK] = {0};
    for (int i = 0; i < slab->rank; i++) {
        hsize_t left = slab->count[i] - corner[i];
        present[i] = left < slab->chunk[i] ? left : slab->chunk[i];
    }
    for (;;) {
        size_t from = 0, into = 0;
        for (int i = 0; i < slab->rank; i++) {
            from = from * (size_t)slab->count[i] + (size_t)(corner[i] + at[i]);
            into = into * (size_t)slab->chunk[i] + (size_t)at[i];
        }
        memcpy(to + into * slab->element, slab->data + from * slab->element,
               (size_t)present[last] * slab->element);
        int i = last - 1; /* the next row: an odometer without its last wheel */
        for (; i >= 0 && ++at[i] == present[i]; i--) at[i] = 0;
        if (i < 0) return;
    }
}

/* The chunk at `corner` as it lies in memory: in the slab itself where it is one piece there. */
static const void *chunk_at(pp_h5 *file, const chunk_slab *slab, const hsize_t *corner)
{
    int whole = slab->count[0] - corner[0] >= slab->chunk[0];
    for (int i = 1; i < slab->rank; i++) whole &= slab->count[i] == slab->chunk[i];
    size_t bytes = chunk_bytes(slab);
    if (whole) return slab->data + (size_t)(corner[0] / slab->chunk[0]) * bytes;
    if (bytes > file->chunk_room) {
        pp_free(file->chunk);
        file->chunk = pp_alloc(bytes, 1);
        file->chunk_room = file->chunk != NULL ? bytes : 0;
    } else {
        memset(file->chunk, 0, bytes);
    }
    if (file->chunk != NULL) gather(slab, corner, file->chunk);
    return file->chunk;
}

static pp_status write_chunk(pp_h5 *file, const char *path, const chunk_slab *slab,
                             const hsize_t *corner, pp_error *err)
{
    hsize_t offset[PP_H5_MOST_RANK];
    for (int i = 0; i < slab->rank; i++) offset[i] = slab->start[i] + corner[i];
    const void *chunk = chunk_at(file, slab, corner), *packed = NULL;
    size_t length = 0;
    if (chunk != NULL) {
        length = pp_h5_pack(file->packer, chunk, chunk_bytes(slab), slab->element, &packed);
    }
    if (length == 0) return pp_fail(err, PP_ERR_NOMEM, "no memory to pack %s", path);
    const pp_h5_handle *handle = pp_h5_handle_of(file, path);
    if (H5Dwrite_chunk(handle->id, H5P_DEFAULT, 0, offset, length, packed) < 0) {
        return pp_h5_failed(file, err, "write", path);
    }
    return PP_OK;
}

pp_status pp_h5_write_chunks(pp_h5 *file, const char *path, pp_h5_type type, const int64_t *start,
                             const int64_t *count, const void *data, int *done, pp_error *err)
{
    *done = 0;
    chunk_slab slab;
    pp_status status = PP_OK;
    if (!describe(file, path, type, start, count, data, &slab, &status, err)) return status;
    if (file->packer == NULL) file->packer = pp_h5_packer_create();
    if (file->packer == NULL) return PP_OK; /* HDF5 may have the memory yet */
    hsize_t corner[PP_H5_MOST_RANK] = {0};
    for (int i = 0; status == PP_OK && i >= 0;) {
        status = write_chunk(file, path, &slab, corner, err);
        for (i = slab.rank - 1; i >= 0; i--) {
            corner[i] += slab.chunk[i];
            if (corner[i] < slab.count[i]) break;
            corner[i] = 0;
        }
    }
    *done = 1;
    return status != PP_OK ? status : pp_h5_settled(file, err);
}
