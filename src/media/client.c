#include "media/client.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "media/channel.h"

enum { SUPERVISORS = 2 };

typedef struct supervisor {
    int control; /* -1: none */
    int pidfd;   /* -1: none, or a kernel without them */
    pid_t pid;
    int is_child; /* of this process, which then has to wait for it */
    uint32_t serial;
} supervisor;

struct pp_decoder {
    pp_media_limits limits;
    supervisor supervisors[SUPERVISORS];
    int at_work;        /* which of them has the worker */
    int worker_pidfd;   /* -1: no worker, or a kernel without them */
    int claimed, noted; /* a video is open; the missing sandbox has been told */
};

/* ---- one supervisor --------------------------------------------------------------------------*/

static void close_fd(int *fd)
{
    if (*fd >= 0) close(*fd);
    *fd = -1;
}

static void signal_process(int pidfd, pid_t pid, int number)
{
    if (pidfd >= 0) syscall(SYS_pidfd_send_signal, pidfd, number, NULL, 0U);
    else if (pid > 0) kill(pid, number);
}

/* Kills it if need be, and forgets it. */
static void bury(supervisor *s)
{
    if (s->pid > 0) signal_process(s->pidfd, s->pid, SIGKILL);
    if (s->is_child && s->pid > 0) {
        while (waitpid(s->pid, NULL, 0) < 0 && errno == EINTR) {
        }
    }
    close_fd(&s->control);
    close_fd(&s->pidfd);
    s->pid = 0;
    s->is_child = 0;
}

/* True where it is known to be alive so far: its socket has not ended. */
static int is_there(const supervisor *s)
{
    if (s->control < 0) return 0;
    pp_order_reply late; /* to an order that was given up */
    pp_heard heard;
    do {
        heard = pp_channel_receive(s->control, &late, sizeof late, NULL, 0, NULL, 0);
    } while (heard == PP_HEARD_MESSAGE || heard == PP_HEARD_NONSENSE);
    return heard == PP_HEARD_NOTHING;
}

/* One order and its reply; replies to earlier orders, which were given up, are passed over. */
static int ask(supervisor *s, pp_order *order, const int *fds, int count, pp_order_reply *reply,
               int *pidfd, double wait_s)
{
    int received = 0, unwanted = -1;
    int *spare = pidfd != NULL ? pidfd : &unwanted;
    double end_s = pp_clock_s() + wait_s;
    *spare = -1;
    order->serial = ++s->serial;
    if (s->control < 0 || pp_channel_send(s->control, order, sizeof *order, fds, count, 0) != 0) {
        return -1;
    }
    for (;;) {
        double left_s = end_s - pp_clock_s();
        pp_heard heard = pp_channel_receive(s->control, reply, sizeof *reply, spare, 1, &received,
                                            left_s > 0 ? left_s : 0);
        if (heard != PP_HEARD_MESSAGE) return -1;
        if (reply->serial == order->serial) break;
        if (received == 1) close(*spare);
        *spare = -1;
    }
    if (unwanted >= 0) close(unwanted);
    return 0;
}

/* Waits for the first words of a new supervisor. */
static pp_status greet(const supervisor *s, double wait_s, pp_error *err)
{
    pp_order_reply hello;
    pp_heard heard = pp_channel_receive(s->control, &hello, sizeof hello, NULL, 0, NULL, wait_s);
    if (heard == PP_HEARD_MESSAGE && hello.protocol == PP_PROTOCOL) return PP_OK;
    if (heard == PP_HEARD_MESSAGE || heard == PP_HEARD_NONSENSE) {
        return pp_fail(err, PP_ERR_USAGE, "pp-decode is of another build than this program");
    }
    return pp_fail(err, PP_ERR_CRASH, "pp-decode did not start");
}

/* ---- starting --------------------------------------------------------------------------------*/

/* In the forked child: only calls that are safe there. */
static void become_supervisor(const char *program, int control, pid_t rank)
{
    static const int quiet[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGUSR2, SIGPIPE};
    /* it ends with the rank's socket, not with signals meant for the rank */
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++) signal(quiet[i], SIG_IGN);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 || getppid() != rank) _exit(1);
    int null = open("/dev/null", O_RDWR);
    if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0) _exit(1);
    if (control != PP_CONTROL_FD && dup2(control, PP_CONTROL_FD) < 0) _exit(1);
    fcntl(PP_CONTROL_FD, F_SETFD, 0);
    syscall(SYS_close_range, (unsigned)PP_CONTROL_FD + 1, ~0U, 0U);
    execl(program, program, "--serve", (char *)NULL);
    _exit(127);
}

