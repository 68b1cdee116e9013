/* Xylophones. */
#include <math.h>

#include "performer.h"

typedef struct bars {
    int count;
    float left, right, top, tall,
        shrink; /* places of the row; length of the first bar, last/first */
} bars;

static float bar_x(const bars *b, float share)
{
    return b->left + (b->right - b->left) * share;
}

static void draw_frame(const pp_pen *pen, const bars *b, const pp_look *look)
{
    pp_paint leg = pp_flat(pp_shade(look->trim, 0.7f)), rail = pp_flat(look->trim);
    float bottom = b->top + b->tall;
    pp_pen_line(pen, b->left + 0.03f, bottom, b->left + 0.01f, 0, 0.022f, leg);
    pp_pen_line(pen, b->right - 0.03f, bottom, b->right - 0.01f, 0, 0.022f, leg);
    if (look->variant == 1 || look->variant == 4 || look->variant == 5) { /* resonators */
        for (int i = 0; i < b->count; i++) {
            float share = ((float)i + 0.5f) / (float)b->count, x = bar_x(b, share);
            float end = bottom + 0.22f - 0.15f * share;
            pp_pen_line(pen, x, bottom - 0.03f, x, end,
                        0.6f * (b->right - b->left) / (float)b->count,
                        pp_linear(pp_shade(look->trim, 1.3f), pp_shade(look->trim, 0.7f), x, 0,
                                  x + 0.01f, 0));
        }
    } else {
        pp_pen_line(pen, b->left, bottom + 0.06f, b->right, bottom + 0.06f, 0.016f, leg);
    }
    pp_pen_line(pen, b->left, b->top + 0.25f * b->tall, b->right,
                b->top + (0.5f - 0.25f * b->shrink) * b->tall, 0.02f, rail);
    pp_pen_line(pen, b->left, b->top + 0.8f * b->tall, b->right,
                b->top + (0.5f + 0.3f * b->shrink) * b->tall, 0.02f, rail);
}

static void draw_bars(const pp_pen *pen, const bars *b, const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    float step = (b->right - b->left) / (float)b->count;
    for (int i = 0; i < b->count; i++) {
        float share = ((float)i + 0.5f) / (float)b->count, x = bar_x(b, share);
        float tall = b->tall * (1 - (1 - b->shrink) * share), y = b->top + 0.5f * (b->tall - tall);
        float glow = 1;
        for (int hand = 0; hand < 2; hand++) {
            const pp_hand *h = &stage->act.hands[hand];
            if (h->last != NULL && h->since_s < 0.2f &&
                fabsf(h->pitch - share) < 0.6f / (float)b->count)
                glow = 1.35f - h->since_s;
        }
        pp_colour colour = look->variant == 2
                               ? pp_hsv(share * 0.83f + look->u[7], 0.75f, 0.9f)
                               : pp_shade(look->main, 0.94f + 0.12f * (float)(i & 1));
        pp_colour lit = pp_shade(colour, 1.18f * glow);
        pp_pen_rect(pen, x - 0.42f * step, y, 0.84f * step, tall, 0.008f,
                    pp_linear(lit, pp_shade(colour, 0.8f), 0, y, 0, y + tall));
    }
}

void pp_draw_xylophone(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    bars b = {.count = 11 + (int)(10 * look->u[0])};
    float half = pp_look_between(look, 1, 0.28f, 0.36f);
    b.left = -half;
    b.right = half;
    b.top = pp_look_between(look, 2, -0.5f, -0.44f) + (stage->performer->figure.seated ? 0.1f : 0);
    b.tall = pp_look_between(look, 3, 0.14f, 0.2f);
    b.shrink = pp_look_between(look, 4, 0.45f, 0.7f);
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, pp_affine_identity());
    draw_frame(&pen, &b, look);
    draw_bars(&pen, &b, stage);
    pp_stage_leave(stage);
    pp_colour ball =
        pp_hsv(look->u[5], pp_look_between(look, 6, 0, 0.8f), 0.3f + 0.6f * look->u[6]);
    for (int hand = 0; hand < 2; hand++) {
        const pp_hand *h = &act->hands[hand];
        float raise = fmaxf(h->raise * (0.4f + 0.6f * act->level), 0.25f * (1 - act->level));
        float x =
            bar_x(&b, 0.03f + 0.94f * h->pitch) + (h->last == NULL ? (hand ? 0.05f : -0.05f) : 0);
        pp_point head = {x, b.top + (0.35f + 0.2f * (float)hand) * b.tall - 0.11f * raise};
        float side = hand ? 1 : -1;
        pp_point grip = {0.55f * x + side * 0.07f, b.top - 0.05f - 0.05f * raise};
        grip = pp_stage_arm(stage, hand, grip);
        pp_pen_line(stage->pen, grip.x, grip.y, head.x, head.y, 0.009f,
                    pp_flat(pp_rgb(0.72f, 0.56f, 0.36f)));
        pp_pen_ellipse(stage->pen, head.x, head.y, 0.02f, 0.02f, pp_flat(ball));
    }
}
