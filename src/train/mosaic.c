#include "train/mosaic.h"

#define TRIES 20

static int overlap(const pp_train_tile *a, const pp_train_tile *b)
{
    return a->left < b->left + b->side && b->left < a->left + a->side &&
           a->top < b->top + b->side && b->top < a->top + a->side;
}

static void lay_quarters(int grid, pp_train_tile *tiles)
{
    const int half = grid / 2;
    for (int i = 0; i < PP_TRAIN_TILES; i++) {
        tiles[i] = (pp_train_tile){i % 2 * half, i / 2 * half, half, 0};
    }
}

static void lay_anywhere(pp_random *random, int grid, int least, int most, int count,
                         pp_train_tile *tiles)
{
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < TRIES && tiles[i].label < 0; k++) {
            const int side = least + (int)pp_random_below(random, (uint64_t)(most - least + 1));
            const uint64_t places = (uint64_t)(grid - side + 1);
            const int left = (int)pp_random_below(random, places);
            pp_train_tile tile = {left, (int)pp_random_below(random, places), side, 0};
            int is_free = 1;
            for (int j = 0; j < i; j++) {
                is_free &= tiles[j].label < 0 || !overlap(&tile, &tiles[j]);
            }
            if (is_free) tiles[i] = tile;
        }
    }
}

void pp_train_mosaic_lay(pp_random *random, int grid, pp_train_tile tiles[PP_TRAIN_TILES])
{
    for (int i = 0; i < PP_TRAIN_TILES; i++) tiles[i] = (pp_train_tile){0, 0, 0, -1};
    const int kind = (int)pp_random_below(random, 3);
    const int count = 2 + (int)pp_random_below(random, 3);
    const int least = grid * 2 / 7 > 0 ? grid * 2 / 7 : 1;
    const int most = count == 2 ? grid * 2 / 3 : grid / 2;
    if (kind == 0) {
        lay_quarters(grid, tiles);
    } else {
        lay_anywhere(random, grid, least, most, count, tiles);
    }
}

void pp_train_mosaic_shrink(const float *from, int size, int side, float *to)
{
    for (int y = 0; y < side; y++) {
        const int top = y * size / side, bottom = (y + 1) * size / side;
        for (int x = 0; x < side; x++) {
            const int left = x * size / side, right = (x + 1) * size / side;
            float sum[3] = {0, 0, 0};
            for (int row = top; row < bottom; row++) {
                const float *p = from + 3L * ((long)row * size + left);
                for (int i = 0; i < 3 * (right - left); i++) sum[i % 3] += p[i];
            }
            const float each = 1 / (float)((bottom - top) * (right - left));
            for (int k = 0; k < 3; k++) to[3L * ((long)y * size + x) + k] = sum[k] * each;
        }
    }
}

void pp_train_mosaic_backdrop(const float *from, int size, float *to)
{
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++, to += 3) {
            const float *p = from + 3L * ((long)(y / 8) * size + x / 8);
            for (int k = 0; k < 3; k++) to[k] = p[k];
        }
    }
}
