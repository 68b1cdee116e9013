/* Archives written. */
#include "store/archive.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/archive_internal.h"

static pp_status put_field(pp_archive *archive, const pp_archive_field *field, pp_error *err)
{
    const char *at = (const char *)&archive->header + field->offset;
    pp_h5 *h5 = archive->h5;
    switch (field->kind) {
    case PP_FIELD_TEXT: {
        const char *text = *(const char *const *)at;
        return pp_h5_set_text(h5, "/", field->name, text != NULL ? text : "", err);
    }
    case PP_FIELD_HEX:
        return pp_h5_set_text(h5, "/", field->name, at, err);
    case PP_FIELD_REAL:
        return pp_h5_set_real(h5, "/", field->name, *(const double *)at, err);
    case PP_FIELD_I64:
        return pp_h5_set_int(h5, "/", field->name, *(const int64_t *)at, err);
    case PP_FIELD_INT:
        return pp_h5_set_int(h5, "/", field->name, *(const int *)at, err);
    }
    return PP_OK;
}

/* Readable, and where that loses bytes also exact. */
static pp_status put_source_path(pp_archive *archive, pp_error *err)
{
    const char *path = archive->header.source_path;
    pp_status status = pp_h5_set_text(archive->h5, "/", "source_path", path, err);
    if (status != PP_OK || pp_text_is_utf8(path)) return status;
    size_t length = strlen(path);
    char *hex = pp_alloc(2 * length + 1, 1);
    if (hex == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_text_hex(path, length, hex);
    status = pp_h5_set_text(archive->h5, "/", "source_path_hex", hex, err);
    pp_free(hex);
    return status;
}

static pp_status put_header(pp_archive *archive, pp_error *err)
{
    pp_status status = pp_h5_set_text(archive->h5, "/", "format", PP_ARCHIVE_MAGIC, err);
    if (status == PP_OK) {
        status = pp_h5_set_int(archive->h5, "/", "version", PP_ARCHIVE_FORMAT, err);
    }
    if (status == PP_OK) status = put_source_path(archive, err);
    int count;
    const pp_archive_field *fields = pp_archive_fields(&count);
    for (int i = 0; status == PP_OK && i < count; i++) {
        status = put_field(archive, &fields[i], err);
    }
    return status;
}

static pp_status make_track(pp_archive *archive, int which, pp_error *err)
{
    char path[32];
    pp_h5_spec spec = pp_archive_sound_spec(&archive->header, which, path);
    pp_status status = pp_h5_dataset(archive->h5, &spec, err);
    if (status != PP_OK) return status;
    return pp_h5_set_int(archive->h5, path, "rate_hz", archive->header.rate_hz, err);
}

static pp_status make_sets(pp_archive *archive, pp_error *err)
{
    pp_archive_set sets[PP_ARCHIVE_SETS];
    int count = pp_archive_sets(&archive->header, sets);
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < count; i++) {
        status = pp_h5_dataset(archive->h5, &sets[i].spec, err);
    }
    for (int which = PP_SOUND_RESIDUAL; status == PP_OK && which < archive->header.sources;
         which++) {
        status = make_track(archive, which, err);
    }
    return status;
}

/* The texts of a header are copied: their owner may go before the archive. */
static pp_status copy_header(pp_archive *archive, const pp_archive_header *header, pp_error *err)
{
    archive->header = *header;
    if (header->source_identity[0] == '\0') {
        memcpy(archive->header.source_identity, header->source_sha256, PP_HASH_HEX);
    }
    int count;
    const pp_archive_field *fields = pp_archive_fields(&count);
    const char **path = &archive->header.source_path;
    *path = pp_archive_keep_text(archive, pp_strdup(*path != NULL ? *path : ""));
    int failed = *path == NULL;
    for (int i = 0; i < count; i++) {
        if (fields[i].kind != PP_FIELD_TEXT) continue;
        const char **text = (const char **)((char *)&archive->header + fields[i].offset);
        *text = pp_archive_keep_text(archive, pp_strdup(*text != NULL ? *text : ""));
        failed |= *text == NULL;
    }
    return failed ? pp_fail(err, PP_ERR_NOMEM, "no memory for an archive's header") : PP_OK;
}

