/* File names: joined, split, made; any bytes but NUL and '/' may stand in a name. Thread-safe. */
#ifndef PP_BASE_PATH_H
#define PP_BASE_PATH_H

#include <stddef.h>

#include "base/status.h"

char *pp_path_join(const char *folder, const char *name); /* owned; NULL: no memory */
const char *pp_path_name(const char *path);               /* after the last '/'; borrowed */
char *pp_path_folder(const char *path);                   /* owned; "." where there is none */
char *pp_path_absolute(const char *path); /* owned; against the working folder, links kept */

/* A name that is safe in any file system and shell, from any bytes: letters, digits, '.', '_',
 * '-' kept, runs of the rest become one '_'; at most `most` characters; never empty. Owned. */
char *pp_path_safe_name(const char *name, size_t most);

int pp_path_exists(const char *path);
int pp_path_is_folder(const char *path);

/* mkdir -p; a folder that is there already is fine. */
pp_status pp_path_make_folders(const char *path, pp_error *err) PP_MUST_USE;

/* The folder of the running program (for its neighbours, as pp-decode); owned. */
pp_status pp_path_program_folder(char **out, pp_error *err) PP_MUST_USE;

#endif
