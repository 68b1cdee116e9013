/* What is compared: the ways of separating a mixture, and their scores on one mixture.
 *
 * Order: create, run for any number of mixtures, destroy. One thread an object.
 */
#ifndef PP_EVAL_METHODS_H
#define PP_EVAL_METHODS_H

#include <stdint.h>

#include "eval/bss.h"
#include "eval/nmf.h"
#include "eval/spectrogram.h"
#include "model/model.h"

/* In the order of the table. The model's rows need a model and
 * pictures, or a model that knows the sources' names. */
typedef enum pp_method {
    PP_METHOD_MIXTURE,      /* the mixture for every source */
    PP_METHOD_MODEL_SHARED, /* the model, sources compete for each bin (nn/share.h) */
    PP_METHOD_MODEL_RATIO,  /* the model, masks as they are */
    PP_METHOD_MODEL_BINARY, /* the model, masks cut at 0.5 on the linear grid */
    PP_METHOD_SHUFFLED,     /* shared masks, pictures of another mixture's sources */
    PP_METHOD_BLANKED,      /* shared masks, pictures without content */
    PP_METHOD_NAME_SHARED,  /* the model asked by the sources' names, shared masks */
    PP_METHOD_NAME_RATIO,   /* the same, masks as they are */
    PP_METHOD_NAME_BINARY,  /* the same, masks cut at 0.5 on the linear grid */
    PP_METHOD_NMF_BLIND,    /* components grouped without knowing the sources */
    PP_METHOD_NMF,          /* components assigned by an oracle */
    PP_METHOD_IDEAL_BINARY, /* masks from the references, on the networks' grid */
    PP_METHOD_IDEAL_RATIO,
    PP_METHODS
} pp_method;

#define PP_METHODS_ALL ((1U << PP_METHODS) - 1)
#define PP_METHODS_MODEL                                                                           \
    (1U << PP_METHOD_MODEL_SHARED | 1U << PP_METHOD_MODEL_RATIO | 1U << PP_METHOD_MODEL_BINARY |   \
     1U << PP_METHOD_SHUFFLED | 1U << PP_METHOD_BLANKED | 1U << PP_METHOD_NAME_SHARED |            \
     1U << PP_METHOD_NAME_RATIO | 1U << PP_METHOD_NAME_BINARY)

const char *pp_method_name(pp_method method);  /* "mixture", "model-ratio", ... for files */
const char *pp_method_title(pp_method method); /* for people */
/* "mixture,nmf,..." or "all" -> a set of bits. */
pp_status pp_methods_parse(unsigned *out, const char *names, pp_error *err) PP_MUST_USE;

typedef struct pp_methods_options {
    pp_spectrogram_shape shape;
    unsigned methods;              /* bits 1 << pp_method */
    int filter_taps;               /* of BSS-eval: 512 */
    pp_nmf_options nmf, nmf_blind; /* rank: components a source */
} pp_methods_options;

/* One mixture: references and the mixture [samples]; vectors [K] or NULL where there are none. */
typedef struct pp_method_task {
    int sources;
    int64_t samples;
    const float *mixture;
    const float *references[PP_BSS_MOST_SOURCES];
    const float *vectors[PP_BSS_MOST_SOURCES];
    const float *shuffled[PP_BSS_MOST_SOURCES];
    const float *blank;
    const float *named[PP_BSS_MOST_SOURCES]; /* [K] of the source's class; NULL: unknown */
} pp_method_task;

typedef enum pp_score_state {
    PP_SCORE_NONE,  /* not asked for, or not possible (no model, no pictures) */
    PP_SCORE_VALID, /* figures */
    PP_SCORE_SILENT /* the method gave silence for one of the sources: no figure exists */
} pp_score_state;

typedef struct pp_score {
    pp_score_state state;
    pp_bss_result figures;
} pp_score;

typedef struct pp_methods pp_methods;

/* model: borrowed; NULL leaves its rows out. */
pp_status pp_methods_create(pp_methods **out, const pp_model *model,
                            const pp_methods_options *options, pp_error *err) PP_MUST_USE;
void pp_methods_destroy(pp_methods **methods);

/* A silent reference is refused (PP_ERR_USAGE). */
pp_status pp_methods_run(pp_methods *methods, const pp_method_task *task,
                         pp_score scores[PP_METHODS], pp_error *err) PP_MUST_USE;

#endif
