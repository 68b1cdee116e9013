/* What is written while a run is on and when it ends: progress.json, corpus.h5, status.json. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/ledger_internal.h"
#include "store/catalogue.h"
#include "store/commit.h"

enum { MOST_LISTED_FAILURES = 1000 };

static pp_status write_json(pp_ledger *ledger, const char *name, const pp_json *json, pp_error *err)
{
    char *text = pp_json_dump(json, 2), *path = pp_ledger_part_path(ledger, name, "json");
    pp_status status = text != NULL && path != NULL
                           ? pp_commit_bytes(ledger->setup.ops, path, text, strlen(text), err)
                           : pp_fail(err, PP_ERR_NOMEM, "no memory for %s", name);
    pp_free(text);
    pp_free(path);
    return status;
}

void pp_ledger_write_progress(pp_ledger *ledger, const pp_json *progress)
{
    pp_error problem = {0};
    if (write_json(ledger, "progress", progress, &problem) != PP_OK) {
        pp_log_failure(PP_LOG_WARN, NULL, &problem);
    }
}

/* ---- corpus.h5 ---------------------------------------------------------------------------------
 */

static int is_listed(const pp_record *record)
{
    return (record->state == PP_RECORD_DONE || record->state == PP_RECORD_UNCHANGED) &&
           record->archive != NULL;
}

static void row_of_record(const pp_ledger *ledger, const pp_record *record, pp_corpus_row *row)
{
    const pp_input *input = record->input;
    pp_source source = {.path = input->path,
                        .id = input->id,
                        .audio_track = input->audio_track,
                        .start_s = input->start_s,
                        .end_s = input->end_s};
    *row = (pp_corpus_row){
        .source_path = input->path,
        .source_id = input->id,
        .archive = record->archive,
        .duration_s = record->duration_s,
        .sources = record->sources,
        .has_maps = ledger->setup.job->parameters.profile == PP_PROFILE_PIXELS,
        .size_bytes = record->size_bytes,
        .mtime_ns = record->mtime_ns,
    };
    memcpy(row->source_sha256, record->sha256, sizeof row->source_sha256);
    pp_stage_keys(row->stage_keys, record->sha256, &source, &ledger->setup.job->parameters,
                  ledger->setup.model);
}

static int same_name(const pp_corpus_row *a, const pp_corpus_row *b)
{
    return strcmp(a->source_path, b->source_path) == 0 && strcmp(a->source_id, b->source_id) == 0;
}

static int compare_names(const void *left, const void *right)
{
    const pp_corpus_row *a = left, *b = right;
    int order = strcmp(a->source_path, b->source_path);
    return order != 0 ? order : strcmp(a->source_id, b->source_id);
}

/* An old row stays where this run says nothing of its video and its archive is still there. */
static int64_t keep_old_rows(const pp_ledger *ledger, pp_corpus_row *rows, int64_t count)
{
    int64_t all = count;
    for (int64_t i = 0; i < ledger->old_count; i++) {
        const pp_corpus_row *old = &ledger->old[i];
        if (count > 0 && bsearch(old, rows, (size_t)count, sizeof *rows, compare_names) != NULL) {
            continue;
        }
        char *path = pp_ledger_path(ledger, old->archive);
        if (path != NULL && access(path, F_OK) == 0) rows[all++] = *old;
        pp_free(path);
    }
    return all;
}

static int rows_differ(const pp_ledger *ledger, const pp_corpus_row *rows, int64_t count)
{
    if (count != ledger->old_count) return 1;
    for (int64_t i = 0; i < count; i++) {
        const pp_corpus_row *a = &rows[i], *b = &ledger->old[i];
        if (!same_name(a, b) || strcmp(a->archive, b->archive) != 0 ||
            strcmp(a->source_sha256, b->source_sha256) != 0 ||
            memcmp(a->stage_keys, b->stage_keys, sizeof a->stage_keys) != 0 ||
            a->size_bytes != b->size_bytes || a->mtime_ns != b->mtime_ns) {
            return 1;
        }
    }
    return 0;
}

/* Another part may have written since this one began. */
static pp_status read_again(pp_ledger *ledger, pp_error *err)
{
    pp_error problem = {0};
    pp_corpus_free(&ledger->old, ledger->old_count);
    ledger->old_count = 0;
    pp_status status = pp_corpus_read(ledger->setup.ops, ledger->setup.job->out, &ledger->old,
                                      &ledger->old_count, &problem);
    if (status == PP_ERR_NOMEM) return pp_fail(err, status, "%s", problem.message);
    return PP_OK;
}

