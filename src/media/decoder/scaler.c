#include "media/decoder/scaler.h"

#include <string.h>

#include <libavutil/imgutils.h>
#include <libavutil/pixdesc.h>
#include <libswscale/swscale.h>

#include "base/memory.h"

enum { LONGEST = 4 /* times the shorter side, before it is cropped first */ };

struct pp_scaler {
    int size, turn[4];
    struct SwsContext *context;
    /* what the context is for */
    int source_width, source_height, width, height, format, matrix, full_range;
    uint8_t *scaled; /* [height, stride] RGB before turning and cropping */
    size_t stride, room;
};

pp_status pp_scaler_create(pp_scaler **out, int size, const int turn[4], pp_error *err)
{
    *out = pp_alloc(1, sizeof **out);
    if (*out == NULL) return pp_fail(err, PP_ERR_LIMIT, "no memory for scaling pictures");
    (*out)->size = size;
    memcpy((*out)->turn, turn, sizeof(*out)->turn);
    return PP_OK;
}

void pp_scaler_destroy(pp_scaler **scaler)
{
    if (scaler == NULL || *scaler == NULL) return;
    sws_freeContext((*scaler)->context);
    pp_free((*scaler)->scaled);
    PP_FREE(*scaler);
}

/* The part of the frame that is scaled: all of it, or the middle of a very long one. Offsets are
 * whole chroma samples. */
static void choose_part(const AVFrame *frame, const AVPixFmtDescriptor *format, int part[4])
{
    int width = frame->width, height = frame->height;
    int x_step = 1 << format->log2_chroma_w, y_step = 1 << format->log2_chroma_h;
    part[0] = part[1] = 0;
    if (width / LONGEST > height) width = LONGEST * height;
    else if (height / LONGEST > width) height = LONGEST * width;
    part[0] = (frame->width - width) / 2 / x_step * x_step;
    part[1] = (frame->height - height) / 2 / y_step * y_step;
    part[2] = width;
    part[3] = height;
}

/* The frame's planes from the part's first pixel on. Formats with several pixels a byte, or with a
 * palette in plane 1, cannot be pointed into: they keep their whole planes (part is then all). */
static void point_into(const AVFrame *frame, const AVPixFmtDescriptor *format, const int part[4],
                       const uint8_t *planes[4])
{
    int steps[4] = {0};
    av_image_fill_max_pixsteps(steps, NULL, format);
    for (int p = 0; p < 4; p++) {
        planes[p] = frame->data[p];
        if (planes[p] == NULL || (p == 1 && format->flags & AV_PIX_FMT_FLAG_PAL)) continue;
        int chroma = p == 1 || p == 2;
        ptrdiff_t y = part[1] >> (chroma ? format->log2_chroma_h : 0);
        ptrdiff_t x = part[0] >> (chroma ? format->log2_chroma_w : 0);
        planes[p] += y * frame->linesize[p] + x * steps[p];
    }
}

static int matrix_of(enum AVColorSpace space)
{
    switch (space) {
    case AVCOL_SPC_BT709:
        return SWS_CS_ITU709;
    case AVCOL_SPC_FCC:
        return SWS_CS_FCC;
    case AVCOL_SPC_SMPTE240M:
        return SWS_CS_SMPTE240M;
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
        return SWS_CS_BT2020;
    default:
        return SWS_CS_DEFAULT; /* BT.601: what FFmpeg takes where nothing is said */
    }
}

/* Formats named "yuvj" are full-range ones of the usual layout. */
static int is_full_range(const AVFrame *frame)
{
    switch (frame->format) {
    case AV_PIX_FMT_YUVJ420P:
    case AV_PIX_FMT_YUVJ422P:
    case AV_PIX_FMT_YUVJ444P:
    case AV_PIX_FMT_YUVJ440P:
    case AV_PIX_FMT_YUVJ411P:
        return 1;
    default:
        return frame->color_range == AVCOL_RANGE_JPEG;
    }
}

/* The same layout without the range in its name, which would overrule what is set. */
static enum AVPixelFormat plain_format(enum AVPixelFormat format)
{
    switch (format) {
    case AV_PIX_FMT_YUVJ420P:
        return AV_PIX_FMT_YUV420P;
    case AV_PIX_FMT_YUVJ422P:
        return AV_PIX_FMT_YUV422P;
    case AV_PIX_FMT_YUVJ444P:
        return AV_PIX_FMT_YUV444P;
    case AV_PIX_FMT_YUVJ440P:
        return AV_PIX_FMT_YUV440P;
    case AV_PIX_FMT_YUVJ411P:
        return AV_PIX_FMT_YUV411P;
    default:
        return format;
    }
}

