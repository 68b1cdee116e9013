#include "media/decoder/timeline.h"

#include <string.h>

#define SECOND INT64_C(1000000)
#define COVERED_US (10 * SECOND) /* how far apart the two streams of a file may be interleaved */

void pp_timeline_start(pp_timeline *timeline, int64_t start_us, int strict)
{
    memset(timeline, 0, sizeof *timeline);
    timeline->start_us = start_us;
    timeline->strict = strict;
    timeline->newest_shift_us = -start_us;
    for (int t = 0; t < PP_TRACKS; t++) {
        timeline->track[t].shift_us = -start_us;
        timeline->track[t].last_us = timeline->track[t].end_us = start_us;
    }
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

static int jumps(const pp_timeline *timeline, int track, int64_t stamp_us)
{
    int64_t ahead_us = stamp_us - timeline->track[track].end_us;
    int64_t back_us = timeline->track[track].last_us - stamp_us;
    if (timeline->strict) return ahead_us > 10 * SECOND || back_us > SECOND / 10;
    return ahead_us > 60 * SECOND || back_us > 10 * SECOND;
}

/* The other track has reached the time that this one jumps to: it is a gap, not a break. */
static int is_gap(const pp_timeline *timeline, int track, int64_t stamp_us)
{
    int other = 1 - track;
    if (stamp_us < timeline->track[track].end_us || !timeline->track[other].seen) return 0;
    int64_t reached_us = timeline->track[other].end_us + timeline->track[other].shift_us;
    return stamp_us + timeline->track[track].shift_us <= reached_us + COVERED_US;
}

static void shift_track(pp_timeline *timeline, int track, int64_t stamp_us)
{
    int64_t *shift_us = &timeline->track[track].shift_us;
    int64_t goes_on_us = timeline->track[track].end_us + *shift_us;
    if (*shift_us != timeline->newest_shift_us &&
        distance(stamp_us + timeline->newest_shift_us, goes_on_us) <= COVERED_US) {
        *shift_us = timeline->newest_shift_us;
        return;
    }
    *shift_us = goes_on_us - stamp_us;
    timeline->shifts++;
    /* a first packet far off concerns its own stream alone */
    if (timeline->track[track].seen) timeline->newest_shift_us = *shift_us;
}

int64_t pp_timeline_place(pp_timeline *timeline, pp_track track, int64_t stamp_us,
                          int64_t duration_us)
{
    if (jumps(timeline, track, stamp_us) && !is_gap(timeline, track, stamp_us)) {
        shift_track(timeline, track, stamp_us);
    }
    timeline->track[track].seen = 1;
    timeline->track[track].last_us = stamp_us;
    timeline->track[track].end_us = stamp_us + (duration_us > 0 ? duration_us : 0);
    return timeline->track[track].shift_us;
}
