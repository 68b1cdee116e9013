/* Pictures made of several clips' pictures, so that the video network learns to tell what is where
 * it is, at sizes that performers have in duets and trios. Pure functions.
 */
#ifndef PP_TRAIN_MOSAIC_H
#define PP_TRAIN_MOSAIC_H

#include "base/random.h"

#define PP_TRAIN_TILES 4
#define PP_TRAIN_CELL 16 /* pixels from one output of the video network to the next */

typedef struct pp_train_tile { /* a square; in cells of the video network's grid */
    int left, top, side;
    int label; /* of the clip that it shows; -1: no such tile */
} pp_train_tile;

/* Places tiles that do not overlap: one time in three the four quarters, else two to four of random
 * sides (two sevenths of the grid to half of it; of two, to two thirds) anywhere. Labels are set to
 * 0 or -1. grid: 2 cells or more. */
void pp_train_mosaic_lay(pp_random *random, int grid, pp_train_tile tiles[PP_TRAIN_TILES]);

/* Means of pixels: from [size, size, 3] into the square of `side` pixels, 1 .. size, at `to`, whose
 * rows are `size` pixels apart. */
void pp_train_mosaic_shrink(const float *from, int size, int side, float *to);

/* What lies behind the tiles: the upper left corner of a picture, an eighth of its side, where
 * mostly nobody is, stretched. from, to [size, size, 3]. */
void pp_train_mosaic_backdrop(const float *from, int size, float *to);

#endif
