/* dsp: the STFT against the sum that defines it, and the promises about ranges and ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <math.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "dsp/stft.h"

static pp_stft *make(int n_fft, int hop)
{
    pp_stft *stft = NULL;
    pp_error err = {0};
    assert_int_equal(pp_stft_create(&stft, (pp_stft_shape){n_fft, hop}, &err), PP_OK);
    return stft;
}

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

static float *spectrum_of(pp_stft *stft, const float *sound, int64_t samples, int64_t *frames)
{
    *frames = pp_stft_frames(stft, samples);
    float *spectrum = pp_alloc((size_t)(*frames * pp_stft_bins(stft)) * 2, sizeof *spectrum);
    assert_non_null(spectrum);
    pp_stft_forward(stft, sound, 0, samples, 0, *frames, spectrum);
    return spectrum;
}

/* Walks off the end and back again, one step at a time: slow and plainly right. */
static int64_t mirrored(int64_t index, int64_t samples)
{
    if (samples == 1) return 0;
    while (index < 0 || index >= samples) {
        if (index < 0) index = -index;
        if (index >= samples) index = 2 * (samples - 1) - index;
    }
    return index;
}

static void check_against_sum(int n_fft, int hop, int64_t samples)
{
    pp_stft *stft = make(n_fft, hop);
    float *sound = noise(samples, 7);
    int64_t frames;
    float *spectrum = spectrum_of(stft, sound, samples, &frames);
    double worst = 0.0;
    for (int64_t t = 0; t<frames; t += frames> 4 ? frames - 1 : 1) {
        for (int k = 0; k<pp_stft_bins(stft); k += n_fft> 100 ? 37 : 1) {
            double re = 0.0, im = 0.0;
            for (int i = 0; i < n_fft; i++) {
                double w = 0.5 - 0.5 * cos(2.0 * M_PI * i / n_fft);
                double x = w * sound[mirrored(t * hop - n_fft / 2 + i, samples)];
                double angle = 2.0 * M_PI * (double)((int64_t)k * i % n_fft) / n_fft;
                re += x * cos(angle);
                im -= x * sin(angle);
            }
            const float *s = spectrum + 2 * (t * pp_stft_bins(stft) + k);
            worst = fmax(worst, fmax(fabs(re - s[0]), fabs(im - s[1])));
        }
    }
    assert_true(worst < 1e-6 * n_fft);
    pp_free(spectrum);
    pp_free(sound);
    pp_stft_destroy(&stft);
}

static void frames_equal_the_defining_sum(void **state)
{
    (void)state;
    check_against_sum(1022, 256, 5000);
    check_against_sum(1022, 256, 300); /* shorter than n_fft / 2: reflected again and again */
    check_against_sum(1022, 256, 2);
    check_against_sum(1022, 256, 1);
    check_against_sum(1024, 512, 4096);
    check_against_sum(16, 8, 100);
    check_against_sum(30, 7, 5);
    check_against_sum(4, 1, 9);
}

static void counts_of_frames(void **state)
{
    (void)state;
    pp_stft *stft = make(1022, 256);
    assert_int_equal(pp_stft_bins(stft), 512);
    assert_int_equal(pp_stft_frames(stft, 0), 0);
    assert_int_equal(pp_stft_frames(stft, 1), 1);
    assert_int_equal(pp_stft_frames(stft, 255), 1);
    assert_int_equal(pp_stft_frames(stft, 256), 2);
    assert_int_equal(pp_stft_frames(stft, 65535), 256);
    pp_stft_destroy(&stft);
    assert_null(stft);
    pp_stft_destroy(&stft);
}

static void bad_shapes_are_refused(void **state)
{
    (void)state;
    const pp_stft_shape bad[] = {{1023, 256}, {1022, 512}, {0, 0}, {2, 1}, {64, 0}, {-8, 2}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pp_error err = {0};
        pp_stft *stft = NULL;
        assert_int_equal(pp_stft_create(&stft, bad[i], &err), PP_ERR_USAGE);
        assert_null(stft);
    }
}

/* Every range of frames, from a slice that is exactly what pp_stft_sample_range asks for (copied
 * into its own allocation, so that a sanitizer sees a step outside), equals the whole. */
static void check_forward_ranges(int n_fft, int hop, int64_t samples, int64_t stride)
{
    pp_stft *stft = make(n_fft, hop);
    const size_t row = 2 * (size_t)pp_stft_bins(stft);
    float *sound = noise(samples, 3);
    int64_t frames;
    float *whole = spectrum_of(stft, sound, samples, &frames);
    float *part = pp_alloc((size_t)frames * row, sizeof *part);
    for (int64_t first = 0; first < frames; first += stride) {
        for (int64_t count = 1; first + count <= frames; count += stride) {
            int64_t begin, end;
            pp_stft_sample_range(stft, first, count, samples, &begin, &end);
            assert_true(begin >= 0 && begin < end && end <= samples);
            float *slice = pp_alloc((size_t)(end - begin), sizeof *slice);
            memcpy(slice, sound + begin, (size_t)(end - begin) * sizeof *slice);
            pp_stft_forward(stft, slice, begin, samples, first, count, part);
            assert_memory_equal(part, whole + (size_t)first * row,
                                (size_t)count * row * sizeof *part);
            pp_free(slice);
        }
    }
    pp_free(part);
    pp_free(whole);
    pp_free(sound);
    pp_stft_destroy(&stft);
}

