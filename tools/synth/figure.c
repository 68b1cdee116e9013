/* People: looks drawn at random, poses from gestures, and the drawing of both. */
#include "figure.h"

#include <math.h>

#define PI 3.14159265f

void pp_figure_choose(pp_figure *f, pp_random *random)
{
    static const pp_colour skins[] = {{0.98f, 0.84f, 0.72f, 1}, {0.93f, 0.74f, 0.58f, 1},
                                      {0.84f, 0.62f, 0.44f, 1}, {0.68f, 0.46f, 0.31f, 1},
                                      {0.50f, 0.33f, 0.22f, 1}, {0.36f, 0.23f, 0.16f, 1}};
    static const pp_colour hairs[] = {{0.10f, 0.08f, 0.07f, 1}, {0.26f, 0.16f, 0.09f, 1},
                                      {0.45f, 0.28f, 0.13f, 1}, {0.80f, 0.62f, 0.30f, 1},
                                      {0.62f, 0.24f, 0.10f, 1}, {0.72f, 0.72f, 0.72f, 1}};
    *f = (pp_figure){0};
    f->skin = pp_shade(skins[pp_pick(random, 6)], pp_between(random, 0.9f, 1.05f));
    f->hair = pp_shade(hairs[pp_pick(random, 6)], pp_between(random, 0.8f, 1.15f));
    float grey = pp_chance(random, 0.35) ? 0.15f : 1;
    f->top = pp_hsv(pp_between(random, 0, 1), grey * pp_between(random, 0.3f, 0.85f),
                    pp_between(random, 0.1f, 0.95f));
    f->legs = pp_hsv(pp_between(random, 0.5f, 0.72f), pp_between(random, 0.05f, 0.5f),
                     pp_between(random, 0.1f, 0.55f));
    f->shoes = pp_hsv(pp_between(random, 0, 1), 0.3f, pp_between(random, 0.05f, 0.5f));
    f->chair = pp_hsv(pp_between(random, 0.02f, 0.12f), pp_between(random, 0.1f, 0.6f),
                      pp_between(random, 0.1f, 0.6f));
    f->hair_style = pp_pick(random, 6);
    f->beard = pp_chance(random, 0.2);
    f->glasses = pp_chance(random, 0.2);
    f->hat = pp_chance(random, 0.12);
    f->dress = pp_chance(random, 0.2);
    f->long_sleeves = pp_chance(random, 0.6);
    f->shirt_pattern = pp_pick(random, 5);
    f->seated = pp_chance(random, 0.3);
    f->head = pp_between(random, 0.066f, 0.085f);
    f->shoulder = pp_between(random, 0.095f, 0.13f);
    f->torso = pp_between(random, 0.28f, 0.32f);
    f->arm = pp_between(random, 0.155f, 0.175f);
    f->thick = pp_between(random, 0.038f, 0.056f);
    f->sway = pp_between(random, 0.01f, 0.09f);
    f->sway_s = pp_between(random, 1.2f, 3.5f);
    f->sway_phase = pp_between(random, 0, 1);
    f->lean = pp_between(random, -0.06f, 0.06f);
    f->outline = pp_chance(random, 0.35) ? pp_between(random, 0.003f, 0.007f) : 0;
}

void pp_body_pose(pp_body *body, const pp_figure *f, const pp_act *act)
{
    float phase = 2 * PI * ((float)act->time_s / f->sway_s + f->sway_phase);
    body->turn = f->lean + f->sway * (0.25f + 0.75f * act->level) * sinf(phase);
    float bob = 0.012f * act->pulse + 0.006f * sinf(2 * phase);
    body->hip = (pp_point){0, (f->seated ? -0.34f : -0.5f) + 0.3f * bob};
    pp_affine up = pp_affine_move(pp_affine_identity(), body->hip.x, body->hip.y);
    up = pp_affine_turn(up, body->turn);
    body->upper = pp_affine_move(up, 0, -f->torso + bob);
    body->neck = pp_affine_apply(body->upper, 0, 0);
    for (int side = 0; side < 2; side++) {
        float x = side ? f->shoulder : -f->shoulder;
        body->shoulder[side] = pp_affine_apply(body->upper, 0.9f * x, 0.02f);
    }
    body->head_at = pp_affine_move(body->upper, 0, -0.025f - f->head * 1.1f);
    body->head_at = pp_affine_turn(body->head_at, 0.6f * body->turn + 0.08f * sinf(phase * 0.7f));
    body->head = pp_affine_apply(body->head_at, 0, 0);
}

