/* The fast kernel set's face: chooses the instructions, walks the plan, loads and stores. */
#include "nn/fast/fast.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "nn/fast/plan.h"

/* ---- in and out ------------------------------------------------------------------------------ */

static float input_value(const pp_net_input *input, const pp_fast_tensor *t, size_t item, int c,
                         size_t pixel)
{
    size_t plane = (size_t)t->rows * t->columns;
    float x = input->planar != NULL ? input->planar[(item * t->channels + c) * plane + pixel]
                                    : (float)input->rgb[(item * plane + pixel) * t->channels + c];
    return x * input->scale[c] + input->shift[c];
}

static void load_thin(const pp_fast_run *run, const pp_net_input *input)
{
    const pp_fast_tensor *t = &run->plan->tensors[0];
    size_t width = (size_t)(t->columns + 2 * t->border) * t->channels;
    for (int item = 0; item < run->n; item++) {
        float *to = (float *)(run->scratch + t->offset * run->n + item * t->bytes);
        memset(to, 0, t->bytes);
        for (int row = 0; row < t->rows; row++) {
            float *line = to + (row + t->border) * width + (size_t)t->border * t->channels;
            size_t first = (size_t)row * t->columns;
            for (int c = 0; c < t->channels; c++) {
                for (int x = 0; x < t->columns; x++) {
                    line[(size_t)x * t->channels + c] =
                        input_value(input, t, (size_t)item, c, first + x);
                }
            }
        }
    }
}

static void load_blocks(const pp_fast_run *run, const pp_net_input *input)
{
    const pp_fast_tensor *t = &run->plan->tensors[0];
    size_t plane = (size_t)t->rows * t->columns;
    memset(run->scratch + t->offset * run->n, 0, t->bytes * run->n);
    for (int item = 0; item < run->n; item++) {
        for (int c = 0; c < t->channels; c++) {
            float *to = pp_fast_block(run, 0, t->physical[c] / PP_LANES) + item * plane * PP_LANES +
                        t->physical[c] % PP_LANES;
            for (size_t i = 0; i < plane; i++) {
                to[i * PP_LANES] = input_value(input, t, (size_t)item, c, i);
            }
        }
    }
}

/* Blocks of 16 channels to planes of one; a strip of pixels at a time stays in the cache. */
static void store_output(const pp_fast_run *run, float *output)
{
    enum { STRIP = 256 };
    const pp_graph *graph = run->plan->graph;
    pp_slice out = graph->ops[graph->op_count - 1].out;
    const pp_fast_tensor *t = &run->plan->tensors[out.tensor];
    size_t plane = (size_t)t->rows * t->columns;
    for (int item = 0; item < run->n; item++) {
        for (size_t first = 0; first < plane; first += STRIP) {
            size_t count = plane - first < STRIP ? plane - first : STRIP;
            for (int c = 0; c < out.channels; c++) {
                int at = t->physical[out.first + c];
                const float *from = pp_fast_block(run, out.tensor, at / PP_LANES) +
                                    (item * plane + first) * PP_LANES + at % PP_LANES;
                float *to = output + ((size_t)item * out.channels + c) * plane + first;
                for (size_t i = 0; i < count; i++) to[i] = from[i * PP_LANES];
            }
        }
    }
}

/* ---- the interface --------------------------------------------------------------------------- */

static const pp_fast_isa *best_isa(void)
{
    return pp_fast_avx512.usable() ? &pp_fast_avx512 : &pp_fast_avx2;
}

static int fast_usable(void)
{
    return best_isa()->usable();
}

static pp_status fast_plan_create(pp_plan **out, const pp_graph *graph, pp_error *err)
{
    return pp_fast_plan_create(out, graph, best_isa(), err);
}

static pp_status avx2_plan_create(pp_plan **out, const pp_graph *graph, pp_error *err)
{
    return pp_fast_plan_create(out, graph, &pp_fast_avx2, err);
}

static size_t fast_packed_bytes(const pp_plan *plan)
{
    return plan->packed_bytes;
}

static size_t fast_scratch_bytes(const pp_plan *plan, int batch)
{
    return plan->tensor_bytes * (size_t)batch + plan->work_bytes;
}

