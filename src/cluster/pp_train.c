/* pp-train: Mix-and-Separate training, alone or under mpirun and srun. docs/training.md. */
#include <getopt.h>
#include <math.h>
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/agree.h"
#include "cluster/cores.h"
#include "cluster/launch.h"
#include "cluster/signals.h"
#include "cluster/train_exchange.h"
#include "cluster/train_inputs.h"
#include "nn/blas.h"
#include "train/bench.h"
#include "train/checkpoint.h"
#include "train/report.h"
#include "train/trainer.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_AGAIN = 75 };

/* A step with what is due behind it (validation, a checkpoint) must end before the time is up: it
 * is given half as long again as the longest so far, and the last checkpoint and the way out so
 * much. */
#define WAY_OUT_S 20.0

static const char help[] =
    "usage: pp-train [OPTIONS] JOB.ini\n"
    "       mpirun -n RANKS pp-train [OPTIONS] JOB.ini\n"
    "\n"
    "Trains the networks by Mix-and-Separate: each rank on mixes of its own, gradients summed. "
    "Goes\n"
    "on from the checkpoint in the job's output folder where there is one. docs/training.md\n"
    "\n"
    "  -s, --set SECTION.KEY=VALUE  a setting, over the job file's; may stand several times\n"
    "  -o, --out DIR                the same as --set run.out=DIR\n"
    "      --bench STEPS            only measure so many steps on made-up data; best of them, "
    "median,\n"
    "                               and mixes a second (tools/bench-train compares with PyTorch)\n"
    "      --keys                   print every setting with its default, as a job file\n"
    "      --print-out              print the output folder and end; for scripts\n"
    "      --log-format text|json   lines for people, or one JSON object a line\n"
    "  -q, --quiet                  warnings and errors only\n"
    "  -v, --verbose\n"
    "  -h, --help    -V, --version\n"
    "\n"
    "Ends with 0: trained to the last step; 1: failed; 2: the arguments make no sense; 75: "
    "stopped\n"
    "early (SIGTERM, SIGUSR1, Ctrl-C, time limit), run it again. OUT/status.json has it too.\n";

typedef struct program {
    pp_train_job job;
    pp_log_level level;
    pp_log_form form;
    pp_decoder *decoder;
    double own_end_unix_s, batch_end_unix_s; /* of the job file's and Slurm's limit; 0: none */
    double asked_unix_s, longest_s; /* should_stop: the last call; the longest time between two */
    int rank, ranks;
    int64_t bench_steps; /* 0: train */
    int print_out;       /* say where the output goes, and end */
} program;

enum { OPTION_KEYS = 1000, OPTION_LOG, OPTION_BENCH, OPTION_PRINT_OUT };

#define BENCH_LABELS 15 /* made up, where the job asks by label */

static const struct option options[] = {{"set", required_argument, NULL, 's'},
                                        {"out", required_argument, NULL, 'o'},
                                        {"keys", no_argument, NULL, OPTION_KEYS},
                                        {"bench", required_argument, NULL, OPTION_BENCH},
                                        {"print-out", no_argument, NULL, OPTION_PRINT_OUT},
                                        {"log-format", required_argument, NULL, OPTION_LOG},
                                        {"quiet", no_argument, NULL, 'q'},
                                        {"verbose", no_argument, NULL, 'v'},
                                        {"help", no_argument, NULL, 'h'},
                                        {"version", no_argument, NULL, 'V'},
                                        {NULL, 0, NULL, 0}};

/* Options that print something and end the program: their exit code; -1: goes on. */
static int read_switch(program *p, int option, int speaks)
{
    switch (option) {
    case 'q':
        p->level = PP_LOG_WARN;
        return -1;
    case 'v':
        p->level = PP_LOG_DEBUG;
        return -1;
    case OPTION_PRINT_OUT:
        p->print_out = 1;
        return -1;
    case OPTION_LOG:
        p->form = strcmp(optarg, "json") == 0 ? PP_LOG_JSON : PP_LOG_TEXT;
        return -1;
    case OPTION_BENCH:
        return pp_text_to_int(&p->bench_steps, optarg, 1, 1000000, "--bench", NULL) == PP_OK
                   ? -1
                   : EXIT_USAGE;
    case 's':
    case 'o':
        return -1; /* settings: read behind the job file */
    case OPTION_KEYS:
        if (speaks) pp_train_job_print_keys(stdout);
        return EXIT_DONE;
    case 'h':
        if (speaks) fputs(help, stdout);
        return EXIT_DONE;
    case 'V':
        if (speaks) printf("pp-train %s\n", PP_VERSION);
        return EXIT_DONE;
    default:
        if (speaks) fputs(help, stderr);
        return EXIT_USAGE;
    }
}

