/* Notes: a piece (tempo, key, chords) and the parts that performers play in it.
 *
 * Everything is drawn from the random streams handed in; times are seconds from the start of the
 * video. A part of one piece can be composed without the others. */
#ifndef PP_SYNTH_MUSIC_H
#define PP_SYNTH_MUSIC_H

#include <stddef.h>

#include "base/status.h"
#include "world.h"

#define PP_PIECE_BARS 64

typedef struct pp_piece {
    double beat_s, start_s;
    int beats_a_bar, root;    /* root: pitch class 0..11 */
    int scale;                /* index of the scale table */
    int chord[PP_PIECE_BARS]; /* degree of each bar's chord, repeated beyond the end */
    float swing;              /* share by which off-beats come late, 0..0.33 */
} pp_piece;

void pp_piece_compose(pp_piece *piece, pp_random *random);

typedef struct pp_note {
    double on_s, off_s; /* of the finger: strings and bars ring on */
    int key;            /* MIDI */
    float velocity;     /* 0..1 */
    int hand; /* 0: left, 1: right, as the performer has them; bows: 1 is a down stroke; 2: foot */
} pp_note;

typedef struct pp_part {
    pp_instrument instrument;
    pp_note *notes; /* by on_s; owned */
    size_t count, capacity;
    int low, high; /* keys that occur */
} pp_part;

/* Composes into an empty part (all zero but its instrument). At least one note sounds. */
pp_status pp_part_compose(pp_part *part, const pp_piece *piece, double seconds, pp_random *random,
                          pp_error *err) PP_MUST_USE;
void pp_part_clear(pp_part *part);

/* Index of the first note with on_s > time_s (count where there is none). */
size_t pp_part_after(const pp_part *part, double time_s);

#endif
