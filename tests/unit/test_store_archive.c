/* store/archive: written archives are read back; other readers open them. */
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

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status == PP_OK) return;
    fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

static char *work_file(const char *name)
{
    const char *folder = getenv("PP_WORK");
    char *path = pp_path_join(folder != NULL ? folder : "/tmp", name);
    unlink(path);
    return path;
}

static const small_archive duet = {.samples = 100001,
                                   .frames = 5,
                                   .windows = 3,
                                   .sources = 2,
                                   .components = 16,
                                   .with_maps = 1,
                                   .seed = 7};

static void header_and_numbers_survive(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("archive.h5");
    small_archive shape = duet;
    shape.source_path = "videos/\xff\xfe caf\xc3\xa9.mp4"; /* not UTF-8: no byte may be lost */
    OK(small_archive_write(&shape, pp_fileops_system(), path, &err));
    pp_archive *archive;
    OK(pp_archive_open(&archive, pp_fileops_system(), path, &err));
    const pp_archive_header *header = pp_archive_get_header(archive);
    pp_archive_header expected = small_archive_header(&shape);
    assert_string_equal(header->source_path, shape.source_path);
    assert_string_equal(header->source_sha256, expected.source_sha256);
    assert_string_equal(header->stage_keys[5], expected.stage_keys[5]);
    assert_string_equal(header->parameters_json, expected.parameters_json);
    assert_true(header->samples == 100001 && header->frames == 5 && header->windows == 3);
    assert_true(header->sources == 2 && header->with_maps == 1 && header->untrained == 1);
    assert_true(header->duration_s == expected.duration_s);
    pp_archive_verdict verdict;
    OK(pp_archive_verify(archive, &verdict, &err));
    print_message("sum error %.3g of a peak of %.3g, %lld bytes\n", verdict.sum_error, verdict.peak,
                  (long long)verdict.bytes_read);
    assert_true(verdict.sum_error < 1e-6 * verdict.peak && verdict.peak > 0.4);
    char **labels;
    int64_t count;
    OK(pp_h5_take_texts(pp_archive_h5(archive), "/sources/label", &labels, &count, &err));
    assert_string_equal(labels[0], "cello");
    assert_string_equal(labels[1], "fl\xc3\xb6te");
    pp_h5_free_texts(&labels, count);
    pp_archive_close(&archive);
    pp_free(path);
}

static void odd_shapes_work(void **state)
{
    (void)state;
    const small_archive shapes[] = {
        {.samples = 0, .frames = 0, .windows = 0, .sources = 0, .components = 8},
        {.samples = 1, .frames = 1, .windows = 1, .sources = 0, .components = 1, .with_maps = 1},
        {.samples = 65536, .frames = 3, .windows = 1, .sources = 1, .components = 3},
        {.samples = 65537, .frames = 0, .windows = 2, .sources = 4, .components = 32},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        pp_error err = {0};
        char *path = work_file("odd.h5");
        OK(small_archive_write(&shapes[i], pp_fileops_system(), path, &err));
        pp_archive *archive;
        OK(pp_archive_open(&archive, pp_fileops_system(), path, &err));
        pp_archive_verdict verdict;
        OK(pp_archive_verify(archive, &verdict, &err));
        pp_archive_close(&archive);
        pp_free(path);
    }
}

static void an_incomplete_archive_is_not_committed(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("incomplete.h5");
    pp_archive_header header = small_archive_header(&duet);
    pp_archive *archive;
    OK(pp_archive_create(&archive, pp_fileops_system(), path, &header, &err));
    assert_int_equal(pp_archive_commit(&archive, &err), PP_ERR_INTERNAL);
    assert_null(archive);
    assert_false(pp_path_exists(path));
    assert_non_null(strstr(err.message, "0 of 5 frames"));
    pp_free(path);
}

