/* pp bench networks, pp bench kernels: where the networks' time goes, and how the kernel sets
 * compare. Outputs are checked against the plain set before anything is timed. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/random.h"
#include "base/text.h"
#include "cmd_bench.h"
#include "model/init.h"
#include "model/inside.h"
#include "nn/blas.h"

static const char usage_text[] =
    "usage: pp bench networks [MODEL.h5] [OPTIONS]   each layer of the two networks\n"
    "       pp bench kernels  [MODEL.h5] [OPTIONS]   each layer and product against its plain "
    "twin\n"
    "\n"
    "Times are the best of all runs, in milliseconds, on one core; totals also as the median.\n"
    "Without a model, one of the published shape is made (untrained: speed does not depend on "
    "it).\n"
    "\n"
    "      --runs N       (9)\n"
    "      --windows N    windows of sound at a time (1)\n"
    "      --frames N     pictures at a time (3)\n"
    "      --kernels SET  (the best of this processor)\n"
    "      --core TYPE    OpenBLAS's core type (its own choice)\n"
    "      --json         one JSON object\n";

enum { MOST_OPS = 256, MOST_RUNS = 1000, SOURCES = 3 };

typedef struct arguments {
    int compare; /* `kernels` */
    int runs, windows, frames, json;
    const char *model, *kernels, *core;
} arguments;

/* One network's times with one kernel set, in seconds. */
typedef struct timing {
    double best_op[MOST_OPS], best_in, best_out, best, median;
} timing;

typedef struct subject {
    pp_model *model;
    pp_model_scratch *scratch;
    timing sound, frame;
    double masks, energies, quantise; /* seconds */
} subject;

typedef struct bench {
    arguments args;
    char made[64]; /* the model made for the occasion; "": none */
    subject tested, plain;
    double peak; /* of sgemm, multiply-adds a second */
    float *input, *maps, *features, *reference_maps, *reference_features, *magnitude, *vectors;
    float *masks, *energy, *scale, *offset;
    uint8_t *rgb, *codes;
    double maps_off, features_off; /* against plain, of the largest value */
    pp_error err;
} bench;

/* ---- preparation ----------------------------------------------------------------------------- */

static pp_status make_model(bench *b)
{
    pp_model_file file = {0};
    pp_model_options options = pp_model_published_options();
    snprintf(b->made, sizeof b->made, "/tmp/pp-bench-%d.h5", (int)getpid());
    options.seed = 1;
    pp_model_file_defaults(&file);
    pp_status status = pp_model_file_init(&file, &options, &b->err);
    if (status == PP_OK) status = pp_model_file_write(&file, pp_fileops_system(), b->made, &b->err);
    pp_model_file_clear(&file);
    b->args.model = b->made;
    return status;
}

static pp_status open_subject(bench *b, subject *s, const char *kernels)
{
    int batch = b->args.windows > b->args.frames ? b->args.windows : b->args.frames;
    pp_status status = pp_model_open(&s->model, b->args.model, kernels, "", &b->err);
    if (status != PP_OK) return status;
    pp_model_inside inside = pp_model_look_inside(s->model);
    if (inside.sound_graph->op_count > MOST_OPS || inside.frame_graph->op_count > MOST_OPS) {
        return pp_fail(&b->err, PP_ERR_LIMIT, "a network of more than %d operations", MOST_OPS);
    }
    return pp_model_scratch_create(&s->scratch, s->model, batch, &b->err);
}

