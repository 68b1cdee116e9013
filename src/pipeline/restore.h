/* Shards taken back from an older archive of the same content, so that another synthesizer, cast
 * or kind of mask runs no network again: activations always, maps where the archive kept them. */
#ifndef PP_PIPELINE_RESTORE_H
#define PP_PIPELINE_RESTORE_H

#include "pipeline/stages.h"

/* *restored: 1 where the segment's shard was written from the archive and committed; 0 where there
 * is no archive, its key is another, it lacks the data or cannot be read: then compute. A failure
 * is one of writing. */
pp_status pp_restore_see(pp_job *job, int64_t segment, int *restored, pp_error *err) PP_MUST_USE;
pp_status pp_restore_listen(pp_job *job, int64_t segment, int *restored, pp_error *err) PP_MUST_USE;

#endif
