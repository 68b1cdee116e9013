/* pp-cluster: music videos in, archives out; alone or under mpirun and srun. docs/cluster.md. */
#include <mpi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "cluster/agree.h"
#include "cluster/cores.h"
#include "cluster/default_model.h"
#include "cluster/launch.h"
#include "cluster/one_set.h"
#include "cluster/ranks.h"
#include "cluster/run_lock.h"
#include "cluster/run_refused.h"
#include "cluster/signals.h"
#include "nn/blas.h"
#include "pipeline/query.h"

enum { EXIT_DONE = 0, EXIT_FAILURES = 1, EXIT_USAGE = 2, EXIT_AGAIN = 75 };

typedef struct program {
    pp_job job;
    pp_inputs inputs;
    pp_decoder *decoder;
    pp_model *model;
    pp_pipeline *pipeline;
    pp_run_lock *lock; /* of rank 0 */
    int rank, ranks;
    char host[64];
    double started_s, started_unix_s;
} program;

static int before_mpi(program *p, int argc, char **argv, pp_error *err)
{
    int speaks = pp_launch_rank() == 0;
    pp_status status = pp_job_parse(&p->job, argc, argv, err);
    pp_log_setup(p->job.quiet ? PP_LOG_WARN : PP_LOG_INFO, p->job.log_form, -1);
    if (status != PP_OK) {
        if (speaks) pp_log_failure(PP_LOG_ERROR, NULL, err);
        return EXIT_USAGE;
    }
    if (p->job.verb == PP_JOB_HELP) {
        if (speaks) pp_job_print_help(stdout);
        return EXIT_DONE;
    }
    if (p->job.verb == PP_JOB_VERSION) {
        if (speaks) printf("pp-cluster %s\n", PP_VERSION);
        return EXIT_DONE;
    }
    if (p->job.verb == PP_JOB_PRINT_OUT) {
        if (speaks) printf("%s\n", p->job.out);
        return EXIT_DONE;
    }
    if (pp_launch_refuse_foreign("pp-cluster", err) != PP_OK) {
        if (speaks) pp_log_failure(PP_LOG_ERROR, NULL, err);
        return EXIT_USAGE;
    }
    return -1; /* goes on */
}

static void digest_of_job(const program *p, char digest[PP_HASH_HEX])
{
    const pp_job *job = &p->job;
    const pp_parameters *s = &job->parameters;
    char *parameters = pp_parameters_json(s);
    char *text = pp_format("%s|%s|%s|%s|%d %d %d|%d %g", parameters != NULL ? parameters : "",
                           job->out, job->model != NULL ? job->model : "",
                           job->kernels != NULL ? job->kernels : "", s->segment_windows,
                           s->single_lease_windows, s->keep_shards, job->force, job->dead_after_s);
    pp_hash_bytes(text != NULL ? text : "", text != NULL ? strlen(text) : 0, digest);
    pp_free(parameters);
    pp_free(text);
}

/* ---- the model: found or made by rank 0, opened by all ------------------------------------------
 */

static pp_status find_model(program *p, char **scratch, pp_error *err)
{
    *scratch = NULL;
    if (p->job.model != NULL) return PP_OK;
    pp_status status = pp_default_model_find(&p->job.model, err);
    if (status != PP_OK || p->job.model != NULL) return status;
    const char *folder = p->job.out;
    char *made = pp_path_join(p->job.out, "untrained-2018.h5");
    int is_made = made != NULL && pp_path_exists(made);
    pp_free(made);
    if (p->job.dry_run && !is_made) { /* it leaves nothing behind */
        *scratch = pp_strdup("/tmp/pp-cluster-XXXXXX");
        if (*scratch == NULL || mkdtemp(*scratch) == NULL) {
            return pp_fail_errno(err, "cannot make a temporary folder");
        }
        folder = *scratch;
    }
    return pp_default_model_make(&p->job.model, pp_fileops_system(), folder, err);
}

/* Rank 0 may have found another file than the others would: its choice is everybody's. Collective.
 */
static pp_status share_model_path(program *p, pp_error *err)
{
    int length = p->rank == 0 ? (int)strlen(p->job.model) + 1 : 0;
    MPI_Bcast(&length, 1, MPI_INT, 0, MPI_COMM_WORLD);
    char *path = pp_alloc((size_t)length, 1);
    pp_status status = path != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    status = pp_agree_status(MPI_COMM_WORLD, status, err);
    if (status == PP_OK) {
        if (p->rank == 0) memcpy(path, p->job.model, (size_t)length);
        MPI_Bcast(path, length, MPI_CHAR, 0, MPI_COMM_WORLD);
        pp_free(p->job.model);
        p->job.model = path;
        return PP_OK;
    }
    pp_free(path);
    return status;
}

