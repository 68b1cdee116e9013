/* pp bench pipeline: one video through one worker on one core, and where the time went. */
#include <ftw.h>
#include <getopt.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/text.h"
#include "cluster/default_model.h"
#include "cmd_bench.h"
#include "nn/blas.h"
#include "pipeline/pipeline.h"

static const char usage_text[] =
    "usage: pp bench pipeline VIDEO [MODEL.h5] [OPTIONS]\n"
    "\n"
    "Runs one video through all stages in this process and shows where the time went, for each\n"
    "window of sound. Worker and decoder share one core unless asked otherwise.\n"
    "\n"
    "      --cpu N        the core (0); -1: any\n"
    "      --runs N       the fastest of so many (1)\n"
    "      --threads N    windows and pictures worked on at a time (1); with --cpu -1\n"
    "      --batch N      windows or pictures in one run of a network (the pipeline's default)\n"
    "      --kernels SET  (the best of this processor)\n"
    "      --json         one JSON object\n";

typedef struct bench {
    const char *video, *model_path, *kernels;
    int cpu, runs, batch, threads, json;
    char *default_path, folder[64];
    pp_decoder *decoder;
    pp_model *model;
    pp_pipeline *pipeline;
    pp_part_clock clock, best_clock;
    pp_lease_result result;
    double best_s;
} bench;

/* ---- the folder that results go to ----------------------------------------------------------- */

static int remove_one(const char *path, const struct stat *is, int kind, struct FTW *place)
{
    (void)is, (void)kind, (void)place;
    return remove(path);
}

static void remove_folder(bench *b)
{
    if (b->folder[0] != '\0') nftw(b->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    b->folder[0] = '\0';
}

static pp_status make_folder(bench *b, pp_error *err)
{
    snprintf(b->folder, sizeof b->folder, "/tmp/pp-bench-XXXXXX");
    if (mkdtemp(b->folder) != NULL) return PP_OK;
    b->folder[0] = '\0';
    return pp_fail_errno(err, "cannot make a folder in /tmp");
}

/* ---- running --------------------------------------------------------------------------------- */

/* While the networks look at pictures the decoder goes on with the next ones. On one core that is
 * time which the worker waits in the middle of something else: it counts as decoding. */
static void give_decoder_its_time(pp_part_clock *clock)
{
    static const pp_part beside[] = {PP_PART_SEE, PP_PART_OTHER};
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++) {
        double waited = clock->part_s[beside[i]] - clock->part_cpu_s[beside[i]];
        if (waited <= 0) continue;
        clock->part_s[beside[i]] -= waited;
        clock->part_s[PP_PART_DECODE] += waited;
    }
}

static pp_status run_once(bench *b, pp_error *err)
{
    const pp_lease lease = {.source = {.path = b->video, .id = "", .audio_track = -1},
                            .first_stage = PP_STAGE_PROBE,
                            .last_stage = PP_STAGE_PUBLISH};
    pp_parameters parameters;
    pp_parameters_default(&parameters);
    parameters.single_lease_windows = 1 << 20;
    pp_status status = make_folder(b, err);
    b->clock = (pp_part_clock){0};
    pp_pipeline_setup setup = {.model = b->model,
                               .decoder = b->decoder,
                               .parameters = &parameters,
                               .ops = pp_fileops_system(),
                               .out_folder = b->folder,
                               .batch = b->batch,
                               .threads = b->threads,
                               .clock = &b->clock};
    if (status == PP_OK) status = pp_pipeline_create(&b->pipeline, &setup, err);
    double start_s = pp_clock_s();
    if (status == PP_OK) {
        status = pp_pipeline_run(b->pipeline, &lease, NULL, NULL, &b->result, err);
    }
    double took_s = pp_clock_s() - start_s;
    if (status == PP_OK && (b->best_s <= 0 || took_s < b->best_s)) {
        b->best_s = took_s;
        b->best_clock = b->clock;
        give_decoder_its_time(&b->best_clock);
    }
    pp_pipeline_destroy(&b->pipeline);
    remove_folder(b);
    return status;
}

/* Before anything else, so that the decoder's process inherits it. */
static pp_status stay_on_core(int cpu, pp_error *err)
{
    cpu_set_t set;
    if (cpu < 0) return PP_OK;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    if (sched_setaffinity(0, sizeof set, &set) == 0) return PP_OK;
    return pp_fail_errno(err, "cannot stay on core %d", cpu);
}

static pp_status run(bench *b, pp_error *err)
{
    pp_status status = stay_on_core(b->cpu, err);
    if (status == PP_OK) status = pp_decoder_create(&b->decoder, NULL, NULL, err);
    if (status == PP_OK) status = pp_blas_load(NULL, err);
    if (status == PP_OK && b->model_path == NULL) {
        status = pp_default_model_find(&b->default_path, err);
        b->model_path = b->default_path;
        if (status == PP_OK && b->model_path == NULL) {
            status = pp_fail(err, PP_ERR_USAGE, "there is no default model: name one");
        }
    }
    if (status == PP_OK) status = pp_model_open(&b->model, b->model_path, b->kernels, NULL, err);
    for (int i = 0; status == PP_OK && i < b->runs; i++) status = run_once(b, err);
    return status;
}

/* ---- telling --------------------------------------------------------------------------------- */

static int is_network(pp_part part)
{
    return part == PP_PART_SEE || part == PP_PART_LISTEN;
}

