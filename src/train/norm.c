#include "train/norm.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"

/* Pixels summed in single precision before the sum goes over into double. */
#define CHUNK_PIXELS 128

/* Sums of (z - shift) and its square over a chunk; shifted so that little is lost. */
PP_CLONES static void chunk_sums(const float *z, int pixels, int channels, const float *shift,
                                 float *restrict sum, float *restrict square)
{
    for (int c = 0; c < channels; c++) sum[c] = square[c] = 0;
    for (int p = 0; p < pixels; p++, z += channels) {
        for (int c = 0; c < channels; c++) {
            const float d = z[c] - shift[c];
            sum[c] += d;
            square[c] += d * d;
        }
    }
}

void pp_train_norm_sums(const float *z, long pixels, int channels, double *sums, float *scratch)
{
    float *sum = scratch, *square = sum + channels, *shift = square + channels;
    memset(sums, 0, sizeof *sums * (2 * (size_t)channels + 1));
    memcpy(shift, z, sizeof *shift * (size_t)channels);
    for (long first = 0; first < pixels; first += CHUNK_PIXELS) {
        const int count = pixels - first < CHUNK_PIXELS ? (int)(pixels - first) : CHUNK_PIXELS;
        chunk_sums(z + first * channels, count, channels, shift, sum, square);
        for (int c = 0; c < channels; c++) {
            const double s = shift[c];
            sums[c] += sum[c] + count * s;
            sums[channels + c] += square[c] + 2 * s * sum[c] + count * s * s;
        }
    }
    sums[2 * channels] = (double)pixels;
}

void pp_train_norm_make(const double *sums, int channels, const float *weight, const float *bias,
                        const pp_train_norm_map *map, float *running_mean, float *running_var)
{
    const double n = sums[2 * channels]; /* 0: nobody had a pixel, and nobody will use the map */
    const double keep = 1 - PP_TRAIN_NORM_MOMENTUM;
    for (int c = 0; c < channels; c++) {
        const double mean = n > 0 ? sums[c] / n : 0;
        double variance = n > 0 ? sums[channels + c] / n - mean * mean : 1;
        if (!(variance > 0)) variance = 0;
        const double inverse = 1 / sqrt(variance + PP_TRAIN_NORM_EPS);
        map->mean[c] = (float)mean;
        map->inverse[c] = (float)inverse;
        map->scale[c] = (float)(weight[c] * inverse);
        map->offset[c] = (float)(bias[c] - mean * weight[c] * inverse);
        if (running_mean == NULL || !(n > 0)) continue;
        const double unbiased = n > 1 ? variance * n / (n - 1) : variance;
        running_mean[c] = (float)(keep * running_mean[c] + PP_TRAIN_NORM_MOMENTUM * mean);
        running_var[c] = (float)(keep * running_var[c] + PP_TRAIN_NORM_MOMENTUM * unbiased);
    }
}

void pp_train_norm_make_fixed(int channels, const float *weight, const float *bias,
                              const float *running_mean, const float *running_var,
                              const pp_train_norm_map *map)
{
    for (int c = 0; c < channels; c++) {
        const double inverse = 1 / sqrt(running_var[c] + PP_TRAIN_NORM_EPS);
        map->mean[c] = running_mean[c];
        map->inverse[c] = (float)inverse;
        map->scale[c] = (float)(weight[c] * inverse);
        map->offset[c] = (float)(bias[c] - running_mean[c] * weight[c] * inverse);
    }
}

PP_CLONES void pp_train_rectify(const float *z, long pixels, int channels, const float *scale,
                                const float *offset, float slope, float *y, long ld_y)
{
    for (long p = 0; p < pixels; p++, z += channels, y += ld_y) {
        float *restrict to = y;
        for (int c = 0; c < channels; c++) {
            const float x = scale[c] * z[c] + offset[c];
            to[c] = x > 0 ? x : slope * x;
        }
    }
}

