#include "performer.h"

#include <math.h>

static const pp_draw_instrument drawers[PP_INSTRUMENTS] = {
    [PP_ACOUSTIC_GUITAR] = pp_draw_acoustic_guitar,
    [PP_FLUTE] = pp_draw_flute,
    [PP_VIOLIN] = pp_draw_violin,
    [PP_XYLOPHONE] = pp_draw_xylophone,
};

float pp_look_between(const pp_look *look, int index, float low, float high)
{
    return low + (high - low) * look->u[index];
}

/* Body and trim by instrument and variant, hue, saturation and value, then varied. */
typedef struct finish {
    float main[3], trim[3];
} finish;

static const finish finishes[PP_INSTRUMENTS][PP_VARIANTS] = {
    [PP_ACOUSTIC_GUITAR] = {{{0.10f, 0.55f, 0.85f}, {0.06f, 0.6f, 0.3f}},
                            {{0.07f, 0.75f, 0.70f}, {0.05f, 0.7f, 0.15f}},
                            {{0.12f, 0.35f, 0.95f}, {0.04f, 0.7f, 0.35f}},
                            {{0.04f, 0.75f, 0.45f}, {0.08f, 0.5f, 0.2f}},
                            {{0.09f, 0.65f, 0.78f}, {0.02f, 0.6f, 0.25f}},
                            {{0.085f, 0.6f, 0.9f}, {0.07f, 0.8f, 0.25f}}},
    [PP_FLUTE] = {{{0.6f, 0.04f, 0.88f}, {0.6f, 0.08f, 0.65f}},
                  {{0.12f, 0.5f, 0.92f}, {0.11f, 0.6f, 0.7f}},
                  {{0.58f, 0.1f, 0.8f}, {0.12f, 0.5f, 0.8f}},
                  {{0.6f, 0.02f, 0.98f}, {0.6f, 0.1f, 0.5f}},
                  {{0.1f, 0.12f, 0.9f}, {0.6f, 0.1f, 0.6f}},
                  {{0.6f, 0.06f, 0.8f}, {0.1f, 0.4f, 0.85f}}},
    [PP_VIOLIN] = {{{0.055f, 0.8f, 0.62f}, {0.05f, 0.6f, 0.12f}},
                   {{0.025f, 0.85f, 0.5f}, {0.0f, 0.0f, 0.08f}},
                   {{0.085f, 0.75f, 0.78f}, {0.05f, 0.6f, 0.2f}},
                   {{0.045f, 0.7f, 0.38f}, {0.0f, 0.0f, 0.07f}},
                   {{0.07f, 0.8f, 0.68f}, {0.03f, 0.6f, 0.1f}},
                   {{0.04f, 0.8f, 0.58f}, {0.04f, 0.5f, 0.15f}}},
    [PP_XYLOPHONE] = {{{0.06f, 0.65f, 0.5f}, {0.08f, 0.5f, 0.35f}},
                      {{0.03f, 0.7f, 0.35f}, {0.12f, 0.55f, 0.8f}},
                      {{0.0f, 0.8f, 0.9f}, {0.09f, 0.5f, 0.7f}},
                      {{0.1f, 0.45f, 0.75f}, {0.0f, 0.0f, 0.15f}},
                      {{0.05f, 0.6f, 0.45f}, {0.0f, 0.0f, 0.6f}},
                      {{0.045f, 0.6f, 0.55f}, {0.11f, 0.5f, 0.6f}}},
};

static pp_colour varied(const float hsv[3], pp_random *random)
{
    float hue = hsv[0] + pp_between(random, -0.015f, 0.015f);
    float saturation = hsv[1] * pp_between(random, 0.85f, 1.1f);
    float value = hsv[2] * pp_between(random, 0.85f, 1.12f);
    return pp_hsv(hue, fminf(saturation, 1), fminf(value, 1));
}

void pp_performer_choose(pp_performer *p, pp_instrument instrument, pp_world world,
                         const pp_part *part, pp_random *random)
{
    *p = (pp_performer){.instrument = instrument, .part = part};
    pp_figure_choose(&p->figure, random);
    p->look.variant = pp_world_variant(world, random);
    for (int i = 0; i < PP_LOOKS; i++) p->look.u[i] = pp_between(random, 0, 1);
    const finish *f = &finishes[instrument][p->look.variant];
    p->look.main = varied(f->main, random);
    p->look.trim = varied(f->trim, random);
    p->look.outline = p->figure.outline;
}

void pp_performer_draw(const pp_performer *p, const pp_pen *pen, double time_s)
{
    pp_pen own = *pen;
    own.outline = p->look.outline;
    own.outline_colour = pp_rgb(0.1f, 0.08f, 0.08f);
    pp_stage stage = {.pen = &own, .performer = p};
    pp_act_at(&stage.act, p->part, time_s);
    pp_body_pose(&stage.body, &p->figure, &stage.act);
    drawers[p->instrument](&stage);
}

pp_pen pp_stage_enter(const pp_stage *stage, pp_affine place)
{
    pp_pen pen = *stage->pen;
    pen.frame = pp_affine_then(pen.frame, place);
    float size = sqrtf(fabsf(place.xx * place.yy - place.xy * place.yx));
    pen.outline /= size > 1e-6f ? size : 1;
    pen.canvas->in_inner = 1;
    return pen;
}

void pp_stage_leave(const pp_stage *stage)
{
    stage->pen->canvas->in_inner = 0;
}

void pp_stage_figure(const pp_stage *stage)
{
    pp_figure_draw(stage->pen, &stage->performer->figure, &stage->body);
}

pp_point pp_stage_arm(const pp_stage *stage, int side, pp_point hand, float bend)
{
    return pp_figure_arm(stage->pen, &stage->performer->figure, &stage->body, side, hand, bend);
}
