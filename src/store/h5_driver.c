#include "store/h5_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct driver_file {
    H5FD_t base; /* HDF5's own, first */
    pp_h5_io *io;
    int fd;
    haddr_t eoa, eof; /* end of what is allocated, of what is there */
} driver_file;

typedef struct driver_info { /* what the property list carries */
    pp_h5_io *io;
} driver_info;

static void write_failed(pp_h5_io *io, int code, const char *doing)
{
    if (io->write_code != 0) return;
    io->write_code = code != 0 ? code : EIO;
    io->write_doing = doing;
}

static int swallows(const pp_h5_io *io)
{
    return io->write_code != 0 || io->discard;
}

static int open_descriptor(pp_h5_io *io, haddr_t *eof)
{
    if (io->image != NULL) {
        *eof = io->image_bytes;
        return 0;
    }
    /* O_NONBLOCK: a pipe under a file's name must not hold us up */
    int flags = io->creating ? O_RDWR | O_CREAT | O_EXCL : O_RDONLY | O_NONBLOCK;
    int fd = io->ops->open(io->ops->user, io->path, flags, 0666);
    struct stat info = {.st_mode = S_IFREG};
    if (fd >= 0 && fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) {
        *eof = (haddr_t)info.st_size;
        return fd;
    }
    int code = !S_ISREG(info.st_mode) ? EINVAL : errno;
    if (fd >= 0) io->ops->close(io->ops->user, fd);
    if (io->creating) write_failed(io, code, "create a file for");
    else io->read_code = code;
    return -1;
}

/* An external link in a file leads here too, with its target's name: it is refused. */
static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t most)
{
    (void)flags;
    (void)most;
    const driver_info *info = H5Pget_driver_info(access);
    if (info == NULL || info->io == NULL || strcmp(name, info->io->path) != 0) return NULL;
    driver_file *file = calloc(1, sizeof *file); /* HDF5 knows nothing of pp_alloc's alignment */
    if (file == NULL) return NULL;
    file->io = info->io;
    file->fd = open_descriptor(info->io, &file->eof);
    if (file->fd < 0) {
        free(file);
        return NULL;
    }
    return &file->base;
}

static herr_t driver_close(H5FD_t *base)
{
    driver_file *file = (driver_file *)base;
    pp_h5_io *io = file->io;
    if (io->image == NULL) {
        if (io->sync && !swallows(io) && io->ops->fsync(io->ops->user, file->fd) != 0) {
            write_failed(io, errno, "bring to disk");
        }
        if (io->ops->close(io->ops->user, file->fd) != 0 && io->creating) {
            write_failed(io, errno, "close");
        }
    }
    free(file);
    return 0;
}

static herr_t driver_query(const H5FD_t *base, unsigned long *flags)
{
    (void)base;
    *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
             H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

static haddr_t driver_get_eoa(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)base)->eoa;
}

static herr_t driver_set_eoa(H5FD_t *base, H5FD_mem_t type, haddr_t address)
{
    (void)type;
    ((driver_file *)base)->eoa = address;
    return 0;
}

static haddr_t driver_get_eof(const H5FD_t *base, H5FD_mem_t type)
{
    (void)type;
    return ((const driver_file *)base)->eof;
}

static ssize_t read_some(driver_file *file, unsigned char *bytes, size_t length, haddr_t at)
{
    pp_h5_io *io = file->io;
    if (io->image == NULL) return io->ops->pread(io->ops->user, file->fd, bytes, length, (off_t)at);
    if (at >= io->image_bytes) return 0;
    size_t some = io->image_bytes - at < length ? io->image_bytes - (size_t)at : length;
    memcpy(bytes, io->image + at, some);
    return (ssize_t)some;
}

/* Behind the end there are zeros, as HDF5's own drivers have it. */
static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t length,
                          void *buffer)
{
    (void)type;
    (void)transfer;
    driver_file *file = (driver_file *)base;
    unsigned char *bytes = buffer;
    if (at > INT64_MAX - length) return -1;
    while (length > 0) {
        ssize_t some = read_some(file, bytes, length, at);
        if (some < 0 && errno == EINTR) continue;
        if (some < 0) {
            if (file->io->read_code == 0) file->io->read_code = errno;
            return -1;
        }
        if (some == 0) {
            memset(bytes, 0, length);
            return 0;
        }
        bytes += some;
        at += (haddr_t)some;
        length -= (size_t)some;
    }
    return 0;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t at, size_t length,
                           const void *buffer)
{
    (void)type;
    (void)transfer;
    driver_file *file = (driver_file *)base;
    pp_h5_io *io = file->io;
    const unsigned char *bytes = buffer;
    if (!io->creating || at > INT64_MAX - length) return -1;
    while (length > 0 && !swallows(io)) {
        ssize_t some = io->ops->pwrite(io->ops->user, file->fd, bytes, length, (off_t)at);
        if (some < 0 && errno == EINTR) continue;
        if (some <= 0) {
            write_failed(io, some == 0 ? ENOSPC : errno, "write");
            break;
        }
        bytes += some;
        at += (haddr_t)some;
        length -= (size_t)some;
    }
    at += length; /* what was swallowed counts as there */
    if (at > file->eof) file->eof = at;
    return 0;
}

static herr_t driver_truncate(H5FD_t *base, hid_t transfer, hbool_t closing)
{
    (void)transfer;
    (void)closing;
    driver_file *file = (driver_file *)base;
    pp_h5_io *io = file->io;
    if (!io->creating || file->eoa == file->eof) return 0;
    if (!swallows(io) && io->ops->truncate(io->ops->user, file->fd, (off_t)file->eoa) != 0) {
        write_failed(io, errno, "set the length of");
    }
    file->eof = file->eoa;
    return 0;
}

static const H5FD_class_t driver_class = {
    .name = "pp_fileops",
    .maxaddr = INT64_MAX,
    .fc_degree = H5F_CLOSE_STRONG,
    .fapl_size = sizeof(driver_info),
    .open = driver_open,
    .close = driver_close,
    .query = driver_query,
    .get_eoa = driver_get_eoa,
    .set_eoa = driver_set_eoa,
    .get_eof = driver_get_eof,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

hid_t pp_h5_driver_access(pp_h5_io *io)
{
    driver_info info = {io};
    hid_t driver = H5FDregister(&driver_class);
    hid_t access = driver < 0 ? -1 : H5Pcreate(H5P_FILE_ACCESS);
    if (access >= 0 && H5Pset_driver(access, driver, &info) < 0) {
        H5Pclose(access);
        access = -1;
    }
    if (driver >= 0) io->driver = driver;
    return access;
}

void pp_h5_driver_release(pp_h5_io *io)
{
    if (io->driver > 0) H5FDunregister(io->driver);
    io->driver = 0;
}
