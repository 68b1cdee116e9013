/* malloc and its kin of the program pp-decode, over glibc's own: see shortage.h. Other C libraries,
 * and sanitizers, which have theirs, go without. */
#include "media/decoder/shortage.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#if defined __GLIBC__ && !defined __SANITIZE_ADDRESS__

extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *memory, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);
void *memalign(size_t alignment, size_t bytes); /* <malloc.h>'s, without its macros */

static void *given(void *memory, size_t bytes)
{
    if (memory == NULL && bytes > 0) pp_shortage_met();
    return memory;
}

void *malloc(size_t bytes)
{
    return given(__libc_malloc(bytes), bytes);
}

void *calloc(size_t count, size_t bytes)
{
    return given(__libc_calloc(count, bytes), count > 0 ? bytes : 0);
}

void *realloc(void *memory, size_t bytes)
{
    return given(__libc_realloc(memory, bytes), bytes);
}

void *memalign(size_t alignment, size_t bytes)
{
    return given(__libc_memalign(alignment, bytes), bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes)
{
    return given(__libc_memalign(alignment, bytes), bytes);
}

int posix_memalign(void **memory, size_t alignment, size_t bytes)
{
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) {
        return EINVAL;
    }
    void *got = given(__libc_memalign(alignment, bytes), bytes);
    if (got == NULL && bytes > 0) return ENOMEM;
    *memory = got;
    return 0;
}

#endif
