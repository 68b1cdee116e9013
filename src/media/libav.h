/* What both sides of the media layer share of FFmpeg's conventions. Internal to src/media. */
#ifndef PP_MEDIA_LIBAV_H
#define PP_MEDIA_LIBAV_H

#include "base/status.h"

/* Records a failure of an FFmpeg call: `code` is its negative return value, whose words are
 * appended. PP_ERR_NOMEM for ENOMEM, PP_ERR_NOT_FOUND for ENOENT, else PP_ERR_IO for the operating
 * system's errors and PP_ERR_MEDIA for FFmpeg's own. Returns that status. */
pp_status pp_libav_fail(pp_error *err, int code, const char *format, ...) PP_PRINTF(3, 4);

/* FFmpeg's log goes to standard error; keep it to what went wrong. */
void pp_libav_quiet(void);

#endif
