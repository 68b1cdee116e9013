/* pp status: how a run goes or went, from the files in its output folder alone. */
#include <dirent.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/run_files.h"
#include "pp.h"
#include "store/folder.h"

static const char usage_text[] =
    "usage: pp status OUT [--json] [--part I/N] [--exit-status]\n"
    "\n"
    "What a run of pp-cluster is doing, did and failed at, from the files in its output folder.\n"
    "\n"
    "      --json         everything as one JSON object\n"
    "      --part I/N     of that part of an array of jobs; default: of every run there\n"
    "      --exit-status  print only the status that batch scripts go by: 0 all done, 1 failures\n"
    "                     recorded, 2 usage, 75 run me again (also while running, or killed)\n"
    "      --failures N   list at most N failures (20)\n";

/* A run is taken for dead when it has not written for so long. */
#define SILENT_S 60.0

typedef struct options {
    const char *out;
    int json, exit_status, part, parts, most_failures;
} options;

typedef struct run_state { /* of one run: the whole, or one part */
    int part, parts;
    pp_json *status, *progress; /* NULL: no such file */
} run_state;

typedef struct found {
    run_state *runs;
    size_t count, capacity;
} found;

/* ---- finding -----------------------------------------------------------------------------------
 */

static pp_json *read_run_file(const char *out, const char *stem, int part, int parts)
{
    char name[96];
    pp_error ignored = {0};
    pp_json *json = NULL;
    pp_run_file_name(name, sizeof name, stem, "json", part, parts);
    char *path = pp_path_join(out, name);
    if (path == NULL || !pp_path_exists(path) ||
        pp_json_read_file(&json, path, &ignored) != PP_OK) {
        json = NULL;
    }
    pp_free(path);
    return json;
}

static pp_status add_run(found *f, const char *out, int part, int parts, pp_error *err)
{
    for (size_t i = 0; i < f->count; i++) {
        if (f->runs[i].part == part && f->runs[i].parts == parts) return PP_OK;
    }
    pp_status status = pp_grow((void **)&f->runs, &f->capacity, f->count + 1, sizeof *f->runs, err);
    if (status != PP_OK) return status;
    f->runs[f->count++] = (run_state){.part = part,
                                      .parts = parts,
                                      .status = read_run_file(out, "status", part, parts),
                                      .progress = read_run_file(out, "progress", part, parts)};
    return PP_OK;
}

static int compare_runs(const void *left, const void *right)
{
    const run_state *a = left, *b = right;
    return a->parts != b->parts ? a->parts - b->parts : a->part - b->part;
}

static pp_status find_runs(found *f, const options *o, pp_error *err)
{
    if (o->parts > 0) return add_run(f, o->out, o->part, o->parts, err);
    DIR *folder = opendir(o->out);
    if (folder == NULL) return pp_fail_errno(err, "cannot open %s", o->out);
    pp_status status = PP_OK;
    for (struct dirent *entry; status == PP_OK && (entry = readdir(folder)) != NULL;) {
        int part, parts;
        if (pp_run_file_parse(entry->d_name, "status", "json", &part, &parts) ||
            pp_run_file_parse(entry->d_name, "progress", "json", &part, &parts)) {
            status = add_run(f, o->out, part, parts, err);
        }
    }
    closedir(folder);
    if (f->count > 1) qsort(f->runs, f->count, sizeof *f->runs, compare_runs);
    return status;
}

static void free_runs(found *f)
{
    for (size_t i = 0; i < f->count; i++) {
        pp_json_free(&f->runs[i].status);
        pp_json_free(&f->runs[i].progress);
    }
    pp_free(f->runs);
}

static int status_of_run(const run_state *run)
{
    return run->status != NULL ? (int)pp_json_int(run->status, "status", 75) : 75;
}

/* That of the run over everything, if there is one; otherwise the worst of all parts: 2, then 75,
 * then 1, then 0. No file is 75. */
static int exit_status_of(const found *f)
{
    static const int order[] = {2, 75, 1, 0};
    if (f->count > 0 && f->runs[0].parts == 0) return status_of_run(&f->runs[0]);
    for (size_t o = 0; o < 4; o++) {
        for (size_t i = 0; i < f->count; i++) {
            if (status_of_run(&f->runs[i]) == order[o]) return order[o];
        }
    }
    return 75;
}

/* ---- disk --------------------------------------------------------------------------------------
 */

typedef struct disk_use {
    uint64_t archives, shards, leftovers; /* bytes */
} disk_use;

