/* Removes from an output folder what nothing refers to any more: temporary files of dead processes,
 * shards of videos whose archive was published after them. */
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
    int run_is_on; /* a run shows life in this folder: its shards were left alone */
} pp_gc_report;

/* report: start from {0}; freed by pp_gc_free. dry_run: only says what it would remove. now_s: the
 * time (pp_clock_unix_s), an argument for tests. */
pp_status pp_gc_run(const pp_fileops *ops, const char *out_folder, int dry_run, double now_s,
                    pp_gc_report *report, pp_error *err) PP_MUST_USE;
void pp_gc_free(pp_gc_report *report);

#endif
