#include "pipeline/shards.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

static const struct {
    const char *name;
    int a_segment; /* one a segment */
} shards[] = {
    [PP_SHARD_PROBE] = {"probe", 0},   [PP_SHARD_SEE] = {"see", 1},
    [PP_SHARD_LISTEN] = {"listen", 1}, [PP_SHARD_ENERGY] = {"energy", 1},
    [PP_SHARD_CAST] = {"cast", 0},     [PP_SHARD_SEPARATE] = {"separate", 1},
};

char *pp_shard_folder(const char *out_folder, const char *identity)
{
    return pp_format("%s/shards/%.16s", out_folder, identity);
}

char *pp_shard_path(const pp_job *job, pp_shard shard, int64_t segment)
{
    if (!shards[shard].a_segment) return pp_format("%s/%s.h5", job->folder, shards[shard].name);
    return pp_format("%s/%s-%06lld.h5", job->folder, shards[shard].name, (long long)segment);
}

static const char *key_of(const pp_job *job, pp_shard shard)
{
    static const pp_stage stages[] = {
        [PP_SHARD_PROBE] = PP_STAGE_PROBE,       [PP_SHARD_SEE] = PP_STAGE_SEE,
        [PP_SHARD_LISTEN] = PP_STAGE_LISTEN,     [PP_SHARD_CAST] = PP_STAGE_CAST,
        [PP_SHARD_SEPARATE] = PP_STAGE_SEPARATE,
    };
    return shard == PP_SHARD_ENERGY ? job->keys.energy : job->keys.stage[stages[shard]];
}

pp_range pp_shard_rows(const pp_job *job, pp_shard shard, int64_t segment)
{
    switch (shard) {
    case PP_SHARD_SEE:
        return pp_cut_segment_pictures(&job->cut, segment);
    case PP_SHARD_LISTEN:
    case PP_SHARD_ENERGY:
        return pp_cut_segment_windows(&job->cut, segment);
    case PP_SHARD_SEPARATE:
        return pp_cut_segment_samples(&job->cut, segment);
    case PP_SHARD_CAST:
        return (pp_range){0, job->cut.all.windows};
    case PP_SHARD_PROBE:
        break;
    }
    return (pp_range){0, 0};
}

/* What was never brought to disk counts as long as the machine that wrote it has not stopped. */
static int is_lasting(pp_h5 *file, const pp_job *job)
{
    pp_error ignored = {0};
    char *boot = NULL;
    const char *now = job->pipeline->is.ops->boot;
    if (pp_h5_get_text(file, "/", "unsynced_boot", &boot, &ignored) != PP_OK) return 1;
    int same = now != NULL && strcmp(boot, now) == 0;
    pp_free(boot);
    return same;
}

/* Whether an open file is the shard that is wanted. probe's rows are not known before it is. */
static int fits(pp_h5 *file, const pp_job *job, pp_shard shard, int64_t segment)
{
    pp_error ignored = {0};
    char *kind = NULL, *key = NULL;
    int64_t format = 0, first = 0, count = 0;
    pp_range rows = pp_shard_rows(job, shard, segment);
    int right = pp_h5_get_int(file, "/", "format", &format, &ignored) == PP_OK &&
                format == PP_SHARD_FORMAT &&
                pp_h5_get_text(file, "/", "shard", &kind, &ignored) == PP_OK &&
                strcmp(kind, shards[shard].name) == 0 &&
                pp_h5_get_text(file, "/", "key", &key, &ignored) == PP_OK &&
                strcmp(key, key_of(job, shard)) == 0 &&
                pp_h5_get_int(file, "/", "first_row", &first, &ignored) == PP_OK &&
                pp_h5_get_int(file, "/", "rows", &count, &ignored) == PP_OK &&
                (shard == PP_SHARD_PROBE || (first == rows.first && count == rows.count)) &&
                is_lasting(file, job);
    pp_free(kind);
    pp_free(key);
    return right;
}

