/* Shards: the files that stages of one video hand to each other. docs/formats/shards.md.
 *
 * Every shard states its kind, its stage key and the rows it holds (pictures, windows or samples
 * of the whole video). One whose key or rows are others is as good as none. */
#ifndef PP_PIPELINE_SHARDS_H
#define PP_PIPELINE_SHARDS_H

#include "pipeline/stages.h"

typedef enum pp_shard {
    PP_SHARD_PROBE,
    PP_SHARD_SEE,
    PP_SHARD_LISTEN,
    PP_SHARD_ENERGY,
    PP_SHARD_CAST,
    PP_SHARD_SEPARATE
} pp_shard;

#define PP_SHARD_FORMAT 1

/* OUT/shards/<16 hex of the identity>; owned. */
char *pp_shard_folder(const char *out_folder, const char *identity);
/* segment: ignored for probe and cast. Owned. */
char *pp_shard_path(const pp_job *job, pp_shard shard, int64_t segment);
/* The rows of the whole video that a shard holds. */
pp_range pp_shard_rows(const pp_job *job, pp_shard shard, int64_t segment);

/* True where the shard is committed, of this key and these rows. */
int pp_shard_is_done(const pp_job *job, pp_shard shard, int64_t segment);
/* Starts one: format, key and rows are written. Ends with pp_shard_commit. */
pp_status pp_shard_create(pp_h5 **out, const pp_job *job, pp_shard shard, int64_t segment,
                          pp_error *err) PP_MUST_USE;
/* Commits it; where the job's shards stay unsynced, for this start of the machine alone. */
pp_status pp_shard_commit(pp_h5 **file, const pp_job *job, pp_error *err) PP_MUST_USE;
/* PP_ERR_NOT_FOUND where pp_shard_is_done is false. */
pp_status pp_shard_open(pp_h5 **out, const pp_job *job, pp_shard shard, int64_t segment,
                        pp_error *err) PP_MUST_USE;

/* A data set [rows, ...] of a shard. dims and chunk[0] are filled in: one row a chunk. */
pp_status pp_shard_dataset(pp_h5 *file, const char *path, pp_h5_type type, int rank,
                           const int64_t *dims, const char *units, const char *long_name,
                           pp_error *err) PP_MUST_USE;

/* Rows of a data set that goes on over the shards of one kind, by the whole video's numbering.
 * Keeps the last shard open. Zero-initialise but for job and shard; close at the end. */
typedef struct pp_series {
    const pp_job *job;
    pp_shard shard;
    int64_t segment; /* of the open file */
    pp_h5 *file;     /* NULL: none */
} pp_series;
/* row [rank - 1]: the extent of one row. data: rows [first, first + count). */
pp_status pp_series_read(pp_series *series, const char *path, pp_h5_type type, int rank,
                         const int64_t *row, int64_t first, int64_t count, void *data,
                         pp_error *err) PP_MUST_USE;
void pp_series_close(pp_series *series);

/* The visual activations that a window works with: the largest of its pictures' (those that could
 * not be decoded left out, unless there is no other) a pixel and component. row, features
 * [grid, grid, K]; row is scratch. see: a series of PP_SHARD_SEE. */
pp_status pp_window_features(pp_series *see, int64_t window, float *row, float *features,
                             pp_error *err) PP_MUST_USE;

/* Reads every shard of the job through its checksums and removes those that are damaged. */
pp_status pp_shards_drop_damaged(const pp_job *job, int *dropped, pp_error *err) PP_MUST_USE;

/* Removes the shards folder of the job and everything in it. */
pp_status pp_shards_remove(const pp_job *job, pp_error *err) PP_MUST_USE;

#endif
