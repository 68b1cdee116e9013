/* The scheduler: which worker does what next. A pure state machine: events and the time go in,
 * actions come out; it knows no MPI, no clock and no file, so that the coordinator, the simulator
 * and the tests drive the very same code.
 *
 *   create; add every video; start; then for ever:
 *     an event (asks, alive, finished, failed, tick, drain), then next_action until it returns 0
 *
 * Videos. A short one is one lease: all stages. A long one (its first lease says so) becomes
 * leases over runs of segments:
 *
 *   probe --> see s --> listen s        (needs see of s and of the segments within `reach` of it)
 *                 all of both --> cast --> separate s --all--> publish
 *
 * Sources of equal size are hashed first (an `identify` lease); of those with equal content one is
 * computed, the others share its outcome.
 *
 * Choice. Retries first; then longest remaining chain first, a worker keeping its video while that
 * is not much shorter; runs of segments are long while there is plenty of work for all and one
 * segment at the end. A lease that takes far longer than expected is given to a second worker: at
 * once if the whole run would wait for it or if it is slow for sure (by its progress, or where its
 * length is known), otherwise when nothing else is left. Whichever result
 * comes first counts (both are equal), the other copy is cancelled.
 *
 * Failures. A lease that failed in a way that may pass is given out again, to another worker where
 * there is one; a task that failed `most_attempts` times, or cost `most_deaths` workers, ends its
 * video as failed. A lasting failure ends it at once. A worker not heard of for `dead_after_s` is
 * presumed dead: its lease is given out again, and it is never sent to again; results it sends
 * later are taken all the same. Results that come twice are taken once.
 *
 * Every decision is O(log n). Not thread-safe. The same events give the same actions.
 */
#ifndef PP_SCHEDULE_SCHEDULE_H
#define PP_SCHEDULE_SCHEDULE_H

#include <stdint.h>

#include "base/hash.h"
#include "pipeline/pipeline.h"
#include "schedule/costs.h"

typedef struct pp_schedule pp_schedule;

typedef struct pp_schedule_setup {
    int workers;              /* they are numbered 0 .. workers - 1 */
    int most_attempts;        /* 3 */
    int most_deaths;          /* 5: a dying worker is rarely its lease's fault */
    double dead_after_s;      /* 60 */
    double overdue_factor;    /* 1.5: times the expected duration, and at least .. */
    double overdue_least_s;   /* 2 s: .. this long, before a second copy may start */
    double slow_factor;       /* 4: times slower than other leases: a second copy at once, but .. */
    double slow_least_s;      /* 2 s: .. not before */
    double most_lease_s;      /* 30: a run of segments is expected to take at most this */
    double unsure_first_s;    /* 60: with less than this left for each, guessed videos go first */
    double end_s;             /* no lease that would end behind this time; HUGE_VAL: no limit */
    int most_copies;          /* 3: further leases at a time of one task; 0: none */
    int single_lease_windows; /* a video guessed longer than this is expected to be cut */
    pp_costs costs;           /* the first guess */
} pp_schedule_setup;

void pp_schedule_setup_default(pp_schedule_setup *setup, int workers);

pp_status pp_schedule_create(pp_schedule **out, const pp_schedule_setup *setup,
                             pp_error *err) PP_MUST_USE;
void pp_schedule_destroy(pp_schedule **schedule);

typedef struct pp_schedule_video {
    int64_t size_bytes;
    double windows;      /* by an earlier run; 0: guessed from the size */
    const char *variant; /* which part of a file (track, times): only equal variants of equal
                          * content share a result; NULL or "": all of it. Copied. */
} pp_schedule_video;

/* Videos are numbered in the order they are added, from 0. */
pp_status pp_schedule_add(pp_schedule *schedule, const pp_schedule_video *video,
                          pp_error *err) PP_MUST_USE;
/* After the last video; no event before it. */
pp_status pp_schedule_start(pp_schedule *schedule, double now_s, pp_error *err) PP_MUST_USE;

typedef enum pp_task_kind {
    PP_TASK_IDENTIFY, /* hash the file: its size is not the only one of its kind */
    PP_TASK_WHOLE,    /* all stages, or the probe of a long video */
    PP_TASK_STAGE     /* one stage, over a run of segments or (cast, publish) the whole */
} pp_task_kind;

typedef struct pp_task {
    uint64_t lease; /* names this lease in events; never used twice */
    int64_t video;
    pp_task_kind kind;
    pp_stage stage; /* of PP_TASK_STAGE */
    int64_t first_segment, segments;
    int copy;          /* a second lease of what another worker is doing */
    double expected_s; /* by the costs known so far */
} pp_task;

