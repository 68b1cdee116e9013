/* Data sets created: groups, chunks, filters, units, dimension scales. */
#include <hdf5_hl.h>
#include <string.h>

#include "base/memory.h"
#include "store/h5_internal.h"

/* A first dimension of 0 with a chunk of its own is one that pp_h5_resize lets grow. */
static int grows(const int64_t *dims, const int64_t *asked)
{
    return dims[0] == 0 && asked[0] > 0;
}

/* The chunk of each dimension: as asked (0: all of it), within the extent; the largest of those
 * left to us are halved until a chunk fits in memory. */
static void settle_chunk(hsize_t *chunk, int rank, const int64_t *dims, const int64_t *asked,
                         size_t element)
{
    for (int i = 0; i < rank; i++) {
        hsize_t whole = dims[i] > 0 ? (hsize_t)dims[i] : 1;
        if (i == 0 && grows(dims, asked)) whole = (hsize_t)asked[0];
        chunk[i] = asked[i] > 0 && (hsize_t)asked[i] < whole ? (hsize_t)asked[i] : whole;
    }
    for (;;) {
        double bytes = (double)element;
        int largest = -1;
        for (int i = 0; i < rank; i++) {
            bytes *= (double)chunk[i];
            if (asked[i] <= 0 && chunk[i] > 1 && (largest < 0 || chunk[i] > chunk[largest])) {
                largest = i;
            }
        }
        if (bytes <= PP_H5_MOST_CHUNK || largest < 0) return;
        chunk[largest] = (chunk[largest] + 1) / 2;
    }
}

static hid_t creation_list(int rank, const hsize_t *chunk, int deflate_level)
{
    hid_t list = H5Pcreate(H5P_DATASET_CREATE);
    if (list < 0) return -1;
    int failed = H5Pset_obj_track_times(list, 0) < 0 || H5Pset_chunk(list, rank, chunk) < 0;
    if (deflate_level > 0) {
        failed =
            failed || H5Pset_shuffle(list) < 0 || H5Pset_deflate(list, (unsigned)deflate_level) < 0;
    }
    failed = failed || H5Pset_fletcher32(list) < 0;
    if (!failed) return list;
    H5Pclose(list);
    return -1;
}

