/* What ranks must agree on before they work: who they are, that all can work, with which kernels.
 * Every function here is collective over `comm`. */
#ifndef PP_CLUSTER_AGREE_H
#define PP_CLUSTER_AGREE_H

#include <mpi.h>

#include "base/hash.h"
#include "base/status.h"

typedef struct pp_hello {
    char host[64];
    char version[32];
    char job_digest[PP_HASH_HEX]; /* of everything that the ranks must see alike */
    int core_level;               /* pp_core_level: of processor instructions */
} pp_hello;

/* Fails on every rank alike where versions or jobs differ; *core_level: the lowest of all. */
pp_status pp_agree_hello(MPI_Comm comm, const pp_hello *mine, int *core_level,
                         pp_error *err) PP_MUST_USE;
/* Where one rank failed all do, with the words of the first one that did. */
pp_status pp_agree_status(MPI_Comm comm, pp_status mine, pp_error *err) PP_MUST_USE;

#endif
