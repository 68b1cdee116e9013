/* The solos to draw from: files, folders, list files and CSV manifests on a command line.
 *
 *   FILE           one solo without a label
 *   FOLDER         its manifest.csv, if it has one; else every media file below it, in the order of
 *                  their names; the label of a file is the folder it lies in, unless that is FOLDER
 *   LIST.txt       a path a line (relative to the list), labelled by its folder
 *   TABLE.csv      columns `path` and, if there, `label` (or `labels`, of which the first up to
 * ';') and `split`
 */
#ifndef PP_EVAL_INPUTS_H
#define PP_EVAL_INPUTS_H

#include <stddef.h>

#include "base/status.h"
#include "eval/protocol.h"

typedef struct pp_solo {
    char *path; /* owned */
    char label[PP_PROTOCOL_LABEL];
} pp_solo;

typedef struct pp_solos { /* a plain value; zero it before the first use */
    pp_solo *items;
    size_t count, room;
} pp_solos;

/* split: only rows of this split of a manifest; NULL for all. */
pp_status pp_solos_add(pp_solos *solos, const char *argument, const char *split,
                       pp_error *err) PP_MUST_USE;
void pp_solos_release(pp_solos *solos);

#endif