static pp_status allocate(bench *b)
{
    const pp_model_shape *s = pp_model_get_shape(b->tested.model);
    size_t bins = (size_t)s->log_rows * s->window_frames, k = (size_t)s->components;
    size_t pixels = (size_t)s->grid * s->grid, size = (size_t)s->picture_size;
    struct {
        void *place;
        size_t count, size;
    } needed[] = {{&b->input, bins * b->args.windows, sizeof(float)},
                  {&b->maps, k * bins * b->args.windows, sizeof(float)},
                  {&b->reference_maps, k * bins * b->args.windows, sizeof(float)},
                  {&b->features, k * pixels * b->args.frames, sizeof(float)},
                  {&b->reference_features, k * pixels * b->args.frames, sizeof(float)},
                  {&b->rgb, 3 * size * size * b->args.frames, 1},
                  {&b->magnitude, bins, sizeof(float)},
                  {&b->vectors, pixels * k, sizeof(float)},
                  {&b->masks, SOURCES * bins, sizeof(float)},
                  {&b->energy, pixels, sizeof(float)},
                  {&b->codes, k * bins, 1},
                  {&b->scale, k, sizeof(float)},
                  {&b->offset, k, sizeof(float)}};
    for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) {
        void *memory = NULL;
        pp_status status =
            pp_alloc_checked(&memory, needed[i].count, needed[i].size, "the benchmark", &b->err);
        if (status != PP_OK) return status;
        memcpy(needed[i].place, &memory, sizeof memory);
    }
    pp_random random;
    pp_random_seed(&random, 1, 0);
    for (size_t i = 0; i < bins * b->args.windows; i++) {
        b->input[i] = (float)(3 * pp_random_normal(&random) - 4);
    }
    for (size_t i = 0; i < bins; i++) b->magnitude[i] = (float)pp_random_uniform(&random);
    for (size_t i = 0; i < pixels * k; i++) b->vectors[i] = (float)pp_random_uniform(&random);
    for (size_t i = 0; i < 3 * size * size * b->args.frames; i++) {
        b->rgb[i] = (uint8_t)pp_random_below(&random, 256);
    }
    return PP_OK;
}

static double difference(const float *a, const float *b, size_t count)
{
    double most = 0, largest = 0;
    for (size_t i = 0; i < count; i++) {
        double off = fabs((double)a[i] - b[i]);
        if (!(off <= most)) most = off;
        if (fabs((double)b[i]) > largest) largest = fabs((double)b[i]);
    }
    return largest > 0 ? most / largest : most;
}

/* Nothing is timed that is not right. */
static pp_status check_outputs(bench *b)
{
    const pp_model_shape *s = pp_model_get_shape(b->tested.model);
    size_t bins = (size_t)s->log_rows * s->window_frames, k = (size_t)s->components;
    size_t features = k * s->grid * s->grid * b->args.frames, maps = k * bins * b->args.windows;
    pp_model_listen(b->tested.model, b->tested.scratch, b->input, b->args.windows, b->maps);
    pp_model_listen(b->plain.model, b->plain.scratch, b->input, b->args.windows, b->reference_maps);
    pp_model_see(b->tested.model, b->tested.scratch, b->rgb, b->args.frames, b->features);
    pp_model_see(b->plain.model, b->plain.scratch, b->rgb, b->args.frames, b->reference_features);
    b->maps_off = difference(b->maps, b->reference_maps, maps);
    b->features_off = difference(b->features, b->reference_features, features);
    if (b->maps_off <= 1e-3 && b->features_off <= 1e-3) return PP_OK;
    return pp_fail(&b->err, PP_ERR_INTERNAL,
                   "%s is wrong: off by %.1e (sound) and %.1e (frames) of the largest value",
                   pp_model_kernels(b->tested.model), b->maps_off, b->features_off);
}

