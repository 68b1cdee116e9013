/* The commit protocol: what is renamed is done, nothing else is.
 *
 *   write NAME.tmp-<host>-<pid>-<random> in the same folder, fsync, close, re-read and compare
 *   what can be compared, rename to NAME, fsync the folder
 *
 * A reader therefore sees a whole file or none, whatever was killed and when. Leftover temporary
 * files carry ".tmp-" in their names and are nobody's truth. Any number of processes may commit
 * the same name: the last rename wins, and by determinism both were equal. Thread-safe.
 */
#ifndef PP_STORE_COMMIT_H
#define PP_STORE_COMMIT_H

#include "base/status.h"
#include "store/fileops.h"

/* A fresh temporary name beside `path`; owned by the caller. NULL: no memory. */
char *pp_commit_temporary(const char *path);

/* fsyncs the closed file `temporary`, renames it to `path`, fsyncs the folder. On failure the
 * temporary file is removed and the message says what a person can do (full disk, read-only).
 * Where only the folder's fsync fails the file is in place, whole, but may not outlive a power
 * cut: that is a failure too, and doing the same again mends it. */
pp_status pp_commit_rename(const pp_fileops *ops, const char *temporary, const char *path,
                           pp_error *err) PP_MUST_USE;
/* The same for a file that was fsynced already by whoever wrote it. */
pp_status pp_commit_rename_synced(const pp_fileops *ops, const char *temporary, const char *path,
                                  pp_error *err) PP_MUST_USE;

/* Renames without a word to the disk: whole for every process, whatever is killed, but after a
 * power cut it may be gone or damaged. For what its maker alone goes on with and can make again;
 * readers must not trust it after the machine's next start (pp_fileops.boot). */
pp_status pp_commit_rename_unsynced(const pp_fileops *ops, const char *temporary, const char *path,
                                    pp_error *err) PP_MUST_USE;

/* A whole small file at once (status, failures, event logs). Makes missing folders. */
pp_status pp_commit_bytes(const pp_fileops *ops, const char *path, const void *bytes, size_t length,
                          pp_error *err) PP_MUST_USE;

int pp_commit_is_temporary(const char *name);

/* Who made a temporary file: its host (safe characters) and process. 0 where `name` is not a
 * temporary's name. host: room of at least PP_COMMIT_HOST bytes. */
#define PP_COMMIT_HOST 72
int pp_commit_maker(const char *name, char *host, long *pid);
/* This host's name as temporary names carry it. */
void pp_commit_host(char *host);

/* Records a failed write to `path` for the reason `code` (an errno), with the way out. `doing`
 * reads like "write" or "rename". Returns the status. */
pp_status pp_commit_fail(pp_error *err, int code, const char *doing, const char *path);

#endif
