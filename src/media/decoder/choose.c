#include "media/decoder/choose.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <libavutil/avstring.h>
#include <libavutil/display.h>

#include "media/decoder/complaint.h"
#include "media/decoder/lists.h"

static int is_encrypted(const AVStream *stream)
{
    uint32_t tag = stream->codecpar->codec_tag;
    if (tag == MKTAG('e', 'n', 'c', 'v') || tag == MKTAG('e', 'n', 'c', 'a')) return 1;
    return av_stream_get_side_data(stream, AV_PKT_DATA_ENCRYPTION_INIT_INFO, NULL) != NULL;
}

const AVCodec *pp_choose_codec(const AVStream *stream, const char *what, pp_error *err)
{
    const AVCodecParameters *facts = stream->codecpar;
    if (is_encrypted(stream)) {
        pp_fail(err, PP_ERR_MEDIA, "its %s is encrypted (DRM)", what);
        pp_advise(err, "only an unprotected copy of this video can be used");
        return NULL;
    }
    const AVCodec *codec = avcodec_find_decoder(facts->codec_id);
    if (codec != NULL && av_match_name(codec->name, pp_codecs)) return codec;
    char tag[AV_FOURCC_MAX_STRING_SIZE];
    av_fourcc_make_string(tag, facts->codec_tag);
    if (facts->codec_id == AV_CODEC_ID_NONE) {
        pp_fail(err, PP_ERR_MEDIA, "its %s is in an unknown codec (tag %s%s%s)", what, tag,
                *pp_complaint_last() ? "; " : "", pp_complaint_last());
    } else {
        pp_fail(err, PP_ERR_MEDIA, "its %s is in codec '%s' (tag %s), which is not decoded here",
                what, avcodec_get_name(facts->codec_id), tag);
    }
    pp_advise(err, "turn it into a common codec with a program that knows it, for example H.264 "
                   "and AAC in MP4");
    return NULL;
}

static int is_decodable(const AVStream *stream)
{
    pp_error ignored = {0};
    return pp_choose_codec(stream, "", &ignored) != NULL;
}

/* Larger is better. Moving pictures before stills that go with the sound, decodable before not. */
static double picture_score(const AVStream *stream)
{
    const AVCodecParameters *facts = stream->codecpar;
    int still = stream->disposition & (AV_DISPOSITION_ATTACHED_PIC | AV_DISPOSITION_STILL_IMAGE |
                                       AV_DISPOSITION_TIMED_THUMBNAILS);
    double area = fmin((double)facts->width * facts->height, 1e12);
    return (still ? 0 : 8e12) + (is_decodable(stream) ? 4e12 : 0) +
           (stream->disposition & AV_DISPOSITION_DEFAULT ? 2e12 : 0) + area;
}

static double sound_score(const AVStream *stream)
{
    return stream->codecpar->ch_layout.nb_channels +
           100000000.0 * !!(stream->event_flags & AVSTREAM_EVENT_FLAG_NEW_PACKETS) +
           5000000.0 * !!(stream->disposition & AV_DISPOSITION_DEFAULT) +
           1e12 * is_decodable(stream);
}

/* Whether the use at hand can do without the streams of this type. */
static int is_needed(const pp_input *input, enum AVMediaType type)
{
    pp_media_need other = type == AVMEDIA_TYPE_AUDIO ? PP_MEDIA_PICTURES : PP_MEDIA_SOUND;
    return input->job.options.need != other;
}

static pp_status choose_picture(pp_input *input, pp_error *err)
{
    double best = -1;
    for (unsigned i = 0; i < input->format->nb_streams; i++) {
        AVStream *stream = input->format->streams[i];
        if (stream->codecpar->codec_type != AVMEDIA_TYPE_VIDEO) continue;
        if (picture_score(stream) <= best) continue;
        best = picture_score(stream);
        input->picture = stream;
        input->picture_index = (int)i;
    }
    if (!is_needed(input, AVMEDIA_TYPE_VIDEO) &&
        (input->picture == NULL || !is_decodable(input->picture))) {
        input->picture = NULL;
        input->picture_index = -1;
        return PP_OK;
    }
    if (input->picture == NULL) {
        pp_fail(err, PP_ERR_MEDIA, "has no picture");
        return pp_advise(err, "give the video itself rather than its sound; to use a sound file, "
                              "add a picture: ffmpeg -loop 1 -i PICTURE -i SOUND -shortest "
                              "OUT.mp4");
    }
    input->cover = (input->picture->disposition & AV_DISPOSITION_ATTACHED_PIC) != 0;
    return pp_choose_codec(input->picture, "picture", err) != NULL ? PP_OK : err->status;
}

static pp_status no_sound(const pp_input *input, int tracks, pp_error *err)
{
    if (tracks == 0) {
        pp_fail(err, PP_ERR_MEDIA, "has no sound");
        return pp_advise(err, "there is nothing to separate in a silent video; give one with an "
                              "audio track");
    }
    pp_fail(err, PP_ERR_MEDIA, "has no audio track %d: it has %d", input->job.options.audio_track,
            tracks);
    return pp_advise(err, "choose a track from 0 to %d", tracks - 1);
}

