/* The promises about the scheduler's state, counted anew. */
#include "schedule/internal.h"

static const char *check_cut(const pp_schedule *schedule, int64_t index)
{
    const cut *c = schedule->videos[index].cut;
    if (c == NULL) return "a cut video without segments";
    for (int stage = 0; stage < PP_STAGES; stage++) {
        int64_t left = 0, ready = 0;
        for (int64_t s = 0; s < c->count[stage]; s++) {
            left += c->state[stage][s] != TASK_DONE;
            ready += c->state[stage][s] == TASK_READY;
            if (c->state[stage][s] == TASK_READY && s < c->first[stage]) {
                return "a ready segment that nobody would find";
            }
        }
        if (left != c->left[stage]) return "segments left miscounted";
        if (ready != c->ready[stage]) return "ready segments miscounted";
    }
    return NULL;
}

static const char *check_videos(const pp_schedule *schedule)
{
    int64_t final = 0, failed = 0;
    for (size_t i = 0; i < schedule->video_count; i++) {
        const video *v = &schedule->videos[i];
        final += v->state == VIDEO_FINAL;
        failed += v->state == VIDEO_FINAL && v->status != PP_OK;
        if ((v->state == VIDEO_READY) != pp_heap_has(&schedule->ready, (int64_t)i)) {
            return "a video that is ready and not in the queue, or the reverse";
        }
        if (v->state != VIDEO_CUT && v->cut != NULL) return "segments of a video that is not cut";
        if (v->state == VIDEO_FINAL && v->first_sharing >= 0) return "forgotten twins";
        if (v->state == VIDEO_CUT) {
            const char *wrong = check_cut(schedule, (int64_t)i);
            if (wrong != NULL) return wrong;
        }
        for (int32_t slot = v->first_lease; slot >= 0; slot = schedule->leases[slot].next) {
            const lease *l = &schedule->leases[slot];
            if (l->state == LEASE_FREE) return "a free lease in a video's list";
            if (v->state == VIDEO_FINAL && l->state != LEASE_CANCELLED) {
                return "a lease that outlived its video";
            }
        }
    }
    if (final != schedule->final_count) return "final videos miscounted";
    return failed == schedule->failed_count ? NULL : "failed videos miscounted";
}

static const char *check_workers(const pp_schedule *schedule)
{
    int alive = 0, busy = 0, dead = 0, stopped = 0;
    for (int i = 0; i < schedule->setup.workers; i++) {
        const worker *w = &schedule->workers[i];
        busy += w->state == WORKER_BUSY;
        dead += w->state == WORKER_DEAD;
        stopped += w->state == WORKER_STOPPED;
        alive += w->state == WORKER_BUSY || w->state == WORKER_WAITING;
        if (w->lease >= 0 && schedule->leases[w->lease].worker != i) {
            return "a worker with another one's lease";
        }
        if (w->lease >= 0 && w->state != WORKER_BUSY) return "an idle worker with a lease";
    }
    if (busy != schedule->busy) return "busy workers miscounted";
    if (stopped != schedule->stopped) return "stopped workers miscounted";
    if (dead != schedule->dead) return "dead workers miscounted";
    return alive == schedule->alive ? NULL : "live workers miscounted";
}

const char *pp_schedule_check(const pp_schedule *schedule)
{
    int64_t running = 0;
    for (size_t i = 0; i < schedule->lease_count; i++) {
        running += schedule->leases[i].state == LEASE_RUNNING;
    }
    if (running != schedule->running) return "running leases miscounted";
    const char *wrong = check_workers(schedule);
    return wrong != NULL ? wrong : check_videos(schedule);
}
