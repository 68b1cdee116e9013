/* store: data sets that grow, for streams of unknown length. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "store/h5.h"

enum { ROWS = 1000, SLAB = 77 };

static void a_stream_is_written_as_it_comes(void **state)
{
    (void)state;
    const char *work = getenv("PP_WORK");
    char *path = pp_path_join(work != NULL ? work : "/tmp", "grow-test.h5");
    pp_error err = {0};
    pp_h5 *file = NULL;
    float in[ROWS][2], *out = NULL;
    for (int i = 0; i < ROWS; i++) in[i][0] = (float)i, in[i][1] = (float)-i;
    assert_int_equal(pp_h5_create(&file, pp_fileops_system(), path, &err), PP_OK);
    const pp_h5_spec spec = {.path = "/sound",
                             .type = PP_H5_F32,
                             .rank = 2,
                             .dims = {0, 2},
                             .chunk = {64, 2},
                             .units = "1",
                             .long_name = "a stream"};
    assert_int_equal(pp_h5_dataset(file, &spec, &err), PP_OK);
    for (int64_t at = 0; at < ROWS; at += SLAB) {
        int64_t start[2] = {at, 0}, count[2] = {ROWS - at < SLAB ? ROWS - at : SLAB, 2};
        assert_int_equal(pp_h5_resize(file, "/sound", at + count[0], &err), PP_OK);
        assert_int_equal(pp_h5_write(file, "/sound", PP_H5_F32, start, count, in[at], &err), PP_OK);
    }
    int64_t behind[2] = {ROWS, 0}, one[2] = {1, 2};
    pp_error refused = {0};
    assert_int_not_equal(pp_h5_write(file, "/sound", PP_H5_F32, behind, one, in, &refused), PP_OK);
    assert_int_not_equal(pp_h5_resize(file, "/other", 3, &refused), PP_OK);
    assert_int_equal(pp_h5_commit(&file, &err), PP_OK);

    int64_t dims[2] = {-1, 2};
    assert_int_equal(pp_h5_open(&file, pp_fileops_system(), path, &err), PP_OK);
    assert_int_equal(pp_h5_take(file, "/sound", PP_H5_F32, 2, dims, sizeof in, (void **)&out, &err),
                     PP_OK);
    assert_int_equal(dims[0], ROWS);
    assert_memory_equal(out, in, sizeof in);
    pp_h5_close(&file);
    unlink(path);
    pp_free(out);
    pp_free(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stream_is_written_as_it_comes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
