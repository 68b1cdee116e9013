#include "media/writer.h"

#include "base/memory.h"
#include "media/libav.h"

pp_status pp_writer_open(pp_writer *writer, const char *path, const char *muxer, pp_error *err)
{
    pp_libav_quiet();
    writer->path = pp_strdup(path);
    writer->packet = av_packet_alloc();
    /* "file:" so that a name with a colon is not taken for a protocol */
    char *url = pp_format("file:%s", path);
    if (writer->path == NULL || writer->packet == NULL || url == NULL) {
        pp_free(url);
        return pp_fail(err, PP_ERR_NOMEM, "%s: no memory for writing it", path);
    }
    int code = avformat_alloc_output_context2(&writer->format, NULL, muxer, url);
    if (code >= 0) {
        writer->format->flags |= AVFMT_FLAG_BITEXACT;
        code = avio_open(&writer->format->pb, url, AVIO_FLAG_WRITE);
    }
    pp_free(url);
    if (code < 0) return pp_libav_fail(err, code, "%s: cannot write", path);
    return PP_OK;
}

AVCodecContext *pp_writer_add_stream(pp_writer *writer, const char *encoder, pp_error *err)
{
    int index = writer->streams;
    const AVCodec *codec = avcodec_find_encoder_by_name(encoder);
    if (codec == NULL || index >= PP_WRITER_STREAMS) {
        pp_fail(err, PP_ERR_INTERNAL, "%s: this FFmpeg has no encoder '%s'", writer->path, encoder);
        return NULL;
    }
    writer->stream[index] = avformat_new_stream(writer->format, NULL);
    writer->encoder[index] = avcodec_alloc_context3(codec);
    if (writer->stream[index] == NULL || writer->encoder[index] == NULL) {
        pp_fail(err, PP_ERR_NOMEM, "%s: no memory for an encoder", writer->path);
        return NULL;
    }
    AVCodecContext *context = writer->encoder[index];
    context->thread_count = 1;
    context->flags |= AV_CODEC_FLAG_BITEXACT;
    if (writer->format->oformat->flags & AVFMT_GLOBALHEADER) {
        context->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
    }
    writer->streams++;
    return context;
}

pp_status pp_writer_open_stream(pp_writer *writer, int index, AVDictionary **options, pp_error *err)
{
    AVCodecContext *context = writer->encoder[index];
    int code = avcodec_open2(context, NULL, options);
    if (code >= 0) {
        code = avcodec_parameters_from_context(writer->stream[index]->codecpar, context);
    }
    writer->stream[index]->time_base = context->time_base;
    writer->stream[index]->avg_frame_rate = context->framerate;
    if (code < 0) {
        return pp_libav_fail(err, code, "%s: cannot start the encoder %s", writer->path,
                             context->codec->name);
    }
    return PP_OK;
}

pp_status pp_writer_start(pp_writer *writer, AVDictionary **options, pp_error *err)
{
    int code = avformat_write_header(writer->format, options);
    if (code < 0) return pp_libav_fail(err, code, "%s: cannot write its header", writer->path);
    return PP_OK;
}

pp_status pp_writer_encode(pp_writer *writer, int index, const AVFrame *frame, pp_error *err)
{
    AVCodecContext *context = writer->encoder[index];
    int code = avcodec_send_frame(context, frame);
    if (code < 0) return pp_libav_fail(err, code, "%s: cannot encode", writer->path);
    for (;;) {
        code = avcodec_receive_packet(context, writer->packet);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return PP_OK;
        if (code < 0) return pp_libav_fail(err, code, "%s: cannot encode", writer->path);
        av_packet_rescale_ts(writer->packet, context->time_base, writer->stream[index]->time_base);
        writer->packet->stream_index = index;
        code = av_interleaved_write_frame(writer->format, writer->packet);
        if (code >= 0 && writer->format->pb->error < 0) code = writer->format->pb->error;
        if (code < 0) return pp_libav_fail(err, code, "%s: cannot write", writer->path);
    }
}

pp_status pp_writer_finish(pp_writer *writer, pp_error *err)
{
    for (int i = 0; i < writer->streams; i++) {
        pp_status status = pp_writer_encode(writer, i, NULL, err);
        if (status != PP_OK) return status;
    }
    int code = av_write_trailer(writer->format);
    if (code >= 0) {
        avio_flush(writer->format->pb);
        code = writer->format->pb->error;
    }
    int closed = avio_closep(&writer->format->pb);
    if (code >= 0) code = closed;
    if (code < 0) return pp_libav_fail(err, code, "%s: cannot finish writing", writer->path);
    return PP_OK;
}

void pp_writer_close(pp_writer *writer)
{
    for (int i = 0; i < PP_WRITER_STREAMS; i++) avcodec_free_context(&writer->encoder[i]);
    if (writer->format != NULL) avio_closep(&writer->format->pb);
    avformat_free_context(writer->format);
    writer->format = NULL;
    av_packet_free(&writer->packet);
    PP_FREE(writer->path);
    writer->streams = 0;
}
