#include "backdrop.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

#define COLUMNS 512 /* of the picture, worked on at a time */

/* Backdrop coordinates: 1 high as the video's picture is, x from 0 to its aspect, and the margins
 * around. */
typedef struct painter {
    pp_pen pen;
    pp_random *random;
    float x0, x1, y0, y1, floor;
    pp_colour wall, ground;
} painter;

static void fill_all(const painter *p, pp_paint paint)
{
    pp_pen_rect(&p->pen, p->x0, p->y0, p->x1 - p->x0, p->y1 - p->y0, 0, paint);
}

static void draw_floor(const painter *p)
{
    pp_paint paint = pp_linear(pp_shade(p->ground, 0.8f), pp_shade(p->ground, 1.15f), 0,
                               p->floor - 0.1f, 0, p->y1);
    pp_pen_rect(&p->pen, p->x0, p->floor - 0.1f, p->x1 - p->x0, p->y1 - p->floor + 0.1f, 0, paint);
}

static void draw_room(const painter *p)
{
    fill_all(p, pp_linear(pp_shade(p->wall, 1.15f), pp_shade(p->wall, 0.8f), p->x0, p->y0, p->x1,
                          p->y1));
    draw_floor(p);
    pp_pen_rect(&p->pen, p->x0, p->floor - 0.12f, p->x1 - p->x0, 0.025f, 0,
                pp_flat(pp_shade(p->wall, 1.5f)));
    int pictures = pp_pick(p->random, 4);
    for (int i = 0; i < pictures; i++) {
        float x = pp_between(p->random, p->x0, p->x1 - 0.2f), y = pp_between(p->random, 0, 0.3f);
        float w = pp_between(p->random, 0.08f, 0.3f), h = pp_between(p->random, 0.08f, 0.3f);
        pp_colour inside =
            pp_hsv(pp_between(p->random, 0, 1), pp_between(p->random, 0, 0.7f), 0.7f);
        pp_pen_rect(&p->pen, x, y, w, h, 0, pp_flat(pp_shade(p->ground, 0.6f)));
        pp_pen_rect(
            &p->pen, x + 0.012f, y + 0.012f, w - 0.024f, h - 0.024f, 0,
            pp_linear(inside, pp_hsv(pp_between(p->random, 0, 1), 0.5f, 0.5f), x, y, x + w, y + h));
    }
}

static void draw_curtain(const painter *p)
{
    fill_all(p, pp_flat(p->wall));
    float fold = pp_between(p->random, 0.04f, 0.14f);
    for (float x = p->x0; x < p->x1; x += fold) {
        pp_pen_rect(
            &p->pen, x, p->y0, 0.55f * fold, p->y1 - p->y0, 0,
            pp_linear(pp_shade(p->wall, 0.6f), pp_shade(p->wall, 1.2f), x, 0, x + 0.55f * fold, 0));
    }
    draw_floor(p);
}

static void draw_bricks(const painter *p)
{
    fill_all(p, pp_flat(pp_shade(p->wall, 0.65f)));
    float tall = pp_between(p->random, 0.03f, 0.06f),
          wide = tall * pp_between(p->random, 1.8f, 2.8f);
    int row = 0;
    for (float y = p->y0; y < p->floor - 0.1f; y += tall, row++) {
        for (float x = p->x0 - (row & 1 ? 0.5f * wide : 0); x < p->x1; x += wide) {
            pp_pen_rect(&p->pen, x, y, wide - 0.007f, tall - 0.007f, 0,
                        pp_flat(pp_shade(p->wall, pp_between(p->random, 0.85f, 1.15f))));
        }
    }
    draw_floor(p);
}

static void draw_outdoors(const painter *p)
{
    pp_colour sky =
        pp_hsv(pp_between(p->random, 0.52f, 0.62f), pp_between(p->random, 0.15f, 0.6f), 0.95f);
    fill_all(p, pp_linear(sky, pp_shade(sky, 1.8f), 0, p->y0, 0, p->floor));
    for (int i = 0; i < 5; i++) {
        float x = pp_between(p->random, p->x0, p->x1), r = pp_between(p->random, 0.15f, 0.5f);
        pp_colour hill = pp_hsv(pp_between(p->random, 0.22f, 0.42f), 0.45f, 0.3f + 0.1f * (float)i);
        pp_pen_ellipse(&p->pen, x, p->floor - 0.05f, r * 1.6f, r * 0.6f, pp_flat(hill));
    }
    int trees = pp_pick(p->random, 6);
    for (int i = 0; i < trees; i++) {
        float x = pp_between(p->random, p->x0, p->x1), r = pp_between(p->random, 0.06f, 0.16f);
        pp_colour leaf =
            pp_hsv(pp_between(p->random, 0.2f, 0.38f), 0.6f, pp_between(p->random, 0.3f, 0.6f));
        pp_pen_line(&p->pen, x, p->floor, x, p->floor - 2.6f * r, 0.2f * r,
                    pp_flat(pp_rgb(0.35f, 0.24f, 0.15f)));
        pp_pen_ellipse(&p->pen, x, p->floor - 2.8f * r, r, 1.2f * r,
                       pp_radial(pp_shade(leaf, 1.3f), pp_shade(leaf, 0.8f), x, p->floor - 3.2f * r,
                                 1.4f * r));
    }
    pp_pen_rect(
        &p->pen, p->x0, p->floor - 0.06f, p->x1 - p->x0, p->y1 - p->floor + 0.06f, 0,
        pp_linear(pp_hsv(0.28f, 0.5f, 0.45f), pp_hsv(0.27f, 0.55f, 0.65f), 0, p->floor, 0, p->y1));
}

