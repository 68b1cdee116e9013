#include "cluster/cores.h"

#include <stddef.h>

static const char *const names[] = {"Prescott", "Nehalem", "Sandybridge", "Haswell", "SkylakeX"};

int pp_core_level(void)
{
#if defined(__x86_64__)
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512cd")) {
        return 4;
    }
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return 3;
    if (__builtin_cpu_supports("avx")) return 2;
    return __builtin_cpu_supports("sse4.2") ? 1 : 0;
#else
    return -1;
#endif
}

const char *pp_core_name(int level)
{
    return level < 0 || level >= (int)(sizeof names / sizeof *names) ? NULL : names[level];
}
