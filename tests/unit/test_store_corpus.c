/* store/corpus: the table survives; its links lead to the archives; it is quickly read. */
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
#include "base/clock.h"
#include "base/memory.h"
#include "base/path.h"
#include "store/corpus.h"

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status == PP_OK) return;
    fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

static char *work_folder(const char *name)
{
    const char *work = getenv("PP_WORK");
    return pp_path_join(work != NULL ? work : "/tmp", name);
}

static void rows_and_links_survive(void **state)
{
    (void)state;
    pp_error err = {0};
    char *folder = work_folder("corpus");
    pp_corpus_row rows[3];
    for (unsigned i = 0; i < 2; i++) {
        small_archive shape = {.samples = 1000,
                               .frames = 1,
                               .windows = 1,
                               .sources = 1,
                               .components = 2,
                               .seed = i,
                               .source_path = i == 0 ? "b \xff.mp4" : "a.mp4"};
        pp_archive_header header = small_archive_header(&shape);
        char *name = pp_archive_name(shape.source_path, header.source_sha256);
        char *path = pp_path_join(folder, name);
        OK(small_archive_write(&shape, pp_fileops_system(), path, &err));
        OK(pp_corpus_row_of(&rows[i], &header, name, &err));
        rows[i].size_bytes = 1000 + i;
        rows[i].mtime_ns = INT64_C(1700000000123456789);
        pp_free(path);
        pp_free(name);
    }
    rows[2] = rows[1]; /* the same content under a second name */
    rows[2].source_path = "c.mp4";
    rows[2].source_id = "id 3";
    OK(pp_corpus_write(pp_fileops_system(), folder, rows, 3, &err));
    pp_corpus_row *back;
    int64_t count;
    OK(pp_corpus_read(pp_fileops_system(), folder, &back, &count, &err));
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++) {
        assert_string_equal(back[i].source_path, rows[i].source_path);
        assert_string_equal(back[i].source_id, rows[i].source_id);
        assert_string_equal(back[i].archive, rows[i].archive);
        assert_string_equal(back[i].source_sha256, rows[i].source_sha256);
        for (int k = 0; k < PP_STAGES; k++) {
            assert_string_equal(back[i].stage_keys[k], rows[i].stage_keys[k]);
        }
        assert_true(back[i].duration_s == rows[i].duration_s);
        assert_true(back[i].mtime_ns == rows[i].mtime_ns && back[i].sources == 1);
        assert_true(back[i].size_bytes == rows[i].size_bytes && back[i].has_maps == 0);
    }
    pp_corpus_free(&back, count);
    pp_corpus_row_free(&rows[0]);
    pp_corpus_row_free(&rows[1]);
    /* a reader that is not ours follows the links */
    char *command = pp_format("h5dump -H -d \"/archives/$(h5ls %s/corpus.h5/archives | head -n 1 | "
                              "cut -d ' ' -f 1)/mixture/audio\" %s/corpus.h5 | grep -q '1, 1000'",
                              folder, folder);
    assert_int_equal(system(command), 0);
    pp_free(command);
    pp_free(folder);
}

static void none_and_damaged_are_told_apart(void **state)
{
    (void)state;
    pp_error err = {0};
    char *folder = work_folder("no-corpus"), *path = pp_path_join(folder, "corpus.h5");
    unlink(path);
    pp_corpus_row *rows;
    int64_t count;
    assert_int_equal(pp_corpus_read(pp_fileops_system(), folder, &rows, &count, &err),
                     PP_ERR_NOT_FOUND);
    pp_error_clear(&err);
    OK(pp_corpus_write(pp_fileops_system(), folder, NULL, 0, &err));
    OK(pp_corpus_read(pp_fileops_system(), folder, &rows, &count, &err));
    assert_int_equal(count, 0);
    pp_corpus_free(&rows, count);
    assert_int_equal(truncate(path, 700), 0);
    assert_int_equal(pp_corpus_read(pp_fileops_system(), folder, &rows, &count, &err),
                     PP_ERR_FORMAT);
    assert_non_null(strstr(err.advice, "pp index"));
    pp_free(path);
    pp_free(folder);
}

static void ten_thousand_rows_are_quick(void **state)
{
    (void)state;
    enum { COUNT = 10000 };
    pp_error err = {0};
    char *folder = work_folder("large-corpus");
    pp_corpus_row *rows = pp_alloc(COUNT, sizeof *rows);
    for (int i = 0; i < COUNT; i++) {
        char text[64];
        pp_archive_header header = {.source_path = text, .source_id = ""};
        snprintf(text, sizeof text, "/data/videos/%05d-performance.mp4", i);
        pp_hash_bytes(text, strlen(text), header.source_sha256);
        for (int k = 0; k < PP_STAGES; k++) {
            pp_hash_bytes(&text[k], strlen(text) - (size_t)k, header.stage_keys[k]);
        }
        char *name = pp_archive_name(text, header.source_sha256);
        OK(pp_corpus_row_of(&rows[i], &header, name, &err));
        pp_free(name);
    }
    double start = pp_clock_s();
    OK(pp_corpus_write(pp_fileops_system(), folder, rows, COUNT, &err));
    double written = pp_clock_s();
    pp_corpus_row *back;
    int64_t count;
    OK(pp_corpus_read(pp_fileops_system(), folder, &back, &count, &err));
    print_message("10 000 rows: written in %.3f s, read in %.3f s\n", written - start,
                  pp_clock_s() - written);
    assert_int_equal(count, COUNT);
    assert_string_equal(back[COUNT - 1].stage_keys[5], rows[COUNT - 1].stage_keys[5]);
    pp_corpus_free(&back, count);
    pp_corpus_free(&rows, COUNT);
    pp_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_and_links_survive),
        cmocka_unit_test(none_and_damaged_are_told_apart),
        cmocka_unit_test(ten_thousand_rows_are_quick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
