#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t pp_align_up(size_t bytes)
{
    return (bytes + PP_ALIGNMENT - 1) / PP_ALIGNMENT * PP_ALIGNMENT;
}

void *pp_alloc(size_t count, size_t size)
{
    if (count == 0) count = 1;
    if (size == 0) size = 1;
    if (count > (SIZE_MAX / 2) / size) return NULL;
    size_t bytes = pp_align_up(count * size);
    void *memory = aligned_alloc(PP_ALIGNMENT, bytes);
    if (memory != NULL) memset(memory, 0, bytes);
    return memory;
}

pp_status pp_alloc_checked(void **out, size_t count, size_t size, const char *what, pp_error *err)
{
    *out = pp_alloc(count, size);
    if (*out != NULL) return PP_OK;
    return pp_fail(err, PP_ERR_NOMEM, "no memory for %s (%zu x %zu bytes)", what, count, size);
}

char *pp_strdup(const char *text)
{
    return pp_format("%s", text);
}

char *pp_format(const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = length < 0 ? NULL : pp_alloc((size_t)length + 1, 1);
    if (text != NULL) vsnprintf(text, (size_t)length + 1, format, again);
    va_end(again);
    return text;
}

pp_status pp_grow(void **array, size_t *capacity, size_t needed, size_t size, pp_error *err)
{
    if (needed <= *capacity) return PP_OK;
    size_t wider = *capacity < 8 ? 8 : *capacity * 2;
    if (wider < needed) wider = needed;
    void *moved = pp_alloc(wider, size);
    if (moved == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu entries", wider);
    if (*array != NULL) memcpy(moved, *array, *capacity * size);
    pp_free(*array);
    *array = moved;
    *capacity = wider;
    return PP_OK;
}

void pp_free(void *memory)
{
    free(memory);
}

void *pp_arena_take(pp_arena *arena, size_t count, size_t size)
{
    size_t bytes = pp_align_up(count * size);
    size_t start = arena->used;
    arena->used += bytes;
    if (arena->base == NULL || arena->used > arena->size) return NULL;
    return arena->base + start;
}
