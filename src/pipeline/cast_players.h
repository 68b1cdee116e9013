/* Cast, second half: does one kind of sound come from several places at once? A video may show two
 * players of one instrument, whose pixels are alike; where they sound in the same windows and lie
 * well apart in the picture, they are two sources.
 *
 * State of fixed size: how often every two cells of a coarse grid sounded together, a kind. */
#ifndef PP_PIPELINE_CAST_PLAYERS_H
#define PP_PIPELINE_CAST_PLAYERS_H

#include <stdint.h>

#include "base/status.h"

typedef struct pp_cast_players pp_cast_players;

/* grid: rows and columns of pixels. */
pp_status pp_cast_players_create(pp_cast_players **out, int kinds, int grid,
                                 pp_error *err) PP_MUST_USE;
void pp_cast_players_destroy(pp_cast_players **players);

/* kind [grid, grid] (-1: none) and amplitude [grid, grid] of one window. */
void pp_cast_players_add(pp_cast_players *players, const int8_t *kind, const float *amplitude);

/* Decides; returns the number of sources: at least one for each kind that any pixel was of, at most
 * `most` (>= kinds). */
int pp_cast_players_finish(pp_cast_players *players, int most);
/* After that: the source of a pixel of this kind. */
int pp_cast_players_source(const pp_cast_players *players, int kind, int row, int column);

#endif
