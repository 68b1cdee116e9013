/* eval: BSS-eval against plain least squares on small signals, and its invariances. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "eval/bss.h"
#include "eval/cholesky.h"

static float *noise(int64_t samples, uint32_t seed)
{
    float *sound = pp_alloc((size_t)samples, sizeof *sound);
    assert_non_null(sound);
    for (int64_t i = 0; i < samples; i++) {
        seed = seed * 1664525U + 1013904223U;
        sound[i] = (float)(seed >> 8) / 8388608.0F - 1.0F;
    }
    return sound;
}

/* ---- the twin: every delayed reference a column, orthogonalised; projections are sums ----------
 */

enum { N = 120, TAPS = 6, LONG = N + TAPS - 1 };

/* Projects e on `count` columns by modified Gram-Schmidt, run twice for precision. */
static void project_on_columns(double (*columns)[LONG], int count, const double *e, double *p)
{
    for (int pass = 0; pass < 2; pass++) {
        for (int i = 0; i < count; i++) {
            for (int j = 0; j < i; j++) {
                double dot = 0.0;
                for (int n = 0; n < LONG; n++) dot += columns[i][n] * columns[j][n];
                for (int n = 0; n < LONG; n++) columns[i][n] -= dot * columns[j][n];
            }
            double norm = 0.0;
            for (int n = 0; n < LONG; n++) norm += columns[i][n] * columns[i][n];
            for (int n = 0; n < LONG; n++) columns[i][n] /= sqrt(norm);
        }
    }
    memset(p, 0, LONG * sizeof *p);
    for (int i = 0; i < count; i++) {
        double dot = 0.0;
        for (int n = 0; n < LONG; n++) dot += columns[i][n] * e[n];
        for (int n = 0; n < LONG; n++) p[n] += dot * columns[i][n];
    }
}

static double distance(const double *a, const double *b)
{
    double sum = 0.0;
    for (int n = 0; n < LONG; n++) sum += (a[n] - b[n]) * (a[n] - b[n]);
    return sum;
}

static void twin(const float *const *references, int sources, const float *estimate, int own,
                 double figures[3])
{
    static double columns[4 * TAPS][LONG];
    double e[LONG] = {0}, zero[LONG] = {0}, target[LONG], all[LONG];
    for (int n = 0; n < N; n++) e[n] = estimate[n];
    memset(columns, 0, sizeof columns);
    for (int t = 0; t < TAPS; t++) {
        for (int n = 0; n < N; n++) columns[t][n + t] = references[own][n];
    }
    project_on_columns(columns, TAPS, e, target);
    memset(columns, 0, sizeof columns);
    for (int i = 0; i < sources; i++) {
        for (int t = 0; t < TAPS; t++) {
            for (int n = 0; n < N; n++) columns[i * TAPS + t][n + t] = references[i][n];
        }
    }
    project_on_columns(columns, sources * TAPS, e, all);
    figures[0] = 10.0 * log10(distance(target, zero) / distance(e, target));
    figures[1] = 10.0 * log10(distance(target, zero) / distance(all, target));
    figures[2] = 10.0 * log10(distance(all, zero) / distance(e, all));
}

static void figures_equal_plain_least_squares(void **state)
{
    (void)state;
    for (int sources = 2; sources <= 4; sources++) {
        float *r[4], *e[4];
        for (int i = 0; i < sources; i++) {
            r[i] = noise(N, (uint32_t)i + 1);
            e[i] = noise(N, (uint32_t)i + 50);
        }
        for (int i = 0; i < sources; i++) { /* leaks of all, one delayed, and noise */
            for (int n = 0; n < N; n++) {
                e[i][n] = 0.1F * e[i][n] + r[i][n];
                for (int j = 0; j < sources; j++) e[i][n] += 0.2F * r[j][n >= 3 ? n - 3 : n];
            }
        }
        pp_bss_result result;
        pp_error err = {0};
        assert_int_equal(pp_bss_eval((const float *const *)r, (const float *const *)e, sources, N,
                                     TAPS, 0, &result, &err),
                         PP_OK);
        for (int i = 0; i < sources; i++) {
            double expected[3];
            twin((const float *const *)r, sources, e[i], i, expected);
            assert_true(fabs(result.sdr_db[i] - expected[0]) < 1e-6);
            assert_true(fabs(result.sir_db[i] - expected[1]) < 1e-6);
            assert_true(fabs(result.sar_db[i] - expected[2]) < 1e-6);
        }
        for (int i = 0; i < sources; i++) {
            pp_free(r[i]);
            pp_free(e[i]);
        }
    }
}

