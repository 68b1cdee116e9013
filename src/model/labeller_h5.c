/* The labeller in a model file: group /labels, attributes `labels` and `label_digest` of "/". */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/labeller.h"

#define GROUP "/labels"
enum { MOST_FEATURES = 1 << 20, MOST_TENSORS = 16, MOST_PATH = 16 + PP_TENSOR_MOST_NAME };

/* ---- writing --------------------------------------------------------------------------------- */

static pp_json *describe(const pp_labeller *l)
{
    pp_json *root = pp_json_object(), *classes = pp_json_array(), *training = NULL;
    pp_json_set_int(root, "layout", l->layout);
    pp_json_set_int(root, "features", l->features);
    pp_json_set_real(root, "temperature", l->temperature);
    pp_json_set_real(root, "threshold", l->threshold);
    for (int i = 0; i < l->classes; i++) {
        pp_json *one = pp_json_object();
        pp_json_set_text(one, "name", l->names[i]);
        pp_json_set_text(one, "audioset_id", l->audioset_ids[i]);
        pp_json_append(classes, one);
    }
    pp_json_set(root, "classes", classes);
    if (l->training != NULL && pp_json_parse(&training, l->training, strlen(l->training),
                                             "the labels' training", NULL) == PP_OK) {
        pp_json_set(root, "training", training);
    }
    return root;
}

static pp_status put_tensor(pp_h5 *h5, const pp_tensor *tensor, pp_error *err)
{
    char path[MOST_PATH];
    snprintf(path, sizeof path, GROUP "/%s", tensor->name);
    pp_h5_spec spec = {.path = path,
                       .type = PP_H5_F32,
                       .rank = tensor->rank,
                       .units = "1",
                       .long_name = tensor->name};
    for (int i = 0; i < tensor->rank; i++) spec.dims[i] = tensor->dims[i];
    return pp_h5_put(h5, &spec, tensor->values, err);
}

pp_status pp_labeller_write(const pp_labeller *labeller, pp_h5 *h5, pp_error *err)
{
    if (labeller->classes == 0) return PP_OK;
    pp_json *json = describe(labeller);
    char *text = pp_json_dump(json, 0);
    pp_json_free(&json);
    pp_status status = text != NULL ? pp_h5_set_text(h5, "/", "labels", text, err)
                                    : pp_fail(err, PP_ERR_NOMEM, "no memory for the labels");
    pp_free(text);
    if (status == PP_OK) status = pp_h5_set_text(h5, "/", "label_digest", labeller->digest, err);
    for (size_t i = 0; status == PP_OK && i < labeller->tensors.count; i++) {
        status = put_tensor(h5, &labeller->tensors.items[i], err);
    }
    return status;
}

/* ---- reading --------------------------------------------------------------------------------- */

static pp_status take_text(char *to, size_t room, const char *text, const char *what, pp_error *err)
{
    if (text == NULL || strlen(text) >= room) {
        return pp_fail(err, PP_ERR_FORMAT, "labels: a class's %s is missing or too long", what);
    }
    strcpy(to, text);
    return PP_OK;
}

static pp_status take_names(pp_labeller *l, const pp_json *classes, pp_error *err)
{
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < l->classes; i++) {
        const pp_json *one = pp_json_at(classes, (size_t)i);
        status = take_text(l->names[i], sizeof l->names[i], pp_json_text(one, "name", NULL), "name",
                           err);
        if (status == PP_OK) {
            status = take_text(l->audioset_ids[i], sizeof l->audioset_ids[i],
                               pp_json_text(one, "audioset_id", ""), "identifier", err);
        }
    }
    return status;
}

static pp_status take_description(pp_labeller *l, const char *text, pp_error *err)
{
    pp_json *root = NULL;
    pp_status status = pp_json_parse(&root, text, strlen(text), "labels", err);
    if (status != PP_OK) return status;
    const pp_json *classes = pp_json_get(root, "classes");
    const size_t count = pp_json_length(classes);
    const int64_t features = pp_json_int(root, "features", 0);
    if (count < 1 || count > PP_LABEL_MOST_CLASSES || features < 1 || features > MOST_FEATURES) {
        status = pp_fail(err, PP_ERR_FORMAT, "labels: %zu classes of %lld features", count,
                         (long long)features);
    }
    if (status == PP_OK) {
        status = pp_labeller_make(l, (int)count, (int)features, err);
    }
    if (status == PP_OK) status = take_names(l, classes, err);
    l->layout = (int)pp_json_int(root, "layout", 0);
    l->temperature = pp_json_real(root, "temperature", 0);
    l->threshold = pp_json_real(root, "threshold", -1);
    const pp_json *training = pp_json_get(root, "training");
    if (training != NULL) l->training = pp_json_dump(training, 0);
    pp_json_free(&root);
    return status;
}

static pp_status load_tensor(pp_h5 *h5, pp_tensor *tensor, pp_error *err)
{
    char path[MOST_PATH];
    int rank = 0;
    int64_t dims[PP_H5_MOST_RANK] = {0};
    snprintf(path, sizeof path, GROUP "/%s", tensor->name);
    pp_status status = pp_h5_dims(h5, path, &rank, dims, err);
    if (status != PP_OK) return status;
    int same = rank == tensor->rank;
    for (int i = 0; same && i < rank; i++) same = dims[i] == tensor->dims[i];
    if (!same) return pp_fail(err, PP_ERR_FORMAT, "labels: %s is of another shape", path);
    return pp_h5_read(h5, path, PP_H5_F32, NULL, NULL, tensor->values, err);
}

static pp_status compare_digest(pp_labeller *l, pp_h5 *h5, pp_error *err)
{
    char *stated = NULL;
    pp_status status = pp_h5_get_text(h5, "/", "label_digest", &stated, err);
    if (status == PP_OK) status = pp_labeller_complete(l, err);
    if (status == PP_OK && strcmp(stated, l->digest) != 0) {
        pp_fail(err, PP_ERR_FORMAT, "the labels are not those that their digest names");
        status = pp_advise(err, "the file was changed after it was written; `pp label train` "
                                "writes them anew");
    }
    pp_free(stated);
    return status;
}

pp_status pp_labeller_read(pp_labeller *labeller, pp_h5 *h5, pp_error *err)
{
    char *text = NULL;
    pp_error none = {0};
    *labeller = (pp_labeller){0};
    if (pp_h5_get_text(h5, "/", "labels", &text, &none) != PP_OK) return PP_OK;
    pp_status status = take_description(labeller, text, err);
    for (size_t i = 0; status == PP_OK && i < labeller->tensors.count; i++) {
        status = load_tensor(h5, &labeller->tensors.items[i], err);
    }
    if (status == PP_OK) status = compare_digest(labeller, h5, err);
    pp_free(text);
    return status;
}
