/* The catalogue written: an SQLite database in memory, from the old one where that is good. */
#include "store/catalogue.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "store/archive_internal.h"
#include "store/catalogue_internal.h"
#include "store/commit.h"

#define MOST_BYTES (INT64_C(1) << 40)

static const char schema[] =
    "CREATE TABLE videos(source_path TEXT, source_id TEXT, content INTEGER, source_sha256 TEXT,"
    " archive TEXT, duration_s REAL, sources INTEGER, size_bytes INTEGER, mtime_ns INTEGER);"
    "CREATE TABLE archives(content INTEGER PRIMARY KEY, archive TEXT, publish_key TEXT,"
    " model_name TEXT, model_digest TEXT, untrained INTEGER, has_maps INTEGER);"
    "CREATE TABLE sources(content INTEGER, source INTEGER, label TEXT, audioset_id TEXT,"
    " confidence REAL, level_db REAL, peak_db REAL, seen REAL,"
    " box_left REAL, box_top REAL, box_right REAL, box_bottom REAL);"
    "CREATE TABLE annotations(content INTEGER, start_s REAL, end_s REAL, source INTEGER,"
    " label TEXT, confidence REAL, level_db REAL);"
    "CREATE TABLE digests(of_what TEXT PRIMARY KEY, sha256 TEXT);"
    "CREATE INDEX videos_by_content ON videos(content);"
    "CREATE INDEX sources_by_content ON sources(content);"
    "CREATE INDEX sources_by_label ON sources(label COLLATE NOCASE);"
    "CREATE INDEX annotations_by_content ON annotations(content);"
    "CREATE INDEX annotations_by_label ON annotations(label COLLATE NOCASE);"
    "CREATE VIEW played AS SELECT v.source_path AS video, v.source_id AS id, a.source, a.label,"
    " a.start_s, a.end_s, a.confidence, a.level_db, v.archive"
    " FROM annotations a JOIN videos v ON v.content = a.content;"
    "PRAGMA user_version = 1;";

pp_status pp_catalogue_fail(sqlite3 *db, pp_error *err, pp_status status, const char *doing)
{
    if (db != NULL && sqlite3_errcode(db) == SQLITE_NOMEM) status = PP_ERR_NOMEM;
    return pp_fail(err, status, "catalogue: cannot %s: %s", doing,
                   db != NULL ? sqlite3_errmsg(db) : "no memory");
}

pp_status pp_catalogue_run(sqlite3 *db, const char *sql, pp_error *err)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK) return PP_OK;
    return pp_catalogue_fail(db, err, PP_ERR_INTERNAL, "write");
}

int64_t pp_catalogue_content(const char *archive)
{
    char hex[17] = ""; /* before ".h5" */
    size_t length = strlen(archive);
    if (length >= 19) memcpy(hex, archive + length - 19, 16);
    return (int64_t)(strtoull(hex, NULL, 16) >> 1);
}

/* ---- the writer ----------------------------------------------------------------------------- */

enum {
    ADD_VIDEO,
    ADD_ARCHIVE,
    ADD_SOURCE,
    ADD_ANNOTATION,
    FIND_ARCHIVE,
    COUNT_ARCHIVES,
    STATEMENTS
};

static const char *const statement_sql[STATEMENTS] = {
    [ADD_VIDEO] = "INSERT INTO videos VALUES(?,?,?,?,?,?,?,?,?)",
    [ADD_ARCHIVE] = "INSERT INTO archives VALUES(?,?,?,?,?,?,?)",
    [ADD_SOURCE] = "INSERT INTO sources VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
    [ADD_ANNOTATION] = "INSERT INTO annotations VALUES(?,?,?,?,?,?,?)",
    [FIND_ARCHIVE] = "SELECT archive = ?2 AND publish_key = ?3 FROM archives WHERE content = ?1",
    [COUNT_ARCHIVES] = "SELECT count(*) FROM archives",
};

typedef struct writer {
    sqlite3 *db;
    sqlite3_stmt *statements[STATEMENTS];
    const pp_fileops *ops;
    const char *out_folder;
    char *path;
    pp_catalogue_report report;
} writer;

static void close_writer(writer *w)
{
    for (int i = 0; i < STATEMENTS; i++) sqlite3_finalize(w->statements[i]);
    memset(w->statements, 0, sizeof w->statements);
    sqlite3_close(w->db);
    w->db = NULL;
}

