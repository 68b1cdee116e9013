/* The two containers of model/checkpoint.h: each finds the pickle and the storages' bytes.
 * Private to src/model. */
#ifndef PP_MODEL_CHECKPOINT_PARTS_H
#define PP_MODEL_CHECKPOINT_PARTS_H

#include "model/pickle.h"

enum { PP_MOST_STORAGES = 1 << 14 };

typedef struct pp_storage_bytes {
    const char *key; /* borrowed from the file; not terminated */
    size_t key_length;
    const unsigned char *bytes; /* borrowed from the file */
    size_t length;
} pp_storage_bytes;

/* A container taken apart: the state dict's pickle and every storage it may name. */
typedef struct pp_container {
    pp_pickle pickle;
    pp_storage_bytes *storages;
    size_t storage_count, storage_capacity;
} pp_container;

pp_status pp_container_legacy(pp_container *out, const unsigned char *bytes, size_t length,
                              pp_error *err);
pp_status pp_container_zip(pp_container *out, const unsigned char *bytes, size_t length,
                           pp_error *err);
pp_status pp_container_add(pp_container *container, pp_storage_bytes storage, pp_error *err);
void pp_container_clear(pp_container *container);

#endif
