#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"

static struct {
    pp_log_level level;
    pp_log_form form;
    int rank;
} settings = {PP_LOG_INFO, PP_LOG_TEXT, -1};

static const char *const level_names[] = {"error", "warning", "info", "debug"};

void pp_log_setup(pp_log_level level, pp_log_form form, int rank)
{
    settings.level = level;
    settings.form = form;
    settings.rank = rank;
}

int pp_log_enabled(pp_log_level level)
{
    return level <= settings.level;
}

static void write_line(const char *line, size_t length)
{
    ssize_t written = write(STDERR_FILENO, line, length);
    (void)written; /* nowhere left to complain */
}

static void write_text(pp_log_level level, const char *message)
{
    char line[2304], who[32] = "";
    if (settings.rank >= 0) snprintf(who, sizeof who, "[%d] ", settings.rank);
    const char *mark = level == PP_LOG_INFO ? "" : level_names[level];
    int length = snprintf(line, sizeof line - 1, "%s%s%s%s", who, mark, *mark ? ": " : "", message);
    if (length < 0) return;
    if ((size_t)length > sizeof line - 2) length = (int)sizeof line - 2;
    line[length] = '\n';
    write_line(line, (size_t)length + 1);
}

static void write_json(pp_log_level level, const char *message)
{
    char line[8192], time_text[40];
    pp_clock_utc_text(time_text, sizeof time_text);
    pp_json *object = pp_json_object();
    pp_json_set_text(object, "time", time_text);
    pp_json_set_text(object, "level", level_names[level]);
    if (settings.rank >= 0) pp_json_set_int(object, "rank", settings.rank);
    pp_json_set_text(object, "message", message);
    size_t length = pp_json_print(object, line, sizeof line - 1);
    pp_json_free(&object);
    if (length == 0 || length >= sizeof line - 1) return;
    line[length] = '\n';
    write_line(line, length + 1);
}

static void write_message(pp_log_level level, const char *message)
{
    if (settings.form == PP_LOG_JSON) write_json(level, message);
    else write_text(level, message);
}

void pp_log(pp_log_level level, const char *format, ...)
{
    if (!pp_log_enabled(level)) return;
    char message[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    write_message(level, message);
}

void pp_log_failure(pp_log_level level, const char *subject, const pp_error *err)
{
    pp_log(level, "%s%s%s%s%s", subject != NULL ? subject : "", subject != NULL ? ": " : "",
           err->message, err->advice[0] ? " -- " : "", err->advice);
}
