/* How each kind of instrument fills a phrase with notes. */
#include <math.h>

#include "compose.h"

/* Rhythms of one to four beats; 0 ends a row. Sorted from calm to busy. */
static const float rhythms[][9] = {
    {4},
    {2, 2},
    {3, 1},
    {2, 1, 1},
    {1.5f, 0.5f, 2},
    {1, 1, 1, 1},
    {1.5f, 0.5f, 1, 1},
    {1, 0.5f, 0.5f, 1, 1},
    {0.75f, 0.25f, 1, 0.5f, 0.5f},
    {0.5f, 0.5f, 0.5f, 0.5f, 1},
    {1 / 3.0f, 1 / 3.0f, 1 / 3.0f, 1, 0.5f, 0.5f},
    {0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f, 0.5f},
    {0.5f, 0.25f, 0.25f, 0.5f, 0.25f, 0.25f, 0.5f, 0.5f},
    {0.25f, 0.25f, 0.25f, 0.25f, 0.5f, 0.25f, 0.25f},
};
#define RHYTHMS ((int)(sizeof rhythms / sizeof *rhythms))

static const float *pick_rhythm(pp_composer *c)
{
    int centre = (int)(c->busy * (RHYTHMS - 1)) + pp_pick(c->random, 7) - 3;
    return rhythms[centre < 0 ? 0 : centre >= RHYTHMS ? RHYTHMS - 1 : centre];
}

/* Loud in the middle of a phrase, and on the beat. */
static float arc(const pp_composer *c, double time_s)
{
    double share = (time_s - c->from_s) / fmax(c->until_s - c->from_s, 0.1);
    double beats = (time_s - c->piece->start_s) / c->piece->beat_s;
    float accent = fabs(beats - round(beats)) < 0.1 ? 0.06f : 0;
    return c->loudness * (0.75f + 0.25f * (float)sin(3.14159 * share)) + accent;
}

static double swung(const pp_composer *c, double time_s)
{
    double beats = (time_s - c->piece->start_s) / c->piece->beat_s, part = beats - floor(beats);
    return fabs(part - 0.5) < 0.05 ? time_s + c->piece->swing * 0.5 * c->piece->beat_s : time_s;
}

/* What a melody does for some notes: wander, run along the scale, along the chord, repeat a tone,
 * alternate with its neighbour. */
enum { WANDER, RUN, BROKEN_CHORD, REPEAT, ALTERNATE, FIGURES };

static int figure_step(pp_composer *c)
{
    if (c->figure_left-- <= 0) {
        c->figure = pp_chance(c->random, 0.5) ? WANDER : pp_pick(c->random, FIGURES);
        c->figure_left = 3 + pp_pick(c->random, 6);
        c->direction = pp_chance(c->random, 0.5) ? 1 : -1;
    }
    switch (c->figure) {
    case RUN:
        return c->direction;
    case BROKEN_CHORD:
        return 2 * c->direction;
    case REPEAT:
        return pp_chance(c->random, 0.8) ? 0 : c->direction;
    case ALTERNATE:
        c->direction = -c->direction;
        return c->direction;
    default:
        break;
    }
    if (pp_chance(c->random, 0.12)) return 0;
    return pp_chance(c->random, 0.7) ? pp_pick(c->random, 3) - 1 : pp_pick(c->random, 9) - 4;
}

static void step_melody(pp_composer *c, int low, int high, double time_s)
{
    int key = pp_compose_degree_key(c, c->degree), step = figure_step(c);
    if ((key > high - 4 && step > 0) || (key < low + 4 && step < 0)) { /* back to the middle */
        step = -step;
        c->direction = -c->direction;
    }
    c->degree += step;
    if (c->figure == WANDER && pp_chance(c->random, 0.25)) {
        /* Settle on a tone of the chord: an even number of steps from its root. */
        int off = c->degree - pp_compose_chord(c, time_s);
        if (off % 2 != 0) c->degree += pp_chance(c->random, 0.5) ? 1 : -1;
    }
    while (pp_compose_degree_key(c, c->degree) > high) c->degree -= 2;
    while (pp_compose_degree_key(c, c->degree) < low) c->degree += 2;
}

