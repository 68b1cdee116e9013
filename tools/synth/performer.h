/* A drawn performer: a figure and an instrument with a look of its own, moved by a part.
 *
 * One draw function an instrument, in the files draw_*.c; each draws the figure, what is held and
 * the arms in its own order, in figure coordinates (figure.h). */
#ifndef PP_SYNTH_PERFORMER_H
#define PP_SYNTH_PERFORMER_H

#include "figure.h"

#define PP_LOOKS 24

typedef struct pp_look {
    int variant;          /* 0 .. PP_VARIANTS - 1: a different build or finish of the instrument */
    float u[PP_LOOKS];    /* [0, 1): whatever else varies */
    pp_colour main, trim; /* body and details, drawn by the instrument's palette */
    float outline;
} pp_look;

typedef struct pp_performer {
    pp_instrument instrument;
    pp_figure figure;
    pp_look look;
    const pp_part *part; /* borrowed */
} pp_performer;

void pp_performer_choose(pp_performer *performer, pp_instrument instrument, pp_world world,
                         const pp_part *part, pp_random *random);
/* pen: figure coordinates to pixels. Grows canvas->box, and canvas->inner by the instrument. */
void pp_performer_draw(const pp_performer *performer, const pp_pen *pen, double time_s);

/* For the draw functions. */
typedef struct pp_stage {
    const pp_pen *pen; /* figure coordinates */
    const pp_performer *performer;
    pp_body body;
    pp_act act;
} pp_stage;

typedef void (*pp_draw_instrument)(const pp_stage *stage);
/* A pen for the instrument: what it draws counts as instrument until pp_stage_leave. */
pp_pen pp_stage_enter(const pp_stage *stage, pp_affine place);
void pp_stage_leave(const pp_stage *stage);
void pp_stage_figure(const pp_stage *stage);
pp_point pp_stage_reach(const pp_stage *stage, int side, pp_point hand);
pp_point pp_stage_arm(const pp_stage *stage, int side, pp_point hand);
/* low..high by the look's number `index`. */
float pp_look_between(const pp_look *look, int index, float low, float high);

/* The middle of the mouth, in figure coordinates. */
pp_point pp_stage_mouth(const pp_stage *stage);
/* The back of an upright's player shows. */
int pp_piano_is_upright(const pp_look *look);

void pp_draw_accordion(const pp_stage *stage);
void pp_draw_acoustic_guitar(const pp_stage *stage);
void pp_draw_bagpipe(const pp_stage *stage);
void pp_draw_banjo(const pp_stage *stage);
void pp_draw_bassoon(const pp_stage *stage);
void pp_draw_cello(const pp_stage *stage);
void pp_draw_clarinet(const pp_stage *stage);
void pp_draw_congas(const pp_stage *stage);
void pp_draw_drum(const pp_stage *stage);
void pp_draw_electric_bass(const pp_stage *stage);
void pp_draw_erhu(const pp_stage *stage);
void pp_draw_flute(const pp_stage *stage);
void pp_draw_guzheng(const pp_stage *stage);
void pp_draw_piano(const pp_stage *stage);
void pp_draw_pipa(const pp_stage *stage);
void pp_draw_saxophone(const pp_stage *stage);
void pp_draw_trumpet(const pp_stage *stage);
void pp_draw_tuba(const pp_stage *stage);
void pp_draw_ukulele(const pp_stage *stage);
void pp_draw_violin(const pp_stage *stage);
void pp_draw_xylophone(const pp_stage *stage);

#endif
