#include "nn/kernels.h"

#define LARGEST 3.4028234e38f

static float finite(float x)
{
    x = x > -LARGEST ? x : -LARGEST; /* NaN takes the bound */
    return x < LARGEST ? x : LARGEST;
}

void pp_quantise(const float *map, size_t count, uint8_t *codes, float *scale, float *offset)
{
    float least = LARGEST, largest = -LARGEST;
    for (size_t i = 0; i < count; i++) {
        float x = finite(map[i]);
        least = x < least ? x : least;
        largest = x > largest ? x : largest;
    }
    if (count == 0) least = largest = 0;
    /* Halved so that the range of all finite floats does not overflow. */
    float half_step = (0.5f * largest - 0.5f * least) / 255;
    float inverse = half_step > 0 ? 0.5f / half_step : 0;
    *offset = least;
    *scale = inverse > 0 && inverse < LARGEST ? 2 * half_step : 0;
    for (size_t i = 0; i < count; i++) {
        float code = *scale > 0 ? (0.5f * finite(map[i]) - 0.5f * least) * (2 * inverse) + 0.5f : 0;
        codes[i] = code < 255 ? (uint8_t)code : 255;
    }
}
