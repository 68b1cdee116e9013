/* Job files: INI (inih) read into a list of [section] key = value, so that
 * every message can name file and key, and a key that nobody asked for can be refused. */
#ifndef PP_BASE_INI_H
#define PP_BASE_INI_H

#include <stddef.h>

#include "base/status.h"

typedef struct pp_ini pp_ini;

pp_status pp_ini_read(pp_ini **out, const char *path, pp_error *err) PP_MUST_USE;
void pp_ini_destroy(pp_ini **ini);
const char *pp_ini_path(const pp_ini *ini);

/* The value, or NULL; the last one where a key stands several times. Marks it as asked for. */
const char *pp_ini_text(pp_ini *ini, const char *section, const char *key);

/* As above with a default and bounds; a bad value fails with file, key and range. */
pp_status pp_ini_int(pp_ini *ini, const char *section, const char *key, long long least,
                     long long most, long long *value, pp_error *err) PP_MUST_USE;
pp_status pp_ini_real(pp_ini *ini, const char *section, const char *key, double least, double most,
                      double *value, pp_error *err) PP_MUST_USE;
/* yes/no, true/false, on/off, 1/0 */
pp_status pp_ini_bool(pp_ini *ini, const char *section, const char *key, int *value,
                      pp_error *err) PP_MUST_USE;

/* Every value of a key that may stand several times; index from 0, NULL behind the last. */
const char *pp_ini_nth(pp_ini *ini, const char *section, const char *key, size_t index);

/* Fails for the first key nobody asked for: a misspelt key must not be ignored. */
pp_status pp_ini_refuse_unknown(const pp_ini *ini, pp_error *err) PP_MUST_USE;

#endif