static pp_status prepare_all(writer *w, pp_error *err)
{
    for (int i = 0; i < STATEMENTS; i++) {
        if (sqlite3_prepare_v2(w->db, statement_sql[i], -1, &w->statements[i], NULL) != SQLITE_OK) {
            return pp_catalogue_fail(w->db, err, PP_ERR_FORMAT, "use its tables");
        }
    }
    return PP_OK;
}

/* Runs one prepared statement with what is bound to it; *value: its first number, if any. */
static pp_status step(writer *w, int which, int64_t *value, pp_error *err)
{
    sqlite3_stmt *statement = w->statements[which];
    int code = sqlite3_step(statement);
    if (value != NULL) *value = code == SQLITE_ROW ? sqlite3_column_int64(statement, 0) : 0;
    sqlite3_reset(statement);
    if (code == SQLITE_ROW || code == SQLITE_DONE) return PP_OK;
    return pp_catalogue_fail(w->db, err, PP_ERR_FORMAT, "write a row");
}

static void bind_text(sqlite3_stmt *statement, int index, const char *text)
{
    sqlite3_bind_text(statement, index, text, -1, SQLITE_TRANSIENT);
}

static void bind_real(sqlite3_stmt *statement, int index, double value)
{
    if (isfinite(value)) sqlite3_bind_double(statement, index, value);
    else sqlite3_bind_null(statement, index);
}

/* The old catalogue in memory; leaves w->db empty where there is none that can be used. */
static void load_old(writer *w)
{
    pp_error none = {0};
    char *bytes = NULL;
    size_t length = 0;
    if (pp_text_read_file(&bytes, &length, w->path, MOST_BYTES, &none) != PP_OK) return;
    unsigned char *image = sqlite3_malloc64(length + 1);
    if (image != NULL && sqlite3_open(":memory:", &w->db) == SQLITE_OK) {
        memcpy(image, bytes, length);
        unsigned flags = SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_RESIZEABLE;
        int code = sqlite3_deserialize(w->db, "main", image, (sqlite3_int64)length,
                                       (sqlite3_int64)length + 1, flags);
        image = NULL; /* taken, even when it fails */
        sqlite3_stmt *version = NULL;
        int usable =
            code == SQLITE_OK &&
            sqlite3_prepare_v2(w->db, "PRAGMA user_version", -1, &version, NULL) == SQLITE_OK &&
            sqlite3_step(version) == SQLITE_ROW &&
            sqlite3_column_int(version, 0) == PP_CATALOGUE_VERSION;
        sqlite3_finalize(version);
        if (!usable || prepare_all(w, &none) != PP_OK) close_writer(w);
    } else {
        close_writer(w);
    }
    sqlite3_free(image);
    pp_free(bytes);
}

static pp_status start_new(writer *w, pp_error *err)
{
    close_writer(w);
    if (sqlite3_open(":memory:", &w->db) != SQLITE_OK) {
        return pp_catalogue_fail(w->db, err, PP_ERR_NOMEM, "start a database");
    }
    pp_status status = pp_catalogue_run(w->db, schema, err);
    return status == PP_OK ? prepare_all(w, err) : status;
}

/* ---- one archive ---------------------------------------------------------------------------- */

/* Mean of the squares of the levels, largest level, box averaged over the windows that see it. */
typedef struct source_summary {
    double level_db, peak_db, seen, box[4];
} source_summary;

static source_summary summarise(const float *level_db, const float *box, int64_t windows)
{
    source_summary all = {.peak_db = -INFINITY};
    double power = 0;
    int64_t seen = 0;
    for (int64_t w = 0; w < windows; w++) {
        if (isfinite(level_db[w])) power += pow(10, level_db[w] / 10);
        if (level_db[w] > all.peak_db) all.peak_db = level_db[w];
        if (!isfinite(box[4 * w])) continue;
        seen++;
        for (int i = 0; i < 4; i++) all.box[i] += box[4 * w + i];
    }
    all.level_db = windows > 0 ? 10 * log10(power / (double)windows) : -INFINITY;
    all.seen = windows > 0 ? (double)seen / (double)windows : 0;
    for (int i = 0; i < 4; i++) all.box[i] = seen > 0 ? all.box[i] / (double)seen : NAN;
    return all;
}