static void a_newer_archive_says_so(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("newer.h5");
    pp_h5 *h5;
    OK(pp_h5_create(&h5, pp_fileops_system(), path, &err));
    OK(pp_h5_set_text(h5, "/", "format", "pixelplayer-archive", &err));
    OK(pp_h5_set_int(h5, "/", "version", 99, &err));
    OK(pp_h5_commit(&h5, &err));
    pp_archive *archive;
    assert_int_equal(pp_archive_open(&archive, pp_fileops_system(), path, &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "newer program"));
    assert_non_null(strstr(err.message, "99"));
    pp_error_clear(&err);
    unlink(path);
    OK(pp_h5_create(&h5, pp_fileops_system(), path, &err));
    OK(pp_h5_commit(&h5, &err));
    assert_int_equal(pp_archive_open(&archive, pp_fileops_system(), path, &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "not an archive"));
    pp_free(path);
}

static void a_wrong_sum_is_found(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("sum.h5");
    pp_archive_header header = small_archive_header(&duet);
    header.samples = 3;
    header.frames = header.windows = header.sources = header.with_maps = 0;
    const float mixture[3] = {0.5f, -0.5f, 0}, residual[3] = {0.5f, -0.5f, 2e-6f};
    pp_archive *archive;
    OK(pp_archive_create(&archive, pp_fileops_system(), path, &header, &err));
    OK(pp_archive_put_sound(archive, PP_SOUND_MIXTURE, 0, 3, mixture, &err));
    OK(pp_archive_put_sound(archive, PP_SOUND_RESIDUAL, 0, 3, residual, &err));
    OK(pp_archive_commit(&archive, &err));
    OK(pp_archive_open(&archive, pp_fileops_system(), path, &err));
    pp_archive_verdict verdict;
    assert_int_equal(pp_archive_verify(archive, &verdict, &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "do not add up"));
    pp_archive_close(&archive);
    pp_free(path);
}

static void names_are_found_again(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_archive_header header = small_archive_header(&duet);
    char *name = pp_archive_name("/videos/my duet (1).final.mp4", header.source_sha256);
    char *expected = pp_format("archives/%.2s/my_duet_1_.final-%.16s.h5", header.source_sha256,
                               header.source_sha256);
    assert_string_equal(name, expected);
    const char *folder = getenv("PP_WORK") != NULL ? getenv("PP_WORK") : "/tmp";
    char *path = pp_path_join(folder, name);
    unlink(path);
    assert_null(pp_archive_find(folder, header.source_sha256));
    OK(small_archive_write(&duet, pp_fileops_system(), path, &err));
    char *found = pp_archive_find(folder, header.source_sha256);
    assert_string_equal(found, name);
    pp_free(found);
    pp_free(path);
    pp_free(expected);
    pp_free(name);
}

static int run(const char *format, const char *path)
{
    char *command = pp_format(format, path, path);
    int status = system(command);
    pp_free(command);
    return status == -1 ? -1 : status >> 8;
}

static void other_readers_open_it(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("others.h5");
    OK(small_archive_write(&duet, pp_fileops_system(), path, &err));
    assert_int_equal(run("h5dump '%s' >/dev/null && h5ls -r '%s' >/dev/null", path), 0);
    if (getenv("PP_ROOT") != NULL) {
        int status = run("\"$PP_ROOT/tests/lib/check_archive.py\" '%s'", path);
        if (status == 77) print_message("no h5py here: its check is left out\n");
        else assert_int_equal(status, 0);
    }
    pp_free(path);
}

/* Every number of a group's data sets, packed bytes apart. */
static void same_numbers(pp_h5 *a, pp_h5 *b, const char *path)
{
    pp_error err = {0};
    int rank = 0;
    int64_t dims[PP_H5_MOST_RANK];
    void *x = NULL, *y = NULL;
    size_t bytes = 8;
    OK(pp_h5_dims(a, path, &rank, dims, &err));
    for (int i = 0; i < rank; i++) bytes *= (size_t)dims[i];
    OK(pp_h5_take(a, path, PP_H5_F64, rank, dims, 1 << 28, &x, &err));
    OK(pp_h5_take(b, path, PP_H5_F64, rank, dims, 1 << 28, &y, &err));
    if (memcmp(x, y, bytes) != 0) fail_msg("%s differs", path);
    pp_free(x);
    pp_free(y);
}

