/* Inside the composer: what the manners of playing share. For music.c and manners.c. */
#ifndef PP_SYNTH_COMPOSE_H
#define PP_SYNTH_COMPOSE_H

#include "music.h"

typedef struct pp_composer {
    pp_part *part;
    const pp_piece *piece;
    const pp_instrument_info *info;
    pp_random *random;
    double seconds;
    double from_s, until_s;             /* of the phrase being written */
    float loudness;                     /* of the phrase, 0..1 */
    float legato;                       /* sounding share of a note's time */
    float busy;                         /* 0: long notes, 1: short ones */
    int degree;                         /* where the melody stands */
    int figure, direction, figure_left; /* what the melody is doing, and for how many notes yet */
    int low, high;                      /* keys of the register chosen for this part */
    pp_status status;                   /* the first failure; adding notes then does nothing */
    pp_error *err;
} pp_composer;

/* Adds a note, cut to the video, its timing and velocity a little uneven. */
void pp_compose_add(pp_composer *c, double on_s, double off_s, int key, float velocity, int hand);

int pp_compose_chord(const pp_composer *c, double time_s); /* degree of the chord at that time */
/* The key of a scale degree, moved by octaves into low..high. */
int pp_compose_key(const pp_composer *c, int degree, int low, int high);
int pp_compose_degree_key(const pp_composer *c, int degree); /* as it is: degree 0 near key 60 */
double pp_compose_next_beat(const pp_composer *c, double time_s, double beats);
/* Keys of `count` chord tones going up from `low`. */
void pp_compose_tones(const pp_composer *c, double time_s, int low, int count, int *keys);

/* Each fills one phrase, from_s to until_s. */
void pp_manner_melody(pp_composer *c, int low, int high, int hand);
void pp_manner_bowed(pp_composer *c);
void pp_manner_plucked(pp_composer *c);
void pp_manner_keys(pp_composer *c);
void pp_manner_bass(pp_composer *c);
void pp_manner_roll(pp_composer *c);
void pp_manner_mallets(pp_composer *c);
void pp_manner_strummed(pp_composer *c);
void pp_manner_zither(pp_composer *c);
void pp_manner_drone(pp_composer *c);
void pp_manner_drums(pp_composer *c);
void pp_manner_congas(pp_composer *c);

#endif
