/* Tasks that failed once and wait for another worker: a short queue, oldest first. */
#include "base/memory.h"
#include "schedule/internal.h"

/* So many are looked at for one worker: enough to pass over those it failed on itself. */
#define LOOK_AT 32

static size_t place(const pp_schedule *schedule, size_t at)
{
    return (schedule->retry_first + at) % schedule->retry_capacity;
}

pp_status pp_sched_retry_put(pp_schedule *schedule, retry entry, pp_error *err)
{
    if (schedule->retry_count == schedule->retry_capacity) {
        size_t wider = schedule->retry_capacity < 16 ? 16 : schedule->retry_capacity * 2;
        retry *moved = pp_alloc(wider, sizeof *moved);
        if (moved == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu retries", wider);
        for (size_t i = 0; i < schedule->retry_count; i++) {
            moved[i] = schedule->retries[place(schedule, i)];
        }
        pp_free(schedule->retries);
        schedule->retries = moved;
        schedule->retry_capacity = wider;
        schedule->retry_first = 0;
    }
    schedule->retries[place(schedule, schedule->retry_count++)] = entry;
    return PP_OK;
}

static int still_stands(const pp_schedule *schedule, const retry *entry)
{
    const video *v = &schedule->videos[entry->video];
    if (entry->stage < 0) return v->state == VIDEO_RETRY;
    return v->cut != NULL && v->cut->state[entry->stage][entry->segment] == TASK_RETRY;
}

/* Entry `at` leaves; those before it move up by one, so that order is kept. */
static void drop(pp_schedule *schedule, size_t at)
{
    for (; at > 0; at--) {
        schedule->retries[place(schedule, at)] = schedule->retries[place(schedule, at - 1)];
    }
    schedule->retry_first = place(schedule, 1);
    schedule->retry_count--;
}

int pp_sched_retry_take(pp_schedule *schedule, int worker_index, retry *out)
{
    size_t at = 0;
    while (at < schedule->retry_count && at < LOOK_AT) {
        retry entry = schedule->retries[place(schedule, at)];
        int stands = still_stands(schedule, &entry);
        if (!stands || entry.avoid != worker_index || schedule->alive <= 1) {
            drop(schedule, at);
            if (!stands) continue;
            *out = entry;
            return 1;
        }
        at++;
    }
    return 0;
}
