/* OUT/corpus.h5: external links to every archive, and the tables of the corpus. A cache: rebuilt
 * from the archives at will, replaced atomically. One thread (HDF5). */
#ifndef PP_STORE_CORPUS_H
#define PP_STORE_CORPUS_H

#include <stdint.h>

#include "base/hash.h"
#include "store/h5.h"

typedef struct pp_corpus_row {
    const char *source_path, *source_id; /* one row a name: the same content may have several */
    char source_sha256[PP_HASH_HEX];
    const char *archive; /* relative to OUT */
    double duration_s;
    int32_t sources;
    int64_t size_bytes, mtime_ns;
} pp_corpus_row;

/* Rows in the order given (callers sort: by path). */
pp_status pp_corpus_write(const pp_fileops *ops, const char *out_folder, const pp_corpus_row *rows,
                          int64_t count, pp_error *err) PP_MUST_USE;
/* The rows of an existing corpus.h5; texts owned, freed by pp_corpus_free. PP_ERR_NOT_FOUND where
 * there is none. */
pp_status pp_corpus_read(const pp_fileops *ops, const char *out_folder, pp_corpus_row **rows,
                         int64_t *count, pp_error *err) PP_MUST_USE;
void pp_corpus_free(pp_corpus_row **rows, int64_t count);

#endif
