/* OUT/failed: one JSON file a failure (docs/formats/status.md). */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "cluster/ledger_internal.h"
#include "store/commit.h"

static char *failure_path(const pp_ledger *ledger, const pp_record *record)
{
    char name[64];
    snprintf(name, sizeof name, "failed/%s.json", record->key);
    return pp_ledger_path(ledger, name);
}

static pp_status status_of_name(const char *name)
{
    for (int status = PP_ERR_INTERNAL; status < PP_OK; status++) {
        if (strcmp(pp_status_name((pp_status)status), name) == 0) return (pp_status)status;
    }
    return PP_ERR_INTERNAL;
}

/* Failures that are the video's own: the same file would fail again. The others (a missing file, a
 * full disk) are looked at anew in every run. */
static int is_the_videos_own(pp_status status)
{
    return status == PP_ERR_MEDIA || status == PP_ERR_FORMAT || status == PP_ERR_CRASH ||
           status == PP_ERR_TIMEOUT || status == PP_ERR_LIMIT;
}

/* ---- writing -----------------------------------------------------------------------------------
 */

static void set_reproducer(pp_json *json, const pp_record *record)
{
    pp_media_options options = {.rate_hz = 11025,
                                .picture_size = 224,
                                .audio_track = record->input->audio_track,
                                .start_s = record->input->start_s,
                                .end_s = record->input->end_s};
    char *command = pp_media_reproducer(record->input->path, &options);
    pp_json_set_path(json, "reproduce", command != NULL ? command : "");
    pp_free(command);
}

static pp_json *describe(const pp_ledger *ledger, const pp_record *record)
{
    const pp_failure *failure = record->failure;
    const pp_input *input = record->input;
    pp_json *json = pp_json_object(), *ranks = pp_json_array();
    char time_text[40];
    pp_clock_utc_text(time_text, sizeof time_text);
    pp_json_set_text(json, "format", "pixelplayer-failure");
    pp_json_set_int(json, "version", 1);
    pp_json_set_text(json, "time", time_text);
    pp_json_set_path(json, "path", input->path);
    pp_json_set_text(json, "id", input->id);
    pp_json_set_int(json, "audio_track", input->audio_track);
    pp_json_set_real(json, "start_s", input->start_s);
    pp_json_set_real(json, "end_s", input->end_s);
    pp_json_set_text(json, "status", pp_status_name(failure->error.status));
    pp_json_set_path(json, "reason", failure->error.message);
    pp_json_set_path(json, "advice", failure->error.advice);
    pp_json_set_text(json, "stage", pp_stage_name(failure->stage));
    pp_json_set_int(json, "attempts", failure->attempts);
    for (int i = 0; i < failure->rank_count; i++) {
        pp_json_append_real(ranks, failure->ranks[i]);
    }
    pp_json_set(json, "ranks", ranks);
    pp_json_set_real(json, "seconds", failure->seconds);
    pp_json_set_text(json, "sha256", record->sha256);
    pp_json_set_int(json, "size_bytes", input->size_bytes);
    pp_json_set_int(json, "mtime_ns", input->mtime_ns);
    pp_json_set_text(json, "parameters_key", ledger->parameters_key);
    if (input->problem == NULL) set_reproducer(json, record);
    return json;
}

pp_status pp_ledger_write_failure(pp_ledger *ledger, const pp_record *record, pp_error *err)
{
    pp_json *json = describe(ledger, record);
    char *text = pp_json_dump(json, 2), *path = failure_path(ledger, record);
    pp_json_free(&json);
    pp_status status = text != NULL && path != NULL
                           ? pp_commit_bytes(ledger->setup.ops, path, text, strlen(text), err)
                           : pp_fail(err, PP_ERR_NOMEM, "no memory for the record of a failure");
    pp_free(text);
    pp_free(path);
    return status;
}

void pp_ledger_forget_failure(pp_ledger *ledger, const pp_record *record)
{
    char *path = failure_path(ledger, record);
    const pp_fileops *ops = ledger->setup.ops;
    if (path != NULL && ops->unlink(ops->user, path) != 0 && errno != ENOENT) {
        pp_log(PP_LOG_WARN, "cannot remove %s: %s", path, strerror(errno));
    }
    pp_free(path);
}

/* ---- reading -----------------------------------------------------------------------------------
 */

static int has_any(const pp_ledger *ledger)
{
    char *path = pp_ledger_path(ledger, "failed");
    DIR *folder = path != NULL ? opendir(path) : NULL;
    pp_free(path);
    if (folder == NULL) return 0;
    int any = 0;
    for (struct dirent *entry; !any && (entry = readdir(folder)) != NULL;) {
        any = entry->d_name[0] != '.';
    }
    closedir(folder);
    return any;
}

static pp_status take_failure(pp_record *record, const pp_json *json, pp_error *err)
{
    pp_failure *failure = pp_alloc(1, sizeof *failure);
    if (failure == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a reason");
    failure->error.status = status_of_name(pp_json_text(json, "status", ""));
    snprintf(failure->error.message, sizeof failure->error.message, "%s",
             pp_json_text(json, "reason", ""));
    snprintf(failure->error.advice, sizeof failure->error.advice, "%s",
             pp_json_text(json, "advice", ""));
    failure->attempts = (int)pp_json_int(json, "attempts", 1);
    failure->seconds = pp_json_real(json, "seconds", 0);
    record->failure = failure;
    record->state = PP_RECORD_KNOWN_FAILURE;
    record->why = "failed before, and nothing has changed (--only-failed tries again)";
    return PP_OK;
}

static pp_status recall(pp_ledger *ledger, pp_record *record, pp_error *err)
{
    pp_json *json = NULL;
    pp_error problem = {0};
    char *path = failure_path(ledger, record);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status read =
        pp_path_exists(path) ? pp_json_read_file(&json, path, &problem) : PP_ERR_NOT_FOUND;
    pp_free(path);
    if (read == PP_ERR_NOT_FOUND) return PP_OK;
    record->failed_before = 1;
    if (read != PP_OK) {
        pp_log_failure(PP_LOG_WARN, NULL, &problem);
        return PP_OK;
    }
    const pp_job *job = ledger->setup.job;
    const char *key = pp_json_text(json, "parameters_key", "");
    int stands = is_the_videos_own(status_of_name(pp_json_text(json, "status", ""))) &&
                 record->input->problem == NULL && !job->force && !job->only_failed &&
                 pp_json_int(json, "size_bytes", -1) == record->input->size_bytes &&
                 pp_json_int(json, "mtime_ns", -1) == record->input->mtime_ns &&
                 strcmp(key, ledger->parameters_key) == 0;
    pp_status status = PP_OK;
    if (record->state == PP_RECORD_TO_RUN) {
        record->why = job->only_failed ? "--only-failed" : "failed before; something has changed";
        if (stands) status = take_failure(record, json, err);
    }
    pp_json_free(&json);
    return status;
}

pp_status pp_ledger_recall_failures(pp_ledger *ledger, pp_error *err)
{
    if (!has_any(ledger)) return PP_OK;
    for (size_t i = 0; i < ledger->count; i++) {
        pp_status status = recall(ledger, &ledger->records[i], err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}
