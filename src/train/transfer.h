/* Weights in and out: start from a model, a checkpoint or a ResNet trained elsewhere; export a
 * model file. Single-threaded (HDF5). */
#ifndef PP_TRAIN_TRANSFER_H
#define PP_TRAIN_TRANSFER_H

#include "train/corpus.h"
#include "train/job.h"
#include "train/params.h"

/* Parameters and running statistics from a model file or a checkpoint. Every tensor of the audio
 * network and the synthesizer must be there in its shape; a video network or label vectors that the
 * file lacks stay as they are, and *taken counts the tensors that were found. */
pp_status pp_train_start_from(pp_train_params *params, const char *path, int *taken,
                              pp_error *err) PP_MUST_USE;

/* The video network but its head from a checkpoint of a ResNet: names as torchvision's (conv1, bn1,
 * layer1.0.conv1, ...) or as the published frame network's (features.0, ...). */
pp_status pp_train_trunk_from(pp_train_params *params, const char *path, int *taken,
                              pp_error *err) PP_MUST_USE;

/* Writes the model file. values: as params->values (a running mean of them, maybe). labels: names
 * and, after the sigmoid, vectors go into its classes; without a video network a stand-in of width
 * 1 takes its place, so that every tool can open the file, and the provenance says so. provenance
 * and quality: JSON, taken; quality may be NULL. */
pp_status pp_train_export(const pp_train_job *job, const pp_train_params *params,
                          const float *values, char *const *labels, int label_count,
                          pp_json *provenance, pp_json *quality, const char *path,
                          pp_error *err) PP_MUST_USE;

#endif
