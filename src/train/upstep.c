#include "train/upstep.h"

#include "base/clones.h"
#include "nn/blas.h"

/* Pixels of one matrix product: tall enough to be efficient, results still in the cache. */
#define TILE_FLOATS 98304
#define LEAST_TILE_PIXELS 96
#define MOST_TILE_PIXELS 512
/* A fine row needs at most three coarse rows beside each other, a coarse row at most eight fine
 * ones: rings of this many rows never overwrite what is still wanted. */
#define LEAST_CHUNK_ROWS 4
#define FINE_RING_ROWS 16

pp_status pp_train_upstep_create(pp_train_upstep *step, int height, int width, int in_channels,
                                 int out_channels, pp_error *err)
{
    *step = (pp_train_upstep){
        .height = height, .width = width, .in_channels = in_channels, .out_channels = out_channels};
    int pixels = TILE_FLOATS / (9 * out_channels);
    if (pixels > MOST_TILE_PIXELS) pixels = MOST_TILE_PIXELS;
    if (pixels < LEAST_TILE_PIXELS) pixels = LEAST_TILE_PIXELS;
    step->chunk_rows = (pixels + width - 1) / width;
    if (step->chunk_rows < LEAST_CHUNK_ROWS) step->chunk_rows = LEAST_CHUNK_ROWS;
    pp_status status = pp_train_axis_create(&step->rows, height, err);
    if (status == PP_OK) status = pp_train_axis_create(&step->columns, width, err);
    if (status != PP_OK) pp_train_upstep_destroy(step);
    return status;
}

void pp_train_upstep_destroy(pp_train_upstep *step)
{
    pp_train_axis_destroy(&step->rows);
    pp_train_axis_destroy(&step->columns);
}

size_t pp_train_upstep_weights(const pp_train_upstep *step)
{
    return (size_t)step->in_channels * 9 * (size_t)step->out_channels;
}

/* Floats of one coarse row of taps, and of one fine row with the row taps summed. */
static size_t tap_row(const pp_train_upstep *step)
{
    return (size_t)step->width * 9 * (size_t)step->out_channels;
}

static size_t fine_row(const pp_train_upstep *step)
{
    return (size_t)step->width * 3 * (size_t)step->out_channels;
}

size_t pp_train_upstep_scratch(const pp_train_upstep *step)
{
    return 2 * (size_t)step->chunk_rows * tap_row(step) + FINE_RING_ROWS * fine_row(step);
}

/* v [width, 3 out] = sum of six terms, each a third of a coarse row of taps [width, 3, 3 out]. */
PP_CLONES static void mix_rows(int width, int third, const float *const from[PP_TRAIN_AXIS_TERMS],
                               const float *weight, float *restrict v)
{
    for (int x = 0; x < width; x++) {
        const long at = (long)x * 3 * third;
        const float *a = from[0] + at, *b = from[1] + at, *c = from[2] + at;
        const float *d = from[3] + at, *e = from[4] + at, *f = from[5] + at;
        float *restrict to = v + (long)x * third;
        for (int j = 0; j < third; j++) {
            to[j] = weight[0] * a[j] + weight[1] * b[j] + weight[2] * c[j] + weight[3] * d[j] +
                    weight[4] * e[j] + weight[5] * f[j];
        }
    }
}

/* y [2 width, out]: the column taps of v [width, 3, out]. */
PP_CLONES static void mix_columns(const pp_train_axis *columns, int out, const float *v,
                                  float *restrict y)
{
    for (int x = 0; x < 2 * columns->low; x++) {
        const pp_train_taps *t = &columns->taps[x];
        const float *a = v + (long)t->index[0] * out, *b = v + (long)t->index[1] * out;
        const float *c = v + (long)t->index[2] * out, *d = v + (long)t->index[3] * out;
        const float *e = v + (long)t->index[4] * out, *f = v + (long)t->index[5] * out;
        const float *w = t->weight;
        float *restrict to = y + (long)x * out;
        for (int j = 0; j < out; j++) {
            to[j] =
                w[0] * a[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j] + w[4] * e[j] + w[5] * f[j];
        }
    }
}

/* Taps of the next chunk of coarse rows, counted over the whole batch. The ring holds two chunks,
 * so that a row and its neighbours in the chunk before are there together. */
static int next_chunk(const pp_train_upstep *step, int rows_done, int rows_total, const float *x,
                      const float *weights, float *ring)
{
    const int chunk = step->chunk_rows, n = 9 * step->out_channels, k = step->in_channels;
    const int rows = rows_total - rows_done < chunk ? rows_total - rows_done : chunk;
    float *taps = ring + (size_t)(rows_done % (2 * chunk)) * tap_row(step);
    pp_sgemm(0, 0, rows * step->width, n, k, 1, x + (size_t)rows_done * (size_t)(step->width * k),
             k, weights, n, 0, taps, n);
    return rows_done + rows;
}

