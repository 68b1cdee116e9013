/* Inside the backdrop: what its painters share. For backdrop.c, backdrop_kinds.c and props.c. */
#ifndef PP_SYNTH_BACKDROP_PARTS_H
#define PP_SYNTH_BACKDROP_PARTS_H

#include "canvas.h"
#include "world.h"

/* Backdrop coordinates: 1 high as the video's picture is, x from 0 to its aspect, and the margins
 * around. */
typedef struct pp_painter {
    pp_pen pen;
    pp_random *random;
    float x0, x1, y0, y1, floor;
    pp_colour wall, ground;
} pp_painter;

/* Paints one kind of place; those from `common` on are for the test world only. */
typedef void (*pp_paint_place)(const pp_painter *painter);
typedef struct pp_places {
    const pp_paint_place *paint;
    int common, count;
} pp_places;
pp_places pp_backdrop_places(void);

/* Some things that stand about: plants, lamps, loudspeakers, music stands. */
void pp_props_paint(const pp_painter *painter);

#endif
