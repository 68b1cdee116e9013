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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flipped_bytes_are_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
