#include "store/corpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"

#define FORMAT "pixelplayer-corpus"
#define VERSION 1

#define HEX(name, member)                                                                          \
    {                                                                                              \
        name, "1", offsetof(pp_corpus_row, member), PP_H5_U8, PP_HASH_HEX                          \
    }

static const pp_h5_column columns[] = {
    HEX("source_sha256", source_sha256),
    HEX("stage_key_probe", stage_keys[0]),
    HEX("stage_key_see", stage_keys[1]),
    HEX("stage_key_listen", stage_keys[2]),
    HEX("stage_key_cast", stage_keys[3]),
    HEX("stage_key_separate", stage_keys[4]),
    HEX("stage_key_publish", stage_keys[5]),
    {"duration_s", "s", offsetof(pp_corpus_row, duration_s), PP_H5_F64, 0},
    {"sources", "1", offsetof(pp_corpus_row, sources), PP_H5_I32, 0},
    {"has_maps", "1", offsetof(pp_corpus_row, has_maps), PP_H5_I32, 0},
    {"size_bytes", "B", offsetof(pp_corpus_row, size_bytes), PP_H5_I64, 0},
    {"mtime_ns", "ns", offsetof(pp_corpus_row, mtime_ns), PP_H5_I64, 0},
};
#define COLUMNS ((int)(sizeof columns / sizeof *columns))

int pp_corpus_compare(const void *a, const void *b)
{
    const pp_corpus_row *one = a, *two = b;
    int order = strcmp(one->source_path, two->source_path);
    if (order == 0) order = strcmp(one->source_id, two->source_id);
    return order != 0 ? order : strcmp(one->archive, two->archive);
}

/* ---- writing -------------------------------------------------------------------------------- */

typedef const char *(*text_of)(const pp_corpus_row *row);

static const char *path_of(const pp_corpus_row *row)
{
    return row->source_path;
}

static const char *id_of(const pp_corpus_row *row)
{
    return row->source_id;
}

static const char *archive_of(const pp_corpus_row *row)
{
    return row->archive;
}

static const struct {
    const char *path, *long_name;
    text_of text;
    size_t offset; /* of the text in the row */
} text_sets[] = {
    {"/corpus/source_path", "name of each video as it was given, its bytes unchanged", path_of,
     offsetof(pp_corpus_row, source_path)},
    {"/corpus/source_id", "identifier of the manifest; empty: none", id_of,
     offsetof(pp_corpus_row, source_id)},
    {"/corpus/archive", "archive of each video, relative to this file", archive_of,
     offsetof(pp_corpus_row, archive)},
};
#define TEXT_SETS (sizeof text_sets / sizeof *text_sets)

static pp_status put_texts(pp_h5 *h5, const pp_corpus_row *rows, int64_t count, pp_error *err)
{
    const char **texts = pp_alloc((size_t)count, sizeof *texts);
    if (texts == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the corpus");
    pp_status status = PP_OK;
    for (size_t set = 0; status == PP_OK && set < TEXT_SETS; set++) {
        for (int64_t i = 0; i < count; i++) texts[i] = text_sets[set].text(&rows[i]);
        status =
            pp_h5_put_texts(h5, text_sets[set].path, texts, count, text_sets[set].long_name, err);
    }
    pp_free(texts);
    return status;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* /archives/<name> for each archive once, in the order of their names. */
static pp_status put_links(pp_h5 *h5, const pp_corpus_row *rows, int64_t count, pp_error *err)
{
    const char **archives = pp_alloc((size_t)count, sizeof *archives);
    if (archives == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the corpus");
    for (int64_t i = 0; i < count; i++) archives[i] = rows[i].archive;
    qsort(archives, (size_t)count, sizeof *archives, by_name);
    pp_status status = PP_OK;
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        if (i > 0 && strcmp(archives[i], archives[i - 1]) == 0) continue;
        const char *name = pp_path_name(archives[i]);
        size_t length = strlen(name);
        if (length > 3 && strcmp(name + length - 3, ".h5") == 0) length -= 3;
        char *link = pp_format("/archives/%.*s", (int)length, name);
        if (link == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for the corpus");
        else status = pp_h5_link_external(h5, link, archives[i], "/", err);
        pp_free(link);
    }
    pp_free(archives);
    return status;
}

static pp_status put_all(pp_h5 *h5, const pp_corpus_row *rows, int64_t count, pp_error *err)
{
    pp_status status = pp_h5_set_text(h5, "/", "format", FORMAT, err);
    if (status == PP_OK) status = pp_h5_set_int(h5, "/", "version", VERSION, err);
    if (status == PP_OK) {
        status = pp_h5_put_table(h5, "/corpus/videos", columns, COLUMNS, rows, sizeof *rows, count,
                                 "one row a video, in the order of /corpus/source_path", err);
    }
    if (status == PP_OK) status = put_texts(h5, rows, count, err);
    if (status == PP_OK) status = put_links(h5, rows, count, err);
    return status;
}

pp_status pp_corpus_write(const pp_fileops *ops, const char *out_folder, const pp_corpus_row *rows,
                          int64_t count, pp_error *err)
{
    char *path = pp_path_join(out_folder, "corpus.h5");
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_h5 *h5 = NULL;
    pp_status status = pp_h5_create(&h5, ops, path, err);
    if (status == PP_OK) status = put_all(h5, rows, count, err);
    if (status == PP_OK) status = pp_h5_commit(&h5, err);
    pp_h5_close(&h5);
    pp_free(path);
    return status;
}

/* ---- reading -------------------------------------------------------------------------------- */

static pp_status check_format(pp_h5 *h5, pp_error *err)
{
    char *format;
    int64_t version;
    pp_status status = pp_h5_get_text(h5, "/", "format", &format, err);
    if (status != PP_OK) return status;
    if (strcmp(format, FORMAT) != 0) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: is not the table of a corpus", pp_h5_path(h5));
    }
    pp_free(format);
    if (status == PP_OK) status = pp_h5_get_int(h5, "/", "version", &version, err);
    if (status == PP_OK && version != VERSION) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: is of version %lld, this program reads %d",
                         pp_h5_path(h5), (long long)version, VERSION);
    }
    return status;
}

