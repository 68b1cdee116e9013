/* Pieces, and parts phrase by phrase. How each manner fills a phrase is in manners.c. */
#include "music.h"

#include <math.h>
#include <stdlib.h>

#include "base/memory.h"
#include "compose.h"

typedef struct scale {
    int steps[7], count;
} scale;

static const scale scales[] = {
    {{0, 2, 4, 5, 7, 9, 11}, 7}, /* major */
    {{0, 2, 3, 5, 7, 8, 10}, 7}, /* minor */
    {{0, 2, 3, 5, 7, 8, 11}, 7}, /* harmonic minor */
    {{0, 2, 3, 5, 7, 9, 10}, 7}, /* dorian */
    {{0, 2, 4, 5, 7, 9, 10}, 7}, /* mixolydian */
    {{0, 2, 4, 7, 9}, 5},        /* pentatonic */
};

void pp_piece_compose(pp_piece *piece, pp_random *random)
{
    static const int progressions[][4] = {
        {0, 3, 4, 0}, {0, 5, 3, 4}, {0, 4, 5, 3}, {0, 1, 4, 0}, {0, 0, 3, 4}, {5, 3, 0, 4},
    };
    *piece = (pp_piece){0};
    piece->beat_s = 60 / (double)pp_between(random, 66, 168);
    piece->beats_a_bar = pp_chance(random, 0.25) ? 3 : 4;
    piece->start_s = -piece->beat_s * pp_random_uniform(random) * piece->beats_a_bar;
    piece->root = pp_pick(random, 12);
    piece->scale = pp_pick(random, sizeof scales / sizeof *scales);
    piece->swing = pp_chance(random, 0.2) ? pp_between(random, 0.15f, 0.33f) : 0;
    const int *progression =
        progressions[pp_pick(random, sizeof progressions / sizeof *progressions)];
    for (int bar = 0; bar < PP_PIECE_BARS; bar++) {
        piece->chord[bar] = progression[bar % 4];
        if (pp_chance(random, 0.1)) piece->chord[bar] = pp_pick(random, 6);
    }
}

int pp_compose_chord(const pp_composer *c, double time_s)
{
    double bar = floor((time_s - c->piece->start_s) / (c->piece->beat_s * c->piece->beats_a_bar));
    return c->piece->chord[(int)bar % PP_PIECE_BARS];
}

int pp_compose_degree_key(const pp_composer *c, int degree)
{
    const scale *s = &scales[c->piece->scale];
    int octave = degree >= 0 ? degree / s->count : -((s->count - 1 - degree) / s->count);
    return 60 + c->piece->root + 12 * octave + s->steps[degree - octave * s->count];
}

int pp_compose_key(const pp_composer *c, int degree, int low, int high)
{
    int key = pp_compose_degree_key(c, degree);
    while (key < low) key += 12;
    while (key > high) key -= 12;
    return key < low ? low : key;
}

double pp_compose_next_beat(const pp_composer *c, double time_s, double beats)
{
    double step = c->piece->beat_s * beats;
    return c->piece->start_s + step * ceil((time_s - c->piece->start_s) / step - 1e-9);
}

void pp_compose_tones(const pp_composer *c, double time_s, int low, int count, int *keys)
{
    const scale *s = &scales[c->piece->scale];
    int chord = pp_compose_chord(c, time_s), degree = chord - 4 * s->count;
    /* The three tones of the chord, repeated upwards in octaves. */
    for (int made = 0, tone = 0; made < count && tone < 60; tone++) {
        int key = pp_compose_degree_key(c, degree + 2 * (tone % 3) + s->count * (tone / 3));
        if (key >= low) keys[made++] = key;
        else continue;
    }
}

void pp_compose_add(pp_composer *c, double on_s, double off_s, int key, float velocity, int hand)
{
    on_s += 0.006 * pp_random_normal(c->random);
    velocity += 0.05f * (float)pp_random_normal(c->random);
    if (c->status != PP_OK || on_s >= c->seconds - 0.04) return;
    while (key > c->info->high) key -= 12; /* a chord may reach beyond the instrument */
    on_s = fmax(on_s, 0);
    off_s = fmin(fmax(off_s, on_s + 0.04), c->seconds);
    pp_part *part = c->part;
    c->status = pp_grow((void **)&part->notes, &part->capacity, part->count + 1,
                        sizeof *part->notes, c->err);
    if (c->status != PP_OK) return;
    velocity = fminf(fmaxf(velocity, 0.15f), 1);
    part->notes[part->count++] = (pp_note){on_s, off_s, key, velocity, hand};
}

