/* One output file being written through FFmpeg: a muxer and its encoders. Internal to src/media.
 *
 * Order: pp_writer_open, pp_writer_add_stream for each, pp_writer_start, frames through
 * pp_writer_encode (NULL flushes a stream), pp_writer_finish, pp_writer_close (at any point; what
 * is half written stays half written). Single-threaded encoders and "bitexact" headers: the same
 * input gives the same bytes. */
#ifndef PP_MEDIA_WRITER_H
#define PP_MEDIA_WRITER_H

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>

#include "base/status.h"

enum { PP_WRITER_STREAMS = 2 };

typedef struct pp_writer { /* start from {0} */
    AVFormatContext *format;
    AVPacket *packet;
    AVCodecContext *encoder[PP_WRITER_STREAMS];
    AVStream *stream[PP_WRITER_STREAMS];
    int streams;
    char *path; /* owned: for messages */
} pp_writer;

pp_status pp_writer_open(pp_writer *writer, const char *path, const char *muxer,
                         pp_error *err) PP_MUST_USE;

/* A fresh encoder context by FFmpeg's encoder name, to be filled in by the caller; it belongs to
 * the writer. NULL: recorded in err. */
AVCodecContext *pp_writer_add_stream(pp_writer *writer, const char *encoder,
                                     pp_error *err) PP_MUST_USE;

/* Opens the encoder of stream `index` with its private options (consumed). */
pp_status pp_writer_open_stream(pp_writer *writer, int index, AVDictionary **options,
                                pp_error *err) PP_MUST_USE;

pp_status pp_writer_start(pp_writer *writer, AVDictionary **options, pp_error *err) PP_MUST_USE;
pp_status pp_writer_encode(pp_writer *writer, int index, const AVFrame *frame,
                           pp_error *err) PP_MUST_USE;
pp_status pp_writer_finish(pp_writer *writer, pp_error *err) PP_MUST_USE;
void pp_writer_close(pp_writer *writer);

#endif
