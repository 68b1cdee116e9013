#include "train/winograd.h"

#include <string.h>

#include "base/clones.h"
#include "nn/blas.h"
#include "train/winograd_lines.h"

/*   input patches 6x6 ──> V [36][tiles][in]  ─┐
 *                                             ├─ 36 products ──> M [36][tiles][out] ──> 4x4 outputs
 *   weights 3x3 ────────> U [36][in][out] ────┘
 *
 * A dilated convolution is d * d interleaved ones without dilation (phases), each with its own
 * tiles. Tiles are worked on in chunks, so that V and M stay in the cache. Where U alone is too
 * large for that, chunks are as large as they may be, so that it is read seldom, and it is made for
 * a block of outputs at a time. */

#define CHUNK_FLOATS 524288  /* of V and M together */
#define LARGE_FLOATS 1200000 /* of U */
#define BLOCK_FLOATS 2400000 /* of U at a time */
#define LEAST_TILES 32
#define MOST_TILES 256

/* ---- sizes and places ------------------------------------------------------------------------ */

typedef struct plan {
    const pp_train_conv *conv;
    int tile_rows, tile_columns; /* of a phase */
    int most_tiles, most_outs;   /* of a chunk, of a block */
    int in_stride, out_stride;   /* of a tile's row in V and M, and of U's rows */
    size_t v_plane, m_plane, u_plane, turned_plane; /* floats; turned: of U transposed */
} plan;

typedef struct tile_place {
    int sample, row, column; /* of its first output */
} tile_place;

static int least(long a, long b)
{
    return (int)(a < b ? a : b);
}

/* Rows apart by a power of two would share few cache sets. */
static int padded(int floats)
{
    return floats % 256 == 0 ? floats + LANES : floats;
}

static plan make_plan(const pp_train_conv *conv)
{
    plan p = {.conv = conv};
    const int d = conv->dilation, reach = OUTPUTS * d;
    p.tile_rows = (conv->height + reach - 1) / reach;
    p.tile_columns = (conv->width + reach - 1) / reach;
    const long u_floats = (long)POINTS * conv->in_channels * conv->out_channels;
    p.most_outs = conv->out_channels;
    p.most_tiles = CHUNK_FLOATS / (POINTS * (conv->in_channels + conv->out_channels));
    if (p.most_tiles < LEAST_TILES) p.most_tiles = LEAST_TILES;
    if (p.most_tiles > MOST_TILES || u_floats > LARGE_FLOATS) p.most_tiles = MOST_TILES;
    if (u_floats > BLOCK_FLOATS) {
        const int blocks = (int)((u_floats + BLOCK_FLOATS - 1) / BLOCK_FLOATS);
        const int vectors = conv->out_channels / LANES;
        p.most_outs = (vectors + blocks - 1) / blocks * LANES;
    }
    p.in_stride = padded(conv->in_channels);
    p.out_stride = padded(p.most_outs);
    p.v_plane = (size_t)p.most_tiles * (size_t)p.in_stride + LANES;
    p.m_plane = (size_t)p.most_tiles * (size_t)p.out_stride + LANES;
    p.u_plane = (size_t)conv->in_channels * (size_t)p.out_stride + LANES;
    p.turned_plane = (size_t)p.most_outs * (size_t)p.in_stride + LANES;
    return p;
}

static long tiles_of(const plan *p, int batch)
{
    return (long)batch * p->conv->dilation * p->conv->dilation * p->tile_rows * p->tile_columns;
}

int pp_train_winograd_can(const pp_train_conv *conv)
{
    return conv->kernel == TAPS && conv->stride == 1 && conv->padding == conv->dilation &&
           conv->in_channels % LANES == 0 && conv->out_channels % LANES == 0;
}

int pp_train_winograd_pays(const pp_train_conv *conv)
{
    if (!pp_train_winograd_can(conv)) return 0;
    const plan p = make_plan(conv);
    const long taps = (long)conv->height * conv->width * TAPS * TAPS;
    return 2 * POINTS * tiles_of(&p, 1) <= taps;
}

