#include "base/team.h"

#include <pthread.h>
#include <signal.h>
#include <stddef.h>

#include "base/memory.h"

typedef struct helper {
    pp_team *team;
    pthread_t thread;
    int lane;
} helper;

struct pp_team {
    int lanes, started; /* started: helpers that are there to be joined */
    helper *helpers;    /* [lanes - 1] */
    pthread_mutex_t mutex;
    pthread_cond_t begin, done; /* a run has begun; its last item is done, or the team ends */
    /* under the mutex: */
    pp_team_task task;
    void *user;
    int count, next, left; /* items: of the run, not yet taken, not yet done */
    int ends;
};

/* Takes items until none is left; with the mutex held, which is given up while a task runs. */
static void take_items(pp_team *team, int lane)
{
    while (team->next < team->count) {
        int item = team->next++;
        pthread_mutex_unlock(&team->mutex);
        team->task(team->user, item, lane);
        pthread_mutex_lock(&team->mutex);
        if (--team->left == 0) pthread_cond_signal(&team->done);
    }
}

static void *help(void *user)
{
    helper *h = user;
    pp_team *team = h->team;
    pthread_mutex_lock(&team->mutex);
    while (!team->ends) {
        take_items(team, h->lane);
        if (!team->ends) pthread_cond_wait(&team->begin, &team->mutex);
    }
    pthread_mutex_unlock(&team->mutex);
    return NULL;
}

/* Signals are the main thread's. */
static int start_helper(helper *h)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&h->thread, NULL, help, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return code;
}

pp_status pp_team_create(pp_team **out, int lanes, pp_error *err)
{
    *out = NULL;
    void *memory = NULL, *helpers = NULL;
    if (lanes < 1) return pp_fail(err, PP_ERR_INTERNAL, "a team of %d threads", lanes);
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "threads", err);
    if (status == PP_OK) {
        status = pp_alloc_checked(&helpers, (size_t)lanes, sizeof(helper), "threads", err);
    }
    if (status != PP_OK) {
        pp_free(memory);
        return status;
    }
    pp_team *team = memory;
    team->lanes = lanes;
    team->helpers = helpers;
    pthread_mutex_init(&team->mutex, NULL);
    pthread_cond_init(&team->begin, NULL);
    pthread_cond_init(&team->done, NULL);
    for (; status == PP_OK && team->started < lanes - 1; team->started++) {
        helper *h = &team->helpers[team->started];
        *h = (helper){.team = team, .lane = team->started + 1};
        if (start_helper(h) == 0) continue;
        status = pp_fail(err, PP_ERR_NOMEM, "cannot start thread %d of %d", h->lane + 1, lanes);
        break;
    }
    if (status == PP_OK) *out = team;
    else pp_team_destroy(&team);
    return status;
}

void pp_team_destroy(pp_team **at)
{
    pp_team *team = *at;
    if (team == NULL) return;
    pthread_mutex_lock(&team->mutex);
    team->ends = 1;
    pthread_cond_broadcast(&team->begin);
    pthread_mutex_unlock(&team->mutex);
    for (int i = 0; i < team->started; i++) pthread_join(team->helpers[i].thread, NULL);
    pthread_cond_destroy(&team->begin);
    pthread_cond_destroy(&team->done);
    pthread_mutex_destroy(&team->mutex);
    pp_free(team->helpers);
    PP_FREE(*at);
}

int pp_team_lanes(const pp_team *team)
{
    return team != NULL ? team->lanes : 1;
}

void pp_team_run(pp_team *team, pp_team_task task, void *user, int count)
{
    if (team == NULL || team->lanes == 1 || count < 2) {
        for (int item = 0; item < count; item++) task(user, item, 0);
        return;
    }
    pthread_mutex_lock(&team->mutex);
    team->task = task;
    team->user = user;
    team->next = 0;
    team->count = team->left = count;
    pthread_cond_broadcast(&team->begin);
    take_items(team, 0);
    while (team->left > 0) pthread_cond_wait(&team->done, &team->mutex);
    team->count = team->next = 0;
    pthread_mutex_unlock(&team->mutex);
}
