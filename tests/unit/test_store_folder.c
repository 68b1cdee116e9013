/* store: an output folder indexed, queried, checked, repaired and tidied. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lib/small_archive.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "store/commit.h"
#include "store/fsck.h"
#include "store/gc.h"
#include "store/index.h"

#define OK(call) assert_ok((call), &err, __LINE__)
#define VIDEOS 4

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status == PP_OK) return;
    fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

/* HDF5 1.10.8 itself leaks on some damaged files. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5_serial.so";
}

/* A fresh folder of this test's own. */
static char *new_out(const char *name)
{
    const char *work = getenv("PP_WORK");
    char *out = pp_path_join(work != NULL ? work : "/tmp", name);
    char *command = pp_format("rm -rf '%s'", out);
    assert_int_equal(system(command), 0);
    pp_free(command);
    return out;
}

static small_archive shape_of(unsigned video)
{
    static const char *const names[VIDEOS] = {"videos/b duet.mp4", "videos/a duet.mp4",
                                              "videos/c 'solo'.mp4", "videos/silence.mp4"};
    return (small_archive){.samples = 3000 + video,
                           .frames = 2,
                           .windows = 2,
                           .sources = video == 3   ? 0
                                      : video == 2 ? 1
                                                   : 2,
                           .components = 4,
                           .seed = 10 + video,
                           .source_path = names[video]};
}

/* Relative to OUT; owned. */
static char *archive_of(unsigned video)
{
    small_archive shape = shape_of(video);
    pp_archive_header header = small_archive_header(&shape);
    return pp_archive_name(shape.source_path, header.source_sha256);
}

static void put_archive(const char *out, unsigned video)
{
    pp_error err = {0};
    small_archive shape = shape_of(video);
    char *name = archive_of(video), *path = pp_path_join(out, name);
    OK(small_archive_write(&shape, pp_fileops_system(), path, &err));
    pp_free(path);
    pp_free(name);
}

static char *fill_out(const char *name)
{
    char *out = new_out(name);
    for (unsigned video = 0; video < VIDEOS; video++) put_archive(out, video);
    return out;
}

