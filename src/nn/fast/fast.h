/* The fast kernel set, from the inside. nn/kernels.h is its face.
 *
 * Activations lie in blocks of 16 channels, [block][item][row][column][16], so that one vector
 * holds 16 channels of a pixel and a matrix product reads its left side as it lies: element (m, k)
 * is number k % 16 of pixel m in block k / 16. A tensor that is written in slices (concatenation)
 * has each slice padded to whole blocks; padded channels are zero throughout.
 *
 * Weights are the right side, [block of 16 outputs][input channel][16]. Every product element is
 * one chain of fused multiply-adds over the input channels in order, whatever the instruction set
 * and however many pixels are computed at once: AVX2 and AVX-512 give the same bytes, and so does
 * every batch.
 *
 * How an operation is computed (its method):
 *   WINOGRAD    3x3 stride 1, dilated by phases: F(4x4, 3x3), smaller tiles at the far edges
 *   WINOGRAD_2  4x4 and 3x3 stride 2: four phases of 2x2 taps, F(4x4, 2x2), summed as one product
 *   UP          bilinear x2 then 3x3: nine products at low resolution, interpolated and added
 *   DIRECT      anything else: gather pixels, one product
 *   THIN        from an input of very few channels: the product reads its rows as they lie
 *   POOL        maximum
 * Sources: Lavin and Gray 2016 (Winograd's minimal filtering); NETWORKS.md for the up path.
 */
#ifndef PP_NN_FAST_FAST_H
#define PP_NN_FAST_FAST_H

#include "nn/kernels.h"

enum {
    PP_LANES = 16,
    PP_FAST_MOST_ROWS = 14,  /* pixels of one register tile, over all instruction sets */
    PP_WINOGRAD_POINTS = 36, /* of F(4x4, 3x3) */
    PP_WINOGRAD_2_POINTS = 25,
    PP_UP_TAPS = 9
};

typedef enum pp_fast_method {
    PP_FAST_DIRECT,
    PP_FAST_THIN,
    PP_FAST_WINOGRAD,
    PP_FAST_WINOGRAD_2,
    PP_FAST_UP,
    PP_FAST_POOL
} pp_fast_method;

typedef struct pp_fast_tensor {
    int rows, columns, blocks; /* blocks of 16 channels, padding included */
    int *physical;             /* [channels]: where a channel lies */
    size_t offset, bytes;      /* in the scratch of a batch of one; both scale with the batch */
    /* A thin tensor (the input of THIN operations): [item][rows + 2 border][columns + 2 border]
     * [channels], zero outside. */
    int thin, border, channels;
} pp_fast_tensor;

typedef struct pp_fast_op {
    pp_fast_method method;
    int in, out, addend; /* tensors; addend -1: none */
    int in_block, in_blocks, out_block, out_blocks;
    int kernel, stride, padding, dilation;
    pp_activation before, after;
    size_t weight, bias; /* bytes from the start of the packed block */
    size_t weight_floats;
    /* UP, the last operation: its rows go to the caller's planes, not to a tensor. */
    int to_output;
    int chunk; /* DIRECT: pixels a product; WINOGRAD: tile rows, _2: tiles; UP: low rows */
    double multiply_adds;
} pp_fast_op;

struct pp_plan {
    pp_graph *graph;
    pp_fast_tensor *tensors;
    pp_fast_op *ops;
    size_t tensor_bytes; /* of one item, all tensors */
    size_t work_bytes;   /* beside them, whatever the batch */
    size_t packed_bytes;
    const struct pp_fast_isa *isa;
};

/* One operation's surroundings while running. */
typedef struct pp_fast_run {
    const pp_plan *plan;
    const char *packed;
    char *scratch;
    float *work;   /* plan->work_bytes */
    int n;         /* items */
    float *output; /* [n, channels, rows, columns]: the caller's */
} pp_fast_run;

/* What an instruction set provides. */
typedef struct pp_fast_isa {
    const char *name;
    int (*usable)(void);
    void (*direct)(const pp_fast_run *run, const pp_fast_op *op);
    void (*thin)(const pp_fast_run *run, const pp_fast_op *op);
    void (*winograd)(const pp_fast_run *run, const pp_fast_op *op);
    void (*winograd_2)(const pp_fast_run *run, const pp_fast_op *op);
    void (*up)(const pp_fast_run *run, const pp_fast_op *op);
    void (*pool)(const pp_fast_run *run, const pp_fast_op *op);
    void (*masks)(const pp_mix *mix, void *scratch, float *masks);
    void (*energies)(const pp_mix *mix, const float *magnitude, void *scratch, float *energy);
} pp_fast_isa;

extern const pp_fast_isa pp_fast_avx2, pp_fast_avx512;

/* ---- places (for both sides) ----------------------------------------------------------------- */

static inline size_t pp_fast_plane(const pp_fast_run *run, const pp_fast_tensor *tensor)
{
    return (size_t)run->n * tensor->rows * tensor->columns; /* pixels of one block, all items */
}

/* First float of a block of a tensor. */
static inline float *pp_fast_block(const pp_fast_run *run, int tensor, int block)
{
    const pp_fast_tensor *t = &run->plan->tensors[tensor];
    return (float *)(run->scratch + t->offset * run->n) + block * pp_fast_plane(run, t) * PP_LANES;
}

static inline const float *pp_fast_weight(const pp_fast_run *run, const pp_fast_op *op)
{
    return (const float *)(run->packed + op->weight);
}

static inline const float *pp_fast_bias(const pp_fast_run *run, const pp_fast_op *op)
{
    return (const float *)(run->packed + op->bias); /* [out_blocks * 16] */
}

/* ---- weights (pack.c) ------------------------------------------------------------------------ */

/* Floats of the packed weight of an operation whose method and blocks are set. */
size_t pp_fast_packed_floats(const pp_fast_op *op, const pp_op *shape);
void pp_fast_pack(const pp_plan *plan, int op, const float *weight, const float *bias,
                  void *packed);

#endif
