/* How a run goes and how it went: the display, progress.json, status.json, the closing words. */
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/coordinator_internal.h"
#include "cluster/shards.h"

double pp_coordinator_window_s(const pp_coordinator *c)
{
    const pp_model_shape *shape = pp_model_get_shape(c->setup.model);
    int step = c->setup.job->parameters.window_step_frames;
    return (double)step * shape->hop_samples / shape->rate_hz;
}

typedef struct overview {
    pp_schedule_state schedule;
    pp_ledger_totals totals;
    double in_flight; /* windows done in leases that have not ended */
    double elapsed_s, times_real_time, left_s;
} overview;

static void look(const pp_coordinator *c, double now_s, overview *o)
{
    *o = (overview){0};
    pp_schedule_get_state(c->schedule, &o->schedule);
    pp_ledger_count_up(c->setup.ledger, &o->totals);
    for (int i = 0; i < c->setup.workers; i++) o->in_flight += c->workers[i].windows;
    o->elapsed_s = now_s - c->begun_s;
    double windows = c->computed_windows + o->in_flight;
    if (o->elapsed_s > 0) {
        o->times_real_time = windows * pp_coordinator_window_s(c) / o->elapsed_s;
    }
    int hands = c->setup.workers - o->schedule.workers_dead;
    o->left_s =
        windows > 0 || o->totals.left == 0 ? o->schedule.left_s / (hands > 0 ? hands : 1) : -1;
}

void pp_coordinator_show(pp_coordinator *c, double now_s)
{
    overview o;
    look(c, now_s, &o);
    pp_display_state state = {
        .videos = o.totals.videos - o.totals.left_out,
        .done = o.totals.done,
        .failed = o.totals.failed,
        .windows_done = o.schedule.windows_done + o.in_flight,
        .windows_total = o.schedule.windows_total,
        .times_real_time = o.times_real_time,
        .left_s = o.left_s,
        .workers = c->setup.workers,
        .workers_busy = o.schedule.workers_busy,
        .workers_dead = o.schedule.workers_dead,
        .doing = c->stopping != NULL ? "stopping" : NULL,
    };
    pp_display_update(c->setup.display, &state, now_s);
}

/* ---- JSON --------------------------------------------------------------------------------------
 */

static pp_json *videos_json(const pp_ledger_totals *totals)
{
    pp_json *videos = pp_json_object();
    pp_json_set_int(videos, "all", totals->videos);
    pp_json_set_int(videos, "done", totals->done);
    pp_json_set_int(videos, "unchanged", totals->unchanged);
    pp_json_set_int(videos, "failed", totals->failed);
    pp_json_set_int(videos, "left", totals->left);
    pp_json_set_int(videos, "left_out", totals->left_out);
    return videos;
}

static void set_common(const pp_coordinator *c, const overview *o, pp_json *json)
{
    const pp_model_identity *model = pp_model_get_identity(c->setup.model);
    pp_json *of = pp_json_object();
    pp_json_set_text(json, "program", "pp-cluster " PP_VERSION);
    pp_json_set_text(json, "host", c->setup.host);
    pp_json_set_int(json, "pid", getpid());
    pp_json_set_int(json, "ranks", c->setup.workers + c->setup.first_rank);
    pp_json_set_path(json, "job_file", c->setup.job->file);
    pp_json_set_real(json, "elapsed_s", o->elapsed_s);
    pp_json_set(json, "videos", videos_json(&o->totals));
    pp_json_set_real(json, "music_done_s", o->totals.duration_s);
    pp_json_set_real(json, "windows_computed", c->computed_windows + o->in_flight);
    pp_json_set_real(json, "times_real_time", o->times_real_time);
    pp_json_set_int(json, "ranks_lost", o->schedule.workers_dead);
    pp_json_set_text(of, "name", model->name);
    pp_json_set_text(of, "digest", model->digest);
    pp_json_set_bool(of, "untrained", model->untrained);
    pp_json_set(json, "model", of);
    pp_json_set_text(json, "kernels", pp_model_kernels(c->setup.model));
}

void pp_coordinator_note_start(pp_coordinator *c)
{
    const pp_model_identity *model = pp_model_get_identity(c->setup.model);
    pp_ledger_totals totals;
    pp_ledger_count_up(c->setup.ledger, &totals);
    pp_json *details = pp_json_object();
    pp_json_set_text(details, "program", "pp-cluster " PP_VERSION);
    pp_json_set_text(details, "host", c->setup.host);
    pp_json_set_int(details, "pid", getpid());
    pp_json_set_int(details, "ranks", c->setup.workers + c->setup.first_rank);
    pp_json_set_text(details, "model", model->digest);
    pp_json_set_text(details, "kernels", pp_model_kernels(c->setup.model));
    pp_json_set(details, "videos", videos_json(&totals));
    pp_ledger_event(c->setup.ledger, "start", details);
}

static pp_json *workers_json(const pp_coordinator *c, double now_s)
{
    pp_json *list = pp_json_array();
    for (int i = 0; i < c->setup.workers; i++) {
        const coordinator_worker *w = &c->workers[i];
        pp_json *entry = pp_json_object();
        pp_json_set_int(entry, "rank", i + c->setup.first_rank);
        pp_json_set_text(entry, "state", w->dead ? "lost" : w->lease != 0 ? "busy" : "idle");
        if (w->lease != 0) {
            const pp_record *record = pp_ledger_record(c->setup.ledger, c->record_of[w->video]);
            pp_json_set_path(entry, "path", record->input->path);
            pp_json_set_text(entry, "stage",
                             w->task.kind == PP_TASK_IDENTIFY ? "identify"
                                                              : pp_stage_name(w->stage));
            if (w->task.kind == PP_TASK_STAGE) {
                pp_json_set_int(entry, "first_segment", w->task.first_segment);
                pp_json_set_int(entry, "segments", w->task.segments);
            }
            pp_json_set_real(entry, "seconds", now_s - w->since_s);
        }
        pp_json_append(list, entry);
    }
    return list;
}

