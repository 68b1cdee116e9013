#include "eval/run.h"

#include <string.h>

#include "base/memory.h"

typedef struct run {
    pp_protocol *protocol;
    pp_clip_cache *cache;
    pp_clip_reader *reader;
    const pp_model *model;
    const pp_classes *classes;
    pp_methods *methods;
    size_t k;       /* components */
    float *vectors; /* [mixtures, PP_BSS_MOST_SOURCES, k] */
    uint8_t *seen;  /* [mixtures, PP_BSS_MOST_SOURCES] 1 where there is a vector */
    float *blank;   /* [k] */
    float *sounds;  /* [1 + PP_BSS_MOST_SOURCES, most samples]: mixture, references */
    int64_t most_samples;
} run;

pp_spectrogram_shape pp_eval_shape(const pp_model *model)
{
    if (model == NULL) return (pp_spectrogram_shape){1022, 256, 256, 256};
    const pp_model_shape *s = pp_model_get_shape(model);
    return (pp_spectrogram_shape){s->n_fft, s->hop_samples, s->window_frames, s->log_rows};
}

/* ---- pictures ---------------------------------------------------------------------------------
 */

static size_t slot(size_t mixture, int source)
{
    return mixture * PP_BSS_MOST_SOURCES + (size_t)source;
}

static pp_status look_at_files(run *r, const pp_protocol_source *s, float *vector, pp_error *err)
{
    const char *paths[PP_PROTOCOL_MOST_PICTURES];
    for (int i = 0; i < s->picture_count; i++) {
        pp_status status = pp_protocol_check_file(r->protocol, s->pictures[i], err);
        if (status != PP_OK) return status;
        paths[i] = r->protocol->files[s->pictures[i]].path;
    }
    return pp_clip_look(r->reader, paths, s->picture_count, vector, err);
}

/* The vector of every source of every mixture first: shuffled pictures may come from any. */
static pp_status look(run *r, pp_error *err)
{
    pp_status status = PP_OK;
    for (size_t m = 0; m < r->protocol->mixture_count && status == PP_OK; m++) {
        const pp_protocol_mixture *mixture = &r->protocol->mixtures[m];
        for (int i = 0; i < mixture->sources && status == PP_OK; i++) {
            const pp_protocol_source *s = &mixture->source[i];
            float *vector = r->vectors + slot(m, i) * r->k;
            if (s->picture_count > 0) {
                status = look_at_files(r, s, vector, err);
                r->seen[slot(m, i)] = status == PP_OK;
                continue;
            }
            /* The reference of a ready-made mixture is a sound without a player. */
            if (mixture->mixture >= 0) continue;
            const pp_clip *clip = NULL;
            status = pp_clip_cache_get(r->cache, s->sound, s->start, mixture->samples, &clip, err);
            if (status != PP_OK || clip->vector == NULL) continue;
            memcpy(vector, clip->vector, r->k * sizeof *vector);
            r->seen[slot(m, i)] = 1;
        }
    }
    if (status == PP_OK) pp_clip_blank(r->reader, r->blank);
    return status;
}

static const float *vector_of(const run *r, int64_t mixture, int source)
{
    if (r->model == NULL || mixture < 0 || !r->seen[slot((size_t)mixture, source)]) return NULL;
    return r->vectors + slot((size_t)mixture, source) * r->k;
}

/* ---- sound ------------------------------------------------------------------------------------
 */

static pp_status load_reference(run *r, const pp_protocol_mixture *mixture, int i, float *to,
                                pp_error *err)
{
    const pp_protocol_source *s = &mixture->source[i];
    const pp_clip *clip = NULL;
    pp_status status =
        pp_clip_cache_get(r->cache, s->sound, s->start, mixture->samples, &clip, err);
    if (status != PP_OK) return status;
    if (!(clip->level_db >= r->protocol->silence_db)) {
        return pp_fail(err, PP_ERR_USAGE,
                       "%s: silent from sample %lld on (%.1f dBFS, least %.1f): SDR against it "
                       "would mean nothing",
                       r->protocol->files[s->sound].path, (long long)s->start, clip->level_db,
                       r->protocol->silence_db);
    }
    /* Mix-and-Separate: sounds divided by their number, then added. */
    const float gain = mixture->mixture >= 0 ? 1.0F : 1.0F / (float)mixture->sources;
    for (int64_t n = 0; n < mixture->samples; n++) to[n] = gain * clip->sound[n];
    return PP_OK;
}

