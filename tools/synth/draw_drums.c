/* Drum kits and congas. */
#include <math.h>

#include "performer.h"

/* Where a key of the drum kit is struck. */
typedef enum piece { KICK, SNARE, HAT, RIDE, CRASH, HIGH_TOM, LOW_TOM, FLOOR_TOM, PIECES } piece;

static piece piece_of(int key)
{
    switch (key) {
    case 36:
        return KICK;
    case 42:
    case 46:
        return HAT;
    case 49:
        return CRASH;
    case 51:
        return RIDE;
    case 48:
    case 50:
        return HIGH_TOM;
    case 45:
    case 47:
        return LOW_TOM;
    case 41:
    case 43:
        return FLOOR_TOM;
    default:
        return SNARE;
    }
}

typedef struct kit {
    pp_point at[PIECES];
    float hit[PIECES]; /* 1 just struck .. 0 */
} kit;

static kit set_up_kit(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    kit k = {.at = {[KICK] = {0, -0.2f},
                    [SNARE] = {-0.17f, -0.36f},
                    [HAT] = {-0.31f, -0.47f},
                    [RIDE] = {0.3f, -0.6f},
                    [CRASH] = {-0.22f, -0.68f},
                    [HIGH_TOM] = {-0.075f, -0.44f},
                    [LOW_TOM] = {0.085f, -0.44f},
                    [FLOOR_TOM] = {0.25f, -0.33f}}};
    for (int i = 0; i < PIECES; i++) {
        k.at[i].x *= pp_look_between(look, 1, 0.92f, 1.12f);
        k.at[i].y += 0.02f * (look->u[(2 + i) % PP_LOOKS] - 0.5f);
    }
    const pp_part *part = stage->act.part;
    for (size_t i = pp_part_after(part, stage->act.time_s), seen = 0; i > 0 && seen < 12;
         i--, seen++) {
        float since = (float)(stage->act.time_s - part->notes[i - 1].on_s);
        int which = piece_of(part->notes[i - 1].key);
        k.hit[which] =
            fmaxf(k.hit[which], 1 - since / (which == CRASH || which == RIDE ? 0.6f : 0.2f));
    }
    return k;
}

static void draw_tom(const pp_pen *pen, const pp_look *look, pp_point at, float rx, float tall,
                     float hit)
{
    float ry = 0.32f * rx;
    pp_pen_rect(pen, at.x - rx, at.y, 2 * rx, tall, 0.01f,
                pp_linear(pp_shade(look->main, 1.35f), pp_shade(look->main, 0.65f), at.x - rx, 0,
                          at.x + rx, 0));
    pp_pen_ellipse(pen, at.x, at.y + tall, rx, 0.6f * ry, pp_flat(pp_shade(look->main, 0.7f)));
    pp_pen_ellipse(pen, at.x, at.y, 1.04f * rx, 1.08f * ry, pp_flat(pp_shade(look->trim, 0.75f)));
    pp_pen_ellipse(pen, at.x, at.y + 0.006f * hit, 0.94f * rx, 0.94f * ry,
                   pp_flat(pp_shade(pp_rgb(0.93f, 0.92f, 0.88f), 1 - 0.12f * hit)));
}

static void draw_cymbal(const pp_pen *pen, const pp_look *look, pp_point at, float rx, float tilt,
                        float hit)
{
    pp_pen_line(pen, at.x, at.y, at.x + 0.02f, 0, 0.01f, pp_flat(pp_rgb(0.55f, 0.55f, 0.58f)));
    pp_pen plate = pp_pen_at(*pen, at.x, at.y, tilt + 0.22f * hit * sinf(40 * hit), 1);
    pp_colour bronze = pp_hsv(0.12f, 0.55f, pp_look_between(look, 9, 0.7f, 0.9f));
    pp_pen_ellipse(
        &plate, 0, 0, rx, 0.22f * rx,
        pp_linear(pp_shade(bronze, 0.75f), pp_shade(bronze, 1.35f), -rx, 0, 0.6f * rx, 0));
    pp_pen_ellipse(&plate, 0, -0.01f, 0.2f * rx, 0.09f * rx, pp_flat(pp_shade(bronze, 0.85f)));
}

