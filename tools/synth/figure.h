/* Drawn people: how one looks, how one stands at a moment, and what the hands do with the notes.
 *
 * Figure coordinates: x to the right, y down, the ground at 0, a standing person 1 high (head top
 * near -1), seen from the front. Hand 0 is the one on the left of the picture. Mirrored performers
 * are drawn with a mirrored pen. */
#ifndef PP_SYNTH_FIGURE_H
#define PP_SYNTH_FIGURE_H

#include "canvas.h"
#include "music.h"

typedef struct pp_figure {
    pp_colour skin, hair, top, legs, shoes, chair;
    int facing_away; /* the back of the head shows */
    int hair_style, beard, glasses, hat, dress, long_sleeves, seated, shirt_pattern;
    float head, shoulder, torso, arm, thick; /* radius, half width, length, bone, limb width */
    float sway, sway_s, sway_phase, lean;    /* radians, seconds, turns, radians */
    float outline;
} pp_figure;

void pp_figure_choose(pp_figure *figure, pp_random *random);

/* What a performer is doing at one moment, from its notes. */
typedef struct pp_hand {
    const pp_note *last, *next; /* borrowed; NULL: none */
    float pitch;                /* 0..1 over the part's keys, moving from one note to the next */
    float move;                 /* 0 where it last struck .. 1 where it will strike next */
    float raise;                /* 0 at the strike, 1 up in between */
    float since_s;              /* since its last strike; large if none */
} pp_hand;

typedef struct pp_act {
    double time_s;
    const pp_part *part; /* borrowed */
    float level;         /* 0 resting .. 1 playing, smooth */
    float bow;           /* -1..1: where the stroke is on its way */
    float pitch;         /* 0..1 over the part's keys, of the newest note, gliding */
    float pulse;         /* 1 at a note's start, gone 0.2 s later, times its velocity */
    pp_hand hands[3];    /* 2: the foot */
} pp_act;

void pp_act_at(pp_act *act, const pp_part *part, double time_s);
int pp_act_pressed(const pp_act *act, int key); /* that key sounds now */

typedef struct pp_body {
    pp_point hip, neck, head, shoulder[2];
    float turn;        /* of the upper body, radians */
    pp_affine upper;   /* frame of what is held: origin at the middle of the shoulders */
    pp_affine head_at; /* frame of the head: origin its middle */
} pp_body;

void pp_body_pose(pp_body *body, const pp_figure *figure, const pp_act *act);

/* Chair, legs, torso and head; then, over the instrument, each arm to where its hand is. */
void pp_figure_draw(const pp_pen *pen, const pp_figure *figure, const pp_body *body);
/* A hand out of reach is pulled in, and returned; pp_figure_reach says beforehand where it would
 * be. The elbow goes outwards and down. */
pp_point pp_figure_reach(const pp_figure *figure, const pp_body *body, int side, pp_point hand);
pp_point pp_figure_arm(const pp_pen *pen, const pp_figure *figure, const pp_body *body, int side,
                       pp_point hand);

#endif
