#include "cluster/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/ledger_internal.h"
#include "cluster/run_files.h"
#include "pipeline/relabel.h"

char *pp_ledger_path(const pp_ledger *ledger, const char *name)
{
    return pp_path_join(ledger->setup.job->out, name);
}

char *pp_ledger_part_path(const pp_ledger *ledger, const char *stem, const char *ending)
{
    char name[96];
    pp_run_file_name(name, sizeof name, stem, ending, ledger->setup.job->part,
                     ledger->setup.job->parts);
    return pp_ledger_path(ledger, name);
}

/* ---- unchanged? --------------------------------------------------------------------------------
 */

static int compare_row(const void *key, const void *element)
{
    const pp_input *input = key;
    const pp_corpus_row *row = element;
    int order = strcmp(input->path, row->source_path);
    return order != 0 ? order : strcmp(input->id, row->source_id);
}

/* Rows of the same path and id differ in the part they name: the keys tell which is meant. */
static const pp_corpus_row *first_row(const pp_ledger *ledger, const pp_input *input)
{
    if (ledger->old_count == 0) return NULL;
    const pp_corpus_row *row =
        bsearch(input, ledger->old, (size_t)ledger->old_count, sizeof *ledger->old, compare_row);
    while (row != NULL && row > ledger->old && compare_row(input, row - 1) == 0) row--;
    return row;
}

static pp_source source_of(const pp_input *input)
{
    return (pp_source){.path = input->path,
                       .id = input->id,
                       .audio_track = input->audio_track,
                       .start_s = input->start_s,
                       .end_s = input->end_s};
}

static int archive_is_there(const pp_ledger *ledger, const char *archive)
{
    char *path = pp_ledger_path(ledger, archive);
    int there = path != NULL && access(path, R_OK) == 0;
    pp_free(path);
    return there;
}

/* Everything but the labels is as wanted. The header of the archive has the last word. */
static int needs_only_labels(const pp_ledger *ledger, const pp_corpus_row *row,
                             char keys[PP_STAGES][PP_HASH_HEX])
{
    pp_archive *archive = NULL;
    pp_error ignored = {0};
    if (strcmp(keys[PP_STAGE_SEPARATE], row->stage_keys[PP_STAGE_SEPARATE]) != 0) return 0;
    char *path = pp_ledger_path(ledger, row->archive);
    int only = path != NULL &&
               pp_archive_open(&archive, ledger->setup.ops, path, &ignored) == PP_OK &&
               pp_only_labels_differ(pp_archive_get_header(archive), keys,
                                     ledger->setup.job->parameters.profile);
    pp_archive_close(&archive);
    pp_free(path);
    return only;
}

static pp_status take_row(pp_record *record, const pp_corpus_row *row, pp_error *err)
{
    record->state = PP_RECORD_UNCHANGED;
    record->why = "unchanged since it was done";
    memcpy(record->sha256, row->source_sha256, sizeof record->sha256);
    record->duration_s = row->duration_s;
    record->sources = row->sources;
    record->size_bytes = row->size_bytes;
    record->mtime_ns = row->mtime_ns;
    record->archive = pp_strdup(row->archive);
    return record->archive != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
}

/* Which networks run again: as pp_restore_see and pp_restore_listen decide when they come to it. */
static void find_what_is_kept(const pp_ledger *ledger, pp_record *record, const pp_corpus_row *row,
                              char keys[PP_STAGES][PP_HASH_HEX])
{
    record->why = "model or parameters have changed";
    if (ledger->setup.job->force) return;
    int heard = strcmp(keys[PP_STAGE_LISTEN], row->stage_keys[PP_STAGE_LISTEN]) == 0;
    record->sees = strcmp(keys[PP_STAGE_SEE], row->stage_keys[PP_STAGE_SEE]) != 0;
    record->hears = !heard || !row->has_maps;
    if (!record->sees && !record->hears) {
        record->why = "model or parameters have changed; see and listen are read back from its "
                      "archive, the stages behind them run";
    } else if (!record->sees && heard) {
        record->why = "model or parameters have changed; see is read back from its archive, listen "
                      "runs again, since it keeps no maps (--profile pixels does)";
    } else if (!record->sees) {
        record->why = "model or parameters have changed; see is read back from its archive";
    } else if (!record->hears) {
        record->why = "model or parameters have changed; listen is read back from its archive";
    }
}

