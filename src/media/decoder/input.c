#include "media/decoder/input.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <libavutil/avstring.h>

#include "media/decoder/choose.h"
#include "media/decoder/complaint.h"
#include "media/decoder/lists.h"

enum { READ_BYTES = 1 << 16, PROBE_BYTES = 1 << 20 };

/* ---- bytes -----------------------------------------------------------------------------------*/

static int read_bytes(void *user, uint8_t *bytes, int length)
{
    pp_input *input = user;
    ssize_t got;
    do {
        got = pread(input->fd, bytes, (size_t)length, input->position);
    } while (got < 0 && errno == EINTR);
    if (got < 0) return AVERROR(errno);
    if (got == 0) return AVERROR_EOF;
    input->position += got;
    return (int)got;
}

static int64_t seek_bytes(void *user, int64_t offset, int whence)
{
    pp_input *input = user;
    if (whence & AVSEEK_SIZE) return input->size_bytes;
    whence &= ~AVSEEK_FORCE;
    if (whence == SEEK_CUR) offset += input->position;
    else if (whence == SEEK_END) offset += input->size_bytes;
    if (offset < 0) return AVERROR(EINVAL);
    input->position = offset;
    return offset;
}

/* Demuxers ask for further files and addresses through this: there are none. */
static int open_nothing(AVFormatContext *format, AVIOContext **io, const char *url, int flags,
                        AVDictionary **options)
{
    (void)format, (void)url, (void)flags, (void)options;
    *io = NULL;
    return AVERROR(EACCES);
}

static void free_io(AVIOContext **io)
{
    if (*io == NULL) return;
    av_freep(&(*io)->buffer);
    avio_context_free(io);
}

static AVIOContext *make_io(pp_input *input)
{
    unsigned char *buffer = av_malloc(READ_BYTES);
    if (buffer == NULL) return NULL;
    AVIOContext *io =
        avio_alloc_context(buffer, READ_BYTES, 0, input, read_bytes, NULL, seek_bytes);
    if (io == NULL) av_free(buffer);
    return io;
}

/* ---- opening ---------------------------------------------------------------------------------*/

/* What the first bytes look like, for a person. */
static const char *impression(pp_input *input)
{
    unsigned char head[512];
    ssize_t got = pread(input->fd, head, sizeof head, 0);
    if (got <= 0) return "it cannot be read";
    int text = 1, zero = 1;
    for (ssize_t i = 0; i < got; i++) {
        text = text && (isprint(head[i]) || isspace(head[i]) || head[i] >= 0x80);
        zero = zero && head[i] == 0;
    }
    if (text) return "it looks like text";
    return zero ? "it begins with zeros" : "its bytes are of no known format";
}

static pp_status not_a_video(pp_input *input, const char *format, pp_error *err)
{
    if (format != NULL) {
        pp_fail(err, PP_ERR_MEDIA, "is not a video that can be read here (it looks like '%s')",
                format);
    } else {
        pp_fail(err, PP_ERR_MEDIA, "is not a video: %s", impression(input));
    }
    return pp_advise(err, "check that this is the right file and that its download or copy is "
                          "complete; 'ffprobe FILE' shows what FFmpeg makes of it");
}

static pp_status failed_to_open(int code, pp_error *err)
{
    const char *said = pp_complaint_last();
    if (code == AVERROR(ENOMEM)) {
        pp_fail(err, PP_ERR_LIMIT, "opening it needs more memory than its limit");
        return pp_advise(err, "its header may be damaged; else raise the decoder's memory limit");
    }
    char why[AV_ERROR_MAX_STRING_SIZE];
    av_strerror(code, why, sizeof why);
    pp_fail(err, PP_ERR_MEDIA, "cannot be opened as a video: %s", *said ? said : why);
    return pp_advise(err, "the file is damaged or incomplete: fetch or copy it again; a recording "
                          "that was cut off may be repaired with a tool for its format");
}

static pp_status find_container(pp_input *input, AVIOContext *io, const AVInputFormat **container,
                                pp_error *err)
{
    int score = av_probe_input_buffer2(io, container, "", NULL, 0, PROBE_BYTES);
    if (score == AVERROR(ENOMEM)) return failed_to_open(score, err);
    /* at a lower score random bytes pass for a format with short marks */
    if (score < AVPROBE_SCORE_RETRY) return not_a_video(input, NULL, err);
    if (av_match_list((*container)->name, pp_containers, ',') > 0) return PP_OK;
    return not_a_video(input, (*container)->name, err);
}

static pp_status open_format(pp_input *input, AVIOContext *io, pp_error *err)
{
    const AVInputFormat *container = NULL;
    pp_status status = find_container(input, io, &container, err);
    if (status != PP_OK) return status;
    AVFormatContext *format = avformat_alloc_context();
    if (format == NULL) return failed_to_open(AVERROR(ENOMEM), err);
    format->pb = io;
    format->flags |= AVFMT_FLAG_CUSTOM_IO;
    format->io_open = open_nothing;
    format->max_streams = input->job.limits.most_streams;
    format->format_whitelist = av_strdup(pp_containers);
    format->codec_whitelist = av_strdup(pp_codecs);
    format->protocol_whitelist = av_strdup("none");
    int code = AVERROR(ENOMEM);
    if (format->format_whitelist == NULL || format->codec_whitelist == NULL ||
        format->protocol_whitelist == NULL) {
        avformat_free_context(format);
    } else {
        code = avformat_open_input(&format, "", container, NULL); /* frees it where it fails */
    }
    if (code < 0) return failed_to_open(code, err);
    input->format = format;
    if ((int)format->nb_streams > input->job.limits.most_streams) {
        pp_fail(err, PP_ERR_LIMIT, "has more than %d streams", input->job.limits.most_streams);
        return pp_advise(err, "keep only the pictures and one sound: ffmpeg -i FILE -map v:0 -map "
                              "a:0 -c copy OUT.mkv");
    }
    code = avformat_find_stream_info(format, NULL);
    return code < 0 ? failed_to_open(code, err) : PP_OK;
}

