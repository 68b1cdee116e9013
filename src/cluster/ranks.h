/* A run of several ranks: rank 0 coordinates and yields its core, the others work. */
#ifndef PP_CLUSTER_RANKS_H
#define PP_CLUSTER_RANKS_H

#include <mpi.h>

#include "cluster/run.h"

/* How long MPI_Finalize may take. With a rank dead, that of Open MPI 4.1 hangs one time in ten; all
 * is written by then. Otherwise workers wait in it while the coordinator writes its last files. */
#define PP_RANKS_LOST_PATIENCE_S 5
#define PP_RANKS_PATIENCE_S 60

/* The loop of rank 0. Not collective: ranks may be dead by the time it ends. */
pp_status pp_ranks_coordinate(const pp_run *run, MPI_Comm comm, int *exit_code, int *patience_s,
                              pp_error *err) PP_MUST_USE;
/* The loop of the others: until they are told to stop, or the coordinator falls silent. */
pp_status pp_ranks_work(const pp_run *run, MPI_Comm comm, int *patience_s,
                        pp_error *err) PP_MUST_USE;

#endif
