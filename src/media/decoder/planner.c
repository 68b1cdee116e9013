#include "media/decoder/planner.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "base/memory.h"
#include "media/protocol.h"

typedef struct candidate {
    pp_coded_frame frame;
    int64_t seek_pts; /* keyframe that decoding has to start from */
} candidate;

enum { KEYS = 4, MOST_WAITING = 8192 };

struct pp_planner {
    double interval_s;
    candidate *waiting; /* in decoding order: what may still serve a grid point */
    size_t count, room;
    candidate first; /* the earliest shown of all */
    int any;
    int disposables;           /* seen at all: skipping them saves work */
    pp_coded_frame keys[KEYS]; /* the last keyframes, newest first */
    int key_count;
    pp_picture_plan *plan;
    size_t planned, plan_room;
};

pp_status pp_planner_create(pp_planner **out, double interval_s, pp_error *err)
{
    *out = pp_alloc(1, sizeof **out);
    if (*out == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the frame plan");
    (*out)->interval_s = interval_s;
    return PP_OK;
}

void pp_planner_destroy(pp_planner **planner)
{
    if (planner == NULL || *planner == NULL) return;
    pp_free((*planner)->waiting);
    pp_free((*planner)->plan);
    PP_FREE(*planner);
}

static double grid_time(const pp_planner *planner, size_t index)
{
    return (double)index * planner->interval_s;
}

/* ---- choosing --------------------------------------------------------------------------------*/

static int rank_of(const candidate *c)
{
    if (c->frame.is_key) return 0;
    return c->frame.is_disposable ? 2 : 1;
}

/* Whether a serves grid time g better than b does; both are within reach. */
static int serves_better(const candidate *a, const candidate *b, double g)
{
    if (rank_of(a) != rank_of(b)) return rank_of(a) < rank_of(b);
    double off_a = fabs(a->frame.time_s - g), off_b = fabs(b->frame.time_s - g);
    if (off_a != off_b) return off_a < off_b;
    return a->frame.time_s < b->frame.time_s;
}

static const candidate *choose(const pp_planner *planner, double g)
{
    const candidate *best = NULL, *shown = NULL;
    for (size_t i = 0; i < planner->count; i++) {
        const candidate *c = &planner->waiting[i];
        if (fabs(c->frame.time_s - g) <= PP_PLAN_REACH_S &&
            (best == NULL || serves_better(c, best, g))) {
            best = c;
        }
        if (c->frame.time_s <= g && (shown == NULL || c->frame.time_s > shown->frame.time_s)) {
            shown = c;
        }
    }
    if (best != NULL) return best;
    return shown != NULL ? shown : &planner->first;
}

static pp_status plan_next(pp_planner *planner, pp_error *err)
{
    double g = grid_time(planner, planner->planned);
    pp_status status = pp_grow((void **)&planner->plan, &planner->plan_room, planner->planned + 1,
                               sizeof *planner->plan, err);
    if (status != PP_OK) return status;
    const candidate *c = choose(planner, g);
    pp_picture_plan *point = &planner->plan[planner->planned];
    point->time_s = g;
    point->shown_s = c->frame.time_s;
    point->pts = c->frame.pts;
    point->seek_pts = c->seek_pts;
    point->same_as_before = planner->planned > 0 && point[-1].pts == point->pts;
    planner->planned++;
    return PP_OK;
}

/* Drops what can serve no further grid point: too early, and not the one shown. */
static void prune(pp_planner *planner)
{
    double g = grid_time(planner, planner->planned);
    size_t shown = planner->count, kept = 0;
    for (size_t i = 0; i < planner->count; i++) {
        double time_s = planner->waiting[i].frame.time_s;
        if (time_s <= g &&
            (shown == planner->count || time_s > planner->waiting[shown].frame.time_s)) {
            shown = i;
        }
    }
    for (size_t i = 0; i < planner->count; i++) {
        double time_s = planner->waiting[i].frame.time_s;
        if (time_s < g - PP_PLAN_REACH_S && i != shown) continue;
        planner->waiting[kept++] = planner->waiting[i];
    }
    planner->count = kept;
}

/* ---- packets ---------------------------------------------------------------------------------*/

/* The last keyframe that is not shown after the frame: frames shown before a keyframe though coded
 * behind it (an open group of pictures) need what came before it. */
static int64_t seek_of(const pp_planner *planner, const pp_coded_frame *frame)
{
    for (int i = 0; i < planner->key_count; i++) {
        if (planner->keys[i].time_s <= frame->time_s) return planner->keys[i].pts;
    }
    if (planner->key_count > 0) return planner->keys[planner->key_count - 1].pts;
    return planner->any ? planner->first.frame.pts : frame->pts;
}

static void remember_key(pp_planner *planner, const pp_coded_frame *frame)
{
    memmove(planner->keys + 1, planner->keys, (KEYS - 1) * sizeof *planner->keys);
    planner->keys[0] = *frame;
    if (planner->key_count < KEYS) planner->key_count++;
}

pp_status pp_planner_add(pp_planner *planner, const pp_coded_frame *frame, pp_error *err)
{
    /* a stream that begins without a keyframe: its first packet is where decoding starts */
    if (frame->is_key || planner->key_count == 0) remember_key(planner, frame);
    candidate c = {*frame, seek_of(planner, frame)};
    planner->disposables |= frame->is_disposable;
    if (!planner->any || frame->time_s < planner->first.frame.time_s) planner->first = c;
    planner->any = 1;
    /* no grid point below the decoding time can get another candidate any more */
    while (grid_time(planner, planner->planned) + PP_PLAN_REACH_S < frame->decode_s &&
           grid_time(planner, planner->planned) < PP_MOST_SOUND_S) {
        pp_status status = plan_next(planner, err);
        if (status != PP_OK) return status;
        prune(planner);
    }
    if (planner->count >= MOST_WAITING) { /* thousands of frames a second, or no times at all */
        prune(planner);
        if (planner->count >= MOST_WAITING) return PP_OK;
    }
    pp_status status = pp_grow((void **)&planner->waiting, &planner->room, planner->count + 1,
                               sizeof *planner->waiting, err);
    if (status != PP_OK) return status;
    planner->waiting[planner->count++] = c;
    if (planner->count % 256 == 0) prune(planner);
    return PP_OK;
}

pp_status pp_planner_finish(pp_planner *planner, double duration_s, const pp_picture_plan **plan,
                            int64_t *count, pp_error *err)
{
    if (!planner->any) return pp_fail(err, PP_ERR_MEDIA, "not one picture could be read");
    while (planner->planned == 0 || grid_time(planner, planner->planned) < duration_s) {
        pp_status status = plan_next(planner, err);
        if (status != PP_OK) return status;
        prune(planner);
    }
    size_t points = planner->planned;
    while (points > 1 && grid_time(planner, points - 1) >= duration_s) points--;
    for (size_t i = 0; i < points; i++) planner->plan[i].only_reference = planner->disposables;
    *plan = planner->plan;
    *count = (int64_t)points;
    return PP_OK;
}
