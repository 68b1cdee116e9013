/* The places that backdrops show. */
#include <math.h>

#include "backdrop_parts.h"

static void fill_all(const pp_painter *p, pp_paint paint)
{
    pp_pen_rect(&p->pen, p->x0, p->y0, p->x1 - p->x0, p->y1 - p->y0, 0, paint);
}

static void draw_floor(const pp_painter *p)
{
    pp_paint paint = pp_linear(pp_shade(p->ground, 0.8f), pp_shade(p->ground, 1.15f), 0,
                               p->floor - 0.1f, 0, p->y1);
    pp_pen_rect(&p->pen, p->x0, p->floor - 0.1f, p->x1 - p->x0, p->y1 - p->floor + 0.1f, 0, paint);
}

static void draw_room(const pp_painter *p)
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

static void draw_curtain(const pp_painter *p)
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

static void draw_bricks(const pp_painter *p)
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

static void draw_outdoors(const pp_painter *p)
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

static void draw_stage_lights(const pp_painter *p)
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

static void draw_shelves(const pp_painter *p)
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

static void draw_bokeh(const pp_painter *p)
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

static void draw_window(const pp_painter *p)
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

static void draw_planks(const pp_painter *p)
{
    float wide = pp_between(p->random, 0.06f, 0.16f);
    pp_colour wood = pp_hsv(pp_between(p->random, 0.04f, 0.11f), pp_between(p->random, 0.3f, 0.7f),
                            pp_between(p->random, 0.3f, 0.85f));
    for (float x = p->x0; x < p->x1; x += wide) {
        pp_pen_rect(&p->pen, x, p->y0, wide - 0.004f, p->y1 - p->y0, 0,
                    pp_flat(pp_shade(wood, pp_between(p->random, 0.85f, 1.15f))));
        for (int i = 0; i < 3; i++) {
            float grain = x + wide * pp_between(p->random, 0.1f, 0.9f);
            pp_pen_line(&p->pen, grain, p->y0, grain + pp_between(p->random, -0.01f, 0.01f), p->y1,
                        0.003f, pp_flat(pp_shade(wood, 0.75f)));
        }
    }
    draw_floor(p);
}

static void draw_city(const pp_painter *p)
{
    pp_colour night =
        pp_hsv(pp_between(p->random, 0.58f, 0.75f), 0.6f, pp_between(p->random, 0.12f, 0.45f));
    fill_all(p, pp_linear(night, pp_shade(night, 2.2f), 0, p->y0, 0, p->floor));
    for (float x = p->x0; x < p->x1;) {
        float wide = pp_between(p->random, 0.08f, 0.22f), top = pp_between(p->random, 0.05f, 0.6f);
        pp_pen_rect(&p->pen, x, top, wide, p->y1 - top, 0,
                    pp_flat(pp_shade(night, pp_between(p->random, 0.4f, 0.8f))));
        for (float y = top + 0.02f; y < p->floor - 0.1f; y += 0.04f) {
            for (float u = x + 0.012f; u < x + wide - 0.02f; u += 0.03f) {
                if (!pp_chance(p->random, 0.4)) continue;
                pp_pen_rect(&p->pen, u, y, 0.014f, 0.02f, 0,
                            pp_flat(pp_hsv(0.13f, 0.5f, pp_between(p->random, 0.5f, 1))));
            }
        }
        x += wide + pp_between(p->random, 0, 0.02f);
    }
    draw_floor(p);
}

static void draw_tiles(const pp_painter *p)
{
    float side = pp_between(p->random, 0.05f, 0.12f);
    fill_all(p, pp_flat(pp_shade(p->wall, 0.7f)));
    for (float y = p->y0; y < p->floor - 0.1f; y += side) {
        for (float x = p->x0; x < p->x1; x += side) {
            pp_colour tile = pp_chance(p->random, 0.15) ? p->ground : p->wall;
            pp_pen_rect(&p->pen, x, y, side - 0.005f, side - 0.005f, 0,
                        pp_linear(pp_shade(tile, 1.25f), tile, x, y, x + side, y + side));
        }
    }
    draw_floor(p);
}

static void draw_shards(const pp_painter *p)
{
    fill_all(p, pp_flat(p->wall));
    for (int i = 0; i < 30; i++) {
        pp_point corner[3];
        float x = pp_between(p->random, p->x0, p->x1), y = pp_between(p->random, p->y0, p->y1);
        for (int k = 0; k < 3; k++) {
            corner[k] = (pp_point){x + pp_between(p->random, -0.3f, 0.3f),
                                   y + pp_between(p->random, -0.3f, 0.3f)};
        }
        pp_colour paint = pp_mix(pp_shade(p->wall, pp_between(p->random, 0.5f, 1.6f)), p->ground,
                                 pp_between(p->random, 0, 1));
        pp_pen_polygon(&p->pen, corner, 3, pp_flat(pp_alpha(paint, 0.7f)));
    }
}

static void draw_arches(const pp_painter *p)
{
    fill_all(p, pp_linear(pp_shade(p->wall, 1.2f), pp_shade(p->wall, 0.85f), 0, p->y0, 0, p->y1));
    float step = pp_between(p->random, 0.3f, 0.5f), wide = 0.32f * step;
    for (float x = p->x0 + 0.5f * step; x < p->x1; x += step) {
        pp_paint dark = pp_flat(pp_shade(p->wall, 0.45f));
        pp_pen_ellipse(&p->pen, x, 0.3f, wide, 1.3f * wide, dark);
        pp_pen_rect(&p->pen, x - wide, 0.3f, 2 * wide, p->floor - 0.3f, 0, dark);
        pp_pen_rect(&p->pen, x + 0.5f * step - 0.02f, p->y0, 0.04f, p->y1 - p->y0, 0,
                    pp_flat(pp_shade(p->wall, 1.4f)));
    }
    draw_floor(p);
}

pp_places pp_backdrop_places(void)
{
    static const pp_paint_place places[] = {
        draw_room,    draw_curtain, draw_bricks, draw_outdoors, draw_stage_lights,
        draw_shelves, draw_bokeh,   draw_window, draw_planks,   draw_city,
        draw_tiles,   draw_shards,  draw_arches};
    return (pp_places){places, 11, sizeof places / sizeof *places};
}
