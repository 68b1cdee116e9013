/* Inside the rasteriser: a path in pixels, built point by point, then filled. For pen.c. */
#ifndef PP_SYNTH_CANVAS_FILL_H
#define PP_SYNTH_CANVAS_FILL_H

#include "canvas.h"

void pp_fill_clear(pp_canvas *canvas);
void pp_fill_point(pp_canvas *canvas, float x, float y); /* of the open contour */
void pp_fill_close(pp_canvas *canvas); /* contours of less than three points vanish */
/* Fills and clears the path; `frame` maps the paint's places to pixels. */
void pp_fill(pp_canvas *canvas, pp_affine frame, const pp_paint *paint);

#endif