size_t pp_train_winograd_scratch(const pp_train_conv *conv)
{
    const plan p = make_plan(conv);
    return POINTS * (2 * p.v_plane + p.m_plane + p.u_plane + p.turned_plane) +
           pp_train_conv_weights(conv);
}

static tile_place place_of(const plan *p, long tile)
{
    const int d = p->conv->dilation;
    const int column = (int)(tile % p->tile_columns);
    tile /= p->tile_columns;
    const int row = (int)(tile % p->tile_rows);
    tile /= p->tile_rows;
    const int phase = (int)(tile % (d * d));
    tile_place place = {(int)(tile / (d * d)), phase / d + d * OUTPUTS * row,
                        phase % d + d * OUTPUTS * column};
    return place;
}

/* The first float of each of rows x columns pixels of a picture, `before` pixels (times dilation)
 * before the place; -1 outside. Returns whether all lie inside. */
static int pixels_of(const plan *p, tile_place place, int side, int before, int channels, long *at)
{
    const pp_train_conv *c = p->conv;
    int inside = 1;
    for (int i = 0; i < side; i++) {
        const int row = place.row + (i - before) * c->dilation;
        for (int j = 0; j < side; j++) {
            const int column = place.column + (j - before) * c->dilation;
            const int there = row >= 0 && row < c->height && column >= 0 && column < c->width;
            at[i * side + j] =
                there ? (((long)place.sample * c->height + row) * c->width + column) * channels
                      : -1;
            inside &= there;
        }
    }
    return inside;
}

/* By reference: vectors are no arguments where the processor may lack them. */
INLINE const lanes *at_float(const float *from)
{
    return (const lanes *)from;
}

INLINE lanes *to_float(float *to)
{
    return (lanes *)to;
}

/* ---- transforms of tiles --------------------------------------------------------------------- */

/* The patch of a tile -> row `row` of V. */
INLINE void patch(const plan *p, const float *x, const long *at, const int inside, float *v)
{
    for (int c = 0; c < p->conv->in_channels; c += LANES) {
        lanes half[SIDE][SIDE], line[SIDE], out[SIDE];
        for (int i = 0; i < SIDE; i++) {
            UNROLL
            for (int j = 0; j < SIDE; j++) {
                const long from = at[i * SIDE + j];
                line[j] = inside || from >= 0 ? *at_float(x + from + c) : (lanes){0};
            }
            patch_line(line, half[i]);
        }
        for (int j = 0; j < SIDE; j++) {
            UNROLL
            for (int i = 0; i < SIDE; i++) line[i] = half[i][j];
            patch_line(line, out);
            UNROLL
            for (int i = 0; i < SIDE; i++)
                *to_float(v + (size_t)(i * SIDE + j) * p->v_plane + c) = out[i];
        }
    }
}

/* The transpose of patch: adds to the pixels. */
INLINE void patch_back(const plan *p, const float *v, const long *at, const int inside, float *dx)
{
    for (int c = 0; c < p->conv->in_channels; c += LANES) {
        lanes half[SIDE][SIDE], line[SIDE], out[SIDE];
        for (int j = 0; j < SIDE; j++) {
            UNROLL
            for (int i = 0; i < SIDE; i++)
                line[i] = *at_float(v + (size_t)(i * SIDE + j) * p->v_plane + c);
            patch_line_back(line, out);
            UNROLL
            for (int i = 0; i < SIDE; i++) half[i][j] = out[i];
        }
        for (int i = 0; i < SIDE; i++) {
            patch_line_back(half[i], out);
            UNROLL
            for (int j = 0; j < SIDE; j++) {
                const long to = at[i * SIDE + j];
                if (inside || to >= 0) *to_float(dx + to + c) = *at_float(dx + to + c) + out[j];
            }
        }
    }
}

