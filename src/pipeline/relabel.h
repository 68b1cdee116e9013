/* Labels of sources: from their features, by the model's labeller; in archives that are there
 * already, without anything else being computed. docs/labels.md. */
#ifndef PP_PIPELINE_RELABEL_H
#define PP_PIPELINE_RELABEL_H

#include "pipeline/pipeline.h"

/* PP_ERR_FORMAT where the labeller was fitted to other features than this program makes. */
pp_status pp_labeller_check(const pp_labeller *labeller, int components, pp_error *err) PP_MUST_USE;

/* Fills in label, audioset_id and confidence of a source with these features. labeller NULL: they
 * are empty. A source that never sounds is unknown. */
pp_status pp_label_source(const pp_labeller *labeller, const float *features, int components,
                          pp_archive_source *source, pp_error *err) PP_MUST_USE;

/* The key of `publish` that a labeller's archives have; label_digest "" without one. */
void pp_publish_key(char key[PP_HASH_HEX], const char *separate_key, pp_profile profile,
                    const char *label_digest);

/* True where the archive has all that these keys and this profile ask for, its labels apart. */
int pp_only_labels_differ(const pp_archive_header *header, char keys[PP_STAGES][PP_HASH_HEX],
                          pp_profile profile);
/* True where its sources were asked for by name: nothing guesses their labels. */
int pp_archive_was_asked(const pp_archive_header *header);

/* Writes an open archive anew, as `path`, with the labels that the labeller gives (NULL: none).
 * Fails for archives without features, or of another shape. */
pp_status pp_archive_label(pp_archive *archive, const pp_fileops *ops, const char *path,
                           const pp_labeller *labeller, const char *model_name,
                           pp_error *err) PP_MUST_USE;

#endif