/* ---- invariances ------------------------------------------------------------------------------
 */

static void a_filtered_reference_is_perfect(void **state)
{
    (void)state;
    enum { S = 4000, T = 32 };
    float *a = noise(S, 1), *b = noise(S, 2), *ea = noise(S, 3), *eb = noise(S, 4);
    for (int n = 0; n < S; n++) eb[n] = 5.0F * b[n];
    /* A silent tail, so that the filtered copy is not cut off. */
    for (int n = S - 12; n < S; n++) a[n] = 0.0F;
    for (int n = 4; n < S; n++) ea[n] = 0.3F * a[n] - 0.7F * a[n - 4];
    for (int n = 0; n < 4; n++) ea[n] = 0.3F * a[n];
    const float *r[2] = {a, b}, *e[2] = {ea, eb};
    pp_bss_result result;
    pp_error err = {0};
    assert_int_equal(pp_bss_eval(r, e, 2, S, T, 0, &result, &err), PP_OK);
    assert_true(result.sdr_db[0] > 100.0 && result.sdr_db[1] > 100.0);
    assert_true(result.sir_db[0] > 100.0 && result.sar_db[0] > 100.0);
    pp_free(a);
    pp_free(b);
    pp_free(ea);
    pp_free(eb);
}

static void permutations_are_found(void **state)
{
    (void)state;
    enum { S = 3000, T = 16 };
    const int order[4] = {2, 0, 3, 1}; /* estimate k is reference order[k] and some noise */
    float *r[4], *e[4];
    for (int i = 0; i < 4; i++) r[i] = noise(S, (uint32_t)i + 1);
    for (int k = 0; k < 4; k++) {
        e[k] = noise(S, (uint32_t)k + 9);
        for (int n = 0; n < S; n++) e[k][n] = 0.3F * e[k][n] + r[order[k]][n];
    }
    pp_bss_result given, best;
    pp_error err = {0};
    assert_int_equal(
        pp_bss_eval((const float *const *)r, (const float *const *)e, 4, S, T, 0, &given, &err),
        PP_OK);
    assert_int_equal(
        pp_bss_eval((const float *const *)r, (const float *const *)e, 4, S, T, 1, &best, &err),
        PP_OK);
    for (int k = 0; k < 4; k++) {
        assert_int_equal(given.permutation[k], k);
        assert_int_equal(best.permutation[order[k]], k);
        assert_true(given.sdr_db[k] < 0.0);
        assert_true(best.sdr_db[k] > 8.0 && best.sdr_db[k] < 13.0);
        pp_free(r[k]);
        pp_free(e[k]);
    }
}

static void one_source_has_no_interference(void **state)
{
    (void)state;
    float *a = noise(1000, 1), *e = noise(1000, 2);
    for (int n = 0; n < 1000; n++) e[n] = a[n] + 0.1F * e[n];
    const float *r[1] = {a}, *x[1] = {e};
    pp_bss_result result;
    pp_error err = {0};
    assert_int_equal(pp_bss_eval(r, x, 1, 1000, 8, 1, &result, &err), PP_OK);
    assert_true(isinf(result.sir_db[0]) && result.sir_db[0] > 0);
    assert_true(result.sdr_db[0] > 19.0 && result.sdr_db[0] < 21.0);
    assert_true(fabs(result.sdr_db[0] - result.sar_db[0]) < 0.1);
    pp_free(a);
    pp_free(e);
}

