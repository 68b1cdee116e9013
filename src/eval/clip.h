/* Reading what is evaluated: a window of a file's sound, and what its pictures say.
 *
 * The clip protocol of the paper (NETWORKS.md): three pictures 3 s apart round the middle of the
 * window; the video network's features pooled over pictures, rows and columns as in training, then
 * a sigmoid: one vector a clip.
 *
 * Order: create, reads, destroy. One thread an object; the decoder has one video open at a time.
 */
#ifndef PP_EVAL_CLIP_H
#define PP_EVAL_CLIP_H

#include <stdint.h>

#include "media/media.h"
#include "model/model.h"

#define PP_CLIP_MIDDLE INT64_MIN /* as a start: the window round the middle of the file */

typedef struct pp_clip_reader pp_clip_reader;

/* decoder, model: borrowed for the object's life. model NULL: sound only, at rate_hz. */
pp_status pp_clip_reader_create(pp_clip_reader **out, pp_decoder *decoder, const pp_model *model,
                                int rate_hz, pp_error *err) PP_MUST_USE;
void pp_clip_reader_destroy(pp_clip_reader **reader);

typedef struct pp_clip {
    float *sound;    /* [count], mono; silence before and behind the file */
    int64_t count;   /* samples */
    int64_t start;   /* sample of the file that sound[0] is; negative where the file is short */
    int64_t total;   /* samples of the file */
    double level_db; /* RMS of `sound` against full scale; -INFINITY for silence */
    float *vector;   /* [K]; NULL without a model or pictures */
} pp_clip;

/* samples 0: the whole file (start is then 0). Pictures are read where the file has any and the
 * reader a model. Owned by the caller: pp_clip_release. */
pp_status pp_clip_read(pp_clip_reader *reader, const char *path, int64_t start, int64_t samples,
                       pp_clip *out, pp_error *err) PP_MUST_USE;
void pp_clip_release(pp_clip *clip);

/* The vector [K] of at most PP_CLIP_MOST_FILES still images and videos together (three pictures of
 * each video, round its middle). */
#define PP_CLIP_MOST_FILES 16
pp_status pp_clip_look(pp_clip_reader *reader, const char *const *paths, int count, float *vector,
                       pp_error *err) PP_MUST_USE;

/* The vector [K] of a picture without content (the mean colour the network subtracts). */
void pp_clip_blank(pp_clip_reader *reader, float *vector);

#endif
