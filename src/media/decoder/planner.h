/* Chooses the coded frame that serves each point of the frame grid, from packets alone. Pure.
 *
 * For grid time g, in this order: a keyframe, a frame that others refer to, any other frame, each
 * the nearest one within 0.25 s of g (the earlier of two equally near); else the frame shown at g,
 * the last one with a time not after g; else the very first frame. So the choice depends on the
 * video and on g alone. Memory: the packets of about a second, and 48 bytes a grid point.
 */
#ifndef PP_MEDIA_DECODER_PLANNER_H
#define PP_MEDIA_DECODER_PLANNER_H

#include <stdint.h>

#include "base/status.h"
#include "media/media.h"

#define PP_PLAN_REACH_S 0.25

typedef struct pp_planner pp_planner;

typedef struct pp_coded_frame { /* one packet of pictures */
    int64_t pts;                /* its name in the plan */
    double time_s;              /* when it is shown, from time zero */
    double decode_s;            /* no later packet is shown before this time */
    int is_key, is_disposable;  /* decoding can start here; no other frame refers to it */
} pp_coded_frame;

pp_status pp_planner_create(pp_planner **out, double interval_s, pp_error *err) PP_MUST_USE;
void pp_planner_destroy(pp_planner **planner);

/* Packets in the order of decoding. */
pp_status pp_planner_add(pp_planner *planner, const pp_coded_frame *frame,
                         pp_error *err) PP_MUST_USE;

/* Fixes the plan for grid times in [0, duration_s), at least one point, after the last packet.
 * *plan is borrowed from the planner; PP_ERR_MEDIA where there was no packet at all. */
pp_status pp_planner_finish(pp_planner *planner, double duration_s, const pp_picture_plan **plan,
                            int64_t *count, pp_error *err) PP_MUST_USE;

#endif
