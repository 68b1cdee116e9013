/* The catalogue read: one SELECT at a time, without locks and without other rights. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "store/catalogue_internal.h"

#define MOST_COLUMNS 200

/* A URI of the file; bytes that mean something in a URI are escaped. */
static char *uri_of(const char *path)
{
    char *uri = pp_alloc(3 * strlen(path) + 64, 1);
    if (uri == NULL) return NULL;
    char *to = uri + sprintf(uri, "file:");
    for (const unsigned char *at = (const unsigned char *)path; *at != 0; at++) {
        if (isalnum(*at) || strchr("/._-", *at) != NULL) *to++ = (char)*at;
        else to += sprintf(to, "%%%02x", *at);
    }
    strcpy(to, "?mode=ro&immutable=1");
    return uri;
}

/* Reading only; ATTACH and PRAGMA could reach other files. */
static int authorise(void *user, int action, const char *a, const char *b, const char *c,
                     const char *d)
{
    (void)user, (void)a, (void)c, (void)d;
    switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
        return SQLITE_OK;
    case SQLITE_FUNCTION:
        return b != NULL && strcmp(b, "load_extension") == 0 ? SQLITE_DENY : SQLITE_OK;
    default:
        return SQLITE_DENY;
    }
}

static pp_status open_catalogue(sqlite3 **db, const char *out_folder, pp_error *err)
{
    *db = NULL;
    char *path = pp_path_join(out_folder, "catalogue.sqlite");
    char *uri = path != NULL ? uri_of(path) : NULL;
    pp_status status = PP_OK;
    if (uri == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    } else if (!pp_path_exists(path)) {
        pp_fail(err, PP_ERR_NOT_FOUND, "%s: there is no such file", path);
        status = pp_advise(err, "`pp index %s` makes it from the archives", out_folder);
    } else if (sqlite3_open_v2(uri, db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) !=
               SQLITE_OK) {
        status = pp_catalogue_fail(*db, err, PP_ERR_IO, "open it");
    }
    pp_free(path);
    pp_free(uri);
    return status;
}

static pp_status give_rows(sqlite3 *db, sqlite3_stmt *statement, pp_catalogue_row on_row,
                           void *user, pp_error *err)
{
    int columns = sqlite3_column_count(statement);
    if (columns > MOST_COLUMNS) return pp_fail(err, PP_ERR_USAGE, "more than 200 columns");
    const char *names[MOST_COLUMNS];
    pp_catalogue_cell cells[MOST_COLUMNS];
    for (int i = 0; i < columns; i++) names[i] = sqlite3_column_name(statement, i);
    for (;;) {
        int code = sqlite3_step(statement);
        if (code == SQLITE_DONE) return PP_OK;
        if (code != SQLITE_ROW) {
            int damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
            return pp_catalogue_fail(db, err, damaged ? PP_ERR_FORMAT : PP_ERR_USAGE, "answer");
        }
        for (int i = 0; i < columns; i++) {
            int type = sqlite3_column_type(statement, i);
            cells[i].is_number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
            cells[i].text = (const char *)sqlite3_column_text(statement, i);
        }
        pp_status status = on_row(user, columns, names, cells, err);
        if (status != PP_OK) return status;
    }
}

static int only_space(const char *text)
{
    return text[strspn(text, " \t\r\n;")] == '\0';
}

static pp_status run_query(sqlite3 *db, const char *sql, const char *const *parameters,
                           int parameter_count, pp_catalogue_row on_row, void *user, pp_error *err)
{
    sqlite3_stmt *statement = NULL;
    const char *rest = "";
    sqlite3_set_authorizer(db, authorise, NULL);
    int code = sqlite3_prepare_v2(db, sql, -1, &statement, &rest);
    if (code != SQLITE_OK) {
        int damaged = code == SQLITE_CORRUPT || code == SQLITE_NOTADB;
        if (code == SQLITE_AUTH) {
            return pp_fail(err, PP_ERR_USAGE, "only SELECT is allowed here: %s", sql);
        }
        return pp_catalogue_fail(db, err, damaged ? PP_ERR_FORMAT : PP_ERR_USAGE,
                                 "understand the query");
    }
    pp_status status = PP_OK;
    if (statement == NULL) status = pp_fail(err, PP_ERR_USAGE, "the query is empty");
    else if (!only_space(rest)) status = pp_fail(err, PP_ERR_USAGE, "one query at a time, please");
    for (int i = 0; status == PP_OK && i < parameter_count; i++) {
        sqlite3_bind_text(statement, i + 1, parameters[i], -1, SQLITE_TRANSIENT);
    }
    if (status == PP_OK) status = give_rows(db, statement, on_row, user, err);
    sqlite3_finalize(statement);
    return status;
}

pp_status pp_catalogue_query(const char *out_folder, const char *sql, const char *const *parameters,
                             int parameter_count, pp_catalogue_row on_row, void *user,
                             pp_error *err)
{
    sqlite3 *db;
    pp_status status = open_catalogue(&db, out_folder, err);
    if (status == PP_OK) {
        status = run_query(db, sql, parameters, parameter_count, on_row, user, err);
    }
    if (status == PP_ERR_FORMAT) {
        pp_advise(err, "it is a cache: `pp index %s` makes it again from the archives", out_folder);
    }
    sqlite3_close(db);
    return status;
}