static pp_status read_settings(program *p, int argc, char **argv, pp_error *err)
{
    pp_status status = PP_OK;
    optind = 1;
    for (int o;
         status == PP_OK && (o = getopt_long(argc, argv, "s:o:qvhV", options, NULL)) != -1;) {
        if (o == 's') status = pp_train_job_set(&p->job, optarg, err);
        if (o != 'o') continue;
        char *setting = pp_format("run.out=%s", optarg);
        status = setting != NULL ? pp_train_job_set(&p->job, setting, err)
                                 : pp_fail(err, PP_ERR_NOMEM, "no memory for an argument");
        pp_free(setting);
    }
    return status;
}

static int before_mpi(program *p, int argc, char **argv, pp_error *err)
{
    const int speaks = pp_launch_rank() == 0;
    p->level = PP_LOG_INFO;
    opterr = speaks;
    for (int o; (o = getopt_long(argc, argv, "s:o:qvhV", options, NULL)) != -1;) {
        const int code = read_switch(p, o, speaks);
        if (code >= 0) return code;
    }
    pp_log_setup(p->level, p->form, -1);
    pp_status status = pp_train_job_defaults(&p->job, err);
    if (status == PP_OK && optind + 1 != argc) {
        status = pp_fail(err, PP_ERR_USAGE, "one job file, please (pp-train --help)");
    }
    if (status == PP_OK) status = pp_train_job_read(&p->job, argv[optind], err);
    if (status == PP_OK) status = read_settings(p, argc, argv, err);
    if (status == PP_OK) status = pp_train_job_settle(&p->job, err);
    if (status == PP_OK && p->print_out) {
        if (speaks) printf("%s\n", p->job.out);
        return EXIT_DONE;
    }
    if (status == PP_OK) status = pp_launch_refuse_foreign("pp-train", err);
    if (status == PP_OK) return -1;
    if (speaks) pp_log_failure(PP_LOG_ERROR, NULL, err);
    return EXIT_USAGE;
}

static void set_time_limits(program *p)
{
    p->batch_end_unix_s = pp_launch_end_unix_s();
    if (p->job.time_limit_s > 0) p->own_end_unix_s = pp_clock_unix_s() + p->job.time_limit_s;
}

/* Asked before every step. */
static int should_stop(void *user)
{
    program *p = user;
    const pp_signals seen = pp_signals_seen();
    const double now = pp_clock_unix_s(), last_s = now - p->asked_unix_s;
    if (p->asked_unix_s > 0 && last_s > p->longest_s) p->longest_s = last_s;
    p->asked_unix_s = now;
    if (seen.drain || seen.now) return 1;
    if (p->own_end_unix_s > 0 && now >= p->own_end_unix_s) return 1;
    return p->batch_end_unix_s > 0 && now + 1.5 * p->longest_s + WAY_OUT_S >= p->batch_end_unix_s;
}

static void digest_of_job(const pp_train_job *job, char digest[PP_HASH_HEX])
{
    pp_json *description = pp_train_job_describe(job);
    char *text = pp_json_dump(description, 0);
    pp_hash_bytes(text != NULL ? text : "", text != NULL ? strlen(text) : 0, digest);
    pp_json_free(&description);
    pp_free(text);
}

/* Ranks compute with the kernels that all have. */
static pp_status say_hello(const program *p, pp_error *err)
{
    pp_hello hello = {.core_level = pp_core_level()};
    int core_level = -1;
    if (gethostname(hello.host, sizeof hello.host - 1) != 0) strcpy(hello.host, "host");
    snprintf(hello.version, sizeof hello.version, "%s", PP_VERSION);
    digest_of_job(&p->job, hello.job_digest);
    pp_status status = pp_agree_hello(MPI_COMM_WORLD, &hello, &core_level, err);
    if (status == PP_OK) status = pp_blas_load(pp_core_name(core_level), err);
    return pp_agree_status(MPI_COMM_WORLD, status, err);
}

static pp_status open_inputs(program *p, pp_train_inputs *inputs, pp_error *err)
{
    char *checkpoint = pp_train_out_path(&p->job, "checkpoint.h5"), **labels = NULL;
    int64_t count = 0;
    pp_status status = PP_OK;
    if (checkpoint == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    } else if (pp_path_exists(checkpoint)) {
        status = pp_train_checkpoint_labels(pp_fileops_system(), checkpoint, &labels, &count, err);
    }
    status = pp_agree_status(MPI_COMM_WORLD, status, err);
    if (status == PP_OK) {
        status = pp_train_inputs_open(inputs, &p->job, p->decoder, (const char *const *)labels,
                                      (int)count, should_stop, p, MPI_COMM_WORLD, err);
    }
    pp_h5_free_texts(&labels, count);
    pp_free(checkpoint);
    return status;
}

