/* pp query: questions to the catalogue of an output folder. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "pp.h"
#include "store/catalogue.h"

static const char usage_text[] =
    "usage: pp query OUT [FILTERS] [--when] [--csv|--json]\n"
    "       pp query OUT [--csv|--json] SQL\n"
    "\n"
    "Lists the sources found in the videos of the output folder OUT, or answers one SELECT.\n"
    "\n"
    "  -i, --instrument X    only sources labelled X (capitals do not matter)\n"
    "      --min-level DB    at least so loud, dB relative to full scale\n"
    "      --min-confidence C  of the label, 0 to 1\n"
    "      --min-seconds S   only videos at least so long\n"
    "      --video TEXT      only videos whose name holds TEXT\n"
    "      --when            a line for each annotation: when it plays\n"
    "      --csv, --json     for programs; JSON: one object a line\n"
    "\n"
    "Tables: videos, archives, sources, annotations; view: played. They are joined by `content`\n"
    "(docs/formats/catalogue.md). Read only. Example:\n"
    "  pp query OUT \"SELECT label, count(*), sum(end_s - start_s) FROM played GROUP BY label\"\n";

typedef enum form { FORM_TABLE, FORM_CSV, FORM_JSON } form;

enum { INSTRUMENT, LEVEL, CONFIDENCE, SECONDS, VIDEO, FILTERS };

typedef struct query_options {
    const char *out_folder, *sql;
    const char *filters[FILTERS];
    int when;
    form form;
} query_options;

/* ---- arguments ------------------------------------------------------------------------------ */

enum { OPT_LEVEL = 256, OPT_CONFIDENCE, OPT_SECONDS, OPT_VIDEO, OPT_WHEN, OPT_CSV, OPT_JSON };

