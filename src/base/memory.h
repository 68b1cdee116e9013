/* Memory: aligned, zeroed, overflow-checked arrays, and a workspace carved by a size table.
 *
 * Kernels never allocate; their callers size a workspace first and hand out slices of it.
 */
#ifndef PP_BASE_MEMORY_H
#define PP_BASE_MEMORY_H

#include <stddef.h>

#include "base/status.h"

#define PP_ALIGNMENT 64 /* bytes: a cache line, and the widest vector register */

/* Zeroed array of count elements of `size` bytes, aligned to PP_ALIGNMENT; NULL on overflow or
 * when there is no memory. Owned by the caller; free with pp_free. count 0 gives one element. */
void *pp_alloc(size_t count, size_t size) PP_MUST_USE;

/* As pp_alloc, for functions that return pp_status: the failure names `what`. */
pp_status pp_alloc_checked(void **out, size_t count, size_t size, const char *what,
                           pp_error *err) PP_MUST_USE;

/* Owned copies; NULL when there is no memory. */
char *pp_strdup(const char *text) PP_MUST_USE;
char *pp_format(const char *format, ...) PP_PRINTF(1, 2) PP_MUST_USE;

/* Grows a plain array (capacity doubles) so that it holds `needed` elements; new ones are zero. */
pp_status pp_grow(void **array, size_t *capacity, size_t needed, size_t size,
                  pp_error *err) PP_MUST_USE;

void pp_free(void *memory); /* NULL-safe */

/* Frees *pointer and sets it to NULL. */
#define PP_FREE(pointer) (pp_free(pointer), (pointer) = NULL)

/* `bytes` rounded up to PP_ALIGNMENT: what a slice of a workspace really takes. */
size_t pp_align_up(size_t bytes);

/* A bump allocator over borrowed memory. Measuring pass: base NULL, used grows, NULL returned. */
typedef struct pp_arena {
    unsigned char *base; /* borrowed; aligned to PP_ALIGNMENT, or NULL to measure */
    size_t used, size;   /* bytes */
} pp_arena;

/* The next count * size bytes, aligned; NULL when measuring or when the arena is too small. */
void *pp_arena_take(pp_arena *arena, size_t count, size_t size);

#endif
