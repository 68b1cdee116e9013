/* train: every kernel against a plain double-precision forward pass, and every backward kernel
 * against finite differences of that pass. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/blas.h"
#include "train/conv.h"
#include "train/head.h"
#include "train/loss.h"
#include "train/norm.h"
#include "train/pool.h"
#include "train/upstep.h"
#include "train/vector_math.h"

static float *random_floats(size_t count, uint64_t seed)
{
    float *values = pp_alloc(count, sizeof *values);
    assert_non_null(values);
    pp_random random;
    pp_random_seed(&random, seed, 0);
    for (size_t i = 0; i < count; i++) values[i] = (float)pp_random_normal(&random);
    return values;
}

static double *doubles(size_t count)
{
    double *values = pp_alloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static float *floats(size_t count)
{
    float *values = pp_alloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static double largest(const double *values, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++) most = fabs(values[i]) > most ? fabs(values[i]) : most;
    return most;
}

/* Largest difference, relative to the largest value. */
static void assert_near(const char *what, const float *got, const double *expected, size_t count,
                        double tolerance)
{
    const double scale = largest(expected, count) + 1e-30;
    for (size_t i = 0; i < count; i++) {
        const double difference = fabs(got[i] - expected[i]) / scale;
        if (!(difference <= tolerance)) {
            fail_msg("%s[%zu]: %.9g, expected %.9g", what, i, got[i], expected[i]);
        }
    }
}

/* A function of several inputs, in double precision: a scalar out. */
typedef double scalar_function(void *problem, double *const *inputs);

/* Compares `gradients[i]` (one array for each input, NULL: not asked) with central differences. */
static void check_gradients(scalar_function *f, void *problem, int inputs,
                            const float *const *values, const size_t *counts,
                            const float *const *gradients, const char *const *names,
                            double tolerance)
{
    double *x[8];
    for (int i = 0; i < inputs; i++) {
        x[i] = doubles(counts[i]);
        for (size_t j = 0; j < counts[i]; j++) x[i][j] = values[i][j];
    }
    for (int i = 0; i < inputs; i++) {
        if (gradients[i] == NULL) continue;
        double *expected = doubles(counts[i]);
        for (size_t j = 0; j < counts[i]; j++) {
            const double h = 1e-5, kept = x[i][j];
            x[i][j] = kept + h;
            const double up = f(problem, x);
            x[i][j] = kept - h;
            const double down = f(problem, x);
            x[i][j] = kept;
            expected[j] = (up - down) / (2 * h);
        }
        assert_near(names[i], gradients[i], expected, counts[i], tolerance);
        pp_free(expected);
    }
    for (int i = 0; i < inputs; i++) pp_free(x[i]);
}

/* ---- convolution ---- */

typedef struct conv_problem {
    pp_train_conv conv;
    int batch;
    const float *pull; /* the loss is the sum of pull times y */
    double *y;
} conv_problem;

static double plain_conv(void *user, double *const *inputs)
{
    const conv_problem *p = user;
    const pp_train_conv *c = &p->conv;
    const double *x = inputs[0], *w = inputs[1], *bias = inputs[2];
    double loss = 0;
    size_t at = 0;
    for (int b = 0; b < p->batch; b++) {
        for (int i = 0; i < c->out_height * c->out_width; i++) {
            for (int o = 0; o < c->out_channels; o++, at++) {
                double sum = bias[o];
                for (int k = 0; k < c->kernel * c->kernel; k++) {
                    const int row =
                        i / c->out_width * c->stride - c->padding + k / c->kernel * c->dilation;
                    const int column =
                        i % c->out_width * c->stride - c->padding + k % c->kernel * c->dilation;
                    if (row < 0 || row >= c->height || column < 0 || column >= c->width) continue;
                    for (int n = 0; n < c->in_channels; n++) {
                        sum += x[((b * c->height + row) * c->width + column) * c->in_channels + n] *
                               w[(k * c->in_channels + n) * c->out_channels + o];
                    }
                }
                p->y[at] = sum;
                loss += p->pull[at] * sum;
            }
        }
    }
    return loss;
}

