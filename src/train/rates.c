#include "train/rates.h"

#include <math.h>

void pp_train_rates_at(const pp_train_rates *rates, int64_t step, double out[PP_TRAIN_GROUPS])
{
    double factor = 1;
    if (rates->schedule == PP_TRAIN_STEPS) {
        for (int i = 0; i < rates->drops; i++) {
            if (step >= rates->drop_at[i]) factor *= rates->drop_factor;
        }
    } else if (rates->schedule == PP_TRAIN_COSINE) {
        const double done = rates->steps > 1 ? (double)step / (double)(rates->steps - 1) : 1;
        const double wave = 0.5 + 0.5 * cos(acos(-1.0) * (done < 1 ? done : 1));
        factor = rates->last_share + (1 - rates->last_share) * wave;
    }
    if (step < rates->warmup_steps) factor *= (double)(step + 1) / (double)rates->warmup_steps;
    for (int g = 0; g < PP_TRAIN_GROUPS; g++) out[g] = rates->base[g] * factor;
}
