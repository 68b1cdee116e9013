#include "base/csv.h"

#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

typedef struct span {
    size_t first, count; /* cells of the row */
    size_t line;
} span;

struct pp_csv {
    char *text; /* owned copy; cells are cut out of it in place */
    char **cells;
    size_t cell_count, cell_room;
    span *rows; /* with the header, if any, first */
    size_t row_count, row_room;
    size_t header; /* 1 or 0 */
};

typedef struct cursor {
    char *at, *end;
    size_t line;
    const char *name;
} cursor;

/* A quoted cell: *c->at is the opening quote. Unquotes in place. */
static pp_status quoted_cell(cursor *c, char **cell, pp_error *err)
{
    const size_t started = c->line;
    char *to = ++c->at;
    *cell = to;
    for (;; c->at++) {
        if (c->at == c->end) {
            return pp_fail(err, PP_ERR_FORMAT, "%s: line %zu: a quote is never closed", c->name,
                           started);
        }
        if (*c->at == '"') {
            if (c->at + 1 == c->end || c->at[1] != '"') break;
            c->at++;
        }
        if (*c->at == '\n') c->line++;
        *to++ = *c->at;
    }
    c->at++;
    if (c->at < c->end && *c->at != ',' && *c->at != '\n' &&
        !(*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n')) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: line %zu: text behind a closing quote", c->name,
                       c->line);
    }
    *to = '\0'; /* at or before the closing quote */
    return PP_OK;
}

/* Reads one cell and what ends it: *last is 1 at the end of a row. */
static pp_status next_cell(cursor *c, char **cell, int *last, pp_error *err)
{
    char *close = NULL; /* where a NUL goes once the separator has been looked at */
    if (c->at < c->end && *c->at == '"') {
        pp_status status = quoted_cell(c, cell, err);
        if (status != PP_OK) return status;
    } else {
        *cell = c->at;
        while (c->at < c->end && *c->at != ',' && *c->at != '\n') c->at++;
        close = c->at;
        if (close > *cell && close < c->end && *close == '\n' && close[-1] == '\r') close--;
    }
    if (c->at < c->end && *c->at == '\r') c->at++;
    *last = c->at == c->end || *c->at == '\n';
    if (c->at < c->end) {
        if (*c->at == '\n') c->line++;
        c->at++;
    }
    if (close != NULL) *close = '\0'; /* the text has a NUL behind its end */
    return PP_OK;
}

static pp_status read_row(pp_csv *csv, cursor *c, pp_error *err)
{
    span row = {csv->cell_count, 0, c->line};
    int last = 0;
    while (!last) {
        pp_status status = pp_grow((void **)&csv->cells, &csv->cell_room, csv->cell_count + 1,
                                   sizeof *csv->cells, err);
        if (status == PP_OK) status = next_cell(c, &csv->cells[csv->cell_count], &last, err);
        if (status != PP_OK) return status;
        csv->cell_count++;
        row.count++;
    }
    if (row.count == 1 && csv->cells[row.first][0] == '\0') { /* a blank line */
        csv->cell_count--;
        return PP_OK;
    }
    if (csv->header && csv->row_count > 0 && row.count != csv->rows[0].count) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: line %zu: %zu cells, but the header names %zu",
                       c->name, row.line, row.count, csv->rows[0].count);
    }
    pp_status status =
        pp_grow((void **)&csv->rows, &csv->row_room, csv->row_count + 1, sizeof *csv->rows, err);
    if (status == PP_OK) csv->rows[csv->row_count++] = row;
    return status;
}

/* text: taken, with a NUL behind its last byte. */
static pp_status parse_taken(pp_csv **out, char *text, size_t length, const char *name,
                             int with_header, pp_error *err)
{
    pp_csv *csv = NULL;
    pp_status status = pp_alloc_checked((void **)&csv, 1, sizeof *csv, name, err);
    if (status != PP_OK) {
        pp_free(text);
        return status;
    }
    csv->text = text;
    csv->header = with_header != 0;
    cursor c = {text, text + length, 1, name};
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) c.at += 3;
    if (memchr(text, '\0', length) != NULL) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: not a CSV table: it holds NUL bytes", name);
    }
    while (status == PP_OK && c.at < c.end) status = read_row(csv, &c, err);
    if (status == PP_OK && with_header && csv->row_count == 0) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: empty, without even a header", name);
    }
    if (status != PP_OK) pp_csv_destroy(&csv);
    *out = csv;
    return status;
}

pp_status pp_csv_read(pp_csv **out, const char *path, int with_header, pp_error *err)
{
    *out = NULL;
    char *text = NULL;
    size_t length = 0;
    pp_status status = pp_text_read_file(&text, &length, path, (size_t)1 << 30, err);
    if (status != PP_OK) return status;
    return parse_taken(out, text, length, path, with_header, err);
}

pp_status pp_csv_parse(pp_csv **out, const char *text, size_t length, const char *name,
                       int with_header, pp_error *err)
{
    *out = NULL;
    char *copy = NULL;
    pp_status status = pp_alloc_checked((void **)&copy, length + 1, 1, name, err);
    if (status != PP_OK) return status;
    if (length > 0) memcpy(copy, text, length);
    return parse_taken(out, copy, length, name, with_header, err);
}

void pp_csv_destroy(pp_csv **csv)
{
    if (*csv == NULL) return;
    pp_free((*csv)->text);
    pp_free((*csv)->cells);
    pp_free((*csv)->rows);
    PP_FREE(*csv);
}

size_t pp_csv_rows(const pp_csv *csv)
{
    return csv->row_count - csv->header;
}

size_t pp_csv_cells(const pp_csv *csv, size_t row)
{
    return csv->rows[row + csv->header].count;
}

size_t pp_csv_columns(const pp_csv *csv)
{
    return csv->header ? csv->rows[0].count : 0;
}

const char *pp_csv_name(const pp_csv *csv, size_t column)
{
    return csv->cells[csv->rows[0].first + column];
}

int pp_csv_column(const pp_csv *csv, const char *name)
{
    for (size_t i = 0; i < pp_csv_columns(csv); i++) {
        if (strcasecmp(pp_csv_name(csv, i), name) == 0) return (int)i;
    }
    return -1;
}

const char *pp_csv_cell(const pp_csv *csv, size_t row, int column)
{
    const span *r = &csv->rows[row + csv->header];
    return column < 0 || (size_t)column >= r->count ? "" : csv->cells[r->first + (size_t)column];
}

size_t pp_csv_line(const pp_csv *csv, size_t row)
{
    return csv->rows[row + csv->header].line;
}
