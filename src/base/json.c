#include "base/json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

/* 15 digits: 0.05 stays 0.05 in files that people read. */
static const size_t print_flags = JSON_ENCODE_ANY | JSON_REAL_PRECISION(15);

static json_t *inner(const pp_json *value)
{
    return (json_t *)value;
}

static json_t *string_value(const char *text)
{
    if (text == NULL) return json_null();
    json_t *value = json_string(text);
    if (value != NULL) return value;
    char *repaired = pp_text_to_utf8(text);
    value = repaired != NULL ? json_string(repaired) : NULL;
    pp_free(repaired);
    return value;
}

static json_t *real_value(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

pp_json *pp_json_object(void)
{
    return (pp_json *)json_object();
}

pp_json *pp_json_array(void)
{
    return (pp_json *)json_array();
}

void pp_json_free(pp_json **value)
{
    if (value == NULL || *value == NULL) return;
    json_decref(inner(*value));
    *value = NULL;
}

void pp_json_set_text(pp_json *object, const char *key, const char *text)
{
    json_object_set_new(inner(object), key, string_value(text));
}

void pp_json_set_int(pp_json *object, const char *key, int64_t value)
{
    json_object_set_new(inner(object), key, json_integer(value));
}

void pp_json_set_real(pp_json *object, const char *key, double value)
{
    json_object_set_new(inner(object), key, real_value(value));
}

void pp_json_set_bool(pp_json *object, const char *key, int value)
{
    json_object_set_new(inner(object), key, json_boolean(value));
}

void pp_json_set(pp_json *object, const char *key, pp_json *value)
{
    json_object_set_new(inner(object), key, inner(value));
}

void pp_json_set_path(pp_json *object, const char *key, const char *path)
{
    pp_json_set_text(object, key, path);
    if (path == NULL || pp_text_is_utf8(path)) return;
    size_t length = strlen(path);
    char *hex = pp_alloc(2 * length + 1, 1), *hex_key = pp_format("%s_hex", key);
    if (hex != NULL && hex_key != NULL) {
        pp_text_hex(path, length, hex);
        pp_json_set_text(object, hex_key, hex);
    }
    pp_free(hex);
    pp_free(hex_key);
}

void pp_json_append(pp_json *array, pp_json *value)
{
    json_array_append_new(inner(array), inner(value));
}

void pp_json_append_text(pp_json *array, const char *text)
{
    json_array_append_new(inner(array), string_value(text));
}

void pp_json_append_real(pp_json *array, double value)
{
    json_array_append_new(inner(array), real_value(value));
}

const char *pp_json_text(const pp_json *object, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(inner(object), key));
    return text != NULL ? text : otherwise;
}

int64_t pp_json_int(const pp_json *object, const char *key, int64_t otherwise)
{
    const json_t *value = json_object_get(inner(object), key);
    return json_is_integer(value) ? (int64_t)json_integer_value(value) : otherwise;
}

double pp_json_real(const pp_json *object, const char *key, double otherwise)
{
    const json_t *value = json_object_get(inner(object), key);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

int pp_json_bool(const pp_json *object, const char *key, int otherwise)
{
    const json_t *value = json_object_get(inner(object), key);
    return json_is_boolean(value) ? json_is_true(value) : otherwise;
}

pp_json *pp_json_get(const pp_json *object, const char *key)
{
    return (pp_json *)json_object_get(inner(object), key);
}

char *pp_json_path(const pp_json *object, const char *key)
{
    const char *readable = pp_json_text(object, key, NULL);
    char *hex_key = pp_format("%s_hex", key);
    const char *hex = hex_key != NULL ? pp_json_text(object, hex_key, NULL) : NULL;
    pp_free(hex_key);
    if (hex == NULL) return readable != NULL ? pp_strdup(readable) : NULL;
    char *path = pp_alloc(strlen(hex) / 2 + 1, 1);
    if (path != NULL && pp_text_unhex(hex, path, strlen(hex) / 2) == 0) return path;
    pp_free(path);
    return NULL;
}

size_t pp_json_length(const pp_json *array)
{
    return json_array_size(inner(array));
}

pp_json *pp_json_at(const pp_json *array, size_t index)
{
    return (pp_json *)json_array_get(inner(array), index);
}

const char *pp_json_text_at(const pp_json *array, size_t index, const char *otherwise)
{
    const char *text = json_string_value(json_array_get(inner(array), index));
    return text != NULL ? text : otherwise;
}

double pp_json_real_at(const pp_json *array, size_t index, double otherwise)
{
    const json_t *value = json_array_get(inner(array), index);
    return json_is_number(value) ? json_number_value(value) : otherwise;
}

size_t pp_json_print(const pp_json *value, char *text, size_t room)
{
    size_t length =
        value != NULL ? json_dumpb(inner(value), text, room, JSON_COMPACT | print_flags) : 0;
    if (length == 0 || length >= room) return 0;
    text[length] = '\0';
    return length;
}

char *pp_json_facts(const pp_json *object)
{
    char *facts = pp_strdup("");
    const char *key;
    json_t *value;
    json_object_foreach(inner(object), key, value)
    {
        char *longer = NULL;
        const char *comma = facts != NULL && *facts ? ", " : "";
        if (facts == NULL) break;
        if (json_is_string(value)) {
            longer = pp_format("%s%s%s %s", facts, comma, key, json_string_value(value));
        } else if (json_is_number(value)) {
            longer = pp_format("%s%s%s %.6g", facts, comma, key, json_number_value(value));
        } else {
            continue;
        }
        pp_free(facts);
        facts = longer;
    }
    return facts;
}

char *pp_json_dump(const pp_json *value, int indent)
{
    if (value == NULL) return NULL;
    size_t flags = print_flags | (indent > 0 ? JSON_INDENT((size_t)indent) : JSON_COMPACT);
    size_t length = json_dumpb(inner(value), NULL, 0, flags);
    char *text = length > 0 ? pp_alloc(length + 1, 1) : NULL;
    if (text != NULL) json_dumpb(inner(value), text, length, flags);
    return text;
}

pp_status pp_json_parse(pp_json **out, const char *text, size_t length, const char *name,
                        pp_error *err)
{
    json_error_t where;
    json_t *value = json_loadb(text, length, JSON_REJECT_DUPLICATES, &where);
    *out = (pp_json *)value;
    if (value != NULL) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "%s: not valid JSON at line %d: %s", name, where.line,
                   where.text);
}

pp_status pp_json_read_file(pp_json **out, const char *path, pp_error *err)
{
    char *text = NULL;
    size_t length = 0;
    *out = NULL;
    pp_status status = pp_text_read_file(&text, &length, path, 64u << 20, err);
    if (status == PP_OK) status = pp_json_parse(out, text, length, path, err);
    pp_free(text);
    return status;
}
