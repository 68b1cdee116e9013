#include "cluster/launch.h"

#include <stdlib.h>

static const char *first_of(const char *const *names, int count)
{
    for (int i = 0; i < count; i++) {
        if (getenv(names[i]) != NULL) return getenv(names[i]);
    }
    return NULL;
}

int pp_launch_rank(void)
{
    static const char *const names[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK", "PMI_RANK",
                                        "SLURM_PROCID"};
    const char *rank = first_of(names, 4);
    return rank != NULL ? atoi(rank) : 0;
}

static pp_status advise_line(const char *program, pp_error *err)
{
    return pp_advise(err,
                     "start it as `srun --mpi=pmix %s ...` or `mpirun %s ...` (inside sbatch); to "
                     "run one process alone on purpose: `SLURM_NTASKS=1 %s ...`",
                     program, program, program);
}

pp_status pp_launch_refuse_foreign(const char *program, pp_error *err)
{
    static const char *const spoken[] = {"OMPI_COMM_WORLD_RANK", "PMIX_RANK"};
    const char *tasks = getenv("SLURM_STEP_NUM_TASKS");
    if (tasks == NULL || atoi(tasks) <= 1 || first_of(spoken, 2) != NULL) return PP_OK;
    pp_fail(err, PP_ERR_USAGE,
            "srun started %s tasks here with an --mpi that Open MPI does not speak", tasks);
    return advise_line(program, err);
}

pp_status pp_launch_refuse_singletons(const char *program, int ranks, pp_error *err)
{
    const char *tasks = getenv("SLURM_NTASKS");
    if (ranks > 1 || tasks == NULL || atoi(tasks) <= 1) return PP_OK;
    pp_fail(err, PP_ERR_USAGE,
            "Slurm has %s tasks here, but MPI sees one rank: the tasks do not know of each other",
            tasks);
    return advise_line(program, err);
}

double pp_launch_end_unix_s(void)
{
    static const char *const names[] = {"PP_END_TIME", "SLURM_JOB_END_TIME"};
    for (int i = 0; i < 2; i++) {
        const char *text = getenv(names[i]);
        double end = text != NULL ? strtod(text, NULL) : 0;
        if (end > 0) return end;
    }
    return 0;
}
