/* store/h5: every kind of content survives a file, damage is seen, strangers' files are refused. */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "store/commit.h"
#include "store/h5.h"

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status == PP_OK) return;
    fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

static char *work_file(const char *name)
{
    const char *folder = getenv("PP_WORK");
    return pp_path_join(folder != NULL ? folder : "/tmp", name);
}

static const pp_h5_column columns[] = {
    {"start", "s", 0, PP_H5_F64, 0},
    {"source", "1", 8, PP_H5_I32, 0},
    {"label", "1", 12, PP_H5_U8, 12},
};
typedef struct row {
    double start;
    int32_t source;
    char label[12];
} row;

static pp_h5_spec spec_of(const char *path, pp_h5_type type, int64_t length)
{
    return (pp_h5_spec){path, type, 1, {length}, {0}, 1, "1", "numbers", {NULL}};
}

static void write_everything(pp_h5 *file)
{
    pp_error err = {0};
    double f64[4] = {0.5, -1e300, 3, 4};
    float f32[4] = {1.5f, -2, 3e-38f, 0};
    uint8_t u8[4] = {0, 255, 3, 4};
    int8_t i8[4] = {-128, 127, 0, 1};
    int16_t i16[4] = {-32768, 32767, 0, 1};
    int32_t i32[4] = {INT32_MIN, INT32_MAX, 0, 1};
    int64_t i64[4] = {INT64_MIN, INT64_MAX, 0, 1};
    const struct {
        const char *path;
        pp_h5_type type;
        const void *data;
    } all[] = {{"/time", PP_H5_F64, f64},    {"/a/f32", PP_H5_F32, f32},
               {"/a/u8", PP_H5_U8, u8},      {"/a/i8", PP_H5_I8, i8},
               {"/a/b/i16", PP_H5_I16, i16}, {"/a/b/i32", PP_H5_I32, i32},
               {"/a/b/i64", PP_H5_I64, i64}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        pp_h5_spec spec = spec_of(all[i].path, all[i].type, 4);
        OK(pp_h5_put(file, &spec, all[i].data, &err));
    }
    pp_h5_spec empty = {"/empty", PP_H5_F32, 2, {0, 32}, {0}, 1, "dB", "none", {NULL}};
    OK(pp_h5_put(file, &empty, NULL, &err));
    pp_h5_spec slabs = {"/slabs", PP_H5_F32, 2, {4, 1000}, {1, 300}, 4, "dB", "a table", {"/time"}};
    OK(pp_h5_dataset(file, &slabs, &err));
    for (int64_t at = 0; at < 1000; at += 125) {
        float values[4 * 125];
        for (int i = 0; i < 4; i++) {
            for (int j = 0; j < 125; j++) values[i * 125 + j] = (float)(i * 1000 + at + j);
        }
        int64_t start[2] = {0, at}, count[2] = {4, 125};
        OK(pp_h5_write(file, "/slabs", PP_H5_F32, start, count, values, &err));
    }
    const char *texts[3] = {"violin", "", "fl\xc3\xb6te"};
    OK(pp_h5_put_texts(file, "/labels", texts, 3, "labels", &err));
    OK(pp_h5_put_texts(file, "/no-labels", NULL, 0, "labels", &err));
    row rows[2] = {{0.5, 1, "violin"}, {2.5, -1, "12345678901"}};
    memset(rows[0].label + 7, 'x', 4); /* behind the NUL: must not reach the file */
    OK(pp_h5_put_table(file, "/table", columns, 3, rows, sizeof *rows, 2, "rows", &err));
    OK(pp_h5_set_text(file, "/", "format", "old", &err));
    OK(pp_h5_set_text(file, "/", "format", "test \xc3\xa9", &err));
    OK(pp_h5_set_text(file, "/", "nothing", "", &err));
    OK(pp_h5_set_int(file, "/a", "version", -7, &err));
    OK(pp_h5_set_real(file, "/time", "rate", 0.25, &err));
}

