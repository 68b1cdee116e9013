/* Every kernel set against direct loops in double precision, at odd shapes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/random.h"
#include "nn/blas.h"
#include "nn/kernels.h"

/* Largest difference allowed, against the sum of the absolute values of all products. */
#define TOLERANCE 2e-6

/* A graph with weights, and the truth: all activations in double. */
typedef struct network {
    pp_graph *graph;
    float *weights[16], *bias[16];
    double *values[16], *bounds[16];
    float *planar;
    pp_random random;
} network;

static float *random_floats(pp_random *random, size_t count, double spread)
{
    float *values = pp_alloc(count, sizeof *values);
    for (size_t i = 0; i < count; i++) values[i] = (float)(spread * pp_random_normal(random));
    return values;
}

static size_t floats(pp_extent e)
{
    return (size_t)e.channels * e.rows * e.columns;
}

static void start(network *net, uint64_t seed, pp_extent input)
{
    memset(net, 0, sizeof *net);
    int index;
    pp_random_seed(&net->random, seed, 0);
    assert_int_equal(pp_graph_create(&net->graph, NULL), PP_OK);
    assert_int_equal(pp_graph_tensor(net->graph, input, &index, NULL), PP_OK);
}

static int tensor(network *net, int channels, int rows, int columns)
{
    int index;
    pp_extent extent = {channels, rows, columns};
    assert_int_equal(pp_graph_tensor(net->graph, extent, &index, NULL), PP_OK);
    return index;
}

/* Appends an op; out.tensor -1: a tensor of the right size is made. Returns out.tensor. */
static int add(network *net, pp_op op)
{
    if (op.dilation == 0) op.dilation = 1;
    if (op.stride == 0) op.stride = 1;
    size_t index = net->graph->op_count;
    if (op.out.tensor < 0) {
        pp_extent e = pp_op_result(&op, net->graph->tensors[op.in.tensor]);
        op.out.tensor = tensor(net, e.channels, e.rows, e.columns);
    }
    snprintf(op.name, sizeof op.name, "op %d", (int)index);
    assert_int_equal(pp_graph_add(net->graph, &op, NULL), PP_OK);
    size_t taps = (size_t)op.in.channels * op.kernel * op.kernel;
    net->weights[index] = random_floats(&net->random, pp_op_weights(&op), 1 / sqrt((double)taps));
    net->bias[index] = random_floats(&net->random, op.out.channels, 0.5);
    return op.out.tensor;
}

static double activate(double x, pp_activation activation)
{
    return x > 0 || activation == PP_LINEAR ? x : activation == PP_RELU ? 0 : PP_LEAKY_SLOPE * x;
}

/* Input value (c, y, x) as the op's taps see it; *bound is the same from bounds. */
static double seen(const network *net, const pp_op *op, int c, int y, int x, double *bound)
{
    pp_extent e = net->graph->tensors[op->in.tensor];
    int up = op->kind == PP_OP_UP_CONV ? 2 : 1;
    *bound = 0;
    if (y < 0 || x < 0 || y >= up * e.rows || x >= up * e.columns) return 0;
    const double *plane =
        net->values[op->in.tensor] + (size_t)(op->in.first + c) * e.rows * e.columns;
    const double *bounds =
        net->bounds[op->in.tensor] + (size_t)(op->in.first + c) * e.rows * e.columns;
    double v = y, h = x, sum = 0;
    if (up == 2) {
        v = (double)y * (e.rows - 1) / (2 * e.rows - 1);
        h = (double)x * (e.columns - 1) / (2 * e.columns - 1);
    }
    for (int corner = 0; corner < 4; corner++) {
        int row = (int)floor(v) + (corner >> 1), column = (int)floor(h) + (corner & 1);
        double weight = (corner >> 1 ? v - floor(v) : 1 - (v - floor(v))) *
                        (corner & 1 ? h - floor(h) : 1 - (h - floor(h)));
        if (row >= e.rows || column >= e.columns) continue;
        sum += weight * activate(plane[(size_t)row * e.columns + column], op->before);
        *bound += weight * bounds[(size_t)row * e.columns + column];
    }
    return sum;
}

