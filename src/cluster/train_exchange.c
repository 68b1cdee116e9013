#include "cluster/train_exchange.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"

/* Large enough for a message to be efficient, small enough for the first to leave early. */
#define BUCKET_FLOATS ((size_t)1 << 18)
#define MOST_BUCKETS 4096

struct pp_train_ranks {
    MPI_Comm comm; /* of its own: gradients and sums are on their way together */
    float *gradients;
    size_t count;
    size_t low;  /* [low, count) has been sent */
    size_t seen; /* [seen, count) is final */
    MPI_Request requests[MOST_BUCKETS];
    int posted;
};

/* MPI's own error handler ends the program; this is for one that returns. */
static void check(int code, const char *what)
{
    if (code == MPI_SUCCESS) return;
    pp_log(PP_LOG_ERROR, "%s failed (MPI error %d)", what, code);
    MPI_Abort(MPI_COMM_WORLD, EXIT_FAILURE);
}

static void sum(void *user, double *values, int count)
{
    const pp_train_ranks *r = user;
    check(MPI_Allreduce(MPI_IN_PLACE, values, count, MPI_DOUBLE, MPI_SUM, r->comm),
          "MPI_Allreduce");
}

static void begin(void *user, float *gradients, size_t count)
{
    pp_train_ranks *r = user;
    r->gradients = gradients;
    r->count = r->low = r->seen = count;
    r->posted = 0;
}

static void send_pending(pp_train_ranks *r, int all)
{
    while (r->low > r->seen && (all || r->low - r->seen >= BUCKET_FLOATS)) {
        const size_t pending = r->low - r->seen;
        /* the last request takes what is left, however much */
        const size_t size =
            pending > BUCKET_FLOATS && r->posted < MOST_BUCKETS - 1 ? BUCKET_FLOATS : pending;
        r->low -= size;
        check(MPI_Iallreduce(MPI_IN_PLACE, r->gradients + r->low, (int)size, MPI_FLOAT, MPI_SUM,
                             r->comm, &r->requests[r->posted]),
              "MPI_Iallreduce");
        r->posted++;
    }
}

static void ready(void *user, size_t first, size_t count)
{
    pp_train_ranks *r = user;
    int done;
    (void)count; /* pieces come from the end to the start without gaps */
    r->seen = first;
    if (r->posted < MOST_BUCKETS - 1) send_pending(r, 0);
    check(MPI_Testall(r->posted, r->requests, &done, MPI_STATUSES_IGNORE), "MPI_Testall");
}

static void finish(void *user)
{
    pp_train_ranks *r = user;
    r->seen = 0;
    send_pending(r, 1);
    check(MPI_Waitall(r->posted, r->requests, MPI_STATUSES_IGNORE), "MPI_Waitall");
    r->posted = 0;
}

pp_status pp_train_ranks_create(pp_train_ranks **out, MPI_Comm comm, pp_train_exchange *exchange,
                                pp_error *err)
{
    *exchange = (pp_train_exchange){.ranks = 1};
    MPI_Comm_rank(comm, &exchange->rank);
    MPI_Comm_size(comm, &exchange->ranks);
    *out = pp_alloc(1, sizeof **out);
    if (*out == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the exchange");
    check(MPI_Comm_dup(comm, &(*out)->comm), "MPI_Comm_dup");
    if (exchange->ranks == 1) return PP_OK;
    exchange->user = *out;
    exchange->sum = sum;
    exchange->begin = begin;
    exchange->ready = ready;
    exchange->finish = finish;
    return PP_OK;
}

void pp_train_ranks_destroy(pp_train_ranks **ranks)
{
    if (ranks == NULL || *ranks == NULL) return;
    MPI_Comm_free(&(*ranks)->comm);
    PP_FREE(*ranks);
}
