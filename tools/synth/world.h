/* What the synthetic world holds: its instruments, how each one plays and sounds, and which part of
 * all that belongs to training, validation and test. Constant tables; any thread. */
#ifndef PP_SYNTH_WORLD_H
#define PP_SYNTH_WORLD_H

#include <stdint.h>

#include "base/random.h"

/* The classes of MUSIC-21, alphabetical. The order is part of the random choices: append only. */
typedef enum pp_instrument {
    PP_ACCORDION,
    PP_ACOUSTIC_GUITAR,
    PP_BAGPIPE,
    PP_BANJO,
    PP_BASSOON,
    PP_CELLO,
    PP_CLARINET,
    PP_CONGAS,
    PP_DRUM,
    PP_ELECTRIC_BASS,
    PP_ERHU,
    PP_FLUTE,
    PP_GUZHENG,
    PP_PIANO,
    PP_PIPA,
    PP_SAXOPHONE,
    PP_TRUMPET,
    PP_TUBA,
    PP_UKULELE,
    PP_VIOLIN,
    PP_XYLOPHONE,
    PP_INSTRUMENTS
} pp_instrument;

typedef enum pp_world { PP_WORLD_TRAIN, PP_WORLD_VALIDATION, PP_WORLD_TEST } pp_world;

/* How notes are made up for it. */
typedef enum pp_manner {
    PP_MANNER_MELODY,   /* one note at a time */
    PP_MANNER_BOWED,    /* a melody, now and then two strings */
    PP_MANNER_PLUCKED,  /* picked chords, strums, melodies */
    PP_MANNER_STRUMMED, /* mostly strums */
    PP_MANNER_KEYS,     /* two hands: chords and a melody */
    PP_MANNER_BASS,     /* roots and walks */
    PP_MANNER_ROLL,     /* banjo: fast even picking over a chord */
    PP_MANNER_ZITHER,   /* melodies, runs over all strings, tremolo on one */
    PP_MANNER_MALLETS,  /* fast melodies, two at once, rolls on one bar */
    PP_MANNER_DRONE,    /* an unbroken melody over a held tone */
    PP_MANNER_DRUMS,
    PP_MANNER_CONGAS
} pp_manner;

#define PP_PROGRAMS 6

typedef struct pp_instrument_info {
    const char *name;
    pp_manner manner;
    int low, high;  /* MIDI keys it plays */
    int sustains;   /* its notes hold their level: swells and vibrato make sense */
    float vibrato;  /* widest, in cents; 0: none */
    float slide_s;  /* longest glide from note to note */
    float nasal_db; /* of a broad bell at 1.2 kHz: where no program sounds quite like it */
    int programs[PP_PROGRAMS], program_count; /* General MIDI, from 0; 128 + n: drum kit n */
    int test_programs[PP_PROGRAMS], test_program_count; /* of the test world */
} pp_instrument_info;

const pp_instrument_info *pp_instrument_get(pp_instrument instrument);
/* -1 where no instrument has the name. */
int pp_instrument_by_name(const char *name);

const char *pp_world_name(pp_world world);
int pp_world_by_name(const char *name); /* -1: unknown */

/* What a drawing may choose from: variants 0 .. PP_VARIANTS - 1 of each instrument's form, of which
 * each world has its own. */
#define PP_VARIANTS 6
int pp_world_variant(pp_world world, pp_random *random);
int pp_world_program(pp_world world, pp_instrument instrument, pp_random *random);

/* The stream of random numbers for one purpose in one item; worlds share none. */
typedef enum pp_purpose {
    PP_FOR_PLAN,
    PP_FOR_MUSIC,
    PP_FOR_LOOK,
    PP_FOR_SOUND,
    PP_FOR_BACKDROP,
    PP_FOR_NOISE,
    PP_PURPOSES
} pp_purpose;

pp_random pp_world_random(pp_world world, uint64_t seed, uint64_t item, pp_purpose purpose,
                          uint64_t part);

/* Shorthands for seeded choices. */
float pp_between(pp_random *random, float low, float high);
int pp_chance(pp_random *random, double probability);
int pp_pick(pp_random *random, int count); /* 0 .. count - 1 */

#endif