static void read_everything(pp_h5 *file)
{
    pp_error err = {0};
    int64_t i64[4];
    double f64[4];
    OK(pp_h5_read(file, "/a/b/i64", PP_H5_I64, NULL, NULL, i64, &err));
    assert_true(i64[0] == INT64_MIN && i64[1] == INT64_MAX);
    OK(pp_h5_read(file, "/a/i8", PP_H5_F64, NULL, NULL, f64, &err));
    assert_true(f64[0] == -128 && f64[1] == 127);
    OK(pp_h5_read(file, "/a/b/i16", PP_H5_F64, NULL, NULL, f64, &err));
    assert_true(f64[0] == -32768 && f64[1] == 32767);
    OK(pp_h5_read(file, "/a/b/i32", PP_H5_F64, NULL, NULL, f64, &err));
    assert_true(f64[0] == INT32_MIN && f64[1] == INT32_MAX);
    OK(pp_h5_read(file, "/a/u8", PP_H5_F64, NULL, NULL, f64, &err));
    assert_true(f64[1] == 255);
    OK(pp_h5_read(file, "/time", PP_H5_F64, NULL, NULL, f64, &err));
    assert_true(f64[0] == 0.5 && f64[1] == -1e300);
    int64_t dims[2] = {-1, 1000};
    float *slabs;
    OK(pp_h5_take(file, "/slabs", PP_H5_F32, 2, dims, 1 << 20, (void **)&slabs, &err));
    assert_int_equal(dims[0], 4);
    for (int i = 0; i < 4000; i++) assert_true(slabs[i] == (float)i);
    pp_free(slabs);
    float part[6];
    int64_t start[2] = {2, 299}, count[2] = {2, 3};
    OK(pp_h5_read(file, "/slabs", PP_H5_F32, start, count, part, &err));
    assert_true(part[0] == 2299 && part[2] == 2301 && part[5] == 3301);
    int64_t none[2] = {-1, -1};
    float *nothing;
    OK(pp_h5_take(file, "/empty", PP_H5_F32, 2, none, 0, (void **)&nothing, &err));
    assert_true(none[0] == 0 && none[1] == 32);
    pp_free(nothing);
}

static void read_texts(pp_h5 *file)
{
    pp_error err = {0};
    char **texts;
    int64_t count;
    OK(pp_h5_take_texts(file, "/labels", &texts, &count, &err));
    assert_int_equal(count, 3);
    assert_string_equal(texts[0], "violin");
    assert_string_equal(texts[1], "");
    assert_string_equal(texts[2], "fl\xc3\xb6te");
    pp_h5_free_texts(&texts, count);
    OK(pp_h5_take_texts(file, "/no-labels", &texts, &count, &err));
    assert_int_equal(count, 0);
    pp_h5_free_texts(&texts, count);
    row *rows;
    OK(pp_h5_take_table(file, "/table", columns, 3, sizeof *rows, (void **)&rows, &count, &err));
    assert_int_equal(count, 2);
    assert_true(rows[0].start == 0.5 && rows[1].source == -1);
    assert_string_equal(rows[0].label, "violin");
    assert_int_equal(rows[0].label[8], 0);
    assert_string_equal(rows[1].label, "12345678901");
    pp_free(rows);
    char *text;
    OK(pp_h5_get_text(file, "/", "format", &text, &err));
    assert_string_equal(text, "test \xc3\xa9");
    pp_free(text);
    OK(pp_h5_get_text(file, "/", "nothing", &text, &err));
    assert_string_equal(text, "");
    pp_free(text);
    OK(pp_h5_get_text(file, "/slabs", "units", &text, &err));
    assert_string_equal(text, "dB");
    pp_free(text);
    int64_t whole;
    double real;
    OK(pp_h5_get_int(file, "/a", "version", &whole, &err));
    assert_int_equal(whole, -7);
    OK(pp_h5_get_real(file, "/a", "version", &real, &err));
    assert_true(real == -7);
    OK(pp_h5_get_real(file, "/time", "rate", &real, &err));
    assert_true(real == 0.25);
    OK(pp_h5_list(file, "/a", &texts, &count, &err));
    assert_int_equal(count, 4);
    assert_string_equal(texts[0], "b");
    assert_string_equal(texts[3], "u8");
    pp_h5_free_texts(&texts, count);
}

static void make_file(const char *path)
{
    pp_error err = {0};
    pp_h5 *file;
    unlink(path);
    OK(pp_h5_create(&file, pp_fileops_system(), path, &err));
    assert_string_equal(pp_h5_path(file), path);
    write_everything(file);
    assert_false(pp_path_exists(path));
    OK(pp_h5_commit(&file, &err));
    assert_null(file);
    assert_true(pp_path_exists(path));
}

