/* A vector of 16 floats for the bodies of the fast kernels. Which instructions carry it is chosen
 * by the file that includes the bodies: PP_FAST_AVX512 or PP_FAST_AVX2 (two halves); without
 * either, plain C, so that every header compiles alone. The three give the same bits: every
 * operation is elementwise, and vec_fma rounds once. */
#ifndef PP_NN_FAST_VECTOR_H
#define PP_NN_FAST_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__clang__)
#define PP_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PP_UNROLL _Pragma("GCC unroll 36")
#endif
#define PP_INLINE static inline __attribute__((always_inline, unused))

#if defined(PP_FAST_AVX512)

#include <immintrin.h>

enum { TILE_ROWS = 14, TILE_COLUMNS = 2 }; /* 28 accumulators, 2 weights, 1 pixel: 31 of 32 */
typedef __m512 vec;

PP_INLINE vec vec_load(const float *p)
{
    return _mm512_loadu_ps(p);
}
PP_INLINE void vec_store(float *p, vec x)
{
    _mm512_storeu_ps(p, x);
}
PP_INLINE vec vec_all(float x)
{
    return _mm512_set1_ps(x);
}
PP_INLINE vec vec_add(vec a, vec b)
{
    return _mm512_add_ps(a, b);
}
PP_INLINE vec vec_sub(vec a, vec b)
{
    return _mm512_sub_ps(a, b);
}
PP_INLINE vec vec_mul(vec a, vec b)
{
    return _mm512_mul_ps(a, b);
}
PP_INLINE vec vec_fma(vec a, vec b, vec c) /* a * b + c */
{
    return _mm512_fmadd_ps(a, b, c);
}
PP_INLINE vec vec_div(vec a, vec b)
{
    return _mm512_div_ps(a, b);
}
PP_INLINE vec vec_max(vec a, vec b) /* b where a is not a number */
{
    return _mm512_max_ps(a, b);
}
PP_INLINE vec vec_min(vec a, vec b) /* b where a is not a number */
{
    return _mm512_min_ps(a, b);
}
PP_INLINE vec vec_bytes(const uint8_t *p)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_loadu_si128((const __m128i *)p)));
}
PP_INLINE vec vec_power2(vec n) /* 2^n for whole n in [-126, 127] */
{
    __m512i e = _mm512_add_epi32(_mm512_cvtps_epi32(n), _mm512_set1_epi32(127));
    return _mm512_castsi512_ps(_mm512_slli_epi32(e, 23));
}

/* Row i of 16 becomes column i. */
PP_INLINE void vec_transpose(vec *r)
{
    vec t[16];
    PP_UNROLL
    for (int i = 0; i < 16; i += 2) { /* pairs of rows: 2 x 2 numbers turned */
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    PP_UNROLL
    for (int i = 0; i < 16; i += 4) { /* 4 x 4 numbers turned within each quarter */
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm512_shuffle_ps(t[i + j], t[i + 2 + j], 0x44);
            r[i + 2 * j + 1] = _mm512_shuffle_ps(t[i + j], t[i + 2 + j], 0xee);
        }
    }
    PP_UNROLL
    for (int i = 0; i < 4; i++) { /* quarters: rows i, i + 4, i + 8, i + 12 */
        vec a = _mm512_shuffle_f32x4(r[i], r[i + 4], 0x88);
        vec b = _mm512_shuffle_f32x4(r[i], r[i + 4], 0xdd);
        vec c = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0x88);
        vec d = _mm512_shuffle_f32x4(r[i + 8], r[i + 12], 0xdd);
        t[i] = _mm512_shuffle_f32x4(a, c, 0x88);
        t[i + 8] = _mm512_shuffle_f32x4(a, c, 0xdd);
        t[i + 4] = _mm512_shuffle_f32x4(b, d, 0x88);
        t[i + 12] = _mm512_shuffle_f32x4(b, d, 0xdd);
    }
    PP_UNROLL
    for (int i = 0; i < 16; i++) r[i] = t[i];
}

#elif defined(PP_FAST_AVX2)

#include <immintrin.h>

enum { TILE_ROWS = 6, TILE_COLUMNS = 1 }; /* 12 accumulators, 2 weights, 1 pixel: 15 of 16 */
typedef struct vec {
    __m256 a, b;
} vec;

#define PP_HALVES(function, x, y) ((vec){function((x).a, (y).a), function((x).b, (y).b)})

