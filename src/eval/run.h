/* Running a protocol: every mixture through every method. */
#ifndef PP_EVAL_RUN_H
#define PP_EVAL_RUN_H

#include "eval/cache.h"
#include "eval/methods.h"
#include "model/classes.h"

typedef struct pp_eval_result {
    pp_score score[PP_METHODS];
} pp_eval_result;

typedef struct pp_eval_progress {
    void (*done)(void *user, size_t mixtures, size_t of); /* may be NULL */
    void *user;
} pp_eval_progress;

/* The window of the networks: the model's, or the published one where model is NULL. */
pp_spectrogram_shape pp_eval_shape(const pp_model *model);

/* results: [protocol->mixture_count], owned by the caller (pp_free). reader and model are those of
 * the cache's reader; classes: the model's, NULL: none. A silent reference, and a file that is not
 * the protocol's, are errors. The same protocol, files and model give the same figures. */
pp_status pp_eval_run(pp_protocol *protocol, pp_clip_cache *cache, pp_clip_reader *reader,
                      const pp_model *model, const pp_classes *classes,
                      const pp_eval_progress *progress, pp_eval_result **results,
                      pp_error *err) PP_MUST_USE;

#endif
