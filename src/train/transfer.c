#include "train/transfer.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "model/checkpoint.h"
#include "model/file.h"
#include "model/init.h"

#define OUTPUT_STRIDE 16 /* of the video network: its last layer dilates */

/* ---- in ---- */

static int shape_is(const pp_tensor *from, const pp_train_tensor *t)
{
    int same = from->rank == t->rank;
    for (int i = 0; i < t->rank && same; i++) same = from->dims[i] == t->dims[i];
    return same;
}

static pp_status take_named(pp_train_params *params, const pp_train_tensor *t,
                            const pp_tensors *from, const char *name, int needed, int *taken,
                            pp_error *err)
{
    const pp_tensor *found = pp_tensors_find(from, name);
    if (found == NULL && !needed) return PP_OK;
    if (found == NULL) return pp_fail(err, PP_ERR_USAGE, "there is no tensor %s", name);
    if (!shape_is(found, t)) {
        pp_fail(err, PP_ERR_USAGE, "the tensor %s has another shape than this job's", name);
        return pp_advise(err, "base, levels, components, widths and blocks must be the same");
    }
    float *array = pp_train_is_statistic(t) ? params->statistics : params->values;
    pp_train_tensor_import(t, found->values, array + t->offset);
    (*taken)++;
    return PP_OK;
}

static pp_status start_from_model(pp_train_params *params, pp_h5 *h5, int *taken, pp_error *err)
{
    static const pp_network_id networks[] = {PP_NET_SOUND, PP_NET_FRAME, PP_NET_SYNTHESIZER};
    pp_model_file file = {0};
    pp_status status = pp_model_file_read(&file, h5, 1, err);
    for (size_t i = 0; i < params->count && status == PP_OK; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (t->part == PP_TRAIN_LABELS) continue;
        status = take_named(params, t, &file.networks[networks[t->part]], t->name, 1, taken, err);
    }
    pp_model_file_clear(&file);
    return status;
}

static pp_status start_from_checkpoint(pp_train_params *params, pp_h5 *h5, int *taken,
                                       pp_error *err)
{
    static const char *const parts[] = {"sound", "frame", "synthesizer", "labels"};
    pp_status status = PP_OK;
    for (size_t i = 0; i < params->count && status == PP_OK; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        char path[PP_TRAIN_NAME + 64];
        int64_t dims[PP_H5_MOST_RANK] = {0};
        float *values = NULL;
        snprintf(path, sizeof path, "/%s/%s/%s",
                 pp_train_is_statistic(t) ? "statistics" : "parameters", parts[t->part], t->name);
        const int needed = t->part == PP_TRAIN_SOUND || t->part == PP_TRAIN_SYNTHESIZER;
        if (!needed && !pp_h5_has(h5, path)) continue;
        for (int d = 0; d < t->rank; d++) dims[d] = t->dims[d];
        status = pp_h5_take(h5, path, PP_H5_F32, t->rank, dims, (uint64_t)1 << 32, (void **)&values,
                            err);
        if (status != PP_OK) break;
        float *array = pp_train_is_statistic(t) ? params->statistics : params->values;
        pp_train_tensor_import(t, values, array + t->offset);
        pp_free(values);
        (*taken)++;
    }
    return status;
}

pp_status pp_train_start_from(pp_train_params *params, const char *path, int *taken, pp_error *err)
{
    pp_h5 *h5 = NULL;
    char *format = NULL;
    *taken = 0;
    pp_status status = pp_h5_open(&h5, pp_fileops_system(), path, err);
    if (status == PP_OK) status = pp_h5_get_text(h5, "/", "format", &format, err);
    if (status == PP_OK && strcmp(format, "pixelplayer-model") == 0) {
        status = start_from_model(params, h5, taken, err);
    } else if (status == PP_OK && strcmp(format, "pixelplayer-checkpoint") == 0) {
        status = start_from_checkpoint(params, h5, taken, err);
    } else if (status == PP_OK) {
        status = pp_fail(err, PP_ERR_FORMAT, "neither a model nor a checkpoint");
    }
    if (status != PP_OK) pp_error_prefix(err, "%s: ", path);
    pp_free(format);
    pp_h5_close(&h5);
    return status;
}

/* "features.5.0.conv1.weight" -> "layer2.0.conv1.weight", as torchvision has it. */
static void torchvision_name(const char *name, char *out, size_t room)
{
    int layer = 0, used = 0;
    if (sscanf(name, "features.%d.%n", &layer, &used) != 1 || used == 0) {
        snprintf(out, room, "%s", name);
    } else if (layer < 4) {
        snprintf(out, room, "%s.%s", layer == 0 ? "conv1" : "bn1", name + used);
    } else {
        snprintf(out, room, "layer%d.%s", layer - 3, name + used);
    }
}

pp_status pp_train_trunk_from(pp_train_params *params, const char *path, int *taken, pp_error *err)
{
    pp_tensors tensors = {0};
    *taken = 0;
    pp_status status = pp_checkpoint_read(&tensors, path, err);
    const int published = status == PP_OK && pp_tensors_find(&tensors, "features.0.weight") != NULL;
    for (size_t i = 0; i < params->count && status == PP_OK; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        char name[PP_TRAIN_NAME + 8];
        if (t->part != PP_TRAIN_FRAME || t->group != PP_TRAIN_GROUP_TRUNK) continue;
        snprintf(name, sizeof name, "%s", t->name);
        if (!published) torchvision_name(t->name, name, sizeof name);
        status = take_named(params, t, &tensors, name, 1, taken, err);
    }
    if (status == PP_OK && *taken == 0) {
        status = pp_fail(err, PP_ERR_USAGE, "this job has no video network to fill");
    }
    if (status != PP_OK) pp_error_prefix(err, "%s: ", path);
    pp_tensors_clear(&tensors);
    return status;
}

