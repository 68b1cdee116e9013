/* The verbs of `pp`: one tools/cmd_*.c each. argv[0] is the verb; returns the exit status
 * (0 done, 1 failed, 2 usage). */
#ifndef PP_TOOLS_PP_H
#define PP_TOOLS_PP_H

typedef struct pp_verb {
    const char *name, *summary;
    int (*run)(int argc, char **argv);
} pp_verb;

extern const pp_verb pp_verb_bench;
extern const pp_verb pp_verb_eval;
extern const pp_verb pp_verb_export;
extern const pp_verb pp_verb_fsck;
extern const pp_verb pp_verb_gc;
extern const pp_verb pp_verb_index;
extern const pp_verb pp_verb_label;
extern const pp_verb pp_verb_model;
extern const pp_verb pp_verb_query;
extern const pp_verb pp_verb_report;
extern const pp_verb pp_verb_simulate;
extern const pp_verb pp_verb_status;
extern const pp_verb pp_verb_synth;

#endif
