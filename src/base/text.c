#include "base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"

/* Length of the UTF-8 sequence at `at`, or 0 where it is not one (RFC 3629: no surrogates, no
 * overlong forms, at most U+10FFFF). */
static size_t utf8_sequence(const unsigned char *at)
{
    if (at[0] < 0x80) return 1;
    size_t length = at[0] >= 0xf0 ? 4 : at[0] >= 0xe0 ? 3 : 2;
    if (at[0] < 0xc2 || at[0] > 0xf4) return 0;
    for (size_t i = 1; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80) return 0;
    }
    if (at[0] == 0xe0 && at[1] < 0xa0) return 0;
    if (at[0] == 0xed && at[1] > 0x9f) return 0;
    if (at[0] == 0xf0 && at[1] < 0x90) return 0;
    if (at[0] == 0xf4 && at[1] > 0x8f) return 0;
    return length;
}

int pp_text_is_utf8(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    while (*at != 0) {
        size_t length = utf8_sequence(at);
        if (length == 0) return 0;
        at += length;
    }
    return 1;
}

char *pp_text_to_utf8(const char *bytes)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *text = pp_alloc(3 * strlen(bytes) + 1, 1);
    if (text == NULL) return NULL;
    char *to = text;
    const unsigned char *at = (const unsigned char *)bytes;
    while (*at != 0) {
        size_t length = utf8_sequence(at);
        memcpy(to, length > 0 ? (const char *)at : replacement, length > 0 ? length : 3);
        to += length > 0 ? length : 3;
        at += length > 0 ? length : 1;
    }
    return text;
}

void pp_text_hex(const void *bytes, size_t length, char *hex)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *from = bytes;
    for (size_t i = 0; i < length; i++) {
        hex[2 * i] = digits[from[i] >> 4];
        hex[2 * i + 1] = digits[from[i] & 15];
    }
    hex[2 * length] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int pp_text_unhex(const char *hex, void *bytes, size_t room)
{
    size_t length = strlen(hex);
    unsigned char *to = bytes;
    if (length % 2 != 0 || length / 2 > room) return -1;
    for (size_t i = 0; i < length / 2; i++) {
        int high = hex_digit(hex[2 * i]), low = hex_digit(hex[2 * i + 1]);
        if (high < 0 || low < 0) return -1;
        to[i] = (unsigned char)(high << 4 | low);
    }
    return 0;
}

int pp_text_equal(const char *a, const char *b)
{
    if (a == NULL || b == NULL) return a == b;
    return strcmp(a, b) == 0;
}

int pp_text_ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text), tail = strlen(ending);
    return length >= tail && strcasecmp(text + length - tail, ending) == 0;
}

pp_status pp_text_to_int(int64_t *out, const char *text, int64_t least, int64_t most,
                         const char *what, pp_error *err)
{
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end != text && *end == '\0' && errno == 0 && value >= least && value <= most) {
        *out = value;
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is not a whole number from %lld to %lld", what,
                   text, (long long)least, (long long)most);
}

pp_status pp_text_to_real(double *out, const char *text, double least, double most,
                          const char *what, pp_error *err)
{
    char *end = NULL;
    double value = strtod(text, &end);
    if (end != text && *end == '\0' && isfinite(value) && value >= least && value <= most) {
        *out = value;
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is not a number from %g to %g", what, text, least,
                   most);
}

void pp_text_bytes(uint64_t bytes, char *text, size_t room)
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= 1024 && unit < 5) {
        value /= 1024;
        unit++;
    }
    snprintf(text, room, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}

static pp_status read_stream(char **out, size_t *length, FILE *file, const char *path, size_t most,
                             pp_error *err)
{
    size_t capacity = 0, used = 0;
    for (;;) {
        pp_status status = pp_grow((void **)out, &capacity, used + 4097, 1, err);
        if (status != PP_OK) return status;
        size_t got = fread(*out + used, 1, capacity - used - 1, file);
        used += got;
        if (used > most) {
            return pp_fail(err, PP_ERR_FORMAT, "%s: longer than %zu bytes", path, most);
        }
        if (got == 0) break;
    }
    if (ferror(file)) return pp_fail_errno(err, "cannot read %s", path);
    (*out)[used] = '\0';
    *length = used;
    return PP_OK;
}

pp_status pp_text_read_file(char **out, size_t *length, const char *path, size_t most,
                            pp_error *err)
{
    *out = NULL;
    *length = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) return pp_fail_errno(err, "cannot open %s", path);
    pp_status status = read_stream(out, length, file, path, most, err);
    fclose(file);
    if (status != PP_OK) PP_FREE(*out);
    return status;
}
