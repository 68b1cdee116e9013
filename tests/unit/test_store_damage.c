/* store: damaged and hostile files are refused in words; none crashes the reader. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <hdf5.h>

#include "../lib/small_archive.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

#define OK(call) assert_ok((call), &err, __LINE__)

/* HDF5 1.10.8 itself leaks a few hundred bytes on some damaged files. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5_serial.so";
}

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

static const small_archive duet = {.samples = 20000,
                                   .frames = 5,
                                   .windows = 3,
                                   .sources = 2,
                                   .components = 16,
                                   .with_maps = 1,
                                   .seed = 7};

/* Verifies the archive in memory; the status of the first thing found. */
static pp_status verify_bytes(const char *bytes, size_t length, pp_error *err)
{
    pp_archive *archive;
    pp_status status = pp_archive_open_memory(&archive, bytes, length, "flipped", err);
    pp_archive_verdict verdict;
    if (status == PP_OK) status = pp_archive_verify(archive, &verdict, err);
    pp_archive_close(&archive);
    return status;
}

/* Flipped bytes all over the file: none may crash the reader, most lie in something with a
 * checksum, and of those in the sound and the maps every one must be seen. */
static void flipped_bytes_are_seen(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("flipped.h5"), *bytes;
    size_t length, seen = 0, tried = 0;
    OK(small_archive_write(&duet, pp_fileops_system(), path, &err));
    OK(pp_text_read_file(&bytes, &length, path, 1 << 26, &err));
    OK(verify_bytes(bytes, length, &err));
    for (size_t at = 0; at < length; at += length / 300) {
        bytes[at] ^= 0x10;
        pp_error_clear(&err);
        seen += verify_bytes(bytes, length, &err) != PP_OK;
        tried++;
        bytes[at] ^= 0x10;
    }
    print_message("%zu of %zu flipped bytes were seen (%zu bytes)\n", seen, tried, length);
    assert_true(seen >= tried * 9 / 10);
    for (size_t cut = 1; cut < length; cut += length / 20) { /* cut short anywhere */
        pp_error_clear(&err);
        assert_int_not_equal(verify_bytes(bytes, length - cut, &err), PP_OK);
    }
    pp_free(bytes);
    pp_free(path);
}

/* ---- files of a stranger --------------------------------------------------------------------- */

static void must(int good)
{
    if (!good) fail_msg("HDF5 itself failed while the test's file was made");
}

