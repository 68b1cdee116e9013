#include "media/decoder/scan.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include <libavutil/mathematics.h>

#include "media/decoder/planner.h"
#include "media/decoder/reference.h"
#include "media/decoder/sound.h"

/* ---- stamps ----------------------------------------------------------------------------------*/

/* Stamps beyond this (292 years in microseconds is the type's end) are damage. */
#define MOST_STAMP_US (INT64_C(1000000) * 3600 * 24 * 366 * 50)

int64_t pp_name_picture(pp_namer *namer, const AVStream *stream, const AVPacket *packet)
{
    if (namer->step == 0) {
        AVRational rate = stream->avg_frame_rate;
        if (rate.num <= 0 || rate.den <= 0) rate = (AVRational){25, 1};
        namer->step = av_rescale_q(1, av_inv_q(rate), stream->time_base);
        if (namer->step < 1) namer->step = 1;
    }
    int64_t name = packet->pts != AV_NOPTS_VALUE ? packet->pts : packet->dts;
    if (name == AV_NOPTS_VALUE) name = namer->any ? namer->last + namer->step : 0;
    namer->any = 1;
    namer->last = name;
    return name;
}

static int64_t microseconds(int64_t stamp, AVRational base)
{
    int64_t us = av_rescale_q(stamp, base, AV_TIME_BASE_Q);
    return us > MOST_STAMP_US || us < -MOST_STAMP_US ? AV_NOPTS_VALUE : us;
}

int64_t pp_place_packet(pp_timeline *timeline, const pp_input *input, AVPacket *packet)
{
    int is_sound = packet->stream_index == input->sound_index;
    pp_track track = is_sound ? PP_TRACK_SOUND : PP_TRACK_PICTURE;
    AVRational base = (is_sound ? input->sound : input->picture)->time_base;
    if (packet->dts != AV_NOPTS_VALUE && microseconds(packet->dts, base) == AV_NOPTS_VALUE) {
        packet->dts = AV_NOPTS_VALUE;
    }
    if (packet->pts != AV_NOPTS_VALUE && microseconds(packet->pts, base) == AV_NOPTS_VALUE) {
        packet->pts = AV_NOPTS_VALUE;
    }
    int64_t stamp = packet->dts != AV_NOPTS_VALUE ? packet->dts : packet->pts;
    int64_t shift_us = timeline->track[track].shift_us;
    if (stamp != AV_NOPTS_VALUE) {
        int64_t duration_us = av_rescale_q(packet->duration, base, AV_TIME_BASE_Q);
        shift_us = pp_timeline_place(timeline, track, microseconds(stamp, base), duration_us);
    }
    int64_t shift = av_rescale_q(shift_us, AV_TIME_BASE_Q, base);
    if (packet->pts != AV_NOPTS_VALUE) packet->pts += shift;
    if (packet->dts != AV_NOPTS_VALUE) packet->dts += shift;
    return av_rescale_q(shift_us + timeline->start_us, AV_TIME_BASE_Q, base);
}

/* ---- the pass --------------------------------------------------------------------------------*/

typedef struct scan {
    pp_worker *worker;
    pp_input *input;
    pp_sound *sound;
    pp_planner *planner;
    pp_timeline timeline;
    pp_namer namer;
    int stamped;        /* the pictures have time stamps */
    int64_t first, end; /* wanted samples, of the whole sound; end INT64_MAX: all */
    int64_t position;   /* of the next decoded sample */
    int64_t sent;       /* wanted samples handed over */
    float *slot;        /* being filled, NULL: none */
    uint32_t slot_number;
    int64_t filled;
    double part_start_s, picture_end_s;
    double decode_s; /* the pictures have been read up to here */
} scan;

static void send_sound(scan *s)
{
    if (s->slot == NULL || s->filled == 0) return;
    pp_report report = {
        .kind = PP_REPORT_SOUND, .slot = s->slot_number, .first = s->sent, .count = s->filled};
    pp_worker_report(s->worker, &report);
    s->sent += s->filled;
    s->filled = 0;
    s->slot = NULL;
}

