#include "eval/cache.h"

#include "base/memory.h"

typedef struct entry {
    int32_t file;
    int64_t start, samples; /* as asked for */
    pp_clip clip;
    pp_error *failure; /* owned; NULL where the clip is there */
} entry;

struct pp_clip_cache {
    pp_clip_reader *reader; /* borrowed */
    pp_protocol *protocol;  /* borrowed */
    entry **entries;        /* each owned: pointers into them outlive growth */
    size_t count, room;
};

pp_status pp_clip_cache_create(pp_clip_cache **out, pp_clip_reader *reader, pp_protocol *protocol,
                               pp_error *err)
{
    pp_status status = pp_alloc_checked((void **)out, 1, sizeof **out, "clips", err);
    if (status != PP_OK) return status;
    (*out)->reader = reader;
    (*out)->protocol = protocol;
    return PP_OK;
}

void pp_clip_cache_destroy(pp_clip_cache **cache)
{
    pp_clip_cache *c = *cache;
    if (c == NULL) return;
    for (size_t i = 0; i < c->count; i++) {
        pp_clip_release(&c->entries[i]->clip);
        pp_free(c->entries[i]->failure);
        pp_free(c->entries[i]);
    }
    pp_free(c->entries);
    PP_FREE(*cache);
}

static entry *find(const pp_clip_cache *c, int32_t file, int64_t start, int64_t samples)
{
    for (size_t i = 0; i < c->count; i++) {
        entry *e = c->entries[i];
        if (e->file != file || e->samples != samples) continue;
        /* The middle, asked for by its own start later on, is the same clip. */
        if (e->start == start || (e->failure == NULL && e->clip.start == start)) return e;
    }
    return NULL;
}

static pp_status add(pp_clip_cache *c, entry **out, int32_t file, int64_t start, int64_t samples,
                     pp_error *err)
{
    pp_status status =
        pp_grow((void **)&c->entries, &c->room, c->count + 1, sizeof *c->entries, err);
    if (status == PP_OK) status = pp_alloc_checked((void **)out, 1, sizeof **out, "clip", err);
    if (status != PP_OK) return status;
    c->entries[c->count++] = *out;
    (*out)->file = file;
    (*out)->start = start;
    (*out)->samples = samples;
    return PP_OK;
}

pp_status pp_clip_cache_get(pp_clip_cache *c, int32_t file, int64_t start, int64_t samples,
                            const pp_clip **clip, pp_error *err)
{
    entry *e = find(c, file, start, samples);
    if (e == NULL) {
        pp_status status = add(c, &e, file, start, samples, err);
        if (status != PP_OK) return status;
        pp_error failure = {0};
        status = pp_protocol_check_file(c->protocol, file, &failure);
        if (status == PP_OK) {
            status = pp_clip_read(c->reader, c->protocol->files[file].path, start, samples,
                                  &e->clip, &failure);
        }
        if (status != PP_OK) {
            status = pp_alloc_checked((void **)&e->failure, 1, sizeof failure, "clip", err);
            if (status != PP_OK) return status;
            *e->failure = failure;
        }
    }
    if (e->failure != NULL) {
        if (err != NULL && err->status == PP_OK) *err = *e->failure;
        return e->failure->status;
    }
    *clip = &e->clip;
    return PP_OK;
}