static pp_status check_header(const pp_archive_header *header, const char *path, pp_error *err)
{
    int count;
    const pp_archive_field *fields = pp_archive_fields(&count);
    for (int i = 0; i < count; i++) {
        const char *at = (const char *)header + fields[i].offset;
        int64_t value = fields[i].least;
        if (fields[i].kind == PP_FIELD_I64) value = *(const int64_t *)at;
        if (fields[i].kind == PP_FIELD_INT) value = *(const int *)at;
        if (value < fields[i].least || value > fields[i].most) {
            return pp_fail(err, PP_ERR_INTERNAL, "%s: %s may not be %lld", path, fields[i].name,
                           (long long)value);
        }
    }
    return PP_OK;
}

pp_status pp_archive_create(pp_archive **out, const pp_fileops *ops, const char *path,
                            const pp_archive_header *header, pp_error *err)
{
    *out = NULL;
    pp_status status = check_header(header, path, err);
    pp_archive *archive = NULL;
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&archive, 1, sizeof *archive, "an archive", err);
    }
    if (status == PP_OK) status = copy_header(archive, header, err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&archive->waiting, PP_ARCHIVE_SOUND_CHUNK,
                                  sizeof *archive->waiting, "an archive", err);
    }
    if (status == PP_OK) status = pp_h5_create(&archive->h5, ops, path, err);
    if (status == PP_OK) status = put_header(archive, err);
    if (status == PP_OK) status = make_sets(archive, err);
    if (status != PP_OK) pp_archive_close(&archive);
    *out = archive;
    return status;
}

void pp_archive_close(pp_archive **at)
{
    pp_archive *archive = *at;
    if (archive == NULL) return;
    pp_h5_close(&archive->h5);
    pp_free(archive->waiting);
    for (int i = 0; i < archive->text_count; i++) pp_free(archive->texts[i]);
    PP_FREE(*at);
}

/* ---- puts ----------------------------------------------------------------------------------- */

/* Entries `first` .. of a data set along its first dimension. */
static pp_status put_rows(pp_archive *archive, const char *path, pp_h5_type type, int64_t first,
                          int64_t count, const void *data, pp_error *err)
{
    int rank;
    int64_t size[PP_H5_MOST_RANK], start[PP_H5_MOST_RANK] = {first};
    pp_status status = pp_h5_dims(archive->h5, path, &rank, size, err);
    if (status != PP_OK) return status;
    size[0] = count;
    return pp_h5_write(archive->h5, path, type, start, size, data, err);
}

pp_status pp_archive_put_frames(pp_archive *archive, int64_t first, int64_t count,
                                const double *time_s, const uint8_t *thumbnails,
                                const float *features, pp_error *err)
{
    pp_status status = put_rows(archive, "/frames/time", PP_H5_F64, first, count, time_s, err);
    if (status == PP_OK) {
        status = put_rows(archive, "/frames/thumbnail", PP_H5_U8, first, count, thumbnails, err);
    }
    if (status == PP_OK) {
        status = put_rows(archive, "/pixels/features", PP_H5_F32, first, count, features, err);
    }
    archive->frames += count;
    return status;
}

pp_status pp_archive_put_windows(pp_archive *archive, int64_t first, int64_t count,
                                 const double *start_s, const double *end_s, const float *energy,
                                 const int8_t *source, pp_error *err)
{
    pp_status status = put_rows(archive, "/windows/start", PP_H5_F64, first, count, start_s, err);
    if (status == PP_OK) {
        status = put_rows(archive, "/windows/end", PP_H5_F64, first, count, end_s, err);
    }
    if (status == PP_OK) {
        status = put_rows(archive, "/pixels/energy", PP_H5_F32, first, count, energy, err);
    }
    if (status == PP_OK) {
        status = put_rows(archive, "/pixels/source", PP_H5_I8, first, count, source, err);
    }
    archive->windows += count;
    return status;
}