PP_INLINE vec vec_load(const float *p)
{
    return (vec){_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
}
PP_INLINE void vec_store(float *p, vec x)
{
    _mm256_storeu_ps(p, x.a);
    _mm256_storeu_ps(p + 8, x.b);
}
PP_INLINE vec vec_all(float x)
{
    __m256 half = _mm256_set1_ps(x);
    return (vec){half, half};
}
PP_INLINE vec vec_add(vec x, vec y)
{
    return PP_HALVES(_mm256_add_ps, x, y);
}
PP_INLINE vec vec_sub(vec x, vec y)
{
    return PP_HALVES(_mm256_sub_ps, x, y);
}
PP_INLINE vec vec_mul(vec x, vec y)
{
    return PP_HALVES(_mm256_mul_ps, x, y);
}
PP_INLINE vec vec_fma(vec x, vec y, vec z) /* x * y + z */
{
    return (vec){_mm256_fmadd_ps(x.a, y.a, z.a), _mm256_fmadd_ps(x.b, y.b, z.b)};
}
PP_INLINE vec vec_div(vec x, vec y)
{
    return PP_HALVES(_mm256_div_ps, x, y);
}
PP_INLINE vec vec_max(vec x, vec y) /* y where x is not a number */
{
    return PP_HALVES(_mm256_max_ps, x, y);
}
PP_INLINE vec vec_min(vec x, vec y) /* y where x is not a number */
{
    return PP_HALVES(_mm256_min_ps, x, y);
}
PP_INLINE vec vec_bytes(const uint8_t *p)
{
    __m128i bytes = _mm_loadu_si128((const __m128i *)p);
    return (vec){_mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes)),
                 _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_srli_si128(bytes, 8)))};
}
PP_INLINE __m256 half_power2(__m256 n)
{
    __m256i e = _mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127));
    return _mm256_castsi256_ps(_mm256_slli_epi32(e, 23));
}
PP_INLINE vec vec_power2(vec n) /* 2^n for whole n in [-126, 127] */
{
    return (vec){half_power2(n.a), half_power2(n.b)};
}

#else

#include <math.h>

enum { TILE_ROWS = 4, TILE_COLUMNS = 1 };
typedef struct vec {
    float x[16];
} vec;

#define PP_EACH(expression)                                                                        \
    vec r;                                                                                         \
    for (int i = 0; i < 16; i++) r.x[i] = (expression);                                            \
    return r

PP_INLINE vec vec_load(const float *p)
{
    PP_EACH(p[i]);
}
PP_INLINE void vec_store(float *p, vec a)
{
    memcpy(p, a.x, sizeof a.x);
}
PP_INLINE vec vec_all(float x)
{
    PP_EACH(x);
}
PP_INLINE vec vec_add(vec a, vec b)
{
    PP_EACH(a.x[i] + b.x[i]);
}
PP_INLINE vec vec_sub(vec a, vec b)
{
    PP_EACH(a.x[i] - b.x[i]);
}
PP_INLINE vec vec_mul(vec a, vec b)
{
    PP_EACH(a.x[i] * b.x[i]);
}
PP_INLINE vec vec_fma(vec a, vec b, vec c) /* a * b + c */
{
    PP_EACH(fmaf(a.x[i], b.x[i], c.x[i]));
}
PP_INLINE vec vec_div(vec a, vec b)
{
    PP_EACH(a.x[i] / b.x[i]);
}
PP_INLINE vec vec_max(vec a, vec b)
{
    PP_EACH(a.x[i] > b.x[i] ? a.x[i] : b.x[i]);
}
PP_INLINE vec vec_min(vec a, vec b)
{
    PP_EACH(a.x[i] < b.x[i] ? a.x[i] : b.x[i]);
}
PP_INLINE vec vec_bytes(const uint8_t *p)
{
    PP_EACH((float)p[i]);
}
PP_INLINE vec vec_power2(vec n)
{
    PP_EACH(ldexpf(1, (int)n.x[i]));
}

#endif

#if !defined(PP_FAST_AVX512)
/* Row i of 16 becomes column i. */
PP_INLINE void vec_transpose(vec *r)
{
    float from[16][16], to[16];
    for (int i = 0; i < 16; i++) vec_store(from[i], r[i]);
    for (int i = 0; i < 16; i++) {
        for (int j = 0; j < 16; j++) to[j] = from[j][i];
        r[i] = vec_load(to);
    }
}
#endif

PP_INLINE vec vec_zero(void)
{
    return vec_all(0);
}

#endif