/* Over its own name: labels, annotations, key and digest are new, everything else is as it was. */
static void other_labels_leave_the_rest(void **state)
{
    (void)state;
    static const char *const sets[] = {
        "/frames/time",         "/frames/thumbnail", "/pixels/features", "/pixels/energy",
        "/pixels/source",       "/windows/start",    "/windows/end",     "/sources/vector",
        "/sources/box",         "/sources/level_db", "/components/maps", "/components/scale",
        "/components/offset",   "/mixture/audio",    "/stems/00/audio",  "/stems/01/audio",
        "/stems/residual/audio"};
    pp_error err = {0};
    char *path = work_file("relabelled.h5"), *other = work_file("as-it-was.h5");
    pp_archive *old = NULL, *now = NULL;
    const pp_archive_source labels[2] = {{"tuba", "", 0.5f, NULL, NULL, NULL, NULL},
                                         {"my kazoo", "/m/x", 0.25f, NULL, NULL, NULL, NULL}};
    char digest[PP_HASH_HEX], key[PP_HASH_HEX];
    pp_hash_bytes("digest", 6, digest);
    pp_hash_bytes("key", 3, key);
    OK(small_archive_write(&duet, pp_fileops_system(), path, &err));
    OK(small_archive_write(&duet, pp_fileops_system(), other, &err));
    OK(pp_archive_open(&old, pp_fileops_system(), path, &err));
    const pp_archive_relabelling how = {"other name", digest, key, labels};
    OK(pp_archive_relabel(old, pp_fileops_system(), path, &how, &err));
    pp_archive_close(&old);

    OK(pp_archive_open(&now, pp_fileops_system(), path, &err));
    OK(pp_archive_open(&old, pp_fileops_system(), other, &err));
    pp_archive_verdict verdict;
    OK(pp_archive_verify(now, &verdict, &err));
    const pp_archive_header *header = pp_archive_get_header(now);
    assert_string_equal(header->model_name, "other name");
    assert_string_equal(header->label_digest, digest);
    assert_string_equal(header->stage_keys[5], key);
    assert_memory_equal(header->stage_keys, pp_archive_get_header(old)->stage_keys,
                        5 * sizeof header->stage_keys[0]);
    for (size_t i = 0; i < sizeof sets / sizeof *sets; i++) {
        same_numbers(pp_archive_h5(old), pp_archive_h5(now), sets[i]);
    }
    double x = 0;
    OK(pp_h5_get_real(pp_archive_h5(now), "/stems/01/audio", "center_x", &x, &err));
    assert_true(x == 0.25);
    float confidence[2];
    OK(pp_h5_read(pp_archive_h5(now), "/sources/confidence", PP_H5_F32, NULL, NULL, confidence,
                  &err));
    assert_true(confidence[0] == 0.5f && confidence[1] == 0.25f);
    pp_annotation *rows = NULL;
    int64_t count = 0;
    OK(pp_archive_take_annotations(now, &rows, &count, &err));
    assert_int_equal(count, 2);
    assert_string_equal(rows[0].label, "tuba");
    assert_string_equal(rows[1].label, "my kazoo");
    assert_true(rows[1].confidence == 0.25f && rows[1].start_s == 1.5);
    pp_free(rows);
    pp_archive_close(&old);
    pp_archive_close(&now);
    pp_free(path);
    pp_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_and_numbers_survive),
        cmocka_unit_test(odd_shapes_work),
        cmocka_unit_test(an_incomplete_archive_is_not_committed),
        cmocka_unit_test(a_newer_archive_says_so),
        cmocka_unit_test(a_wrong_sum_is_found),
        cmocka_unit_test(names_are_found_again),
        cmocka_unit_test(other_labels_leave_the_rest),
        cmocka_unit_test(other_readers_open_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