pp_status pp_archive_put_maps(pp_archive *archive, int64_t first, int64_t count,
                              const uint8_t *codes, const float *scale, const float *offset,
                              pp_error *err)
{
    pp_status status = put_rows(archive, "/components/maps", PP_H5_U8, first, count, codes, err);
    if (status == PP_OK) {
        status = put_rows(archive, "/components/scale", PP_H5_F32, first, count, scale, err);
    }
    if (status == PP_OK) {
        status = put_rows(archive, "/components/offset", PP_H5_F32, first, count, offset, err);
    }
    archive->maps += count;
    return status;
}

static pp_status write_sound(pp_archive *archive, int which, int64_t first, int64_t count,
                             const float *samples, pp_error *err)
{
    char path[32];
    pp_archive_sound_path(which, path);
    int64_t start[2] = {0, first}, size[2] = {1, count};
    return pp_h5_write(archive->h5, path, PP_H5_F32, start, size, samples, err);
}

static pp_status write_waiting(pp_archive *archive, pp_error *err)
{
    int64_t count = archive->waiting_count;
    archive->waiting_count = 0;
    if (count == 0) return PP_OK;
    return write_sound(archive, archive->waiting_track, archive->waiting_first, count,
                       archive->waiting, err);
}

/* Up to the next chunk's start; a full chunk is written. Returns how many were taken. */
static int64_t wait_for_more(pp_archive *archive, int which, int64_t first, int64_t count,
                             const float *samples)
{
    int64_t room = PP_ARCHIVE_SOUND_CHUNK - first % PP_ARCHIVE_SOUND_CHUNK;
    int64_t taken = count < room ? count : room;
    if (archive->waiting_count == 0) {
        archive->waiting_track = which;
        archive->waiting_first = first;
    }
    memcpy(archive->waiting + archive->waiting_count, samples,
           (size_t)taken * sizeof *archive->waiting);
    archive->waiting_count += taken;
    return taken;
}

pp_status pp_archive_put_sound(pp_archive *archive, int which, int64_t first, int64_t count,
                               const float *samples, pp_error *err)
{
    if (which < PP_SOUND_RESIDUAL || which >= archive->header.sources) {
        return pp_fail(err, PP_ERR_INTERNAL, "%s: there is no track %d", pp_h5_path(archive->h5),
                       which);
    }
    if (first < 0 || count < 0 || count > archive->header.samples - first) {
        return pp_fail(err, PP_ERR_INTERNAL, "%s: samples %lld to %lld are not of its sound",
                       pp_h5_path(archive->h5), (long long)first, (long long)(first + count));
    }
    archive->samples[which - PP_SOUND_RESIDUAL] += count;
    pp_status status = PP_OK;
    if (archive->waiting_count > 0 && (archive->waiting_track != which ||
                                       archive->waiting_first + archive->waiting_count != first)) {
        status = write_waiting(archive, err);
    }
    while (status == PP_OK && count > 0) {
        int64_t taken = 0;
        if (archive->waiting_count == 0 && first % PP_ARCHIVE_SOUND_CHUNK == 0) {
            taken = count - count % PP_ARCHIVE_SOUND_CHUNK; /* whole chunks need not wait */
        }
        if (taken > 0) status = write_sound(archive, which, first, taken, samples, err);
        else taken = wait_for_more(archive, which, first, count, samples);
        first += taken;
        count -= taken;
        samples += taken;
        if (status == PP_OK && first % PP_ARCHIVE_SOUND_CHUNK == 0) {
            status = write_waiting(archive, err);
        }
    }
    return status;
}

pp_status pp_archive_put_labels(pp_archive *archive, const pp_archive_source *sources,
                                pp_error *err)
{
    const char *labels[PP_ARCHIVE_MOST_SOURCES], *ids[PP_ARCHIVE_MOST_SOURCES];
    int count = archive->header.sources;
    for (int s = 0; s < count; s++) {
        labels[s] = sources[s].label;
        ids[s] = sources[s].audioset_id;
    }
    pp_status status = pp_h5_put_texts(archive->h5, "/sources/label", labels, count,
                                       "instrument of each source; empty: not labelled", err);
    if (status != PP_OK) return status;
    return pp_h5_put_texts(archive->h5, "/sources/audioset_id", ids, count,
                           "AudioSet's identifier of the instrument; empty: not labelled", err);
}

