#include "eval/ready_made.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv.h"
#include "base/memory.h"
#include "base/path.h"

typedef struct table {
    pp_protocol *protocol;
    pp_clip_cache *cache;
    const pp_csv *csv;
    const char *path;
    char *folder;
    int64_t most_samples;
} table;

pp_status pp_ready_made_is(const char *path, int *yes, pp_error *err)
{
    pp_csv *csv = NULL;
    pp_status status = pp_csv_read(&csv, path, 1, err);
    *yes = status == PP_OK && pp_csv_column(csv, "mixture") >= 0;
    pp_csv_destroy(&csv);
    return status;
}

static const char *cell(const table *t, size_t row, const char *name, int number)
{
    char column[32];
    snprintf(column, sizeof column, "%s_%d", name, number);
    return pp_csv_cell(t->csv, row, pp_csv_column(t->csv, column));
}

/* Enters a file of the table; relative paths count from its folder. */
static pp_status enter(const table *t, const char *path, int32_t *index, pp_error *err)
{
    char *joined = path[0] == '/' ? pp_strdup(path) : pp_path_join(t->folder, path);
    if (joined == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    pp_status status = pp_protocol_add_file(t->protocol, joined, index, err);
    pp_free(joined);
    return status;
}

static pp_status no_picture(const table *t, size_t row, const char *pattern, pp_error *err)
{
    return pp_fail(err, PP_ERR_NOT_FOUND, "%s: line %zu: no picture matches '%s'", t->path,
                   pp_csv_line(t->csv, row), pattern);
}

static pp_status enter_pictures(const table *t, size_t row, const char *pattern,
                                pp_protocol_source *s, pp_error *err)
{
    char *joined = pattern[0] == '/' ? pp_strdup(pattern) : pp_path_join(t->folder, pattern);
    if (joined == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    glob_t found = {0};
    /* A name that exists is itself, whatever characters it has. */
    const int plain = pp_path_exists(joined);
    const int result = plain ? 0 : glob(joined, 0, NULL, &found);
    const size_t count = plain ? 1 : result == 0 ? found.gl_pathc : 0;
    pp_status status = PP_OK;
    if (result == GLOB_NOSPACE) status = pp_fail(err, PP_ERR_NOMEM, "no memory for file names");
    else if (count == 0) status = no_picture(t, row, pattern, err);
    else if (count > PP_PROTOCOL_MOST_PICTURES) {
        status =
            pp_fail(err, PP_ERR_USAGE, "%s: line %zu: '%s' matches %zu pictures, at most %d",
                    t->path, pp_csv_line(t->csv, row), pattern, count, PP_PROTOCOL_MOST_PICTURES);
    }
    for (size_t i = 0; i < count && status == PP_OK; i++) {
        status = pp_protocol_add_file(t->protocol, plain ? joined : found.gl_pathv[i],
                                      &s->pictures[s->picture_count], err);
        if (status == PP_OK) s->picture_count++;
    }
    for (int i = 0; i < s->picture_count && status == PP_OK; i++) {
        status = pp_protocol_check_file(t->protocol, s->pictures[i], err);
    }
    globfree(&found);
    pp_free(joined);
    return status;
}

static pp_status check_reference(const table *t, const pp_protocol_mixture *m, int i,
                                 int64_t mixture_total, pp_error *err)
{
    const pp_protocol_source *s = &m->source[i];
    const char *path = t->protocol->files[s->sound].path;
    const pp_clip *clip = NULL;
    pp_status status = pp_clip_cache_get(t->cache, s->sound, s->start, m->samples, &clip, err);
    if (status != PP_OK) return status;
    if (llabs(clip->total - mixture_total) > t->protocol->rate_hz / 10) {
        return pp_fail(err, PP_ERR_USAGE, "%s: %.2f s long, but its mixture %.2f s", path,
                       (double)clip->total / t->protocol->rate_hz,
                       (double)mixture_total / t->protocol->rate_hz);
    }
    if (!(clip->level_db >= t->protocol->silence_db)) {
        return pp_fail(err, PP_ERR_USAGE,
                       "%s: silent (%.1f dBFS, least %.1f): SDR against it would mean nothing",
                       path, clip->level_db, t->protocol->silence_db);
    }
    return PP_OK;
}

static pp_status read_row(const table *t, size_t row, pp_error *err)
{
    pp_protocol_mixture m = {.mixture = -1};
    const pp_clip *clip = NULL;
    const char *mixture = pp_csv_cell(t->csv, row, pp_csv_column(t->csv, "mixture"));
    pp_status status = enter(t, mixture, &m.mixture, err);
    if (status == PP_OK) status = pp_clip_cache_get(t->cache, m.mixture, 0, 0, &clip, err);
    if (status != PP_OK) return status;
    const int64_t total = clip->total;
    m.samples = total < t->most_samples ? total : t->most_samples;
    for (int i = 0; i < PP_BSS_MOST_SOURCES; i++) {
        const char *reference = cell(t, row, "reference", i + 1);
        if (reference[0] == '\0') break;
        pp_protocol_source *s = &m.source[m.sources++];
        snprintf(s->label, sizeof s->label, "%s", cell(t, row, "label", i + 1));
        s->start = (total - m.samples) / 2;
        s->shuffled_mixture = s->shuffled_source = -1;
        status = enter(t, reference, &s->sound, err);
        if (status == PP_OK) status = check_reference(t, &m, i, total, err);
        const char *pictures = cell(t, row, "pictures", i + 1);
        if (status == PP_OK && pictures[0] != '\0') {
            status = enter_pictures(t, row, pictures, s, err);
        }
        if (status != PP_OK) return status;
    }
    if (m.sources == 0) {
        return pp_fail(err, PP_ERR_USAGE, "%s: line %zu: no reference_1", t->path,
                       pp_csv_line(t->csv, row));
    }
    return pp_protocol_add_mixture(t->protocol, &m, err);
}

pp_status pp_ready_made_read(pp_protocol *protocol, pp_clip_cache *cache, const char *path,
                             int64_t most_samples, pp_error *err)
{
    pp_csv *csv = NULL;
    pp_status status = pp_csv_read(&csv, path, 1, err);
    if (status != PP_OK) return status;
    table t = {protocol, cache, csv, path, pp_path_folder(path), most_samples};
    if (t.folder == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    for (size_t row = 0; row < pp_csv_rows(csv) && status == PP_OK; row++) {
        status = read_row(&t, row, err);
    }
    if (status == PP_OK && pp_csv_rows(csv) == 0) {
        status = pp_fail(err, PP_ERR_USAGE, "%s: no mixtures in it", path);
    }
    if (status == PP_OK) pp_protocol_shuffle(protocol);
    pp_free(t.folder);
    pp_csv_destroy(&csv);
    return status;
}
