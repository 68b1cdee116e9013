/* Inside of the simulator: shared by simulate*.c only.
 *
 *   simulate.c         the run: setup, the clock of events, the report
 *   simulate_films.c   the videos, and the referee who keeps their files
 *   simulate_ranks.c   the workers, and what they and the coordinator say to each other
 */
#ifndef PP_SCHEDULE_SIMULATE_INTERNAL_H
#define PP_SCHEDULE_SIMULATE_INTERNAL_H

#include "base/random.h"
#include "schedule/simulate.h"

/* ---- videos ---------------------------------------------------------------------------------- */

typedef enum film_flavour { FILM_GOOD, FILM_BROKEN, FILM_FLAKY } film_flavour;

typedef struct shards { /* of a long video, from probe to publish: which segments are committed */
    int64_t segments;
    uint8_t *done[PP_STAGES]; /* [segments], or [1] of stages that take the whole video */
    uint8_t *memory;          /* owned */
} shards;

typedef struct film {
    int64_t windows, size_bytes;
    int64_t content; /* itself, or the earlier video it equals; what follows is the content's */
    shards *files;   /* owned */
    float weight;    /* its cost, 1 on average */
    uint8_t flavour, failures_left, identified, published, outcome;
} film;

/* ---- messages and other events --------------------------------------------------------------- */

typedef enum event_kind {
    EVENT_NONE,
    EVENT_ASKS, /* to the coordinator .. */
    EVENT_ALIVE,
    EVENT_FINISHED,
    EVENT_FAILED,
    EVENT_LEASE, /* to a worker .. */
    EVENT_CANCEL,
    EVENT_STOP,
    EVENT_STEP_ENDS, /* a worker's own .. */
    EVENT_NOTICES,   /* sees that its lease was cancelled */
    EVENT_HEARTBEAT,
    EVENT_ASKS_AGAIN,
    EVENT_DIES,
    EVENT_TICK, /* the coordinator's own */
    EVENT_DRAIN
} event_kind;

typedef struct event {
    double at_s;
    uint64_t number; /* ties: the one made first */
    event_kind kind;
    int worker;
    int32_t letter; /* what a message says, or -1 */
    uint32_t epoch; /* of the worker's own events: void where its epoch is another */
} event;

typedef struct letter {
    pp_task task;
    pp_status status;
    int already_done;
    double stage_s[PP_STAGES];
    double windows[PP_STAGES]; /* of a sign of life: gone through in this lease */
    int32_t next_free;
} letter;

/* ---- workers --------------------------------------------------------------------------------- */

typedef enum hand_state { HAND_WAITING, HAND_WORKING, HAND_GONE } hand_state;

typedef struct hand {
    hand_state state;
    pp_task task, next; /* next: came while at work */
    int has_next, cancelled, ran;
    uint32_t epoch; /* raised whenever a lease begins or ends */
    int64_t step;   /* segment at work on */
    double slow, noise, step_begins_s, step_takes_s;
    double waits_since_s, mute_from_s, mute_until_s;
    double stage_s[PP_STAGES];
} hand;

typedef struct world {
    pp_simulation_setup setup;
    pp_simulation_report *report; /* borrowed */
    pp_schedule *schedule;
    pp_random random;
    double now_s, free_s; /* free_s: when the coordinator has done what came so far */
    int draining, over;
    film *films;
    size_t film_count, film_capacity;
    hand *hands;
    event *queue; /* binary heap */
    size_t queue_count, queue_capacity;
    uint64_t event_number;
    letter *letters;
    size_t letter_count, letter_capacity;
    int32_t free_letter;
    pp_action *actions; /* of one event */
    size_t action_count, action_capacity;
} world;

/* simulate.c */
pp_status pp_sim_push(world *w, double at_s, event_kind kind, int worker, const letter *says,
                      pp_error *err) PP_MUST_USE;
/* PP_ERR_INTERNAL: the scheduler broke a promise. */
pp_status pp_sim_broken(const world *w, pp_error *err, const char *what, int64_t video);

/* simulate_films.c */
pp_status pp_sim_films_make(world *w, pp_error *err) PP_MUST_USE;
void pp_sim_films_free(world *w);
int64_t pp_sim_film_segments(const world *w, const film *f);
/* What one step of a task costs where nothing goes wrong: a segment of a stage, or all of it. */
double pp_sim_step_s(const world *w, const pp_task *task, int64_t step);
/* The same in parts, by stage. */
double pp_sim_step_windows(const world *w, const pp_task *task, int64_t step);
void pp_sim_step_stages_s(const world *w, const pp_task *task, int64_t step,
                          double stage_s[PP_STAGES]);
/* Whether the step's result is committed already. */
int pp_sim_step_is_done(const world *w, const pp_task *task, int64_t step);
/* PP_ERR_NOT_FOUND where files it needs were removed after publish; PP_ERR_INTERNAL where they have
 * never been there. */
pp_status pp_sim_step_check(const world *w, const pp_task *task, int64_t step, pp_error *err);
/* Commits it; the seconds of useful work in *useful_s: 0 where it was there. */
pp_status pp_sim_step_commit(world *w, const pp_task *task, int64_t step, double *useful_s,
                             pp_error *err) PP_MUST_USE;
pp_status pp_sim_outcome(world *w, const pp_action *action, pp_error *err) PP_MUST_USE;
/* After the end: everything is as was promised. */
pp_status pp_sim_films_check(world *w, pp_error *err) PP_MUST_USE;

/* simulate_ranks.c */
pp_status pp_sim_ranks_begin(world *w, pp_error *err) PP_MUST_USE;
pp_status pp_sim_ranks_event(world *w, const event *e, const letter *says,
                             pp_error *err) PP_MUST_USE;
pp_status pp_sim_coordinator_event(world *w, const event *e, const letter *says,
                                   pp_error *err) PP_MUST_USE;

#endif
