#include "performer.h"

#include <math.h>

static const pp_draw_instrument drawers[PP_INSTRUMENTS] = {
    [PP_ACCORDION] = pp_draw_accordion, [PP_ACOUSTIC_GUITAR] = pp_draw_acoustic_guitar,
    [PP_BAGPIPE] = pp_draw_bagpipe,     [PP_BANJO] = pp_draw_banjo,
    [PP_BASSOON] = pp_draw_bassoon,     [PP_CELLO] = pp_draw_cello,
    [PP_CLARINET] = pp_draw_clarinet,   [PP_CONGAS] = pp_draw_congas,
    [PP_DRUM] = pp_draw_drum,           [PP_ELECTRIC_BASS] = pp_draw_electric_bass,
    [PP_ERHU] = pp_draw_erhu,           [PP_FLUTE] = pp_draw_flute,
    [PP_GUZHENG] = pp_draw_guzheng,     [PP_PIANO] = pp_draw_piano,
    [PP_PIPA] = pp_draw_pipa,           [PP_SAXOPHONE] = pp_draw_saxophone,
    [PP_TRUMPET] = pp_draw_trumpet,     [PP_TUBA] = pp_draw_tuba,
    [PP_UKULELE] = pp_draw_ukulele,     [PP_VIOLIN] = pp_draw_violin,
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
    [PP_BAGPIPE] = {{{0, 0.75f, 0.5f}, {0, 0, 0.12f}},
                    {{0.33f, 0.7f, 0.35f}, {0.05f, 0.6f, 0.2f}},
                    {{0.62f, 0.7f, 0.4f}, {0, 0, 0.1f}},
                    {{0.95f, 0.6f, 0.3f}, {0.05f, 0.5f, 0.3f}},
                    {{0.1f, 0.6f, 0.45f}, {0, 0, 0.12f}},
                    {{0.02f, 0.7f, 0.55f}, {0.04f, 0.5f, 0.18f}}},
    [PP_CONGAS] = {{{0.08f, 0.65f, 0.65f}, {0.6f, 0.03f, 0.8f}},
                   {{0, 0.7f, 0.5f}, {0.12f, 0.5f, 0.8f}},
                   {{0.04f, 0.7f, 0.3f}, {0.6f, 0.03f, 0.75f}},
                   {{0.58f, 0.6f, 0.5f}, {0.12f, 0.4f, 0.85f}},
                   {{0.1f, 0.6f, 0.75f}, {0.6f, 0.03f, 0.7f}},
                   {{0.05f, 0.7f, 0.5f}, {0.12f, 0.45f, 0.8f}}},
    [PP_ERHU] = {{{0.03f, 0.7f, 0.3f}, {0.1f, 0.3f, 0.6f}},
                 {{0, 0.75f, 0.4f}, {0.08f, 0.35f, 0.5f}},
                 {{0.06f, 0.6f, 0.25f}, {0.1f, 0.25f, 0.7f}},
                 {{0.04f, 0.65f, 0.5f}, {0.07f, 0.3f, 0.4f}},
                 {{0.02f, 0.7f, 0.35f}, {0.1f, 0.3f, 0.55f}},
                 {{0.05f, 0.7f, 0.32f}, {0.09f, 0.3f, 0.6f}}},
    [PP_GUZHENG] = {{{0.06f, 0.65f, 0.45f}, {0.1f, 0.4f, 0.85f}},
                    {{0.03f, 0.7f, 0.3f}, {0.11f, 0.45f, 0.8f}},
                    {{0.08f, 0.6f, 0.6f}, {0.1f, 0.3f, 0.9f}},
                    {{0.02f, 0.6f, 0.22f}, {0.1f, 0.4f, 0.75f}},
                    {{0.05f, 0.65f, 0.4f}, {0.1f, 0.35f, 0.85f}},
                    {{0.07f, 0.65f, 0.5f}, {0.1f, 0.4f, 0.85f}}},
    [PP_PIPA] = {{{0.08f, 0.55f, 0.75f}, {0.04f, 0.6f, 0.3f}},
                 {{0.06f, 0.65f, 0.6f}, {0.03f, 0.6f, 0.2f}},
                 {{0.1f, 0.45f, 0.85f}, {0.05f, 0.6f, 0.35f}},
                 {{0.05f, 0.6f, 0.5f}, {0.1f, 0.2f, 0.85f}},
                 {{0.09f, 0.5f, 0.8f}, {0.03f, 0.6f, 0.25f}},
                 {{0.075f, 0.6f, 0.7f}, {0.04f, 0.6f, 0.22f}}},
    [PP_UKULELE] = {{{0.08f, 0.7f, 0.7f}, {0.05f, 0.7f, 0.3f}},
                    {{0.05f, 0.75f, 0.55f}, {0.04f, 0.7f, 0.2f}},
                    {{0.11f, 0.5f, 0.85f}, {0.06f, 0.6f, 0.3f}},
                    {{0.55f, 0.6f, 0.7f}, {0, 0, 0.95f}},
                    {{0.02f, 0.75f, 0.5f}, {0.1f, 0.3f, 0.8f}},
                    {{0.07f, 0.7f, 0.62f}, {0.05f, 0.7f, 0.25f}}},
    [PP_ACCORDION] = {{{0.99f, 0.8f, 0.6f}, {0.12f, 0.5f, 0.85f}},
                      {{0.62f, 0.7f, 0.45f}, {0, 0, 0.9f}},
                      {{0, 0, 0.12f}, {0.12f, 0.5f, 0.8f}},
                      {{0.36f, 0.6f, 0.4f}, {0, 0, 0.85f}},
                      {{0.98f, 0.75f, 0.45f}, {0, 0, 0.1f}},
                      {{0.01f, 0.7f, 0.7f}, {0, 0, 0.9f}}},
    [PP_ACOUSTIC_GUITAR] = {{{0.1f, 0.55f, 0.85f}, {0.06f, 0.6f, 0.3f}},
                            {{0.07f, 0.75f, 0.7f}, {0.05f, 0.7f, 0.15f}},
                            {{0.12f, 0.35f, 0.95f}, {0.04f, 0.7f, 0.35f}},
                            {{0.04f, 0.75f, 0.45f}, {0.08f, 0.5f, 0.2f}},
                            {{0.09f, 0.65f, 0.78f}, {0.02f, 0.6f, 0.25f}},
                            {{0.085f, 0.6f, 0.9f}, {0.07f, 0.8f, 0.25f}}},
    [PP_BANJO] = {{{0.06f, 0.6f, 0.45f}, {0.1f, 0.05f, 0.95f}},
                  {{0.03f, 0.65f, 0.3f}, {0.12f, 0.12f, 0.98f}},
                  {{0.08f, 0.55f, 0.6f}, {0.6f, 0.03f, 0.9f}},
                  {{0, 0, 0.12f}, {0.1f, 0.08f, 0.97f}},
                  {{0.05f, 0.6f, 0.4f}, {0.11f, 0.15f, 0.93f}},
                  {{0.04f, 0.6f, 0.5f}, {0.1f, 0.1f, 0.96f}}},
    [PP_BASSOON] = {{{0.02f, 0.75f, 0.4f}, {0.6f, 0.03f, 0.85f}},
                    {{0, 0.7f, 0.3f}, {0.12f, 0.4f, 0.85f}},
                    {{0.05f, 0.7f, 0.5f}, {0.6f, 0.03f, 0.8f}},
                    {{0.98f, 0.65f, 0.24f}, {0.6f, 0.02f, 0.9f}},
                    {{0.03f, 0.7f, 0.35f}, {0.6f, 0.05f, 0.8f}},
                    {{0.01f, 0.72f, 0.42f}, {0.1f, 0.25f, 0.85f}}},
    [PP_CELLO] = {{{0.055f, 0.8f, 0.55f}, {0.05f, 0.6f, 0.12f}},
                  {{0.03f, 0.8f, 0.42f}, {0, 0, 0.08f}},
                  {{0.08f, 0.75f, 0.68f}, {0.05f, 0.6f, 0.15f}},
                  {{0.045f, 0.7f, 0.34f}, {0, 0, 0.07f}},
                  {{0.06f, 0.8f, 0.6f}, {0.03f, 0.6f, 0.1f}},
                  {{0.045f, 0.8f, 0.5f}, {0.04f, 0.5f, 0.12f}}},
    [PP_CLARINET] = {{{0, 0, 0.1f}, {0.6f, 0.03f, 0.9f}},
                     {{0.05f, 0.4f, 0.13f}, {0.12f, 0.45f, 0.88f}},
                     {{0, 0, 0.16f}, {0.6f, 0.03f, 0.8f}},
                     {{0.03f, 0.5f, 0.2f}, {0.6f, 0.02f, 0.92f}},
                     {{0, 0, 0.12f}, {0.6f, 0.05f, 0.85f}},
                     {{0.62f, 0.2f, 0.14f}, {0.6f, 0.03f, 0.88f}}},
    [PP_DRUM] = {{{0, 0.8f, 0.6f}, {0.6f, 0.02f, 0.9f}},
                 {{0.6f, 0.75f, 0.55f}, {0.12f, 0.5f, 0.9f}},
                 {{0, 0, 0.13f}, {0.12f, 0.55f, 0.85f}},
                 {{0.08f, 0.6f, 0.6f}, {0.12f, 0.45f, 0.9f}},
                 {{0.1f, 0.1f, 0.9f}, {0.12f, 0.5f, 0.85f}},
                 {{0.35f, 0.6f, 0.4f}, {0.12f, 0.5f, 0.88f}}},
    [PP_ELECTRIC_BASS] = {{{0, 0.85f, 0.75f}, {0, 0, 0.95f}},
                          {{0.58f, 0.75f, 0.7f}, {0.1f, 0.1f, 0.95f}},
                          {{0.07f, 0.7f, 0.55f}, {0.05f, 0.6f, 0.2f}},
                          {{0, 0, 0.1f}, {0, 0, 0.9f}},
                          {{0.13f, 0.25f, 0.92f}, {0.05f, 0.6f, 0.25f}},
                          {{0.09f, 0.8f, 0.8f}, {0, 0, 0.12f}}},
    [PP_FLUTE] = {{{0.6f, 0.04f, 0.88f}, {0.6f, 0.08f, 0.65f}},
                  {{0.12f, 0.5f, 0.92f}, {0.11f, 0.6f, 0.7f}},
                  {{0.58f, 0.1f, 0.8f}, {0.12f, 0.5f, 0.8f}},
                  {{0.6f, 0.02f, 0.98f}, {0.6f, 0.1f, 0.5f}},
                  {{0.1f, 0.12f, 0.9f}, {0.6f, 0.1f, 0.6f}},
                  {{0.6f, 0.06f, 0.8f}, {0.1f, 0.4f, 0.85f}}},
    [PP_PIANO] = {{{0, 0, 0.1f}, {0.08f, 0.5f, 0.75f}},
                  {{0.06f, 0.65f, 0.4f}, {0.1f, 0.5f, 0.6f}},
                  {{0, 0, 0.08f}, {0.1f, 0.6f, 0.8f}},
                  {{0.6f, 0.1f, 0.25f}, {0, 0, 0.6f}},
                  {{0.03f, 0.7f, 0.3f}, {0.1f, 0.5f, 0.6f}},
                  {{0, 0, 0.13f}, {0.09f, 0.5f, 0.7f}}},
    [PP_SAXOPHONE] = {{{0.125f, 0.65f, 0.85f}, {0.12f, 0.4f, 0.95f}},
                      {{0.115f, 0.75f, 0.7f}, {0.12f, 0.5f, 0.9f}},
                      {{0.6f, 0.04f, 0.85f}, {0.12f, 0.5f, 0.8f}},
                      {{0.13f, 0.5f, 0.9f}, {0.6f, 0.03f, 0.85f}},
                      {{0.11f, 0.7f, 0.78f}, {0.12f, 0.45f, 0.9f}},
                      {{0.12f, 0.6f, 0.82f}, {0.12f, 0.5f, 0.92f}}},
    [PP_TRUMPET] = {{{0.125f, 0.65f, 0.9f}, {0.12f, 0.4f, 0.95f}},
                    {{0.6f, 0.03f, 0.9f}, {0.12f, 0.5f, 0.85f}},
                    {{0.11f, 0.75f, 0.75f}, {0.6f, 0.03f, 0.85f}},
                    {{0.13f, 0.45f, 0.93f}, {0.12f, 0.5f, 0.8f}},
                    {{0.12f, 0.7f, 0.82f}, {0.12f, 0.4f, 0.9f}},
                    {{0.12f, 0.6f, 0.88f}, {0.6f, 0.03f, 0.9f}}},
    [PP_TUBA] = {{{0.125f, 0.6f, 0.85f}, {0.12f, 0.45f, 0.95f}},
                 {{0.6f, 0.03f, 0.85f}, {0.12f, 0.4f, 0.8f}},
                 {{0.11f, 0.72f, 0.7f}, {0.12f, 0.5f, 0.85f}},
                 {{0.13f, 0.5f, 0.9f}, {0.6f, 0.03f, 0.8f}},
                 {{0.12f, 0.66f, 0.78f}, {0.12f, 0.4f, 0.9f}},
                 {{0.12f, 0.62f, 0.82f}, {0.6f, 0.03f, 0.85f}}},
    [PP_VIOLIN] = {{{0.055f, 0.8f, 0.62f}, {0.05f, 0.6f, 0.12f}},
                   {{0.025f, 0.85f, 0.5f}, {0, 0, 0.08f}},
                   {{0.085f, 0.75f, 0.78f}, {0.05f, 0.6f, 0.2f}},
                   {{0.045f, 0.7f, 0.38f}, {0, 0, 0.07f}},
                   {{0.07f, 0.8f, 0.68f}, {0.03f, 0.6f, 0.1f}},
                   {{0.04f, 0.8f, 0.58f}, {0.04f, 0.5f, 0.15f}}},
    [PP_XYLOPHONE] = {{{0.06f, 0.65f, 0.5f}, {0.08f, 0.5f, 0.35f}},
                      {{0.03f, 0.7f, 0.35f}, {0.12f, 0.55f, 0.8f}},
                      {{0, 0.8f, 0.9f}, {0.09f, 0.5f, 0.7f}},
                      {{0.1f, 0.45f, 0.75f}, {0, 0, 0.15f}},
                      {{0.05f, 0.6f, 0.45f}, {0, 0, 0.6f}},
                      {{0.045f, 0.6f, 0.55f}, {0.11f, 0.5f, 0.6f}}},
};