static void any_range_of_frames_gives_the_bytes_of_the_whole(void **state)
{
    (void)state;
    check_forward_ranges(16, 4, 83, 1);
    check_forward_ranges(16, 4, 64, 1); /* the last frame is centred behind the last sample */
    check_forward_ranges(16, 8, 17, 1);
    check_forward_ranges(16, 8, 16, 1);
    check_forward_ranges(16, 5, 9, 1);
    check_forward_ranges(16, 3, 8, 1);
    check_forward_ranges(16, 4, 1, 1);
    check_forward_ranges(1022, 256, 9000, 5);
    check_forward_ranges(1022, 256, 1100, 1);
}

static void check_inverse_ranges(int n_fft, int hop, int64_t samples, int64_t stride)
{
    pp_stft *stft = make(n_fft, hop);
    const size_t row = 2 * (size_t)pp_stft_bins(stft);
    float *sound = noise(samples, 11);
    int64_t frames;
    float *spectrum = spectrum_of(stft, sound, samples, &frames);
    float *whole = pp_alloc((size_t)samples, sizeof *whole);
    float *part = pp_alloc((size_t)samples, sizeof *part);
    pp_stft_inverse(stft, spectrum, 0, frames, frames, 0, samples, whole);
    for (int64_t begin = 0; begin < samples; begin += stride) {
        for (int64_t end = begin + 1; end <= samples; end += stride) {
            int64_t first, count;
            pp_stft_frame_range(stft, begin, end, frames, &first, &count);
            assert_true(first >= 0 && count > 0 && first + count <= frames);
            float *slice = pp_alloc((size_t)count * row, sizeof *slice);
            memcpy(slice, spectrum + (size_t)first * row, (size_t)count * row * sizeof *slice);
            pp_stft_inverse(stft, slice, first, count, frames, begin, end, part);
            assert_memory_equal(part, whole + begin, (size_t)(end - begin) * sizeof *part);
            pp_free(slice);
        }
    }
    pp_free(part);
    pp_free(whole);
    pp_free(spectrum);
    pp_free(sound);
    pp_stft_destroy(&stft);
}

static void any_range_of_samples_gives_the_bytes_of_the_whole(void **state)
{
    (void)state;
    check_inverse_ranges(16, 4, 83, 1);
    check_inverse_ranges(16, 5, 23, 1);
    check_inverse_ranges(16, 7, 5, 1);
    check_inverse_ranges(16, 4, 1, 1);
    check_inverse_ranges(1022, 256, 5001, 677);
}

static double roundtrip_error(int n_fft, int hop, int64_t samples)
{
    pp_stft *stft = make(n_fft, hop);
    float *sound = noise(samples, 5), *back = pp_alloc((size_t)samples, sizeof *back);
    int64_t frames;
    float *spectrum = spectrum_of(stft, sound, samples, &frames);
    pp_stft_inverse(stft, spectrum, 0, frames, frames, 0, samples, back);
    double worst = 0.0;
    for (int64_t i = 0; i < samples; i++) worst = fmax(worst, fabs(back[i] - sound[i]));
    pp_free(spectrum);
    pp_free(back);
    pp_free(sound);
    pp_stft_destroy(&stft);
    return worst;
}

static void sound_comes_back_at_every_sample(void **state)
{
    (void)state;
    /* Both true ends and the last partial hop are among the samples. */
    const int64_t lengths[] = {65535, 65536, 65537, 1022, 1021, 511, 510, 256, 255, 2, 1};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_true(roundtrip_error(1022, 256, lengths[i]) < 2e-6);
    }
    assert_true(roundtrip_error(512, 128, 3001) < 2e-6);
    assert_true(roundtrip_error(64, 31, 1000) <
                1e-4); /* the last hop stands on the window's foot */
}

static void samples_that_no_frame_reaches_are_silence(void **state)
{
    (void)state;
    pp_stft *stft = make(16, 4);
    float spectrum[2 * 9] = {1.0F}, out[40];
    int64_t first, count;
    pp_stft_frame_range(stft, 20, 40, 1, &first, &count);
    assert_int_equal(count, 0);
    memset(out, 0x55, sizeof out);
    pp_stft_inverse(stft, spectrum, 0, 1, 1, 0, 40, out);
    assert_true(out[0] != 0.0F);
    for (int i = 8; i < 40; i++) assert_true(out[i] == 0.0F);
    pp_stft_destroy(&stft);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_equal_the_defining_sum),
        cmocka_unit_test(counts_of_frames),
        cmocka_unit_test(bad_shapes_are_refused),
        cmocka_unit_test(any_range_of_frames_gives_the_bytes_of_the_whole),
        cmocka_unit_test(any_range_of_samples_gives_the_bytes_of_the_whole),
        cmocka_unit_test(sound_comes_back_at_every_sample),
        cmocka_unit_test(samples_that_no_frame_reaches_are_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
