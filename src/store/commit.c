#include "store/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"

static const char mark[] = ".tmp-";

/* A commit that takes longer is worth a word: the run looks stuck, and it is the storage. */
#define SLOW_S 5.0

/* Two containers may share host name and process id, so the last part is random. */
static uint64_t random_number(void)
{
    uint64_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) == (ssize_t)sizeof number) return number;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000007u + (uint64_t)now.tv_nsec;
}

void pp_commit_host(char *host)
{
    char name[256] = "";
    if (gethostname(name, sizeof name - 1) != 0 || name[0] == '\0') strcpy(name, "host");
    char *safe = pp_path_safe_name(name, 64);
    snprintf(host, PP_COMMIT_HOST, "%s", safe != NULL ? safe : "host");
    pp_free(safe);
}

char *pp_commit_temporary(const char *path)
{
    char host[PP_COMMIT_HOST];
    pp_commit_host(host);
    return pp_format("%s%s%s-%ld-%012llx", path, mark, host, (long)getpid(),
                     (unsigned long long)(random_number() & 0xffffffffffffu));
}

int pp_commit_is_temporary(const char *name)
{
    return strstr(pp_path_name(name), mark) != NULL;
}

int pp_commit_maker(const char *name, char *host, long *pid)
{
    const char *at = NULL;
    for (const char *next = pp_path_name(name); (next = strstr(next, mark)) != NULL; next++) {
        at = next;
    }
    if (at == NULL) return 0;
    at += strlen(mark);
    /* <host>-<pid>-<random>; the host may hold '-' itself */
    const char *random = strrchr(at, '-');
    if (random == NULL || random == at) return 0;
    const char *number = random - 1;
    while (number > at && *number != '-') number--;
    if (*number != '-' || number == at || number - at >= PP_COMMIT_HOST) return 0;
    char *end;
    *pid = strtol(number + 1, &end, 10);
    if (end != random || *pid <= 0) return 0;
    snprintf(host, PP_COMMIT_HOST, "%.*s", (int)(number - at), at);
    return 1;
}

pp_status pp_commit_fail(pp_error *err, int code, const char *doing, const char *path)
{
    errno = code;
    pp_status status = pp_fail_errno(err, "cannot %s %s", doing, path);
    if (err == NULL || err->advice[0] != '\0') return status;
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        pp_advise(err, "free some space there (or raise the quota) and run the same command "
                       "again: what is committed stays, only the rest is done");
        break;
    case EROFS:
    case EACCES:
    case EPERM:
        pp_advise(err, "make that folder writable, or name another one with --out, and run the "
                       "same command again");
        break;
    case EIO:
    case ESTALE:
        pp_advise(err, "the storage reports an error of its own: see dmesg or its administrator, "
                       "then run the same command again");
        break;
    default:
        break;
    }
    return status;
}

static int sync_folder_of(const pp_fileops *ops, const char *path)
{
    char *folder = pp_path_folder(path);
    if (folder == NULL) {
        errno = ENOMEM;
        return -1;
    }
    int fd = ops->open(ops->user, folder, O_RDONLY | O_DIRECTORY, 0);
    pp_free(folder);
    if (fd < 0) return -1;
    int failed = ops->fsync(ops->user, fd);
    /* Some network file systems cannot sync a folder; their rename is synchronous. */
    if (failed != 0 && (errno == EINVAL || errno == ENOTSUP)) failed = 0;
    int code = errno;
    ops->close(ops->user, fd);
    errno = code;
    return failed;
}

/* Through a descriptor of its own: fsync works on the file, whoever wrote it. */
static pp_status sync_file(const pp_fileops *ops, const char *temporary, const char *path,
                           pp_error *err)
{
    int fd = ops->open(ops->user, temporary, O_RDONLY, 0);
    if (fd < 0) return pp_commit_fail(err, errno, "open again what was written for", path);
    int failed = ops->fsync(ops->user, fd);
    int code = errno;
    if (ops->close(ops->user, fd) != 0 && !failed) {
        failed = 1;
        code = errno;
    }
    return failed ? pp_commit_fail(err, code, "bring to disk", path) : PP_OK;
}

static void say_if_slow(double since_s, const char *path)
{
    double took_s = pp_clock_s() - since_s;
    if (took_s < SLOW_S) return;
    pp_log(PP_LOG_WARN, "the storage is slow: bringing %s to disk took %.0f s", path, took_s);
}

