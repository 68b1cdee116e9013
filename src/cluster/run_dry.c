/* --dry-run: what would run, why, and what it would take. */
#include <inttypes.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "cluster/estimate.h"
#include "cluster/run.h"

typedef struct sums {
    int64_t to_run, only_labels, unchanged, known_failures, impossible, left_out;
    double windows; /* of those to run */
    double guessed; /* of these, guessed from file sizes */
    double core_s, bytes;
} sums;

static const char *explain(const pp_record *record)
{
    if (record->input->problem != NULL) return record->input->problem->message;
    return record->why != NULL ? record->why : "";
}

static const char *word_of(const pp_record *record)
{
    if (record->input->problem != NULL) return "cannot run";
    switch (record->state) {
    case PP_RECORD_TO_RUN:
        return "runs";
    case PP_RECORD_UNCHANGED:
        return "is done";
    case PP_RECORD_LEFT_OUT:
        return "left out";
    default:
        return "failed";
    }
}

static void add_up(const pp_run *run, const pp_record *record, const pp_estimate *each, sums *e)
{
    if (record->input->problem != NULL) e->impossible++;
    else if (record->state == PP_RECORD_UNCHANGED) e->unchanged++;
    else if (record->state == PP_RECORD_KNOWN_FAILURE) e->known_failures++;
    else if (record->state == PP_RECORD_LEFT_OUT) e->left_out++;
    double windows = 0;
    if (pp_estimate_runs(record)) {
        int guessed;
        windows = pp_estimate_windows(each, record, &guessed);
        e->to_run++;
        e->only_labels += record->only_labels;
        e->windows += windows;
        if (guessed) e->guessed += windows;
        e->core_s += windows * pp_estimate_window_s(each, record);
        e->bytes += windows * each->archive_bytes;
    }
    if (!run->job->explain) return;
    printf("%-10s  %s  --  %s", word_of(record), record->input->path, explain(record));
    if (windows > 0) {
        char core[40], bytes[40];
        pp_clock_duration_text(windows * pp_estimate_window_s(each, record), core, sizeof core);
        pp_text_bytes((uint64_t)(windows * each->archive_bytes), bytes, sizeof bytes);
        printf("; about %s on one core, %s", core, bytes);
    }
    printf("\n");
}

static void print_text(const sums *e, double window_s)
{
    char music[40], core[40], bytes[40];
    pp_clock_duration_text(e->windows * window_s, music, sizeof music);
    pp_clock_duration_text(e->core_s, core, sizeof core);
    pp_text_bytes((uint64_t)e->bytes, bytes, sizeof bytes);
    printf("%" PRId64 " videos would run: about %s of music%s, %s on one core (%.2f core-hours), "
           "%s of archives\n",
           e->to_run, music, e->guessed > 0 ? " (guessed from file sizes)" : "", core,
           e->core_s / 3600, bytes);
    if (e->only_labels > 0) {
        printf("of %" PRId64 " of them only the labels: their archives are written anew\n",
               e->only_labels);
    }
    if (e->unchanged > 0) printf("%" PRId64 " are done and unchanged\n", e->unchanged);
    if (e->known_failures > 0) {
        printf("%" PRId64 " failed before and have not changed (--only-failed tries again)\n",
               e->known_failures);
    }
    if (e->impossible > 0) printf("%" PRId64 " cannot run (--explain says why)\n", e->impossible);
    if (e->left_out > 0) printf("%" PRId64 " are left out by --only-failed\n", e->left_out);
}

static void print_space(const pp_run *run, pp_ledger *ledger)
{
    pp_space space;
    char shards[40], room[40];
    pp_space_look(&space, run, ledger, 1);
    if (space.free_bytes < 0) return; /* no output folder yet */
    pp_text_bytes((uint64_t)space.shard_bytes, shards, sizeof shards);
    pp_text_bytes((uint64_t)space.free_bytes, room, sizeof room);
    printf("partial results take up to %s a worker meanwhile; %s are free there\n", shards, room);
}

static void print_json(const sums *e, double window_s)
{
    pp_json *json = pp_json_object();
    pp_json_set_int(json, "to_run", e->to_run);
    pp_json_set_int(json, "only_labels", e->only_labels);
    pp_json_set_int(json, "unchanged", e->unchanged);
    pp_json_set_int(json, "failed_before", e->known_failures);
    pp_json_set_int(json, "cannot_run", e->impossible);
    pp_json_set_int(json, "left_out", e->left_out);
    pp_json_set_real(json, "music_s", e->windows * window_s);
    pp_json_set_real(json, "music_guessed_s", e->guessed * window_s);
    pp_json_set_real(json, "core_s", e->core_s);
    pp_json_set_real(json, "bytes", e->bytes);
    char *text = pp_json_dump(json, 0);
    if (text != NULL) printf("%s\n", text);
    pp_free(text);
    pp_json_free(&json);
}

pp_status pp_run_dry(const pp_run *run, pp_error *err)
{
    pp_ledger *ledger = NULL;
    pp_ledger_setup books = {
        .job = run->job, .inputs = run->inputs, .model = run->model, .ops = run->ops, .ranks = 1};
    pp_status status = pp_ledger_create(&ledger, &books, err);
    if (status != PP_OK) return status;
    pp_estimate each;
    pp_estimate_begin(&each, run->job, run->model);
    sums e = {0};
    for (size_t i = 0; i < pp_ledger_count(ledger); i++) {
        add_up(run, pp_ledger_record(ledger, i), &each, &e);
    }
    if (run->job->log_form == PP_LOG_JSON) print_json(&e, each.window_s);
    else print_text(&e, each.window_s);
    if (run->job->log_form != PP_LOG_JSON && e.to_run > 0) print_space(run, ledger);
    pp_ledger_destroy(&ledger);
    return PP_OK;
}
