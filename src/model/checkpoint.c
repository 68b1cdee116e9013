#include "model/checkpoint.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "model/checkpoint_parts.h"

#define MOST_FILE_BYTES ((size_t)4 << 30)

pp_status pp_container_add(pp_container *container, pp_storage_bytes storage, pp_error *err)
{
    if (container->storage_count >= PP_MOST_STORAGES) {
        return pp_fail(err, PP_ERR_LIMIT, "more than %d storages", PP_MOST_STORAGES);
    }
    pp_status status = pp_grow((void **)&container->storages, &container->storage_capacity,
                               container->storage_count + 1, sizeof *container->storages, err);
    if (status == PP_OK) container->storages[container->storage_count++] = storage;
    return status;
}

void pp_container_clear(pp_container *container)
{
    pp_pickle_clear(&container->pickle);
    pp_free(container->storages);
    *container = (pp_container){0};
}

static float from_half(uint32_t half)
{
    int sign = half >> 15 ? -1 : 1, exponent = (int)(half >> 10 & 31),
        mantissa = (int)(half & 1023);
    if (exponent == 31) return mantissa != 0 ? NAN : (float)sign * INFINITY;
    if (exponent == 0) return (float)sign * ldexpf((float)mantissa, -24);
    return (float)sign * ldexpf((float)(1024 + mantissa), exponent - 25);
}

static float element(const unsigned char *bytes, pp_pickle_type type)
{
    uint64_t bits = 0;
    int width = type == PP_PICKLE_F64 ? 8 : type == PP_PICKLE_F32 ? 4 : 2;
    for (int i = 0; i < width; i++) bits |= (uint64_t)bytes[i] << (8 * i);
    if (type == PP_PICKLE_F16) return from_half((uint32_t)bits);
    uint32_t single = (uint32_t)(type == PP_PICKLE_BF16 ? bits << 16 : bits);
    float value;
    memcpy(&value, &single, sizeof value);
    if (type != PP_PICKLE_F64) return value;
    double wide;
    memcpy(&wide, &bits, sizeof wide);
    return (float)wide;
}

/* Where a tensor's values lie: a part of one storage. */
typedef struct source {
    const pp_storage_bytes *bytes;
    const pp_pickle_node *storage;
    int rank;
    int64_t dims[PP_TENSOR_MOST_RANK], strides[PP_TENSOR_MOST_RANK], offset;
} source;

static const pp_storage_bytes *find_storage(const pp_container *container,
                                            const pp_pickle_node *storage)
{
    for (size_t i = 0; i < container->storage_count; i++) {
        const pp_storage_bytes *s = &container->storages[i];
        if (s->key_length == storage->length &&
            memcmp(s->key, storage->text, storage->length) == 0) {
            return s;
        }
    }
    return NULL;
}

/* Reads a tuple of whole numbers, all >= least. */
static pp_status take_dims(const pp_pickle *pickle, uint32_t tuple, int64_t least, int *rank,
                           int64_t *dims, const char *name, pp_error *err)
{
    *rank = 0;
    for (uint32_t cell = 0; (cell = pp_pickle_next(pickle, tuple, cell)) != 0; (*rank)++) {
        const pp_pickle_node *node = &pickle->nodes[pickle->cells[cell].value];
        if (*rank == PP_TENSOR_MOST_RANK || node->kind != PP_PICKLE_INT || node->number < least ||
            node->number > (int64_t)1 << 32) {
            return pp_fail(err, PP_ERR_FORMAT, "%s has sizes or strides that cannot be", name);
        }
        dims[*rank] = node->number;
    }
    return PP_OK;
}

/* Fails unless every element lies in the storage and no more are named than there are. */
static pp_status check_source(const source *s, const char *name, pp_error *err)
{
    int64_t have = (int64_t)(s->bytes->length / (size_t)s->storage->element_bytes);
    int64_t count = 1, last = s->offset, fits = s->offset >= 0 && s->offset < have;
    for (int i = 0; fits && i < s->rank; i++) {
        fits = s->dims[i] <= have && (s->dims[i] == 1 || s->strides[i] <= have);
        if (!fits) break;
        count *= s->dims[i];
        last += (s->dims[i] - 1) * s->strides[i];
        fits = count <= have && last < have;
    }
    if (fits) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "%s reaches beyond its storage", name);
}

static pp_status find_source(const pp_container *container, uint32_t tensor, source *s,
                             const char *name, pp_error *err)
{
    const pp_pickle *pickle = &container->pickle;
    int ranks = 0;
    s->storage = &pickle->nodes[pp_pickle_child(pickle, tensor, 0)];
    s->offset = pickle->nodes[pp_pickle_child(pickle, tensor, 1)].number;
    s->bytes = find_storage(container, s->storage);
    if (s->bytes == NULL) return pp_fail(err, PP_ERR_FORMAT, "the weights of %s are missing", name);
    if (s->storage->type == PP_PICKLE_OTHER) {
        return pp_fail(err, PP_ERR_FORMAT, "%s holds whole numbers, not weights", name);
    }
    pp_status status =
        take_dims(pickle, pp_pickle_child(pickle, tensor, 2), 1, &s->rank, s->dims, name, err);
    if (status == PP_OK) {
        status =
            take_dims(pickle, pp_pickle_child(pickle, tensor, 3), 0, &ranks, s->strides, name, err);
    }
    if (status == PP_OK && ranks != s->rank) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s has sizes or strides that cannot be", name);
    }
    return status == PP_OK ? check_source(s, name, err) : status;
}