static void draw_chair(const pp_pen *pen, const pp_figure *f, const pp_body *body)
{
    pp_paint wood = pp_flat(f->chair), dark = pp_flat(pp_shade(f->chair, 0.7f));
    float seat = body->hip.y + 0.03f;
    pp_pen_line(pen, -0.12f, seat, -0.14f, 0, 0.02f, dark);
    pp_pen_line(pen, 0.12f, seat, 0.14f, 0, 0.02f, dark);
    pp_pen_rect(pen, -0.11f, seat - 0.3f, 0.22f, 0.28f, 0.04f, dark);
    pp_pen_rect(pen, -0.14f, seat - 0.01f, 0.28f, 0.04f, 0.015f, wood);
}

static void draw_leg(const pp_pen *pen, const pp_figure *f, const pp_body *body, float side)
{
    pp_paint cloth = pp_flat(pp_shade(f->legs, side > 0 ? 1 : 0.88f));
    float x = body->hip.x + side * 0.05f, foot = side * (f->seated ? 0.11f : 0.075f);
    pp_point knee = {0.5f * (x + foot) + side * 0.02f, f->seated ? -0.27f : -0.25f};
    pp_pen_horn(pen, (pp_point[3]){{x, body->hip.y}, knee, {foot, -0.03f}}, 3, 1.5f * f->thick,
                0.9f * f->thick, cloth);
    pp_pen_ellipse(pen, foot + side * 0.015f, -0.014f, 0.038f, 0.018f, pp_flat(f->shoes));
}

static void draw_torso(const pp_pen *pen, const pp_figure *f, const pp_body *body)
{
    pp_pen local = *pen;
    local.frame = pp_affine_then(pen->frame, body->upper);
    float w = f->shoulder, h = f->torso, waist = 0.72f * w;
    pp_point outline[10] = {
        {-0.3f * w, -0.012f},   {-0.95f * w, 0.015f},  {-w, 0.07f},        {-waist, 0.65f * h},
        {-0.8f * w, h + 0.03f}, {0.8f * w, h + 0.03f}, {waist, 0.65f * h}, {w, 0.07f},
        {0.95f * w, 0.015f},    {0.3f * w, -0.012f}};
    pp_paint cloth = pp_linear(pp_shade(f->top, 1.12f), pp_shade(f->top, 0.78f), -w, 0, w, h);
    pp_pen_blob(&local, outline, 10, cloth);
    pp_paint trim = pp_flat(pp_shade(f->top, f->shirt_pattern % 2 ? 0.6f : 1.7f));
    if (f->shirt_pattern == 1) pp_pen_line(&local, 0, 0.02f, 0, h, 0.008f, trim);
    if (f->shirt_pattern >= 3) {
        for (int i = 1; i < 5; i++) {
            float y = h * (float)i / 5 + 0.02f;
            pp_pen_line(&local, -0.68f * w, y, 0.68f * w, y, 0.014f, trim);
        }
    }
    if (f->shirt_pattern == 2) {
        const pp_point collar[3] = {{-0.3f * w, -0.01f}, {0.3f * w, -0.01f}, {0, 0.11f}};
        pp_pen_polygon(&local, collar, 3, pp_flat(pp_rgb(0.93f, 0.93f, 0.9f)));
        pp_pen_line(&local, 0, 0.03f, 0, 0.12f, 0.014f, pp_flat(pp_hsv(f->sway_phase, 0.7f, 0.5f)));
    }
    pp_pen_line(&local, 0, 0.01f, 0, -0.05f, 0.052f, pp_flat(pp_shade(f->skin, 0.85f)));
}

