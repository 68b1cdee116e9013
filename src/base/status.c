#include "base/status.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void record(pp_error *err, pp_status status, const char *format, va_list args)
{
    if (err == NULL || err->status != PP_OK) return;
    err->status = status;
    err->advice[0] = '\0';
    vsnprintf(err->message, sizeof err->message, format, args);
}

pp_status pp_fail(pp_error *err, pp_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    record(err, status, format, args);
    va_end(args);
    return status;
}

static pp_status status_of_errno(int code)
{
    if (code == ENOENT) return PP_ERR_NOT_FOUND;
    if (code == ENOMEM) return PP_ERR_NOMEM;
    return PP_ERR_IO;
}

pp_status pp_fail_errno(pp_error *err, const char *format, ...)
{
    int code = errno;
    pp_status status = status_of_errno(code);
    if (err == NULL || err->status != PP_OK) return status;
    va_list args;
    va_start(args, format);
    record(err, status, format, args);
    va_end(args);
    size_t used = strlen(err->message);
    snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(code));
    return status;
}

pp_status pp_advise(pp_error *err, const char *format, ...)
{
    if (err == NULL) return PP_ERR_INTERNAL;
    va_list args;
    va_start(args, format);
    vsnprintf(err->advice, sizeof err->advice, format, args);
    va_end(args);
    return err->status;
}

pp_status pp_error_prefix(pp_error *err, const char *format, ...)
{
    if (err == NULL) return PP_ERR_INTERNAL;
    char joined[sizeof err->message];
    va_list args;
    va_start(args, format);
    vsnprintf(joined, sizeof joined, format, args);
    va_end(args);
    size_t used = strlen(joined);
    snprintf(joined + used, sizeof joined - used, "%s", err->message);
    memcpy(err->message, joined, sizeof joined);
    return err->status;
}

void pp_error_clear(pp_error *err)
{
    if (err == NULL) return;
    err->status = PP_OK;
    err->message[0] = '\0';
    err->advice[0] = '\0';
}

const char *pp_status_name(pp_status status)
{
    switch (status) {
    case PP_OK:
        return "ok";
    case PP_ERR_USAGE:
        return "usage";
    case PP_ERR_IO:
        return "io";
    case PP_ERR_NOMEM:
        return "memory";
    case PP_ERR_FORMAT:
        return "format";
    case PP_ERR_MEDIA:
        return "media";
    case PP_ERR_CRASH:
        return "crash";
    case PP_ERR_TIMEOUT:
        return "timeout";
    case PP_ERR_LIMIT:
        return "limit";
    case PP_ERR_INTERRUPTED:
        return "interrupted";
    case PP_ERR_NOT_FOUND:
        return "not-found";
    case PP_ERR_BUSY:
        return "busy";
    case PP_ERR_INTERNAL:
        return "internal";
    }
    return "unknown";
}

int pp_status_is_transient(pp_status status)
{
    return status == PP_ERR_CRASH || status == PP_ERR_TIMEOUT || status == PP_ERR_LIMIT ||
           status == PP_ERR_NOMEM || status == PP_ERR_IO;
}
