/* Reading and writing the model file through store/h5.h. */
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/file_parts.h"

enum { VERSION = 1, MOST_TENSORS = 4096, MOST_PATH = 16 + PP_TENSOR_MOST_NAME };

#define FORMAT "pixelplayer-model"

typedef struct number_attribute {
    const char *name;
    size_t offset; /* in pp_model_file */
} number_attribute;

static const number_attribute numbers[] = {
    {"rate_hz", offsetof(pp_model_file, shape.rate_hz)},
    {"n_fft", offsetof(pp_model_file, shape.n_fft)},
    {"hop_samples", offsetof(pp_model_file, shape.hop_samples)},
    {"window_frames", offsetof(pp_model_file, shape.window_frames)},
    {"log_rows", offsetof(pp_model_file, shape.log_rows)},
    {"components", offsetof(pp_model_file, shape.components)},
    {"picture_size", offsetof(pp_model_file, shape.picture_size)},
    {"grid", offsetof(pp_model_file, shape.grid)},
    {"output_stride", offsetof(pp_model_file, output_stride)},
    {"binary_masks", offsetof(pp_model_file, shape.binary_masks)},
    {"untrained", offsetof(pp_model_file, identity.untrained)},
};

typedef struct text_attribute {
    const char *name;
    size_t offset; /* of a char * in pp_model_file */
} text_attribute;

static const text_attribute texts[] = {
    {"provenance", offsetof(pp_model_file, provenance)},
    {"quality", offsetof(pp_model_file, quality)},
    {"classes", offsetof(pp_model_file, classes)},
};

typedef struct digest_attribute {
    const char *name;
    size_t offset; /* of a char [PP_HASH_HEX] in pp_model_file */
} digest_attribute;

static const digest_attribute digests[] = {
    {"digest", offsetof(pp_model_file, identity.digest)},
    {"sound_digest", offsetof(pp_model_file, identity.sound_digest)},
    {"frame_digest", offsetof(pp_model_file, identity.frame_digest)},
    {"synthesizer_digest", offsetof(pp_model_file, identity.synthesizer_digest)},
};

static int *number_at(pp_model_file *file, size_t i)
{
    return (int *)((char *)file + numbers[i].offset);
}

static char **text_at(pp_model_file *file, size_t i)
{
    return (char **)((char *)file + texts[i].offset);
}

static char *digest_at(pp_model_file *file, size_t i)
{
    return (char *)file + digests[i].offset;
}

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void tensor_path(pp_network_id id, const char *name, char path[MOST_PATH])
{
    snprintf(path, MOST_PATH, "/%s/%s", pp_model_network_name(id), name);
}

/* ---- writing --------------------------------------------------------------------------------- */

static pp_status put_tensor(pp_h5 *h5, pp_network_id id, const pp_tensor *tensor, pp_error *err)
{
    char path[MOST_PATH];
    tensor_path(id, tensor->name, path);
    pp_h5_spec spec = {.path = path,
                       .type = PP_H5_F32,
                       .rank = tensor->rank,
                       .units = "1",
                       .long_name = tensor->name};
    for (int i = 0; i < tensor->rank; i++) spec.dims[i] = tensor->dims[i];
    return pp_h5_put(h5, &spec, tensor->values, err);
}

static pp_status put_attributes(pp_h5 *h5, pp_model_file *file, pp_error *err)
{
    pp_status status = pp_h5_set_text(h5, "/", "format", FORMAT, err);
    if (status == PP_OK) status = pp_h5_set_int(h5, "/", "version", VERSION, err);
    if (status == PP_OK) status = pp_h5_set_text(h5, "/", "name", file->identity.name, err);
    if (status == PP_OK) {
        status = pp_h5_set_text(h5, "/", "pooling",
                                file->shape.pool_average ? "average" : "maximum", err);
    }
    for (size_t i = 0; status == PP_OK && i < COUNT(numbers); i++) {
        status = pp_h5_set_int(h5, "/", numbers[i].name, *number_at(file, i), err);
    }
    for (size_t i = 0; status == PP_OK && i < COUNT(digests); i++) {
        status = pp_h5_set_text(h5, "/", digests[i].name, digest_at(file, i), err);
    }
    for (size_t i = 0; status == PP_OK && i < COUNT(texts); i++) {
        const char *text = *text_at(file, i);
        if (text != NULL) status = pp_h5_set_text(h5, "/", texts[i].name, text, err);
    }
    return status;
}

pp_status pp_model_file_write(pp_model_file *file, const pp_fileops *ops, const char *path,
                              pp_error *err)
{
    pp_h5 *h5 = NULL;
    pp_status status = pp_model_file_complete(file, err);
    if (status == PP_OK) status = pp_h5_create(&h5, ops, path, err);
    for (int id = 0; id < PP_NETWORKS; id++) {
        const pp_tensors *list = &file->networks[id];
        for (size_t i = 0; status == PP_OK && i < list->count; i++) {
            status = put_tensor(h5, (pp_network_id)id, &list->items[i], err);
        }
    }
    if (status == PP_OK) status = put_attributes(h5, file, err);
    if (status == PP_OK) status = pp_labeller_write(&file->labeller, h5, err);
    if (status == PP_OK) status = pp_h5_commit(&h5, err);
    pp_h5_close(&h5);
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

pp_status pp_model_file_load(pp_h5 *h5, pp_network_id network, pp_tensor *tensor, pp_error *err)
{
    char path[MOST_PATH];
    pp_status status = pp_alloc_checked((void **)&tensor->values, pp_tensor_count(tensor),
                                        sizeof(float), tensor->name, err);
    if (status != PP_OK) return status;
    tensor_path(network, tensor->name, path);
    status = pp_h5_read(h5, path, PP_H5_F32, NULL, NULL, tensor->values, err);
    if (status != PP_OK) PP_FREE(tensor->values);
    return status;
}

static pp_status list_network(pp_model_file *file, pp_h5 *h5, pp_network_id id, pp_error *err)
{
    char group[32], path[MOST_PATH];
    char **names = NULL;
    int64_t count = 0;
    snprintf(group, sizeof group, "/%s", pp_model_network_name(id));
    pp_status status = pp_h5_list(h5, group, &names, &count, err);
    if (status == PP_OK && count > MOST_TENSORS) {
        status = pp_fail(err, PP_ERR_LIMIT, "more than %d tensors in %s", MOST_TENSORS, group);
    }
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        int64_t dims[PP_H5_MOST_RANK];
        int rank;
        if (strlen(names[i]) >= PP_TENSOR_MOST_NAME) {
            status = pp_fail(err, PP_ERR_FORMAT, "a tensor's name is too long");
            break;
        }
        tensor_path(id, names[i], path);
        status = pp_h5_dims(h5, path, &rank, dims, err);
        if (status == PP_OK) {
            status = pp_tensors_add(&file->networks[id], names[i], rank, dims, 0, NULL, err);
        }
    }
    pp_h5_free_texts(&names, count);
    return status == PP_OK ? pp_tensors_sort(&file->networks[id], err) : status;
}

