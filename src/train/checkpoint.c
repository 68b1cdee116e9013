#include "train/checkpoint.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define FORMAT "pixelplayer-checkpoint"
#define VERSION 1
#define MOST_TENSOR_BYTES ((uint64_t)1 << 32)

static const char *const parts[] = {"sound", "frame", "synthesizer", "labels"};

#define COLUMN(member, unit, kind)                                                                 \
    {                                                                                              \
#member, unit, offsetof(pp_train_point, member), kind, 0                                   \
    }
static const pp_h5_column columns[] = {
    COLUMN(step, "1", PP_H5_I64),
    COLUMN(hours, "h", PP_H5_F64),
    COLUMN(loss, "1", PP_H5_F64),
    COLUMN(rate, "1", PP_H5_F64),
    COLUMN(validation_loss, "1", PP_H5_F64),
    COLUMN(sdr_db, "dB", PP_H5_F64),
    COLUMN(gain_db, "dB", PP_H5_F64),
    COLUMN(label_sdr_db, "dB", PP_H5_F64),
    COLUMN(label_gain_db, "dB", PP_H5_F64),
    COLUMN(samples_per_s, "1/s", PP_H5_F64),
};
#define COLUMNS ((int)(sizeof columns / sizeof *columns))

static void path_of(const pp_train_tensor *t, const char *group, char *path, size_t room)
{
    snprintf(path, room, "/%s/%s/%s", group, parts[t->part], t->name);
}

/* ---- writing ---- */

static pp_status put_tensor(pp_h5 *h5, const pp_train_tensor *t, const char *group,
                            const float *array, float *room, pp_error *err)
{
    char path[PP_TRAIN_NAME + 64];
    path_of(t, group, path, sizeof path);
    pp_h5_spec spec = {
        .path = path, .type = PP_H5_F32, .rank = t->rank, .units = "1", .long_name = t->name};
    for (int i = 0; i < t->rank; i++) spec.dims[i] = t->dims[i];
    pp_train_tensor_export(t, array + t->offset, room);
    return pp_h5_put(h5, &spec, room, err);
}

/* Arrays that are laid out like the values; NULL: not there. */
typedef struct arrays {
    const char *group;
    float *trained, *tracked;
} arrays;

static int list_arrays(const pp_train_state *state, arrays list[4])
{
    int count = 0;
    const pp_train_optimiser *o = state->optimiser;
    list[count++] = (arrays){"parameters", state->params->values, NULL};
    list[count++] = (arrays){"statistics", NULL, state->params->statistics};
    if (o != NULL) list[count++] = (arrays){"first", o->first, NULL};
    if (o != NULL && o->options.method == PP_TRAIN_ADAMW) {
        list[count++] = (arrays){"second", o->second, NULL};
    }
    return count;
}

static float *largest_room(const pp_train_params *params)
{
    size_t most = 1;
    for (size_t i = 0; i < params->count; i++) {
        most = params->tensors[i].count > most ? params->tensors[i].count : most;
    }
    return pp_alloc(most, sizeof(float));
}

static pp_status put_arrays(pp_h5 *h5, const pp_train_state *state, const arrays *a, float *room,
                            pp_error *err)
{
    pp_status status = PP_OK;
    for (size_t i = 0; i < state->params->count && status == PP_OK; i++) {
        const pp_train_tensor *t = &state->params->tensors[i];
        const float *array = pp_train_is_statistic(t) ? a->tracked : a->trained;
        if (array != NULL) status = put_tensor(h5, t, a->group, array, room, err);
    }
    return status;
}

