/* pp: the one-process tools. Dispatches to one tools/cmd_*.c a verb. */
#include <stdio.h>
#include <string.h>

#include "pp.h"

/* One line a verb, in alphabetical order; the sentinel ends the list. */
/* clang-format off */
static const pp_verb *const verbs[] = {
    &pp_verb_bench,
    &pp_verb_eval,
    &pp_verb_export,
    &pp_verb_fsck,
    &pp_verb_gc,
    &pp_verb_index,
    &pp_verb_label,
    &pp_verb_model,
    &pp_verb_query,
    &pp_verb_report,
    &pp_verb_simulate,
    &pp_verb_status,
    &pp_verb_synth,
    NULL,
};
/* clang-format on */

static int usage(FILE *to)
{
    fprintf(to, "usage: pp VERB [ARGUMENTS]        (pp VERB --help says more)\n\n");
    for (size_t i = 0; verbs[i] != NULL; i++) {
        fprintf(to, "  %-10s %s\n", verbs[i]->name, verbs[i]->summary);
    }
    return to == stdout ? 0 : 2;
}

int main(int argc, char **argv)
{
    if (argc < 2) return usage(stderr);
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) return usage(stdout);
    if (strcmp(argv[1], "--version") == 0) {
        printf("pp %s\n", PP_VERSION);
        return 0;
    }
    for (size_t i = 0; verbs[i] != NULL; i++) {
        if (strcmp(argv[1], verbs[i]->name) == 0) return verbs[i]->run(argc - 1, argv + 1);
    }
    fprintf(stderr, "pp: no verb named '%s'\n", argv[1]);
    return usage(stderr);
}
