/* Every file operation that can lose data, behind one small table, so that tests can fail the Nth
 * one or crash between any two. Production code passes pp_fileops_system(). */
#ifndef PP_STORE_FILEOPS_H
#define PP_STORE_FILEOPS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Each returns as its system call does (-1 and errno). `user` is the table's own. */
typedef struct pp_fileops {
    int (*open)(void *user, const char *path, int flags, int mode);
    ssize_t (*pwrite)(void *user, int fd, const void *bytes, size_t length, off_t at);
    ssize_t (*pread)(void *user, int fd, void *bytes, size_t length, off_t at);
    int (*truncate)(void *user, int fd, off_t length);
    int (*fsync)(void *user, int fd);
    int (*close)(void *user, int fd);
    int (*rename)(void *user, const char *from, const char *to);
    int (*unlink)(void *user, const char *path);
    void *user;
    /* Which start of the machine this is: what was written without fsync is whole for as long as
     * it stays the same. NULL: nobody knows. */
    const char *boot;
} pp_fileops;

const pp_fileops *pp_fileops_system(void);

#endif