static void start_melody(pp_composer *c, int low, int high)
{
    int target = low + 4 + pp_pick(c->random, high - low > 8 ? high - low - 8 : 1);
    c->degree = 0;
    c->figure_left = 0;
    while (pp_compose_degree_key(c, c->degree) < target) c->degree++;
    while (pp_compose_degree_key(c, c->degree) > target) c->degree--;
}

typedef void (*note_writer)(pp_composer *c, double on_s, double off_s, int key, int index,
                            int hand);

static void walk(pp_composer *c, int low, int high, int hand, note_writer write)
{
    start_melody(c, low, high);
    double time = pp_compose_next_beat(c, c->from_s, 0.5);
    for (int index = 0; time < c->until_s - 0.05;) {
        const float *rhythm = pick_rhythm(c);
        for (int i = 0; i < 9 && rhythm[i] > 0 && time < c->until_s - 0.05; i++) {
            double length = rhythm[i] * c->piece->beat_s;
            step_melody(c, low, high, time);
            if (!pp_chance(c->random, 0.06)) {
                double on = swung(c, time), end = fmin(time + length, c->until_s);
                write(c, on, on + (end - on) * c->legato, pp_compose_degree_key(c, c->degree),
                      index++, hand);
            }
            time += length;
        }
    }
}

static void write_single(pp_composer *c, double on_s, double off_s, int key, int index, int hand)
{
    (void)index;
    pp_compose_add(c, on_s, off_s, key, arc(c, on_s), hand);
}

void pp_manner_melody(pp_composer *c, int low, int high, int hand)
{
    walk(c, low, high, hand, write_single);
}

static void write_bowed(pp_composer *c, double on_s, double off_s, int key, int index, int hand)
{
    (void)hand;
    float velocity = arc(c, on_s);
    pp_compose_add(c, on_s, off_s, key, velocity, index & 1);
    if (off_s - on_s > 0.4 && key >= c->low + 9 && pp_chance(c->random, 0.15)) {
        static const int below[] = {3, 4, 5, 7, 8, 9};
        pp_compose_add(c, on_s, off_s, key - below[pp_pick(c->random, 6)], velocity - 0.1f,
                       index & 1);
    }
}

/* Long notes as fast strokes on one key. */
static void bowed_tremolo(pp_composer *c)
{
    double time = pp_compose_next_beat(c, c->from_s, 1);
    start_melody(c, c->low, c->high);
    for (int stroke = 0; time < c->until_s - 0.1;) {
        step_melody(c, c->low, c->high, time);
        int key = pp_compose_degree_key(c, c->degree);
        for (int i = 0; i < 8 && time < c->until_s - 0.1; i++, time += c->piece->beat_s / 4) {
            pp_compose_add(c, time, time + c->piece->beat_s / 4, key, arc(c, time) - 0.1f,
                           stroke++ & 1);
        }
    }
}

void pp_manner_bowed(pp_composer *c)
{
    if (pp_chance(c->random, 0.08)) bowed_tremolo(c);
    else walk(c, c->low, c->high, 1, write_bowed);
}

static void strum(pp_composer *c, double step_beats)
{
    int keys[6], count = 4 + pp_pick(c->random, 3);
    if (c->info->manner == PP_MANNER_STRUMMED) count = 4;
    double time = pp_compose_next_beat(c, c->from_s, step_beats);
    for (int stroke = 0; time < c->until_s - 0.1; stroke++, time += step_beats * c->piece->beat_s) {
        if (stroke % 4 != 0 && pp_chance(c->random, 0.2)) continue;
        pp_compose_tones(c, time, c->info->low + 2, count, keys);
        double length = step_beats * c->piece->beat_s * c->legato;
        double spread = 0.008 + 0.012 * pp_random_uniform(c->random);
        for (int i = 0; i < count; i++) {
            int string = stroke & 1 ? count - 1 - i : i;
            pp_compose_add(c, swung(c, time) + spread * i, time + fmax(length, 0.2), keys[string],
                           arc(c, time) - 0.02f * (float)i, stroke & 1);
        }
    }
}

