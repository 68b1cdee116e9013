/* A small anti-aliased rasteriser: filled paths with flat or gradient paint on an RGB picture.
 *
 * A canvas holds the picture and the workspace; a pen is a canvas with a frame (the affine map from
 * the drawer's own coordinates to pixels), an outline, and may be copied and turned freely. Every
 * shape is a path of closed contours, filled by exact area coverage (the signed areas that edges
 * cut off each pixel, summed along the row; as in font rasterisers), winding clamped to 0..1.
 *
 * Drawing never fails and never allocates: a path of more than PP_CANVAS_POINTS points is cut off.
 * With `measure_only` set nothing is painted but the boxes still grow. One thread a canvas.
 */
#ifndef PP_SYNTH_CANVAS_H
#define PP_SYNTH_CANVAS_H

#include <stdint.h>

#include "base/status.h"

#define PP_CANVAS_POINTS 16384

typedef struct pp_point {
    float x, y;
} pp_point;

/* x' = xx x + xy y + x0, y' = yx x + yy y + y0 */
typedef struct pp_affine {
    float xx, xy, yx, yy, x0, y0;
} pp_affine;

pp_affine pp_affine_identity(void);
pp_affine pp_affine_then(pp_affine outer, pp_affine inner); /* outer after inner */
pp_affine pp_affine_move(pp_affine frame, float x, float y);
pp_affine pp_affine_turn(pp_affine frame, float radians); /* clockwise in pictures: y runs down */
pp_affine pp_affine_scale(pp_affine frame, float x, float y);
pp_point pp_affine_apply(pp_affine frame, float x, float y);

typedef struct pp_colour { /* 0..1, not premultiplied */
    float r, g, b, a;
} pp_colour;

pp_colour pp_rgb(float r, float g, float b);
pp_colour pp_hsv(float hue, float saturation, float value); /* hue in turns, any real */
pp_colour pp_shade(pp_colour colour, float factor);         /* above 1: towards white */
pp_colour pp_mix(pp_colour a, pp_colour b, float share_of_b);
pp_colour pp_alpha(pp_colour colour, float alpha);

typedef enum pp_paint_kind { PP_PAINT_FLAT, PP_PAINT_LINEAR, PP_PAINT_RADIAL } pp_paint_kind;

/* Places are in the pen's coordinates. LINEAR runs from p0 to p1, RADIAL from p0 outwards by
 * |p1 - p0|. */
typedef struct pp_paint {
    pp_paint_kind kind;
    pp_colour from, to;
    pp_point p0, p1;
} pp_paint;

pp_paint pp_flat(pp_colour colour);
pp_paint pp_linear(pp_colour from, pp_colour to, float x0, float y0, float x1, float y1);
pp_paint pp_radial(pp_colour centre, pp_colour rim, float x, float y, float radius);

typedef struct pp_box { /* pixels, half open; empty where x1 <= x0 */
    float x0, y0, x1, y1;
} pp_box;

pp_box pp_box_empty(void);
int pp_box_is_empty(pp_box box);
pp_box pp_box_union(pp_box a, pp_box b);

typedef struct pp_canvas {
    int width, height;
    uint8_t *rgb;      /* [height, width, 3], borrowed; NULL is fine with measure_only */
    int measure_only;  /* boxes only */
    pp_box clip;       /* nothing is painted outside; set by pp_canvas_begin to the picture */
    pp_box box, inner; /* what was touched: everything, and while `in_inner` is set */
    int in_inner;
    float *cover; /* [height, width + 2] workspace, owned */
    pp_point *points;
    int *ends; /* contours: index behind the last point of each */
    int point_count, contour_count;
} pp_canvas;

pp_status pp_canvas_create(pp_canvas **out, int width, int height, pp_error *err) PP_MUST_USE;
void pp_canvas_destroy(pp_canvas **canvas);
/* Starts a picture: clip and boxes are reset, pixels are left as they are. */
void pp_canvas_begin(pp_canvas *canvas, uint8_t *rgb, int measure_only);
void pp_canvas_reset_boxes(pp_canvas *canvas);

typedef struct pp_pen {
    pp_canvas *canvas; /* borrowed */
    pp_affine frame;
    float outline; /* width in the pen's units; 0: none */
    pp_colour outline_colour;
} pp_pen;

pp_pen pp_pen_at(pp_pen pen, float x, float y, float radians, float scale);

/* Shapes. Widths and places in the pen's units. */
void pp_pen_polygon(const pp_pen *pen, const pp_point *points, int count, pp_paint paint);
/* Closed smooth curve through the points (Catmull-Rom). */
void pp_pen_blob(const pp_pen *pen, const pp_point *points, int count, pp_paint paint);
void pp_pen_ellipse(const pp_pen *pen, float x, float y, float rx, float ry, pp_paint paint);
void pp_pen_rect(const pp_pen *pen, float x, float y, float width, float height, float round,
                 pp_paint paint);
void pp_pen_ring(const pp_pen *pen, float x, float y, float rx, float ry, float width,
                 pp_paint paint);
/* Round ends and joints; never outlined. */
void pp_pen_line(const pp_pen *pen, float x0, float y0, float x1, float y1, float width,
                 pp_paint paint);
void pp_pen_polyline(const pp_pen *pen, const pp_point *points, int count, float width,
                     pp_paint paint);
/* Open smooth curve through the points. */
void pp_pen_curve(const pp_pen *pen, const pp_point *points, int count, float width,
                  pp_paint paint);
/* As pp_pen_curve, the width growing from width0 to width1 along it: horns, limbs. */
void pp_pen_horn(const pp_pen *pen, const pp_point *points, int count, float width0, float width1,
                 pp_paint paint);

#endif
