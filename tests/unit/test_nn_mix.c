/* Masks, pixel energies and 8-bit maps of every kernel set, against the formulas in double. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/blas.h"
#include "nn/kernels.h"
#include "nn/share.h"

static float *random_floats(pp_random *random, size_t count, double spread)
{
    float *values = pp_alloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = (float)(spread * pp_random_normal(random));
    return values;
}

static void masks_and_energies(void **state)
{
    (void)state;
    enum { K = 7, BINS = 1337, SOURCES = 113 };
    pp_random random;
    pp_random_seed(&random, 700, 0);
    float *maps = random_floats(&random, K * BINS, 1), *magnitude = random_floats(&random, BINS, 3);
    float *coefficients = random_floats(&random, SOURCES * K, 1);
    float *constants = random_floats(&random, SOURCES, 1), *code_maps = pp_alloc(K * BINS, 4);
    float *masks = pp_alloc(SOURCES * BINS, 4), energy[SOURCES], single;
    float *fast = pp_alloc(2 * SOURCES * (BINS + 1), 4); /* masks, energies; floats, codes */
    uint8_t *codes = pp_alloc(K * BINS, 1);
    for (int i = 0; i < K * BINS; i++)
        code_maps[i] = codes[i] = (uint8_t)pp_random_below(&random, 256);
    for (int set = 0; pp_kernels_all()[set / 2] != NULL; set++) {
        const pp_kernels *kernels = pp_kernels_all()[set / 2];
        if (!kernels->usable()) continue;
        void *scratch = pp_alloc(kernels->mix_scratch_bytes(K, BINS), 1);
        const float *from = set & 1 ? code_maps : maps;
        float scale = set & 1 ? 0.01f : 1, scaled[SOURCES * K];
        for (int i = 0; i < SOURCES * K; i++) scaled[i] = coefficients[i] * scale;
        pp_mix mix = {K,      BINS,     SOURCES, set & 1 ? NULL : maps, set & 1 ? codes : NULL,
                      scaled, constants};
        kernels->masks(&mix, scratch, masks);
        kernels->energies(&mix, magnitude, scratch, energy);
        float *kept = fast + (set & 1) * SOURCES * (BINS + 1);
        if (kernels == &pp_kernels_fast) {
            memcpy(kept, masks, SOURCES * BINS * sizeof *masks);
            memcpy(kept + SOURCES * BINS, energy, sizeof energy);
        } else if (kernels == &pp_kernels_fast_avx2) {
            assert_memory_equal(kept, masks, SOURCES * BINS * sizeof *masks);
            assert_memory_equal(kept + SOURCES * BINS, energy, sizeof energy);
        }
        for (int p = 0; p < SOURCES; p++) {
            double sum = 0;
            for (int b = 0; b < BINS; b++) {
                double logit = constants[p];
                for (int k = 0; k < K; k++) logit += (double)scaled[p * K + k] * from[k * BINS + b];
                double mask = 1 / (1 + exp(-logit));
                assert_float_equal(masks[p * BINS + b], mask, 2e-6);
                sum += mask * magnitude[b] * mask * magnitude[b];
            }
            assert_float_equal(energy[p] / sum, 1, 1e-5);
        }
        mix.sources = 1; /* one source alone: the same bytes */
        mix.coefficients += 20 * K;
        mix.constants += 20;
        kernels->energies(&mix, magnitude, scratch, &single);
        assert_memory_equal(&single, &energy[20], sizeof single);
        float *one = pp_alloc(BINS, 4);
        kernels->masks(&mix, scratch, one);
        assert_memory_equal(one, masks + 20 * BINS, BINS * sizeof *one);
        pp_free(one);
        pp_free(scratch);
    }
    pp_free(maps);
    pp_free(magnitude);
    pp_free(coefficients);
    pp_free(constants);
    pp_free(code_maps);
    pp_free(masks);
    pp_free(codes);
    pp_free(fast);
}

static void quantised_maps_come_back(void **state)
{
    (void)state;
    float map[1000], scale, offset;
    uint8_t codes[1000];
    pp_random random;
    pp_random_seed(&random, 800, 0);
    for (int i = 0; i < 1000; i++) map[i] = (float)(5 * pp_random_normal(&random) - 40);
    pp_quantise(map, 1000, codes, &scale, &offset);
    int seen_first = 0, seen_last = 0;
    for (int i = 0; i < 1000; i++) {
        assert_float_equal(offset + scale * codes[i], map[i], 0.501 * scale);
        seen_first |= codes[i] == 0;
        seen_last |= codes[i] == 255;
    }
    assert_true(seen_first && seen_last);

    float flat[3] = {2.5f, 2.5f, 2.5f};
    pp_quantise(flat, 3, codes, &scale, &offset);
    assert_true(scale == 0 && offset == 2.5f && codes[1] == 0);

    float wild[5] = {NAN, INFINITY, -INFINITY, 0, 3e38f};
    pp_quantise(wild, 5, codes, &scale, &offset);
    assert_true(isfinite(scale) && isfinite(offset) && scale > 0);
    assert_true(codes[0] == 0 && codes[1] == 255 && codes[2] == 0 && codes[3] == 128);
}

/* Shares follow from all masks of a bin, 0 and 1 included, and leave room for nobody. */
static void masks_share_each_bin(void **state)
{
    (void)state;
    enum { SOURCES = 3, BINS = 1337 };
    static float masks[SOURCES][BINS], before[SOURCES][BINS];
    pp_random random;
    pp_random_seed(&random, 801, 0);
    for (int s = 0; s < SOURCES; s++) {
        for (int i = 0; i < BINS; i++) masks[s][i] = (float)pp_random_uniform(&random);
        masks[s][0] = 0;
        masks[s][1] = 1;
        masks[s][2] = s == 1;
    }
    memcpy(before, masks, sizeof masks);
    pp_masks_share(&masks[0][0], SOURCES, BINS);
    for (int i = 0; i < BINS; i++) {
        double odds2[SOURCES], sum = PP_SHARE_NOBODY, shared = 0;
        for (int s = 0; s < SOURCES; s++) {
            double p = before[s][i], odds = p / fmax(1 - p, 1e-6);
            sum += odds2[s] = odds * odds;
        }
        for (int s = 0; s < SOURCES; s++) {
            assert_float_equal(masks[s][i], odds2[s] / sum, 1e-5);
            shared += masks[s][i];
        }
        assert_true(shared <= 1 + 1e-6);
    }
    assert_true(masks[0][0] == 0 && masks[1][2] > 0.999F && masks[0][2] == 0);
    assert_float_equal(masks[0][1], 1.0 / 3, 1e-5);
}

static int load(void **state)
{
    (void)state;
    pp_error err = {0};
    return pp_blas_load(NULL, &err) == PP_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(masks_and_energies),
        cmocka_unit_test(quantised_maps_come_back),
        cmocka_unit_test(masks_share_each_bin),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