void pp_train_upstep_forward(const pp_train_upstep *step, int batch, const float *x,
                             const float *weights, float *y, float *scratch)
{
    const int height = step->height, third = 3 * step->out_channels, ring = 2 * step->chunk_rows;
    const size_t out_row = (size_t)step->width * 2 * (size_t)step->out_channels;
    float *v = scratch + (size_t)ring * tap_row(step);
    int done = 0;
    for (int b = 0; b < batch; b++) {
        for (int row = 0; row < 2 * height; row++, y += out_row) {
            const pp_train_taps *taps = &step->rows.taps[row];
            const float *from[PP_TRAIN_AXIS_TERMS];
            for (int t = 0; t < PP_TRAIN_AXIS_TERMS; t++) {
                /* a term that does not exist may name a row long gone: any row serves */
                const int index = taps->weight[t] == 0 ? taps->index[2] : taps->index[t];
                const int coarse = b * height + index / 3;
                while (done <= coarse) {
                    done = next_chunk(step, done, batch * height, x, weights, scratch);
                }
                from[t] =
                    scratch + (size_t)(coarse % ring) * tap_row(step) + (size_t)(index % 3 * third);
            }
            mix_rows(step->width, third, from, taps->weight, v);
            mix_columns(&step->columns, step->out_channels, v, y);
        }
    }
}

/* dv [width, 3, out] from a fine row of dy [2 width, out]: the transpose of mix_columns. */
PP_CLONES static void unmix_columns(const pp_train_axis *columns, int out, const float *dy,
                                    float *restrict dv)
{
    for (int i = 0; i < 3 * columns->low; i++) {
        const pp_train_gather *g = &columns->gathers[i];
        const float *from = dy + (long)g->first * out;
        const float *w = g->weight;
        float *restrict to = dv + (long)i * out;
        if (g->count == 4) { /* the usual case away from the borders */
            const float *b = from + out, *c = b + out, *d = c + out;
            for (int j = 0; j < out; j++) {
                to[j] = w[0] * from[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j];
            }
            continue;
        }
        for (int j = 0; j < out; j++) to[j] = 0;
        for (int p = 0; p < g->count; p++, from += out) {
            for (int j = 0; j < out; j++) to[j] += w[p] * from[j];
        }
    }
}

/* One third (a row tap) of a coarse row: d_taps [width, 3, 3 out] from fine rows of dv in the
 * ring; the transpose of mix_rows. */
PP_CLONES static void unmix_rows(const pp_train_gather *g, int width, int third, const float *ring,
                                 float *d_taps)
{
    const size_t row = (size_t)width * (size_t)third;
    const float *from[PP_TRAIN_AXIS_TERMS];
    for (int p = 0; p < PP_TRAIN_AXIS_TERMS; p++) {
        from[p] = ring + (size_t)((g->first + p) % FINE_RING_ROWS) * row;
    }
    for (int x = 0; x < width; x++) {
        const long at = (long)x * third;
        float *restrict to = d_taps + 3 * at;
        const float *a = from[0] + at, *b = from[1] + at, *c = from[2] + at, *d = from[3] + at;
        const float *w = g->weight;
        if (g->count == 4) {
            for (int j = 0; j < third; j++) {
                to[j] = w[0] * a[j] + w[1] * b[j] + w[2] * c[j] + w[3] * d[j];
            }
            continue;
        }
        for (int j = 0; j < third; j++) to[j] = 0;
        for (int p = 0; p < g->count; p++) {
            const float *term = from[p] + at;
            for (int j = 0; j < third; j++) to[j] += w[p] * term[j];
        }
    }
}

/* Products of a finished chunk of coarse rows, the first of which is number `first`. */
static void finish_chunk(const pp_train_upstep *step, int first, int rows, const float *x,
                         const float *weights, const float *d_taps, float *dx, float *d_weights)
{
    const int n = 9 * step->out_channels, k = step->in_channels, pixels = rows * step->width;
    const size_t at = (size_t)first * (size_t)step->width * (size_t)k;
    pp_sgemm(0, 1, pixels, k, n, 1, d_taps, n, weights, n, 0, dx + at, k);
    pp_sgemm(1, 0, k, n, pixels, 1, x + at, k, d_taps, n, 1, d_weights, n);
}

void pp_train_upstep_backward(const pp_train_upstep *step, int batch, const float *x,
                              const float *weights, const float *dy, float *dx, float *d_weights,
                              float *scratch)
{
    const int height = step->height, third = 3 * step->out_channels, chunk = step->chunk_rows;
    const size_t out_row = (size_t)step->width * 2 * (size_t)step->out_channels;
    float *d_taps = scratch, *ring = scratch + (size_t)chunk * tap_row(step);
    int filled = 0;
    for (int b = 0; b < batch; b++, dy += 2 * (size_t)height * out_row) {
        int fine = 0; /* rows of this sample already in the ring */
        for (int row = 0; row < height; row++) {
            for (int k = 0; k < 3; k++) {
                const pp_train_gather *g = &step->rows.gathers[3 * row + k];
                for (; fine < g->first + g->count; fine++) {
                    unmix_columns(&step->columns, step->out_channels, dy + (size_t)fine * out_row,
                                  ring + (size_t)(fine % FINE_RING_ROWS) * fine_row(step));
                }
                unmix_rows(g, step->width, third, ring,
                           d_taps + (size_t)filled * tap_row(step) + (size_t)(k * third));
            }
            const int done = b * height + row + 1;
            if (++filled < chunk && done < batch * height) continue;
            finish_chunk(step, done - filled, filled, x, weights, d_taps, dx, d_weights);
            filled = 0;
        }
    }
}
