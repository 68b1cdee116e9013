/* The bodies for AVX2. The binary runs anywhere: only what is reached through the table below
 * has these instructions. Elsewhere than on x86-64 the file is empty but for `cannot`. */
#include "nn/fast/fast.h"

#if defined(__x86_64__)

static int can(void)
{
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define PP_FAST_AVX2
#include "nn/fast/isa_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

const pp_fast_isa pp_fast_avx2 = PP_FAST_ISA("avx2", can);

#else

static int cannot(void)
{
    return 0;
}

const pp_fast_isa pp_fast_avx2 = {.name = "avx2", .usable = cannot};

#endif
