#include "pipeline/publish_labels.h"

#include <stdio.h>

#include "pipeline/label_features.h"
#include "pipeline/query.h"
#include "pipeline/relabel.h"
#include "pipeline/shards.h"

typedef double label_sums[PP_MOST_SOURCES][PP_LABEL_SUMS];

static pp_status add_shard(pp_h5 *shard, int64_t rows, int sources, label_sums sums, pp_error *err)
{
    double block[PP_MOST_SOURCES * PP_LABEL_SUMS];
    pp_status status = PP_OK;
    for (int64_t row = 0; status == PP_OK && row < rows; row++) {
        const int64_t start[3] = {row}, count[3] = {1, sources, PP_LABEL_SUMS};
        status = pp_h5_read(shard, "/label_sums", PP_H5_F64, start, count, block, err);
        for (int i = 0; status == PP_OK && i < sources * PP_LABEL_SUMS; i++) {
            sums[i / PP_LABEL_SUMS][i % PP_LABEL_SUMS] += block[i];
        }
    }
    return status;
}

/* Adds up what the blocks of `separate` left, in time order. */
static pp_status add_shards(pp_job *job, int sources, label_sums sums, pp_error *err)
{
    pp_status status = PP_OK;
    for (int64_t g = 0; status == PP_OK && sources > 0 && g < job->cut.all.segments; g++) {
        pp_h5 *shard = NULL;
        int64_t rows = pp_cut_segment_windows(&job->cut, g).count;
        status = pp_shard_open(&shard, job, PP_SHARD_SEPARATE, g, err);
        if (status == PP_OK) status = add_shard(shard, rows, sources, sums, err);
        pp_h5_close(&shard);
    }
    return status;
}

static void name_source(const char *name, pp_archive_source *source)
{
    snprintf(source->label, sizeof source->label, "%s", name);
    snprintf(source->audioset_id, sizeof source->audioset_id, "%s", pp_audioset_id(name));
    source->confidence = 1;
}

pp_status pp_publish_labels(pp_job *job, int sources, const float *vectors, float *features,
                            pp_archive_source *out, pp_error *err)
{
    const pp_pipeline_setup *is = &job->pipeline->is;
    int components = job->pipeline->shape->components, d = pp_label_feature_count(components);
    label_sums sums = {{0}};
    pp_query asked;
    pp_status status = pp_query_resolve(&asked, is->parameters, is->model, err);
    if (status == PP_OK) status = add_shards(job, sources, sums, err);
    for (int s = 0; status == PP_OK && s < sources; s++) {
        float *own = features + s * d;
        pp_label_features_finish(sums[s], vectors + s * components, components, own);
        out[s].features = own;
        if (s < asked.count) name_source(asked.name[s], &out[s]);
        else status = pp_label_source(pp_model_labeller(is->model), own, components, &out[s], err);
    }
    return status;
}
