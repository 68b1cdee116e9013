/* Bowed strings. Instrument coordinates: along the strings to the right (x), the body
 * round 0, the head of the neck at the far right; y across. */
#include <math.h>

#include "draw_parts.h"

/* A closed outline symmetrical about y = 0 from its upper half, from tail to neck. */
static void draw_mirrored(const pp_pen *pen, const pp_point *half, int count, pp_paint paint)
{
    pp_point whole[32];
    for (int i = 0; i < count; i++) {
        whole[i] = half[i];
        whole[2 * count - 1 - i] = (pp_point){half[i].x, -half[i].y};
    }
    pp_pen_blob(pen, whole, 2 * count, paint);
}

static void draw_violin_body(const pp_pen *pen, const pp_look *look, int chin_rest)
{
    float lower = pp_look_between(look, 0, 0.165f, 0.195f);
    float waist = pp_look_between(look, 1, 0.088f, 0.112f);
    float upper = lower * pp_look_between(look, 2, 0.76f, 0.86f);
    const pp_point half[9] = {
        {0.0f, 0.05f},           {0.03f, 0.75f * lower}, {0.13f, lower},
        {0.225f, 0.85f * lower}, {0.29f, waist},         {0.345f, waist},
        {0.41f, 0.88f * upper},  {0.48f, upper},         {0.58f, 0.5f * upper}};
    pp_colour wood = look->main;
    pp_paint varnish =
        pp_radial(pp_shade(wood, 1.35f), pp_shade(wood, 0.75f), 0.28f, -0.02f, 0.33f);
    draw_mirrored(pen, half, 9, varnish);
    pp_pen plain = *pen;
    plain.outline = 0;
    pp_paint dark = pp_flat(look->trim);
    for (int side = -1; side <= 1; side += 2) {
        float s = (float)side;
        const pp_point hole[4] = {
            {0.215f, s * 0.085f}, {0.245f, s * 0.07f}, {0.33f, s * 0.06f}, {0.355f, s * 0.045f}};
        pp_pen_curve(&plain, hole, 4, 0.014f, pp_flat(pp_shade(wood, 0.18f)));
        pp_pen_ellipse(&plain, 0.215f, s * 0.085f, 0.012f, 0.012f, pp_flat(pp_shade(wood, 0.18f)));
        pp_pen_ellipse(&plain, 0.357f, s * 0.045f, 0.01f, 0.01f, pp_flat(pp_shade(wood, 0.18f)));
    }
    const pp_point tail[4] = {{0.0f, -0.012f}, {0.2f, -0.032f}, {0.2f, 0.032f}, {0.0f, 0.012f}};
    pp_pen_polygon(&plain, tail, 4, dark);
    pp_pen_line(&plain, 0.285f, -0.05f, 0.285f, 0.05f, 0.016f, pp_flat(pp_rgb(0.85f, 0.7f, 0.45f)));
    if (chin_rest && look->variant != 2) {
        pp_pen_ellipse(&plain, 0.03f, 0.075f, 0.04f, 0.055f, dark); /* chin rest */
    }
}

static void draw_violin_neck(const pp_pen *pen, const pp_look *look)
{
    const pp_point board[4] = {{0.4f, -0.034f}, {0.9f, -0.022f}, {0.9f, 0.022f}, {0.4f, 0.034f}};
    pp_pen_line(pen, 0.56f, 0, 0.98f, 0, 0.05f, pp_flat(pp_shade(look->main, 0.8f)));
    pp_part_pegs(pen, 0.93f, 0.04f, 0.06f, 4, pp_flat(look->trim));
    pp_pen_ring(pen, 1.0f, 0.012f, 0.018f, 0.018f, 0.022f, pp_flat(pp_shade(look->main, 0.7f)));
    pp_pen_polygon(pen, board, 4, pp_flat(look->trim));
    pp_part_strings(pen, 0.2f, 0.93f, 0.05f, 0.03f, 4, pp_rgb(0.85f, 0.85f, 0.8f));
}