static void equal_or_narrow_references_still_give_figures(void **state)
{
    (void)state;
    enum { S = 4000, T = 64 };
    float *a = pp_alloc(S, sizeof *a), *b = pp_alloc(S, sizeof *b), *e = noise(S, 2);
    for (int n = 0; n < S; n++) { /* pure tones: a singular Gram matrix */
        a[n] = sinf(0.1F * (float)n);
        b[n] = sinf(0.3F * (float)n);
        e[n] = a[n] + 0.1F * b[n] + 0.01F * e[n];
    }
    const float *r[2] = {a, b}, *same[2] = {a, a}, *x[2] = {e, b};
    pp_bss_result result;
    pp_error err = {0};
    assert_int_equal(pp_bss_eval(r, x, 2, S, T, 0, &result, &err), PP_OK);
    assert_true(result.sir_db[0] > 19.0 && result.sir_db[0] < 21.0);
    assert_int_equal(pp_bss_eval(same, x, 2, S, T, 0, &result, &err), PP_OK);
    assert_true(isfinite(result.sdr_db[0]));
    pp_free(a);
    pp_free(b);
    pp_free(e);
}

static void silence_is_refused_by_name(void **state)
{
    (void)state;
    float *a = noise(500, 1), *zero = pp_alloc(500, sizeof *zero);
    const float *good[2] = {a, a + 1}, *bad[2] = {a, zero};
    pp_bss_result result;
    pp_error err = {0};
    assert_int_equal(pp_bss_eval(bad, good, 2, 400, 8, 0, &result, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "reference 2 is silent"));
    pp_error_clear(&err);
    assert_int_equal(pp_bss_eval(good, bad, 2, 400, 8, 0, &result, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "estimate 2 is silent"));
    pp_error_clear(&err);
    zero[7] = NAN;
    assert_int_equal(pp_bss_eval(good, bad, 2, 400, 8, 0, &result, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "not finite"));
    pp_error_clear(&err);
    assert_int_equal(pp_bss_eval(good, good, 2, 7, 8, 0, &result, &err), PP_ERR_USAGE);
    assert_int_equal(pp_bss_eval(good, good, 9, 400, 8, 0, &result, &err), PP_ERR_USAGE);
    pp_free(a);
    pp_free(zero);
}

static void cholesky_solves_what_it_should(void **state)
{
    (void)state;
    const int sizes[] = {1, 3, 63, 64, 65, 130, 197};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        const int n = sizes[s];
        double *a = pp_alloc((size_t)(n * n), sizeof *a), *x = pp_alloc((size_t)n, sizeof *x);
        double *kept = pp_alloc((size_t)(n * n), sizeof *kept);
        double *scratch = pp_alloc((size_t)pp_cholesky_workspace(n), sizeof *scratch);
        for (int i = 0; i < n; i++) {
            for (int j = 0; j < n; j++) {
                kept[i * n + j] = a[i * n + j] = exp(-0.1 * abs(i - j)) + (i == j);
            }
            x[i] = sin(i);
        }
        assert_int_equal(pp_cholesky_factor(a, n, scratch), 0);
        pp_cholesky_solve(a, n, x);
        for (int i = 0; i < n; i++) {
            double sum = 0.0;
            for (int j = 0; j < n; j++) sum += kept[i * n + j] * x[j];
            assert_true(fabs(sum - sin(i)) < 1e-12);
        }
        for (int i = 0; i < n * n; i++) a[i] = 1.0; /* rank one */
        assert_int_equal(pp_cholesky_factor(a, n, scratch), n > 1);
        pp_free(scratch);
        pp_free(kept);
        pp_free(x);
        pp_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cholesky_solves_what_it_should),
        cmocka_unit_test(figures_equal_plain_least_squares),
        cmocka_unit_test(a_filtered_reference_is_perfect),
        cmocka_unit_test(permutations_are_found),
        cmocka_unit_test(one_source_has_no_interference),
        cmocka_unit_test(equal_or_narrow_references_still_give_figures),
        cmocka_unit_test(silence_is_refused_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
