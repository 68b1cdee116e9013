/* What benchmarks see of a model: graphs, plans and where the time goes. Not for the pipeline. */
#ifndef PP_MODEL_INSIDE_H
#define PP_MODEL_INSIDE_H

#include "model/model.h"
#include "nn/kernels.h"

typedef struct pp_model_inside {
    const pp_kernels *kernels;
    const pp_graph *sound_graph, *frame_graph;
    const pp_plan *sound_plan, *frame_plan;
} pp_model_inside;

pp_model_inside pp_model_look_inside(const pp_model *model); /* everything borrowed */

/* As pp_model_listen and pp_model_see, timed by operation (NULL: not). */
void pp_model_listen_profiled(const pp_model *model, pp_model_scratch *scratch, const float *input,
                              int n, float *maps, pp_profile *profile);
void pp_model_see_profiled(const pp_model *model, pp_model_scratch *scratch, const uint8_t *rgb,
                           int n, float *features, pp_profile *profile);

#endif
