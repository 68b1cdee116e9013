/* List files and manifests. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/csv.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/inputs_internal.h"

#define MOST_LIST_BYTES ((size_t)1 << 30)

/* ---- lists ------------------------------------------------------------------------------------
 */

static pp_status add_listed(pp_inputs *inputs, const char *folder, const char *name, pp_error *err)
{
    if (*name == '\0') return PP_OK;
    char *path = pp_inputs_resolve(folder, name);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = pp_inputs_add_path(inputs, path, err);
    pp_free(path);
    return status;
}

static pp_status add_empty(pp_inputs *inputs, const char *path, pp_error *err)
{
    pp_error problem = {0};
    pp_fail(&problem, PP_ERR_NOT_FOUND, "no videos are named in %s", path);
    pp_advise(&problem, "a list has one path a line; a manifest a header line and one row a video");
    return pp_inputs_problem(inputs, path, &problem, err);
}

static pp_status read_list(char **text, size_t *length, char **folder, pp_inputs *inputs,
                           const char *path, pp_error *err)
{
    pp_error problem = {0};
    *folder = NULL;
    *text = NULL;
    if (pp_text_read_file(text, length, path, MOST_LIST_BYTES, &problem) != PP_OK) {
        return pp_inputs_problem(inputs, path, &problem, err);
    }
    *folder = pp_path_folder(path);
    if (*folder != NULL) return PP_OK;
    PP_FREE(*text);
    return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
}

pp_status pp_inputs_add_list(pp_inputs *inputs, const char *path, pp_error *err)
{
    char *text, *folder;
    size_t length = 0, before = inputs->count;
    pp_status status = read_list(&text, &length, &folder, inputs, path, err);
    if (text == NULL) return status;
    char separator = memchr(text, '\0', length) != NULL ? '\0' : '\n';
    for (char *at = text, *end = text + length; status == PP_OK && at < end;) {
        char *stop = memchr(at, separator, (size_t)(end - at));
        char *next = stop != NULL ? stop + 1 : end;
        if (stop == NULL) stop = end;
        *stop = '\0';
        if (separator == '\n' && stop > at && stop[-1] == '\r') stop[-1] = '\0';
        status = add_listed(inputs, folder, at, err);
        at = next;
    }
    pp_free(text);
    pp_free(folder);
    if (status == PP_OK && inputs->count == before) return add_empty(inputs, path, err);
    return status;
}

/* ---- manifests --------------------------------------------------------------------------------
 */

enum {
    COLUMN_ID,
    COLUMN_PATH,
    COLUMN_START,
    COLUMN_END,
    COLUMN_TRACK,
    COLUMN_SPLIT,
    COLUMN_LABELS,
    COLUMNS
};
static const char *const column_names[COLUMNS] = {"id",    "path",  "start", "end",
                                                  "track", "split", "labels"};
typedef struct manifest {
    const char *path, *folder; /* borrowed */
    pp_csv *table;             /* owned; row 0 is the header: rows may be longer or shorter */
    int place[COLUMNS];        /* column number, -1: not there */
    size_t row;
} manifest;

static const char *value_of(const manifest *m, int column)
{
    return pp_csv_cell(m->table, m->row, m->place[column]);
}

static pp_status read_header(manifest *m, pp_error *problem)
{
    for (int c = 0; c < COLUMNS; c++) m->place[c] = -1;
    size_t cells = pp_csv_rows(m->table) > 0 ? pp_csv_cells(m->table, 0) : 0;
    for (size_t f = 0; f < cells; f++) {
        for (int c = 0; c < COLUMNS; c++) {
            const char *name = pp_csv_cell(m->table, 0, (int)f);
            if (strcasecmp(name, column_names[c]) == 0) m->place[c] = (int)f;
        }
    }
    if (m->place[COLUMN_PATH] >= 0) return PP_OK;
    pp_fail(problem, PP_ERR_USAGE, "the manifest %s has no column 'path' in its first line",
            m->path);
    return pp_advise(problem, "begin with a header line: id,path,start,end,track,split,labels "
                              "(path is needed, the others may be left out)");
}

