#include "eval/inputs.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

enum { DEEPEST = 16 }; /* folders in folders: a loop of links ends here */

static int is_media(const char *name)
{
    static const char *const endings[] = {".mp4", ".mkv", ".webm", ".mov",  ".avi", ".mpg", ".m4v",
                                          ".ts",  ".ogv", ".wav",  ".flac", ".mp3", ".ogg", ".opus",
                                          ".m4a", ".aac", ".flv",  ".wmv",  ".3gp"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        if (pp_text_ends_with(name, endings[i])) return 1;
    }
    return 0;
}

/* path: taken. */
static pp_status add_one(pp_solos *solos, char *path, const char *label, pp_error *err)
{
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    pp_status status =
        pp_grow((void **)&solos->items, &solos->room, solos->count + 1, sizeof *solos->items, err);
    if (status != PP_OK) {
        pp_free(path);
        return status;
    }
    pp_solo *solo = &solos->items[solos->count++];
    solo->path = path;
    snprintf(solo->label, sizeof solo->label, "%s", label);
    return PP_OK;
}

static int not_hidden(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static pp_status add_folder(pp_solos *solos, const char *folder, const char *label, int depth,
                            pp_error *err)
{
    if (depth > DEEPEST) {
        return pp_fail(err, PP_ERR_USAGE, "%s: more than %d folders deep", folder, DEEPEST);
    }
    struct dirent **entries = NULL;
    const int count = scandir(folder, &entries, not_hidden, by_bytes);
    if (count < 0) return pp_fail_errno(err, "%s: cannot list", folder);
    pp_status status = PP_OK;
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char *path = status == PP_OK ? pp_path_join(folder, name) : NULL;
        if (status == PP_OK && path != NULL && pp_path_is_folder(path)) {
            status = add_folder(solos, path, name, depth + 1, err);
            pp_free(path);
        } else if (status == PP_OK && is_media(name)) {
            status = add_one(solos, path, label, err);
        } else {
            pp_free(path);
        }
        free(entries[i]);
    }
    free(entries);
    return status;
}

/* A path of a list: relative ones count from the list's own folder. */
static char *beside(const char *list, const char *path)
{
    if (path[0] == '/') return pp_strdup(path);
    char *folder = pp_path_folder(list);
    char *joined = folder != NULL ? pp_path_join(folder, path) : NULL;
    pp_free(folder);
    return joined;
}

static pp_status add_table(pp_solos *solos, const char *table, const char *split, pp_error *err)
{
    pp_csv *csv = NULL;
    pp_status status = pp_csv_read(&csv, table, 1, err);
    if (status != PP_OK) return status;
    const int path = pp_csv_column(csv, "path"), splits = pp_csv_column(csv, "split");
    size_t several = 0;
    int label = pp_csv_column(csv, "label");
    if (label < 0) label = pp_csv_column(csv, "labels");
    if (path < 0) {
        status = pp_fail(err, PP_ERR_USAGE, "%s: no column 'path' in its header", table);
    } else if (split != NULL && splits < 0) {
        status = pp_fail(err, PP_ERR_USAGE, "%s: no column 'split', but split '%s' is asked for",
                         table, split);
    }
    for (size_t row = 0; status == PP_OK && row < pp_csv_rows(csv); row++) {
        if (split != NULL && strcmp(pp_csv_cell(csv, row, splits), split) != 0) continue;
        const char *words = pp_csv_cell(csv, row, label);
        if (strchr(words, ';') != NULL) {
            several++;
            continue;
        }
        status = add_one(solos, beside(table, pp_csv_cell(csv, row, path)), words, err);
    }
    if (several > 0) {
        pp_log(PP_LOG_INFO, "%s: %zu rows have several labels and are no solos: left out", table,
               several);
    }
    pp_csv_destroy(&csv);
    return status;
}

static pp_status add_list(pp_solos *solos, const char *list, pp_error *err)
{
    char *text = NULL;
    size_t length = 0;
    pp_status status = pp_text_read_file(&text, &length, list, (size_t)1 << 28, err);
    char *rest = text, *line;
    while (status == PP_OK && (line = strsep(&rest, "\n")) != NULL) {
        line[strcspn(line, "\r")] = '\0';
        if (line[0] == '\0' || line[0] == '#') continue;
        char *path = beside(list, line), *folder = path != NULL ? pp_path_folder(path) : NULL;
        status = add_one(solos, path, folder != NULL ? pp_path_name(folder) : "", err);
        pp_free(folder);
    }
    pp_free(text);
    return status;
}

pp_status pp_solos_add(pp_solos *solos, const char *argument, const char *split, pp_error *err)
{
    if (pp_path_is_folder(argument)) {
        char *manifest = pp_path_join(argument, "manifest.csv");
        if (manifest == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
        pp_status status = pp_path_exists(manifest) ? add_table(solos, manifest, split, err)
                                                    : add_folder(solos, argument, "", 0, err);
        pp_free(manifest);
        return status;
    }
    if (!pp_path_exists(argument)) {
        return pp_fail(err, PP_ERR_NOT_FOUND, "%s: no such file or folder", argument);
    }
    if (pp_text_ends_with(argument, ".csv")) return add_table(solos, argument, split, err);
    if (pp_text_ends_with(argument, ".txt")) return add_list(solos, argument, err);
    return add_one(solos, pp_strdup(argument), "", err);
}

void pp_solos_release(pp_solos *solos)
{
    for (size_t i = 0; i < solos->count; i++) pp_free(solos->items[i].path);
    PP_FREE(solos->items);
    solos->count = solos->room = 0;
}
