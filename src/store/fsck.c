#include "store/fsck.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "store/commit.h"
#include "store/index.h"

typedef struct checker {
    const pp_fileops *ops;
    const char *out_folder;
    pp_fsck_report *report;
} checker;

static pp_status add_finding(checker *c, const char *path, int damage, const char *what,
                             pp_error *err)
{
    pp_fsck_report *report = c->report;
    pp_status status = pp_grow((void **)&report->findings, &report->room, report->count + 1,
                               sizeof *report->findings, err);
    if (status != PP_OK) return status;
    pp_fsck_finding *finding = &report->findings[report->count];
    finding->path = pp_strdup(path);
    finding->what = pp_strdup(what);
    finding->damage = damage;
    finding->is_cache = strchr(path, '/') == NULL;
    report->count++;
    report->damaged += damage;
    if (finding->path != NULL && finding->what != NULL) return PP_OK;
    return pp_fail(err, PP_ERR_NOMEM, "no memory for a finding");
}

/* ---- single files --------------------------------------------------------------------------- */

/* The name says which content it is. */
static pp_status check_name(const char *path, const pp_archive_header *header, pp_error *err)
{
    size_t length = strlen(path);
    if (strncmp(path + 9, header->source_identity, 2) == 0 &&
        strncmp(path + length - 19, header->source_identity, 16) == 0) {
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_FORMAT, "is the archive of another source than its name says");
}

static pp_status check_archive(checker *c, const char *path, const char *full, pp_error *why)
{
    pp_archive *archive = NULL;
    pp_archive_verdict verdict = {0};
    c->report->archives++;
    pp_status status = pp_archive_open(&archive, c->ops, full, why);
    if (status == PP_OK) status = check_name(path, pp_archive_get_header(archive), why);
    if (status == PP_OK) status = pp_archive_verify(archive, &verdict, why);
    pp_archive_close(&archive);
    c->report->bytes_read += verdict.bytes_read;
    double relative = verdict.peak > 0 ? verdict.sum_error / verdict.peak : 0;
    if (status == PP_OK && relative > c->report->worst_sum_error) {
        c->report->worst_sum_error = relative;
    }
    return status;
}

static pp_status check_shard(checker *c, const char *full, pp_error *why)
{
    pp_h5 *h5 = NULL;
    int64_t bytes = 0;
    c->report->shards++;
    pp_status status = pp_h5_open(&h5, c->ops, full, why);
    if (status == PP_OK) status = pp_h5_verify(h5, &bytes, why);
    pp_h5_close(&h5);
    c->report->bytes_read += bytes;
    return status;
}

static pp_status check_failure(checker *c, const char *full, pp_error *why)
{
    pp_json *json = NULL;
    c->report->failures++;
    pp_status status = pp_json_read_file(&json, full, why);
    pp_json_free(&json);
    return status;
}

