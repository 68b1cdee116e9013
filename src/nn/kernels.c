#include "nn/kernels.h"

#include <string.h>

static const pp_kernels *const sets[] = {&pp_kernels_fast, &pp_kernels_fast_avx2, &pp_kernels_plain,
                                         NULL}; /* best first */

const pp_kernels *const *pp_kernels_all(void)
{
    return sets;
}

pp_status pp_kernels_find(const pp_kernels **out, const char *name, pp_error *err)
{
    for (size_t i = 0; sets[i] != NULL; i++) {
        int usable = sets[i]->usable();
        if (name == NULL && !usable) continue;
        if (name != NULL && strcmp(name, sets[i]->name) != 0) continue;
        if (!usable) {
            return pp_fail(err, PP_ERR_USAGE, "this processor cannot run the kernel set '%s'",
                           name);
        }
        *out = sets[i];
        return PP_OK;
    }
    pp_fail(err, PP_ERR_USAGE, "no kernel set is named '%s'", name != NULL ? name : "");
    return pp_advise(err, "leave it out, or take 'plain'");
}
