#include "media/decoder/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/log.h>

static char last[200];

static void listen(void *source, int level, const char *format, va_list args)
{
    (void)source;
    if (level > AV_LOG_ERROR) return;
    vsnprintf(last, sizeof last, format, args);
    last[strcspn(last, "\r\n")] = '\0';
}

void pp_complaint_listen(void)
{
    av_log_set_level(AV_LOG_ERROR);
    av_log_set_callback(listen);
}

const char *pp_complaint_last(void)
{
    return last;
}

void pp_complaint_forget(void)
{
    last[0] = '\0';
}
