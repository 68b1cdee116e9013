/* media: WAV, FLAC, PNG and MP4 out; read back with the ffmpeg program. */
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "media/encode.h"

static char *folder; /* scratch of this test */

static char *in_folder(const char *name)
{
    return pp_path_join(folder, name);
}

/* What the ffmpeg program gives for a file: raw bytes of `arguments` (form and codec). */
static void *read_back(const char *path, const char *arguments, size_t *length)
{
    char *raw = in_folder("raw");
    char *command = pp_format("ffmpeg -v error -y -i '%s' %s '%s'", path, arguments, raw);
    assert_int_equal(system(command), 0);
    char *bytes = NULL;
    pp_error err = {0};
    assert_int_equal(pp_text_read_file(&bytes, length, raw, 100 << 20, &err), PP_OK);
    pp_free(command);
    pp_free(raw);
    return bytes;
}

enum { FRAMES = 10007, CHANNELS = 2 };

static void fill(float *samples)
{
    for (int i = 0; i < FRAMES * CHANNELS; i++) {
        samples[i] = 0.8F * sinf(0.01F * (float)i * (float)(1 + i % CHANNELS));
    }
    samples[0] = 1.5F; /* above full scale */
    samples[1] = -1.5F;
}

static void float_wav_keeps_every_bit(void **state)
{
    (void)state;
    float *samples = pp_alloc(FRAMES * CHANNELS, sizeof *samples);
    fill(samples);
    pp_error err = {0};
    char *path = in_folder("with: colon.wav");
    assert_int_equal(pp_encode_sound(path, samples, FRAMES, CHANNELS, 11025, 32, &err), PP_OK);
    size_t length = 0;
    void *back = read_back(path, "-f f32le", &length);
    assert_int_equal(length, FRAMES * CHANNELS * sizeof *samples);
    assert_memory_equal(back, samples, length);
    pp_free(back);
    pp_free(samples);
    pp_free(path);
}

/* Rounded and clipped, and the same bits from WAV and FLAC. */
static void sixteen_bits_are_rounded_and_clipped(void **state)
{
    (void)state;
    float *samples = pp_alloc(FRAMES * CHANNELS, sizeof *samples);
    fill(samples);
    samples[2] = NAN;
    static const char *const names[] = {"a.wav", "a.FLAC"};
    for (int n = 0; n < 2; n++) {
        pp_error err = {0};
        char *path = in_folder(names[n]);
        assert_int_equal(pp_encode_sound(path, samples, FRAMES, CHANNELS, 11025, 16, &err), PP_OK);
        size_t length = 0;
        int16_t *back = read_back(path, "-f s16le", &length);
        assert_int_equal(length, FRAMES * CHANNELS * sizeof *back);
        assert_int_equal(back[0], 32767);
        assert_int_equal(back[1], -32768);
        assert_int_equal(back[2], 0);
        for (int i = 3; i < FRAMES * CHANNELS; i++) {
            assert_int_equal(back[i], lrintf(samples[i] * 32768.0F));
        }
        pp_free(back);
        pp_free(path);
    }
    pp_free(samples);
}

static void integers_and_24_bits_come_back_exactly(void **state)
{
    (void)state;
    int16_t integers[5000];
    float floats[5000];
    for (int i = 0; i < 5000; i++) {
        integers[i] = (int16_t)(i * 7919);
        floats[i] = (float)((i * 7919 * 31) % 8388607) / 8388608.0F;
    }
    pp_error err = {0};
    char *path = in_folder("b.flac");
    size_t length = 0;
    assert_int_equal(pp_encode_sound_s16(path, integers, 5000, 1, 8000, &err), PP_OK);
    void *back = read_back(path, "-f s16le", &length);
    assert_int_equal(length, sizeof integers);
    assert_memory_equal(back, integers, sizeof integers);
    pp_free(back);
    assert_int_equal(pp_encode_sound(path, floats, 5000, 1, 44100, 24, &err), PP_OK);
    back = read_back(path, "-f f32le", &length);
    assert_int_equal(length, sizeof floats);
    assert_memory_equal(back, floats, sizeof floats);
    pp_free(back);
    pp_free(path);
}

static void no_sound_at_all_is_a_file_too(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = in_folder("empty.wav");
    assert_int_equal(pp_encode_sound(path, NULL, 0, 1, 11025, 32, &err), PP_OK);
    assert_true(pp_path_exists(path));
    pp_free(path);
}

static void refusals_name_file_and_way_out(void **state)
{
    (void)state;
    float one = 0;
    pp_error err = {0};
    assert_int_equal(pp_encode_sound("x.mp3", &one, 1, 1, 11025, 16, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "x.mp3"));
    assert_non_null(strstr(err.message, ".flac"));
    pp_error_clear(&err);
    assert_int_equal(pp_encode_sound("/nonexistent/x.wav", &one, 1, 1, 11025, 16, &err),
                     PP_ERR_NOT_FOUND);
    pp_error_clear(&err);
    pp_movie *movie = NULL;
    pp_movie_options odd = {.width = 63, .height = 48, .fps = 25};
    assert_int_equal(pp_movie_create(&movie, "x.mp4", &odd, &err), PP_ERR_USAGE);
    assert_null(movie);
    assert_false(pp_path_exists("x.mp4"));
    if (pp_path_exists("/dev/full")) {
        pp_error_clear(&err);
        static float many[200000];
        char *full = in_folder("full.wav");
        assert_int_equal(symlink("/dev/full", full), 0);
        assert_int_equal(pp_encode_sound(full, many, 200000, 1, 11025, 32, &err), PP_ERR_IO);
        pp_free(full);
    }
}