static void draw_bass_drum(const pp_pen *pen, const pp_look *look, const kit *k)
{
    float r = pp_look_between(look, 0, 0.165f, 0.195f), swell = 1 + 0.03f * k->hit[KICK];
    pp_point at = {k->at[KICK].x, -r - 0.005f};
    pp_pen_ellipse(pen, at.x, at.y, r, r, pp_flat(look->main));
    pp_pen_ring(pen, at.x, at.y, 0.94f * r, 0.94f * r, 0.02f, pp_flat(look->trim));
    pp_colour head = look->u[10] < 0.5f ? pp_rgb(0.94f, 0.93f, 0.9f) : pp_rgb(0.1f, 0.1f, 0.11f);
    pp_pen_ellipse(pen, at.x, at.y, 0.87f * r * swell, 0.87f * r * swell,
                   pp_radial(pp_shade(head, 1.1f), pp_shade(head, 0.85f), at.x, at.y, r));
    if (look->u[11] < 0.6f) {
        pp_pen_ellipse(pen, at.x, at.y, 0.35f * r, 0.35f * r,
                       pp_flat(pp_hsv(look->u[12], 0.6f, 0.6f)));
    }
}

static void draw_stick(const pp_stage *stage, const kit *k, int hand)
{
    const pp_hand *h = &stage->act.hands[hand];
    int from = h->last != NULL ? (int)piece_of(h->last->key) : hand ? HAT : SNARE;
    int to = h->next != NULL ? (int)piece_of(h->next->key) : from;
    pp_point a = k->at[from], b = k->at[to];
    float raise = fmaxf(h->raise * (0.4f + 0.6f * stage->act.level), 0.3f * (1 - stage->act.level));
    pp_point tip = {a.x + (b.x - a.x) * h->move, a.y + (b.y - a.y) * h->move - 0.13f * raise};
    /* Hand 1 of the part is the right one, on the left of the picture. */
    int side = !hand;
    pp_point shoulder = stage->body.shoulder[side];
    float dx = shoulder.x - tip.x, dy = shoulder.y + 0.2f - tip.y,
          far = fmaxf(sqrtf(dx * dx + dy * dy), 0.01f);
    pp_point grip = {tip.x + dx / far * 0.19f, tip.y + dy / far * 0.19f - 0.05f * raise};
    grip = pp_stage_arm(stage, side, grip);
    pp_pen_line(stage->pen, grip.x, grip.y, tip.x, tip.y, 0.011f,
                pp_flat(pp_rgb(0.8f, 0.64f, 0.42f)));
}

void pp_draw_drum(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    kit k = set_up_kit(stage);
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, pp_affine_identity());
    draw_cymbal(&pen, look, k.at[CRASH], 0.11f, -0.2f, k.hit[CRASH]);
    draw_cymbal(&pen, look, k.at[RIDE], 0.13f, 0.22f, k.hit[RIDE]);
    draw_bass_drum(&pen, look, &k);
    draw_tom(&pen, look, k.at[HIGH_TOM], 0.075f, 0.08f, k.hit[HIGH_TOM]);
    draw_tom(&pen, look, k.at[LOW_TOM], 0.08f, 0.09f, k.hit[LOW_TOM]);
    draw_tom(&pen, look, k.at[FLOOR_TOM], 0.1f, 0.2f, k.hit[FLOOR_TOM]);
    draw_tom(&pen, look, k.at[SNARE], 0.09f, 0.06f, k.hit[SNARE]);
    pp_pen_line(&pen, k.at[SNARE].x, k.at[SNARE].y + 0.08f, k.at[SNARE].x, 0, 0.012f,
                pp_flat(pp_rgb(0.6f, 0.6f, 0.62f)));
    draw_cymbal(&pen, look, k.at[HAT], 0.085f, 0.03f, k.hit[HAT]);
    draw_cymbal(&pen, look, (pp_point){k.at[HAT].x, k.at[HAT].y + 0.018f}, 0.085f, 0.02f, 0);
    pp_stage_leave(stage);
    draw_stick(stage, &k, 0);
    draw_stick(stage, &k, 1);
}

