/* What work costs, in seconds: a first guess, corrected by what leases really took.
 *
 * Costs are per window (192 STFT frames of sound, 4.46 s) and stage; a video of unknown length is
 * guessed from its size. The estimates order the work and size leases; no result depends on them.
 */
#ifndef PP_SCHEDULE_COSTS_H
#define PP_SCHEDULE_COSTS_H

#include <stdint.h>

#include "store/archive.h"

typedef struct pp_costs {
    double window_s[PP_STAGES];  /* guess: seconds a window */
    double window_bytes;         /* guess: bytes of video a window */
    double identify_bytes_per_s; /* reading and hashing */
    double lease_s;              /* fixed cost of a lease: opening, messages */
    /* learned so far */
    double seconds[PP_STAGES], windows[PP_STAGES];
    double known_bytes, known_windows;
} pp_costs;

/* Measured on one core with the published configuration (see docs/cluster.md). */
void pp_costs_default(pp_costs *costs);

/* Seconds a window of this stage takes by all that is known. */
double pp_costs_window_s(const pp_costs *costs, int stage);
/* The sum over all stages. */
double pp_costs_all_window_s(const pp_costs *costs);
double pp_costs_window_bytes(const pp_costs *costs);

/* One lease took `seconds` in a stage over `windows`. Times far below what is known are left out:
 * they come from shards that were there already. */
void pp_costs_learn(pp_costs *costs, int stage, double windows, double seconds);
/* A video of this size turned out to have this many windows. */
void pp_costs_learn_size(pp_costs *costs, int64_t bytes, double windows);

#endif
