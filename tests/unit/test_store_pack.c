/* store/h5_pack: what we pack ourselves is what HDF5 unpacks, whatever the numbers and the slabs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/path.h"
#include "store/h5.h"
#include "store/h5_pack.h"

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status == PP_OK) return;
    fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

static unsigned random_next(unsigned *state)
{
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

/* ---- the checksum ---------------------------------------------------------------------------- */

/* Fletcher's sums word by word, each reduced by its carries at once: the plain twin. */
static uint32_t plain_fletcher32(const unsigned char *bytes, size_t length)
{
    uint32_t sum = 0, sum_of_sums = 0;
    for (size_t i = 0; i < length; i += 2) {
        uint32_t low = i + 1 < length ? bytes[i + 1] : 0;
        sum += (uint32_t)bytes[i] << 8 | low;
        sum = (sum & 0xffff) + (sum >> 16);
        sum_of_sums += sum;
        sum_of_sums = (sum_of_sums & 0xffff) + (sum_of_sums >> 16);
    }
    return sum_of_sums << 16 | sum;
}

static void the_checksum_is_fletchers(void **state)
{
    (void)state;
    enum { MOST = 400001 };
    unsigned char *bytes = pp_alloc(MOST, 1);
    unsigned seed = 1;
    static const size_t lengths[] = {0, 1, 2, 3, 719, 720, 721, 65536, 131072, 131073, MOST};
    for (int fill = 0; fill < 4; fill++) {
        for (size_t i = 0; i < MOST; i++) {
            unsigned noise = random_next(&seed);
            bytes[i] = fill == 0 ? 0 : fill == 1 ? 255 : (unsigned char)noise;
            if (fill == 3 && i % 5000 != 0) bytes[i] = 0;
        }
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            assert_int_equal(pp_h5_fletcher32(bytes, lengths[i]),
                             plain_fletcher32(bytes, lengths[i]));
        }
    }
    pp_free(bytes);
}

/* ---- packing --------------------------------------------------------------------------------- */

/* Unpacks with zlib alone and undoes the shuffle. */
static void comes_back(pp_h5_packer *packer, const unsigned char *data, size_t bytes,
                       size_t element, double least, double most)
{
    const void *packed;
    size_t length = pp_h5_pack(packer, data, bytes, element, &packed);
    assert_true(length > 4);
    unsigned char *planes = pp_alloc(bytes, 1);
    uLongf unpacked = bytes;
    assert_int_equal(uncompress(planes, &unpacked, packed, length - 4), Z_OK);
    assert_int_equal(unpacked, bytes);
    size_t count = bytes / element;
    for (size_t i = 0; i < bytes; i++) {
        assert_int_equal(planes[i % element * count + i / element], data[i]);
    }
    double ratio = (double)length / (double)bytes;
    if (ratio < least || ratio > most) fail_msg("packed to %.3f, not %g to %g", ratio, least, most);
    pp_free(planes);
}

static void any_bytes_come_back(void **state)
{
    (void)state;
    enum { BYTES = 262144 };
    unsigned char *data = pp_alloc(BYTES, 1);
    float *samples = pp_alloc(BYTES / 4, sizeof *samples);
    pp_h5_packer *packer = pp_h5_packer_create();
    unsigned seed = 5;
    memset(data, 0, BYTES);
    comes_back(packer, data, BYTES, 4, 0, 0.01); /* silence */
    for (int i = 0; i < BYTES; i++) data[i] = (unsigned char)random_next(&seed);
    comes_back(packer, data, BYTES, 4, 1, 1.003); /* noise costs next to nothing */
    comes_back(packer, data, BYTES, 1, 1, 1.003);
    for (int i = 0; i < BYTES; i++) data[i] = (unsigned char)(random_next(&seed) % 16);
    comes_back(packer, data, BYTES, 1, 0.49, 0.52); /* four bits a byte */
    for (int i = 0; i < BYTES / 4; i++) {
        samples[i] = 0.3F * ((float)(random_next(&seed) % 65536) / 65536 - 0.5F);
    }
    comes_back(packer, (unsigned char *)samples, BYTES, 4, 0.6, 0.85); /* sound */
    for (int i = 0; i < BYTES; i++) data[i] = (unsigned char)("abcabd"[i % 6]);
    comes_back(packer, data, BYTES, 2, 0, 0.02); /* what repeats itself */
    comes_back(packer, data, 24, 8, 0, 3);
    comes_back(packer, data, 1, 1, 0, 100);
    assert_int_equal(pp_h5_pack(packer, data, 10, 4, &(const void *){NULL}), 0);
    pp_h5_packer_destroy(&packer);
    pp_h5_packer_destroy(&packer);
    pp_free(samples);
    pp_free(data);
}

/* ---- through HDF5 ---------------------------------------------------------------------------- */

typedef struct cube {
    int rank;
    int64_t dims[3], chunk[3];
    pp_h5_type type;
    int64_t step; /* rows written at once; 0: all */
} cube;

static int64_t values_of(const cube *c)
{
    int64_t count = 1;
    for (int i = 0; i < c->rank; i++) count *= c->dims[i];
    return count;
}

