/* Archives read and checked. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "store/archive_internal.h"

/* ---- opening -------------------------------------------------------------------------------- */

static pp_status get_hex(pp_archive *archive, const pp_archive_field *field, char *hex,
                         pp_error *err)
{
    char *text;
    pp_status status = pp_h5_get_text(archive->h5, "/", field->name, &text, err);
    if (status != PP_OK) return status;
    size_t length = strlen(text);
    if (length >= PP_HASH_HEX || strspn(text, "0123456789abcdef") != length) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: %s is no SHA-256", pp_h5_path(archive->h5),
                         field->name);
    } else {
        memcpy(hex, text, length + 1);
    }
    pp_free(text);
    return status;
}

static pp_status get_number(pp_archive *archive, const pp_archive_field *field, char *at,
                            pp_error *err)
{
    int64_t value = 0;
    pp_status status = pp_h5_get_int(archive->h5, "/", field->name, &value, err);
    if (status != PP_OK) return status;
    if (value < field->least || value > field->most) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: %s is %lld, which cannot be",
                       pp_h5_path(archive->h5), field->name, (long long)value);
    }
    if (field->kind == PP_FIELD_INT) *(int *)at = (int)value;
    else *(int64_t *)at = value;
    return PP_OK;
}

static pp_status get_field(pp_archive *archive, const pp_archive_field *field, pp_error *err)
{
    char *at = (char *)&archive->header + field->offset;
    pp_h5 *h5 = archive->h5;
    if (field->kind == PP_FIELD_HEX) return get_hex(archive, field, at, err);
    if (field->kind == PP_FIELD_REAL) {
        return pp_h5_get_real(h5, "/", field->name, (double *)at, err);
    }
    if (field->kind != PP_FIELD_TEXT) return get_number(archive, field, at, err);
    char *text;
    pp_status status = pp_h5_get_text(h5, "/", field->name, &text, err);
    if (status == PP_OK) *(const char **)at = pp_archive_keep_text(archive, text);
    return status;
}

static pp_status get_source_path(pp_archive *archive, pp_error *err)
{
    char *path, *hex;
    pp_error none = {0};
    pp_status status = pp_h5_get_text(archive->h5, "/", "source_path", &path, err);
    if (status != PP_OK) return status;
    archive->header.source_path = pp_archive_keep_text(archive, path);
    if (pp_h5_get_text(archive->h5, "/", "source_path_hex", &hex, &none) != PP_OK) return PP_OK;
    size_t bytes = strlen(hex) / 2;
    char *exact = pp_alloc(bytes + 1, 1);
    if (exact == NULL || pp_text_unhex(hex, exact, bytes) != 0) {
        status =
            pp_fail(err, PP_ERR_FORMAT, "%s: source_path_hex is damaged", pp_h5_path(archive->h5));
        pp_free(exact);
    } else {
        archive->header.source_path = pp_archive_keep_text(archive, exact);
    }
    pp_free(hex);
    return status;
}

static pp_status check_format(pp_archive *archive, pp_error *err)
{
    char *format;
    int64_t version;
    const char *path = pp_h5_path(archive->h5);
    pp_error none = {0};
    if (pp_h5_get_text(archive->h5, "/", "format", &format, &none) != PP_OK ||
        strcmp(format, PP_ARCHIVE_MAGIC) != 0) {
        if (none.status == PP_OK) pp_free(format);
        return pp_fail(err, PP_ERR_FORMAT, "%s: is an HDF5 file, but not an archive of PixelPlayer",
                       path);
    }
    pp_free(format);
    pp_status status = pp_h5_get_int(archive->h5, "/", "version", &version, err);
    if (status != PP_OK) return status;
    if (version > PP_ARCHIVE_FORMAT) {
        pp_fail(err, PP_ERR_FORMAT,
                "%s: was written by a newer program: archive version %lld, and this program knows "
                "up to %d",
                path, (long long)version, PP_ARCHIVE_FORMAT);
        return pp_advise(err, "read it with a newer version of this program");
    }
    if (version < 1) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: archive version %lld cannot be", path,
                       (long long)version);
    }
    return PP_OK;
}

static pp_status get_header(pp_archive *archive, pp_error *err)
{
    pp_status status = check_format(archive, err);
    if (status == PP_OK) status = get_source_path(archive, err);
    int count;
    const pp_archive_field *fields = pp_archive_fields(&count);
    for (int i = 0; status == PP_OK && i < count; i++) {
        if (fields[i].may_miss) {
            pp_error none = {0};
            status = get_field(archive, &fields[i], &none);
            if (status == PP_ERR_NOT_FOUND) status = PP_OK;
            else if (status != PP_OK && err != NULL) *err = none;
            continue;
        }
        status = get_field(archive, &fields[i], err);
        if (status == PP_ERR_NOT_FOUND) { /* a file without its header is damaged, not missing */
            status = PP_ERR_FORMAT;
            if (err != NULL) err->status = status;
        }
    }
    return status;
}

