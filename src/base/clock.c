#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

static double read_clock(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

double pp_clock_s(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

double pp_clock_cpu_s(void)
{
    return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

double pp_clock_unix_s(void)
{
    return read_clock(CLOCK_REALTIME);
}

void pp_clock_sleep_s(double seconds)
{
    if (!(seconds > 0)) return;
    struct timespec span = {(time_t)seconds, (long)((seconds - floor(seconds)) * 1e9)};
    nanosleep(&span, NULL);
}

void pp_clock_utc_text(char *text, size_t room)
{
    struct timespec now;
    struct tm parts;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &parts);
    size_t used = strftime(text, room, "%Y-%m-%dT%H:%M:%S", &parts);
    snprintf(text + used, room - used, ".%03ldZ", now.tv_nsec / 1000000);
}

void pp_clock_duration_text(double seconds, char *text, size_t room)
{
    long whole = seconds > 0 && seconds < 1e12 ? lround(seconds) : 0;
    if (!isfinite(seconds)) snprintf(text, room, "unknown");
    else if (seconds < 60) snprintf(text, room, "%.1f s", seconds > 0 ? seconds : 0.0);
    else if (whole < 3600) snprintf(text, room, "%ld min %02ld s", whole / 60, whole % 60);
    else snprintf(text, room, "%ld h %02ld min", whole / 3600, whole % 3600 / 60);
}
