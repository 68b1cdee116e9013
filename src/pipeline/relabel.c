#include "pipeline/relabel.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "pipeline/label_features.h"

pp_status pp_labeller_check(const pp_labeller *labeller, int components, pp_error *err)
{
    int features = pp_label_feature_count(components);
    if (labeller->layout == PP_LABEL_LAYOUT && labeller->features == features) return PP_OK;
    pp_fail(err, PP_ERR_FORMAT,
            "the model's labels were fitted to features of layout %d (%d numbers); this program "
            "makes layout %d (%d)",
            labeller->layout, labeller->features, PP_LABEL_LAYOUT, features);
    return pp_advise(err, "fit them again: pp label train --model MODEL OUT...");
}

static int is_silent(const float *sound)
{
    for (int i = 0; i < PP_LABEL_SOUND_FEATURES; i++) {
        if (sound[i] != 0) return 0;
    }
    return 1;
}

pp_status pp_label_source(const pp_labeller *labeller, const float *features, int components,
                          pp_archive_source *source, pp_error *err)
{
    pp_label label = {.name = PP_LABEL_UNKNOWN};
    source->label[0] = source->audioset_id[0] = '\0';
    source->confidence = 0;
    if (labeller == NULL) return PP_OK;
    if (!is_silent(features + components)) {
        pp_status status = pp_labeller_decide(labeller, features, &label, err);
        if (status != PP_OK) return status;
    }
    snprintf(source->label, sizeof source->label, "%s", label.name);
    snprintf(source->audioset_id, sizeof source->audioset_id, "%s", label.audioset_id);
    source->confidence = label.confidence;
    return PP_OK;
}

void pp_publish_key(char key[PP_HASH_HEX], const char *separate_key, pp_profile profile,
                    const char *label_digest)
{
    char text[512];
    int length =
        snprintf(text, sizeof text, "publish %s format %d profile %d labels %s", separate_key,
                 PP_ARCHIVE_FORMAT, (int)profile, label_digest[0] != '\0' ? label_digest : "none");
    pp_hash_bytes(text, (size_t)length, key);
}

int pp_only_labels_differ(const pp_archive_header *header, char keys[PP_STAGES][PP_HASH_HEX],
                          pp_profile profile)
{
    char had[PP_HASH_HEX];
    if (strcmp(header->stage_keys[PP_STAGE_SEPARATE], keys[PP_STAGE_SEPARATE]) != 0) return 0;
    pp_publish_key(had, keys[PP_STAGE_SEPARATE], profile, header->label_digest);
    return strcmp(had, header->stage_keys[PP_STAGE_PUBLISH]) == 0 &&
           header->label_features == pp_label_feature_count(header->components);
}

int pp_archive_was_asked(const pp_archive_header *header)
{
    pp_json *parameters = NULL;
    const char *text = header->parameters_json;
    if (pp_json_parse(&parameters, text, strlen(text), "parameters", NULL) != PP_OK) return 0;
    int asked = pp_json_text(parameters, "query", "")[0] != '\0';
    pp_json_free(&parameters);
    return asked;
}

static pp_status label_all(pp_archive *archive, const pp_labeller *labeller,
                           pp_archive_source *sources, pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    int64_t dims[2] = {header->sources, header->label_features};
    void *features = NULL;
    if (header->sources == 0) return PP_OK;
    pp_status status = pp_h5_take(pp_archive_h5(archive), "/sources/label_features", PP_H5_F32, 2,
                                  dims, UINT64_C(1) << 30, &features, err);
    for (int s = 0; status == PP_OK && s < header->sources; s++) {
        status = pp_label_source(labeller, (float *)features + s * dims[1], header->components,
                                 &sources[s], err);
    }
    pp_free(features);
    return status;
}

pp_status pp_archive_label(pp_archive *archive, const pp_fileops *ops, const char *path,
                           const pp_labeller *labeller, const char *model_name, pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    char key[PP_HASH_HEX];
    void *sources = NULL;
    if (header->label_features != pp_label_feature_count(header->components)) {
        pp_fail(err, PP_ERR_FORMAT, "%s: it holds no features for labels, or others", path);
        return pp_advise(err, "make it again: pp-cluster --force");
    }
    pp_status status = pp_alloc_checked(&sources, PP_ARCHIVE_MOST_SOURCES,
                                        sizeof(pp_archive_source), "labels", err);
    if (status == PP_OK) status = label_all(archive, labeller, sources, err);
    if (status == PP_OK) {
        const char *digest = labeller != NULL ? labeller->digest : "";
        pp_publish_key(key, header->stage_keys[PP_STAGE_SEPARATE],
                       header->with_maps ? PP_PROFILE_PIXELS : PP_PROFILE_STEMS, digest);
        const pp_archive_relabelling how = {.model_name = model_name,
                                            .label_digest = digest,
                                            .publish_key = key,
                                            .labels = sources};
        status = pp_archive_relabel(archive, ops, path, &how, err);
    }
    pp_free(sources);
    return status;
}