/* A row of M -> the results of a tile. */
INLINE void result(const plan *p, const float *m, const long *at, const int inside, int outs,
                   float *y)
{
    for (int c = 0; c < outs; c += LANES) {
        lanes half[OUTPUTS][SIDE], line[SIDE], out[OUTPUTS];
        for (int j = 0; j < SIDE; j++) {
            UNROLL
            for (int i = 0; i < SIDE; i++)
                line[i] = *at_float(m + (size_t)(i * SIDE + j) * p->m_plane + c);
            result_line(line, out);
            UNROLL
            for (int i = 0; i < OUTPUTS; i++) half[i][j] = out[i];
        }
        for (int i = 0; i < OUTPUTS; i++) {
            result_line(half[i], out);
            UNROLL
            for (int j = 0; j < OUTPUTS; j++) {
                const long to = at[i * OUTPUTS + j];
                if (inside || to >= 0) *to_float(y + to + c) = out[j];
            }
        }
    }
}

/* The transpose of result. */
INLINE void result_back(const plan *p, const float *dy, const long *at, const int inside, int outs,
                        float *m)
{
    for (int c = 0; c < outs; c += LANES) {
        lanes half[OUTPUTS][SIDE], line[OUTPUTS], out[SIDE];
        for (int i = 0; i < OUTPUTS; i++) {
            UNROLL
            for (int j = 0; j < OUTPUTS; j++) {
                const long from = at[i * OUTPUTS + j];
                line[j] = inside || from >= 0 ? *at_float(dy + from + c) : (lanes){0};
            }
            result_line_back(line, half[i]);
        }
        for (int j = 0; j < SIDE; j++) {
            UNROLL
            for (int i = 0; i < OUTPUTS; i++) line[i] = half[i][j];
            result_line_back(line, out);
            UNROLL
            for (int i = 0; i < SIDE; i++)
                *to_float(m + (size_t)(i * SIDE + j) * p->m_plane + c) = out[i];
        }
    }
}

PP_CLONES static void patches(const plan *p, const float *x, long first, int tiles, float *v)
{
    long at[POINTS];
    for (int t = 0; t < tiles; t++) {
        float *to = v + (size_t)t * (size_t)p->in_stride;
        if (pixels_of(p, place_of(p, first + t), SIDE, 1, p->conv->in_channels, at)) {
            patch(p, x, at, 1, to);
        } else {
            patch(p, x, at, 0, to);
        }
    }
}

PP_CLONES static void patches_back(const plan *p, const float *v, long first, int tiles, float *dx)
{
    long at[POINTS];
    for (int t = 0; t < tiles; t++) {
        const float *from = v + (size_t)t * (size_t)p->in_stride;
        if (pixels_of(p, place_of(p, first + t), SIDE, 1, p->conv->in_channels, at)) {
            patch_back(p, from, at, 1, dx);
        } else {
            patch_back(p, from, at, 0, dx);
        }
    }
}

/* y, dy: from the first output of the block. */
PP_CLONES static void results(const plan *p, const float *m, long first, int tiles, int outs,
                              float *y)
{
    long at[OUTPUTS * OUTPUTS];
    for (int t = 0; t < tiles; t++) {
        const float *from = m + (size_t)t * (size_t)p->out_stride;
        if (pixels_of(p, place_of(p, first + t), OUTPUTS, 0, p->conv->out_channels, at)) {
            result(p, from, at, 1, outs, y);
        } else {
            result(p, from, at, 0, outs, y);
        }
    }
}

PP_CLONES static void results_back(const plan *p, const float *dy, long first, int tiles, int outs,
                                   float *m)
{
    long at[OUTPUTS * OUTPUTS];
    for (int t = 0; t < tiles; t++) {
        float *to = m + (size_t)t * (size_t)p->out_stride;
        if (pixels_of(p, place_of(p, first + t), OUTPUTS, 0, p->conv->out_channels, at)) {
            result_back(p, dy, at, 1, outs, to);
        } else {
            result_back(p, dy, at, 0, outs, to);
        }
    }
}

