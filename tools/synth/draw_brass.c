/* Trumpet and tuba. */
#include <math.h>

#include "draw_parts.h"

static void draw_trumpet_horn(const pp_pen *pen, const pp_look *look, const pp_act *act,
                              float length)
{
    pp_colour brass = look->main;
    float bell = pp_look_between(look, 1, 0.055f, 0.075f),
          depth = pp_look_between(look, 2, 0.25f, 0.7f) * bell;
    pp_paint tube = pp_flat(pp_shade(brass, 0.85f)), light = pp_flat(pp_shade(brass, 1.15f));
    pp_pen_horn(pen, (pp_point[2]){{0.0f, 0}, {0.62f * length, 0}}, 2, 0.014f, 0.014f, tube);
    const pp_point loop[6] = {{0.62f * length, 0},      {0.72f * length, 0.01f},
                              {0.72f * length, 0.055f}, {0.6f * length, 0.065f},
                              {0.3f * length, 0.065f},  {0.24f * length, 0.035f}};
    pp_pen_curve(pen, loop, 6, 0.013f, tube);
    const pp_point back[4] = {{0.24f * length, 0.035f},
                              {0.27f * length, 0.012f},
                              {0.4f * length, 0.008f},
                              {0.6f * length, 0.01f}};
    pp_pen_curve(pen, back, 4, 0.013f, light);
    pp_part_bell(pen, 0.5f * length, length, 0.009f, bell, depth, brass);
    pp_pen plain = *pen;
    plain.outline = 0;
    for (int i = 0; i < 3; i++) {
        float x = (0.4f + 0.07f * (float)i) * length;
        int down = act->level > 0.5f && (((int)(act->pitch * 20) >> i) & 1);
        pp_pen_line(&plain, x, down ? -0.012f : -0.035f, x, 0, 0.008f, pp_flat(look->trim));
        pp_pen_ellipse(&plain, x, down ? -0.014f : -0.037f, 0.011f, 0.006f, pp_flat(look->trim));
        pp_pen_rect(&plain, x - 0.012f, -0.012f, 0.024f, 0.1f, 0.006f,
                    pp_linear(pp_shade(look->trim, 1.2f), pp_shade(look->trim, 0.65f), x - 0.012f,
                              0, x + 0.012f, 0));
    }
    pp_pen_line(&plain, -0.004f, 0, 0.03f, 0, 0.02f, pp_flat(pp_shade(look->trim, 1.1f)));
}

void pp_draw_trumpet(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float length = pp_look_between(look, 0, 0.38f, 0.48f);
    float angle = pp_look_between(look, 3, -0.1f, 0.4f) + stage->body.turn +
                  0.5f * (1 - act->level) - 0.06f * act->pulse;
    pp_point mouth = pp_stage_mouth(stage);
    pp_affine place = pp_affine_move(pp_affine_identity(), mouth.x, mouth.y);
    place = pp_affine_turn(place, angle);
    place = pp_affine_scale(place, pp_look_between(look, 4, 0.85f, 1), 1);
    pp_stage_figure(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.46f * length, 0.07f));
    pp_pen pen = pp_stage_enter(stage, place);
    draw_trumpet_horn(&pen, look, act, length);
    pp_stage_leave(stage);
    pp_stage_arm(stage, 0, pp_affine_apply(place, 0.44f * length, -0.015f));
}

static void draw_tuba_horn(const pp_pen *pen, const pp_look *look, const pp_act *act)
{
    pp_colour brass = look->main;
    float bell = pp_look_between(look, 1, 0.14f, 0.18f),
          tall = pp_look_between(look, 2, 0.3f, 0.36f);
    pp_paint dark = pp_flat(pp_shade(brass, 0.7f)), middle = pp_flat(pp_shade(brass, 0.9f));
    /* The big bow and the branch that becomes the bell, which opens upwards on the right. */
    const pp_point bow[5] = {
        {-0.1f, -0.3f}, {-0.115f, -0.05f}, {-0.02f, 0.055f}, {0.085f, -0.02f}, {0.1f, -0.25f}};
    pp_pen_horn(pen, bow, 5, 0.045f, 0.085f,
                pp_linear(pp_shade(brass, 1.2f), pp_shade(brass, 0.65f), -0.1f, 0, 0.15f, 0.05f));
    pp_pen up =
        pp_pen_at(*pen, 0.1f, -0.22f, -1.5708f + pp_look_between(look, 3, -0.05f, 0.15f), 1);
    pp_part_bell(&up, 0, tall, 0.045f, bell, 0.3f * bell, brass);
    pp_pen_ring(pen, -0.01f, -0.16f, 0.07f, 0.12f, 0.026f, middle);
    pp_pen_ring(pen, -0.02f, -0.14f, 0.035f, 0.075f, 0.02f, dark);
    pp_pen plain = *pen;
    plain.outline = 0;
    const pp_point top[3] = {{-0.1f, -0.3f}, {-0.06f, -0.36f}, {-0.01f, -0.28f}};
    pp_pen_curve(&plain, top, 3, 0.036f, middle);
    for (int i = 0; i < 3; i++) {
        float x = -0.06f + 0.034f * (float)i;
        int down = act->level > 0.5f && (((int)(act->pitch * 20) >> i) & 1);
        pp_pen_rect(&plain, x - 0.013f, -0.2f, 0.026f, 0.11f, 0.008f,
                    pp_linear(pp_shade(look->trim, 1.25f), pp_shade(look->trim, 0.6f), x - 0.013f,
                              0, x + 0.013f, 0));
        pp_pen_line(&plain, x, -0.2f, x, down ? -0.212f : -0.235f, 0.01f, pp_flat(look->trim));
    }
}

void pp_draw_tuba(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float size = pp_look_between(look, 4, 1.05f, 1.25f);
    pp_affine place = pp_affine_move(stage->body.upper, pp_look_between(look, 5, 0.02f, 0.05f),
                                     stage->performer->figure.torso * 0.95f);
    place = pp_affine_turn(place, pp_look_between(look, 6, -0.05f, 0.15f));
    place = pp_affine_scale(place, size, size);
    pp_stage_figure(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, 0.1f, -0.1f));
    pp_pen pen = pp_stage_enter(stage, place);
    draw_tuba_horn(&pen, look, act);
    pp_point cup = pp_stage_mouth(stage), pipe = pp_affine_apply(place, -0.01f, -0.28f);
    pp_pen plain = *stage->pen;
    plain.outline = 0;
    pp_pen_curve(
        &plain,
        (pp_point[3]){pipe, {0.5f * (pipe.x + cup.x) + 0.02f, 0.5f * (pipe.y + cup.y)}, cup}, 3,
        0.016f, pp_flat(pp_shade(look->main, 0.85f)));
    pp_stage_leave(stage);
    pp_stage_arm(stage, 0, pp_affine_apply(place, -0.04f, -0.19f + 0.01f * act->pulse));
}
