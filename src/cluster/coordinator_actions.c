/* What the scheduler decided, carried out. */
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "cluster/coordinator_internal.h"

void pp_coordinator_say(pp_coordinator *c, int worker, const pp_message *message)
{
    coordinator_worker *w = &c->workers[worker];
    if (w->dead) return; /* a send to the dead may block for ever */
    w->told_s = pp_clock_s();
    c->setup.send(c->setup.user, worker, message);
}

static const char *kind_name(pp_task_kind kind)
{
    return kind == PP_TASK_IDENTIFY ? "identify" : kind == PP_TASK_WHOLE ? "whole" : "stage";
}

static void note_lease(pp_coordinator *c, const pp_action *action)
{
    const pp_task *task = &action->task;
    const pp_record *record = pp_ledger_record(c->setup.ledger, c->record_of[task->video]);
    pp_json *details = pp_json_object();
    pp_json_set_int(details, "lease", (int64_t)task->lease);
    pp_json_set_int(details, "rank", action->worker + c->setup.first_rank);
    pp_json_set_text(details, "video", record->key);
    pp_json_set_text(details, "kind", kind_name(task->kind));
    if (task->kind == PP_TASK_STAGE) {
        pp_json_set_text(details, "stage", pp_stage_name(task->stage));
        pp_json_set_int(details, "first_segment", task->first_segment);
        pp_json_set_int(details, "segments", task->segments);
    }
    if (task->copy) pp_json_set_bool(details, "copy", 1);
    pp_json_set_real(details, "expected_s", task->expected_s);
    pp_ledger_event(c->setup.ledger, "lease", details);
}

static void give(pp_coordinator *c, const pp_action *action)
{
    const pp_task *task = &action->task;
    const pp_record *record = pp_ledger_record(c->setup.ledger, c->record_of[task->video]);
    const pp_input *input = record->input;
    const pp_lease_result *known = c->results[task->video];
    pp_message m = {.kind = PP_MESSAGE_LEASE,
                    .lease = task->lease,
                    .task = task->kind,
                    .work = {.source = {.path = input->path,
                                        .id = input->id,
                                        .audio_track = input->audio_track,
                                        .start_s = input->start_s,
                                        .end_s = input->end_s},
                             .first_stage = PP_STAGE_PROBE,
                             .last_stage = PP_STAGE_PUBLISH,
                             .force = c->setup.job->force}};
    memcpy(m.work.sha256, known != NULL ? known->sha256 : record->sha256, PP_HASH_HEX);
    if (task->kind == PP_TASK_STAGE) {
        m.work.first_stage = m.work.last_stage = task->stage;
        m.work.first_segment = task->first_segment;
        m.work.segments = task->segments;
    }
    coordinator_worker *w = &c->workers[action->worker];
    w->waiting = 0;
    w->lease = task->lease;
    w->video = task->video;
    w->task = *task;
    w->stage = m.work.first_stage;
    w->windows = 0;
    w->since_s = pp_clock_s();
    if (task->copy) c->littered[task->video] = 1;
    note_lease(c, action);
    pp_coordinator_say(c, action->worker, &m);
}

static void bury(pp_coordinator *c, int worker)
{
    coordinator_worker *w = &c->workers[worker];
    int rank = worker + c->setup.first_rank;
    pp_json *details = pp_json_object();
    pp_json_set_int(details, "rank", rank);
    pp_ledger_event(c->setup.ledger, "dead", details);
    pp_display_clear(c->setup.display);
    pp_log(PP_LOG_WARN, "rank %d was not heard of for %.0f s: its work goes to others", rank,
           c->setup.job->dead_after_s);
    if (w->lease != 0) c->littered[w->video] = 1;
    w->dead = 1;
    w->waiting = 0;
    w->lease = 0;
}

/* ---- outcomes ----------------------------------------------------------------------------------
 */

