/* Which OpenBLAS kernels a processor can run, as levels that ranks can take the lowest of. All
 * ranks of a run then compute with the same ones, so that no archive depends on who made it. */
#ifndef PP_CLUSTER_CORES_H
#define PP_CLUSTER_CORES_H

/* Higher runs everything that lower does. -1: not an x86-64 processor; OpenBLAS chooses. */
int pp_core_level(void);
/* OpenBLAS's name of the level's core type ("Haswell"), NULL for -1: for pp_blas_load. */
const char *pp_core_name(int level);

#endif
