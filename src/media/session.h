/* The rank's end of the conversation with one worker. Internal to src/media.
 *
 * Whatever comes from the worker is checked as if an enemy had written it. The first failure ends
 * the session: the worker is killed, and every later call fails with the same words. */
#ifndef PP_MEDIA_SESSION_H
#define PP_MEDIA_SESSION_H

#include <stddef.h>

#include "media/client.h"

struct pp_media {
    pp_decoder *decoder; /* borrowed */
    char *shown;         /* the file's name for messages; owned */
    pp_job job;
    pp_media_info info;
    int socket;           /* -1: closed */
    unsigned char *slots; /* PP_SLOTS * job.slot_bytes, which the worker may change at any time */
    void *copy;           /* [slot_bytes] what is handed on; owned */
    pp_error failure;     /* why the session has ended; status PP_OK while it goes on */
};

/* The next report other than ALIVE. Without any answer for limits.wall_s the worker hangs; with
 * nothing but ALIVE for patience_s as well. */
pp_status pp_session_next(pp_media *media, double patience_s, pp_report *report,
                          pp_error *err) PP_MUST_USE;

pp_status pp_session_ask(pp_media *media, const pp_ask *ask, pp_error *err) PP_MUST_USE;

/* Copies `bytes` of the slot named in a report to media->copy and gives the slot back. */
pp_status pp_session_take(pp_media *media, const pp_report *report, size_t bytes,
                          pp_error *err) PP_MUST_USE;

/* The worker broke the protocol: ends the session. `what` says how. */
pp_status pp_session_lie(pp_media *media, const char *what, pp_error *err);

/* Ends the session on the rank's own account (a sink failed, the video is closed). */
void pp_session_end(pp_media *media);

/* The status and words of the failure that ended it, or PP_OK. */
pp_status pp_session_check(const pp_media *media, pp_error *err) PP_MUST_USE;

#endif
