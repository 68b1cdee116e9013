/* The sound of a part: FluidSynth with a sound font, then a room, an equaliser and noise.
 *
 * pp_band keeps one loaded synthesizer a sound font; pp_band_play gives the same samples whatever
 * it played before. No global state but FluidSynth's own log function. One thread a band. */
#ifndef PP_SYNTH_SOUND_H
#define PP_SYNTH_SOUND_H

#include <stdint.h>

#include "base/random.h"
#include "base/status.h"
#include "music.h"

typedef struct pp_band pp_band;

/* fonts: paths of SF2 or SF3 files, at least one, loaded when first played. PP_ERR_NOT_FOUND with
 * advice where one is missing. */
pp_status pp_band_create(pp_band **out, const char *const *fonts, int count,
                         pp_error *err) PP_MUST_USE;
void pp_band_destroy(pp_band **band);
int pp_band_fonts(const pp_band *band);
const char *pp_band_font(const pp_band *band, int index); /* its path; borrowed */

/* How one performer sounds in one video. */
typedef struct pp_sounding {
    int font, program; /* program 128 + n: drum kit n */
    int shift;         /* semitones by which the recording is sped up: moves formants, not notes */
    float detune_cents;
    float vibrato_hz, vibrato_cents, vibrato_delay_s;
    float slide_s;  /* glide from the note before, of up to an octave */
    float swell;    /* 0..1: how far long notes start below their level */
    float fade;     /* 0..1: how far they have sunk after two seconds */
    float level_db; /* RMS where it plays, dB of full scale */
    /* Room: early reflections and a tail. */
    float room_s, room_db; /* time to -60 dB; level of the room against the direct sound */
    /* Equaliser: gains in dB of a low shelf, a bell and a high shelf, and where they lie. */
    float low_db, low_hz, bell_db, bell_hz, bell_q, high_db, high_hz;
    float drive_db; /* how far peaks are pressed into saturation; 0: not at all */
    float cut_hz;   /* low-pass of the recording; 0: none */
    float noise_db; /* of full scale; the microphone's, all the time */
    uint64_t seed;  /* of the room's echoes and the noise */
} pp_sounding;

void pp_sounding_choose(pp_sounding *sounding, pp_world world, pp_instrument instrument, int fonts,
                        pp_random *random);

/* Fills out[frames], mono at rate_hz (8000 to 48000), with the part as it sounds. */
pp_status pp_band_play(pp_band *band, const pp_part *part, const pp_sounding *sounding, int rate_hz,
                       float *out, int64_t frames, pp_error *err) PP_MUST_USE;

/* Stages after the synthesizer, in place at rate_hz. */
/* Tape or a phone: soft saturation, then a low-pass (Butterworth, second order). */
void pp_room_record(float *samples, int64_t frames, int rate_hz, const pp_sounding *sounding);
void pp_room_equalise(float *samples, int64_t frames, int rate_hz, const pp_sounding *sounding);
pp_status pp_room_reverberate(float *samples, int64_t frames, int rate_hz,
                              const pp_sounding *sounding, pp_error *err) PP_MUST_USE;
void pp_room_add_noise(float *samples, int64_t frames, const pp_sounding *sounding);
/* Scales so that the part, where it plays, has level_db RMS, or less where its peaks would lie more
 * than 15 dB above that; silence stays silence. */
void pp_room_level(float *samples, int64_t frames, int rate_hz, float level_db);

/* out[i] = in(i * step) by a windowed sinc, its cut-off below both rates. step: input samples an
 * output sample, 0.25 to 16. Zero beyond both ends. */
pp_status pp_resample(const float *in, int64_t in_frames, double step, float *out,
                      int64_t out_frames, pp_error *err) PP_MUST_USE;

#endif
