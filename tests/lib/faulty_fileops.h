/* A table of file operations that fails on purpose: the Nth of a kind, once or for good, or a crash
 * between any two.
 *
 *   faulty_fileops faulty;
 *   faulty_init(&faulty, FAULT_PWRITE, 3, FAULT_ONCE);
 *   ... use &faulty.table ...
 *   faulty_finish(&faulty);
 *
 * Run once with `at` 0 to count the operations (faulty.count), then fail each. In a crash the Nth
 * operation is done by half where it is a write, and it and all later ones fail without effect:
 * nothing is tidied up. faulty_finish then cuts the power: what was written and not brought to disk
 * (fsync) is lost by half, under whatever name it has by now.
 */
#ifndef PP_TESTS_FAULTY_FILEOPS_H
#define PP_TESTS_FAULTY_FILEOPS_H

#include "store/fileops.h"

typedef enum fault_kind {
    FAULT_OPEN,
    FAULT_PWRITE,
    FAULT_PREAD,
    FAULT_TRUNCATE,
    FAULT_FSYNC,
    FAULT_CLOSE,
    FAULT_RENAME,
    FAULT_UNLINK,
    FAULT_KINDS,
    FAULT_ANY = FAULT_KINDS
} fault_kind;

typedef enum fault_mode { FAULT_ONCE, FAULT_FOR_GOOD, FAULT_CRASH } fault_mode;

#define FAULTY_FILES 256

typedef struct faulty_file {
    char path[512];
    int fd;    /* -1 once closed */
    int dirty; /* written since the last fsync */
} faulty_file;

typedef struct faulty_fileops {
    pp_fileops table;
    fault_kind kind;
    int64_t at; /* the Nth operation of that kind fails, from 1; 0: none */
    fault_mode mode;
    int error; /* errno of a failure; ENOSPC for writes and EIO otherwise where 0 */
    int64_t count[FAULT_KINDS + 1]; /* operations seen; the last is all of them */
    int failed;                     /* the failure has come */
    faulty_file files[FAULTY_FILES];
    int file_count;
    char boot[24]; /* another one each time: a crash is a power cut */
} faulty_fileops;

void faulty_init(faulty_fileops *faulty, fault_kind kind, int64_t at, fault_mode mode);
void faulty_finish(faulty_fileops *faulty);
const char *fault_kind_name(fault_kind kind);

#endif
