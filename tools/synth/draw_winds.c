/* Woodwinds. */
#include <math.h>

#include "performer.h"

/* The middle of the mouth, in figure coordinates. */
static pp_point mouth_of(const pp_stage *stage)
{
    return pp_affine_apply(stage->body.head_at, 0, 0.62f * stage->performer->figure.head);
}

void pp_draw_flute(const pp_stage *stage)
{
    const pp_look *look = &stage->performer->look;
    const pp_act *act = &stage->act;
    float length = pp_look_between(look, 0, 0.46f, 0.56f),
          width = pp_look_between(look, 1, 0.02f, 0.027f);
    float angle =
        stage->body.turn - pp_look_between(look, 2, 0.02f, 0.3f) - 0.25f * (1 - act->level);
    pp_point mouth = mouth_of(stage);
    pp_affine place = pp_affine_turn(pp_affine_move(pp_affine_identity(), mouth.x, mouth.y), angle);
    place = pp_affine_scale(place, -1, 1); /* along the tube, to the left of the picture */
    pp_stage_figure(stage);
    pp_point near = pp_affine_apply(place, 0.3f * length, 0.012f);
    pp_point far = pp_affine_apply(place, 0.62f * length, 0.012f);
    pp_stage_arm(stage, 1, near, -1);
    pp_pen pen = pp_stage_enter(stage, place);
    float from = -0.13f * length, to = 0.87f * length;
    pp_paint metal = pp_linear(pp_shade(look->main, 1.3f), pp_shade(look->main, 0.6f), 0,
                               -width / 2, 0, width / 2);
    pp_pen_rect(&pen, from, -width / 2, to - from, width, width / 3, metal);
    pp_pen plain = pen;
    plain.outline = 0;
    pp_pen_ellipse(&plain, 0, 0, 0.026f, 0.6f * width, pp_flat(pp_shade(look->trim, 1.25f)));
    for (int i = 0; i < 11; i++) {
        float x = length * (0.22f + 0.058f * (float)i);
        int down = (i * 5 + (int)(act->pitch * 9)) % 3 == 0 && act->level > 0.5f;
        pp_pen_ellipse(&plain, x, -0.3f * width, 0.012f, down ? 0.008f : 0.012f,
                       pp_flat(pp_shade(look->trim, down ? 0.7f : 1.1f)));
    }
    pp_pen_line(&plain, 0.18f * length, -0.6f * width, to - 0.01f, -0.6f * width, 0.004f,
                pp_flat(pp_shade(look->trim, 0.7f)));
    pp_stage_leave(stage);
    pp_stage_arm(stage, 0, far, 1);
}
