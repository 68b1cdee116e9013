#include "cluster/coordinator.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cluster/coordinator_internal.h"
#include "cluster/shards.h"
#include "cluster/signals.h"

/* A drain lets leases end that are expected to within this: launchers that warn (SIGUSR1 before a
 * time limit) warn a minute ahead. */
#define GRACE_S 20.0
/* Asked to stop at once, it waits so long for workers to let go: mpirun kills a second later. */
#define HASTE_S 0.4
/* All videos done, it waits so long for workers whose work is not needed any more. */
#define PATIENCE_S 10.0
/* Under a time limit, the run is drained so long before it. */
#define LIMIT_MARGIN_S 10.0

/* ---- create ------------------------------------------------------------------------------------
 */

static double end_of_time(const pp_coordinator_setup *setup)
{
    const pp_job *job = setup->job;
    double end_s = HUGE_VAL;
    if (job->time_limit_s > 0) end_s = setup->started_s + job->time_limit_s;
    if (job->end_unix_s > 0) {
        double batch_s = pp_clock_s() + job->end_unix_s - pp_clock_unix_s();
        if (batch_s < end_s) end_s = batch_s;
    }
    return end_s;
}

static pp_status add_video(pp_coordinator *c, const pp_record *record, size_t index, pp_error *err)
{
    const pp_input *input = record->input;
    char variant[128] = "";
    if (input->audio_track >= 0 || input->start_s != 0 || input->end_s != 0) {
        snprintf(variant, sizeof variant, "%d %.17g %.17g", input->audio_track, input->start_s,
                 input->end_s);
    }
    double known_s = record->duration_s;
    if (input->end_s > 0) known_s = input->end_s - input->start_s;
    pp_schedule_video video = {.size_bytes = input->size_bytes,
                               .windows = known_s > 0 ? known_s / pp_coordinator_window_s(c) : 0,
                               .variant = variant};
    c->record_of[c->video_count] = index;
    c->video_of[index] = (int64_t)c->video_count++;
    return pp_schedule_add(c->schedule, &video, err);
}

/* What cannot even be tried is recorded at once; the rest goes to the scheduler. */
static pp_status add_videos(pp_coordinator *c, pp_error *err)
{
    pp_ledger *ledger = c->setup.ledger;
    pp_status status = PP_OK;
    for (size_t i = 0; status == PP_OK && i < pp_ledger_count(ledger); i++) {
        pp_record *record = pp_ledger_record(ledger, i);
        c->video_of[i] = -1;
        if (record->state != PP_RECORD_TO_RUN) continue;
        if (record->input->problem == NULL) {
            status = add_video(c, record, i, err);
            continue;
        }
        pp_ledger_attempt(ledger, i, 0, PP_STAGE_PROBE, record->input->problem, 0);
        pp_display_clear(c->setup.display);
        pp_log_failure(PP_LOG_ERROR, NULL, record->input->problem);
        status = pp_ledger_failed(ledger, i, -1, err);
        if (status == PP_OK) {
            pp_coordinator_note_outcome(c, record, record->input->problem->status);
        }
    }
    return status;
}

static pp_status make_schedule(pp_coordinator *c, pp_error *err)
{
    pp_schedule_setup setup;
    pp_schedule_setup_default(&setup, c->setup.workers);
    setup.dead_after_s = c->setup.job->dead_after_s;
    c->end_s = end_of_time(&c->setup);
    setup.end_s = c->end_s - LIMIT_MARGIN_S;
    setup.single_lease_windows = c->setup.job->parameters.single_lease_windows;
    if (c->setup.workers == 1) setup.most_copies = 0;
    return pp_schedule_create(&c->schedule, &setup, err);
}