/* The texts move from their list into the rows. */
static pp_status take_texts(pp_h5 *h5, pp_corpus_row *rows, int64_t count, pp_error *err)
{
    pp_status status = PP_OK;
    for (size_t set = 0; status == PP_OK && set < TEXT_SETS; set++) {
        char **texts;
        int64_t found;
        status = pp_h5_take_texts(h5, text_sets[set].path, &texts, &found, err);
        if (status != PP_OK) break;
        if (found != count) {
            status = pp_fail(err, PP_ERR_FORMAT, "%s: its tables differ in length", pp_h5_path(h5));
            pp_h5_free_texts(&texts, found);
            break;
        }
        for (int64_t i = 0; i < count; i++) {
            memcpy((char *)&rows[i] + text_sets[set].offset, &texts[i], sizeof texts[i]);
        }
        pp_free(texts);
    }
    return status;
}

static pp_status take_all(pp_h5 *h5, pp_corpus_row **rows, int64_t *count, pp_error *err)
{
    pp_status status = check_format(h5, err);
    if (status == PP_OK) {
        status = pp_h5_take_table(h5, "/corpus/videos", columns, COLUMNS, sizeof **rows,
                                  (void **)rows, count, err);
    }
    if (status == PP_OK) status = take_texts(h5, *rows, *count, err);
    if (status == PP_ERR_NOT_FOUND) { /* the file is there: a part of it is missing */
        status = PP_ERR_FORMAT;
        if (err != NULL) err->status = status;
    }
    return status;
}

pp_status pp_corpus_read(const pp_fileops *ops, const char *out_folder, pp_corpus_row **rows,
                         int64_t *count, pp_error *err)
{
    *rows = NULL;
    *count = 0;
    char *path = pp_path_join(out_folder, "corpus.h5");
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_h5 *h5 = NULL;
    pp_status status = pp_h5_open(&h5, ops, path, err);
    if (status == PP_OK) status = take_all(h5, rows, count, err);
    if (status == PP_ERR_FORMAT) {
        pp_advise(err, "it is a cache: `pp index %s` makes it again from the archives", out_folder);
    }
    if (status != PP_OK) {
        pp_corpus_free(rows, *count);
        *count = 0;
    }
    pp_h5_close(&h5);
    pp_free(path);
    return status;
}

void pp_corpus_row_free(pp_corpus_row *row)
{
    pp_free((void *)row->source_path);
    pp_free((void *)row->source_id);
    pp_free((void *)row->archive);
    row->source_path = row->source_id = row->archive = NULL;
}

void pp_corpus_free(pp_corpus_row **rows, int64_t count)
{
    for (int64_t i = 0; *rows != NULL && i < count; i++) pp_corpus_row_free(&(*rows)[i]);
    PP_FREE(*rows);
}

pp_status pp_corpus_row_of(pp_corpus_row *row, const pp_archive_header *header, const char *archive,
                           pp_error *err)
{
    *row = (pp_corpus_row){.source_path = pp_strdup(header->source_path),
                           .source_id = pp_strdup(header->source_id),
                           .archive = pp_strdup(archive),
                           .duration_s = header->duration_s,
                           .sources = header->sources,
                           .has_maps = header->with_maps,
                           .size_bytes = -1,
                           .mtime_ns = -1};
    memcpy(row->source_sha256, header->source_sha256, sizeof row->source_sha256);
    memcpy(row->stage_keys, header->stage_keys, sizeof row->stage_keys);
    if (row->source_path != NULL && row->source_id != NULL && row->archive != NULL) return PP_OK;
    pp_corpus_row_free(row);
    return pp_fail(err, PP_ERR_NOMEM, "no memory for a row of the corpus");
}
