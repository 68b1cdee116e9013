#include "cluster/link.h"

#ifdef OPEN_MPI
#include <mpi-ext.h>
#endif

#include "base/log.h"
#include "base/memory.h"

enum { TAG = 7, MOST_MESSAGE_TRIES = 16 };

typedef struct under_way {
    MPI_Request request;
    void *bytes; /* owned */
} under_way;

struct pp_link {
    MPI_Comm comm; /* borrowed; its errors return */
    under_way *sends;
    size_t count, capacity;
};

pp_status pp_link_create(pp_link **out, MPI_Comm comm, pp_error *err)
{
    *out = pp_alloc(1, sizeof **out);
    if (*out == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the message link");
    (*out)->comm = comm;
    return PP_OK;
}

size_t pp_link_settle(pp_link *link)
{
    size_t kept = 0;
    for (size_t i = 0; i < link->count; i++) {
        int done = 0;
        if (MPI_Test(&link->sends[i].request, &done, MPI_STATUS_IGNORE) != MPI_SUCCESS) done = 1;
        if (done) pp_free(link->sends[i].bytes);
        else link->sends[kept++] = link->sends[i];
    }
    link->count = kept;
    return kept;
}

void pp_link_destroy(pp_link **link)
{
    if (*link == NULL) return;
    pp_link_settle(*link);
    for (size_t i = 0; i < (*link)->count; i++) {
        /* To a rank that is gone. The bytes stay: MPI may still look at them. */
        MPI_Request_free(&(*link)->sends[i].request);
    }
    pp_free((*link)->sends);
    PP_FREE(*link);
}

void pp_link_send(pp_link *link, int rank, const pp_message *message)
{
    pp_error err = {0};
    void *bytes = NULL;
    size_t length = 0;
    pp_link_settle(link);
    if (pp_grow((void **)&link->sends, &link->capacity, link->count + 1, sizeof *link->sends,
                &err) != PP_OK ||
        pp_message_write(&bytes, &length, message, &err) != PP_OK) {
        pp_log_failure(PP_LOG_WARN, "a message was not sent", &err);
        return;
    }
    under_way *send = &link->sends[link->count];
    if (MPI_Isend(bytes, (int)length, MPI_BYTE, rank, TAG, link->comm, &send->request) !=
        MPI_SUCCESS) {
        pp_log(PP_LOG_WARN, "a message to rank %d was not sent", rank);
        pp_free(bytes);
        return;
    }
    send->bytes = bytes;
    link->count++;
}

static int receive_one(MPI_Message *handle, const MPI_Status *found, pp_message *message)
{
    int length = 0;
    pp_error err = {0};
    MPI_Get_count(found, MPI_BYTE, &length);
    unsigned char *bytes = length >= 0 ? pp_alloc((size_t)length, 1) : NULL;
    if (bytes == NULL ||
        MPI_Mrecv(bytes, length, MPI_BYTE, handle, MPI_STATUS_IGNORE) != MPI_SUCCESS) {
        pp_log(PP_LOG_WARN, "a message of rank %d was lost", found->MPI_SOURCE);
        pp_free(bytes);
        return 0;
    }
    pp_status status = pp_message_read(message, bytes, (size_t)length, &err);
    pp_free(bytes);
    if (status == PP_OK) return 1;
    pp_log_failure(PP_LOG_WARN, "dropped", &err);
    return 0;
}

/* Where the MPI has ULFM, a death makes every look for messages fail until it is acknowledged. Who
 * died is found by its silence, with ULFM and without. */
static int acknowledge_deaths(MPI_Comm comm, int code)
{
#ifdef MPIX_ERR_PROC_FAILED
    int class = MPI_SUCCESS;
    MPI_Error_class(code, &class);
    return (class == MPIX_ERR_PROC_FAILED || class == MPIX_ERR_PROC_FAILED_PENDING) &&
           MPIX_Comm_failure_ack(comm) == MPI_SUCCESS;
#else
    (void)comm;
    (void)code;
    return 0;
#endif
}

int pp_link_receive(pp_link *link, int *rank, pp_message *message)
{
    for (int tries = 0; tries < MOST_MESSAGE_TRIES; tries++) {
        int there = 0;
        MPI_Message handle;
        MPI_Status found;
        int code = MPI_Improbe(MPI_ANY_SOURCE, TAG, link->comm, &there, &handle, &found);
        if (code != MPI_SUCCESS && acknowledge_deaths(link->comm, code)) continue;
        if (code != MPI_SUCCESS || !there) return 0;
        *rank = found.MPI_SOURCE;
        if (receive_one(&handle, &found, message)) return 1;
    }
    return 0;
}
