/* Data sets copied chunk by chunk from file to file, without unpacking them. */
#include "base/memory.h"
#include "store/h5_internal.h"

typedef struct copy {
    hid_t from, to;
    int rank;
    hsize_t dims[PP_H5_MOST_RANK], chunk[PP_H5_MOST_RANK];
    void *bytes;
    size_t room;
} copy;

/* Same type, extent, chunks and filters: then a chunk of one is a chunk of the other. */
static int are_alike(copy *at, hid_t type_from, hid_t type_to)
{
    hsize_t chunk[PP_H5_MOST_RANK];
    hid_t one = H5Dget_create_plist(at->from), two = H5Dget_create_plist(at->to);
    int alike = one >= 0 && two >= 0 && H5Tequal(type_from, type_to) > 0 &&
                H5Pget_layout(one) == H5D_CHUNKED && H5Pget_layout(two) == H5D_CHUNKED &&
                H5Pget_chunk(one, PP_H5_MOST_RANK, at->chunk) == at->rank &&
                H5Pget_chunk(two, PP_H5_MOST_RANK, chunk) == at->rank &&
                H5Pget_nfilters(one) == H5Pget_nfilters(two);
    for (int i = 0; alike && i < at->rank; i++) alike = at->chunk[i] == chunk[i];
    for (int i = 0; alike && i < H5Pget_nfilters(one); i++) {
        unsigned flags, config;
        size_t none = 0, nothing = 0;
        alike = H5Pget_filter2(one, (unsigned)i, &flags, &none, NULL, 0, NULL, &config) ==
                H5Pget_filter2(two, (unsigned)i, &flags, &nothing, NULL, 0, NULL, &config);
    }
    if (one >= 0) H5Pclose(one);
    if (two >= 0) H5Pclose(two);
    return alike;
}

/* One that was never written has no bytes. */
static int copy_chunk(copy *at, const hsize_t *offset)
{
    hsize_t bytes = 0;
    uint32_t left_out = 0;
    if (H5Dget_chunk_storage_size(at->from, offset, &bytes) < 0) return -1;
    if (bytes == 0) return 0;
    if (bytes > PP_H5_MOST_CHUNK_READ) return -1;
    if (bytes > at->room) {
        pp_free(at->bytes);
        at->bytes = pp_alloc((size_t)bytes, 1);
        at->room = at->bytes != NULL ? (size_t)bytes : 0;
        if (at->bytes == NULL) return -1;
    }
    if (H5Dread_chunk(at->from, H5P_DEFAULT, offset, &left_out, at->bytes) < 0) return -1;
    return H5Dwrite_chunk(at->to, H5P_DEFAULT, left_out, offset, (size_t)bytes, at->bytes) < 0 ? -1
                                                                                               : 0;
}

static int copy_all(copy *at)
{
    hsize_t offset[PP_H5_MOST_RANK] = {0};
    for (int i = 0; i < at->rank; i++) {
        if (at->dims[i] == 0) return 0;
    }
    for (int i = 0; i >= 0;) {
        if (copy_chunk(at, offset) != 0) return -1;
        for (i = at->rank - 1; i >= 0; i--) {
            offset[i] += at->chunk[i];
            if (offset[i] < at->dims[i]) break;
            offset[i] = 0;
        }
    }
    return 0;
}

pp_status pp_h5_copy_chunks(pp_h5 *to, pp_h5 *from, const char *path, pp_error *err)
{
    copy at = {0};
    hid_t type_from = -1, type_to = -1;
    int rank = 0;
    hsize_t dims[PP_H5_MOST_RANK];
    pp_status status = pp_h5_shape(from, path, &at.from, &type_from, &at.rank, at.dims, err);
    if (status == PP_OK) status = pp_h5_shape(to, path, &at.to, &type_to, &rank, dims, err);
    int alike = status == PP_OK && rank == at.rank && are_alike(&at, type_from, type_to);
    for (int i = 0; alike && i < rank; i++) alike = dims[i] == at.dims[i];
    if (status == PP_OK && !alike) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: %s is packed in another way", from->path, path);
    }
    if (status == PP_OK && copy_all(&at) != 0) status = pp_h5_failed(from, err, "copy", path);
    if (type_from >= 0) H5Tclose(type_from);
    if (type_to >= 0) H5Tclose(type_to);
    pp_free(at.bytes);
    return status != PP_OK ? status : pp_h5_settled(to, err);
}