static void check_conv(int height, int width, int in, int out, int kernel, int stride, int padding,
                       int dilation)
{
    conv_problem p = {pp_train_conv_make(height, width, in, out, kernel, stride, padding, dilation),
                      2, NULL, NULL};
    const size_t nx = 2 * (size_t)(height * width * in), nw = pp_train_conv_weights(&p.conv);
    const size_t ny = 2 * (size_t)(p.conv.out_height * p.conv.out_width * out);
    float *x = random_floats(nx, 1), *w = random_floats(nw, 2), *bias = random_floats(64, 3);
    float *pull = random_floats(ny, 4), *y = floats(ny), *dx = random_floats(nx, 5);
    float *dw = floats(nw), *db = floats((size_t)out);
    float *scratch = floats(pp_train_conv_scratch(&p.conv));
    p.pull = pull;
    p.y = doubles(ny);
    pp_train_conv_forward(&p.conv, 2, x, w, bias, y, scratch);
    pp_train_conv_backward(&p.conv, 2, x, w, pull, dx, dw, db, scratch);
    const float *values[] = {x, w, bias}, *gradients[] = {dx, dw, db};
    const size_t counts[] = {nx, nw, (size_t)out};
    const char *names[] = {"conv dx", "conv dw", "conv db"};
    check_gradients(plain_conv, &p, 3, values, counts, gradients, names, 2e-5);
    double *inputs[3];
    for (int i = 0; i < 3; i++) {
        inputs[i] = doubles(counts[i]);
        for (size_t j = 0; j < counts[i]; j++) inputs[i][j] = values[i][j];
    }
    plain_conv(&p, inputs);
    assert_near("conv y", y, p.y, ny, 2e-6);
    for (int i = 0; i < 3; i++) pp_free(inputs[i]);
    pp_free(x), pp_free(w), pp_free(bias), pp_free(pull), pp_free(y), pp_free(dx), pp_free(dw);
    pp_free(db), pp_free(scratch), pp_free(p.y);
}

static void convolution_of_any_shape(void **state)
{
    (void)state;
    check_conv(8, 6, 3, 5, 4, 2, 1, 1);
    check_conv(7, 5, 2, 3, 3, 1, 1, 1);
    check_conv(6, 7, 2, 3, 3, 1, 2, 2);
    check_conv(9, 9, 3, 2, 7, 2, 3, 1);
    check_conv(5, 4, 3, 4, 1, 2, 0, 1);
    check_conv(5, 4, 3, 4, 1, 1, 0, 1);
    check_conv(3, 2, 2, 2, 3, 1, 3, 3); /* dilated beyond the picture */
    check_conv(2, 2, 4, 4, 4, 2, 1, 1);
}

/* Many tiles: the seams between them must not show. */
static void convolution_over_many_tiles(void **state)
{
    (void)state;
    conv_problem p = {pp_train_conv_make(60, 44, 6, 8, 4, 2, 1, 1), 2, NULL, NULL};
    const size_t nx = 2 * 60 * 44 * 6, nw = pp_train_conv_weights(&p.conv), ny = 2 * 30 * 22 * 8;
    float *x = random_floats(nx, 1), *w = random_floats(nw, 2), *bias = floats(8);
    float *y = floats(ny), *scratch = floats(pp_train_conv_scratch(&p.conv));
    p.pull = y;
    p.y = doubles(ny);
    double *inputs[3] = {doubles(nx), doubles(nw), doubles(8)};
    for (size_t i = 0; i < nx; i++) inputs[0][i] = x[i];
    for (size_t i = 0; i < nw; i++) inputs[1][i] = w[i];
    plain_conv(&p, inputs);
    pp_train_conv_forward(&p.conv, 2, x, w, bias, y, scratch);
    assert_near("conv y", y, p.y, ny, 2e-6);
    /* backward: <dy, conv(x)> = <dx, x> = <dw, w> for any x and w */
    float *dx = floats(nx), *dw = floats(nw);
    pp_train_conv_backward(&p.conv, 2, x, w, y, dx, dw, NULL, scratch);
    double by_y = 0, by_x = 0, by_w = 0;
    for (size_t i = 0; i < ny; i++) by_y += (double)y[i] * y[i];
    for (size_t i = 0; i < nx; i++) by_x += (double)dx[i] * x[i];
    for (size_t i = 0; i < nw; i++) by_w += (double)dw[i] * w[i];
    assert_true(fabs(by_x / by_y - 1) < 1e-5);
    assert_true(fabs(by_w / by_y - 1) < 1e-5);
    for (int i = 0; i < 3; i++) pp_free(inputs[i]);
    pp_free(x), pp_free(w), pp_free(bias), pp_free(y), pp_free(scratch), pp_free(dx), pp_free(dw);
    pp_free(p.y);
}