static const struct option long_options[] = {
    {"instrument", required_argument, NULL, 'i'},
    {"min-level", required_argument, NULL, OPT_LEVEL},
    {"min-confidence", required_argument, NULL, OPT_CONFIDENCE},
    {"min-seconds", required_argument, NULL, OPT_SECONDS},
    {"video", required_argument, NULL, OPT_VIDEO},
    {"when", no_argument, NULL, OPT_WHEN},
    {"csv", no_argument, NULL, OPT_CSV},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

static pp_status number_option(const char **filter, const char *name, double least, double most,
                               pp_error *err)
{
    double value;
    *filter = optarg;
    return pp_text_to_real(&value, optarg, least, most, name, err);
}

/* -1: go on; otherwise the exit status. */
static int parse(query_options *o, int argc, char **argv)
{
    pp_error err = {0};
    pp_status status = PP_OK;
    for (int c;
         status == PP_OK && (c = getopt_long(argc, argv, "i:h", long_options, NULL)) != -1;) {
        switch (c) {
        case 'i':
            o->filters[INSTRUMENT] = optarg;
            break;
        case OPT_LEVEL:
            status = number_option(&o->filters[LEVEL], "--min-level", -400, 400, &err);
            break;
        case OPT_CONFIDENCE:
            status = number_option(&o->filters[CONFIDENCE], "--min-confidence", 0, 1, &err);
            break;
        case OPT_SECONDS:
            status = number_option(&o->filters[SECONDS], "--min-seconds", 0, 1e9, &err);
            break;
        case OPT_VIDEO:
            o->filters[VIDEO] = optarg;
            break;
        case OPT_WHEN:
            o->when = 1;
            break;
        case OPT_CSV:
            o->form = FORM_CSV;
            break;
        case OPT_JSON:
            o->form = FORM_JSON;
            break;
        default:
            fputs(usage_text, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_ERROR, "pp query", &err);
        return 2;
    }
    int left = argc - optind;
    if (left >= 1) o->out_folder = argv[optind];
    if (left == 2) o->sql = argv[optind + 1];
    if (left == 1 || left == 2) return -1;
    fputs(usage_text, stderr);
    return 2;
}

/* ---- output --------------------------------------------------------------------------------- */

#define MOST_WIDE 200  /* columns, as the catalogue has it */
#define SHOWN_WIDTH 60 /* characters of a cell in a table for people */
#define MEASURED 1000  /* rows that are looked at for the widths of a table */

typedef struct printer {
    form form;
    int columns;
    int64_t rows;
    size_t width[MOST_WIDE];
    int right[MOST_WIDE];
    char **kept; /* cells of the first rows, before the widths are known; NULL: nothing */
    size_t kept_count, kept_room;
    int flushed;
} printer;

static size_t characters(const char *text)
{
    size_t count = 0;
    for (; *text != '\0'; text++) count += ((unsigned char)*text & 0xc0) != 0x80;
    return count;
}

static void print_cell(const printer *p, int column, const char *text)
{
    size_t length = characters(text),
           pad = p->width[column] > length ? p->width[column] - length : 0;
    if (p->right[column]) printf("%*s%s", (int)pad, "", text);
    else printf("%s%*s", text, column + 1 < p->columns ? (int)pad : 0, "");
    fputs(column + 1 < p->columns ? "  " : "\n", stdout);
}

/* The rows kept so far, the names of the columns first. */
static void flush_table(printer *p)
{
    for (size_t i = 0; i < p->kept_count; i++) {
        print_cell(p, (int)(i % (size_t)p->columns), p->kept[i] != NULL ? p->kept[i] : "-");
        pp_free(p->kept[i]);
    }
    PP_FREE(p->kept);
    p->kept_count = p->kept_room = 0;
    p->flushed = 1;
}

static pp_status keep_cell(printer *p, int column, const char *text, pp_error *err)
{
    pp_status status =
        pp_grow((void **)&p->kept, &p->kept_room, p->kept_count + 1, sizeof *p->kept, err);
    if (status != PP_OK) return status;
    size_t length = text != NULL ? characters(text) : 1;
    if (length > p->width[column]) p->width[column] = length < SHOWN_WIDTH ? length : SHOWN_WIDTH;
    p->kept[p->kept_count++] = text != NULL ? pp_strdup(text) : NULL;
    return PP_OK;
}

static pp_status table_row(printer *p, const char *const *names, const pp_catalogue_cell *cells,
                           pp_error *err)
{
    pp_status status = PP_OK;
    for (int i = 0; p->rows == 0 && status == PP_OK && i < p->columns; i++) {
        status = keep_cell(p, i, names[i], err);
    }
    for (int i = 0; status == PP_OK && i < p->columns; i++) {
        if (p->rows == 0) p->right[i] = cells[i].is_number;
        if (!p->flushed) status = keep_cell(p, i, cells[i].text, err);
        else print_cell(p, i, cells[i].text != NULL ? cells[i].text : "-");
    }
    if (!p->flushed && p->rows + 1 >= MEASURED) flush_table(p);
    return status;
}

static void csv_cell(const char *text, int last)
{
    if (strpbrk(text, ",\"\r\n") != NULL) {
        putchar('"');
        for (; *text != '\0'; text++) {
            if (*text == '"') putchar('"');
            putchar(*text);
        }
        putchar('"');
    } else {
        fputs(text, stdout);
    }
    fputs(last ? "\n" : ",", stdout);
}

static void csv_row(const printer *p, const char *const *names, const pp_catalogue_cell *cells)
{
    for (int i = 0; p->rows == 0 && i < p->columns; i++) csv_cell(names[i], i + 1 == p->columns);
    for (int i = 0; i < p->columns; i++) {
        csv_cell(cells[i].text != NULL ? cells[i].text : "", i + 1 == p->columns);
    }
}

static void json_row(const printer *p, const char *const *names, const pp_catalogue_cell *cells)
{
    pp_json *row = pp_json_object();
    for (int i = 0; i < p->columns; i++) {
        const char *text = cells[i].text;
        if (text == NULL || !cells[i].is_number) pp_json_set_text(row, names[i], text);
        else if (strpbrk(text, ".eE") != NULL) pp_json_set_real(row, names[i], strtod(text, NULL));
        else pp_json_set_int(row, names[i], strtoll(text, NULL, 10));
    }
    char *text = pp_json_dump(row, 0);
    if (text != NULL) puts(text);
    pp_free(text);
    pp_json_free(&row);
}

static pp_status on_row(void *user, int columns, const char *const *names,
                        const pp_catalogue_cell *cells, pp_error *err)
{
    printer *p = user;
    p->columns = columns;
    pp_status status = PP_OK;
    if (p->form == FORM_TABLE) status = table_row(p, names, cells, err);
    else if (p->form == FORM_CSV) csv_row(p, names, cells);
    else json_row(p, names, cells);
    p->rows++;
    return status;
}

/* ---- the questions -------------------------------------------------------------------------- */

static const char list_sources[] =
    "SELECT v.source_path AS video, s.source, s.label, round(s.confidence, 2) AS confidence,"
    " round(s.level_db, 1) AS level_db, round(s.seen, 2) AS seen,"
    " round((s.box_left + s.box_right) / 2, 2) AS x,"
    " round((s.box_top + s.box_bottom) / 2, 2) AS y, v.archive"
    " FROM videos v JOIN sources s ON s.content = v.content"
    " WHERE (?1 = '' OR s.label = ?1 COLLATE NOCASE)"
    " AND (?2 = '' OR s.level_db >= CAST(?2 AS REAL))"
    " AND (?3 = '' OR s.confidence >= CAST(?3 AS REAL))"
    " AND (?4 = '' OR v.duration_s >= CAST(?4 AS REAL))"
    " AND (?5 = '' OR instr(v.source_path, ?5) > 0)"
    " ORDER BY v.source_path, v.source_id, s.source";

static const char list_annotations[] =
    "SELECT v.source_path AS video, round(a.start_s, 2) AS start_s, round(a.end_s, 2) AS end_s,"
    " a.source, a.label, round(a.confidence, 2) AS confidence, round(a.level_db, 1) AS level_db"
    " FROM videos v JOIN annotations a ON a.content = v.content"
    " WHERE (?1 = '' OR a.label = ?1 COLLATE NOCASE)"
    " AND (?2 = '' OR a.level_db >= CAST(?2 AS REAL))"
    " AND (?3 = '' OR a.confidence >= CAST(?3 AS REAL))"
    " AND (?4 = '' OR v.duration_s >= CAST(?4 AS REAL))"
    " AND (?5 = '' OR instr(v.source_path, ?5) > 0)"
    " ORDER BY v.source_path, v.source_id, a.start_s, a.source";

static int run_query(int argc, char **argv)
{
    query_options options = {0};
    int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    const char *parameters[FILTERS];
    for (int i = 0; i < FILTERS; i++) {
        parameters[i] = options.filters[i] != NULL ? options.filters[i] : "";
    }
    const char *sql = options.when ? list_annotations : list_sources;
    if (options.sql != NULL) sql = options.sql;
    printer p = {.form = options.form};
    pp_error err = {0};
    pp_status status = pp_catalogue_query(options.out_folder, sql, parameters,
                                          options.sql != NULL ? 0 : FILTERS, on_row, &p, &err);
    if (!p.flushed) flush_table(&p);
    if (status != PP_OK) pp_log_failure(PP_LOG_ERROR, "pp query", &err);
    else if (p.form == FORM_TABLE && p.rows == 0) puts("nothing found");
    return status == PP_OK ? 0 : status == PP_ERR_USAGE ? 2 : 1;
}

const pp_verb pp_verb_query = {"query", "who plays what, in which videos (or SQL)", run_query};
