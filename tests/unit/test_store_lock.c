/* store: one run a part of an output folder; what is refused, what is taken over and when. Time is
 * made up, so nothing waits. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "store/commit.h"
#include "store/lock.h"

/* A world with its own clock; `happens` is called at every pause. */
typedef struct world {
    char *out;
    double now_s;
    int told, told_gone, gives_up;
    double told_most_s;
    void (*happens)(struct world *w);
    pp_lock *other;
} world;

static double clock_s(void *user)
{
    return ((world *)user)->now_s;
}

static int pause_s(void *user, double seconds)
{
    world *w = user;
    w->now_s += seconds;
    if (w->happens != NULL) w->happens(w);
    return w->gives_up;
}

static void tell(void *user, const pp_lock_holder *holder, double most_s, int gone)
{
    world *w = user;
    assert_true(holder->host[0] != '\0');
    w->told++;
    w->told_gone += gone;
    w->told_most_s = most_s;
}

static pp_lock_setup setup_of(world *w, int part, int parts)
{
    return (pp_lock_setup){.ops = pp_fileops_system(),
                           .out_folder = w->out,
                           .part = part,
                           .parts = parts,
                           .stale_s = 60,
                           .leave_s = 5,
                           .clock_s = clock_s,
                           .pause = pause_s,
                           .tell = tell,
                           .user = w};
}

static pp_status take(pp_lock **lock, world *w, int part, int parts, pp_error *err)
{
    pp_lock_setup setup = setup_of(w, part, parts);
    *err = (pp_error){0};
    return pp_lock_take(lock, &setup, err);
}

static void must_take(pp_lock **lock, world *w, int part, int parts)
{
    pp_error err;
    if (take(lock, w, part, parts, &err) != PP_OK) fail_msg("%s", err.message);
}

static char *only_file(const world *w)
{
    char *found = NULL;
    DIR *folder = opendir(w->out);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        assert_null(found);
        found = pp_path_join(w->out, entry->d_name);
    }
    closedir(folder);
    return found;
}

static int count_files(const world *w)
{
    int count = 0;
    DIR *folder = opendir(w->out);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        count += entry->d_name[0] != '.';
    }
    closedir(folder);
    return count;
}

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

/* As if the one lock in the folder had been written on another machine. */
static void move_to_another_machine(const world *w)
{
    char *path = only_file(w), *text;
    size_t length;
    pp_error err = {0};
    if (pp_text_read_file(&text, &length, path, 4096, &err) != PP_OK) fail_msg("%s", err.message);
    char *place = strstr(text, "\"place\":\"");
    assert_non_null(place);
    place[strlen("\"place\":\"")] = '?';
    write_text(path, text);
    pp_free(text);
    pp_free(path);
}

