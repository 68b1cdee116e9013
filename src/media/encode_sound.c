/* Sound files: WAV (PCM) and FLAC through FFmpeg's muxers and encoders. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
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

/* Exactly one of `floats` and `integers` is given; they go behind the first `at` samples of a
 * frame. */
static void fill(AVFrame *frame, const sound_form *form, size_t at, const float *floats,
                 const int16_t *integers, size_t count)
{
    if (form->format == AV_SAMPLE_FMT_FLT) {
        memcpy((float *)(void *)frame->data[0] + at, floats, count * sizeof *floats);
    } else if (integers != NULL) {
        memcpy((int16_t *)(void *)frame->data[0] + at, integers, count * sizeof *integers);
    } else if (form->format == AV_SAMPLE_FMT_S16) {
        int16_t *to = (int16_t *)(void *)frame->data[0] + at;
        for (size_t i = 0; i < count; i++) to[i] = (int16_t)to_integer(floats[i], 16);
    } else { /* FFmpeg keeps 24 bits in the upper part of 32 */
        int32_t *to = (int32_t *)(void *)frame->data[0] + at;
        for (size_t i = 0; i < count; i++) to[i] = to_integer(floats[i], 24) * 256;
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

struct pp_sound_file {
    pp_writer writer;
    const sound_form *form;
    AVFrame *frame;             /* being filled */
    int channels, most, filled; /* sample frames of a full one, and in it now */
    int64_t written;
};

static pp_status check_shape(const char *path, const sound_form *form, int channels, int rate_hz,
                             pp_error *err)
{
    if (form == NULL) {
        return pp_fail(err, PP_ERR_USAGE,
                       "%s: sound is written as .wav (16 bits or float) or .flac (16 or 24 bits)",
                       path);
    }
    if (channels < 1 || channels > 8 || rate_hz < 1) {
        return pp_fail(err, PP_ERR_USAGE, "%s: cannot write %d channels at %d Hz", path, channels,
                       rate_hz);
    }
    return PP_OK;
}

pp_status pp_sound_file_create(pp_sound_file **out, const char *path, int channels, int rate_hz,
                               int bits, pp_error *err)
{
    *out = NULL;
    pp_error local = {0};
    if (err == NULL) err = &local;
    const sound_form *form = find_form(path, bits);
    pp_status status = check_shape(path, form, channels, rate_hz, err);
    void *memory = NULL;
    if (status == PP_OK) status = pp_alloc_checked(&memory, 1, sizeof **out, "a sound file", err);
    if (status != PP_OK) return status;
    pp_sound_file *file = memory;
    file->form = form;
    file->channels = channels;
    status = open_sound(&file->writer, path, form, channels, rate_hz, err);
    if (status == PP_OK) {
        const AVCodecContext *context = file->writer.encoder[0];
        file->most = context->frame_size > 0 ? context->frame_size : FRAMES_AT_ONCE;
        file->frame = sound_frame(context, file->most);
        if (file->frame == NULL) status = pp_fail(err, PP_ERR_NOMEM, "%s: no memory", path);
    }
    if (status != PP_OK) pp_sound_file_destroy(&file);
    *out = file;
    return status;
}

static pp_status flush_frame(pp_sound_file *file, pp_error *err)
{
    file->frame->nb_samples = file->filled;
    file->frame->pts = file->written;
    file->written += file->filled;
    file->filled = 0;
    return pp_writer_encode(&file->writer, 0, file->frame, err);
}

/* Exactly one of `floats` and `integers` is given. */
static pp_status add(pp_sound_file *file, const float *floats, const int16_t *integers,
                     int64_t frames, pp_error *err)
{
    pp_error local = {0};
    if (err == NULL) err = &local;
    size_t channels = (size_t)file->channels;
    for (int64_t done = 0; done < frames;) {
        int64_t left = frames - done, room = file->most - file->filled;
        size_t now = (size_t)(left < room ? left : room), at = (size_t)done * channels;
        int code = file->filled == 0 ? av_frame_make_writable(file->frame) : 0;
        if (code < 0) return pp_libav_fail(err, code, "%s: cannot encode", file->writer.path);
        fill(file->frame, file->form, (size_t)file->filled * channels,
             floats != NULL ? floats + at : NULL, integers != NULL ? integers + at : NULL,
             now * channels);
        file->filled += (int)now;
        done += (int64_t)now;
        if (file->filled < file->most) continue;
        pp_status status = flush_frame(file, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

pp_status pp_sound_file_add(pp_sound_file *file, const float *samples, int64_t frames,
                            pp_error *err)
{
    return add(file, samples, NULL, frames, err);
}

pp_status pp_sound_file_add_s16(pp_sound_file *file, const int16_t *samples, int64_t frames,
                                pp_error *err)
{
    if (file->form->format != AV_SAMPLE_FMT_S16) {
        return pp_fail(err, PP_ERR_USAGE, "%s: is not of 16 bits", file->writer.path);
    }
    return add(file, NULL, samples, frames, err);
}

pp_status pp_sound_file_finish(pp_sound_file *file, pp_error *err)
{
    pp_error local = {0};
    if (err == NULL) err = &local;
    pp_status status = file->filled > 0 ? flush_frame(file, err) : PP_OK;
    return status == PP_OK ? pp_writer_finish(&file->writer, err) : status;
}

void pp_sound_file_destroy(pp_sound_file **file)
{
    if (*file == NULL) return;
    av_frame_free(&(*file)->frame);
    pp_writer_close(&(*file)->writer);
    PP_FREE(*file);
}

/* ---- whole tracks ---------------------------------------------------------------------------- */

static pp_status encode(const char *path, const float *floats, const int16_t *integers,
                        int64_t frames, int channels, int rate_hz, int bits, pp_error *err)
{
    if (frames < 0) return pp_fail(err, PP_ERR_USAGE, "%s: a negative length", path);
    pp_sound_file *file;
    pp_status status = pp_sound_file_create(&file, path, channels, rate_hz, bits, err);
    if (status == PP_OK) status = add(file, floats, integers, frames, err);
    if (status == PP_OK) status = pp_sound_file_finish(file, err);
    pp_sound_file_destroy(&file);
    return status;
}

pp_status pp_encode_sound(const char *path, const float *samples, int64_t frames, int channels,
                          int rate_hz, int bits, pp_error *err)
{
    return encode(path, samples, NULL, frames, channels, rate_hz, bits, err);
}

pp_status pp_encode_sound_s16(const char *path, const int16_t *samples, int64_t frames,
                              int channels, int rate_hz, pp_error *err)
{
    return encode(path, NULL, samples, frames, channels, rate_hz, 16, err);
}