typedef struct source_lists {
    char **labels, **ids;
    int64_t label_count, id_count;
    float *confidence, *level_db, *box;
} source_lists;

static void free_lists(source_lists *lists)
{
    pp_h5_free_texts(&lists->labels, lists->label_count);
    pp_h5_free_texts(&lists->ids, lists->id_count);
    pp_free(lists->confidence);
    pp_free(lists->level_db);
    pp_free(lists->box);
}

static pp_status take_lists(pp_h5 *h5, const pp_archive_header *header, source_lists *lists,
                            pp_error *err)
{
    int64_t one[1] = {header->sources}, level[2] = {header->sources, header->windows};
    int64_t box[3] = {header->sources, header->windows, 4};
    const uint64_t most = UINT64_C(1) << 32;
    pp_status status =
        pp_h5_take_texts(h5, "/sources/label", &lists->labels, &lists->label_count, err);
    if (status == PP_OK) {
        status = pp_h5_take_texts(h5, "/sources/audioset_id", &lists->ids, &lists->id_count, err);
    }
    if (status == PP_OK) {
        status = pp_h5_take(h5, "/sources/confidence", PP_H5_F32, 1, one, most,
                            (void **)&lists->confidence, err);
    }
    if (status == PP_OK) {
        status = pp_h5_take(h5, "/sources/level_db", PP_H5_F32, 2, level, most,
                            (void **)&lists->level_db, err);
    }
    if (status == PP_OK) {
        status = pp_h5_take(h5, "/sources/box", PP_H5_F32, 3, box, most, (void **)&lists->box, err);
    }
    if (status != PP_OK) return status;
    if (lists->label_count == header->sources && lists->id_count == header->sources) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "%s: its lists of sources differ in length", pp_h5_path(h5));
}

static pp_status add_sources(writer *w, int64_t content, pp_h5 *h5, const pp_archive_header *header,
                             pp_error *err)
{
    source_lists lists = {0};
    sqlite3_stmt *add = w->statements[ADD_SOURCE];
    pp_status status = take_lists(h5, header, &lists, err);
    for (int s = 0; status == PP_OK && s < header->sources; s++) {
        source_summary all = summarise(lists.level_db + s * header->windows,
                                       lists.box + 4 * s * header->windows, header->windows);
        sqlite3_bind_int64(add, 1, content);
        sqlite3_bind_int(add, 2, s);
        bind_text(add, 3, lists.labels[s]);
        bind_text(add, 4, lists.ids[s]);
        bind_real(add, 5, lists.confidence[s]);
        bind_real(add, 6, all.level_db);
        bind_real(add, 7, all.peak_db);
        bind_real(add, 8, all.seen);
        for (int i = 0; i < 4; i++) bind_real(add, 9 + i, all.box[i]);
        status = step(w, ADD_SOURCE, NULL, err);
    }
    free_lists(&lists);
    return status;
}

static pp_status add_annotations(writer *w, int64_t content, pp_h5 *h5, pp_error *err)
{
    pp_annotation *rows;
    int64_t count;
    pp_status status = pp_h5_take_table(h5, "/annotations", pp_annotation_columns, 6, sizeof *rows,
                                        (void **)&rows, &count, err);
    sqlite3_stmt *add = w->statements[ADD_ANNOTATION];
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        sqlite3_bind_int64(add, 1, content);
        bind_real(add, 2, rows[i].start_s);
        bind_real(add, 3, rows[i].end_s);
        sqlite3_bind_int(add, 4, rows[i].source);
        bind_text(add, 5, rows[i].label);
        bind_real(add, 6, rows[i].confidence);
        bind_real(add, 7, rows[i].level_db);
        status = step(w, ADD_ANNOTATION, NULL, err);
    }
    pp_free(rows);
    return status;
}

static pp_status drop_content(writer *w, int64_t content, pp_error *err)
{
    char sql[256];
    sqlite3_snprintf(sizeof sql, sql,
                     "DELETE FROM archives WHERE content = %lld;"
                     "DELETE FROM sources WHERE content = %lld;"
                     "DELETE FROM annotations WHERE content = %lld",
                     (long long)content, (long long)content, (long long)content);
    return pp_catalogue_run(w->db, sql, err);
}