static disk_use disk_of(const char *out)
{
    pp_folder folder = {0};
    pp_error ignored = {0};
    disk_use use = {0};
    if (pp_folder_scan(&folder, out, &ignored) != PP_OK) return use;
    for (int64_t i = 0; i < folder.count; i++) {
        const pp_folder_file *file = &folder.files[i];
        if (file->kind == PP_FILE_ARCHIVE) use.archives += (uint64_t)file->size_bytes;
        if (file->kind == PP_FILE_SHARD) use.shards += (uint64_t)file->size_bytes;
        if (file->kind == PP_FILE_TEMPORARY) use.leftovers += (uint64_t)file->size_bytes;
    }
    pp_folder_free(&folder);
    return use;
}

static void print_disk(const char *out)
{
    char archives[32], shards[32], leftovers[32];
    disk_use use = disk_of(out);
    pp_text_bytes(use.archives, archives, sizeof archives);
    pp_text_bytes(use.shards, shards, sizeof shards);
    pp_text_bytes(use.leftovers, leftovers, sizeof leftovers);
    printf("  disk     %s of archives, %s of partial results, %s unfinished files\n", archives,
           shards, leftovers);
}

/* ---- failures ----------------------------------------------------------------------------------
 */

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The files of OUT/failed, parsed, by name. */
static pp_json *read_failures(const char *out)
{
    pp_json *list = pp_json_array();
    char *path = pp_path_join(out, "failed"), **names = NULL;
    size_t count = 0, capacity = 0;
    pp_error ignored = {0};
    DIR *folder = path != NULL ? opendir(path) : NULL;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.' || !pp_text_ends_with(entry->d_name, ".json")) continue;
        if (pp_grow((void **)&names, &capacity, count + 1, sizeof *names, &ignored) != PP_OK) break;
        names[count] = pp_path_join(path, entry->d_name);
        if (names[count] != NULL) count++;
    }
    if (folder != NULL) closedir(folder);
    if (count > 1) qsort(names, count, sizeof *names, compare_names);
    for (size_t i = 0; i < count; i++) {
        pp_json *failure = NULL;
        if (pp_json_read_file(&failure, names[i], &ignored) == PP_OK) {
            pp_json_append(list, failure);
        }
        pp_error_clear(&ignored);
        pp_free(names[i]);
    }
    pp_free(names);
    pp_free(path);
    return list;
}

static void print_failures(const char *out, const pp_json *list, int most)
{
    size_t count = pp_json_length(list);
    if (count == 0) return;
    printf("recorded in %s/failed: %zu\n", out, count);
    for (size_t i = 0; i < count && i < (size_t)most; i++) {
        const pp_json *failure = pp_json_at(list, i);
        const char *advice = pp_json_text(failure, "advice", "");
        printf("  %s\n    %s (%s; %" PRId64 " attempts)\n", pp_json_text(failure, "path", "?"),
               pp_json_text(failure, "reason", "?"), pp_json_text(failure, "status", "?"),
               pp_json_int(failure, "attempts", 1));
        if (*advice) printf("    %s\n", advice);
    }
    if (count > (size_t)most) printf("  ... and %zu more in OUT/failed\n", count - (size_t)most);
}

/* ---- runs in words -----------------------------------------------------------------------------
 */

static void print_counts(const pp_json *run)
{
    const pp_json *videos = pp_json_get(run, "videos");
    printf("  videos   %" PRId64 " of %" PRId64 " done", pp_json_int(videos, "done", 0),
           pp_json_int(videos, "all", 0) - pp_json_int(videos, "left_out", 0));
    if (pp_json_int(videos, "unchanged", 0) > 0) {
        printf(" (%" PRId64 " before)", pp_json_int(videos, "unchanged", 0));
    }
    printf(", %" PRId64 " failed, %" PRId64 " left\n", pp_json_int(videos, "failed", 0),
           pp_json_int(videos, "left", 0));
}

static void print_worker(const pp_json *worker)
{
    const char *path = pp_json_text(worker, "path", NULL);
    printf("  rank %-3" PRId64 " ", pp_json_int(worker, "rank", 0));
    if (path == NULL) {
        printf("%s\n", pp_json_text(worker, "state", "?"));
        return;
    }
    char since[40];
    pp_clock_duration_text(pp_json_real(worker, "seconds", 0), since, sizeof since);
    printf("%-9s %s", pp_json_text(worker, "stage", "?"), pp_path_name(path));
    int64_t first = pp_json_int(worker, "first_segment", -1);
    int64_t count = pp_json_int(worker, "segments", 0);
    if (first >= 0 && count == 1) printf(", segment %" PRId64, first);
    if (first >= 0 && count > 1)
        printf(", segments %" PRId64 "-%" PRId64, first, first + count - 1);
    printf(", for %s\n", since);
}

