/* pp export: parts add up exactly, floats keep every bit, pictures are pictures. */
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

#include "../lib/small_archive.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "media/encode.h"

#define OK(call) assert_ok((call), &err, __LINE__)

enum { SAMPLES = 140001 };

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status == PP_OK) return;
    fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

static char *in_work(const char *name)
{
    const char *work = getenv("PP_WORK");
    return pp_path_join(work != NULL ? work : "/tmp", name);
}

static int has_pp(void)
{
    char *program = getenv("PP_BIN") != NULL ? pp_path_join(getenv("PP_BIN"), "pp") : NULL;
    int there = program != NULL && pp_path_exists(program);
    pp_free(program);
    return there;
}

/* Writes an archive and exports it; the folder of its files, owned. */
static char *export_one(const char *name, float gain, const char *options)
{
    pp_error err = {0};
    small_archive shape = {.samples = SAMPLES,
                           .frames = 3,
                           .windows = 4,
                           .sources = 2,
                           .components = 2,
                           .seed = 3,
                           .gain = gain};
    char *archive = pp_format("%s/%s.h5", getenv("PP_WORK") ? getenv("PP_WORK") : "/tmp", name);
    char *out = in_work("exported");
    unlink(archive);
    OK(small_archive_write(&shape, pp_fileops_system(), archive, &err));
    char *command = pp_format("\"$PP_BIN/pp\" export %s -o '%s' '%s'", options, out, archive);
    assert_int_equal(system(command), 0);
    char *folder = pp_path_join(out, name);
    pp_free(command);
    pp_free(out);
    pp_free(archive);
    return folder;
}

/* The samples of a WAV or FLAC file as ffmpeg reads them. */
static void *samples_of(const char *folder, const char *file, const char *format, size_t bytes)
{
    pp_error err = {0};
    char *raw = in_work("samples.raw"), *data;
    char *command =
        pp_format("ffmpeg -v error -y -i '%s/%s' -f %s '%s'", folder, file, format, raw);
    assert_int_equal(system(command), 0);
    size_t length;
    OK(pp_text_read_file(&data, &length, raw, 1 << 26, &err));
    assert_int_equal(length, SAMPLES * bytes);
    pp_free(command);
    pp_free(raw);
    return data;
}

static void parts_add_up(const char *folder, const char *ending, const char *format, int shift,
                         double least_peak)
{
    static const char *const names[] = {"mixture", "stem-00-cello", "stem-01-fl_te", "residual"};
    int32_t *tracks[4];
    for (int i = 0; i < 4; i++) {
        char *file = pp_format("%s.%s", names[i], ending);
        tracks[i] = samples_of(folder, file, format, 4);
        pp_free(file);
    }
    double peak = 0;
    for (int i = 0; i < SAMPLES; i++) {
        int64_t sum = 0;
        for (int t = 0; t < 4; t++) tracks[t][i] >>= shift;
        for (int t = 1; t < 4; t++) sum += tracks[t][i];
        if (sum != tracks[0][i]) {
            fail_msg("%s: sample %d: %lld, not %d", folder, i, (long long)sum, tracks[0][i]);
        }
        if (abs(tracks[0][i]) > peak) peak = abs(tracks[0][i]);
    }
    assert_true(peak >= least_peak); /* at full scale where the archive is above it */
    for (int t = 0; t < 4; t++) pp_free(tracks[t]);
}

static void whole_numbers_add_up_exactly(void **state)
{
    (void)state;
    if (!has_pp()) skip();
    char *folder = export_one("quiet", 1, "--wav --bits 16");
    parts_add_up(folder, "wav", "s32le", 16, 16000);
    pp_free(folder);
    folder = export_one("loud", 5, "--wav --flac --bits 16"); /* peaks of 2.5: must not clip */
    parts_add_up(folder, "wav", "s32le", 16, 32000);
    parts_add_up(folder, "flac", "s32le", 16, 32000);
    pp_free(folder);
    folder = export_one("fine", 5, "--flac");
    parts_add_up(folder, "flac", "s32le", 8, 8300000);
    pp_free(folder);
}