/* Weights [3][3][rows][columns], rows and taps so many floats apart -> U [36][rows][columns]. */
PP_CLONES static void kernels(const float *weights, size_t row, size_t tap, int rows, int columns,
                              float *u, int u_row, size_t u_plane)
{
    for (int k = 0; k < rows; k++) {
        const float *from = weights + (size_t)k * row;
        float *to = u + (size_t)k * (size_t)u_row;
        for (int c = 0; c < columns; c += LANES) {
            lanes half[SIDE][TAPS], line[TAPS], out[SIDE];
            UNROLL
            for (int j = 0; j < TAPS; j++) {
                UNROLL
                for (int i = 0; i < TAPS; i++) {
                    line[i] = *at_float(from + (size_t)(i * TAPS + j) * tap + c);
                }
                weight_line(line, out);
                UNROLL
                for (int i = 0; i < SIDE; i++) half[i][j] = out[i];
            }
            UNROLL
            for (int i = 0; i < SIDE; i++) {
                weight_line(half[i], out);
                UNROLL
                for (int j = 0; j < SIDE; j++) {
                    *to_float(to + (size_t)(i * SIDE + j) * u_plane + c) = out[j];
                }
            }
        }
    }
}

static void transpose(const float *weights, int rows, int columns, float *to)
{
    for (int first = 0; first < rows; first += LANES) {
        for (int c = 0; c < columns; c++) {
            float *line = to + (size_t)c * (size_t)rows + first;
            const float *from = weights + (size_t)first * (size_t)columns + c;
            for (int r = 0; r < LANES; r++) line[r] = from[(size_t)r * (size_t)columns];
        }
    }
}

