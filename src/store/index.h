/* The caches of an output folder, corpus.h5 and catalogue.sqlite, made again from its archives.
 * One thread (HDF5). */
#ifndef PP_STORE_INDEX_H
#define PP_STORE_INDEX_H

#include "store/catalogue.h"
#include "store/corpus.h"
#include "store/folder.h"

typedef struct pp_index_report {
    int64_t archives;    /* found and listed */
    int64_t rows;        /* videos: names of sources */
    int64_t unreadable;  /* archives left out, each one logged; `pp fsck` says what is wrong */
    int old_corpus_lost; /* the old corpus.h5 was damaged: second names and times of change with it
                          */
    pp_catalogue_report catalogue;
} pp_index_report;

/* The rows that corpus.h5 should have: those of the old one whose archive is still there with the
 * same content, and one from its header for each other archive; in order (pp_corpus_compare).
 * Archives for which `skip` (NULL: none) returns 1 are passed over. Freed by pp_corpus_free. */
pp_status pp_index_rows(const pp_fileops *ops, const char *out_folder, const pp_folder *folder,
                        int (*skip)(void *user, const char *archive), void *user,
                        pp_corpus_row **rows, int64_t *count, pp_index_report *report,
                        pp_error *err) PP_MUST_USE;

/* Scans, and writes both caches. from_scratch: as in pp_catalogue_write. */
pp_status pp_index_rebuild(const pp_fileops *ops, const char *out_folder, int from_scratch,
                           pp_index_report *report, pp_error *err) PP_MUST_USE;

#endif
