/* Checkpoints read as data: both containers, and everything that is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "model/checkpoint.h"

static char *data_path(const char *name)
{
    const char *root = getenv("PP_ROOT");
    return pp_format("%s/tests/data/%s", root != NULL ? root : ".", name);
}

static char *data_file(const char *name, size_t *length)
{
    pp_error err = {0};
    char *path = data_path(name), *bytes = NULL;
    if (pp_text_read_file(&bytes, length, path, 1 << 24, &err) != PP_OK)
        fail_msg("%s", err.message);
    pp_free(path);
    return bytes;
}

static void both_containers_hold_the_same(void **state)
{
    (void)state;
    static const char *const networks[] = {"sound", "frame", "synthesizer"};
    for (int i = 0; i < 3; i++) {
        pp_error err = {0};
        pp_tensors old = {0}, new = {0};
        char name[64];
        for (int zip = 0; zip < 2; zip++) {
            snprintf(name, sizeof name, "network-%s-%s.pth", networks[i], zip ? "zip" : "legacy");
            char *path = data_path(name);
            if (pp_checkpoint_read(zip ? &new : &old, path, &err) != PP_OK) {
                fail_msg("%s", err.message);
            }
            pp_free(path);
        }
        /* The legacy files have "module." in front and no num_batches_tracked. */
        assert_int_equal(old.count, new.count);
        assert_true(old.count > 1);
        for (size_t t = 0; t < old.count; t++) {
            assert_string_equal(old.items[t].name, new.items[t].name);
            assert_int_equal(old.items[t].rank, new.items[t].rank);
            assert_memory_equal(old.items[t].dims, new.items[t].dims, sizeof old.items[t].dims);
            assert_memory_equal(old.items[t].values, new.items[t].values,
                                pp_tensor_count(&old.items[t]) * sizeof(float));
        }
        pp_tensors_clear(&old);
        pp_tensors_clear(&new);
    }
}

static pp_status parse(const void *bytes, size_t length, pp_error *err)
{
    pp_tensors tensors = {0};
    *err = (pp_error){0};
    /* An exact copy, so that a byte read too far is seen by the sanitizer. */
    unsigned char *copy = malloc(length > 0 ? length : 1);
    memcpy(copy, bytes, length);
    pp_status status = pp_checkpoint_parse(&tensors, copy, length, "file", err);
    pp_tensors_clear(&tensors);
    free(copy);
    return status;
}

static void truncated_files_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"network-synthesizer-legacy.pth",
                                        "network-synthesizer-zip.pth", "network-sound-legacy.pth",
                                        "network-sound-zip.pth"};
    for (int i = 0; i < 4; i++) {
        size_t length;
        pp_error err;
        char *bytes = data_file(names[i], &length);
        size_t step = length > 5000 ? length / 97 : 1;
        assert_int_equal(parse(bytes, length, &err), PP_OK);
        for (size_t cut = 0; cut < length; cut += step) {
            assert_int_not_equal(parse(bytes, cut, &err), PP_OK);
            assert_true(err.message[0] != '\0');
        }
        pp_free(bytes);
    }
}

/* Damage may go unseen (a weight's bit, in the container without checksums), but must not crash. */
static void damaged_files_do_no_harm(void **state)
{
    (void)state;
    static const char *const names[] = {"network-synthesizer-legacy.pth",
                                        "network-synthesizer-zip.pth"};
    for (int i = 0; i < 2; i++) {
        size_t length, refused = 0;
        pp_error err;
        char *bytes = data_file(names[i], &length);
        for (size_t bit = 0; bit < 8 * length; bit++) {
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
            refused += parse(bytes, length, &err) != PP_OK;
            bytes[bit / 8] = (char)(bytes[bit / 8] ^ 1 << bit % 8);
        }
        assert_true(refused > length);
        pp_random random;
        pp_random_seed(&random, 3, (uint64_t)i);
        char *broken = pp_alloc(length, 1);
        for (int round = 0; round < 3000; round++) {
            memcpy(broken, bytes, length);
            int hits = 1 + (int)pp_random_below(&random, 6);
            for (int hit = 0; hit < hits; hit++) {
                size_t at = pp_random_below(&random, length),
                       from = pp_random_below(&random, length);
                broken[at] = hit % 2 ? bytes[from] : (char)pp_random_bits(&random);
            }
            (void)!parse(broken, length, &err);
        }
        pp_free(broken);
        pp_free(bytes);
    }
}