static pp_status start_first(supervisor *s, const char *program, pp_error *err)
{
    int ends[2];
    if (access(program, X_OK) != 0) {
        pp_fail_errno(err, "%s: cannot run the decoder", program);
        return pp_advise(err, "pp-decode has to lie beside this program: run make");
    }
    if (pp_channel_pair(ends) != 0) return pp_fail_errno(err, "cannot make a socket");
    pid_t rank = getpid(), pid = fork();
    if (pid == 0) become_supervisor(program, ends[1], rank);
    close(ends[1]);
    s->control = ends[0];
    if (pid < 0) return pp_fail_errno(err, "cannot start %s", program);
    s->pid = pid;
    s->is_child = 1;
    s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
    return greet(s, 60, err);
}

/* A new supervisor, forked by another one. */
static pp_status start_from(supervisor *parent, supervisor *s, double wait_s, pp_error *err)
{
    int ends[2];
    pp_order order = {.kind = PP_ORDER_SPAWN};
    pp_order_reply reply;
    if (pp_channel_pair(ends) != 0) return pp_fail_errno(err, "cannot make a socket");
    int failed = ask(parent, &order, &ends[1], 1, &reply, &s->pidfd, wait_s) != 0 || reply.error;
    close(ends[1]);
    s->control = ends[0];
    if (failed) return pp_fail(err, PP_ERR_CRASH, "the decoder's supervisor is gone");
    s->pid = reply.pid;
    return greet(s, wait_s, err);
}

static void fill_limits(pp_media_limits *limits)
{
    if (limits->memory_bytes == 0) limits->memory_bytes = UINT64_C(3) << 30;
    if (limits->wall_s <= 0) limits->wall_s = 60;
    if (limits->cpu_s_per_media_s <= 0) limits->cpu_s_per_media_s = 10;
    if (limits->most_pixels <= 0) limits->most_pixels = INT64_C(8192) * 8192;
    if (limits->most_streams <= 0) limits->most_streams = 64;
}

