#include "cluster/run_lock.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "cluster/signals.h"

struct pp_run_lock {
    pp_lock *lock;
    pthread_t keeper;
    int has_keeper;
    pthread_mutex_t mutex; /* of `ends` */
    pthread_mutex_t file;  /* of `lock` */
    pthread_cond_t wake;
    int ends;
    atomic_int lost;
};

/* ---- taking ------------------------------------------------------------------------------------
 */

static double clock_s(void *user)
{
    (void)user;
    return pp_clock_s();
}

static int pause_a_little(void *user, double seconds)
{
    (void)user;
    pp_clock_sleep_s(seconds);
    pp_signals seen = pp_signals_seen();
    return seen.drain || seen.now;
}

static void tell(void *user, const pp_lock_holder *holder, double most_s, int gone)
{
    (void)user;
    if (gone) {
        pp_log(PP_LOG_INFO, "the run of %s (process %ld) did not end by itself: going on from it",
               holder->started, holder->pid);
        return;
    }
    pp_log(PP_LOG_WARN,
           "a run on %s (process %ld, since %s) has this output folder: looking for up to %.0f s "
           "whether it lives",
           holder->host, holder->pid, holder->started, most_s);
}

/* ---- keeping ---------------------------------------------------------------------------------
 */

static void renew(pp_run_lock *l)
{
    pp_error problem = {0};
    pthread_mutex_lock(&l->file);
    pp_status status = pp_lock_renew(l->lock, &problem);
    pthread_mutex_unlock(&l->file);
    if (status == PP_ERR_BUSY) l->lost = 1;
    if (status != PP_OK) pp_log_failure(PP_LOG_WARN, NULL, &problem);
}

static void *keep(void *user)
{
    pp_run_lock *l = user;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    pthread_mutex_lock(&l->mutex);
    while (!l->ends && !l->lost) {
        until.tv_sec += (time_t)PP_LOCK_RENEW_S;
        while (!l->ends && pthread_cond_timedwait(&l->wake, &l->mutex, &until) == 0) continue;
        if (l->ends) break;
        pthread_mutex_unlock(&l->mutex);
        renew(l);
        clock_gettime(CLOCK_MONOTONIC, &until);
        pthread_mutex_lock(&l->mutex);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

/* Signals are for the main thread. */
static int start_keeper(pp_run_lock *l)
{
    sigset_t all, before;
    pthread_condattr_t monotonic;
    pthread_mutex_init(&l->mutex, NULL);
    pthread_mutex_init(&l->file, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&l->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&l->keeper, NULL, keep, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    l->has_keeper = !failed;
    return failed;
}

pp_status pp_run_lock_take(pp_run_lock **out, const pp_job *job, pp_error *err)
{
    pp_run_lock *l = pp_alloc(1, sizeof *l);
    *out = l;
    if (l == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a lock");
    pp_lock_setup setup = {.ops = pp_fileops_system(),
                           .out_folder = job->out,
                           .part = job->part,
                           .parts = job->parts,
                           .stale_s = PP_LOCK_STALE_S,
                           .leave_s = PP_LOCK_LEAVE_S,
                           .clock_s = clock_s,
                           .pause = pause_a_little,
                           .tell = tell};
    pp_status status = pp_path_make_folders(job->out, err);
    if (status == PP_OK) status = pp_lock_take(&l->lock, &setup, err);
    if (status == PP_OK && start_keeper(l) != 0) {
        status = pp_fail(err, PP_ERR_NOMEM, "cannot start a thread");
    }
    if (status != PP_OK) pp_run_lock_release(out);
    return status;
}

pp_status pp_run_lock_agree(pp_run_lock *l, const pp_job *job, const char *parameters,
                            pp_error *err)
{
    pthread_mutex_lock(&l->file);
    pp_status status = pp_lock_agree(l->lock, job->out, parameters, err);
    pthread_mutex_unlock(&l->file);
    return status;
}

int pp_run_lock_is_lost(const pp_run_lock *lock)
{
    return lock != NULL && lock->lost;
}

void pp_run_lock_release(pp_run_lock **lock)
{
    pp_run_lock *l = *lock;
    if (l == NULL) return;
    if (l->has_keeper) {
        pthread_mutex_lock(&l->mutex);
        l->ends = 1;
        pthread_cond_signal(&l->wake);
        pthread_mutex_unlock(&l->mutex);
        pthread_join(l->keeper, NULL);
        pthread_cond_destroy(&l->wake);
        pthread_mutex_destroy(&l->mutex);
        pthread_mutex_destroy(&l->file);
    }
    pp_lock_release(&l->lock);
    PP_FREE(*lock);
}
