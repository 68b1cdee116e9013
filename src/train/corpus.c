#include "train/corpus.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

pp_status pp_train_corpus_create(pp_train_corpus **out, pp_error *err)
{
    *out = pp_alloc(1, sizeof **out);
    return *out != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a corpus");
}

static void free_labels(pp_train_corpus *corpus)
{
    for (int i = 0; i < corpus->label_count; i++) pp_free(corpus->labels[i]);
    PP_FREE(corpus->labels);
    corpus->label_count = 0;
}

void pp_train_corpus_destroy(pp_train_corpus **corpus)
{
    if (corpus == NULL || *corpus == NULL) return;
    for (size_t i = 0; i < (*corpus)->count; i++) {
        pp_train_entry *e = &(*corpus)->entries[i];
        pp_train_clip_close(&e->clip);
        pp_free(e->id), pp_free(e->labels);
    }
    free_labels(*corpus);
    pp_free((*corpus)->entries);
    PP_FREE(*corpus);
}

pp_status pp_train_corpus_add(pp_train_corpus *corpus, pp_train_clip *clip, const char *id,
                              const char *labels, pp_error *err)
{
    if (clip->state != PP_TRAIN_CLIP_USABLE) {
        corpus->skipped[clip->state]++;
        pp_train_clip_close(clip);
        return PP_OK;
    }
    pp_status status = pp_grow((void **)&corpus->entries, &corpus->capacity, corpus->count + 1,
                               sizeof *corpus->entries, err);
    if (status != PP_OK) {
        pp_train_clip_close(clip);
        return status;
    }
    pp_train_entry *e = &corpus->entries[corpus->count++];
    e->clip = *clip;
    memset(clip, 0, sizeof *clip);
    e->id = pp_strdup(id);
    e->labels = pp_strdup(labels);
    e->label = PP_TRAIN_NO_LABEL;
    corpus->without_pictures += e->clip.pictures == 0;
    corpus->seconds += (double)e->clip.samples / e->clip.rate_hz;
    return e->id != NULL && e->labels != NULL ? PP_OK
                                              : pp_fail(err, PP_ERR_NOMEM, "no memory for a clip");
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static pp_status append_label(pp_train_corpus *corpus, size_t *capacity, const char *name,
                              pp_error *err)
{
    pp_status status = pp_grow((void **)&corpus->labels, capacity, (size_t)corpus->label_count + 1,
                               sizeof *corpus->labels, err);
    if (status != PP_OK) return status;
    char *copy = pp_strdup(name);
    if (copy == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for labels");
    corpus->labels[corpus->label_count++] = copy;
    return PP_OK;
}

static int find_label(const pp_train_corpus *corpus, const char *name)
{
    for (int i = 0; i < corpus->label_count; i++) {
        if (strcmp(corpus->labels[i], name) == 0) return i;
    }
    return PP_TRAIN_NO_LABEL;
}

static int stands_alone(const pp_train_entry *e)
{
    return e->labels[0] != 0 && strchr(e->labels, ';') == NULL;
}

static pp_status collect_labels(pp_train_corpus *corpus, size_t *capacity, pp_error *err)
{
    pp_status status = PP_OK;
    for (size_t i = 0; i < corpus->count && status == PP_OK; i++) {
        const pp_train_entry *e = &corpus->entries[i];
        if (!stands_alone(e) || find_label(corpus, e->labels) >= 0) continue;
        status = append_label(corpus, capacity, e->labels, err);
    }
    if (corpus->label_count > 0) {
        qsort(corpus->labels, (size_t)corpus->label_count, sizeof *corpus->labels, compare_names);
    }
    return status;
}

pp_status pp_train_corpus_settle(pp_train_corpus *corpus, const char *const *names, int count,
                                 pp_error *err)
{
    size_t capacity = 0;
    pp_status status = PP_OK;
    free_labels(corpus);
    if (names == NULL) status = collect_labels(corpus, &capacity, err);
    for (int i = 0; names != NULL && i < count && status == PP_OK; i++) {
        status = append_label(corpus, &capacity, names[i], err);
    }
    corpus->without_label = 0;
    for (size_t i = 0; i < corpus->count && status == PP_OK; i++) {
        pp_train_entry *e = &corpus->entries[i];
        e->label = stands_alone(e)                  ? find_label(corpus, e->labels)
                   : strchr(e->labels, ';') != NULL ? PP_TRAIN_MANY_LABELS
                                                    : PP_TRAIN_NO_LABEL;
        corpus->without_label += e->label < 0;
    }
    return status;
}