static pp_status make_groups(pp_h5 *file, const char *path, pp_error *err)
{
    char *part = pp_strdup(path);
    if (part == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a name");
    hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    int failed = creation < 0 || H5Pset_obj_track_times(creation, 0) < 0;
    for (char *at = strchr(part + 1, '/'); !failed && at != NULL; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (H5Lexists(file->file, part, H5P_DEFAULT) == 0) {
            hid_t group = H5Gcreate2(file->file, part, H5P_DEFAULT, creation, H5P_DEFAULT);
            failed = group < 0 || H5Gclose(group) < 0;
        }
        *at = '/';
    }
    if (creation >= 0) H5Pclose(creation);
    pp_free(part);
    return failed ? pp_h5_failed(file, err, "make the groups of", path) : PP_OK;
}

static pp_status remember(pp_h5 *file, const char *path, int rank, const hsize_t *dims,
                          pp_error *err)
{
    pp_status status = pp_grow((void **)&file->made, &file->made_room, file->made_count + 1,
                               sizeof *file->made, err);
    if (status != PP_OK) return status;
    pp_h5_made *made = &file->made[file->made_count];
    made->path = pp_strdup(path);
    if (made->path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a name");
    made->rank = rank;
    for (int i = 0; i < rank; i++) made->dims[i] = dims[i];
    file->made_count++;
    return PP_OK;
}

static pp_status check_new(pp_h5 *file, const char *path, int rank, const int64_t *dims,
                           pp_error *err)
{
    const char *wrong = NULL;
    if (file->temporary == NULL) wrong = "the file is open for reading only";
    else if (path[0] != '/') wrong = "a path starts with '/'";
    else if (rank < 1 || rank > PP_H5_MOST_RANK) wrong = "its rank is out of bounds";
    for (int i = 0; wrong == NULL && i < rank; i++) {
        if (dims[i] < 0) wrong = "a dimension is negative";
    }
    if (wrong == NULL) return PP_OK;
    return pp_fail(err, PP_ERR_INTERNAL, "%s: cannot create %s: %s", file->path, path, wrong);
}

pp_status pp_h5_make(pp_h5 *file, const char *path, hid_t type, int rank, const int64_t *dims,
                     const int64_t *asked, int deflate_level, const char *units,
                     const char *long_name, hid_t *dataset, pp_error *err)
{
    *dataset = -1;
    pp_status status = check_new(file, path, rank, dims, err);
    if (status == PP_OK) status = make_groups(file, path, err);
    if (status != PP_OK) return status;
    hsize_t extent[PP_H5_MOST_RANK], most[PP_H5_MOST_RANK], chunk[PP_H5_MOST_RANK];
    settle_chunk(chunk, rank, dims, asked, H5Tget_size(type));
    size_t chunk_bytes = H5Tget_size(type);
    for (int i = 0; i < rank; i++) {
        extent[i] = (hsize_t)dims[i];
        most[i] = dims[i] > 0 ? extent[i] : 1; /* a chunk may not exceed the largest extent */
        chunk_bytes *= (size_t)chunk[i];
    }
    if (grows(dims, asked)) most[0] = H5S_UNLIMITED;
    hid_t space = H5Screate_simple(rank, extent, most);
    hid_t creation = creation_list(rank, chunk, deflate_level);
    hid_t access = pp_h5_dataset_access(chunk_bytes);
    if (space >= 0 && creation >= 0 && access >= 0) {
        *dataset = H5Dcreate2(file->file, path, type, space, H5P_DEFAULT, creation, access);
    }
    if (*dataset < 0 || pp_h5_put_text_attribute(*dataset, "units", units) != 0 ||
        pp_h5_put_text_attribute(*dataset, "long_name", long_name) != 0) {
        status = pp_h5_failed(file, err, "create", path);
    }
    if (space >= 0) H5Sclose(space);
    if (creation >= 0) H5Pclose(creation);
    if (access >= 0) H5Pclose(access);
    if (status == PP_OK) status = remember(file, path, rank, extent, err);
    if (status == PP_OK) status = pp_h5_settled(file, err);
    if (status == PP_OK) return status;
    if (*dataset >= 0) H5Dclose(*dataset);
    *dataset = -1;
    return status;
}

static pp_status attach_scale(pp_h5 *file, hid_t dataset, int dimension, const pp_h5_spec *spec,
                              pp_error *err)
{
    const char *scale_path = spec->scales[dimension];
    hid_t scale;
    H5I_type_t kind;
    pp_status status = pp_h5_object(file, scale_path, &scale, &kind, err);
    if (status != PP_OK) return status;
    int failed = kind != H5I_DATASET;
    if (!failed && H5DSis_scale(scale) == 0) failed = H5DSset_scale(scale, NULL) < 0;
    if (!failed) failed = H5DSattach_scale(dataset, scale, (unsigned)dimension) < 0;
    if (failed) status = pp_h5_failed(file, err, "attach a dimension scale to", spec->path);
    H5Oclose(scale);
    return status;
}

pp_status pp_h5_dataset(pp_h5 *file, const pp_h5_spec *spec, pp_error *err)
{
    hid_t dataset;
    pp_status status =
        pp_h5_make(file, spec->path, pp_h5_file_type(spec->type), spec->rank, spec->dims,
                   spec->chunk, spec->deflate_level, spec->units, spec->long_name, &dataset, err);
    if (status != PP_OK) return status;
    for (int i = 0; status == PP_OK && i < spec->rank; i++) {
        if (spec->scales[i] != NULL) status = attach_scale(file, dataset, i, spec, err);
    }
    H5Dclose(dataset);
    return status != PP_OK ? status : pp_h5_settled(file, err);
}

pp_status pp_h5_resize(pp_h5 *file, const char *path, int64_t rows, pp_error *err)
{
    hid_t dataset;
    pp_h5_made *made = NULL;
    for (size_t i = 0; i < file->made_count; i++) {
        if (strcmp(file->made[i].path, path) == 0) made = &file->made[i];
    }
    if (made == NULL || rows < 0) {
        return pp_fail(err, PP_ERR_INTERNAL, "%s: cannot resize %s", file->path, path);
    }
    pp_status status = pp_h5_borrow(file, path, &dataset, err);
    if (status != PP_OK) return status;
    made->dims[0] = (hsize_t)rows;
    if (H5Dset_extent(dataset, made->dims) < 0) return pp_h5_failed(file, err, "resize", path);
    return pp_h5_settled(file, err);
}
