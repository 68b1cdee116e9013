/* Weights as the fast set wants them: transformed, cut into blocks of 16 outputs, padded. Plain C
 * in double, once a node; the bytes do not depend on the processor. */
#include <string.h>

#include "base/memory.h"
#include "nn/fast/fast.h"

/* G of F(4, 3) on 0, 1, -1, inf, 2, -2: value i is sum over taps of point_i^tap / N_i. */
static const double g_3[6][3] = {
    {1.0 / 4, 0, 0}, {-1.0 / 6, -1.0 / 6, -1.0 / 6}, {-1.0 / 6, 1.0 / 6, -1.0 / 6},
    {0, 0, 1},       {1.0 / 24, 1.0 / 12, 1.0 / 6},  {1.0 / 24, -1.0 / 12, 1.0 / 6}};
/* G of F(4, 2) on 0, 1, -1, 2, inf. */
static const double g_2[5][2] = {
    {1.0 / 2, 0}, {-1.0 / 2, -1.0 / 2}, {-1.0 / 6, 1.0 / 6}, {1.0 / 6, 1.0 / 3}, {0, 1}};

/* One operation being packed: weights [outputs, inputs, kernel, kernel] and where channels lie. */
typedef struct packing {
    const pp_fast_op *op;
    const float *weight;
    int inputs, outputs;
    const int *input_at, *output_at; /* [inputs], [outputs]: physical channels */
    float *to;
} packing;

static const float *taps_of(const packing *p, int output, int input)
{
    size_t taps = (size_t)p->op->kernel * p->op->kernel;
    return p->weight + ((size_t)output * p->inputs + input) * taps;
}

/* Where channels lie within the blocks that the operation reads and writes. */
static int input_at(const packing *p, int input)
{
    return p->input_at[input] - p->op->in_block * PP_LANES;
}

static int output_at(const packing *p, int output)
{
    return p->output_at[output] - p->op->out_block * PP_LANES;
}

/* Element (k, output) of a right side whose rows are k_blocks * 16 long. */
static float *element(float *base, int k_blocks, int k, int output)
{
    size_t block = (size_t)(output / PP_LANES) * k_blocks * PP_LANES;
    return base + (block + k) * PP_LANES + output % PP_LANES;
}

static void pack_direct(const packing *p)
{
    int taps = p->op->kernel * p->op->kernel, channels = p->op->in_blocks * PP_LANES;
    for (int o = 0; o < p->outputs; o++) {
        for (int i = 0; i < p->inputs; i++) {
            const float *from = taps_of(p, o, i);
            for (int tap = 0; tap < taps; tap++) {
                *element(p->to, taps * p->op->in_blocks, tap * channels + input_at(p, i),
                         output_at(p, o)) = from[tap];
            }
        }
    }
}

static void pack_thin(const packing *p)
{
    int taps = p->op->kernel * p->op->kernel;
    for (int o = 0; o < p->outputs; o++) {
        for (int i = 0; i < p->inputs; i++) {
            const float *from = taps_of(p, o, i);
            for (int tap = 0; tap < taps; tap++) {
                size_t row = (size_t)(output_at(p, o) / PP_LANES) * taps * p->inputs;
                p->to[(row + tap * p->inputs + i) * PP_LANES + output_at(p, o) % PP_LANES] =
                    from[tap];
            }
        }
    }
}

static void pack_winograd(const packing *p)
{
    int in_blocks = p->op->in_blocks;
    size_t point_floats = (size_t)in_blocks * p->op->out_blocks * PP_LANES * PP_LANES;
    for (int o = 0; o < p->outputs; o++) {
        for (int i = 0; i < p->inputs; i++) {
            const float *from = taps_of(p, o, i);
            double half[6][3];
            for (int y = 0; y < 6; y++) {
                for (int x = 0; x < 3; x++) {
                    half[y][x] =
                        g_3[y][0] * from[x] + g_3[y][1] * from[3 + x] + g_3[y][2] * from[6 + x];
                }
            }
            for (int point = 0; point < PP_WINOGRAD_POINTS; point++) {
                const double *h = half[point / 6], *g = g_3[point % 6];
                *element(p->to + point * point_floats, in_blocks, input_at(p, i), output_at(p, o)) =
                    (float)(h[0] * g[0] + h[1] * g[1] + h[2] * g[2]);
            }
        }
    }
}

/* Tap (y, x) of a 4x4 kernel; a 3x3 one has zeros in its fourth row and column. */
static double tap_of_4(const packing *p, const float *from, int y, int x)
{
    int kernel = p->op->kernel;
    return y < kernel && x < kernel ? from[y * kernel + x] : 0;
}

