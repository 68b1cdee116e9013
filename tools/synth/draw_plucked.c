/* Plucked strings. Instrument coordinates: along the strings to the right (x), the body round 0,
 * the head of the neck at the far right; y across, down being away from the player's head. */
#include <math.h>

#include "draw_parts.h"

/* Both hands of a player of frets: one on the neck by pitch, one plucking. */
static void draw_plucking_hands(const pp_stage *stage, pp_affine place, float neck_low,
                                float neck_high, float pluck_x)
{
    const pp_act *act = &stage->act;
    float x = neck_low + (neck_high - neck_low) * act->pitch;
    pp_stage_arm(stage, 1, pp_affine_apply(place, x, 0.02f));
    float pluck = 0.05f * act->bow * act->level + 0.03f * act->pulse;
    pp_stage_arm(stage, 0, pp_affine_apply(place, pluck_x, pluck - 0.01f));
}

static void draw_guitar_body(const pp_pen *pen, const pp_look *look)
{
    float lower = pp_look_between(look, 0, 0.18f, 0.21f),
          upper = pp_look_between(look, 1, 0.13f, 0.16f);
    float waist = fminf(upper, lower) * pp_look_between(look, 2, 0.8f, 0.92f);
    pp_point outline[16] = {
        {-0.3f, 0.05f}, {-0.27f, 0.75f * lower}, {-0.16f, lower}, {-0.06f, 0.85f * lower},
        {0.02f, waist}, {0.09f, 0.95f * upper},  {0.16f, upper},  {0.23f, 0.5f * upper}};
    for (int i = 0; i < 8; i++) outline[15 - i] = (pp_point){outline[i].x, -outline[i].y};
    if (look->variant == 3 || look->variant == 4) { /* cutaway */
        outline[7] = (pp_point){0.17f, 0.05f};
        outline[6] = (pp_point){0.17f, 0.8f * upper};
    }
    pp_colour wood = look->main;
    int burst = look->variant == 1 || look->variant == 4;
    pp_paint top =
        burst ? pp_radial(pp_shade(wood, 1.5f), pp_shade(look->trim, 0.8f), -0.08f, 0, 0.27f)
              : pp_linear(pp_shade(wood, 1.12f), pp_shade(wood, 0.82f), -0.2f, -0.2f, 0.1f, 0.2f);
    pp_pen rim = *pen;
    if (rim.outline <= 0) {
        rim.outline = 0.014f;
        rim.outline_colour = pp_shade(look->trim, 0.8f);
    }
    pp_pen_blob(&rim, outline, 16, top);
    pp_pen plain = *pen;
    plain.outline = 0;
    if (look->variant == 0 || look->variant == 5) {
        const pp_point guard[4] = {
            {0.07f, 0.045f}, {0.02f, 0.05f}, {-0.03f, 0.12f}, {0.06f, 0.11f}};
        pp_pen_blob(&plain, guard, 4, pp_flat(pp_shade(look->trim, 0.6f)));
    }
    pp_pen_ellipse(&plain, 0.055f, 0, 0.068f, 0.068f, pp_flat(pp_shade(look->trim, 1.2f)));
    pp_pen_ellipse(&plain, 0.055f, 0, 0.054f, 0.054f, pp_flat(pp_rgb(0.08f, 0.05f, 0.04f)));
    pp_pen_rect(&plain, -0.175f, -0.07f, 0.035f, 0.14f, 0.01f, pp_flat(pp_shade(look->trim, 0.7f)));
}

static void draw_fretted_neck(const pp_pen *pen, pp_colour board, float from, float to, float width,
                              int frets)
{
    const pp_point neck[4] = {
        {from, -0.55f * width}, {to, -0.45f * width}, {to, 0.45f * width}, {from, 0.55f * width}};
    pp_pen_polygon(pen, neck, 4, pp_flat(board));
    pp_pen plain = *pen;
    plain.outline = 0;
    for (int i = 1; i <= frets; i++) {
        float x = to - (to - from) * (1 - powf(0.944f, (float)i)) * 1.55f;
        if (x < from) break;
        pp_pen_line(&plain, x, -0.45f * width, x, 0.45f * width, 0.005f,
                    pp_flat(pp_rgb(0.75f, 0.72f, 0.6f)));
    }
}

