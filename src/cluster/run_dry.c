/* --dry-run: what would run, why, and what it would take. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/ledger.h"
#include "cluster/run.h"
#include "schedule/costs.h"

typedef struct estimate {
    int64_t to_run, unchanged, known_failures, impossible, left_out;
    double windows; /* of those to run */
    double guessed; /* of these, guessed from file sizes */
    double core_s, bytes;
} estimate;

/* Costs by what the last run in this output folder learned. */
static void learn_costs(pp_costs *costs, const char *out)
{
    pp_error ignored = {0};
    pp_json *status = NULL;
    char *path = pp_path_join(out, "status.json");
    pp_costs_default(costs);
    if (path != NULL && pp_path_exists(path) &&
        pp_json_read_file(&status, path, &ignored) == PP_OK) {
        const pp_json *known = pp_json_get(pp_json_get(status, "run"), "window_costs_s");
        for (int s = 0; known != NULL && s < PP_STAGES; s++) {
            double each = pp_json_real(known, pp_stage_name((pp_stage)s), 0);
            if (each > 0) costs->window_s[s] = each;
        }
    }
    pp_json_free(&status);
    pp_free(path);
}

/* Bytes of archive a window of sound takes: stems, mixture and residual as float32, features and
 * energies, and the maps where they are kept (1.7 GB an hour; about half after compression). */
static double archive_bytes(const pp_run *run, double windows, double window_s)
{
    const pp_model_shape *shape = pp_model_get_shape(run->model);
    const pp_parameters *p = &run->job->parameters;
    double seconds = windows * window_s, cells = (double)shape->grid * shape->grid;
    double sounds = seconds * shape->rate_hz * 4 * (2 + 0.5 * p->most_sources);
    double frames = seconds / p->frame_interval_s * (cells * shape->components * 4 + 112 * 112 * 3);
    double maps = 0;
    if (p->profile == PP_PROFILE_PIXELS) {
        maps = windows * shape->components * shape->log_rows * shape->window_frames * 0.5;
    }
    return 0.8 * (sounds + frames) + windows * cells * 5 + maps;
}

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

static void add_up(const pp_run *run, const pp_record *record, const pp_costs *costs,
                   double window_s, estimate *e)
{
    if (record->input->problem != NULL) e->impossible++;
    else if (record->state == PP_RECORD_UNCHANGED) e->unchanged++;
    else if (record->state == PP_RECORD_KNOWN_FAILURE) e->known_failures++;
    else if (record->state == PP_RECORD_LEFT_OUT) e->left_out++;
    double windows = 0;
    int runs = record->state == PP_RECORD_TO_RUN && record->input->problem == NULL;
    if (runs) {
        const pp_input *input = record->input;
        double known_s = input->end_s > 0 ? input->end_s - input->start_s : record->duration_s;
        windows = known_s > 0 ? known_s / window_s
                              : (double)input->size_bytes / pp_costs_window_bytes(costs);
        if (windows < 1) windows = 1;
        e->to_run++;
        e->windows += windows;
        if (!(known_s > 0)) e->guessed += windows;
        e->core_s += windows * pp_costs_all_window_s(costs);
        e->bytes += archive_bytes(run, windows, window_s);
    }
    if (!run->job->explain) return;
    printf("%-10s  %s  --  %s", word_of(record), record->input->path, explain(record));
    if (runs) {
        char core[40], bytes[40];
        pp_clock_duration_text(windows * pp_costs_all_window_s(costs), core, sizeof core);
        pp_text_bytes((uint64_t)archive_bytes(run, windows, window_s), bytes, sizeof bytes);
        printf("; about %s on one core, %s", core, bytes);
    }
    printf("\n");
}

static void print_text(const estimate *e, double window_s)
{
    char music[40], core[40], bytes[40];
    pp_clock_duration_text(e->windows * window_s, music, sizeof music);
    pp_clock_duration_text(e->core_s, core, sizeof core);
    pp_text_bytes((uint64_t)e->bytes, bytes, sizeof bytes);
    printf("%" PRId64 " videos would run: about %s of music%s, %s on one core (%.2f core-hours), "
           "%s of archives\n",
           e->to_run, music, e->guessed > 0 ? " (guessed from file sizes)" : "", core,
           e->core_s / 3600, bytes);
    if (e->unchanged > 0) printf("%" PRId64 " are done and unchanged\n", e->unchanged);
    if (e->known_failures > 0) {
        printf("%" PRId64 " failed before and have not changed (--only-failed tries again)\n",
               e->known_failures);
    }
    if (e->impossible > 0) printf("%" PRId64 " cannot run (--explain says why)\n", e->impossible);
    if (e->left_out > 0) printf("%" PRId64 " are left out by --only-failed\n", e->left_out);
}

static void print_json(const estimate *e, double window_s)
{
    pp_json *json = pp_json_object();
    pp_json_set_int(json, "to_run", e->to_run);
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
    pp_ledger_setup books = {.job = run->job,
                             .inputs = run->inputs,
                             .model = run->model,
                             .ops = pp_fileops_system(),
                             .ranks = 1};
    pp_status status = pp_ledger_create(&ledger, &books, err);
    if (status != PP_OK) return status;
    const pp_model_shape *shape = pp_model_get_shape(run->model);
    double window_s =
        (double)run->job->parameters.window_step_frames * shape->hop_samples / shape->rate_hz;
    pp_costs costs;
    learn_costs(&costs, run->job->out);
    estimate e = {0};
    for (size_t i = 0; i < pp_ledger_count(ledger); i++) {
        add_up(run, pp_ledger_record(ledger, i), &costs, window_s, &e);
    }
    if (run->job->log_form == PP_LOG_JSON) print_json(&e, window_s);
    else print_text(&e, window_s);
    pp_ledger_destroy(&ledger);
    return PP_OK;
}