static void draw_hair_behind(const pp_pen *head, const pp_figure *f)
{
    float r = f->head;
    pp_paint hair = pp_flat(pp_shade(f->hair, 0.85f));
    if (f->hair_style == 1) pp_pen_ellipse(head, 0, 0.35f * r, 1.08f * r, 1.6f * r, hair);
    if (f->hair_style == 2) pp_pen_ellipse(head, 0, -0.1f * r, 1.3f * r, 1.35f * r, hair);
    if (f->hair_style == 4) pp_pen_ellipse(head, 0, -1.25f * r, 0.45f * r, 0.42f * r, hair);
    if (f->hair_style == 5) {
        pp_pen_line(head, 0.8f * r, 0, 1.15f * r, 1.9f * r, 0.35f * r, hair);
        pp_pen_line(head, -0.8f * r, 0, -1.15f * r, 1.9f * r, 0.35f * r, hair);
    }
}

static void draw_hair_front(const pp_pen *head, const pp_figure *f)
{
    float r = f->head;
    pp_paint hair = pp_flat(f->hair);
    const pp_point cap[7] = {{-1.02f * r, 0.05f * r}, {-0.95f * r, -0.75f * r},
                             {0, -1.3f * r},          {0.95f * r, -0.75f * r},
                             {1.02f * r, 0.05f * r},  {0.62f * r, -0.5f * r},
                             {-0.45f * r, -0.62f * r}};
    if (f->hair_style != 3) pp_pen_blob(head, cap, 7, hair);
    if (f->hat) {
        pp_paint felt = pp_flat(pp_shade(f->top, 0.6f));
        pp_pen_ellipse(head, 0, -0.62f * r, 1.45f * r, 0.24f * r, felt);
        pp_pen_rect(head, -0.8f * r, -1.5f * r, 1.6f * r, 0.95f * r, 0.3f * r, felt);
    }
}

static void draw_face(const pp_pen *head, const pp_figure *f)
{
    float r = f->head;
    pp_pen plain = *head;
    plain.outline = 0;
    pp_paint dark = pp_flat(pp_rgb(0.13f, 0.1f, 0.1f));
    for (int side = -1; side <= 1; side += 2) {
        float x = 0.36f * r * (float)side;
        pp_pen_ellipse(&plain, x, -0.08f * r, 0.1f * r, 0.13f * r, dark);
        pp_pen_line(&plain, x - 0.17f * r, -0.34f * r, x + 0.17f * r, -0.36f * r, 0.09f * r,
                    pp_flat(pp_shade(f->hair, 0.8f)));
        if (f->glasses) pp_pen_ring(&plain, x, -0.06f * r, 0.27f * r, 0.24f * r, 0.08f * r, dark);
    }
    pp_pen_line(&plain, 0, 0.05f * r, 0.06f * r, 0.28f * r, 0.1f * r,
                pp_flat(pp_shade(f->skin, 0.78f)));
    if (f->beard) {
        const pp_point beard[5] = {{-0.8f * r, 0.25f * r},
                                   {-0.3f * r, 0.48f * r},
                                   {0.3f * r, 0.48f * r},
                                   {0.8f * r, 0.25f * r},
                                   {0, 1.35f * r}};
        pp_pen_blob(&plain, beard, 5, pp_flat(f->hair));
    }
    pp_pen_line(&plain, -0.2f * r, 0.6f * r, 0.2f * r, 0.6f * r, 0.12f * r,
                pp_flat(pp_mix(f->skin, pp_rgb(0.6f, 0.12f, 0.15f), 0.6f)));
}

