/* Finds a picture's packet by the name the plan gave it, and reads on from there. */
#ifndef PP_MEDIA_DECODER_READER_H
#define PP_MEDIA_DECODER_READER_H

#include <libavcodec/avcodec.h>

#include "media/decoder/input.h"
#include "media/decoder/scan.h"

typedef struct pp_reader { /* start from {0}, then pp_reader_start */
    pp_worker *worker;
    pp_input *input;
    AVPacket *packet; /* the current picture packet */
    int64_t name;     /* of it */
    int at_packet;    /* there is one */
    int from_start;   /* every packet of the file up to here has been read, in order */
    pp_namer namer;
    pp_timeline timeline;
} pp_reader;

pp_status pp_reader_start(pp_reader *reader, pp_worker *worker, pp_input *input,
                          pp_error *err) PP_MUST_USE;
void pp_reader_close(pp_reader *reader);

/* Goes to the packet of that name: by seeking, or where `linear` is set by reading from the start
 * of the file as the scan did (always right, where seeking may not be). 1 found, 0 not. */
int pp_reader_go(pp_reader *reader, int64_t name, int linear, pp_error *err);

/* The next picture packet: 1, or 0 at the end. */
int pp_reader_next(pp_reader *reader);

#endif
