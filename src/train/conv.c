#include "train/conv.h"

#include <string.h>

#include "base/clones.h"
#include "nn/blas.h"
#include "train/winograd.h"

/* A tile of unrolled pixels should lie in the second-level cache and still be tall enough for the
 * matrix product to be efficient: that packs all of the weights once a tile. */
#define TILE_FLOATS 98304
#define LEAST_TILE_PIXELS 512
#define MOST_TILE_PIXELS 1200

pp_train_conv pp_train_conv_make(int height, int width, int in_channels, int out_channels,
                                 int kernel, int stride, int padding, int dilation)
{
    pp_train_conv conv = {
        height, width, in_channels, out_channels, kernel, stride, padding, dilation, 0, 0};
    const int reach = dilation * (kernel - 1) + 1;
    conv.out_height = (height + 2 * padding - reach) / stride + 1;
    conv.out_width = (width + 2 * padding - reach) / stride + 1;
    return conv;
}

static int unrolled(const pp_train_conv *conv)
{
    return conv->kernel * conv->kernel * conv->in_channels;
}

/* A pixel's row of the tile; rows apart by a power of two would share few cache sets. */
static int row_stride(const pp_train_conv *conv)
{
    const int k = unrolled(conv);
    return k >= 256 && k % 256 == 0 ? k + 16 : k;
}

/* A convolution that only mixes channels needs no unrolling. */
static int is_pointwise(const pp_train_conv *conv)
{
    return conv->kernel == 1 && conv->stride == 1 && conv->padding == 0;
}

static int tile_pixels(const pp_train_conv *conv)
{
    int pixels = TILE_FLOATS / row_stride(conv);
    if (pixels > MOST_TILE_PIXELS) pixels = MOST_TILE_PIXELS;
    if (pixels < LEAST_TILE_PIXELS) pixels = LEAST_TILE_PIXELS;
    return pixels;
}

size_t pp_train_conv_weights(const pp_train_conv *conv)
{
    return (size_t)unrolled(conv) * (size_t)conv->out_channels;
}

size_t pp_train_conv_scratch(const pp_train_conv *conv)
{
    if (pp_train_winograd_pays(conv)) return pp_train_winograd_scratch(conv);
    return is_pointwise(conv) ? 16 : (size_t)tile_pixels(conv) * (size_t)row_stride(conv);
}

/* Pixels of the result. */
static long results_of(const pp_train_conv *conv, int batch)
{
    return (long)batch * conv->out_height * conv->out_width;
}

/* ---- unrolled -------------------------------------------------------------------------------- */

static inline void copy_floats(float *restrict to, const float *restrict from, int count)
{
    for (int i = 0; i < count; i++) to[i] = from[i];
}

static inline void add_floats(float *restrict to, const float *restrict from, int count)
{
    for (int i = 0; i < count; i++) to[i] += from[i];
}

static inline void zero_floats(float *to, int count)
{
    for (int i = 0; i < count; i++) to[i] = 0;
}

/* Where one row of the kernel, placed at input column `left`, lies inside the picture: columns
 * [first, last) of the kernel. Without dilation they are contiguous in the picture. */
static inline void columns_inside(const pp_train_conv *conv, int left, int *first, int *last)
{
    int f = 0, l = conv->kernel;
    while (f < l && left + f * conv->dilation < 0) f++;
    while (l > f && left + (l - 1) * conv->dilation >= conv->width) l--;
    *first = f;
    *last = l;
}

typedef struct pixel_place {
    int sample, top, left; /* of the kernel in the input; top and left may be negative */
} pixel_place;

static inline pixel_place place_of(const pp_train_conv *conv, long pixel)
{
    const long a_sample = (long)conv->out_height * conv->out_width;
    const int inside = (int)(pixel % a_sample);
    pixel_place place = {(int)(pixel / a_sample),
                         inside / conv->out_width * conv->stride - conv->padding,
                         inside % conv->out_width * conv->stride - conv->padding};
    return place;
}

/* The place of the pixel after this one. */
static inline void next_place(const pp_train_conv *conv, pixel_place *place)
{
    place->left += conv->stride;
    if (place->left < conv->out_width * conv->stride - conv->padding) return;
    place->left = -conv->padding;
    place->top += conv->stride;
    if (place->top < conv->out_height * conv->stride - conv->padding) return;
    place->top = -conv->padding;
    place->sample++;
}

/* Pixels [first, first + pixels) of the result, flattened over the batch: what the kernel sees
 * at each -> tile [pixels, row_stride], of which the first kernel * kernel * channels count. */
PP_CLONES static void unroll(const pp_train_conv *conv, const float *x, long first, int pixels,
                             float *tile)
{
    const int c = conv->in_channels, k = conv->kernel, d = conv->dilation;
    const int segment = k * c, stride = row_stride(conv);
    pixel_place at = place_of(conv, first);
    for (int p = 0; p < pixels; p++, next_place(conv, &at)) {
        float *to = tile + (long)p * stride;
        int from, until;
        columns_inside(conv, at.left, &from, &until);
        for (int ky = 0; ky < k; ky++, to += segment) {
            const int row = at.top + ky * d;
            if (row < 0 || row >= conv->height || from >= until) {
                zero_floats(to, segment);
                continue;
            }
            const float *line = x + ((long)at.sample * conv->height + row) * conv->width * c;
            zero_floats(to, from * c);
            if (d == 1) {
                copy_floats(to + from * c, line + (long)(at.left + from) * c, (until - from) * c);
            } else {
                for (int kx = from; kx < until; kx++) {
                    copy_floats(to + kx * c, line + (long)(at.left + kx * d) * c, c);
                }
            }
            zero_floats(to + until * c, (k - until) * c);
        }
    }
}