static void play_melody(pp_composer *c)
{
    pp_manner_melody(c, c->low, c->high, 1);
}

static void (*const phrase_writers[])(pp_composer *) = {
    [PP_MANNER_MELODY] = play_melody,        [PP_MANNER_BOWED] = pp_manner_bowed,
    [PP_MANNER_PLUCKED] = pp_manner_plucked, [PP_MANNER_STRUMMED] = pp_manner_strummed,
    [PP_MANNER_KEYS] = pp_manner_keys,       [PP_MANNER_BASS] = pp_manner_bass,
    [PP_MANNER_ROLL] = pp_manner_roll,       [PP_MANNER_ZITHER] = pp_manner_zither,
    [PP_MANNER_MALLETS] = pp_manner_mallets, [PP_MANNER_DRONE] = pp_manner_drone,
    [PP_MANNER_DRUMS] = pp_manner_drums,     [PP_MANNER_CONGAS] = pp_manner_congas,
};

static int by_time(const void *a, const void *b)
{
    const pp_note *first = a, *second = b;
    if (first->on_s != second->on_s) return first->on_s < second->on_s ? -1 : 1;
    return first->key - second->key;
}

static void finish_part(pp_part *part)
{
    if (part->count > 1) qsort(part->notes, part->count, sizeof *part->notes, by_time);
    /* A key must be let go before it is struck again: the end of the first would stop the second.
     */
    for (size_t i = 0; i < part->count; i++) {
        pp_note *note = &part->notes[i];
        for (size_t k = i + 1; k < part->count && part->notes[k].on_s < note->off_s; k++) {
            if (part->notes[k].key != note->key) continue;
            note->off_s = fmax(part->notes[k].on_s - 0.01, note->on_s);
        }
    }
    part->low = 127;
    part->high = 0;
    for (size_t i = 0; i < part->count; i++) {
        if (part->notes[i].key < part->low) part->low = part->notes[i].key;
        if (part->notes[i].key > part->high) part->high = part->notes[i].key;
    }
}

pp_status pp_part_compose(pp_part *part, const pp_piece *piece, double seconds, pp_random *random,
                          pp_error *err)
{
    const pp_instrument_info *info = pp_instrument_get(part->instrument);
    pp_composer c = {.part = part,
                     .piece = piece,
                     .info = info,
                     .random = random,
                     .seconds = seconds,
                     .err = err};
    int span = info->high - info->low, width = span < 20 ? span : 20 + pp_pick(random, span - 19);
    c.low = info->low + (span > width ? pp_pick(random, span - width) : 0);
    c.high = c.low + width;
    c.busy = pp_between(random, 0, 1);
    c.legato =
        pp_chance(random, 0.3) ? pp_between(random, 0.3f, 0.6f) : pp_between(random, 0.8f, 1.02f);
    double time = pp_chance(random, 0.7) ? 0 : pp_between(random, 0.2f, 2) * fmin(1, seconds / 6);
    while (time < seconds - 0.2 && c.status == PP_OK) {
        c.from_s = time;
        c.until_s = fmin(time + (double)pp_between(random, 1.5f, 6), seconds);
        if (seconds - c.until_s < 0.7) c.until_s = seconds;
        c.loudness = pp_between(random, 0.4f, 0.95f);
        phrase_writers[info->manner](&c);
        time = c.until_s;
        if (pp_chance(random, 0.6)) time += pp_between(random, 0.4f, 2.2f);
    }
    if (part->count == 0 && c.status == PP_OK) {
        int key = info->manner == PP_MANNER_DRUMS ? 38 : (info->low + info->high) / 2;
        pp_compose_add(&c, 0, seconds, key, 0.8f, 1);
    }
    finish_part(part);
    return c.status;
}

void pp_part_clear(pp_part *part)
{
    PP_FREE(part->notes);
    part->count = part->capacity = 0;
}

size_t pp_part_after(const pp_part *part, double time_s)
{
    size_t low = 0, high = part->count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (part->notes[middle].on_s > time_s) high = middle;
        else low = middle + 1;
    }
    return low;
}