static void put_bytes(const char *out, const char *name, const char *bytes, double age_s)
{
    pp_error err = {0};
    char *path = pp_path_join(out, name), *folder = pp_path_folder(path);
    OK(pp_path_make_folders(folder, &err));
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(bytes, file);
    fclose(file);
    double at = pp_clock_unix_s() - age_s;
    struct timespec times[2] = {{(time_t)at, 0}, {(time_t)at, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
    pp_free(folder);
    pp_free(path);
}

static int is_there(const char *out, const char *name)
{
    char *path = pp_path_join(out, name);
    int there = pp_path_exists(path);
    pp_free(path);
    return there;
}

/* Changes a byte in the middle of a file. */
static void damage(const char *out, const char *name)
{
    pp_error err = {0};
    char *path = pp_path_join(out, name), *bytes;
    size_t length;
    OK(pp_text_read_file(&bytes, &length, path, 1 << 24, &err));
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    for (size_t at = length / 2; at < length / 2 + 400; at += 40) {
        assert_int_equal(fseek(file, (long)at, SEEK_SET), 0);
        fputc(bytes[at] ^ 0x55, file);
    }
    fclose(file);
    pp_free(bytes);
    pp_free(path);
}

/* ---- index and catalogue --------------------------------------------------------------------- */

typedef struct answer {
    char text[4096];
    int rows;
} answer;

static pp_status collect(void *user, int columns, const char *const *names,
                         const pp_catalogue_cell *cells, pp_error *err)
{
    (void)names;
    (void)err;
    answer *a = user;
    size_t used = strlen(a->text);
    for (int i = 0; i < columns; i++) {
        used += (size_t)snprintf(a->text + used, sizeof a->text - used, "%s%s", i > 0 ? "," : "",
                                 cells[i].text != NULL ? cells[i].text : "NULL");
    }
    snprintf(a->text + used, sizeof a->text - used, ";");
    a->rows++;
    return PP_OK;
}

static answer ask(const char *out, const char *sql)
{
    pp_error err = {0};
    answer a = {"", 0};
    OK(pp_catalogue_query(out, sql, NULL, 0, collect, &a, &err));
    return a;
}

static void the_index_lists_everything(void **state)
{
    (void)state;
    pp_error err = {0};
    char *out = fill_out("index");
    pp_index_report report;
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    assert_true(report.archives == VIDEOS && report.rows == VIDEOS && report.unreadable == 0);
    assert_true(report.catalogue.archives == VIDEOS && report.catalogue.read == VIDEOS);
    pp_corpus_row *rows;
    int64_t count;
    OK(pp_corpus_read(pp_fileops_system(), out, &rows, &count, &err));
    assert_int_equal(count, VIDEOS);
    assert_string_equal(rows[0].source_path, "videos/a duet.mp4");
    pp_corpus_free(&rows, count);
    assert_string_equal(ask(out, "SELECT count(*) FROM sources").text, "5;");
    assert_string_equal(
        ask(out, "SELECT source_path FROM videos NATURAL JOIN sources WHERE label = 'cello'"
                 " ORDER BY 1")
            .text,
        "videos/a duet.mp4;videos/b duet.mp4;videos/c 'solo'.mp4;");
    assert_string_equal(ask(out, "SELECT video, source, start_s, end_s FROM played WHERE"
                                 " label = 'cello' AND video LIKE '%b duet%'")
                            .text,
                        "videos/b duet.mp4,0,0.5,2.5;");
    assert_string_equal(ask(out, "SELECT round(level_db, 3), seen, round(box_left, 3) FROM sources"
                                 " LIMIT 1")
                            .text,
                        "-20.0,0.5,0.1;");
    pp_free(out);
}

static void the_index_is_incremental(void **state)
{
    (void)state;
    pp_error err = {0};
    char *out = fill_out("incremental"), *catalogue = pp_path_join(out, "catalogue.sqlite");
    pp_index_report report;
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    /* what only a run knows is kept: second names and the times of sources */
    pp_corpus_row *rows;
    int64_t count;
    OK(pp_corpus_read(pp_fileops_system(), out, &rows, &count, &err));
    pp_corpus_row more[VIDEOS + 1];
    memcpy(more, rows, sizeof *rows * VIDEOS);
    more[VIDEOS] = rows[1];
    more[VIDEOS].source_path = "videos/second name.mp4";
    for (int i = 0; i <= VIDEOS; i++) more[i].mtime_ns = 77 + i;
    OK(pp_corpus_write(pp_fileops_system(), out, more, VIDEOS + 1, &err));
    pp_corpus_free(&rows, count);
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    assert_true(report.rows == VIDEOS + 1 && report.catalogue.read == 0);
    assert_true(report.catalogue.rewritten);
    assert_string_equal(ask(out, "SELECT count(*), max(mtime_ns) FROM videos").text, "5,81;");
    /* nothing changed: nothing written */
    struct stat before, after;
    assert_int_equal(stat(catalogue, &before), 0);
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    assert_false(report.catalogue.rewritten);
    assert_int_equal(report.catalogue.archives, VIDEOS);
    assert_int_equal(stat(catalogue, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    /* one archive gone, one new */
    char *gone = archive_of(0), *path = pp_path_join(out, gone);
    unlink(path);
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    assert_true(report.rows == VIDEOS - 1 && report.catalogue.read == 0); /* it had two names */
    assert_int_equal(report.catalogue.archives, VIDEOS - 1);
    assert_string_equal(ask(out, "SELECT count(*) FROM annotations").text, "4;");
    put_archive(out, 0);
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    assert_int_equal(report.catalogue.read, 1);
    assert_string_equal(ask(out, "SELECT count(*) FROM annotations").text, "6;");
    /* a damaged catalogue is no obstacle */
    damage(out, "catalogue.sqlite");
    char *second = archive_of(1), *moved = pp_path_join(out, second);
    unlink(moved);
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    assert_int_equal(report.catalogue.read, VIDEOS - 1);
    put_archive(out, 1);
    pp_free(moved);
    pp_free(second);
    put_bytes(out, "catalogue.sqlite", "no database", 0);
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    assert_int_equal(report.catalogue.read, VIDEOS);
    pp_free(path);
    pp_free(gone);
    pp_free(catalogue);
    pp_free(out);
}

static void queries_only_read(void **state)
{
    (void)state;
    pp_error err = {0};
    char *out = fill_out("query ?#%");
    pp_index_report report;
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &report, &err));
    static const char *const refused[] = {
        "DELETE FROM videos",
        "DROP TABLE videos",
        "ATTACH '/tmp/other.db' AS other",
        "PRAGMA journal_mode = WAL",
        "SELECT load_extension('x')",
        "SELECT 1; SELECT 2",
        "SELECT nothing FROM videos",
        "INSERT INTO videos(source_path) VALUES('x')",
        "",
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        answer a = {"", 0};
        pp_error_clear(&err);
        pp_status status = pp_catalogue_query(out, refused[i], NULL, 0, collect, &a, &err);
        if (status != PP_ERR_USAGE || a.rows != 0) {
            fail_msg("%s: %s: %s", refused[i], pp_status_name(status), err.message);
        }
    }
    pp_error_clear(&err);
    answer a = {"", 0};
    const char *const parameters[] = {"videos/silence.mp4"};
    OK(pp_catalogue_query(out, "SELECT sources FROM videos WHERE source_path = ?1", parameters, 1,
                          collect, &a, &err));
    assert_string_equal(a.text, "0;");
    char *nowhere = new_out("nowhere");
    assert_int_equal(pp_catalogue_query(nowhere, "SELECT 1", NULL, 0, collect, &a, &err),
                     PP_ERR_NOT_FOUND);
    assert_non_null(strstr(err.advice, "pp index"));
    pp_free(nowhere);
    pp_free(out);
}

/* ---- fsck ------------------------------------------------------------------------------------ */

static pp_fsck_report check(const char *out)
{
    pp_error err = {0};
    pp_fsck_report report = {0};
    OK(pp_fsck_run(pp_fileops_system(), out, NULL, NULL, &report, &err));
    return report;
}

static const pp_fsck_finding *finding_of(const pp_fsck_report *report, const char *path)
{
    for (size_t i = 0; i < report->count; i++) {
        if (strcmp(report->findings[i].path, path) == 0) return &report->findings[i];
    }
    return NULL;
}

static void a_good_folder_is_good(void **state)
{
    (void)state;
    pp_error err = {0};
    char *out = fill_out("good");
    pp_fsck_report report = check(out);
    assert_int_equal(report.damaged, 0);
    assert_true(report.caches_behind); /* there are none yet */
    pp_fsck_free(&report);
    pp_index_report indexed;
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &indexed, &err));
    put_bytes(out, "archives/00/x-0123456789abcdef.h5.tmp-node-1-aa", "half", 0);
    put_bytes(out, "failed/some.json", "{\"reason\": \"no sound\"}", 0);
    report = check(out);
    for (size_t i = 0; i < report.count; i++) print_message("%s\n", report.findings[i].what);
    assert_true(report.damaged == 0 && report.count == 0 && !report.caches_behind);
    assert_true(report.archives == VIDEOS && report.temporaries == 1 && report.failures == 1);
    assert_true(report.worst_sum_error < 1e-6 && report.bytes_read > 10000);
    pp_fsck_free(&report);
    pp_free(out);
}