static void direct_point(network *net, size_t index, int c, int y, int x)
{
    const pp_op *op = &net->graph->ops[index];
    pp_extent out = net->graph->tensors[op->out.tensor], in = net->graph->tensors[op->in.tensor];
    double sum = 0, bound = 0, largest = -HUGE_VAL, b;
    int pool = op->kind == PP_OP_MAX_POOL, up = op->kind == PP_OP_UP_CONV ? 2 : 1;
    for (int i = pool ? c : 0; i < (pool ? c + 1 : op->in.channels); i++) {
        for (int k = 0; k < op->kernel * op->kernel; k++) {
            int row = y * op->stride - op->padding + k / op->kernel * op->dilation;
            int column = x * op->stride - op->padding + k % op->kernel * op->dilation;
            if (row < 0 || column < 0 || row >= up * in.rows || column >= up * in.columns) continue;
            double value = seen(net, op, i, row, column, &b);
            if (pool && value > largest) largest = value;
            if (pool) {
                bound = b > bound ? b : bound;
                continue;
            }
            double weight =
                net->weights[index]
                            [((size_t)c * op->in.channels + i) * op->kernel * op->kernel + k];
            sum += weight * value;
            bound += fabs(weight) * b;
        }
    }
    size_t plane = (size_t)out.rows * out.columns, at = (size_t)y * out.columns + x;
    if (pool) {
        sum = largest;
    } else {
        sum += net->bias[index][c];
        bound += fabs(net->bias[index][c]);
    }
    if (op->addend >= 0) {
        sum += net->values[op->addend][c * plane + at];
        bound += net->bounds[op->addend][c * plane + at];
    }
    at += (size_t)(op->out.first + c) * plane;
    net->values[op->out.tensor][at] = activate(sum, op->after);
    net->bounds[op->out.tensor][at] = bound;
}

/* The truth for item `item`, the input being planar * scale + shift. */
static void direct(network *net, int item, const float *scale, const float *shift)
{
    const pp_graph *graph = net->graph;
    for (size_t i = 0; i < graph->tensor_count; i++) {
        if (net->values[i] == NULL) {
            net->values[i] = pp_alloc(floats(graph->tensors[i]), sizeof(double));
            net->bounds[i] = pp_alloc(floats(graph->tensors[i]), sizeof(double));
        }
    }
    size_t plane = (size_t)graph->tensors[0].rows * graph->tensors[0].columns;
    for (size_t i = 0; i < floats(graph->tensors[0]); i++) {
        double x = net->planar[item * floats(graph->tensors[0]) + i];
        net->values[0][i] = x * scale[i / plane] + shift[i / plane];
        net->bounds[0][i] = fabs(net->values[0][i]);
    }
    for (size_t i = 0; i < graph->op_count; i++) {
        pp_extent out = graph->tensors[graph->ops[i].out.tensor];
        for (int c = 0; c < graph->ops[i].out.channels; c++) {
            for (int y = 0; y < out.rows; y++) {
                for (int x = 0; x < out.columns; x++) direct_point(net, i, c, y, x);
            }
        }
    }
}

static void release(network *net)
{
    for (size_t i = 0; i < 16; i++) {
        pp_free(net->weights[i]);
        pp_free(net->bias[i]);
        pp_free(net->values[i]);
        pp_free(net->bounds[i]);
    }
    pp_free(net->planar);
    pp_graph_destroy(&net->graph);
}

/* A plan with its weights packed, and scratch for `batch`, full of rubbish. */
typedef struct compiled {
    pp_plan *plan;
    unsigned char *packed, *scratch;
} compiled;