pp_status pp_shard_open(pp_h5 **out, const pp_job *job, pp_shard shard, int64_t segment,
                        pp_error *err)
{
    *out = NULL;
    char *path = pp_shard_path(job, shard, segment);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    pp_status status = PP_OK;
    if (!pp_path_exists(path)) {
        status = pp_fail(err, PP_ERR_NOT_FOUND, "%s is not there yet", path);
        pp_advise(err, "Run the stage '%s' of this video first.", shards[shard].name);
    }
    if (status == PP_OK) status = pp_h5_open(out, job->pipeline->is.ops, path, err);
    if (status == PP_OK && !fits(*out, job, shard, segment)) {
        pp_h5_close(out);
        status = pp_fail(err, PP_ERR_NOT_FOUND, "%s is of other inputs or parameters", path);
        pp_advise(err, "Run the stage '%s' of this video again.", shards[shard].name);
    }
    pp_free(path);
    return status;
}

int pp_shard_is_done(const pp_job *job, pp_shard shard, int64_t segment)
{
    pp_error ignored = {0};
    pp_h5 *file = NULL;
    if (pp_shard_open(&file, job, shard, segment, &ignored) != PP_OK) return 0;
    pp_h5_close(&file);
    return 1;
}

pp_status pp_shard_create(pp_h5 **out, const pp_job *job, pp_shard shard, int64_t segment,
                          pp_error *err)
{
    *out = NULL;
    char *path = pp_shard_path(job, shard, segment);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    pp_range rows = pp_shard_rows(job, shard, segment);
    pp_status status = pp_h5_create(out, job->pipeline->is.ops, path, err);
    if (status == PP_OK) status = pp_h5_set_int(*out, "/", "format", PP_SHARD_FORMAT, err);
    if (status == PP_OK) status = pp_h5_set_text(*out, "/", "shard", shards[shard].name, err);
    if (status == PP_OK) status = pp_h5_set_text(*out, "/", "key", key_of(job, shard), err);
    if (status == PP_OK) status = pp_h5_set_int(*out, "/", "first_row", rows.first, err);
    if (status == PP_OK) status = pp_h5_set_int(*out, "/", "rows", rows.count, err);
    if (status != PP_OK) pp_h5_close(out);
    pp_free(path);
    return status;
}

pp_status pp_shard_commit(pp_h5 **file, const pp_job *job, pp_error *err)
{
    if (!job->unsynced) return pp_h5_commit(file, err);
    pp_status status =
        pp_h5_set_text(*file, "/", "unsynced_boot", job->pipeline->is.ops->boot, err);
    return status != PP_OK ? status : pp_h5_commit_unsynced(file, err);
}

pp_status pp_shard_dataset(pp_h5 *file, const char *path, pp_h5_type type, int rank,
                           const int64_t *dims, const char *units, const char *long_name,
                           pp_error *err)
{
    pp_h5_spec spec = {
        .path = path, .type = type, .rank = rank, .units = units, .long_name = long_name};
    for (int i = 0; i < rank; i++) spec.dims[i] = dims[i];
    if (rank > 1) spec.chunk[0] = 1;
    return pp_h5_dataset(file, &spec, err);
}

/* ---- series ------------------------------------------------------------------------------ */

static int64_t segment_of(const pp_series *series, int64_t row)
{
    const pp_cut *cut = &series->job->cut;
    return series->shard == PP_SHARD_SEE ? pp_cut_segment_of_picture(cut, row)
                                         : pp_cut_segment_of_window(cut, row);
}

void pp_series_close(pp_series *series)
{
    pp_h5_close(&series->file);
}

static size_t row_bytes(pp_h5_type type, int rank, const int64_t *row)
{
    size_t bytes = type == PP_H5_F64 || type == PP_H5_I64   ? 8
                   : type == PP_H5_F32 || type == PP_H5_I32 ? 4
                   : type == PP_H5_I16                      ? 2
                                                            : 1;
    for (int i = 0; i + 1 < rank; i++) bytes *= (size_t)row[i];
    return bytes;
}

pp_status pp_series_read(pp_series *series, const char *path, pp_h5_type type, int rank,
                         const int64_t *row, int64_t first, int64_t count, void *data,
                         pp_error *err)
{
    unsigned char *to = data;
    while (count > 0) {
        int64_t segment = segment_of(series, first);
        if (series->file == NULL || series->segment != segment) {
            pp_series_close(series);
            pp_status status =
                pp_shard_open(&series->file, series->job, series->shard, segment, err);
            if (status != PP_OK) return status;
            series->segment = segment;
        }
        pp_range rows = pp_shard_rows(series->job, series->shard, segment);
        int64_t here = rows.first + rows.count - first;
        if (here > count) here = count;
        int64_t start[PP_H5_MOST_RANK] = {first - rows.first}, extent[PP_H5_MOST_RANK] = {here};
        for (int i = 1; i < rank; i++) extent[i] = row[i - 1];
        pp_status status = pp_h5_read(series->file, path, type, start, extent, to, err);
        if (status != PP_OK) return status;
        to += (size_t)here * row_bytes(type, rank, row);
        first += here;
        count -= here;
    }
    return PP_OK;
}