static pp_status finish_open(pp_archive **out, pp_archive *archive, pp_status status, pp_error *err)
{
    if (status == PP_OK) status = get_header(archive, err);
    if (status != PP_OK) pp_archive_close(&archive);
    *out = archive;
    return status;
}

pp_status pp_archive_open(pp_archive **out, const pp_fileops *ops, const char *path, pp_error *err)
{
    *out = NULL;
    pp_archive *archive;
    pp_status status = pp_alloc_checked((void **)&archive, 1, sizeof *archive, "an archive", err);
    if (status != PP_OK) return status;
    return finish_open(out, archive, pp_h5_open(&archive->h5, ops, path, err), err);
}

pp_status pp_archive_open_memory(pp_archive **out, const void *bytes, size_t length,
                                 const char *name, pp_error *err)
{
    *out = NULL;
    pp_archive *archive;
    pp_status status = pp_alloc_checked((void **)&archive, 1, sizeof *archive, "an archive", err);
    if (status != PP_OK) return status;
    return finish_open(out, archive, pp_h5_open_memory(&archive->h5, bytes, length, name, err),
                       err);
}

const pp_archive_header *pp_archive_get_header(const pp_archive *archive)
{
    return &archive->header;
}

pp_h5 *pp_archive_h5(pp_archive *archive)
{
    return archive->h5;
}

/* ---- checking ------------------------------------------------------------------------------- */

#define BLOCK_BYTES (1 << 20)

static pp_status check_shape(pp_archive *archive, const pp_h5_spec *spec, pp_error *err)
{
    int rank;
    int64_t dims[PP_H5_MOST_RANK];
    pp_status status = pp_h5_dims(archive->h5, spec->path, &rank, dims, err);
    if (status != PP_OK) return status;
    int same = rank == spec->rank;
    for (int i = 0; same && i < rank; i++) same = dims[i] == spec->dims[i];
    if (same) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "%s: the shape of %s does not follow from the header",
                   pp_h5_path(archive->h5), spec->path);
}

/* Entries along the first dimension that fit in a block; at least one. */
static pp_status read_all(pp_archive *archive, const pp_h5_spec *spec, pp_archive_verdict *verdict,
                          pp_error *err)
{
    static const size_t sizes[] = {
        [PP_H5_F32] = 4, [PP_H5_F64] = 8, [PP_H5_U8] = 1, [PP_H5_I8] = 1};
    int64_t start[PP_H5_MOST_RANK] = {0}, count[PP_H5_MOST_RANK];
    size_t entry = sizes[spec->type];
    for (int i = 1; i < spec->rank; i++) entry *= (size_t)spec->dims[i];
    memcpy(count, spec->dims, sizeof count);
    int64_t step = entry < BLOCK_BYTES ? (int64_t)(BLOCK_BYTES / (entry + 1)) + 1 : 1;
    void *block;
    pp_status status = pp_alloc_checked(&block, (size_t)step, entry, spec->path, err);
    for (; status == PP_OK && start[0] < spec->dims[0]; start[0] += step) {
        count[0] = spec->dims[0] - start[0] < step ? spec->dims[0] - start[0] : step;
        status = pp_h5_read(archive->h5, spec->path, spec->type, start, count, block, err);
        verdict->bytes_read += count[0] * (int64_t)entry;
    }
    pp_free(block);
    return status;
}

static pp_status check_texts(pp_archive *archive, const char *path, pp_error *err)
{
    char **texts;
    int64_t count;
    pp_status status = pp_h5_take_texts(archive->h5, path, &texts, &count, err);
    if (status != PP_OK) return status;
    pp_h5_free_texts(&texts, count);
    if (count == archive->header.sources) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "%s: %s does not name every source", pp_h5_path(archive->h5),
                   path);
}

pp_status pp_archive_take_annotations(pp_archive *archive, pp_annotation **rows, int64_t *count,
                                      pp_error *err)
{
    return pp_h5_take_table(archive->h5, "/annotations", pp_annotation_columns, 6, sizeof **rows,
                            (void **)rows, count, err);
}

static pp_status check_annotations(pp_archive *archive, pp_error *err)
{
    pp_annotation *rows;
    int64_t count;
    pp_status status = pp_archive_take_annotations(archive, &rows, &count, err);
    for (int64_t i = 0; status == PP_OK && i < count; i++) {
        if (rows[i].source >= 0 && rows[i].source < archive->header.sources) continue;
        status = pp_fail(err, PP_ERR_FORMAT, "%s: annotation %lld is of a source that is not there",
                         pp_h5_path(archive->h5), (long long)i);
    }
    pp_free(rows);
    return status;
}

#define SOUND_BLOCK 65536