void pp_coordinator_write_progress(pp_coordinator *c, double now_s)
{
    overview o;
    look(c, now_s, &o);
    char time_text[40];
    pp_clock_utc_text(time_text, sizeof time_text);
    pp_json *json = pp_json_object();
    pp_json_set_text(json, "format", "pixelplayer-progress");
    pp_json_set_int(json, "version", 1);
    pp_json_set_text(json, "state", c->stopping != NULL ? "stopping" : "running");
    pp_json_set_text(json, "updated", time_text);
    pp_json_set_real(json, "updated_unix_s", pp_clock_unix_s());
    set_common(c, &o, json);
    pp_json_set_real(json, "windows_done", o.schedule.windows_done + o.in_flight);
    pp_json_set_real(json, "windows_total", o.schedule.windows_total);
    pp_json_set_real(json, "left_s", o.left_s);
    pp_json_set(json, "workers", workers_json(c, now_s));
    pp_ledger_write_progress(c->setup.ledger, json);
    pp_json_free(&json);
}

/* ---- the end -----------------------------------------------------------------------------------
 */

static int exit_code_of(const pp_coordinator *c, const overview *o)
{
    if (c->broken) return 1;
    if (o->totals.left > 0) return 75;
    return pp_ledger_too_many_failures(c->setup.ledger, &o->totals) ? 1 : 0;
}

static void sweep(const pp_coordinator *c)
{
    if (c->setup.job->parameters.keep_shards) return;
    for (size_t v = 0; v < c->video_count; v++) {
        const pp_record *record = pp_ledger_record(c->setup.ledger, c->record_of[v]);
        if (!c->littered[v] || record->state != PP_RECORD_DONE) continue;
        const pp_input *input = record->input;
        pp_source source = {.path = input->path,
                            .audio_track = input->audio_track,
                            .start_s = input->start_s,
                            .end_s = input->end_s};
        char identity[PP_HASH_HEX];
        pp_source_identity(identity, record->sha256, &source);
        pp_shards_sweep(c->setup.job->out, identity);
    }
}

static void say_goodbye(const pp_coordinator *c, const overview *o, int exit_code)
{
    char music[40], time_text[40], speed[64] = "", unchanged[64] = "", failed[256] = "";
    const pp_ledger_totals *t = &o->totals;
    pp_clock_duration_text(t->duration_s, music, sizeof music);
    pp_clock_duration_text(o->elapsed_s, time_text, sizeof time_text);
    if (c->computed_windows > 0) {
        snprintf(speed, sizeof speed, ", %.1f times real time", o->times_real_time);
    }
    if (t->unchanged > 0) {
        snprintf(unchanged, sizeof unchanged, " (%lld of them before)", (long long)t->unchanged);
    }
    if (t->failed > 0) {
        snprintf(failed, sizeof failed, ", %lld failed (reasons in %s/failed)",
                 (long long)t->failed, c->setup.job->out);
    }
    pp_log(exit_code == 0 ? PP_LOG_INFO : PP_LOG_WARN,
           "%lld of %lld videos done%s%s: %s of music; this run took %s%s", (long long)t->done,
           (long long)(t->videos - t->left_out), unchanged, failed, music, time_text, speed);
    if (exit_code == 75 && c->stopping == NULL && o->schedule.out_of_time) {
        pp_log(PP_LOG_WARN, "what is left would not end before the time limit");
    }
    if (exit_code == 75) {
        pp_log(PP_LOG_WARN, "%lld videos are left: run the same line again (status 75)",
               (long long)t->left);
    }
}

pp_status pp_coordinator_finish(pp_coordinator *c, int *exit_code, pp_error *err)
{
    overview o;
    look(c, pp_clock_s(), &o);
    if (pp_run_lock_is_lost(c->setup.lock)) { /* what is left to write is the other's */
        return pp_fail(err, PP_ERR_BUSY, "another run has taken over %s", c->setup.job->out);
    }
    *exit_code = exit_code_of(c, &o);
    sweep(c);
    pp_json *run = pp_json_object(), *costs = pp_json_object();
    set_common(c, &o, run);
    pp_json_set_int(run, "leases", o.schedule.leases);
    pp_json_set_int(run, "copies", o.schedule.copies);
    pp_json_set_int(run, "leases_lost", o.schedule.lost);
    if (c->stopping != NULL) pp_json_set_text(run, "stopped_because", c->stopping);
    if (o.schedule.out_of_time) pp_json_set_bool(run, "out_of_time", 1);
    for (int stage = 0; stage < PP_STAGES; stage++) {
        pp_json_set_real(costs, pp_stage_name((pp_stage)stage),
                         pp_costs_window_s(pp_schedule_costs(c->schedule), stage));
    }
    pp_json_set(run, "window_costs_s", costs);
    pp_json *end = pp_json_object();
    pp_json_set_int(end, "status", *exit_code);
    pp_ledger_event(c->setup.ledger, "end", end);
    pp_status status = pp_ledger_finish(c->setup.ledger, *exit_code, run, err);
    pp_display_clear(c->setup.display);
    if (status == PP_OK) say_goodbye(c, &o, *exit_code);
    return status;
}