static void damage_is_named_and_set_aside(void **state)
{
    (void)state;
    pp_error err = {0};
    char *out = fill_out("damaged-out"), *bad = archive_of(1), *good = archive_of(2);
    pp_index_report indexed;
    OK(pp_index_rebuild(pp_fileops_system(), out, 0, &indexed, &err));
    damage(out, bad);
    damage(out, "catalogue.sqlite");
    put_bytes(out, "failed/some.json", "{\"reason\": ", 0);
    put_bytes(out, "shards/0123456789abcdef/probe.h5", "no shard", 0);
    char *wrong = pp_strdup(bad); /* a good archive under another content's name */
    memcpy(wrong + strlen(wrong) - 19, "0123", 4);
    char *from = pp_path_join(out, good), *to = pp_path_join(out, wrong);
    assert_int_equal(link(from, to), 0);
    pp_fsck_report report = check(out);
    assert_int_equal(report.damaged, 4);
    const char *const damaged[] = {bad, wrong, "catalogue.sqlite", "failed/some.json"};
    for (size_t i = 0; i < sizeof damaged / sizeof *damaged; i++) {
        const pp_fsck_finding *finding = finding_of(&report, damaged[i]);
        assert_non_null(finding);
        assert_true(finding->damage);
        print_message("%s: %s\n", finding->path, finding->what);
    }
    const pp_fsck_finding *shard = finding_of(&report, "shards/0123456789abcdef/probe.h5");
    assert_true(shard != NULL && !shard->damage); /* the next run mends it by itself */
    OK(pp_fsck_repair(pp_fileops_system(), out, &report, &err));
    assert_true(is_there(out, finding_of(&report, bad)->moved_to));
    assert_false(is_there(out, bad));
    pp_fsck_free(&report);
    report = check(out);
    assert_true(report.damaged == 0 && report.count == 1 && report.archives == VIDEOS - 1);
    pp_fsck_free(&report);
    pp_corpus_row *rows; /* so the next run makes exactly that one again */
    int64_t count;
    OK(pp_corpus_read(pp_fileops_system(), out, &rows, &count, &err));
    assert_int_equal(count, VIDEOS - 1);
    for (int64_t i = 0; i < count; i++) assert_string_not_equal(rows[i].archive, bad);
    pp_corpus_free(&rows, count);
    pp_free(from);
    pp_free(to);
    pp_free(wrong);
    pp_free(good);
    pp_free(bad);
    pp_free(out);
}