static pp_status bench(const program *p, pp_error *err)
{
    pp_train_ranks *ranks = NULL;
    pp_train_exchange exchange;
    pp_train_speed speed = {0};
    pp_status status = pp_train_ranks_create(&ranks, MPI_COMM_WORLD, &exchange, err);
    if (status == PP_OK) {
        status = pp_train_bench(&p->job, &exchange, BENCH_LABELS, (int)p->bench_steps, &speed, err);
    }
    if (status == PP_OK && p->rank == 0) {
        printf("{\"ranks\": %d, \"parameters\": %zu, \"batch\": %d, \"best_step_s\": %.6f, "
               "\"median_step_s\": %.6f, \"mixes_per_s\": %.3f}\n",
               p->ranks, speed.parameters, p->job.shape.batch, speed.best_step_s,
               speed.median_step_s, speed.samples_per_s);
    }
    pp_train_ranks_destroy(&ranks);
    return status;
}

static pp_status train(program *p, pp_train_outcome *outcome, pp_error *err)
{
    pp_train_inputs inputs = {0};
    pp_train_ranks *ranks = NULL;
    pp_train_exchange exchange;
    pp_status status = say_hello(p, err);
    if (status == PP_OK && p->bench_steps > 0) {
        outcome->finished = 1;
        return bench(p, err);
    }
    if (status == PP_OK) status = open_inputs(p, &inputs, err);
    pp_decoder_destroy(&p->decoder);
    if (status == PP_OK) {
        status = pp_train_ranks_create(&ranks, MPI_COMM_WORLD, &exchange, err);
        status = pp_agree_status(MPI_COMM_WORLD, status, err);
    }
    if (status == PP_OK) {
        p->asked_unix_s = p->longest_s = 0; /* clips and networks took longer than a step will */
        const pp_train_setup setup = {&p->job,   inputs.train, inputs.validation,
                                      &exchange, should_stop,  p};
        status = pp_train_run(&setup, outcome, err);
    }
    pp_train_ranks_destroy(&ranks);
    pp_train_inputs_close(&inputs);
    return status;
}

/* What OUT/status.json says; a run that could not even begin says so too, or batch scripts would
 * start it again and again. */
static pp_status end(const program *p, pp_status status, const pp_train_outcome *outcome,
                     pp_error *err)
{
    if (p->rank != 0 || p->bench_steps > 0) return status;
    pp_error own = {0};
    const int failed = status != PP_OK && status != PP_ERR_INTERRUPTED;
    const pp_status written =
        pp_train_report_end(&p->job, outcome->finished, outcome->step, outcome->best_loss,
                            failed ? err : NULL, status == PP_OK ? err : &own);
    return status == PP_OK ? written : status;
}

static int exit_code_of(const program *p, pp_status status, int finished, const pp_error *err)
{
    if (status == PP_ERR_INTERRUPTED) {
        if (p->rank == 0) pp_log(PP_LOG_INFO, "stopped early: run it again to go on");
        return EXIT_AGAIN;
    }
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_ERROR, NULL, err);
        return status == PP_ERR_USAGE ? EXIT_USAGE : EXIT_FAILED;
    }
    if (p->rank == 0 && p->bench_steps == 0) {
        pp_log(PP_LOG_INFO,
               finished ? "trained; the model is in %s"
                        : "stopped early: run it again to go on (%s)",
               p->job.out);
    }
    return finished ? EXIT_DONE : EXIT_AGAIN;
}

int main(int argc, char **argv)
{
    program p = {0};
    pp_error err = {0};
    pp_train_outcome outcome = {.best_loss = INFINITY};
    int code = before_mpi(&p, argc, argv, &err);
    if (code >= 0) {
        pp_train_job_free(&p.job);
        return code;
    }
    set_time_limits(&p);
    pp_signals_install();
    pp_status status = pp_decoder_create(&p.decoder, NULL, NULL, &err);
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_ERROR, NULL, &err);
        pp_train_job_free(&p.job);
        return EXIT_FAILED;
    }
    MPI_Init(&argc, &argv);
    MPI_Comm_rank(MPI_COMM_WORLD, &p.rank);
    MPI_Comm_size(MPI_COMM_WORLD, &p.ranks);
    pp_log_setup(p.level, p.form, p.ranks > 1 ? p.rank : -1);
    status = pp_launch_refuse_singletons("pp-train", p.ranks, &err);
    if (status == PP_OK) { /* otherwise the output folder is somebody else's too */
        if (p.rank == 0 && p.bench_steps == 0) pp_train_report_start(&p.job);
        status = train(&p, &outcome, &err);
        status = end(&p, status, &outcome, &err);
    }
    code = exit_code_of(&p, status, outcome.finished, &err);
    pp_decoder_destroy(&p.decoder);
    pp_train_job_free(&p.job);
    MPI_Finalize();
    return code;
}