/* pp_sound_out: keeps the wanted part, slot by slot. */
static pp_status take_sound(void *user, const float *samples, int count, pp_error *err)
{
    scan *s = user;
    for (int i = 0; i < count;) {
        int64_t at = s->position + i;
        if (at < s->first) {
            i = s->first - s->position < count ? (int)(s->first - s->position) : count;
            continue;
        }
        if (at >= s->end) break;
        if (s->slot == NULL) s->slot = pp_worker_slot(s->worker, &s->slot_number);
        int64_t now = count - i;
        if (now > PP_SLOT_SAMPLES - s->filled) now = PP_SLOT_SAMPLES - s->filled;
        if (now > s->end - at) now = s->end - at;
        memcpy(s->slot + s->filled, samples + i, (size_t)now * sizeof *samples);
        s->filled += now;
        i += (int)now;
        if (s->filled == PP_SLOT_SAMPLES) send_sound(s);
    }
    s->position += count;
    if ((double)s->position / s->worker->job.options.rate_hz <= PP_MOST_SOUND_S) return PP_OK;
    pp_fail(err, PP_ERR_LIMIT, "its sound is longer than %g hours", PP_MOST_SOUND_S / 3600);
    return pp_advise(err, "cut the video into parts, or use a part of it (start and end)");
}

/* raw_name: by the stamps as they stand in the file; the packet is placed by now. */
static pp_status take_picture(scan *s, const AVPacket *packet, int64_t raw_name, int64_t jump,
                              pp_error *err)
{
    const AVStream *stream = s->input->picture;
    double base = av_q2d(stream->time_base), time_s = 0;
    int64_t start = av_rescale_q(s->input->start_us, AV_TIME_BASE_Q, stream->time_base);
    /* names that only count on have no start to take off; a cover has no time at all */
    if (!s->input->cover) time_s = (double)(raw_name + jump - (s->stamped ? start : 0)) * base;
    pp_coded_frame frame = {.pts = raw_name + jump,
                            .time_s = time_s - s->part_start_s,
                            .decode_s = time_s - s->part_start_s,
                            .is_key = (packet->flags & AV_PKT_FLAG_KEY) != 0,
                            .is_disposable = pp_packet_is_disposable(stream->codecpar, packet)};
    if (packet->dts != AV_NOPTS_VALUE) {
        frame.decode_s = fmin((double)packet->dts * base - s->part_start_s, frame.time_s);
    }
    double end_s = time_s + (double)packet->duration * base;
    if (end_s > s->picture_end_s) s->picture_end_s = end_s;
    s->decode_s = frame.decode_s;
    return pp_planner_add(s->planner, &frame, err);
}

static pp_status take_packet(scan *s, AVPacket *packet, pp_error *err)
{
    if (packet->stream_index == s->input->sound_index) {
        pp_place_packet(&s->timeline, s->input, packet);
        return pp_sound_decode(s->sound, packet, err);
    }
    s->stamped |= packet->pts != AV_NOPTS_VALUE || packet->dts != AV_NOPTS_VALUE;
    int64_t raw_name = pp_name_picture(&s->namer, s->input->picture, packet);
    int64_t jump = pp_place_packet(&s->timeline, s->input, packet);
    return take_picture(s, packet, raw_name, jump, err);
}

static int is_enough(const scan *s)
{
    if (s->end == INT64_MAX || (s->sound != NULL && s->position < s->end)) return 0;
    double end_s = (double)(s->end - s->first) / s->worker->job.options.rate_hz;
    return s->input->cover || s->input->picture == NULL || s->decode_s > end_s + PP_PLAN_REACH_S;
}

static pp_status read_all(scan *s, AVPacket *packet, pp_error *err)
{
    pp_status status = PP_OK;
    while (status == PP_OK && !is_enough(s) && pp_input_read(s->input, packet)) {
        pp_worker_alive(s->worker);
        status = take_packet(s, packet, err);
    }
    if (s->input->read_error == AVERROR(ENOMEM) && status == PP_OK) {
        status = pp_fail(err, PP_ERR_LIMIT, "reading it needs more memory than its limit");
    }
    if (status == PP_OK && s->sound != NULL) status = pp_sound_decode(s->sound, NULL, err);
    send_sound(s);
    return status;
}

static void send_plan(scan *s, const pp_picture_plan *plan, int64_t count)
{
    int64_t room = (int64_t)(s->worker->job.slot_bytes / sizeof *plan);
    for (int64_t first = 0; first < count; first += room) {
        pp_report report = {.kind = PP_REPORT_PLAN, .first = first};
        report.as.scanned.pictures = count;
        report.count = count - first < room ? count - first : room;
        void *slot = pp_worker_slot(s->worker, &report.slot);
        memcpy(slot, plan + first, (size_t)report.count * sizeof *plan);
        pp_worker_report(s->worker, &report);
    }
}

