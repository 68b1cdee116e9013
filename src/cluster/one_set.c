#include "cluster/one_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "store/corpus.h"

typedef struct folder {
    const pp_job *job;
    const pp_model *model;
    pp_corpus_row *rows; /* owned; by archive */
    int64_t row_count;
    const pp_input **by_name, **by_time; /* owned */
    size_t input_count;
} folder;

/* ---- which archives this run will see to -------------------------------------------------------
 */

static int compare_names(const void *left, const void *right)
{
    const pp_input *a = *(const pp_input *const *)left, *b = *(const pp_input *const *)right;
    int order = strcmp(a->path, b->path);
    return order != 0 ? order : strcmp(a->id, b->id);
}

static int compare_times(const void *left, const void *right)
{
    const pp_input *a = *(const pp_input *const *)left, *b = *(const pp_input *const *)right;
    int order = (a->size_bytes > b->size_bytes) - (a->size_bytes < b->size_bytes);
    return order != 0 ? order : (a->mtime_ns > b->mtime_ns) - (a->mtime_ns < b->mtime_ns);
}

static int compare_archives(const void *left, const void *right)
{
    const pp_corpus_row *a = left, *b = right;
    return strcmp(a->archive, b->archive);
}

/* By its name, or by size and time where it was renamed or moved. */
static int is_among_inputs(const folder *f, const pp_corpus_row *row)
{
    pp_input like = {.path = (char *)row->source_path,
                     .id = (char *)row->source_id,
                     .size_bytes = row->size_bytes,
                     .mtime_ns = row->mtime_ns};
    const pp_input *key = &like;
    size_t width = sizeof key, count = f->input_count;
    return bsearch(&key, f->by_name, count, width, compare_names) != NULL ||
           bsearch(&key, f->by_time, count, width, compare_times) != NULL;
}

static pp_status list_inputs(folder *f, const pp_inputs *inputs, pp_error *err)
{
    f->input_count = inputs->count;
    f->by_name = pp_alloc(inputs->count, sizeof *f->by_name);
    f->by_time = pp_alloc(inputs->count, sizeof *f->by_time);
    if (f->by_name == NULL || f->by_time == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu inputs", inputs->count);
    }
    for (size_t i = 0; i < inputs->count; i++) {
        f->by_name[i] = f->by_time[i] = &inputs->items[i];
    }
    if (inputs->count > 0) {
        qsort(f->by_name, inputs->count, sizeof *f->by_name, compare_names);
        qsort(f->by_time, inputs->count, sizeof *f->by_time, compare_times);
    }
    return PP_OK;
}

/* ---- by which parameters an archive was made ----------------------------------------------------
 */

static int same_key(const folder *f, const char *sha256, const pp_source *source, const char *made)
{
    char keys[PP_STAGES][PP_HASH_HEX];
    pp_stage_keys(keys, sha256, source, &f->job->parameters, f->model);
    return strcmp(keys[PP_STAGE_SEPARATE], made) == 0;
}

/* Of a part of a file only the archive itself says which part. One that is gone, or cannot be read,
 * stands beside nothing. */
static int made_by_others(const folder *f, const pp_corpus_row *row)
{
    pp_source whole = {.path = row->source_path, .id = row->source_id, .audio_track = -1};
    if (same_key(f, row->source_sha256, &whole, row->stage_keys[PP_STAGE_SEPARATE])) return 0;
    pp_archive *archive = NULL;
    pp_error ignored = {0};
    char *path = pp_path_join(f->job->out, row->archive);
    int others = 0;
    if (path != NULL && pp_archive_open(&archive, pp_fileops_system(), path, &ignored) == PP_OK) {
        const pp_archive_header *h = pp_archive_get_header(archive);
        pp_source part = {.path = row->source_path,
                          .id = row->source_id,
                          .audio_track = h->audio_track,
                          .start_s = h->source_start_s,
                          .end_s = h->source_end_s};
        others = !same_key(f, h->source_sha256, &part, h->stage_keys[PP_STAGE_SEPARATE]);
    }
    pp_archive_close(&archive);
    pp_free(path);
    return others;
}

static pp_status refuse(const folder *f, const pp_corpus_row *row, pp_error *err)
{
    pp_fail(err, PP_ERR_USAGE,
            "%s holds results of other parameters or another model, which this run would leave "
            "there beside its own: %s (of %s)",
            f->job->out, row->archive, row->source_path);
    return pp_advise(err, "name another folder with --out, or the parameters that were used before "
                          "(the attribute `parameters` of the archive has them); or name the other "
                          "videos too, and all is made again; --mixed lets both stand");
}

static pp_status compare_rows(const folder *f, pp_error *err)
{
    for (int64_t i = 0, end; i < f->row_count; i = end) {
        int covered = 0; /* by any of the names of this content */
        for (end = i; end < f->row_count && compare_archives(&f->rows[i], &f->rows[end]) == 0;
             end++) {
            covered = covered || is_among_inputs(f, &f->rows[end]);
        }
        if (!covered && made_by_others(f, &f->rows[i])) return refuse(f, &f->rows[i], err);
    }
    return PP_OK;
}

/* corpus.h5 is a cache: where it cannot be read, nothing is known and nothing refused. */
static pp_status look_at_folder(folder *f, const pp_inputs *inputs, pp_error *err)
{
    pp_error ignored = {0};
    pp_status status =
        pp_corpus_read(pp_fileops_system(), f->job->out, &f->rows, &f->row_count, &ignored);
    if (status != PP_OK || f->row_count == 0) return PP_OK;
    qsort(f->rows, (size_t)f->row_count, sizeof *f->rows, compare_archives);
    status = list_inputs(f, inputs, err);
    if (status == PP_OK) status = compare_rows(f, err);
    pp_free(f->by_name);
    pp_free(f->by_time);
    pp_corpus_free(&f->rows, f->row_count);
    return status;
}

pp_status pp_one_set_check(const pp_job *job, const pp_inputs *inputs, const pp_model *model,
                           pp_run_lock *lock, pp_error *err)
{
    if (job->mixed) return PP_OK;
    folder f = {.job = job, .model = model};
    pp_status status = look_at_folder(&f, inputs, err);
    if (status != PP_OK || lock == NULL) return status;
    char keys[PP_STAGES][PP_HASH_HEX];
    pp_source nothing = {.path = "", .id = "", .audio_track = -1};
    pp_stage_keys(keys, "", &nothing, &job->parameters, model);
    return pp_run_lock_agree(lock, job, keys[PP_STAGE_SEPARATE], err);
}
