/* Which sound and which pictures of an opened file are used, and what is said of it. */
#ifndef PP_MEDIA_DECODER_CHOOSE_H
#define PP_MEDIA_DECODER_CHOOSE_H

#include "media/decoder/input.h"

/* Sets the stream members of `input`, and its info. A stream that is not there, or not to be
 * decoded, and not needed either, is NULL. The sound is the one that the ffmpeg program
 * takes by default (most channels; one marked as default first), or the given track. */
pp_status pp_choose_streams(pp_input *input, pp_error *err) PP_MUST_USE;

/* The decoder for a stream, or NULL with the reason in err. */
const AVCodec *pp_choose_codec(const AVStream *stream, const char *what, pp_error *err);

/* How pictures of this stream are to be turned: out[4] maps shown x, y to coded x, y, each of
 * 0, 1, -1: coded_x = out[0] x + out[1] y (from the middle), coded_y = out[2] x + out[3] y. */
void pp_choose_turn(const AVStream *stream, int out[4]);

#endif
