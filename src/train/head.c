#include "train/head.h"

#include <stdint.h>

#include "base/clones.h"
#include "base/memory.h"
#include "nn/blas.h"

/* Columns, in planes along x so that one plane is one vector loop. With w coarse columns and
 *
 *     fine 2x     = alpha[x] t[x - 1] + (1 - alpha[x]) t[x],     alpha[x] = x / (2w - 1)
 *     fine 2x + 1 = (1 - beta[x]) t[x] + beta[x] t[x + 1],       beta[x] = (w - 1 - x) / (2w - 1)
 *
 * the three column taps t0, t1, t2 of a kernel give
 *
 *     y[2x]     = E0 t0[x-1] + E1 t0[x] + E2 t1[x-1] + E3 t1[x] + E4 t2[x] + E5 t2[x+1]
 *     y[2x + 1] = O0 t0[x-1] + O1 t0[x] + O2 t1[x]   + O3 t1[x+1] + O4 t2[x] + O5 t2[x+1]
 *
 * The twelve coefficient rows and the planes of t have one zero column on either side. */
enum { E0, E1, E2, E3, E4, E5, O0, O1, O2, O3, O4, O5, STENCILS };

#define FINE_RING_ROWS 16

static void fill_columns(float *columns, int w)
{
    const size_t ld = (size_t)w + 2;
    const double d = 2.0 * w - 1;
    for (int x = 0; x < w; x++) {
        float *at = columns + x + 1;
        const double alpha = x / d, beta = (w - 1 - x) / d;
        if (x > 0) { /* column tap 0 of fine 0 lies outside */
            const double beta_before = (w - x) / d;
            at[E0 * ld] = (float)(1 - beta_before);
            at[E1 * ld] = (float)beta_before;
        }
        at[E2 * ld] = (float)alpha;
        at[E3 * ld] = (float)(1 - alpha);
        at[E4 * ld] = (float)(1 - beta);
        at[E5 * ld] = (float)beta;
        at[O0 * ld] = (float)alpha;
        at[O1 * ld] = (float)(1 - alpha);
        at[O2 * ld] = (float)(1 - beta);
        at[O3 * ld] = (float)beta;
        if (x + 1 < w) { /* column tap 2 of the last fine column lies outside */
            const double alpha_after = (x + 1) / d;
            at[O4 * ld] = (float)alpha_after;
            at[O5 * ld] = (float)(1 - alpha_after);
        }
    }
}

