/* The container since PyTorch 1.6: a zip archive whose entries are stored, not compressed.
 *
 *   <root>/data.pkl the state dict's pickle, <root>/data/<key> one storage each,
 *   <root>/byteorder "little" (newer versions), <root>/version
 *
 * Read from the central directory. Sizes and offsets of 0xffffffff stand in the zip64 extra field.
 */
#include <string.h>

#include "model/checkpoint_parts.h"

enum {
    LOCAL_BYTES = 30,
    ENTRY_BYTES = 46,
    END_BYTES = 22,
    END64_BYTES = 56,
    LOCATOR_BYTES = 20,
    MOST_COMMENT = 65535,
    MOST_ENTRIES = PP_MOST_STORAGES + 64
};

typedef struct archive {
    const unsigned char *bytes;
    size_t length;
    size_t at;        /* of the next central directory entry */
    uint64_t entries; /* still to come */
    const char *root; /* first entry's folder, with its '/' */
    size_t root_length;
} archive;

typedef struct entry {
    const char *name; /* not terminated */
    size_t name_length;
    const unsigned char *bytes;
    size_t length;
    uint32_t crc;
} entry;

static uint64_t number(const unsigned char *bytes, int width)
{
    uint64_t value = 0;
    for (int i = 0; i < width; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

static int marked(const unsigned char *bytes, uint32_t signature)
{
    return number(bytes, 4) == signature;
}

static pp_status broken(pp_error *err, const char *what)
{
    return pp_fail(err, PP_ERR_FORMAT, "damaged zip archive: %s", what);
}

/* CRC-32 of the zip format (polynomial 0xedb88320), four bits at a time. */
static uint32_t crc32_of(const unsigned char *bytes, size_t length)
{
    uint32_t table[16], crc = 0xffffffffu;
    for (uint32_t i = 0; i < 16; i++) {
        table[i] = i;
        for (int bit = 0; bit < 4; bit++) {
            table[i] = (table[i] >> 1) ^ (table[i] & 1 ? 0xedb88320u : 0);
        }
    }
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = (crc >> 4) ^ table[crc & 15];
        crc = (crc >> 4) ^ table[crc & 15];
    }
    return ~crc;
}

/* The end record lies behind everything but a comment. */
static pp_status find_end(const archive *a, size_t *end, pp_error *err)
{
    for (size_t back = END_BYTES; back <= END_BYTES + MOST_COMMENT && back <= a->length; back++) {
        const unsigned char *p = a->bytes + a->length - back;
        if (marked(p, 0x06054b50) && number(p + 20, 2) == back - END_BYTES) {
            *end = a->length - back;
            return PP_OK;
        }
    }
    return broken(err, "it has no end record (was it copied in full?)");
}

static pp_status open_archive(archive *a, pp_error *err)
{
    size_t end = 0;
    pp_status status = find_end(a, &end, err);
    if (status != PP_OK) return status;
    const unsigned char *p = a->bytes + end;
    uint64_t entries = number(p + 10, 2), size = number(p + 12, 4), at = number(p + 16, 4);
    if (entries == 0xffff || size == 0xffffffff || at == 0xffffffff) {
        if (end < LOCATOR_BYTES || !marked(p - LOCATOR_BYTES, 0x07064b50)) {
            return broken(err, "its zip64 locator is missing");
        }
        uint64_t end64 = number(p - LOCATOR_BYTES + 8, 8);
        if (end < END64_BYTES || end64 > end - END64_BYTES ||
            !marked(a->bytes + end64, 0x06064b50)) {
            return broken(err, "its zip64 end record is missing");
        }
        p = a->bytes + end64;
        entries = number(p + 32, 8);
        size = number(p + 40, 8);
        at = number(p + 48, 8);
    }
    if (at > end || size > end - at) return broken(err, "its directory lies outside the file");
    if (entries > MOST_ENTRIES) {
        return pp_fail(err, PP_ERR_LIMIT, "a zip archive of %llu entries (at most %d)",
                       (unsigned long long)entries, MOST_ENTRIES);
    }
    a->at = (size_t)at;
    a->entries = entries;
    return PP_OK;
}

/* Replaces those of sizes and offset that are 0xffffffff by what the zip64 field (id 1) says. */
static pp_status widen(const unsigned char *extra, size_t length, uint64_t *size, uint64_t *packed,
                       uint64_t *offset, pp_error *err)
{
    uint64_t *wanted[] = {size, packed, offset};
    for (size_t at = 0; at + 4 <= length;) {
        size_t id = number(extra + at, 2), bytes = number(extra + at + 2, 2), used = 0;
        if (bytes > length - at - 4) return broken(err, "an extra field is too long");
        for (int i = 0; id == 1 && i < 3; i++) {
            if (*wanted[i] != 0xffffffff) continue;
            if (used + 8 > bytes) return broken(err, "a zip64 field is too short");
            *wanted[i] = number(extra + at + 4 + used, 8);
            used += 8;
        }
        if (id == 1) return PP_OK;
        at += 4 + bytes;
    }
    return broken(err, "a zip64 field is missing");
}

/* Finds the entry's bytes behind its local header, whose name and extra field may differ in size.
 */
static pp_status locate(const archive *a, uint64_t offset, uint64_t size, entry *out, pp_error *err)
{
    if (offset > a->length || a->length - offset < LOCAL_BYTES ||
        !marked(a->bytes + offset, 0x04034b50)) {
        return broken(err, "an entry's header is missing");
    }
    const unsigned char *p = a->bytes + offset;
    uint64_t skip = LOCAL_BYTES + number(p + 26, 2) + number(p + 28, 2);
    if (skip > a->length - offset || size > a->length - offset - skip) {
        return broken(err, "an entry lies outside the file");
    }
    out->bytes = p + skip;
    out->length = (size_t)size;
    return PP_OK;
}

static pp_status next_entry(archive *a, entry *out, pp_error *err)
{
    if (a->length - a->at < ENTRY_BYTES || !marked(a->bytes + a->at, 0x02014b50)) {
        return broken(err, "its directory ends too early");
    }
    const unsigned char *p = a->bytes + a->at;
    size_t name = number(p + 28, 2), extra = number(p + 30, 2), comment = number(p + 32, 2);
    uint64_t packed = number(p + 20, 4), size = number(p + 24, 4), offset = number(p + 42, 4);
    if (a->length - a->at - ENTRY_BYTES < name + extra + comment) {
        return broken(err, "its directory ends too early");
    }
    if (number(p + 10, 2) != 0 || (number(p + 8, 2) & 1)) {
        return pp_fail(err, PP_ERR_FORMAT,
                       "a zip archive with compressed or encrypted entries: "
                       "PyTorch stores them");
    }
    pp_status status = PP_OK;
    if (size == 0xffffffff || packed == 0xffffffff || offset == 0xffffffff) {
        status = widen(p + ENTRY_BYTES + name, extra, &size, &packed, &offset, err);
    }
    if (status == PP_OK && size != packed) status = broken(err, "an entry has two sizes");
    if (status == PP_OK) status = locate(a, offset, size, out, err);
    out->name = (const char *)p + ENTRY_BYTES;
    out->name_length = name;
    out->crc = (uint32_t)number(p + 16, 4);
    a->at += ENTRY_BYTES + name + extra + comment;
    return status;
}

/* What stands behind the root folder in an entry's name; length 0 where it is not below it. */
static void local_name(const archive *a, const entry *e, const char **name, size_t *length)
{
    *name = e->name;
    *length = 0;
    if (e->name_length <= a->root_length || memcmp(e->name, a->root, a->root_length) != 0) return;
    *name = e->name + a->root_length;
    *length = e->name_length - a->root_length;
}

static int is(const char *text, size_t length, const char *word)
{
    return length == strlen(word) && memcmp(text, word, length) == 0;
}

static pp_status take_entry(pp_container *out, archive *a, const entry *e, pp_error *err)
{
    const char *name;
    size_t length, used;
    if (a->root == NULL) {
        const char *slash = memchr(e->name, '/', e->name_length);
        if (slash == NULL) return pp_fail(err, PP_ERR_FORMAT, "a zip archive, but not PyTorch's");
        a->root = e->name;
        a->root_length = (size_t)(slash - e->name) + 1;
    }
    local_name(a, e, &name, &length);
    int is_pickle = is(name, length, "data.pkl");
    int is_storage = length > 5 && memcmp(name, "data/", 5) == 0;
    if (is(name, length, "byteorder") && !is((const char *)e->bytes, e->length, "little")) {
        return pp_fail(err, PP_ERR_FORMAT, "it was not written on a little-endian machine");
    }
    if (!is_pickle && !is_storage) return PP_OK;
    if (crc32_of(e->bytes, e->length) != e->crc) {
        return pp_fail(err, PP_ERR_FORMAT, "damaged: the checksum of '%.*s' is wrong",
                       length > 60 ? 60 : (int)length, name);
    }
    if (is_pickle && out->pickle.nodes != NULL) return broken(err, "two pickles");
    if (is_pickle) return pp_pickle_read(&out->pickle, e->bytes, e->length, &used, err);
    return pp_container_add(out, (pp_storage_bytes){name + 5, length - 5, e->bytes, e->length},
                            err);
}

pp_status pp_container_zip(pp_container *out, const unsigned char *bytes, size_t length,
                           pp_error *err)
{
    archive a = {.bytes = bytes, .length = length};
    pp_status status = open_archive(&a, err);
    for (; status == PP_OK && a.entries > 0; a.entries--) {
        entry e = {0};
        status = next_entry(&a, &e, err);
        if (status == PP_OK) status = take_entry(out, &a, &e, err);
    }
    if (status == PP_OK && out->pickle.nodes == NULL) {
        status = pp_fail(err, PP_ERR_FORMAT, "a zip archive, but not PyTorch's (no data.pkl)");
    }
    return status;
}