static pp_status put_attributes(pp_h5 *h5, const pp_train_state *s, pp_error *err)
{
    pp_status status = pp_h5_set_text(h5, "/", "format", FORMAT, err);
    if (status == PP_OK) status = pp_h5_set_int(h5, "/", "version", VERSION, err);
    if (status == PP_OK) status = pp_h5_set_int(h5, "/", "step", s->step, err);
    if (status == PP_OK) status = pp_h5_set_int(h5, "/", "ranks", s->ranks, err);
    if (status == PP_OK) status = pp_h5_set_real(h5, "/", "hours", s->hours, err);
    if (status == PP_OK) status = pp_h5_set_real(h5, "/", "best_loss", s->best_loss, err);
    if (status == PP_OK) status = pp_h5_set_real(h5, "/", "loss_sum", s->loss_sum, err);
    if (status == PP_OK) status = pp_h5_set_int(h5, "/", "loss_steps", s->loss_steps, err);
    if (status == PP_OK && s->optimiser != NULL) {
        status = pp_h5_set_int(h5, "/", "optimiser_steps", s->optimiser->steps, err);
    }
    if (status == PP_OK && s->job != NULL) status = pp_h5_set_text(h5, "/", "job", s->job, err);
    return status;
}

static pp_status put_all(pp_h5 *h5, const pp_train_state *state, float *room, pp_error *err)
{
    arrays list[5];
    int count = list_arrays(state, list);
    if (state->average != NULL) list[count++] = (arrays){"average", state->average, NULL};
    pp_status status = put_attributes(h5, state, err);
    for (int i = 0; i < count && status == PP_OK; i++) {
        status = put_arrays(h5, state, &list[i], room, err);
    }
    if (status == PP_OK && state->label_count > 0) {
        status = pp_h5_put_texts(h5, "/label_names", (const char *const *)state->labels,
                                 state->label_count, "the label of each row of labels.weight", err);
    }
    if (status == PP_OK && state->history != NULL && state->history->count > 0) {
        status = pp_h5_put_table(h5, "/history", columns, COLUMNS, state->history->points,
                                 sizeof(pp_train_point), (int64_t)state->history->count,
                                 "points of progress", err);
    }
    return status;
}

pp_status pp_train_checkpoint_write(const pp_train_state *state, const pp_fileops *ops,
                                    const char *path, pp_error *err)
{
    pp_h5 *h5 = NULL;
    float *room = largest_room(state->params);
    pp_status status = room != NULL ? pp_h5_create(&h5, ops, path, err)
                                    : pp_fail(err, PP_ERR_NOMEM, "no memory to write %s", path);
    if (status == PP_OK) status = put_all(h5, state, room, err);
    if (status == PP_OK) status = pp_h5_commit(&h5, err);
    pp_h5_close(&h5);
    pp_free(room);
    return status;
}

/* ---- reading ---- */

static pp_status take_tensor(pp_h5 *h5, const pp_train_tensor *t, const char *group, float *array,
                             pp_error *err)
{
    char path[PP_TRAIN_NAME + 64];
    int64_t dims[PP_H5_MOST_RANK] = {0};
    float *values = NULL;
    path_of(t, group, path, sizeof path);
    for (int i = 0; i < t->rank; i++) dims[i] = t->dims[i];
    pp_status status =
        pp_h5_take(h5, path, PP_H5_F32, t->rank, dims, MOST_TENSOR_BYTES, (void **)&values, err);
    if (status == PP_OK) pp_train_tensor_import(t, values, array + t->offset);
    pp_free(values);
    return status;
}

static pp_status check_format(pp_h5 *h5, pp_error *err)
{
    char *format = NULL;
    int64_t version = 0;
    pp_status status = pp_h5_get_text(h5, "/", "format", &format, err);
    if (status == PP_OK && strcmp(format, FORMAT) != 0) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: not a training checkpoint", pp_h5_path(h5));
    }
    pp_free(format);
    if (status == PP_OK) status = pp_h5_get_int(h5, "/", "version", &version, err);
    if (status == PP_OK && version != VERSION) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: version %lld of a checkpoint, %d is read",
                         pp_h5_path(h5), (long long)version, VERSION);
    }
    return status;
}

