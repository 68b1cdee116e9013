/* Small text helpers: UTF-8, hexadecimal, numbers from users, whole files. Thread-safe. */
#ifndef PP_BASE_TEXT_H
#define PP_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

int pp_text_is_utf8(const char *text);
char *pp_text_to_utf8(const char *bytes); /* owned; bad bytes become U+FFFD; NULL: no memory */

/* Lower-case hexadecimal of `length` bytes into hex[2 * length + 1]. */
void pp_text_hex(const void *bytes, size_t length, char *hex);
/* The reverse; -1 where a character is no hex digit or the length is odd or too long. */
int pp_text_unhex(const char *hex, void *bytes, size_t room);

int pp_text_equal(const char *a, const char *b);             /* NULL equals only NULL */
int pp_text_ends_with(const char *text, const char *ending); /* ASCII case ignored */

/* Whole-string numbers with bounds; the failure names `what` and the accepted range. */
pp_status pp_text_to_int(int64_t *out, const char *text, int64_t least, int64_t most,
                         const char *what, pp_error *err) PP_MUST_USE;
pp_status pp_text_to_real(double *out, const char *text, double least, double most,
                          const char *what, pp_error *err) PP_MUST_USE;

/* "1.5 GiB" and the like; room of at least 32 bytes. */
void pp_text_bytes(uint64_t bytes, char *text, size_t room);

/* A whole file of at most `most` bytes; *out is owned, with a NUL behind the last byte. */
pp_status pp_text_read_file(char **out, size_t *length, const char *path, size_t most,
                            pp_error *err) PP_MUST_USE;

#endif
