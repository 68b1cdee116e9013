/* Winograd convolution 3x3, stride 1, dilated by phases. Compiled once an instruction set.
 *
 * F(4x4, 3x3) on the points 0, 1, -1, inf, 2, -2 (Lavin and Gray 2016). Where a side is not a
 * multiple of 4 the last tiles are 3 or 2 wide and use the first 5 or 4 of the points only: the
 * same transformed weights serve, since the factors between the transforms go into the input's.
 *
 *   phase (py, px) of a dilated layer: every d-th row and column is a layer of its own
 *   strip: one row of tiles of one phase of one item; a block of strips is worked on at a time:
 *
 *   input ──> V [36 points][in blocks][tiles][16] ──36 products──> M [36][out blocks][tiles][16]
 *         ──> output
 *
 * Tiles of a block are counted by class: 0 full, 1 the last column's, 2 the last row's, 3 the
 * corner's. A point holds only the tiles that use it, class after class.
 */
#ifndef PP_NN_FAST_WINOGRAD_BODY_H
#define PP_NN_FAST_WINOGRAD_BODY_H

#include "nn/fast/product_body.h"

enum { CLASSES = 4, SIDE = 6, OUTPUTS = 4 };

typedef struct wino_tile {
    int item, row, column; /* of its first output */
    int class, index;      /* number index of its class */
} wino_tile;

typedef struct wino {
    const pp_fast_run *run;
    const pp_fast_op *op;
    const pp_fast_tensor *in, *out;
    int phase_rows, phase_columns; /* tiles cover this; the last phases may lack a row or column */
    int tile_rows, tile_columns;   /* of a phase, with the last ones */
    int points[2];                 /* used by tiles of the last row, of the last column: 4, 5, 6 */
    int most_tiles;                /* of a block */
    int tile_count, counts[CLASSES];
    int point_tiles[4]; /* tiles that points of each kind hold: see kind_of_point */
    /* Where tiles of a class begin, in floats from v and m, by point. */
    size_t v_at[CLASSES][PP_WINOGRAD_POINTS], m_at[CLASSES][PP_WINOGRAD_POINTS];
    wino_tile *tiles;
    float *v, *m;
} wino;

/* 0: a point every class uses; 1: not the last columns; 2: not the last rows; 3: full tiles only.
 */
PP_INLINE int kind_of_point(const wino *w, int i, int j)
{
    return (i >= w->points[0] ? 2 : 0) + (j >= w->points[1] ? 1 : 0);
}

/* ---- transforms of one line ------------------------------------------------------------------ */

PP_INLINE vec times(float k, vec x)
{
    return vec_mul(vec_all(k), x);
}
PP_INLINE vec more(float k, vec x, vec y) /* k x + y */
{
    return vec_fma(vec_all(k), x, y);
}

/* d[0 .. 5] -> values at 0, 1, -1, inf, 2, -2. */
PP_INLINE void wino_in6(const vec *d, vec *v)
{
    vec a = more(-4, d[2], d[4]), b = more(-4, d[1], d[3]);
    vec c = vec_sub(d[4], d[2]), e = times(2, vec_sub(d[3], d[1]));
    v[0] = more(4, d[0], more(-5, d[2], d[4]));
    v[1] = vec_add(a, b);
    v[2] = vec_sub(a, b);
    v[3] = more(4, d[1], more(-5, d[3], d[5]));
    v[4] = vec_add(c, e);
    v[5] = vec_sub(c, e);
}

/* Three outputs from d[0 .. 4]: at 0, 1, -1, inf, 2, times 2, 3, 1, 1, 4. */
PP_INLINE void wino_in5(const vec *d, vec *v)
{
    v[0] = more(4, vec_sub(d[0], d[2]), times(2, vec_sub(d[3], d[1])));
    v[1] = times(3, vec_sub(more(-2, d[1], d[3]), d[2]));
    v[2] = more(2, d[1], more(-3, d[2], d[3]));
    v[3] = more(2, vec_sub(d[1], d[3]), vec_sub(d[4], d[2]));
    v[4] = times(4, vec_sub(d[3], d[1]));
}