static pp_status put_source(pp_archive *archive, int s, const pp_archive_source *source,
                            pp_error *err)
{
    pp_h5 *h5 = archive->h5;
    int64_t K = archive->header.components, W = archive->header.windows;
    int64_t start[3] = {s, 0, 0}, one[1] = {1}, vector[2] = {1, K}, box[3] = {1, W, 4};
    int64_t level[2] = {1, W};
    pp_status status =
        pp_h5_write(h5, "/sources/confidence", PP_H5_F32, start, one, &source->confidence, err);
    if (status == PP_OK) {
        status = pp_h5_write(h5, "/sources/vector", PP_H5_F32, start, vector, source->vector, err);
    }
    if (status == PP_OK) {
        status = pp_h5_write(h5, "/sources/box", PP_H5_F32, start, box, source->box, err);
    }
    if (status == PP_OK) {
        status =
            pp_h5_write(h5, "/sources/level_db", PP_H5_F32, start, level, source->level_db, err);
    }
    if (status == PP_OK && archive->header.label_features > 0) {
        int64_t features[2] = {1, archive->header.label_features};
        status = pp_h5_write(h5, "/sources/label_features", PP_H5_F32, start, features,
                             source->features, err);
    }
    return status;
}

pp_status pp_archive_put_sources(pp_archive *archive, const pp_archive_source *sources,
                                 pp_error *err)
{
    archive->has_sources = 1;
    pp_status status = pp_archive_put_labels(archive, sources, err);
    for (int s = 0; status == PP_OK && s < archive->header.sources; s++) {
        status = put_source(archive, s, &sources[s], err);
    }
    return status;
}

pp_status pp_archive_put_annotations(pp_archive *archive, const pp_annotation *rows, int64_t count,
                                     pp_error *err)
{
    archive->has_annotations = 1;
    return pp_h5_put_table(archive->h5, "/annotations", pp_annotation_columns, 6, rows,
                           sizeof *rows, count, "who plays what and when", err);
}

/* ---- commit --------------------------------------------------------------------------------- */

static pp_status expect(const pp_archive *archive, const char *what, int64_t put, int64_t whole,
                        pp_error *err)
{
    if (put == whole) return PP_OK;
    return pp_fail(err, PP_ERR_INTERNAL, "%s: %lld of %lld %s were written",
                   pp_h5_path(archive->h5), (long long)put, (long long)whole, what);
}

static pp_status check_complete(pp_archive *archive, pp_error *err)
{
    const pp_archive_header *header = &archive->header;
    pp_status status = expect(archive, "frames", archive->frames, header->frames, err);
    if (status == PP_OK) {
        status = expect(archive, "windows", archive->windows, header->windows, err);
    }
    if (status == PP_OK && header->with_maps) {
        status = expect(archive, "windows of maps", archive->maps, header->windows, err);
    }
    for (int i = 0; status == PP_OK && i < header->sources + 2; i++) {
        status = expect(archive, "samples of a track", archive->samples[i], header->samples, err);
    }
    if (status == PP_OK && header->sources > 0) {
        status = expect(archive, "lists of sources", archive->has_sources, 1, err);
    }
    return status;
}

pp_status pp_archive_commit(pp_archive **at, pp_error *err)
{
    pp_archive *archive = *at;
    pp_status status = check_complete(archive, err);
    if (status == PP_OK) status = write_waiting(archive, err);
    if (status == PP_OK && !archive->has_sources)
        status = pp_archive_put_labels(archive, NULL, err);
    if (status == PP_OK && !archive->has_annotations) {
        status = pp_archive_put_annotations(archive, NULL, 0, err);
    }
    if (status == PP_OK) status = pp_h5_commit(&archive->h5, err);
    pp_archive_close(at);
    return status;
}
