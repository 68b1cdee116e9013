#include "store/gc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "store/archive.h"
#include "store/commit.h"
#include "store/index.h"

static pp_status add_item(pp_gc_report *report, const pp_folder_file *file, const char *why,
                          pp_error *err)
{
    pp_status status = pp_grow((void **)&report->items, &report->room, report->count + 1,
                               sizeof *report->items, err);
    if (status != PP_OK) return status;
    pp_gc_item *item = &report->items[report->count++];
    *item = (pp_gc_item){pp_strdup(file->path), why, file->size_bytes};
    report->bytes += file->size_bytes;
    return item->path != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a name");
}

/* NULL, or why nobody will finish this temporary file. */
static const char *is_stray(const pp_folder_file *file, const char *own_host, double now_s)
{
    char host[PP_COMMIT_HOST];
    long pid;
    if ((double)file->mtime_ns / 1e9 < now_s - PP_GC_AGE_S) return "untouched for an hour";
    if (!pp_commit_maker(file->path, host, &pid) || strcmp(host, own_host) != 0) return NULL;
    return kill((pid_t)pid, 0) != 0 && errno == ESRCH ? "its process is gone" : NULL;
}

static int64_t mtime_of(const pp_folder *folder, const char *path)
{
    for (int64_t i = 0; i < folder->count; i++) {
        if (strcmp(folder->files[i].path, path) == 0) return folder->files[i].mtime_ns;
    }
    return -1;
}

/* When the archive of the video whose shards lie in shards/<id>/ was published; -1: it is not. A
 * shard newer than that belongs to a run that is under way. `last` saves asking again. */
typedef struct published {
    char id[17];
    int64_t mtime_ns;
} published;

static int64_t published_ns(const pp_folder *folder, const char *out_folder, const char *shard,
                            published *last)
{
    char id[17];
    snprintf(id, sizeof id, "%.16s", shard + strlen("shards/"));
    if (strcmp(id, last->id) == 0) return last->mtime_ns;
    char *archive = pp_archive_find(out_folder, id);
    memcpy(last->id, id, sizeof id);
    last->mtime_ns = archive != NULL ? mtime_of(folder, archive) : -1;
    pp_free(archive);
    return last->mtime_ns;
}

/* progress.json, or progress-part-I-of-N.json, renewed a moment ago. */
static int run_is_on(const pp_folder *folder, double now_s)
{
    for (int64_t i = 0; i < folder->count; i++) {
        const pp_folder_file *file = &folder->files[i];
        if (file->kind == PP_FILE_OTHER && strncmp(file->path, "progress", 8) == 0 &&
            strchr(file->path, '/') == NULL &&
            (double)file->mtime_ns / 1e9 > now_s - PP_GC_LIFE_S) {
            return 1;
        }
    }
    return 0;
}

static pp_status find_items(const pp_folder *folder, const char *out_folder, double now_s,
                            pp_gc_report *report, pp_error *err)
{
    char host[PP_COMMIT_HOST];
    pp_commit_host(host);
    published last = {"", -1};
    pp_status status = PP_OK;
    for (int64_t i = 0; status == PP_OK && i < folder->count; i++) {
        const pp_folder_file *file = &folder->files[i];
        const char *why = NULL;
        if (file->kind == PP_FILE_TEMPORARY) {
            why = is_stray(file, host, now_s);
        } else if (file->kind == PP_FILE_SHARD && !report->run_is_on &&
                   published_ns(folder, out_folder, file->path, &last) >= file->mtime_ns) {
            why = "its video is published";
        }
        if (why != NULL) status = add_item(report, file, why, err);
    }
    return status;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int is_readable(const pp_fileops *ops, const char *out_folder, const char *name)
{
    pp_error why = {0};
    pp_archive *archive = NULL;
    char *path = pp_path_join(out_folder, name);
    const int opened = path != NULL && pp_archive_open(&archive, ops, path, &why) == PP_OK;
    if (opened) pp_archive_close(&archive);
    pp_free(path);
    return opened;
}

/* Archives that are whole and that the corpus, made anew, does not list. */
static pp_status find_superseded(const pp_fileops *ops, const pp_folder *folder,
                                 const char *out_folder, pp_gc_report *report, pp_error *err)
{
    pp_corpus_row *rows = NULL;
    int64_t count = 0;
    pp_index_report index = {0};
    pp_status status =
        pp_index_rows(ops, out_folder, folder, NULL, NULL, &rows, &count, &index, err);
    if (status != PP_OK) return status;
    const char **listed = pp_alloc((size_t)count, sizeof *listed);
    if (listed == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a list of archives");
    for (int64_t i = 0; status == PP_OK && i < count; i++) listed[i] = rows[i].archive;
    if (status == PP_OK && count > 0) qsort(listed, (size_t)count, sizeof *listed, compare_paths);
    for (int64_t i = 0; status == PP_OK && i < folder->count; i++) {
        const pp_folder_file *file = &folder->files[i];
        const char *path = file->path;
        if (file->kind != PP_FILE_ARCHIVE ||
            bsearch(&path, listed, (size_t)count, sizeof *listed, compare_paths) != NULL ||
            !is_readable(ops, out_folder, path)) {
            continue;
        }
        status = add_item(report, file, "its source has changed, and has a newer archive", err);
    }
    pp_free(listed);
    pp_corpus_free(&rows, count);
    return status;
}

static pp_status remove_item(const pp_fileops *ops, const char *out_folder, const char *path,
                             pp_error *err)
{
    char *full = pp_path_join(out_folder, path);
    if (full == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = PP_OK;
    if (ops->unlink(ops->user, full) != 0 && errno != ENOENT) {
        status = pp_commit_fail(err, errno, "remove", full);
    }
    char *folder = pp_path_folder(full);
    /* an emptied folder of shards goes too; rmdir refuses any other */
    if (folder != NULL && strncmp(path, "shards/", 7) == 0) rmdir(folder);
    pp_free(folder);
    pp_free(full);
    return status;
}

pp_status pp_gc_run(const pp_fileops *ops, const char *out_folder, const pp_gc_options *options,
                    pp_gc_report *report, pp_error *err)
{
    pp_folder folder = {0};
    pp_status status = pp_folder_scan(&folder, out_folder, err);
    report->run_is_on = status == PP_OK && run_is_on(&folder, options->now_s);
    if (status == PP_OK) status = find_items(&folder, out_folder, options->now_s, report, err);
    if (status == PP_OK && options->superseded && !report->run_is_on) {
        status = find_superseded(ops, &folder, out_folder, report, err);
    }
    for (size_t i = 0; status == PP_OK && !options->dry_run && i < report->count; i++) {
        status = remove_item(ops, out_folder, report->items[i].path, err);
    }
    pp_folder_free(&folder);
    return status;
}

void pp_gc_free(pp_gc_report *report)
{
    for (size_t i = 0; i < report->count; i++) pp_free(report->items[i].path);
    pp_free(report->items);
    *report = (pp_gc_report){0};
}
