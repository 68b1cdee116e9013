/* Learning rates over the steps of a training: warm-up, then constant, falling in steps, or along
 * half a cosine (Loshchilov and Hutter 2017). Pure functions. */
#ifndef PP_TRAIN_RATES_H
#define PP_TRAIN_RATES_H

#include <stdint.h>

#include "train/params.h"

#define PP_TRAIN_MOST_DROPS 8

typedef enum pp_train_schedule {
    PP_TRAIN_CONSTANT,
    PP_TRAIN_STEPS, /* times drop_factor at each of drop_at */
    PP_TRAIN_COSINE /* from the full rate to last_share of it at the last step */
} pp_train_schedule;

typedef struct pp_train_rates {
    double base[PP_TRAIN_GROUPS];
    int64_t warmup_steps; /* linear, from 0 */
    pp_train_schedule schedule;
    int64_t drop_at[PP_TRAIN_MOST_DROPS];
    int drops;
    double drop_factor;
    double last_share;
    int64_t steps; /* of the whole training */
} pp_train_rates;

/* The rates of step number `step`, from 0. */
void pp_train_rates_at(const pp_train_rates *rates, int64_t step, double out[PP_TRAIN_GROUPS]);

#endif