/* Adds the samples [count] of one track, `sign` times, to `sum`. */
static pp_status add_track(pp_archive *archive, int which, int64_t first, int64_t count,
                           double sign, float *samples, double *sum, pp_archive_verdict *verdict,
                           pp_error *err)
{
    char path[32];
    pp_archive_sound_path(which, path);
    int64_t start[2] = {0, first}, size[2] = {1, count};
    pp_status status = pp_h5_read(archive->h5, path, PP_H5_F32, start, size, samples, err);
    if (status != PP_OK) return status;
    for (int64_t i = 0; i < count; i++) {
        double value = samples[i];
        if (!isfinite(value)) verdict->not_finite++;
        if (which != PP_SOUND_RESIDUAL && fabs(value) > verdict->peak) verdict->peak = fabs(value);
        sum[i] += sign * value;
    }
    verdict->bytes_read += count * (int64_t)sizeof *samples;
    return PP_OK;
}

static pp_status add_tracks(pp_archive *archive, float *samples, double *sum,
                            pp_archive_verdict *verdict, pp_error *err)
{
    const pp_archive_header *header = &archive->header;
    pp_status status = PP_OK;
    for (int64_t at = 0; status == PP_OK && at < header->samples; at += SOUND_BLOCK) {
        int64_t count = header->samples - at < SOUND_BLOCK ? header->samples - at : SOUND_BLOCK;
        memset(sum, 0, SOUND_BLOCK * sizeof *sum);
        for (int which = PP_SOUND_RESIDUAL; status == PP_OK && which < header->sources; which++) {
            double sign = which == PP_SOUND_MIXTURE ? -1 : 1;
            status = add_track(archive, which, at, count, sign, samples, sum, verdict, err);
        }
        for (int64_t i = 0; status == PP_OK && i < count; i++) {
            if (fabs(sum[i]) > verdict->sum_error) verdict->sum_error = fabs(sum[i]);
        }
    }
    return status;
}

static pp_status check_sound(pp_archive *archive, pp_archive_verdict *verdict, pp_error *err)
{
    float *samples = pp_alloc(SOUND_BLOCK, sizeof *samples);
    double *sum = pp_alloc(SOUND_BLOCK, sizeof *sum);
    pp_status status = PP_OK;
    if (samples == NULL || sum == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for sound");
    for (int which = PP_SOUND_RESIDUAL; status == PP_OK && which < archive->header.sources;
         which++) {
        char path[32];
        pp_h5_spec spec = pp_archive_sound_spec(&archive->header, which, path);
        status = check_shape(archive, &spec, err);
    }
    if (status == PP_OK) status = add_tracks(archive, samples, sum, verdict, err);
    pp_free(samples);
    pp_free(sum);
    if (status != PP_OK) return status;
    if (verdict->not_finite > 0) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: %lld samples of its sound are no numbers",
                       pp_h5_path(archive->h5), (long long)verdict->not_finite);
    }
    if (verdict->sum_error <= PP_ARCHIVE_SUM_TOLERANCE * verdict->peak) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT,
                   "%s: stems and residual do not add up to the mixture: they differ by up to %.3g "
                   "of a peak of %.3g",
                   pp_h5_path(archive->h5), verdict->sum_error, verdict->peak);
}

static pp_status check_keys(pp_archive *archive, pp_error *err)
{
    const pp_archive_header *header = &archive->header;
    int whole = strlen(header->source_sha256) == PP_HASH_HEX - 1 &&
                strlen(header->source_identity) == PP_HASH_HEX - 1;
    for (int i = 0; i < PP_STAGES; i++) {
        whole = whole && strlen(header->stage_keys[i]) == PP_HASH_HEX - 1;
    }
    if (whole) return PP_OK;
    return pp_fail(err, PP_ERR_FORMAT, "%s: a stage key or the source's SHA-256 is missing",
                   pp_h5_path(archive->h5));
}

pp_status pp_archive_verify(pp_archive *archive, pp_archive_verdict *verdict, pp_error *err)
{
    *verdict = (pp_archive_verdict){0};
    pp_archive_set sets[PP_ARCHIVE_SETS];
    int count = pp_archive_sets(&archive->header, sets);
    pp_status status = check_keys(archive, err);
    for (int i = 0; status == PP_OK && i < count; i++) {
        status = check_shape(archive, &sets[i].spec, err);
        if (status == PP_OK) status = read_all(archive, &sets[i].spec, verdict, err);
    }
    if (status == PP_OK) status = check_texts(archive, "/sources/label", err);
    if (status == PP_OK) status = check_texts(archive, "/sources/audioset_id", err);
    if (status == PP_OK) status = check_annotations(archive, err);
    if (status == PP_OK) status = check_sound(archive, verdict, err);
    if (status == PP_ERR_NOT_FOUND && err != NULL) { /* a data set is missing: damage */
        status = err->status = PP_ERR_FORMAT;
    }
    return status;
}