static pp_status choose_sound(pp_input *input, pp_error *err)
{
    int tracks = 0, wanted = input->job.options.audio_track;
    double best = -1;
    for (unsigned i = 0; i < input->format->nb_streams; i++) {
        AVStream *stream = input->format->streams[i];
        if (stream->codecpar->codec_type != AVMEDIA_TYPE_AUDIO) continue;
        int better = wanted >= 0 ? tracks == wanted : sound_score(stream) > best;
        if (better) {
            best = sound_score(stream);
            input->sound = stream;
            input->sound_index = (int)i;
            input->info.audio_track = tracks;
        }
        tracks++;
    }
    input->info.audio_tracks = tracks;
    if (!is_needed(input, AVMEDIA_TYPE_AUDIO) &&
        (input->sound == NULL || !is_decodable(input->sound))) {
        input->sound = NULL;
        input->sound_index = input->info.audio_track = -1;
        return PP_OK;
    }
    if (input->sound == NULL) return no_sound(input, tracks, err);
    return pp_choose_codec(input->sound, "sound", err) != NULL ? PP_OK : err->status;
}

void pp_choose_turn(const AVStream *stream, int out[4])
{
    static const int upright[4] = {1, 0, 0, 1};
    memcpy(out, upright, sizeof upright);
    size_t size = 0;
    const uint8_t *side = av_stream_get_side_data(stream, AV_PKT_DATA_DISPLAYMATRIX, &size);
    if (side == NULL || size < 9 * sizeof(int32_t)) return;
    int32_t m[9];
    memcpy(m, side, sizeof m);
    /* m maps coded to shown (row vectors: x' = a x + c y, y' = b x + d y); a turn by a multiple of
     * 90 degrees, perhaps mirrored, is its own transpose inverse, so its signs are all we need. */
    double a = m[0], b = m[1], c = m[3], d = m[4];
    if (fabs(a) + fabs(d) >= fabs(b) + fabs(c)) {
        if (a == 0 || d == 0) return;
        out[0] = a > 0 ? 1 : -1;
        out[3] = d > 0 ? 1 : -1;
    } else {
        if (b == 0 || c == 0) return;
        out[0] = out[3] = 0;
        out[1] = b > 0 ? 1 : -1;
        out[2] = c > 0 ? 1 : -1;
    }
}

static int degrees_of(const int turn[4])
{
    if (turn[0] != 0) return turn[0] < 0 && turn[3] < 0 ? 180 : 0;
    return turn[1] > 0 ? 90 : 270;
}

static void describe_picture(const pp_input *input, pp_media_info *info)
{
    const AVCodecParameters *picture = input->picture->codecpar;
    int turn[4];
    pp_choose_turn(input->picture, turn);
    info->rotation_degrees = degrees_of(turn);
    info->width = turn[0] != 0 ? picture->width : picture->height;
    info->height = turn[0] != 0 ? picture->height : picture->width;
    AVRational rate = input->picture->avg_frame_rate;
    if (rate.num <= 0 || rate.den <= 0) rate = input->picture->r_frame_rate;
    if (rate.num > 0 && rate.den > 0 && !input->cover) info->video_fps = av_q2d(rate);
    info->is_cover_picture = input->cover;
    snprintf(info->video_codec, sizeof info->video_codec, "%s",
             avcodec_get_name(picture->codec_id));
}

static void describe_sound(const pp_input *input, pp_media_info *info)
{
    const AVCodecParameters *sound = input->sound->codecpar;
    info->audio_rate_hz = sound->sample_rate;
    info->audio_channels = sound->ch_layout.nb_channels;
    snprintf(info->audio_codec, sizeof info->audio_codec, "%s", avcodec_get_name(sound->codec_id));
}

static void describe(pp_input *input)
{
    pp_media_info *info = &input->info;
    if (input->picture != NULL) describe_picture(input, info);
    if (input->sound != NULL) describe_sound(input, info);
    double duration_s = (double)input->format->duration / AV_TIME_BASE;
    if (input->format->duration != AV_NOPTS_VALUE && duration_s > 0 && duration_s < 1e9) {
        info->duration_s = duration_s;
    }
    snprintf(info->container, sizeof info->container, "%s", input->format->iformat->name);
}

pp_status pp_choose_streams(pp_input *input, pp_error *err)
{
    input->sound = input->picture = NULL;
    input->sound_index = input->picture_index = -1;
    input->cover = 0;
    memset(&input->info, 0, sizeof input->info);
    pp_status status = choose_picture(input, err);
    if (status != PP_OK) return status;
    status = choose_sound(input, err);
    if (status != PP_OK) return status;
    describe(input);
    int64_t pixels = (int64_t)input->info.width * input->info.height;
    if (pixels > input->job.limits.most_pixels) {
        pp_fail(err, PP_ERR_LIMIT,
                "its pictures of %d x %d are larger than the limit of %" PRId64 " pixels",
                input->info.width, input->info.height, input->job.limits.most_pixels);
        return pp_advise(err, "make it smaller first: ffmpeg -i FILE -vf scale=1920:-2 OUT.mp4");
    }
    for (unsigned i = 0; i < input->format->nb_streams; i++) {
        AVStream *stream = input->format->streams[i];
        int used = stream == input->sound || stream == input->picture;
        stream->discard = used ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
    }
    return PP_OK;
}