/* A guitar of `size`, its neck cut to `neck` in length, with `strings` strings. */
static void draw_guitar(const pp_stage *stage, pp_affine place, float neck, int strings)
{
    const pp_look *look = &stage->performer->look;
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, place);
    pp_pen_rect(&pen, neck - 0.01f, -0.035f, 0.13f, 0.07f, 0.012f,
                pp_flat(pp_shade(look->trim, 0.9f)));
    pp_part_pegs(&pen, neck + 0.015f, 0.038f, 0.055f, strings,
                 pp_flat(pp_rgb(0.85f, 0.83f, 0.78f)));
    draw_guitar_body(&pen, look);
    draw_fretted_neck(&pen, pp_shade(look->trim, 0.75f), 0.11f, neck, 0.05f, 14);
    float spread = strings == 4 ? 0.038f : 0.05f;
    pp_part_strings(&pen, -0.16f, neck + 0.01f, spread, 0.7f * spread, strings,
                    pp_rgb(0.88f, 0.86f, 0.78f));
    pp_stage_leave(stage);
    draw_plucking_hands(stage, place, neck - 0.06f, 0.3f, -0.02f + 0.03f * look->u[8]);
}

void pp_draw_acoustic_guitar(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    float size = pp_look_between(look, 3, 0.66f, 0.8f), torso = stage->performer->figure.torso;
    pp_affine place = pp_affine_move(stage->body.upper, pp_look_between(look, 5, -0.08f, -0.02f),
                                     torso * pp_look_between(look, 6, 0.72f, 0.92f));
    place = pp_affine_turn(place, pp_look_between(look, 4, -0.6f, -0.12f));
    draw_guitar(stage, pp_affine_scale(place, size, size), 0.63f, 6);
}

void pp_draw_ukulele(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    float size = pp_look_between(look, 3, 0.42f, 0.5f), torso = stage->performer->figure.torso;
    pp_affine place = pp_affine_move(stage->body.upper, pp_look_between(look, 5, -0.05f, 0.01f),
                                     torso * pp_look_between(look, 6, 0.45f, 0.65f));
    place = pp_affine_turn(place, pp_look_between(look, 4, -0.6f, -0.1f));
    draw_guitar(stage, pp_affine_scale(place, size, size), 0.56f, 4);
}

static void draw_bass_body(const pp_pen *pen, const pp_look *look)
{
    float horn = pp_look_between(look, 0, 0.2f, 0.27f), w = pp_look_between(look, 1, 0.9f, 1.1f);
    const pp_point outline[14] = {
        {-0.27f, 0},           {-0.26f, 0.11f * w}, {-0.18f, 0.155f * w},      {-0.07f, 0.12f * w},
        {0.02f, 0.11f * w},    {0.12f, 0.15f * w},  {horn - 0.05f, 0.12f * w}, {0.13f, 0.05f},
        {0.13f, -0.05f},       {horn, -0.13f * w},  {0.14f, -0.16f * w},       {0.0f, -0.11f * w},
        {-0.13f, -0.155f * w}, {-0.25f, -0.11f * w}};
    pp_colour body = look->main;
    int burst = look->variant == 2;
    pp_paint paint =
        burst ? pp_radial(pp_shade(body, 1.4f), pp_shade(look->trim, 0.8f), -0.05f, 0, 0.28f)
              : pp_linear(pp_shade(body, 1.25f), pp_shade(body, 0.75f), -0.1f, -0.15f, 0, 0.2f);
    pp_pen_blob(pen, outline, 14, paint);
    pp_pen plain = *pen;
    plain.outline = 0;
    if (look->variant != 3) {
        const pp_point guard[5] = {
            {0.1f, 0.03f}, {0.14f, 0.11f}, {0.02f, 0.085f}, {-0.1f, 0.1f}, {-0.02f, 0.03f}};
        pp_pen_blob(&plain, guard, 5, pp_flat(look->trim));
    }
    pp_paint dark = pp_flat(pp_rgb(0.07f, 0.07f, 0.08f)),
             metal = pp_flat(pp_rgb(0.78f, 0.79f, 0.82f));
    pp_pen_rect(&plain, 0.0f, -0.035f, 0.03f, 0.07f, 0.006f, dark);
    pp_pen_rect(&plain, -0.1f, -0.035f, 0.03f, 0.07f, 0.006f, dark);
    pp_pen_rect(&plain, -0.2f, -0.04f, 0.035f, 0.08f, 0.006f, metal);
    for (int i = 0; i < 3; i++) {
        pp_pen_ellipse(&plain, -0.2f + 0.05f * (float)i, 0.1f - 0.008f * (float)i, 0.014f, 0.014f,
                       metal);
    }
}