/* ---- pickles by hand ------------------------------------------------------------------------- */

typedef struct builder {
    unsigned char bytes[4096];
    size_t length;
} builder;

static void put(builder *b, const void *bytes, size_t length)
{
    assert_true(b->length + length <= sizeof b->bytes);
    memcpy(b->bytes + b->length, bytes, length);
    b->length += length;
}

#define PUT(b, text) put(b, text, sizeof(text) - 1)

/* The head of a legacy file: magic, version 1001, little-endian. */
static builder legacy(void)
{
    builder b = {.length = 0};
    PUT(&b, "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.");
    PUT(&b, "\x80\x02M\xe9\x03.");
    PUT(&b, "\x80\x02}X\x0d\0\0\0little_endian\x88s.");
    return b;
}

/* {"a": a float tensor of storage "0"} with 4 elements in the storage; the parts may be replaced.
 */
static void put_state(builder *b, const char *sizes, size_t sizes_length, const char *strides,
                      size_t strides_length, const char *count, const char *offset)
{
    PUT(b, "\x80\x02}X\x01\0\0\0"
           "actorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storage"
           "ctorch\nFloatStorage\nX\x01\0\0\0"
           "0X\x03\0\0\0cpu");
    put(b, count, 5);
    PUT(b, "NtQ");
    put(b, offset, 5);
    put(b, sizes, sizes_length);
    put(b, strides, strides_length);
    PUT(b, "\x89"
           "ccollections\nOrderedDict\n)RtRs.");
    PUT(b, "\x80\x02]X\x01\0\0\0"
           "0a.");
    PUT(b, "\x04\0\0\0\0\0\0\0");
    PUT(b, "\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40");
}

#define FOUR "J\x04\0\0\0"
#define NONE "J\0\0\0\0"
#define STATE(b, sizes, strides, count, offset)                                                    \
    put_state(b, sizes, sizeof(sizes) - 1, strides, sizeof(strides) - 1, count, offset)

static void views_are_gathered_by_their_strides(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_tensors tensors = {0};
    builder b = legacy();
    STATE(&b, "K\x02K\x02\x86", "K\x01K\x02\x86", FOUR, NONE); /* a transposed 2 x 2 */
    if (pp_checkpoint_parse(&tensors, b.bytes, b.length, "file", &err) != PP_OK) {
        fail_msg("%s", err.message);
    }
    static const float expected[] = {1, 3, 2, 4};
    assert_memory_equal(tensors.items[0].values, expected, sizeof expected);
    pp_tensors_clear(&tensors);
}

static void refuse(const builder *b, const char *words)
{
    pp_error err;
    pp_status status = parse(b->bytes, b->length, &err);
    if (status == PP_OK || strstr(err.message, words) == NULL) {
        fail_msg("expected '%s', got %d '%s'", words, status, err.message);
    }
}

static void tensors_stay_in_their_storage(void **state)
{
    (void)state;
    builder b = legacy();
    STATE(&b, "K\x05\x85", "K\x01\x85", FOUR, NONE);
    refuse(&b, "a reaches beyond its storage");
    b = legacy();
    STATE(&b, "K\x04\x85", "K\x01\x85", FOUR, "J\x01\0\0\0");
    refuse(&b, "a reaches beyond its storage");
    b = legacy();
    STATE(&b, "K\x04\x85", "K\x01\x85", FOUR, "J\xff\xff\xff\xff");
    refuse(&b, "a reaches beyond its storage");
    b = legacy();
    STATE(&b, "K\x02K\x02\x86", "K\x03K\x01\x86", FOUR, NONE);
    refuse(&b, "a reaches beyond its storage");
    b = legacy(); /* a stride of 0 names few elements often */
    STATE(&b, "K\x04K\x04\x86", "K\x01K\x00\x86", FOUR, NONE);
    refuse(&b, "a reaches beyond its storage");
    b = legacy();
    STATE(&b, "J\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86", "K\x01K\x01\x86", FOUR, NONE);
    refuse(&b, "a reaches beyond its storage");
    b = legacy();
    STATE(&b, "K\x00\x85", "K\x01\x85", FOUR, NONE);
    refuse(&b, "sizes or strides");
    b = legacy();
    STATE(&b, "K\x04\x85", "J\xff\xff\xff\xff\x85", FOUR, NONE);
    refuse(&b, "sizes or strides");
    b = legacy();
    STATE(&b, "(K\x01K\x01K\x01K\x01K\x01t", "(K\x01K\x01K\x01K\x01K\x01t", FOUR, NONE);
    refuse(&b, "sizes or strides");
    b = legacy();
    STATE(&b, "K\x04\x85", "K\x01\x85", "J\xff\xff\xff\x7f", NONE);
    refuse(&b, "elements where");
}