static pp_status check_file(checker *c, const pp_folder_file *file, pp_error *err)
{
    char *full = pp_path_join(c->out_folder, file->path);
    if (full == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_error why = {0};
    pp_status status = PP_OK;
    if (file->kind == PP_FILE_ARCHIVE) status = check_archive(c, file->path, full, &why);
    else if (file->kind == PP_FILE_SHARD) status = check_shard(c, full, &why);
    else if (file->kind == PP_FILE_FAILURE) status = check_failure(c, full, &why);
    else if (file->kind == PP_FILE_TEMPORARY) c->report->temporaries++;
    /* removed by a run that goes on beside us */
    int gone = status != PP_OK && !pp_path_exists(full);
    pp_free(full);
    if (status == PP_OK || gone) return PP_OK;
    if (status == PP_ERR_NOMEM) return pp_fail(err, status, "%s", why.message);
    if (file->kind != PP_FILE_SHARD) return add_finding(c, file->path, 1, why.message, err);
    char *what = pp_format("%s -- the next run makes it again", why.message);
    if (what == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a finding");
    status = add_finding(c, file->path, 0, what, err);
    pp_free(what);
    return status;
}

/* ---- caches --------------------------------------------------------------------------------- */

static int is_damaged(void *user, const char *archive)
{
    const checker *c = user;
    for (size_t i = 0; i < c->report->count; i++) {
        if (c->report->findings[i].damage && strcmp(c->report->findings[i].path, archive) == 0) {
            return 1;
        }
    }
    return 0;
}

static int same_row(const pp_corpus_row *a, const pp_corpus_row *b)
{
    return pp_corpus_compare(a, b) == 0 && strcmp(a->source_sha256, b->source_sha256) == 0 &&
           memcmp(a->stage_keys, b->stage_keys, sizeof a->stage_keys) == 0;
}

static pp_status check_corpus(checker *c, const pp_corpus_row *rows, int64_t count, pp_error *err)
{
    pp_error why = {0};
    pp_corpus_row *real = NULL;
    int64_t real_count = 0;
    pp_status status = pp_corpus_read(c->ops, c->out_folder, &real, &real_count, &why);
    if (status == PP_ERR_NOT_FOUND) {
        c->report->caches_behind = 1;
        return add_finding(c, "corpus.h5", 0, "is not there", err);
    }
    if (status != PP_OK) return add_finding(c, "corpus.h5", 1, why.message, err);
    int same = real_count == count;
    for (int64_t i = 0; same && i < count; i++) same = same_row(&rows[i], &real[i]);
    pp_corpus_free(&real, real_count);
    if (same) return PP_OK;
    c->report->caches_behind = 1;
    char words[160];
    snprintf(words, sizeof words, "is behind: it has %lld rows, the archives make %lld",
             (long long)real_count, (long long)count);
    return add_finding(c, "corpus.h5", 0, words, err);
}

static pp_status check_catalogue(checker *c, const pp_corpus_row *rows, int64_t count,
                                 pp_error *err)
{
    pp_error why = {0};
    int behind = 0;
    pp_status status = pp_catalogue_check(c->out_folder, rows, count, &behind, &why);
    if (status == PP_ERR_NOT_FOUND || behind) {
        c->report->caches_behind = 1;
        return add_finding(c, "catalogue.sqlite", 0, behind ? "is behind" : "is not there", err);
    }
    return status == PP_OK ? PP_OK : add_finding(c, "catalogue.sqlite", 1, why.message, err);
}

static pp_status check_caches(checker *c, const pp_folder *folder, pp_error *err)
{
    pp_corpus_row *rows;
    int64_t count;
    pp_index_report ignored;
    pp_status status =
        pp_index_rows(c->ops, c->out_folder, folder, is_damaged, c, &rows, &count, &ignored, err);
    if (status == PP_OK) status = check_corpus(c, rows, count, err);
    if (status == PP_OK) status = check_catalogue(c, rows, count, err);
    pp_corpus_free(&rows, count);
    return status;
}

/* One content, one archive: a second one is of an older name and never looked at. */
static pp_status note_doubles(checker *c, const pp_folder *folder, pp_error *err)
{
    pp_status status = PP_OK;
    char content[17];
    for (int64_t i = 0; status == PP_OK && i < folder->count; i++) {
        const char *path = folder->files[i].path;
        if (folder->files[i].kind != PP_FILE_ARCHIVE) continue;
        snprintf(content, sizeof content, "%.16s", path + strlen(path) - 19);
        char *found = pp_archive_find(c->out_folder, content);
        if (found != NULL && strcmp(found, path) != 0) {
            status = add_finding(c, path, 0, "its content has another archive, which is used", err);
        }
        pp_free(found);
    }
    return status;
}

/* ---- all ------------------------------------------------------------------------------------ */

pp_status pp_fsck_run(const pp_fileops *ops, const char *out_folder, pp_fsck_progress progress,
                      void *user, pp_fsck_report *report, pp_error *err)
{
    checker c = {ops, out_folder, report};
    pp_folder folder = {0};
    pp_status status = pp_folder_scan(&folder, out_folder, err);
    for (int64_t i = 0; status == PP_OK && i < folder.count; i++) {
        if (progress != NULL) progress(user, i, folder.count, folder.files[i].path);
        status = check_file(&c, &folder.files[i], err);
    }
    if (status == PP_OK) status = note_doubles(&c, &folder, err);
    if (status == PP_OK) status = check_caches(&c, &folder, err);
    pp_folder_free(&folder);
    return status;
}

void pp_fsck_free(pp_fsck_report *report)
{
    for (size_t i = 0; i < report->count; i++) {
        pp_free(report->findings[i].path);
        pp_free(report->findings[i].what);
        pp_free(report->findings[i].moved_to);
    }
    pp_free(report->findings);
    *report = (pp_fsck_report){0};
}

/* A name in damaged/ that nothing has: the path with '-' for '/', and a number where needed. */
static char *aside_name(const char *out_folder, const char *path)
{
    char *flat = pp_strdup(path);
    for (char *at = flat; at != NULL && *at != '\0'; at++) {
        if (*at == '/') *at = '-';
    }
    char *name = NULL;
    for (int number = 0; flat != NULL && number < 10000; number++) {
        pp_free(name);
        if (number == 0) name = pp_format("damaged/%s", flat);
        else name = pp_format("damaged/%s.%d", flat, number);
        char *full = name != NULL ? pp_path_join(out_folder, name) : NULL;
        int taken = full != NULL && pp_path_exists(full);
        pp_free(full);
        if (!taken) break;
    }
    pp_free(flat);
    return name;
}

static pp_status set_aside(const pp_fileops *ops, const char *out_folder, pp_fsck_finding *finding,
                           pp_error *err)
{
    char *name = aside_name(out_folder, finding->path);
    char *from = pp_path_join(out_folder, finding->path);
    char *to = name != NULL ? pp_path_join(out_folder, name) : NULL;
    pp_status status = PP_OK;
    if (from == NULL || to == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    else if (ops->rename(ops->user, from, to) != 0) {
        status = pp_commit_fail(err, errno, "set aside", from);
    }
    pp_free(from);
    pp_free(to);
    if (status == PP_OK) finding->moved_to = name;
    else pp_free(name);
    return status;
}

pp_status pp_fsck_repair(const pp_fileops *ops, const char *out_folder, pp_fsck_report *report,
                         pp_error *err)
{
    pp_status status = PP_OK;
    char *folder = pp_path_join(out_folder, "damaged");
    if (folder == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    else if (report->damaged > 0) status = pp_path_make_folders(folder, err);
    pp_free(folder);
    int from_scratch = 0;
    for (size_t i = 0; status == PP_OK && i < report->count; i++) {
        pp_fsck_finding *finding = &report->findings[i];
        if (!finding->damage) continue;
        if (!finding->is_cache) status = set_aside(ops, out_folder, finding, err);
        else from_scratch = 1; /* caches are not set aside, but replaced */
    }
    if (status != PP_OK || (report->damaged == 0 && !report->caches_behind)) return status;
    pp_index_report rebuilt;
    return pp_index_rebuild(ops, out_folder, from_scratch, &rebuilt, err);
}
