/* Mixtures that somebody else made: a CSV with the columns
 *
 *   mixture, label_1, pictures_1, reference_1, label_2, pictures_2, reference_2, ...
 *
 * Paths count from the table's folder. pictures_N is a picture, a pattern of pictures (*, ?, [..])
 * or a video (three frames round its middle), and may be empty; label_N may be empty or missing.
 */
#ifndef PP_EVAL_READY_MADE_H
#define PP_EVAL_READY_MADE_H

#include "eval/cache.h"

/* True where the header of a CSV has a column `mixture`. */
pp_status pp_ready_made_is(const char *table, int *yes, pp_error *err) PP_MUST_USE;

/* Fills the protocol's files, mixtures and shuffling. A mixture longer than a window of
 * most_samples gives its middle. A silent reference is an error that names it, and so is a
 * reference of another length than the mixture's (more than 0.1 s). */
pp_status pp_ready_made_read(pp_protocol *protocol, pp_clip_cache *cache, const char *table,
                             int64_t most_samples, pp_error *err) PP_MUST_USE;

#endif