static int renew_context(pp_scaler *s, int width, int height, const AVFrame *frame)
{
    int matrix = matrix_of(frame->colorspace), full = is_full_range(frame);
    if (s->context != NULL && s->source_width == width && s->source_height == height &&
        s->format == frame->format && s->matrix == matrix && s->full_range == full) {
        return 0;
    }
    sws_freeContext(s->context);
    /* as torchvision: shorter side to size, longer side rounded down */
    s->width = width <= height ? s->size : (int)((int64_t)s->size * width / height);
    s->height = width <= height ? (int)((int64_t)s->size * height / width) : s->size;
    s->context = sws_getContext(
        width, height, plain_format(frame->format), s->width, s->height, AV_PIX_FMT_RGB24,
        SWS_BICUBIC | SWS_ACCURATE_RND | SWS_FULL_CHR_H_INT | SWS_FULL_CHR_H_INP | SWS_BITEXACT,
        NULL, NULL, NULL);
    if (s->context == NULL) return -1;
    const int *to_rgb = sws_getCoefficients(matrix), *out = sws_getCoefficients(SWS_CS_DEFAULT);
    /* -1 for formats without a matrix (RGB, grey): nothing to set there */
    (void)sws_setColorspaceDetails(s->context, to_rgb, full, out, 1, 0, 1 << 16, 1 << 16);
    s->source_width = width;
    s->source_height = height;
    s->format = frame->format;
    s->matrix = matrix;
    s->full_range = full;
    /* swscale writes whole vectors: a wider row keeps it within */
    s->stride = ((size_t)s->width * 3 + 127) / 64 * 64;
    size_t needed = s->stride * (size_t)(s->height + 1);
    if (needed > s->room) {
        pp_free(s->scaled);
        s->scaled = pp_alloc(needed, 1);
        s->room = s->scaled != NULL ? needed : 0;
    }
    return s->scaled != NULL ? 0 : -1;
}

/* The upright middle square out of the scaled picture. */
static void turn_and_crop(const pp_scaler *s, uint8_t *rgb)
{
    /* twice the distance from the middle, so that even sides need no halves */
    int size = s->size, x_edge = s->width - 1, y_edge = s->height - 1;
    /* torchvision rounds the offset of the crop half to even; so do we, in shown orientation */
    int shown_width = s->turn[0] != 0 ? s->width : s->height;
    int shown_height = s->turn[0] != 0 ? s->height : s->width;
    int left = (shown_width - size + 1) / 2, top = (shown_height - size + 1) / 2;
    if ((shown_width - size) % 4 == 1) left--;
    if ((shown_height - size) % 4 == 1) top--;
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            int u = 2 * (x + left) - (shown_width - 1), v = 2 * (y + top) - (shown_height - 1);
            int column = (s->turn[0] * u + s->turn[1] * v + x_edge) / 2;
            int row = (s->turn[2] * u + s->turn[3] * v + y_edge) / 2;
            memcpy(rgb, s->scaled + (size_t)row * s->stride + 3 * (size_t)column, 3);
            rgb += 3;
        }
    }
}

int pp_scaler_run(pp_scaler *scaler, const AVFrame *frame, uint8_t *rgb)
{
    const AVPixFmtDescriptor *format = av_pix_fmt_desc_get(frame->format);
    if (format == NULL || frame->width < 1 || frame->height < 1 || frame->data[0] == NULL ||
        format->flags & AV_PIX_FMT_FLAG_HWACCEL || !sws_isSupportedInput(frame->format)) {
        return -1;
    }
    int part[4];
    choose_part(frame, format, part);
    if (format->flags & AV_PIX_FMT_FLAG_BITSTREAM) {
        part[0] = part[1] = 0;
        part[2] = frame->width;
        part[3] = frame->height;
    }
    if (renew_context(scaler, part[2], part[3], frame) != 0) return -1;
    const uint8_t *planes[4];
    point_into(frame, format, part, planes);
    uint8_t *out[4] = {scaler->scaled};
    int strides[4] = {(int)scaler->stride};
    int rows = sws_scale(scaler->context, planes, frame->linesize, 0, part[3], out, strides);
    if (rows != scaler->height) return -1;
    turn_and_crop(scaler, rgb);
    return 0;
}
