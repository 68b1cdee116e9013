/* OUT/catalogue.sqlite: who plays what, when and how loud in all archives, for queries. A cache,
 * built in memory and replaced as a whole, so that readers need no locks (network file systems
 * have none to trust). docs/formats/catalogue.md has the tables. One thread (HDF5). */
#ifndef PP_STORE_CATALOGUE_H
#define PP_STORE_CATALOGUE_H

#include "store/corpus.h"

typedef struct pp_catalogue_report {
    int64_t archives; /* in the catalogue now */
    int64_t read;     /* opened for it: new or changed ones */
    int64_t missing;  /* could not be read: left out, each one logged */
    int rewritten;    /* 0: the old file says the same already */
} pp_catalogue_report;

/* Brings the catalogue in line with `rows`. from_scratch: reads every archive; otherwise only those
 * whose publish key is not the one in the old catalogue. */
pp_status pp_catalogue_write(const pp_fileops *ops, const char *out_folder,
                             const pp_corpus_row *rows, int64_t count, int from_scratch,
                             pp_catalogue_report *report, pp_error *err) PP_MUST_USE;

/* Whether the catalogue is whole: PP_ERR_NOT_FOUND where there is none, PP_ERR_FORMAT where it is
 * damaged. *behind: it does not list exactly the archives of `rows` in their present state. */
pp_status pp_catalogue_check(const char *out_folder, const pp_corpus_row *rows, int64_t count,
                             int *behind, pp_error *err) PP_MUST_USE;

typedef struct pp_catalogue_cell {
    const char *text; /* NULL for NULL */
    int is_number;
} pp_catalogue_cell;
/* One row of an answer. Return other than PP_OK ends the query with it. */
typedef pp_status (*pp_catalogue_row)(void *user, int columns, const char *const *names,
                                      const pp_catalogue_cell *cells, pp_error *err);

/* Runs one SELECT, read only: nothing else is allowed, nor other files. parameters: bound as
 * ?1, ?2 .. (text). Fails with PP_ERR_USAGE and SQLite's words where the SQL is wrong. */
pp_status pp_catalogue_query(const char *out_folder, const char *sql, const char *const *parameters,
                             int parameter_count, pp_catalogue_row on_row, void *user,
                             pp_error *err) PP_MUST_USE;

#endif
