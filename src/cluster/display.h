/* What a person sees of a run: a bar on a terminal, a line now and then elsewhere, JSON lines for
 * programs. Everything goes to standard error; under mpirun, whose ranks have no terminal, to
 * the one that mpirun itself was started from. Never fails. Not thread-safe.
 */
#ifndef PP_CLUSTER_DISPLAY_H
#define PP_CLUSTER_DISPLAY_H

#include <stdint.h>

#include "base/log.h"

typedef struct pp_display pp_display;

typedef struct pp_display_state {
    int64_t videos, done, failed;
    double windows_done, windows_total; /* total: estimated */
    double times_real_time;             /* seconds of music a second */
    double left_s;                      /* below 0: not known yet */
    int workers, workers_busy, workers_dead;
    const char *doing; /* "draining" and the like, or NULL; borrowed */
} pp_display_state;

/* NULL where there is no memory: every function takes it. */
pp_display *pp_display_create(pp_log_form form, int quiet);
void pp_display_destroy(pp_display **display); /* clears the bar */

/* As often as one likes: shows what is due (a bar 5 times a second, a line every 30 s). */
void pp_display_update(pp_display *display, const pp_display_state *state, double now_s);
/* Before a line is logged: takes the bar away until the next update. */
void pp_display_clear(pp_display *display);

#endif
