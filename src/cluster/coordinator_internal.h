/* Shared by coordinator.c, coordinator_actions.c and coordinator_report.c only. */
#ifndef PP_CLUSTER_COORDINATOR_INTERNAL_H
#define PP_CLUSTER_COORDINATOR_INTERNAL_H

#include "cluster/coordinator.h"

typedef struct coordinator_worker {
    int waiting, dead;
    uint64_t lease; /* 0: none */
    int64_t video;  /* of the schedule */
    pp_task task;
    pp_stage stage;         /* where it says it is */
    double since_s, told_s; /* told: when it last heard of us */
    double windows;         /* done in this lease so far */
} coordinator_worker;

struct pp_coordinator {
    pp_coordinator_setup setup;
    pp_schedule *schedule;
    size_t *record_of;         /* [videos of the schedule] index of the ledger's record */
    int64_t *video_of;         /* [records] the reverse, -1: not in the schedule */
    pp_lease_result **results; /* [videos] what is known so far; owned; NULL: nothing */
    uint8_t *littered;         /* [videos] a lost or dropped lease may leave shards behind */
    size_t video_count;
    coordinator_worker *workers;
    double begun_s, tick_s, progress_s, end_s; /* end: of the time limit, HUGE_VAL for none */
    double computed_windows;                   /* by this run, in leases that ended */
    double computed_media_s;                   /* of videos that this run computed */
    int io_failures;                           /* in a row */
    const char *stopping;                      /* why the run drains, NULL: it does not */
    int hopeless;         /* nothing can be read or written, or all workers are lost */
    int broken;           /* the former: running again alone will not help */
    double settled_s;     /* when the last video was final; 0: not yet */
    double drained_now_s; /* when it was asked to stop at once; 0: it was not */
};

/* coordinator_actions.c */
pp_status pp_coordinator_act(pp_coordinator *c, pp_error *err) PP_MUST_USE;
void pp_coordinator_say(pp_coordinator *c, int worker, const pp_message *message);
void pp_coordinator_note_outcome(pp_coordinator *c, const pp_record *record, pp_status outcome);
pp_status pp_coordinator_drain(pp_coordinator *c, double grace_s, const char *why,
                               pp_error *err) PP_MUST_USE;

/* coordinator_report.c */
void pp_coordinator_show(pp_coordinator *c, double now_s);
void pp_coordinator_note_start(pp_coordinator *c);
void pp_coordinator_write_progress(pp_coordinator *c, double now_s);
double pp_coordinator_window_s(const pp_coordinator *c); /* of sound between windows */
/* Until the run must be drained for its time limit; HUGE_VAL: there is none. */
double pp_coordinator_time_left_s(const pp_coordinator *c, double now_s);

#endif
