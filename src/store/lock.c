#include "store/lock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/random.h"
#include "base/text.h"
#include "store/commit.h"
#include "store/lock_file.h"

static const char stem[] = "lock-";

struct pp_lock {
    const pp_fileops *ops;
    char *path; /* NULL: no file of its own yet */
    pp_lock_holder self;
    int64_t renewals;
};

/* Another run's file, as it was when first seen. */
typedef struct watched {
    char *path;
    pp_lock_text text;
    double since_s;
    int seen; /* in this round */
} watched;

typedef struct waiter {
    const pp_lock_setup *setup;
    pp_lock *lock;
    watched *others;
    size_t count, room;
} waiter;

static int common_divisor(int a, int b)
{
    while (b != 0) {
        int rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int pp_lock_parts_overlap(int part, int parts, int other_part, int other_parts)
{
    return (part - other_part) % common_divisor(parts, other_parts) == 0;
}

/* ---- one's own file ---------------------------------------------------------------------------
 */

static pp_status make_path(pp_lock *lock, const char *out_folder, pp_error *err)
{
    char name[64] = "lock-everything.json";
    if (lock->self.parts > 1) {
        snprintf(name, sizeof name, "lock-part-%d-of-%d.json", lock->self.part, lock->self.parts);
    }
    /* as a temporary's name, without its mark: unique, and it says whose it is */
    char *plain = pp_path_join(out_folder, name);
    char *unique = plain != NULL ? pp_commit_temporary(plain) : NULL;
    const char *tail = unique != NULL ? unique + strlen(plain) + strlen(".tmp-") : "";
    char *whole = unique != NULL ? pp_format("%.*s.%s.json", (int)(strlen(plain) - strlen(".json")),
                                             plain, tail)
                                 : NULL;
    pp_free(plain);
    pp_free(unique);
    lock->path = whole;
    return whole != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
}

static pp_status claim(pp_lock *lock, const char *out_folder, pp_error *err)
{
    pp_lock_text text;
    pp_status status = make_path(lock, out_folder, err);
    if (status == PP_OK) status = pp_lock_describe(&text, &lock->self, lock->renewals, err);
    if (status == PP_OK) {
        status = pp_commit_bytes(lock->ops, lock->path, text.bytes, PP_LOCK_BYTES, err);
    }
    return status;
}

static void withdraw(pp_lock *lock)
{
    if (lock->path != NULL) (void)lock->ops->unlink(lock->ops->user, lock->path);
    PP_FREE(lock->path);
}

pp_status pp_lock_renew(pp_lock *lock, pp_error *err)
{
    const pp_fileops *ops = lock->ops;
    pp_lock_text text;
    lock->renewals++;
    pp_status status = pp_lock_describe(&text, &lock->self, lock->renewals, err);
    if (status != PP_OK) return status;
    /* never made anew: where it is gone, another run has taken over */
    int fd = ops->open(ops->user, lock->path, O_WRONLY, 0);
    if (fd < 0 && (errno == ENOENT || errno == ESTALE)) {
        return pp_fail(err, PP_ERR_BUSY, "another run has taken over: %s is gone", lock->path);
    }
    if (fd < 0) return pp_commit_fail(err, errno, "renew", lock->path);
    ssize_t written = ops->pwrite(ops->user, fd, text.bytes, PP_LOCK_BYTES, 0);
    if (written != PP_LOCK_BYTES) {
        status = pp_commit_fail(err, written < 0 ? errno : EIO, "renew", lock->path);
    }
    if (ops->close(ops->user, fd) != 0 && status == PP_OK) {
        status = pp_commit_fail(err, errno, "renew", lock->path);
    }
    return status;
}

void pp_lock_release(pp_lock **lock)
{
    if (*lock == NULL) return;
    withdraw(*lock);
    PP_FREE(*lock);
}

/* ---- the others ------------------------------------------------------------------------------
 */

static pp_status refuse(const pp_lock_holder *holder, const char *out_folder, pp_error *err)
{
    char which[64] = "";
    if (holder->parts > 1) {
        snprintf(which, sizeof which, ", part %d/%d", holder->part, holder->parts);
    }
    pp_fail(err, PP_ERR_BUSY, "%s is being worked on by a run on %s (process %ld, since %s%s)",
            out_folder, holder->host, holder->pid, holder->started, which);
    return pp_advise(err, "wait for its end (pp status shows it) or stop it; runs at the same time "
                          "need parts that do not overlap (--part 1/2, --part 2/2) or another "
                          "--out");
}

static watched *find_or_add(waiter *w, const char *path, const pp_lock_text *text, pp_error *err)
{
    for (size_t i = 0; i < w->count; i++) {
        if (strcmp(w->others[i].path, path) == 0) return &w->others[i];
    }
    if (pp_grow((void **)&w->others, &w->room, w->count + 1, sizeof *w->others, err) != PP_OK) {
        return NULL;
    }
    watched *other = &w->others[w->count];
    *other = (watched){
        .path = pp_strdup(path), .text = *text, .since_s = w->setup->clock_s(w->setup->user)};
    if (other->path == NULL) {
        pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        return NULL;
    }
    w->count++;
    return other;
}

/* Removes a file that its run has given up, unless it has changed in this very moment. */
static int take_away(waiter *w, const watched *other)
{
    pp_lock_text now;
    pp_lock_holder holder;
    if (pp_lock_look(other->path, &now, &holder) && strcmp(now.bytes, other->text.bytes) != 0) {
        return 0;
    }
    const pp_fileops *ops = w->lock->ops;
    return ops->unlink(ops->user, other->path) == 0 || errno == ENOENT;
}

/* *blocks: it is not known yet whether this one lives. */
static pp_status judge(waiter *w, const char *path, int *blocks, pp_error *err)
{
    const pp_lock_setup *setup = w->setup;
    pp_lock_text text;
    pp_lock_holder holder;
    if (!pp_lock_look(path, &text, &holder)) return PP_OK;
    const pp_lock_holder *self = &w->lock->self;
    if (!pp_lock_parts_overlap(self->part, self->parts, holder.part, holder.parts)) return PP_OK;
    size_t before = w->count;
    watched *other = find_or_add(w, path, &text, err);
    if (other == NULL) return PP_ERR_NOMEM;
    if (strcmp(text.bytes, other->text.bytes) != 0) return refuse(&holder, setup->out_folder, err);
    pp_lock_life life = pp_lock_process(&text);
    double most_s = life == PP_LOCK_LIVES ? setup->leave_s : setup->stale_s;
    int is_new = w->count > before, gone = life == PP_LOCK_GONE;
    if (is_new) setup->tell(setup->user, &holder, most_s, gone);
    int late = setup->clock_s(setup->user) - other->since_s >= most_s;
    if (late && life == PP_LOCK_LIVES) return refuse(&holder, setup->out_folder, err);
    *blocks = !((late || gone) && take_away(w, other));
    return PP_OK;
}

static int is_lock(const char *name)
{
    return strncmp(name, stem, strlen(stem)) == 0 && pp_text_ends_with(name, ".json") &&
           !pp_commit_is_temporary(name);
}

/* *free: nobody else holds or may hold an overlapping part. */
static pp_status look_around(waiter *w, int *free, pp_error *err)
{
    *free = 1;
    const char *folder = w->setup->out_folder;
    DIR *entries = opendir(folder);
    if (entries == NULL) {
        return errno == ENOENT ? PP_OK : pp_fail_errno(err, "cannot list %s", folder);
    }
    pp_status status = PP_OK;
    for (struct dirent *entry; status == PP_OK && (entry = readdir(entries)) != NULL;) {
        if (!is_lock(entry->d_name)) continue;
        char *path = pp_path_join(folder, entry->d_name);
        int blocks = 0;
        if (path == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        else if (w->lock->path == NULL || strcmp(path, w->lock->path) != 0) {
            status = judge(w, path, &blocks, err);
        }
        if (blocks) *free = 0;
        pp_free(path);
    }
    closedir(entries);
    return status;
}

/* ---- other parts, by other parameters? ----------------------------------------------------------
 */

static pp_status compare_parameters(const pp_lock *lock, const char *path, const char *out_folder,
                                    pp_error *err)
{
    pp_lock_text text;
    pp_lock_holder other;
    if (strcmp(path, lock->path) == 0 || !pp_lock_look(path, &text, &other)) return PP_OK;
    if (other.parameters[0] == '\0' || strcmp(other.parameters, lock->self.parameters) == 0 ||
        pp_lock_process(&text) == PP_LOCK_GONE) {
        return PP_OK;
    }
    pp_fail(err, PP_ERR_USAGE,
            "part %d/%d of %s is at work with other parameters or another model (on %s, process "
            "%ld, since %s)",
            other.part, other.parts, out_folder, other.host, other.pid, other.started);
    return pp_advise(err, "one output folder holds one set of parameters: give this part the same "
                          "ones, or another --out; --mixed lets both write here");
}

pp_status pp_lock_agree(pp_lock *lock, const char *out_folder, const char *parameters,
                        pp_error *err)
{
    snprintf(lock->self.parameters, sizeof lock->self.parameters, "%s", parameters);
    pp_status status = pp_lock_renew(lock, err);
    DIR *entries = status == PP_OK ? opendir(out_folder) : NULL;
    if (status == PP_OK && entries == NULL) return pp_fail_errno(err, "cannot list %s", out_folder);
    for (struct dirent *entry; status == PP_OK && (entry = readdir(entries)) != NULL;) {
        if (!is_lock(entry->d_name)) continue;
        char *path = pp_path_join(out_folder, entry->d_name);
        status = path != NULL ? compare_parameters(lock, path, out_folder, err)
                              : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        pp_free(path);
    }
    if (entries != NULL) closedir(entries);
    return status;
}

/* ---- taking ------------------------------------------------------------------------------------
 */

static pp_status wait_a_little(waiter *w, double seconds, pp_error *err)
{
    if (w->setup->pause(w->setup->user, seconds) == 0) return PP_OK;
    return pp_fail(err, PP_ERR_INTERRUPTED, "asked to stop");
}

/* Written, then looked again: of two that come at once both may withdraw, never both stay. */
static pp_status take(waiter *w, pp_error *err)
{
    pp_lock *lock = w->lock;
    pp_random dice;
    pp_random_seed(&dice, (uint64_t)lock->self.pid, (uint64_t)(uintptr_t)lock);
    for (;;) {
        int free = 0;
        pp_status status = look_around(w, &free, err);
        if (status == PP_OK && !free) status = wait_a_little(w, 0.5, err);
        if (status != PP_OK) return status;
        if (!free) continue;
        status = claim(lock, w->setup->out_folder, err);
        if (status == PP_OK) status = look_around(w, &free, err);
        if (status != PP_OK || free) return status;
        withdraw(lock);
        status = wait_a_little(w, 0.05 + 0.5 * pp_random_uniform(&dice), err);
        if (status != PP_OK) return status;
    }
}

pp_status pp_lock_take(pp_lock **out, const pp_lock_setup *setup, pp_error *err)
{
    pp_lock *lock = pp_alloc(1, sizeof *lock);
    *out = lock;
    if (lock == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a lock");
    lock->ops = setup->ops;
    pp_lock_self(&lock->self, setup->part, setup->parts);
    waiter w = {.setup = setup, .lock = lock};
    pp_status status = take(&w, err);
    for (size_t i = 0; i < w.count; i++) pp_free(w.others[i].path);
    pp_free(w.others);
    if (status != PP_OK) pp_lock_release(out);
    return status;
}