static void draw_stage_lights(const painter *p)
{
    fill_all(p, pp_linear(pp_shade(p->wall, 0.12f), pp_shade(p->wall, 0.35f), 0, p->y0, 0, p->y1));
    draw_floor(p);
    int lamps = 1 + pp_pick(p->random, 4);
    for (int i = 0; i < lamps; i++) {
        float x = pp_between(p->random, p->x0, p->x1), foot = pp_between(p->random, p->x0, p->x1);
        float wide = pp_between(p->random, 0.1f, 0.3f);
        pp_colour light = pp_hsv(pp_between(p->random, 0, 1), pp_between(p->random, 0, 0.6f), 1);
        const pp_point cone[3] = {{x, p->y0}, {foot - wide, p->y1}, {foot + wide, p->y1}};
        pp_pen_polygon(
            &p->pen, cone, 3,
            pp_linear(pp_alpha(light, 0.5f), pp_alpha(light, 0.02f), x, p->y0, foot, p->y1));
    }
}

static void draw_shelves(const painter *p)
{
    fill_all(p, pp_flat(pp_shade(p->ground, 0.55f)));
    float tall = pp_between(p->random, 0.14f, 0.24f);
    for (float y = p->y0; y < p->floor - 0.1f; y += tall) {
        for (float x = p->x0; x < p->x1;) {
            float wide = pp_between(p->random, 0.012f, 0.045f),
                  h = tall * pp_between(p->random, 0.5f, 0.88f);
            if (!pp_chance(p->random, 0.12)) {
                pp_colour book =
                    pp_hsv(pp_between(p->random, 0, 1), pp_between(p->random, 0.2f, 0.7f),
                           pp_between(p->random, 0.2f, 0.8f));
                pp_pen_rect(&p->pen, x, y + tall - h - 0.012f, wide, h, 0, pp_flat(book));
            }
            x += wide + 0.004f;
        }
        pp_pen_rect(&p->pen, p->x0, y + tall - 0.014f, p->x1 - p->x0, 0.014f, 0,
                    pp_flat(p->ground));
    }
    draw_floor(p);
}

static void draw_bokeh(const painter *p)
{
    fill_all(p, pp_linear(p->wall, p->ground, p->x0, p->y0, p->x1, p->y1));
    for (int i = 0; i < 40; i++) {
        pp_colour spot =
            pp_hsv(pp_between(p->random, 0, 1), pp_between(p->random, 0.1f, 0.8f), 0.9f);
        pp_pen_ellipse(&p->pen, pp_between(p->random, p->x0, p->x1),
                       pp_between(p->random, p->y0, p->y1), 0.06f,
                       pp_between(p->random, 0.04f, 0.09f),
                       pp_flat(pp_alpha(spot, pp_between(p->random, 0.05f, 0.4f))));
    }
}

static void draw_window(const painter *p)
{
    draw_room(p);
    float x = pp_between(p->random, 0, p->x1 - 0.5f), w = pp_between(p->random, 0.3f, 0.5f);
    float h = pp_between(p->random, 0.35f, 0.55f), y = 0.05f;
    pp_pen_rect(&p->pen, x - 0.02f, y - 0.02f, w + 0.04f, h + 0.04f, 0,
                pp_flat(pp_rgb(0.93f, 0.92f, 0.9f)));
    pp_pen_rect(&p->pen, x, y, w, h, 0,
                pp_linear(pp_rgb(0.5f, 0.7f, 0.95f), pp_rgb(0.9f, 0.95f, 1), x, y, x, y + h));
    pp_pen_rect(&p->pen, x + 0.48f * w, y, 0.04f * w, h, 0, pp_flat(pp_rgb(0.93f, 0.92f, 0.9f)));
    pp_pen_rect(&p->pen, x, y + 0.48f * h, w, 0.03f, 0, pp_flat(pp_rgb(0.93f, 0.92f, 0.9f)));
}

typedef void (*draw_kind)(const painter *p);
static const draw_kind kinds[] = {draw_room,         draw_curtain, draw_bricks, draw_outdoors,
                                  draw_stage_lights, draw_shelves, draw_bokeh,  draw_window};
#define KINDS ((int)(sizeof kinds / sizeof *kinds))

/* Fine grain and large soft patches, so that no surface is perfectly even. */
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
    painter p = {.random = random,
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
    int kind = pp_pick(random, KINDS);
    (void)world;
    kinds[kind](&p);
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