static pp_status add_archive(writer *w, int64_t content, const char *name, pp_error *err)
{
    char *path = pp_path_join(w->out_folder, name);
    pp_archive *archive = NULL;
    pp_status status = PP_OK;
    if (path == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    if (status == PP_OK) status = pp_archive_open(&archive, w->ops, path, err);
    if (status == PP_OK) {
        const pp_archive_header *header = pp_archive_get_header(archive);
        sqlite3_stmt *add = w->statements[ADD_ARCHIVE];
        sqlite3_bind_int64(add, 1, content);
        bind_text(add, 2, name);
        bind_text(add, 3, header->stage_keys[PP_STAGES - 1]);
        bind_text(add, 4, header->model_name);
        bind_text(add, 5, header->model_digest);
        sqlite3_bind_int(add, 6, header->untrained);
        sqlite3_bind_int(add, 7, header->with_maps);
        status = step(w, ADD_ARCHIVE, NULL, err);
        if (status == PP_OK) {
            status = add_sources(w, content, pp_archive_h5(archive), header, err);
        }
        if (status == PP_OK) {
            status = add_annotations(w, content, pp_archive_h5(archive), err);
        }
    }
    pp_archive_close(&archive);
    pp_free(path);
    return status;
}

/* Reads the archive unless the catalogue knows it in this state. A bad one is left out: what is
 * wrong with it is for `pp fsck` to say. */
static pp_status refresh_archive(writer *w, const pp_corpus_row *row, pp_error *err)
{
    int64_t content = pp_catalogue_content(row->archive), known = 0;
    sqlite3_stmt *find = w->statements[FIND_ARCHIVE];
    sqlite3_bind_int64(find, 1, content);
    bind_text(find, 2, row->archive);
    bind_text(find, 3, row->stage_keys[PP_STAGES - 1]);
    pp_status status = step(w, FIND_ARCHIVE, &known, err);
    if (status != PP_OK) return status;
    if (known) return PP_OK;
    pp_error why = {0};
    w->report.read++;
    status = drop_content(w, content, err);
    if (status != PP_OK) return status;
    status = add_archive(w, content, row->archive, &why);
    if (status == PP_OK) return PP_OK;
    if (status == PP_ERR_NOMEM || status == PP_ERR_INTERNAL) {
        return pp_fail(err, status, "%s", why.message);
    }
    pp_log_failure(PP_LOG_WARN, "left out of the catalogue", &why);
    w->report.missing++;
    return drop_content(w, content, err);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static pp_status add_video(writer *w, const pp_corpus_row *row, pp_error *err)
{
    sqlite3_stmt *add = w->statements[ADD_VIDEO];
    bind_text(add, 1, row->source_path);
    bind_text(add, 2, row->source_id);
    sqlite3_bind_int64(add, 3, pp_catalogue_content(row->archive));
    bind_text(add, 4, row->source_sha256);
    bind_text(add, 5, row->archive);
    bind_real(add, 6, row->duration_s);
    sqlite3_bind_int(add, 7, row->sources);
    sqlite3_bind_int64(add, 8, row->size_bytes);
    sqlite3_bind_int64(add, 9, row->mtime_ns);
    return step(w, ADD_VIDEO, NULL, err);
}

/* Of everything in the rows: the same digest, the same catalogue. */
static pp_status digest_rows(const pp_corpus_row *rows, int64_t count, char hex[PP_HASH_HEX],
                             pp_error *err)
{
    pp_hash *hash;
    pp_status status = pp_hash_create(&hash, err);
    if (status != PP_OK) return status;
    for (int64_t i = 0; i < count; i++) {
        pp_hash_add_text(hash, rows[i].source_path);
        pp_hash_add_text(hash, rows[i].source_id);
        pp_hash_add_text(hash, rows[i].archive);
        pp_hash_add_text(hash, rows[i].source_sha256);
        pp_hash_add_text(hash, rows[i].stage_keys[PP_STAGES - 1]);
        pp_hash_add(hash, &rows[i].size_bytes, sizeof rows[i].size_bytes);
        pp_hash_add(hash, &rows[i].mtime_ns, sizeof rows[i].mtime_ns);
    }
    pp_hash_finish(hash, hex);
    pp_hash_destroy(&hash);
    return PP_OK;
}

static int says_the_same(writer *w, const char *digest)
{
    sqlite3_stmt *find = NULL;
    int same =
        sqlite3_prepare_v2(w->db, "SELECT 1 FROM digests WHERE of_what = 'rows' AND sha256 = ?", -1,
                           &find, NULL) == SQLITE_OK;
    if (same) bind_text(find, 1, digest);
    same = same && sqlite3_step(find) == SQLITE_ROW;
    sqlite3_finalize(find);
    return same;
}

static pp_status put_digest(writer *w, const char *of_what, const char *digest, pp_error *err)
{
    char sql[PP_HASH_HEX + 64];
    sqlite3_snprintf(sizeof sql, sql, "INSERT INTO digests VALUES('%q', '%q')", of_what, digest);
    return pp_catalogue_run(w->db, sql, err);
}

static pp_status fill(writer *w, const pp_corpus_row *rows, int64_t count, const char *digest,
                      pp_error *err)
{
    pp_status status =
        pp_catalogue_run(w->db, "BEGIN; DELETE FROM videos; DELETE FROM digests", err);
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        status = refresh_archive(w, &rows[i], err);
        if (status == PP_OK) status = add_video(w, &rows[i], err);
    }
    if (status == PP_OK) {
        status = pp_catalogue_run(w->db,
                                  "DELETE FROM archives WHERE content NOT IN"
                                  " (SELECT content FROM videos);"
                                  "DELETE FROM sources WHERE content NOT IN"
                                  " (SELECT content FROM videos);"
                                  "DELETE FROM annotations WHERE content NOT IN"
                                  " (SELECT content FROM videos)",
                                  err);
    }
    /* with archives left out the next run has to try again */
    if (status == PP_OK && w->report.missing == 0) status = put_digest(w, "rows", digest, err);
    char content[PP_HASH_HEX];
    if (status == PP_OK) status = pp_catalogue_digest(w->db, content, err);
    if (status == PP_OK) status = put_digest(w, "content", content, err);
    if (status == PP_OK) status = pp_catalogue_run(w->db, "COMMIT", err);
    return status;
}

static pp_status publish(writer *w, pp_error *err)
{
    sqlite3_int64 length = 0;
    unsigned char *image = sqlite3_serialize(w->db, "main", &length, 0);
    if (image == NULL) return pp_catalogue_fail(w->db, err, PP_ERR_NOMEM, "serialise it");
    pp_status status = pp_commit_bytes(w->ops, w->path, image, (size_t)length, err);
    sqlite3_free(image);
    w->report.rewritten = 1;
    return status;
}

static pp_status write_catalogue(writer *w, const pp_corpus_row *rows, int64_t count,
                                 int from_scratch, pp_error *err)
{
    char digest[PP_HASH_HEX];
    pp_status status = digest_rows(rows, count, digest, err);
    if (status != PP_OK) return status;
    if (!from_scratch) load_old(w);
    if (w->db != NULL && says_the_same(w, digest)) return PP_OK;
    if (w->db != NULL) { /* a damaged old catalogue may fail anywhere: then from scratch */
        pp_error none = {0};
        if (pp_catalogue_is_sound(w->db, &none) == PP_OK &&
            fill(w, rows, count, digest, &none) == PP_OK) {
            return publish(w, err);
        }
        w->report = (pp_catalogue_report){0};
    }
    status = start_new(w, err);
    if (status == PP_OK) status = fill(w, rows, count, digest, err);
    if (status == PP_OK) status = publish(w, err);
    return status;
}

pp_status pp_catalogue_write(const pp_fileops *ops, const char *out_folder,
                             const pp_corpus_row *rows, int64_t count, int from_scratch,
                             pp_catalogue_report *report, pp_error *err)
{
    writer w = {.ops = ops, .out_folder = out_folder};
    w.path = pp_path_join(out_folder, "catalogue.sqlite");
    if (w.path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = write_catalogue(&w, rows, count, from_scratch, err);
    if (status == PP_OK) status = step(&w, COUNT_ARCHIVES, &w.report.archives, err);
    close_writer(&w);
    pp_free(w.path);
    if (report != NULL) *report = w.report;
    return status;
}