static pp_status check_sound(const scan *s, pp_error *err)
{
    if (s->sent > 0 || s->worker->job.options.need == PP_MEDIA_PICTURES) return PP_OK;
    if (pp_sound_decoded(s->sound) == 0) {
        pp_fail(err, PP_ERR_MEDIA,
                "none of its sound could be decoded (%" PRId64 " damaged packets)",
                pp_sound_damaged(s->sound));
        return pp_advise(err,
                         "the file is damaged, encrypted or cut off at its start: fetch it again");
    }
    pp_fail(err, PP_ERR_MEDIA, "has no sound in the wanted part: it ends at %.3f s",
            (double)s->position / s->worker->job.options.rate_hz);
    return pp_advise(err, "choose a start before that");
}

/* What the grid covers: the sound; where there is none, the pictures. */
static double grid_duration(const scan *s)
{
    const pp_media_options *options = &s->worker->job.options;
    if (s->sent > 0) return (double)s->sent / options->rate_hz;
    double end_s = fmax(s->picture_end_s - s->part_start_s, 0);
    if (options->end_s > 0) end_s = fmin(end_s, options->end_s - options->start_s);
    return fmin(end_s, PP_MOST_SOUND_S);
}

static pp_status finish_plan(scan *s, int64_t *count, pp_error *err)
{
    const pp_picture_plan *plan = NULL;
    *count = 0;
    if (s->input->picture == NULL) return PP_OK;
    pp_status status = pp_planner_finish(s->planner, grid_duration(s), &plan, count, err);
    if (status == PP_OK) {
        send_plan(s, plan, *count);
        return PP_OK;
    }
    if (s->worker->job.options.need == PP_MEDIA_SOUND && status == PP_ERR_MEDIA) {
        pp_error_clear(err);
        return PP_OK;
    }
    return pp_advise(err,
                     "the file is damaged or cut off before its first picture: fetch it again");
}

static pp_status finish(scan *s, pp_error *err)
{
    pp_report report = {.kind = PP_REPORT_SCANNED};
    pp_scanned *result = &report.as.scanned;
    pp_status status = check_sound(s, err);
    if (status == PP_OK) status = finish_plan(s, &result->pictures, err);
    if (status != PP_OK) return status;
    result->samples = s->sent;
    result->damaged_packets = s->sound != NULL ? pp_sound_damaged(s->sound) : 0;
    result->video_end_s = fmax(s->picture_end_s - s->part_start_s, 0);
    if (s->input->cover) result->video_end_s = grid_duration(s);
    result->linear = s->timeline.shifts > 0;
    double reached_s = fmax(grid_duration(s), result->video_end_s);
    result->truncated = pp_input_is_cut(s->input, reached_s, &result->truncated_at_s);
    pp_worker_report(s->worker, &report);
    return PP_OK;
}

pp_status pp_scan(pp_worker *worker, pp_input *input, double interval_s, pp_error *err)
{
    const pp_media_options *options = &worker->job.options;
    scan s = {.worker = worker, .input = input, .end = INT64_MAX};
    s.part_start_s = options->start_s;
    s.first = llrint(options->start_s * options->rate_hz);
    if (options->end_s > 0) s.end = llrint(options->end_s * options->rate_hz);
    pp_status status = input->used ? pp_input_reopen(input, err) : PP_OK;
    if (status != PP_OK) return status;
    pp_timeline_start(&s.timeline, input->start_us,
                      (input->format->iformat->flags & AVFMT_TS_DISCONT) != 0);
    AVPacket *packet = av_packet_alloc();
    if (packet == NULL) return pp_fail(err, PP_ERR_LIMIT, "no memory for a packet");
    if (input->sound != NULL) {
        status = pp_sound_create(&s.sound, input, options->rate_hz, take_sound, &s, err);
    }
    if (status == PP_OK) status = pp_planner_create(&s.planner, interval_s, err);
    if (status == PP_OK) status = read_all(&s, packet, err);
    if (status == PP_OK) status = finish(&s, err);
    av_packet_free(&packet);
    pp_sound_destroy(&s.sound);
    pp_planner_destroy(&s.planner);
    return status;
}
