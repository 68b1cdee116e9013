/* A clip of the training cache: sound and small pictures of one video, decoded once, mapped into
 * memory. docs/formats/cache.md specifies the file.
 *
 * Writing: pp_train_clip_write commits a whole clip. Reading: open, borrow, close. Opened clips
 * are immutable: any number of threads.
 */
#ifndef PP_TRAIN_CACHE_H
#define PP_TRAIN_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "store/fileops.h"

#define PP_TRAIN_CLIP_REASON 408

typedef enum pp_train_clip_state {
    PP_TRAIN_CLIP_USABLE,
    PP_TRAIN_CLIP_SILENT,
    PP_TRAIN_CLIP_BROKEN,
    PP_TRAIN_CLIP_SHORT,
    PP_TRAIN_CLIP_STATES
} pp_train_clip_state;

const char *pp_train_clip_state_name(pp_train_clip_state state); /* "usable", "silent", ... */

typedef struct pp_train_clip {
    pp_train_clip_state state;
    int rate_hz;
    float full_scale; /* sound = code * full_scale / 32767 */
    float rms;
    int64_t samples;
    const int16_t *sound; /* borrowed from the mapping, or from whoever writes */
    int pictures, picture_size;
    double interval_s;
    const uint8_t *rgb; /* [pictures, size, size, 3]; borrowed like the sound */
    char reason[PP_TRAIN_CLIP_REASON];
    void *mapping; /* owned by the opened clip */
    size_t mapped_bytes;
} pp_train_clip;

/* Turns sound into codes and fills in full_scale, rms, samples, and the state: silent where no
 * sample reaches `least_peak`, short where there are fewer than `least_samples`. codes [samples]:
 * written and borrowed by the clip. */
void pp_train_clip_set_sound(pp_train_clip *clip, const float *sound, int64_t samples,
                             float least_peak, int64_t least_samples, int16_t *codes);

/* Commits the clip under `path`, whose folders are made. Unusable clips are written without sound
 * and pictures. */
pp_status pp_train_clip_write(const pp_train_clip *clip, const pp_fileops *ops, const char *path,
                              pp_error *err) PP_MUST_USE;

/* *clip is filled; close it in every case. PP_ERR_NOT_FOUND: no such file. */
pp_status pp_train_clip_open(pp_train_clip *clip, const char *path, pp_error *err) PP_MUST_USE;
void pp_train_clip_close(pp_train_clip *clip);

/* CACHE/<2 hex>/<32 hex>.ppclip for these texts (what the content depends on); owned. */
char *pp_train_clip_path(const char *folder, const char *const *depends_on, int count);

#endif
