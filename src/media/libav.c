#include "media/libav.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include <libavutil/error.h>
#include <libavutil/log.h>

static pp_status status_of(int code)
{
    switch (code) {
    case AVERROR(ENOMEM):
        return PP_ERR_NOMEM;
    case AVERROR(ENOENT):
        return PP_ERR_NOT_FOUND;
    case AVERROR(EIO):
    case AVERROR(EACCES):
    case AVERROR(EPERM):
    case AVERROR(ENOSPC):
    case AVERROR(EDQUOT):
    case AVERROR(EFBIG):
    case AVERROR(EROFS):
    case AVERROR(EISDIR):
    case AVERROR(ENOTDIR):
    case AVERROR(EMFILE):
    case AVERROR(EPIPE):
        return PP_ERR_IO;
    default:
        return PP_ERR_MEDIA;
    }
}

pp_status pp_libav_fail(pp_error *err, int code, const char *format, ...)
{
    char what[512], why[AV_ERROR_MAX_STRING_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(what, sizeof what, format, args);
    va_end(args);
    av_strerror(code, why, sizeof why); /* fills in a text even where it fails */
    return pp_fail(err, status_of(code), "%s: %s", what, why);
}

void pp_libav_quiet(void)
{
    av_log_set_level(AV_LOG_FATAL);
}