static pp_colour varied(const float hsv[3], pp_random *random)
{
    float hue = hsv[0] + pp_between(random, -0.015f, 0.015f);
    float saturation = hsv[1] * pp_between(random, 0.85f, 1.1f);
    float value = hsv[2] * pp_between(random, 0.85f, 1.12f);
    return pp_hsv(hue, fminf(saturation, 1), fminf(value, 1));
}

/* What the instrument asks of its player. */
static void pose_for(pp_performer *p)
{
    pp_figure *f = &p->figure;
    switch (p->instrument) {
    case PP_CELLO:
    case PP_ERHU:
    case PP_PIPA:
    case PP_DRUM:
    case PP_PIANO:
        f->seated = 1;
        break;
    case PP_TUBA:
    case PP_BASSOON:
    case PP_ACCORDION:
        f->seated |= p->look.u[0] < 0.5f;
        break;
    case PP_XYLOPHONE:
        f->seated = 0;
        break;
    default:
        break;
    }
    f->facing_away = p->instrument == PP_PIANO && pp_piano_is_upright(&p->look);
    if (p->instrument == PP_PIANO || p->instrument == PP_DRUM) f->sway = fminf(f->sway, 0.04f);
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
    pose_for(p);
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

pp_point pp_stage_arm(const pp_stage *stage, int side, pp_point hand)
{
    return pp_figure_arm(stage->pen, &stage->performer->figure, &stage->body, side, hand);
}

pp_point pp_stage_reach(const pp_stage *stage, int side, pp_point hand)
{
    return pp_figure_reach(&stage->performer->figure, &stage->body, side, hand);
}

pp_point pp_stage_mouth(const pp_stage *stage)
{
    return pp_affine_apply(stage->body.head_at, 0, 0.62f * stage->performer->figure.head);
}
