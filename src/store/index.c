#include "store/index.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"

typedef struct builder {
    pp_corpus_row *rows;
    size_t count, room;
    pp_corpus_row *old;          /* by archive */
    const pp_corpus_row **names; /* the old ones by path and id */
    int64_t old_count;
} builder;

static int by_archive(const void *a, const void *b)
{
    return strcmp(((const pp_corpus_row *)a)->archive, ((const pp_corpus_row *)b)->archive);
}

static int by_name(const void *left, const void *right)
{
    const pp_corpus_row *a = *(const pp_corpus_row *const *)left;
    const pp_corpus_row *b = *(const pp_corpus_row *const *)right;
    int order = strcmp(a->source_path, b->source_path);
    return order != 0 ? order : strcmp(a->source_id, b->source_id);
}

/* Archives are named by 16 digits of their content's hash: the file's own where it is all of it. */
static int is_of_whole_file(const char *archive, const char *sha256)
{
    size_t length = strlen(archive);
    return length > 19 && strncmp(archive + length - 19, sha256, 16) == 0;
}

/* The source has changed since this archive was made, and the corpus has the new one. Of parts of
 * a file nobody can tell: several may go by one name. */
static int is_superseded(const builder *b, const pp_archive_header *header, const char *archive)
{
    pp_corpus_row like = {.source_path = header->source_path, .source_id = header->source_id};
    const pp_corpus_row *key = &like, **found = NULL;
    if (b->old_count > 0 && is_of_whole_file(archive, header->source_sha256)) {
        found = bsearch(&key, b->names, (size_t)b->old_count, sizeof *b->names, by_name);
    }
    return found != NULL && strcmp((*found)->source_sha256, header->source_sha256) != 0 &&
           is_of_whole_file((*found)->archive, (*found)->source_sha256);
}

static pp_status sort_names(builder *b, pp_error *err)
{
    b->names = pp_alloc((size_t)b->old_count, sizeof *b->names);
    if (b->names == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the old corpus");
    for (int64_t i = 0; i < b->old_count; i++) b->names[i] = &b->old[i];
    if (b->old_count > 0) qsort(b->names, (size_t)b->old_count, sizeof *b->names, by_name);
    return PP_OK;
}

static void read_old(builder *b, const pp_fileops *ops, const char *out_folder,
                     pp_index_report *report)
{
    pp_error why = {0};
    pp_status status = pp_corpus_read(ops, out_folder, &b->old, &b->old_count, &why);
    if (status != PP_OK && status != PP_ERR_NOT_FOUND) {
        pp_log_failure(PP_LOG_WARN, "the old corpus.h5 is of no use", &why);
        report->old_corpus_lost = 1;
    }
    if (b->old_count > 0) qsort(b->old, (size_t)b->old_count, sizeof *b->old, by_archive);
}

/* A row of the header, under the name and with the times of an old row where there is one. */
static pp_status add_row(builder *b, const pp_archive_header *header, const char *archive,
                         const pp_corpus_row *old, pp_error *err)
{
    pp_status status = pp_grow((void **)&b->rows, &b->room, b->count + 1, sizeof *b->rows, err);
    pp_archive_header named = *header;
    if (old != NULL) {
        named.source_path = old->source_path;
        named.source_id = old->source_id;
    }
    pp_corpus_row *row = status == PP_OK ? &b->rows[b->count] : NULL;
    if (status == PP_OK) status = pp_corpus_row_of(row, &named, archive, err);
    if (status != PP_OK) return status;
    b->count++;
    if (old != NULL) {
        row->size_bytes = old->size_bytes;
        row->mtime_ns = old->mtime_ns;
    }
    return PP_OK;
}

static pp_status add_archive(builder *b, const pp_archive_header *header, const char *archive,
                             pp_error *err)
{
    pp_status status = PP_OK;
    int known = 0;
    pp_corpus_row key = {.archive = archive};
    const pp_corpus_row *old =
        b->old_count == 0 ? NULL
                          : bsearch(&key, b->old, (size_t)b->old_count, sizeof *b->old, by_archive);
    while (old != NULL && old > b->old && by_archive(old - 1, &key) == 0) old--;
    for (; status == PP_OK && old != NULL && old < b->old + b->old_count; old++) {
        if (by_archive(old, &key) != 0) break;
        if (strcmp(old->source_sha256, header->source_sha256) != 0) continue;
        status = add_row(b, header, archive, old, err);
        known = 1;
    }
    if (status != PP_OK || known || is_superseded(b, header, archive)) return status;
    return add_row(b, header, archive, NULL, err);
}

static pp_status read_archive(builder *b, const pp_fileops *ops, const char *out_folder,
                              const char *name, pp_index_report *report, pp_error *err)
{
    pp_error why = {0};
    pp_archive *archive = NULL;
    char *path = pp_path_join(out_folder, name);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = pp_archive_open(&archive, ops, path, &why);
    pp_free(path);
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_WARN, "left out of the corpus", &why);
        report->unreadable++;
        return PP_OK;
    }
    report->archives++;
    status = add_archive(b, pp_archive_get_header(archive), name, err);
    pp_archive_close(&archive);
    return status;
}

pp_status pp_index_rows(const pp_fileops *ops, const char *out_folder, const pp_folder *folder,
                        int (*skip)(void *user, const char *archive), void *user,
                        pp_corpus_row **rows, int64_t *count, pp_index_report *report,
                        pp_error *err)
{
    builder b = {0};
    *report = (pp_index_report){0};
    read_old(&b, ops, out_folder, report);
    pp_status status = sort_names(&b, err);
    for (int64_t i = 0; status == PP_OK && i < folder->count; i++) {
        const pp_folder_file *file = &folder->files[i];
        if (file->kind != PP_FILE_ARCHIVE || (skip != NULL && skip(user, file->path))) continue;
        status = read_archive(&b, ops, out_folder, file->path, report, err);
    }
    pp_free(b.names);
    pp_corpus_free(&b.old, b.old_count);
    if (b.count > 0) qsort(b.rows, b.count, sizeof *b.rows, pp_corpus_compare);
    if (status != PP_OK) pp_corpus_free(&b.rows, (int64_t)b.count);
    *rows = b.rows;
    *count = status == PP_OK ? (int64_t)b.count : 0;
    report->rows = *count;
    return status;
}

pp_status pp_index_rebuild(const pp_fileops *ops, const char *out_folder, int from_scratch,
                           pp_index_report *report, pp_error *err)
{
    pp_folder folder = {0};
    pp_corpus_row *rows = NULL;
    int64_t count = 0;
    pp_status status = pp_folder_scan(&folder, out_folder, err);
    if (status != PP_OK) return status;
    status = pp_index_rows(ops, out_folder, &folder, NULL, NULL, &rows, &count, report, err);
    if (status == PP_OK) status = pp_corpus_write(ops, out_folder, rows, count, err);
    if (status == PP_OK) {
        status =
            pp_catalogue_write(ops, out_folder, rows, count, from_scratch, &report->catalogue, err);
    }
    pp_corpus_free(&rows, count);
    pp_folder_free(&folder);
    return status;
}