void pp_draw_electric_bass(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    float size = pp_look_between(look, 3, 0.64f, 0.76f), torso = stage->performer->figure.torso;
    pp_affine place = pp_affine_move(stage->body.upper, pp_look_between(look, 5, -0.09f, -0.03f),
                                     torso * pp_look_between(look, 6, 0.75f, 1.0f));
    place = pp_affine_turn(place, pp_look_between(look, 4, -0.65f, -0.15f));
    place = pp_affine_scale(place, size, size);
    pp_stage_figure(stage);
    pp_point strap = pp_affine_apply(place, -0.26f, 0), horn = pp_affine_apply(place, 0.2f, -0.13f);
    pp_point shoulder = stage->body.shoulder[1];
    pp_colour leather = pp_hsv(look->u[7], 0.4f, 0.25f);
    pp_pen_polyline(stage->pen,
                    (pp_point[3]){strap, {shoulder.x - 0.02f, shoulder.y - 0.02f}, horn}, 3, 0.022f,
                    pp_flat(leather));
    pp_pen pen = pp_stage_enter(stage, place);
    pp_colour head = look->variant % 2 ? look->main : pp_hsv(0.09f, 0.5f, 0.7f);
    const pp_point stock[5] = {
        {0.8f, -0.025f}, {0.86f, -0.055f}, {0.99f, -0.03f}, {0.97f, 0.03f}, {0.8f, 0.025f}};
    pp_pen_polygon(&pen, stock, 5, pp_flat(head));
    for (int i = 0; i < 4; i++) {
        float x = 0.845f + 0.036f * (float)i;
        pp_pen_line(&pen, x, -0.02f, x, -0.085f, 0.012f, pp_flat(pp_rgb(0.7f, 0.7f, 0.72f)));
        pp_pen_ellipse(&pen, x, -0.085f, 0.014f, 0.02f, pp_flat(pp_rgb(0.8f, 0.8f, 0.82f)));
    }
    draw_bass_body(&pen, look);
    draw_fretted_neck(&pen, pp_hsv(0.07f, 0.5f, 0.18f + 0.3f * look->u[8]), 0.06f, 0.81f, 0.05f,
                      18);
    pp_part_strings(&pen, -0.18f, 0.84f, 0.045f, 0.03f, 4, pp_rgb(0.82f, 0.82f, 0.8f));
    pp_stage_leave(stage);
    draw_plucking_hands(stage, place, 0.7f, 0.36f, -0.03f);
}

static void draw_banjo_pot(const pp_pen *pen, const pp_look *look, float radius)
{
    if (look->variant == 0 || look->variant == 3 || look->variant == 5) { /* a resonator behind */
        pp_pen_ellipse(
            pen, 0, 0, 1.14f * radius, 1.14f * radius,
            pp_radial(pp_shade(look->main, 0.9f), pp_shade(look->main, 0.6f), 0, 0, radius));
    }
    pp_pen_ellipse(pen, 0, 0, radius, radius, pp_flat(pp_rgb(0.72f, 0.72f, 0.74f)));
    pp_pen plain = *pen;
    plain.outline = 0;
    for (int i = 0; i < 20; i++) {
        float angle = 0.314159f * (float)i, c = cosf(angle), s = sinf(angle);
        pp_pen_line(&plain, 0.95f * radius * c, 0.95f * radius * s, 1.05f * radius * c,
                    1.05f * radius * s, 0.014f, pp_flat(pp_rgb(0.5f, 0.5f, 0.53f)));
    }
    pp_pen_ellipse(
        &plain, 0, 0, 0.88f * radius, 0.88f * radius,
        pp_radial(pp_shade(look->trim, 1.1f), pp_shade(look->trim, 0.88f), 0, 0, radius));
    pp_pen_line(&plain, -0.3f * radius, -0.04f, -0.3f * radius, 0.04f, 0.014f,
                pp_flat(pp_shade(look->main, 1.2f)));
    pp_pen_rect(&plain, -0.9f * radius, -0.02f, 0.18f * radius, 0.04f, 0.006f,
                pp_flat(pp_rgb(0.65f, 0.65f, 0.67f)));
}

