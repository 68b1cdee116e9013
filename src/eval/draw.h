/* Drawing mixtures of solos by a seed. */
#ifndef PP_EVAL_DRAW_H
#define PP_EVAL_DRAW_H

#include "eval/cache.h"
#include "eval/inputs.h"

typedef struct pp_draw_options {
    int mixtures, sources; /* how many mixtures, of how many solos each */
    int64_t samples;       /* of a window */
    int any_labels;        /* 1: two of the same instrument may meet; files differ always */
    int random_place;      /* 1: windows anywhere in a file; 0: round its middle, as in the paper */
} pp_draw_options;

/* Fills the protocol's files, mixtures, refusals and shuffling. Mixture m depends on the seed, m
 * and the solos alone. A solo that is silent where it is wanted, or cannot be decoded, is refused
 * (recorded, and logged as a warning) and another is drawn; where too few are left to go on, that
 * is an error. */
pp_status pp_draw_mixtures(pp_protocol *protocol, pp_clip_cache *cache, const pp_solos *solos,
                           const pp_draw_options *options, pp_error *err) PP_MUST_USE;

#endif