static void arpeggio(pp_composer *c, double step_beats)
{
    static const int patterns[4][8] = {{0, 2, 3, 4, 3, 2, 4, 2},
                                       {0, 3, 2, 4, 1, 3, 2, 4},
                                       {0, 1, 2, 3, 4, 3, 2, 1},
                                       {0, 2, 4, 2, 1, 2, 4, 3}};
    const int *pattern = patterns[pp_pick(c->random, 4)];
    double time = pp_compose_next_beat(c, c->from_s, step_beats);
    int keys[5], base = c->low + pp_pick(c->random, 6);
    for (int index = 0; time < c->until_s - 0.1; index++, time += step_beats * c->piece->beat_s) {
        pp_compose_tones(c, time, base, 5, keys);
        pp_compose_add(c, swung(c, time), time + 1.6 * c->piece->beat_s * (double)c->legato,
                       keys[pattern[index % 8]], arc(c, time), index & 1);
    }
}

void pp_manner_plucked(pp_composer *c)
{
    switch (pp_pick(c->random, 4)) {
    case 0:
        strum(c, pp_chance(c->random, 0.5) ? 1 : 0.5);
        break;
    case 1:
        walk(c, c->low, c->high, 1, write_single);
        break;
    default:
        arpeggio(c, pp_chance(c->random, 0.3 + 0.4 * (double)c->busy) ? 0.5 : 1);
        break;
    }
}

void pp_manner_strummed(pp_composer *c)
{
    if (pp_chance(c->random, 0.65)) strum(c, pp_chance(c->random, 0.6) ? 0.5 : 1);
    else pp_manner_plucked(c);
}

static void block_chords(pp_composer *c, double step_beats, int low, int count, int hand)
{
    int keys[4];
    for (double time = pp_compose_next_beat(c, c->from_s, step_beats); time < c->until_s - 0.1;
         time += step_beats * c->piece->beat_s) {
        pp_compose_tones(c, time, low, count, keys);
        double off = fmin(time + step_beats * c->piece->beat_s * fmin(c->legato, 0.97), c->until_s);
        for (int i = 0; i < count; i++) {
            pp_compose_add(c, time, off, keys[i], arc(c, time) - 0.12f, hand);
        }
    }
}

void pp_manner_keys(pp_composer *c)
{
    int middle = c->info->low + (c->info->high - c->info->low) * 2 / 5;
    int kind = pp_pick(c->random, 5);
    if (kind != 0) {
        double step = pp_chance(c->random, 0.4) ? c->piece->beats_a_bar : 1 + pp_pick(c->random, 2);
        if (kind == 1) arpeggio(c, 0.5);
        else
            block_chords(c, step, middle - 10 - pp_pick(c->random, 8), 2 + pp_pick(c->random, 2),
                         0);
    }
    if (kind != 4) {
        int high = middle + 24 < c->info->high ? middle + 24 : c->info->high;
        pp_manner_melody(c, middle, high, 1);
    } else {
        block_chords(c, 1, middle + 2, 3, 1);
    }
}

void pp_manner_bass(pp_composer *c)
{
    int walking = pp_chance(c->random, 0.4), index = 0;
    double step = pp_chance(c->random, 0.3 + 0.4 * (double)c->busy) ? 0.5 : 1;
    int high = c->low + 14 < c->high ? c->low + 14 : c->high;
    for (double time = pp_compose_next_beat(c, c->from_s, step); time < c->until_s - 0.1;
         time += step * c->piece->beat_s, index++) {
        int degree = pp_compose_chord(c, time);
        if (walking) degree += pp_pick(c->random, 5);
        else if (pp_chance(c->random, 0.25)) degree += 4;
        if (index % 4 != 0 && pp_chance(c->random, 0.15)) continue;
        int key = pp_compose_key(c, degree, c->low, high);
        if (pp_chance(c->random, 0.08) && key + 12 <= c->high) key += 12;
        pp_compose_add(c, swung(c, time),
                       time + step * c->piece->beat_s * fmin((double)c->legato, 0.98), key,
                       arc(c, time), index & 1);
    }
}

