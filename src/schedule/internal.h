/* Inside of the scheduler: shared by the files of this folder only.
 *
 *   videos   READY -> OUT -> FINAL                                   a short one
 *            READY -> OUT -> CUT -> .. -> FINAL                      a long one
 *            READY -> OUT (identify) -> KNOWN -> READY or SHARES -> FINAL   size not unique
 *            OUT -> RETRY -> OUT                                     a failed attempt
 *   tasks    WAIT -> READY -> OUT -> DONE, OUT -> RETRY -> OUT       segments of a stage
 *   leases   RUNNING -> freed by a result
 *            RUNNING -> LOST (worker presumed dead) -> freed by a late result or the outcome
 *            RUNNING -> CANCELLED (not needed) -> freed by any result
 *   workers  ABSENT -> WAITING <-> BUSY -> DEAD; WAITING -> STOPPED
 */
#ifndef PP_SCHEDULE_INTERNAL_H
#define PP_SCHEDULE_INTERNAL_H

#include "schedule/heap.h"
#include "schedule/schedule.h"

#define NOBODY (-1)
#define NO_LEASE (-1)

typedef enum task_state { TASK_WAIT, TASK_READY, TASK_OUT, TASK_RETRY, TASK_DONE } task_state;

/* A long video: the state of every segment of every stage. Probe is done; stages that take the
 * whole video (cast, publish) have one "segment". */
typedef struct cut {
    int64_t segments, reach;
    double segment_windows;
    int64_t count[PP_STAGES]; /* segments, or 1 */
    int64_t left[PP_STAGES];  /* not DONE */
    int64_t ready[PP_STAGES]; /* READY */
    int64_t first[PP_STAGES]; /* no READY one below this */
    uint8_t *state[PP_STAGES], *attempts[PP_STAGES], *deaths[PP_STAGES];
    uint8_t *memory; /* owned: all of the arrays */
    size_t bytes;
} cut;

typedef enum video_state {
    VIDEO_READY,
    VIDEO_OUT,
    VIDEO_RETRY,
    VIDEO_CUT,
    VIDEO_KNOWN,  /* hashed; waits for the others of its size */
    VIDEO_SHARES, /* another of the same content is at work */
    VIDEO_HELD,   /* would end behind the time limit */
    VIDEO_FINAL
} video_state;

typedef struct video {
    int64_t size_bytes;
    double windows; /* known, or a guess */
    uint64_t variant;
    cut *cut; /* owned; of VIDEO_CUT */
    int64_t leader, first_sharing, next_sharing;
    int64_t identity;             /* entry of the identities, or -1 */
    int64_t group, next_in_group; /* those of equal size, in order; or -1 */
    int32_t first_lease;          /* list through lease.next */
    int32_t failures;             /* all told, for the outcome */
    int16_t status;
    uint8_t state, known, must_identify, attempts, deaths;
} video;

typedef enum lease_state { LEASE_FREE, LEASE_RUNNING, LEASE_LOST, LEASE_CANCELLED } lease_state;

typedef struct lease {
    pp_task task;
    int worker;
    double started_s, worth_s; /* worth: what it has gone through, by the costs of others */
    int32_t next, previous;    /* of the same video; next also links the free ones */
    uint32_t generation;
    uint8_t state, doubled, slow; /* doubled: there is or was a copy of it; slow: by its progress */
} lease;

typedef enum worker_state {
    WORKER_ABSENT,
    WORKER_WAITING,
    WORKER_BUSY,
    WORKER_STOPPED,
    WORKER_DEAD
} worker_state;

typedef struct worker {
    uint8_t state;
    int32_t lease;
    int64_t video; /* its last one, or -1 */
    double seen_s;
    int older, newer; /* list by seen_s */
    int waiting_before, waiting_after;
} worker;

typedef struct retry { /* a task that failed on a worker */
    int64_t video, segment;
    int avoid;
    int stage; /* -1: the whole video */
} retry;

typedef struct identity {
    char sha256[PP_HASH_HEX];
    uint64_t variant;
    int64_t leader;
} identity;

typedef struct group {      /* videos of equal size and variant */
    int64_t first, unknown; /* unknown: not hashed yet */
} group;

struct pp_schedule {
    pp_schedule_setup setup;
    pp_costs costs;
    double now_s, ticked_s, grace_end_s;
    int started, draining, out_of_time;

    video *videos;
    size_t video_count, video_capacity;
    int64_t final_count, failed_count, shared_count;
    double whole_windows, whole_bytes;  /* not cut, not final: known, and guessed from bytes */
    double left_windows[PP_STAGES];     /* of cut videos */
    double done_windows, known_windows; /* known: of cut and of final videos */
    size_t cut_bytes;                   /* memory of all cuts */

    pp_heap ready;  /* videos in VIDEO_READY by windows */
    pp_heap active; /* cut videos with READY segments, by what is left of their chain */

