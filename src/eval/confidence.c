#include "eval/confidence.h"

#include <math.h>
#include <stdlib.h>

#include "base/random.h"

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

pp_mean pp_mean_of(const double *values, size_t count, uint64_t seed, double *resampled)
{
    pp_mean result = {count, NAN, NAN, NAN};
    if (count == 0) return result;
    double sum = 0.0;
    for (size_t i = 0; i < count; i++) sum += values[i];
    result.mean = result.low = result.high = sum / (double)count;
    if (count == 1 || !isfinite(result.mean)) return result;
    pp_random random;
    pp_random_seed(&random, seed, count);
    for (int r = 0; r < PP_BOOTSTRAP_RESAMPLES; r++) {
        sum = 0.0;
        for (size_t i = 0; i < count; i++) sum += values[pp_random_below(&random, count)];
        resampled[r] = sum / (double)count;
    }
    qsort(resampled, PP_BOOTSTRAP_RESAMPLES, sizeof *resampled, ascending);
    result.low = resampled[PP_BOOTSTRAP_RESAMPLES / 40];
    result.high = resampled[PP_BOOTSTRAP_RESAMPLES - 1 - PP_BOOTSTRAP_RESAMPLES / 40];
    return result;
}