pp_status pp_window_features(pp_series *see, int64_t window, float *row, float *features,
                             pp_error *err)
{
    const pp_model_shape *shape = see->job->pipeline->shape;
    const int64_t extent[3] = {shape->grid, shape->grid, shape->components};
    int64_t values = extent[0] * extent[1] * extent[2];
    pp_range pictures = pp_cut_window_pictures(&see->job->cut, window);
    int taken = 0;
    for (int use_missing = 0; use_missing < 2 && taken == 0; use_missing++) {
        for (int64_t p = pictures.first; p < pictures.first + pictures.count; p++) {
            uint8_t missing = 0;
            pp_status status =
                pp_series_read(see, "/missing", PP_H5_U8, 1, NULL, p, 1, &missing, err);
            if (status != PP_OK) return status;
            if (missing && !use_missing) continue;
            status = pp_series_read(see, "/features", PP_H5_F32, 4, extent, p, 1, row, err);
            if (status != PP_OK) return status;
            for (int64_t i = 0; i < values; i++) {
                if (taken == 0 || row[i] > features[i]) features[i] = row[i];
            }
            taken++;
        }
    }
    return PP_OK;
}

/* ---- the end ----------------------------------------------------------------------------- */

/* Calls `visit` for every file of the shards folder; no folder is no failure. */
static pp_status for_files(const pp_job *job,
                           pp_status (*visit)(const pp_job *job, const char *path, void *user,
                                              pp_error *err),
                           void *user, pp_error *err)
{
    DIR *folder = opendir(job->folder);
    if (folder == NULL && errno == ENOENT) return PP_OK;
    if (folder == NULL) return pp_fail_errno(err, "cannot list %s", job->folder);
    pp_status status = PP_OK;
    for (struct dirent *entry = readdir(folder); entry != NULL && status == PP_OK;
         entry = readdir(folder)) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        char *path = pp_path_join(job->folder, entry->d_name);
        status = path != NULL ? visit(job, path, user, err)
                              : pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
        pp_free(path);
    }
    closedir(folder);
    return status;
}

static pp_status remove_file(const pp_job *job, const char *path, void *user, pp_error *err)
{
    const pp_fileops *ops = job->pipeline->is.ops;
    (void)user;
    if (ops->unlink(ops->user, path) == 0 || errno == ENOENT) return PP_OK;
    return pp_fail_errno(err, "cannot remove %s", path);
}

static pp_status drop_if_damaged(const pp_job *job, const char *path, void *user, pp_error *err)
{
    int *dropped = user;
    pp_error damage = {0};
    pp_h5 *file = NULL;
    if (!pp_text_ends_with(path, ".h5")) return PP_OK;
    pp_status status = pp_h5_open(&file, job->pipeline->is.ops, path, &damage);
    if (status == PP_OK) status = pp_h5_verify(file, NULL, &damage);
    pp_h5_close(&file);
    if (status != PP_ERR_FORMAT) return PP_OK; /* whole, gone, or unreadable for another reason */
    pp_log_failure(PP_LOG_WARN, "damaged, and computed again", &damage);
    ++*dropped;
    return remove_file(job, path, NULL, err);
}

pp_status pp_shards_drop_damaged(const pp_job *job, int *dropped, pp_error *err)
{
    *dropped = 0;
    return for_files(job, drop_if_damaged, dropped, err);
}

pp_status pp_shards_remove(const pp_job *job, pp_error *err)
{
    pp_status status = for_files(job, remove_file, NULL, err);
    /* Another rank's late lease may be writing here: then the folder stays, and so does its file,
     * which nobody needs (`pp gc` removes it). */
    if (status == PP_OK && rmdir(job->folder) != 0 && errno != ENOTEMPTY && errno != EEXIST &&
        errno != ENOENT)
        status = pp_fail_errno(err, "cannot remove %s", job->folder);
    return status;
}