/* The catalogue is a cache: a run does not fail for want of it. Parts leave it to `pp index`. */
static void write_catalogue(const pp_ledger *ledger, const pp_corpus_row *rows, int64_t count)
{
    pp_error problem = {0};
    pp_catalogue_report report;
    if (ledger->setup.job->parts > 0) return;
    if (pp_catalogue_write(ledger->setup.ops, ledger->setup.job->out, rows, count, 0, &report,
                           &problem) != PP_OK) {
        pp_log_failure(PP_LOG_WARN, "catalogue.sqlite (pp index makes it)", &problem);
    }
}

static int catalogue_is_missing(const pp_ledger *ledger)
{
    char *path = pp_ledger_path(ledger, "catalogue.sqlite");
    int missing = path != NULL && access(path, F_OK) != 0;
    pp_free(path);
    return missing;
}

static pp_status write_corpus(pp_ledger *ledger, pp_error *err)
{
    if (ledger->setup.job->parts > 0) {
        pp_status status = read_again(ledger, err);
        if (status != PP_OK) return status;
    }
    size_t most = ledger->count + (size_t)ledger->old_count;
    pp_corpus_row *rows = pp_alloc(most, sizeof *rows);
    if (rows == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu rows", most);
    int64_t count = 0;
    for (size_t i = 0; i < ledger->count; i++) {
        if (is_listed(&ledger->records[i])) {
            row_of_record(ledger, &ledger->records[i], &rows[count++]);
        }
    }
    if (count > 0) qsort(rows, (size_t)count, sizeof *rows, pp_corpus_compare);
    count = keep_old_rows(ledger, rows, count);
    if (count > 0) qsort(rows, (size_t)count, sizeof *rows, pp_corpus_compare);
    pp_status status = PP_OK;
    /* Nothing new: the file is left alone, so that an unchanged corpus is not rewritten. */
    int news = ledger->old == NULL || rows_differ(ledger, rows, count);
    if (news) {
        status = pp_corpus_write(ledger->setup.ops, ledger->setup.job->out, rows, count, err);
    }
    if (status == PP_OK && (news || catalogue_is_missing(ledger))) {
        write_catalogue(ledger, rows, count);
    }
    pp_free(rows);
    return status;
}

/* ---- status.json -------------------------------------------------------------------------------
 */

static pp_json *list_failures(const pp_ledger *ledger)
{
    pp_json *list = pp_json_array();
    int listed = 0;
    for (size_t i = 0; i < ledger->count && listed < MOST_LISTED_FAILURES; i++) {
        const pp_record *record = &ledger->records[i];
        if (record->failure == NULL ||
            (record->state != PP_RECORD_FAILED && record->state != PP_RECORD_KNOWN_FAILURE)) {
            continue;
        }
        pp_json *entry = pp_json_object();
        char file[64];
        snprintf(file, sizeof file, "failed/%s.json", record->key);
        pp_json_set_path(entry, "path", record->input->path);
        pp_json_set_text(entry, "id", record->input->id);
        pp_json_set_text(entry, "status", pp_status_name(record->failure->error.status));
        pp_json_set_path(entry, "reason", record->failure->error.message);
        pp_json_set_path(entry, "advice", record->failure->error.advice);
        pp_json_set_text(entry, "file", file);
        pp_json_append(list, entry);
        listed++;
    }
    return list;
}

/* What all of them begin with. */
static pp_json *new_status(int exit_code, const char *state)
{
    pp_json *json = pp_json_object();
    char time_text[40];
    pp_clock_utc_text(time_text, sizeof time_text);
    pp_json_set_text(json, "format", "pixelplayer-status");
    pp_json_set_int(json, "version", 1);
    pp_json_set_int(json, "status", exit_code);
    pp_json_set_text(json, "state", state);
    pp_json_set_text(json, "ended", time_text);
    return json;
}

pp_status pp_ledger_finish(pp_ledger *ledger, int exit_code, pp_json *status, pp_error *err)
{
    pp_json *json = new_status(exit_code, exit_code == 0   ? "done"
                                          : exit_code == 1 ? "failures"
                                                           : "stopped");
    pp_json_set(json, "run", status);
    pp_json_set(json, "failures", list_failures(ledger));
    pp_status outcome = write_corpus(ledger, err);
    if (outcome == PP_OK) outcome = write_json(ledger, "status", json, err);
    pp_json_free(&json);
    if (outcome != PP_OK) return outcome;
    char *progress = pp_ledger_part_path(ledger, "progress", "json");
    const pp_fileops *ops = ledger->setup.ops;
    if (progress != NULL) (void)ops->unlink(ops->user, progress);
    pp_free(progress);
    return PP_OK;
}
