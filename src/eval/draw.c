#include "eval/draw.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/random.h"

enum { MOST_TRIES = 1000 }; /* for one source: then the solos are called too few or too silent */

static int is_refused(const pp_protocol *p, int32_t file, int64_t start)
{
    for (size_t i = 0; i < p->refusal_count; i++) {
        if (p->refusals[i].file == file && p->refusals[i].start == start) return 1;
    }
    return 0;
}

static pp_status refuse(pp_protocol *p, int32_t file, int64_t start, const char *reason,
                        pp_error *err)
{
    if (is_refused(p, file, start)) return PP_OK;
    pp_log(PP_LOG_WARN, "%s: refused as a reference: %s", p->files[file].path, reason);
    return pp_protocol_refuse(p, file, start, reason, err);
}

/* Whether the label differs from those chosen before, or any will do. */
static int label_fits(const pp_protocol_mixture *m, const char *label, int any_labels)
{
    for (int i = 0; i < m->sources && !any_labels && label[0] != '\0'; i++) {
        if (strcmp(m->source[i].label, label) == 0) return 0;
    }
    return 1;
}

static int has_file(const pp_protocol_mixture *m, int32_t file)
{
    for (int i = 0; i < m->sources; i++) {
        if (m->source[i].sound == file) return 1;
    }
    return 0;
}

/* What another draw cannot mend, and what says nothing about the file. */
static int is_fatal(pp_status status)
{
    return status == PP_ERR_NOMEM || status == PP_ERR_INTERNAL || status == PP_ERR_INTERRUPTED ||
           status == PP_ERR_IO;
}

/* Enters the solo as the next source if it sounds there. */
static pp_status try_solo(pp_protocol *p, pp_clip_cache *cache, const pp_solo *solo, int32_t file,
                          const pp_draw_options *o, pp_random *random, pp_protocol_mixture *m,
                          pp_error *err)
{
    const pp_clip *clip = NULL;
    pp_error failure = {0};
    pp_status status = pp_clip_cache_get(cache, file, PP_CLIP_MIDDLE, o->samples, &clip, &failure);
    if (status == PP_OK && o->random_place && clip->total > o->samples) {
        const uint64_t places = (uint64_t)(clip->total - o->samples + 1);
        const int64_t start = (int64_t)pp_random_below(random, places);
        status = pp_clip_cache_get(cache, file, start, o->samples, &clip, &failure);
    }
    if (is_fatal(status)) {
        if (err != NULL) *err = failure;
        return status;
    }
    if (status != PP_OK) return refuse(p, file, 0, failure.message, err);
    if (!(clip->level_db >= p->silence_db)) {
        char reason[128];
        snprintf(reason, sizeof reason, "silent (%.1f dBFS, least %.1f) from %.2f s on",
                 clip->level_db, p->silence_db, (double)clip->start / p->rate_hz);
        return refuse(p, file, clip->start, reason, err);
    }
    pp_protocol_source *s = &m->source[m->sources++];
    memset(s, 0, sizeof *s);
    snprintf(s->label, sizeof s->label, "%s", solo->label);
    s->sound = file;
    s->start = clip->start;
    s->shuffled_mixture = s->shuffled_source = -1;
    return PP_OK;
}

static pp_status draw_one(pp_protocol *p, pp_clip_cache *cache, const pp_solos *solos,
                          const pp_draw_options *o, uint64_t number, pp_error *err)
{
    pp_protocol_mixture m = {.mixture = -1, .samples = o->samples};
    pp_random random;
    pp_random_seed(&random, p->seed, number);
    for (int tries = 0; m.sources < o->sources; tries++) {
        if (tries == MOST_TRIES * o->sources) {
            pp_fail(err, PP_ERR_USAGE,
                    "too few usable solos (%zu given, %zu refusals) for mixtures of %d",
                    solos->count, p->refusal_count, o->sources);
            return pp_advise(err,
                             "give more solos, of at least %d instruments, or let equal "
                             "instruments meet (--any-labels)",
                             o->sources);
        }
        const pp_solo *solo = &solos->items[pp_random_below(&random, solos->count)];
        if (!label_fits(&m, solo->label, o->any_labels)) continue;
        int32_t file = -1;
        pp_status status = pp_protocol_add_file(p, solo->path, &file, err);
        if (status == PP_OK && !has_file(&m, file)) {
            status = try_solo(p, cache, solo, file, o, &random, &m, err);
        }
        if (status != PP_OK) return status;
    }
    return pp_protocol_add_mixture(p, &m, err);
}

pp_status pp_draw_mixtures(pp_protocol *protocol, pp_clip_cache *cache, const pp_solos *solos,
                           const pp_draw_options *options, pp_error *err)
{
    if (options->sources < 1 || options->sources > PP_BSS_MOST_SOURCES || options->mixtures < 1) {
        return pp_fail(err, PP_ERR_USAGE, "%d mixtures of %d: at least one, of 1 to %d sources",
                       options->mixtures, options->sources, PP_BSS_MOST_SOURCES);
    }
    if (solos->count < (size_t)options->sources) {
        return pp_fail(err, PP_ERR_USAGE, "%zu solos are too few for mixtures of %d", solos->count,
                       options->sources);
    }
    pp_status status = PP_OK;
    for (int m = 0; m < options->mixtures && status == PP_OK; m++) {
        status = draw_one(protocol, cache, solos, options, (uint64_t)m, err);
    }
    if (status == PP_OK) pp_protocol_shuffle(protocol);
    return status;
}
