#include "media/decoder/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "media/channel.h"
#include "media/decoder/worker.h"

typedef struct supervisor {
    int control;
    uint64_t own_bytes; /* address space of this process, and so of a fresh worker */
    pid_t worker;       /* 0: none */
    const pp_faults *faults;
} supervisor;

static void close_all(int *fds, int count)
{
    for (int i = 0; i < count; i++) close(fds[i]);
}

/* -1 where the kernel has none: the rank then has the pid alone. */
static int pidfd_of(pid_t pid)
{
    return (int)syscall(SYS_pidfd_open, pid, 0U);
}

/* Waits up to wait_s for the child's end; true when it has ended. */
static int wait_for_end(pid_t pid, double wait_s, int *status, struct rusage *used)
{
    double end_s = pp_clock_s() + wait_s, pause_s = 0.0005;
    for (;;) {
        pid_t ended = wait4(pid, status, WNOHANG, used);
        if (ended == pid || (ended < 0 && errno != EINTR)) return 1;
        if (pp_clock_s() >= end_s) return 0;
        pp_clock_sleep_s(pause_s);
        if (pause_s < 0.02) pause_s *= 2;
    }
}

static void end_worker(supervisor *self, double wait_s, pp_order_reply *reply)
{
    if (self->worker == 0) {
        reply->error = ESRCH;
        return;
    }
    int status = 0;
    struct rusage used;
    memset(&used, 0, sizeof used);
    if (!wait_for_end(self->worker, wait_s, &status, &used)) {
        kill(self->worker, SIGKILL);
        if (!wait_for_end(self->worker, 10, &status, &used)) status = SIGKILL; /* stuck in I/O */
    }
    self->worker = 0;
    reply->wait_status = status;
    reply->cpu_s = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
                   1e-6 * (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
    reply->memory_kb = used.ru_maxrss;
}

static void open_worker(supervisor *self, const pp_order *order, int *fds, int count,
                        pp_order_reply *reply)
{
    pp_order_reply ignored;
    if (self->worker != 0) end_worker(self, 0, &ignored);
    if (count != PP_CHANNEL_FDS) {
        reply->error = EBADMSG;
        return;
    }
    pid_t parent = getpid(), pid = fork();
    if (pid == 0) {
        pp_worker_setup setup = {.job = order->job,
                                 .video_fd = fds[0],
                                 .session_fd = fds[1],
                                 .slots_fd = fds[2],
                                 .supervisor = parent,
                                 .own_bytes = self->own_bytes,
                                 .faults = *self->faults};
        pp_worker_main(&setup); /* does not return */
    }
    if (pid < 0) reply->error = errno;
    else self->worker = reply->pid = (int32_t)pid;
}

/* A further supervisor on the given control socket: the rank has two, so that one can replace the
 * other without the rank forking. */
static void spawn(supervisor *self, int *fds, int count, pp_order_reply *reply)
{
    if (count != 1) {
        reply->error = EBADMSG;
        return;
    }
    pid_t pid = fork();
    if (pid == 0) {
        close(self->control);
        int control = dup2(fds[0], PP_CONTROL_FD);
        if (fds[0] != PP_CONTROL_FD) close(fds[0]);
        _exit(control < 0 ? 1 : pp_supervise(control, self->faults));
    }
    if (pid < 0) reply->error = errno;
    else reply->pid = (int32_t)pid;
}

static void allow_cpu(const supervisor *self, double more_s, pp_order_reply *reply)
{
    clockid_t clock;
    struct timespec used = {0, 0};
    struct rlimit limit;
    if (self->worker == 0) {
        reply->error = ESRCH;
        return;
    }
    if (clock_getcpuclockid(self->worker, &clock) == 0) clock_gettime(clock, &used);
    double soft_s = (double)used.tv_sec + 1 + more_s;
    if (prlimit(self->worker, RLIMIT_CPU, NULL, &limit) != 0) {
        reply->error = errno;
        return;
    }
    limit.rlim_cur = soft_s < (double)limit.rlim_max ? (rlim_t)soft_s : limit.rlim_max;
    if (prlimit(self->worker, RLIMIT_CPU, &limit, NULL) != 0) reply->error = errno;
}

static int obey(supervisor *self, const pp_order *order, int *fds, int count)
{
    pp_order_reply reply = {.protocol = PP_PROTOCOL, .serial = order->serial};
    int pidfd = -1;
    switch (order->kind) {
    case PP_ORDER_OPEN:
        open_worker(self, order, fds, count, &reply);
        break;
    case PP_ORDER_CPU:
        allow_cpu(self, order->cpu_s, &reply);
        break;
    case PP_ORDER_END:
        end_worker(self, order->wait_ms * 1e-3, &reply);
        break;
    case PP_ORDER_SPAWN:
        spawn(self, fds, count, &reply);
        break;
    default:
        reply.error = ENOSYS;
    }
    close_all(fds, count);
    if (reply.pid != 0) pidfd = pidfd_of(reply.pid);
    int sent = pp_channel_send(self->control, &reply, sizeof reply, &pidfd, pidfd >= 0 ? 1 : 0, 1);
    if (pidfd >= 0) close(pidfd);
    return sent;
}

/* Mostly FFmpeg's libraries: what a worker may use comes on top of it. */
static uint64_t address_space(void)
{
    unsigned long long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL) return UINT64_C(1) << 30;
    if (fscanf(file, "%llu", &pages) != 1) pages = 1 << 18;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int pp_supervise(int control, const pp_faults *faults)
{
    supervisor self = {.control = control, .own_bytes = address_space(), .faults = faults};
    pp_order_reply hello = {.protocol = PP_PROTOCOL, .pid = (int32_t)getpid()};
    prctl(PR_SET_NAME, "pp-decode", 0, 0, 0);
    if (fcntl(control, F_SETFD, FD_CLOEXEC) != 0) return 1;
    if (pp_channel_send(control, &hello, sizeof hello, NULL, 0, 1) != 0) return 1;
    for (;;) {
        pp_order order;
        int fds[PP_CHANNEL_FDS], count = 0;
        pp_heard heard =
            pp_channel_receive(control, &order, sizeof order, fds, PP_CHANNEL_FDS, &count, -1);
        if (heard != PP_HEARD_MESSAGE || obey(&self, &order, fds, count) != 0) break;
        /* spawned supervisors that have ended; the worker is waited for by its own order */
        while (self.worker == 0 && waitpid(-1, NULL, WNOHANG) > 0) {
        }
    }
    pp_order_reply ignored;
    if (self.worker != 0) end_worker(&self, 0, &ignored);
    return 0;
}