static compiled compile(const network *net, const pp_kernels *kernels, int batch)
{
    compiled c = {0};
    assert_int_equal(kernels->plan_create(&c.plan, net->graph, NULL), PP_OK);
    size_t packed_bytes = kernels->packed_bytes(c.plan);
    c.packed = pp_alloc(packed_bytes, 1);
    unsigned char *again = pp_alloc(packed_bytes, 1);
    memset(again, 0xa5, packed_bytes);
    for (size_t i = 0; i < net->graph->op_count; i++) {
        if (pp_op_weights(&net->graph->ops[i]) == 0) continue;
        kernels->pack(c.plan, (int)i, net->weights[i], net->bias[i], c.packed);
        kernels->pack(c.plan, (int)i, net->weights[i], net->bias[i], again);
    }
    assert_memory_equal(c.packed, again, packed_bytes); /* every byte is written */
    pp_free(again);
    size_t bytes = kernels->scratch_bytes(c.plan, batch);
    c.scratch = pp_alloc(bytes, 1);
    memset(c.scratch, 0xff, bytes); /* NaN, wherever floats are read that nobody wrote */
    return c;
}

static void dispose(const pp_kernels *kernels, compiled *c)
{
    kernels->plan_destroy(&c->plan);
    pp_free(c->packed);
    pp_free(c->scratch);
}

enum { BATCH = 3 };

static void compare(network *net, const pp_kernels *kernels, const float *output, int item,
                    const float *scale, const float *shift)
{
    direct(net, item, scale, shift);
    pp_slice out = net->graph->ops[net->graph->op_count - 1].out;
    size_t plane = floats(pp_graph_result(net->graph)) / out.channels;
    double worst = 0;
    for (size_t i = 0; i < plane * out.channels; i++) {
        size_t at = out.first * plane + i;
        double bound = net->bounds[out.tensor][at];
        double off = fabs(output[i] - net->values[out.tensor][at]) / (bound > 0 ? bound : 1);
        if (!(off <= worst)) worst = off;
    }
    if (!(worst <= TOLERANCE)) {
        const pp_op *op = &net->graph->ops[net->graph->op_count - 1];
        pp_extent in = net->graph->tensors[op->in.tensor];
        print_error("%s: off by %g: last op %dx%dx%d -> %d, kernel %d stride %d\n", kernels->name,
                    worst, op->in.channels, in.rows, in.columns, op->out.channels, op->kernel,
                    op->stride);
    }
    assert_true(worst <= TOLERANCE);
}

/* Runs the network with every usable set: against the truth, and one item at a time against all at
 * once, to the byte. Takes the network. */
static void check(network *net)
{
    pp_error err = {0};
    if (pp_graph_check(net->graph, &err) != PP_OK) fail_msg("%s", err.message);
    pp_extent in = net->graph->tensors[0];
    net->planar = random_floats(&net->random, BATCH * floats(in), 1);
    float *scale = random_floats(&net->random, in.channels, 1);
    float *shift = random_floats(&net->random, in.channels, 1);
    size_t result = floats(pp_graph_result(net->graph));
    float *together = pp_alloc(BATCH * result, sizeof(float));
    float *alone = pp_alloc(result, sizeof(float));
    float *fast = pp_alloc(BATCH * result, sizeof(float)); /* of the best instructions */
    for (size_t k = 0; pp_kernels_all()[k] != NULL; k++) {
        const pp_kernels *kernels = pp_kernels_all()[k];
        if (!kernels->usable()) continue;
        compiled c = compile(net, kernels, BATCH), single = compile(net, kernels, 1);
        pp_net_input input = {net->planar, NULL, scale, shift};
        kernels->run(c.plan, c.packed, c.scratch, &input, BATCH, together, NULL);
        for (int item = 0; item < BATCH; item++) {
            input.planar = net->planar + item * floats(in);
            kernels->run(single.plan, single.packed, single.scratch, &input, 1, alone, NULL);
            assert_memory_equal(alone, together + item * result, result * sizeof(float));
        }
        if (kernels == &pp_kernels_fast) memcpy(fast, together, BATCH * result * sizeof(float));
        if (kernels == &pp_kernels_fast_avx2) {
            assert_memory_equal(fast, together, BATCH * result * sizeof(float));
        }
        compare(net, kernels, together, 0, scale, shift);
        compare(net, kernels, together + (BATCH - 1) * result, BATCH - 1, scale, shift);
        dispose(kernels, &c);
        dispose(kernels, &single);
    }
    pp_free(scale);
    pp_free(shift);
    pp_free(together);
    pp_free(alone);
    pp_free(fast);
    release(net);
}