static void pack_winograd_2(const packing *p)
{
    int in_blocks = p->op->in_blocks;
    size_t point_floats = (size_t)4 * in_blocks * p->op->out_blocks * PP_LANES * PP_LANES;
    for (int o = 0; o < p->outputs; o++) {
        for (int i = 0; i < p->inputs; i++) {
            const float *from = taps_of(p, o, i);
            for (int phase = 0; phase < 4; phase++) {
                /* Phase (py, px) has the taps (py, px) + {0, 2} x {0, 2}. */
                double t[2][2];
                for (int k = 0; k < 4; k++) {
                    t[k / 2][k % 2] =
                        tap_of_4(p, from, phase / 2 + k / 2 * 2, phase % 2 + k % 2 * 2);
                }
                int k = phase * in_blocks * PP_LANES + input_at(p, i);
                for (int point = 0; point < PP_WINOGRAD_2_POINTS; point++) {
                    const double *gy = g_2[point / 5], *gx = g_2[point % 5];
                    double sum = gy[0] * (t[0][0] * gx[0] + t[0][1] * gx[1]) +
                                 gy[1] * (t[1][0] * gx[0] + t[1][1] * gx[1]);
                    *element(p->to + point * point_floats, 4 * in_blocks, k, output_at(p, o)) =
                        (float)sum;
                }
            }
        }
    }
}

/* [slab of two blocks][tap][block of the slab]: see up_body.h. */
static void pack_up(const packing *p)
{
    int in_blocks = p->op->in_blocks, out_blocks = p->op->out_blocks;
    size_t column_floats = (size_t)in_blocks * PP_LANES * PP_LANES;
    for (int o = 0; o < p->outputs; o++) {
        int block = output_at(p, o) / PP_LANES, slab = block / 2 * 2;
        int width = out_blocks - slab < 2 ? 1 : 2;
        for (int i = 0; i < p->inputs; i++) {
            const float *from = taps_of(p, o, i);
            for (int tap = 0; tap < PP_UP_TAPS; tap++) {
                size_t column = (size_t)slab * PP_UP_TAPS + (size_t)tap * width + (block - slab);
                p->to[column * column_floats + (size_t)input_at(p, i) * PP_LANES +
                      output_at(p, o) % PP_LANES] = from[tap];
            }
        }
    }
}

size_t pp_fast_packed_floats(const pp_fast_op *op, const pp_op *shape)
{
    size_t column = (size_t)op->in_blocks * PP_LANES * op->out_blocks * PP_LANES;
    size_t taps = (size_t)op->kernel * op->kernel;
    switch (op->method) {
    case PP_FAST_THIN:
        return taps * shape->in.channels * op->out_blocks * PP_LANES;
    case PP_FAST_WINOGRAD:
        return PP_WINOGRAD_POINTS * column;
    case PP_FAST_WINOGRAD_2:
        return PP_WINOGRAD_2_POINTS * 4 * column;
    case PP_FAST_POOL:
        return 0;
    default:
        return taps * column;
    }
}

void pp_fast_pack(const pp_plan *plan, int index, const float *weight, const float *bias,
                  void *packed)
{
    const pp_fast_op *op = &plan->ops[index];
    const pp_op *shape = &plan->graph->ops[index];
    if (op->method == PP_FAST_POOL) return;
    packing p = {.op = op,
                 .weight = weight,
                 .inputs = shape->in.channels,
                 .outputs = shape->out.channels,
                 .input_at = plan->tensors[op->in].physical + shape->in.first,
                 .output_at = plan->tensors[op->out].physical + shape->out.first,
                 .to = (float *)((char *)packed + op->weight)};
    memset(p.to, 0, pp_align_up(op->weight_floats * sizeof(float)));
    switch (op->method) {
    case PP_FAST_THIN:
        pack_thin(&p);
        break;
    case PP_FAST_WINOGRAD:
        pack_winograd(&p);
        break;
    case PP_FAST_WINOGRAD_2:
        pack_winograd_2(&p);
        break;
    case PP_FAST_UP:
        pack_up(&p);
        break;
    default:
        pack_direct(&p);
    }
    float *biases = (float *)((char *)packed + op->bias);
    memset(biases, 0, pp_align_up((size_t)op->out_blocks * PP_LANES * sizeof(float)));
    for (int o = 0; o < p.outputs; o++) biases[output_at(&p, o)] = bias[o];
}
