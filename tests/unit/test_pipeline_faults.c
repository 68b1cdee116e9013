/* pipeline over a store that fails: any file operation of a whole small job failed once, for good,
 * or by a crash with a power cut. There is never a wrong archive or shard, every failure has words,
 * and a plain run afterwards gives the very bytes of an undisturbed one.
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
#include <sys/stat.h>

#include <cmocka.h>

#include "pipeline_world.h"

#include "../lib/faulty_fileops.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "store/fsck.h"

enum { TRIES = 24 }; /* of each way to fail, by default */

/* HDF5 1.10.8 itself leaks some bytes for each read that failed below it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libhdf5_serial.so";
}

typedef struct job {
    world *w;
    char *video;
    run how;
    char *bytes; /* of the undisturbed archive */
    size_t length;
} job;

static void clear_out(const job *j)
{
    char *command = pp_format("rm -rf '%s/%s'", j->w->folder, j->how.out);
    assert_int_equal(system(command), 0);
    pp_free(command);
}

static char *archive_bytes(const job *j, const char *archive, size_t *length)
{
    pp_error err = {0};
    char *path = pp_format("%s/%s/%s", j->w->folder, j->how.out, archive), *bytes = NULL;
    if (pp_text_read_file(&bytes, length, path, 1 << 26, &err) != PP_OK)
        fail_msg("%s", err.message);
    pp_free(path);
    return bytes;
}

static void assert_undisturbed(const job *j, const char *archive, const char *when)
{
    size_t length;
    char *bytes = archive_bytes(j, archive, &length);
    if (length != j->length || memcmp(bytes, j->bytes, length) != 0) {
        fail_msg("%s: the archive differs from the undisturbed run's", when);
    }
    pp_free(bytes);
}

/* Nothing that can be seen is damaged; but shards that a whole lease keeps to itself may be, after
 * a power cut: they count for nothing then. */
static void assert_sound(const job *j, fault_mode mode, const char *when)
{
    pp_error err = {0};
    pp_fsck_report report = {0};
    char *out = pp_path_join(j->w->folder, j->how.out);
    pp_status status = pp_fsck_run(pp_fileops_system(), out, NULL, NULL, &report, &err);
    if (status != PP_OK && status != PP_ERR_NOT_FOUND) fail_msg("%s: fsck: %s", when, err.message);
    for (size_t i = 0; i < report.count; i++) {
        if (!report.findings[i].damage) continue;
        if (mode == FAULT_CRASH && strstr(report.findings[i].path, "shards/") != NULL) continue;
        fail_msg("%s: %s: %s", when, report.findings[i].path, report.findings[i].what);
    }
    pp_fsck_free(&report);
    pp_free(out);
}

static void try_one(job *j, int64_t at, fault_mode mode)
{
    static const char *const names[] = {"once", "for good", "crash"};
    faulty_fileops faulty;
    pp_error err = {0};
    pp_lease_result result;
    pp_lease lease = whole_lease(j->video);
    char when[64];
    snprintf(when, sizeof when, "operation %lld, %s", (long long)at, names[mode]);
    clear_out(j);
    faulty_init(&faulty, FAULT_ANY, at, mode);
    j->how.ops = &faulty.table;
    pp_status status = run_lease(j->w, &j->how, &lease, &result, &err);
    faulty_finish(&faulty);
    assert_true(faulty.failed);
    assert_sound(j, mode, when);
    if (status == PP_OK) { /* what failed was not needed, or tidying up */
        assert_undisturbed(j, result.archive, when);
    } else if (err.message[0] == '\0' || status == PP_ERR_INTERNAL) {
        fail_msg("%s: %s: '%s'", when, pp_status_name(status), err.message);
    }
    faulty_init(&faulty, FAULT_ANY, 0, FAULT_ONCE); /* fails nothing, and waits for no disk */
    run_whole(j->w, &j->how, j->video, &result);
    assert_undisturbed(j, result.archive, when);
    j->how.ops = NULL;
}

static int64_t count_operations(job *j)
{
    faulty_fileops faulty;
    pp_error err = {0};
    pp_lease_result result;
    pp_lease lease = whole_lease(j->video);
    faulty_init(&faulty, FAULT_ANY, 0, FAULT_ONCE);
    j->how.ops = &faulty.table;
    clear_out(j);
    if (run_lease(j->w, &j->how, &lease, &result, &err) != PP_OK) fail_msg("%s", err.message);
    j->how.ops = NULL;
    j->bytes = archive_bytes(j, result.archive, &j->length);
    return faulty.count[FAULT_ANY];
}

static void any_operation_may_fail(void **state)
{
    job j = {.w = *state};
    j.video = make_video(j.w, "faults.mp4", "samples=900 seed=3");
    j.how =
        (run){.model = j.w->plain, .parameters = small_parameters(), .out = "faults", .batch = 2};
    j.how.parameters.segment_windows = 3; /* several shards of a kind */
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
    pp_free(j.bytes);
    pp_free(j.video);
}

typedef struct looks { /* at a shard while the run goes on */
    char path[512];
    ino_t first, last;
} looks;

/* Stops the run in listen; where the shard's file is another one by then, `last` says so. */
static pp_status look_and_stop(void *user, pp_stage stage, int windows, pp_error *err)
{
    looks *at = user;
    struct stat is;
    (void)windows;
    if (stage != PP_STAGE_LISTEN) return PP_OK;
    assert_int_equal(stat(at->path, &is), 0);
    if (at->first == 0) at->first = is.st_ino;
    at->last = is.st_ino;
    return pp_fail(err, PP_ERR_INTERRUPTED, "asked to stop");
}

/* Shards that never reached the disk are taken up by the next run, but not after a power cut. */
static void unsynced_shards_last_as_long_as_the_machine_runs(void **state)
{
    world *w = *state;
    looks at = {.first = 0};
    pp_fileops ops = *pp_fileops_system();
    run how = {.model = w->plain,
               .parameters = small_parameters(),
               .out = "boots",
               .progress = look_and_stop,
               .user = &at,
               .ops = &ops};
    char *video = make_video(w, "boots.mp4", "samples=2000 seed=2");
    pp_lease lease = whole_lease(video);
    for (int boot = 0; boot < 3; boot++) {
        pp_lease_result result;
        pp_error err = {0};
        ops.boot = boot < 2 ? "one" : "another";
        if (at.path[0] == '\0') { /* the digest names the folder: any lease finds it */
            run_whole(w, &(run){.model = w->plain, .parameters = how.parameters, .out = "names"},
                      video, &result);
            snprintf(at.path, sizeof at.path, "%s/boots/shards/%.16s/probe.h5", w->folder,
                     result.identity);
        }
        assert_int_equal(run_lease(w, &how, &lease, &result, &err), PP_ERR_INTERRUPTED);
        if (boot < 2) assert_true(at.last == at.first);
    }
    assert_true(at.last != at.first);
    pp_free(video);
}

int main(void)
{
    pp_log_setup(PP_LOG_ERROR, PP_LOG_TEXT, -1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_operation_may_fail),
        cmocka_unit_test(unsynced_shards_last_as_long_as_the_machine_runs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
