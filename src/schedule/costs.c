#include "schedule/costs.h"

/* The guess weighs as much as this many measured windows. */
#define GUESS_WINDOWS 4.0

void pp_costs_default(pp_costs *costs)
{
    *costs = (pp_costs){
        .window_s = {0.02, 0.10, 0.10, 0.005, 0.02, 0.01},
        .window_bytes = 500e3,
        .identify_bytes_per_s = 500e6,
        .lease_s = 0.02,
    };
}

double pp_costs_window_s(const pp_costs *costs, int stage)
{
    double seconds = costs->window_s[stage] * GUESS_WINDOWS + costs->seconds[stage];
    return seconds / (GUESS_WINDOWS + costs->windows[stage]);
}

double pp_costs_all_window_s(const pp_costs *costs)
{
    double sum = 0;
    for (int stage = 0; stage < PP_STAGES; stage++) sum += pp_costs_window_s(costs, stage);
    return sum;
}

double pp_costs_window_bytes(const pp_costs *costs)
{
    double bytes = costs->window_bytes * GUESS_WINDOWS + costs->known_bytes;
    return bytes / (GUESS_WINDOWS + costs->known_windows);
}

void pp_costs_learn(pp_costs *costs, int stage, double windows, double seconds)
{
    if (!(windows > 0) || !(seconds > 0)) return;
    int known = costs->windows[stage] > 0;
    if (known && seconds / windows < 0.05 * costs->seconds[stage] / costs->windows[stage]) return;
    costs->windows[stage] += windows;
    costs->seconds[stage] += seconds;
}

void pp_costs_learn_size(pp_costs *costs, int64_t bytes, double windows)
{
    if (bytes <= 0 || !(windows > 0)) return;
    costs->known_bytes += (double)bytes;
    costs->known_windows += windows;
}
