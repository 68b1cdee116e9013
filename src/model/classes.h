/* The classes of a model: names of instruments, and for each the vector by which it is asked for
 * where no picture helps. docs/formats/model.md, "Classes". Immutable once read. */
#ifndef PP_MODEL_CLASSES_H
#define PP_MODEL_CLASSES_H

#include <stddef.h>

#include "base/status.h"

typedef struct pp_classes { /* count 0: the model knows none */
    int count, components;
    char **names;
    float *vectors; /* [count, components] after the sigmoid; NULL: names alone */
} pp_classes;

/* Reads the classes of a model file (not an error where it has none). Free in every case. */
pp_status pp_classes_read(pp_classes *classes, const char *path, pp_error *err) PP_MUST_USE;
/* From their JSON text; components: K, which every vector has. */
pp_status pp_classes_parse(pp_classes *classes, const char *text, int components,
                           pp_error *err) PP_MUST_USE;
void pp_classes_free(pp_classes *classes);

/* The class of this name, -1: none. Names compare as for pp_classes_vector. */
int pp_classes_find(const pp_classes *classes, const char *name);
/* Of a name; ASCII case, and blanks against underscores, do not count. NULL: not among them. */
const float *pp_classes_vector(const pp_classes *classes, const char *name);

#endif