    retry *retries; /* ring */
    size_t retry_first, retry_count, retry_capacity;

    group *groups;
    size_t group_count, group_capacity;
    identity *identities;
    size_t identity_count, identity_capacity;
    int64_t *identity_table; /* open addressing; entry + 1 */
    size_t identity_places;

    lease *leases;
    size_t lease_count, lease_capacity;
    int32_t free_lease;
    int64_t running, given, copies, lost;
    pp_heap overdue; /* running leases by minus the time when they are overdue */
    pp_heap late;    /* overdue ones by the chain of their video */

    worker *workers;
    int alive, busy, dead, stopped;
    int oldest, newest; /* by seen_s */
    int first_waiting, last_waiting;

    pp_action *actions; /* ring */
    size_t action_first, action_count, action_capacity;
};

/* schedule.c */
pp_status pp_sched_act(pp_schedule *schedule, const pp_action *action, pp_error *err) PP_MUST_USE;
double pp_sched_left_s(const pp_schedule *schedule);
double pp_sched_share_s(const pp_schedule *schedule); /* what is left for each live worker */
void pp_sched_advance(pp_schedule *schedule, double now_s);

/* videos.c */
double pp_sched_video_windows(const pp_schedule *schedule, const video *v);
double pp_sched_video_chain_s(const pp_schedule *schedule, const video *v);
void pp_sched_video_account(pp_schedule *schedule, const video *v,
                            int sign); /* while not cut, not final */
pp_status pp_sched_video_make_ready(pp_schedule *schedule, int64_t index,
                                    pp_error *err) PP_MUST_USE;
pp_status pp_sched_video_identified(pp_schedule *schedule, int64_t index, const char *sha256,
                                    pp_error *err) PP_MUST_USE;
pp_status pp_sched_video_finalize(pp_schedule *schedule, int64_t index, pp_status status,
                                  pp_error *err) PP_MUST_USE;

/* cut.c */
pp_status pp_sched_cut_begin(pp_schedule *schedule, int64_t index, const pp_task_result *result,
                             pp_error *err) PP_MUST_USE;
void pp_sched_cut_destroy(cut **c);
int pp_sched_cut_is_whole_stage(int stage);
double pp_sched_cut_chain_s(const pp_schedule *schedule, const cut *c);
/* The deepest stage with READY segments, -1 where there is none. */
int pp_sched_cut_ready_stage(const cut *c);
/* Takes up to `most` READY segments in a row: they become OUT. */
void pp_sched_cut_take(cut *c, int stage, int64_t most, int64_t *first, int64_t *count);
/* Keeps the video's place among the active right. */
pp_status pp_sched_cut_place(pp_schedule *schedule, int64_t index, pp_error *err) PP_MUST_USE;
/* Marks segments done and readies what waited for them; *news counts those not done before. May
 * end the video. */
pp_status pp_sched_cut_done(pp_schedule *schedule, int64_t index, const pp_task *task,
                            int64_t *news, pp_error *err) PP_MUST_USE;
/* OUT segments of the task become READY again. */
pp_status pp_sched_cut_return(pp_schedule *schedule, int64_t index, const pp_task *task,
                              pp_error *err) PP_MUST_USE;
int pp_sched_cut_task_is_done(const cut *c, const pp_task *task);

/* leases.c */
pp_status pp_sched_lease_give(pp_schedule *schedule, int worker_index, pp_task task,
                              pp_error *err) PP_MUST_USE;
int32_t pp_sched_lease_find(const pp_schedule *schedule, uint64_t id);
pp_status pp_sched_lease_cancel(pp_schedule *schedule, int32_t slot, pp_error *err) PP_MUST_USE;
void pp_sched_lease_free(pp_schedule *schedule, int32_t slot);
/* Its worker died (deaths counted) or forgot it. */
pp_status pp_sched_lease_lose(pp_schedule *schedule, int32_t slot, int is_death,
                              pp_error *err) PP_MUST_USE;
pp_status pp_sched_lease_find_late(pp_schedule *schedule, pp_error *err) PP_MUST_USE;
int pp_sched_lease_copies_running(const pp_schedule *schedule, const pp_task *task);

/* retries.c */
pp_status pp_sched_retry_put(pp_schedule *schedule, retry entry, pp_error *err) PP_MUST_USE;
/* Takes the first entry that this worker may do and that still stands; 0 where there is none. */
int pp_sched_retry_take(pp_schedule *schedule, int worker_index, retry *out);

/* workers.c */
void pp_sched_worker_seen(pp_schedule *schedule, int index);
void pp_sched_worker_free_of(pp_schedule *schedule, int32_t slot); /* its lease is no more */
void pp_sched_worker_unwait(pp_schedule *schedule, int index);

/* pick.c: gives what can be given to those who wait, and stops them when all is over. */
pp_status pp_sched_pick_dispatch(pp_schedule *schedule, pp_error *err) PP_MUST_USE;

#endif
