/* The buffers that a stage works in, allocated together. */
#ifndef PP_PIPELINE_ROOM_H
#define PP_PIPELINE_ROOM_H

#include <stddef.h>

#include "base/status.h"

/* One buffer: *out becomes a zeroed array (free each with pp_free, whatever was returned). */
typedef struct pp_want {
    void *out; /* the address of a pointer to any type */
    size_t count, size;
} pp_want;

/* All of them, or PP_ERR_NOMEM with the first that failed; those behind it are left as they were,
 * so start from NULL pointers. */
pp_status pp_room_take(const pp_want *wants, size_t count, const char *what,
                       pp_error *err) PP_MUST_USE;

#endif
