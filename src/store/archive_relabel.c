/* An archive written anew with other labels, everything else as it lies there. */
#include <string.h>

#include "base/memory.h"
#include "store/archive_internal.h"

static pp_status copy_real(pp_archive *to, pp_archive *from, const char *object, const char *name,
                           pp_error *err)
{
    double value = 0;
    pp_status status = pp_h5_get_real(from->h5, object, name, &value, err);
    return status != PP_OK ? status : pp_h5_set_real(to->h5, object, name, value, err);
}

static pp_status copy_track(pp_archive *to, pp_archive *from, int which, pp_error *err)
{
    static const char *const facts[] = {"level_db", "center_x", "center_y"};
    char path[32];
    pp_archive_sound_path(which, path);
    pp_status status = pp_h5_copy_chunks(to->h5, from->h5, path, err);
    int count = which >= 0 ? 3 : 1; /* mixture and residual are nowhere */
    for (int i = 0; status == PP_OK && i < count; i++) {
        status = copy_real(to, from, path, facts[i], err);
    }
    return status;
}

static pp_status copy_sets(pp_archive *to, pp_archive *from, pp_error *err)
{
    pp_archive_set sets[PP_ARCHIVE_SETS];
    int count = pp_archive_sets(&to->header, sets);
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < count; i++) {
        if (strcmp(sets[i].spec.path, "/sources/confidence") == 0) continue;
        status = pp_h5_copy_chunks(to->h5, from->h5, sets[i].spec.path, err);
    }
    for (int which = PP_SOUND_RESIDUAL; status == PP_OK && which < to->header.sources; which++) {
        status = copy_track(to, from, which, err);
    }
    if (status == PP_OK) status = copy_real(to, from, "/", "residual_difference_db", err);
    return status;
}

static pp_status put_labels(pp_archive *to, const pp_archive_source *labels, pp_error *err)
{
    float confidence[PP_ARCHIVE_MOST_SOURCES];
    int64_t origin = 0, sources = to->header.sources;
    for (int s = 0; s < sources; s++) confidence[s] = labels[s].confidence;
    pp_status status = pp_archive_put_labels(to, labels, err);
    if (status != PP_OK || sources == 0) return status;
    return pp_h5_write(to->h5, "/sources/confidence", PP_H5_F32, &origin, &sources, confidence,
                       err);
}

static pp_status put_annotations(pp_archive *to, pp_archive *from, const pp_archive_source *labels,
                                 pp_error *err)
{
    pp_annotation *rows = NULL;
    int64_t count = 0;
    pp_status status = pp_archive_take_annotations(from, &rows, &count, err);
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        if (rows[i].source < 0 || rows[i].source >= to->header.sources) {
            status =
                pp_fail(err, PP_ERR_FORMAT, "%s: an annotation of no source", pp_h5_path(from->h5));
            break;
        }
        const pp_archive_source *label = &labels[rows[i].source];
        memcpy(rows[i].label, label->label, sizeof rows[i].label);
        rows[i].confidence = label->confidence;
    }
    if (status == PP_OK) status = pp_archive_put_annotations(to, rows, count, err);
    pp_free(rows);
    return status;
}

/* What pp_archive_commit asks for is all there. */
static void count_all(pp_archive *to)
{
    to->frames = to->header.frames;
    to->windows = to->maps = to->header.windows;
    for (int i = 0; i < to->header.sources + 2; i++) to->samples[i] = to->header.samples;
    to->has_sources = 1;
}

pp_status pp_archive_relabel(pp_archive *from, const pp_fileops *ops, const char *path,
                             const pp_archive_relabelling *how, pp_error *err)
{
    pp_archive *to = NULL;
    pp_archive_header header = from->header;
    header.model_name = how->model_name;
    memcpy(header.label_digest, how->label_digest, PP_HASH_HEX);
    memcpy(header.stage_keys[PP_STAGES - 1], how->publish_key, PP_HASH_HEX);
    pp_status status = pp_archive_create(&to, ops, path, &header, err);
    if (status == PP_OK) status = copy_sets(to, from, err);
    if (status == PP_OK) status = put_labels(to, how->labels, err);
    if (status == PP_OK) status = put_annotations(to, from, how->labels, err);
    if (status == PP_OK) {
        count_all(to);
        status = pp_archive_commit(&to, err);
    }
    pp_archive_close(&to);
    return status;
}
