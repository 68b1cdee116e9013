/* The transforms of Winograd's F(4, 3) on the points 0, A, -A, B, -B and infinity, of one line and
 * for 16 channels at once, and the transpose of each (`_back`). Along rows and then along columns
 * they make F(4x4, 3x3). Part of train/winograd.c.
 *
 * The usual points 1 and 2 need no multiplications in some places, but lose twice as much to
 * rounding; for these, all factors but those of the weights are exact. */
#ifndef PP_TRAIN_WINOGRAD_LINES_H
#define PP_TRAIN_WINOGRAD_LINES_H

enum { SIDE = 6, OUTPUTS = 4, TAPS = 3, POINTS = SIDE * SIDE, LANES = 16 };

#define A 0.625F
#define B 1.5F
#define A_WEIGHT (1 / (2 * A * A * (A * A - B * B)))
#define B_WEIGHT (1 / (2 * B * B * (B * B - A * A)))

/* Elementwise throughout, so every processor gives the same bits. */
typedef float lanes __attribute__((vector_size(LANES * sizeof(float)), aligned(4), may_alias));

#define INLINE static inline __attribute__((always_inline))
#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 6")
#endif

/* A patch of the input -> its values at the points. */
INLINE void patch_line(const lanes *d, lanes *v)
{
    const lanes a = d[4] - B * B * d[2], odd_a = A * (d[3] - B * B * d[1]);
    const lanes b = d[4] - A * A * d[2], odd_b = B * (d[3] - A * A * d[1]);
    v[0] = A * A * B * B * d[0] - (A * A + B * B) * d[2] + d[4];
    v[1] = a + odd_a;
    v[2] = a - odd_a;
    v[3] = b + odd_b;
    v[4] = b - odd_b;
    v[5] = A * A * B * B * d[1] - (A * A + B * B) * d[3] + d[5];
}

INLINE void patch_line_back(const lanes *v, lanes *d)
{
    const lanes a = v[1] + v[2], odd_a = A * (v[1] - v[2]);
    const lanes b = v[3] + v[4], odd_b = B * (v[3] - v[4]);
    d[0] = A * A * B * B * v[0];
    d[1] = A * A * B * B * v[5] - B * B * odd_a - A * A * odd_b;
    d[2] = -(A * A + B * B) * v[0] - B * B * a - A * A * b;
    d[3] = odd_a + odd_b - (A * A + B * B) * v[5];
    d[4] = v[0] + a + b;
    d[5] = v[5];
}

/* A line of the weights -> its values at the points. */
INLINE void weight_line(const lanes *g, lanes *u)
{
    const lanes a = A_WEIGHT * (g[0] + A * A * g[2]), odd_a = A_WEIGHT * A * g[1];
    const lanes b = B_WEIGHT * (g[0] + B * B * g[2]), odd_b = B_WEIGHT * B * g[1];
    u[0] = 1 / (A * A * B * B) * g[0];
    u[1] = a + odd_a;
    u[2] = a - odd_a;
    u[3] = b + odd_b;
    u[4] = b - odd_b;
    u[5] = g[2];
}

INLINE void weight_line_back(const lanes *u, lanes *g)
{
    const lanes a = A_WEIGHT * (u[1] + u[2]), b = B_WEIGHT * (u[3] + u[4]);
    g[0] = 1 / (A * A * B * B) * u[0] + a + b;
    g[1] = A_WEIGHT * A * (u[1] - u[2]) + B_WEIGHT * B * (u[3] - u[4]);
    g[2] = A * A * a + B * B * b + u[5];
}

/* Values of the product at the points -> results. */
INLINE void result_line(const lanes *m, lanes *y)
{
    const lanes a = m[1] + m[2], odd_a = A * (m[1] - m[2]);
    const lanes b = m[3] + m[4], odd_b = B * (m[3] - m[4]);
    y[0] = m[0] + a + b;
    y[1] = odd_a + odd_b;
    y[2] = A * A * a + B * B * b;
    y[3] = A * A * odd_a + B * B * odd_b + m[5];
}

INLINE void result_line_back(const lanes *y, lanes *m)
{
    const lanes a = y[0] + A * A * y[2], odd_a = A * (y[1] + A * A * y[3]);
    const lanes b = y[0] + B * B * y[2], odd_b = B * (y[1] + B * B * y[3]);
    m[0] = y[0];
    m[1] = a + odd_a;
    m[2] = a - odd_a;
    m[3] = b + odd_b;
    m[4] = b - odd_b;
    m[5] = y[3];
}

#endif