static void write_cube(pp_h5 *file, const char *path, const cube *c, const float *values,
                       unsigned *seed)
{
    pp_error err = {0};
    pp_h5_spec spec = {.path = path,
                       .type = c->type,
                       .rank = c->rank,
                       .deflate_level = 1,
                       .units = "1",
                       .long_name = "test"};
    memcpy(spec.dims, c->dims, sizeof c->dims);
    memcpy(spec.chunk, c->chunk, sizeof c->chunk);
    OK(pp_h5_dataset(file, &spec, &err));
    int64_t row = c->dims[0] > 0 ? values_of(c) / c->dims[0] : 0;
    for (int64_t at = 0; at < c->dims[0];) {
        int64_t rows = c->step > 0 ? c->step : c->step < 0 ? 1 + random_next(seed) % 7 : c->dims[0];
        if (rows > c->dims[0] - at) rows = c->dims[0] - at;
        int64_t start[3] = {at}, count[3] = {rows, c->dims[1], c->dims[2]};
        OK(pp_h5_write(file, path, PP_H5_F32, start, count, values + at * row, &err));
        at += rows;
    }
}

static const cube cubes[] = {
    {1, {1000}, {64}, PP_H5_F32, 0},        /* whole chunks and a part of one */
    {1, {1000}, {64}, PP_H5_F32, 64},       /* chunk by chunk */
    {1, {1000}, {64}, PP_H5_F32, 100},      /* across chunks: HDF5's own way */
    {1, {1000}, {64}, PP_H5_F32, -1},       /* both in turn */
    {1, {1}, {0}, PP_H5_F32, 0},            /* a single chunk */
    {2, {1, 5000}, {1, 512}, PP_H5_F32, 0}, /* as tracks */
    {2, {7, 30}, {3, 8}, PP_H5_F32, 3},     /* ragged ends in both */
    {2, {7, 30}, {3, 8}, PP_H5_F32, -1},
    {3, {5, 14, 14}, {1}, PP_H5_F32, 1}, /* as maps of pixels */
    {3, {5, 14, 14}, {2, 5, 0}, PP_H5_F32, 2},
    {3, {5, 14, 14}, {2, 5, 9}, PP_H5_F32, 0},
    {2, {40, 6}, {8}, PP_H5_I32, 8}, /* another type in the file: converted */
    {2, {0, 6}, {8}, PP_H5_F32, 0},
};
#define CUBES ((int)(sizeof cubes / sizeof *cubes))

static void any_slabs_are_read_back(void **state)
{
    (void)state;
    pp_error err = {0};
    const char *work = getenv("PP_WORK");
    char *path = pp_path_join(work != NULL ? work : "/tmp", "pack.h5"), name[16];
    unlink(path);
    pp_h5 *file;
    unsigned seed = 9;
    float values[5000], back[5000];
    for (int i = 0; i < 5000; i++) values[i] = (float)(int)(random_next(&seed) % 2000) - 1000;
    OK(pp_h5_create(&file, pp_fileops_system(), path, &err));
    for (int i = 0; i < CUBES; i++) {
        snprintf(name, sizeof name, "/%02d", i);
        write_cube(file, name, &cubes[i], values, &seed);
        /* again over the first: the later one counts */
        if (i == 3) OK(pp_h5_write(file, name, PP_H5_F32, NULL, NULL, values, &err));
    }
    OK(pp_h5_commit(&file, &err));
    OK(pp_h5_open(&file, pp_fileops_system(), path, &err));
    for (int i = 0; i < CUBES; i++) {
        snprintf(name, sizeof name, "/%02d", i);
        memset(back, 0, sizeof back);
        OK(pp_h5_read(file, name, PP_H5_F32, NULL, NULL, back, &err));
        for (int64_t v = 0; v < values_of(&cubes[i]); v++) {
            if (back[v] != values[v]) {
                fail_msg("data set %d, value %lld: %g, not %g", i, (long long)v, (double)back[v],
                         (double)values[v]);
            }
        }
    }
    pp_h5_close(&file);
    char *command = pp_format("h5dump '%s' > /dev/null", path);
    assert_int_equal(system(command), 0);
    pp_free(command);
    pp_free(path);
}

/* How much faster: figures to look at, not to fail on. */
static void figures(void **state)
{
    (void)state;
    enum { BYTES = 4 * 65536 };
    unsigned seed = 3;
    float *samples = pp_alloc(BYTES / 4, sizeof *samples);
    for (int i = 0; i < BYTES / 4; i++) {
        samples[i] = 0.3F * ((float)(random_next(&seed) % 65536) / 65536 - 0.5F);
    }
    pp_h5_packer *packer = pp_h5_packer_create();
    const void *packed;
    size_t length = 0;
    double start = pp_clock_cpu_s();
    for (int i = 0; i < 20; i++) length = pp_h5_pack(packer, samples, BYTES, 4, &packed);
    print_message("noise as float32: packed to %.2f at %.0f MB/s\n", (double)length / BYTES,
                  20 * BYTES / 1e6 / (pp_clock_cpu_s() - start));
    pp_h5_packer_destroy(&packer);
    pp_free(samples);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_checksum_is_fletchers),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(any_slabs_are_read_back),
        cmocka_unit_test(figures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
