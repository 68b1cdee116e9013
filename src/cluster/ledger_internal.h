/* Shared by ledger.c, ledger_failures.c and ledger_end.c only. */
#ifndef PP_CLUSTER_LEDGER_INTERNAL_H
#define PP_CLUSTER_LEDGER_INTERNAL_H

#include "cluster/ledger.h"

struct pp_ledger {
    pp_ledger_setup setup;
    pp_record *records;
    size_t count;
    pp_corpus_row *old; /* of corpus.h5 as it was, by path and id */
    int64_t old_count;
    char parameters_key[PP_HASH_HEX]; /* of everything but the source: what a failure depends on */
    int events;                       /* descriptor of run.jsonl, or -1 */
};

/* What OUT/failed knows of this record. Sets failed_before and, where the failure still stands,
 * state and failure. */
pp_status pp_ledger_recall_failures(pp_ledger *ledger, pp_error *err) PP_MUST_USE;
pp_status pp_ledger_write_failure(pp_ledger *ledger, const pp_record *record,
                                  pp_error *err) PP_MUST_USE;
void pp_ledger_forget_failure(pp_ledger *ledger, const pp_record *record);
char *pp_ledger_path(const pp_ledger *ledger, const char *name); /* OUT/name; owned */
/* OUT/stem.ending, or of a run of one part OUT/stem-part-i-of-n.ending; owned. */
char *pp_ledger_part_path(const pp_ledger *ledger, const char *stem, const char *ending);

#endif
