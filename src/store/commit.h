/* The commit protocol: what is renamed is done, nothing else is.
 *
 *   write NAME.tmp-<host>-<pid>-<n> in the same folder, fsync, close, re-read and compare what can
 *   be compared, rename to NAME, fsync the folder
 *
 * A reader therefore sees a whole file or none, whatever was killed and when. Leftover temporary
 * files carry ".tmp-" in their names and are nobody's truth. Any number of processes may commit
 * the same name: the last rename wins, and by determinism both were equal. Thread-safe.
 */
#ifndef PP_STORE_COMMIT_H
#define PP_STORE_COMMIT_H

#include "base/status.h"
#include "store/fileops.h"

/* A fresh temporary name beside `path`; owned by the caller. */
char *pp_commit_temporary(const char *path);

/* fsyncs the closed file `temporary`, renames it to `path`, fsyncs the folder. On failure the
 * temporary file is removed and the message says what a person can do (full disk, read-only). */
pp_status pp_commit_rename(const pp_fileops *ops, const char *temporary, const char *path,
                           pp_error *err) PP_MUST_USE;

/* A whole small file at once (status, failures, event logs). Makes missing folders. */
pp_status pp_commit_bytes(const pp_fileops *ops, const char *path, const void *bytes, size_t length,
                          pp_error *err) PP_MUST_USE;

int pp_commit_is_temporary(const char *name);

#endif
