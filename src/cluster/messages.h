/* What coordinator and workers say to each other, as bytes.
 *
 *   magic "PPm1"  u32 kind  u32 length of the body  u32 FNV-1a of the body  body
 *
 * Little-endian; texts are a u32 length and their bytes. Every number is checked on the way in: a
 * message that is damaged or of another version fails, it is never half-read. Not thread-safe per
 * object.
 */
#ifndef PP_CLUSTER_MESSAGES_H
#define PP_CLUSTER_MESSAGES_H

#include <stddef.h>
#include <stdint.h>

#include "pipeline/pipeline.h"
#include "schedule/schedule.h"

typedef enum pp_message_kind {
    /* worker to coordinator */
    PP_MESSAGE_ASKS = 1, /* nothing to do: wants a lease */
    PP_MESSAGE_ALIVE, /* lease, stage, windows, seen, listened; wants_stop where it was signalled */
    PP_MESSAGE_FINISHED, /* lease, result, seconds */
    PP_MESSAGE_FAILED,   /* lease, stage, error, seconds */
    /* coordinator to worker */
    PP_MESSAGE_LEASE,  /* lease, task, work */
    PP_MESSAGE_CANCEL, /* lease: drop it */
    PP_MESSAGE_WAIT,   /* nothing yet; the coordinator lives */
    PP_MESSAGE_STOP    /* no more work: finalise; lease: how many ranks are lost; closing_s */
} pp_message_kind;

typedef struct pp_message {
    pp_message_kind kind;
    uint64_t lease;
    pp_stage stage;
    int windows;        /* listened to since the last message */
    int seen, listened; /* pictures and windows gone through in this lease so far */
    int wants_stop;
    int closing_s;          /* of STOP: the coordinator may write its last files for so long */
    double seconds;         /* that the lease took */
    pp_task_kind task;      /* of LEASE */
    pp_lease work;          /* of LEASE; its texts are owned by the message once it was read */
    pp_lease_result result; /* of FINISHED */
    pp_error error;         /* of FAILED */
    char *texts[2];         /* owned: path and id of `work` after reading */
} pp_message;

#define PP_MESSAGE_MOST (1 << 18) /* bytes; a path is at most PATH_MAX */

/* *bytes is owned by the caller (pp_free). */
pp_status pp_message_write(void **bytes, size_t *length, const pp_message *message,
                           pp_error *err) PP_MUST_USE;
pp_status pp_message_read(pp_message *message, const void *bytes, size_t length,
                          pp_error *err) PP_MUST_USE;
void pp_message_free(pp_message *message); /* what reading made; NULL-safe */

#endif