static void draw_conga(const pp_pen *pen, const pp_look *look, float x, float top, float width,
                       float hit, pp_colour wood)
{
    float half = 0.5f * width, tall = -top;
    const pp_point shell[8] = {{x - 0.86f * half, top},
                               {x - 1.08f * half, top + 0.35f * tall},
                               {x - 0.9f * half, top + 0.75f * tall},
                               {x - 0.62f * half, 0},
                               {x + 0.62f * half, 0},
                               {x + 0.9f * half, top + 0.75f * tall},
                               {x + 1.08f * half, top + 0.35f * tall},
                               {x + 0.86f * half, top}};
    pp_pen_blob(pen, shell, 8,
                pp_linear(pp_shade(wood, 1.3f), pp_shade(wood, 0.6f), x - half, 0, x + half, 0));
    pp_pen plain = *pen;
    plain.outline = 0;
    for (int i = -1; i <= 1; i++) {
        pp_pen_line(&plain, x + 0.6f * half * (float)i, top + 0.02f, x + 0.66f * half * (float)i,
                    top + 0.2f, 0.009f, pp_flat(look->trim));
    }
    pp_pen_rect(&plain, x - 1.05f * half, top + 0.42f * tall, 2.1f * half, 0.014f, 0,
                pp_flat(look->trim));
    pp_pen_ellipse(pen, x, top, 0.98f * half, 0.3f * half, pp_flat(look->trim));
    pp_pen_ellipse(&plain, x, top, 0.86f * half, 0.24f * half,
                   pp_flat(pp_shade(pp_rgb(0.92f, 0.86f, 0.74f), 1 - 0.15f * hit)));
}

void pp_draw_congas(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    int seated = stage->performer->figure.seated, three = look->u[1] < 0.35f;
    float top = (seated ? -0.37f : -0.47f) + pp_look_between(look, 2, -0.02f, 0.02f);
    float width = pp_look_between(look, 3, 0.15f, 0.185f), apart = 1.05f * width;
    pp_stage_figure(stage);
    pp_pen pen = pp_stage_enter(stage, pp_affine_identity());
    float hit[3] = {0};
    const pp_part *part = stage->act.part;
    for (size_t i = pp_part_after(part, stage->act.time_s), seen = 0; i > 0 && seen < 4;
         i--, seen++) {
        int which = part->notes[i - 1].key == 64 ? 1 : 0;
        float since = (float)(stage->act.time_s - part->notes[i - 1].on_s);
        hit[which] = fmaxf(hit[which], 1 - since / 0.15f);
    }
    if (three) draw_conga(&pen, look, 0, top - 0.03f, 0.95f * width, 0, pp_shade(look->main, 0.9f));
    draw_conga(&pen, look, -0.5f * apart - 0.04f * (float)three, top, width, hit[0], look->main);
    draw_conga(&pen, look, 0.5f * apart + 0.04f * (float)three, top, 1.06f * width, hit[1],
               pp_shade(look->main, 0.92f));
    pp_stage_leave(stage);
    for (int hand = 0; hand < 2; hand++) {
        const pp_hand *h = &stage->act.hands[hand];
        int low_last = h->last != NULL && h->last->key == 64,
            low_next = h->next != NULL && h->next->key == 64;
        float low = (float)low_last + ((float)low_next - (float)low_last) * h->move;
        float raise =
            fmaxf(h->raise * (0.4f + 0.6f * stage->act.level), 0.3f * (1 - stage->act.level));
        float x = (low - 0.5f) * apart + (hand ? 0.03f : -0.03f);
        pp_stage_arm(stage, hand, (pp_point){x, top - 0.012f - 0.1f * raise});
    }
}
