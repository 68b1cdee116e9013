/* PyTorch checkpoints (state dicts) read as data: no Python, nothing executed, everything bounded.
 *
 * Both containers: the legacy one (before 1.6; first bytes 80 02 8a 0a 6c fc 9c 46) and zip with
 * stored entries. Weights may be float32, float64, float16 or bfloat16 and come as float32;
 * `num_batches_tracked` is skipped, a common prefix "module." (DataParallel) is taken off, and a
 * training record {'state_dict': {...}, ...} gives its state dict. What is not a state dict is
 * refused with its reason (PP_ERR_FORMAT, PP_ERR_LIMIT). Thread-safe.
 *
 * Source of the formats: torch/serialization.py; PKWARE's APPNOTE.TXT for zip.
 */
#ifndef PP_MODEL_CHECKPOINT_H
#define PP_MODEL_CHECKPOINT_H

#include "model/tensors.h"

/* From memory (bytes are borrowed for the call); `name` stands in messages. *out must be zero; it
 * comes sorted by name; clear it in every case. */
pp_status pp_checkpoint_parse(pp_tensors *out, const void *bytes, size_t length, const char *name,
                              pp_error *err) PP_MUST_USE;
pp_status pp_checkpoint_read(pp_tensors *out, const char *path, pp_error *err) PP_MUST_USE;

#endif
