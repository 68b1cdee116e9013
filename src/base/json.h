/* JSON values (jansson behind a small face), for status files, events, parameters and `--json`.
 *
 * Setters take NULL objects and swallow lack of memory: the printed text then comes out short and
 * pp_json_print returns 0, so there is one place to check. Text that is not UTF-8 is repaired
 * (U+FFFD); paths go through the _path pair, which loses no byte. Not thread-safe per value.
 */
#ifndef PP_BASE_JSON_H
#define PP_BASE_JSON_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef struct pp_json pp_json;

pp_json *pp_json_object(void); /* owned by the caller, or by the value it is put into */
pp_json *pp_json_array(void);
void pp_json_free(pp_json **value); /* only for a root: children belong to their parents */

void pp_json_set_text(pp_json *object, const char *key, const char *text); /* NULL: null */
void pp_json_set_int(pp_json *object, const char *key, int64_t value);
void pp_json_set_real(pp_json *object, const char *key, double value); /* not finite: null */
void pp_json_set_bool(pp_json *object, const char *key, int value);
void pp_json_set(pp_json *object, const char *key, pp_json *value); /* value: taken */
/* A file name: "key" readable, and where it is not UTF-8 also "key_hex", its bytes. */
void pp_json_set_path(pp_json *object, const char *key, const char *path);

void pp_json_append(pp_json *array, pp_json *value); /* value: taken */
void pp_json_append_text(pp_json *array, const char *text);
void pp_json_append_real(pp_json *array, double value);

/* Getters: the default where the key is missing or of another kind. Results are borrowed. */
const char *pp_json_text(const pp_json *object, const char *key, const char *otherwise);
int64_t pp_json_int(const pp_json *object, const char *key, int64_t otherwise);
double pp_json_real(const pp_json *object, const char *key, double otherwise); /* ints too */
int pp_json_bool(const pp_json *object, const char *key, int otherwise);
pp_json *pp_json_get(const pp_json *object, const char *key); /* NULL where missing */
char *pp_json_path(const pp_json *object, const char *key);   /* owned; NULL where missing */

size_t pp_json_length(const pp_json *array); /* 0 for what is not an array */
pp_json *pp_json_at(const pp_json *array, size_t index);
const char *pp_json_text_at(const pp_json *array, size_t index, const char *otherwise);
double pp_json_real_at(const pp_json *array, size_t index, double otherwise);

/* Compact, keys in order of insertion. Returns the length, or 0 if it does not fit in room. */
size_t pp_json_print(const pp_json *value, char *text, size_t room);
/* The same, owned by the caller; indent 0 is compact. NULL when there is no memory. */
char *pp_json_dump(const pp_json *value, int indent);

/* Its texts and numbers as "key value, key value", what they hold inside left out; owned. NULL when
 * there is no memory. */
char *pp_json_facts(const pp_json *object);

/* Parses text[0..length). `name` names the source in messages. *out is owned by the caller. */
pp_status pp_json_parse(pp_json **out, const char *text, size_t length, const char *name,
                        pp_error *err) PP_MUST_USE;
pp_status pp_json_read_file(pp_json **out, const char *path, pp_error *err) PP_MUST_USE;

#endif
