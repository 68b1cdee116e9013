/* SIGUSR1, SIGTERM and SIGINT ask a run to drain; asked twice by SIGINT it stops at once.
 *
 * The counters are the one thing that a signal handler can reach: process-wide by nature. */
#ifndef PP_CLUSTER_SIGNALS_H
#define PP_CLUSTER_SIGNALS_H

typedef struct pp_signals {
    int drain; /* asked to stop soon: SIGUSR1, the first SIGINT */
    int now;   /* asked to stop at once: SIGTERM (a launcher kills soon after), SIGINT twice */
} pp_signals;

void pp_signals_install(void);
/* Leaves the program with exit_code, without ceremony, unless it has ended by itself before or
 * another call says otherwise (0 seconds: stay). words: said on the way out, static; NULL: none. */
void pp_signals_leave_after(int seconds, int exit_code, const char *words);
pp_signals pp_signals_seen(void);

#endif
