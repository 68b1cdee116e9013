#include "model/labeller.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

void pp_labeller_clear(pp_labeller *labeller)
{
    pp_free(labeller->names);
    pp_free(labeller->audioset_ids);
    pp_free(labeller->training);
    pp_tensors_clear(&labeller->tensors);
    *labeller = (pp_labeller){0};
}

static pp_status add(pp_labeller *labeller, const char *name, int rows, int columns, pp_error *err)
{
    const int64_t dims[2] = {rows, columns};
    return pp_tensors_add(&labeller->tensors, name, columns > 0 ? 2 : 1, dims, 1, NULL, err);
}

pp_status pp_labeller_make(pp_labeller *labeller, int classes, int features, pp_error *err)
{
    *labeller =
        (pp_labeller){.classes = classes, .features = features, .temperature = 1, .threshold = 0};
    pp_status status = pp_alloc_checked((void **)&labeller->names, (size_t)classes,
                                        sizeof *labeller->names, "names of classes", err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&labeller->audioset_ids, (size_t)classes,
                                  sizeof *labeller->audioset_ids, "names of classes", err);
    }
    if (status == PP_OK) status = add(labeller, "mean", features, 0, err);
    if (status == PP_OK) status = add(labeller, "scale", features, 0, err);
    if (status == PP_OK) status = add(labeller, "weight", classes, features, err);
    if (status == PP_OK) status = add(labeller, "bias", classes, 0, err);
    return status == PP_OK ? pp_tensors_sort(&labeller->tensors, err) : status;
}

/* ---- checks and digest ----------------------------------------------------------------------- */

static pp_status check_shapes(const pp_labeller *l, pp_error *err)
{
    const struct {
        const char *name;
        int rank;
        int64_t dims[2];
    } shapes[] = {{"mean", 1, {l->features}},
                  {"scale", 1, {l->features}},
                  {"weight", 2, {l->classes, l->features}},
                  {"bias", 1, {l->classes}}};
    const size_t count = sizeof shapes / sizeof *shapes;
    pp_status status = PP_OK;
    for (size_t i = 0; status == PP_OK && i < count; i++) {
        pp_tensor *found = NULL;
        status = pp_tensors_expect(&l->tensors, shapes[i].name, shapes[i].rank, shapes[i].dims,
                                   &found, err);
    }
    if (status == PP_OK && l->tensors.count != count) {
        status = pp_fail(err, PP_ERR_FORMAT, "it holds more than is used");
    }
    return status;
}

static pp_status check_values(const pp_labeller *l, pp_error *err)
{
    if (!(l->temperature > 0 && isfinite(l->temperature))) {
        return pp_fail(err, PP_ERR_FORMAT, "its temperature is %g", l->temperature);
    }
    if (!(l->threshold >= 0 && l->threshold <= 1)) {
        return pp_fail(err, PP_ERR_FORMAT, "its threshold is %g, not 0 to 1", l->threshold);
    }
    for (size_t t = 0; t < l->tensors.count; t++) {
        const pp_tensor *tensor = &l->tensors.items[t];
        for (size_t i = 0; i < pp_tensor_count(tensor); i++) {
            if (isfinite(tensor->values[i])) continue;
            return pp_fail(err, PP_ERR_FORMAT, "its %s is not finite", tensor->name);
        }
    }
    for (int i = 0; i < l->classes; i++) {
        if (l->names[i][0] == '\0') return pp_fail(err, PP_ERR_FORMAT, "class %d has no name", i);
        for (int j = 0; j < i; j++) {
            if (!pp_class_names_equal(l->names[i], l->names[j])) continue;
            return pp_fail(err, PP_ERR_FORMAT, "class '%s' is there twice", l->names[i]);
        }
    }
    return PP_OK;
}

static pp_status find_digest(pp_labeller *l, pp_error *err)
{
    pp_hash *hash = NULL;
    char text[160];
    pp_status status = pp_hash_create(&hash, err);
    if (status != PP_OK) return status;
    snprintf(text, sizeof text, "labels layout=%d temperature=%.6g threshold=%.6g", l->layout,
             l->temperature, l->threshold);
    pp_hash_add_text(hash, text);
    for (int i = 0; i < l->classes; i++) {
        pp_hash_add_text(hash, l->names[i]);
        pp_hash_add_text(hash, l->audioset_ids[i]);
    }
    for (size_t i = 0; i < l->tensors.count; i++) pp_tensor_digest(&l->tensors.items[i], hash);
    pp_hash_finish(hash, l->digest);
    pp_hash_destroy(&hash);
    return PP_OK;
}

/* So that it comes back from its text in the file as it went. */
static double six_digits(double value)
{
    char text[32];
    snprintf(text, sizeof text, "%.6g", value);
    return strtod(text, NULL);
}

pp_status pp_labeller_complete(pp_labeller *labeller, pp_error *err)
{
    if (labeller->classes == 0) return PP_OK;
    labeller->temperature = six_digits(labeller->temperature);
    labeller->threshold = six_digits(labeller->threshold);
    pp_status status = check_shapes(labeller, err);
    if (status == PP_OK) status = check_values(labeller, err);
    if (status == PP_OK) status = find_digest(labeller, err);
    return status == PP_OK ? PP_OK : pp_error_prefix(err, "labels: ");
}

/* ---- use ------------------------------------------------------------------------------------- */

static const float *values_of(const pp_labeller *l, const char *name)
{
    return pp_tensors_find(&l->tensors, name)->values;
}

void pp_labeller_scores(const pp_labeller *l, const float *features, double *scores)
{
    const float *mean = values_of(l, "mean"), *scale = values_of(l, "scale");
    const float *weight = values_of(l, "weight"), *bias = values_of(l, "bias");
    for (int c = 0; c < l->classes; c++) scores[c] = (double)bias[c];
    for (int k = 0; k < l->features; k++) {
        double x = ((double)features[k] - (double)mean[k]) * (double)scale[k];
        for (int c = 0; c < l->classes; c++) {
            scores[c] += (double)weight[(size_t)c * (size_t)l->features + (size_t)k] * x;
        }
    }
}

void pp_labeller_softmax(double *scores, int count, double temperature)
{
    double most = scores[0], sum = 0;
    for (int i = 1; i < count; i++) most = scores[i] > most ? scores[i] : most;
    for (int i = 0; i < count; i++) sum += scores[i] = exp((scores[i] - most) / temperature);
    for (int i = 0; i < count; i++) scores[i] /= sum;
}

pp_status pp_labeller_decide(const pp_labeller *l, const float *features, pp_label *out,
                             pp_error *err)
{
    *out = (pp_label){.name = PP_LABEL_UNKNOWN, .index = -1};
    for (int i = 0; i < l->features; i++) {
        if (!isfinite(features[i])) return PP_OK;
    }
    void *memory = NULL;
    pp_status status =
        pp_alloc_checked(&memory, (size_t)l->classes, sizeof(double), "a label", err);
    if (status != PP_OK) return status;
    double *scores = memory;
    pp_labeller_scores(l, features, scores);
    pp_labeller_softmax(scores, l->classes, l->temperature);
    out->index = 0;
    for (int i = 1; i < l->classes; i++) {
        if (scores[i] > scores[out->index]) out->index = i;
    }
    out->confidence = (float)scores[out->index];
    if (scores[out->index] >= l->threshold) {
        memcpy(out->name, l->names[out->index], sizeof out->name);
        memcpy(out->audioset_id, l->audioset_ids[out->index], sizeof out->audioset_id);
    }
    pp_free(memory);
    return PP_OK;
}
