/* What a rank and its decoder processes say to each other. Internal to src/media.
 *
 *   rank --(orders)--> supervisor            started before MPI_Init, twice: see client.h
 *                          | fork, limits, sandbox
 *   rank <--(reports)-- worker               one an open video
 *        --(requests)-->
 *        <==(slots)====                      memfd of PP_SLOTS slots: sound, plans, pictures
 *
 * All sockets are AF_UNIX SOCK_SEQPACKET: one fixed-size struct a message, of one build (the
 * supervisor's first reply says so). A worker fills a slot, reports it, and may use it again once
 * the rank has sent PP_ASK_FREE for it. */
#ifndef PP_MEDIA_PROTOCOL_H
#define PP_MEDIA_PROTOCOL_H

#include <stdint.h>

#include "base/status.h"
#include "media/media.h"

enum {
    PP_PROTOCOL = 1, /* raised when any struct below changes */
    PP_SLOTS = 8,
    PP_SLOT_SAMPLES = 1 << 16, /* floats in a slot of sound */
    PP_TARGETS = 128,          /* picture targets a request */
    PP_CONTROL_FD = 3,         /* of the supervisor */
    PP_EXIT_NOMEM = 12         /* status of a worker that ran out of memory and knew it */
};

#define PP_MOST_SOUND_S (48 * 3600.0) /* longest sound of one video */
#define PP_LEAST_INTERVAL_S 0.02      /* of the frame grid */

/* ---- rank and supervisor ---------------------------------------------------------------------*/

typedef enum pp_order_kind {
    PP_ORDER_OPEN = 1, /* + descriptors: video, worker's socket, slots. Reply: pid + its pidfd */
    PP_ORDER_CPU,      /* allow the worker cpu_s more seconds from now on */
    PP_ORDER_END,  /* wait up to wait_ms for the worker's end, then kill it. Reply: how it ended */
    PP_ORDER_SPAWN /* + descriptor: control socket of a further supervisor. Reply: as OPEN */
} pp_order_kind;

typedef struct pp_job { /* what a worker is to do and may use */
    pp_media_options options;
    pp_media_limits limits; /* nothing left at 0 */
    uint64_t slot_bytes;    /* a multiple of 4096 */
} pp_job;

typedef struct pp_order {
    uint32_t kind, wait_ms;
    uint32_t serial, padding; /* comes back with the reply, so that a late one is told apart */
    double cpu_s;
    pp_job job;
} pp_order;

typedef struct pp_order_reply {
    uint32_t protocol, serial;
    int32_t error; /* errno, 0 where it went well */
    int32_t pid;
    int32_t wait_status; /* as of waitpid */
    double cpu_s;        /* used */
    int64_t memory_kb;   /* most resident */
} pp_order_reply;

/* ---- rank and worker -------------------------------------------------------------------------*/

typedef enum pp_ask_kind {
    PP_ASK_FREE = 1, /* slot may be filled again */
    PP_ASK_SCAN,     /* interval_s. Answer: SOUND..., then PLAN..., then SCANNED */
    PP_ASK_PICTURES, /* total. Answer: MORE and PICTURE, in turns, then DONE */
    PP_ASK_TARGETS   /* count targets, after MORE */
} pp_ask_kind;

typedef struct pp_target {
    int64_t pts, seek_pts;
    uint32_t flags; /* pp_picture_plan.only_reference */
    uint32_t padding;
} pp_target;

typedef struct pp_ask {
    uint32_t kind, slot, count, padding;
    int64_t total;
    double interval_s;
    pp_target targets[PP_TARGETS];
} pp_ask;

typedef enum pp_report_kind {
    PP_REPORT_INFO = 1, /* the video is open */
    PP_REPORT_FAILED,   /* failure; the worker is of no more use */
    PP_REPORT_ALIVE,    /* still at work */
    PP_REPORT_SOUND,    /* slot holds count samples from sample number first on */
    PP_REPORT_PLAN,     /* slot holds count pp_picture_plan from number first on, of
                         * scanned.pictures in all */
    PP_REPORT_SCANNED,
    PP_REPORT_MORE,    /* send targets from number first on */
    PP_REPORT_PICTURE, /* slot holds picture number first; flags: pp_picture_flag */
    PP_REPORT_DONE
} pp_report_kind;

enum { PP_PICTURE_MISSING = 1, PP_PICTURE_NEIGHBOUR = 2 };

/* pp_picture_plan.only_reference is a set of these. */
enum { PP_PLAN_SKIP = 1, PP_PLAN_LINEAR = 2 };

typedef struct pp_failure { /* in the worker's words; texts end with NUL, or are cut */
    int32_t status;
    char message[700], advice[400];
} pp_failure;

typedef struct pp_scanned {
    int64_t samples, pictures, damaged_packets;
    double video_end_s, truncated_at_s;
    int32_t truncated;
    int32_t linear; /* time stamps jump: pictures are found by reading from the start only */
} pp_scanned;

typedef struct pp_report {
    uint32_t kind, slot;
    int64_t first, count;
    uint32_t flags;
    int32_t sandboxed; /* with INFO: 0 where this kernel has no seccomp */
    union {
        pp_media_info info;
        pp_failure failure;
        pp_scanned scanned;
    } as;
} pp_report;

#endif