static pp_op conv(int in, int channels, int out_channels, int kernel, int stride, int padding)
{
    return (pp_op){.kind = PP_OP_CONV,
                   .in = {in, 0, channels},
                   .out = {-1, 0, out_channels},
                   .addend = -1,
                   .kernel = kernel,
                   .stride = stride,
                   .padding = padding};
}

static pp_op up(int in, int channels, int out_channels)
{
    pp_op op = conv(in, channels, out_channels, 3, 1, 1);
    op.kind = PP_OP_UP_CONV;
    op.before = PP_RELU;
    return op;
}

static void convolutions_of_odd_shapes(void **state)
{
    (void)state;
    static const struct {
        int in, rows, columns, out, kernel, stride, padding, dilation;
    } cases[] = {
        {1, 1, 1, 1, 1, 1, 0, 1},     {3, 5, 7, 4, 3, 1, 1, 1},     {5, 14, 14, 7, 3, 1, 1, 1},
        {17, 13, 9, 33, 3, 1, 1, 1},  {16, 14, 14, 16, 3, 1, 2, 2}, {9, 11, 7, 5, 3, 1, 2, 2},
        {8, 9, 9, 8, 3, 1, 4, 4},     {1, 16, 8, 6, 4, 2, 1, 1},    {7, 6, 10, 19, 4, 2, 1, 1},
        {12, 2, 2, 5, 4, 2, 1, 1},    {3, 23, 29, 18, 7, 2, 3, 1},  {6, 10, 12, 11, 3, 2, 1, 1},
        {6, 9, 11, 34, 1, 2, 0, 1},   {20, 3, 50, 3, 1, 1, 0, 1},   {4, 40, 3, 2, 5, 3, 2, 1},
        {33, 8, 8, 65, 4, 2, 1, 1},   {2, 70, 70, 3, 3, 1, 1, 1},   {24, 28, 28, 40, 3, 1, 1, 1},
        {18, 16, 16, 20, 4, 2, 1, 1}, {5, 21, 35, 17, 4, 2, 1, 1},  {19, 18, 23, 33, 3, 2, 1, 1},
        {10, 8, 7, 5, 3, 1, 1, 1},    {4, 7, 8, 6, 3, 1, 1, 1},     {18, 7, 6, 4, 3, 1, 1, 1},
        {2, 15, 5, 3, 3, 1, 1, 1},    {3, 10, 11, 2, 3, 1, 1, 1},   {5, 23, 26, 4, 3, 1, 3, 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        network net;
        start(&net, 100 + i, (pp_extent){cases[i].in, cases[i].rows, cases[i].columns});
        pp_op op =
            conv(0, cases[i].in, cases[i].out, cases[i].kernel, cases[i].stride, cases[i].padding);
        op.dilation = cases[i].dilation;
        op.before = (pp_activation)(i % 3);
        op.after = (pp_activation)(i / 3 % 3);
        add(&net, op);
        check(&net);
    }
}

static void up_convolutions_of_odd_shapes(void **state)
{
    (void)state;
    static const int cases[][4] = {{1, 1, 1, 1},   {3, 1, 2, 5},   {4, 2, 2, 9},   {7, 3, 5, 2},
                                   {33, 4, 4, 17}, {16, 8, 8, 32}, {5, 16, 24, 3}, {2, 33, 17, 35}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        network net;
        start(&net, 200 + i, (pp_extent){cases[i][0], cases[i][1], cases[i][2]});
        pp_op op = up(0, cases[i][0], cases[i][3]);
        op.after = (pp_activation)(i % 3);
        add(&net, op);
        check(&net);
    }
}

static void pools_of_odd_shapes(void **state)
{
    (void)state;
    static const int cases[][6] = {{1, 1, 1, 3, 2, 1},
                                   {5, 7, 9, 3, 2, 1},
                                   {16, 12, 12, 3, 2, 1},
                                   {3, 8, 6, 2, 2, 0},
                                   {18, 5, 4, 3, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        network net;
        const int *c = cases[i];
        start(&net, 300 + i, (pp_extent){c[0], c[1], c[2]});
        pp_op op = conv(0, c[0], c[0], c[3], c[4], c[5]);
        op.kind = PP_OP_MAX_POOL;
        add(&net, op);
        check(&net);
    }
}

/* Large enough that a set which works in strips or tiles needs several. */
static void operations_in_several_strips(void **state)
{
    (void)state;
    network net;
    start(&net, 350, (pp_extent){64, 25, 24});
    int x = add(&net, up(0, 64, 4));
    pp_op op = conv(x, 4, 64, 3, 1, 1);
    op.after = PP_LEAKY;
    x = add(&net, op);
    op = conv(x, 64, 4, 3, 1, 1);
    op.addend = 1;
    op.after = PP_RELU;
    add(&net, op);
    check(&net);
}

/* Two levels of a U-Net: slices written on the way down and up, read as one. */
static void a_small_unet(void **state)
{
    (void)state;
    network net;
    start(&net, 400, (pp_extent){1, 16, 24});
    int outer = tensor(&net, 2 * 5, 8, 12), middle = tensor(&net, 2 * 9, 4, 6);
    pp_op op = conv(0, 1, 5, 4, 2, 1);
    op.out.tensor = outer;
    op.after = PP_LEAKY;
    add(&net, op);
    op = conv(outer, 5, 9, 4, 2, 1);
    op.out.tensor = middle;
    op.after = PP_LEAKY;
    add(&net, op);
    op = conv(middle, 9, 9, 4, 2, 1);
    op.after = PP_RELU;
    int inner = add(&net, op);
    op = up(inner, 9, 9);
    op.out = (pp_slice){middle, 9, 9};
    add(&net, op);
    op = up(middle, 18, 5);
    op.out = (pp_slice){outer, 5, 5};
    op.after = PP_RELU;
    add(&net, op);
    add(&net, up(outer, 10, 3));
    check(&net);
}

/* A strided stem, a pool, and residual blocks with and without a shortcut of their own. */
static void a_small_trunk(void **state)
{
    (void)state;
    network net;
    start(&net, 500, (pp_extent){3, 30, 34});
    pp_op op = conv(0, 3, 10, 7, 2, 3);
    op.after = PP_RELU;
    int x = add(&net, op);
    op = conv(x, 10, 10, 3, 2, 1);
    op.kind = PP_OP_MAX_POOL;
    x = add(&net, op);
    for (int block = 0; block < 3; block++) {
        int channels = 10 + 6 * block, in = block == 0 ? 10 : channels - 6,
            dilation = 1 + block / 2;
        int stride = block == 1 ? 2 : 1, shortcut = x;
        if (block > 0) shortcut = add(&net, conv(x, in, channels, 1, stride, 0));
        op = conv(x, in, channels, 3, stride, dilation);
        op.dilation = dilation;
        op.after = PP_RELU;
        int inner = add(&net, op);
        op = conv(inner, channels, channels, 3, 1, dilation);
        op.dilation = dilation;
        op.after = PP_RELU;
        op.addend = shortcut;
        x = add(&net, op);
    }
    add(&net, conv(x, 22, 4, 3, 1, 1));
    check(&net);
}

static void bytes_and_floats_give_the_same_picture(void **state)
{
    (void)state;
    enum { CHANNELS = 3, ROWS = 18, COLUMNS = 14, COUNT = CHANNELS * ROWS * COLUMNS };
    network net;
    start(&net, 600, (pp_extent){CHANNELS, ROWS, COLUMNS});
    add(&net, conv(0, CHANNELS, 6, 7, 2, 3));
    uint8_t rgb[COUNT];
    float planar[COUNT], scale[] = {0.5f, 0.25f, 2}, shift[] = {-1, 0.5f, 0};
    for (int i = 0; i < COUNT; i++) {
        rgb[i] = (uint8_t)pp_random_below(&net.random, 256);
        planar[i % CHANNELS * ROWS * COLUMNS + i / CHANNELS] = rgb[i];
    }
    for (size_t k = 0; pp_kernels_all()[k] != NULL; k++) {
        const pp_kernels *kernels = pp_kernels_all()[k];
        if (!kernels->usable()) continue;
        compiled c = compile(&net, kernels, 1);
        float a[6 * 9 * 7], b[6 * 9 * 7];
        pp_net_input from_bytes = {NULL, rgb, scale, shift},
                     from_floats = {planar, NULL, scale, shift};
        kernels->run(c.plan, c.packed, c.scratch, &from_bytes, 1, a, NULL);
        kernels->run(c.plan, c.packed, c.scratch, &from_floats, 1, b, NULL);
        assert_memory_equal(a, b, sizeof a);
        dispose(kernels, &c);
    }
    release(&net);
}

static void bad_graphs_are_refused(void **state)
{
    (void)state;
    static const int cases[][5] = {/* in channels, rows out, kernel, stride, padding */
                                   {3, 5, 3, 1, 1}, {4, 6, 3, 1, 1},  {3, 6, 9, 1, 0},
                                   {3, 6, 3, 0, 1}, {3, 6, 3, 1, -1}, {0, 6, 3, 1, 1}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const int *c = cases[i];
        network net;
        start(&net, 1, (pp_extent){3, 6, 6});
        pp_op op = conv(0, c[0], 2, c[2], c[3], c[4]);
        op.dilation = 1;
        op.out.tensor = tensor(&net, 2, c[1], 6);
        assert_int_equal(pp_graph_add(net.graph, &op, NULL), PP_OK);
        assert_int_equal(pp_graph_check(net.graph, NULL), PP_ERR_FORMAT);
        release(&net);
    }
    network net;
    start(&net, 1, (pp_extent){3, 6, 6});
    int early = tensor(&net, 3, 6, 6);
    pp_op op = conv(early, 3, 3, 3, 1, 1);
    op.dilation = 1;
    op.out.tensor = tensor(&net, 3, 6, 6);
    assert_int_equal(pp_graph_add(net.graph, &op, NULL), PP_OK);
    assert_int_equal(pp_graph_check(net.graph, NULL), PP_ERR_INTERNAL);
    release(&net);
}

static void sets_are_found_by_name(void **state)
{
    (void)state;
    const pp_kernels *found = NULL;
    pp_error err = {0};
    assert_int_equal(pp_kernels_find(&found, "plain", &err), PP_OK);
    assert_string_equal(found->name, "plain");
    assert_int_equal(pp_kernels_find(&found, NULL, &err), PP_OK);
    assert_int_equal(pp_kernels_find(&found, "quick", &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "quick"));
}

static int load(void **state)
{
    (void)state;
    pp_error err = {0};
    return pp_blas_load(NULL, &err) == PP_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(convolutions_of_odd_shapes),
        cmocka_unit_test(up_convolutions_of_odd_shapes),
        cmocka_unit_test(pools_of_odd_shapes),
        cmocka_unit_test(operations_in_several_strips),
        cmocka_unit_test(a_small_unet),
        cmocka_unit_test(a_small_trunk),
        cmocka_unit_test(bytes_and_floats_give_the_same_picture),
        cmocka_unit_test(bad_graphs_are_refused),
        cmocka_unit_test(sets_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, load, NULL);
}
