/* OpenBLAS behind pp_sgemm and pp_sgemv. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/random.h"
#include "nn/blas.h"

#define MOST 40

static void fill(pp_random *random, float *values, int count)
{
    for (int i = 0; i < count; i++) values[i] = (float)pp_random_normal(random);
}

static void products_are_right_in_every_transposition(void **state)
{
    (void)state;
    float a[MOST * MOST], b[MOST * MOST], c[MOST * MOST], x[MOST], y[MOST];
    pp_random random;
    pp_random_seed(&random, 1, 0);
    int m = 7, n = 11, k = 13;
    for (int form = 0; form < 4; form++) {
        int ta = form & 1, tb = form >> 1, lda = (ta ? m : k) + 2, ldb = (tb ? k : n) + 3;
        fill(&random, a, MOST * MOST);
        fill(&random, b, MOST * MOST);
        for (int i = 0; i < m * n; i++) c[i] = 1;
        pp_sgemm(ta, tb, m, n, k, 2, a, lda, b, ldb, 0.5f, c, n);
        for (int i = 0; i < m; i++) {
            for (int j = 0; j < n; j++) {
                double sum = 0;
                for (int p = 0; p < k; p++) {
                    sum += (double)(ta ? a[p * lda + i] : a[i * lda + p]) *
                           (tb ? b[j * ldb + p] : b[p * ldb + j]);
                }
                assert_float_equal(c[i * n + j], 2 * sum + 0.5, 1e-5);
            }
        }
    }
    fill(&random, a, 5 * 9);
    fill(&random, x, 9);
    pp_sgemv(0, 5, 9, 1, a, 9, x, 0, y);
    for (int i = 0; i < 5; i++) {
        double sum = 0;
        for (int j = 0; j < 9; j++) sum += (double)a[i * 9 + j] * x[j];
        assert_float_equal(y[i], sum, 1e-5);
    }
}

static void the_core_type_asked_for_is_in_use(void **state)
{
    (void)state;
    assert_string_equal(pp_blas_core(), getenv("OPENBLAS_CORETYPE"));
    assert_string_equal(getenv("OPENBLAS_NUM_THREADS"), "1");
}

static int load(void **state)
{
    (void)state;
    pp_error err = {0};
    /* Any x86-64 with AVX2 has Haswell kernels; elsewhere, what the processor takes. */
    const char *core = NULL;
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2")) core = "Haswell";
#endif
    if (pp_blas_load(core, &err) != PP_OK) return -1;
    return core != NULL ? 0 : setenv("OPENBLAS_CORETYPE", pp_blas_core(), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(products_are_right_in_every_transposition),
        cmocka_unit_test(the_core_type_asked_for_is_in_use),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
