#include "pipeline/publish_labels.h"

#include <stdio.h>

#include "base/memory.h"
#include "pipeline/label_features.h"
#include "pipeline/query.h"
#include "pipeline/relabel.h"
#include "pipeline/room.h"
#include "pipeline/shards.h"

/* Adds up one set of sums [windows, S, count] over all windows, in time order. all [S, count] */
static pp_status add_up(pp_job *job, const char *path, int sources, int count, double *all,
                        pp_error *err)
{
    void *memory = NULL;
    int values = sources * count;
    pp_status status =
        pp_alloc_checked(&memory, (size_t)values, sizeof(double), "label features", err);
    double *one = memory;
    for (int64_t g = 0; status == PP_OK && sources > 0 && g < job->cut.all.segments; g++) {
        pp_h5 *shard = NULL;
        int64_t rows = pp_cut_segment_windows(&job->cut, g).count;
        status = pp_shard_open(&shard, job, PP_SHARD_SEPARATE, g, err);
        for (int64_t row = 0; status == PP_OK && row < rows; row++) {
            const int64_t start[3] = {row}, extent[3] = {1, sources, count};
            status = pp_h5_read(shard, path, PP_H5_F64, start, extent, one, err);
            for (int i = 0; status == PP_OK && i < values; i++) all[i] += one[i];
        }
        pp_h5_close(&shard);
    }
    pp_free(memory);
    return status;
}

static void name_source(const char *name, pp_archive_source *source)
{
    snprintf(source->label, sizeof source->label, "%s", name);
    snprintf(source->audioset_id, sizeof source->audioset_id, "%s", pp_audioset_id(name));
    source->confidence = 1;
}

typedef struct sums {
    double *sound, *components; /* [S, ...] */
    int sound_count, component_count;
} sums;

static pp_status read_sums(pp_job *job, int sources, sums *all, pp_error *err)
{
    all->sound_count = PP_LABEL_SUMS;
    all->component_count = pp_label_component_sums(job->pipeline->shape->components);
    const pp_want wants[] = {
        {&all->sound, (size_t)(sources * all->sound_count), sizeof(double)},
        {&all->components, (size_t)(sources * all->component_count), sizeof(double)},
    };
    pp_status status = pp_room_take(wants, 2, "label features", err);
    if (status == PP_OK) {
        status = add_up(job, "/label_sums", sources, all->sound_count, all->sound, err);
    }
    if (status == PP_OK) {
        status =
            add_up(job, "/component_sums", sources, all->component_count, all->components, err);
    }
    return status;
}

pp_status pp_publish_labels(pp_job *job, int sources, const float *vectors, float *features,
                            pp_archive_source *out, pp_error *err)
{
    const pp_pipeline_setup *is = &job->pipeline->is;
    int components = job->pipeline->shape->components, d = pp_label_feature_count(components);
    sums all = {0};
    pp_query asked;
    pp_status status = pp_query_resolve(&asked, is->parameters, is->model, err);
    if (status == PP_OK) status = read_sums(job, sources, &all, err);
    for (int s = 0; status == PP_OK && s < sources; s++) {
        float *own = features + s * d;
        pp_label_features_finish(all.sound + s * all.sound_count,
                                 all.components + s * all.component_count, vectors + s * components,
                                 components, own);
        out[s].features = own;
        if (s < asked.count) name_source(asked.name[s], &out[s]);
        else status = pp_label_source(pp_model_labeller(is->model), own, components, &out[s], err);
    }
    pp_free(all.sound);
    pp_free(all.components);
    return status;
}
