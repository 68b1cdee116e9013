/* dsp: the lane-wise transform against the sums of its definition, in both directions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"
#include "dsp/real_dft.h"

enum { L = PP_DFT_LANES, MOST = 1022 };

typedef struct buffers {
    pp_real_dft *dft;
    int n, bins;
    float *work, *re, *im;
    float x[MOST][L];
} buffers;

static void set_up(buffers *b, int length)
{
    pp_error err = {0};
    pp_random random;
    pp_random_seed(&random, (uint64_t)length, 0);
    assert_int_equal(pp_real_dft_create(&b->dft, length, &err), PP_OK);
    assert_non_null(b->dft);
    b->n = length;
    b->bins = length / 2 + 1;
    b->work = pp_alloc(pp_real_dft_work_floats(b->dft), sizeof(float));
    b->re = pp_alloc((size_t)(b->bins * L), sizeof(float));
    b->im = pp_alloc((size_t)(b->bins * L), sizeof(float));
    for (int i = 0; i < length; i++) {
        for (int l = 0; l < L; l++) b->x[i][l] = (float)(2 * pp_random_uniform(&random) - 1);
    }
}

static void tear_down(buffers *b)
{
    pp_real_dft_destroy(&b->dft);
    assert_null(b->dft);
    pp_free(b->work);
    pp_free(b->re);
    pp_free(b->im);
}

static void forward(buffers *b)
{
    const int *places = pp_real_dft_places(b->dft);
    for (int i = 0; i < b->n; i++) memcpy(b->work + places[i] * L, b->x[i], sizeof b->x[i]);
    pp_real_dft_forward(b->dft, b->work, b->re, b->im);
}

/* Off by rounding alone: sums of n numbers below 1. */
static double tolerance(const buffers *b)
{
    return 3e-7 * b->n;
}

static void check_forward(const buffers *b, int lane)
{
    for (int k = 0; k < b->bins; k++) {
        double re = 0, im = 0;
        for (int i = 0; i < b->n; i++) {
            double angle = 2 * M_PI * (double)((int64_t)i * k % b->n) / b->n;
            re += (double)b->x[i][lane] * cos(angle);
            im -= (double)b->x[i][lane] * sin(angle);
        }
        assert_true(fabs((double)b->re[k * L + lane] - re) < tolerance(b));
        assert_true(fabs((double)b->im[k * L + lane] - im) < tolerance(b));
    }
}

static void lengths_agree_with_the_definition(void **state)
{
    (void)state;
    static const int lengths[] = {6, 14, 18, 30, 62, 70, 510, 1022};
    static buffers b;
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        set_up(&b, lengths[i]);
        forward(&b);
        check_forward(&b, 0);
        check_forward(&b, L - 1);
        pp_real_dft_inverse(b.dft, b.re, b.im, b.work);
        const int *places = pp_real_dft_places(b.dft);
        for (int n = 0; n < b.n; n++) {
            for (int l = 0; l < L; l++) {
                double back = (double)b.work[places[n] * L + l] / b.n;
                assert_true(fabs(back - (double)b.x[n][l]) < 3e-6);
            }
        }
        tear_down(&b);
    }
}

/* The same sequence gives the same bits in every lane, whoever its neighbours are. */
static void a_lane_is_alone(void **state)
{
    (void)state;
    static buffers b;
    static float re[MOST], im[MOST];
    set_up(&b, 1022);
    forward(&b);
    for (int k = 0; k < b.bins; k++) re[k] = b.re[k * L + 3], im[k] = b.im[k * L + 3];
    for (int i = 0; i < b.n; i++) {
        float kept = b.x[i][3];
        for (int l = 0; l < L; l++) b.x[i][l] *= -7;
        b.x[i][12] = kept;
    }
    forward(&b);
    for (int k = 0; k < b.bins; k++) {
        assert_memory_equal(&re[k], &b.re[k * L + 12], sizeof(float));
        assert_memory_equal(&im[k], &b.im[k * L + 12], sizeof(float));
    }
    tear_down(&b);
}

static void other_lengths_are_left_to_others(void **state)
{
    (void)state;
    static const int lengths[] = {2, 4, 7, 8, 1024, 2 * 257, 2 * 3 * 257};
    pp_error err = {0};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        pp_real_dft *dft = NULL;
        assert_int_equal(pp_real_dft_create(&dft, lengths[i], &err), PP_OK);
        assert_null(dft);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_agree_with_the_definition),
        cmocka_unit_test(a_lane_is_alone),
        cmocka_unit_test(other_lengths_are_left_to_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
