#include "media/decoder/sound.h"

#include <inttypes.h>

#include <libavutil/mathematics.h>
#include <libavutil/samplefmt.h>

#include "base/memory.h"
#include "media/decoder/mixer.h"

enum { LEAST_RATE_HZ = 1000, MOST_RATE_HZ = 768000 };

struct pp_sound {
    AVCodecContext *codec;
    AVRational stream_base;
    AVFrame *frame, *mixed;
    pp_mixer mixer;
    int rate_hz;
    pp_sound_out sink;
    void *user;
    int64_t next_pts;            /* in 1 / input rate: where the mixer's input has got to */
    int64_t dts_us, next_dts_us; /* for frames without stamps */
    int64_t last_packet_pts, rescale_state;
    int64_t damaged, given, decoded;
};

pp_status pp_sound_create(pp_sound **out, const pp_input *input, int rate_hz, pp_sound_out sink,
                          void *user, pp_error *err)
{
    *out = NULL;
    pp_sound *sound = pp_alloc(1, sizeof *sound);
    if (sound == NULL) return pp_fail(err, PP_ERR_LIMIT, "no memory for decoding its sound");
    sound->rate_hz = rate_hz;
    sound->sink = sink;
    sound->user = user;
    sound->stream_base = input->sound->time_base;
    sound->last_packet_pts = sound->rescale_state = AV_NOPTS_VALUE;
    sound->frame = av_frame_alloc();
    sound->mixed = av_frame_alloc();
    sound->codec = pp_input_decoder(input, input->sound, err);
    if (sound->codec == NULL || sound->frame == NULL || sound->mixed == NULL) {
        pp_sound_destroy(&sound);
        return pp_fail(err, PP_ERR_LIMIT, "no memory for decoding its sound");
    }
    *out = sound;
    return PP_OK;
}

void pp_sound_destroy(pp_sound **sound)
{
    if (sound == NULL || *sound == NULL) return;
    avcodec_free_context(&(*sound)->codec);
    av_frame_free(&(*sound)->frame);
    av_frame_free(&(*sound)->mixed);
    pp_mixer_close(&(*sound)->mixer);
    PP_FREE(*sound);
}

int64_t pp_sound_damaged(const pp_sound *sound)
{
    return sound->damaged;
}

int64_t pp_sound_given(const pp_sound *sound)
{
    return sound->given;
}

int64_t pp_sound_decoded(const pp_sound *sound)
{
    return sound->decoded;
}

/* ---- mixing ----------------------------------------------------------------------------------*/

static pp_status out_of_memory(pp_error *err)
{
    return pp_fail(err, PP_ERR_LIMIT, "decoding its sound needs more memory than its limit");
}

/* Hands over what the mixer has ready. */
static pp_status drain(pp_sound *sound, pp_error *err)
{
    for (;;) {
        int code = pp_mixer_get(&sound->mixer, sound->mixed);
        if (code == AVERROR(ENOMEM)) return out_of_memory(err);
        if (code < 0) return PP_OK;
        int count = sound->mixed->nb_samples;
        const float *samples = (const float *)(const void *)sound->mixed->data[0];
        pp_status status = sound->sink(sound->user, samples, count, err);
        sound->given += count;
        av_frame_unref(sound->mixed);
        if (status != PP_OK) return status;
    }
}

static pp_status put(pp_sound *sound, AVFrame *frame, pp_error *err)
{
    int code = pp_mixer_put(&sound->mixer, frame);
    if (code == AVERROR(ENOMEM)) return out_of_memory(err);
    if (code < 0 && code != AVERROR_EOF) sound->damaged++;
    return drain(sound, err);
}

/* Silence from next_pts up to pts, a second at a time: the resampler would fill the gap at once, in
 * memory that grows with it. */
