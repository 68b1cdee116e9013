/* Long videos: which segments of which stage are ready, out and done. */
#include <string.h>

#include "base/memory.h"
#include "schedule/internal.h"

#define MOST_SEGMENTS 10000000

static const int stage_order[] = {PP_STAGE_PUBLISH, PP_STAGE_SEPARATE, PP_STAGE_CAST,
                                  PP_STAGE_LISTEN, PP_STAGE_SEE};

int pp_sched_cut_is_whole_stage(int stage)
{
    return stage == PP_STAGE_CAST || stage == PP_STAGE_PUBLISH || stage == PP_STAGE_PROBE;
}

static double task_windows(const cut *c, int stage)
{
    return pp_sched_cut_is_whole_stage(stage) ? c->segment_windows * (double)c->segments
                                              : c->segment_windows;
}

static void set_ready(cut *c, int stage, int64_t segment)
{
    c->state[stage][segment] = TASK_READY;
    c->ready[stage]++;
    if (segment < c->first[stage]) c->first[stage] = segment;
}

static cut *cut_create(int64_t segments)
{
    cut *c = pp_alloc(1, sizeof *c);
    if (c == NULL) return NULL;
    c->segments = segments;
    size_t all = 0;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        c->count[stage] = pp_sched_cut_is_whole_stage(stage) ? 1 : segments;
        c->left[stage] = stage == PP_STAGE_PROBE ? 0 : c->count[stage];
        all += (size_t)c->count[stage];
    }
    c->memory = pp_alloc(all, 3);
    c->bytes = 3 * all + sizeof *c;
    if (c->memory == NULL) {
        pp_sched_cut_destroy(&c);
        return NULL;
    }
    uint8_t *at = c->memory;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        c->state[stage] = at;
        c->attempts[stage] = at + c->count[stage];
        c->deaths[stage] = at + 2 * c->count[stage];
        at += 3 * c->count[stage];
    }
    c->state[PP_STAGE_PROBE][0] = TASK_DONE;
    return c;
}

void pp_sched_cut_destroy(cut **c)
{
    if (*c == NULL) return;
    pp_free((*c)->memory);
    PP_FREE(*c);
}

pp_status pp_sched_cut_begin(pp_schedule *schedule, int64_t index, const pp_task_result *result,
                             pp_error *err)
{
    video *v = &schedule->videos[index];
    if (result->segments < 1 || result->segments > MOST_SEGMENTS || !(result->windows > 0) ||
        result->reach < 0) {
        return pp_fail(err, PP_ERR_INTERNAL, "a video of %lld segments and %g windows",
                       (long long)result->segments, result->windows);
    }
    cut *c = cut_create(result->segments);
    if (c == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the segments of a video");
    pp_heap_remove(&schedule->ready, index);
    pp_sched_video_account(schedule, v, -1);
    c->segment_windows = result->windows / (double)result->segments;
    c->reach = result->reach < result->segments ? result->reach : result->segments;
    v->windows = result->windows;
    v->known = 1;
    v->cut = c;
    v->state = VIDEO_CUT;
    schedule->cut_bytes += c->bytes;
    schedule->known_windows += result->windows;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        schedule->left_windows[stage] += task_windows(c, stage) * (double)c->left[stage];
    }
    for (int64_t s = 0; s < c->segments; s++) set_ready(c, PP_STAGE_SEE, s);
    c->first[PP_STAGE_SEE] = 0;
    return pp_sched_cut_place(schedule, index, err);
}

double pp_sched_cut_chain_s(const pp_schedule *schedule, const cut *c)
{
    double chain = 0;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        if (c->left[stage] == 0) continue;
        chain += schedule->costs.lease_s +
                 task_windows(c, stage) * pp_costs_window_s(&schedule->costs, stage);
    }
    return chain;
}

int pp_sched_cut_ready_stage(const cut *c)
{
    for (size_t i = 0; i < sizeof stage_order / sizeof *stage_order; i++) {
        if (c->ready[stage_order[i]] > 0) return stage_order[i];
    }
    return -1;
}