static void nothing_is_ever_called(void **state)
{
    (void)state;
    builder b = legacy();
    PUT(&b, "\x80\x02"
            "cos\nsystem\nX\x09\0\0\0touch pwn\x85R.");
    refuse(&b, "os.system");
    b = legacy();
    PUT(&b, "\x80\x02"
            "cbuiltins\neval\n.");
    refuse(&b, "builtins.eval");
    b = legacy();
    PUT(&b, "\x80\x02"
            "ctorch\nload\n.");
    refuse(&b, "torch.load");
    b = legacy();
    PUT(&b, "\x80\x02(X\x02\0\0\0idios\nsystem\n."); /* INST */
    refuse(&b, "opcode 0x69");
    b = legacy();
    PUT(&b, "\x80\x02}}\x81."); /* NEWOBJ */
    refuse(&b, "opcode 0x81");
    b = legacy();
    PUT(&b, "\x80\x02}}R.");
    refuse(&b, "call without a tuple");
    b = legacy();
    PUT(&b, "\x80\x02})R.");
    refuse(&b, "no function");
    b = legacy();
    PUT(&b, "\x80\x04}.");
    refuse(&b, "protocol 4");
}

static void broken_pickles_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t length;
        const char *words;
    } cases[] = {
#define CASE(text, words) {text, sizeof(text) - 1, words}
        CASE("\x80\x02.", "a value is missing"),
        CASE("\x80\x02}}.", "left over"),
        CASE("\x80\x02}(.", "a value is missing"),
        CASE("\x80\x02}K\x01s.", "a value is missing"),
        CASE("\x80\x02K\x01K\x01K\x01s.", "holds none"),
        CASE("\x80\x02t.", "a mark is missing"),
        CASE("\x80\x02(u.", "values for nothing"),
        CASE("\x80\x02}(K\x01u.", "key without a value"),
        CASE("\x80\x02h\x07.", "a reference to nothing"),
        CASE("\x80\x02(q\x01h\x01.", "a reference to nothing"),
        CASE("\x80\x02q\x01.", "a value is missing"),
        CASE("\x80\x02}r\xff\xff\xff\x7f.", "too many references"),
        CASE("\x80\x02X\xff\xff\xff\xff"
             "a",
             "ends too early"),
        CASE("\x80\x02"
             "ccollections",
             "does not end"),
        CASE("\x80\x02K\x01Q.", "odd reference"),
        CASE("\x80\x02)Q.", "odd reference"),
        CASE("\x80\x02K\x01}b.", "attributes of something"),
        CASE("\x80\x02"
             "ctorch._utils\n_rebuild_tensor_v2\n)R.",
             "a tensor's parts"),
        CASE("\x80\x02}."
             "\x80\x02].",
             "no state dict"),
        CASE("\x80\x02}X\x01\0\0\0aK\x01s."
             "\x80\x02].",
             "no tensor"),
        CASE("\x80\x02K\x01."
             "\x80\x02].",
             "no state dict"),
        CASE("\x80\x02}."
             "\x80\x02}.",
             "list of storages"),
        CASE("\x80\x02}."
             "\x80\x02]X\x01\0\0\0"
             "0a.",
             "no tensor names"),
        /* cycles: a dict that is its own state_dict, and one that holds itself */
        CASE("\x80\x02}q\x01X\x0a\0\0\0state_dicth\x01s."
             "\x80\x02].",
             "no tensor"),
        CASE("\x80\x02}q\x01X\x01\0\0\0ah\x01s."
             "\x80\x02].",
             "no tensor"),
        CASE("\x80\x02]q\x01h\x01"
             "a."
             "\x80\x02].",
             "no state dict"),
        CASE("\x80\x02"
             "ccollections\nOrderedDict\n]q\x01h\x01"
             "a\x85R."
             "\x80\x02].",
             "than pairs"),
#undef CASE
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        builder b = legacy();
        put(&b, cases[i].bytes, cases[i].length);
        refuse(&b, cases[i].words);
    }
}

