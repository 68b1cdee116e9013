#include "cluster/agree.h"

#include <stdio.h>
#include <string.h>

#include "base/memory.h"

static pp_status compare_hellos(const pp_hello *all, int ranks, int *core_level, pp_error *err)
{
    *core_level = all[0].core_level;
    for (int i = 1; i < ranks; i++) {
        if (all[i].core_level < *core_level) *core_level = all[i].core_level;
        if (strcmp(all[i].version, all[0].version) != 0) {
            pp_fail(err, PP_ERR_USAGE, "rank 0 on %s is version %s, rank %d on %s is %s",
                    all[0].host, all[0].version, i, all[i].host, all[i].version);
            return pp_advise(err, "install the same program on every node");
        }
        if (strcmp(all[i].job_digest, all[0].job_digest) != 0) {
            pp_fail(err, PP_ERR_USAGE, "rank 0 on %s and rank %d on %s read different jobs",
                    all[0].host, i, all[i].host);
            return pp_advise(err, "all nodes must see the same job file and folders");
        }
    }
    return PP_OK;
}

pp_status pp_agree_hello(MPI_Comm comm, const pp_hello *mine, int *core_level, pp_error *err)
{
    int ranks = 1;
    MPI_Comm_size(comm, &ranks);
    pp_hello *all = pp_alloc((size_t)ranks, sizeof *all);
    pp_status status = all != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for the ranks");
    status = pp_agree_status(comm, status, err);
    if (status == PP_OK && MPI_Allgather(mine, (int)sizeof *mine, MPI_BYTE, all, (int)sizeof *mine,
                                         MPI_BYTE, comm) != MPI_SUCCESS) {
        status = pp_fail(err, PP_ERR_INTERNAL, "MPI_Allgather failed");
    }
    if (status == PP_OK) status = compare_hellos(all, ranks, core_level, err);
    pp_free(all);
    return status;
}

pp_status pp_agree_status(MPI_Comm comm, pp_status mine, pp_error *err)
{
    int rank = 0, ranks = 1, first = 0;
    MPI_Comm_rank(comm, &rank);
    MPI_Comm_size(comm, &ranks);
    int failed = mine != PP_OK ? rank : ranks;
    if (MPI_Allreduce(&failed, &first, 1, MPI_INT, MPI_MIN, comm) != MPI_SUCCESS) {
        return pp_fail(err, PP_ERR_INTERNAL, "MPI_Allreduce failed");
    }
    if (first == ranks) return PP_OK;
    pp_error words = {0};
    if (rank == first) words = *err;
    MPI_Bcast(&words, (int)sizeof words, MPI_BYTE, first, comm);
    if (words.status == PP_OK) pp_fail(&words, PP_ERR_INTERNAL, "rank %d failed", first);
    *err = words;
    return words.status;
}
