#include "pipeline/query.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* The names that can be asked for, as many as fit. */
static pp_status advise_names(const pp_classes *classes, pp_error *err)
{
    char list[400] = "";
    size_t used = 0;
    for (int i = 0; i < classes->count; i++) {
        int length =
            snprintf(list + used, sizeof list - used, "%s%s", i > 0 ? ", " : "", classes->names[i]);
        if (length < 0 || (size_t)length >= sizeof list - used - 8) {
            snprintf(list + used, sizeof list - used, ", ...");
            break;
        }
        used += (size_t)length;
    }
    return pp_advise(err, "this model knows: %s", list);
}

static pp_status add(pp_query *out, const char *name, const pp_classes *classes, pp_error *err)
{
    int at = pp_classes_find(classes, name);
    if (at < 0) {
        pp_fail(err, PP_ERR_USAGE, "query: the model has no class '%s'", name);
        return advise_names(classes, err);
    }
    for (int i = 0; i < out->count; i++) {
        if (out->index[i] != at) continue;
        return pp_fail(err, PP_ERR_USAGE, "query: '%s' is asked for twice", name);
    }
    if (out->count == PP_MOST_SOURCES) {
        return pp_fail(err, PP_ERR_USAGE, "query: more than %d names", PP_MOST_SOURCES);
    }
    out->index[out->count] = at;
    out->name[out->count] = classes->names[at];
    out->vector[out->count++] = classes->vectors + (size_t)at * (size_t)classes->components;
    return PP_OK;
}

/* The next name between commas without the blanks around it; NULL at the end. */
static const char *next_name(const char *at, char *name, size_t room)
{
    if (at == NULL || *at == '\0') return NULL;
    size_t length = strcspn(at, ",");
    const char *behind = at[length] == ',' ? at + length + 1 : at + length;
    while (length > 0 && isspace((unsigned char)*at)) at++, length--;
    while (length > 0 && isspace((unsigned char)at[length - 1])) length--;
    snprintf(name, room, "%.*s", (int)length, at);
    return behind;
}

pp_status pp_query_resolve(pp_query *out, const pp_parameters *parameters, const pp_model *model,
                           pp_error *err)
{
    const pp_classes *classes = pp_model_classes(model);
    char name[256];
    *out = (pp_query){0};
    if (parameters->query[0] == '\0') return PP_OK;
    if (classes->count == 0 || classes->vectors == NULL) {
        pp_fail(err, PP_ERR_USAGE, "query: the model cannot be asked by name");
        return pp_advise(err, "pp-train learns a vector for each label with condition = label or "
                              "both; `pp model show` says what a model has");
    }
    pp_status status = PP_OK;
    for (const char *at = parameters->query;
         status == PP_OK && (at = next_name(at, name, sizeof name)) != NULL;) {
        if (name[0] != '\0') status = add(out, name, classes, err);
    }
    if (status == PP_OK && out->count == 0) {
        pp_fail(err, PP_ERR_USAGE, "query: '%s' names nothing", parameters->query);
        status = advise_names(classes, err);
    }
    return status;
}

void pp_query_digest(const pp_query *query, int components, char hex[PP_HASH_HEX])
{
    pp_hash *hash = NULL;
    hex[0] = '\0';
    if (query->count == 0 || pp_hash_create(&hash, NULL) != PP_OK) return;
    for (int i = 0; i < query->count; i++) {
        pp_hash_add_text(hash, query->name[i]);
        for (int k = 0; k < components; k++) {
            char number[32];
            snprintf(number, sizeof number, "%.9g", (double)query->vector[i][k]);
            pp_hash_add_text(hash, number);
        }
    }
    pp_hash_finish(hash, hex);
    pp_hash_destroy(&hash);
}
