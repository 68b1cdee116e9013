#include "nn/kernels.h"

#include <string.h>

#include "base/clones.h"

#define LARGEST 3.4028234e38f

static inline float finite(float x)
{
    x = x > -LARGEST ? x : -LARGEST; /* NaN takes the bound */
    return x < LARGEST ? x : LARGEST;
}

enum { LANES = 16 }; /* the compiler does not reorder a maximum by itself; the order is all one */

PP_CLONES static void find_ends(const float *map, size_t count, float *least, float *largest)
{
    float low[LANES], high[LANES];
    for (int j = 0; j < LANES; j++) low[j] = LARGEST, high[j] = -LARGEST;
    size_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        for (int j = 0; j < LANES; j++) {
            float x = finite(map[i + j]);
            low[j] = x < low[j] ? x : low[j];
            high[j] = x > high[j] ? x : high[j];
        }
    }
    for (; i < count; i++) {
        float x = finite(map[i]);
        low[0] = x < low[0] ? x : low[0];
        high[0] = x > high[0] ? x : high[0];
    }
    *least = LARGEST;
    *largest = -LARGEST;
    for (int j = 0; j < LANES; j++) {
        *least = low[j] < *least ? low[j] : *least;
        *largest = high[j] > *largest ? high[j] : *largest;
    }
}

PP_CLONES static void encode(const float *restrict map, size_t count, float least, float factor,
                             uint8_t *restrict codes)
{
    for (size_t i = 0; i < count; i++) {
        float code = (0.5f * finite(map[i]) - 0.5f * least) * factor + 0.5f;
        code = code < 255 ? code : 255;
        codes[i] = (uint8_t)(int)code;
    }
}

void pp_quantise(const float *map, size_t count, uint8_t *codes, float *scale, float *offset)
{
    float least = 0, largest = 0;
    if (count > 0) find_ends(map, count, &least, &largest);
    /* Halved so that the range of all finite floats does not overflow. */
    float half_step = (0.5f * largest - 0.5f * least) / 255;
    float inverse = half_step > 0 ? 0.5f / half_step : 0;
    *offset = least;
    *scale = inverse > 0 && inverse < LARGEST ? 2 * half_step : 0;
    if (*scale > 0) encode(map, count, least, 2 * inverse, codes);
    else memset(codes, 0, count);
}
