/* OUT/corpus.h5: external links to every archive, and the table of the corpus. A cache: rebuilt
 * from the archives at will, replaced atomically. docs/formats/corpus.md. One thread (HDF5). */
#ifndef PP_STORE_CORPUS_H
#define PP_STORE_CORPUS_H

#include <stdint.h>

#include "base/hash.h"
#include "store/archive.h"
#include "store/h5.h"

typedef struct pp_corpus_row {
    const char *source_path, *source_id; /* one row a name: the same content may have several */
    const char *archive;                 /* relative to OUT */
    char source_sha256[PP_HASH_HEX];
    char stage_keys[PP_STAGES][PP_HASH_HEX]; /* of the archive: what need not run again */
    double duration_s;
    int32_t sources;
    int32_t has_maps;             /* the archive keeps the component maps */
    int64_t size_bytes, mtime_ns; /* of the source when it was hashed; -1: not known */
} pp_corpus_row;

/* Rows in the order given (callers sort: by path). */
pp_status pp_corpus_write(const pp_fileops *ops, const char *out_folder, const pp_corpus_row *rows,
                          int64_t count, pp_error *err) PP_MUST_USE;
/* The rows of an existing corpus.h5; texts owned, freed by pp_corpus_free. PP_ERR_NOT_FOUND where
 * there is none; PP_ERR_FORMAT where it is damaged (it can be rebuilt). */
pp_status pp_corpus_read(const pp_fileops *ops, const char *out_folder, pp_corpus_row **rows,
                         int64_t *count, pp_error *err) PP_MUST_USE;
void pp_corpus_free(pp_corpus_row **rows, int64_t count); /* NULL-safe, NULLs */

/* A row from an archive's header; texts owned as those of pp_corpus_read. size and mtime: -1. */
pp_status pp_corpus_row_of(pp_corpus_row *row, const pp_archive_header *header, const char *archive,
                           pp_error *err) PP_MUST_USE;
void pp_corpus_row_free(pp_corpus_row *row);

/* By path, then id, then archive: for qsort. */
int pp_corpus_compare(const void *a, const void *b);

#endif
