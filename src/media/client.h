/* The rank's side of its decoder processes. Internal to src/media.
 *
 * Two equal supervisors: one works, the other stands by. If one dies or stops, the other takes over
 * and forks its replacement, since the rank itself must not fork once MPI runs.
 *
 *   rank --- supervisor A --- worker (the open video)
 *      \---- supervisor B
 */
#ifndef PP_MEDIA_CLIENT_H
#define PP_MEDIA_CLIENT_H

#include "media/protocol.h"

typedef struct pp_ended { /* how a worker ended */
    int known;            /* 0: its supervisor is gone too */
    int wait_status;      /* as of waitpid */
    double cpu_s;
    int64_t memory_kb;
} pp_ended;

/* Starts a worker for one video (after ending one that may be there). Descriptors are borrowed.
 * Replaces dead supervisors first. */
pp_status pp_client_open(pp_decoder *decoder, const pp_job *job, int video_fd, int session_fd,
                         int slots_fd, pp_error *err) PP_MUST_USE;

/* Allows it so much more processor time from now on. Best effort: where it fails the worker's end
 * will be seen. */
void pp_client_allow_cpu(pp_decoder *decoder, double cpu_s);

/* Waits up to wait_s for its end, then kills it. */
void pp_client_end(pp_decoder *decoder, double wait_s, pp_ended *ended);

const pp_media_limits *pp_client_limits(const pp_decoder *decoder);

/* Claims the decoder for one open video (one at a time): 0, or -1 where it is taken. */
int pp_client_claim(pp_decoder *decoder);
void pp_client_release(pp_decoder *decoder);

/* Says once a decoder that this kernel filters no system calls. */
void pp_client_note_sandbox(pp_decoder *decoder, int sandboxed);

#endif
