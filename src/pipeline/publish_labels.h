/* The part of publish that names sources. */
#ifndef PP_PIPELINE_PUBLISH_LABELS_H
#define PP_PIPELINE_PUBLISH_LABELS_H

#include "pipeline/stages.h"

/* vectors [S, K]. Fills in features [S, D] and of each source its features (borrowed from there),
 * label, audioset_id and confidence: asked for by name, given by the model's labeller, or empty. */
pp_status pp_publish_labels(pp_job *job, int sources, const float *vectors, float *features,
                            pp_archive_source *out, pp_error *err) PP_MUST_USE;

#endif
