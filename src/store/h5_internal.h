/* What the files of the HDF5 layer share. Internal to src/store; see h5.h. */
#ifndef PP_STORE_H5_INTERNAL_H
#define PP_STORE_H5_INTERNAL_H

#include <hdf5.h>

#include "store/h5.h"
#include "store/h5_driver.h"
#include "store/h5_pack.h"

#define PP_H5_HANDLES 8                      /* data sets kept open, with their chunk caches */
#define PP_H5_MOST_CHUNK (64 << 20)          /* bytes of a chunk we write; larger ones are cut */
#define PP_H5_MOST_CHUNK_READ (1024ll << 20) /* bytes of a chunk we agree to read */
#define PP_H5_MOST_TEXT (64u << 20)          /* bytes of one text attribute */
#define PP_H5_MOST_TABLE (2048ll << 20)      /* bytes of one table or list of texts in memory */

typedef struct pp_h5_handle {
    char *path;
    hid_t id;
    uint64_t used; /* when last: the oldest gives way */
    /* of a data set created here whose whole chunks we pack ourselves; rank 0: none such */
    int rank;
    hsize_t chunk[PP_H5_MOST_RANK];
    size_t element;
} pp_h5_handle;

typedef struct pp_h5_made { /* a data set created here, to be found again at commit */
    char *path;
    int rank;
    hsize_t dims[PP_H5_MOST_RANK];
} pp_h5_made;

struct pp_h5 {
    hid_t file;
    pp_h5_io io;
    char *path;      /* the name it has or will have */
    char *temporary; /* what is written; NULL where the file was opened */
    void *image;
    pp_h5_handle handles[PP_H5_HANDLES];
    uint64_t clock;
    pp_h5_made *made;
    size_t made_count, made_room;
    pp_h5_packer *packer; /* made when first needed */
    unsigned char *chunk; /* one chunk, gathered from a slab */
    size_t chunk_room;
};

/* Records why the last HDF5 call on `file` failed: the system's error where it was one, otherwise
 * HDF5's innermost words. `object` is a data set's path or NULL. Returns the status. */
pp_status pp_h5_failed(pp_h5 *file, pp_error *err, const char *doing, const char *object);
/* PP_OK unless a write has failed since the file was created. */
pp_status pp_h5_settled(const pp_h5 *file, pp_error *err);

/* Opens the object at `path`, reached through hard links of this file alone. *kind: H5I_GROUP or
 * H5I_DATASET. Closed by the caller with H5Oclose. */
pp_status pp_h5_object(pp_h5 *file, const char *path, hid_t *object, H5I_type_t *kind,
                       pp_error *err);
/* A data set of bounded chunks, known filters and no outside storage; kept open by `file`. */
pp_status pp_h5_borrow(pp_h5 *file, const char *path, hid_t *dataset, pp_error *err);
void pp_h5_drop_handles(pp_h5 *file);
/* The open handle of a borrowed data set, valid until the next is borrowed. */
const pp_h5_handle *pp_h5_handle_of(const pp_h5 *file, const char *path);
/* Fills rank, chunk and element of a handle where its chunks can be packed by ourselves. */
void pp_h5_prepare_packing(pp_h5_handle *handle);
/* Writes a slab that is made of whole chunks of such a data set. *done is 0 where it is not. */
pp_status pp_h5_write_chunks(pp_h5 *file, const char *path, pp_h5_type type, const int64_t *start,
                             const int64_t *count, const void *data, int *done, pp_error *err);
/* The type and extent of a data set; the type is closed by the caller. */
pp_status pp_h5_shape(pp_h5 *file, const char *path, hid_t *dataset, hid_t *type, int *rank,
                      hsize_t dims[PP_H5_MOST_RANK], pp_error *err);

/* Creates a data set of a file type with the house's properties; missing groups are made.
 * chunk entries of 0 mean the whole dimension. */
pp_status pp_h5_make(pp_h5 *file, const char *path, hid_t type, int rank, const int64_t *dims,
                     const int64_t *chunk, int deflate_level, const char *units,
                     const char *long_name, hid_t *dataset, pp_error *err);

/* A cache of one chunk at least, so that slabs that cut chunks do not pack them again and again;
 * chunks of more than 8 MB pass by it. Closed by the caller; negative on lack of memory. */
hid_t pp_h5_dataset_access(size_t chunk_bytes);

hid_t pp_h5_memory_type(pp_h5_type type); /* borrowed: HDF5's predefined types */
hid_t pp_h5_file_type(pp_h5_type type);
size_t pp_h5_type_bytes(pp_h5_type type);
int pp_h5_is_number(hid_t type);
/* A fixed-length UTF-8 type, closed by the caller; negative on lack of memory. */
hid_t pp_h5_text_type(size_t bytes);
int pp_h5_put_text_attribute(hid_t object, const char *name, const char *text);

#endif