pp_status pp_train_head_create(pp_train_head *head, int height, int width, int in_channels,
                               int components, int most_masks, pp_error *err)
{
    *head = (pp_train_head){.height = height,
                            .width = width,
                            .in_channels = in_channels,
                            .components = components,
                            .most_masks = most_masks};
    head->columns = pp_alloc(STENCILS * ((size_t)width + 2), sizeof *head->columns);
    if (head->columns == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for stencils");
    fill_columns(head->columns, width);
    pp_status status = pp_train_axis_create(&head->rows, height, err);
    if (status != PP_OK) pp_train_head_destroy(head);
    return status;
}

void pp_train_head_destroy(pp_train_head *head)
{
    PP_FREE(head->columns);
    pp_train_axis_destroy(&head->rows);
}

/* The scratch, carved: mixed weights and their gradient, taps of the coarse grid (forward) or
 * their gradient (backward), rows of planes. */
typedef struct slices {
    float *vectors;   /* [masks, K]: u */
    float *gradient;  /* [masks, K]: of u */
    float *mixed;     /* [in_channels, 9, masks] */
    float *d_mixed;   /* as mixed */
    float *taps;      /* [9, masks][height, width] */
    float *fine_rows; /* [ring][3, masks][width + 2] */
    float *halves;    /* [2][width + 2]: even and odd columns of a fine row */
} slices;

static size_t carve(const pp_train_head *head, float *scratch, slices *s)
{
    const size_t m = (size_t)head->most_masks, k = (size_t)head->components;
    const size_t mixed = (size_t)head->in_channels * 9 * m, ld = (size_t)head->width + 2;
    pp_arena arena = {(unsigned char *)scratch, 0, SIZE_MAX};
    s->vectors = pp_arena_take(&arena, m * k, sizeof(float));
    s->gradient = pp_arena_take(&arena, m * k, sizeof(float));
    s->mixed = pp_arena_take(&arena, mixed, sizeof(float));
    s->d_mixed = pp_arena_take(&arena, mixed, sizeof(float));
    s->taps = pp_arena_take(&arena, 9 * m * (size_t)(head->height * head->width), sizeof(float));
    s->fine_rows = pp_arena_take(&arena, FINE_RING_ROWS * 3 * m * ld, sizeof(float));
    s->halves = pp_arena_take(&arena, 2 * ld, sizeof(float));
    return arena.used;
}

size_t pp_train_head_scratch(const pp_train_head *head)
{
    slices unused;
    return carve(head, NULL, &unused) / sizeof(float);
}

static void scale_vectors(const float *vectors, const float *scale, int masks, int k, float *u)
{
    for (int i = 0; i < masks * k; i++)
        u[i] = scale != NULL ? vectors[i] * scale[i % k] : vectors[i];
}

/* v [planes][width + 2]: the row taps of one fine row; taps [3][planes][height, width]. */
PP_CLONES static void mix_rows(const pp_train_taps *row, int height, int width, int planes,
                               const float *taps, float *restrict v)
{
    const long plane = (long)height * width;
    const float *w = row->weight;
    for (int p = 0; p < planes; p++, v += width + 2) {
        const float *from[PP_TRAIN_AXIS_TERMS];
        for (int t = 0; t < PP_TRAIN_AXIS_TERMS; t++) {
            const int k = row->index[t] % 3, y = row->index[t] / 3;
            from[t] = taps + (long)(k * planes + p) * plane + (long)y * width;
        }
        float *restrict to = v + 1;
        v[0] = v[width + 1] = 0;
        for (int x = 0; x < width; x++) {
            to[x] = w[0] * from[0][x] + w[1] * from[1][x] + w[2] * from[2][x] + w[3] * from[3][x] +
                    w[4] * from[4][x] + w[5] * from[5][x];
        }
    }
}

/* y [2 width] of one mask from its three planes of v, `apart` floats from one to the next. */
PP_CLONES static void mix_columns(const float *columns, int width, const float *v, long apart,
                                  float constant, float *restrict y)
{
    const long ld = width + 2;
    const float *s = columns + 1, *t0 = v + 1, *t1 = t0 + apart, *t2 = t1 + apart;
    for (int x = 0; x < width; x++) {
        const float even = s[x + E0 * ld] * t0[x - 1] + s[x + E1 * ld] * t0[x] +
                           s[x + E2 * ld] * t1[x - 1] + s[x + E3 * ld] * t1[x] +
                           s[x + E4 * ld] * t2[x] + s[x + E5 * ld] * t2[x + 1];
        const float odd = s[x + O0 * ld] * t0[x - 1] + s[x + O1 * ld] * t0[x] +
                          s[x + O2 * ld] * t1[x] + s[x + O3 * ld] * t1[x + 1] +
                          s[x + O4 * ld] * t2[x] + s[x + O5 * ld] * t2[x + 1];
        y[2 * x] = even + constant;
        y[2 * x + 1] = odd + constant;
    }
}

void pp_train_head_forward(const pp_train_head *head, const pp_train_head_weights *weights,
                           const float *x, const float *vectors, int masks, float *logits,
                           float *scratch)
{
    const int c = head->in_channels, k = head->components, w = head->width;
    const int pixels = head->height * w, n = 9 * masks;
    slices s;
    carve(head, scratch, &s);
    scale_vectors(vectors, weights->scale, masks, k, s.vectors);
    pp_sgemm(0, 1, 9 * c, masks, k, 1, weights->up, k, s.vectors, k, 0, s.mixed, masks);
    pp_sgemm(1, 1, n, pixels, c, 1, s.mixed, n, x, c, 0, s.taps, pixels);
    for (int y = 0; y < 2 * head->height; y++) {
        mix_rows(&head->rows.taps[y], head->height, w, 3 * masks, s.taps, s.fine_rows);
        for (int m = 0; m < masks; m++) {
            float constant = weights->bias[0];
            for (int i = 0; i < k; i++) constant += s.vectors[m * k + i] * weights->up_bias[i];
            mix_columns(head->columns, w, s.fine_rows + (long)m * (w + 2), (long)masks * (w + 2),
                        constant, logits + ((long)m * 2 * head->height + y) * 2 * w);
        }
    }
}

/* The transpose of mix_columns: dv planes of one mask from a fine row of d_logits. */
PP_CLONES static void unmix_columns(const float *columns, int width, const float *dy,
                                    float *restrict halves, float *restrict dv, long apart)
{
    const long ld = width + 2;
    float *restrict even = halves + 1, *restrict odd = halves + ld + 1;
    const float *s = columns + 1;
    even[-1] = even[width] = odd[-1] = odd[width] = 0;
    for (int x = 0; x < width; x++) {
        even[x] = dy[2 * x];
        odd[x] = dy[2 * x + 1];
    }
    float *restrict d0 = dv + 1, *restrict d1 = d0 + apart, *restrict d2 = d1 + apart;
    for (int x = 0; x < width; x++) {
        d0[x] = s[x + 1 + E0 * ld] * even[x + 1] + s[x + E1 * ld] * even[x] +
                s[x + 1 + O0 * ld] * odd[x + 1] + s[x + O1 * ld] * odd[x];
        d1[x] = s[x + 1 + E2 * ld] * even[x + 1] + s[x + E3 * ld] * even[x] +
                s[x + O2 * ld] * odd[x] + s[x - 1 + O3 * ld] * odd[x - 1];
        d2[x] = s[x + E4 * ld] * even[x] + s[x - 1 + E5 * ld] * even[x - 1] +
                s[x + O4 * ld] * odd[x] + s[x - 1 + O5 * ld] * odd[x - 1];
    }
}

/* The transpose of mix_rows for one coarse row and one row tap k. */
PP_CLONES static void unmix_rows(const pp_train_gather *g, int row, int k, int height, int width,
                                 int planes, const float *ring, float *d_taps)
{
    const long plane = (long)height * width;
    for (int p = 0; p < planes; p++) {
        float *restrict to = d_taps + (long)(k * planes + p) * plane + (long)row * width;
        for (int x = 0; x < width; x++) to[x] = 0;
        for (int i = 0; i < g->count; i++) {
            const long fine = (g->first + i) % FINE_RING_ROWS;
            const float *from = ring + (fine * planes + p) * (width + 2) + 1;
            const float weight = g->weight[i];
            for (int x = 0; x < width; x++) to[x] += weight * from[x];
        }
    }
}

static void unmix(const pp_train_head *head, int masks, const float *d_logits, const slices *s)
{
    const int h = head->height, w = head->width;
    const long fine_row = 3L * masks * (w + 2);
    int fine = 0;
    for (int row = 0; row < h; row++) {
        for (int k = 0; k < 3; k++) {
            const pp_train_gather *g = &head->rows.gathers[3 * row + k];
            for (; fine < g->first + g->count; fine++) {
                float *to = s->fine_rows + (fine % FINE_RING_ROWS) * fine_row;
                for (int m = 0; m < masks; m++) {
                    unmix_columns(head->columns, w, d_logits + ((long)m * 2 * h + fine) * 2 * w,
                                  s->halves, to + (long)m * (w + 2), (long)masks * (w + 2));
                }
            }
            unmix_rows(g, row, k, h, w, 3 * masks, s->fine_rows, s->taps);
        }
    }
}

/* Gradients of the vectors, the scales and the biases, once that of the mixed weights is known. */
static void backward_vectors(const pp_train_head *head, const pp_train_head_weights *weights,
                             const float *vectors, int masks, const float *d_logits,
                             float *d_vectors, const pp_train_head_weights *gradients,
                             const slices *s)
{
    const int k = head->components;
    const long bins = 4L * head->height * head->width;
    pp_sgemm(1, 0, masks, k, 9 * head->in_channels, 1, s->d_mixed, masks, weights->up, k, 0,
             s->gradient, k);
    for (int m = 0; m < masks; m++) {
        const float d_constant = (float)pp_train_sum(d_logits + m * bins, bins);
        gradients->bias[0] += d_constant;
        for (int i = 0; i < k; i++) {
            const float du = s->gradient[m * k + i] + d_constant * weights->up_bias[i];
            gradients->up_bias[i] += d_constant * s->vectors[m * k + i];
            d_vectors[m * k + i] = weights->scale != NULL ? du * weights->scale[i] : du;
            if (gradients->scale != NULL) gradients->scale[i] += du * vectors[m * k + i];
        }
    }
}

void pp_train_head_backward(const pp_train_head *head, const pp_train_head_weights *weights,
                            const float *x, const float *vectors, int masks, const float *d_logits,
                            float *dx, float *d_vectors, const pp_train_head_weights *gradients,
                            float *scratch)
{
    const int c = head->in_channels, k = head->components;
    const int pixels = head->height * head->width, n = 9 * masks;
    slices s;
    carve(head, scratch, &s);
    unmix(head, masks, d_logits, &s);
    pp_sgemm(1, 1, pixels, c, n, 1, s.taps, pixels, s.mixed, n, 0, dx, c);
    pp_sgemm(1, 1, c, n, pixels, 1, x, c, s.taps, pixels, 0, s.d_mixed, n);
    pp_sgemm(0, 0, 9 * c, k, masks, 1, s.d_mixed, masks, s.vectors, k, 1, gradients->up, k);
    backward_vectors(head, weights, vectors, masks, d_logits, d_vectors, gradients, &s);
}
