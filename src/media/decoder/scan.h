/* One pass over the whole file: all the sound, and the picture plan. */
#ifndef PP_MEDIA_DECODER_SCAN_H
#define PP_MEDIA_DECODER_SCAN_H

#include "media/decoder/input.h"
#include "media/decoder/timeline.h"
#include "media/decoder/worker.h"

/* Reports SOUND, PLAN and SCANNED; or fails in words that follow "FILE: ". */
pp_status pp_scan(pp_worker *worker, pp_input *input, double interval_s, pp_error *err) PP_MUST_USE;

/* ---- the names of pictures, for scan.c and reader.c ------------------------------------------*/

typedef struct pp_namer { /* start from {0} */
    int any;
    int64_t last, step; /* of the stream's time base */
} pp_namer;

/* The picture's time stamp as it stands in the file, in stream units: its presentation time; else
 * its decoding time (AVI); else one frame after the last. The plan calls pictures by it, plus the
 * jumps that the timeline took out. */
int64_t pp_name_picture(pp_namer *namer, const AVStream *stream, const AVPacket *packet);

/* Puts a packet on the placed clock: its stamps count from the container's start, without jumps.
 * Returns what the timeline added for jumps alone, in stream units: 0 in a sound file. */
int64_t pp_place_packet(pp_timeline *timeline, const pp_input *input, AVPacket *packet);

#endif
