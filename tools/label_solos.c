#include "label_solos.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "pipeline/label_features.h"
#include "pipeline/relabel.h"

pp_status label_solos_start(label_solos *solos, const pp_model_file *file, const char *labels,
                            pp_error *err)
{
    *solos =
        (label_solos){.file = file, .features = pp_label_feature_count(file->shape.components)};
    if (labels == NULL) return PP_OK;
    pp_status status = pp_csv_read(&solos->manifest, labels, 1, err);
    if (status != PP_OK) return status;
    if (pp_csv_column(solos->manifest, "labels") < 0 &&
        pp_csv_column(solos->manifest, "label") < 0) {
        return pp_fail(err, PP_ERR_USAGE, "%s has no column `labels`", labels);
    }
    char *absolute = pp_path_absolute(labels);
    solos->manifest_folder = absolute != NULL ? pp_path_folder(absolute) : NULL;
    pp_free(absolute);
    return solos->manifest_folder != NULL ? PP_OK
                                          : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
}

void label_solos_destroy(label_solos *solos)
{
    pp_csv_destroy(&solos->manifest);
    pp_free(solos->manifest_folder);
    pp_free(solos->names);
    pp_free(solos->x);
    pp_free(solos->y);
    pp_free(solos->video);
    pp_free(solos->identity);
    *solos = (label_solos){0};
}

/* ---- labels ---------------------------------------------------------------------------------- */

static int is_row_of(const label_solos *solos, size_t row, const pp_archive_header *header)
{
    const pp_csv *csv = solos->manifest;
    const char *id = pp_csv_cell(csv, row, pp_csv_column(csv, "id"));
    const char *path = pp_csv_cell(csv, row, pp_csv_column(csv, "path"));
    if (id[0] != '\0' && strcmp(id, header->source_id) == 0) return 1;
    if (path[0] == '\0') return 0;
    char *joined = pp_path_join(solos->manifest_folder, path);
    char *absolute = joined != NULL ? pp_path_absolute(joined) : NULL;
    char *theirs = pp_path_absolute(header->source_path);
    int same = absolute != NULL && theirs != NULL && strcmp(absolute, theirs) == 0;
    pp_free(joined);
    pp_free(absolute);
    pp_free(theirs);
    return same;
}

/* The label of the archive's video; "" where there is none. Owned; NULL: no memory. */
static char *find_label(const label_solos *solos, const pp_archive_header *header)
{
    const pp_csv *csv = solos->manifest;
    if (csv == NULL) {
        char *folder = pp_path_folder(header->source_path);
        char *name = folder != NULL ? pp_strdup(pp_path_name(folder)) : NULL;
        pp_free(folder);
        return name;
    }
    int column = pp_csv_column(csv, "labels");
    if (column < 0) column = pp_csv_column(csv, "label");
    for (size_t row = 0; row < pp_csv_rows(csv); row++) {
        if (is_row_of(solos, row, header)) return pp_strdup(pp_csv_cell(csv, row, column));
    }
    return pp_strdup("");
}

static pp_status find_class(label_solos *solos, const char *name, int *out, pp_error *err)
{
    for (size_t i = 0; i < solos->class_count; i++) {
        *out = (int)i;
        if (pp_class_names_equal(solos->names[i], name)) return PP_OK;
    }
    if (strlen(name) >= PP_LABEL_MOST_NAME || solos->class_count == PP_LABEL_MOST_CLASSES) {
        return pp_fail(err, PP_ERR_USAGE, "'%s': a label of %d bytes or more, or class %d", name,
                       PP_LABEL_MOST_NAME, PP_LABEL_MOST_CLASSES + 1);
    }
    pp_status status = pp_grow((void **)&solos->names, &solos->class_room, solos->class_count + 1,
                               sizeof *solos->names, err);
    if (status != PP_OK) return status;
    *out = (int)solos->class_count;
    strcpy(solos->names[solos->class_count++], name);
    return PP_OK;
}

/* ---- archives -------------------------------------------------------------------------------- */

static pp_status find_loudest(pp_archive *archive, int *loudest, pp_error *err)
{
    double most_db = 0;
    pp_status status = PP_OK;
    for (int s = 0; status == PP_OK && s < pp_archive_get_header(archive)->sources; s++) {
        char path[32];
        double level_db = 0;
        pp_archive_sound_path(s, path);
        status = pp_h5_get_real(pp_archive_h5(archive), path, "level_db", &level_db, err);
        if (s > 0 && level_db <= most_db) continue;
        most_db = level_db;
        *loudest = s;
    }
    return status;
}