static void a_missing_folder_is_an_error(void **state)
{
    (void)state;
    pp_error err = {0};
    char *out = new_out("no-such-out");
    pp_fsck_report report = {0};
    assert_int_equal(pp_fsck_run(pp_fileops_system(), out, NULL, NULL, &report, &err),
                     PP_ERR_NOT_FOUND);
    pp_fsck_free(&report);
    pp_free(out);
}

/* ---- gc -------------------------------------------------------------------------------------- */

static void gc_removes_what_is_nobodys(void **state)
{
    (void)state;
    pp_error err = {0};
    char *out = fill_out("gc"), host[PP_COMMIT_HOST];
    pp_commit_host(host);
    small_archive shape = shape_of(0);
    char *id = pp_format("%.16s", small_archive_header(&shape).source_sha256);
    char *names[] = {
        pp_format("archives/00/a.h5.tmp-%s-%ld-aaaa", host, 99999999L), /* its process is gone */
        pp_format("archives/00/b.h5.tmp-%s-%ld-bbbb", host, (long)getpid()),
        pp_format("archives/00/c.h5.tmp-elsewhere-1-cccc"),
        pp_format("archives/00/d.h5.tmp-elsewhere-1-dddd"),
        pp_format("shards/%s/probe.h5", id),
        pp_format("shards/%s/cast.h5", id),
        pp_format("shards/0123456789abcdef/probe.h5"),
        pp_format("status.json"),
    };
    const int age_s[] = {10, 10, 10, 4000, 4000, -100, 4000, 4000};
    const int goes[] = {1, 0, 0, 1, 1, 0, 0, 0};
    const pp_gc_options dry = {.dry_run = 1, .now_s = pp_clock_unix_s()};
    const pp_gc_options wet = {.superseded = 1, .now_s = pp_clock_unix_s()};
    for (int i = 0; i < 8; i++) put_bytes(out, names[i], "{}", age_s[i]);
    pp_gc_report report = {0};
    OK(pp_gc_run(pp_fileops_system(), out, &dry, &report, &err));
    assert_int_equal(report.count, 3);
    assert_int_equal(report.bytes, 6);
    for (int i = 0; i < 8; i++) assert_true(is_there(out, names[i]));
    pp_gc_free(&report);
    put_bytes(out, "progress-part-1-of-2.json", "{}", 5); /* a run is on: its shards stay */
    OK(pp_gc_run(pp_fileops_system(), out, &dry, &report, &err));
    assert_true(report.count == 2 && report.run_is_on);
    pp_gc_free(&report);
    put_bytes(out, "progress-part-1-of-2.json", "{}", 500); /* it was killed */
    OK(pp_gc_run(pp_fileops_system(), out, &wet, &report, &err));
    for (int i = 0; i < 8; i++) {
        if (is_there(out, names[i]) == goes[i]) fail_msg("%s: there: %d", names[i], !goes[i]);
    }
    pp_gc_free(&report);
    for (unsigned i = 0; i < VIDEOS; i++) {
        char *name = archive_of(i);
        assert_true(is_there(out, name));
        pp_free(name);
    }
    for (int i = 0; i < 8; i++) pp_free(names[i]);
    pp_free(id);
    pp_free(out);
}