/* ---- up step ---- */

typedef struct up_problem {
    int batch, height, width, in, out;
    const float *pull;
    double *y;
} up_problem;

/* Bilinear x2 with align_corners, then 3x3 on the fine grid, as the words say. */
static double upsampled(const up_problem *p, const double *x, int b, int row, int column, int n)
{
    if (row < 0 || row >= 2 * p->height || column < 0 || column >= 2 * p->width) return 0;
    const double y = row * (p->height - 1.0) / (2 * p->height - 1);
    const double z = column * (p->width - 1.0) / (2 * p->width - 1);
    const int i = (int)floor(y + 1e-12), j = (int)floor(z + 1e-12);
    const double f = y - i, g = z - j;
    double sum = 0;
    for (int k = 0; k < 4; k++) {
        const int r = i + k / 2 < p->height ? i + k / 2 : i,
                  c = j + k % 2 < p->width ? j + k % 2 : j;
        sum += (k / 2 ? f : 1 - f) * (k % 2 ? g : 1 - g) *
               x[((b * p->height + r) * p->width + c) * p->in + n];
    }
    return sum;
}

static double plain_up(void *user, double *const *inputs)
{
    const up_problem *p = user;
    double loss = 0;
    size_t at = 0;
    for (int i = 0; i < p->batch * 4 * p->height * p->width; i++) {
        const int column = i % (2 * p->width), row = i / (2 * p->width) % (2 * p->height);
        const int b = i / (4 * p->height * p->width);
        for (int o = 0; o < p->out; o++) p->y[at + (size_t)o] = 0;
        for (int k = 0; k < 9; k++) {
            for (int n = 0; n < p->in; n++) {
                const double u = upsampled(p, inputs[0], b, row + k / 3 - 1, column + k % 3 - 1, n);
                for (int o = 0; o < p->out; o++) {
                    p->y[at + (size_t)o] += u * inputs[1][(n * 9 + k) * p->out + o];
                }
            }
        }
        for (int o = 0; o < p->out; o++, at++) loss += p->pull[at] * p->y[at];
    }
    return loss;
}

static void check_up(int batch, int height, int width, int in, int out, int differences)
{
    up_problem p = {batch, height, width, in, out, NULL, NULL};
    pp_error err = {0};
    pp_train_upstep step;
    assert_int_equal(pp_train_upstep_create(&step, height, width, in, out, &err), PP_OK);
    const size_t nx = (size_t)(batch * height * width * in), nw = (size_t)(9 * in * out);
    const size_t ny = (size_t)(batch * 4 * height * width * out);
    float *x = random_floats(nx, 1), *w = random_floats(nw, 2), *pull = random_floats(ny, 3);
    float *y = floats(ny), *dx = random_floats(nx, 4), *dw = floats(nw);
    float *scratch = floats(pp_train_upstep_scratch(&step));
    p.pull = pull;
    p.y = doubles(ny);
    pp_train_upstep_forward(&step, batch, x, w, y, scratch);
    pp_train_upstep_backward(&step, batch, x, w, pull, dx, dw, scratch);
    double *inputs[2] = {doubles(nx), doubles(nw)};
    for (size_t i = 0; i < nx; i++) inputs[0][i] = x[i];
    for (size_t i = 0; i < nw; i++) inputs[1][i] = w[i];
    const double loss = plain_up(&p, inputs);
    assert_near("up y", y, p.y, ny, 2e-6);
    double by_x = 0, by_w = 0, size = 0;
    for (size_t i = 0; i < nx; i++) by_x += (double)dx[i] * x[i];
    for (size_t i = 0; i < nw; i++) by_w += (double)dw[i] * w[i];
    for (size_t i = 0; i < ny; i++) size += fabs(pull[i] * p.y[i]);
    assert_true(fabs(by_x - loss) < 1e-6 * size);
    assert_true(fabs(by_w - loss) < 1e-6 * size);
    if (differences) {
        const float *values[] = {x, w}, *gradients[] = {dx, dw};
        const size_t counts[] = {nx, nw};
        const char *names[] = {"up dx", "up dw"};
        check_gradients(plain_up, &p, 2, values, counts, gradients, names, 2e-5);
    }
    pp_free(inputs[0]), pp_free(inputs[1]), pp_free(p.y), pp_free(x), pp_free(w), pp_free(pull);
    pp_free(y), pp_free(dx), pp_free(dw), pp_free(scratch);
    pp_train_upstep_destroy(&step);
}

