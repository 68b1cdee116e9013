#include "media/decoder/worker.h"

#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <libavutil/mem.h>

#include "base/clock.h"
#include "media/channel.h"
#include "media/decoder/complaint.h"
#include "media/decoder/fault.h"
#include "media/decoder/input.h"
#include "media/decoder/pictures.h"
#include "media/decoder/sandbox.h"
#include "media/decoder/scan.h"
#include "media/decoder/shortage.h"

enum { SESSION_FD = 3, VIDEO_FD = 4, SLOTS_FD = 5 }; /* PP_WORKER_FDS in all */

/* ---- the conversation ------------------------------------------------------------------------*/

void pp_worker_report(pp_worker *worker, pp_report *report)
{
    int has_slot = report->kind == PP_REPORT_SOUND || report->kind == PP_REPORT_PLAN ||
                   report->kind == PP_REPORT_PICTURE;
    if (has_slot) worker->busy[report->slot] = 1;
    if (pp_channel_send(worker->session_fd, report, sizeof *report, NULL, 0, 1) != 0) _exit(0);
    worker->last_report_s = pp_clock_s();
}

void pp_worker_alive(pp_worker *worker)
{
    if (pp_clock_s() - worker->last_report_s < 0.5) return;
    pp_report report = {.kind = PP_REPORT_ALIVE};
    pp_worker_report(worker, &report);
}

/* One request; the rank's end of session ends the process. */
static void receive(pp_worker *worker, pp_ask *ask)
{
    for (;;) {
        pp_heard heard =
            pp_channel_receive(worker->session_fd, ask, sizeof *ask, NULL, 0, NULL, -1);
        if (heard != PP_HEARD_MESSAGE) _exit(0);
        if (ask->kind != PP_ASK_FREE) return;
        if (ask->slot < PP_SLOTS) worker->busy[ask->slot] = 0;
        return;
    }
}

void pp_worker_await(pp_worker *worker, pp_ask_kind kind, pp_ask *ask)
{
    do {
        receive(worker, ask);
    } while (ask->kind == PP_ASK_FREE);
    if (ask->kind != (uint32_t)kind) _exit(1); /* the rank and this worker are not of one build */
}

void *pp_worker_slot(pp_worker *worker, uint32_t *slot)
{
    for (;;) {
        for (uint32_t i = 0; i < PP_SLOTS; i++) {
            if (worker->busy[i]) continue;
            *slot = i;
            return worker->slots + i * worker->job.slot_bytes;
        }
        pp_ask ask;
        receive(worker, &ask);
        if (ask.kind != PP_ASK_FREE) _exit(1);
    }
}

static noreturn void fail(pp_worker *worker, const pp_error *err)
{
    pp_report report = {.kind = PP_REPORT_FAILED};
    report.as.failure.status = err->status;
    snprintf(report.as.failure.message, sizeof report.as.failure.message, "%.*s",
             (int)sizeof report.as.failure.message - 1, err->message);
    snprintf(report.as.failure.advice, sizeof report.as.failure.advice, "%.*s",
             (int)sizeof report.as.failure.advice - 1, err->advice);
    pp_worker_report(worker, &report);
    shutdown(worker->session_fd, SHUT_WR);
    pp_ask ask;
    for (;;) receive(worker, &ask); /* until the rank has read it and closes */
}

static void serve(pp_worker *worker, pp_input *input)
{
    for (;;) {
        pp_ask ask;
        pp_error err = {0};
        pp_status status = PP_OK;
        do {
            receive(worker, &ask);
        } while (ask.kind == PP_ASK_FREE);
        pp_fault_act(worker, (pp_ask_kind)ask.kind);
        if (ask.kind == PP_ASK_SCAN) status = pp_scan(worker, input, ask.interval_s, &err);
        else if (ask.kind == PP_ASK_PICTURES) {
            status = pp_pictures(worker, input, ask.total, &err);
        } else _exit(1);
        if (status != PP_OK) fail(worker, &err);
    }
}

/* ---- the start -------------------------------------------------------------------------------*/

/* Leaves exactly descriptors 0 to 5: nothing, nothing, errors, session, video, slots. */
static int place_descriptors(const pp_worker_setup *setup)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* first out of each other's way, then into place */
    int session = fcntl(setup->session_fd, F_DUPFD, 64);
    int video = fcntl(setup->video_fd, F_DUPFD, 64);
    int slots = fcntl(setup->slots_fd, F_DUPFD, 64);
    if (null < 0 || session < 0 || video < 0 || slots < 0) return -1;
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0) return -1;
    if (fcntl(2, F_GETFD) < 0 && dup2(null, 2) < 0) return -1;
    if (dup2(session, SESSION_FD) < 0 || dup2(video, VIDEO_FD) < 0 || dup2(slots, SLOTS_FD) < 0) {
        return -1;
    }
    if (syscall(SYS_close_range, (unsigned)PP_WORKER_FDS, ~0U, 0U) == 0) return 0;
    for (int fd = PP_WORKER_FDS; fd < 4096; fd++) close(fd); /* kernels before 5.9 */
    return 0;
}

static int prepare(pp_worker *worker, const pp_worker_setup *setup, int *sandboxed)
{
    prctl(PR_SET_NAME, "pp-decode-video", 0, 0, 0);
    signal(SIGXCPU, SIG_DFL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != setup->supervisor) return -1;
    if (place_descriptors(setup) != 0) return -1;
    size_t bytes = PP_SLOTS * (size_t)setup->job.slot_bytes;
    void *slots = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, SLOTS_FD, 0);
    if (slots == MAP_FAILED) return -1;
    worker->slots = slots;
    worker->session_fd = SESSION_FD;
    worker->job = setup->job;
    worker->faults = setup->faults;
    worker->last_report_s = pp_clock_s();
    pp_complaint_listen();
    /* frame buffers are freed and taken again all the time: without this each costs page faults */
    mallopt(M_MMAP_THRESHOLD, 1 << 28);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    av_max_alloc((size_t)(setup->job.limits.memory_bytes / 2));
    pp_media_limits limits = setup->job.limits;
    limits.memory_bytes += setup->own_bytes + bytes;
    return pp_sandbox_enter(&limits, sandboxed);
}

noreturn void pp_worker_main(const pp_worker_setup *setup)
{
    static pp_worker worker; /* of this process alone; large */
    int sandboxed = 0;
    if (prepare(&worker, setup, &sandboxed) != 0) _exit(1);
    pp_shortage_is_fatal(1);
    pp_fault_act(&worker, 0);
    pp_input input;
    pp_error err = {0};
    pp_status status = pp_input_open(&input, VIDEO_FD, &worker.job, &err);
    if (status != PP_OK) fail(&worker, &err);
    pp_report report = {.kind = PP_REPORT_INFO, .sandboxed = sandboxed};
    report.as.info = input.info;
    pp_worker_report(&worker, &report);
    serve(&worker, &input);
    _exit(0);
}
