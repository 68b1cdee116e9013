#include "pipeline/room.h"

#include <string.h>

#include "base/memory.h"

pp_status pp_room_take(const pp_want *wants, size_t count, const char *what, pp_error *err)
{
    for (size_t i = 0; i < count; i++) {
        void *memory = NULL;
        pp_status status = pp_alloc_checked(&memory, wants[i].count, wants[i].size, what, err);
        if (status != PP_OK) return status;
        memcpy(wants[i].out, &memory, sizeof memory); /* whatever type it points to */
    }
    return PP_OK;
}
