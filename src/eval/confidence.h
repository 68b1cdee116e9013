/* Means with 95 % confidence intervals by a seeded bootstrap (Efron 1979, percentiles). */
#ifndef PP_EVAL_CONFIDENCE_H
#define PP_EVAL_CONFIDENCE_H

#include <stddef.h>
#include <stdint.h>

typedef struct pp_mean {
    size_t count;
    double mean, low, high; /* NaN where count is 0; low = high = mean where it is 1 */
} pp_mean;

/* Infinite values make the mean infinite; NaN values must not be passed. The same values and seed
 * give the same interval. `resampled`: workspace of PP_BOOTSTRAP_RESAMPLES doubles. */
enum { PP_BOOTSTRAP_RESAMPLES = 2000 };
pp_mean pp_mean_of(const double *values, size_t count, uint64_t seed, double *resampled);

#endif
