/* What lies in an output folder: archives, shards, failures, leftovers. Reads names only. */
#ifndef PP_STORE_FOLDER_H
#define PP_STORE_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

typedef enum pp_file_kind {
    PP_FILE_ARCHIVE,   /* archives/<2 hex>/<name>-<16 hex>.h5 */
    PP_FILE_SHARD,     /* shards/<16 hex>/<name>.h5 */
    PP_FILE_FAILURE,   /* failed/<id>.json */
    PP_FILE_TEMPORARY, /* anything with ".tmp-" in its name */
    PP_FILE_OTHER
} pp_file_kind;

typedef struct pp_folder_file {
    char *path; /* relative to the output folder */
    pp_file_kind kind;
    int64_t size_bytes, mtime_ns;
} pp_folder_file;

typedef struct pp_folder {
    pp_folder_file *files; /* by path */
    int64_t count;
    int64_t kinds[PP_FILE_OTHER + 1];
    size_t room;
} pp_folder;

/* Everything below `out_folder` apart from damaged/. Start from {0}. Files that vanish while it
 * looks (another run's temporaries) are passed over. PP_ERR_NOT_FOUND where there is no folder. */
pp_status pp_folder_scan(pp_folder *out, const char *out_folder, pp_error *err) PP_MUST_USE;
void pp_folder_free(pp_folder *folder);

#endif
