/* Parts of `pp eval` that lie in a file of their own. */
#ifndef PP_TOOLS_CMD_EVAL_H
#define PP_TOOLS_CMD_EVAL_H

#include <stdint.h>

#include "base/status.h"

typedef struct pp_eval_truth_options {
    const char *corpus;   /* folder of pp synth: NAME.json, NAME.mp4, NAME/track-K.wav */
    const char *archives; /* OUT of pp-cluster */
    const char *out;      /* folder for whole.json; NULL: not written */
    int json;             /* JSON on standard output in place of the table */
    uint64_t seed;        /* of the intervals */
} pp_eval_truth_options;

pp_status pp_eval_truth(const pp_eval_truth_options *options, pp_error *err) PP_MUST_USE;

#endif