static pp_status load_network(pp_model_file *file, pp_h5 *h5, pp_network_id id, pp_error *err)
{
    pp_status status = PP_OK;
    pp_tensors *list = &file->networks[id];
    for (size_t i = 0; status == PP_OK && i < list->count; i++) {
        status = pp_model_file_load(h5, id, &list->items[i], err);
    }
    return status;
}

static pp_status check_format(pp_h5 *h5, pp_error *err)
{
    char *format = NULL;
    int64_t version = 0;
    pp_error none = {0};
    pp_status status = pp_h5_get_text(h5, "/", "format", &format, &none);
    if (status != PP_OK || !pp_text_equal(format, FORMAT)) {
        status = pp_fail(err, PP_ERR_FORMAT, "not a model file");
        pp_advise(err, "make one with `pp model import` or `pp model init`");
    }
    pp_free(format);
    if (status == PP_OK) status = pp_h5_get_int(h5, "/", "version", &version, err);
    if (status == PP_OK && version != VERSION) {
        status = pp_fail(err, PP_ERR_FORMAT, "a model file of version %lld; this program reads %d",
                         (long long)version, VERSION);
    }
    return status;
}

/* A short text into a fixed array. */
static pp_status get_short(pp_h5 *h5, const char *name, char *to, size_t room, pp_error *err)
{
    char *text = NULL;
    pp_status status = pp_h5_get_text(h5, "/", name, &text, err);
    if (status == PP_OK && strlen(text) >= room) {
        status = pp_fail(err, PP_ERR_FORMAT, "its %s is longer than %d bytes", name, (int)room - 1);
    }
    if (status == PP_OK) strcpy(to, text);
    pp_free(text);
    return status;
}

static pp_status get_attributes(pp_model_file *file, pp_h5 *h5, pp_error *err)
{
    char pooling[16];
    pp_status status = get_short(h5, "name", file->identity.name, sizeof file->identity.name, err);
    if (status == PP_OK) status = get_short(h5, "pooling", pooling, sizeof pooling, err);
    if (status == PP_OK) file->shape.pool_average = strcmp(pooling, "average") == 0;
    for (size_t i = 0; status == PP_OK && i < COUNT(numbers); i++) {
        int64_t value;
        status = pp_h5_get_int(h5, "/", numbers[i].name, &value, err);
        if (status == PP_OK && (value < 0 || value > 1000000)) {
            status =
                pp_fail(err, PP_ERR_FORMAT, "its %s is %lld", numbers[i].name, (long long)value);
        }
        if (status == PP_OK) *number_at(file, i) = (int)value;
    }
    for (size_t i = 0; status == PP_OK && i < COUNT(digests); i++) {
        status = get_short(h5, digests[i].name, digest_at(file, i), PP_HASH_HEX, err);
    }
    for (size_t i = 0; status == PP_OK && i < COUNT(texts); i++) {
        pp_error none = {0}; /* each of them may be missing */
        if (pp_h5_get_text(h5, "/", texts[i].name, text_at(file, i), &none) != PP_OK) {
            *text_at(file, i) = NULL;
        }
    }
    return status;
}

pp_status pp_model_file_read(pp_model_file *file, pp_h5 *h5, int with_values, pp_error *err)
{
    pp_status status = check_format(h5, err);
    if (status == PP_OK) status = get_attributes(file, h5, err);
    for (int id = 0; status == PP_OK && id < PP_NETWORKS; id++) {
        status = list_network(file, h5, (pp_network_id)id, err);
    }
    int components = file->shape.components, grid = file->shape.grid;
    if (status == PP_OK) status = pp_model_file_check(file, err);
    if (status == PP_OK && (components != file->shape.components || grid != file->shape.grid)) {
        status = pp_fail(err, PP_ERR_FORMAT,
                         "its tensors have %d components on a grid of %d, not "
                         "%d on %d",
                         file->shape.components, file->shape.grid, components, grid);
    }
    for (int id = 0; with_values && status == PP_OK && id < PP_NETWORKS; id++) {
        status = load_network(file, h5, (pp_network_id)id, err);
    }
    if (with_values && status == PP_OK) status = pp_model_compare_digests(file, NULL, err);
    if (status == PP_OK) status = pp_labeller_read(&file->labeller, h5, err);
    memcpy(file->identity.label_digest, file->labeller.digest, PP_HASH_HEX);
    return status == PP_OK ? PP_OK : pp_error_prefix(err, "%s: ", pp_h5_path(h5));
}
