/* Labelled solos for `pp label train`: features of the loudest source of each archive, and what it
 * is, from a manifest or from the name of the folder that the video lies in. */
#ifndef PP_TOOLS_LABEL_SOLOS_H
#define PP_TOOLS_LABEL_SOLOS_H

#include "base/csv.h"
#include "cmd_label.h"
#include "train/label_fit.h"

typedef struct label_solos {
    const pp_model_file *file; /* borrowed: whose networks the archives must come from */
    pp_csv *manifest;          /* NULL: labels are names of folders */
    char *manifest_folder;
    int features;
    char (*names)[PP_LABEL_MOST_NAME]; /* of classes, in order once settled */
    size_t class_count, class_room;
    float *x; /* [count, features] */
    int *y, *video;
    uint64_t *identity; /* of the video: the first digits of its SHA-256 */
    size_t count, x_room, y_room, video_room, identity_room;
    int64_t unlabelled, several, silent; /* left out: no label, more than one, nobody plays */
} label_solos;

/* labels: a manifest (CSV with id or path, and labels), NULL: names of folders. Destroy in every
 * case. */
pp_status label_solos_start(label_solos *solos, const pp_model_file *file, const char *labels,
                            pp_error *err) PP_MUST_USE;
pp_status label_solos_add(label_solos *solos, const char *out_or_archive,
                          pp_error *err) PP_MUST_USE;
/* Classes in alphabetical order, videos numbered; the samples borrow from solos. */
pp_status label_solos_settle(label_solos *solos, pp_label_samples *samples,
                             pp_error *err) PP_MUST_USE;
void label_solos_destroy(label_solos *solos);

#endif
