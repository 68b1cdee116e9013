#include "media/decoder/sandbox.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* Left to the worker without conditions: memory, its own sockets and files by descriptor, clocks,
 * and what the C library does by itself. Nothing that opens, connects, creates or executes. */
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),

    SCMP_SYS(close),
    SCMP_SYS(recvmsg),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvfrom),
    SCMP_SYS(sendto),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(brk),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(getrandom),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sysinfo),
    SCMP_SYS(getrusage),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(rseq),
    SCMP_SYS(set_robust_list),
};

/* What no decoder ever does: an attempt ends the process, so that it is seen. Everything else that
 * is not allowed fails with EPERM, since libraries try things and live without. */
static const int fatal[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(bpf),
    SCMP_SYS(mount),
    SCMP_SYS(process_vm_writev),
};

static int set_limit(int resource, rlim_t soft, rlim_t hard)
{
    struct rlimit old;
    if (getrlimit((__rlimit_resource_t)resource, &old) != 0) return -1;
    if (hard > old.rlim_max) hard = old.rlim_max; /* only root may raise it */
    struct rlimit limit = {soft < hard ? soft : hard, hard};
    return setrlimit((__rlimit_resource_t)resource, &limit);
}

static int set_limits(const pp_media_limits *limits)
{
    /* The soft limit on processor time is raised by the supervisor as the work goes on. */
    double most_cpu_s = 60 + limits->cpu_s_per_media_s * PP_MOST_SOUND_S;
    rlim_t soft_cpu_s = 60, hard_cpu_s = (rlim_t)most_cpu_s;
    int bad = 0;
#ifndef __SANITIZE_ADDRESS__ /* the sanitizer's shadow takes terabytes of address space */
    bad |= set_limit(RLIMIT_AS, (rlim_t)limits->memory_bytes, (rlim_t)limits->memory_bytes);
#endif
    bad |= set_limit(RLIMIT_CPU, soft_cpu_s, hard_cpu_s);
    bad |= set_limit(RLIMIT_FSIZE, 0, 0);
    bad |= set_limit(RLIMIT_CORE, 0, 0);
    bad |= set_limit(RLIMIT_NOFILE, PP_WORKER_FDS, PP_WORKER_FDS); /* all of them are in use */
    bad |= set_limit(RLIMIT_MEMLOCK, 0, 0);
    bad |= set_limit(RLIMIT_NPROC, 0, 0);
    return bad ? -1 : 0;
}

static int add_rules(scmp_filter_ctx filter)
{
    int bad = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++) {
        bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    for (size_t i = 0; i < sizeof fatal / sizeof *fatal; i++) {
        bad |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, fatal[i], 0);
    }
    /* memory, but none that can be executed */
    struct scmp_arg_cmp no_exec = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, no_exec);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, no_exec);
    /* words on standard error (a sanitizer's, abort's); signals to itself (abort) */
    struct scmp_arg_cmp to_stderr = SCMP_A0(SCMP_CMP_EQ, STDERR_FILENO);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(write), 1, to_stderr);
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(writev), 1, to_stderr);
    struct scmp_arg_cmp to_self = SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid());
    bad |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, to_self);
    return bad;
}

/* True where the filter is in place. */
static int filter_system_calls(void)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (filter == NULL) return 0;
    int placed = add_rules(filter) == 0 && seccomp_load(filter) == 0;
    seccomp_release(filter);
    return placed;
}

int pp_sandbox_enter(const pp_media_limits *limits, int *filtered)
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
    if (set_limits(limits) != 0) return -1;
    *filtered = filter_system_calls();
    return 0;
}