/* Seconds, or h:mm:ss, or mm:ss; empty is 0. */
static pp_status read_time(double *out, const char *text, const char *what, pp_error *problem)
{
    *out = 0;
    if (*text == '\0') return PP_OK;
    double whole = 0;
    for (const char *colon; (colon = strchr(text, ':')) != NULL; text = colon + 1) {
        char part[16];
        int64_t number = 0;
        snprintf(part, sizeof part, "%.*s", (int)(colon - text), text);
        pp_status status = pp_text_to_int(&number, part, 0, 1000000, what, problem);
        if (status != PP_OK) return status;
        whole = (whole + (double)number) * 60;
    }
    double rest = 0;
    pp_status status = pp_text_to_real(&rest, text, 0, 1e7, what, problem);
    *out = whole + rest;
    return status;
}

static pp_status read_row(const manifest *m, pp_input *input, pp_error *problem)
{
    pp_status status = read_time(&input->start_s, value_of(m, COLUMN_START), "start", problem);
    if (status == PP_OK) {
        status = read_time(&input->end_s, value_of(m, COLUMN_END), "end", problem);
    }
    int64_t track = input->audio_track;
    if (status == PP_OK && *value_of(m, COLUMN_TRACK)) {
        status = pp_text_to_int(&track, value_of(m, COLUMN_TRACK), 0, 1000, "track", problem);
    }
    input->audio_track = (int)track;
    if (status == PP_OK && input->end_s > 0 && input->end_s <= input->start_s) {
        status = pp_fail(problem, PP_ERR_USAGE, "end (%g s) is not behind start (%g s)",
                         input->end_s, input->start_s);
    }
    return status;
}

static int set_text(char **text, const char *value)
{
    pp_free(*text);
    *text = pp_strdup(value);
    return *text != NULL;
}

static pp_status add_row(pp_inputs *inputs, const manifest *m, pp_error *err)
{
    pp_error problem = {0};
    pp_input *input = NULL;
    const char *name = value_of(m, COLUMN_PATH);
    char *path = *name ? pp_inputs_resolve(m->folder, name) : pp_strdup(m->path);
    pp_status status = pp_inputs_append(inputs, path, &input, err);
    if (status != PP_OK) return status;
    if (!set_text(&input->id, value_of(m, COLUMN_ID)) ||
        !set_text(&input->split, value_of(m, COLUMN_SPLIT)) ||
        !set_text(&input->labels, value_of(m, COLUMN_LABELS))) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for a manifest row");
    }
    if (*name == '\0') pp_fail(&problem, PP_ERR_USAGE, "there is no path");
    if (problem.status == PP_OK && read_row(m, input, &problem) == PP_OK) {
        pp_inputs_look(input);
        return PP_OK;
    }
    pp_error_prefix(&problem, "%s, line %zu: ", m->path, pp_csv_line(m->table, m->row));
    pp_advise(&problem, "mend this row of the manifest");
    input->problem = pp_alloc(1, sizeof problem);
    if (input->problem == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a reason");
    *input->problem = problem;
    return PP_OK;
}

pp_status pp_inputs_add_manifest(pp_inputs *inputs, const char *path, pp_error *err)
{
    size_t before = inputs->count;
    pp_error problem = {0};
    char *folder = pp_path_folder(path);
    if (folder == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    manifest m = {.path = path, .folder = folder};
    pp_status status = PP_OK;
    if (pp_csv_read(&m.table, path, 0, &problem) != PP_OK || read_header(&m, &problem) != PP_OK) {
        status = pp_inputs_problem(inputs, path, &problem, err);
    } else {
        for (m.row = 1; status == PP_OK && m.row < pp_csv_rows(m.table); m.row++) {
            status = add_row(inputs, &m, err);
        }
        if (status == PP_OK && inputs->count == before) status = add_empty(inputs, path, err);
    }
    pp_csv_destroy(&m.table);
    pp_free(folder);
    return status;
}