static double fast_multiply_adds(const pp_plan *plan, int op)
{
    return plan->ops[op].multiply_adds;
}

static void run_op(const pp_fast_run *run, const pp_fast_op *op)
{
    const pp_fast_isa *isa = run->plan->isa;
    switch (op->method) {
    case PP_FAST_WINOGRAD:
        isa->winograd(run, op);
        break;
    case PP_FAST_WINOGRAD_2:
        isa->winograd_2(run, op);
        break;
    case PP_FAST_UP:
        isa->up(run, op);
        break;
    case PP_FAST_POOL:
        isa->pool(run, op);
        break;
    case PP_FAST_THIN:
        isa->thin(run, op);
        break;
    default:
        isa->direct(run, op);
    }
}

static void add_time(double *total, double *since)
{
    double now = pp_clock_s();
    if (total != NULL) *total += now - *since;
    *since = now;
}

static void fast_run(const pp_plan *plan, const void *packed, void *scratch,
                     const pp_net_input *input, int n, float *output, pp_profile *profile)
{
    pp_fast_run run = {plan, packed, scratch, NULL, n, output};
    run.work = (float *)(run.scratch + plan->tensor_bytes * (size_t)n);
    pp_profile none = {0}, *times = profile != NULL ? profile : &none;
    double since = pp_clock_s();
    if (plan->tensors[0].thin) load_thin(&run, input);
    else load_blocks(&run, input);
    add_time(&times->input_s, &since);
    for (size_t i = 0; i < plan->graph->op_count; i++) {
        run_op(&run, &plan->ops[i]);
        add_time(times->op_s != NULL ? &times->op_s[i] : NULL, &since);
    }
    if (!plan->ops[plan->graph->op_count - 1].to_output) store_output(&run, output);
    add_time(&times->output_s, &since);
}

/* As mix_body.h carves it, for the widest instruction set. */
static size_t fast_mix_scratch_bytes(int components, int bins)
{
    enum { TILE = 128, GROUPS = 7 };
    (void)bins;
    size_t k = (size_t)components;
    return pp_align_up((k * TILE + k * GROUPS * PP_FAST_MOST_ROWS + TILE) * sizeof(float));
}

static void fast_masks(const pp_mix *mix, void *scratch, float *masks)
{
    best_isa()->masks(mix, scratch, masks);
}

static void fast_energies(const pp_mix *mix, const float *magnitude, void *scratch, float *energy)
{
    best_isa()->energies(mix, magnitude, scratch, energy);
}

static void avx2_masks(const pp_mix *mix, void *scratch, float *masks)
{
    pp_fast_avx2.masks(mix, scratch, masks);
}

static void avx2_energies(const pp_mix *mix, const float *magnitude, void *scratch, float *energy)
{
    pp_fast_avx2.energies(mix, magnitude, scratch, energy);
}

static int avx2_usable(void)
{
    return pp_fast_avx2.usable();
}

#define FAST_VERSION 2

const pp_kernels pp_kernels_fast = {
    .name = "fast",
    .version = FAST_VERSION,
    .usable = fast_usable,
    .plan_create = fast_plan_create,
    .plan_destroy = pp_fast_plan_destroy,
    .packed_bytes = fast_packed_bytes,
    .pack = pp_fast_pack,
    .scratch_bytes = fast_scratch_bytes,
    .run = fast_run,
    .multiply_adds = fast_multiply_adds,
    .mix_scratch_bytes = fast_mix_scratch_bytes,
    .masks = fast_masks,
    .energies = fast_energies,
};

const pp_kernels pp_kernels_fast_avx2 = {
    .name = "fast-avx2",
    .version = FAST_VERSION,
    .usable = avx2_usable,
    .plan_create = avx2_plan_create,
    .plan_destroy = pp_fast_plan_destroy,
    .packed_bytes = fast_packed_bytes,
    .pack = pp_fast_pack,
    .scratch_bytes = fast_scratch_bytes,
    .run = fast_run,
    .multiply_adds = fast_multiply_adds,
    .mix_scratch_bytes = fast_mix_scratch_bytes,
    .masks = avx2_masks,
    .energies = avx2_energies,
};
