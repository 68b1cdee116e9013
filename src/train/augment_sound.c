#include "train/augment_sound.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"

#define LOWEST_BAND_HZ 80.0
#define QUIETEST_NOISE_DB (-80.0)
/* Longest stretch that the feedback loops can be computed in at once: below every delay. */
#define LEAST_DELAY 48

static double between(pp_random *random, double low, double high)
{
    return low + (high - low) * pp_random_uniform(random);
}

static double factor_of_db(double db)
{
    return pow(10, db / 20);
}

static void choose_room(int rate_hz, pp_random *random, pp_train_room *room)
{
    const double reverberation_s = exp(between(random, log(0.15), log(2.0))); /* to -60 dB */
    for (int i = 0; i < 4; i++) {
        const double delay_s = between(random, 0.025, 0.05);
        room->comb[i] = (int)(delay_s * rate_hz);
        if (room->comb[i] < LEAST_DELAY) room->comb[i] = LEAST_DELAY;
        room->feedback[i] = (float)pow(10, -3 * delay_s / reverberation_s);
    }
    for (int i = 0; i < 2; i++) {
        room->allpass[i] = (int)(between(random, 0.0045, 0.012) * rate_hz);
        if (room->allpass[i] < LEAST_DELAY) room->allpass[i] = LEAST_DELAY;
    }
    room->wet = (float)factor_of_db(between(random, -24, 0));
}

void pp_train_sound_choose(const pp_train_sound_options *options, int rate_hz, pp_random *random,
                           pp_train_sound_choice *choice)
{
    const pp_train_sound_options *o = options;
    memset(choice, 0, sizeof *choice);
    /* every draw is made whatever the options say: one option changes no other's numbers */
    const double pitch = between(random, -1, 1), level = between(random, -1, 1);
    const int in_room = pp_random_uniform(random) < o->reverb;
    const double noise_db = between(random, QUIETEST_NOISE_DB, o->noise_db);
    choice->ratio = pow(2, pitch * o->pitch_semitones / 12);
    choice->level = (float)factor_of_db(level * o->level_db);
    choice->noise = o->noise_db < 0 ? (float)factor_of_db(noise_db) : 0;
    choice->noise_seed = pp_random_bits(random);
    for (int i = 0; i < PP_TRAIN_BANDS; i++) {
        choice->band_db[i] = (float)(between(random, -1, 1) * o->equaliser_db);
    }
    choose_room(rate_hz, random, &choice->room);
    if (!in_room) choice->room.wet = 0;
}

int64_t pp_train_sound_span(const pp_train_sound_choice *choice, int samples)
{
    return choice->ratio == 1 ? samples : (int64_t)ceil(samples * choice->ratio) + 3;
}

PP_CLONES static void to_floats(const int16_t *codes, int count, float scale, float *restrict to)
{
    for (int i = 0; i < count; i++) to[i] = scale * codes[i];
}

/* Cubic interpolation (Catmull and Rom) between codes[at], codes[at + 1]. */
static inline float between_codes(const int16_t *codes, float f)
{
    const float a = codes[-1], b = codes[0], c = codes[1], d = codes[2];
    return b + 0.5F * f * (c - a + f * (2 * a - 5 * b + 4 * c - d + f * (3 * (b - c) + d - a)));
}

void pp_train_sound_read(const pp_train_clip *clip, int64_t begin,
                         const pp_train_sound_choice *choice, int samples, float *sound)
{
    const float scale = clip->full_scale / 32767;
    if (choice->ratio == 1) {
        const int64_t left = clip->samples - begin;
        const int count = left < samples ? (left > 0 ? (int)left : 0) : samples;
        to_floats(clip->sound + begin, count, scale, sound);
        memset(sound + count, 0, sizeof *sound * (size_t)(samples - count));
        return;
    }
    for (int i = 0; i < samples; i++) {
        const double position = (double)begin + 1 + i * choice->ratio;
        const int64_t at = (int64_t)position;
        const int inside = at >= 1 && at + 2 < clip->samples;
        sound[i] =
            inside ? scale * between_codes(clip->sound + at, (float)(position - (double)at)) : 0;
    }
}

static float rms_of(const float *sound, int samples)
{
    double sum = 0;
    for (int i = 0; i < samples; i++) sum += (double)sound[i] * sound[i];
    return samples > 0 ? (float)sqrt(sum / samples) : 0;
}

