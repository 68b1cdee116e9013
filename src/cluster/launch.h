/* What the launcher (mpirun, srun, Slurm) says to a rank through its environment.
 *
 * Local: no function here is collective or needs MPI.
 */
#ifndef PP_CLUSTER_LAUNCH_H
#define PP_CLUSTER_LAUNCH_H

#include "base/status.h"

/* The rank by the launcher's word, before MPI_Init: so that N ranks do not all say the same thing.
 * 0 where there is no launcher. */
int pp_launch_rank(void);

/* Before MPI_Init, which would end the program with a riddle: refuses to be one of several tasks
 * that srun started without the PMI that Open MPI speaks. `program` names the line to type. */
pp_status pp_launch_refuse_foreign(const char *program, pp_error *err) PP_MUST_USE;

/* After MPI_Init: with a wrong PMI, srun starts N programs that know nothing of each other, and all
 * would do the same work over each other's files. ranks: the size of the world. */
pp_status pp_launch_refuse_singletons(const char *program, int ranks, pp_error *err) PP_MUST_USE;

/* When the batch job ends, in seconds since 1970: PP_END_TIME of our batch scripts, or Slurm's own
 * word; 0 where nobody says. */
double pp_launch_end_unix_s(void);

#endif
