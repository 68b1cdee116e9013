/* Checks an output folder, and sets aside what is damaged so that the next run makes it again.
 *
 * Damage is what would give wrong or no answers: an archive or failure record that cannot be read
 * whole, a cache that is corrupt. A note is what a killed run or a power cut leaves and the next
 * run mends by itself: temporary files, shards that cannot be read whole, caches that are behind.
 * One thread (HDF5).
 */
#ifndef PP_STORE_FSCK_H
#define PP_STORE_FSCK_H

#include "store/corpus.h"
#include "store/folder.h"

typedef struct pp_fsck_finding {
    char *path; /* relative to the output folder */
    char *what; /* in words */
    int damage; /* otherwise a note */
    int is_cache;
    char *moved_to; /* by pp_fsck_repair; NULL: left where it is */
} pp_fsck_finding;

typedef struct pp_fsck_report {
    pp_fsck_finding *findings;
    size_t count, room;
    int64_t archives, shards, failures, temporaries; /* looked at */
    int64_t damaged;                                 /* findings that are damage */
    int64_t bytes_read;                              /* of numbers, unpacked */
    double worst_sum_error; /* of all archives: |mixture - (stems + residual)| / peak */
    int caches_behind;
} pp_fsck_report;

/* Called before each file; for a line of progress. */
typedef void (*pp_fsck_progress)(void *user, int64_t done, int64_t of, const char *path);

/* report: start from {0}; freed by pp_fsck_free. Fails only where it cannot look (no such folder,
 * no memory); what it finds is in the report. */
pp_status pp_fsck_run(const pp_fileops *ops, const char *out_folder, pp_fsck_progress progress,
                      void *user, pp_fsck_report *report, pp_error *err) PP_MUST_USE;

/* Moves what is damaged to OUT/damaged/ and makes the caches again from what is left. */
pp_status pp_fsck_repair(const pp_fileops *ops, const char *out_folder, pp_fsck_report *report,
                         pp_error *err) PP_MUST_USE;
void pp_fsck_free(pp_fsck_report *report);

#endif
