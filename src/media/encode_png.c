/* One PNG picture through FFmpeg's encoder. */
#include <stdio.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "media/encode.h"
#include "media/libav.h"

static AVFrame *frame_of(const uint8_t *rgb, int width, int height)
{
    AVFrame *frame = av_frame_alloc();
    if (frame == NULL) return NULL;
    frame->format = AV_PIX_FMT_RGB24;
    frame->width = width;
    frame->height = height;
    if (av_frame_get_buffer(frame, 0) < 0) {
        av_frame_free(&frame);
        return NULL;
    }
    size_t row = (size_t)width * 3;
    for (int y = 0; y < height; y++) {
        memcpy(frame->data[0] + (ptrdiff_t)y * frame->linesize[0], rgb + (size_t)y * row, row);
    }
    return frame;
}

static int encode(AVCodecContext *context, const AVFrame *frame, AVPacket *packet)
{
    context->width = frame->width;
    context->height = frame->height;
    context->pix_fmt = AV_PIX_FMT_RGB24;
    context->time_base = (AVRational){1, 1};
    context->thread_count = 1;
    int code = avcodec_open2(context, NULL, NULL);
    if (code >= 0) code = avcodec_send_frame(context, frame);
    if (code >= 0) code = avcodec_send_frame(context, NULL);
    if (code >= 0) code = avcodec_receive_packet(context, packet);
    return code;
}

static pp_status write_file(const char *path, const void *bytes, size_t length, pp_error *err)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) return pp_fail_errno(err, "%s: cannot write", path);
    pp_status status = PP_OK;
    if (fwrite(bytes, 1, length, file) != length) {
        status = pp_fail_errno(err, "%s: cannot write", path);
    }
    if (fclose(file) != 0 && status == PP_OK) {
        status = pp_fail_errno(err, "%s: cannot write", path);
    }
    return status;
}

pp_status pp_encode_png(const char *path, const uint8_t *rgb, int width, int height, pp_error *err)
{
    if (width < 1 || height < 1 || width > 65535 || height > 65535) {
        return pp_fail(err, PP_ERR_USAGE, "%s: cannot write a picture of %d x %d", path, width,
                       height);
    }
    pp_libav_quiet();
    const AVCodec *codec = avcodec_find_encoder(AV_CODEC_ID_PNG);
    if (codec == NULL) {
        return pp_fail(err, PP_ERR_INTERNAL, "%s: this FFmpeg has no PNG encoder", path);
    }
    AVFrame *frame = frame_of(rgb, width, height);
    AVPacket *packet = av_packet_alloc();
    AVCodecContext *context = avcodec_alloc_context3(codec);
    pp_status status = PP_OK;
    if (frame == NULL || packet == NULL || context == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "%s: no memory for a picture", path);
    } else {
        int code = encode(context, frame, packet);
        if (code < 0) status = pp_libav_fail(err, code, "%s: cannot encode", path);
        else status = write_file(path, packet->data, (size_t)packet->size, err);
    }
    avcodec_free_context(&context);
    av_packet_free(&packet);
    av_frame_free(&frame);
    return status;
}
