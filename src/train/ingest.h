/* Decodes what a training is given into its cache, once (docs/formats/cache.md).
 *
 * What cannot be used is no error: it is cached as a clip with its reason, so that it is counted
 * and not decoded again. Errors are those of this program and its disk. One thread.
 */
#ifndef PP_TRAIN_INGEST_H
#define PP_TRAIN_INGEST_H

#include "media/media.h"
#include "train/cache.h"
#include "train/job.h"

typedef struct pp_train_item { /* everything is borrowed */
    const char *path;          /* video or sound file */
    const char *frames_folder; /* pictures of a published list, in order of name; NULL: none */
    double start_s, end_s;     /* 0, 0: all of it */
    int audio_track;           /* -1: the default */
    int64_t size_bytes, mtime_ns;
} pp_train_item;

/* Opens the item's clip in the cache, after decoding it where it is not there. *clip is filled in
 * any case but an error (state and reason of a clip that cannot be used); close it. *decoded: 1
 * where it was made now. decoder NULL: only what is there; PP_ERR_NOT_FOUND otherwise. */
pp_status pp_train_ingest(const pp_train_job *job, pp_decoder *decoder, const pp_train_item *item,
                          pp_train_clip *clip, int *decoded, pp_error *err) PP_MUST_USE;

#endif
