/* pp bench: how fast things are on this machine. */
#include <stdio.h>
#include <string.h>

#include "cmd_bench.h"
#include "pp.h"

static const char usage_text[] =
    "usage: pp bench networks [MODEL.h5]   the two networks, layer by layer\n"
    "       pp bench kernels  [MODEL.h5]   each kernel against its plain twin\n"
    "       pp bench pipeline VIDEO [MODEL.h5]   one worker's time, stage by stage\n"
    "\n"
    "pp bench WHAT --help says more.\n";

static int run_bench(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int, char **);
    } parts[] = {{"networks", pp_bench_networks},
                 {"kernels", pp_bench_networks},
                 {"pipeline", pp_bench_pipeline}};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        return fputs(usage_text, stdout) < 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(argv[1], parts[i].name) == 0) return parts[i].run(argc - 1, argv + 1);
    }
    fputs(usage_text, stderr);
    return 2;
}

const pp_verb pp_verb_bench = {"bench", "time the networks and their kernels", run_bench};
