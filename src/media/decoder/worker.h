/* The worker: one process, one video, in a sandbox. Answers the rank's requests. */
#ifndef PP_MEDIA_DECODER_WORKER_H
#define PP_MEDIA_DECODER_WORKER_H

#include <stdnoreturn.h>
#include <sys/types.h>

#include "media/decoder/supervisor.h"
#include "media/protocol.h"

typedef struct pp_worker_setup {
    pp_job job;
    int video_fd, session_fd, slots_fd;
    pid_t supervisor;   /* the worker ends with it */
    uint64_t own_bytes; /* address space before any work */
    pp_faults faults;
} pp_worker_setup;

/* In the freshly forked process: enters the sandbox, opens the video, serves until the rank closes
 * the session, and ends the process. */
noreturn void pp_worker_main(const pp_worker_setup *setup);

/* ---- for what the worker does (scan.c, pictures.c) -------------------------------------------*/

typedef struct pp_worker { /* the conversation with the rank */
    pp_job job;
    int session_fd;
    unsigned char *slots; /* PP_SLOTS * job.slot_bytes, shared with the rank */
    int busy[PP_SLOTS];   /* 1: the rank has not given it back yet */
    double last_report_s;
    pp_faults faults;
} pp_worker;

/* A slot that may be filled; waits for the rank. Ends the process where the rank is gone. */
void *pp_worker_slot(pp_worker *worker, uint32_t *slot);

/* Sends a report; ends the process where the rank is gone. A slot named in it is busy after. */
void pp_worker_report(pp_worker *worker, pp_report *report);

/* Says that work goes on, at most twice a second: call it once a packet. */
void pp_worker_alive(pp_worker *worker);

/* Waits for a request of this kind (taking returned slots on the way). */
void pp_worker_await(pp_worker *worker, pp_ask_kind kind, pp_ask *ask);

#endif