void pp_coordinator_note_outcome(pp_coordinator *c, const pp_record *record, pp_status outcome)
{
    pp_json *details = pp_json_object();
    pp_json_set_text(details, "video", record->key);
    pp_json_set_path(details, "path", record->input->path);
    if (*record->input->id) pp_json_set_text(details, "id", record->input->id);
    pp_json_set_text(details, "status", pp_status_name(outcome));
    if (outcome == PP_OK) {
        pp_json_set_text(details, "archive", record->archive);
        pp_json_set_real(details, "duration_s", record->duration_s);
        pp_json_set_real(details, "work_s", record->work_s);
    } else pp_json_set_path(details, "reason", record->failure->error.message);
    if (record->same_as >= 0) {
        const pp_record *other = pp_ledger_record(c->setup.ledger, (size_t)record->same_as);
        pp_json_set_text(details, "same_as", other->key);
    }
    pp_ledger_event(c->setup.ledger, "outcome", details);
}

static void log_failure(pp_coordinator *c, const pp_record *record)
{
    const pp_failure *failure = record->failure;
    pp_display_clear(c->setup.display);
    int named = strstr(failure->error.message, record->input->path) != NULL;
    pp_log_failure(PP_LOG_ERROR, named ? NULL : record->input->path, &failure->error);
}

static pp_status settle(pp_coordinator *c, const pp_action *action, pp_error *err)
{
    size_t index = c->record_of[action->video];
    pp_record *record = pp_ledger_record(c->setup.ledger, index);
    const pp_lease_result *result = c->results[action->video];
    int64_t same_as = action->same_as >= 0 ? (int64_t)c->record_of[action->same_as] : -1;
    pp_status status;
    if (action->status == PP_OK) {
        if (same_as < 0 && result == NULL) {
            return pp_fail(err, PP_ERR_INTERNAL, "%s ended without a result", record->input->path);
        }
        status = pp_ledger_done(c->setup.ledger, index, result, same_as, err);
        if (status == PP_OK && record->computed) c->computed_media_s += record->duration_s;
    } else {
        status = pp_ledger_failed(c->setup.ledger, index, same_as, err);
        if (status == PP_OK) log_failure(c, record);
    }
    if (status != PP_OK) return status;
    pp_coordinator_note_outcome(c, record, action->status);
    PP_FREE(c->results[action->video]);
    return PP_OK;
}

/* corpus.h5 and the catalogue: every archive is opened, on a store that may be slow. */
static int closing_s(const pp_coordinator *c)
{
    return (int)(0.1 * (double)pp_ledger_count(c->setup.ledger));
}

pp_status pp_coordinator_act(pp_coordinator *c, pp_error *err)
{
    pp_action action;
    pp_status status = PP_OK;
    while (status == PP_OK && pp_schedule_next_action(c->schedule, &action)) {
        pp_message m = {.lease = action.task.lease};
        switch (action.kind) {
        case PP_ACTION_GIVE:
            give(c, &action);
            break;
        case PP_ACTION_CANCEL:
            c->littered[action.task.video] = 1;
            m.kind = PP_MESSAGE_CANCEL;
            pp_coordinator_say(c, action.worker, &m);
            break;
        case PP_ACTION_STOP:
            c->workers[action.worker].waiting = 0;
            m.kind = PP_MESSAGE_STOP;
            m.lease = (uint64_t)pp_coordinator_ranks_lost(c);
            m.closing_s = closing_s(c);
            pp_coordinator_say(c, action.worker, &m);
            break;
        case PP_ACTION_DEAD:
            bury(c, action.worker);
            break;
        case PP_ACTION_OUTCOME:
            status = settle(c, &action, err);
            break;
        }
    }
    return status;
}

pp_status pp_coordinator_drain(pp_coordinator *c, double grace_s, const char *why, pp_error *err)
{
    double left_s = pp_coordinator_time_left_s(c, pp_clock_s());
    if (grace_s > left_s) grace_s = left_s > 0 ? left_s : 0;
    c->stopping = why;
    pp_display_clear(c->setup.display);
    pp_log(PP_LOG_WARN, "stopping: %s; what is done stays done", why);
    pp_json *details = pp_json_object();
    pp_json_set_text(details, "why", why);
    pp_json_set_real(details, "grace_s", grace_s);
    pp_ledger_event(c->setup.ledger, "drain", details);
    pp_status status = pp_schedule_drain(c->schedule, pp_clock_s(), grace_s, err);
    return status != PP_OK ? status : pp_coordinator_act(c, err);
}
