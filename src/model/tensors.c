#include "model/tensors.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define MOST_VALUES ((int64_t)1 << 28)

static pp_status check_shape(const char *name, int rank, const int64_t *dims, pp_error *err)
{
    if (rank < 0 || rank > PP_TENSOR_MOST_RANK) {
        return pp_fail(err, PP_ERR_FORMAT, "%s has %d dimensions (at most %d)", name, rank,
                       PP_TENSOR_MOST_RANK);
    }
    int64_t count = 1;
    for (int i = 0; i < rank; i++) {
        if (dims[i] < 1 || dims[i] > MOST_VALUES || (count *= dims[i]) > MOST_VALUES) {
            return pp_fail(err, PP_ERR_FORMAT, "%s has a dimension of %lld, or too many values",
                           name, (long long)dims[i]);
        }
    }
    return PP_OK;
}

static int good_name(const char *name)
{
    size_t length = strlen(name);
    if (length == 0 || length >= PP_TENSOR_MOST_NAME || strcmp(name, ".") == 0) return 0;
    for (size_t i = 0; i < length; i++) {
        if (name[i] <= ' ' || name[i] > '~' || name[i] == '/') return 0;
    }
    return 1;
}

pp_status pp_tensors_add(pp_tensors *list, const char *name, int rank, const int64_t *dims,
                         int with_values, pp_tensor **added, pp_error *err)
{
    if (!good_name(name)) {
        return pp_fail(err, PP_ERR_FORMAT, "a tensor's name is empty, too long, or odd: '%.100s'",
                       name);
    }
    pp_status status = check_shape(name, rank, dims, err);
    if (status == PP_OK) {
        status = pp_grow((void **)&list->items, &list->capacity, list->count + 1,
                         sizeof *list->items, err);
    }
    if (status != PP_OK) return status;
    pp_tensor *tensor = &list->items[list->count];
    memset(tensor, 0, sizeof *tensor);
    strcpy(tensor->name, name);
    tensor->rank = rank;
    for (int i = 0; i < rank; i++) tensor->dims[i] = dims[i];
    if (with_values) {
        status = pp_alloc_checked((void **)&tensor->values, pp_tensor_count(tensor), sizeof(float),
                                  name, err);
        if (status != PP_OK) return status;
    }
    list->count++;
    if (added != NULL) *added = tensor;
    return PP_OK;
}

void pp_tensors_clear(pp_tensors *list)
{
    for (size_t i = 0; i < list->count; i++) pp_free(list->items[i].values);
    pp_free(list->items);
    *list = (pp_tensors){0};
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const pp_tensor *)a)->name, ((const pp_tensor *)b)->name);
}

pp_status pp_tensors_sort(pp_tensors *list, pp_error *err)
{
    if (list->count > 1) qsort(list->items, list->count, sizeof *list->items, by_name);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(list->items[i - 1].name, list->items[i].name) == 0) {
            return pp_fail(err, PP_ERR_FORMAT, "two tensors are named %s", list->items[i].name);
        }
    }
    return PP_OK;
}

size_t pp_tensor_count(const pp_tensor *tensor)
{
    size_t count = 1;
    for (int i = 0; i < tensor->rank; i++) count *= (size_t)tensor->dims[i];
    return count;
}

pp_tensor *pp_tensors_find(const pp_tensors *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (strcmp(list->items[i].name, name) == 0) return &list->items[i];
    }
    return NULL;
}

static void shape_text(int rank, const int64_t *dims, char *text, size_t room)
{
    size_t used = (size_t)snprintf(text, room, "[");
    for (int i = 0; i < rank && used < room; i++) {
        const char *comma = i > 0 ? ", " : "";
        used += (size_t)(dims[i] < 0 ? snprintf(text + used, room - used, "%sany", comma)
                                     : snprintf(text + used, room - used, "%s%lld", comma,
                                                (long long)dims[i]));
    }
    if (used < room) snprintf(text + used, room - used, "]");
}

pp_status pp_tensors_expect(const pp_tensors *list, const char *name, int rank, const int64_t *dims,
                            pp_tensor **found, pp_error *err)
{
    pp_tensor *tensor = pp_tensors_find(list, name);
    if (tensor == NULL) return pp_fail(err, PP_ERR_FORMAT, "there is no tensor named %s", name);
    int same = tensor->rank == rank;
    for (int i = 0; same && i < rank; i++) same = dims[i] < 0 || dims[i] == tensor->dims[i];
    if (!same) {
        char is[96], should[96];
        shape_text(tensor->rank, tensor->dims, is, sizeof is);
        shape_text(rank, dims, should, sizeof should);
        return pp_fail(err, PP_ERR_FORMAT, "%s is %s, not %s", name, is, should);
    }
    *found = tensor;
    return PP_OK;
}

static void add_number(pp_hash *hash, uint64_t number, int bytes)
{
    unsigned char little[8];
    for (int i = 0; i < bytes; i++) little[i] = (unsigned char)(number >> (8 * i));
    pp_hash_add(hash, little, (size_t)bytes);
}

void pp_tensor_digest(const pp_tensor *tensor, pp_hash *hash)
{
    pp_hash_add_text(hash, tensor->name);
    add_number(hash, (uint64_t)tensor->rank, 8);
    for (int i = 0; i < tensor->rank; i++) add_number(hash, (uint64_t)tensor->dims[i], 8);
    size_t count = pp_tensor_count(tensor);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    pp_hash_add(hash, tensor->values, count * sizeof(float));
#else
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &tensor->values[i], sizeof bits);
        add_number(hash, bits, 4);
    }
#endif
}