static pp_status check_archive(const label_solos *solos, const pp_archive_header *header,
                               const char *path, pp_error *err)
{
    const pp_model_identity *model = &solos->file->identity;
    if (strcmp(header->model_digest, model->digest) != 0) {
        pp_fail(err, PP_ERR_USAGE, "%s was made by other networks (%s, %.16s) than %s, %.16s", path,
                header->model_name, header->model_digest, model->name, model->digest);
        return pp_advise(err, "run pp-cluster on the solos with the model that is to learn labels");
    }
    if (header->label_features == solos->features) return PP_OK;
    pp_fail(err, PP_ERR_USAGE, "%s: it holds no features for labels, or others", path);
    return pp_advise(err, "make it again: pp-cluster --force");
}

static pp_status add_sample(label_solos *solos, pp_archive *archive, int source, int class,
                            pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    size_t d = (size_t)solos->features, n = solos->count + 1;
    const int64_t start[2] = {source}, count[2] = {1, solos->features};
    pp_status status = pp_grow((void **)&solos->x, &solos->x_room, n * d, sizeof(float), err);
    if (status == PP_OK) {
        status = pp_grow((void **)&solos->y, &solos->y_room, n, sizeof(int), err);
    }
    if (status == PP_OK) {
        status = pp_grow((void **)&solos->video, &solos->video_room, n, sizeof(int), err);
    }
    if (status == PP_OK) {
        status =
            pp_grow((void **)&solos->identity, &solos->identity_room, n, sizeof(uint64_t), err);
    }
    if (status == PP_OK) {
        status = pp_h5_read(pp_archive_h5(archive), "/sources/label_features", PP_H5_F32, start,
                            count, solos->x + solos->count * d, err);
    }
    if (status != PP_OK) return status;
    char digits[17];
    snprintf(digits, sizeof digits, "%.16s", header->source_sha256);
    solos->identity[solos->count] = strtoull(digits, NULL, 16);
    solos->y[solos->count++] = class;
    return PP_OK;
}

static pp_status take_archive(label_solos *solos, pp_archive *archive, const char *path,
                              pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    int loudest = -1, class = 0;
    if (pp_archive_was_asked(header)) return PP_OK;
    pp_status status = check_archive(solos, header, path, err);
    if (status == PP_OK) status = find_loudest(archive, &loudest, err);
    if (status != PP_OK) return status;
    if (loudest < 0) {
        solos->silent++;
        return PP_OK;
    }
    char *label = find_label(solos, header);
    if (label == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a label");
    if (label[0] == '\0') {
        solos->unlabelled++;
    } else if (strpbrk(label, ",;") != NULL) {
        solos->several++;
    } else {
        status = find_class(solos, label, &class, err);
        if (status == PP_OK) status = add_sample(solos, archive, loudest, class, err);
    }
    pp_free(label);
    return status;
}

static pp_status visit(void *user, const char *path, pp_error *err)
{
    pp_archive *archive = NULL;
    pp_status status = pp_archive_open(&archive, pp_fileops_system(), path, err);
    if (status == PP_OK) status = take_archive(user, archive, path, err);
    pp_archive_close(&archive);
    return status;
}

pp_status label_solos_add(label_solos *solos, const char *out_or_archive, pp_error *err)
{
    return pp_label_for_archives(out_or_archive, visit, solos, err);
}

/* ---- the end --------------------------------------------------------------------------------- */

typedef struct name_place {
    char name[PP_LABEL_MOST_NAME];
    int was;
} name_place;

static int by_name(const void *a, const void *b)
{
    return strcmp(((const name_place *)a)->name, ((const name_place *)b)->name);
}

static pp_status sort_classes(label_solos *solos, pp_error *err)
{
    void *memory = NULL;
    int now[PP_LABEL_MOST_CLASSES];
    pp_status status =
        pp_alloc_checked(&memory, solos->class_count, sizeof(name_place), "names of classes", err);
    if (status != PP_OK) return status;
    name_place *places = memory;
    for (size_t i = 0; i < solos->class_count; i++) {
        memcpy(places[i].name, solos->names[i], sizeof places[i].name);
        places[i].was = (int)i;
    }
    if (solos->class_count > 1) qsort(places, solos->class_count, sizeof *places, by_name);
    for (size_t i = 0; i < solos->class_count; i++) {
        memcpy(solos->names[i], places[i].name, sizeof places[i].name);
        now[places[i].was] = (int)i;
    }
    for (size_t i = 0; i < solos->count; i++) solos->y[i] = now[solos->y[i]];
    pp_free(memory);
    return PP_OK;
}

pp_status label_solos_settle(label_solos *solos, pp_label_samples *samples, pp_error *err)
{
    pp_status status = sort_classes(solos, err);
    for (size_t i = 0; i < solos->count; i++) {
        size_t first = 0;
        while (solos->identity[first] != solos->identity[i]) first++;
        solos->video[i] = (int)first;
    }
    *samples = (pp_label_samples){.count = (int)solos->count,
                                  .features = solos->features,
                                  .classes = (int)solos->class_count,
                                  .x = solos->x,
                                  .y = solos->y,
                                  .video = solos->video};
    return status;
}