void pp_manner_roll(pp_composer *c)
{
    static const int rolls[3][8] = {
        {0, 2, 3, 0, 2, 3, 0, 3}, {1, 2, 3, 1, 2, 3, 1, 3}, {3, 2, 1, 3, 2, 1, 3, 0}};
    const int *roll = rolls[pp_pick(c->random, 3)];
    double step = c->piece->beat_s * (c->piece->beat_s < 0.5 ? 0.5 : 0.25);
    double time = pp_compose_next_beat(c, c->from_s, 0.5);
    int keys[4], base = c->low + pp_pick(c->random, 5);
    if (pp_chance(c->random, 0.25)) {
        walk(c, c->low, c->high, 1, write_single);
        return;
    }
    for (int index = 0; time < c->until_s - 0.08; index++, time += step) {
        pp_compose_tones(c, time, base, 4, keys);
        pp_compose_add(c, time, time + 2.5 * step, keys[roll[index % 8]], arc(c, time), index & 1);
    }
}

static void write_zither(pp_composer *c, double on_s, double off_s, int key, int index, int hand)
{
    (void)hand;
    float velocity = arc(c, on_s);
    if (off_s - on_s > 0.6 && pp_chance(c->random, 0.35)) { /* fast repeats of one string */
        double step = (double)pp_between(c->random, 0.075f, 0.12f);
        for (double time = on_s; time < off_s; time += step) {
            pp_compose_add(c, time, time + step, key, velocity - 0.15f, index & 1);
        }
        return;
    }
    pp_compose_add(c, on_s, off_s + 0.3, key, velocity, index & 1);
    if (pp_chance(c->random, 0.12) && key - 12 >= c->info->low) {
        pp_compose_add(c, on_s, off_s + 0.3, key - 12, velocity - 0.1f, 0);
    }
}

/* A run over the strings, down or up. */
static void zither_run(pp_composer *c, double time)
{
    int down = pp_chance(c->random, 0.6), count = 8 + pp_pick(c->random, 10), degree = 0;
    double step = (double)pp_between(c->random, 0.035f, 0.07f);
    while (pp_compose_degree_key(c, degree) < (down ? c->high : c->low)) degree++;
    while (pp_compose_degree_key(c, degree) > (down ? c->high : c->low)) degree--;
    for (int i = 0; i < count; i++, time += step) {
        int key = pp_compose_degree_key(c, degree + (down ? -i : i));
        if (key < c->info->low || key > c->info->high || time >= c->until_s) break;
        pp_compose_add(c, time, time + 0.8, key, c->loudness - 0.15f, 1);
    }
}

void pp_manner_zither(pp_composer *c)
{
    if (pp_chance(c->random, 0.35)) zither_run(c, c->from_s);
    walk(c, c->low, c->high, 1, write_zither);
}

void pp_manner_drone(pp_composer *c)
{
    int drone = pp_compose_key(c, 0, c->info->low - 12, c->info->low - 1);
    pp_compose_add(c, c->from_s, c->until_s, drone, c->loudness - 0.15f, 0);
    c->legato = 1;
    pp_manner_melody(c, c->info->low + 2, c->info->high, 1);
}

