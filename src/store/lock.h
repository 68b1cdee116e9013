/* Who works on an output folder: one small file a run, renewed while the run lives.
 *
 *   OUT/lock-part-2-of-5.<host>-<pid>-<random>.json      docs/formats/lock.md
 *
 * Nothing but files and the waiter's own clock, so that it works across hosts and on network file
 * systems, whose locks and clocks cannot be relied on. Every file has a name of its own: whoever
 * removes the file of a dead run cannot hit that of another that was quicker, and a run whose file
 * is gone knows that it was given up.
 *
 *   look for files of overlapping parts ── none ──► write one's own, look again ── none ──► held
 *        ▲  │ others                                                    │ others
 *        │  ├─ it changes, or its process lives on this machine: refused │ remove one's own,
 *        │  └─ its process is gone, or nothing changed for stale_s:      │ wait a moment
 *        └──── removed                             ◄─────────────────────┘
 *
 * Parts i/n and j/m overlap where some video is in both: i = j modulo the greatest common divisor
 * of n and m. Everything is part 1/1.
 *
 * Order: take, renew at least every stale_s / 2, release. One thread at a time.
 */
#ifndef PP_STORE_LOCK_H
#define PP_STORE_LOCK_H

#include "base/status.h"
#include "store/fileops.h"

#define PP_LOCK_RENEW_S 10.0
#define PP_LOCK_STALE_S 60.0 /* unchanged for so long, by the waiter's clock: given up */
#define PP_LOCK_LEAVE_S 5.0  /* that a process of this machine may take to leave */

typedef struct pp_lock pp_lock;

typedef struct pp_lock_holder {
    char host[256], started[40]; /* UTC; words like "an unknown host" where its file cannot say */
    long pid;
    int part, parts;     /* 1 .. parts */
    char parameters[65]; /* what pp_lock_agree was given; "": nothing yet */
} pp_lock_holder;

typedef struct pp_lock_setup {
    const pp_fileops *ops; /* borrowed for the lock's life */
    const char *out_folder;
    int part, parts; /* 1 .. parts; 0, 0: everything */
    double stale_s, leave_s;
    double (*clock_s)(void *user);
    /* Lets time pass while it waits; not 0: give up (PP_ERR_INTERRUPTED). */
    int (*pause)(void *user, double seconds);
    /* Told once of each holder that is waited for: at most so long. gone: its process is dead, and
     * it is not waited for. */
    void (*tell)(void *user, const pp_lock_holder *holder, double most_s, int gone);
    void *user;
} pp_lock_setup;

/* PP_ERR_BUSY, with the holder's host and time, where an overlapping part is at work. */
pp_status pp_lock_take(pp_lock **out, const pp_lock_setup *setup, pp_error *err) PP_MUST_USE;

/* PP_ERR_BUSY: another run has taken over. PP_ERR_IO: try again soon. */
pp_status pp_lock_renew(pp_lock *lock, pp_error *err) PP_MUST_USE;

/* Says in the lock's file by which parameters this run works (a digest), then looks at those of
 * other parts: PP_ERR_USAGE where one is at work by others. Of two that come at once at least one
 * sees the other. */
pp_status pp_lock_agree(pp_lock *lock, const char *out_folder, const char *parameters,
                        pp_error *err) PP_MUST_USE;

/* Removes the file, and *lock. */
void pp_lock_release(pp_lock **lock);

int pp_lock_parts_overlap(int part, int parts, int other_part, int other_parts);

#endif
