/* The model file: three networks' tensors and what belongs to them, in one HDF5 file.
 * docs/formats/model.md specifies it. Used by `pp model`, by the trainer, and by model/model.h.
 *
 * Order: fill or read a pp_model_file, use, pp_model_file_clear. Single-threaded (HDF5).
 */
#ifndef PP_MODEL_FILE_H
#define PP_MODEL_FILE_H

#include "model/labeller.h"
#include "model/model.h"
#include "model/network.h"
#include "model/tensors.h"
#include "store/h5.h"

typedef enum pp_network_id { PP_NET_SOUND, PP_NET_FRAME, PP_NET_SYNTHESIZER } pp_network_id;
enum { PP_NETWORKS = 3 };

typedef struct pp_model_file {
    pp_model_shape shape; /* components and grid follow from the tensors */
    pp_model_identity identity;
    int output_stride; /* of the video network: 8, 16 or 32 */
    pp_tensors networks[PP_NETWORKS];
    char *provenance; /* JSON texts, owned; NULL: none */
    char *quality;
    char *classes;
    pp_labeller labeller; /* classes 0: none */
} pp_model_file;

/* The published front end: 11 025 Hz, n_fft 1022, hop 256, 256 x 256, pictures of 224, output
 * stride 16, binary masks, maximum pooling. */
void pp_model_file_defaults(pp_model_file *file);
void pp_model_file_clear(pp_model_file *file);

/* Checks that the three networks fit each other and the shape, and fills in components, grid and
 * the digests. The tensors must have values and be sorted. */
pp_status pp_model_file_complete(pp_model_file *file, pp_error *err) PP_MUST_USE;

/* Completes and commits. */
pp_status pp_model_file_write(pp_model_file *file, const pp_fileops *ops, const char *path,
                              pp_error *err) PP_MUST_USE;
/* Reads everything; with values, the digests are computed again and must be those of the file.
 * Without, tensors are shapes only. *file must be zero; clear it in every case. */
pp_status pp_model_file_read(pp_model_file *file, pp_h5 *h5, int with_values,
                             pp_error *err) PP_MUST_USE;

/* Loads the values of one tensor (a shape so far) from the file. */
pp_status pp_model_file_load(pp_h5 *h5, pp_network_id network, pp_tensor *tensor,
                             pp_error *err) PP_MUST_USE;
/* Computes the digests from the file's tensors, one at a time, and compares them with those that
 * it states (in file->identity). */
pp_status pp_model_file_verify(const pp_model_file *file, pp_h5 *h5, pp_error *err) PP_MUST_USE;

/* Builds the two convolutional networks. Clear both in every case. */
pp_status pp_model_file_networks(const pp_model_file *file, pp_network *sound, pp_network *frame,
                                 pp_error *err) PP_MUST_USE;

#endif
