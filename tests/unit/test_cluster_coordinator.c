/* The whole coordinator (messages as bytes, ledger, run.jsonl, scheduler) with thousands of
 * workers: every video is given out and recorded once. Prints what a message costs; PP_VIDEOS=N. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline_world.h"

#include "base/clock.h"
#include "base/log.h"
#include "cluster/coordinator.h"

enum { WORKERS = 4096, LIFE_SIGNS = 3 };

typedef struct crowd {
    pp_coordinator *coordinator;
    pp_message leases[WORKERS]; /* kind 0: has none */
    int *given;                 /* by video */
    int64_t videos, messages, leases_given, stopped;
} crowd;

/* There and back, as over MPI; the copy is the caller's to free. */
static pp_message travel(crowd *c, const pp_message *message)
{
    void *bytes = NULL;
    size_t length = 0;
    pp_error err = {0};
    pp_message copy;
    assert_int_equal(pp_message_write(&bytes, &length, message, &err), PP_OK);
    assert_int_equal(pp_message_read(&copy, bytes, length, &err), PP_OK);
    pp_free(bytes);
    c->messages++;
    return copy;
}

static void to_worker(void *user, int worker, const pp_message *message)
{
    crowd *c = user;
    pp_message m = travel(c, message);
    if (m.kind == PP_MESSAGE_LEASE) {
        assert_int_equal(c->leases[worker].kind, 0);
        c->leases[worker] = m;
        c->leases_given++;
        return;
    }
    c->stopped += m.kind == PP_MESSAGE_STOP;
    pp_message_free(&m);
}

static void says(crowd *c, int worker, const pp_message *message)
{
    pp_error err = {0};
    pp_message m = travel(c, message);
    if (pp_coordinator_receive(c->coordinator, worker, &m, &err) != PP_OK) {
        fail_msg("%s", err.message);
    }
    pp_message_free(&m);
}

/* One lease: signs of life, the result, and the next one asked for. */
static void works(crowd *c, int worker)
{
    pp_message lease = c->leases[worker];
    c->leases[worker] = (pp_message){0};
    int64_t video = strtoll(strrchr(lease.work.source.path, '/') + 1, NULL, 10);
    assert_in_range(video, 0, c->videos - 1);
    c->given[video]++;
    pp_message m = {.kind = PP_MESSAGE_ALIVE, .lease = lease.lease, .windows = 2};
    for (int i = 1; i <= LIFE_SIGNS; i++) {
        m.seen = m.listened = 2 * i;
        says(c, worker, &m);
    }
    m = (pp_message){.kind = PP_MESSAGE_FINISHED, .lease = lease.lease, .seconds = 3};
    snprintf(m.result.sha256, sizeof m.result.sha256, "%064llx", (unsigned long long)video);
    memcpy(m.result.identity, m.result.sha256, sizeof m.result.identity);
    snprintf(m.result.archive, sizeof m.result.archive, "archives/00/%lld.h5", (long long)video);
    m.result.duration_s = 40;
    m.result.cut = (pp_segments){.samples = 1, .windows = 9, .segments = 1};
    for (int stage = 0; stage < PP_STAGES; stage++) m.result.stage_s[stage] = 0.5;
    says(c, worker, &m);
    pp_message_free(&lease);
    says(c, worker, &(pp_message){.kind = PP_MESSAGE_ASKS});
}

static void make_inputs(pp_inputs *inputs, int64_t videos)
{
    inputs->items = pp_alloc((size_t)videos, sizeof *inputs->items);
    inputs->count = inputs->capacity = (size_t)videos;
    for (int64_t i = 0; i < videos; i++) {
        inputs->items[i] = (pp_input){.path = pp_format("/videos/%lld", (long long)i),
                                      .id = pp_strdup(""),
                                      .split = pp_strdup(""),
                                      .labels = pp_strdup(""),
                                      .audio_track = -1,
                                      .size_bytes = 1000000 + i};
    }
}

static void a_crowd_is_served(void **state)
{
    const world *w = *state;
    crowd *c = pp_alloc(1, sizeof *c);
    pp_error err = {0};
    pp_job job;
    pp_inputs inputs = {.audio_track = -1};
    pp_ledger *ledger = NULL;
    char *out = pp_path_join(w->folder, "crowd");
    char *arguments[] = {"pp-cluster", "--quiet", "--out", out, "/videos", NULL};
    c->videos = getenv("PP_VIDEOS") != NULL ? strtoll(getenv("PP_VIDEOS"), NULL, 10) : 3 * WORKERS;
    c->given = pp_alloc((size_t)c->videos, sizeof *c->given);
    assert_int_equal(pp_job_parse(&job, 5, arguments, &err), PP_OK);
    make_inputs(&inputs, c->videos);
    const pp_ledger_setup books = {.job = &job,
                                   .inputs = &inputs,
                                   .model = w->plain,
                                   .ops = pp_fileops_system(),
                                   .ranks = WORKERS + 1};
    assert_int_equal(pp_ledger_create(&ledger, &books, &err), PP_OK);
    pp_display *display = pp_display_create(job.log_form, 1);
    const pp_coordinator_setup setup = {.job = &job,
                                        .ledger = ledger,
                                        .model = w->plain,
                                        .display = display,
                                        .host = "here",
                                        .workers = WORKERS,
                                        .first_rank = 1,
                                        .started_s = pp_clock_s(),
                                        .send = to_worker,
                                        .user = c};
    assert_int_equal(pp_coordinator_create(&c->coordinator, &setup, &err), PP_OK);
    double began_s = pp_clock_cpu_s();
    for (int i = 0; i < WORKERS; i++) says(c, i, &(pp_message){.kind = PP_MESSAGE_ASKS});
    for (int busy = 1; busy;) {
        busy = 0;
        for (int i = 0; i < WORKERS; i++) {
            if (c->leases[i].kind != PP_MESSAGE_LEASE) continue;
            works(c, i);
            busy = 1;
        }
        assert_int_equal(pp_coordinator_turn(c->coordinator, &err), PP_OK);
    }
    double took_s = pp_clock_cpu_s() - began_s;
    print_message("%lld leases, %lld messages: %.1f us a message, %.0f leases/s\n",
                  (long long)c->leases_given, (long long)c->messages,
                  1e6 * took_s / (double)c->messages, (double)c->leases_given / took_s);
    assert_true(pp_coordinator_is_over(c->coordinator));
    assert_int_equal(c->leases_given, c->videos);
    assert_true(c->stopped >= WORKERS);
    for (int64_t i = 0; i < c->videos; i++) {
        assert_int_equal(c->given[i], 1);
        assert_int_equal(pp_ledger_record(ledger, (size_t)i)->state, PP_RECORD_DONE);
    }
    pp_coordinator_destroy(&c->coordinator);
    pp_display_destroy(&display);
    pp_ledger_destroy(&ledger);
    pp_inputs_free(&inputs);
    pp_job_free(&job);
    pp_free(c->given);
    pp_free(c);
    pp_free(out);
}

int main(void)
{
    pp_log_setup(PP_LOG_ERROR, PP_LOG_TEXT, -1);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_crowd_is_served),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
