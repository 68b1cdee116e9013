/* Random numbers that are the same on every machine: xoshiro256** (Blackman and Vigna, "Scrambled
 * linear pseudorandom number generators", 2018), its state filled by splitmix64 from a seed and a
 * stream number. Streams of one seed are independent of each other, so that work i may draw from
 * stream i whatever the order in which things are done. A plain value: copy it to fork it. */
#ifndef PP_BASE_RANDOM_H
#define PP_BASE_RANDOM_H

#include <stdint.h>

typedef struct pp_random {
    uint64_t state[4];
} pp_random;

void pp_random_seed(pp_random *random, uint64_t seed, uint64_t stream);

uint64_t pp_random_bits(pp_random *random);              /* 64 even bits */
double pp_random_uniform(pp_random *random);             /* [0, 1), 53 bits */
double pp_random_normal(pp_random *random);              /* mean 0, variance 1 (polar method) */
uint64_t pp_random_below(pp_random *random, uint64_t n); /* [0, n), without bias; n 0 gives 0 */

#endif
