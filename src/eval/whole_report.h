/* Many videos through the whole pipeline: sums over their scores, as a table and as JSON. */
#ifndef PP_EVAL_WHOLE_REPORT_H
#define PP_EVAL_WHOLE_REPORT_H

#include <stdio.h>

#include "base/json.h"
#include "eval/confidence.h"
#include "eval/whole.h"

typedef struct pp_whole_video {
    char *name;    /* owned: of the video */
    char *missing; /* owned: why there is no score; NULL where there is one */
    pp_whole_score score;
} pp_whole_video;

enum { PP_WHOLE_GROUPS = 4 }; /* all videos; those of 1, 2, 3 performers */

typedef struct pp_whole_group {
    size_t videos, counted_right; /* with a score; with the right number of sources */
    pp_mean sdr, sir, sar, gain;  /* dB, over videos: each the mean of its performers */
    pp_pointing_counts pointing;
    pp_activity_counts activity;
    int64_t labels_judged, labels_right;
} pp_whole_group;

typedef struct pp_whole_report {
    size_t videos, missing;
    pp_whole_group group[PP_WHOLE_GROUPS];
} pp_whole_report;

/* Intervals are bootstrapped by `seed`. */
pp_status pp_whole_report_make(pp_whole_report *out, const pp_whole_video *videos, size_t count,
                               uint64_t seed, pp_error *err) PP_MUST_USE;
void pp_whole_report_print(FILE *to, const pp_whole_report *report, const pp_whole_video *videos,
                           size_t count);
/* Owned by the caller. docs/formats/eval-report.md */
pp_json *pp_whole_report_json(const pp_whole_report *report, const pp_whole_video *videos,
                              size_t count);

#endif
