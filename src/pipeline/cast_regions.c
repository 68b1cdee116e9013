#include "pipeline/cast_regions.h"

#include <string.h>

#define VALLEY                                                                                     \
    0.75f /* of the lower top's amplitude (2.5 dB): a way that goes lower parts two hills */

typedef struct hill {
    float top;
    int8_t part_of; /* itself, or the hill that it belongs to */
} hill;

/* By amplitude, the loudest first; equal ones in the order of the picture. Insertion: grids are
 * small and few pixels are loud. */
static int sort_loud(const float *amplitude, int pixels, int *order)
{
    int count = 0;
    for (int p = 0; p < pixels; p++) {
        if (!(amplitude[p] > 0)) continue;
        int at = count++;
        for (; at > 0 && amplitude[order[at - 1]] < amplitude[p]; at--) order[at] = order[at - 1];
        order[at] = p;
    }
    return count;
}

static int whole_of(const hill *hills, int at)
{
    while (hills[at].part_of != at) at = hills[at].part_of;
    return at;
}

/* The hills around a pixel, the highest first. */
static int hills_around(const hill *hills, const int8_t *region, int grid, int pixel, int around[8])
{
    int row = pixel / grid, column = pixel % grid, count = 0;
    for (int r = row - 1; r <= row + 1; r++) {
        for (int c = column - 1; c <= column + 1; c++) {
            if (r < 0 || c < 0 || r >= grid || c >= grid || region[r * grid + c] < 0) continue;
            int found = whole_of(hills, region[r * grid + c]), seen = 0;
            for (int i = 0; i < count; i++) seen |= around[i] == found;
            if (seen) continue;
            int at = count++;
            for (; at > 0 && around[at - 1] > found; at--) around[at] = around[at - 1];
            around[at] = found; /* hills are numbered by their tops */
        }
    }
    return count;
}

/* Numbers without gaps, for hills that are whole. */
static int renumber(const hill *hills, int count, int pixels, int8_t *region)
{
    int8_t number[PP_CAST_MOST_REGIONS];
    int wholes = 0;
    for (int i = 0; i < count; i++) {
        if (hills[i].part_of == i) number[i] = (int8_t)wholes++;
    }
    for (int p = 0; p < pixels; p++) {
        if (region[p] >= 0) region[p] = number[whole_of(hills, region[p])];
    }
    return wholes;
}

/* Pixels are taken from the loudest down, as if water sank: one without a neighbour above the water
 * is a new top, one between hills joins them where it is no valley. */
int pp_cast_regions(const float *amplitude, int grid, int *order, int8_t *region)
{
    hill hills[PP_CAST_MOST_REGIONS];
    int count = 0, pixels = grid * grid, loud = sort_loud(amplitude, pixels, order);
    memset(region, -1, (size_t)grid * (size_t)grid);
    for (int i = 0; i < loud; i++) {
        int pixel = order[i], around[8];
        int met = hills_around(hills, region, grid, pixel, around);
        if (met == 0) {
            if (count == PP_CAST_MOST_REGIONS) continue;
            hills[count] = (hill){amplitude[pixel], (int8_t)count};
            region[pixel] = (int8_t)count++;
            continue;
        }
        region[pixel] = (int8_t)around[0];
        for (int h = 1; h < met; h++) {
            hill *lower = &hills[around[h]];
            if (amplitude[pixel] >= VALLEY * lower->top) lower->part_of = (int8_t)around[0];
        }
    }
    return renumber(hills, count, pixels, region);
}
