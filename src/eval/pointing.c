#include "eval/pointing.h"

#include <stddef.h>
#include <stdlib.h>

int pp_point_on_box(const pp_grid_view *view, int cell, const pp_box *box)
{
    const double width = view->width, height = view->height;
    const double side = width < height ? width : height, step = side / view->grid;
    const double left = 0.5 * (width - side) + (cell % view->grid) * step;
    const double top = 0.5 * (height - side) + (cell / view->grid) * step;
    return left < (double)box->right * width && left + step > (double)box->left * width &&
           top < (double)box->bottom * height && top + step > (double)box->top * height;
}

double pp_point_chance(const pp_grid_view *view, const pp_box *box)
{
    const int cells = view->grid * view->grid;
    int on = 0;
    for (int i = 0; i < cells; i++) on += pp_point_on_box(view, i, box);
    return (double)on / cells;
}

int pp_point_loudest(const float *values, const int8_t *sources, int source, int cells)
{
    int best = -1;
    for (int i = 0; i < cells; i++) {
        if (sources != NULL && sources[i] != source) continue;
        if (best < 0 || values[i] > values[best]) best = i;
    }
    return best;
}

void pp_point_add_motion(const uint8_t *before, const uint8_t *after, int size, int grid,
                         float *motion)
{
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            const size_t at = ((size_t)y * (size_t)size + (size_t)x) * 3;
            int sum = 0;
            for (int c = 0; c < 3; c++) sum += abs((int)before[at + c] - (int)after[at + c]);
            motion[(y * grid / size) * grid + x * grid / size] += (float)sum;
        }
    }
}