static void up_step_of_any_shape(void **state)
{
    (void)state;
    check_up(1, 3, 4, 2, 3, 1);
    check_up(2, 1, 1, 2, 2, 1);
    check_up(2, 2, 3, 3, 2, 1);
    check_up(3, 5, 2, 2, 1, 1);
    check_up(3, 1, 5, 1, 2, 1);
    check_up(2, 24, 40, 3, 16, 0); /* many chunks of rows */
    check_up(5, 4, 2, 8, 128, 0);  /* chunks over several samples */
}

/* ---- head: up step and synthesizer in one ---- */

typedef struct head_problem {
    up_problem up;
    int masks;
    const float *pull;
    double *logits;
} head_problem;

static double plain_head(void *user, double *const *inputs)
{
    const head_problem *p = user;
    const double *up_bias = inputs[2], *scale = inputs[3], *bias = inputs[4], *v = inputs[5];
    const int bins = 4 * p->up.height * p->up.width, k = p->up.out;
    plain_up((void *)&p->up, inputs);
    double loss = 0;
    for (int m = 0; m < p->masks; m++) {
        for (int i = 0; i < bins; i++) {
            double z = bias[0];
            for (int c = 0; c < k; c++) {
                z += v[m * k + c] * scale[c] * (p->up.y[i * k + c] + up_bias[c]);
            }
            p->logits[m * bins + i] = z;
            loss += z * p->pull[m * bins + i];
        }
    }
    return loss;
}

static void check_head(int height, int width, int in, int k, int masks)
{
    head_problem p = {{1, height, width, in, k, NULL, NULL}, masks, NULL, NULL};
    pp_error err = {0};
    pp_train_head head;
    assert_int_equal(pp_train_head_create(&head, height, width, in, k, masks + 1, &err), PP_OK);
    const size_t bins = (size_t)(4 * height * width);
    const size_t counts[] = {(size_t)(height * width * in),
                             (size_t)(9 * in * k),
                             (size_t)k,
                             (size_t)k,
                             1,
                             (size_t)(masks * k)};
    float *values[6], *gradients[6];
    for (int i = 0; i < 6; i++) {
        values[i] = random_floats(counts[i], (uint64_t)i + 1);
        gradients[i] = floats(counts[i]);
    }
    float *pull = random_floats(bins * (size_t)masks, 9), *logits = floats(bins * (size_t)masks);
    float *scratch = floats(pp_train_head_scratch(&head));
    p.pull = pull;
    p.logits = doubles(bins * (size_t)masks);
    float *unused_pull = floats(bins * (size_t)k); /* plain_up has a loss of its own */
    p.up.pull = unused_pull;
    p.up.y = doubles(bins * (size_t)k);
    const pp_train_head_weights w = {values[1], values[2], values[3], values[4]};
    const pp_train_head_weights dw = {gradients[1], gradients[2], gradients[3], gradients[4]};
    pp_train_head_forward(&head, &w, values[0], values[5], masks, logits, scratch);
    pp_train_head_backward(&head, &w, values[0], values[5], masks, pull, gradients[0], gradients[5],
                           &dw, scratch);
    const char *names[] = {"head dx",     "head dup", "head dbias",
                           "head dscale", "head db",  "head dv"};
    check_gradients(plain_head, &p, 6, (const float *const *)values, counts,
                    (const float *const *)gradients, names, 2e-5);
    double *inputs[6];
    for (int i = 0; i < 6; i++) {
        inputs[i] = doubles(counts[i]);
        for (size_t j = 0; j < counts[i]; j++) inputs[i][j] = values[i][j];
    }
    plain_head(&p, inputs);
    assert_near("logits", logits, p.logits, bins * (size_t)masks, 3e-6);
    for (int i = 0; i < 6; i++) pp_free(inputs[i]), pp_free(values[i]), pp_free(gradients[i]);
    pp_free(pull), pp_free(logits), pp_free(scratch), pp_free(p.up.y), pp_free(p.logits);
    pp_free(unused_pull);
    pp_train_head_destroy(&head);
}

