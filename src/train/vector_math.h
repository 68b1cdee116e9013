/* exp, log and softplus as plain arithmetic, so that loops over them become vectors.
 *
 * exp: Cody and Waite's range reduction, Cephes' polynomial of degree 6; relative error below
 * 2e-7 for -87 <= x <= 88, clamped outside. log: x = 2^e m, atanh series of (m - 1) / (m + 1);
 * relative error below 2e-7, for normal positive x. The same bits in every clone (clones.h).
 */
#ifndef PP_TRAIN_VECTOR_MATH_H
#define PP_TRAIN_VECTOR_MATH_H

#include <stdint.h>
#include <string.h>

static inline float pp_train_exp(float x)
{
    x = x > 88.0F ? 88.0F : x;
    x = x < -87.0F ? -87.0F : x;
    const float magic = 12582912.0F; /* 1.5 * 2^23: adding it rounds to a whole number */
    const float n = (x * 1.44269504F + magic) - magic;
    const float r = (x - n * 0.693359375F) + n * 2.12194440e-4F;
    float p = 1.9875691500e-4F;
    p = p * r + 1.3981999507e-3F;
    p = p * r + 8.3334519073e-3F;
    p = p * r + 4.1665795894e-2F;
    p = p * r + 1.6666665459e-1F;
    p = p * r + 5.0000001201e-1F;
    p = p * r * r + r + 1;
    const int32_t bits = ((int32_t)n + 127) * (1 << 23);
    float power;
    memcpy(&power, &bits, sizeof power);
    return p * power;
}

/* 2 atanh(s) for |s| <= 1/3. */
static inline float pp_train_twice_atanh(float s)
{
    const float q = s * s;
    float p = 1.0F / 15;
    p = p * q + 1.0F / 13;
    p = p * q + 1.0F / 11;
    p = p * q + 1.0F / 9;
    p = p * q + 1.0F / 7;
    p = p * q + 1.0F / 5;
    p = p * q + 1.0F / 3;
    return 2 * (s + s * q * p);
}

static inline float pp_train_log(float x)
{
    int32_t bits;
    memcpy(&bits, &x, sizeof bits);
    /* m in [2/3, 4/3): subtracting the bits of 2/3 leaves the exponent in the upper bits */
    const int32_t shifted = bits - 0x3f2aaaab;
    const int32_t exponent = shifted >> 23;
    const int32_t mantissa_bits = bits - exponent * (1 << 23);
    float m;
    memcpy(&m, &mantissa_bits, sizeof m);
    const float e = (float)exponent;
    const float l = pp_train_twice_atanh((m - 1) / (m + 1));
    return e * 0.693359375F + (l - e * 2.12194440e-4F);
}

/* log(1 + e) for 0 <= e <= 1. */
static inline float pp_train_log1p_small(float e)
{
    return pp_train_twice_atanh(e / (2 + e));
}

#endif