/* ---- out ---- */

static pp_status copy_tensors(pp_model_file *file, const pp_train_params *params,
                              const float *values, pp_error *err)
{
    pp_status status = PP_OK;
    for (size_t i = 0; i < params->count && status == PP_OK; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        int64_t dims[PP_TENSOR_MOST_RANK];
        pp_tensor *added;
        if (t->part == PP_TRAIN_LABELS) continue;
        pp_tensors *list = &file->networks[t->part == PP_TRAIN_SOUND   ? PP_NET_SOUND
                                           : t->part == PP_TRAIN_FRAME ? PP_NET_FRAME
                                                                       : PP_NET_SYNTHESIZER];
        for (int d = 0; d < t->rank; d++) dims[d] = t->dims[d];
        status = pp_tensors_add(list, t->name, t->rank, dims, 1, &added, err);
        if (status != PP_OK) break;
        const float *from = pp_train_is_statistic(t) ? params->statistics : values;
        pp_train_tensor_export(t, from + t->offset, added->values);
    }
    for (int n = 0; n < PP_NETWORKS && status == PP_OK; n++) {
        if (file->networks[n].count > 0) status = pp_tensors_sort(&file->networks[n], err);
    }
    return status;
}

/* A video network of width 1 with random weights: it sees nothing, but the file is whole. */
static pp_status stand_in(pp_model_file *file, const pp_train_shape *shape, pp_error *err)
{
    pp_model_file made = {.shape = file->shape, .output_stride = file->output_stride};
    pp_model_options options = pp_model_published_options();
    options.base_width = shape->base;
    options.levels = shape->levels;
    options.components = shape->components;
    options.trunk_width = options.trunk_blocks = 1;
    pp_status status = pp_model_file_init(&made, &options, err);
    if (status == PP_OK) {
        file->networks[PP_NET_FRAME] = made.networks[PP_NET_FRAME];
        made.networks[PP_NET_FRAME] = (pp_tensors){0};
    }
    pp_model_file_clear(&made);
    return status;
}

/* {"names": [...], "vectors": [[K numbers after the sigmoid], ...]} */
static char *classes_of(const pp_train_params *params, const float *values, char *const *labels,
                        int count)
{
    pp_json *root = pp_json_object(), *names = pp_json_array(), *vectors = pp_json_array();
    for (size_t i = 0; i < params->count; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (t->part != PP_TRAIN_LABELS) continue;
        for (int n = 0; n < count; n++) {
            pp_json *vector = pp_json_array();
            for (int k = 0; k < t->dims[1]; k++) {
                const double x = values[t->offset + (size_t)(n * t->dims[1] + k)];
                pp_json_append_real(vector, (float)(1 / (1 + exp(-x))));
            }
            pp_json_append(vectors, vector);
        }
    }
    for (int n = 0; n < count; n++) pp_json_append_text(names, labels[n]);
    pp_json_set(root, "names", names);
    pp_json_set(root, "vectors", vectors);
    char *text = pp_json_dump(root, 0);
    pp_json_free(&root);
    return text;
}

static void fill_file(pp_model_file *file, const pp_train_job *job)
{
    pp_model_file_defaults(file);
    file->shape.rate_hz = job->mix.rate_hz;
    file->shape.n_fft = job->mix.n_fft;
    file->shape.hop_samples = job->mix.hop_samples;
    file->shape.window_frames = job->window_frames;
    file->shape.log_rows = job->shape.rows;
    file->shape.picture_size = job->shape.picture_size;
    file->shape.binary_masks = !job->mix.ratio_masks;
    file->shape.pool_average = job->shape.pool_average;
    file->output_stride = OUTPUT_STRIDE;
    snprintf(file->identity.name, sizeof file->identity.name, "%s", job->name);
}

pp_status pp_train_export(const pp_train_job *job, const pp_train_params *params,
                          const float *values, char *const *labels, int label_count,
                          pp_json *provenance, pp_json *quality, const char *path, pp_error *err)
{
    pp_model_file file = {0};
    fill_file(&file, job);
    pp_status status = copy_tensors(&file, params, values, err);
    if (status == PP_OK && file.networks[PP_NET_FRAME].count == 0) {
        pp_json_set_text(provenance, "video_network", "a stand-in: asked for by name only");
        status = stand_in(&file, &job->shape, err);
    }
    file.provenance = pp_json_dump(provenance, 0);
    if (quality != NULL) file.quality = pp_json_dump(quality, 0);
    if (label_count > 0) file.classes = classes_of(params, values, labels, label_count);
    if (status == PP_OK && (file.provenance == NULL || (quality != NULL && file.quality == NULL) ||
                            (label_count > 0 && file.classes == NULL))) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory to write %s", path);
    }
    if (status == PP_OK) status = pp_model_file_write(&file, pp_fileops_system(), path, err);
    pp_json_free(&provenance);
    pp_json_free(&quality);
    pp_model_file_clear(&file);
    return status;
}
