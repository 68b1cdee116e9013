#include "cluster/train_inputs.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/csv.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/random.h"
#include "base/text.h"
#include "cluster/agree.h"
#include "cluster/inputs.h"

#define MOST_COMPLAINTS 20 /* lines about single clips; the rest is only counted */

/* One clip to be: an input, and where a published list gave one its folder of pictures. */
typedef struct wanted {
    pp_train_item item;
    char *path, *frames, *id, *labels; /* owned; the item borrows */
    int for_validation;
} wanted;

typedef struct wanted_list {
    wanted *items;
    size_t count, capacity;
} wanted_list;

static void free_wanted(wanted_list *list)
{
    for (size_t i = 0; i < list->count; i++) {
        wanted *w = &list->items[i];
        pp_free(w->path), pp_free(w->frames), pp_free(w->id), pp_free(w->labels);
    }
    pp_free(list->items);
    *list = (wanted_list){0};
}

static pp_status append(wanted_list *list, const char *path, const char *frames, const char *id,
                        const char *labels, int for_validation, wanted **added, pp_error *err)
{
    pp_status status =
        pp_grow((void **)&list->items, &list->capacity, list->count + 1, sizeof *list->items, err);
    if (status != PP_OK) return status;
    wanted *w = &list->items[list->count++];
    w->path = pp_strdup(path);
    w->frames = frames != NULL ? pp_strdup(frames) : NULL;
    w->id = pp_strdup(id);
    w->labels = pp_strdup(labels);
    w->for_validation = for_validation;
    if (w->path == NULL || (frames != NULL && w->frames == NULL) || w->id == NULL ||
        w->labels == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for the list of clips");
    }
    w->item = (pp_train_item){.path = w->path, .frames_folder = w->frames, .audio_track = -1};
    *added = w;
    return PP_OK;
}

/* ---- inputs ---- */

static char *folder_label(const char *path)
{
    char *folder = pp_path_folder(path);
    char *label = folder != NULL ? pp_strdup(pp_path_name(folder)) : NULL;
    pp_free(folder);
    return label;
}

/* Inputs that cannot be tried are named, and not counted again. */
static pp_status take_inputs(wanted_list *list, const pp_train_job *job, const pp_inputs *inputs,
                             const char *split, int for_validation, int speaks, pp_error *err)
{
    pp_status status = PP_OK;
    for (size_t i = 0; i < inputs->count && status == PP_OK; i++) {
        const pp_input *in = &inputs->items[i];
        if (split[0] != 0 && strcmp(in->split, split) != 0) continue;
        if (in->problem != NULL) {
            if (speaks) pp_log_failure(PP_LOG_WARN, in->path, in->problem);
            continue;
        }
        char *label = in->labels[0] == 0 && job->folder_labels ? folder_label(in->path) : NULL;
        wanted *w;
        status = append(list, in->path, NULL, in->id[0] != 0 ? in->id : in->path,
                        label != NULL ? label : in->labels, for_validation, &w, err);
        pp_free(label);
        if (status != PP_OK) return status;
        w->item.start_s = in->start_s;
        w->item.end_s = in->end_s;
        w->item.audio_track = in->audio_track;
        w->item.size_bytes = in->size_bytes;
        w->item.mtime_ns = in->mtime_ns;
    }
    return status;
}

/* ---- published lists ---- */

/* AUDIO,FRAMES,COUNT without a header line: three cells, the last a number. */
static int is_published(const pp_csv *csv)
{
    int64_t count;
    return pp_csv_rows(csv) > 0 && pp_csv_cells(csv, 0) == 3 &&
           pp_text_to_int(&count, pp_csv_cell(csv, 0, 2), 0, INT64_MAX, "count", NULL) == PP_OK;
}

/* Paths of published lists are relative to where their makers ran: tried from the list's folder
 * first, then from the working folder. */
static char *find_path(const char *folder, const char *path)
{
    char *joined = path[0] != '/' ? pp_path_join(folder, path) : pp_strdup(path);
    char *found = pp_path_absolute(joined != NULL && pp_path_exists(joined) ? joined : path);
    pp_free(joined);
    return found;
}

