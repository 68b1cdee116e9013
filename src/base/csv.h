/* CSV tables (RFC 4180: quotes, doubled quotes, line breaks in quotes; CRLF or LF; a UTF-8 byte
 * order mark is skipped; blank lines are skipped). Cells are bytes: file names need not be UTF-8.
 *
 * Immutable once read; any number of threads. Cells and names are borrowed from the table.
 */
#ifndef PP_BASE_CSV_H
#define PP_BASE_CSV_H

#include <stddef.h>

#include "base/status.h"

typedef struct pp_csv pp_csv;

/* with_header: the first row names the columns, and every row has as many cells as it. Without,
 * rows may differ in length. Failures name file and line. At most 1 GiB. */
pp_status pp_csv_read(pp_csv **out, const char *path, int with_header, pp_error *err) PP_MUST_USE;
pp_status pp_csv_parse(pp_csv **out, const char *text, size_t length, const char *name,
                       int with_header, pp_error *err) PP_MUST_USE;
void pp_csv_destroy(pp_csv **csv);

size_t pp_csv_rows(const pp_csv *csv);              /* without the header */
size_t pp_csv_cells(const pp_csv *csv, size_t row); /* of this row */
size_t pp_csv_columns(const pp_csv *csv);           /* of the header; 0 without one */
const char *pp_csv_name(const pp_csv *csv, size_t column);
int pp_csv_column(const pp_csv *csv, const char *name); /* -1: no such column; ASCII case ignored */
/* "" where the row has no such cell, and for column -1. */
const char *pp_csv_cell(const pp_csv *csv, size_t row, int column);
size_t pp_csv_line(const pp_csv *csv, size_t row); /* of the file, from 1, for messages */

#endif