static void head_of_any_shape(void **state)
{
    (void)state;
    check_head(3, 4, 2, 3, 2);
    check_head(5, 3, 3, 2, 1);
    check_head(1, 1, 2, 2, 2);
    check_head(2, 1, 2, 5, 3);
    check_head(1, 6, 2, 2, 2);
}

/* ---- BatchNorm and rectifiers ---- */

typedef struct norm_problem {
    int pixels, channels;
    const float *pull_leaky, *pull_relu;
} norm_problem;

static double plain_norm(void *user, double *const *inputs)
{
    const norm_problem *p = user;
    double loss = 0;
    for (int c = 0; c < p->channels; c++) {
        double mean = 0, variance = 0;
        for (int i = 0; i < p->pixels; i++) mean += inputs[0][i * p->channels + c] / p->pixels;
        for (int i = 0; i < p->pixels; i++) {
            const double d = inputs[0][i * p->channels + c] - mean;
            variance += d * d / p->pixels;
        }
        for (int i = 0; i < p->pixels; i++) {
            const int at = i * p->channels + c;
            const double x =
                (inputs[0][at] - mean) / sqrt(variance + PP_TRAIN_NORM_EPS) * inputs[1][c] +
                inputs[2][c];
            loss += p->pull_leaky[at] * (x > 0 ? x : 0.2 * x);
            if (p->pull_relu != NULL) loss += p->pull_relu[at] * (x > 0 ? x : 0);
        }
    }
    return loss;
}

static void check_norm(int pixels, int channels, int both)
{
    const size_t n = (size_t)(pixels * channels), c = (size_t)channels;
    float *z = random_floats(n, 1), *weight = random_floats(c, 2), *bias = random_floats(c, 3);
    float *leaky = random_floats(n, 4), *relu = both ? random_floats(n, 5) : NULL;
    float *dx = floats(n), *scratch = floats(3 * c), *room = floats(4 * c);
    double *sums = doubles(2 * c + 1);
    for (size_t i = 0; i < n; i++) z[i] += 3; /* statistics that are not those of nothing */
    const pp_train_norm_map map = {room, room + c, room + 2 * c, room + 3 * c};
    float mean = 1, var = 2;
    pp_train_norm_sums(z, pixels, channels, sums, scratch);
    pp_train_norm_make(sums, channels, weight, bias, &map, channels == 1 ? &mean : NULL, &var);
    pp_train_rectify_backward(z, pixels, channels, map.scale, map.offset, 0.2F, leaky, channels,
                              relu, channels, dx);
    pp_train_norm_backward_sums(z, dx, pixels, channels, &map, sums, scratch);
    float *d_weight = floats(c), *d_bias = floats(c);
    for (size_t i = 0; i < c; i++) d_bias[i] = (float)sums[i], d_weight[i] = (float)sums[c + i];
    pp_train_norm_backward(z, dx, pixels, channels, &map, sums, pixels, scratch);
    norm_problem p = {pixels, channels, leaky, relu};
    const float *values[] = {z, weight, bias}, *gradients[] = {dx, d_weight, d_bias};
    const size_t counts[] = {n, c, c};
    const char *names[] = {"norm dz", "norm dweight", "norm dbias"};
    check_gradients(plain_norm, &p, 3, values, counts, gradients, names, 5e-5);
    float *y = floats(n);
    pp_train_rectify(z, pixels, channels, map.scale, map.offset, 0.2F, y, channels);
    double loss = 0, *inputs[3] = {doubles(n), doubles(c), doubles(c)};
    for (int i = 0; i < 3; i++) {
        for (size_t j = 0; j < counts[i]; j++) inputs[i][j] = values[i][j];
    }
    for (size_t i = 0; i < n; i++) {
        loss += (double)leaky[i] * y[i] + (both && y[i] > 0 ? relu[i] * y[i] : 0);
    }
    assert_true(fabs(loss - plain_norm(&p, inputs)) < 1e-5 * (double)n);
    if (channels == 1) {
        assert_true(fabs(mean - (0.9 + 0.1 * map.mean[0])) < 1e-6);
        const double variance = 1 / (map.inverse[0] * map.inverse[0]) - PP_TRAIN_NORM_EPS;
        assert_true(fabs(var - (1.8 + 0.1 * variance * pixels / (pixels - 1))) < 1e-5);
    }
    for (int i = 0; i < 3; i++) pp_free(inputs[i]);
    pp_free(z), pp_free(weight), pp_free(bias), pp_free(leaky), pp_free(relu), pp_free(dx);
    pp_free(scratch), pp_free(room), pp_free(sums), pp_free(d_weight), pp_free(d_bias), pp_free(y);
}