static void write_mallets(pp_composer *c, double on_s, double off_s, int key, int index, int hand)
{
    (void)hand;
    float velocity = arc(c, on_s);
    if (off_s - on_s > 0.7 && pp_chance(c->random, 0.6)) {
        double step = (double)pp_between(c->random, 0.07f, 0.11f); /* a roll */
        int hit = 0;
        for (double time = on_s; time < off_s; time += step) {
            pp_compose_add(c, time, time + step, key, velocity - 0.15f, hit++ & 1);
        }
        return;
    }
    pp_compose_add(c, on_s, off_s, key, velocity, index & 1);
    if (key >= c->low + 12 && pp_chance(c->random, 0.15)) {
        pp_compose_add(c, on_s, off_s, key - (pp_chance(c->random, 0.5) ? 12 : 5), velocity,
                       !(index & 1));
    }
}

void pp_manner_mallets(pp_composer *c)
{
    walk(c, c->low, c->high, 1, write_mallets);
}

enum { KICK = 36, SNARE = 38, CLOSED_HAT = 42, OPEN_HAT = 46, CRASH = 49, RIDE = 51 };

static void drum_fill(pp_composer *c, double time, double until)
{
    static const int toms[] = {50, 48, 47, 45, 43, 41};
    double step = c->piece->beat_s / 4;
    for (int i = 0; time < until - 0.02; i++, time += step) {
        int key = pp_chance(c->random, 0.3) ? SNARE : toms[i / 2 % 6];
        pp_compose_add(c, time, time + step, key, arc(c, time) + 0.1f, i & 1);
    }
}

void pp_manner_drums(pp_composer *c)
{
    const double beat = c->piece->beat_s, step = beat / 2, bar = beat * c->piece->beats_a_bar;
    int cymbal = pp_chance(c->random, 0.6) ? CLOSED_HAT : RIDE, brisk = pp_chance(c->random, 0.4);
    double time = pp_compose_next_beat(c, c->from_s, 0.5);
    if (pp_chance(c->random, 0.4)) pp_compose_add(c, time, time + 1, CRASH, c->loudness, 1);
    for (; time < c->until_s - 0.05; time += step) {
        double in_bar = fmod(time - c->piece->start_s + 1e-6, bar) / beat;
        int eighth = (int)(2 * in_bar);
        if (in_bar > c->piece->beats_a_bar - 1.01 && pp_chance(c->random, 0.12)) {
            drum_fill(c, time, fmin(time + beat, c->until_s));
            time += beat - step;
            continue;
        }
        double on = swung(c, time);
        int open = cymbal == CLOSED_HAT && pp_chance(c->random, 0.06);
        if (eighth % 2 == 0 || brisk) {
            pp_compose_add(c, on, on + step, open ? OPEN_HAT : cymbal, arc(c, time) - 0.2f, 1);
        }
        if (eighth % 4 == 2) pp_compose_add(c, on, on + step, SNARE, arc(c, time) + 0.1f, 0);
        if (eighth % 4 == 0 || pp_chance(c->random, 0.15)) {
            pp_compose_add(c, on, on + step, KICK, arc(c, time), 2);
        }
    }
}

void pp_manner_congas(pp_composer *c)
{
    enum { BONGO_HIGH = 60, MUTE = 62, OPEN = 63, LOW = 64 };
    static const int patterns[3][8] = {{MUTE, MUTE, OPEN, MUTE, MUTE, MUTE, OPEN, OPEN},
                                       {OPEN, MUTE, MUTE, LOW, MUTE, OPEN, LOW, LOW},
                                       {LOW, 0, OPEN, OPEN, LOW, 0, OPEN, BONGO_HIGH}};
    const int *pattern = patterns[pp_pick(c->random, 3)];
    const double step = c->piece->beat_s / (c->piece->beat_s > 0.55 ? 4 : 2);
    double time = pp_compose_next_beat(c, c->from_s, 0.5);
    for (int i = 0; time < c->until_s - 0.05; i++, time += step) {
        int key = pattern[i % 8];
        if (pp_chance(c->random, 0.12)) key = pp_chance(c->random, 0.5) ? OPEN : LOW;
        if (key != 0 && !pp_chance(c->random, 0.06)) {
            pp_compose_add(c, time, time + step, key, arc(c, time), i & 1);
        }
    }
}
