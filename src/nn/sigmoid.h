/* The logistic function, the same bits on every machine: libm's expf is not. */
#ifndef PP_NN_SIGMOID_H
#define PP_NN_SIGMOID_H

#include <stdint.h>
#include <string.h>

/* 1 / (1 + e^-x) to 2e-7; 0 and 1 are never left. exp: 2^n times a degree-6 polynomial on
 * [-ln 2 / 2, ln 2 / 2] (Taylor; the next term is below 2e-7 of the value). NaN gives 0. */
static inline float pp_sigmoid(float x)
{
    float t = -x;
    t = t < 87.0f ? t : 87.0f; /* so written that NaN takes the bound */
    t = t > -87.0f ? t : -87.0f;
    float shifted = t * 1.44269504f + 12582912.0f; /* 1.5 * 2^23: rounds to a whole number */
    float n = shifted - 12582912.0f;
    float r = (t - n * 0.693359375f) + n * 2.12194440e-4f;
    float p = 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    int32_t exponent = ((int32_t)n + 127) * (1 << 23);
    float power;
    memcpy(&power, &exponent, sizeof power);
    return 1.0f / (1.0f + p * power);
}

#endif
