#include "faulty_fileops.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

const char *fault_kind_name(fault_kind kind)
{
    static const char *const names[] = {"open",  "pwrite", "pread",  "truncate", "fsync",
                                        "close", "rename", "unlink", "any"};
    return names[kind];
}

/* Whether this operation is to fail. */
static int fails(faulty_fileops *faulty, fault_kind kind)
{
    faulty->count[kind]++;
    faulty->count[FAULT_ANY]++;
    if (faulty->failed && faulty->mode == FAULT_CRASH) {
        errno = EIO;
        return 1;
    }
    int64_t seen = faulty->count[faulty->kind];
    int its_kind = faulty->kind == FAULT_ANY || faulty->kind == kind;
    int now = its_kind && faulty->at > 0 &&
              (faulty->mode == FAULT_FOR_GOOD ? seen >= faulty->at : seen == faulty->at);
    if (!now) return 0;
    faulty->failed = 1;
    errno = faulty->error != 0 ? faulty->error : kind == FAULT_PWRITE ? ENOSPC : EIO;
    return 1;
}

static faulty_file *by_fd(faulty_fileops *faulty, int fd)
{
    for (int i = 0; i < faulty->file_count; i++) {
        if (faulty->files[i].fd == fd) return &faulty->files[i];
    }
    return NULL;
}

static int faulty_open(void *user, const char *path, int flags, int mode)
{
    faulty_fileops *faulty = user;
    if (fails(faulty, FAULT_OPEN)) return -1;
    int fd = open(path, flags | O_CLOEXEC, mode);
    if (fd < 0 || (flags & O_DIRECTORY)) return fd;
    for (int i = 0; i < faulty->file_count;
         i++) { /* known under this name: synced through any fd */
        faulty_file *file = &faulty->files[i];
        if (strcmp(file->path, path) == 0 && file->fd < 0) {
            file->fd = fd;
            return fd;
        }
    }
    if ((flags & O_CREAT) && faulty->file_count < FAULTY_FILES) {
        faulty_file *file = &faulty->files[faulty->file_count++];
        snprintf(file->path, sizeof file->path, "%s", path);
        file->fd = fd;
        file->dirty = 0;
    }
    return fd;
}

static ssize_t faulty_pwrite(void *user, int fd, const void *bytes, size_t length, off_t at)
{
    faulty_fileops *faulty = user;
    int before = faulty->failed;
    faulty_file *file = by_fd(faulty, fd);
    if (fails(faulty, FAULT_PWRITE)) {
        int code = errno;
        /* a crash in the middle of it */
        if (!before && faulty->mode == FAULT_CRASH && length > 1) {
            if (pwrite(fd, bytes, length / 2, at) > 0 && file != NULL) file->dirty = 1;
        }
        errno = code;
        return -1;
    }
    if (file != NULL) file->dirty = 1;
    /* Writes may be short at any time: the caller has to go on. */
    if (length > 1000 && faulty->count[FAULT_PWRITE] % 3 == 0) length -= 700;
    return pwrite(fd, bytes, length, at);
}

static ssize_t faulty_pread(void *user, int fd, void *bytes, size_t length, off_t at)
{
    faulty_fileops *faulty = user;
    if (fails(faulty, FAULT_PREAD)) return -1;
    if (length > 1000 && faulty->count[FAULT_PREAD] % 3 == 0) length -= 700;
    return pread(fd, bytes, length, at);
}

static int faulty_truncate(void *user, int fd, off_t length)
{
    faulty_fileops *faulty = user;
    faulty_file *file = by_fd(faulty, fd);
    if (fails(faulty, FAULT_TRUNCATE)) return -1;
    if (file != NULL) file->dirty = 1;
    return ftruncate(fd, length);
}

static int faulty_fsync(void *user, int fd)
{
    faulty_fileops *faulty = user;
    faulty_file *file = by_fd(faulty, fd);
    if (fails(faulty, FAULT_FSYNC)) return -1;
    if (file != NULL) file->dirty = 0;
    return 0; /* the machine is not really cut off: no need to wait for its disk */
}

static int faulty_close(void *user, int fd)
{
    faulty_fileops *faulty = user;
    faulty_file *file = by_fd(faulty, fd);
    if (file != NULL) file->fd = -1;
    int failed = fails(faulty, FAULT_CLOSE), code = errno;
    close(fd); /* gone in any case, as on Linux */
    errno = code;
    return failed ? -1 : 0;
}

static int faulty_rename(void *user, const char *from, const char *to)
{
    faulty_fileops *faulty = user;
    if (fails(faulty, FAULT_RENAME)) return -1;
    int failed = rename(from, to);
    for (int i = 0; failed == 0 && i < faulty->file_count; i++) {
        faulty_file *file = &faulty->files[i];
        if (strcmp(file->path, to) == 0) file->path[0] = '\0'; /* replaced */
        if (strcmp(file->path, from) == 0) snprintf(file->path, sizeof file->path, "%s", to);
    }
    return failed;
}

static int faulty_unlink(void *user, const char *path)
{
    faulty_fileops *faulty = user;
    return fails(faulty, FAULT_UNLINK) ? -1 : unlink(path);
}

void faulty_init(faulty_fileops *faulty, fault_kind kind, int64_t at, fault_mode mode)
{
    memset(faulty, 0, sizeof *faulty);
    faulty->table =
        (pp_fileops){faulty_open,  faulty_pwrite, faulty_pread,  faulty_truncate, faulty_fsync,
                     faulty_close, faulty_rename, faulty_unlink, faulty,          faulty->boot};
    static int boots;
    snprintf(faulty->boot, sizeof faulty->boot, "boot %d", ++boots);
    faulty->kind = kind;
    faulty->at = at;
    faulty->mode = mode;
}

void faulty_finish(faulty_fileops *faulty)
{
    if (!faulty->failed || faulty->mode != FAULT_CRASH) return;
    for (int i = 0; i < faulty->file_count; i++) {
        const faulty_file *file = &faulty->files[i];
        if (!file->dirty || file->path[0] == '\0') continue;
        int fd = open(file->path, O_WRONLY | O_CLOEXEC);
        if (fd < 0) continue;
        off_t length = lseek(fd, 0, SEEK_END);
        if (ftruncate(fd, length / 2) != 0) perror(file->path);
        close(fd);
    }
}