/* ---- timing ---------------------------------------------------------------------------------- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void time_network(bench *b, subject *s, int sound, timing *t)
{
    double totals[MOST_RUNS];
    for (int i = 0; i < MOST_OPS; i++) t->best_op[i] = HUGE_VAL;
    t->best_in = t->best_out = HUGE_VAL;
    for (int run = 0; run < b->args.runs; run++) {
        double op_s[MOST_OPS] = {0}, start = pp_clock_s();
        pp_profile profile = {.op_s = op_s};
        if (sound) {
            pp_model_listen_profiled(s->model, s->scratch, b->input, b->args.windows, b->maps,
                                     &profile);
        } else {
            pp_model_see_profiled(s->model, s->scratch, b->rgb, b->args.frames, b->features,
                                  &profile);
        }
        totals[run] = pp_clock_s() - start;
        for (int i = 0; i < MOST_OPS; i++) t->best_op[i] = fmin(t->best_op[i], op_s[i]);
        t->best_in = fmin(t->best_in, profile.input_s);
        t->best_out = fmin(t->best_out, profile.output_s);
    }
    qsort(totals, (size_t)b->args.runs, sizeof *totals, by_size);
    t->best = totals[0];
    t->median = totals[b->args.runs / 2];
}

static void time_masks(bench *b, subject *s)
{
    const pp_model_shape *shape = pp_model_get_shape(s->model);
    pp_quantised_maps quantised = {b->codes, b->scale, b->offset};
    s->masks = s->energies = s->quantise = HUGE_VAL;
    for (int run = 0; run < b->args.runs; run++) {
        double start = pp_clock_s();
        pp_model_quantise(s->model, b->maps, &quantised);
        double quantise = pp_clock_s();
        pp_model_masks(s->model, s->scratch, &quantised, b->vectors, SOURCES, b->masks);
        double masks = pp_clock_s();
        pp_model_energies(s->model, s->scratch, &quantised, b->magnitude, b->vectors,
                          shape->grid * shape->grid, b->energy);
        double energies = pp_clock_s();
        s->quantise = fmin(s->quantise, quantise - start);
        s->masks = fmin(s->masks, masks - quantise);
        s->energies = fmin(s->energies, energies - masks);
    }
}

/* Multiply-adds a second of a large sgemm: what a layer's rate is measured by. */
static pp_status time_sgemm(bench *b)
{
    enum { SIDE = 768 };
    float *a = pp_alloc((size_t)3 * SIDE * SIDE, sizeof *a);
    if (a == NULL) return pp_fail(&b->err, PP_ERR_NOMEM, "no memory for the benchmark");
    for (int i = 0; i < 2 * SIDE * SIDE; i++) a[i] = (float)(i % 13) / 13;
    for (int run = 0; run < 2 * b->args.runs + 3; run++) {
        double start = pp_clock_s();
        pp_sgemm(0, 0, SIDE, SIDE, SIDE, 1, a, SIDE, a + SIDE * SIDE, SIDE, 0, a + 2 * SIDE * SIDE,
                 SIDE);
        b->peak = fmax(b->peak, (double)SIDE * SIDE * SIDE / (pp_clock_s() - start));
    }
    pp_free(a);
    return PP_OK;
}

static pp_status run(bench *b)
{
    pp_status status = pp_blas_load(b->args.core, &b->err);
    if (status == PP_OK && b->args.model == NULL) status = make_model(b);
    if (status == PP_OK) status = open_subject(b, &b->tested, b->args.kernels);
    if (status == PP_OK) status = open_subject(b, &b->plain, "plain");
    if (status == PP_OK) status = allocate(b);
    if (status == PP_OK) status = check_outputs(b);
    if (status == PP_OK) status = time_sgemm(b);
    if (status != PP_OK) return status;
    subject *subjects[] = {&b->tested, &b->plain};
    for (int i = 0; i <= b->args.compare; i++) {
        time_network(b, subjects[i], 1, &subjects[i]->sound);
        time_network(b, subjects[i], 0, &subjects[i]->frame);
        time_masks(b, subjects[i]);
    }
    return PP_OK;
}

/* ---- telling --------------------------------------------------------------------------------- */

typedef struct layer {
    double ms, done, useful, share; /* done, useful: GFLOP/s; share of sgemm's rate */
    double plain_ms;
} layer;

static layer layer_of(const bench *b, int sound, size_t op)
{
    pp_model_inside in = pp_model_look_inside(b->tested.model);
    const pp_graph *graph = sound ? in.sound_graph : in.frame_graph;
    const pp_plan *plan = sound ? in.sound_plan : in.frame_plan;
    int n = sound ? b->args.windows : b->args.frames;
    double s = (sound ? b->tested.sound : b->tested.frame).best_op[op];
    double done = in.kernels->multiply_adds(plan, (int)op) * n / s;
    return (layer){.ms = 1e3 * s,
                   .done = 2e-9 * done,
                   .useful = 2e-9 * pp_op_multiply_adds(graph, &graph->ops[op]) * n / s,
                   .share = done / b->peak,
                   .plain_ms = 1e3 * (sound ? b->plain.sound : b->plain.frame).best_op[op]};
}

static const pp_graph *graph_of(const bench *b, int sound)
{
    pp_model_inside in = pp_model_look_inside(b->tested.model);
    return sound ? in.sound_graph : in.frame_graph;
}

static void shape_text(const pp_graph *graph, const pp_op *op, char *text, size_t room)
{
    pp_extent in = graph->tensors[op->in.tensor];
    static const char *const kinds[] = {"conv", "up", "max"};
    snprintf(text, room, "%s %dx%d %d -> %d, %dx%d%s%s", kinds[op->kind], in.rows, in.columns,
             op->in.channels, op->out.channels, op->kernel, op->kernel, op->stride > 1 ? " /2" : "",
             op->dilation > 1 ? " dilated" : "");
}

