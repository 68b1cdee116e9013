/* pp gc: removes what nothing refers to any more. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "pp.h"
#include "store/gc.h"

static const char usage_text[] =
    "usage: pp gc [--dry-run] [--superseded] OUT\n"
    "\n"
    "Removes from the output folder OUT temporary files whose process is gone (on this host) or\n"
    "that nobody has touched for an hour, and the shards of videos that were published after them\n"
    "(a run with keep_shards left them; a later run with another model makes them again).\n"
    "While a run is on, shards stay.\n"
    "Failure records and what `pp fsck --repair` set aside are never touched, archives only with\n"
    "--superseded.\n"
    "\n"
    "  -n, --dry-run      only say what would be removed\n"
    "  -s, --superseded   also archives whose source has changed and has a newer archive\n";

static int run_gc(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"dry-run", no_argument, NULL, 'n'},
        {"superseded", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    pp_gc_options options = {.now_s = pp_clock_unix_s()};
    for (int c; (c = getopt_long(argc, argv, "nsh", long_options, NULL)) != -1;) {
        if (c == 'n') options.dry_run = 1;
        else if (c == 's') options.superseded = 1;
        else {
            fputs(usage_text, c == 'h' ? stdout : stderr);
            return c == 'h' ? 0 : 2;
        }
    }
    if (argc - optind != 1) {
        fputs(usage_text, stderr);
        return 2;
    }
    pp_error err = {0};
    pp_gc_report report = {0};
    pp_status status = pp_gc_run(pp_fileops_system(), argv[optind], &options, &report, &err);
    for (size_t i = 0; i < report.count; i++) {
        printf("%s: %s\n", report.items[i].path, report.items[i].why);
    }
    char bytes[32];
    pp_text_bytes((uint64_t)report.bytes, bytes, sizeof bytes);
    if (status == PP_OK) {
        printf("%zu files, %s%s\n", report.count, bytes,
               options.dry_run ? " (--dry-run: nothing was removed)" : " removed");
        if (report.run_is_on)
            puts("a run is on in this folder: shards and archives were left alone");
    } else {
        pp_log_failure(PP_LOG_ERROR, "pp gc", &err);
    }
    pp_gc_free(&report);
    return status == PP_OK ? 0 : 1;
}

const pp_verb pp_verb_gc = {"gc", "remove stray temporary files and shards of published videos",
                            run_gc};
