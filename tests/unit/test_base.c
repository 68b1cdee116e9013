/* base: errors, memory, text, JSON, paths, hashes, INI. */
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
#include "base/ini.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

static void first_failure_wins(void **state)
{
    (void)state;
    pp_error err = {0};
    assert_int_equal(pp_fail(&err, PP_ERR_MEDIA, "a %d", 1), PP_ERR_MEDIA);
    assert_int_equal(pp_fail(&err, PP_ERR_IO, "b"), PP_ERR_IO);
    pp_error_prefix(&err, "clip.mp4: ");
    pp_advise(&err, "try %s", "again");
    assert_int_equal(err.status, PP_ERR_MEDIA);
    assert_string_equal(err.message, "clip.mp4: a 1");
    assert_string_equal(err.advice, "try again");
}

static void arrays_refuse_overflow_and_grow_zeroed(void **state)
{
    (void)state;
    assert_null(pp_alloc(SIZE_MAX / 2, 8));
    int *numbers = NULL;
    size_t capacity = 0;
    pp_error err = {0};
    for (size_t i = 0; i < 100; i++) {
        assert_int_equal(pp_grow((void **)&numbers, &capacity, i + 1, sizeof *numbers, &err), 0);
        assert_int_equal(numbers[i], 0);
        numbers[i] = (int)i;
    }
    assert_int_equal(numbers[57], 57);
    assert_int_equal((uintptr_t)numbers % PP_ALIGNMENT, 0);
    pp_free(numbers);
}

static void arena_measures_then_carves(void **state)
{
    (void)state;
    pp_arena measure = {0};
    assert_null(pp_arena_take(&measure, 3, 4));
    assert_null(pp_arena_take(&measure, 100, 1));
    assert_int_equal(measure.used, 64 + 128);
    pp_arena arena = {pp_alloc(measure.used, 1), 0, measure.used};
    assert_non_null(pp_arena_take(&arena, 3, 4));
    assert_non_null(pp_arena_take(&arena, 100, 1));
    assert_null(pp_arena_take(&arena, 1, 1));
    pp_free(arena.base);
}

static void utf8_is_told_from_other_bytes(void **state)
{
    (void)state;
    assert_true(pp_text_is_utf8("Dvo\xc5\x99\xc3\xa1k \xf0\x9f\x8e\xbb"));
    assert_false(pp_text_is_utf8("caf\xe9"));
    assert_false(pp_text_is_utf8("\xed\xa0\x80"));
    assert_false(pp_text_is_utf8("\xc0\xaf"));
    char *repaired = pp_text_to_utf8("caf\xe9!");
    assert_string_equal(repaired, "caf\xef\xbf\xbd!");
    pp_free(repaired);
}

static void json_keeps_odd_paths_to_the_byte(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_json *object = pp_json_object(), *read = NULL;
    pp_json_set_path(object, "path", "a\nb\"\xff/c");
    pp_json_set_real(object, "level", 0.0 / 0.0);
    pp_json_set_int(object, "n", 7);
    char *text = pp_json_dump(object, 0);
    assert_int_equal(pp_json_parse(&read, text, strlen(text), "test", &err), PP_OK);
    char *path = pp_json_path(read, "path");
    assert_string_equal(path, "a\nb\"\xff/c");
    assert_true(pp_json_real(read, "level", -1) == -1);
    assert_int_equal(pp_json_int(read, "n", 0), 7);
    pp_free(path);
    pp_free(text);
    char *facts = pp_json_facts(object); /* no lists, nothing that is null */
    assert_non_null(strstr(facts, ", n 7"));
    assert_null(strstr(facts, "level"));
    pp_free(facts);
    pp_json_free(&object);
    pp_json_free(&read);
    assert_int_equal(pp_json_parse(&read, "{\"a\":", 5, "half", &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "half"));
}

static void numbers_name_what_was_wrong(void **state)
{
    (void)state;
    pp_error err = {0};
    int64_t n = 0;
    assert_int_equal(pp_text_to_int(&n, "12", 0, 100, "--n", &err), PP_OK);
    assert_int_equal(n, 12);
    assert_int_equal(pp_text_to_int(&n, "12x", 0, 100, "--n", &err), PP_ERR_USAGE);
    assert_string_equal(err.message, "--n: '12x' is not a whole number from 0 to 100");
    double x = 0;
    pp_error_clear(&err);
    assert_int_equal(pp_text_to_real(&x, "nan", 0, 1, "x", &err), PP_ERR_USAGE);
}

static void safe_names_and_folders(void **state)
{
    (void)state;
    char *name = pp_path_safe_name("My  song \"live\".mp4", 40);
    assert_string_equal(name, "My_song_live_.mp4");
    pp_free(name);
    name = pp_path_safe_name("--rf", 40);
    assert_string_equal(name, "_-rf");
    pp_free(name);
    char *folder = pp_path_folder("/a");
    assert_string_equal(folder, "/");
    pp_free(folder);
}

static void sha256_of_abc(void **state)
{
    (void)state;
    char hex[PP_HASH_HEX];
    pp_hash_bytes("abc", 3, hex);
    assert_string_equal(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void ini_refuses_misspelt_keys(void **state)
{
    (void)state;
    char path[] = "/tmp/pp-ini-XXXXXX";
    int fd = mkstemp(path);
    const char text[] = "[job]\nout = here\nmodle = x\nframes = 3\n";
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    pp_error err = {0};
    pp_ini *ini = NULL;
    assert_int_equal(pp_ini_read(&ini, path, &err), PP_OK);
    assert_string_equal(pp_ini_text(ini, "job", "out"), "here");
    long long frames = 0;
    assert_int_equal(pp_ini_int(ini, "job", "frames", 1, 9, &frames, &err), PP_OK);
    assert_int_equal(frames, 3);
    assert_int_equal(pp_ini_refuse_unknown(ini, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "modle"));
    pp_ini_destroy(&ini);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_failure_wins),
        cmocka_unit_test(arrays_refuse_overflow_and_grow_zeroed),
        cmocka_unit_test(arena_measures_then_carves),
        cmocka_unit_test(utf8_is_told_from_other_bytes),
        cmocka_unit_test(json_keeps_odd_paths_to_the_byte),
        cmocka_unit_test(numbers_name_what_was_wrong),
        cmocka_unit_test(safe_names_and_folders),
        cmocka_unit_test(sha256_of_abc),
        cmocka_unit_test(ini_refuses_misspelt_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