/* ---- the verbs ------------------------------------------------------------------------------- */

/* Runs a verb of pp; its exit status. */
static int verb(const char *format, const char *out)
{
    char *arguments = pp_format(format, out);
    char *command = pp_format("\"$PP_BIN/pp\" %s", arguments);
    int status = system(command);
    pp_free(arguments);
    pp_free(command);
    return status == -1 ? -1 : status >> 8;
}

static void the_verbs_say_it_in_their_status(void **state)
{
    (void)state;
    char *program = getenv("PP_BIN") != NULL ? pp_path_join(getenv("PP_BIN"), "pp") : NULL;
    if (program == NULL || !pp_path_exists(program)) {
        pp_free(program);
        skip();
    }
    pp_free(program);
    char *out = fill_out("verbs"), *bad = archive_of(0);
    assert_int_equal(verb("index '%s'", out), 0);
    assert_int_equal(verb("fsck '%s'", out), 0);
    assert_int_equal(
        verb("query '%s' --instrument CELLO --min-level -30 | grep -c mp4 | grep -qx 3", out), 0);
    assert_int_equal(
        verb("query '%s' --when --csv | grep -q '^videos/b duet.mp4,0.5,2.5,0,cello'", out), 0);
    assert_int_equal(verb("query '%s' --json 'SELECT count(*) AS n FROM videos' | "
                          "grep -qx '{\"n\":4}'",
                          out),
                     0);
    assert_int_equal(verb("query '%s' 'DROP TABLE videos' 2>/dev/null", out), 2);
    damage(out, bad);
    assert_int_equal(verb("fsck --json '%s' | grep -q '\"damaged\": 1'", out), 0);
    assert_int_equal(verb("fsck '%s' >/dev/null", out), 1);
    assert_int_equal(verb("fsck --repair '%s'", out), 0);
    assert_int_equal(verb("fsck '%s'", out), 0);
    assert_int_equal(verb("gc --dry-run '%s'", out), 0);
    assert_int_equal(verb("fsck '%s/nowhere' 2>/dev/null", out), 1);
    assert_int_equal(verb("fsck 2>/dev/null", out), 2);
    pp_free(bad);
    pp_free(out);
}

int main(void)
{
    pp_log_setup(PP_LOG_ERROR, PP_LOG_TEXT, -1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_index_lists_everything),
        cmocka_unit_test(the_index_is_incremental),
        cmocka_unit_test(queries_only_read),
        cmocka_unit_test(a_good_folder_is_good),
        cmocka_unit_test(damage_is_named_and_set_aside),
        cmocka_unit_test(a_missing_folder_is_an_error),
        cmocka_unit_test(gc_removes_what_is_nobodys),
        cmocka_unit_test(the_verbs_say_it_in_their_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
