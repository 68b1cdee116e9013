/* Inside the pipeline: one lease at work, and the six stages that it runs.
 *
 * Every stage function commits its files before it returns PP_OK and leaves nothing half-visible
 * otherwise. Failures do not name the video yet: pp_pipeline_run puts its name in front.
 */
#ifndef PP_PIPELINE_STAGES_H
#define PP_PIPELINE_STAGES_H

#include "pipeline/pipeline.h"

/* How alike (0..1) two groups of pixels must be to be one source; docs/pipeline.md, Cast. */
#define PP_CAST_ALIKE 0.8

double pp_parameters_cast_threshold(const pp_parameters *parameters);

/* The stage keys, and the key of the pixel energies, which depend on see, listen and synthesizer
 * and so have no stage of their own. */
typedef struct pp_keys {
    char stage[PP_STAGES][PP_HASH_HEX];
    char energy[PP_HASH_HEX];
} pp_keys;
void pp_keys_of(pp_keys *keys, const char *source_sha256, const pp_source *source,
                const pp_parameters *parameters, const pp_model *model);

#endif