static void print_running(const pp_json *progress)
{
    char elapsed[40], left[40], silent[40];
    double silent_s = pp_clock_unix_s() - pp_json_real(progress, "updated_unix_s", 0);
    pp_clock_duration_text(pp_json_real(progress, "elapsed_s", 0), elapsed, sizeof elapsed);
    pp_clock_duration_text(silent_s, silent, sizeof silent);
    if (silent_s > SILENT_S) {
        printf("ended without a word %s ago, after %s (killed, or its host was lost): run it "
               "again, it goes on from what is there\n",
               silent, elapsed);
        print_counts(progress);
        return;
    }
    printf("%s for %s on %s, %" PRId64 " ranks (written %s ago)\n",
           pp_json_text(progress, "state", "running"), elapsed, pp_json_text(progress, "host", "?"),
           pp_json_int(progress, "ranks", 1), silent);
    print_counts(progress);
    printf("  windows  %.0f of about %.0f, %.1f times real time",
           pp_json_real(progress, "windows_done", 0), pp_json_real(progress, "windows_total", 0),
           pp_json_real(progress, "times_real_time", 0));
    if (pp_json_real(progress, "left_s", -1) >= 0) {
        pp_clock_duration_text(pp_json_real(progress, "left_s", 0), left, sizeof left);
        printf(", about %s left", left);
    }
    printf("\n");
    const pp_json *workers = pp_json_get(progress, "workers");
    for (size_t i = 0; i < pp_json_length(workers); i++) print_worker(pp_json_at(workers, i));
}

/* The end of a training, or of a run that could not begin. */
static void print_unlike(const pp_json *status, int64_t code)
{
    const pp_json *run = pp_json_get(status, "run"), *training = pp_json_get(status, "training");
    const char *why = pp_json_text(run, "refused_because", NULL);
    const char *advice = pp_json_text(run, "advice", NULL);
    const char *failure = pp_json_text(training, "failure", NULL);
    printf("%s (status %" PRId64 "), ended %s\n",
           why != NULL  ? "could not begin"
           : code == 0  ? "trained to the end"
           : code == 75 ? "stopped early: run it again"
                        : "failed",
           code, pp_json_text(status, "ended", "?"));
    if (training != NULL) {
        printf("  step     %" PRId64 " of %" PRId64 "\n", pp_json_int(training, "step", 0),
               pp_json_int(training, "steps", 0));
    }
    if (why != NULL || failure != NULL) printf("  because  %s\n", why != NULL ? why : failure);
    if (advice != NULL) printf("           %s\n", advice);
}

static void print_ended(const pp_json *status)
{
    const pp_json *run = pp_json_get(status, "run");
    char elapsed[40], music[40];
    int64_t code = pp_json_int(status, "status", 75);
    if (pp_json_get(status, "training") != NULL || pp_json_get(run, "refused_because") != NULL) {
        print_unlike(status, code);
        return;
    }
    pp_clock_duration_text(pp_json_real(run, "elapsed_s", 0), elapsed, sizeof elapsed);
    pp_clock_duration_text(pp_json_real(run, "music_done_s", 0), music, sizeof music);
    printf("%s (status %" PRId64 "), ended %s after %s\n",
           code == 0   ? "all done"
           : code == 1 ? "done, with failures"
                       : "stopped early: run it again",
           code, pp_json_text(status, "ended", "?"), elapsed);
    const char *why = pp_json_text(run, "stopped_because", NULL);
    if (why == NULL && code == 75 && pp_json_bool(run, "out_of_time", 0)) {
        why = "what is left would not end before the time limit";
    }
    if (why != NULL) printf("  because  %s\n", why);
    print_counts(run);
    printf("  music    %s; %.0f windows computed in this run, %.1f times real time, %" PRId64
           " ranks\n",
           music, pp_json_real(run, "windows_computed", 0), pp_json_real(run, "times_real_time", 0),
           pp_json_int(run, "ranks", 1));
    if (pp_json_bool(pp_json_get(run, "model"), "untrained", 0)) {
        printf("  model    untrained: random weights, it separates nothing\n");
    }
}