static void warn_untrained(const program *p)
{
    const pp_model_identity *model = pp_model_get_identity(p->model);
    if (p->rank != 0 || !model->untrained) return;
    pp_log(PP_LOG_WARN,
           "the model is untrained (%s): its weights are random and it separates nothing. "
           "Everything runs, but stems and maps mean nothing. --model names a trained one",
           model->name);
}

static pp_status open_model(program *p, int core_level, pp_error *err)
{
    char *scratch = NULL;
    pp_status status = p->rank == 0 ? find_model(p, &scratch, err) : PP_OK;
    status = pp_agree_status(MPI_COMM_WORLD, status, err);
    if (status == PP_OK) status = share_model_path(p, err);
    if (status == PP_OK) {
        status = pp_blas_load(pp_core_name(core_level), err);
        if (status == PP_OK) {
            status = pp_model_open(&p->model, p->job.model, p->job.kernels,
                                   scratch != NULL ? "" : NULL, err);
        }
        status = pp_agree_status(MPI_COMM_WORLD, status, err);
    }
    if (scratch != NULL) {
        if (p->job.model != NULL) unlink(p->job.model);
        rmdir(scratch);
        pp_free(scratch);
    }
    if (status == PP_OK) warn_untrained(p);
    return status;
}

/* ---- from MPI_Init on
 * ---------------------------------------------------------------------------- */

static pp_status collect_inputs(program *p, pp_error *err)
{
    p->inputs.audio_track = p->job.audio_track;
    p->inputs.with_sounds = p->job.parameters.query[0] != '\0';
    pp_status status = PP_OK;
    for (size_t i = 0; status == PP_OK && i < p->job.input_count; i++) {
        const pp_job_input *input = &p->job.inputs[i];
        status = pp_inputs_add(&p->inputs, input->argument, input->folder, err);
    }
    if (status == PP_OK) status = pp_inputs_settle(&p->inputs, err);
    if (status == PP_OK) {
        status = pp_one_set_check(&p->job, &p->inputs, p->model, p->lock, err);
    }
    if (status == PP_OK && p->job.parts > 0) {
        pp_inputs_keep_part(&p->inputs, p->job.part, p->job.parts);
    }
    return status;
}

/* Everything that can fail before work begins; all ranks leave it alike. Collective. */
static pp_status prepare(program *p, pp_error *err)
{
    pp_hello hello = {.version = PP_VERSION, .core_level = pp_core_level()};
    int core_level = 0;
    memcpy(hello.host, p->host, sizeof hello.host);
    digest_of_job(p, hello.job_digest);
    pp_status status = pp_agree_hello(MPI_COMM_WORLD, &hello, &core_level, err);
    if (status == PP_OK && p->rank == 0 && !p->job.dry_run) {
        status = pp_run_lock_take(&p->lock, &p->job, err);
    }
    status = pp_agree_status(MPI_COMM_WORLD, status, err);
    if (status == PP_OK) status = open_model(p, core_level, err);
    if (status != PP_OK) return status;
    pp_query asked; /* every rank has the same model: all of them refuse, or none */
    status = pp_query_resolve(&asked, &p->job.parameters, p->model, err);
    if (status != PP_OK) return status;
    if (p->rank == 0) status = collect_inputs(p, err);
    int works = (p->rank > 0 || p->ranks == 1) && !p->job.dry_run;
    if (status == PP_OK && works) {
        pp_pipeline_setup stages = {.model = p->model,
                                    .decoder = p->decoder,
                                    .parameters = &p->job.parameters,
                                    .ops = pp_fileops_system(),
                                    .out_folder = p->job.out,
                                    .threads = p->job.threads};
        status = pp_pipeline_create(&p->pipeline, &stages, err);
    }
    return pp_agree_status(MPI_COMM_WORLD, status, err);
}

static pp_status work(program *p, int *exit_code, int *patience_s, pp_error *err)
{
    pp_run run = {.job = &p->job,
                  .inputs = &p->inputs,
                  .model = p->model,
                  .pipeline = p->pipeline,
                  .ops = pp_fileops_system(),
                  .lock = p->lock,
                  .host = p->host,
                  .started_s = p->started_s,
                  .started_unix_s = p->started_unix_s};
    *exit_code = EXIT_DONE;
    if (p->job.dry_run) return p->rank == 0 ? pp_run_dry(&run, err) : PP_OK;
    if (p->ranks == 1) return pp_run_alone(&run, exit_code, err);
    if (p->rank == 0) return pp_ranks_coordinate(&run, MPI_COMM_WORLD, exit_code, patience_s, err);
    return pp_ranks_work(&run, MPI_COMM_WORLD, patience_s, err);
}

