#include "tools/run_speed.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"

typedef struct entry {
    char *archive;
    double work_s;
    size_t order; /* as read */
} entry;

struct run_speed {
    entry *entries; /* once all is read: by archive, the last one of each */
    size_t count, capacity;
};

void run_speed_destroy(run_speed **speed)
{
    if (speed == NULL || *speed == NULL) return;
    for (size_t i = 0; i < (*speed)->count; i++) pp_free((*speed)->entries[i].archive);
    pp_free((*speed)->entries);
    PP_FREE(*speed);
}

/* A line that cannot be read is one cut short by a crash. */
static pp_status take_line(run_speed *speed, const char *line, size_t length, pp_error *err)
{
    pp_json *json = NULL;
    pp_error ignored = {0};
    if (strstr(line, "\"outcome\"") == NULL) return PP_OK;
    if (pp_json_parse(&json, line, length, "run.jsonl", &ignored) != PP_OK) return PP_OK;
    pp_json *details = pp_json_get(json, "details");
    const char *archive = pp_json_text(details, "archive", NULL);
    double work_s = pp_json_real(details, "work_s", 0);
    pp_status status = PP_OK;
    if (archive != NULL && work_s > 0) {
        status = pp_grow((void **)&speed->entries, &speed->capacity, speed->count + 1,
                         sizeof *speed->entries, err);
        char *copy = status == PP_OK ? pp_strdup(archive) : NULL;
        size_t order = speed->count;
        if (copy != NULL) speed->entries[speed->count++] = (entry){copy, work_s, order};
        else status = pp_fail(err, PP_ERR_NOMEM, "no memory for the events of a run");
    }
    pp_json_free(&json);
    return status;
}

static pp_status take_file(run_speed *speed, const char *path, pp_error *err)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return PP_OK; /* gone meanwhile */
    char *line = NULL;
    size_t room = 0;
    ssize_t length;
    pp_status status = PP_OK;
    while (status == PP_OK && (length = getline(&line, &room, file)) > 0) {
        status = take_line(speed, line, (size_t)length, err);
    }
    free(line); /* getline's */
    fclose(file);
    return status;
}

static int by_archive(const void *left, const void *right)
{
    return strcmp(((const entry *)left)->archive, ((const entry *)right)->archive);
}

static int by_archive_and_order(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    int order = by_archive(left, right);
    return order != 0 ? order : (a->order > b->order) - (a->order < b->order);
}

/* Of each archive the last entry stays. */
static void sort_entries(run_speed *speed)
{
    size_t kept = 0;
    if (speed->count == 0) return;
    qsort(speed->entries, speed->count, sizeof *speed->entries, by_archive_and_order);
    for (size_t i = 0; i < speed->count; i++) {
        int last =
            i + 1 == speed->count || by_archive(&speed->entries[i], &speed->entries[i + 1]) != 0;
        if (last) speed->entries[kept++] = speed->entries[i];
        else pp_free(speed->entries[i].archive);
    }
    speed->count = kept;
}

pp_status run_speed_create(run_speed **out, const char *out_folder, pp_error *err)
{
    *out = pp_alloc(1, sizeof **out);
    if (*out == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the events of a run");
    DIR *folder = opendir(out_folder);
    pp_status status = PP_OK;
    for (struct dirent *found; folder != NULL && status == PP_OK && (found = readdir(folder));) {
        if (strncmp(found->d_name, "run", 3) != 0) continue;
        if (!pp_text_ends_with(found->d_name, ".jsonl")) continue;
        char *path = pp_path_join(out_folder, found->d_name);
        status = path != NULL ? take_file(*out, path, err)
                              : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        pp_free(path);
    }
    if (folder != NULL) closedir(folder);
    if (status == PP_OK) sort_entries(*out);
    else run_speed_destroy(out);
    return status;
}

double run_speed_work_s(const run_speed *speed, const char *archive)
{
    if (speed == NULL || speed->count == 0) return 0;
    entry wanted = {.archive = (char *)(uintptr_t)archive};
    const entry *found =
        bsearch(&wanted, speed->entries, speed->count, sizeof *speed->entries, by_archive);
    return found != NULL ? found->work_s : 0;
}
