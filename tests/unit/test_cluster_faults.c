/* cluster over a store that fails: any file operation of a whole small job (coordinator and worker
 * in one process: ledger, shards, archives, failures, corpus.h5, catalogue, status.json) failed
 * once, for good, or by a crash with a power cut. The run says what was wrong, nothing that can be
 * seen is damaged, and a plain run afterwards leaves the very bytes of an undisturbed one.
 *
 * Every operation takes minutes: by default every Nth is tried, another set for each way to fail.
 * PP_FAULTS_EVERY=1 tries all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline_world.h"

#include "../lib/faulty_fileops.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cluster/run.h"
#include "store/corpus.h"
#include "store/folder.h"
#include "store/fsck.h"

enum { TRIES = 16, VIDEOS = 2, MOST_FILES = 2 }; /* tries: of each way to fail, by default */

/* HDF5 1.10.8 itself leaks some bytes for each read that failed below it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5_serial.so";
}

typedef struct kept {
    char *path, *bytes;
    size_t length;
} kept;

typedef struct whole_job {
    const world *w;
    char *out, *videos[VIDEOS], *missing;
    kept archives[MOST_FILES]; /* of the undisturbed run */
} whole_job;

/* ---- a run ------------------------------------------------------------------------------------
 */

static void parse_job(pp_job *job, const whole_job *j)
{
    pp_error err = {0};
    char *arguments[] = {"pp-cluster",
                         "--quiet",
                         "--out",
                         j->out,
                         "--single-lease-windows",
                         "3",
                         "--segment-windows",
                         "4",
                         "--window-step",
                         "12",
                         "--frame-interval",
                         "0.1",
                         "--max-failures",
                         "1",
                         j->videos[0],
                         j->videos[1],
                         j->missing,
                         NULL};
    if (pp_job_parse(job, (int)(sizeof arguments / sizeof *arguments) - 1, arguments, &err) !=
        PP_OK) {
        fail_msg("%s", err.message);
    }
}

static pp_status run_job(const whole_job *j, const pp_fileops *ops, int *exit_code, pp_error *err)
{
    pp_job job;
    pp_inputs inputs = {.audio_track = -1};
    pp_pipeline *pipeline = NULL;
    parse_job(&job, j);
    for (size_t i = 0; i < job.input_count; i++) {
        assert_int_equal(pp_inputs_add(&inputs, job.inputs[i].argument, NULL, err), PP_OK);
    }
    assert_int_equal(pp_inputs_settle(&inputs, err), PP_OK);
    const pp_pipeline_setup setup = {.model = j->w->plain,
                                     .decoder = j->w->decoder,
                                     .parameters = &job.parameters,
                                     .ops = ops,
                                     .out_folder = j->out,
                                     .batch = 2};
    assert_int_equal(pp_pipeline_create(&pipeline, &setup, err), PP_OK);
    const pp_run all = {.job = &job,
                        .inputs = &inputs,
                        .model = j->w->plain,
                        .pipeline = pipeline,
                        .ops = ops,
                        .host = "here",
                        .started_s = pp_clock_s()};
    *exit_code = -1;
    pp_status status = pp_run_alone(&all, exit_code, err);
    pp_pipeline_destroy(&pipeline);
    pp_inputs_free(&inputs);
    pp_job_free(&job);
    return status;
}

/* ---- what is left -----------------------------------------------------------------------------
 */

static void clear_out(const whole_job *j)
{
    char *command = pp_format("rm -rf '%s'", j->out);
    assert_int_equal(system(command), 0);
    pp_free(command);
}

static char *read_file(const whole_job *j, const char *name, size_t *length)
{
    pp_error err = {0};
    char *path = pp_path_join(j->out, name), *bytes = NULL;
    if (pp_text_read_file(&bytes, length, path, 1 << 26, &err) != PP_OK)
        fail_msg("%s", err.message);
    pp_free(path);
    return bytes;
}

static void keep_archives(whole_job *j)
{
    pp_folder folder = {0};
    pp_error err = {0};
    assert_int_equal(pp_folder_scan(&folder, j->out, &err), PP_OK);
    assert_int_equal(folder.kinds[PP_FILE_ARCHIVE], VIDEOS);
    assert_int_equal(folder.kinds[PP_FILE_FAILURE], 1);
    for (int64_t i = 0, n = 0; i < folder.count; i++) {
        if (folder.files[i].kind != PP_FILE_ARCHIVE) continue;
        kept *archive = &j->archives[n++];
        archive->path = pp_strdup(folder.files[i].path);
        archive->bytes = read_file(j, archive->path, &archive->length);
    }
    pp_folder_free(&folder);
}

static void assert_undisturbed(const whole_job *j, const char *when)
{
    for (int i = 0; i < VIDEOS; i++) {
        size_t length;
        char *bytes = read_file(j, j->archives[i].path, &length);
        if (length != j->archives[i].length || memcmp(bytes, j->archives[i].bytes, length) != 0) {
            fail_msg("%s: %s differs from the undisturbed run's", when, j->archives[i].path);
        }
        pp_free(bytes);
    }
}