static double networks_s(const bench *b)
{
    double sum = 0;
    for (int i = 0; i < PP_PARTS; i++) {
        if (is_network((pp_part)i)) sum += b->best_clock.part_s[i];
    }
    return sum;
}

static void print_text(const bench *b)
{
    double each = 1e3 / (double)b->result.cut.windows;
    printf("%.1f s of media, %lld windows, %lld pictures, kernels %s, model %s\n\n",
           b->result.duration_s, (long long)b->result.cut.windows,
           (long long)b->result.cut.pictures, pp_model_kernels(b->model),
           pp_model_get_identity(b->model)->name);
    printf("%-12s %9s %12s\n", "", "s", "ms a window");
    for (int i = 0; i < PP_PARTS; i++) {
        double s = b->best_clock.part_s[i];
        printf("%-12s %9.3f %12.2f%s\n", pp_part_name((pp_part)i), s, s * each,
               is_network((pp_part)i) ? "  network" : "");
    }
    printf("%-12s %9.3f %12.2f\n", "networks", networks_s(b), networks_s(b) * each);
    printf("%-12s %9.3f %12.2f\n", "the rest", b->best_s - networks_s(b),
           (b->best_s - networks_s(b)) * each);
    printf("%-12s %9.3f %12.2f   %.1f times as fast as it plays\n", "together", b->best_s,
           b->best_s * each, b->result.duration_s / b->best_s);
}

static pp_status print_json(const bench *b, pp_error *err)
{
    pp_json *root = pp_json_object(), *parts = pp_json_object();
    double each = 1e3 / (double)b->result.cut.windows;
    pp_json_set_text(root, "kernels", pp_model_kernels(b->model));
    pp_json_set_text(root, "model", pp_model_get_identity(b->model)->name);
    pp_json_set_real(root, "media_s", b->result.duration_s);
    pp_json_set_int(root, "windows", b->result.cut.windows);
    pp_json_set_int(root, "pictures", b->result.cut.pictures);
    pp_json_set_real(root, "wall_s", b->best_s);
    pp_json_set_real(root, "ms_a_window", b->best_s * each);
    pp_json_set_real(root, "networks_ms_a_window", networks_s(b) * each);
    pp_json_set_real(root, "rest_ms_a_window", (b->best_s - networks_s(b)) * each);
    for (int i = 0; i < PP_PARTS; i++) {
        pp_json_set_real(parts, pp_part_name((pp_part)i), b->best_clock.part_s[i] * each);
    }
    pp_json_set(root, "parts_ms_a_window", parts);
    char *text = pp_json_dump(root, 2);
    pp_json_free(&root);
    if (text == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the JSON text");
    puts(text);
    pp_free(text);
    return PP_OK;
}

/* ---- the verb -------------------------------------------------------------------------------- */

static pp_status number(int *out, const char *text, int least, int most, const char *name,
                        pp_error *err)
{
    int64_t value = 0;
    pp_status status = pp_text_to_int(&value, text, least, most, name, err);
    if (status == PP_OK) *out = (int)value;
    return status;
}

/* 0 to go on, otherwise the exit status + 1. */
static int parse(bench *b, int argc, char **argv, pp_error *err)
{
    static const struct option options[] = {
        {"cpu", required_argument, NULL, 'c'},     {"runs", required_argument, NULL, 'r'},
        {"batch", required_argument, NULL, 'b'},   {"threads", required_argument, NULL, 't'},
        {"kernels", required_argument, NULL, 'k'}, {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0}};
    pp_status status = PP_OK;
    int option;
    *b = (bench){.runs = 1};
    while (status == PP_OK && (option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'c') status = number(&b->cpu, optarg, -1, CPU_SETSIZE - 1, "--cpu", err);
        else if (option == 'r') status = number(&b->runs, optarg, 1, 1000, "--runs", err);
        else if (option == 'b') status = number(&b->batch, optarg, 1, 64, "--batch", err);
        else if (option == 't') status = number(&b->threads, optarg, 1, 64, "--threads", err);
        else if (option == 'k') b->kernels = optarg;
        else if (option == 'j') b->json = 1;
        else if (option == 'h') return fputs(usage_text, stdout) < 0 ? 2 : 1;
        else return 3;
    }
    int left = argc - optind;
    if (status != PP_OK) pp_log_failure(PP_LOG_ERROR, NULL, err);
    else if (left < 1 || left > 2) fputs(usage_text, stderr);
    if (status != PP_OK || left < 1 || left > 2) return 3;
    b->video = argv[optind];
    if (left == 2) b->model_path = argv[optind + 1];
    return 0;
}

int pp_bench_pipeline(int argc, char **argv)
{
    bench b;
    pp_error err = {0};
    int stop = parse(&b, argc, argv, &err);
    if (stop != 0) return stop - 1;
    pp_status status = run(&b, &err);
    if (status == PP_OK && b.json) status = print_json(&b, &err);
    else if (status == PP_OK) print_text(&b);
    if (status != PP_OK) pp_log_failure(PP_LOG_ERROR, NULL, &err);
    remove_folder(&b);
    pp_model_close(&b.model);
    pp_decoder_destroy(&b.decoder);
    pp_free(b.default_path);
    return status == PP_OK ? 0 : status == PP_ERR_USAGE ? 2 : 1;
}
