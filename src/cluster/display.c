#include "cluster/display.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"

struct pp_display {
    pp_log_form form;
    int quiet;
    int terminal; /* descriptor, -1: none */
    int owned;    /* it is to be closed */
    int shown;    /* a bar stands there */
    double next_s;
};

enum { BAR_HZ = 5, LINE_EVERY_S = 30, JSON_EVERY_S = 10 };

/* Ranks of mpirun write into its pipes; where it was started on a terminal, and here, the bar goes
 * there all the same. */
static int terminal_of_launcher(void)
{
    char path[64], name[64] = "";
    if (getenv("OMPI_COMM_WORLD_RANK") == NULL) return -1;
    snprintf(path, sizeof path, "/proc/%d/comm", (int)getppid());
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t length = read(fd, name, sizeof name - 1);
    close(fd);
    if (length < 0 || (strncmp(name, "mpirun", 6) != 0 && strncmp(name, "orterun", 7) != 0 &&
                       strncmp(name, "mpiexec", 7) != 0 && strncmp(name, "prterun", 7) != 0)) {
        return -1;
    }
    snprintf(path, sizeof path, "/proc/%d/fd/2", (int)getppid());
    fd = open(path, O_WRONLY | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && !isatty(fd)) {
        close(fd);
        fd = -1;
    }
    return fd;
}

pp_display *pp_display_create(pp_log_form form, int quiet)
{
    pp_display *display = pp_alloc(1, sizeof *display);
    if (display == NULL) return NULL;
    display->form = form;
    display->quiet = quiet;
    display->terminal = -1;
    if (form != PP_LOG_TEXT || quiet) return display;
    const char *kind = getenv("TERM");
    if (isatty(STDERR_FILENO)) {
        display->terminal = kind != NULL && strcmp(kind, "dumb") == 0 ? -1 : STDERR_FILENO;
    } else {
        display->terminal = terminal_of_launcher();
        display->owned = display->terminal >= 0;
    }
    return display;
}

static void put(int fd, const char *text, size_t length)
{
    ssize_t written = write(fd, text, length);
    (void)written; /* nowhere left to complain */
}

void pp_display_clear(pp_display *display)
{
    if (display == NULL || !display->shown) return;
    put(display->terminal, "\r\033[K", 4);
    display->shown = 0;
}

void pp_display_destroy(pp_display **display)
{
    if (*display == NULL) return;
    pp_display_clear(*display);
    if ((*display)->owned) close((*display)->terminal);
    PP_FREE(*display);
}

static double share_of(const pp_display_state *state)
{
    if (!(state->windows_total > 0)) return 0;
    double share = state->windows_done / state->windows_total;
    return share < 0 ? 0 : share > 1 ? 1 : share;
}

/* "12 of 40 videos, 340 of ~1200 windows, 12.3 times real time, 3 min 20 s left, 2 failed"; short,
 * for a bar: "340/~1200 windows, 12.3x real time, 3 min 20 s left, 2 failed, 12/40 videos". */
static void words_of(const pp_display_state *state, int brief, char *text, size_t room)
{
    char left[40] = "", until[64] = "", failed[48] = "", dead[48] = "", doing[64] = "";
    if (state->left_s >= 0) {
        pp_clock_duration_text(state->left_s, left, sizeof left);
        snprintf(until, sizeof until, ", %s left", left);
    }
    if (state->failed > 0) {
        snprintf(failed, sizeof failed, ", %lld failed", (long long)state->failed);
    }
    if (state->workers_dead > 0)
        snprintf(dead, sizeof dead, ", %d ranks lost", state->workers_dead);
    if (state->doing != NULL) snprintf(doing, sizeof doing, ", %s", state->doing);
    long long done = state->done + state->failed, videos = state->videos;
    const char *about = done < videos ? "~" : "";
    double total = state->windows_total;
    if (total < state->windows_done) total = state->windows_done;
    if (brief) {
        snprintf(text, room, "%.0f/%s%.0f windows, %.1fx real time%s%s%s%s, %lld/%lld videos",
                 state->windows_done, about, total, state->times_real_time, until, failed, dead,
                 doing, done, videos);
    } else {
        snprintf(text, room,
                 "%lld of %lld videos, %.0f of %s%.0f windows, %.1f times real time%s%s%s%s", done,
                 videos, state->windows_done, about, total, state->times_real_time, until, failed,
                 dead, doing);
    }
}

static void draw_bar(pp_display *display, const pp_display_state *state)
{
    enum { BAR = 12 };
    char words[320], line[420], bar[BAR + 1];
    struct winsize size = {0};
    int columns = ioctl(display->terminal, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    if (columns < 20) columns = 80;
    if (columns > (int)sizeof line - 8) columns = (int)sizeof line - 8;
    int full = (int)(share_of(state) * BAR);
    memset(bar, '.', BAR);
    memset(bar, '#', (size_t)full);
    bar[BAR] = '\0';
    words_of(state, 1, words, sizeof words);
    int length =
        snprintf(line, sizeof line - 4, "\r[%s] %3.0f %% %s", bar, 100 * share_of(state), words);
    if (length > columns) length = columns; /* one short of the edge, with the '\r' */
    memcpy(line + length, "\033[K", 3);
    put(display->terminal, line, (size_t)length + 3);
    display->shown = 1;
}

static void write_json(const pp_display_state *state)
{
    char line[1024], time_text[40];
    pp_json *json = pp_json_object();
    pp_clock_utc_text(time_text, sizeof time_text);
    pp_json_set_text(json, "time", time_text);
    pp_json_set_text(json, "level", "info");
    pp_json_set_text(json, "event", "progress");
    pp_json_set_int(json, "videos", state->videos);
    pp_json_set_int(json, "done", state->done);
    pp_json_set_int(json, "failed", state->failed);
    pp_json_set_real(json, "windows_done", state->windows_done);
    pp_json_set_real(json, "windows_total", state->windows_total);
    pp_json_set_real(json, "times_real_time", state->times_real_time);
    pp_json_set_real(json, "left_s", state->left_s);
    pp_json_set_int(json, "workers", state->workers);
    pp_json_set_int(json, "workers_busy", state->workers_busy);
    pp_json_set_int(json, "workers_lost", state->workers_dead);
    size_t length = pp_json_print(json, line, sizeof line - 1);
    pp_json_free(&json);
    if (length == 0) return;
    line[length] = '\n';
    put(STDERR_FILENO, line, length + 1);
}

void pp_display_update(pp_display *display, const pp_display_state *state, double now_s)
{
    if (display == NULL || display->quiet) return;
    double every_s = display->terminal >= 0         ? 1.0 / BAR_HZ
                     : display->form == PP_LOG_JSON ? JSON_EVERY_S
                                                    : LINE_EVERY_S;
    if (display->next_s == 0 && display->terminal < 0) display->next_s = now_s + every_s;
    if (now_s < display->next_s) return;
    display->next_s = now_s + every_s;
    if (display->terminal >= 0) {
        draw_bar(display, state);
    } else if (display->form == PP_LOG_JSON) {
        write_json(state);
    } else {
        char words[320];
        words_of(state, 0, words, sizeof words);
        pp_log(PP_LOG_INFO, "%s", words);
    }
}