/* Nothing that can be seen is damaged; corpus.h5 and status.json are whole or not there. */
static void assert_sound(const whole_job *j, const char *when)
{
    pp_error err = {0};
    pp_fsck_report report = {0};
    pp_status status = pp_fsck_run(pp_fileops_system(), j->out, NULL, NULL, &report, &err);
    if (status != PP_OK && status != PP_ERR_NOT_FOUND) fail_msg("%s: fsck: %s", when, err.message);
    for (size_t i = 0; i < report.count; i++) {
        if (!report.findings[i].damage) continue;
        fail_msg("%s: %s: %s", when, report.findings[i].path, report.findings[i].what);
    }
    pp_fsck_free(&report);
    char *path = pp_path_join(j->out, "status.json");
    pp_json *json = NULL;
    err = (pp_error){0};
    status = pp_json_read_file(&json, path, &err);
    if (status != PP_OK && status != PP_ERR_NOT_FOUND) fail_msg("%s: %s", when, err.message);
    pp_json_free(&json);
    pp_free(path);
}

static void assert_finished(const whole_job *j, const char *when)
{
    size_t length;
    char *text = read_file(j, "status.json", &length);
    if (strstr(text, "\"status\": 0") == NULL) fail_msg("%s: status.json: %s", when, text);
    pp_free(text);
    pp_corpus_row *rows = NULL;
    int64_t count = 0;
    pp_error err = {0};
    if (pp_corpus_read(pp_fileops_system(), j->out, &rows, &count, &err) != PP_OK)
        fail_msg("%s: %s", when, err.message);
    if (count != VIDEOS) fail_msg("%s: corpus.h5 lists %d", when, (int)count);
    pp_corpus_free(&rows, count);
    assert_undisturbed(j, when);
}

/* ---- one failure -----------------------------------------------------------------------------
 */

static void try_one(whole_job *j, int64_t at, fault_mode mode)
{
    static const char *const names[] = {"once", "for good", "crash"};
    faulty_fileops faulty;
    pp_error err = {0};
    int exit_code;
    char when[64];
    snprintf(when, sizeof when, "operation %lld, %s", (long long)at, names[mode]);
    clear_out(j);
    faulty_init(&faulty, FAULT_ANY, at, mode);
    pp_status status = run_job(j, &faulty.table, &exit_code, &err);
    faulty_finish(&faulty);
    if (!faulty.failed) return; /* signs of life come by the clock: fewer operations this time */
    assert_sound(j, when);
    if (status != PP_OK && (err.message[0] == '\0' || status == PP_ERR_INTERNAL)) {
        fail_msg("%s: %s: '%s'", when, pp_status_name(status), err.message);
    }
    if (status == PP_OK && exit_code == 0) assert_undisturbed(j, when);
    faulty_init(&faulty, FAULT_ANY, 0, FAULT_ONCE); /* fails nothing, and waits for no disk */
    err = (pp_error){0};
    if (run_job(j, &faulty.table, &exit_code, &err) != PP_OK || exit_code != 0) {
        fail_msg("%s: the run after it: %d, %s", when, exit_code, err.message);
    }
    assert_finished(j, when);
}

static int64_t count_operations(whole_job *j)
{
    faulty_fileops faulty;
    pp_error err = {0};
    int exit_code;
    clear_out(j);
    faulty_init(&faulty, FAULT_ANY, 0, FAULT_ONCE);
    if (run_job(j, &faulty.table, &exit_code, &err) != PP_OK || exit_code != 0)
        fail_msg("%d, %s", exit_code, err.message);
    keep_archives(j);
    return faulty.count[FAULT_ANY];
}

static void any_operation_may_fail(void **state)
{
    whole_job j = {.w = *state};
    j.out = pp_path_join(j.w->folder, "job");
    j.missing = pp_path_join(j.w->folder, "missing.mp4");
    j.videos[0] = make_video(j.w, "cut.mp4", "samples=1100 seed=3");
    j.videos[1] = make_video(j.w, "whole.mp4", "samples=300 seed=4");
    int64_t operations = count_operations(&j), every = operations / TRIES + 1, tried = 0;
    if (getenv("PP_FAULTS_EVERY") != NULL) every = strtoll(getenv("PP_FAULTS_EVERY"), NULL, 10);
    if (every < 1) every = 1;
    for (fault_mode mode = FAULT_ONCE; mode <= FAULT_CRASH; mode++) {
        for (int64_t at = 1 + (int64_t)mode * every / 3; at <= operations; at += every) {
            try_one(&j, at, mode);
            tried++;
        }
    }
    print_message("%lld file operations in a job; %lld failures tried\n", (long long)operations,
                  (long long)tried);
    for (int i = 0; i < VIDEOS; i++) {
        pp_free(j.archives[i].path);
        pp_free(j.archives[i].bytes);
        pp_free(j.videos[i]);
    }
    pp_free(j.missing);
    pp_free(j.out);
}

int main(void)
{
    pp_log_setup(PP_LOG_ERROR, PP_LOG_TEXT, -1);
    if (getenv("PP_FAULTS_SAY") == NULL) freopen("/dev/null", "w", stderr);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_operation_may_fail),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
