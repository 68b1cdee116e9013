/* Instruments with a keyboard: piano (upright, grand, stage piano) and accordion. */
#include <math.h>

#include "draw_parts.h"

int pp_piano_is_upright(const pp_look *look)
{
    return look->variant == 1 || look->variant == 4;
}

static int is_black(int key)
{
    int tone = key % 12;
    return tone == 1 || tone == 3 || tone == 6 || tone == 8 || tone == 10;
}

/* Keys from x0 to x1; the player's side is at the top (`far`) or at the bottom of the strip. */
static void draw_keyboard(const pp_pen *pen, const pp_stage *stage, float x0, float x1, float y,
                          float tall, int from_player)
{
    const int low = 33, high = 93; /* keys drawn */
    int white = 0, done = 0;
    for (int key = low; key <= high; key++) white += !is_black(key);
    float step = (x1 - x0) / (float)white;
    pp_pen plain = *pen;
    plain.outline = 0;
    pp_pen_rect(&plain, x0, y, x1 - x0, tall, 0, pp_flat(pp_rgb(0.95f, 0.95f, 0.92f)));
    for (int key = low; key <= high; key++) {
        if (is_black(key)) continue;
        float x = x0 + step * (float)done++;
        if (pp_act_pressed(&stage->act, key)) {
            pp_pen_rect(&plain, x, y, step, tall, 0, pp_flat(pp_rgb(0.62f, 0.66f, 0.72f)));
        }
        pp_pen_line(&plain, x, y, x, y + tall, 0.0022f, pp_flat(pp_rgb(0.45f, 0.45f, 0.45f)));
    }
    done = 0;
    for (int key = low; key <= high; key++) {
        if (!is_black(key)) {
            done++;
            continue;
        }
        int down = pp_act_pressed(&stage->act, key);
        float x = x0 + step * (float)done, top = from_player ? y + 0.38f * tall : y;
        pp_pen_rect(&plain, x - 0.3f * step, top, 0.6f * step, 0.62f * tall, 0,
                    pp_flat(down ? pp_rgb(0.35f, 0.37f, 0.42f) : pp_rgb(0.06f, 0.06f, 0.07f)));
    }
}

static float hand_x(const pp_stage *stage, int hand, float x0, float x1)
{
    const pp_hand *h = &stage->act.hands[hand];
    if (h->last == NULL && h->next == NULL) return x0 + (x1 - x0) * (hand ? 0.62f : 0.38f);
    const pp_part *part = stage->act.part;
    float key = (float)part->low + h->pitch * (float)(part->high - part->low);
    return x0 + (x1 - x0) * fminf(fmaxf((key - 33) / 60, 0.04f), 0.96f);
}

static void draw_piano_hands(const pp_stage *stage, float x0, float x1, float y)
{
    for (int hand = 0; hand < 2; hand++) {
        const pp_hand *h = &stage->act.hands[hand];
        float lift = 0.035f * h->raise * (h->since_s > 0.25f ? 1 : 0.3f);
        /* Two hands never cross far: each keeps a little to its side. */
        float x = hand_x(stage, hand, x0, x1) + (hand ? 0.015f : -0.015f);
        pp_stage_arm(stage, hand, (pp_point){x, y - lift});
    }
}

static void draw_upright(const pp_stage *stage, float half)
{
    const pp_look *look = &stage->performer->look;
    float top = pp_look_between(look, 2, -0.82f, -0.68f), board = -0.44f;
    pp_pen pen = pp_stage_enter(stage, pp_affine_identity());
    pp_paint wood =
        pp_linear(pp_shade(look->main, 1.35f), pp_shade(look->main, 0.85f), 0, top, 0, 0);
    pp_pen_rect(&pen, -half - 0.03f, top, 2 * half + 0.06f, -top - 0.02f, 0.012f, wood);
    pp_pen_rect(&pen, -half - 0.045f, top - 0.015f, 2 * half + 0.09f, 0.03f, 0.01f,
                pp_flat(pp_shade(look->main, 1.5f)));
    pp_pen plain = pen;
    plain.outline = 0;
    pp_pen_rect(&plain, -0.8f * half, top + 0.05f, 1.6f * half, 0.14f, 0.01f,
                pp_flat(pp_shade(look->main, 1.25f)));
    pp_pen_rect(&plain, -0.13f, top + 0.07f, 0.26f, 0.12f, 0, pp_flat(pp_rgb(0.96f, 0.95f, 0.9f)));
    for (int i = 0; i < 4; i++) {
        pp_pen_line(&plain, -0.11f, top + 0.09f + 0.025f * (float)i, 0.11f,
                    top + 0.09f + 0.025f * (float)i, 0.004f, pp_flat(pp_rgb(0.3f, 0.3f, 0.3f)));
    }
    pp_pen_rect(&pen, -half - 0.03f, board + 0.055f, 2 * half + 0.06f, 0.05f, 0.008f,
                pp_flat(pp_shade(look->main, 0.8f)));
    draw_keyboard(&pen, stage, -half, half, board, 0.06f, 0);
    pp_stage_leave(stage);
    draw_piano_hands(stage, -half, half, board + 0.04f);
    pp_stage_figure(stage); /* the player's back, before the keys */
}

