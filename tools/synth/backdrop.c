#include "backdrop.h"

#include <math.h>
#include <string.h>

#include "backdrop_parts.h"
#include "base/memory.h"

#define COLUMNS 512 /* of the picture, worked on at a time */

/* Out of focus: running means of 2 radius + 1 pixels along rows, then columns; `step` and `line`
 * are the distances in bytes between neighbours along and across. */
static void blur_lines(uint8_t *first, int length, size_t step, int lines, size_t line, int radius)
{
    uint8_t kept[8192];
    for (int l = 0; l < lines; l++, first += line) {
        int sum = 0, count = 2 * radius + 1;
        for (int i = -radius; i <= radius; i++) sum += first[step * (size_t)(i < 0 ? 0 : i)];
        for (int i = 0; i < length; i++) {
            kept[i] = (uint8_t)(sum / count);
            int out = i - radius < 0 ? 0 : i - radius, in = i + radius + 1;
            sum +=
                first[step * (size_t)(in >= length ? length - 1 : in)] - first[step * (size_t)out];
        }
        for (int i = 0; i < length; i++) first[step * (size_t)i] = kept[i];
    }
}

static void soften(pp_backdrop *b, int radius)
{
    size_t row = 3 * (size_t)b->width;
    if (b->width > 8192 || b->height > 8192 || 2 * radius >= b->width || 2 * radius >= b->height)
        return;
    for (size_t c = 0; c < 3; c++) {
        blur_lines(b->rgb + c, b->width, 3, b->height, row, radius);
        blur_lines(b->rgb + c, b->height, row, b->width, 3, radius);
    }
}

/* Fine grain, so that no surface is perfectly even. */
static void add_grain(pp_backdrop *b, pp_random *random)
{
    float grain = pp_between(random, 0, 9);
    for (size_t i = 0; i < (size_t)b->width * (size_t)b->height; i++) {
        float change = grain * ((float)(pp_random_bits(random) >> 40) * 0x1p-23f - 1);
        for (int c = 0; c < 3; c++) {
            float value = (float)b->rgb[3 * i + (size_t)c] + change;
            b->rgb[3 * i + (size_t)c] = (uint8_t)fminf(fmaxf(value, 0), 255);
        }
    }
}

pp_status pp_backdrop_create(pp_backdrop *out, int width, int height, pp_world world,
                             pp_random *random, pp_error *err)
{
    const float margin = PP_BACKDROP_MARGIN, aspect = (float)width / (float)height;
    *out = (pp_backdrop){.width = (int)((float)width * (1 + 2 * margin)),
                         .height = (int)((float)height * (1 + 2 * margin))};
    pp_canvas *canvas = NULL;
    pp_status status = pp_canvas_create(&canvas, out->width, out->height, err);
    if (status != PP_OK) return status;
    out->rgb = pp_alloc((size_t)out->width * (size_t)out->height, 3);
    if (out->rgb == NULL) {
        pp_canvas_destroy(&canvas);
        return pp_fail(err, PP_ERR_NOMEM, "a backdrop: no memory");
    }
    pp_canvas_begin(canvas, out->rgb, 0);
    pp_painter p = {.random = random,
                    .x0 = -margin * aspect,
                    .x1 = (1 + margin) * aspect,
                    .y0 = -margin,
                    .y1 = 1 + margin,
                    .floor = pp_between(random, 0.82f, 0.94f)};
    p.pen = (pp_pen){.canvas = canvas};
    p.pen.frame = pp_affine_scale(pp_affine_identity(), (float)height, (float)height);
    p.pen.frame = pp_affine_move(p.pen.frame, -p.x0, -p.y0);
    p.wall = pp_hsv(pp_between(random, 0, 1), pp_between(random, 0, 0.6f),
                    pp_between(random, 0.25f, 0.95f));
    p.ground = pp_hsv(pp_between(random, 0.02f, 0.15f), pp_between(random, 0.1f, 0.6f),
                      pp_between(random, 0.2f, 0.75f));
    pp_places places = pp_backdrop_places();
    int kinds = world == PP_WORLD_TEST ? places.count : places.common;
    places.paint[pp_pick(random, kinds)](&p);
    if (pp_chance(random, 0.5)) pp_props_paint(&p);
    if (pp_chance(random, 0.35)) soften(out, 1 + pp_pick(random, 1 + height / 80));
    add_grain(out, random);
    out->floor = p.floor;
    pp_canvas_destroy(&canvas);
    return PP_OK;
}

void pp_backdrop_clear(pp_backdrop *backdrop)
{
    PP_FREE(backdrop->rgb);
}

/* Where column x of the picture lies in the backdrop: its left neighbour there, and the share (of
 * 256) of the right one. The camera never turns, so columns and rows are independent. */
typedef struct tap {
    int at, share;
} tap;

static tap tap_at(float position, int size)
{
    position = fminf(fmaxf(position, 0), (float)size - 1.001f);
    int at = (int)position;
    return (tap){at, (int)((position - (float)at) * 256)};
}

void pp_backdrop_show(const pp_backdrop *b, pp_affine view, uint8_t *rgb, int width, int height,
                      int left, int right)
{
    float scale = (float)b->height / (1 + 2 * PP_BACKDROP_MARGIN);
    float margin_x = PP_BACKDROP_MARGIN * (float)width / (float)height;
    tap columns[COLUMNS];
    for (int x = left; x < right; x += COLUMNS) {
        int count = right - x < COLUMNS ? right - x : COLUMNS;
        for (int i = 0; i < count; i++) {
            float scene_x = ((float)(x + i) + 0.5f - view.x0) / view.xx;
            columns[i] = tap_at((scene_x + margin_x) * scale - 0.5f, b->width);
        }
        for (int y = 0; y < height; y++) {
            float scene_y = ((float)y + 0.5f - view.y0) / view.yy;
            tap row = tap_at((scene_y + PP_BACKDROP_MARGIN) * scale - 0.5f, b->height);
            const uint8_t *above = b->rgb + 3 * (size_t)row.at * (size_t)b->width;
            const uint8_t *below = above + 3 * (size_t)b->width;
            uint8_t *out = rgb + 3 * ((size_t)y * (size_t)width + (size_t)x);
            for (int i = 0; i < count; i++) {
                int at = 3 * columns[i].at, share = columns[i].share;
                for (int c = 0; c < 3; c++) {
                    int upper = above[at + c] * (256 - share) + above[at + c + 3] * share;
                    int lower = below[at + c] * (256 - share) + below[at + c + 3] * share;
                    *out++ =
                        (uint8_t)((upper * (256 - row.share) + lower * row.share + 32768) >> 16);
                }
            }
        }
    }
}
