#include "eval/activity_score.h"

#include <math.h>

static int covers(const pp_interval *intervals, size_t count, double time_s)
{
    for (size_t i = 0; i < count; i++) {
        if (intervals[i].start_s <= time_s && time_s < intervals[i].end_s) return 1;
    }
    return 0;
}

void pp_activity_count(const pp_interval *found, size_t found_count, const pp_interval *truth,
                       size_t truth_count, double duration_s, pp_activity_counts *counts)
{
    const int64_t segments = (int64_t)floor(duration_s / PP_ACTIVITY_SEGMENT_S + 0.5);
    for (int64_t i = 0; i < segments; i++) {
        const double middle_s = ((double)i + 0.5) * PP_ACTIVITY_SEGMENT_S;
        const int is_found = covers(found, found_count, middle_s);
        const int is_true = covers(truth, truth_count, middle_s);
        counts->both += is_found && is_true;
        counts->only_found += is_found && !is_true;
        counts->only_true += !is_found && is_true;
    }
}

double pp_activity_f1(const pp_activity_counts *counts)
{
    const int64_t all = 2 * counts->both + counts->only_found + counts->only_true;
    return all == 0 ? 1.0 : 2.0 * (double)counts->both / (double)all;
}

double pp_interval_overlap(const pp_interval *intervals, size_t count, double start_s, double end_s)
{
    double sum_s = 0.0;
    for (size_t i = 0; i < count; i++) {
        const double from_s = fmax(intervals[i].start_s, start_s);
        const double to_s = fmin(intervals[i].end_s, end_s);
        if (to_s > from_s) sum_s += to_s - from_s;
    }
    return sum_s;
}