static void batch_norm_and_rectifiers(void **state)
{
    (void)state;
    check_norm(37, 1, 0);
    check_norm(300, 3, 1);
    check_norm(13, 17, 1);
}

/* Chunks must not show, and a mean far from zero must not cost the variance. */
static void statistics_of_many_pixels(void **state)
{
    (void)state;
    const int pixels = 5000;
    float *z = random_floats((size_t)pixels * 2, 1), scratch[6];
    double sums[5], mean = 0, square = 0;
    for (int i = 0; i < pixels; i++) {
        z[2 * i + 1] = 1000 + z[2 * i + 1];
        mean += z[2 * i + 1] / (double)pixels;
    }
    for (int i = 0; i < pixels; i++) square += (z[2 * i + 1] - mean) * (z[2 * i + 1] - mean);
    pp_train_norm_sums(z, pixels, 2, sums, scratch);
    const double m = sums[1] / pixels;
    assert_true(fabs(m / mean - 1) < 1e-8);
    assert_true(fabs((sums[3] / pixels - m * m) / (square / pixels) - 1) < 1e-4);
    assert_true(sums[4] == pixels);
    pp_free(z);
}

/* ---- pooling ---- */

static void max_pool_and_its_gradient(void **state)
{
    (void)state;
    const int b = 2, h = 5, w = 4, c = 3;
    float *x = random_floats((size_t)(b * h * w * c), 1), y[2 * 3 * 2 * 3], dy[2 * 3 * 2 * 3];
    float dx[2 * 5 * 4 * 3], expected[2 * 5 * 4 * 3] = {0};
    uint8_t place[2 * 3 * 2 * 3];
    for (int i = 0; i < 36; i++) dy[i] = (float)(i + 1);
    pp_train_maxpool(b, h, w, c, x, y, place);
    pp_train_maxpool_backward(b, h, w, c, dy, place, dx);
    for (int i = 0; i < 36; i++) {
        const int channel = i % c, column = i / c % 2, row = i / c / 2 % 3, n = i / c / 6;
        int best = -1;
        for (int k = 0; k < 9; k++) {
            const int iy = 2 * row - 1 + k / 3, ix = 2 * column - 1 + k % 3;
            if (iy < 0 || iy >= h || ix < 0 || ix >= w) continue;
            const int at = ((n * h + iy) * w + ix) * c + channel;
            if (best < 0 || x[at] > x[best]) best = at;
        }
        assert_true(y[i] == x[best]);
        expected[best] += dy[i];
    }
    assert_memory_equal(dx, expected, sizeof dx);
    pp_free(x);
}