/* The bow through `contact`, in figure coordinates, held by hand 0; (dx, dy) leads from frog to
 * tip, place -1..1 says which part of it touches. A frog out of reach is pulled in, and the bow
 * turns. */
static void draw_bow(const pp_stage *stage, pp_point contact, float dx, float dy, float length,
                     float place)
{
    float share = 0.5f + 0.36f * place; /* of the length, from the frog to the string */
    pp_point frog = {contact.x - dx * share * length, contact.y - dy * share * length};
    frog = pp_stage_reach(stage, 0, frog);
    float wx = contact.x - frog.x, wy = contact.y - frog.y, far = sqrtf(wx * wx + wy * wy);
    if (far > 0.02f) {
        dx = wx / far;
        dy = wy / far;
    }
    pp_point tip = {frog.x + dx * length, frog.y + dy * length};
    float nx = -dy * 0.018f, ny = dx * 0.018f; /* the stick stands off the hair */
    pp_pen_line(stage->pen, frog.x, frog.y, tip.x, tip.y, 0.006f,
                pp_flat(pp_rgb(0.93f, 0.91f, 0.84f)));
    const pp_point stick[3] = {
        {frog.x - dx * 0.03f + nx, frog.y - dy * 0.03f + ny},
        {0.5f * (frog.x + tip.x) + 0.6f * nx, 0.5f * (frog.y + tip.y) + 0.6f * ny},
        {tip.x + nx, tip.y + ny}};
    pp_pen_curve(stage->pen, stick, 3, 0.009f, pp_flat(pp_rgb(0.33f, 0.15f, 0.07f)));
    pp_pen_line(stage->pen, tip.x, tip.y, tip.x + nx, tip.y + ny, 0.008f,
                pp_flat(pp_rgb(0.2f, 0.1f, 0.05f)));
    pp_pen_line(stage->pen, frog.x, frog.y, frog.x + nx, frog.y + ny, 0.018f,
                pp_flat(pp_rgb(0.08f, 0.07f, 0.07f)));
    pp_stage_arm(stage, 0, frog);
}

void pp_draw_violin(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float size = pp_look_between(look, 4, 0.42f, 0.5f), rest = 1 - act->level;
    float angle = pp_look_between(look, 5, -0.25f, 0.35f) + 0.2f * rest;
    pp_affine place = pp_affine_move(stage->body.upper, 0.035f, -0.025f);
    place = pp_affine_turn(place, angle);
    place = pp_affine_scale(place, size, size * pp_look_between(look, 6, 0.85f, 1.05f));
    pp_stage_figure(stage);
    pp_point hold = pp_affine_apply(place, 0.86f - 0.3f * act->pitch, 0.05f);
    pp_stage_arm(stage, 1, hold);
    pp_pen pen = pp_stage_enter(stage, place);
    draw_violin_body(&pen, look, 1);
    draw_violin_neck(&pen, look);
    pp_stage_leave(stage);
    pp_pen_ellipse(stage->pen, hold.x, hold.y, 0.02f, 0.016f,
                   pp_flat(stage->performer->figure.skin));
    float tilt = angle + stage->body.turn - 1.15f + pp_look_between(look, 7, -0.2f, 0.2f) +
                 0.15f * (act->pitch - 0.5f);
    pp_point contact = pp_affine_apply(place, 0.36f, -0.12f * rest);
    draw_bow(stage, contact, cosf(tilt), sinf(tilt), 0.36f, act->bow);
}