/* Of a run that could not begin. */
static int exit_code_of(pp_status status)
{
    if (status == PP_ERR_USAGE || status == PP_ERR_NOT_FOUND) return EXIT_USAGE;
    return status == PP_ERR_BUSY || status == PP_ERR_INTERRUPTED ? EXIT_AGAIN : EXIT_FAILURES;
}

/* Until the ranks have agreed to begin there are no heartbeats: one that dies before would hold
 * the others for ever. more_s: for what is known to take longer. */
static void watch_start(const program *p, double more_s)
{
    if (getenv("OMPI_COMM_WORLD_SIZE") == NULL && getenv("PMIX_RANK") == NULL) return;
    double patience_s = 10 * p->job.dead_after_s + more_s;
    pp_signals_leave_after(patience_s < 3600 ? (int)patience_s : 3600, EXIT_AGAIN,
                           "pp-cluster: the other ranks never came: leaving (status 75)\n");
}

static int with_mpi(program *p, int *patience_s, pp_error *err)
{
    int exit_code = EXIT_USAGE;
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, &p->rank);
    MPI_Comm_size(MPI_COMM_WORLD, &p->ranks);
    pp_log_setup(p->job.quiet ? PP_LOG_WARN : PP_LOG_INFO, p->job.log_form,
                 p->rank > 0 ? p->rank : -1);
    pp_status status = pp_launch_refuse_singletons("pp-cluster", p->ranks, err);
    const int alone_in_out = status == PP_OK; /* otherwise it is somebody else's folder too */
    watch_start(p, PP_LOCK_STALE_S);          /* rank 0 may wait for a lock */
    if (status == PP_OK) status = prepare(p, err);
    pp_signals_leave_after(0, 0, NULL);
    if (status != PP_OK) {
        exit_code = exit_code_of(status);
        if (p->rank > 0) return exit_code;
        pp_log_failure(PP_LOG_ERROR, NULL, err);
        if (alone_in_out && !p->job.dry_run && exit_code != EXIT_AGAIN) {
            pp_run_refused(&p->job, exit_code, err);
        }
        return exit_code;
    }
    status = work(p, &exit_code, patience_s, err);
    if (status == PP_OK) return exit_code;
    pp_log_failure(PP_LOG_ERROR, NULL, err);
    return status == PP_ERR_BUSY ? EXIT_AGAIN : EXIT_FAILURES;
}

static void free_program(program *p)
{
    pp_run_lock_release(&p->lock);
    pp_pipeline_destroy(&p->pipeline);
    pp_model_close(&p->model);
    pp_decoder_destroy(&p->decoder);
    pp_inputs_free(&p->inputs);
    pp_job_free(&p->job);
}

int main(int argc, char **argv)
{
    program p = {.started_s = pp_clock_s(), .started_unix_s = pp_clock_unix_s(), .ranks = 1};
    pp_error err = {0};
    int exit_code = before_mpi(&p, argc, argv, &err);
    if (exit_code >= 0) {
        free_program(&p);
        return exit_code;
    }
    gethostname(p.host, sizeof p.host - 1);
    pp_signals_install();
    const pp_media_limits limits = {.wall_s = p.job.decoder_wait_s};
    /* Before MPI_Init: it must not fork from a process with MPI's threads and memory. */
    pp_status decoder = pp_decoder_create(&p.decoder, NULL, &limits, &err);
    int provided = 0, patience_s = PP_RANKS_PATIENCE_S;
    watch_start(&p, 0);
    if (MPI_Init_thread(&argc, &argv, MPI_THREAD_FUNNELED, &provided) != MPI_SUCCESS) {
        pp_log(PP_LOG_ERROR, "MPI_Init failed");
        free_program(&p);
        return EXIT_FAILURES;
    }
    if (pp_agree_status(MPI_COMM_WORLD, decoder, &err) == PP_OK) {
        exit_code = with_mpi(&p, &patience_s, &err);
    } else {
        pp_log_failure(PP_LOG_ERROR, NULL, &err);
        exit_code = EXIT_FAILURES;
    }
    free_program(&p);
    if (p.ranks > 1) pp_signals_leave_after(patience_s, exit_code, NULL);
    MPI_Finalize();
    return exit_code;
}
