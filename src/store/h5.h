/* HDF5 files of this project: created under a temporary name and committed, or opened to read.
 *
 * All I/O goes through a virtual file driver on pp_fileops. Files are in the 1.10 format (whose
 * own structures carry checksums), without times, so that equal contents give equal bytes. Every
 * data set has `units` and `long_name`, is chunked, and carries fletcher32 checksums, so a flipped
 * byte is an error and not a number. A path may go through groups: "/stems/00/audio".
 *
 * Reading takes any file of HDF5 1.10 or older, but follows no link out of it, loads no plug-in
 * and reads no data set that keeps its numbers elsewhere.
 *
 * A write that fails (full disk) is reported by the call that meets it and by every one after;
 * the file is then only good for pp_h5_close.
 *
 * One thread an object; HDF5 is not thread-safe: one thread in the whole process uses this layer.
 */
#ifndef PP_STORE_H5_H
#define PP_STORE_H5_H

#include <stdint.h>

#include "base/status.h"
#include "store/fileops.h"

#define PP_H5_MOST_RANK 6

typedef struct pp_h5 pp_h5;

typedef enum pp_h5_type {
    PP_H5_F32,
    PP_H5_F64,
    PP_H5_U8,
    PP_H5_I8,
    PP_H5_I16,
    PP_H5_I32,
    PP_H5_I64
} pp_h5_type;

typedef struct pp_h5_spec {
    const char *path;
    pp_h5_type type;
    int rank;
    int64_t dims[PP_H5_MOST_RANK];
    int64_t chunk[PP_H5_MOST_RANK]; /* 0: the whole dimension, less where that is above 64 MB */
    int deflate_level;              /* 0: none; otherwise shuffle + deflate; 1 is several times
                                     * faster than more, above all for slabs of whole chunks */
    const char *units;              /* "s", "dB", "1" for numbers without one */
    const char *long_name;
    const char *scales[PP_H5_MOST_RANK]; /* data sets to attach as dimension scales; NULL: none */
} pp_h5_spec;

/* Starts a file that will be `path` once committed; makes missing folders. ops: borrowed for the
 * object's life. */
pp_status pp_h5_create(pp_h5 **out, const pp_fileops *ops, const char *path,
                       pp_error *err) PP_MUST_USE;
/* Closes, fsyncs, re-reads (the structure, the first and the last chunk of each data set), renames.
 * *file is destroyed in every case. */
pp_status pp_h5_commit(pp_h5 **file, pp_error *err) PP_MUST_USE;
/* The same without fsync and without re-reading: see pp_commit_rename_unsynced. */
pp_status pp_h5_commit_unsynced(pp_h5 **file, pp_error *err) PP_MUST_USE;
pp_status pp_h5_open(pp_h5 **out, const pp_fileops *ops, const char *path,
                     pp_error *err) PP_MUST_USE;
/* From memory, for tests and fuzzing; bytes are copied. `name` stands in messages. */
pp_status pp_h5_open_memory(pp_h5 **out, const void *bytes, size_t length, const char *name,
                            pp_error *err) PP_MUST_USE;
/* Closes what was opened; throws away what was created and not committed. NULL-safe. */
void pp_h5_close(pp_h5 **file);
const char *pp_h5_path(const pp_h5 *file); /* the name it has or will have */

/* Data sets: created whole, filled in any order in slabs. Missing groups are made. */
pp_status pp_h5_dataset(pp_h5 *file, const pp_h5_spec *spec, pp_error *err) PP_MUST_USE;
pp_status pp_h5_write(pp_h5 *file, const char *path, pp_h5_type type, const int64_t *start,
                      const int64_t *count, const void *data, pp_error *err) PP_MUST_USE;
/* Creates and fills in one go. */
pp_status pp_h5_put(pp_h5 *file, const pp_h5_spec *spec, const void *data,
                    pp_error *err) PP_MUST_USE;

/* For streams of unknown length: a data set created with dims[0] = 0 and chunk[0] > 0 has an
 * unlimited first dimension, and this sets it (writes beyond it fail). */
pp_status pp_h5_resize(pp_h5 *file, const char *path, int64_t rows, pp_error *err) PP_MUST_USE;

