/* Where sound comes from: cells of the feature grid against boxes in the picture. Pure functions.
 *
 * The networks see the centre square of a picture, cut into grid x grid cells; boxes are given in
 * 0..1 of the whole picture's width and height.
 */
#ifndef PP_EVAL_POINTING_H
#define PP_EVAL_POINTING_H

#include <stdint.h>

typedef struct pp_box {
    float left, top, right, bottom;
} pp_box;

typedef struct pp_grid_view {
    int grid;          /* cells a side */
    int width, height; /* of the picture */
} pp_grid_view;

/* Whether cell (row-major index) overlaps the box. A box outside the centre square has no cells. */
int pp_point_on_box(const pp_grid_view *view, int cell, const pp_box *box);
/* The share of cells that overlap the box: what a random cell would score. */
double pp_point_chance(const pp_grid_view *view, const pp_box *box);

/* The cell of the largest value among those whose source is `source` (any where sources is NULL);
 * -1 where there is none. values, sources: [cells]. */
int pp_point_loudest(const float *values, const int8_t *sources, int source, int cells);

/* Sum of absolute differences of two pictures rgb [size, size, 3] in every cell; added to
 * motion [grid * grid]. */
void pp_point_add_motion(const uint8_t *before, const uint8_t *after, int size, int grid,
                         float *motion);

#endif