static void everything_survives(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("h5/deep/all.h5");
    make_file(path);
    pp_h5 *file;
    OK(pp_h5_open(&file, pp_fileops_system(), path, &err));
    read_everything(file);
    read_texts(file);
    pp_h5_close(&file);
    char *bytes;
    size_t length;
    OK(pp_text_read_file(&bytes, &length, path, 1 << 24, &err));
    OK(pp_h5_open_memory(&file, bytes, length, "memory", &err));
    read_everything(file);
    read_texts(file);
    pp_h5_close(&file);
    pp_free(bytes);
    pp_free(path);
}

static void same_content_same_bytes(void **state)
{
    (void)state;
    pp_error err = {0};
    char *paths[2] = {work_file("h5/one.h5"), work_file("h5/two.h5")};
    char *bytes[2];
    size_t length[2];
    for (int i = 0; i < 2; i++) {
        make_file(paths[i]);
        OK(pp_text_read_file(&bytes[i], &length[i], paths[i], 1 << 24, &err));
    }
    assert_int_equal(length[0], length[1]);
    assert_memory_equal(bytes[0], bytes[1], length[0]);
    for (int i = 0; i < 2; i++) {
        pp_free(bytes[i]);
        pp_free(paths[i]);
    }
}

static void misuse_and_absence_have_words(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("h5/words.h5");
    make_file(path);
    pp_h5 *file;
    assert_int_equal(pp_h5_open(&file, pp_fileops_system(), "/nowhere/x.h5", &err),
                     PP_ERR_NOT_FOUND);
    assert_null(file);
    assert_non_null(strstr(err.message, "/nowhere/x.h5"));
    pp_error_clear(&err);
    OK(pp_h5_open(&file, pp_fileops_system(), path, &err));
    float value[4];
    assert_int_equal(pp_h5_read(file, "/a/nothing", PP_H5_F32, NULL, NULL, value, &err),
                     PP_ERR_NOT_FOUND);
    assert_non_null(strstr(err.message, "/a/nothing"));
    pp_error_clear(&err);
    assert_int_equal(pp_h5_read(file, "/a", PP_H5_F32, NULL, NULL, value, &err), PP_ERR_FORMAT);
    pp_error_clear(&err);
    assert_int_equal(pp_h5_read(file, "/table", PP_H5_F32, NULL, NULL, value, &err), PP_ERR_FORMAT);
    pp_error_clear(&err);
    int64_t start = 2, count = 3;
    assert_int_equal(pp_h5_read(file, "/a/f32", PP_H5_F32, &start, &count, value, &err),
                     PP_ERR_INTERNAL);
    pp_error_clear(&err);
    int64_t dims[2] = {5, -1}, two[1] = {4};
    void *data;
    assert_int_equal(pp_h5_take(file, "/slabs", PP_H5_F32, 2, dims, 1 << 20, &data, &err),
                     PP_ERR_FORMAT);
    pp_error_clear(&err);
    assert_int_equal(pp_h5_take(file, "/a/f32", PP_H5_F32, 1, two, 8, &data, &err), PP_ERR_LIMIT);
    pp_error_clear(&err);
    int64_t whole;
    assert_int_equal(pp_h5_get_int(file, "/time", "rate", &whole, &err), PP_ERR_FORMAT);
    pp_error_clear(&err);
    assert_int_equal(pp_h5_get_int(file, "/", "absent", &whole, &err), PP_ERR_NOT_FOUND);
    pp_error_clear(&err);
    assert_true(pp_h5_has(file, "/a/b"));
    assert_false(pp_h5_has(file, "/a/c"));
    assert_false(pp_h5_has(file, "/a/u8/c"));
    pp_h5_spec more = spec_of("/more", PP_H5_U8, 4);
    assert_int_equal(pp_h5_put(file, &more, value, &err), PP_ERR_INTERNAL);
    pp_h5_close(&file);
    pp_h5_close(&file);
    pp_free(path);
}

int main(void)
{
    mallopt(M_PERTURB, 0xa5); /* what HDF5 frees and still uses shows itself */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_survives),
        cmocka_unit_test(same_content_same_bytes),
        cmocka_unit_test(misuse_and_absence_have_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