static void pictures_come_back_exactly(void **state)
{
    (void)state;
    enum { W = 37, H = 23 };
    uint8_t rgb[W * H * 3];
    for (size_t i = 0; i < sizeof rgb; i++) rgb[i] = (uint8_t)(i * i % 251);
    pp_error err = {0};
    char *path = in_folder("p.png");
    assert_int_equal(pp_encode_png(path, rgb, W, H, &err), PP_OK);
    size_t length = 0;
    void *back = read_back(path, "-f rawvideo -pix_fmt rgb24", &length);
    assert_int_equal(length, sizeof rgb);
    assert_memory_equal(back, rgb, sizeof rgb);
    pp_free(back);
    pp_free(path);
}

enum { MOVIE_W = 64, MOVIE_H = 48, MOVIE_PICTURES = 30, MOVIE_RATE = 22050 };

static void write_movie(const char *path)
{
    pp_error err = {0};
    pp_movie *movie = NULL;
    pp_movie_options options = {.width = MOVIE_W,
                                .height = MOVIE_H,
                                .fps = 15,
                                .rate_hz = MOVIE_RATE,
                                .channels = 2,
                                .crf = 12};
    assert_int_equal(pp_movie_create(&movie, path, &options, &err), PP_OK);
    static uint8_t rgb[MOVIE_W * MOVIE_H * 3];
    static float sound[2 * MOVIE_RATE / 15];
    for (int n = 0; n < MOVIE_PICTURES; n++) {
        for (int i = 0; i < MOVIE_W * MOVIE_H; i++) {
            rgb[3 * i] = (uint8_t)(8 * n);
            rgb[3 * i + 1] = (uint8_t)(2 * (i % MOVIE_W));
            rgb[3 * i + 2] = 100;
        }
        assert_int_equal(pp_movie_add_picture(movie, rgb, &err), PP_OK);
        for (int i = 0; i < MOVIE_RATE / 15; i++) {
            double t = (double)(n * (MOVIE_RATE / 15) + i) / MOVIE_RATE;
            sound[2 * i] = (float)(0.5 * sin(2 * 3.14159265358979 * 440 * t));
            sound[2 * i + 1] = -sound[2 * i];
        }
        assert_int_equal(pp_movie_add_sound(movie, sound, MOVIE_RATE / 15, &err), PP_OK);
    }
    assert_int_equal(pp_movie_finish(movie, &err), PP_OK);
    pp_movie_destroy(&movie);
    assert_null(movie);
    pp_movie_destroy(&movie);
}

static void movies_are_right_and_deterministic(void **state)
{
    (void)state;
    char *path = in_folder("m.mp4"), *again = in_folder("m2.mp4");
    write_movie(path);
    mallopt(M_PERTURB, 77); /* what x264 allocates is full of other bytes now */
    write_movie(again);
    mallopt(M_PERTURB, 0);
    size_t length = 0;
    char *a = NULL, *b = NULL;
    size_t length_a = 0, length_b = 0;
    pp_error err = {0};
    assert_int_equal(pp_text_read_file(&a, &length_a, path, 1 << 24, &err), PP_OK);
    assert_int_equal(pp_text_read_file(&b, &length_b, again, 1 << 24, &err), PP_OK);
    assert_int_equal(length_a, length_b);
    assert_memory_equal(a, b, length_a);
    pp_free(a);
    pp_free(b);
    uint8_t *rgb = read_back(path, "-f rawvideo -pix_fmt rgb24", &length);
    assert_int_equal(length, MOVIE_W * MOVIE_H * 3 * MOVIE_PICTURES);
    for (int n = 0; n < MOVIE_PICTURES; n++) {
        const uint8_t *pixel =
            rgb + 3 * (size_t)(n * MOVIE_W * MOVIE_H + MOVIE_W * (MOVIE_H / 2) + MOVIE_W / 2);
        assert_true(abs(pixel[0] - 8 * n) <= 6);
        assert_true(abs(pixel[1] - MOVIE_W) <= 6);
        assert_true(abs(pixel[2] - 100) <= 6);
    }
    pp_free(rgb);
    float *sound = read_back(path, "-f f32le", &length);
    int64_t frames = (int64_t)(length / 8);
    assert_in_range(frames, 2 * MOVIE_RATE - 1, 2 * MOVIE_RATE + 2048);
    double error = 0;
    for (int i = 2000; i < MOVIE_RATE; i++) {
        double want = 0.5 * sin(2 * 3.14159265358979 * 440 * (double)i / MOVIE_RATE);
        error += (sound[2 * i] - want) * (sound[2 * i] - want);
    }
    assert_true(sqrt(error / (MOVIE_RATE - 2000)) < 0.02); /* in place to the sample */
    pp_free(sound);
    pp_free(path);
    pp_free(again);
}

int main(void)
{
    char scratch[] = "/tmp/pp-encode-XXXXXX";
    const char *work = getenv("PP_WORK");
    folder = work != NULL ? pp_strdup(work) : pp_strdup(mkdtemp(scratch));
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(float_wav_keeps_every_bit),
        cmocka_unit_test(sixteen_bits_are_rounded_and_clipped),
        cmocka_unit_test(integers_and_24_bits_come_back_exactly),
        cmocka_unit_test(no_sound_at_all_is_a_file_too),
        cmocka_unit_test(refusals_name_file_and_way_out),
        cmocka_unit_test(pictures_come_back_exactly),
        cmocka_unit_test(movies_are_right_and_deterministic),
    };
    int status = cmocka_run_group_tests(tests, NULL, NULL);
    if (work == NULL) {
        char *command = pp_format("rm -rf '%s'", folder);
        if (system(command) != 0) status = 1;
        pp_free(command);
    }
    pp_free(folder);
    return status;
}