static void draw_grand_wing(const pp_pen *pen, const pp_look *look, float half)
{
    const pp_point lid[7] = {{-half, -0.5f},       {-half - 0.02f, -0.9f}, {-0.2f * half, -1.02f},
                             {0.5f * half, -0.9f}, {half, -0.68f},         {half + 0.02f, -0.5f},
                             {0, -0.46f}};
    pp_pen_blob(
        pen, lid, 7,
        pp_linear(pp_shade(look->main, 1.8f), pp_shade(look->main, 0.8f), 0, -1, 0, -0.45f));
    const pp_point inside[4] = {{-0.9f * half, -0.5f},
                                {-0.85f * half, -0.62f},
                                {0.85f * half, -0.58f},
                                {0.9f * half, -0.5f}};
    pp_pen_polygon(pen, inside, 4, pp_flat(look->trim));
}

static void draw_front_piano(const pp_stage *stage, float half)
{
    const pp_look *look = &stage->performer->look;
    int grand = look->variant == 2 || look->variant == 5;
    float y = -0.43f, tall = pp_look_between(look, 2, 0.08f, 0.11f),
          deep = grand ? 0.12f : pp_look_between(look, 3, 0.03f, 0.07f);
    pp_pen pen = pp_stage_enter(stage, pp_affine_identity());
    if (grand) draw_grand_wing(&pen, look, half);
    pp_stage_leave(stage);
    pp_stage_figure(stage);
    pen = pp_stage_enter(stage, pp_affine_identity());
    pp_paint leg = pp_flat(pp_shade(look->main, 0.8f));
    if (grand) {
        pp_pen_line(&pen, -0.85f * half, y, -0.85f * half, 0, 0.04f, leg);
        pp_pen_line(&pen, 0.85f * half, y, 0.85f * half, 0, 0.04f, leg);
    } else {
        pp_pen_line(&pen, -0.6f * half, y + 0.1f, 0.6f * half, 0, 0.024f, leg);
        pp_pen_line(&pen, 0.6f * half, y + 0.1f, -0.6f * half, 0, 0.024f, leg);
    }
    pp_pen_rect(&pen, -half - 0.035f, y - 0.02f, 2 * half + 0.07f, tall + deep + 0.03f, 0.012f,
                pp_linear(pp_shade(look->main, 1.5f), pp_shade(look->main, 0.8f), 0, y, 0,
                          y + tall + deep));
    draw_keyboard(&pen, stage, -half, half, y, tall, 1);
    pp_stage_leave(stage);
    draw_piano_hands(stage, -half, half, y + 0.25f * tall);
}

void pp_draw_piano(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    float half = pp_look_between(look, 1, 0.34f, 0.42f);
    if (pp_piano_is_upright(look)) draw_upright(stage, half);
    else draw_front_piano(stage, half);
}

static void draw_bellows(const pp_pen *pen, const pp_look *look, float x0, float x1, float tall,
                         float fan)
{
    const int folds = 11;
    for (int i = 0; i < folds; i++) {
        float a = (float)i / folds, b = (float)(i + 1) / folds, xa = x0 + (x1 - x0) * a,
              xb = x0 + (x1 - x0) * b;
        float drop_a = fan * sinf(3.14159f * a), drop_b = fan * sinf(3.14159f * b);
        float top = -tall / 2 + (i & 1 ? 0.012f : 0), bottom = tall / 2 - (i & 1 ? 0.012f : 0);
        const pp_point fold[4] = {{xa, top - drop_a},
                                  {xb, top - drop_b},
                                  {xb, bottom + 0.3f * drop_b},
                                  {xa, bottom + 0.3f * drop_a}};
        pp_pen_polygon(pen, fold, 4,
                       pp_flat(i & 1 ? pp_shade(look->trim, 0.9f) : pp_shade(look->main, 0.75f)));
    }
}

