#include "model/classes.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "model/labeller.h"
#include "store/h5.h"

#define MOST_CLASSES 100000

static pp_status take_names(pp_classes *c, const pp_json *names, pp_error *err)
{
    const size_t count = pp_json_length(names);
    if (count > MOST_CLASSES) return pp_fail(err, PP_ERR_FORMAT, "%zu classes", count);
    c->names = pp_alloc(count, sizeof *c->names);
    if (c->names == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for classes");
    for (size_t i = 0; i < count; i++) {
        const char *name = pp_json_text_at(names, i, NULL);
        if (name == NULL) return pp_fail(err, PP_ERR_FORMAT, "class %zu has no name", i);
        c->names[i] = pp_strdup(name);
        if (c->names[i] == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for classes");
        c->count++;
    }
    return PP_OK;
}

static pp_status take_vectors(pp_classes *c, const pp_json *vectors, pp_error *err)
{
    if (pp_json_length(vectors) != (size_t)c->count) {
        return pp_fail(err, PP_ERR_FORMAT, "%d classes but %zu vectors", c->count,
                       pp_json_length(vectors));
    }
    c->vectors = pp_alloc((size_t)c->count * (size_t)c->components, sizeof(float));
    if (c->vectors == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for classes");
    for (int i = 0; i < c->count; i++) {
        const pp_json *vector = pp_json_at(vectors, (size_t)i);
        for (int k = 0; k < c->components; k++) {
            const double value = pp_json_real_at(vector, (size_t)k, NAN);
            if (!(value >= 0 && value <= 1)) {
                return pp_fail(err, PP_ERR_FORMAT,
                               "the vector of class '%s' is not %d numbers "
                               "from 0 to 1",
                               c->names[i], c->components);
            }
            c->vectors[i * c->components + k] = (float)value;
        }
    }
    return PP_OK;
}

pp_status pp_classes_parse(pp_classes *classes, const char *text, int components, pp_error *err)
{
    *classes = (pp_classes){.components = components};
    pp_json *root = NULL;
    pp_status status = pp_json_parse(&root, text, strlen(text), "classes", err);
    if (status == PP_OK) status = take_names(classes, pp_json_get(root, "names"), err);
    if (status == PP_OK && pp_json_get(root, "vectors") != NULL) {
        status = take_vectors(classes, pp_json_get(root, "vectors"), err);
    }
    pp_json_free(&root);
    return status;
}

pp_status pp_classes_read(pp_classes *classes, const char *path, pp_error *err)
{
    pp_h5 *h5 = NULL;
    char *text = NULL;
    int64_t components = 0;
    pp_error none = {0};
    *classes = (pp_classes){0};
    pp_status status = pp_h5_open(&h5, pp_fileops_system(), path, err);
    if (status == PP_OK) status = pp_h5_get_int(h5, "/", "components", &components, err);
    if (status == PP_OK && pp_h5_get_text(h5, "/", "classes", &text, &none) == PP_OK) {
        status = pp_classes_parse(classes, text, (int)components, err);
        if (status != PP_OK) pp_error_prefix(err, "%s: ", path);
    }
    pp_free(text);
    pp_h5_close(&h5);
    return status;
}

void pp_classes_free(pp_classes *classes)
{
    for (int i = 0; i < classes->count; i++) pp_free(classes->names[i]);
    pp_free(classes->names);
    pp_free(classes->vectors);
    *classes = (pp_classes){0};
}

int pp_classes_find(const pp_classes *classes, const char *name)
{
    for (int i = 0; i < classes->count; i++) {
        if (pp_class_names_equal(classes->names[i], name)) return i;
    }
    return -1;
}

const float *pp_classes_vector(const pp_classes *classes, const char *name)
{
    int at = pp_classes_find(classes, name);
    if (at < 0 || classes->vectors == NULL) return NULL;
    return classes->vectors + (size_t)at * (size_t)classes->components;
}