typedef struct pp_task_result {
    char sha256[PP_HASH_HEX];  /* identify: must be set */
    double windows;            /* whole: of the video, where it is known */
    int64_t segments;          /* whole, stopped_after_probe: into how many it is cut */
    int64_t reach;             /* neighbouring segments that listen of a segment needs seen */
    int stopped_after_probe;   /* whole */
    int already_done;          /* nothing ran: not learned from */
    double stage_s[PP_STAGES]; /* time spent; 0 where unknown */
} pp_task_result;

typedef enum pp_action_kind {
    PP_ACTION_GIVE,   /* send `task` to `worker`, which is waiting for it */
    PP_ACTION_CANCEL, /* tell `worker` to drop lease task.lease: its result is not needed */
    PP_ACTION_STOP,   /* tell `worker`, which is waiting, that there is no more work */
    PP_ACTION_DEAD,   /* `worker` is presumed dead: nothing may be sent to it any more */
    PP_ACTION_OUTCOME /* `video` has reached its one final state */
} pp_action_kind;

typedef struct pp_action {
    pp_action_kind kind;
    int worker;
    pp_task task;
    int64_t video;
    pp_status status; /* of OUTCOME: PP_OK, or how it failed */
    int64_t same_as;  /* of OUTCOME: the video whose result it shares, or -1 */
    int attempts;     /* of OUTCOME: failed leases on the way */
} pp_action;

/* Events. now_s never goes back (smaller values count as the largest so far). They fail only for
 * lack of memory or for numbers out of range. */

/* The worker has nothing to do and wants a lease (also its first sign of life). A lease that it is
 * believed to hold is lost and given out again. */
pp_status pp_schedule_asks(pp_schedule *schedule, int worker, double now_s,
                           pp_error *err) PP_MUST_USE;
/* A sign of life. */
pp_status pp_schedule_alive(pp_schedule *schedule, int worker, double now_s,
                            pp_error *err) PP_MUST_USE;
/* How far a running lease is, in windows gone through by stage since it began (0 where a stage does
 * not tell). One that turns out to be far slower than others is given to a second worker at once.
 * Also a sign of life. */
pp_status pp_schedule_progress(pp_schedule *schedule, int worker, uint64_t lease,
                               const double windows[PP_STAGES], double now_s,
                               pp_error *err) PP_MUST_USE;
/* A lease ended well. *counts: 1 where the result is news, 0 where all of it was known. */
pp_status pp_schedule_finished(pp_schedule *schedule, uint64_t lease, const pp_task_result *result,
                               double now_s, int *counts, pp_error *err) PP_MUST_USE;
/* A lease ended with a failure; PP_ERR_INTERRUPTED is not counted as an attempt. */
pp_status pp_schedule_failed(pp_schedule *schedule, uint64_t lease, pp_status status, double now_s,
                             int *counts, pp_error *err) PP_MUST_USE;
/* Every second or so: finds the dead, the overdue and the end of the grace of a drain. */
pp_status pp_schedule_tick(pp_schedule *schedule, double now_s, pp_error *err) PP_MUST_USE;
/* No new leases; those expected to end within grace_s may, the others are cancelled. */
pp_status pp_schedule_drain(pp_schedule *schedule, double now_s, double grace_s,
                            pp_error *err) PP_MUST_USE;

/* The next action in order; 0 where there is none. */
int pp_schedule_next_action(pp_schedule *schedule, pp_action *out);

typedef struct pp_schedule_state {
    int64_t videos, done, failed,
        shared; /* shared: of done and failed, those computed as another */
    int workers_alive, workers_busy, workers_dead, workers_stopped;
    int64_t leases, copies, lost, running;
    double windows_done, windows_total; /* total: estimated where videos are not known yet */
    double left_s;                      /* work that is left, in seconds of one worker */
    int draining, over;                 /* over: nothing runs, and nothing more will be given out */
    int out_of_time; /* something was held back because it would end behind end_s */
} pp_schedule_state;
void pp_schedule_get_state(const pp_schedule *schedule, pp_schedule_state *out);

/* The memory it holds, in bytes. */
size_t pp_schedule_bytes(const pp_schedule *schedule);

/* What leases cost by all that has been learned; borrowed. */
const pp_costs *pp_schedule_costs(const pp_schedule *schedule);

/* The task of a lease that was given out and whose video is not final; 0 where it is unknown. */
int pp_schedule_find(const pp_schedule *schedule, uint64_t lease, pp_task *out, int *worker);

/* Every promise about the state that can be checked in O(n); for tests. NULL: all hold. */
const char *pp_schedule_check(const pp_schedule *schedule);

#endif
