/* Sound files: WAV (PCM) and FLAC through FFmpeg's muxers and encoders. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "media/encode.h"
#include "media/libav.h"
#include "media/writer.h"

enum { FRAMES_AT_ONCE = 4096 };

typedef struct sound_form { /* how samples lie in the file */
    const char *muxer, *encoder;
    enum AVSampleFormat format;
    int bits;
} sound_form;

static const sound_form forms[] = {
    {"wav", "pcm_f32le", AV_SAMPLE_FMT_FLT, 32},
    {"wav", "pcm_s16le", AV_SAMPLE_FMT_S16, 16},
    {"flac", "flac", AV_SAMPLE_FMT_S16, 16},
    {"flac", "flac", AV_SAMPLE_FMT_S32, 24},
};

static const sound_form *find_form(const char *path, int bits)
{
    const char *muxer = pp_text_ends_with(path, ".flac")  ? "flac"
                        : pp_text_ends_with(path, ".wav") ? "wav"
                                                          : "";
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (strcmp(forms[i].muxer, muxer) == 0 && forms[i].bits == bits) return &forms[i];
    }
    return NULL;
}

/* A float in [-1, 1) to a whole number of `bits` bits: rounded, clipped, not a number to 0. */
static int32_t to_integer(float sample, int bits)
{
    double scale = (double)(INT64_C(1) << (bits - 1)), value = rint((double)sample * scale);
    if (!(value > -scale)) return isnan(value) ? 0 : (int32_t)-scale;
    return value > scale - 1 ? (int32_t)(scale - 1) : (int32_t)value;
}

static void fill_from_floats(AVFrame *frame, const sound_form *form, const float *samples,
                             size_t count)
{
    if (form->format == AV_SAMPLE_FMT_FLT) {
        memcpy(frame->data[0], samples, count * sizeof *samples);
    } else if (form->format == AV_SAMPLE_FMT_S16) {
        int16_t *to = (int16_t *)(void *)frame->data[0];
        for (size_t i = 0; i < count; i++) to[i] = (int16_t)to_integer(samples[i], 16);
    } else { /* FFmpeg keeps 24 bits in the upper part of 32 */
        int32_t *to = (int32_t *)(void *)frame->data[0];
        for (size_t i = 0; i < count; i++) to[i] = to_integer(samples[i], 24) * 256;
    }
}

static pp_status open_sound(pp_writer *writer, const char *path, const sound_form *form,
                            int channels, int rate_hz, pp_error *err)
{
    pp_status status = pp_writer_open(writer, path, form->muxer, err);
    if (status != PP_OK) return status;
    AVCodecContext *context = pp_writer_add_stream(writer, form->encoder, err);
    if (context == NULL) return err->status;
    context->sample_fmt = form->format;
    context->bits_per_raw_sample = form->bits;
    context->sample_rate = rate_hz;
    context->time_base = (AVRational){1, rate_hz};
    av_channel_layout_default(&context->ch_layout, channels);
    status = pp_writer_open_stream(writer, 0, NULL, err);
    if (status != PP_OK) return status;
    AVDictionary *options = NULL;
    if (strcmp(form->muxer, "wav") == 0) av_dict_set(&options, "rf64", "auto", 0); /* above 4 GiB */
    status = pp_writer_start(writer, &options, err);
    av_dict_free(&options);
    return status;
}

static AVFrame *sound_frame(const AVCodecContext *context, int most)
{
    AVFrame *frame = av_frame_alloc();
    if (frame == NULL) return NULL;
    frame->format = context->sample_fmt;
    frame->sample_rate = context->sample_rate;
    frame->nb_samples = most;
    if (av_channel_layout_copy(&frame->ch_layout, &context->ch_layout) < 0 ||
        av_frame_get_buffer(frame, 0) < 0) {
        av_frame_free(&frame);
    }
    return frame;
}

/* Exactly one of `floats` and `integers` is given. */
static pp_status write_all(pp_writer *writer, const sound_form *form, const float *floats,
                           const int16_t *integers, int64_t frames, int channels, pp_error *err)
{
    const AVCodecContext *context = writer->encoder[0];
    int most = context->frame_size > 0 ? context->frame_size : FRAMES_AT_ONCE;
    AVFrame *frame = sound_frame(context, most);
    if (frame == NULL) return pp_fail(err, PP_ERR_NOMEM, "%s: no memory for sound", writer->path);
    pp_status status = PP_OK;
    for (int64_t first = 0; first < frames && status == PP_OK; first += most) {
        int now = frames - first < most ? (int)(frames - first) : most;
        size_t at = (size_t)first * (size_t)channels, count = (size_t)now * (size_t)channels;
        int code = av_frame_make_writable(frame);
        if (code < 0) {
            status = pp_libav_fail(err, code, "%s: cannot encode", writer->path);
            break;
        }
        frame->nb_samples = now;
        frame->pts = first;
        if (floats != NULL) fill_from_floats(frame, form, floats + at, count);
        else memcpy(frame->data[0], integers + at, count * sizeof *integers);
        status = pp_writer_encode(writer, 0, frame, err);
    }
    av_frame_free(&frame);
    return status;
}

static pp_status encode(const char *path, const sound_form *form, const float *floats,
                        const int16_t *integers, int64_t frames, int channels, int rate_hz,
                        pp_error *err)
{
    pp_error local = {0};
    if (err == NULL) err = &local;
    if (form == NULL) {
        return pp_fail(err, PP_ERR_USAGE,
                       "%s: sound is written as .wav (16 bits or float) or .flac (16 or 24 bits)",
                       path);
    }
    if (frames < 0 || channels < 1 || channels > 8 || rate_hz < 1) {
        return pp_fail(err, PP_ERR_USAGE, "%s: cannot write %" PRId64 " x %d samples at %d Hz",
                       path, frames, channels, rate_hz);
    }
    pp_writer writer = {0};
    pp_status status = open_sound(&writer, path, form, channels, rate_hz, err);
    if (status == PP_OK) {
        status = write_all(&writer, form, floats, integers, frames, channels, err);
    }
    if (status == PP_OK) status = pp_writer_finish(&writer, err);
    pp_writer_close(&writer);
    return status;
}

pp_status pp_encode_sound(const char *path, const float *samples, int64_t frames, int channels,
                          int rate_hz, int bits, pp_error *err)
{
    return encode(path, find_form(path, bits), samples, NULL, frames, channels, rate_hz, err);
}

pp_status pp_encode_sound_s16(const char *path, const int16_t *samples, int64_t frames,
                              int channels, int rate_hz, pp_error *err)
{
    return encode(path, find_form(path, 16), NULL, samples, frames, channels, rate_hz, err);
}