static void print_network(const bench *b, int sound)
{
    const pp_graph *graph = graph_of(b, sound);
    const timing *t = sound ? &b->tested.sound : &b->tested.frame;
    const timing *plain = sound ? &b->plain.sound : &b->plain.frame;
    printf("\n%-40s %9s", sound ? "audio network" : "video network", "ms");
    if (b->args.compare) printf(" %9s %7s\n", "plain ms", "ratio");
    else printf(" %13s %15s %8s\n", "GFLOP/s done", "GFLOP/s useful", "of sgemm");
    for (size_t i = 0; i < graph->op_count; i++) {
        char shape[64];
        layer l = layer_of(b, sound, i);
        shape_text(graph, &graph->ops[i], shape, sizeof shape);
        printf("%-40s %9.3f", shape, l.ms);
        if (b->args.compare) printf(" %9.3f %7.2f\n", l.plain_ms, l.plain_ms / l.ms);
        else printf(" %13.1f %15.1f %7.0f%%\n", l.done, l.useful, 100 * l.share);
    }
    printf("%-40s %9.3f", "in and out", 1e3 * (t->best_in + t->best_out));
    if (b->args.compare) printf(" %9.3f", 1e3 * (plain->best_in + plain->best_out));
    printf("\n%-40s %9.3f", "together", 1e3 * t->best);
    if (b->args.compare) printf(" %9.3f %7.2f", 1e3 * plain->best, plain->best / t->best);
    printf("   (median %.3f)\n", 1e3 * t->median);
}

static void print_line(const bench *b, const char *what, double s, double plain)
{
    printf("%-40s %9.3f", what, 1e3 * s);
    if (b->args.compare) printf(" %9.3f %7.2f", 1e3 * plain, plain / s);
    printf("\n");
}

static void print_text(const bench *b)
{
    const pp_model_shape *s = pp_model_get_shape(b->tested.model);
    char what[64];
    printf("kernels %s; sgemm %.1f GFLOP/s (OpenBLAS, %s); %d window%s, %d picture%s, best of %d\n",
           pp_model_kernels(b->tested.model), 2e-9 * b->peak, pp_blas_core(), b->args.windows,
           b->args.windows == 1 ? "" : "s", b->args.frames, b->args.frames == 1 ? "" : "s",
           b->args.runs);
    printf("outputs checked against the plain set: off by %.1e (sound), %.1e (frames) of the "
           "largest value\n",
           b->maps_off, b->features_off);
    print_network(b, 1);
    print_network(b, 0);
    printf("\nof one window\n");
    print_line(b, "quantise the maps", b->tested.quantise, b->plain.quantise);
    snprintf(what, sizeof what, "masks of %d sources", SOURCES);
    print_line(b, what, b->tested.masks, b->plain.masks);
    snprintf(what, sizeof what, "energies of %d pixels", s->grid * s->grid);
    print_line(b, what, b->tested.energies, b->plain.energies);
}

static pp_json *network_json(const bench *b, int sound)
{
    const pp_graph *graph = graph_of(b, sound);
    const timing *t = sound ? &b->tested.sound : &b->tested.frame;
    pp_json *root = pp_json_object(), *layers = pp_json_array();
    for (size_t i = 0; i < graph->op_count; i++) {
        char shape[64];
        layer l = layer_of(b, sound, i);
        pp_json *one = pp_json_object();
        shape_text(graph, &graph->ops[i], shape, sizeof shape);
        pp_json_set_text(one, "name", graph->ops[i].name);
        pp_json_set_text(one, "shape", shape);
        pp_json_set_real(one, "ms", l.ms);
        pp_json_set_real(one, "gflops_done", l.done);
        pp_json_set_real(one, "gflops_useful", l.useful);
        pp_json_set_real(one, "share_of_sgemm", l.share);
        if (b->args.compare) pp_json_set_real(one, "plain_ms", l.plain_ms);
        pp_json_append(layers, one);
    }
    pp_json_set_int(root, "items", sound ? b->args.windows : b->args.frames);
    pp_json_set_real(root, "ms", 1e3 * t->best);
    pp_json_set_real(root, "median_ms", 1e3 * t->median);
    pp_json_set_real(root, "in_and_out_ms", 1e3 * (t->best_in + t->best_out));
    pp_json_set(root, "layers", layers);
    return root;
}

