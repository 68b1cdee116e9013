/* The container before PyTorch 1.6: five pickles, then the storages.
 *
 *   magic number | protocol 1001 | {little_endian, ...} | the state dict | [key, ...] |
 *   for each key: count of elements, 8 bytes little-endian; the elements
 */
#include <string.h>

#include "model/checkpoint_parts.h"

static const unsigned char magic[] = {0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19};

typedef struct reader {
    const unsigned char *bytes;
    size_t length, at;
} reader;

static pp_status next_pickle(reader *r, pp_pickle *pickle, pp_error *err)
{
    size_t used = 0;
    pp_status status = pp_pickle_read(pickle, r->bytes + r->at, r->length - r->at, &used, err);
    r->at += used;
    return status;
}

static pp_status check_magic(reader *r, pp_error *err)
{
    pp_pickle pickle = {0};
    pp_status status = next_pickle(r, &pickle, err);
    if (status == PP_OK) {
        const pp_pickle_node *root = &pickle.nodes[pickle.root];
        if (root->kind != PP_PICKLE_INT || root->length != sizeof magic ||
            memcmp(root->text, magic, sizeof magic) != 0) {
            status = pp_fail(err, PP_ERR_FORMAT, "its magic number is not PyTorch's");
        }
    }
    pp_pickle_clear(&pickle);
    return status;
}

static pp_status check_protocol(reader *r, pp_error *err)
{
    pp_pickle pickle = {0};
    pp_status status = next_pickle(r, &pickle, err);
    if (status == PP_OK) {
        const pp_pickle_node *root = &pickle.nodes[pickle.root];
        if (root->kind != PP_PICKLE_INT || root->number != 1001) {
            status = pp_fail(err, PP_ERR_FORMAT, "its container version is not 1001");
        }
    }
    pp_pickle_clear(&pickle);
    return status;
}

static pp_status check_byte_order(reader *r, pp_error *err)
{
    pp_pickle pickle = {0};
    pp_status status = next_pickle(r, &pickle, err);
    if (status == PP_OK) {
        uint32_t little = pp_pickle_lookup(&pickle, pickle.root, "little_endian");
        if (little == 0 || pickle.nodes[little].kind != PP_PICKLE_BOOL ||
            pickle.nodes[little].number != 1) {
            status = pp_fail(err, PP_ERR_FORMAT, "it was not written on a little-endian machine");
        }
    }
    pp_pickle_clear(&pickle);
    return status;
}

/* Bytes of one element of the storage with this key, as the state dict declares it; 0: none. */
static int element_bytes(const pp_pickle *pickle, const pp_pickle_node *key, int64_t *count)
{
    for (size_t i = 1; i < pickle->node_count; i++) {
        const pp_pickle_node *node = &pickle->nodes[i];
        if (node->kind == PP_PICKLE_STORAGE && node->length == key->length &&
            memcmp(node->text, key->text, key->length) == 0) {
            *count = node->number;
            return node->element_bytes;
        }
    }
    return 0;
}

static pp_status take_storage(pp_container *out, reader *r, const pp_pickle_node *key,
                              pp_error *err)
{
    int64_t declared = 0;
    if (key->kind != PP_PICKLE_TEXT) return pp_fail(err, PP_ERR_FORMAT, "an odd storage key");
    int width = element_bytes(&out->pickle, key, &declared);
    if (width == 0) return pp_fail(err, PP_ERR_FORMAT, "a storage that no tensor names");
    if (r->length - r->at < 8) return pp_fail(err, PP_ERR_FORMAT, "it ends before its weights do");
    uint64_t count = 0;
    for (int i = 0; i < 8; i++) count |= (uint64_t)r->bytes[r->at + i] << (8 * i);
    r->at += 8;
    if (declared < 0 || count != (uint64_t)declared) {
        return pp_fail(err, PP_ERR_FORMAT, "a storage of %llu elements where %lld were announced",
                       (unsigned long long)count, (long long)declared);
    }
    if (count > (r->length - r->at) / (size_t)width) {
        return pp_fail(err, PP_ERR_FORMAT, "it ends before its weights do");
    }
    pp_storage_bytes storage = {key->text, key->length, r->bytes + r->at, (size_t)count * width};
    r->at += storage.length;
    return pp_container_add(out, storage, err);
}

pp_status pp_container_legacy(pp_container *out, const unsigned char *bytes, size_t length,
                              pp_error *err)
{
    reader r = {bytes, length, 0};
    pp_pickle keys = {0};
    pp_status status = check_magic(&r, err);
    if (status == PP_OK) status = check_protocol(&r, err);
    if (status == PP_OK) status = check_byte_order(&r, err);
    if (status == PP_OK) status = next_pickle(&r, &out->pickle, err);
    if (status == PP_OK) status = next_pickle(&r, &keys, err);
    if (status == PP_OK && keys.nodes[keys.root].kind != PP_PICKLE_LIST) {
        status = pp_fail(err, PP_ERR_FORMAT, "its list of storages is none");
    }
    for (uint32_t cell = 0; status == PP_OK;) {
        cell = pp_pickle_next(&keys, keys.root, cell);
        if (cell == 0) break;
        status = take_storage(out, &r, &keys.nodes[keys.cells[cell].value], err);
    }
    pp_pickle_clear(&keys);
    return status;
}
