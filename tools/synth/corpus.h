/* Corpora on disk: videos with tracks and truth files, or sounds alone, and a manifest.
 *
 * Item i is made from (options, i) alone, so any process may make any of them, in any order. */
#ifndef PP_SYNTH_CORPUS_H
#define PP_SYNTH_CORPUS_H

#include "scene.h"

typedef struct pp_corpus_options {
    pp_scene_options scene;
    const char *folder;       /* written into; made where it is missing */
    const char *const *fonts; /* paths of sound fonts */
    int64_t count;
    int64_t first;      /* number of the first video */
    int jobs;           /* processes; below 2: this one */
    int tracks;         /* write each performer's track */
    int sound_only;     /* no videos: one performer a sound file (solo.h) */
    int wav;            /* of those: 32-bit float WAV instead of 16-bit FLAC */
    const char *preset; /* of x264, NULL: "veryfast" */
    int crf;            /* of x264, 0: 23 */
} pp_corpus_options;

/* Makes all items and DIR/manifest.csv. */
pp_status pp_corpus_make(const pp_corpus_options *options, pp_error *err) PP_MUST_USE;

/* The name that a video's files share: "video-0007-flute-violin". room of at least 128. */
void pp_corpus_stem(uint64_t item, const pp_instrument *cast, int players, char *stem, size_t room);
/* "sound-000007-violin.flac"; room of at least 64. */
void pp_corpus_sound_name(const pp_corpus_options *options, uint64_t item, char *name, size_t room);

#endif
