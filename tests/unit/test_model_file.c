/* The model file and the packed weights: round trips, digests, refusals, damage. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lib/small_model.h"
#include "base/memory.h"
#include "base/text.h"
#include "model/init.h"
#include "model/model.h"
#include "nn/blas.h"

static char folder[64], model_path[96];
static float input[ROWS * COLUMNS];

static void both_containers_give_one_digest(void **state)
{
    (void)state;
    pp_model_file legacy, zip;
    import_small(&legacy, "legacy");
    import_small(&zip, "zip");
    MUST(pp_model_file_complete(&legacy, &why));
    MUST(pp_model_file_complete(&zip, &why));
    assert_string_equal(legacy.identity.digest, zip.identity.digest);

    /* A weight of one network changes its digest and the whole, and no other. */
    pp_model_identity before = zip.identity;
    zip.networks[PP_NET_FRAME].items[3].values[0] += 1;
    MUST(pp_model_file_complete(&zip, &why));
    assert_string_equal(before.sound_digest, zip.identity.sound_digest);
    assert_string_equal(before.synthesizer_digest, zip.identity.synthesizer_digest);
    assert_string_not_equal(before.frame_digest, zip.identity.frame_digest);
    assert_string_not_equal(before.digest, zip.identity.digest);
    zip.networks[PP_NET_FRAME].items[3].values[0] -= 1;
    zip.shape.pool_average = 1;
    MUST(pp_model_file_complete(&zip, &why));
    assert_string_not_equal(before.synthesizer_digest, zip.identity.synthesizer_digest);
    pp_model_file_clear(&legacy);
    pp_model_file_clear(&zip);
}

static void a_file_comes_back_as_it_was(void **state)
{
    (void)state;
    pp_model_file file, read = {0};
    pp_h5 *h5 = NULL;
    char path[96];
    snprintf(path, sizeof path, "%s/again.h5", folder);
    import_small(&file, "zip");
    file.provenance = pp_strdup("{\"from\": \"Dvo\xc5\x99\xc3\xa1k\"}");
    file.identity.untrained = 1;
    file.shape.pool_average = 1;
    file.shape.binary_masks = 0;
    MUST(pp_model_file_write(&file, pp_fileops_system(), path, &why));
    MUST(pp_h5_open(&h5, pp_fileops_system(), path, &why));
    MUST(pp_model_file_read(&read, h5, 1, &why));
    pp_h5_close(&h5);
    assert_memory_equal(&file.shape, &read.shape, sizeof file.shape);
    assert_string_equal(file.identity.digest, read.identity.digest);
    assert_string_equal(read.identity.name, "small");
    assert_true(read.identity.untrained && read.quality == NULL && read.classes == NULL);
    assert_string_equal(file.provenance, read.provenance);
    for (int id = 0; id < PP_NETWORKS; id++) {
        assert_int_equal(file.networks[id].count, read.networks[id].count);
        for (size_t i = 0; i < read.networks[id].count; i++) {
            const pp_tensor *a = &file.networks[id].items[i], *b = &read.networks[id].items[i];
            assert_string_equal(a->name, b->name);
            assert_memory_equal(a->values, b->values, pp_tensor_count(a) * sizeof(float));
        }
    }
    pp_model_file_clear(&file);
    pp_model_file_clear(&read);
}

/* The failure of opening a model whose file was completed, then spoilt by `spoil`, has `words`. */
static void expect_refusal(void (*spoil)(pp_model_file *), const char *words)
{
    pp_model_file file;
    pp_error err = {0};
    import_small(&file, "zip");
    spoil(&file);
    pp_status status = pp_model_file_complete(&file, &err);
    if (status == PP_OK || strstr(err.message, words) == NULL) {
        fail_msg("expected '%s', got %d '%s'", words, status, err.message);
    }
    pp_model_file_clear(&file);
}

static void drop_tensor(pp_tensors *list, const char *name)
{
    pp_tensor *found = pp_tensors_find(list, name);
    assert_non_null(found);
    pp_free(found->values);
    size_t index = (size_t)(found - list->items);
    memmove(found, found + 1, (list->count - index - 1) * sizeof *found);
    list->count--;
}

static void without_bias(pp_model_file *file)
{
    drop_tensor(&file->networks[PP_NET_SYNTHESIZER], "bias");
}

static void without_norm(pp_model_file *file)
{
    drop_tensor(&file->networks[PP_NET_SOUND], "unet_block.model.1.model.7.running_var");
}

