/* Inside the corpus: what one process needs to make items one after another. For corpus.c. */
#ifndef PP_SYNTH_CORPUS_ITEMS_H
#define PP_SYNTH_CORPUS_ITEMS_H

#include "corpus.h"

typedef struct pp_video_maker {
    const pp_corpus_options *options; /* borrowed */
    pp_band *band;
    pp_canvas *canvas;
    uint8_t *rgb;
    float *tracks[PP_MOST_PLAYERS], *mixture;
} pp_video_maker;

pp_status pp_video_maker_open(pp_video_maker *maker, const pp_corpus_options *options,
                              pp_error *err) PP_MUST_USE;
pp_status pp_video_maker_make(pp_video_maker *maker, uint64_t item, pp_error *err) PP_MUST_USE;
void pp_video_maker_close(pp_video_maker *maker);

typedef struct pp_sound_maker {
    const pp_corpus_options *options; /* borrowed */
    pp_band *band;
    float *samples;
} pp_sound_maker;

pp_status pp_sound_maker_open(pp_sound_maker *maker, const pp_corpus_options *options,
                              pp_error *err) PP_MUST_USE;
pp_status pp_sound_maker_make(pp_sound_maker *maker, uint64_t item, pp_error *err) PP_MUST_USE;
void pp_sound_maker_close(pp_sound_maker *maker);

#endif