static pp_status compare_with_corpus(pp_ledger *ledger, pp_record *record, pp_error *err)
{
    const pp_input *input = record->input;
    const pp_corpus_row *row = first_row(ledger, input);
    record->why = row == NULL ? "new" : "its source has changed";
    for (; row != NULL && row < ledger->old + ledger->old_count && compare_row(input, row) == 0;
         row++) {
        record->duration_s = row->duration_s; /* a fair guess for what it will take */
        if (row->size_bytes != input->size_bytes || row->mtime_ns != input->mtime_ns) continue;
        pp_source source = source_of(input);
        char keys[PP_STAGES][PP_HASH_HEX];
        pp_stage_keys(keys, row->source_sha256, &source, &ledger->setup.job->parameters,
                      ledger->setup.model);
        if (strcmp(keys[PP_STAGE_PUBLISH], row->stage_keys[PP_STAGE_PUBLISH]) != 0) {
            record->only_labels = !ledger->setup.job->force && needs_only_labels(ledger, row, keys);
            find_what_is_kept(ledger, record, row, keys);
            if (!record->only_labels) continue;
            record->why = "its labels alone: no decoding, no network, no separation";
            memcpy(record->sha256, row->source_sha256, sizeof record->sha256);
            return PP_OK;
        }
        record->why = "its archive is gone";
        if (archive_is_there(ledger, row->archive)) return take_row(record, row, err);
    }
    return PP_OK;
}

static pp_status sort_record(pp_ledger *ledger, pp_record *record, pp_error *err)
{
    const pp_job *job = ledger->setup.job;
    record->state = PP_RECORD_TO_RUN;
    record->sees = record->hears = 1;
    record->size_bytes = record->input->size_bytes;
    record->mtime_ns = record->input->mtime_ns;
    pp_status status = compare_with_corpus(ledger, record, err);
    if (status != PP_OK || !job->force || record->state != PP_RECORD_UNCHANGED) return status;
    record->state = PP_RECORD_TO_RUN;
    record->why = "--force";
    PP_FREE(record->archive);
    return PP_OK;
}

/* ---- create ------------------------------------------------------------------------------------
 */

static pp_status read_corpus(pp_ledger *ledger, pp_error *err)
{
    pp_error problem = {0};
    pp_status status = pp_corpus_read(ledger->setup.ops, ledger->setup.job->out, &ledger->old,
                                      &ledger->old_count, &problem);
    if (status == PP_ERR_NOMEM) return pp_fail(err, status, "%s", problem.message);
    if (status != PP_OK && status != PP_ERR_NOT_FOUND) {
        pp_log_failure(PP_LOG_WARN, "corpus.h5 is not used", &problem);
    }
    if (ledger->old_count > 0) {
        qsort(ledger->old, (size_t)ledger->old_count, sizeof *ledger->old, pp_corpus_compare);
    }
    return PP_OK;
}

static void find_parameters_key(pp_ledger *ledger)
{
    char keys[PP_STAGES][PP_HASH_HEX];
    pp_source nothing = {.path = "", .id = "", .audio_track = -1};
    pp_stage_keys(keys, "", &nothing, &ledger->setup.job->parameters, ledger->setup.model);
    memcpy(ledger->parameters_key, keys[PP_STAGE_PUBLISH], sizeof ledger->parameters_key);
}