static void draw_accordion_keys(const pp_pen *pen, const pp_stage *stage, float x, float width,
                                float tall)
{
    const int keys = 15;
    float step = tall / (float)keys;
    pp_pen_rect(pen, x, -tall / 2, width, tall, 0.005f, pp_flat(pp_rgb(0.95f, 0.95f, 0.92f)));
    pp_pen plain = *pen;
    plain.outline = 0;
    int pressed =
        stage->act.level > 0.5f ? (int)(stage->act.hands[1].pitch * (float)(keys - 1) + 0.5f) : -1;
    for (int i = 0; i < keys; i++) {
        float y = -tall / 2 + step * (float)i;
        if (i == pressed)
            pp_pen_rect(&plain, x, y, width, step, 0, pp_flat(pp_rgb(0.6f, 0.64f, 0.7f)));
        pp_pen_line(&plain, x, y, x + width, y, 0.003f, pp_flat(pp_rgb(0.4f, 0.4f, 0.4f)));
        if (i % 7 != 2 && i % 7 != 6) {
            pp_pen_rect(&plain, x + 0.38f * width, y + 0.7f * step, 0.62f * width, 0.55f * step, 0,
                        pp_flat(pp_rgb(0.06f, 0.06f, 0.06f)));
        }
    }
}

void pp_draw_accordion(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float tall = pp_look_between(look, 1, 0.26f, 0.33f),
          box = pp_look_between(look, 2, 0.075f, 0.1f);
    float pull =
        0.5f + 0.5f * sinf(6.2832f * ((float)act->time_s / pp_look_between(look, 3, 1.8f, 3.2f) +
                                      look->u[4]));
    float width = 0.1f + pp_look_between(look, 5, 0.1f, 0.17f) * pull;
    float x0 = -0.09f - 0.25f * width, x1 = x0 + width;
    pp_affine place = pp_affine_move(stage->body.upper, 0, 0.6f * stage->performer->figure.torso);
    place = pp_affine_turn(place, pp_look_between(look, 6, -0.12f, 0.12f));
    pp_stage_figure(stage);
    pp_stage_arm(stage, 1, pp_affine_apply(place, x1 + box + 0.01f, 0.03f));
    pp_pen pen = pp_stage_enter(stage, place);
    draw_bellows(&pen, look, x0, x1, 0.94f * tall, 0.05f * pull);
    pp_paint shell = pp_linear(pp_shade(look->main, 1.35f), pp_shade(look->main, 0.75f), 0,
                               -tall / 2, 0, tall / 2);
    pp_pen_rect(&pen, x0 - box, -tall / 2, box, tall, 0.02f, shell);
    pp_pen_rect(&pen, x1, -tall / 2, box, tall, 0.02f, shell);
    pp_pen plain = pen;
    plain.outline = 0;
    for (int i = 0; i < 3; i++) {
        pp_pen_line(&plain, x0 - 0.75f * box, -0.3f * tall + 0.12f * tall * (float)i,
                    x0 - 0.2f * box, -0.3f * tall + 0.12f * tall * (float)i, 0.008f,
                    pp_flat(look->trim));
    }
    for (int i = 0; i < 24; i++) {
        pp_pen_ellipse(&plain, x1 + box * (0.25f + 0.25f * (float)(i % 3)),
                       tall * (-0.38f + 0.108f * (float)(i / 3)), 0.007f, 0.007f,
                       pp_flat(pp_shade(look->trim, 1.1f)));
    }
    draw_accordion_keys(&pen, stage, x0 - box - 0.042f, 0.046f, 0.92f * tall);
    pp_stage_leave(stage);
    float y = tall * (0.38f - 0.76f * act->hands[1].pitch);
    pp_stage_arm(stage, 0, pp_affine_apply(place, x0 - box - 0.035f, y));
}