pp_status pp_decoder_create(pp_decoder **out, const char *executable, const pp_media_limits *limits,
                            pp_error *err)
{
    *out = NULL;
    pp_decoder *decoder = pp_alloc(1, sizeof *decoder);
    char *folder = NULL, *program = NULL;
    if (decoder == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a decoder");
    if (limits != NULL) decoder->limits = *limits;
    fill_limits(&decoder->limits);
    decoder->worker_pidfd = -1;
    for (int i = 0; i < SUPERVISORS; i++) {
        decoder->supervisors[i] = (supervisor){.control = -1, .pidfd = -1};
    }
    pp_status status = PP_OK;
    if (executable == NULL) status = pp_path_program_folder(&folder, err);
    if (status == PP_OK) {
        program = executable != NULL ? pp_strdup(executable) : pp_path_join(folder, "pp-decode");
        status = program == NULL ? pp_fail(err, PP_ERR_NOMEM, "no memory for a path")
                                 : start_first(&decoder->supervisors[0], program, err);
    }
    if (status == PP_OK) {
        status = start_from(&decoder->supervisors[0], &decoder->supervisors[1], 60, err);
    }
    pp_free(folder);
    pp_free(program);
    if (status != PP_OK) pp_decoder_destroy(&decoder);
    *out = decoder;
    return status;
}

void pp_decoder_destroy(pp_decoder **decoder)
{
    if (decoder == NULL || *decoder == NULL) return;
    close_fd(&(*decoder)->worker_pidfd);
    /* the children first: a supervisor takes its worker with it */
    for (int i = SUPERVISORS - 1; i >= 0; i--) bury(&(*decoder)->supervisors[i]);
    PP_FREE(*decoder);
}

/* ---- keeping two of them ---------------------------------------------------------------------*/

/* Replaces whatever is gone; at_work is then one that answers. A supervisor that only stands still
 * is noticed when it does not answer (open_worker), and comes back here as gone. */
static pp_status restore(pp_decoder *decoder, pp_error *err)
{
    for (int i = 0; i < SUPERVISORS; i++) {
        if (!is_there(&decoder->supervisors[i])) bury(&decoder->supervisors[i]);
    }
    supervisor *a = &decoder->supervisors[0], *b = &decoder->supervisors[1];
    double wait_s = decoder->limits.wall_s;
    for (int i = 0; i < SUPERVISORS; i++) {
        supervisor *s = i == 0 ? a : b, *other = i == 0 ? b : a;
        if (s->control >= 0 || other->control < 0) continue;
        pp_error why = {0};
        if (start_from(other, s, wait_s, &why) == PP_OK) continue;
        bury(s);
        /* the last one left does not answer: it may have been stopped */
        signal_process(other->pidfd, other->pid, SIGCONT);
        pp_error_clear(&why);
        if (start_from(other, s, wait_s, &why) == PP_OK) continue;
        bury(s);
        bury(other);
    }
    decoder->at_work = a->control >= 0 ? 0 : 1;
    if (a->control >= 0 || b->control >= 0) return PP_OK;
    pp_fail(err, PP_ERR_CRASH, "both supervisors of the decoder are gone");
    return pp_advise(err, "they were killed from outside; this process can decode no more: start "
                          "it again");
}

static int start_worker(pp_decoder *decoder, pp_order *order, const int *fds)
{
    pp_order_reply reply;
    supervisor *s = &decoder->supervisors[decoder->at_work];
    if (ask(s, order, fds, PP_CHANNEL_FDS, &reply, &decoder->worker_pidfd,
            decoder->limits.wall_s) == 0 &&
        reply.error == 0) {
        return 0;
    }
    bury(s);
    return -1;
}

pp_status pp_client_open(pp_decoder *decoder, const pp_job *job, int video_fd, int session_fd,
                         int slots_fd, pp_error *err)
{
    pp_order order = {.kind = PP_ORDER_OPEN, .job = *job};
    int fds[PP_CHANNEL_FDS] = {video_fd, session_fd, slots_fd};
    close_fd(&decoder->worker_pidfd);
    for (int attempt = 0; attempt < SUPERVISORS; attempt++) {
        pp_status status = restore(decoder, err);
        if (status != PP_OK) return status;
        if (start_worker(decoder, &order, fds) == 0) return PP_OK;
    }
    pp_status status = restore(decoder, err);
    if (status != PP_OK) return status;
    return pp_fail(err, PP_ERR_CRASH, "no decoding process could be started");
}

void pp_client_allow_cpu(pp_decoder *decoder, double cpu_s)
{
    pp_order order = {.kind = PP_ORDER_CPU, .cpu_s = cpu_s};
    pp_order_reply reply;
    supervisor *s = &decoder->supervisors[decoder->at_work];
    if (ask(s, &order, NULL, 0, &reply, NULL, decoder->limits.wall_s) == 0) return;
    /* dead: its worker is too, as will be seen; stopped: the worker need not suffer for it */
    signal_process(s->pidfd, s->pid, SIGCONT);
}

void pp_client_end(pp_decoder *decoder, double wait_s, pp_ended *ended)
{
    pp_order order = {.kind = PP_ORDER_END, .wait_ms = (uint32_t)(wait_s * 1000)};
    pp_order_reply reply;
    supervisor *s = &decoder->supervisors[decoder->at_work];
    memset(ended, 0, sizeof *ended);
    if (wait_s <= 0) signal_process(decoder->worker_pidfd, 0, SIGKILL);
    if (ask(s, &order, NULL, 0, &reply, NULL, decoder->limits.wall_s + wait_s) == 0) {
        ended->known = reply.error == 0;
        ended->wait_status = reply.wait_status;
        ended->cpu_s = reply.cpu_s;
        ended->memory_kb = reply.memory_kb;
    } else {
        bury(s);
        signal_process(decoder->worker_pidfd, 0, SIGKILL);
    }
    close_fd(&decoder->worker_pidfd);
}

/* ---- small things ----------------------------------------------------------------------------*/

const pp_media_limits *pp_client_limits(const pp_decoder *decoder)
{
    return &decoder->limits;
}

int pp_client_claim(pp_decoder *decoder)
{
    if (decoder->claimed) return -1;
    decoder->claimed = 1;
    return 0;
}

void pp_client_release(pp_decoder *decoder)
{
    decoder->claimed = 0;
}

void pp_client_note_sandbox(pp_decoder *decoder, int sandboxed)
{
    if (sandboxed || decoder->noted) return;
    decoder->noted = 1;
    pp_log(PP_LOG_WARN,
           "this kernel filters no system calls (seccomp): decoders run with limits on "
           "memory, time and files alone");
}