/* Reading converts to `type`. start NULL: from the origin; count NULL: everything. */
int pp_h5_has(pp_h5 *file, const char *path);
pp_status pp_h5_dims(pp_h5 *file, const char *path, int *rank, int64_t dims[PP_H5_MOST_RANK],
                     pp_error *err) PP_MUST_USE;
pp_status pp_h5_read(pp_h5 *file, const char *path, pp_h5_type type, const int64_t *start,
                     const int64_t *count, void *data, pp_error *err) PP_MUST_USE;
/* Reads a whole data set of exactly this rank and these dims (-1: any; filled in); *data is owned
 * by the caller (pp_free). Refuses more than `most_bytes`. */
pp_status pp_h5_take(pp_h5 *file, const char *path, pp_h5_type type, int rank, int64_t *dims,
                     uint64_t most_bytes, void **data, pp_error *err) PP_MUST_USE;

/* Copies the chunks of a data set as they lie there, packed and with their checksums, into the data
 * set of the same path, type, shape and packing that was made in `to` and not written yet.
 * PP_ERR_FORMAT where the two are not made alike. */
pp_status pp_h5_copy_chunks(pp_h5 *to, pp_h5 *from, const char *path, pp_error *err) PP_MUST_USE;

/* Reads every data set of the file through its checksums; *bytes (may be NULL): of numbers read. */
pp_status pp_h5_verify(pp_h5 *file, int64_t *bytes, pp_error *err) PP_MUST_USE;

/* Attributes of a group or data set ("/" for the file). Text is UTF-8. */
pp_status pp_h5_set_text(pp_h5 *file, const char *object, const char *name, const char *text,
                         pp_error *err) PP_MUST_USE;
pp_status pp_h5_set_int(pp_h5 *file, const char *object, const char *name, int64_t value,
                        pp_error *err) PP_MUST_USE;
pp_status pp_h5_set_real(pp_h5 *file, const char *object, const char *name, double value,
                         pp_error *err) PP_MUST_USE;
pp_status pp_h5_get_text(pp_h5 *file, const char *object, const char *name, char **text,
                         pp_error *err) PP_MUST_USE; /* owned by the caller */
pp_status pp_h5_get_int(pp_h5 *file, const char *object, const char *name, int64_t *value,
                        pp_error *err) PP_MUST_USE;
pp_status pp_h5_get_real(pp_h5 *file, const char *object, const char *name, double *value,
                         pp_error *err) PP_MUST_USE;

/* A one-dimensional data set of UTF-8 texts. */
pp_status pp_h5_put_texts(pp_h5 *file, const char *path, const char *const *texts, int64_t count,
                          const char *long_name, pp_error *err) PP_MUST_USE;
pp_status pp_h5_take_texts(pp_h5 *file, const char *path, char ***texts, int64_t *count,
                           pp_error *err) PP_MUST_USE; /* owned: pp_h5_free_texts */
void pp_h5_free_texts(char ***texts, int64_t count);

/* A one-dimensional table (compound type). Columns lie in a C struct of row_bytes. */
typedef struct pp_h5_column {
    const char *name, *units;
    size_t offset; /* offsetof in the row */
    pp_h5_type type;
    size_t text_bytes; /* > 0: a char array of this size with NUL instead of `type` */
} pp_h5_column;
pp_status pp_h5_put_table(pp_h5 *file, const char *path, const pp_h5_column *columns, int count,
                          const void *rows, size_t row_bytes, int64_t row_count,
                          const char *long_name, pp_error *err) PP_MUST_USE;
pp_status pp_h5_take_table(pp_h5 *file, const char *path, const pp_h5_column *columns, int count,
                           size_t row_bytes, void **rows, int64_t *row_count,
                           pp_error *err) PP_MUST_USE;

/* Names of the children of a group in alphabetical order; owned: pp_h5_free_texts. */
pp_status pp_h5_list(pp_h5 *file, const char *group, char ***names, int64_t *count,
                     pp_error *err) PP_MUST_USE;
pp_status pp_h5_link_external(pp_h5 *file, const char *path, const char *target_file,
                              const char *target_path, pp_error *err) PP_MUST_USE;

#endif