static pp_status begin_writing(pp_ledger *ledger, pp_error *err)
{
    const pp_fileops *ops = ledger->setup.ops;
    pp_status status = pp_path_make_folders(ledger->setup.job->out, err);
    char *events = pp_ledger_part_path(ledger, "run", "jsonl");
    char *old_status = pp_ledger_part_path(ledger, "status", "json");
    if (status == PP_OK && (events == NULL || old_status == NULL)) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    }
    if (status == PP_OK && ops->unlink(ops->user, old_status) != 0 && errno != ENOENT) {
        status = pp_fail_errno(err, "cannot remove the old %s", old_status);
    }
    if (status == PP_OK) {
        ledger->events =
            ops->open(ops->user, events, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
        if (ledger->events < 0) status = pp_fail_errno(err, "cannot write %s", events);
    }
    pp_free(events);
    pp_free(old_status);
    if (status != PP_OK) pp_advise(err, "is the output folder writable, and is there space?");
    return status;
}

static pp_status leave_out(pp_ledger *ledger)
{
    for (size_t i = 0; ledger->setup.job->only_failed && i < ledger->count; i++) {
        pp_record *record = &ledger->records[i];
        if (record->failed_before) continue;
        if (record->state == PP_RECORD_TO_RUN) record->state = PP_RECORD_LEFT_OUT;
    }
    return PP_OK;
}