static pp_status take_attributes(pp_h5 *h5, pp_train_state *s, pp_error *err)
{
    int64_t ranks = 0;
    pp_status status = pp_h5_get_int(h5, "/", "step", &s->step, err);
    if (status == PP_OK) status = pp_h5_get_int(h5, "/", "ranks", &ranks, err);
    if (status == PP_OK) status = pp_h5_get_real(h5, "/", "hours", &s->hours, err);
    if (status == PP_OK) status = pp_h5_get_real(h5, "/", "best_loss", &s->best_loss, err);
    if (status == PP_OK) status = pp_h5_get_real(h5, "/", "loss_sum", &s->loss_sum, err);
    if (status == PP_OK) status = pp_h5_get_int(h5, "/", "loss_steps", &s->loss_steps, err);
    if (status == PP_OK && s->optimiser != NULL) {
        status = pp_h5_get_int(h5, "/", "optimiser_steps", &s->optimiser->steps, err);
    }
    s->ranks = (int)ranks;
    if (status == PP_OK && s->step < 0) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: a negative step", pp_h5_path(h5));
    }
    return status;
}

static pp_status take_history(pp_h5 *h5, pp_train_history *history, pp_error *err)
{
    void *rows = NULL;
    int64_t count = 0;
    if (!pp_h5_has(h5, "/history")) return PP_OK;
    pp_status status = pp_h5_take_table(h5, "/history", columns, COLUMNS, sizeof(pp_train_point),
                                        &rows, &count, err);
    for (int64_t i = 0; i < count && status == PP_OK; i++) {
        status = pp_train_history_add(history, (const pp_train_point *)rows + i, err);
    }
    pp_free(rows);
    return status;
}

static pp_status check_labels(pp_h5 *h5, const pp_train_state *state, pp_error *err)
{
    char **names = NULL;
    int64_t count = 0;
    if (state->label_count == 0) return PP_OK;
    pp_status status = pp_h5_take_texts(h5, "/label_names", &names, &count, err);
    if (status != PP_OK) return status;
    int same = count == state->label_count;
    for (int64_t i = 0; i < count && same; i++) same = strcmp(names[i], state->labels[i]) == 0;
    pp_h5_free_texts(&names, count);
    if (same) return PP_OK;
    return pp_fail(err, PP_ERR_USAGE, "%s: trained for other labels than these", pp_h5_path(h5));
}

static pp_status take_all(pp_h5 *h5, pp_train_state *state, pp_error *err)
{
    arrays list[5];
    int count = list_arrays(state, list);
    if (state->average != NULL) list[count++] = (arrays){"average", state->average, NULL};
    pp_status status = check_format(h5, err);
    if (status == PP_OK) status = take_attributes(h5, state, err);
    if (status == PP_OK) status = check_labels(h5, state, err);
    for (int a = 0; a < count; a++) {
        for (size_t i = 0; i < state->params->count && status == PP_OK; i++) {
            const pp_train_tensor *t = &state->params->tensors[i];
            float *array = pp_train_is_statistic(t) ? list[a].tracked : list[a].trained;
            if (array != NULL) status = take_tensor(h5, t, list[a].group, array, err);
        }
    }
    if (status == PP_OK && state->history != NULL) status = take_history(h5, state->history, err);
    return status;
}

pp_status pp_train_checkpoint_read(pp_train_state *state, const pp_fileops *ops, const char *path,
                                   pp_error *err)
{
    pp_h5 *h5 = NULL;
    pp_status status = pp_h5_open(&h5, ops, path, err);
    if (status == PP_OK) status = take_all(h5, state, err);
    pp_h5_close(&h5);
    return status;
}

pp_status pp_train_checkpoint_labels(const pp_fileops *ops, const char *path, char ***labels,
                                     int64_t *count, pp_error *err)
{
    pp_h5 *h5 = NULL;
    *labels = NULL;
    *count = 0;
    pp_status status = pp_h5_open(&h5, ops, path, err);
    if (status == PP_OK) status = check_format(h5, err);
    if (status == PP_OK && pp_h5_has(h5, "/label_names")) {
        status = pp_h5_take_texts(h5, "/label_names", labels, count, err);
    }
    pp_h5_close(&h5);
    return status;
}
