#include "pipeline/parts.h"

#include <stddef.h>

#include "base/clock.h"

const char *pp_part_name(pp_part part)
{
    static const char *const names[PP_PARTS] = {"other",    "hash",   "resample", "decode", "stft",
                                                "see",      "listen", "quantise", "energy", "cast",
                                                "separate", "stitch", "write"};
    return names[part];
}

pp_part pp_part_enter(pp_part_clock *clock, pp_part part)
{
    if (clock == NULL) return part;
    pp_part before = clock->now;
    double now_s = pp_clock_s(), now_cpu_s = pp_clock_cpu_s();
    if (clock->since_s > 0) {
        clock->part_s[before] += now_s - clock->since_s;
        clock->part_cpu_s[before] += now_cpu_s - clock->since_cpu_s;
    }
    clock->since_s = now_s;
    clock->since_cpu_s = now_cpu_s;
    clock->now = part;
    return before;
}

void pp_part_stop(pp_part_clock *clock)
{
    if (clock == NULL) return;
    pp_part_enter(clock, PP_PART_OTHER);
    clock->since_s = 0;
}
