/* Errors: one status code, and one message that names the thing, the reason and the way out.
 *
 * A function that can fail returns pp_status: PP_OK, or a negative code with the words in the
 * caller's pp_error. The first failure wins: helpers on the clean-up path leave it alone.
 * Thread-safe: an error object belongs to one caller.
 */
#ifndef PP_BASE_STATUS_H
#define PP_BASE_STATUS_H

#define PP_MUST_USE __attribute__((warn_unused_result))
#define PP_PRINTF(text, first) __attribute__((format(printf, text, first)))

typedef enum pp_status {
    PP_OK = 0,
    PP_ERR_USAGE = -1,       /* the caller's arguments or the user's input words */
    PP_ERR_IO = -2,          /* the operating system said no (message holds strerror) */
    PP_ERR_NOMEM = -3,       /* memory */
    PP_ERR_FORMAT = -4,      /* a file is not what it claims to be, or is damaged */
    PP_ERR_MEDIA = -5,       /* a video that cannot be decoded, for good */
    PP_ERR_CRASH = -6,       /* the decoder died: may be tried again */
    PP_ERR_TIMEOUT = -7,     /* the decoder hung: may be tried again */
    PP_ERR_LIMIT = -8,       /* a limit on memory, pixels, streams or processor time was hit */
    PP_ERR_INTERRUPTED = -9, /* asked to stop: drain, time limit */
    PP_ERR_NOT_FOUND = -10,  /* no such file, data set or key */
    PP_ERR_BUSY = -11,       /* held by another run */
    PP_ERR_INTERNAL = -12    /* a broken promise of this program */
} pp_status;

typedef struct pp_error {
    pp_status status;
    char message[1024]; /* what happened, to which file or argument, why */
    char advice[512];   /* what a person can do about it; may be empty */
} pp_error;

/* Records a failure (unless one is recorded already) and returns `status`. `err` may be NULL. */
pp_status pp_fail(pp_error *err, pp_status status, const char *format, ...) PP_PRINTF(3, 4);

/* As pp_fail, with ": <strerror(errno)>" appended; status PP_ERR_IO, _NOMEM or _NOT_FOUND by errno.
 */
pp_status pp_fail_errno(pp_error *err, const char *format, ...) PP_PRINTF(2, 3);

/* Adds the way out to a recorded failure; returns its status so that it can end a return line. */
pp_status pp_advise(pp_error *err, const char *format, ...) PP_PRINTF(2, 3);

/* Puts words in front of a recorded message: "FILE: " and the like. Returns the status. */
pp_status pp_error_prefix(pp_error *err, const char *format, ...) PP_PRINTF(2, 3);

void pp_error_clear(pp_error *err);

/* A short stable name for logs and JSON: "ok", "usage", "io", "media", ... Never NULL. */
const char *pp_status_name(pp_status status);

/* True where trying the same thing again may help: a crash, a hang, a limit, memory, I/O. */
int pp_status_is_transient(pp_status status);

#endif
