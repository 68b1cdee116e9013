/* How fast training steps are, on data made up once: networks, exchange and optimiser, without the
 * making of mixes. Collective over the ranks of `exchange`. */
#ifndef PP_TRAIN_BENCH_H
#define PP_TRAIN_BENCH_H

#include "train/exchange.h"
#include "train/job.h"

typedef struct pp_train_speed {
    double best_step_s, median_step_s; /* of this rank */
    double samples_per_s;              /* mixes of all ranks, by the median */
    size_t parameters;
} pp_train_speed;

/* labels: where the job asks by label, so many are made up. */
pp_status pp_train_bench(const pp_train_job *job, const pp_train_exchange *exchange, int labels,
                         int steps, pp_train_speed *speed, pp_error *err) PP_MUST_USE;

#endif