/* The transpose of kernels: adds to d_weights. */
PP_CLONES static void kernels_back(const plan *p, const float *u, int outs, float *d_weights)
{
    const size_t n = (size_t)p->conv->out_channels, tap = n * (size_t)p->conv->in_channels;
    for (int k = 0; k < p->conv->in_channels; k++) {
        float *to = d_weights + (size_t)k * n;
        const float *from = u + (size_t)k * (size_t)p->out_stride;
        for (int c = 0; c < outs; c += LANES) {
            lanes half[SIDE][TAPS], line[SIDE], out[TAPS];
            UNROLL
            for (int i = 0; i < SIDE; i++) {
                UNROLL
                for (int j = 0; j < SIDE; j++)
                    line[j] = *at_float(from + (size_t)(i * SIDE + j) * p->u_plane + c);
                weight_line_back(line, half[i]);
            }
            UNROLL
            for (int j = 0; j < TAPS; j++) {
                UNROLL
                for (int i = 0; i < SIDE; i++) line[i] = half[i][j];
                weight_line_back(line, out);
                UNROLL
                for (int i = 0; i < TAPS; i++) {
                    float *w = to + (size_t)(i * TAPS + j) * tap + c;
                    *to_float(w) = *at_float(w) + out[i];
                }
            }
        }
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

void pp_train_winograd_forward(const pp_train_conv *conv, int batch, const float *x,
                               const float *weights, float *y, float *scratch)
{
    const plan p = make_plan(conv);
    const long total = tiles_of(&p, batch);
    const int k = conv->in_channels, n = conv->out_channels;
    const size_t row = (size_t)n, tap = row * (size_t)k;
    float *v = scratch, *m = v + POINTS * p.v_plane, *u = m + POINTS * p.m_plane;
    for (long first = 0; first < total; first += p.most_tiles) {
        const int tiles = least(total - first, p.most_tiles);
        patches(&p, x, first, tiles, v);
        for (int from = 0; from < n; from += p.most_outs) {
            const int outs = least(n - from, p.most_outs);
            if (first == 0 || p.most_outs < n) {
                kernels(weights + from, row, tap, k, outs, u, p.out_stride, p.u_plane);
            }
            for (size_t i = 0; i < POINTS; i++) {
                pp_sgemm(0, 0, tiles, outs, k, 1, v + i * p.v_plane, p.in_stride, u + i * p.u_plane,
                         p.out_stride, 0, m + i * p.m_plane, p.out_stride);
            }
            results(&p, m, first, tiles, outs, y + from);
        }
    }
}

/* Where the backward pass keeps what. `turned` is U transposed (and weights are before their
 * transform): a product with a transposed right side may sum in an order that depends on the
 * number of rows, and the gradient of a picture would depend on how many there are. */
typedef struct room {
    float *v, *dv, *dm, *du, *turned, *weights;
} room;

static room make_room(const plan *p, float *scratch)
{
    room r = {.v = scratch};
    r.dv = r.v + POINTS * p->v_plane;
    r.dm = r.dv + POINTS * p->v_plane;
    r.du = r.dm + POINTS * p->m_plane;
    r.turned = r.du + POINTS * p->u_plane;
    r.weights = r.turned + POINTS * p->turned_plane;
    return r;
}

/* dU of a block of outputs, overwritten or added to: the gradient of U is V transposed times dM. */
static void products_for_weights(const plan *p, const room *r, int tiles, int outs, int add)
{
    for (size_t i = 0; i < POINTS; i++) {
        pp_sgemm(1, 0, p->conv->in_channels, outs, tiles, 1, r->v + i * p->v_plane, p->in_stride,
                 r->dm + i * p->m_plane, p->out_stride, (float)add, r->du + i * p->u_plane,
                 p->out_stride);
    }
}

/* dV, overwritten or added to: dM times U transposed. */
static void products_for_input(const plan *p, const room *r, int tiles, int outs, int add)
{
    for (size_t i = 0; i < POINTS; i++) {
        pp_sgemm(0, 0, tiles, p->conv->in_channels, outs, 1, r->dm + i * p->m_plane, p->out_stride,
                 r->turned + i * p->turned_plane, p->in_stride, (float)add, r->dv + i * p->v_plane,
                 p->in_stride);
    }
}

static void clear_pixels(const pp_train_conv *conv, int batch, float *dx)
{
    memset(dx, 0,
           sizeof *dx * (size_t)batch * (size_t)conv->height * (size_t)conv->width *
               (size_t)conv->in_channels);
}

void pp_train_winograd_backward(const pp_train_conv *conv, int batch, const float *x,
                                const float *weights, const float *dy, float *dx, float *d_weights,
                                float *scratch)
{
    const plan p = make_plan(conv);
    const room r = make_room(&p, scratch);
    const long total = tiles_of(&p, batch);
    const int k = conv->in_channels, n = conv->out_channels, whole = p.most_outs == n;
    const size_t row = (size_t)k, tap = row * (size_t)n;
    if (dx != NULL) {
        clear_pixels(conv, batch, dx);
        for (size_t i = 0; i < TAPS * TAPS; i++) {
            transpose(weights + i * tap, k, n, r.weights + i * tap);
        }
    }
    for (long first = 0; first < total; first += p.most_tiles) {
        const int tiles = least(total - first, p.most_tiles);
        patches(&p, x, first, tiles, r.v);
        for (int from = 0; from < n; from += p.most_outs) {
            const int outs = least(n - from, p.most_outs);
            results_back(&p, dy + from, first, tiles, outs, r.dm);
            products_for_weights(&p, &r, tiles, outs, whole && first > 0);
            if (!whole) kernels_back(&p, r.du, outs, d_weights + from);
            if (dx == NULL) continue;
            if (first == 0 || !whole) {
                kernels(r.weights + (size_t)from * row, row, tap, outs, k, r.turned, p.in_stride,
                        p.turned_plane);
            }
            products_for_input(&p, &r, tiles, outs, from > 0);
        }
        if (dx != NULL) patches_back(&p, r.dv, first, tiles, dx);
    }
    if (whole) kernels_back(&p, r.du, n, d_weights);
}
