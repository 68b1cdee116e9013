/* Who plays when: found intervals against true ones, in segments of 0.1 s. Pure functions. */
#ifndef PP_EVAL_ACTIVITY_SCORE_H
#define PP_EVAL_ACTIVITY_SCORE_H

#include <stddef.h>
#include <stdint.h>

typedef struct pp_interval {
    double start_s, end_s;
} pp_interval;

typedef struct pp_activity_counts { /* segments */
    int64_t both, only_found, only_true;
} pp_activity_counts;

#define PP_ACTIVITY_SEGMENT_S 0.1

/* A segment counts as active where an interval covers its middle. Adds to *counts. */
void pp_activity_count(const pp_interval *found, size_t found_count, const pp_interval *truth,
                       size_t truth_count, double duration_s, pp_activity_counts *counts);
/* 2 both / (2 both + only_found + only_true); 1 where there is nothing to find and nothing found.
 */
double pp_activity_f1(const pp_activity_counts *counts);

/* Seconds of [start_s, end_s) that the intervals (disjoint) cover. */
double pp_interval_overlap(const pp_interval *intervals, size_t count, double start_s,
                           double end_s);

#endif
