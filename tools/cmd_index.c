/* pp index: the caches of an output folder, made again from its archives. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "pp.h"
#include "store/index.h"

static const char usage_text[] =
    "usage: pp index [--from-scratch] OUT\n"
    "\n"
    "Makes OUT/corpus.h5 (links to all archives, table of the corpus) and OUT/catalogue.sqlite\n"
    "(who plays what, when: see pp query) again from the archives. Both are caches and replaced "
    "as\n"
    "a whole. What the old ones know of archives that have not changed is taken over.\n"
    "\n"
    "      --from-scratch   read every archive for the catalogue\n";

static int run_index(int argc, char **argv)
{
    static const struct option long_options[] = {
        {"from-scratch", no_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int from_scratch = 0;
    for (int c; (c = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (c == 's') from_scratch = 1;
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
    pp_index_report report;
    pp_status status =
        pp_index_rebuild(pp_fileops_system(), argv[optind], from_scratch, &report, &err);
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_ERROR, "pp index", &err);
        return 1;
    }
    printf("%lld videos in %lld archives; %lld read for the catalogue%s\n", (long long)report.rows,
           (long long)report.archives, (long long)report.catalogue.read,
           report.catalogue.rewritten ? "" : ", which says all of it already");
    int64_t left_out = report.unreadable + report.catalogue.missing;
    if (left_out > 0) {
        printf("%lld archives could not be read and were left out: pp fsck %s says more\n",
               (long long)left_out, argv[optind]);
    }
    return left_out > 0 ? 1 : 0;
}

const pp_verb pp_verb_index = {"index", "make corpus.h5 and the catalogue again from the archives",
                               run_index};