static pp_status fill_gap(pp_sound *sound, const AVFrame *like, int64_t pts, pp_error *err)
{
    while (sound->next_pts < pts) {
        AVFrame *silence = av_frame_alloc();
        if (silence == NULL) return out_of_memory(err);
        int64_t left = pts - sound->next_pts;
        silence->format = like->format;
        silence->sample_rate = like->sample_rate;
        silence->nb_samples = left < like->sample_rate ? (int)left : like->sample_rate;
        silence->pts = sound->next_pts;
        int code = av_channel_layout_copy(&silence->ch_layout, &like->ch_layout);
        if (code >= 0) code = av_frame_get_buffer(silence, 0);
        if (code >= 0) {
            code = av_samples_set_silence(silence->extended_data, 0, silence->nb_samples,
                                          silence->ch_layout.nb_channels, silence->format);
        }
        sound->next_pts += silence->nb_samples;
        pp_status status = code < 0 ? out_of_memory(err) : put(sound, silence, err);
        av_frame_free(&silence);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

/* A mixer for frames like this one, going on where the one before got to. */
static pp_status renew_mixer(pp_sound *sound, const AVFrame *like, pp_error *err)
{
    if (sound->mixer.graph != NULL) {
        pp_status status = put(sound, NULL, err);
        if (status != PP_OK) return status;
    }
    sound->next_pts = av_rescale(sound->given, like->sample_rate, sound->rate_hz);
    sound->rescale_state = AV_NOPTS_VALUE;
    int code = pp_mixer_open(&sound->mixer, like, sound->rate_hz, sound->next_pts);
    if (code >= 0) return PP_OK;
    pp_mixer_close(&sound->mixer);
    if (code == AVERROR(ENOMEM)) return out_of_memory(err);
    pp_fail(err, PP_ERR_MEDIA, "its sound (%d channels at %d Hz) cannot be mixed down",
            like->ch_layout.nb_channels, like->sample_rate);
    return pp_advise(err,
                     "convert its sound first: ffmpeg -i FILE -c:v copy -c:a flac -ac 2 OUT.mkv");
}

/* ---- decoding --------------------------------------------------------------------------------*/

/* The frame's time in 1 / its rate, by the rules of the ffmpeg program: the decoder's stamp, the
 * packet's, or counting on; rounded so that consecutive frames stay consecutive. */
static int64_t pts_of(pp_sound *sound, const AVFrame *frame, const AVPacket *packet)
{
    AVRational base = sound->stream_base, out = {1, frame->sample_rate};
    int64_t pts = frame->pts;
    if (pts == AV_NOPTS_VALUE && packet != NULL) pts = packet->pts;
    if (pts == AV_NOPTS_VALUE) {
        pts = sound->dts_us;
        base = AV_TIME_BASE_Q;
    }
    if (packet != NULL) {
        if (packet->duration > 0 && sound->last_packet_pts != AV_NOPTS_VALUE &&
            packet->pts != AV_NOPTS_VALUE &&
            packet->pts - sound->last_packet_pts > packet->duration) {
            sound->rescale_state = AV_NOPTS_VALUE;
        }
        sound->last_packet_pts = packet->pts;
    }
    return av_rescale_delta(base, pts, out, frame->nb_samples, &sound->rescale_state, out);
}

static int is_usable(const AVFrame *frame)
{
    return frame->nb_samples > 0 && frame->sample_rate >= LEAST_RATE_HZ &&
           frame->sample_rate <= MOST_RATE_HZ && frame->ch_layout.nb_channels > 0;
}

static pp_status take_frame(pp_sound *sound, const AVPacket *packet, pp_error *err)
{
    AVFrame *frame = sound->frame;
    if (!is_usable(frame)) {
        sound->damaged++;
        return PP_OK;
    }
    int64_t long_us = INT64_C(1000000) * frame->nb_samples / frame->sample_rate;
    sound->next_dts_us += long_us;
    sound->decoded += frame->nb_samples;
    if (!pp_mixer_fits(&sound->mixer, frame)) {
        pp_status status = renew_mixer(sound, frame, err);
        if (status != PP_OK) return status;
    }
    int64_t pts = pts_of(sound, frame, packet);
    double off_s = (double)(pts - sound->next_pts) / frame->sample_rate;
    if (off_s > 2 * PP_MOST_SOUND_S || off_s < -2 * PP_MOST_SOUND_S) pts = sound->next_pts;
    if (off_s > 2) {
        pp_status status = fill_gap(sound, frame, pts, err);
        if (status != PP_OK) return status;
    }
    frame->pts = pts;
    sound->next_pts = pts + frame->nb_samples;
    return put(sound, frame, err);
}

/* Every frame that the decoder has ready. */
static pp_status take_frames(pp_sound *sound, const AVPacket *packet, pp_error *err)
{
    for (;;) {
        sound->dts_us = sound->next_dts_us;
        int code = avcodec_receive_frame(sound->codec, sound->frame);
        if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return PP_OK;
        if (code == AVERROR(ENOMEM)) return out_of_memory(err);
        if (code < 0) {
            sound->damaged++;
            return PP_OK;
        }
        pp_status status = take_frame(sound, packet, err);
        av_frame_unref(sound->frame);
        if (status != PP_OK) return status;
    }
}

pp_status pp_sound_decode(pp_sound *sound, const AVPacket *packet, pp_error *err)
{
    if (packet != NULL && packet->dts != AV_NOPTS_VALUE) {
        sound->next_dts_us = av_rescale_q(packet->dts, sound->stream_base, AV_TIME_BASE_Q);
    }
    int code = avcodec_send_packet(sound->codec, packet);
    if (code == AVERROR(ENOMEM)) return out_of_memory(err);
    if (code < 0 && code != AVERROR_EOF) sound->damaged++;
    pp_status status = take_frames(sound, packet, err);
    if (status == PP_OK && packet == NULL && sound->mixer.graph != NULL) {
        status = put(sound, NULL, err);
    }
    return status;
}