static pp_status load_task(run *r, size_t m, pp_method_task *task, pp_error *err)
{
    const pp_protocol_mixture *mixture = &r->protocol->mixtures[m];
    const size_t samples = (size_t)mixture->samples;
    float *mix = r->sounds;
    *task = (pp_method_task){.sources = mixture->sources, .samples = mixture->samples};
    task->mixture = mix;
    task->blank = r->model != NULL ? r->blank : NULL;
    memset(mix, 0, samples * sizeof *mix);
    for (int i = 0; i < mixture->sources; i++) {
        float *reference = r->sounds + (size_t)(1 + i) * (size_t)r->most_samples;
        pp_status status = load_reference(r, mixture, i, reference, err);
        if (status != PP_OK) return status;
        for (size_t n = 0; n < samples; n++) mix[n] += reference[n];
        task->references[i] = reference;
        task->vectors[i] = vector_of(r, (int64_t)m, i);
        task->shuffled[i] =
            vector_of(r, mixture->source[i].shuffled_mixture, mixture->source[i].shuffled_source);
        if (r->model != NULL && r->classes != NULL) {
            task->named[i] = pp_classes_vector(r->classes, mixture->source[i].label);
        }
        if (task->vectors[i] == NULL)
            task->blank = NULL; /* a mixture without pictures has no rows */
    }
    if (mixture->mixture < 0) return PP_OK;
    const pp_clip *clip = NULL;
    pp_status status = pp_clip_cache_get(r->cache, mixture->mixture, mixture->source[0].start,
                                         mixture->samples, &clip, err);
    if (status == PP_OK) memcpy(mix, clip->sound, samples * sizeof *mix);
    return status;
}

/* ---- all --------------------------------------------------------------------------------------
 */

static pp_status prepare(run *r, pp_error *err)
{
    const size_t count = r->protocol->mixture_count;
    const pp_methods_options options = {.shape = pp_eval_shape(r->model),
                                        .methods = r->protocol->methods,
                                        .filter_taps = r->protocol->filter_taps,
                                        .nmf = r->protocol->nmf,
                                        .nmf_blind = r->protocol->nmf_blind};
    for (size_t m = 0; m < count; m++) {
        if (r->protocol->mixtures[m].samples > r->most_samples) {
            r->most_samples = r->protocol->mixtures[m].samples;
        }
    }
    pp_status status = pp_methods_create(&r->methods, r->model, &options, err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&r->sounds,
                                  (1 + PP_BSS_MOST_SOURCES) * (size_t)r->most_samples,
                                  sizeof(float), "sounds", err);
    }
    if (status != PP_OK || r->model == NULL) return status;
    r->k = (size_t)pp_model_get_shape(r->model)->components;
    status = pp_alloc_checked((void **)&r->vectors, count * PP_BSS_MOST_SOURCES * r->k,
                              sizeof(float), "vectors", err);
    if (status == PP_OK) {
        status =
            pp_alloc_checked((void **)&r->seen, count * PP_BSS_MOST_SOURCES, 1, "vectors", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&r->blank, r->k, sizeof(float), "vectors", err);
    }
    return status == PP_OK ? look(r, err) : status;
}

pp_status pp_eval_run(pp_protocol *protocol, pp_clip_cache *cache, pp_clip_reader *reader,
                      const pp_model *model, const pp_classes *classes,
                      const pp_eval_progress *progress, pp_eval_result **results, pp_error *err)
{
    run r = {
        .protocol = protocol, .cache = cache, .reader = reader, .model = model, .classes = classes};
    pp_status status = pp_alloc_checked((void **)results, protocol->mixture_count, sizeof **results,
                                        "results", err);
    if (status == PP_OK) status = prepare(&r, err);
    for (size_t m = 0; m < protocol->mixture_count && status == PP_OK; m++) {
        pp_method_task task;
        status = load_task(&r, m, &task, err);
        if (status == PP_OK) status = pp_methods_run(r.methods, &task, (*results)[m].score, err);
        if (status == PP_OK && progress != NULL && progress->done != NULL) {
            progress->done(progress->user, m + 1, protocol->mixture_count);
        }
    }
    pp_methods_destroy(&r.methods);
    pp_free(r.sounds);
    pp_free(r.vectors);
    pp_free(r.seen);
    pp_free(r.blank);
    if (status != PP_OK) PP_FREE(*results);
    return status;
}
