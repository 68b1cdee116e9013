/* Things that stand about in backdrops, and are no instruments. */
#include <math.h>

#include "backdrop_parts.h"

static void paint_plant(const pp_painter *p, float x, float foot, float size)
{
    pp_colour leaf =
        pp_hsv(pp_between(p->random, 0.24f, 0.4f), 0.6f, pp_between(p->random, 0.3f, 0.65f));
    for (int i = 0; i < 9; i++) {
        float angle = -2.8f + 0.3f * (float)i + pp_between(p->random, -0.1f, 0.1f);
        float length = size * pp_between(p->random, 0.5f, 0.8f);
        const pp_point blade[3] = {
            {x, foot - 0.3f * size},
            {x + 0.6f * length * cosf(angle), foot - 0.3f * size + 0.8f * length * sinf(angle)},
            {x + length * cosf(angle), foot - 0.3f * size + length * sinf(angle)}};
        pp_pen_horn(&p->pen, blade, 3, 0.07f * size, 0.02f * size,
                    pp_flat(pp_shade(leaf, 0.8f + 0.05f * (float)i)));
    }
    const pp_point pot[4] = {{x - 0.2f * size, foot - 0.35f * size},
                             {x + 0.2f * size, foot - 0.35f * size},
                             {x + 0.14f * size, foot},
                             {x - 0.14f * size, foot}};
    pp_pen_polygon(&p->pen, pot, 4, pp_flat(pp_hsv(pp_between(p->random, 0, 0.1f), 0.6f, 0.6f)));
}

static void paint_lamp(const pp_painter *p, float x, float foot, float size)
{
    pp_pen_line(&p->pen, x, foot, x, foot - 1.3f * size, 0.03f * size,
                pp_flat(pp_rgb(0.2f, 0.2f, 0.2f)));
    const pp_point shade[4] = {{x - 0.13f * size, foot - 1.55f * size},
                               {x + 0.13f * size, foot - 1.55f * size},
                               {x + 0.24f * size, foot - 1.2f * size},
                               {x - 0.24f * size, foot - 1.2f * size}};
    pp_pen_polygon(&p->pen, shade, 4, pp_flat(pp_hsv(0.12f, 0.35f, 0.95f)));
    pp_pen_ellipse(&p->pen, x, foot, 0.16f * size, 0.03f * size,
                   pp_flat(pp_rgb(0.15f, 0.15f, 0.15f)));
}

static void paint_speaker(const pp_painter *p, float x, float foot, float size)
{
    pp_colour box = pp_hsv(pp_between(p->random, 0, 0.1f), pp_between(p->random, 0, 0.4f),
                           pp_between(p->random, 0.1f, 0.35f));
    pp_pen_rect(&p->pen, x - 0.24f * size, foot - 0.85f * size, 0.48f * size, 0.85f * size, 0.02f,
                pp_flat(box));
    pp_pen_rect(&p->pen, x - 0.2f * size, foot - 0.7f * size, 0.4f * size, 0.65f * size, 0.01f,
                pp_flat(pp_shade(box, 1.6f)));
    for (int i = 0; i < 6; i++) {
        pp_pen_ellipse(&p->pen, x - 0.16f * size + 0.064f * size * (float)i, foot - 0.77f * size,
                       0.015f * size, 0.015f * size, pp_flat(pp_rgb(0.8f, 0.8f, 0.8f)));
    }
}

static void paint_music_stand(const pp_painter *p, float x, float foot, float size)
{
    pp_paint iron = pp_flat(pp_rgb(0.15f, 0.15f, 0.17f));
    pp_pen_line(&p->pen, x, foot - 0.7f * size, x, foot - 0.1f * size, 0.03f * size, iron);
    pp_pen_line(&p->pen, x, foot - 0.1f * size, x - 0.15f * size, foot, 0.025f * size, iron);
    pp_pen_line(&p->pen, x, foot - 0.1f * size, x + 0.15f * size, foot, 0.025f * size, iron);
    pp_pen_rect(&p->pen, x - 0.26f * size, foot - 1.0f * size, 0.52f * size, 0.34f * size, 0, iron);
    pp_pen_rect(&p->pen, x - 0.22f * size, foot - 0.97f * size, 0.44f * size, 0.28f * size, 0,
                pp_flat(pp_rgb(0.95f, 0.94f, 0.9f)));
}

