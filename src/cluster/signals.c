#include "cluster/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t users, terms, interrupts, leave_with;

static void count(int signal_number)
{
    if (signal_number == SIGUSR1) users = 1;
    else if (signal_number == SIGTERM) terms = 1;
    else if (interrupts < 100) interrupts = interrupts + 1;
}

void pp_signals_install(void)
{
    struct sigaction action = {.sa_handler = count, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    sigaction(SIGUSR1, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

pp_signals pp_signals_seen(void)
{
    return (pp_signals){.drain = users || terms || interrupts > 0, .now = terms || interrupts > 1};
}

static const char *volatile last_words;

static void leave(int signal_number)
{
    (void)signal_number;
    size_t length = 0;
    const char *words = last_words;
    while (words != NULL && words[length] != '\0') length++;
    if (length > 0 && write(STDERR_FILENO, words, length) < 0) _exit(leave_with);
    _exit(leave_with);
}

void pp_signals_leave_after(int seconds, int exit_code, const char *words)
{
    struct sigaction action = {.sa_handler = leave};
    leave_with = exit_code;
    last_words = words;
    sigemptyset(&action.sa_mask);
    sigaction(SIGALRM, &action, NULL);
    alarm((unsigned)seconds);
}