static void with_extra(pp_model_file *file)
{
    int64_t dims = 3;
    MUST(pp_tensors_add(&file->networks[PP_NET_FRAME], "extra.weight", 1, &dims, 1, NULL, &why));
}

static void with_other_sides(pp_model_file *file)
{
    file->shape.log_rows = 40;
}

static void with_wrong_width(pp_model_file *file)
{
    pp_tensor *tensor = pp_tensors_find(&file->networks[PP_NET_FRAME], "features.5.1.conv2.weight");
    tensor->dims[0]--;
}

static void with_other_components(pp_model_file *file)
{
    pp_tensors_find(&file->networks[PP_NET_FRAME], "fc.weight")->dims[0]--;
    pp_tensors_find(&file->networks[PP_NET_FRAME], "fc.bias")->dims[0]--;
}

static void without_sound(pp_model_file *file)
{
    pp_tensors_clear(&file->networks[PP_NET_SOUND]);
}

static void with_odd_stride(pp_model_file *file)
{
    file->output_stride = 12;
}

static void ill_fitting_networks_are_named(void **state)
{
    (void)state;
    expect_refusal(without_bias, "synthesizer network: there is no tensor named bias");
    expect_refusal(without_norm, "model.7.running_var");
    expect_refusal(with_extra, "extra.weight belongs to no layer");
    expect_refusal(with_other_sides, "sides divisible by 16, not 40 x 48");
    expect_refusal(with_wrong_width, "features.5.1");
    expect_refusal(with_other_components, "they do not belong together");
    expect_refusal(without_sound, "not an audio network");
    expect_refusal(with_odd_stride, "8, 16 or 32, not 12");
}

static void changed_files_are_refused(void **state)
{
    (void)state;
    pp_model_file file = {0};
    pp_model *model = NULL;
    pp_error err = {0};
    pp_h5 *h5 = NULL;
    MUST(pp_h5_open(&h5, pp_fileops_system(), model_path, &why));
    MUST(pp_model_file_read(&file, h5, 0, &why));
    MUST(pp_model_file_verify(&file, h5, &why));
    file.identity.frame_digest[5] ^= 1; /* as if a tensor had been changed */
    assert_int_equal(pp_model_file_verify(&file, h5, &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "digest"));
    pp_h5_close(&h5);

    char path[96], *bytes = NULL, *other = data_path("networks.h5");
    size_t length = 0;
    snprintf(path, sizeof path, "%s/changed.h5", folder);
    MUST(pp_text_read_file(&bytes, &length, model_path, 1 << 24, &why));
    /* A bit of a weight: the file's own checksums see it. */
    const pp_tensor *tensor = pp_tensors_find(&file.networks[PP_NET_FRAME], "fc.weight");
    pp_tensor loaded = *tensor;
    MUST(pp_h5_open(&h5, pp_fileops_system(), model_path, &why));
    MUST(pp_model_file_load(h5, PP_NET_FRAME, &loaded, &why));
    pp_h5_close(&h5);
    char *at = memmem(bytes, length, loaded.values, 64);
    assert_non_null(at);
    at[20] ^= 1;
    FILE *out = fopen(path, "wb");
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    fclose(out);
    err = (pp_error){0};
    assert_int_equal(pp_model_open(&model, path, NULL, "", &err), PP_ERR_FORMAT);
    pp_free(bytes);
    pp_free(loaded.values);
    pp_model_file_clear(&file);

    err = (pp_error){0};
    assert_int_equal(pp_model_open(&model, other, NULL, "", &err), PP_ERR_FORMAT);
    assert_non_null(strstr(err.message, "not a model file"));
    pp_free(other);
    err = (pp_error){0};
    assert_int_equal(pp_model_open(&model, "/nowhere.h5", NULL, "", &err), PP_ERR_NOT_FOUND);
}

static void a_seed_means_the_same_weights_everywhere(void **state)
{
    (void)state;
    pp_model_options o = {.seed = 42,
                          .base_width = 2,
                          .levels = 3,
                          .components = 2,
                          .trunk_width = 2,
                          .trunk_blocks = 1};
    pp_model_file a = {0}, b = {0};
    pp_model_file_defaults(&a);
    pp_model_file_defaults(&b);
    MUST(pp_model_file_init(&a, &o, &why));
    assert_string_equal(a.identity.digest,
                        "6ff893f5b89976ba9652ac34b7d3903ffcdc6c932effcb04db72d12d835c7047");
    o.seed = 43;
    MUST(pp_model_file_init(&b, &o, &why));
    assert_string_not_equal(a.identity.frame_digest, b.identity.frame_digest);
    pp_model_file_clear(&a);
    pp_model_file_clear(&b);
}

