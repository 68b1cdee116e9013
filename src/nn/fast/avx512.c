/* The bodies for AVX-512. The binary runs anywhere: only what is reached through the table below
 * has these instructions. Elsewhere than on x86-64 the file is empty but for `cannot`. */
#include "nn/fast/fast.h"

#if defined(__x86_64__)

static int can(void)
{
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512bw");
}

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f,avx512dq,avx512vl,avx512bw,fma"))),    \
                             apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512dq,avx512vl,avx512bw,fma")
#endif

#define PP_FAST_AVX512
#include "nn/fast/isa_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const pp_fast_isa pp_fast_avx512 = PP_FAST_ISA("avx512", can);

#else

static int cannot(void)
{
    return 0;
}

const pp_fast_isa pp_fast_avx512 = {.name = "avx512", .usable = cannot};

#endif
