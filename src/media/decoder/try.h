/* `pp-decode --try FILE`: the whole decoding of one video, alone, under the limits of a job. */
#ifndef PP_MEDIA_DECODER_TRY_H
#define PP_MEDIA_DECODER_TRY_H

#include "media/media.h"

/* Prints facts, sound, plan and failures on standard output. 0: decoded; 1: failed. */
int pp_try(const char *path, const pp_media_options *options, const pp_media_limits *limits,
           double interval_s);

#endif
