#include "pipeline/thumbnail.h"

/* On a grid that both sizes divide, a source pixel is PP_THUMBNAIL_SIZE units wide and one of the
 * thumbnail `size` units: overlaps are whole numbers. */
static int64_t overlap(int64_t out, int64_t in, int64_t size)
{
    int64_t begin = out * size, end = begin + size;
    int64_t in_begin = in * PP_THUMBNAIL_SIZE, in_end = in_begin + PP_THUMBNAIL_SIZE;
    if (in_begin > begin) begin = in_begin;
    if (in_end < end) end = in_end;
    return end > begin ? end - begin : 0;
}

static void one_pixel(const uint8_t *rgb, int64_t size, int64_t row, int64_t column, uint8_t *out)
{
    int64_t sums[3] = {0};
    for (int64_t y = row * size / PP_THUMBNAIL_SIZE; y < size; y++) {
        int64_t high = overlap(row, y, size);
        if (high == 0) break;
        for (int64_t x = column * size / PP_THUMBNAIL_SIZE; x < size; x++) {
            int64_t area = high * overlap(column, x, size);
            if (area == 0) break;
            for (int c = 0; c < 3; c++) sums[c] += area * rgb[(y * size + x) * 3 + c];
        }
    }
    for (int c = 0; c < 3; c++) out[c] = (uint8_t)((sums[c] + size * size / 2) / (size * size));
}

void pp_thumbnail(const uint8_t *rgb, int size, uint8_t *thumbnail)
{
    for (int row = 0; row < PP_THUMBNAIL_SIZE; row++) {
        for (int column = 0; column < PP_THUMBNAIL_SIZE; column++) {
            one_pixel(rgb, size, row, column,
                      thumbnail + ((int64_t)row * PP_THUMBNAIL_SIZE + column) * 3);
        }
    }
}
