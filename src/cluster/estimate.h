/* What a run would take, guessed from the inputs, from what earlier runs learned and from the
 * shapes of what is written: for --dry-run, and to see before a run whether its results have room.
 */
#ifndef PP_CLUSTER_ESTIMATE_H
#define PP_CLUSTER_ESTIMATE_H

#include "cluster/ledger.h"
#include "cluster/run.h"
#include "schedule/costs.h"

typedef struct pp_estimate { /* of one window of sound */
    pp_costs costs;
    double window_s;      /* of sound between windows */
    double archive_bytes; /* that stay */
    double shard_bytes;   /* partial results, until the archive is there */
} pp_estimate;

void pp_estimate_begin(pp_estimate *e, const pp_job *job, const pp_model *model);
/* Seconds of one core a window of this record takes. */
double pp_estimate_window_s(const pp_estimate *e, const pp_record *record);
/* Windows of a video, at least 1, or 0 where it needs only labels; *guessed: from the size of the
 * file alone. */
double pp_estimate_windows(const pp_estimate *e, const pp_record *record, int *guessed);
/* Seconds of one core that a window of this record takes: of the stages that run. */
double pp_estimate_window_s(const pp_estimate *e, const pp_record *record);
/* That there is something to do for this record. */
int pp_estimate_runs(const pp_record *record);

typedef struct pp_space {
    double archive_bytes,
        shard_bytes;   /* of all videos; of the longest that are under way at once */
    double free_bytes; /* in the file system of the output folder; -1: not known */
    int guessed;       /* mostly from the sizes of files */
} pp_space;

void pp_space_look(pp_space *space, const pp_run *run, pp_ledger *ledger, int workers);
/* PP_ERR_IO, with the way out, where the results would not fit; also said in status.json. Not
 * looked at where the job says so. */
pp_status pp_space_check(const pp_run *run, pp_ledger *ledger, int workers,
                         pp_error *err) PP_MUST_USE;

#endif