/* ---- checking ------------------------------------------------------------------------------- */

typedef struct listed { /* of one archive in the catalogue */
    int64_t content;
    char key[PP_HASH_HEX];
    int wanted; /* some row is of it */
} listed;

typedef struct listing {
    listed *all;
    size_t count, room;
} listing;

static pp_status add_listed(void *user, int columns, const char *const *names,
                            const pp_catalogue_cell *cells, pp_error *err)
{
    (void)columns, (void)names;
    listing *list = user;
    pp_status status =
        pp_grow((void **)&list->all, &list->room, list->count + 1, sizeof *list->all, err);
    if (status != PP_OK) return status;
    listed *entry = &list->all[list->count++];
    entry->content = cells[0].text != NULL ? strtoll(cells[0].text, NULL, 10) : -1;
    snprintf(entry->key, sizeof entry->key, "%s", cells[1].text != NULL ? cells[1].text : "");
    return PP_OK;
}

static int by_content(const void *a, const void *b)
{
    int64_t one = ((const listed *)a)->content, two = ((const listed *)b)->content;
    return one < two ? -1 : one > two;
}

/* Each cell by its text with its NUL; NULL as a byte that no text has. */
static void digest_rows(pp_hash *hash, sqlite3_stmt *rows)
{
    while (sqlite3_step(rows) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(rows); i++) {
            const char *text = (const char *)sqlite3_column_text(rows, i);
            if (text != NULL) pp_hash_add_text(hash, text);
            else pp_hash_add(hash, "\377", 1);
        }
    }
}

pp_status pp_catalogue_digest(sqlite3 *db, char hex[PP_HASH_HEX], pp_error *err)
{
    static const char *const tables[] = {"videos", "archives", "sources", "annotations"};
    pp_hash *hash;
    pp_status status = pp_hash_create(&hash, err);
    for (size_t i = 0; status == PP_OK && i < sizeof tables / sizeof *tables; i++) {
        char sql[64];
        sqlite3_snprintf(sizeof sql, sql, "SELECT * FROM %s ORDER BY rowid", tables[i]);
        sqlite3_stmt *rows = NULL;
        if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) == SQLITE_OK) digest_rows(hash, rows);
        else status = pp_catalogue_fail(db, err, PP_ERR_FORMAT, "read a table");
        /* what went wrong while stepping is said here */
        if (sqlite3_finalize(rows) != SQLITE_OK && status == PP_OK) {
            status = pp_catalogue_fail(db, err, PP_ERR_FORMAT, "read a table");
        }
    }
    if (status == PP_OK) pp_hash_finish(hash, hex);
    pp_hash_destroy(&hash);
    return status;
}

/* The first cell of the first row is this text. */
static int says(sqlite3 *db, const char *sql, const char *expected)
{
    sqlite3_stmt *statement = NULL;
    int good = sqlite3_prepare_v2(db, sql, -1, &statement, NULL) == SQLITE_OK &&
               sqlite3_step(statement) == SQLITE_ROW;
    const char *text = good ? (const char *)sqlite3_column_text(statement, 0) : NULL;
    good = text != NULL && strcmp(text, expected) == 0;
    sqlite3_finalize(statement);
    return good;
}

pp_status pp_catalogue_is_sound(sqlite3 *db, pp_error *err)
{
    char digest[PP_HASH_HEX];
    if (!says(db, "PRAGMA integrity_check(1)", "ok")) {
        return pp_fail(err, PP_ERR_FORMAT, "catalogue.sqlite is damaged in its structure");
    }
    pp_status status = pp_catalogue_digest(db, digest, err);
    if (status != PP_OK) return status;
    if (says(db, "SELECT sha256 FROM digests WHERE of_what = 'content'", digest)) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "catalogue.sqlite is damaged: its digest is another");
}

pp_status pp_catalogue_check(const char *out_folder, const pp_corpus_row *rows, int64_t count,
                             int *behind, pp_error *err)
{
    *behind = 0;
    sqlite3 *db;
    listing list = {0};
    pp_status status = open_catalogue(&db, out_folder, err);
    if (status == PP_OK) status = pp_catalogue_is_sound(db, err);
    sqlite3_close(db);
    if (status == PP_OK) {
        status = pp_catalogue_query(out_folder,
                                    "SELECT content, publish_key FROM archives ORDER BY content",
                                    NULL, 0, add_listed, &list, err);
    }
    size_t found = 0, missing = 0;
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        listed key = {.content = pp_catalogue_content(rows[i].archive)};
        listed *entry = list.count == 0
                            ? NULL
                            : bsearch(&key, list.all, list.count, sizeof *list.all, by_content);
        missing += entry == NULL || strcmp(entry->key, rows[i].stage_keys[PP_STAGES - 1]) != 0;
        found += entry != NULL && !entry->wanted;
        if (entry != NULL) entry->wanted = 1;
    }
    *behind = missing > 0 || list.count > found;
    pp_free(list.all);
    return status;
}