pp_status pp_ledger_create(pp_ledger **out, const pp_ledger_setup *setup, pp_error *err)
{
    pp_ledger *ledger = pp_alloc(1, sizeof *ledger);
    *out = ledger;
    if (ledger == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the ledger");
    ledger->setup = *setup;
    ledger->events = -1;
    ledger->count = setup->inputs->count;
    ledger->records = pp_alloc(ledger->count, sizeof *ledger->records);
    pp_status status = ledger->records != NULL
                           ? PP_OK
                           : pp_fail(err, PP_ERR_NOMEM, "no memory for %zu videos", ledger->count);
    find_parameters_key(ledger);
    if (status == PP_OK && !setup->job->dry_run) status = begin_writing(ledger, err);
    if (status == PP_OK) status = read_corpus(ledger, err);
    for (size_t i = 0; status == PP_OK && i < ledger->count; i++) {
        pp_record *record = &ledger->records[i];
        record->input = &setup->inputs->items[i];
        record->same_as = -1;
        pp_input_key(record->input, record->key);
        status = sort_record(ledger, record, err);
    }
    if (status == PP_OK) status = pp_ledger_recall_failures(ledger, err);
    if (status == PP_OK) status = leave_out(ledger);
    if (status != PP_OK) pp_ledger_destroy(out);
    return status;
}

void pp_ledger_destroy(pp_ledger **ledger)
{
    if (*ledger == NULL) return;
    for (size_t i = 0; (*ledger)->records != NULL && i < (*ledger)->count; i++) {
        pp_free((*ledger)->records[i].archive);
        pp_free((*ledger)->records[i].failure);
    }
    pp_free((*ledger)->records);
    pp_corpus_free(&(*ledger)->old, (*ledger)->old_count);
    const pp_fileops *ops = (*ledger)->setup.ops;
    if ((*ledger)->events >= 0) ops->close(ops->user, (*ledger)->events);
    PP_FREE(*ledger);
}

size_t pp_ledger_count(const pp_ledger *ledger)
{
    return ledger->count;
}

pp_record *pp_ledger_record(pp_ledger *ledger, size_t index)
{
    return &ledger->records[index];
}

/* ---- what happens ------------------------------------------------------------------------------
 */

void pp_ledger_event(pp_ledger *ledger, const char *name, pp_json *details)
{
    pp_json *line = pp_json_object();
    char time_text[40];
    pp_clock_utc_text(time_text, sizeof time_text);
    pp_json_set_text(line, "time", time_text);
    pp_json_set_text(line, "event", name);
    if (details != NULL) pp_json_set(line, "details", details);
    char *text = ledger->events >= 0 ? pp_json_dump(line, 0) : NULL;
    pp_json_free(&line);
    if (text == NULL) return;
    size_t length = strlen(text);
    text[length] = '\n'; /* in place of the NUL: one write a line, so that lines stay whole */
    const pp_fileops *ops = ledger->setup.ops;
    if (ops->pwrite(ops->user, ledger->events, text, length + 1, 0) < 0) { /* O_APPEND */
        pp_log(PP_LOG_WARN, "cannot write run.jsonl: %s", strerror(errno));
        ops->close(ops->user, ledger->events);
        ledger->events = -1;
    }
    pp_free(text);
}

void pp_ledger_attempt(pp_ledger *ledger, size_t index, int rank, pp_stage stage,
                       const pp_error *error, double seconds)
{
    pp_record *record = &ledger->records[index];
    if (record->failure == NULL) record->failure = pp_alloc(1, sizeof *record->failure);
    pp_failure *failure = record->failure;
    if (failure == NULL) return;
    failure->error = *error;
    failure->stage = stage;
    failure->attempts++;
    failure->seconds += seconds;
    if (failure->rank_count < PP_MOST_ATTEMPT_RANKS) {
        failure->ranks[failure->rank_count++] = rank;
    }
}

pp_status pp_ledger_done(pp_ledger *ledger, size_t index, const pp_lease_result *result,
                         int64_t same_as, pp_error *err)
{
    pp_record *record = &ledger->records[index];
    record->state = PP_RECORD_DONE;
    record->same_as = same_as;
    const pp_record *from = same_as >= 0 ? &ledger->records[same_as] : NULL;
    const char *archive = from != NULL ? from->archive : result->archive;
    pp_free(record->archive);
    record->archive = archive != NULL ? pp_strdup(archive) : NULL;
    if (record->archive == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    if (from != NULL) {
        memcpy(record->sha256, from->sha256, sizeof record->sha256);
        record->duration_s = from->duration_s;
        record->windows = from->windows;
        record->sources = from->sources;
    } else {
        memcpy(record->sha256, result->sha256, sizeof record->sha256);
        if (result->duration_s > 0) record->duration_s = result->duration_s;
        if (result->cut.windows > 0) record->windows = (double)result->cut.windows;
        record->sources = result->sources;
        record->computed = !result->already_done;
        if (result->size_bytes > 0) {
            record->size_bytes = result->size_bytes;
            record->mtime_ns = result->mtime_ns;
        }
    }
    PP_FREE(record->failure);
    if (record->failed_before) pp_ledger_forget_failure(ledger, record);
    return PP_OK;
}

pp_status pp_ledger_failed(pp_ledger *ledger, size_t index, int64_t same_as, pp_error *err)
{
    pp_record *record = &ledger->records[index];
    record->state = PP_RECORD_FAILED;
    record->same_as = same_as;
    if (record->failure == NULL) {
        record->failure = pp_alloc(1, sizeof *record->failure);
        if (record->failure == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a reason");
        const pp_record *from = same_as >= 0 ? &ledger->records[same_as] : NULL;
        if (from != NULL && from->failure != NULL) *record->failure = *from->failure;
        else pp_fail(&record->failure->error, PP_ERR_CRASH, "the ranks that worked on it died");
    }
    return pp_ledger_write_failure(ledger, record, err);
}

/* ---- sums --------------------------------------------------------------------------------------
 */

void pp_ledger_count_up(const pp_ledger *ledger, pp_ledger_totals *totals)
{
    *totals = (pp_ledger_totals){.videos = (int64_t)ledger->count};
    for (size_t i = 0; i < ledger->count; i++) {
        const pp_record *record = &ledger->records[i];
        switch (record->state) {
        case PP_RECORD_TO_RUN:
            totals->left++;
            break;
        case PP_RECORD_LEFT_OUT:
            totals->left_out++;
            break;
        case PP_RECORD_KNOWN_FAILURE:
        case PP_RECORD_FAILED:
            totals->failed++;
            break;
        case PP_RECORD_UNCHANGED:
        case PP_RECORD_DONE:
            totals->done++;
            totals->unchanged += !record->computed && record->same_as < 0;
            totals->duration_s += record->duration_s;
            totals->windows += record->windows;
            break;
        }
    }
}

int pp_ledger_too_many_failures(const pp_ledger *ledger, const pp_ledger_totals *totals)
{
    const pp_job *job = ledger->setup.job;
    double most = job->max_failures;
    if (job->max_failures_percent) most *= (double)totals->videos / 100;
    return (double)totals->failed > most;
}