static void an_endless_pickle_is_cut_short(void **state)
{
    (void)state;
    builder head = legacy();
    size_t length = head.length + (1 << 20);
    unsigned char *bytes = pp_alloc(length, 1);
    pp_error err;
    memcpy(bytes, head.bytes, head.length);
    memset(bytes + head.length, '}', 1 << 20);
    assert_int_equal(parse(bytes, length, &err), PP_ERR_LIMIT);
    memset(bytes + head.length, '(', 1 << 20);
    assert_int_equal(parse(bytes, length, &err), PP_ERR_LIMIT);
    pp_free(bytes);
}

static void other_files_are_named(void **state)
{
    (void)state;
    pp_error err;
    assert_int_equal(parse("", 0, &err), PP_ERR_FORMAT);
    assert_int_equal(parse("\x89HDF\r\n\x1a\n and so on", 18, &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "not a PyTorch checkpoint"));
    static const char empty_zip[] = "PK\3\4 some bytes PK\5\6\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
    assert_int_equal(parse(empty_zip, sizeof empty_zip - 1, &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "data.pkl"));
    assert_int_not_equal(pp_checkpoint_read(&(pp_tensors){0}, "/nowhere/at.all", &err), PP_OK);
}

/* One of the two sizes in the directory entry of data.pkl moved to a zip64 field, and not. */
static void zip64_sizes_are_read(void **state)
{
    (void)state;
    size_t length;
    pp_error err;
    char *bytes = data_file("network-synthesizer-zip.pth", &length);
    char *end = bytes + length - 22;
    assert_memory_equal(end, "PK\5\6", 4);
    uint32_t directory, extra = 20;
    memcpy(&directory, end + 16, 4);
    char *wide = pp_alloc(length + extra, 1), *entry = wide + directory;
    uint16_t name, has;
    memcpy(&name, bytes + directory + 28, 2);
    memcpy(&has, bytes + directory + 30, 2);
    size_t at = directory + 46 + name;
    memcpy(wide, bytes, at);
    uint32_t size;
    memcpy(&size, bytes + directory + 24, 4);
    uint64_t sizes[2] = {size, size};
    static const unsigned char field[] = {1, 0, 16, 0};
    memcpy(wide + at, field, 4);
    memcpy(wide + at + 4, sizes, 16);
    memcpy(wide + at + extra, bytes + at, length - at);
    has = (uint16_t)(has + extra);
    memcpy(entry + 30, &has, 2);
    memset(entry + 20, 0xff, 8);
    uint32_t directory_bytes;
    memcpy(&directory_bytes, end + 12, 4);
    directory_bytes += extra;
    memcpy(wide + length + extra - 22 + 12, &directory_bytes, 4);
    if (parse(wide, length + extra, &err) != PP_OK) fail_msg("%s", err.message);
    wide[at] = 2; /* no longer a zip64 field */
    assert_int_equal(parse(wide, length + extra, &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "zip64"));
    pp_free(wide);
    pp_free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_containers_hold_the_same),
        cmocka_unit_test(truncated_files_are_refused),
        cmocka_unit_test(damaged_files_do_no_harm),
        cmocka_unit_test(views_are_gathered_by_their_strides),
        cmocka_unit_test(tensors_stay_in_their_storage),
        cmocka_unit_test(nothing_is_ever_called),
        cmocka_unit_test(broken_pickles_are_refused),
        cmocka_unit_test(an_endless_pickle_is_cut_short),
        cmocka_unit_test(other_files_are_named),
        cmocka_unit_test(zip64_sizes_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
