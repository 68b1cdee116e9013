/* The virtual file driver of HDF5 through which every byte of our files goes: pp_fileops below, or
 * a borrowed image in memory. Internal to src/store.
 *
 * HDF5 cannot take back a half-closed file, so it never learns of a failed write: the first one is
 * kept in `write_code` and everything after it is swallowed; the layer above looks there after
 * each call and reports. A failed read is HDF5's to report, with its errno kept in `read_code`.
 */
#ifndef PP_STORE_H5_DRIVER_H
#define PP_STORE_H5_DRIVER_H

#include <hdf5.h>

#include "store/fileops.h"

typedef struct pp_h5_io {
    const pp_fileops *ops;      /* borrowed */
    const char *path;           /* borrowed: the one name that may be opened */
    const unsigned char *image; /* a file in memory instead, borrowed; NULL: none */
    size_t image_bytes;
    int creating;
    int sync;     /* fsync before closing */
    int discard;  /* nothing more needs to reach the file: it is to be removed */
    hid_t driver; /* registered by pp_h5_driver_access; 0: not */
    int write_code, read_code;
    const char *write_doing; /* "write", "close", .. of the first failure */
} pp_h5_io;

/* A file access property list that leads to `io`, which is borrowed until the file is closed and
 * the list too. Negative where HDF5 has no memory. */
hid_t pp_h5_driver_access(pp_h5_io *io);

/* Once the file is closed. Not before: HDF5 1.10's H5FD_close gives up the file's hold on the
 * driver and then calls it, so without another hold it calls through freed memory. */
void pp_h5_driver_release(pp_h5_io *io);

#endif
