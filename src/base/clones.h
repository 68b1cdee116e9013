/* PP_CLONES in front of a function: compiled for AVX-512, AVX2 and the plain processor, the best
 * chosen at run time. Such functions hold plain loops over contiguous floats that the compiler
 * turns into vectors; without fused multiply-adds (-ffp-contract=off) every clone gives the very
 * same bits. Left out under sanitizers, whose start-up does not expect indirect functions. */
#ifndef PP_BASE_CLONES_H
#define PP_BASE_CLONES_H

#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__) &&                        \
    !defined(__SANITIZE_ADDRESS__)
#define PP_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define PP_CLONES
#endif

/* In front of a loop whose pointers may be equal but never overlap by a shift. */
#if defined(__clang__)
#define PP_IN_PLACE _Pragma("clang loop vectorize(assume_safety)")
#else
#define PP_IN_PLACE _Pragma("GCC ivdep")
#endif

#endif