static pp_status sync_name(const pp_fileops *ops, const char *path, pp_error *err)
{
    if (sync_folder_of(ops, path) == 0) return PP_OK;
    return pp_commit_fail(err, errno, "bring to disk the folder of", path);
}

pp_status pp_commit_rename_unsynced(const pp_fileops *ops, const char *temporary, const char *path,
                                    pp_error *err)
{
    if (ops->rename(ops->user, temporary, path) == 0) return PP_OK;
    pp_status status = pp_commit_fail(err, errno, "rename the finished file to", path);
    ops->unlink(ops->user, temporary);
    return status;
}

pp_status pp_commit_rename_synced(const pp_fileops *ops, const char *temporary, const char *path,
                                  pp_error *err)
{
    double since_s = pp_clock_s();
    pp_status status = pp_commit_rename_unsynced(ops, temporary, path, err);
    if (status == PP_OK) status = sync_name(ops, path, err);
    if (status == PP_OK) say_if_slow(since_s, path);
    return status;
}

pp_status pp_commit_rename(const pp_fileops *ops, const char *temporary, const char *path,
                           pp_error *err)
{
    double since_s = pp_clock_s();
    pp_status status = sync_file(ops, temporary, path, err);
    if (status != PP_OK) {
        ops->unlink(ops->user, temporary);
        return status;
    }
    status = pp_commit_rename_unsynced(ops, temporary, path, err);
    if (status == PP_OK) status = sync_name(ops, path, err);
    if (status == PP_OK) say_if_slow(since_s, path);
    return status;
}

static pp_status write_all(const pp_fileops *ops, int fd, const char *path,
                           const unsigned char *bytes, size_t length, pp_error *err)
{
    for (size_t done = 0; done < length;) {
        ssize_t some = ops->pwrite(ops->user, fd, bytes + done, length - done, (off_t)done);
        if (some < 0 && errno == EINTR) continue;
        if (some <= 0) return pp_commit_fail(err, some == 0 ? ENOSPC : errno, "write", path);
        done += (size_t)some;
    }
    return PP_OK;
}

/* What was written, read again and compared; one byte more must be the end. */
static pp_status compare_all(const pp_fileops *ops, int fd, const char *path,
                             const unsigned char *bytes, size_t length, pp_error *err)
{
    unsigned char block[4096];
    for (size_t done = 0;;) {
        ssize_t some = ops->pread(ops->user, fd, block, sizeof block, (off_t)done);
        if (some < 0 && errno == EINTR) continue;
        if (some < 0) return pp_commit_fail(err, errno, "read again", path);
        if (some == 0 && done == length) return PP_OK;
        if (some == 0 || (size_t)some > length - done ||
            memcmp(block, bytes + done, (size_t)some) != 0) {
            return pp_fail(err, PP_ERR_IO, "%s reads back other than it was written", path);
        }
        done += (size_t)some;
    }
}

static pp_status write_temporary(const pp_fileops *ops, const char *temporary, const char *path,
                                 const void *bytes, size_t length, pp_error *err)
{
    int fd = ops->open(ops->user, temporary, O_RDWR | O_CREAT | O_EXCL, 0666);
    if (fd < 0) return pp_commit_fail(err, errno, "create a file for", path);
    pp_status status = write_all(ops, fd, path, bytes, length, err);
    if (status == PP_OK && ops->fsync(ops->user, fd) != 0) {
        status = pp_commit_fail(err, errno, "bring to disk", path);
    }
    if (status == PP_OK) status = compare_all(ops, fd, path, bytes, length, err);
    if (ops->close(ops->user, fd) != 0 && status == PP_OK) {
        status = pp_commit_fail(err, errno, "close", path);
    }
    if (status != PP_OK) ops->unlink(ops->user, temporary);
    return status;
}

pp_status pp_commit_bytes(const pp_fileops *ops, const char *path, const void *bytes, size_t length,
                          pp_error *err)
{
    char *folder = pp_path_folder(path);
    char *temporary = pp_commit_temporary(path);
    pp_status status = PP_OK;
    if (folder == NULL || temporary == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    }
    if (status == PP_OK) status = pp_path_make_folders(folder, err);
    if (status == PP_OK) status = write_temporary(ops, temporary, path, bytes, length, err);
    if (status == PP_OK) status = pp_commit_rename_synced(ops, temporary, path, err);
    pp_free(folder);
    pp_free(temporary);
    return status;
}
