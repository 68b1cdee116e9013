/* Time: a monotonic clock for durations, UTC text for people and files. Thread-safe. */
#ifndef PP_BASE_CLOCK_H
#define PP_BASE_CLOCK_H

#include <stddef.h>

double pp_clock_s(void);     /* monotonic seconds since an arbitrary start */
double pp_clock_cpu_s(void); /* processor seconds of this process, all threads */
double pp_clock_unix_s(void);
void pp_clock_sleep_s(double seconds);

/* "2026-11-23T08:20:00.123Z" (24 characters); room of at least 32 bytes. */
void pp_clock_utc_text(char *text, size_t room);

/* A duration for people: "59.3 s", "12 min 05 s", "3 h 07 min"; room of at least 32 bytes. */
void pp_clock_duration_text(double seconds, char *text, size_t room);

#endif
