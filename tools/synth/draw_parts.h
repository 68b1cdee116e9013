/* Pieces that several drawn instruments share; instrument coordinates along x. */
#ifndef PP_SYNTH_DRAW_PARTS_H
#define PP_SYNTH_DRAW_PARTS_H

#include "performer.h"

void pp_part_strings(const pp_pen *pen, float x0, float x1, float spread0, float spread1, int count,
                     pp_colour colour);
/* Pairs of pegs on both sides, from x on. */
void pp_part_pegs(const pp_pen *pen, float x, float step, float reach, int count, pp_paint paint);
/* The shine across a tube along x round y = 0. */
pp_paint pp_part_tube(pp_colour colour, float width);
/* A row of key cups; those above `pitch` (0..1) are up. */
void pp_part_keys(const pp_pen *pen, float x0, float x1, float y, float radius, int count,
                  float pitch, pp_colour colour);
/* A flare along x from half width `narrow` to `wide`, its mouth an ellipse `depth` deep. */
void pp_part_bell(const pp_pen *pen, float x0, float x1, float narrow, float wide, float depth,
                  pp_colour colour);

#endif
