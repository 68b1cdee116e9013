/* Cast: the loud pixels of one window in regions, one a performer as far as loudness alone can
 * tell.
 *
 * Single pixels of a performer can each show a part of what the whole shows, and the networks were
 * trained on the largest activations of a whole clip. So what is compared is what a region shows
 * together. Regions are the hills of the map of amplitudes, cut at valleys (a watershed): two hills
 * are one where the way between them does not go down far enough from the lower one's top.
 */
#ifndef PP_PIPELINE_CAST_REGIONS_H
#define PP_PIPELINE_CAST_REGIONS_H

#include <stdint.h>

enum { PP_CAST_MOST_REGIONS = 127 }; /* of a window; the quietest hills beyond are none */

/* amplitude [grid, grid], 0: not loud -> region [grid, grid], -1: none; order [grid * grid] is
 * scratch. Returns how many regions there are, the one with the highest top first. */
int pp_cast_regions(const float *amplitude, int grid, int *order, int8_t *region);

#endif
