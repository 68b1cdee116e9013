/* Removes from an output folder what nothing refers to any more: temporary files of dead processes,
 * shards of videos whose archive was published after them, and, where asked for, archives whose
 * source has changed since and has a newer one. */
#ifndef PP_STORE_GC_H
#define PP_STORE_GC_H

#include "store/fileops.h"
#include "store/folder.h"

#define PP_GC_AGE_S 3600 /* a temporary file untouched for so long is nobody's */
#define PP_GC_LIFE_S 60  /* a run renews its progress.json every few seconds */

typedef struct pp_gc_item {
    char *path;      /* relative to the output folder */
    const char *why; /* borrowed: a constant */
    int64_t size_bytes;
} pp_gc_item;

typedef struct pp_gc_report {
    pp_gc_item *items;
    size_t count, room;
    int64_t bytes; /* of all items */
    int run_is_on; /* a run shows life in this folder: shards and archives were left alone */
} pp_gc_report;

typedef struct pp_gc_options {
    int dry_run;    /* only says what it would remove */
    int superseded; /* archives too; one that cannot be read stays, pp fsck says what it is */
    double now_s;   /* the time (pp_clock_unix_s) */
} pp_gc_options;

/* report: start from {0}; freed by pp_gc_free. */
pp_status pp_gc_run(const pp_fileops *ops, const char *out_folder, const pp_gc_options *options,
                    pp_gc_report *report, pp_error *err) PP_MUST_USE;
void pp_gc_free(pp_gc_report *report);

#endif
