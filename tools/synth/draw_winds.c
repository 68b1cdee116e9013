/* Woodwinds: tubes along x from the mouth at 0. */
#include <math.h>

#include "draw_parts.h"

/* A frame with its origin at the mouth and x along `angle`. */
static pp_affine from_mouth(const pp_stage *stage, float angle)
{
    pp_point mouth = pp_stage_mouth(stage);
    return pp_affine_turn(pp_affine_move(pp_affine_identity(), mouth.x, mouth.y), angle);
}

void pp_draw_flute(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float length = pp_look_between(look, 0, 0.46f, 0.56f);
    float width = pp_look_between(look, 1, 0.02f, 0.027f);
    float angle =
        stage->body.turn - pp_look_between(look, 2, 0.02f, 0.3f) - 0.25f * (1 - act->level);
    pp_affine place = pp_affine_scale(from_mouth(stage, angle), -1, 1); /* to the picture's left */
    pp_stage_figure(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.3f * length, 0.012f));
    pp_pen pen = pp_stage_enter(stage, place);
    float from = -0.13f * length, to = 0.87f * length;
    pp_pen_rect(&pen, from, -width / 2, to - from, width, width / 3,
                pp_part_tube(look->main, width));
    pp_pen plain = pen;
    plain.outline = 0;
    pp_pen_ellipse(&plain, 0, 0, 0.026f, 0.6f * width, pp_flat(pp_shade(look->trim, 1.25f)));
    pp_part_keys(&plain, 0.22f * length, 0.8f * length, -0.3f * width, 0.012f, 11,
                 act->level > 0.5f ? act->pitch : 1, look->trim);
    pp_pen_line(&plain, 0.18f * length, -0.6f * width, to - 0.01f, -0.6f * width, 0.004f,
                pp_flat(pp_shade(look->trim, 0.7f)));
    pp_stage_leave(stage);
    pp_stage_arm(stage, 0, pp_affine_apply(place, 0.62f * length, 0.012f));
}

void pp_draw_clarinet(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float length = pp_look_between(look, 0, 0.4f, 0.48f),
          width = pp_look_between(look, 1, 0.028f, 0.036f);
    float angle = 1.5708f + pp_look_between(look, 2, -0.45f, 0.25f) + stage->body.turn +
                  0.12f * (1 - act->level) - 0.08f * act->pulse;
    pp_affine place = from_mouth(stage, angle);
    pp_stage_figure(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.36f * length, -0.01f));
    pp_pen pen = pp_stage_enter(stage, place);
    const pp_point beak[4] = {
        {-0.01f, -0.006f}, {0.05f, -0.35f * width}, {0.05f, 0.35f * width}, {-0.01f, 0.006f}};
    pp_pen_polygon(&pen, beak, 4, pp_flat(pp_shade(look->main, 0.7f)));
    pp_pen_rect(&pen, 0.05f, -width / 2, 0.82f * length - 0.05f, width, 0.004f,
                pp_part_tube(look->main, width));
    pp_part_bell(&pen, 0.8f * length, length, width / 2, 1.25f * width, 0.35f * width, look->main);
    pp_pen plain = pen;
    plain.outline = 0;
    static const float rings[] = {0.13f, 0.26f, 0.55f, 0.8f};
    for (int i = 0; i < 4; i++) {
        pp_pen_rect(&plain, rings[i] * length, -0.6f * width, 0.012f, 1.2f * width, 0,
                    pp_flat(look->trim));
    }
    pp_part_keys(&plain, 0.3f * length, 0.76f * length, 0.1f * width, 0.0095f, 8,
                 act->level > 0.5f ? act->pitch : 1, look->trim);
    pp_pen_line(&plain, 0.28f * length, -0.42f * width, 0.78f * length, -0.42f * width, 0.005f,
                pp_flat(look->trim));
    pp_stage_leave(stage);
    pp_stage_arm(stage, 0, pp_affine_apply(place, 0.66f * length, 0.012f));
}

