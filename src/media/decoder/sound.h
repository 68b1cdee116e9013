/* Sound of any kind to mono float at one rate, as the ffmpeg program gives it with
 * `-ac 1 -ar RATE -af aresample=async=1:first_pts=0` and float samples out.
 *
 * Beyond that: channel, rate or format changes on the way go on without a break; layouts that
 * nothing can mix are averaged; long gaps are filled in small steps, so that memory stays. */
#ifndef PP_MEDIA_DECODER_SOUND_H
#define PP_MEDIA_DECODER_SOUND_H

#include <libavcodec/avcodec.h>

#include "base/status.h"
#include "media/decoder/input.h"

typedef struct pp_sound pp_sound;

/* Called with consecutive samples; a failure ends the decoding. */
typedef pp_status (*pp_sound_out)(void *user, const float *samples, int count, pp_error *err);

pp_status pp_sound_create(pp_sound **out, const pp_input *input, int rate_hz, pp_sound_out sink,
                          void *user, pp_error *err) PP_MUST_USE;
void pp_sound_destroy(pp_sound **sound);

/* One packet, its stamps already on the placed clock (0: the container's start); NULL: the end.
 * Damaged packets are counted, not failed on. */
pp_status pp_sound_decode(pp_sound *sound, const AVPacket *packet, pp_error *err) PP_MUST_USE;

int64_t pp_sound_damaged(const pp_sound *sound); /* packets left out */
int64_t pp_sound_given(const pp_sound *sound);   /* samples handed to the sink */
int64_t pp_sound_decoded(const pp_sound *sound); /* frames of sound that really came out */

#endif