static void gather(const source *s, size_t count, float *values)
{
    int64_t index[PP_TENSOR_MOST_RANK] = {0};
    for (size_t i = 0; i < count; i++) {
        int64_t at = s->offset;
        for (int d = 0; d < s->rank; d++) at += index[d] * s->strides[d];
        values[i] =
            element(s->bytes->bytes + (size_t)at * s->storage->element_bytes, s->storage->type);
        for (int d = s->rank - 1; d >= 0 && ++index[d] == s->dims[d]; d--) index[d] = 0;
    }
}

static int ends_with(const pp_pickle_node *key, const char *ending)
{
    size_t length = strlen(ending);
    return key->length >= length && memcmp(key->text + key->length - length, ending, length) == 0;
}

/* One entry of the state dict. prefix: bytes to take off its name. most: values still allowed. */
static pp_status take_tensor(pp_tensors *out, const pp_container *container, pp_pickle_cell cell,
                             size_t prefix, size_t *most, pp_error *err)
{
    const pp_pickle_node *key = &container->pickle.nodes[cell.key];
    char name[PP_TENSOR_MOST_NAME];
    if (key->kind != PP_PICKLE_TEXT || key->length - prefix >= sizeof name) {
        return pp_fail(err, PP_ERR_FORMAT, "a state dict with odd names");
    }
    if (ends_with(key, "num_batches_tracked")) return PP_OK;
    snprintf(name, sizeof name, "%.*s", (int)(key->length - prefix), key->text + prefix);
    if (container->pickle.nodes[cell.value].kind != PP_PICKLE_TENSOR) {
        pp_fail(err, PP_ERR_FORMAT, "its entry '%s' is no tensor", name);
        return pp_advise(err, "only state dicts are read: torch.save(network.state_dict(), FILE)");
    }
    source s;
    pp_tensor *tensor = NULL;
    pp_status status = find_source(container, cell.value, &s, name, err);
    if (status == PP_OK) status = pp_tensors_add(out, name, s.rank, s.dims, 1, &tensor, err);
    if (status != PP_OK) return status;
    size_t count = pp_tensor_count(tensor);
    if (count > *most) return pp_fail(err, PP_ERR_LIMIT, "more weights than the file has bytes");
    *most -= count;
    gather(&s, count, tensor->values);
    return PP_OK;
}

/* 7 where every name begins with "module.", which DataParallel puts there. */
static size_t common_prefix(const pp_pickle *pickle, uint32_t dict)
{
    for (uint32_t cell = 0; (cell = pp_pickle_next(pickle, dict, cell)) != 0;) {
        const pp_pickle_node *key = &pickle->nodes[pickle->cells[cell].key];
        if (key->kind != PP_PICKLE_TEXT || key->length < 7 ||
            memcmp(key->text, "module.", 7) != 0) {
            return 0;
        }
    }
    return 7;
}

static pp_status take_tensors(pp_tensors *out, const pp_container *container, size_t length,
                              pp_error *err)
{
    const pp_pickle *pickle = &container->pickle;
    uint32_t dict = pickle->root, inner = pp_pickle_lookup(pickle, dict, "state_dict");
    if (inner != 0) dict = inner;
    if (pickle->nodes[dict].kind != PP_PICKLE_DICT || pickle->nodes[dict].first == 0) {
        pp_fail(err, PP_ERR_FORMAT, "it holds no state dict");
        return pp_advise(err, "only state dicts are read: torch.save(network.state_dict(), FILE)");
    }
    size_t prefix = common_prefix(pickle, dict), most = length;
    pp_status status = PP_OK;
    for (uint32_t cell = 0; status == PP_OK;) {
        cell = pp_pickle_next(pickle, dict, cell);
        if (cell == 0) break;
        status = take_tensor(out, container, pickle->cells[cell], prefix, &most, err);
    }
    return status == PP_OK ? pp_tensors_sort(out, err) : status;
}

pp_status pp_checkpoint_parse(pp_tensors *out, const void *bytes, size_t length, const char *name,
                              pp_error *err)
{
    static const unsigned char legacy[] = {0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46};
    static const unsigned char zip[] = {'P', 'K', 3, 4};
    pp_container container = {0};
    pp_status status;
    if (length > MOST_FILE_BYTES) {
        status = pp_fail(err, PP_ERR_LIMIT, "a checkpoint of more than 4 GiB");
    } else if (length >= sizeof legacy && memcmp(bytes, legacy, sizeof legacy) == 0) {
        status = pp_container_legacy(&container, bytes, length, err);
    } else if (length >= sizeof zip && memcmp(bytes, zip, sizeof zip) == 0) {
        status = pp_container_zip(&container, bytes, length, err);
    } else {
        status = pp_fail(err, PP_ERR_FORMAT,
                         "not a PyTorch checkpoint (neither the legacy nor the "
                         "zip container)");
    }
    if (status == PP_OK) status = take_tensors(out, &container, length, err);
    pp_container_clear(&container);
    return status == PP_OK ? PP_OK : pp_error_prefix(err, "%s: ", name);
}

pp_status pp_checkpoint_read(pp_tensors *out, const char *path, pp_error *err)
{
    char *bytes = NULL;
    size_t length = 0;
    pp_status status = pp_text_read_file(&bytes, &length, path, MOST_FILE_BYTES, err);
    if (status == PP_OK) status = pp_checkpoint_parse(out, bytes, length, path, err);
    pp_free(bytes);
    return status;
}