void pp_sched_cut_take(cut *c, int stage, int64_t most, int64_t *first, int64_t *count)
{
    int64_t at = c->first[stage], end = c->count[stage];
    const uint8_t *state = c->state[stage];
    while (at < end && state[at] != TASK_READY) at++;
    *first = at;
    while (at < end && at - *first < most && state[at] == TASK_READY) {
        c->state[stage][at++] = TASK_OUT;
    }
    *count = at - *first;
    c->ready[stage] -= *count;
    c->first[stage] = at;
}

pp_status pp_sched_cut_place(pp_schedule *schedule, int64_t index, pp_error *err)
{
    const video *v = &schedule->videos[index];
    if (v->state == VIDEO_CUT && pp_sched_cut_ready_stage(v->cut) >= 0) {
        return pp_heap_put(&schedule->active, index, pp_sched_cut_chain_s(schedule, v->cut), err);
    }
    pp_heap_remove(&schedule->active, index);
    return PP_OK;
}

/* Listen of a segment is ready once it and its neighbours are seen. */
static void ready_listen_near(cut *c, int64_t segment)
{
    int64_t first = segment > c->reach ? segment - c->reach : 0;
    for (int64_t s = first; s < c->segments && s <= segment + c->reach; s++) {
        if (c->state[PP_STAGE_LISTEN][s] != TASK_WAIT) continue;
        int64_t from = s > c->reach ? s - c->reach : 0, to = s + c->reach;
        int seen = 1;
        for (int64_t n = from; seen && n < c->segments && n <= to; n++) {
            seen = c->state[PP_STAGE_SEE][n] == TASK_DONE;
        }
        if (seen) set_ready(c, PP_STAGE_LISTEN, s);
    }
}

static void ready_whole_stage(cut *c, int stage)
{
    for (int64_t s = 0; s < c->count[stage]; s++) {
        if (c->state[stage][s] == TASK_WAIT) set_ready(c, stage, s);
    }
}

static void ready_after(cut *c, int stage)
{
    if (stage == PP_STAGE_SEE || stage == PP_STAGE_LISTEN) {
        if (c->left[PP_STAGE_SEE] == 0 && c->left[PP_STAGE_LISTEN] == 0) {
            ready_whole_stage(c, PP_STAGE_CAST);
        }
    } else if (c->left[stage] == 0 && stage < PP_STAGE_PUBLISH) {
        ready_whole_stage(c, stage + 1);
    }
}

pp_status pp_sched_cut_done(pp_schedule *schedule, int64_t index, const pp_task *task,
                            int64_t *news, pp_error *err)
{
    cut *c = schedule->videos[index].cut;
    int stage = task->stage;
    *news = 0;
    for (int64_t s = task->first_segment; s < task->first_segment + task->segments; s++) {
        uint8_t *state = &c->state[stage][s];
        if (*state == TASK_DONE) continue;
        if (*state == TASK_READY) c->ready[stage]--;
        *state = TASK_DONE;
        c->left[stage]--;
        schedule->left_windows[stage] -= task_windows(c, stage);
        if (stage == PP_STAGE_LISTEN) schedule->done_windows += c->segment_windows;
        if (stage == PP_STAGE_SEE) ready_listen_near(c, s);
        ++*news;
    }
    if (*news == 0) return PP_OK;
    ready_after(c, stage);
    if (c->left[PP_STAGE_PUBLISH] == 0) {
        return pp_sched_video_finalize(schedule, index, PP_OK, err);
    }
    return pp_sched_cut_place(schedule, index, err);
}

pp_status pp_sched_cut_return(pp_schedule *schedule, int64_t index, const pp_task *task,
                              pp_error *err)
{
    cut *c = schedule->videos[index].cut;
    for (int64_t s = task->first_segment; s < task->first_segment + task->segments; s++) {
        if (c->state[task->stage][s] == TASK_OUT) set_ready(c, task->stage, s);
    }
    return pp_sched_cut_place(schedule, index, err);
}

int pp_sched_cut_task_is_done(const cut *c, const pp_task *task)
{
    for (int64_t s = task->first_segment; s < task->first_segment + task->segments; s++) {
        if (c->state[task->stage][s] != TASK_DONE) return 0;
    }
    return 1;
}
