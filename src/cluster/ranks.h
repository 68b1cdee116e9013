/* A run of several ranks: rank 0 coordinates and yields its core, the others work. */
#ifndef PP_CLUSTER_RANKS_H
#define PP_CLUSTER_RANKS_H

#include <mpi.h>

#include "cluster/run.h"

/* The loop of rank 0. Not collective: ranks may be dead by the time it ends (*ranks_lost). */
pp_status pp_ranks_coordinate(const pp_run *run, MPI_Comm comm, int *exit_code, int *ranks_lost,
                              pp_error *err) PP_MUST_USE;
/* The loop of the others: until they are told to stop, or the coordinator falls silent. */
pp_status pp_ranks_work(const pp_run *run, MPI_Comm comm, int *ranks_lost,
                        pp_error *err) PP_MUST_USE;

#endif