void pp_draw_banjo(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    float size = pp_look_between(look, 3, 0.68f, 0.82f), torso = stage->performer->figure.torso;
    float radius = pp_look_between(look, 0, 0.165f, 0.2f);
    pp_affine place = pp_affine_move(stage->body.upper, pp_look_between(look, 5, -0.1f, -0.04f),
                                     torso * pp_look_between(look, 6, 0.72f, 0.95f));
    place = pp_affine_turn(place, pp_look_between(look, 4, -0.65f, -0.15f));
    place = pp_affine_scale(place, size, size);
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, place);
    pp_pen_rect(&pen, 0.66f, -0.032f, 0.1f, 0.064f, 0.02f, pp_flat(look->main));
    pp_part_pegs(&pen, 0.685f, 0.045f, 0.055f, 4, pp_flat(pp_rgb(0.9f, 0.88f, 0.82f)));
    pp_pen_line(&pen, 0.46f, 0, 0.46f, -0.05f, 0.016f, pp_flat(pp_rgb(0.9f, 0.88f, 0.82f)));
    draw_banjo_pot(&pen, look, radius);
    draw_fretted_neck(&pen, pp_shade(look->main, 0.6f), 0.85f * radius, 0.67f, 0.042f, 16);
    pp_part_strings(&pen, -0.8f * radius, 0.68f, 0.036f, 0.026f, 5, pp_rgb(0.6f, 0.6f, 0.58f));
    pp_stage_leave(stage);
    draw_plucking_hands(stage, place, 0.6f, 0.3f, -0.02f);
}

static void draw_pipa_body(const pp_pen *pen, const pp_look *look)
{
    float wide = pp_look_between(look, 1, 0.115f, 0.14f);
    const pp_point half[7] = {{-0.2f, 0.04f},        {-0.19f, 0.8f * wide}, {-0.1f, wide},
                              {0.02f, 0.85f * wide}, {0.13f, 0.5f * wide},  {0.24f, 0.26f * wide},
                              {0.34f, 0.16f * wide}};
    pp_point outline[14];
    for (int i = 0; i < 7; i++) {
        outline[i] = half[i];
        outline[13 - i] = (pp_point){half[i].x, -half[i].y};
    }
    pp_pen rim = *pen;
    if (rim.outline <= 0) {
        rim.outline = 0.012f;
        rim.outline_colour = pp_shade(look->trim, 0.9f);
    }
    pp_pen_blob(&rim, outline, 14,
                pp_linear(pp_shade(look->main, 1.15f), pp_shade(look->main, 0.85f), -0.1f, -0.1f, 0,
                          0.12f));
    pp_pen plain = *pen;
    plain.outline = 0;
    pp_paint bone = pp_flat(pp_rgb(0.93f, 0.9f, 0.8f)), dark = pp_flat(pp_shade(look->trim, 0.8f));
    pp_pen_rect(&plain, -0.165f, -0.055f, 0.022f, 0.11f, 0.006f, dark);
    for (int i = 0; i < 12; i++) {
        float x = 0.02f + 0.021f * (float)i, across = 0.042f - 0.0012f * (float)i;
        pp_pen_line(&plain, x, -across, x, across, 0.009f, i < 8 ? bone : dark);
    }
    const pp_point head[3] = {{0.33f, 0}, {0.42f, 0.004f}, {0.47f, -0.035f}};
    pp_pen_curve(pen, head, 3, 0.032f, dark);
    pp_part_pegs(&plain, 0.37f, 0.035f, 0.055f, 4, bone);
    pp_part_strings(&plain, -0.155f, 0.36f, 0.06f, 0.03f, 4, pp_rgb(0.93f, 0.92f, 0.88f));
}

