/* train: Winograd's convolutions against plain double-precision sums, forward and backward, at odd
 * shapes, over many chunks of tiles and blocks of outputs. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/blas.h"
#include "train/winograd.h"

static float *floats(size_t count)
{
    float *values = pp_alloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static float *random_floats(size_t count, uint64_t seed)
{
    float *values = floats(count);
    pp_random random;
    pp_random_seed(&random, seed, 0);
    for (size_t i = 0; i < count; i++) values[i] = (float)pp_random_normal(&random);
    return values;
}

/* Largest difference, relative to the largest value. */
static double difference(const float *got, const double *expected, size_t count)
{
    double most = 0, scale = 1e-30;
    for (size_t i = 0; i < count; i++) {
        const double d = fabs(got[i] - expected[i]);
        assert_true(isfinite(d));
        most = d > most ? d : most;
        scale = fabs(expected[i]) > scale ? fabs(expected[i]) : scale;
    }
    return most / scale;
}

/* A convolution of random pictures: what goes in, and what comes out of Winograd. */
typedef struct problem {
    pp_train_conv conv;
    int batch;
    size_t nx, nw, ny;
    float *x, *w, *dy;
    float *y, *dx, *dw;
} problem;

static void run(problem *p, float *y, float *dx, float *dw)
{
    const size_t room = pp_train_winograd_scratch(&p->conv);
    float *scratch = floats(room);
    memset(scratch, 0xff, sizeof *scratch * room); /* not numbers: nothing may be read of it */
    pp_train_winograd_forward(&p->conv, p->batch, p->x, p->w, y, scratch);
    pp_train_winograd_backward(&p->conv, p->batch, p->x, p->w, p->dy, dx, dw, scratch);
    pp_free(scratch);
}

static problem make_problem(int height, int width, int in, int out, int dilation, int batch)
{
    problem p = {.conv = pp_train_conv_make(height, width, in, out, 3, 1, dilation, dilation),
                 .batch = batch};
    assert_true(pp_train_winograd_can(&p.conv));
    p.nx = (size_t)batch * (size_t)(height * width * in);
    p.ny = (size_t)batch * (size_t)(height * width * out);
    p.nw = pp_train_conv_weights(&p.conv);
    p.x = random_floats(p.nx, 1), p.w = random_floats(p.nw, 2), p.dy = random_floats(p.ny, 3);
    p.y = random_floats(p.ny, 4), p.dx = random_floats(p.nx, 5), p.dw = floats(p.nw);
    run(&p, p.y, p.dx, p.dw);
    return p;
}

static void free_problem(problem *p)
{
    pp_free(p->x), pp_free(p->w), pp_free(p->dy), pp_free(p->y), pp_free(p->dx), pp_free(p->dw);
}

/* Adds what one pixel of the result sums through one tap, and its gradients. */
static void plain_tap(const problem *p, size_t from, size_t tap, size_t to, double *y, double *dx,
                      double *dw)
{
    const size_t in = (size_t)p->conv.in_channels, out = (size_t)p->conv.out_channels;
    for (size_t n = 0; n < in; n++) {
        for (size_t o = 0; o < out; o++) {
            const size_t at = (tap * in + n) * out + o;
            y[to * out + o] += (double)p->x[from * in + n] * p->w[at];
            dx[from * in + n] += (double)p->dy[to * out + o] * p->w[at];
            dw[at] += (double)p->dy[to * out + o] * p->x[from * in + n];
        }
    }
}

static void plain(const problem *p, double *y, double *dx, double *dw)
{
    const pp_train_conv *c = &p->conv;
    for (int i = 0; i < p->batch * c->height * c->width; i++) {
        const int column = i % c->width, row = i / c->width % c->height;
        for (int tap = 0; tap < 9; tap++) {
            const int down = (tap / 3 - 1) * c->dilation, right = (tap % 3 - 1) * c->dilation;
            if (row + down < 0 || row + down >= c->height) continue;
            if (column + right < 0 || column + right >= c->width) continue;
            plain_tap(p, (size_t)(i + down * c->width + right), (size_t)tap, (size_t)i, y, dx, dw);
        }
    }
}

static void check(int height, int width, int in, int out, int dilation, int batch)
{
    const double tolerance = 1e-5;
    problem p = make_problem(height, width, in, out, dilation, batch);
    double *y = pp_alloc(p.ny, sizeof *y), *dx = pp_alloc(p.nx, sizeof *dx);
    double *dw = pp_alloc(p.nw, sizeof *dw);
    assert_true(y != NULL && dx != NULL && dw != NULL);
    plain(&p, y, dx, dw);
    const double by_y = difference(p.y, y, p.ny), by_x = difference(p.dx, dx, p.nx);
    const double by_w = difference(p.dw, dw, p.nw);
    print_message("%dx%d, %d to %d channels, dilation %d: y %.1e, dx %.1e, dw %.1e\n", height,
                  width, in, out, dilation, by_y, by_x, by_w);
    assert_true(by_y < tolerance);
    assert_true(by_x < tolerance);
    assert_true(by_w < tolerance);
    pp_free(y), pp_free(dx), pp_free(dw);
    free_problem(&p);
}