void pp_draw_cello(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float size = pp_look_between(look, 4, 0.74f, 0.84f), rest = 1 - act->level;
    float lean = pp_look_between(look, 5, 0.12f, 0.24f) + 0.5f * stage->body.turn;
    pp_affine place =
        pp_affine_move(pp_affine_identity(), pp_look_between(look, 3, -0.03f, 0.02f), -0.1f);
    place = pp_affine_turn(place, lean - 1.5708f);
    place = pp_affine_scale(place, size, size * pp_look_between(look, 6, 0.9f, 1.08f));
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, place);
    pp_pen_line(&pen, -0.12f, 0, 0, 0, 0.012f, pp_flat(pp_rgb(0.6f, 0.6f, 0.62f)));
    draw_violin_body(&pen, look, 0);
    draw_violin_neck(&pen, look);
    pp_stage_leave(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.85f - 0.36f * act->pitch, 0.01f));
    float tilt = pp_look_between(look, 7, -0.12f, 0.2f) + 0.12f * (act->pitch - 0.5f) + 0.3f * rest;
    pp_point contact = pp_affine_apply(place, 0.37f, -0.1f * rest);
    draw_bow(stage, contact, cosf(tilt), sinf(tilt), 0.42f, act->bow);
}

static void draw_erhu_body(const pp_pen *pen, const pp_look *look)
{
    float neck = pp_look_between(look, 1, 0.5f, 0.58f),
          drum = pp_look_between(look, 2, 0.055f, 0.075f);
    pp_paint wood = pp_flat(look->main), dark = pp_flat(pp_shade(look->main, 0.6f));
    pp_pen_line(pen, 0, 0, neck, 0, 0.02f, wood);
    pp_pen_curve(pen, (pp_point[3]){{neck, 0}, {neck + 0.03f, -0.01f}, {neck + 0.04f, -0.035f}}, 3,
                 0.022f, wood);
    for (int i = 0; i < 2; i++) {
        float x = neck - 0.05f - 0.06f * (float)i;
        pp_pen_line(pen, x, 0, x, 0.085f, 0.012f, dark);
        pp_pen_ellipse(pen, x, 0.085f, 0.02f, 0.014f, dark);
    }
    /* The drum with its snake skin, six-sided or round. */
    pp_point hexagon[6];
    for (int i = 0; i < 6; i++) {
        float angle = 1.0472f * ((float)i + 0.5f);
        hexagon[i] = (pp_point){-0.01f + 1.25f * drum * cosf(angle), 1.25f * drum * sinf(angle)};
    }
    if (look->variant % 2) pp_pen_ellipse(pen, -0.01f, 0, 1.2f * drum, 1.2f * drum, wood);
    else pp_pen_polygon(pen, hexagon, 6, wood);
    pp_pen plain = *pen;
    plain.outline = 0;
    pp_pen_ellipse(&plain, -0.01f, 0, 0.88f * drum, 0.88f * drum,
                   pp_radial(pp_shade(look->trim, 1.2f), pp_shade(look->trim, 0.75f), 0, 0, drum));
    for (int i = 0; i < 9; i++) {
        float x = -0.01f + drum * 0.6f * ((float)(i % 3) / 1.5f - 0.65f),
              y = drum * 0.6f * ((float)(i / 3) / 1.5f - 0.65f);
        pp_pen_ellipse(&plain, x, y, 0.008f, 0.008f, pp_flat(pp_shade(look->trim, 0.5f)));
    }
    pp_part_strings(&plain, -0.02f, neck - 0.06f, 0.012f, 0.02f, 2, pp_rgb(0.9f, 0.9f, 0.85f));
}

void pp_draw_erhu(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float rest = 1 - act->level, size = pp_look_between(look, 4, 0.95f, 1.1f);
    pp_point hip = stage->body.hip;
    pp_affine place = pp_affine_move(pp_affine_identity(),
                                     hip.x + pp_look_between(look, 3, 0.03f, 0.08f), hip.y - 0.05f);
    place = pp_affine_turn(place, pp_look_between(look, 5, -0.1f, 0.16f) + 0.5f * stage->body.turn -
                                      1.5708f);
    place = pp_affine_scale(place, size, size);
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, place);
    draw_erhu_body(&pen, look);
    pp_stage_leave(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.36f - 0.2f * act->pitch, 0.012f));
    float tilt = pp_look_between(look, 7, -0.1f, 0.15f) + 0.3f * rest;
    pp_point contact = pp_affine_apply(place, 0.085f, -0.05f * rest);
    draw_bow(stage, contact, cosf(tilt), sinf(tilt), 0.4f, act->bow);
}
