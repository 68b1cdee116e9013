/* Messages over MPI. Sends are nonblocking and never waited for, so that a dead rank holds nobody
 * up; receives take what has arrived. One thread; not collective, but for agree.h's functions. */
#ifndef PP_CLUSTER_LINK_H
#define PP_CLUSTER_LINK_H

#include <mpi.h>

#include "cluster/messages.h"

typedef struct pp_link pp_link;

pp_status pp_link_create(pp_link **out, MPI_Comm comm, pp_error *err) PP_MUST_USE;
/* Forgets what has not been sent yet; before MPI_Finalize. */
void pp_link_destroy(pp_link **link);

/* Starts a send. What cannot be sent is dropped with a warning. */
void pp_link_send(pp_link *link, int rank, const pp_message *message);
/* Takes the next message that is there: 1, and *message is the caller's to free; 0 where there is
 * none. What makes no sense is dropped with a warning. */
int pp_link_receive(pp_link *link, int *rank, pp_message *message);
/* Frees what was sent; cheap. Returns how many sends are still under way. */
size_t pp_link_settle(pp_link *link);

#endif