static void any_shape(void **state)
{
    (void)state;
    check(4, 4, 16, 16, 1, 2);
    check(1, 1, 16, 16, 1, 1);
    check(5, 7, 32, 16, 1, 2);
    check(13, 9, 16, 48, 1, 1);
    check(14, 14, 16, 16, 2, 2);
    check(7, 7, 32, 48, 2, 1);
    check(11, 6, 16, 32, 3, 2);
    check(2, 3, 16, 16, 4, 1); /* dilated beyond the picture */
}

/* More tiles than a chunk, and weights for more than a block of outputs. */
static void chunks_and_blocks(void **state)
{
    (void)state;
    check(94, 101, 16, 16, 1, 1);
    check(6, 5, 256, 272, 1, 1);
}

/* Both at once: the pictures of a batch are computed as each alone, their weights' gradients
 * summed; and the same again gives the same bits. */
static void a_batch_is_its_pictures(void **state)
{
    (void)state;
    enum { PICTURES = 17 }; /* of 16 tiles */
    problem all = make_problem(14, 14, 256, 272, 1, PICTURES), one = all;
    const size_t nx = all.nx / PICTURES, ny = all.ny / PICTURES;
    double *y = pp_alloc(all.ny, sizeof *y), *dx = pp_alloc(all.nx, sizeof *dx);
    double *dw = pp_alloc(all.nw, sizeof *dw);
    float *part_y = floats(all.ny), *part_dx = floats(all.nx), *part_dw = floats(all.nw);
    assert_true(y != NULL && dx != NULL && dw != NULL);
    one.batch = 1;
    for (size_t i = 0; i < PICTURES; i++) {
        one.x = all.x + i * nx, one.dy = all.dy + i * ny;
        memset(part_dw, 0, sizeof *part_dw * all.nw);
        run(&one, part_y, part_dx, part_dw);
        for (size_t j = 0; j < ny; j++) y[i * ny + j] = part_y[j];
        for (size_t j = 0; j < nx; j++) dx[i * nx + j] = part_dx[j];
        for (size_t j = 0; j < all.nw; j++) dw[j] += part_dw[j];
    }
    assert_true(difference(all.y, y, all.ny) < 2e-6);
    assert_true(difference(all.dx, dx, all.nx) < 2e-6);
    assert_true(difference(all.dw, dw, all.nw) < 2e-5);
    memset(part_dw, 0, sizeof *part_dw * all.nw);
    run(&all, part_y, part_dx, part_dw);
    assert_memory_equal(part_y, all.y, sizeof *part_y * all.ny);
    assert_memory_equal(part_dx, all.dx, sizeof *part_dx * all.nx);
    assert_memory_equal(part_dw, all.dw, sizeof *part_dw * all.nw);
    pp_free(y), pp_free(dx), pp_free(dw), pp_free(part_y), pp_free(part_dx), pp_free(part_dw);
    free_problem(&all);
}

/* Gradients of weights are added to; that of the input may be left out. */
static void gradients_add_up(void **state)
{
    (void)state;
    problem p = make_problem(9, 6, 16, 32, 1, 2);
    float *scratch = floats(pp_train_winograd_scratch(&p.conv)), *twice = floats(p.nw);
    memcpy(twice, p.dw, sizeof *twice * p.nw);
    pp_train_winograd_backward(&p.conv, p.batch, p.x, p.w, p.dy, NULL, twice, scratch);
    for (size_t i = 0; i < p.nw; i++) assert_true(twice[i] == 2 * p.dw[i]);
    pp_free(scratch), pp_free(twice);
    free_problem(&p);
}

static void serves_what_it_can(void **state)
{
    (void)state;
    const pp_train_conv large = pp_train_conv_make(56, 56, 64, 64, 3, 1, 1, 1);
    const pp_train_conv dilated = pp_train_conv_make(14, 14, 512, 512, 3, 1, 2, 2);
    const pp_train_conv tiny = pp_train_conv_make(2, 2, 64, 64, 3, 1, 1, 1);
    assert_true(pp_train_winograd_pays(&large) && pp_train_winograd_pays(&dilated));
    assert_true(pp_train_winograd_can(&tiny) && !pp_train_winograd_pays(&tiny));
    const pp_train_conv others[] = {pp_train_conv_make(56, 56, 64, 64, 3, 2, 1, 1),
                                    pp_train_conv_make(56, 56, 64, 64, 3, 1, 0, 1),
                                    pp_train_conv_make(56, 56, 3, 64, 3, 1, 1, 1),
                                    pp_train_conv_make(56, 56, 64, 5, 3, 1, 1, 1),
                                    pp_train_conv_make(56, 56, 64, 64, 5, 1, 2, 1),
                                    pp_train_conv_make(56, 56, 64, 64, 1, 1, 0, 1)};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        assert_false(pp_train_winograd_can(&others[i]) || pp_train_winograd_pays(&others[i]));
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
        cmocka_unit_test(any_shape),
        cmocka_unit_test(chunks_and_blocks),
        cmocka_unit_test(a_batch_is_its_pictures),
        cmocka_unit_test(gradients_add_up),
        cmocka_unit_test(serves_what_it_can),
    };
    return cmocka_run_group_tests(tests, load_blas, NULL);
}