pp_status pp_coordinator_create(pp_coordinator **out, const pp_coordinator_setup *setup,
                                pp_error *err)
{
    pp_coordinator *c = pp_alloc(1, sizeof *c);
    *out = c;
    if (c == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the coordinator");
    c->setup = *setup;
    c->begun_s = pp_clock_s();
    size_t records = pp_ledger_count(setup->ledger);
    c->record_of = pp_alloc(records, sizeof *c->record_of);
    c->video_of = pp_alloc(records, sizeof *c->video_of);
    c->results = pp_alloc(records, sizeof(pp_lease_result *));
    c->littered = pp_alloc(records, 1);
    c->workers = pp_alloc((size_t)setup->workers, sizeof *c->workers);
    pp_status status = PP_OK;
    if (c->record_of == NULL || c->video_of == NULL || c->results == NULL || c->littered == NULL ||
        c->workers == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for %zu videos", records);
    }
    if (status == PP_OK) pp_coordinator_note_start(c);
    if (status == PP_OK) status = make_schedule(c, err);
    if (status == PP_OK) status = add_videos(c, err);
    if (status == PP_OK) status = pp_schedule_start(c->schedule, c->begun_s, err);
    if (status == PP_OK) status = pp_coordinator_act(c, err);
    if (status != PP_OK) pp_coordinator_destroy(out);
    return status;
}

void pp_coordinator_destroy(pp_coordinator **coordinator)
{
    pp_coordinator *c = *coordinator;
    if (c == NULL) return;
    pp_schedule_destroy(&c->schedule);
    for (size_t i = 0; c->results != NULL && i < c->video_count; i++) pp_free(c->results[i]);
    pp_free(c->results);
    pp_free(c->record_of);
    pp_free(c->video_of);
    pp_free(c->littered);
    pp_free(c->workers);
    PP_FREE(*coordinator);
}

/* ---- messages ----------------------------------------------------------------------------------
 */

static pp_record *record_of(pp_coordinator *c, int64_t video)
{
    return pp_ledger_record(c->setup.ledger, c->record_of[video]);
}

/* How many neighbours on either side a segment's listening needs seen, for all segments. */
static int64_t reach_of(const pp_coordinator *c, const pp_segments *cut)
{
    const pp_parameters *parameters = &c->setup.job->parameters;
    const pp_model_shape *shape = pp_model_get_shape(c->setup.model);
    int64_t reach = 0;
    for (int64_t s = 0; s < cut->segments; s++) {
        int64_t first = s, count = 1;
        pp_segment_needs(cut, parameters, shape, PP_STAGE_LISTEN, s, &first, &count);
        if (s - first > reach) reach = s - first;
        if (first + count - 1 - s > reach) reach = first + count - 1 - s;
    }
    return reach;
}

/* Keeps what a lease found out: the outcome of its video is made of it. */
static pp_status keep_result(pp_coordinator *c, const pp_task *task, const pp_lease_result *result,
                             pp_error *err)
{
    pp_lease_result **kept = &c->results[task->video];
    if (task->kind == PP_TASK_IDENTIFY) {
        memcpy(record_of(c, task->video)->sha256, result->sha256, PP_HASH_HEX);
        return PP_OK;
    }
    if (*kept == NULL) {
        *kept = pp_alloc(1, sizeof **kept);
        if (*kept == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a result");
        **kept = *result;
        return PP_OK;
    }
    if (task->kind != PP_TASK_STAGE || task->stage != PP_STAGE_PUBLISH) return PP_OK;
    pp_lease_result before = **kept;
    **kept = *result;
    if ((*kept)->cut.windows == 0) (*kept)->cut = before.cut;
    if (!((*kept)->duration_s > 0)) (*kept)->duration_s = before.duration_s;
    if ((*kept)->size_bytes == 0) {
        (*kept)->size_bytes = before.size_bytes;
        (*kept)->mtime_ns = before.mtime_ns;
    }
    memcpy((*kept)->sha256, before.sha256, sizeof before.sha256);
    return PP_OK;
}

static double windows_of(const pp_task *task, const pp_lease_result *result,
                         const pp_lease_result *video)
{
    if (result->already_done || task->kind == PP_TASK_IDENTIFY) return 0;
    if (task->kind == PP_TASK_WHOLE) {
        return result->stopped_after_probe ? 0 : (double)result->cut.windows;
    }
    if (task->stage != PP_STAGE_LISTEN || video == NULL || video->cut.segments < 1) return 0;
    return (double)video->cut.windows * (double)task->segments / (double)video->cut.segments;
}

/* How far a lease is, for the scheduler: one that is far slower than others goes to a second
 * worker. */
static pp_status take_progress(pp_coordinator *c, int worker, const pp_message *m, double now_s,
                               pp_error *err)
{
    double picture_s = c->setup.job->parameters.frame_interval_s;
    double windows[PP_STAGES] = {0};
    windows[PP_STAGE_SEE] = m->seen * picture_s / pp_coordinator_window_s(c);
    windows[PP_STAGE_LISTEN] = m->listened;
    return pp_schedule_progress(c->schedule, worker, m->lease, windows, now_s, err);
}

static void leave_lease(pp_coordinator *c, int worker)
{
    coordinator_worker *w = &c->workers[worker];
    w->lease = 0;
    w->windows = 0;
    w->since_s = pp_clock_s();
}

static void note_end(pp_coordinator *c, int worker, const pp_message *m, const char *what,
                     int counts)
{
    pp_json *details = pp_json_object();
    pp_json_set_int(details, "lease", (int64_t)m->lease);
    pp_json_set_int(details, "rank", worker + c->setup.first_rank);
    pp_json_set_real(details, "seconds", m->seconds);
    pp_json_set_bool(details, "counts", counts);
    if (m->kind == PP_MESSAGE_FAILED) {
        pp_json_set_text(details, "status", pp_status_name(m->error.status));
        pp_json_set_text(details, "stage", pp_stage_name(m->stage));
        pp_json_set_path(details, "reason", m->error.message);
    } else {
        pp_json *stages = pp_json_array();
        for (int s = 0; s < PP_STAGES; s++) pp_json_append_real(stages, m->result.stage_s[s]);
        pp_json_set(details, "stage_s", stages);
        if (m->result.already_done) pp_json_set_bool(details, "already_done", 1);
    }
    pp_ledger_event(c->setup.ledger, what, details);
}

static pp_status receive_finished(pp_coordinator *c, int worker, const pp_message *m, pp_error *err)
{
    pp_task task;
    int holder, counts = 0;
    c->io_failures = 0;
    leave_lease(c, worker);
    pp_status status = PP_OK;
    if (pp_schedule_find(c->schedule, m->lease, &task, &holder)) {
        const pp_lease_result *result = &m->result;
        status = keep_result(c, &task, result, err);
        if (status != PP_OK) return status;
        pp_task_result told = {.windows = (double)result->cut.windows,
                               .segments = result->cut.segments,
                               .stopped_after_probe = result->stopped_after_probe,
                               .already_done = result->already_done};
        if (told.stopped_after_probe) told.reach = reach_of(c, &result->cut);
        memcpy(told.sha256, result->sha256, sizeof told.sha256);
        memcpy(told.stage_s, result->stage_s, sizeof told.stage_s);
        double windows = windows_of(&task, result, c->results[task.video]);
        status = pp_schedule_finished(c->schedule, m->lease, &told, pp_clock_s(), &counts, err);
        if (counts) {
            c->computed_windows += windows;
            pp_ledger_record(c->setup.ledger, c->record_of[task.video])->work_s += m->seconds;
        }
    }
    note_end(c, worker, m, "finished", counts);
    return status;
}

static pp_status receive_failed(pp_coordinator *c, int worker, const pp_message *m, pp_error *err)
{
    pp_task task;
    int holder, counts = 0;
    leave_lease(c, worker);
    pp_status status = PP_OK;
    if (pp_schedule_find(c->schedule, m->lease, &task, &holder)) {
        int rank = worker + c->setup.first_rank;
        if (m->error.status != PP_ERR_INTERRUPTED) {
            pp_ledger_attempt(c->setup.ledger, c->record_of[task.video], rank, m->stage, &m->error,
                              m->seconds);
            c->io_failures = m->error.status == PP_ERR_IO ? c->io_failures + 1 : 0;
        }
        status =
            pp_schedule_failed(c->schedule, m->lease, m->error.status, pp_clock_s(), &counts, err);
    }
    note_end(c, worker, m, "failed", counts);
    return status;
}

pp_status pp_coordinator_receive(pp_coordinator *c, int worker, const pp_message *m, pp_error *err)
{
    double now_s = pp_clock_s();
    coordinator_worker *w = &c->workers[worker];
    pp_status status = pp_schedule_alive(c->schedule, worker, now_s, err);
    if (status != PP_OK) return status;
    switch (m->kind) {
    case PP_MESSAGE_ASKS:
        w->waiting = 1;
        w->since_s = w->told_s = now_s;
        leave_lease(c, worker);
        status = pp_schedule_asks(c->schedule, worker, now_s, err);
        break;
    case PP_MESSAGE_ALIVE:
        if (m->lease == w->lease) w->windows += m->windows;
        w->stage = m->stage;
        status = take_progress(c, worker, m, now_s, err);
        if (status == PP_OK && m->wants_stop && c->stopping == NULL) {
            status = pp_coordinator_drain(c, m->wants_stop > 1 ? 0 : GRACE_S,
                                          "a rank was asked to stop", err);
        }
        break;
    case PP_MESSAGE_FINISHED:
        status = receive_finished(c, worker, m, err);
        break;
    case PP_MESSAGE_FAILED:
        status = receive_failed(c, worker, m, err);
        break;
    default:
        return PP_OK; /* not for a coordinator */
    }
    return status != PP_OK ? status : pp_coordinator_act(c, err);
}

/* ---- time passes -------------------------------------------------------------------------------
 */

double pp_coordinator_time_left_s(const pp_coordinator *c, double now_s)
{
    return c->end_s - LIMIT_MARGIN_S - now_s;
}

static pp_status look_at_signals(pp_coordinator *c, double now_s, pp_error *err)
{
    pp_signals seen = pp_signals_seen();
    if (pp_run_lock_is_lost(c->setup.lock) && !c->hopeless) {
        c->hopeless = 1;
        return pp_coordinator_drain(c, 0, "another run has taken over", err);
    }
    if (seen.now && c->drained_now_s == 0) {
        c->drained_now_s = now_s;
        return pp_coordinator_drain(c, 0, "asked to stop at once", err);
    }
    if (c->stopping != NULL) return PP_OK;
    if (seen.drain) return pp_coordinator_drain(c, GRACE_S, "asked to stop", err);
    if (pp_coordinator_time_left_s(c, now_s) < 0) {
        return pp_coordinator_drain(c, 0, "the time limit is near", err);
    }
    return PP_OK;
}

/* Idle workers hear now and then that the coordinator lives; otherwise they would leave. */
static void reassure(pp_coordinator *c, double now_s)
{
    for (int i = 0; i < c->setup.workers; i++) {
        coordinator_worker *w = &c->workers[i];
        if (!w->waiting || now_s < w->told_s + c->setup.job->dead_after_s / 6) continue;
        pp_coordinator_say(c, i, &(pp_message){.kind = PP_MESSAGE_WAIT});
    }
}

static pp_status look_for_the_end(pp_coordinator *c, pp_error *err)
{
    pp_schedule_state state;
    pp_schedule_get_state(c->schedule, &state);
    if (state.workers_dead == c->setup.workers && !state.over && !c->hopeless) {
        c->hopeless = 1;
        return pp_coordinator_drain(c, 0, "all workers are lost", err);
    }
    if (state.done + state.failed == state.videos && c->settled_s == 0) {
        c->settled_s = pp_clock_s();
    }
    int most = 3 * c->setup.workers + 6;
    if (c->io_failures >= most && c->stopping == NULL) {
        c->hopeless = c->broken = 1;
        return pp_coordinator_drain(c, 0, "nothing can be read or written any more", err);
    }
    return PP_OK;
}

pp_status pp_coordinator_turn(pp_coordinator *c, pp_error *err)
{
    double now_s = pp_clock_s();
    pp_status status = look_at_signals(c, now_s, err);
    if (status == PP_OK && now_s >= c->tick_s + 0.25) {
        c->tick_s = now_s;
        status = pp_schedule_tick(c->schedule, now_s, err);
        if (status == PP_OK) status = look_for_the_end(c, err);
        if (status == PP_OK) status = pp_coordinator_act(c, err);
        reassure(c, now_s);
        pp_coordinator_show(c, now_s);
    }
    if (now_s >= c->progress_s + 5) {
        c->progress_s = now_s;
        pp_coordinator_write_progress(c, now_s);
    }
    return status;
}

int pp_coordinator_ranks_lost(const pp_coordinator *c)
{
    pp_schedule_state state;
    pp_schedule_get_state(c->schedule, &state);
    return state.workers_dead;
}

int pp_coordinator_is_over(const pp_coordinator *c)
{
    pp_schedule_state state;
    pp_schedule_get_state(c->schedule, &state);
    /* Everyone must have heard that it is over, those included who have yet to ask. */
    int all_told = state.workers_stopped + state.workers_dead == c->setup.workers;
    int settled = state.done + state.failed == state.videos && c->settled_s > 0 &&
                  pp_clock_s() > c->settled_s + PATIENCE_S;
    if (settled || (state.over && all_told) || (c->hopeless && state.workers_busy == 0)) return 1;
    return c->drained_now_s > 0 && pp_clock_s() > c->drained_now_s + HASTE_S;
}