static void draw_sax_horn(const pp_pen *pen, const pp_look *look, float pitch)
{
    float k = pp_look_between(look, 0, 0.9f, 1.15f), wide = pp_look_between(look, 1, 0.075f, 0.1f);
    pp_colour brass = look->main;
    const pp_point neck[4] = {{0, 0}, {0.05f, -0.025f}, {0.085f, -0.005f}, {0.09f, 0.05f}};
    const pp_point body[3] = {{0.09f, 0.05f}, {0.1f, 0.2f * k}, {0.11f, 0.36f * k}};
    const pp_point bow[4] = {
        {0.11f, 0.35f * k}, {0.13f, 0.42f * k}, {0.185f, 0.42f * k}, {0.205f, 0.34f * k}};
    pp_paint shine =
        pp_linear(pp_shade(brass, 1.3f), pp_shade(brass, 0.6f), 0.06f, 0, 0.16f, 0.02f);
    pp_pen_horn(pen, neck, 4, 0.014f, 0.026f, shine);
    pp_pen_horn(pen, body, 3, 0.028f, 0.055f, shine);
    pp_pen_horn(pen, bow, 4, 0.055f, 0.07f, pp_flat(pp_shade(brass, 0.9f)));
    pp_pen bell = pp_pen_at(*pen, 0.205f, 0.36f * k, -1.45f, 1);
    pp_part_bell(&bell, 0, 0.17f * k, 0.035f, wide, 0.45f * wide, brass);
    pp_pen plain = *pen;
    plain.outline = 0;
    pp_pen_line(&plain, -0.012f, 0.004f, 0.016f, -0.01f, 0.014f,
                pp_flat(pp_rgb(0.06f, 0.06f, 0.06f)));
    for (int i = 0; i < 7; i++) {
        float t = (float)i / 6, y = (0.09f + 0.23f * t) * k, x = 0.092f + 0.018f * t;
        int open = t < pitch;
        pp_pen_ellipse(&plain, x + 0.006f, y, 0.014f + 0.006f * t, 0.012f + 0.005f * t,
                       pp_flat(pp_shade(look->trim, open ? 1.1f : 0.7f)));
        pp_pen_ellipse(&plain, x + 0.006f, y, 0.006f, 0.005f, pp_flat(pp_rgb(0.95f, 0.94f, 0.9f)));
    }
    pp_pen_line(&plain, 0.128f, 0.1f * k, 0.15f, 0.33f * k, 0.006f, pp_flat(look->trim));
}

void pp_draw_saxophone(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float size = pp_look_between(look, 3, 0.95f, 1.2f);
    float angle = pp_look_between(look, 2, -0.1f, 0.5f) + stage->body.turn + 0.1f * act->pulse;
    pp_affine place = pp_affine_scale(from_mouth(stage, angle), size, size);
    pp_stage_figure(stage);
    pp_point strap = pp_affine_apply(place, 0.1f, 0.17f);
    pp_pen_line(stage->pen, stage->body.neck.x, stage->body.neck.y, strap.x, strap.y, 0.012f,
                pp_flat(pp_rgb(0.1f, 0.1f, 0.12f)));
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.105f, 0.13f));
    pp_pen pen = pp_stage_enter(stage, place);
    draw_sax_horn(&pen, look, act->level > 0.5f ? act->pitch : 1);
    pp_stage_leave(stage);
    pp_stage_arm(stage, 0, pp_affine_apply(place, 0.095f, 0.27f));
}

void pp_draw_bassoon(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float width = pp_look_between(look, 1, 0.042f, 0.054f),
          length = pp_look_between(look, 2, 0.78f, 0.9f);
    pp_point hip = stage->body.hip;
    /* From the hip on the left of the picture up past the head on its right. */
    pp_affine place = pp_affine_move(pp_affine_identity(), hip.x - 0.15f, hip.y + 0.12f);
    float angle = -1.5708f + pp_look_between(look, 3, 0.3f, 0.5f) + 0.7f * stage->body.turn;
    place = pp_affine_turn(place, angle);
    pp_stage_figure(stage);
    pp_stage_arm(stage, 0, pp_affine_apply(place, 0.24f * length, -0.012f));
    pp_pen pen = pp_stage_enter(stage, place);
    pp_paint wood = pp_part_tube(look->main, width);
    pp_pen_rect(&pen, 0, -0.7f * width, 0.4f * length, 1.4f * width, 0.02f,
                pp_part_tube(look->main, 1.4f * width));
    pp_pen_rect(&pen, 0.38f * length, -0.5f * width, 0.6f * length, width, 0.006f, wood);
    pp_pen_rect(&pen, 0.38f * length, -0.75f * width, 0.2f * length, 0.4f * width, 0.006f,
                pp_part_tube(look->main, width));
    pp_pen plain = pen;
    plain.outline = 0;
    pp_pen_rect(&plain, 0.96f * length, -0.62f * width, 0.035f, 1.24f * width, 0.004f,
                pp_flat(pp_rgb(0.95f, 0.94f, 0.9f)));
    static const float rings[] = {0.0f, 0.385f, 0.7f};
    for (int i = 0; i < 3; i++) {
        pp_pen_rect(&plain, rings[i] * length, -0.74f * width, 0.016f, 1.48f * width, 0,
                    pp_flat(look->trim));
    }
    pp_part_keys(&plain, 0.08f * length, 0.36f * length, 0.1f * width, 0.012f, 5, act->pitch,
                 look->trim);
    pp_part_keys(&plain, 0.45f * length, 0.66f * length, 0.05f * width, 0.011f, 5, act->pitch,
                 look->trim);
    pp_pen_line(&plain, 0.05f * length, 0.5f * width, 0.9f * length, 0.3f * width, 0.005f,
                pp_flat(look->trim));
    pp_point joint = pp_affine_apply(place, 0.57f * length, -0.6f * width),
             mouth = pp_stage_mouth(stage);
    pp_pen bocal = *stage->pen;
    bocal.outline = 0;
    const pp_point crook[4] = {joint,
                               {joint.x - 0.015f, joint.y - 0.05f},
                               {0.5f * (joint.x + mouth.x), fminf(joint.y, mouth.y) - 0.045f},
                               mouth};
    pp_pen_curve(&bocal, crook, 4, 0.01f, pp_flat(look->trim));
    pp_stage_leave(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.52f * length, 0.015f));
}