static void paint_microphone(const pp_painter *p, float x, float foot, float size)
{
    float lean = pp_between(p->random, -0.4f, 0.4f) * size;
    pp_paint iron = pp_flat(pp_rgb(0.3f, 0.3f, 0.32f));
    pp_pen_line(&p->pen, x, foot, x, foot - 0.9f * size, 0.022f * size, iron);
    pp_pen_line(&p->pen, x, foot - 0.9f * size, x + lean, foot - 1.15f * size, 0.018f * size, iron);
    pp_pen_ellipse(&p->pen, x + lean, foot - 1.15f * size, 0.05f * size, 0.07f * size,
                   pp_flat(pp_rgb(0.12f, 0.12f, 0.13f)));
    pp_pen_ellipse(&p->pen, x, foot, 0.14f * size, 0.03f * size, iron);
}

static void paint_chair(const pp_painter *p, float x, float foot, float size)
{
    pp_colour wood =
        pp_hsv(pp_between(p->random, 0.03f, 0.12f), 0.5f, pp_between(p->random, 0.2f, 0.7f));
    for (int side = -1; side <= 1; side += 2) {
        pp_pen_line(&p->pen, x + 0.17f * size * (float)side, foot, x + 0.15f * size * (float)side,
                    foot - 0.9f * size, 0.04f * size, pp_flat(wood));
    }
    pp_pen_rect(&p->pen, x - 0.2f * size, foot - 0.48f * size, 0.4f * size, 0.07f * size, 0.01f,
                pp_flat(pp_shade(wood, 1.2f)));
    pp_pen_rect(&p->pen, x - 0.17f * size, foot - 0.9f * size, 0.34f * size, 0.2f * size, 0.01f,
                pp_flat(pp_shade(wood, 0.9f)));
}

static void paint_table(const pp_painter *p, float x, float foot, float size)
{
    pp_colour wood =
        pp_hsv(pp_between(p->random, 0.03f, 0.12f), 0.5f, pp_between(p->random, 0.2f, 0.7f));
    pp_pen_line(&p->pen, x - 0.4f * size, foot, x - 0.4f * size, foot - 0.45f * size, 0.05f * size,
                pp_flat(pp_shade(wood, 0.8f)));
    pp_pen_line(&p->pen, x + 0.4f * size, foot, x + 0.4f * size, foot - 0.45f * size, 0.05f * size,
                pp_flat(pp_shade(wood, 0.8f)));
    pp_pen_rect(&p->pen, x - 0.5f * size, foot - 0.52f * size, size, 0.08f * size, 0.01f,
                pp_flat(wood));
    pp_pen_ellipse(&p->pen, x, foot - 0.62f * size, 0.08f * size, 0.11f * size,
                   pp_flat(pp_hsv(pp_between(p->random, 0, 1), 0.5f, 0.7f)));
}

void pp_props_paint(const pp_painter *painter)
{
    typedef void (*paint_prop)(const pp_painter *, float x, float foot, float size);
    static const paint_prop props[] = {paint_plant,       paint_lamp,       paint_speaker,
                                       paint_music_stand, paint_microphone, paint_chair,
                                       paint_table};
    int count = 1 + pp_pick(painter->random, 4);
    for (int i = 0; i < count; i++) {
        float x = pp_between(painter->random, painter->x0 + 0.1f, painter->x1 - 0.1f);
        float foot = painter->floor + pp_between(painter->random, -0.08f, 0.06f);
        float size = pp_between(painter->random, 0.2f, 0.5f);
        props[pp_pick(painter->random, sizeof props / sizeof *props)](painter, x, foot, size);
    }
}