static void draw_head(const pp_pen *pen, const pp_figure *f, const pp_body *body)
{
    pp_pen head = *pen;
    head.frame = pp_affine_then(pen->frame, body->head_at);
    float r = f->head;
    draw_hair_behind(&head, f);
    pp_paint skin = pp_radial(pp_shade(f->skin, 1.08f), pp_shade(f->skin, 0.82f), -0.3f * r,
                              -0.2f * r, 1.8f * r);
    pp_pen_ellipse(&head, 0, 0, 0.9f * r, 1.12f * r, skin);
    if (f->facing_away) {
        if (f->hair_style != 3) {
            pp_pen_ellipse(&head, 0, -0.15f * r, 1.02f * r, 1.1f * r, pp_flat(f->hair));
        }
    } else {
        draw_face(&head, f);
    }
    draw_hair_front(&head, f);
}
void pp_figure_draw(const pp_pen *pen, const pp_figure *f, const pp_body *body)
{
    if (f->seated) draw_chair(pen, f, body);
    draw_leg(pen, f, body, -1);
    draw_leg(pen, f, body, 1);
    if (f->dress) {
        float hem = f->seated ? -0.16f : -0.2f, y = body->hip.y;
        const pp_point skirt[4] = {{-0.75f * f->shoulder, y - 0.06f},
                                   {0.75f * f->shoulder, y - 0.06f},
                                   {1.5f * f->shoulder, hem},
                                   {-1.5f * f->shoulder, hem}};
        pp_pen_polygon(pen, skirt, 4, pp_flat(pp_shade(f->top, 0.85f)));
    }
    draw_torso(pen, f, body);
    draw_head(pen, f, body);
}

pp_point pp_figure_reach(const pp_figure *f, const pp_body *body, int side, pp_point hand)
{
    pp_point shoulder = body->shoulder[side];
    float dx = hand.x - shoulder.x, dy = hand.y - shoulder.y;
    float distance = sqrtf(dx * dx + dy * dy), reach = 1.98f * f->arm;
    if (distance <= reach) return hand;
    return (pp_point){shoulder.x + dx * reach / distance, shoulder.y + dy * reach / distance};
}

pp_point pp_figure_arm(const pp_pen *pen, const pp_figure *f, const pp_body *body, int side,
                       pp_point hand)
{
    pp_point shoulder = body->shoulder[side];
    hand = pp_figure_reach(f, body, side, hand);
    float dx = hand.x - shoulder.x, dy = hand.y - shoulder.y;
    float distance = fmaxf(sqrtf(dx * dx + dy * dy), 1e-4f);
    float away = sqrtf(fmaxf(f->arm * f->arm - 0.25f * distance * distance, 0)) / distance;
    pp_point middle = {shoulder.x + 0.5f * dx, shoulder.y + 0.5f * dy};
    float outward = side ? 1.0f : -1.0f, bend = dx - outward * dy > 0 ? 1.0f : -1.0f;
    pp_point elbow = {middle.x - bend * away * dy, middle.y + bend * away * dx};
    float width = f->thick;
    pp_paint sleeve = pp_flat(pp_shade(f->top, side ? 0.94f : 1.04f)), skin = pp_flat(f->skin);
    if (f->outline > 0) {
        pp_point whole[3] = {shoulder, elbow, hand};
        pp_pen_polyline(pen, whole, 3, width + 2 * f->outline, pp_flat(pen->outline_colour));
    }
    pp_pen_line(pen, elbow.x, elbow.y, hand.x, hand.y, 0.82f * width,
                f->long_sleeves ? sleeve : skin);
    pp_pen_line(pen, shoulder.x, shoulder.y, elbow.x, elbow.y, width, sleeve);
    pp_pen_ellipse(pen, hand.x, hand.y, 0.6f * width, 0.6f * width, skin);
    return hand;
}
