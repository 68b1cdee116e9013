/* Source identity and stage keys. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "pipeline/label_features.h"
#include "pipeline/pipeline.h"
#include "pipeline/query.h"
#include "pipeline/relabel.h"
#include "pipeline/stages.h"

void pp_source_identity(char identity[PP_HASH_HEX], const char *source_sha256,
                        const pp_source *source)
{
    if (source->audio_track < 0 && source->start_s == 0 && source->end_s == 0) {
        snprintf(identity, PP_HASH_HEX, "%s", source_sha256);
        return;
    }
    char text[256];
    int length = snprintf(text, sizeof text, "part of %s track %d from %.17g to %.17g",
                          source_sha256, source->audio_track, source->start_s, source->end_s);
    pp_hash_bytes(text, (size_t)length, identity);
}

/* One key: the SHA-256 of a line of text that names everything the stage's bytes depend on. */
static void key_of(char key[PP_HASH_HEX], const char *format, ...) PP_PRINTF(2, 3);

static void key_of(char key[PP_HASH_HEX], const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    pp_hash_bytes(text, (size_t)length, key);
}

/* "" where nothing is asked for. A query that the model cannot answer is refused before anything
 * runs (pp_pipeline_create). */
static void digest_of_query(char hex[PP_HASH_HEX], const pp_parameters *p, const pp_model *model)
{
    pp_query query;
    pp_error ignored = {0};
    if (pp_query_resolve(&query, p, model, &ignored) != PP_OK) query.count = 0;
    pp_query_digest(&query, pp_model_get_shape(model)->components, hex);
}

void pp_keys_of(pp_keys *keys, const char *source_sha256, const pp_source *source,
                const pp_parameters *p, const pp_model *model)
{
    const pp_model_shape *shape = pp_model_get_shape(model);
    const pp_model_identity *of = pp_model_get_identity(model);
    const char *kernels = p->strict ? pp_model_kernels(model) : "any";
    char identity[PP_HASH_HEX], sound[PP_HASH_HEX];
    char(*stage)[PP_HASH_HEX] = keys->stage;
    pp_source_identity(identity, source_sha256, source);
    key_of(sound, "sound numerics %d source %s rate %d", PP_NUMERICS_VERSION, identity,
           shape->rate_hz);
    key_of(stage[PP_STAGE_PROBE], "probe %s every %.17g s", sound, p->frame_interval_s);
    key_of(stage[PP_STAGE_SEE], "see %s size %d network %s kernels %s", stage[PP_STAGE_PROBE],
           shape->picture_size, of->frame_digest, kernels);
    /* Not chained to probe: another picture grid needs no new maps. */
    key_of(stage[PP_STAGE_LISTEN],
           "listen %s stft %d %d window %d step %d rows %d network %s kernels %s", sound,
           shape->n_fft, shape->hop_samples, shape->window_frames, p->window_step_frames,
           shape->log_rows, of->sound_digest, kernels);
    /* Nor is listen to the synthesizer: a new one needs new energies, but no new maps. */
    key_of(keys->energy, "energy %s %s synthesizer %s", stage[PP_STAGE_SEE], stage[PP_STAGE_LISTEN],
           of->synthesizer_digest);
    char asked[PP_HASH_HEX];
    digest_of_query(asked, p, model);
    if (asked[0] != '\0') {
        key_of(stage[PP_STAGE_CAST], "query %s classes %s alike %.17g", keys->energy, asked,
               pp_parameters_cast_threshold(p));
    } else {
        key_of(stage[PP_STAGE_CAST], "cast %s most %d alike %.17g pool %d", keys->energy,
               p->most_sources, pp_parameters_cast_threshold(p), shape->pool_average);
    }
    key_of(stage[PP_STAGE_SEPARATE], "separate %s masks %s label features %d", stage[PP_STAGE_CAST],
           pp_mask_kind_name(p->masks), PP_LABEL_LAYOUT);
    /* Who is asked for by name is not guessed: another labeller changes nothing. */
    pp_publish_key(stage[PP_STAGE_PUBLISH], stage[PP_STAGE_SEPARATE], p->profile,
                   asked[0] != '\0' ? "" : of->label_digest);
}

void pp_stage_keys(char out[PP_STAGES][PP_HASH_HEX], const char *source_sha256,
                   const pp_source *source, const pp_parameters *parameters, const pp_model *model)
{
    pp_keys keys;
    pp_keys_of(&keys, source_sha256, source, parameters, model);
    memcpy(out, keys.stage, sizeof keys.stage);
}
