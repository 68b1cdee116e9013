/* The truth of a synthetic video, as `pp synth` writes it (docs/formats/truth.md). */
#ifndef PP_EVAL_TRUTH_H
#define PP_EVAL_TRUTH_H

#include <stddef.h>

#include "base/status.h"
#include "eval/activity_score.h"
#include "eval/pointing.h"

#define PP_TRUTH_MOST_PERFORMERS 8

typedef struct pp_truth_performer {
    char instrument[64];
    char *track; /* path of its sound alone; NULL where tracks were not written */
    pp_interval *active;
    size_t active_count;
    pp_box *boxes; /* box_step_s apart, from time 0 on */
    size_t box_count;
} pp_truth_performer;

typedef struct pp_truth {
    char *video; /* path */
    int width, height;
    double duration_s, box_step_s;
    int performers;
    pp_truth_performer performer[PP_TRUTH_MOST_PERFORMERS];
} pp_truth;

/* Fails for files that are no truth (PP_ERR_FORMAT), naming what is wrong. */
pp_status pp_truth_read(pp_truth **out, const char *path, pp_error *err) PP_MUST_USE;
void pp_truth_destroy(pp_truth **truth);

/* The performer's box at a time (the nearest one known). */
const pp_box *pp_truth_box(const pp_truth *truth, int performer, double time_s);

#endif
