/* Sources asked for by name instead of found: `--query violin,cello`. */
#ifndef PP_PIPELINE_QUERY_H
#define PP_PIPELINE_QUERY_H

#include "pipeline/pipeline.h"

typedef struct pp_query {
    int count; /* 0: nothing is asked for, cast finds the sources */
    int index[PP_MOST_SOURCES];
    const char *name[PP_MOST_SOURCES];    /* as the model spells it; borrowed from the model */
    const float *vector[PP_MOST_SOURCES]; /* [K] after the sigmoid; borrowed from the model */
} pp_query;

/* The classes that parameters->query names, in its order. PP_ERR_USAGE for a name that the model
 * does not know (the advice lists those it does), one that stands twice, or too many. */
pp_status pp_query_resolve(pp_query *out, const pp_parameters *parameters, const pp_model *model,
                           pp_error *err) PP_MUST_USE;
/* What the query's results depend on, for keys: names and vectors. "" where nothing is asked for.
 */
void pp_query_digest(const pp_query *query, int components, char hex[PP_HASH_HEX]);

#endif
