/* Named arrays of floats, as a network's checkpoint or a model file holds them.
 *
 * Order: zero-initialise, add, pp_tensors_sort, use, pp_tensors_clear. Not thread-safe while
 * changing; read-only use from any number of threads.
 */
#ifndef PP_MODEL_TENSORS_H
#define PP_MODEL_TENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

#define PP_TENSOR_MOST_RANK 4
#define PP_TENSOR_MOST_NAME 120 /* bytes, with the NUL */

typedef struct pp_tensor {
    char name[PP_TENSOR_MOST_NAME];
    int rank; /* 0: a single number */
    int64_t dims[PP_TENSOR_MOST_RANK];
    float *values; /* owned by the list; row-major; NULL: shape only */
} pp_tensor;

typedef struct pp_tensors {
    pp_tensor *items;
    size_t count, capacity;
} pp_tensors;

/* Appends a tensor with zeroed values (with_values) or shape only. *added (may be NULL) is valid
 * until the next one is added. Refuses names and shapes beyond the limits above, dims below 1 and
 * more than 2^28 values. */
pp_status pp_tensors_add(pp_tensors *list, const char *name, int rank, const int64_t *dims,
                         int with_values, pp_tensor **added, pp_error *err) PP_MUST_USE;
void pp_tensors_clear(pp_tensors *list);

/* Brings the list into the order of its names' bytes; refuses a name that is there twice. */
pp_status pp_tensors_sort(pp_tensors *list, pp_error *err) PP_MUST_USE;

size_t pp_tensor_count(const pp_tensor *tensor); /* values */
/* Borrowed; NULL where there is none of that name. */
pp_tensor *pp_tensors_find(const pp_tensors *list, const char *name);
/* The same, of exactly this shape (-1: any); a failure names tensor and shapes. */
pp_status pp_tensors_expect(const pp_tensors *list, const char *name, int rank, const int64_t *dims,
                            pp_tensor **found, pp_error *err) PP_MUST_USE;

/* Adds name, rank, dims and little-endian values to a digest. */
void pp_tensor_digest(const pp_tensor *tensor, pp_hash *hash);

#endif
