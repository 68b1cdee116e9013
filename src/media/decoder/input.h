/* A video file, opened by descriptor with FFmpeg's demuxers: streams chosen, facts, packets.
 * Everything here runs inside the sandbox. */
#ifndef PP_MEDIA_DECODER_INPUT_H
#define PP_MEDIA_DECODER_INPUT_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "media/protocol.h"

typedef struct pp_input { /* start from {0}; plain values may be read by all */
    int fd;
    int64_t size_bytes, position; /* of the file; of the next read */
    pp_job job;
    AVFormatContext *format;
    AVStream *sound, *picture;      /* borrowed from format; NULL: none, and none is needed */
    int sound_index, picture_index; /* -1: none */
    int cover;                      /* the picture is a still that goes with the sound */
    int64_t start_us;               /* container start: time zero */
    int used;                       /* packets have been read */
    int read_error;                 /* FFmpeg's code for how reading ended, 0 while it goes on */
    int corrupt_at_end;             /* the last packet was cut short */
    pp_media_info info;
} pp_input;

/* Opens and chooses streams. Failures are PP_ERR_MEDIA or PP_ERR_LIMIT with reason and advice, in
 * words that follow "FILE: ". The descriptor is borrowed. */
pp_status pp_input_open(pp_input *input, int fd, const pp_job *job, pp_error *err) PP_MUST_USE;

/* From the first byte again, in the very state of a fresh start. */
pp_status pp_input_reopen(pp_input *input, pp_error *err) PP_MUST_USE;
void pp_input_close(pp_input *input);

/* The next packet of the two chosen streams (which `discard` may narrow down): 1, or 0 at the end,
 * which includes data that cannot be read on. */
int pp_input_read(pp_input *input, AVPacket *packet);

/* An opened decoder for a stream: one thread, within the limits. NULL: recorded in err. */
AVCodecContext *pp_input_decoder(const pp_input *input, const AVStream *stream, pp_error *err);

/* Where the file ends before its own index says: 1 and the time from which something is missing. */
int pp_input_is_cut(const pp_input *input, double reached_s, double *cut_s);

#endif
