/* eval: BSS-eval against mir_eval's figures (golden/bss_eval.h5 of the shared folder, where it is).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "eval/bss.h"
#include "store/h5.h"

enum { SAMPLES = 65535, TAPS = 512 };

static pp_h5 *open_golden(const char *name)
{
    const char *shared = getenv("PP_SHARED");
    char *folder = pp_path_join(shared != NULL ? shared : "../shared", "golden");
    char *path = pp_path_join(folder, name);
    pp_h5 *file = NULL;
    pp_error err = {0};
    if (!pp_path_exists(path)) {
        print_message("no %s: the comparison with mir_eval is skipped\n", path);
    } else {
        assert_int_equal(pp_h5_open(&file, pp_fileops_system(), path, &err), PP_OK);
    }
    pp_free(folder);
    pp_free(path);
    return file;
}

static float *take_sound(pp_h5 *file, const char *path)
{
    float *sound = NULL;
    int64_t dims[1] = {SAMPLES};
    pp_error err = {0};
    assert_int_equal(pp_h5_take(file, path, PP_H5_F32, 1, dims, 1 << 22, (void **)&sound, &err),
                     PP_OK);
    return sound;
}

static void close_to(pp_h5 *file, const char *folder, const char *name, const double *figures)
{
    char path[128];
    double expected[2];
    pp_error err = {0};
    snprintf(path, sizeof path, "%s/%s", folder, name);
    assert_int_equal(pp_h5_read(file, path, PP_H5_F64, NULL, NULL, expected, &err), PP_OK);
    for (int i = 0; i < 2; i++) {
        if (expected[i] > 100.0) assert_true(figures[i] > 100.0);
        else assert_true(fabs(figures[i] - expected[i]) < 0.01);
    }
}

static void check_case(pp_h5 *file, const char *name, int best, const float *const *references,
                       const float *estimates)
{
    const float *e[2] = {estimates, estimates + SAMPLES};
    pp_bss_result result;
    pp_error err = {0};
    assert_int_equal(pp_bss_eval(references, e, 2, SAMPLES, TAPS, best, &result, &err), PP_OK);
    char folder[96], path[128];
    snprintf(folder, sizeof folder, "/%s/%s", name, best ? "best permutation" : "as given");
    close_to(file, folder, "sdr", result.sdr_db);
    close_to(file, folder, "sir", result.sir_db);
    close_to(file, folder, "sar", result.sar_db);
    int32_t permutation[2];
    snprintf(path, sizeof path, "%s/permutation", folder);
    assert_int_equal(pp_h5_read(file, path, PP_H5_I32, NULL, NULL, permutation, &err), PP_OK);
    assert_int_equal(result.permutation[0], permutation[0]);
    assert_int_equal(result.permutation[1], permutation[1]);
}

static void figures_equal_mir_eval(void **state)
{
    (void)state;
    pp_h5 *golden = open_golden("bss_eval.h5"), *inputs = open_golden("inputs.h5");
    if (golden == NULL || inputs == NULL) {
        pp_h5_close(&golden);
        pp_h5_close(&inputs);
        skip();
    }
    float *a = take_sound(inputs, "/source_a"), *b = take_sound(inputs, "/source_b");
    const float *references[2] = {a, b};
    const char *const names[] = {"leaky", "leaky, noisy, delayed", "mixture as both", "swapped"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[96];
        snprintf(path, sizeof path, "/%s/estimates", names[i]);
        float *estimates = NULL;
        int64_t dims[2] = {2, SAMPLES};
        pp_error err = {0};
        assert_int_equal(
            pp_h5_take(golden, path, PP_H5_F32, 2, dims, 1 << 22, (void **)&estimates, &err),
            PP_OK);
        /* Only the last case has figures that depend on the permutation. */
        for (int best = i < 3; best < 2; best++) {
            check_case(golden, names[i], best, references, estimates);
        }
        pp_free(estimates);
    }
    pp_free(a);
    pp_free(b);
    pp_h5_close(&golden);
    pp_h5_close(&inputs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(figures_equal_mir_eval)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
