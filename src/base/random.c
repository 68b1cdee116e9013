#include "base/random.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void pp_random_seed(pp_random *random, uint64_t seed, uint64_t stream)
{
    /* The stream is mixed before it meets the seed: seed 1 stream 2 is not seed 2 stream 1. */
    uint64_t mixed = stream;
    uint64_t state = seed ^ splitmix64(&mixed);
    for (int i = 0; i < 4; i++) random->state[i] = splitmix64(&state);
}

static uint64_t rotate_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t pp_random_bits(pp_random *random)
{
    uint64_t *s = random->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

double pp_random_uniform(pp_random *random)
{
    return (double)(pp_random_bits(random) >> 11) * 0x1p-53;
}

/* ln x for x in (0, 1): libm's differs in the last bit between processors with and without fused
 * multiply-add. x = m 2^e with m in [sqrt(1/2), sqrt 2); ln m = 2 atanh((m - 1) / (m + 1)). */
static double natural_log(double x)
{
    int exponent;
    double m = frexp(x, &exponent);
    if (m < 0.70710678118654752440) {
        m *= 2;
        exponent--;
    }
    double z = (m - 1) / (m + 1), square = z * z, sum = 0;
    for (int power = 25; power >= 1; power -= 2) sum = sum * square + 1.0 / power;
    return 2 * z * sum + exponent * 0.69314718055994530942;
}

/* Marsaglia's polar method; the second number of each pair is dropped to keep the state plain. */
double pp_random_normal(pp_random *random)
{
    double u, v, square;
    do {
        u = 2 * pp_random_uniform(random) - 1;
        v = 2 * pp_random_uniform(random) - 1;
        square = u * u + v * v;
    } while (square >= 1 || square == 0);
    return u * sqrt(-2 * natural_log(square) / square);
}

uint64_t pp_random_below(pp_random *random, uint64_t n)
{
    if (n == 0) return 0;
    /* Bits below 2^64 mod n are drawn again, so that every remainder is equally likely. */
    uint64_t threshold = (0 - n) % n, bits;
    do bits = pp_random_bits(random);
    while (bits < threshold);
    return bits % n;
}
