/* What is known of every video of a run, and the files that say so to others:
 *
 *   OUT/run.jsonl            one line an event, appended (docs/formats/events.md)
 *   OUT/failed/<key>.json    one file a failure, removed when the video succeeds
 *   OUT/progress.json        while a run is on: what it is doing, every few seconds
 *   OUT/corpus.h5            at the end: the table of all archives
 *   OUT/status.json          at the very end: how it went; its absence means "run me again"
 *                            (docs/formats/status.md)
 *
 * Only the coordinator has one. Order: create, (look at the records, done, failed, event)*,
 * finish, destroy. One thread (HDF5).
 */
#ifndef PP_CLUSTER_LEDGER_H
#define PP_CLUSTER_LEDGER_H

#include "cluster/inputs.h"
#include "cluster/job.h"
#include "store/corpus.h"

typedef struct pp_ledger pp_ledger;

typedef enum pp_record_state {
    PP_RECORD_TO_RUN,
    PP_RECORD_UNCHANGED,     /* by size and time of the source, keys and archive: nothing to do */
    PP_RECORD_KNOWN_FAILURE, /* failed in an earlier run, and nothing has changed since */
    PP_RECORD_LEFT_OUT,      /* --only-failed, and it did not fail */
    PP_RECORD_DONE,
    PP_RECORD_FAILED
} pp_record_state;

enum { PP_MOST_ATTEMPT_RANKS = 8 };

typedef struct pp_failure {
    pp_error error;
    pp_stage stage;
    int attempts;
    int ranks[PP_MOST_ATTEMPT_RANKS], rank_count; /* where it was tried */
    double seconds;                               /* spent on it, all attempts */
} pp_failure;

typedef struct pp_record {
    const pp_input *input; /* borrowed */
    char key[17];          /* pp_input_key */
    pp_record_state state;
    const char *why; /* it is to run, or not: words for --explain; borrowed, static */
    int failed_before;
    int only_labels; /* its archive needs other labels, and nothing else */
    int sees, hears; /* see and listen run; 0: they are read back from its archive */
    int computed;    /* by this run; otherwise an archive was there */
    int64_t same_as; /* index of the record whose archive it shares, or -1 */
    char sha256[PP_HASH_HEX];
    char *archive; /* relative to OUT; owned */
    double duration_s, windows;
    double work_s; /* that workers spent on it in this run: leases that counted */
    int sources;
    int64_t size_bytes, mtime_ns;
    pp_failure *failure; /* owned; of attempts so far, too */
} pp_record;

typedef struct pp_ledger_setup { /* borrowed for the ledger's life */
    const pp_job *job;
    const pp_inputs *inputs;
    const pp_model *model;
    const pp_fileops *ops;
    int ranks;
    double started_unix_s;
} pp_ledger_setup;

/* Makes OUT, reads what earlier runs left there and sorts the inputs by what is to be done. Where
 * the job is no dry run, status.json of an earlier run is removed and the event log opened. */
pp_status pp_ledger_create(pp_ledger **out, const pp_ledger_setup *setup,
                           pp_error *err) PP_MUST_USE;
void pp_ledger_destroy(pp_ledger **ledger);

size_t pp_ledger_count(const pp_ledger *ledger);
pp_record *pp_ledger_record(pp_ledger *ledger, size_t index); /* borrowed */

/* A failed attempt on `rank`, kept until the outcome is known. */
void pp_ledger_attempt(pp_ledger *ledger, size_t index, int rank, pp_stage stage,
                       const pp_error *error, double seconds);
/* The outcome. result may be NULL where same_as >= 0. Failures are written at once. */
pp_status pp_ledger_done(pp_ledger *ledger, size_t index, const pp_lease_result *result,
                         int64_t same_as, pp_error *err) PP_MUST_USE;
pp_status pp_ledger_failed(pp_ledger *ledger, size_t index, int64_t same_as,
                           pp_error *err) PP_MUST_USE;

/* One line of run.jsonl: {"time": .., "event": name, ..}. details: taken, may be NULL. */
void pp_ledger_event(pp_ledger *ledger, const char *name, pp_json *details);

typedef struct pp_ledger_totals {
    int64_t videos, done, unchanged, failed, left, left_out; /* failed: known ones too */
    double duration_s;                                       /* of sound and picture in done ones */
    double windows;                                          /* of done ones */
} pp_ledger_totals;
void pp_ledger_count_up(const pp_ledger *ledger, pp_ledger_totals *totals);
/* True where there are more failures than the job tolerates. */
int pp_ledger_too_many_failures(const pp_ledger *ledger, const pp_ledger_totals *totals);

/* Replaces OUT/progress.json. A failure is only logged: no run ends for want of it. */
void pp_ledger_write_progress(pp_ledger *ledger, const pp_json *progress);

/* corpus.h5, then status.json with exit_code; `status`: more fields for it, taken. */
pp_status pp_ledger_finish(pp_ledger *ledger, int exit_code, pp_json *status,
                           pp_error *err) PP_MUST_USE;

#endif