static pp_status open_and_choose(pp_input *input, pp_error *err)
{
    pp_complaint_forget();
    input->position = 0;
    input->read_error = input->corrupt_at_end = input->used = 0;
    AVIOContext *io = make_io(input);
    if (io == NULL) return failed_to_open(AVERROR(ENOMEM), err);
    pp_status status = open_format(input, io, err);
    if (input->format == NULL) free_io(&io); /* else it belongs to the format, see close */
    if (status != PP_OK) return status;
    int64_t start_us = input->format->start_time;
    input->start_us = start_us == AV_NOPTS_VALUE ? 0 : start_us;
    return pp_choose_streams(input, err);
}

pp_status pp_input_open(pp_input *input, int fd, const pp_job *job, pp_error *err)
{
    memset(input, 0, sizeof *input);
    input->fd = fd;
    input->job = *job;
    input->size_bytes = lseek(fd, 0, SEEK_END); /* the C library's fstat takes a path */
    if (input->size_bytes < 0) return pp_fail_errno(err, "cannot be read");
    return open_and_choose(input, err);
}

void pp_input_close(pp_input *input)
{
    if (input->format == NULL) return;
    AVIOContext *io = input->format->pb;
    avformat_close_input(&input->format);
    free_io(&io);
    input->sound = input->picture = NULL;
}

pp_status pp_input_reopen(pp_input *input, pp_error *err)
{
    pp_input_close(input);
    return open_and_choose(input, err);
}

AVCodecContext *pp_input_decoder(const pp_input *input, const AVStream *stream, pp_error *err)
{
    const char *what = stream == input->sound ? "sound" : "picture";
    const AVCodec *codec = pp_choose_codec(stream, what, err);
    if (codec == NULL) return NULL;
    AVCodecContext *context = avcodec_alloc_context3(codec);
    int code = context == NULL ? AVERROR(ENOMEM) : 0;
    if (code >= 0) code = avcodec_parameters_to_context(context, stream->codecpar);
    if (code >= 0) {
        context->pkt_timebase = stream->time_base;
        context->thread_count = 1;
        context->max_pixels = input->job.limits.most_pixels;
        if (stream == input->picture) context->flags |= AV_CODEC_FLAG_BITEXACT;
        code = avcodec_open2(context, codec, NULL);
    }
    if (code >= 0) return context;
    avcodec_free_context(&context);
    if (code == AVERROR(ENOMEM)) {
        pp_fail(err, PP_ERR_LIMIT, "decoding its %s needs more memory than its limit", what);
    } else {
        char why[AV_ERROR_MAX_STRING_SIZE];
        av_strerror(code, why, sizeof why);
        pp_fail(err, PP_ERR_MEDIA, "its %s (%s) cannot be decoded: %s", what, codec->name,
                *pp_complaint_last() ? pp_complaint_last() : why);
    }
    pp_advise(err, "the stream's header may be damaged: fetch the file again, or convert it");
    return NULL;
}

/* ---- packets ---------------------------------------------------------------------------------*/

int pp_input_read(pp_input *input, AVPacket *packet)
{
    input->used = 1;
    for (int empty = 0; empty < 100000;) {
        av_packet_unref(packet);
        int code = av_read_frame(input->format, packet);
        if (code == AVERROR(EAGAIN)) { /* a demuxer that makes no headway must not hold us */
            empty++;
            continue;
        }
        if (code < 0) {
            input->read_error = code;
            return 0;
        }
        if (packet->stream_index == input->sound_index ||
            packet->stream_index == input->picture_index) {
            input->corrupt_at_end = (packet->flags & AV_PKT_FLAG_CORRUPT) != 0;
            return 1;
        }
    }
    input->read_error = AVERROR_INVALIDDATA;
    return 0;
}

/* Time of the first indexed packet of a stream that lies (partly) behind the end of the file. */
static double first_missing_s(const pp_input *input, AVStream *stream)
{
    int count = avformat_index_get_entries_count(stream);
    double least_s = INFINITY;
    for (int i = 0; i < count; i++) {
        const AVIndexEntry *entry = avformat_index_get_entry(stream, i);
        int64_t end = entry->pos + (entry->size > 0 ? entry->size : 1);
        if (end <= input->size_bytes || entry->timestamp == AV_NOPTS_VALUE) continue;
        double time_s = (double)entry->timestamp * av_q2d(stream->time_base) -
                        (double)input->start_us / AV_TIME_BASE;
        if (time_s < least_s) least_s = time_s;
    }
    return least_s;
}

int pp_input_is_cut(const pp_input *input, double reached_s, double *cut_s)
{
    double missing_s = INFINITY;
    if (input->sound != NULL) missing_s = first_missing_s(input, input->sound);
    if (input->picture != NULL) missing_s = fmin(missing_s, first_missing_s(input, input->picture));
    int broke_off =
        input->corrupt_at_end || (input->read_error != AVERROR_EOF && input->read_error != 0);
    *cut_s = reached_s;
    if (isinf(missing_s)) return broke_off;
    *cut_s = fmin(fmax(missing_s, 0), reached_s);
    return 1;
}