static void print_text(const found *f, const options *o)
{
    if (f->count == 0) printf("%s: no run has left word here (status 75)\n", o->out);
    for (size_t i = 0; i < f->count; i++) {
        const run_state *run = &f->runs[i];
        if (run->parts > 0) printf("part %d of %d: ", run->part, run->parts);
        if (run->status != NULL) print_ended(run->status);
        else if (run->progress != NULL) print_running(run->progress);
        else printf("no word of it (status 75)\n");
    }
    print_disk(o->out);
    pp_json *failures = read_failures(o->out);
    print_failures(o->out, failures, o->most_failures);
    pp_json_free(&failures);
}

static void print_json(found *f, const options *o)
{
    pp_json *json = pp_json_object(), *runs = pp_json_array(), *disk = pp_json_object();
    pp_json_set_path(json, "out", o->out);
    pp_json_set_int(json, "status", exit_status_of(f));
    for (size_t i = 0; i < f->count; i++) {
        run_state *run = &f->runs[i];
        pp_json *entry = pp_json_object();
        if (run->parts > 0) {
            pp_json_set_int(entry, "part", run->part);
            pp_json_set_int(entry, "parts", run->parts);
        }
        if (run->status != NULL) pp_json_set(entry, "ended", run->status);
        if (run->progress != NULL) pp_json_set(entry, "progress", run->progress);
        run->status = run->progress = NULL; /* taken */
        pp_json_append(runs, entry);
    }
    pp_json_set(json, "runs", runs);
    disk_use use = disk_of(o->out);
    pp_json_set_int(disk, "archives_bytes", (int64_t)use.archives);
    pp_json_set_int(disk, "shards_bytes", (int64_t)use.shards);
    pp_json_set_int(disk, "leftovers_bytes", (int64_t)use.leftovers);
    pp_json_set(json, "disk", disk);
    pp_json_set(json, "failures", read_failures(o->out));
    char *text = pp_json_dump(json, 2);
    if (text != NULL) printf("%s\n", text);
    pp_free(text);
    pp_json_free(&json);
}

/* ---- the verb ----------------------------------------------------------------------------------
 */

static pp_status read_part(options *o, const char *text, pp_error *err)
{
    char rest;
    if (sscanf(text, "%d/%d%c", &o->part, &o->parts, &rest) == 2 && o->part >= 1 &&
        o->part <= o->parts) {
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "--part: '%s' is no part, as 2/5", text);
}

static pp_status read_arguments(options *o, int argc, char **argv, int *help, pp_error *err)
{
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},        {"part", required_argument, NULL, 'p'},
        {"exit-status", no_argument, NULL, 'e'}, {"failures", required_argument, NULL, 'f'},
        {"help", no_argument, NULL, 'h'},        {0}};
    pp_status status = PP_OK;
    opterr = 0;
    for (int code; status == PP_OK && (code = getopt_long(argc, argv, "h", names, NULL)) != -1;) {
        int64_t most = o->most_failures;
        if (code == 'j') o->json = 1;
        else if (code == 'e') o->exit_status = 1;
        else if (code == 'h') *help = 1;
        else if (code == 'p') status = read_part(o, optarg, err);
        else if (code == 'f') status = pp_text_to_int(&most, optarg, 0, 1000000, "--failures", err);
        else status = pp_fail(err, PP_ERR_USAGE, "no such option: %s", argv[optind - 1]);
        o->most_failures = (int)most;
    }
    if (status != PP_OK || *help) return status;
    if (optind + 1 != argc) return pp_fail(err, PP_ERR_USAGE, "pp status needs one output folder");
    o->out = argv[optind];
    return PP_OK;
}

static int run_status(int argc, char **argv)
{
    options o = {.most_failures = 20};
    pp_error err = {0};
    found f = {0};
    int help = 0;
    pp_status status = read_arguments(&o, argc, argv, &help, &err);
    if (status == PP_OK && help) return fputs(usage_text, stdout) < 0;
    if (status == PP_OK) status = find_runs(&f, &o, &err);
    if (o.exit_status && status != PP_ERR_USAGE) {
        printf("%d\n", status == PP_OK ? exit_status_of(&f) : 75);
        status = PP_OK;
    } else if (status == PP_OK && o.json) {
        print_json(&f, &o);
    } else if (status == PP_OK) {
        print_text(&f, &o);
    }
    free_runs(&f);
    if (status != PP_OK) pp_log_failure(PP_LOG_ERROR, "pp status", &err);
    return status == PP_OK ? 0 : status == PP_ERR_USAGE ? 2 : 1;
}

const pp_verb pp_verb_status = {"status", "how a run goes or went, what failed and why",
                                run_status};