static pp_status take_row(wanted_list *list, const pp_csv *csv, size_t row, const char *folder,
                          int for_validation, int speaks, pp_error *err)
{
    struct stat facts;
    char *sound = find_path(folder, pp_csv_cell(csv, row, 0));
    char *frames = find_path(folder, pp_csv_cell(csv, row, 1));
    char *label = sound != NULL ? folder_label(sound) : NULL;
    pp_status status = PP_OK;
    wanted *w = NULL;
    if (sound == NULL || frames == NULL || label == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    } else if (stat(sound, &facts) != 0) {
        if (speaks) pp_log(PP_LOG_WARN, "%s: no such file", sound);
    } else {
        status = append(list, sound, frames, sound, label, for_validation, &w, err);
    }
    if (w != NULL) {
        w->item.size_bytes = facts.st_size;
        w->item.mtime_ns =
            (int64_t)facts.st_mtim.tv_sec * 1000000000 + (int64_t)facts.st_mtim.tv_nsec;
    }
    pp_free(sound), pp_free(frames), pp_free(label);
    return status;
}

/* *taken 0: the file is not a published list. */
static pp_status take_published(wanted_list *list, const char *path, int for_validation, int speaks,
                                int *taken, pp_error *err)
{
    pp_csv *csv = NULL;
    pp_error unreadable = {0};
    *taken = 0;
    if (!pp_text_ends_with(path, ".csv") || pp_csv_read(&csv, path, 0, &unreadable) != PP_OK) {
        return PP_OK;
    }
    pp_status status = PP_OK;
    *taken = is_published(csv);
    char *folder = pp_path_folder(path);
    if (folder == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    for (size_t row = 0; *taken && row < pp_csv_rows(csv) && status == PP_OK; row++) {
        status = take_row(list, csv, row, folder, for_validation, speaks, err);
    }
    pp_free(folder);
    pp_csv_destroy(&csv);
    return status;
}

/* ---- everything that is wanted ---- */

static pp_status take_arguments(wanted_list *list, const pp_train_job *job, int for_validation,
                                int speaks, pp_error *err)
{
    char *const *arguments = for_validation ? job->validation : job->train;
    const int count = for_validation ? job->validation_count : job->train_count;
    const char *split = for_validation ? job->validation_split : job->train_split;
    pp_inputs inputs = {.audio_track = -1};
    pp_status status = PP_OK;
    for (int i = 0; i < count && status == PP_OK; i++) {
        int taken = 0;
        status = take_published(list, arguments[i], for_validation, speaks, &taken, err);
        if (status == PP_OK && !taken) status = pp_inputs_add(&inputs, arguments[i], NULL, err);
    }
    if (status == PP_OK) status = pp_inputs_settle(&inputs, err);
    if (status == PP_OK) {
        status = take_inputs(list, job, &inputs, split, for_validation, speaks, err);
    }
    pp_inputs_free(&inputs);
    return status;
}

/* A share of the training clips becomes validation, by their names alone. */
static void share_out(wanted_list *list, double share)
{
    for (size_t i = 0; i < list->count; i++) {
        char hex[PP_HASH_HEX];
        unsigned long long number = 0;
        const char *id = list->items[i].id;
        pp_hash_bytes(id, strlen(id), hex);
        hex[12] = 0;
        sscanf(hex, "%llx", &number);
        list->items[i].for_validation = (double)number / (double)(1ull << 48) < share;
    }
}

static pp_status want(wanted_list *list, const pp_train_job *job, int speaks, pp_error *err)
{
    pp_status status = take_arguments(list, job, 0, speaks, err);
    if (status != PP_OK) return status;
    if (job->validation_count > 0) return take_arguments(list, job, 1, speaks, err);
    share_out(list, job->validation_share);
    return PP_OK;
}

/* ---- clips ---- */

static pp_status fill_cache(const pp_train_job *job, pp_decoder *decoder, const wanted_list *list,
                            int (*should_stop)(void *), void *user, MPI_Comm comm, pp_error *err)
{
    int rank, ranks;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    int made = 0;
    pp_status status = PP_OK;
    double told_s = pp_clock_s();
    for (size_t i = (size_t)rank; i < list->count && status == PP_OK; i += (size_t)ranks) {
        pp_train_clip clip;
        int decoded = 0;
        if (should_stop(user)) {
            status = pp_fail(err, PP_ERR_INTERRUPTED, "asked to stop while decoding");
            break;
        }
        status = pp_train_ingest(job, decoder, &list->items[i].item, &clip, &decoded, err);
        pp_train_clip_close(&clip);
        made += decoded;
        if (rank == 0 && made > 0 && pp_clock_s() - told_s > 10) {
            pp_log(PP_LOG_INFO, "decoding: clip %zu of %zu", i + 1, list->count);
            told_s = pp_clock_s();
        }
    }
    status = pp_agree_status(comm, status, err);
    if (status != PP_OK) return status;
    int all = 0;
    MPI_Allreduce(&made, &all, 1, MPI_INT, MPI_SUM, comm);
    if (rank == 0 && all > 0) pp_log(PP_LOG_INFO, "decoded %d clips into %s", all, job->cache);
    return PP_OK;
}

static pp_status add_all(pp_train_inputs *inputs, const pp_train_job *job, const wanted_list *list,
                         int speaks, pp_error *err)
{
    int complaints = 0;
    pp_status status = PP_OK;
    for (size_t i = 0; i < list->count && status == PP_OK; i++) {
        const wanted *w = &list->items[i];
        pp_train_clip clip;
        int decoded;
        status = pp_train_ingest(job, NULL, &w->item, &clip, &decoded, err);
        if (status != PP_OK) break;
        if (clip.state != PP_TRAIN_CLIP_USABLE && speaks && ++complaints <= MOST_COMPLAINTS) {
            pp_log(PP_LOG_WARN, "%s is skipped: %s (%s)%s", w->path,
                   pp_train_clip_state_name(clip.state), clip.reason,
                   complaints == MOST_COMPLAINTS ? "; further ones are only counted" : "");
        }
        status = pp_train_corpus_add(w->for_validation ? inputs->validation : inputs->train, &clip,
                                     w->id, w->labels, err);
    }
    return status;
}

static void tell(const pp_train_corpus *corpus, const char *name)
{
    pp_log(PP_LOG_INFO,
           "%s: %zu clips, %.2f h, %d labels; %d without one label, %d without pictures", name,
           corpus->count, corpus->seconds / 3600, corpus->label_count, corpus->without_label,
           corpus->without_pictures);
}

static void tell_skipped(const pp_train_inputs *inputs)
{
    const int *a = inputs->train->skipped, *b = inputs->validation->skipped;
    const int silent = a[PP_TRAIN_CLIP_SILENT] + b[PP_TRAIN_CLIP_SILENT];
    const int broken = a[PP_TRAIN_CLIP_BROKEN] + b[PP_TRAIN_CLIP_BROKEN];
    const int brief = a[PP_TRAIN_CLIP_SHORT] + b[PP_TRAIN_CLIP_SHORT];
    if (silent + broken + brief == 0) return;
    pp_log(PP_LOG_WARN, "%d CLIPS SKIPPED: %d silent, %d broken, %d too short",
           silent + broken + brief, silent, broken, brief);
}

/* Training clips number the labels, validation clips follow. */
static pp_status settle(pp_train_inputs *inputs, const char *const *labels, int label_count,
                        pp_error *err)
{
    pp_status status = pp_train_corpus_settle(inputs->train, labels, label_count, err);
    if (status != PP_OK) return status;
    return pp_train_corpus_settle(inputs->validation, (const char *const *)inputs->train->labels,
                                  inputs->train->label_count, err);
}

pp_status pp_train_inputs_open(pp_train_inputs *inputs, const pp_train_job *job,
                               pp_decoder *decoder, const char *const *labels, int label_count,
                               int (*should_stop)(void *user), void *user, MPI_Comm comm,
                               pp_error *err)
{
    wanted_list list = {0};
    int rank;
    MPI_Comm_rank(comm, &rank);
    *inputs = (pp_train_inputs){0};
    pp_status status = want(&list, job, rank == 0, err);
    if (status == PP_OK) status = pp_train_corpus_create(&inputs->train, err);
    if (status == PP_OK) status = pp_train_corpus_create(&inputs->validation, err);
    status = pp_agree_status(comm, status, err);
    if (status == PP_OK) {
        status = fill_cache(job, decoder, &list, should_stop, user, comm, err);
    }
    if (status == PP_OK) {
        status = add_all(inputs, job, &list, rank == 0, err);
        if (status == PP_OK) status = settle(inputs, labels, label_count, err);
        status = pp_agree_status(comm, status, err);
    }
    if (status == PP_OK && rank == 0) {
        tell(inputs->train, "training");
        tell(inputs->validation, "validation");
        tell_skipped(inputs);
    }
    free_wanted(&list);
    if (status != PP_OK) pp_train_inputs_close(inputs);
    return status;
}

void pp_train_inputs_close(pp_train_inputs *inputs)
{
    pp_train_corpus_destroy(&inputs->train);
    pp_train_corpus_destroy(&inputs->validation);
}
