/* pp fsck: checks an output folder. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "pp.h"
#include "store/fsck.h"

static const char usage_text[] =
    "usage: pp fsck [--repair] [--json] OUT\n"
    "\n"
    "Reads every archive, shard and failure record of the output folder OUT through its "
    "checksums,\n"
    "checks shapes, stage keys and that stems + residual = mixture, and holds corpus.h5 and\n"
    "catalogue.sqlite against the archives. Names what is damaged.\n"
    "\n"
    "  --repair   move what is damaged to OUT/damaged/ and make the caches again: the next run of\n"
    "             pp-cluster makes exactly what was set aside again\n"
    "  --json     the findings as JSON\n"
    "\n"
    "Exit status: 0 nothing damaged (or all of it repaired), 1 damage, 2 usage.\n"
    "Temporary files of killed runs (see pp gc) and caches that are behind (pp index) are no "
    "damage.\n";

typedef struct fsck_options {
    const char *out_folder;
    int repair, json;
} fsck_options;

static int parse(fsck_options *options, int argc, char **argv)
{
    static const struct option long_options[] = {
        {"repair", no_argument, NULL, 'r'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (c == 'r') options->repair = 1;
        else if (c == 'j') options->json = 1;
        else {
            fputs(usage_text, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (argc - optind != 1) {
        fputs(usage_text, stderr);
        return 2;
    }
    options->out_folder = argv[optind];
    return -1;
}

static void show_progress(void *user, int64_t done, int64_t of, const char *path)
{
    (void)path;
    double *next = user, now = pp_clock_s();
    if (now < *next) return;
    *next = now + 0.5;
    fprintf(stderr, "\rpp fsck: %lld of %lld files\033[K", (long long)done, (long long)of);
}

static void print_json(const fsck_options *options, const pp_fsck_report *report)
{
    pp_json *all = pp_json_object(), *findings = pp_json_array();
    pp_json_set_path(all, "out", options->out_folder);
    pp_json_set_bool(all, "ok", report->damaged == 0);
    pp_json_set_int(all, "archives", report->archives);
    pp_json_set_int(all, "shards", report->shards);
    pp_json_set_int(all, "failures", report->failures);
    pp_json_set_int(all, "temporaries", report->temporaries);
    pp_json_set_int(all, "bytes_read", report->bytes_read);
    pp_json_set_int(all, "damaged", report->damaged);
    pp_json_set_bool(all, "caches_behind", report->caches_behind);
    pp_json_set_real(all, "worst_sum_error", report->worst_sum_error);
    for (size_t i = 0; i < report->count; i++) {
        const pp_fsck_finding *finding = &report->findings[i];
        pp_json *one = pp_json_object();
        pp_json_set_path(one, "path", finding->path);
        pp_json_set_text(one, "kind", finding->damage ? "damage" : "note");
        pp_json_set_text(one, "what", finding->what);
        if (finding->moved_to != NULL) pp_json_set_path(one, "moved_to", finding->moved_to);
        pp_json_append(findings, one);
    }
    pp_json_set(all, "findings", findings);
    char *text = pp_json_dump(all, 2);
    puts(text != NULL ? text : "{}");
    pp_free(text);
    pp_json_free(&all);
}

static void print_words(const fsck_options *options, const pp_fsck_report *report)
{
    char bytes[32];
    for (size_t i = 0; i < report->count; i++) {
        const pp_fsck_finding *finding = &report->findings[i];
        printf("%-7s %s: %s\n", finding->damage ? "damaged" : "note", finding->path, finding->what);
        if (finding->moved_to != NULL) printf("        moved to %s\n", finding->moved_to);
    }
    pp_text_bytes((uint64_t)report->bytes_read, bytes, sizeof bytes);
    printf("%lld archives, %lld shards, %lld failure records, %s of numbers read: %lld damaged\n",
           (long long)report->archives, (long long)report->shards, (long long)report->failures,
           bytes, (long long)report->damaged);
    if (report->archives > 0) {
        printf("stems + residual = mixture to %.1e of the peak in every good archive\n",
               report->worst_sum_error);
    }
    if (report->temporaries > 0) {
        printf("%lld temporary files (harmless; pp gc removes those of dead processes)\n",
               (long long)report->temporaries);
    }
    if (options->repair) printf("repaired: run pp-cluster again to make what was set aside\n");
    else if (report->damaged > 0) {
        printf("pp fsck --repair %s sets the damaged files aside; the next run makes them again\n",
               options->out_folder);
    } else if (report->caches_behind) {
        printf("pp index %s brings the caches up to date\n", options->out_folder);
    }
}

static int run_fsck(int argc, char **argv)
{
    fsck_options options = {0};
    int code = parse(&options, argc, argv);
    if (code >= 0) return code;
    pp_error err = {0};
    pp_fsck_report report = {0};
    double next = 0;
    int terminal = isatty(STDERR_FILENO);
    pp_status status = pp_fsck_run(pp_fileops_system(), options.out_folder,
                                   terminal ? show_progress : NULL, &next, &report, &err);
    if (terminal) fprintf(stderr, "\r\033[K");
    if (status == PP_OK && options.repair) {
        status = pp_fsck_repair(pp_fileops_system(), options.out_folder, &report, &err);
    }
    if (status == PP_OK && options.json) print_json(&options, &report);
    else if (status == PP_OK) print_words(&options, &report);
    else pp_log_failure(PP_LOG_ERROR, "pp fsck", &err);
    int bad = status != PP_OK || (report.damaged > 0 && !options.repair);
    pp_fsck_free(&report);
    return bad ? 1 : 0;
}

const pp_verb pp_verb_fsck = {"fsck", "check an output folder, set aside what is damaged",
                              run_fsck};
