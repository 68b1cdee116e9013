#include "base/memory.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE_PAGE ((size_t)2 << 20) /* bytes, on x86-64 */
#define HUGE_FROM (2 * HUGE_PAGE)   /* at most a third is lost by rounding up */

size_t pp_align_up(size_t bytes)
{
    return (bytes + PP_ALIGNMENT - 1) / PP_ALIGNMENT * PP_ALIGNMENT;
}

/* In huge pages where the system gives them: workspaces and weights of many megabytes are walked
 * through again and again, and address translation would take a tenth of the time. */
static void *alloc_huge(size_t bytes)
{
    size_t whole = (bytes + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
    void *memory = aligned_alloc(HUGE_PAGE, whole);
    if (memory == NULL) return NULL;
    (void)madvise(memory, whole, MADV_HUGEPAGE); /* refused: small pages */
    memset(memory, 0, bytes);
    return memory;
}

void *pp_alloc(size_t count, size_t size)
{
    if (count == 0) count = 1;
    if (size == 0) size = 1;
    if (count > (SIZE_MAX / 2) / size) return NULL;
    size_t bytes = pp_align_up(count * size);
    if (bytes >= HUGE_FROM) return alloc_huge(bytes);
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
