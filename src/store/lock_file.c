#include "store/lock_file.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- where a process id means something ---------------------------------------------------------
 */

/* The boot and the process name space: only within both does a process id name one process. Two
 * containers, and two machines, may well share their host name. Empty: not known. */
static void place_of_self(char *place, size_t room)
{
    char *boot = NULL, space[64] = "";
    size_t length = 0;
    pp_error ignored = {0};
    ssize_t got = readlink("/proc/self/ns/pid", space, sizeof space - 1);
    place[0] = '\0';
    if (got > 0 && pp_text_read_file(&boot, &length, "/proc/sys/kernel/random/boot_id", 256,
                                     &ignored) == PP_OK) {
        boot[strcspn(boot, "\n")] = '\0';
        snprintf(place, room, "%s %s", boot, space);
    }
    pp_free(boot);
}

/* When a process began, in ticks since the boot: its id may have been given anew. -1: no such. A
 * zombie has ended. */
static int64_t start_of(long pid)
{
    char path[64], *text = NULL, state = '?';
    size_t length = 0;
    pp_error ignored = {0};
    long long ticks = -1;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    if (pp_text_read_file(&text, &length, path, 4096, &ignored) != PP_OK) return -1;
    const char *end = strrchr(text, ')'); /* of a name that may hold anything */
    int found = end != NULL ? sscanf(end + 1,
                                     " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
                                     "%*s %*s %*s %*s %lld",
                                     &state, &ticks)
                            : 0;
    pp_free(text);
    return found == 2 && state != 'Z' && state != 'X' ? ticks : -1;
}

void pp_lock_self(pp_lock_holder *self, int part, int parts)
{
    *self = (pp_lock_holder){
        .pid = (long)getpid(), .part = parts > 0 ? part : 1, .parts = parts > 0 ? parts : 1};
    if (gethostname(self->host, sizeof self->host - 1) != 0) strcpy(self->host, "host");
    pp_clock_utc_text(self->started, sizeof self->started);
}

/* ---- the text ----------------------------------------------------------------------------------
 */

pp_status pp_lock_describe(pp_lock_text *out, const pp_lock_holder *self, int64_t renewals,
                           pp_error *err)
{
    char place[160], now[40];
    place_of_self(place, sizeof place);
    pp_clock_utc_text(now, sizeof now);
    pp_json *json = pp_json_object();
    pp_json_set_text(json, "format", "pixelplayer-lock");
    pp_json_set_int(json, "version", 1);
    pp_json_set_text(json, "host", self->host);
    pp_json_set_int(json, "pid", self->pid);
    pp_json_set_int(json, "part", self->part);
    pp_json_set_int(json, "parts", self->parts);
    pp_json_set_text(json, "started", self->started);
    pp_json_set_text(json, "parameters", self->parameters);
    pp_json_set_text(json, "place", place);
    pp_json_set_int(json, "start_ticks", start_of(self->pid));
    pp_json_set_int(json, "renewals", renewals);
    pp_json_set_text(json, "renewed", now);
    size_t length = pp_json_print(json, out->bytes, sizeof out->bytes);
    pp_json_free(&json);
    if (length == 0) return pp_fail(err, PP_ERR_NOMEM, "no memory for a lock's text");
    memset(out->bytes + length, ' ', PP_LOCK_BYTES - length);
    out->bytes[PP_LOCK_BYTES - 1] = '\n';
    out->bytes[PP_LOCK_BYTES] = '\0';
    return PP_OK;
}

static void read_holder(const pp_json *json, pp_lock_holder *holder)
{
    snprintf(holder->host, sizeof holder->host, "%s",
             pp_json_text(json, "host", "an unknown host"));
    snprintf(holder->started, sizeof holder->started, "%s",
             pp_json_text(json, "started", "an unknown time"));
    snprintf(holder->parameters, sizeof holder->parameters, "%s",
             pp_json_text(json, "parameters", ""));
    holder->pid = (long)pp_json_int(json, "pid", 0);
    holder->part = (int)pp_json_int(json, "part", 1);
    holder->parts = (int)pp_json_int(json, "parts", 1);
    if (holder->parts < 1 || holder->part < 1 || holder->part > holder->parts) {
        holder->part = holder->parts = 1;
    }
}

static pp_json *parse(const pp_lock_text *text)
{
    pp_error ignored = {0};
    pp_json *json = NULL;
    if (pp_json_parse(&json, text->bytes, strlen(text->bytes), "a lock", &ignored) == PP_OK) {
        return json;
    }
    return NULL;
}

int pp_lock_look(const char *path, pp_lock_text *text, pp_lock_holder *holder)
{
    char *bytes = NULL;
    size_t length = 0;
    pp_error problem = {0};
    memset(text, 0, sizeof *text);
    pp_status status = pp_text_read_file(&bytes, &length, path, PP_LOCK_BYTES, &problem);
    if (status == PP_ERR_NOT_FOUND) return 0;
    if (status == PP_OK) memcpy(text->bytes, bytes, length);
    pp_free(bytes);
    pp_json *json = parse(text);
    read_holder(json, holder);
    pp_json_free(&json);
    return 1;
}

pp_lock_life pp_lock_process(const pp_lock_text *text)
{
    char here[160];
    place_of_self(here, sizeof here);
    pp_json *json = parse(text);
    const char *there = pp_json_text(json, "place", "");
    long pid = (long)pp_json_int(json, "pid", 0);
    int64_t started = pp_json_int(json, "start_ticks", -1);
    pp_lock_life life = PP_LOCK_ELSEWHERE;
    if (here[0] != '\0' && strcmp(here, there) == 0 && pid > 0 && started >= 0) {
        life = start_of(pid) == started ? PP_LOCK_LIVES : PP_LOCK_GONE;
    }
    pp_json_free(&json);
    return life;
}