static void floats_are_those_of_the_archive(void **state)
{
    (void)state;
    if (!has_pp()) skip();
    pp_error err = {0};
    char *folder = export_one("floats", 5, "--wav"), *path = in_work("floats.h5");
    pp_archive *archive;
    OK(pp_archive_open(&archive, pp_fileops_system(), path, &err));
    static const char *const files[] = {"stem-01-fl_te.wav", "mixture.wav", "residual.wav"};
    const int which[] = {1, PP_SOUND_MIXTURE, PP_SOUND_RESIDUAL};
    for (int i = 0; i < 3; i++) {
        char name[32];
        int64_t dims[2] = {1, SAMPLES};
        float *samples;
        pp_archive_sound_path(which[i], name);
        OK(pp_h5_take(pp_archive_h5(archive), name, PP_H5_F32, 2, dims, 1 << 26, (void **)&samples,
                      &err));
        float *exported = samples_of(folder, files[i], "f32le", sizeof *exported);
        assert_memory_equal(samples, exported, SAMPLES * sizeof *samples);
        pp_free(exported);
        pp_free(samples);
    }
    pp_archive_close(&archive);
    pp_free(path);
    pp_free(folder);
}

static void maps_are_pictures(void **state)
{
    (void)state;
    if (!has_pp()) skip();
    char *folder = export_one("maps", 1, "--maps --map-windows 2");
    static const struct {
        const char *name;
        int there;
    } files[] = {{"map-overview.png", 1}, {"map-00001.png", 1}, {"map-00003.png", 1},
                 {"map-00000.png", 0},    {"map-00002.png", 0}, {"mixture.wav", 0}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char *path = pp_path_join(folder, files[i].name);
        assert_int_equal(pp_path_exists(path), files[i].there);
        char *command = pp_format("ffmpeg -v error -i '%s' -f null - ", path);
        if (files[i].there) assert_int_equal(system(command), 0);
        pp_free(command);
        pp_free(path);
    }
    pp_free(folder);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    if (!has_pp()) skip();
    assert_int_equal(system("\"$PP_BIN/pp\" export --wav --bits 24 x.h5 2>/dev/null") >> 8, 2);
    assert_int_equal(system("\"$PP_BIN/pp\" export 2>/dev/null") >> 8, 2);
    assert_int_equal(system("\"$PP_BIN/pp\" export -o \"$PP_WORK\" /nowhere.h5 2>/dev/null") >> 8,
                     1);
}

/* In pieces of any size the file is the same as in one go. */
static void pieces_make_the_same_file(void **state)
{
    (void)state;
    static const char *const names[] = {"pieces.flac", "pieces.wav"};
    pp_error err = {0};
    float *samples = pp_alloc(SAMPLES, sizeof *samples);
    for (int i = 0; i < SAMPLES; i++) samples[i] = 0.9F * sinf(0.01F * (float)i);
    for (int n = 0; n < 2; n++) {
        char *whole =
            pp_format("%s/whole-%s", getenv("PP_WORK") ? getenv("PP_WORK") : "/tmp", names[n]);
        char *parts = in_work(names[n]), *bytes[2];
        size_t length[2];
        OK(pp_encode_sound(whole, samples, SAMPLES, 1, 11025, 16, &err));
        pp_sound_file *file;
        OK(pp_sound_file_create(&file, parts, 1, 11025, 16, &err));
        for (int64_t at = 0, size = 1; at < SAMPLES; at += size, size = size * 3 % 7001 + 1) {
            if (at + size > SAMPLES) size = SAMPLES - at;
            OK(pp_sound_file_add(file, samples + at, size, &err));
        }
        OK(pp_sound_file_finish(file, &err));
        pp_sound_file_destroy(&file);
        OK(pp_text_read_file(&bytes[0], &length[0], whole, 1 << 26, &err));
        OK(pp_text_read_file(&bytes[1], &length[1], parts, 1 << 26, &err));
        assert_int_equal(length[0], length[1]);
        assert_memory_equal(bytes[0], bytes[1], length[0]);
        for (int i = 0; i < 2; i++) pp_free(bytes[i]);
        pp_free(parts);
        pp_free(whole);
    }
    pp_free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_add_up_exactly),
        cmocka_unit_test(floats_are_those_of_the_archive),
        cmocka_unit_test(maps_are_pictures),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(pieces_make_the_same_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
