/* Backgrounds: drawn once into a picture larger than the video's, then looked at by the camera. */
#ifndef PP_SYNTH_BACKDROP_H
#define PP_SYNTH_BACKDROP_H

#include "canvas.h"
#include "world.h"

/* How far the backdrop goes beyond the video's picture on each side, in its width and height. */
#define PP_BACKDROP_MARGIN 0.15f

typedef struct pp_backdrop {
    int width, height;
    uint8_t *rgb; /* [height, width, 3], owned */
    float floor;  /* where feet stand, 0..1 of the picture's height */
} pp_backdrop;

/* For a video of width x height. */
pp_status pp_backdrop_create(pp_backdrop *out, int width, int height, pp_world world,
                             pp_random *random, pp_error *err) PP_MUST_USE;
void pp_backdrop_clear(pp_backdrop *backdrop);

/* Fills columns left .. right - 1 of rgb [height, width, 3] with what the camera sees. `view`:
 * scene coordinates (the picture's height is 1, its left upper corner 0, 0) to pixels of rgb, no
 * turns. */
void pp_backdrop_show(const pp_backdrop *backdrop, pp_affine view, uint8_t *rgb, int width,
                      int height, int left, int right);

#endif