PP_CLONES static void both_backward(const float *z, long pixels, int channels, const float *scale,
                                    const float *offset, float slope, const float *d_leaky,
                                    long ld_leaky, const float *d_relu, long ld_relu, float *dx)
{
    for (long p = 0; p < pixels; p++, z += channels, dx += channels) {
        PP_IN_PLACE
        for (int c = 0; c < channels; c++) {
            const float x = scale[c] * z[c] + offset[c];
            const float up = d_leaky[c] + d_relu[c], down = slope * d_leaky[c];
            dx[c] = x > 0 ? up : down;
        }
        d_leaky += ld_leaky;
        d_relu += ld_relu;
    }
}

PP_CLONES static void one_backward(const float *z, long pixels, int channels, const float *scale,
                                   const float *offset, float slope, const float *dy, long ld_dy,
                                   float *dx)
{
    for (long p = 0; p < pixels; p++, z += channels, dx += channels, dy += ld_dy) {
        PP_IN_PLACE
        for (int c = 0; c < channels; c++) {
            const float x = scale[c] * z[c] + offset[c];
            const float down = slope * dy[c];
            dx[c] = x > 0 ? dy[c] : down;
        }
    }
}

void pp_train_rectify_backward(const float *z, long pixels, int channels, const float *scale,
                               const float *offset, float slope, const float *d_leaky,
                               long ld_leaky, const float *d_relu, long ld_relu, float *dx)
{
    if (d_leaky != NULL && d_relu != NULL) {
        both_backward(z, pixels, channels, scale, offset, slope, d_leaky, ld_leaky, d_relu, ld_relu,
                      dx);
    } else if (d_leaky != NULL) {
        one_backward(z, pixels, channels, scale, offset, slope, d_leaky, ld_leaky, dx);
    } else {
        one_backward(z, pixels, channels, scale, offset, 0, d_relu, ld_relu, dx);
    }
}

PP_CLONES static void chunk_backward_sums(const float *z, const float *dx, int pixels, int channels,
                                          const float *mean, float *restrict sum,
                                          float *restrict product)
{
    for (int c = 0; c < channels; c++) sum[c] = product[c] = 0;
    for (int p = 0; p < pixels; p++, z += channels, dx += channels) {
        for (int c = 0; c < channels; c++) {
            sum[c] += dx[c];
            product[c] += dx[c] * (z[c] - mean[c]);
        }
    }
}

void pp_train_norm_backward_sums(const float *z, const float *dx, long pixels, int channels,
                                 const pp_train_norm_map *map, double *sums, float *scratch)
{
    float *sum = scratch, *product = sum + channels;
    memset(sums, 0, sizeof *sums * 2 * (size_t)channels);
    for (long first = 0; first < pixels; first += CHUNK_PIXELS) {
        const int count = pixels - first < CHUNK_PIXELS ? (int)(pixels - first) : CHUNK_PIXELS;
        chunk_backward_sums(z + first * channels, dx + first * channels, count, channels, map->mean,
                            sum, product);
        for (int c = 0; c < channels; c++) {
            sums[c] += sum[c];
            sums[channels + c] += (double)product[c] * map->inverse[c];
        }
    }
}

PP_CLONES static void combine(const float *z, float *restrict dx, long pixels, int channels,
                              const float *of_dx, const float *of_z, const float *constant)
{
    for (long p = 0; p < pixels; p++, z += channels, dx += channels) {
        for (int c = 0; c < channels; c++) {
            dx[c] = of_dx[c] * dx[c] + (of_z[c] * z[c] + constant[c]);
        }
    }
}

/* dz = scale (dx - mean(dx) - xhat mean(dx xhat)), written as one affine map of dx and z. */
void pp_train_norm_backward(const float *z, float *dx, long pixels, int channels,
                            const pp_train_norm_map *map, const double *sums, double batch_pixels,
                            float *scratch)
{
    float *of_z = scratch, *constant = of_z + channels;
    for (int c = 0; c < channels; c++) {
        const double mean_dx = sums[c] / batch_pixels;
        const double slope = sums[channels + c] / batch_pixels * map->inverse[c];
        of_z[c] = (float)(-map->scale[c] * slope);
        constant[c] = (float)(map->scale[c] * (slope * map->mean[c] - mean_dx));
    }
    combine(z, dx, pixels, channels, map->scale, of_z, constant);
}