static void put_plain(hid_t file, const char *name, hid_t creation)
{
    hsize_t dims[1] = {4};
    const float values[4] = {1, 2, 3, 4};
    hid_t space = H5Screate_simple(1, dims, NULL);
    hid_t set = H5Dcreate2(file, name, H5T_NATIVE_FLOAT, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    must(set >= 0);
    must(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
    H5Dclose(set);
    H5Sclose(space);
}

/* What other programs write and what an attacker might: made with HDF5's own driver. */
static void make_strange(const char *path, const char *other)
{
    hid_t file = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    must(file >= 0);
    put_plain(file, "plain", H5P_DEFAULT);
    hid_t outside = H5Pcreate(H5P_DATASET_CREATE);
    must(H5Pset_external(outside, other, 0, 16) >= 0);
    put_plain(file, "outside", outside);
    H5Pclose(outside);
    hid_t filtered = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t chunk[1] = {4};
    must(H5Pset_chunk(filtered, 1, chunk) >= 0 && H5Pset_nbit(filtered) >= 0);
    put_plain(file, "filtered", filtered);
    H5Pclose(filtered);
    must(H5Lcreate_external(other, "/plain", file, "elsewhere", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    must(H5Lcreate_soft("/round", file, "round", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    must(H5Lcreate_soft("/plain", file, "soft", H5P_DEFAULT, H5P_DEFAULT) >= 0);
    hsize_t huge[3] = {1u << 20, 1u << 20, 1u << 20};
    hid_t space = H5Screate_simple(3, huge, NULL), created = H5Pcreate(H5P_DATASET_CREATE);
    hsize_t big[3] = {1, 1, 1u << 20};
    must(H5Pset_chunk(created, 3, big) >= 0);
    hid_t set =
        H5Dcreate2(file, "huge", H5T_NATIVE_DOUBLE, space, H5P_DEFAULT, created, H5P_DEFAULT);
    must(set >= 0);
    H5Dclose(set);
    hsize_t bomb[3] = {64, 1024, 1u << 14};
    must(H5Pset_chunk(created, 3, bomb) >= 0 && H5Pset_deflate(created, 9) >= 0);
    set = H5Dcreate2(file, "bomb", H5T_NATIVE_CHAR, space, H5P_DEFAULT, created, H5P_DEFAULT);
    must(set >= 0);
    H5Dclose(set);
    must(H5Pset_chunk(created, 3, (hsize_t[]){255, 1024, 1u << 13}) >= 0);
    set = H5Dcreate2(file, "chunk", H5T_NATIVE_SHORT, space, H5P_DEFAULT, created, H5P_DEFAULT);
    must(set >= 0);
    H5Dclose(set);
    H5Pclose(created);
    H5Sclose(space);
    hid_t named = H5Tcopy(H5T_NATIVE_INT);
    must(H5Tcommit2(file, "named", named, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT) >= 0);
    H5Tclose(named);
    must(H5Fclose(file) >= 0);
}

static void refused(pp_h5 *file, const char *path, const char *words)
{
    float values[4];
    pp_error err = {0};
    int64_t start[3] = {0}, count[3] = {4, 1, 1};
    pp_status status = pp_h5_read(file, path, PP_H5_F32, start, count, values, &err);
    if (status != PP_ERR_FORMAT || strstr(err.message, words) == NULL) {
        fail_msg("%s: %s: %s", path, pp_status_name(status), err.message);
    }
}

static void strange_files_are_read_with_care(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = work_file("strange.h5"), *other = work_file("other.h5");
    make_strange(other, "/dev/null");
    make_strange(path, other);
    pp_h5 *file;
    OK(pp_h5_open(&file, pp_fileops_system(), path, &err));
    float values[4];
    OK(pp_h5_read(file, "/plain", PP_H5_F32, NULL, NULL, values, &err));
    assert_true(values[3] == 4);
    refused(file, "/outside", "in other files");
    refused(file, "/filtered", "packed in a way");
    refused(file, "/elsewhere", "link to elsewhere");
    refused(file, "/round", "link to elsewhere");
    refused(file, "/soft", "link to elsewhere");
    refused(file, "/chunk", "chunks are too large");
    refused(file, "/named", "neither a group nor a data set");
    int64_t dims[3] = {-1, -1, -1};
    void *data;
    assert_int_equal(pp_h5_take(file, "/huge", PP_H5_F64, 3, dims, 1u << 30, &data, &err),
                     PP_ERR_LIMIT);
    pp_h5_close(&file);
    pp_free(path);
    pp_free(other);
}

static void other_files_are_named_as_such(void **state)
{
    (void)state;
    const struct {
        const char *bytes;
        size_t length;
    } files[] = {
        {"", 0}, {"RIFF....WAVE", 12}, {"\x89HDF\r\n\x1a\n", 8}, {"\x89HDF\r\n\x1a\n\3\10\10", 11}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        pp_error err = {0};
        pp_h5 *file;
        assert_int_equal(pp_h5_open_memory(&file, files[i].bytes, files[i].length, "x.h5", &err),
                         PP_ERR_FORMAT);
        assert_null(file);
        assert_non_null(strstr(err.message, "x.h5"));
        assert_null(strstr(err.message, "no reason"));
    }
    pp_error err = {0};
    pp_h5 *file;
    char *folder = work_file("");
    assert_int_not_equal(pp_h5_open(&file, pp_fileops_system(), folder, &err), PP_OK);
    pp_free(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_bytes_are_seen),
        cmocka_unit_test(strange_files_are_read_with_care),
        cmocka_unit_test(other_files_are_named_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