/* The transpose of unroll: adds each entry of the tile to the input pixel it was taken from. */
PP_CLONES static void roll_back(const pp_train_conv *conv, const float *tile, long first,
                                int pixels, float *dx)
{
    const int c = conv->in_channels, k = conv->kernel, d = conv->dilation;
    const int segment = k * c, stride = row_stride(conv);
    pixel_place at = place_of(conv, first);
    for (int p = 0; p < pixels; p++, next_place(conv, &at)) {
        const float *entry = tile + (long)p * stride;
        int from, until;
        columns_inside(conv, at.left, &from, &until);
        for (int ky = 0; ky < k; ky++, entry += segment) {
            const int row = at.top + ky * d;
            if (row < 0 || row >= conv->height || from >= until) continue;
            float *line = dx + ((long)at.sample * conv->height + row) * conv->width * c;
            if (d == 1) {
                add_floats(line + (long)(at.left + from) * c, entry + from * c, (until - from) * c);
            } else {
                for (int kx = from; kx < until; kx++) {
                    add_floats(line + (long)(at.left + kx * d) * c, entry + kx * c, c);
                }
            }
        }
    }
}

static void unrolled_forward(const pp_train_conv *conv, int batch, const float *x,
                             const float *weights, float *y, float *scratch)
{
    const int n = conv->out_channels, k = unrolled(conv), most = tile_pixels(conv);
    const long total = results_of(conv, batch);
    for (long first = 0; first < total; first += most) {
        const int pixels = total - first < most ? (int)(total - first) : most;
        const float *tile = x + first * k;
        int stride = k;
        if (!is_pointwise(conv)) {
            unroll(conv, x, first, pixels, scratch);
            tile = scratch;
            stride = row_stride(conv);
        }
        pp_sgemm(0, 0, pixels, n, k, 1, tile, stride, weights, n, 0, y + first * n, n);
    }
}

/* dx of a tile: the unrolled gradient is dy times the transposed weights. */
static void backward_data(const pp_train_conv *conv, const float *weights, const float *dy,
                          long first, int pixels, float *dx, float *scratch)
{
    const int n = conv->out_channels, k = unrolled(conv);
    if (is_pointwise(conv)) {
        pp_sgemm(0, 1, pixels, k, n, 1, dy, n, weights, n, 0, dx + first * k, k);
        return;
    }
    pp_sgemm(0, 1, pixels, k, n, 1, dy, n, weights, n, 0, scratch, row_stride(conv));
    roll_back(conv, scratch, first, pixels, dx);
}

static void unrolled_backward(const pp_train_conv *conv, int batch, const float *x,
                              const float *weights, const float *dy, float *dx, float *d_weights,
                              float *scratch)
{
    const int n = conv->out_channels, k = unrolled(conv), most = tile_pixels(conv);
    const long total = results_of(conv, batch);
    if (dx != NULL && !is_pointwise(conv)) {
        memset(dx, 0,
               sizeof *dx * (size_t)batch * (size_t)conv->height * (size_t)conv->width *
                   (size_t)conv->in_channels);
    }
    for (long first = 0; first < total; first += most) {
        const int pixels = total - first < most ? (int)(total - first) : most;
        const float *tile = x + first * k;
        int stride = k;
        if (!is_pointwise(conv)) {
            unroll(conv, x, first, pixels, scratch);
            tile = scratch;
            stride = row_stride(conv);
        }
        pp_sgemm(1, 0, k, n, pixels, 1, tile, stride, dy + first * n, n, 1, d_weights, n);
        if (dx != NULL) backward_data(conv, weights, dy + first * n, first, pixels, dx, scratch);
    }
}

/* ---- either ---------------------------------------------------------------------------------- */

PP_CLONES static void add_bias(float *y, long pixels, int channels, const float *bias)
{
    for (long p = 0; p < pixels; p++) add_floats(y + p * channels, bias, channels);
}

PP_CLONES static void sum_pixels(const float *dy, long pixels, int channels, float *sum)
{
    for (long p = 0; p < pixels; p++) add_floats(sum, dy + p * channels, channels);
}

void pp_train_conv_forward(const pp_train_conv *conv, int batch, const float *x,
                           const float *weights, const float *bias, float *y, float *scratch)
{
    if (pp_train_winograd_pays(conv)) {
        pp_train_winograd_forward(conv, batch, x, weights, y, scratch);
    } else {
        unrolled_forward(conv, batch, x, weights, y, scratch);
    }
    if (bias != NULL) add_bias(y, results_of(conv, batch), conv->out_channels, bias);
}

void pp_train_conv_backward(const pp_train_conv *conv, int batch, const float *x,
                            const float *weights, const float *dy, float *dx, float *d_weights,
                            float *d_bias, float *scratch)
{
    if (d_bias != NULL) sum_pixels(dy, results_of(conv, batch), conv->out_channels, d_bias);
    if (pp_train_winograd_pays(conv)) {
        pp_train_winograd_backward(conv, batch, x, weights, dy, dx, d_weights, scratch);
    } else {
        unrolled_backward(conv, batch, x, weights, dy, dx, d_weights, scratch);
    }
}
