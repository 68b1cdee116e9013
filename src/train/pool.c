#include "train/pool.h"

#include <float.h>
#include <string.h>

#include "base/clones.h"

/* Of one result pixel: the input pixels that lie inside, one after another. */
static inline void take_larger(const float *x, int channels, int number, float *restrict y,
                               uint8_t *restrict place)
{
    for (int c = 0; c < channels; c++) {
        const int larger = x[c] > y[c];
        y[c] = larger ? x[c] : y[c];
        place[c] = (uint8_t)(larger ? number : place[c]);
    }
}

PP_CLONES void pp_train_maxpool(int batch, int height, int width, int channels, const float *x,
                                float *y, uint8_t *place)
{
    const int rows = (height + 1) / 2, columns = (width + 1) / 2;
    for (int i = 0; i < batch * rows * columns; i++, y += channels, place += channels) {
        const int b = i / (rows * columns), row = i / columns % rows, column = i % columns;
        for (int c = 0; c < channels; c++) y[c] = -FLT_MAX;
        memset(place, 0, (size_t)channels);
        for (int k = 0; k < 9; k++) {
            const int iy = 2 * row - 1 + k / 3, ix = 2 * column - 1 + k % 3;
            if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
            take_larger(x + ((long)(b * height + iy) * width + ix) * channels, channels, k, y,
                        place);
        }
    }
}

void pp_train_maxpool_backward(int batch, int height, int width, int channels, const float *dy,
                               const uint8_t *place, float *dx)
{
    const int rows = (height + 1) / 2, columns = (width + 1) / 2;
    memset(dx, 0, sizeof *dx * (size_t)batch * (size_t)(height * width) * (size_t)channels);
    for (int i = 0; i < batch * rows * columns; i++, dy += channels, place += channels) {
        const int b = i / (rows * columns), row = i / columns % rows, column = i % columns;
        for (int c = 0; c < channels; c++) {
            const int iy = 2 * row - 1 + place[c] / 3, ix = 2 * column - 1 + place[c] % 3;
            dx[((long)(b * height + iy) * width + ix) * channels + c] += dy[c];
        }
    }
}

static void clip_maximum(int cells, int channels, const float *features, float *pooled,
                         int32_t *place)
{
    memcpy(pooled, features, sizeof *pooled * (size_t)channels);
    memset(place, 0, sizeof *place * (size_t)channels);
    for (int i = 1; i < cells; i++) {
        const float *x = features + (long)i * channels;
        for (int c = 0; c < channels; c++) {
            if (x[c] <= pooled[c]) continue;
            pooled[c] = x[c];
            place[c] = i;
        }
    }
}

void pp_train_clip_pool(int average, int clips, int cells, int channels, const float *features,
                        float *pooled, int32_t *place)
{
    for (int n = 0; n < clips; n++) {
        const float *clip = features + (long)n * cells * channels;
        float *out = pooled + (long)n * channels;
        if (!average) {
            clip_maximum(cells, channels, clip, out, place + (long)n * channels);
            continue;
        }
        for (int c = 0; c < channels; c++) {
            double sum = 0;
            for (int i = 0; i < cells; i++) sum += clip[(long)i * channels + c];
            out[c] = (float)(sum / cells);
        }
    }
}

void pp_train_clip_pool_backward(int average, int clips, int cells, int channels,
                                 const float *d_pooled, const int32_t *place, float *d_features)
{
    const long clip_size = (long)cells * channels;
    memset(d_features, 0, sizeof *d_features * (size_t)clips * (size_t)clip_size);
    for (int n = 0; n < clips; n++) {
        float *clip = d_features + n * clip_size;
        const float *d = d_pooled + (long)n * channels;
        for (int c = 0; c < channels; c++) {
            if (!average) {
                clip[(long)place[(long)n * channels + c] * channels + c] = d[c];
                continue;
            }
            for (int i = 0; i < cells; i++) clip[(long)i * channels + c] = d[c] / (float)cells;
        }
    }
}
