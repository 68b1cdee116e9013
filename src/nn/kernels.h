/* The one interface of every kernel set: "plain" (the twin everything is checked against) and
 * faster ones.
 *
 * For callers. pp_kernels_find gives a const table of functions. A network:
 *
 *   plan_create(graph)             shapes to a plan: layouts, tiles, sizes; no weights, no globals
 *   packed_bytes(plan)             the weights as this set wants them, one block
 *   pack(plan, op, w, b, packed)   once for each op with weights, in any order
 *   scratch_bytes(plan, batch)     what `run` needs for that many items
 *   run(plan, packed, scratch, input, n, output, profile)
 *
 * Plan and packed weights are read-only while running and may be shared by threads and, the packed
 * block being free of pointers, by processes; scratch belongs to one caller. All three, and the
 * scratch of the mixing functions, are aligned to PP_ALIGNMENT. Nothing allocates or fails once
 * running. pp_blas_load must have succeeded before `run`, `masks` and `energies`.
 *
 * For implementers. An item's bytes must not depend on n, on its place in the batch, on what the
 * scratch held before, nor on how many sources or pixels are asked for at once: fixed shapes for
 * every product. `version` changes whenever packed bytes or results do. `pack` writes every byte
 * of its part (padding included), so that packed files of equal weights are equal.
 */
#ifndef PP_NN_KERNELS_H
#define PP_NN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "nn/graph.h"

typedef struct pp_plan pp_plan; /* each set's own */

/* What a network reads: exactly one of the two pointers; value = x * scale[c] + shift[c], before
 * any padding (U-Net: BatchNorm of the input; pictures: /255, mean and deviation). */
typedef struct pp_net_input {
    const float *planar; /* [n, channels, rows, columns] */
    const uint8_t *rgb;  /* [n, rows, columns, channels] */
    const float *scale;  /* [channels] */
    const float *shift;  /* [channels] */
} pp_net_input;

/* Where the time went: filled where not NULL, added to what is there. */
typedef struct pp_profile {
    double *op_s; /* [op_count] seconds by operation */
    double input_s, output_s;
} pp_profile;

/* Sources as linear mixtures of K component maps:
 *   logit[p][b] = sum_k coefficients[p][k] * map[k][b] + constants[p];  mask = sigmoid(logit)
 * From floats or from 8-bit codes (exactly one of the two); a map's scale and offset and the
 * synthesizer's weights are in the coefficients and constants already. */
typedef struct pp_mix {
    int components, bins, sources;
    const float *maps;         /* [components, bins] */
    const uint8_t *codes;      /* [components, bins] */
    const float *coefficients; /* [sources, components] */
    const float *constants;    /* [sources] */
} pp_mix;

typedef struct pp_kernels {
    const char *name; /* "plain"; part of packed files' names and of archives */
    int version;
    int uses_blas;       /* results depend on OpenBLAS's core type */
    int (*usable)(void); /* this processor can run it */

    pp_status (*plan_create)(pp_plan **out, const pp_graph *graph,
                             pp_error *err); /* graph: copied */
    void (*plan_destroy)(pp_plan **plan);
    size_t (*packed_bytes)(const pp_plan *plan);
    /* weight [out, in, kernel, kernel] and bias [out] of operation `op`, BatchNorm folded in. */
    void (*pack)(const pp_plan *plan, int op, const float *weight, const float *bias, void *packed);
    size_t (*scratch_bytes)(const pp_plan *plan, int batch);
    /* Items 0 .. n - 1; output [n, channels, rows, columns] of pp_graph_result. profile: or NULL.
     */
    void (*run)(const pp_plan *plan, const void *packed, void *scratch, const pp_net_input *input,
                int n, float *output, pp_profile *profile);
    /* Multiply-adds this set really does for one item of operation `op`. */
    double (*multiply_adds)(const pp_plan *plan, int op);

    size_t (*mix_scratch_bytes)(int components, int bins); /* for any number of sources */
    /* masks [sources, bins], in (0, 1). */
    void (*masks)(const pp_mix *mix, void *scratch, float *masks);
    /* energy [sources] = sum over bins of (mask * magnitude)^2. */
    void (*energies)(const pp_mix *mix, const float *magnitude, void *scratch, float *energy);
} pp_kernels;

/* name NULL: the best set this processor can run. A set it cannot run is an error. */
pp_status pp_kernels_find(const pp_kernels **out, const char *name, pp_error *err) PP_MUST_USE;
/* All sets built in, best first; NULL behind the last. For tests and benchmarks. */
const pp_kernels *const *pp_kernels_all(void);

/* "fast": AVX-512 where the processor has it, else AVX2; "fast-avx2": AVX2 in any case, the same
 * bytes (for tests). "plain": the twin. */
extern const pp_kernels pp_kernels_fast, pp_kernels_fast_avx2, pp_kernels_plain;

/* One component map as archives keep it, value = offset + scale * code with codes 0 .. 255 from the
 * least to the largest value; a constant map has scale 0. Values that are not finite count as the
 * nearest end (NaN as the least). The same for every set: nothing here depends on the order of
 * operations. */
void pp_quantise(const float *map, size_t count, uint8_t *codes, float *scale, float *offset);

#endif
