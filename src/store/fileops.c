#include "store/fileops.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int system_open(void *user, const char *path, int flags, int mode)
{
    (void)user;
    return open(path, flags | O_CLOEXEC, mode);
}

static ssize_t system_pwrite(void *user, int fd, const void *bytes, size_t length, off_t at)
{
    (void)user;
    return pwrite(fd, bytes, length, at);
}

static ssize_t system_pread(void *user, int fd, void *bytes, size_t length, off_t at)
{
    (void)user;
    return pread(fd, bytes, length, at);
}

static int system_truncate(void *user, int fd, off_t length)
{
    (void)user;
    return ftruncate(fd, length);
}

static int system_fsync(void *user, int fd)
{
    (void)user;
    return fsync(fd);
}

static int system_close(void *user, int fd)
{
    (void)user;
    return close(fd);
}

static int system_rename(void *user, const char *from, const char *to)
{
    (void)user;
    return rename(from, to);
}

static int system_unlink(void *user, const char *path)
{
    (void)user;
    return unlink(path);
}

/* Of this kernel, a random name each time that it starts. */
static const char *system_boot(void)
{
    static char name[64];
    if (name[0] != '\0') return name;
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, name, sizeof name - 1) : -1;
    if (fd >= 0) close(fd);
    name[length > 0 ? strcspn(name, "\n") : 0] = '\0';
    return name[0] != '\0' ? name : NULL;
}

const pp_fileops *pp_fileops_system(void)
{
    static pp_fileops system_table = {
        .open = system_open,
        .pwrite = system_pwrite,
        .pread = system_pread,
        .truncate = system_truncate,
        .fsync = system_fsync,
        .close = system_close,
        .rename = system_rename,
        .unlink = system_unlink,
    };
    system_table.boot = system_boot();
    return &system_table;
}