static pp_status print_json(bench *b)
{
    pp_json *root = pp_json_object();
    pp_json_set_text(root, "kernels", pp_model_kernels(b->tested.model));
    pp_json_set_text(root, "blas_core", pp_blas_core());
    pp_json_set_real(root, "sgemm_gflops", 2e-9 * b->peak);
    pp_json_set_int(root, "runs", b->args.runs);
    /* As the peer is measured: one window, three pictures, unless asked for otherwise. */
    pp_json_set_real(root, "sound_ms", 1e3 * b->tested.sound.best / b->args.windows);
    pp_json_set_real(root, "frames3_ms", 3e3 * b->tested.frame.best / b->args.frames);
    pp_json_set_real(root, "sound_median_ms", 1e3 * b->tested.sound.median / b->args.windows);
    pp_json_set_real(root, "frames3_median_ms", 3e3 * b->tested.frame.median / b->args.frames);
    pp_json_set_real(root, "quantise_ms", 1e3 * b->tested.quantise);
    pp_json_set_real(root, "masks_ms", 1e3 * b->tested.masks);
    pp_json_set_real(root, "energies_ms", 1e3 * b->tested.energies);
    pp_json_set(root, "sound", network_json(b, 1));
    pp_json_set(root, "frames", network_json(b, 0));
    char *text = pp_json_dump(root, 2);
    pp_json_free(&root);
    if (text == NULL) return pp_fail(&b->err, PP_ERR_NOMEM, "no memory for the JSON text");
    puts(text);
    pp_free(text);
    return PP_OK;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static void clear(bench *b)
{
    subject *subjects[] = {&b->tested, &b->plain};
    void *owned[] = {b->input, b->maps,  b->features, b->reference_maps, b->reference_features,
                     b->rgb,   b->masks, b->energy,   b->magnitude,      b->vectors,
                     b->codes, b->scale, b->offset};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) pp_free(owned[i]);
    for (int i = 0; i < 2; i++) {
        pp_model_scratch_destroy(&subjects[i]->scratch);
        pp_model_close(&subjects[i]->model);
    }
    if (b->made[0] != '\0') unlink(b->made);
}

static pp_status number(int *out, const char *text, int most, const char *name, pp_error *err)
{
    int64_t value = 0;
    pp_status status = pp_text_to_int(&value, text, 1, most, name, err);
    if (status == PP_OK) *out = (int)value;
    return status;
}

/* 0 to go on, otherwise the exit status + 1. */
static int parse(bench *b, int argc, char **argv)
{
    static const struct option options[] = {
        {"runs", required_argument, NULL, 'r'},   {"windows", required_argument, NULL, 'w'},
        {"frames", required_argument, NULL, 'f'}, {"kernels", required_argument, NULL, 'k'},
        {"core", required_argument, NULL, 'c'},   {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};
    arguments *a = &b->args;
    *a = (arguments){.runs = 9, .windows = 1, .frames = 3};
    pp_status status = PP_OK;
    int option;
    while (status == PP_OK && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'r') status = number(&a->runs, optarg, MOST_RUNS, "--runs", &b->err);
        else if (option == 'w') status = number(&a->windows, optarg, 64, "--windows", &b->err);
        else if (option == 'f') status = number(&a->frames, optarg, 64, "--frames", &b->err);
        else if (option == 'k') a->kernels = optarg;
        else if (option == 'c') a->core = optarg;
        else if (option == 'j') a->json = 1;
        else if (option == 'h') return fputs(usage_text, stdout) < 0 ? 2 : 1;
        else return 3;
    }
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_ERROR, NULL, &b->err);
        return 3;
    }
    int left = argc - optind;
    a->compare = strcmp(argv[0], "kernels") == 0;
    if (left > 1) {
        fputs(usage_text, stderr);
        return 3;
    }
    if (left == 1) a->model = argv[optind];
    return 0;
}

int pp_bench_networks(int argc, char **argv)
{
    bench *b = pp_alloc(1, sizeof *b);
    if (b == NULL) return 1;
    int stop = parse(b, argc, argv);
    if (stop != 0) {
        pp_free(b);
        return stop - 1;
    }
    pp_status status = run(b);
    if (status == PP_OK && b->args.json) status = print_json(b);
    else if (status == PP_OK) print_text(b);
    if (status != PP_OK) pp_log_failure(PP_LOG_ERROR, NULL, &b->err);
    clear(b);
    int result = status == PP_OK ? 0 : status == PP_ERR_USAGE ? 2 : 1;
    pp_free(b);
    return result;
}
