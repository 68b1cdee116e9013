/* Crops of a clip's sound, made different each time: pitch, room, equaliser, noise, level.
 *
 * What is done is chosen from random numbers alone and applied by pure functions, so that a mix
 * depends on its seed and its clips and on nothing else. Any number of threads.
 */
#ifndef PP_TRAIN_AUGMENT_SOUND_H
#define PP_TRAIN_AUGMENT_SOUND_H

#include <stdint.h>

#include "base/random.h"
#include "base/status.h"
#include "train/cache.h"

typedef struct pp_train_sound_options { /* all 0: the sound as it is */
    double level_db;                    /* +- */
    double pitch_semitones;             /* +-; played faster or slower, so tempo follows */
    double reverb;                      /* share of sources in a room: 0 .. 1 */
    double equaliser_db;                /* +- in each of seven bands */
    double noise_db;                    /* loudest noise against the sound's RMS, as -30; 0: none */
} pp_train_sound_options;

#define PP_TRAIN_BANDS 7

typedef struct pp_train_room { /* Schroeder 1962: four combs beside each other, two all-passes */
    int comb[4], allpass[2];   /* samples */
    float feedback[4], wet;    /* wet 0: no room */
} pp_train_room;

typedef struct pp_train_sound_choice {
    double ratio; /* of playing: 2 is an octave up */
    float level;
    pp_train_room room;
    float band_db[PP_TRAIN_BANDS];
    float noise; /* times the sound's RMS; 0: none */
    uint64_t noise_seed;
} pp_train_sound_choice;

void pp_train_sound_choose(const pp_train_sound_options *options, int rate_hz, pp_random *random,
                           pp_train_sound_choice *choice);

/* Samples of the clip that `samples` of the crop are made from. */
int64_t pp_train_sound_span(const pp_train_sound_choice *choice, int samples);

/* The crop that begins at sample `begin` of the clip, silence behind its end. Pitch only. */
void pp_train_sound_read(const pp_train_clip *clip, int64_t begin,
                         const pp_train_sound_choice *choice, int samples, float *sound);

/* Room, noise and level, in place. scratch [3 samples]. */
void pp_train_sound_apply(const pp_train_sound_choice *choice, float *sound, int samples,
                          float *scratch);

/* The equaliser as one factor a bin of the STFT; gains [n_fft / 2 + 1]. Returns 0 (gains
 * untouched) where it does nothing. */
int pp_train_sound_gains(const pp_train_sound_choice *choice, int rate_hz, int n_fft, float *gains);

#endif