/* Two outputs from d[0 .. 3]: at 0, 1, -1, inf, times -4, -3, -3, 1. */
PP_INLINE void wino_in4(const vec *d, vec *v)
{
    v[0] = times(4, vec_sub(d[0], d[2]));
    v[1] = times(-3, vec_add(d[1], d[2]));
    v[2] = times(3, vec_sub(d[1], d[2]));
    v[3] = vec_sub(d[3], d[1]);
}

PP_INLINE void wino_in(const vec *d, vec *v, const int points)
{
    if (points == 6) wino_in6(d, v);
    else if (points == 5) wino_in5(d, v);
    else wino_in4(d, v);
}

/* Values at the points -> points - 2 outputs. */
PP_INLINE void wino_out(const vec *m, vec *y, const int points)
{
    vec sum = vec_add(m[1], m[2]), difference = vec_sub(m[1], m[2]);
    if (points == 6) {
        vec sum2 = vec_add(m[4], m[5]), difference2 = vec_sub(m[4], m[5]);
        y[0] = vec_add(vec_add(m[0], sum), sum2);
        y[1] = more(2, difference2, difference);
        y[2] = more(4, sum2, sum);
        y[3] = vec_add(more(8, difference2, difference), m[3]);
    } else if (points == 5) {
        y[0] = vec_add(vec_add(m[0], sum), m[4]);
        y[1] = more(2, m[4], difference);
        y[2] = vec_add(more(4, m[4], sum), m[3]);
    } else {
        y[0] = vec_add(m[0], sum);
        y[1] = vec_add(difference, m[3]);
    }
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* A point holds the tiles of the classes that use it, class after class. */
static void place_classes(wino *w)
{
    size_t v_point = (size_t)w->op->in_blocks * w->most_tiles * PP_LANES;
    size_t m_point = (size_t)w->op->out_blocks * w->most_tiles * PP_LANES;
    for (int point = 0; point < PP_WINOGRAD_POINTS; point++) {
        int kind = kind_of_point(w, point / SIDE, point % SIDE), next = 0;
        for (int class = 0; class < CLASSES; class ++) {
            w->v_at[class][point] = point * v_point + (size_t)next * PP_LANES;
            w->m_at[class][point] = point * m_point + (size_t)next * PP_LANES;
            if ((class & kind) == 0) next += w->counts[class];
        }
        w->point_tiles[kind] = next;
    }
}

/* Lists the tiles of strips [first, first + count) and counts their classes. */
static void list_tiles(wino *w, int first, int count)
{
    int d = w->op->dilation, phases = d * d;
    memset(w->counts, 0, sizeof w->counts);
    w->tile_count = 0;
    for (int strip = first; strip < first + count; strip++) {
        int tile_row = strip % w->tile_rows, phase = strip / w->tile_rows % phases;
        int item = strip / w->tile_rows / phases;
        int last_row = w->points[0] < SIDE && tile_row == w->tile_rows - 1;
        for (int x = 0; x < w->tile_columns; x++) {
            int last_column = w->points[1] < SIDE && x == w->tile_columns - 1;
            int class = 2 * last_row + last_column;
            w->tiles[w->tile_count++] =
                (wino_tile){item, phase / d + d * OUTPUTS * tile_row, phase % d + d * OUTPUTS * x,
                            class, w->counts[class]++};
        }
    }
    place_classes(w);
}

/* ---- input ----------------------------------------------------------------------------------- */

/* The patch of a tile in one block of channels, transformed. Constants where it is called: the
 * points used down and across, and whether all of the patch lies inside the picture. */
PP_INLINE void wino_tile_in(const wino *w, const wino_tile *tile, const float *plane, int block,
                            const int rows, const int columns, const int inside)
{
    const pp_fast_tensor *in = w->in;
    int d = w->op->dilation;
    vec half[SIDE][SIDE];
    for (int i = 0; i < rows; i++) {
        int row = tile->row + d * (i - 1);
        int row_there = inside || (row >= 0 && row < in->rows);
        const float *from = plane;
        if (row_there) from += ((size_t)tile->item * in->rows + row) * in->columns * PP_LANES;
        vec line[SIDE];
        PP_UNROLL
        for (int j = 0; j < columns; j++) {
            int column = tile->column + d * (j - 1);
            int there = inside || (row_there && column >= 0 && column < in->columns);
            line[j] = there ? vec_load(from + (ptrdiff_t)column * PP_LANES) : vec_zero();
            line[j] = activate(line[j], w->op->before);
        }
        wino_in(line, half[i], columns);
    }
    const size_t *at = w->v_at[tile->class];
    float *to = w->v + ((size_t)block * w->most_tiles + tile->index) * PP_LANES;
    for (int j = 0; j < columns; j++) {
        vec line[SIDE], v[SIDE];
        PP_UNROLL
        for (int i = 0; i < rows; i++) line[i] = half[i][j];
        wino_in(line, v, rows);
        PP_UNROLL
        for (int i = 0; i < rows; i++) vec_store(to + at[i * SIDE + j], v[i]);
    }
}

/* The last column's, last row's and corner's tiles, which are smaller. */
static void wino_small_in(const wino *w, const wino_tile *tile, const float *plane, int block)
{
    int rows = tile->class & 2 ? w->points[0] : SIDE;
    int columns = tile->class & 1 ? w->points[1] : SIDE;
    if (rows == 6 && columns == 5) wino_tile_in(w, tile, plane, block, 6, 5, 0);
    else if (rows == 6) wino_tile_in(w, tile, plane, block, 6, 4, 0);
    else if (rows == 5 && columns == 6) wino_tile_in(w, tile, plane, block, 5, 6, 0);
    else if (rows == 5 && columns == 5) wino_tile_in(w, tile, plane, block, 5, 5, 0);
    else if (rows == 5) wino_tile_in(w, tile, plane, block, 5, 4, 0);
    else if (columns == 6) wino_tile_in(w, tile, plane, block, 4, 6, 0);
    else if (columns == 5) wino_tile_in(w, tile, plane, block, 4, 5, 0);
    else wino_tile_in(w, tile, plane, block, 4, 4, 0);
}

static void wino_input(const wino *w)
{
    int d = w->op->dilation, reach = d * (SIDE - 2);
    for (int block = 0; block < w->op->in_blocks; block++) {
        const float *plane = pp_fast_block(w->run, w->op->in, w->op->in_block + block);
        for (int i = 0; i < w->tile_count; i++) {
            const wino_tile *tile = &w->tiles[i];
            int inside = tile->row >= d && tile->column >= d && tile->row + reach < w->in->rows &&
                         tile->column + reach < w->in->columns;
            if (tile->class != 0) wino_small_in(w, tile, plane, block);
            else if (inside) wino_tile_in(w, tile, plane, block, 6, 6, 1);
            else wino_tile_in(w, tile, plane, block, 6, 6, 0);
        }
    }
}

/* ---- output ---------------------------------------------------------------------------------- */

/* One tile of one block of outputs. Constants where it is called: the points down and across, and
 * whether all of its outputs are there (the last phases of a dilated layer may lack some). */
PP_INLINE void wino_tile_out(const wino *w, const wino_tile *tile, int block, const int rows,
                             const int columns, const int whole)
{
    const pp_fast_op *op = w->op;
    int d = op->dilation;
    const size_t *from = w->m_at[tile->class];
    const float *m = w->m + ((size_t)block * w->most_tiles + tile->index) * PP_LANES;
    vec half[OUTPUTS][SIDE];
    for (int j = 0; j < columns; j++) {
        vec line[SIDE], y[OUTPUTS];
        PP_UNROLL
        for (int i = 0; i < rows; i++) line[i] = vec_load(m + from[i * SIDE + j]);
        wino_out(line, y, rows);
        PP_UNROLL
        for (int i = 0; i < rows - 2; i++) half[i][j] = y[i];
    }
    vec bias = vec_load(pp_fast_bias(w->run, op) + block * PP_LANES);
    float *to = pp_fast_block(w->run, op->out, op->out_block + block);
    const float *addend = op->addend < 0 ? NULL : pp_fast_block(w->run, op->addend, block);
    for (int i = 0; i < rows - 2; i++) {
        int row = tile->row + d * i;
        if (!whole && row >= w->out->rows) break;
        vec y[OUTPUTS];
        wino_out(half[i], y, columns);
        size_t at = ((size_t)tile->item * w->out->rows + row) * w->out->columns;
        PP_UNROLL
        for (int j = 0; j < columns - 2; j++) {
            int column = tile->column + d * j;
            if (!whole && column >= w->out->columns) break;
            size_t pixel = (at + column) * PP_LANES;
            vec x = vec_add(y[j], bias);
            if (addend != NULL) x = vec_add(x, vec_load(addend + pixel));
            vec_store(to + pixel, activate(x, op->after));
        }
    }
}

static void wino_small_out(const wino *w, const wino_tile *tile, int block)
{
    int rows = tile->class & 2 ? w->points[0] : SIDE;
    int columns = tile->class & 1 ? w->points[1] : SIDE;
    if (rows == 6 && columns == 5) wino_tile_out(w, tile, block, 6, 5, 0);
    else if (rows == 6) wino_tile_out(w, tile, block, 6, 4, 0);
    else if (rows == 5 && columns == 6) wino_tile_out(w, tile, block, 5, 6, 0);
    else if (rows == 5 && columns == 5) wino_tile_out(w, tile, block, 5, 5, 0);
    else if (rows == 5) wino_tile_out(w, tile, block, 5, 4, 0);
    else if (columns == 6) wino_tile_out(w, tile, block, 4, 6, 0);
    else if (columns == 5) wino_tile_out(w, tile, block, 4, 5, 0);
    else wino_tile_out(w, tile, block, 4, 4, 0);
}

static void wino_output(const wino *w)
{
    int reach = w->op->dilation * (OUTPUTS - 1);
    for (int block = 0; block < w->op->out_blocks; block++) {
        for (int i = 0; i < w->tile_count; i++) {
            const wino_tile *tile = &w->tiles[i];
            int whole = tile->row + reach < w->out->rows && tile->column + reach < w->out->columns;
            if (tile->class != 0) wino_small_out(w, tile, block);
            else if (whole) wino_tile_out(w, tile, block, 6, 6, 1);
            else wino_tile_out(w, tile, block, 6, 6, 0);
        }
    }
}

static void wino_products(const wino *w)
{
    const pp_fast_op *op = w->op;
    size_t v_floats = (size_t)op->in_blocks * w->most_tiles * PP_LANES;
    size_t m_floats = (size_t)op->out_blocks * w->most_tiles * PP_LANES;
    size_t u_floats = (size_t)op->in_blocks * op->out_blocks * PP_LANES * PP_LANES;
    for (int point = 0; point < PP_WINOGRAD_POINTS; point++) {
        int tiles = w->point_tiles[kind_of_point(w, point / SIDE, point % SIDE)];
        product p = {.a = w->v + point * v_floats,
                     .a_step = (size_t)w->most_tiles * PP_LANES,
                     .pixels = tiles,
                     .k_blocks = op->in_blocks,
                     .b = pp_fast_weight(w->run, op) + point * u_floats,
                     .columns = op->out_blocks,
                     .c = w->m + point * m_floats,
                     .c_step = (size_t)w->most_tiles * PP_LANES};
        if (tiles > 0) multiply(&p);
    }
}

/* Points that the last tile of a side uses: 6 where the side divides evenly. */
PP_INLINE int last_points(int side)
{
    int rest = side % OUTPUTS;
    return rest == 0 ? SIDE : rest == 3 ? 5 : 4;
}

static void run_winograd(const pp_fast_run *run, const pp_fast_op *op)
{
    wino w = {.run = run, .op = op};
    int d = op->dilation;
    w.in = &run->plan->tensors[op->in];
    w.out = &run->plan->tensors[op->out];
    w.phase_rows = (w.out->rows + d - 1) / d;
    w.phase_columns = (w.out->columns + d - 1) / d;
    w.tile_rows = (w.phase_rows + OUTPUTS - 1) / OUTPUTS;
    w.tile_columns = (w.phase_columns + OUTPUTS - 1) / OUTPUTS;
    w.points[0] = last_points(w.phase_rows);
    w.points[1] = last_points(w.phase_columns);
    w.most_tiles = op->chunk * w.tile_columns;
    w.v = run->work;
    w.m = w.v + (size_t)PP_WINOGRAD_POINTS * op->in_blocks * w.most_tiles * PP_LANES;
    w.tiles =
        (wino_tile *)(w.m + (size_t)PP_WINOGRAD_POINTS * op->out_blocks * w.most_tiles * PP_LANES);
    int strips = run->n * d * d * w.tile_rows;
    for (int first = 0; first < strips; first += op->chunk) {
        list_tiles(&w, first, strips - first < op->chunk ? strips - first : op->chunk);
        wino_input(&w);
        wino_products(&w);
        wino_output(&w);
    }
}

#endif