static void clip_pool_and_its_gradient(void **state)
{
    (void)state;
    const float x[] = {1,  5,  4,  -2, 3,  0, /* clip 1: three cells of two channels */
                       -1, -7, -3, -6, -2, -6};
    float pooled[4], dx[12];
    int32_t place[4];
    const float d[] = {10, 20, 30, 40};
    pp_train_clip_pool(0, 2, 3, 2, x, pooled, place);
    const float maxima[] = {4, 5, -1, -6};
    assert_memory_equal(pooled, maxima, sizeof maxima);
    pp_train_clip_pool_backward(0, 2, 3, 2, d, place, dx);
    const float from_max[] = {0, 20, 10, 0, 0, 0, 30, 0, 0, 40, 0, 0};
    assert_memory_equal(dx, from_max, sizeof dx);
    pp_train_clip_pool(1, 2, 3, 2, x, pooled, place);
    assert_true(fabsf(pooled[0] - 8.0F / 3) < 1e-6F && fabsf(pooled[3] + 19.0F / 3) < 1e-6F);
    pp_train_clip_pool_backward(1, 2, 3, 2, d, place, dx);
    for (int i = 0; i < 12; i++) assert_true(dx[i] == d[i / 6 * 2 + i % 2] / 3);
}

/* ---- losses ---- */

typedef struct loss_problem {
    pp_train_loss kind;
    int count;
    const float *target, *weight;
} loss_problem;

static double plain_loss(void *user, double *const *inputs)
{
    const loss_problem *p = user;
    double loss = 0;
    for (int i = 0; i < p->count; i++) {
        const double z = inputs[0][i], s = 1 / (1 + exp(-z)), t = p->target[i];
        switch (p->kind) {
        case PP_TRAIN_BCE:
            loss -= p->weight[i] * (t * log(s) + (1 - t) * log1p(-s));
            break;
        case PP_TRAIN_L1:
            loss += p->weight[i] * fabs(s - t);
            break;
        case PP_TRAIN_L2:
            loss += p->weight[i] * (s - t) * (s - t);
            break;
        }
    }
    return loss;
}

static void losses_and_their_gradients(void **state)
{
    (void)state;
    const int n = 100;
    float *z = random_floats((size_t)n, 1), *t = random_floats((size_t)n, 2);
    float *w = random_floats((size_t)n, 3), *d = floats((size_t)n);
    double inputs_room[100], *inputs[] = {inputs_room};
    for (int i = 0; i < n; i++) {
        z[i] *= 4;
        t[i] = i % 3 == 0 ? 0 : i % 3 == 1 ? 1 : 1 / (1 + expf(t[i]));
        w[i] = fabsf(w[i]);
        inputs_room[i] = z[i];
    }
    for (int kind = PP_TRAIN_BCE; kind <= PP_TRAIN_L2; kind++) {
        loss_problem p = {(pp_train_loss)kind, n, t, w};
        const double loss = pp_train_mask_loss(p.kind, z, t, w, n, 1, d);
        assert_true(fabs(loss / plain_loss(&p, inputs) - 1) < 1e-6);
        const float *values[] = {z}, *gradients[] = {d};
        const size_t counts[] = {(size_t)n};
        const char *names[] = {"loss dz"};
        check_gradients(plain_loss, &p, 1, values, counts, gradients, names, 1e-5);
    }
    pp_free(z), pp_free(t), pp_free(w), pp_free(d);
}

static void vector_math_is_close(void **state)
{
    (void)state;
    for (double x = -86; x < 88; x += 0.0137) {
        assert_true(fabs(pp_train_exp((float)x) / exp((float)x) - 1) < 3e-7);
    }
    for (double x = 1e-12; x < 1e12; x *= 1.0173) {
        const double expected = log((float)x);
        assert_true(fabs(pp_train_log((float)x) - expected) < 3e-7 * (fabs(expected) + 0.1));
    }
    for (double x = 0; x <= 1; x += 0.001) {
        assert_true(fabs(pp_train_log1p_small((float)x) - log1p((float)x)) <= 2e-7 * x);
    }
}

static int load_blas(void **state)
{
    (void)state;
    pp_error err = {0};
    return pp_blas_load(NULL, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolution_of_any_shape),   cmocka_unit_test(convolution_over_many_tiles),
        cmocka_unit_test(up_step_of_any_shape),       cmocka_unit_test(head_of_any_shape),
        cmocka_unit_test(batch_norm_and_rectifiers),  cmocka_unit_test(statistics_of_many_pixels),
        cmocka_unit_test(max_pool_and_its_gradient),  cmocka_unit_test(clip_pool_and_its_gradient),
        cmocka_unit_test(losses_and_their_gradients), cmocka_unit_test(vector_math_is_close),
    };
    return cmocka_run_group_tests(tests, load_blas, NULL);
}
