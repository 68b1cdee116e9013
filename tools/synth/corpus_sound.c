/* Sounds without pictures: one performer a file. */
#include <stdio.h>

#include "base/memory.h"
#include "corpus_items.h"
#include "media/encode.h"
#include "solo.h"

void pp_corpus_sound_name(const pp_corpus_options *options, uint64_t item, char *name, size_t room)
{
    pp_instrument instrument = pp_solo_instrument(&options->scene, item);
    snprintf(name, room, "sound-%06llu-%s.%s", (unsigned long long)item,
             pp_instrument_get(instrument)->name, options->wav ? "wav" : "flac");
}

void pp_sound_maker_close(pp_sound_maker *m)
{
    pp_band_destroy(&m->band);
    PP_FREE(m->samples);
}

pp_status pp_sound_maker_open(pp_sound_maker *m, const pp_corpus_options *options, pp_error *err)
{
    *m = (pp_sound_maker){.options = options};
    pp_status status = pp_band_create(&m->band, options->fonts, options->scene.fonts, err);
    if (status != PP_OK) return status;
    m->samples = pp_alloc((size_t)pp_solo_frames(&options->scene), sizeof *m->samples);
    if (m->samples != NULL) return PP_OK;
    pp_sound_maker_close(m);
    return pp_fail(err, PP_ERR_NOMEM, "sounds of %g s: no memory", options->scene.seconds);
}

pp_status pp_sound_maker_make(pp_sound_maker *m, uint64_t item, pp_error *err)
{
    const pp_scene_options *o = &m->options->scene;
    pp_status status = pp_solo_play(o, item, m->band, m->samples, err);
    if (status != PP_OK) return status;
    char name[96];
    pp_corpus_sound_name(m->options, item, name, sizeof name);
    char *path = pp_format("%s/%s", m->options->folder, name);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "a file name: no memory");
    status = pp_encode_sound(path, m->samples, pp_solo_frames(o), 1, o->rate_hz,
                             m->options->wav ? 32 : 16, err);
    pp_free(path);
    return status;
}