/* ---- packed weights -------------------------------------------------------------------------- */

static void open_and_listen(const char *place, float *maps)
{
    pp_model *model = NULL;
    pp_model_scratch *scratch = NULL;
    MUST(pp_model_open(&model, model_path, "plain", place, &why));
    MUST(pp_model_scratch_create(&scratch, model, 1, &why));
    pp_model_listen(model, scratch, input, 1, maps);
    pp_model_scratch_destroy(&scratch);
    pp_model_close(&model);
}

static char *only_weights_file(const char *place)
{
    char command[256], *path = pp_alloc(256, 1);
    snprintf(command, sizeof command, "ls %s/pixelplayer-*/*.weights", place);
    FILE *pipe = popen(command, "r");
    assert_non_null(pipe);
    assert_non_null(fgets(path, 256, pipe));
    char more[256];
    assert_null(fgets(more, sizeof more, pipe));
    pclose(pipe);
    path[strcspn(path, "\n")] = '\0';
    return path;
}

static void weights_are_packed_once_and_checked(void **state)
{
    (void)state;
    enum { MAPS = K * ROWS * COLUMNS };
    char place[96];
    snprintf(place, sizeof place, "%s/local", folder);
    float *first = pp_alloc(MAPS, 4), *again = pp_alloc(MAPS, 4);
    open_and_listen(place, first);
    char *path = only_weights_file(place);
    struct stat before, after;
    assert_int_equal(stat(path, &before), 0);
    assert_int_equal(before.st_mode & 0777, 0600);
    open_and_listen(place, again);
    assert_int_equal(stat(path, &after), 0);
    assert_true(before.st_ino == after.st_ino && before.st_mtime == after.st_mtime);
    assert_memory_equal(first, again, MAPS * 4);

    /* Cut short, or with another header: written again, the same. */
    assert_int_equal(truncate(path, before.st_size - 64), 0);
    open_and_listen(place, again);
    assert_int_equal(stat(path, &after), 0);
    assert_true(after.st_size == before.st_size);
    assert_memory_equal(first, again, MAPS * 4);
    int fd = open(path, O_WRONLY);
    assert_int_equal(pwrite(fd, "X", 1, 30), 1);
    close(fd);
    memset(again, 0, MAPS * 4);
    open_and_listen(place, again);
    assert_memory_equal(first, again, MAPS * 4);
    pp_free(path);

    /* A folder that others may read, or that cannot be made: private memory, and a warning. */
    snprintf(place, sizeof place, "%s/open", folder);
    assert_int_equal(mkdir(place, 0755), 0);
    char *inner = pp_format("%s/pixelplayer-%u", place, (unsigned)geteuid());
    assert_int_equal(mkdir(inner, 0700), 0);
    assert_int_equal(chmod(inner, 0755), 0);
    open_and_listen(place, again);
    assert_memory_equal(first, again, MAPS * 4);
    assert_int_equal(rmdir(inner), 0); /* nothing was put there */
    assert_int_equal(symlink("/tmp", inner), 0);
    open_and_listen(place, again);
    open_and_listen("/proc/nowhere", again);
    assert_memory_equal(first, again, MAPS * 4);
    pp_free(inner);
    pp_free(first);
    pp_free(again);
}

static int set_up(void **state)
{
    (void)state;
    if (make_folder(folder) != 0) return -1;
    snprintf(model_path, sizeof model_path, "%s/m.h5", folder);
    MUST(pp_blas_load(NULL, &why));
    pp_model_file file;
    import_small(&file, "legacy");
    MUST(pp_model_file_write(&file, pp_fileops_system(), model_path, &why));
    pp_model_file_clear(&file);
    for (int i = 0; i < ROWS * COLUMNS; i++) input[i] = (float)(i % 37) / 10;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    return remove_folder(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_containers_give_one_digest),
        cmocka_unit_test(a_file_comes_back_as_it_was),
        cmocka_unit_test(ill_fitting_networks_are_named),
        cmocka_unit_test(changed_files_are_refused),
        cmocka_unit_test(a_seed_means_the_same_weights_everywhere),
        cmocka_unit_test(weights_are_packed_once_and_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
