/* The pictures still to be delivered: a queue filled from the rank, emptied in order. */
#ifndef PP_MEDIA_DECODER_TARGETS_H
#define PP_MEDIA_DECODER_TARGETS_H

#include "media/decoder/worker.h"

enum { PP_QUEUE = 2 * PP_TARGETS, PP_READY_MOST = 48 };

typedef struct pp_wanted {
    int64_t pts, seek_pts;
    int linear;       /* see pp_reader_go */
    int fed;          /* its packet has been given to the decoder */
    int frames_since; /* frames that came out after that */
    uint8_t *rgb;     /* decoded already, owned; else NULL */
} pp_wanted;

typedef struct pp_targets { /* start from {0} with worker and total set */
    pp_worker *worker;
    int64_t total, fetched, delivered;
    pp_wanted queue[PP_QUEUE]; /* number delivered + i lies at (delivered + i) % PP_QUEUE */
    int ready;                 /* entries with rgb */
    uint8_t *last;             /* the picture delivered last, [size, size, 3]; owned */
    int64_t last_pts;
    uint32_t last_flags;
    int any;
} pp_targets;

/* The i-th that is still wanted, i < PP_TARGETS; fetched from the rank where needed; NULL behind
 * the end. */
pp_wanted *pp_targets_peek(pp_targets *targets, int i);

/* Entry i exists and belongs to the run of the keyframe `seek_pts`. */
pp_wanted *pp_targets_in_run(pp_targets *targets, int i, int64_t seek_pts);

/* Delivers the first entry, and every one behind it that names the same frame or is ready. rgb
 * NULL: black. */
void pp_targets_deliver(pp_targets *targets, const uint8_t *rgb, uint32_t flags);

void pp_targets_free(pp_targets *targets);

#endif
