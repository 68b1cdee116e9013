/* Log lines on standard error: plain words for people, or one JSON object a line.
 *
 * The one piece of global state in the project: level, form and the rank shown in each line.
 * Thread-safe: one write a line. Never fails: a line that cannot be written is dropped.
 */
#ifndef PP_BASE_LOG_H
#define PP_BASE_LOG_H

#include "base/status.h"

typedef enum pp_log_level { PP_LOG_ERROR, PP_LOG_WARN, PP_LOG_INFO, PP_LOG_DEBUG } pp_log_level;
typedef enum pp_log_form { PP_LOG_TEXT, PP_LOG_JSON } pp_log_form;

/* Call once, before other threads exist. rank < 0: not shown. */
void pp_log_setup(pp_log_level level, pp_log_form form, int rank);

/* True where a line of this level would be written. */
int pp_log_enabled(pp_log_level level);

void pp_log(pp_log_level level, const char *format, ...) PP_PRINTF(2, 3);

/* The message and the advice of an error, prefixed by `subject` (a file name; may be NULL). */
void pp_log_failure(pp_log_level level, const char *subject, const pp_error *err);

#endif
