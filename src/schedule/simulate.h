/* The simulator: the scheduler itself, driven by made-up workers on made-up videos.
 *
 * Time is simulated, so that 4 096 ranks and weeks of work take seconds; the decisions are those of
 * the real code. Workers behave as src/cluster's do: they ask, work, show life, notice a cancelled
 * lease between two windows, commit segment by segment, skip what is committed already. A referee
 * keeps the files: no lease may start before its inputs are there, every video ends once, every
 * window of a good video is published exactly once.
 *
 * The same setup gives the same report to the last digit, the measured fields apart (see there).
 * One thread; no files; no clock but the one that is passed in, for measuring alone.
 */
#ifndef PP_SCHEDULE_SIMULATE_H
#define PP_SCHEDULE_SIMULATE_H

#include <stdint.h>

#include "schedule/schedule.h"

typedef struct pp_simulation_setup {
    uint64_t seed;
    int workers; /* rank 0 only coordinates and is not counted */

    /* videos: drawn until there are `videos` of them, or `windows` windows in all (0: no matter) */
    int64_t videos;
    double windows;
    double pareto_alpha, shortest_s, longest_s; /* durations: Pareto, bounded on both sides */
    double window_step_s;                       /* sound between two windows: 4.46 s */
    int durations_known; /* the scheduler knows the lengths; otherwise it guesses from bytes .. */
    double size_spread;  /* .. whose number a window varies so much (sigma of its logarithm) */
    double equal_share;  /* so many videos have the content of an earlier one */
    double broken_share; /* .. cannot be decoded */
    double flaky_share;  /* .. fail once or twice in a way that passes */
    int segment_windows; /* of a long video */
    int single_lease_windows;
    int reach; /* segments on either side that listen needs seen */

    /* what work costs */
    pp_costs costs;      /* the truth; the scheduler starts from its own guess */
    double video_s;      /* a video's fixed cost: starting a decoder, committing an archive */
    double cost_spread;  /* from video to video, sigma of the logarithm */
    double noise_spread; /* from lease to lease, sigma of the logarithm; not useful work */

    /* what goes wrong */
    double straggler_share, straggler_factor; /* so many leases are so much slower */
    int deaths;                               /* so many workers die, at even times */
    double mute_share;                        /* of workers fall silent for a while, once */
    double lost_share, repeated_share;        /* of messages, either way */

    /* the machine */
    double latency_s, jitter_s; /* of a message; jitter (even, 0 to this) reorders them */
    double coordinator_s;       /* that the coordinator is busy for each event */
    double tick_s, alive_every_s;
    double ask_again_s;  /* a worker without an answer asks again; 0: never (no message is lost) */
    double time_limit_s; /* HUGE_VAL: none */
    double drain_at_s;   /* as if SIGTERM came; HUGE_VAL: never */
    int checks;          /* pp_schedule_check after every event: O(n), for small worlds */

    pp_schedule_setup schedule; /* workers, costs.., end_s are set by the run */
    double (*clock_s)(void);    /* measures the coordinator; NULL: not measured */
} pp_simulation_setup;

/* Costs of the published configuration on one core (docs/scheduling.md), nothing going wrong. */
void pp_simulation_setup_default(pp_simulation_setup *setup, int workers);

typedef struct pp_simulation_report {
    int64_t videos, windows, cut_videos;
    int64_t done, failed, shared; /* outcomes */
    int64_t windows_published;    /* of good contents, each once */
    double makespan_s;            /* to the last outcome, or to the end of a limited run */
    double work_s;                /* what all videos cost, once each, nothing going wrong */
    double useful_s;              /* .. of it, what was committed: first copies only */
    double useful_share;          /* useful_s / (workers x makespan_s) */
    double chain_s;               /* the longest chain of one video: no run can be shorter */
    double chain_windows;         /* of that video */
    double share_s;               /* work_s / workers: nor shorter than this */
    double bound_s;               /* the larger one of the two */
    double straggling_s;          /* time spent in slow leases */
    double again_s;               /* spent on what others committed meanwhile, or dropped */
    double idle_s;                /* spent waiting by workers that live, to the makespan */
    int64_t leases, copies, lost, cancelled, interrupted;
    int64_t messages, to_coordinator, messages_lost, messages_repeated;
    int64_t events; /* that the scheduler was told, ticks included */
    int workers_dead;
    double coordinator_busy_share; /* coordinator_s x messages / makespan */
    size_t schedule_bytes;         /* the scheduler's memory, at its most */
    int out_of_time, over;
    uint64_t fingerprint; /* of every action in its order: the same for the same run */
    /* measured with clock_s, so not the same twice */
    double scheduler_s, slowest_event_s;
} pp_simulation_report;

/* PP_ERR_USAGE for a setup that makes no sense; PP_ERR_INTERNAL where the scheduler broke a
 * promise: the message says which one and when. */
pp_status pp_simulate(const pp_simulation_setup *setup, pp_simulation_report *out,
                      pp_error *err) PP_MUST_USE;

/* A small world drawn from the seed: a few workers and videos, messages lost, repeated and
 * reordered, workers that die or fall silent, drains, time limits. */
void pp_simulation_setup_random(pp_simulation_setup *setup, uint64_t seed);

typedef struct pp_simulation_speed {
    int64_t leases;
    double leases_per_s, seconds;
} pp_simulation_speed;

/* The scheduler as fast as it goes: `workers` that finish at once, until `leases` were given. A
 * lease is one `finished` and one `asks`; one video in 20 is cut. clock_s: processor time. */
pp_status pp_simulate_speed(int workers, int64_t leases, double (*clock_s)(void),
                            pp_simulation_speed *out, pp_error *err) PP_MUST_USE;

#endif