/* A process takes everything and dies without a word. */
static void leave_behind(world *w)
{
    pid_t child = fork();
    if (child == 0) {
        pp_lock *lock;
        pp_error err = {0};
        pp_lock_setup setup = setup_of(w, 0, 0);
        _exit(pp_lock_take(&lock, &setup, &err) != PP_OK);
    }
    int status = 1;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

/* ---- tests -----------------------------------------------------------------------------------
 */

static void parts_overlap(void **state)
{
    (void)state;
    for (int n = 1; n <= 12; n++) {
        for (int m = 1; m <= 12; m++) {
            for (int i = 1; i <= n; i++) {
                for (int j = 1; j <= m; j++) {
                    int shared = 0;
                    for (int h = 0; h < n * m; h++) shared |= h % n == i - 1 && h % m == j - 1;
                    assert_int_equal(pp_lock_parts_overlap(i, n, j, m), shared);
                }
            }
        }
    }
}

static void overlapping_parts_are_refused(void **state)
{
    world *w = *state;
    pp_lock *a, *b, *c;
    pp_error err;
    char host[256] = "", pid[32], today[40];
    must_take(&a, w, 1, 2);
    must_take(&b, w, 2, 2);
    assert_int_equal(count_files(w), 2);
    assert_int_equal(take(&c, w, 3, 4, &err), PP_ERR_BUSY);
    assert_null(c);
    gethostname(host, sizeof host - 1);
    snprintf(pid, sizeof pid, "process %ld", (long)getpid());
    pp_clock_utc_text(today, sizeof today);
    today[10] = '\0';
    assert_non_null(strstr(err.message, host));
    assert_non_null(strstr(err.message, pid));
    assert_non_null(strstr(err.message, today));
    assert_non_null(strstr(err.message, "part 1/2"));
    assert_non_null(strstr(err.advice, "--part"));
    assert_true(w->now_s >= 5 && w->now_s < 7); /* this machine's: it had time to leave */
    assert_int_equal(take(&c, w, 0, 0, &err), PP_ERR_BUSY);
    assert_int_equal(count_files(w), 2);
    pp_lock_release(&a);
    must_take(&c, w, 3, 4);
    pp_lock_release(&c);
    pp_lock_release(&b);
    assert_int_equal(count_files(w), 0);
}

static void parts_agree_on_parameters(void **state)
{
    world *w = *state;
    pp_lock *first, *second, *third;
    pp_error err = {0};
    must_take(&first, w, 1, 3);
    must_take(&second, w, 2, 3);
    must_take(&third, w, 3, 3);
    assert_int_equal(pp_lock_agree(first, w->out, "aaaa", &err), PP_OK);
    assert_int_equal(pp_lock_agree(second, w->out, "aaaa", &err), PP_OK);
    assert_int_equal(pp_lock_agree(third, w->out, "bbbb", &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "other parameters"));
    assert_non_null(strstr(err.advice, "--out"));
    pp_lock_release(&first);
    pp_lock_release(&second);
    assert_int_equal(pp_lock_renew(third, &err), PP_OK);
    assert_int_equal(pp_lock_agree(third, w->out, "bbbb", &err), PP_OK);
    must_take(&first, w, 1, 3);
    assert_int_equal(pp_lock_agree(first, w->out, "aaaa", &err), PP_ERR_USAGE);
    pp_lock_release(&first);
    pp_lock_release(&third);
}

static void the_dead_of_this_machine_make_nobody_wait(void **state)
{
    world *w = *state;
    pp_lock *lock;
    leave_behind(w);
    assert_int_equal(count_files(w), 1);
    must_take(&lock, w, 2, 3);
    assert_true(w->now_s == 0);
    assert_int_equal(w->told_gone, 1);
    assert_int_equal(count_files(w), 1);
    pp_lock_release(&lock);
}

static void silence_of_another_machine_is_waited_for(void **state)
{
    world *w = *state;
    pp_lock *lock, *old;
    pp_error err = {0};
    must_take(&old, w, 0, 0);
    move_to_another_machine(w);
    must_take(&lock, w, 0, 0);
    assert_true(w->now_s >= 60 && w->now_s < 62);
    assert_int_equal(w->told, 1);
    assert_true(w->told_most_s == 60);
    /* the old one hears of it, and takes nothing away when it ends */
    assert_int_equal(pp_lock_renew(old, &err), PP_ERR_BUSY);
    pp_lock_release(&old);
    assert_int_equal(count_files(w), 1);
    err = (pp_error){0};
    assert_int_equal(pp_lock_renew(lock, &err), PP_OK);
    pp_lock_release(&lock);
}

static void renew_other(world *w)
{
    pp_error err = {0};
    if (w->now_s < 30 || w->other == NULL) return;
    assert_int_equal(pp_lock_renew(w->other, &err), PP_OK);
    move_to_another_machine(w);
}

static void life_on_another_machine_is_refused(void **state)
{
    world *w = *state;
    pp_lock *lock;
    pp_error err;
    must_take(&w->other, w, 0, 0);
    move_to_another_machine(w);
    w->happens = renew_other;
    assert_int_equal(take(&lock, w, 0, 0, &err), PP_ERR_BUSY);
    assert_true(w->now_s >= 30 && w->now_s < 32);
    pp_lock_release(&w->other);
}

static void release_other(world *w)
{
    if (w->now_s >= 2) pp_lock_release(&w->other);
}

static void one_that_ends_is_followed(void **state)
{
    world *w = *state;
    pp_lock *lock;
    must_take(&w->other, w, 0, 0);
    w->happens = release_other;
    must_take(&lock, w, 0, 0);
    assert_true(w->now_s < 4);
    pp_lock_release(&lock);
}

static void garbage_is_given_up(void **state)
{
    world *w = *state;
    pp_lock *lock;
    char *path = pp_path_join(w->out, "lock-x.json");
    write_text(path, "{\"part\": 7, \"par");
    must_take(&lock, w, 2, 3);
    assert_true(w->now_s >= 60 && w->now_s < 62);
    assert_false(pp_path_exists(path));
    pp_lock_release(&lock);
    pp_free(path);
}

static void waiting_can_be_stopped(void **state)
{
    world *w = *state;
    pp_lock *lock, *old;
    pp_error err;
    must_take(&old, w, 0, 0);
    move_to_another_machine(w);
    w->gives_up = 1;
    assert_int_equal(take(&lock, w, 0, 0, &err), PP_ERR_INTERRUPTED);
    assert_int_equal(count_files(w), 1);
    pp_lock_release(&old);
}

static int really_pause(void *user, double seconds)
{
    world *w = user;
    usleep((useconds_t)(seconds * 2000));
    w->now_s += seconds / 100;
    return 0;
}

/* Takes the lock again and again; whoever holds it makes a file that must not be there. */
static int contend(world *w)
{
    pp_lock_setup setup = setup_of(w, 0, 0);
    setup.pause = really_pause;
    char *mark = pp_path_join(w->out, "held");
    for (int round = 0; round < 10; round++) {
        pp_lock *lock;
        pp_error err = {0};
        if (pp_lock_take(&lock, &setup, &err) != PP_OK) return 2;
        FILE *file = fopen(mark, "wx");
        if (file == NULL) return 3;
        fclose(file);
        usleep(1000);
        if (unlink(mark) != 0) return 4;
        pp_lock_release(&lock);
    }
    pp_free(mark);
    return 0;
}

static void of_many_at_once_never_two(void **state)
{
    world *w = *state;
    enum { MANY = 6 };
    pid_t children[MANY];
    for (int i = 0; i < MANY; i++) {
        children[i] = fork();
        if (children[i] == 0) _exit(contend(w));
    }
    for (int i = 0; i < MANY; i++) {
        int status = 1;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    assert_int_equal(count_files(w), 0);
}

static int fresh(void **state)
{
    const char *work = getenv("PP_WORK");
    world *w = calloc(1, sizeof *w);
    w->out = pp_path_join(work != NULL ? work : "/tmp", "lock-test");
    char *command = pp_format("rm -rf '%s' && mkdir -p '%s'", w->out, w->out);
    int failed = system(command);
    pp_free(command);
    *state = w;
    return failed;
}

static int gone(void **state)
{
    world *w = *state;
    char *command = pp_format("rm -rf '%s'", w->out);
    int failed = system(command);
    pp_free(command);
    pp_free(w->out);
    free(w);
    return failed;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_overlap),
        cmocka_unit_test_setup_teardown(overlapping_parts_are_refused, fresh, gone),
        cmocka_unit_test_setup_teardown(parts_agree_on_parameters, fresh, gone),
        cmocka_unit_test_setup_teardown(the_dead_of_this_machine_make_nobody_wait, fresh, gone),
        cmocka_unit_test_setup_teardown(silence_of_another_machine_is_waited_for, fresh, gone),
        cmocka_unit_test_setup_teardown(life_on_another_machine_is_refused, fresh, gone),
        cmocka_unit_test_setup_teardown(one_that_ends_is_followed, fresh, gone),
        cmocka_unit_test_setup_teardown(garbage_is_given_up, fresh, gone),
        cmocka_unit_test_setup_teardown(waiting_can_be_stopped, fresh, gone),
        cmocka_unit_test_setup_teardown(of_many_at_once_never_two, fresh, gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
