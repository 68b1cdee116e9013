/* Small worlds in which everything goes wrong that may. */
#include <math.h>

#include "base/random.h"
#include "schedule/simulate.h"

static double share(pp_random *random, double most)
{
    return pp_random_below(random, 3) == 0 ? 0 : most * pp_random_uniform(random);
}

void pp_simulation_setup_random(pp_simulation_setup *setup, uint64_t seed)
{
    pp_random random;
    pp_random_seed(&random, seed, 3);
    int workers = 1 + (int)pp_random_below(&random, 8);
    pp_simulation_setup_default(setup, workers);
    setup->seed = seed;
    setup->videos = (int64_t)pp_random_below(&random, 13);
    setup->shortest_s = 5;
    setup->longest_s = 400;
    setup->pareto_alpha = 0.7;
    setup->durations_known = (int)pp_random_below(&random, 2);
    setup->size_spread = pp_random_below(&random, 2) ? 0.8 : 0;
    setup->equal_share = share(&random, 0.5);
    setup->broken_share = share(&random, 0.3);
    setup->flaky_share = share(&random, 0.4);
    setup->segment_windows = 1 + (int)pp_random_below(&random, 8);
    setup->single_lease_windows = 1 + (int)pp_random_below(&random, 30);
    setup->reach = (int)pp_random_below(&random, 3);
    setup->noise_spread = 0.3;
    setup->straggler_share = share(&random, 0.2);
    /* Slow ones still show life often enough for one to live, whatever is lost. */
    setup->straggler_factor = 1 + 12 * pp_random_uniform(&random);
    setup->deaths = (int)pp_random_below(&random, (uint64_t)workers);
    setup->mute_share = share(&random, 0.5);
    setup->lost_share = share(&random, 0.05);
    setup->repeated_share = share(&random, 0.1);
    setup->jitter_s = share(&random, 3);
    setup->tick_s = 0.5;
    setup->alive_every_s = 1;
    setup->ask_again_s = 4;
    setup->checks = 1;
    setup->schedule.dead_after_s = 20;
    setup->schedule.overdue_least_s = 1;
    setup->schedule.most_copies = (int)pp_random_below(&random, 4);
    /* Nobody dies of a video's doing here, so no video may be given up for deaths. */
    setup->schedule.most_deaths = workers + 1;
    uint64_t ending = pp_random_below(&random, 8);
    if (ending == 0) setup->drain_at_s = 20 * pp_random_uniform(&random);
    if (ending == 1) setup->time_limit_s = 40 * pp_random_uniform(&random);
}