/* y[i] = x[i] + feedback y[i - delay], added to sum. */
PP_CLONES static void comb(const float *x, int samples, int delay, float feedback,
                           float *restrict y, float *restrict sum)
{
    for (int first = 0; first < samples; first += LEAST_DELAY) {
        const int count = samples - first < LEAST_DELAY ? samples - first : LEAST_DELAY;
        PP_IN_PLACE
        for (int i = first; i < first + count; i++) {
            y[i] = x[i] + (i >= delay ? feedback * y[i - delay] : 0);
        }
    }
    for (int i = 0; i < samples; i++) sum[i] += 0.25F * y[i];
}

/* y[i] = x[i - delay] - g x[i] + g y[i - delay]. */
PP_CLONES static void allpass(const float *x, int samples, int delay, float *restrict y)
{
    const float g = 0.7F;
    for (int first = 0; first < samples; first += LEAST_DELAY) {
        const int count = samples - first < LEAST_DELAY ? samples - first : LEAST_DELAY;
        PP_IN_PLACE
        for (int i = first; i < first + count; i++) {
            y[i] = (i >= delay ? x[i - delay] + g * y[i - delay] : 0) - g * x[i];
        }
    }
}

/* As loud as before, so that rooms say nothing about levels. */
static void add_room(const pp_train_room *room, float *sound, int samples, float *scratch)
{
    float *wet = scratch, *one = scratch + samples, *two = one + samples;
    const float before = rms_of(sound, samples);
    memset(wet, 0, sizeof *wet * (size_t)samples);
    for (int i = 0; i < 4; i++) {
        comb(sound, samples, room->comb[i], room->feedback[i], one, wet);
    }
    allpass(wet, samples, room->allpass[0], one);
    allpass(one, samples, room->allpass[1], two);
    for (int i = 0; i < samples; i++) sound[i] += room->wet * two[i];
    const float after = rms_of(sound, samples);
    const float scale = after > 0 ? before / after : 1;
    for (int i = 0; i < samples; i++) sound[i] *= scale;
}

/* Noise that falls by 3 dB an octave or so (Kellet's three poles), as rooms and amplifiers make. */
static void add_noise(uint64_t seed, float level, float *sound, int samples)
{
    uint64_t state = seed | 1;
    float a = 0, b = 0, c = 0;
    for (int i = 0; i < samples; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        const float white = (float)(int32_t)(state >> 32) * (1.0F / 2147483648.0F);
        a = 0.99765F * a + white * 0.0990460F;
        b = 0.96300F * b + white * 0.2965164F;
        c = 0.57000F * c + white * 1.0526913F;
        sound[i] += level * (a + b + c + white * 0.1848F);
    }
}

void pp_train_sound_apply(const pp_train_sound_choice *choice, float *sound, int samples,
                          float *scratch)
{
    if (choice->room.wet > 0) add_room(&choice->room, sound, samples, scratch);
    if (choice->noise > 0) {
        const float rms = rms_of(sound, samples);
        add_noise(choice->noise_seed, choice->noise * rms, sound, samples);
    }
    if (choice->level == 1) return;
    for (int i = 0; i < samples; i++) sound[i] *= choice->level;
}

int pp_train_sound_gains(const pp_train_sound_choice *choice, int rate_hz, int n_fft, float *gains)
{
    int any = 0;
    for (int i = 0; i < PP_TRAIN_BANDS; i++) any |= choice->band_db[i] != 0;
    if (!any) return 0;
    const double highest = rate_hz / 2.0, octaves = log(highest / LOWEST_BAND_HZ);
    for (int k = 0; k <= n_fft / 2; k++) {
        const double hz = (double)k * rate_hz / n_fft;
        double place = hz > LOWEST_BAND_HZ ? log(hz / LOWEST_BAND_HZ) / octaves : 0;
        place *= PP_TRAIN_BANDS - 1;
        const int i = place < PP_TRAIN_BANDS - 1 ? (int)place : PP_TRAIN_BANDS - 2;
        const double f = place - i;
        gains[k] = (float)factor_of_db((1 - f) * choice->band_db[i] + f * choice->band_db[i + 1]);
    }
    return 1;
}