void pp_draw_pipa(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    float size = pp_look_between(look, 3, 0.95f, 1.12f), torso = stage->performer->figure.torso;
    pp_affine place = pp_affine_move(stage->body.upper, pp_look_between(look, 5, -0.01f, 0.03f),
                                     torso * pp_look_between(look, 6, 0.72f, 0.85f));
    place = pp_affine_turn(place, pp_look_between(look, 4, -1.45f, -1.15f)); /* upright */
    place = pp_affine_scale(place, size, size);
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, place);
    draw_pipa_body(&pen, look);
    pp_stage_leave(stage);
    draw_plucking_hands(stage, place, 0.3f, 0.06f, -0.09f);
}

static void draw_guzheng_board(const pp_stage *stage, const pp_pen *pen, float half, float y,
                               float tall)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float slant = pp_look_between(look, 7, 0.0f, 0.06f);
    const pp_point board[4] = {
        {-half, y}, {half, y + slant}, {half, y + slant + tall}, {-half, y + tall}};
    pp_pen_polygon(
        pen, board, 4,
        pp_linear(pp_shade(look->trim, 1.05f), pp_shade(look->trim, 0.8f), 0, y, 0, y + tall));
    const pp_point front[4] = {{-half, y + tall},
                               {half, y + slant + tall},
                               {half, y + slant + 1.45f * tall},
                               {-half, y + 1.45f * tall}};
    pp_pen_polygon(
        pen, front, 4,
        pp_linear(pp_shade(look->main, 1.2f), pp_shade(look->main, 0.8f), -half, 0, half, 0));
    pp_pen plain = *pen;
    plain.outline = 0;
    pp_pen_line(&plain, -0.92f * half, y, -0.92f * half, y + tall, 0.022f,
                pp_flat(pp_shade(look->main, 0.8f)));
    pp_pen_line(&plain, 0.92f * half, y + slant, 0.92f * half, y + slant + tall, 0.022f,
                pp_flat(pp_shade(look->main, 0.8f)));
    for (int i = 0; i < 13; i++) {
        float share = (float)i / 12, row = y + tall * (0.1f + 0.8f * share);
        int lit = act->level > 0.4f && act->pulse > 0.2f && fabsf(1 - share - act->pitch) < 0.05f;
        pp_pen_line(&plain, -0.92f * half, row, 0.92f * half, row + slant, lit ? 0.006f : 0.003f,
                    pp_flat(pp_rgb(0.97f, 0.96f, 0.9f)));
        float x = half * (-0.45f + 0.9f * share); /* the bridges stand in a slanting row */
        pp_pen_ellipse(&plain, x, row + slant * (0.5f + 0.5f * x / half), 0.011f, 0.008f,
                       pp_flat(pp_shade(look->main, 0.5f)));
    }
}

void pp_draw_guzheng(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float half = pp_look_between(look, 1, 0.36f, 0.44f),
          tall = pp_look_between(look, 2, 0.1f, 0.14f);
    float y = (stage->performer->figure.seated ? -0.4f : -0.47f) +
              pp_look_between(look, 3, -0.02f, 0.02f);
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, pp_affine_identity());
    for (int side = -1; side <= 1; side += 2) {
        float x = 0.75f * half * (float)side;
        pp_pen_line(&pen, x, y + tall, x - 0.06f, 0, 0.024f, pp_flat(pp_shade(look->main, 0.7f)));
        pp_pen_line(&pen, x, y + tall, x + 0.06f, 0, 0.024f, pp_flat(pp_shade(look->main, 0.7f)));
    }
    draw_guzheng_board(stage, &pen, half, y, tall);
    pp_stage_leave(stage);
    for (int hand = 0; hand < 2; hand++) {
        const pp_hand *h = &act->hands[1];
        float row = y + tall * (0.9f - 0.8f * h->pitch),
              lift = 0.04f * (1 - act->pulse) + 0.03f * (1 - act->level);
        float x = hand ? 0.18f : -0.2f + 0.04f * act->pulse; /* one plucks, one presses */
        pp_stage_arm(stage, hand, (pp_point){x, row - (hand ? 0.015f * act->pulse + 0.01f : lift)});
    }
}
