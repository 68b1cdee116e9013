#include "media/decoder/fault.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "media/decoder/shortage.h"

static const char *const kinds[] = {"", "crash", "hang", "spin", "eat", "lie", "open"};

int pp_fault_parse(const char *text, pp_faults *faults)
{
    const char *at = strchr(text, '@');
    size_t length = at != NULL ? (size_t)(at - text) : strlen(text);
    faults->kind = PP_FAULT_NONE;
    for (int i = 1; i < (int)(sizeof kinds / sizeof *kinds); i++) {
        if (strlen(kinds[i]) == length && strncmp(kinds[i], text, length) == 0) {
            faults->kind = (pp_fault)i;
        }
    }
    faults->during = 0;
    if (faults->kind == PP_FAULT_NONE) return -1;
    if (at == NULL || strcmp(at, "@open") == 0) return 0;
    if (strcmp(at, "@scan") == 0) faults->during = PP_ASK_SCAN;
    else if (strcmp(at, "@pictures") == 0) faults->during = PP_ASK_PICTURES;
    else return -1;
    return 0;
}

/* Takes all the memory it may have; what comes after has next to none. Under a sanitizer, which
 * knows no limit, it stops there by itself. */
static void eat(const pp_worker *worker)
{
    size_t eaten = 0, most = (size_t)worker->job.limits.memory_bytes;
    pp_shortage_is_fatal(0);
    for (size_t bytes = 1 << 24; bytes >= 1024 && eaten <= most;) {
        void *taken = malloc(bytes);
        if (taken != NULL) memset(taken, 1, bytes);
        if (taken != NULL) eaten += bytes;
        else bytes /= 2;
    }
    if (eaten > most) _exit(PP_EXIT_NOMEM);
    pp_shortage_is_fatal(1);
}

/* Reports that no honest worker sends: a slot that is not there, sound out of order and without
 * end, numbers that are none. */
static void lie(pp_worker *worker)
{
    pp_report report;
    memset(&report, 0xff, sizeof report);
    report.kind = worker->faults.during == PP_ASK_SCAN       ? PP_REPORT_SOUND
                  : worker->faults.during == PP_ASK_PICTURES ? PP_REPORT_PICTURE
                                                             : PP_REPORT_INFO;
    report.slot = 0;
    pp_worker_report(worker, &report);
}

/* The sandbox has to say no to both. */
static void reach_out(void)
{
    int file = open("/etc/hostname", O_RDONLY);
    int socket_fd = socket(AF_INET, SOCK_STREAM, 0);
    if (file >= 0 || socket_fd >= 0) abort();
}

void pp_fault_act(pp_worker *worker, pp_ask_kind now)
{
    if (worker->faults.kind == PP_FAULT_NONE || worker->faults.during != now) return;
    switch (worker->faults.kind) {
    case PP_FAULT_NONE:
        return;
    case PP_FAULT_CRASH:
        signal(SIGSEGV, SIG_DFL);
        raise(SIGSEGV);
        return;
    case PP_FAULT_HANG:
        for (;;) pp_clock_sleep_s(1);
    case PP_FAULT_SPIN:
        for (volatile unsigned turns = 0;; turns++) {
        }
    case PP_FAULT_EAT:
        eat(worker);
        return;
    case PP_FAULT_LIE:
        lie(worker);
        return;
    case PP_FAULT_OPEN:
        reach_out();
        return;
    }
}