static void draw_drone_pipe(const pp_pen *pen, const pp_look *look, pp_point from, float angle,
                            float length)
{
    pp_pen pipe = pp_pen_at(*pen, from.x, from.y, angle, 1);
    pp_paint wood = pp_part_tube(look->trim, 0.026f), ivory = pp_flat(pp_rgb(0.93f, 0.91f, 0.84f));
    pp_pen_rect(&pipe, 0, -0.011f, length, 0.022f, 0.004f, wood);
    for (int i = 1; i <= 3; i++) {
        pp_pen_rect(&pipe, length * (0.31f * (float)i) - 0.01f, -0.016f, 0.02f, 0.032f, 0.004f,
                    ivory);
    }
    pp_pen_ellipse(&pipe, length, 0, 0.016f, 0.02f, ivory);
}

void pp_draw_bagpipe(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float torso = stage->performer->figure.torso, fill = 1 + 0.05f * act->level;
    pp_affine place =
        pp_affine_move(stage->body.upper, pp_look_between(look, 1, 0.02f, 0.05f), 0.5f * torso);
    place = pp_affine_turn(place, pp_look_between(look, 2, -0.1f, 0.15f));
    pp_stage_figure(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.01f, 0.12f));
    pp_pen pen = pp_stage_enter(stage, place);
    float long_pipe = pp_look_between(look, 3, 0.42f, 0.5f);
    draw_drone_pipe(&pen, look, (pp_point){0.05f, -0.06f}, -1.25f, long_pipe);
    draw_drone_pipe(&pen, look, (pp_point){0.075f, -0.04f}, -1.0f, 0.66f * long_pipe);
    draw_drone_pipe(&pen, look, (pp_point){0.095f, -0.02f}, -0.75f, 0.66f * long_pipe);
    const pp_point bag[7] = {{-0.1f, -0.03f}, {-0.02f, -0.1f * fill}, {0.1f, -0.07f * fill},
                             {0.15f, 0.02f},  {0.09f, 0.1f * fill},   {-0.02f, 0.1f * fill},
                             {-0.09f, 0.04f}};
    pp_pen_blob(
        &pen, bag, 7,
        pp_radial(pp_shade(look->main, 1.3f), pp_shade(look->main, 0.75f), 0, -0.03f, 0.2f));
    pp_pen plain = pen;
    plain.outline = 0;
    for (int i = 0; i < 4; i++) { /* a tartan */
        float k = -0.06f + 0.045f * (float)i;
        pp_pen_line(&plain, k, -0.06f, k + 0.02f, 0.07f, 0.008f,
                    pp_flat(pp_shade(look->main, i & 1 ? 0.5f : 1.8f)));
        pp_pen_line(&plain, -0.07f, k + 0.02f, 0.11f, k + 0.01f, 0.007f,
                    pp_flat(pp_alpha(pp_hsv(look->u[4], 0.7f, 0.8f), 0.6f)));
    }
    pp_pen chanter =
        pp_pen_at(pen, -0.07f, 0.06f, 1.75f + pp_look_between(look, 5, -0.15f, 0.15f), 1);
    pp_pen_rect(&chanter, 0, -0.012f, 0.24f, 0.024f, 0.004f, pp_part_tube(look->trim, 0.024f));
    pp_pen_ellipse(&chanter, 0.24f, 0, 0.014f, 0.02f, pp_flat(pp_rgb(0.93f, 0.91f, 0.84f)));
    pp_point mouth = pp_stage_mouth(stage), top = pp_affine_apply(place, -0.02f, -0.09f);
    pp_pen_line(stage->pen, top.x, top.y, mouth.x, mouth.y, 0.016f, pp_flat(look->trim));
    pp_stage_leave(stage);
    pp_stage_arm(stage, 0, pp_affine_apply(place, -0.085f, 0.13f + 0.05f * (1 - act->pitch)));
}
