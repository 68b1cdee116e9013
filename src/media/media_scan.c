/* The whole sound and the picture plan of a video, from its worker. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "media/session.h"

#define FRESH_MEDIA_S 300.0 /* processor time is allowed for twice this much media at once */
#define MOST_TIME_S 1e7     /* no time stamp of ours is beyond */

typedef struct scan {
    pp_media *media;
    double interval_s;
    pp_sound_sink sink;
    void *user;
    pp_media_scan_result *out;
    int64_t expected; /* grid points, once the sound is complete */
    int64_t planned;  /* of them received */
    double allowed_s; /* of sound, until processor time is renewed */
} scan;

static void allow_time(scan *s)
{
    const pp_media_limits *limits = &s->media->job.limits;
    double have_s = (double)s->out->samples / s->media->job.options.rate_hz;
    if (have_s < s->allowed_s) return;
    s->allowed_s = have_s + FRESH_MEDIA_S;
    pp_client_allow_cpu(s->media->decoder, 60 + 2 * FRESH_MEDIA_S * limits->cpu_s_per_media_s);
}

/* Not a number, infinite, or absurdly loud: silence. */
static int64_t clean_samples(float *samples, int64_t count)
{
    int64_t bad = 0;
    for (int64_t i = 0; i < count; i++) {
        if (fabsf(samples[i]) <= 1e6F) continue;
        samples[i] = 0;
        bad++;
    }
    return bad;
}

static pp_status take_sound(scan *s, const pp_report *report, pp_error *err)
{
    double most = PP_MOST_SOUND_S * s->media->job.options.rate_hz;
    if (report->count < 1 || report->count > PP_SLOT_SAMPLES || report->first != s->out->samples ||
        s->planned > 0 || (double)(s->out->samples + report->count) > most + PP_SLOT_SAMPLES) {
        return pp_session_lie(s->media, "sound out of order", err);
    }
    pp_status status =
        pp_session_take(s->media, report, (size_t)report->count * sizeof(float), err);
    if (status != PP_OK) return status;
    s->out->bad_samples += clean_samples(s->media->copy, report->count);
    s->out->samples += report->count;
    allow_time(s);
    status = s->sink(s->user, s->media->copy, report->first, report->count, err);
    if (status != PP_OK) pp_session_end(s->media);
    return status;
}

/* Points of the grid in [0, duration_s), at least one. */
static int64_t grid_points(double duration_s, double interval_s)
{
    int64_t points = (int64_t)(duration_s / interval_s);
    while (points > 1 && (double)(points - 1) * interval_s >= duration_s) points--;
    while ((double)points * interval_s < duration_s) points++;
    return points > 0 ? points : 1;
}

/* Where there is sound, the grid follows from it; else the worker says how long it is. */
static pp_status make_plan(scan *s, int64_t said, pp_error *err)
{
    double duration_s = (double)s->out->samples / s->media->job.options.rate_hz;
    s->expected = grid_points(duration_s, s->interval_s);
    if (s->out->samples == 0) {
        if (said < 1 || said > grid_points(PP_MOST_SOUND_S, s->interval_s)) {
            return pp_session_lie(s->media, "a frame plan without end", err);
        }
        s->expected = said;
    }
    void *plan = NULL;
    pp_status status =
        pp_alloc_checked(&plan, (size_t)s->expected, sizeof *s->out->plan, "the frame plan", err);
    s->out->plan = plan;
    if (status != PP_OK) pp_session_end(s->media);
    return status;
}

static pp_status take_plan(scan *s, const pp_report *report, pp_error *err)
{
    int64_t room = (int64_t)(s->media->job.slot_bytes / sizeof *s->out->plan);
    if (s->out->plan == NULL) {
        pp_status status = make_plan(s, report->as.scanned.pictures, err);
        if (status != PP_OK) return status;
    }
    if (report->count < 1 || report->count > room || report->first != s->planned ||
        report->count > s->expected - s->planned) {
        return pp_session_lie(s->media, "a frame plan out of order", err);
    }
    pp_picture_plan *to = s->out->plan + s->planned;
    pp_status status = pp_session_take(s->media, report, (size_t)report->count * sizeof *to, err);
    if (status != PP_OK) return status;
    memcpy(to, s->media->copy, (size_t)report->count * sizeof *to);
    for (int64_t i = 0; i < report->count; i++) {
        if (!(fabs(to[i].shown_s) < MOST_TIME_S)) {
            return pp_session_lie(s->media, "an impossible time", err);
        }
        to[i].time_s = (double)(s->planned + i) * s->interval_s;
        to[i].only_reference = to[i].only_reference ? PP_PLAN_SKIP : 0;
        to[i].same_as_before = s->planned + i > 0 && to[i].pts == to[i - 1].pts;
    }
    s->planned += report->count;
    return PP_OK;
}

static pp_status take_end(scan *s, const pp_scanned *said, pp_error *err)
{
    pp_media_scan_result *out = s->out;
    pp_media_need need = s->media->job.options.need;
    if (said->samples != out->samples || said->pictures != s->planned ||
        s->planned != s->expected || said->damaged_packets < 0 ||
        (need != PP_MEDIA_PICTURES && out->samples < 1) ||
        (need != PP_MEDIA_SOUND && s->planned < 1) || !(fabs(said->video_end_s) < MOST_TIME_S) ||
        !(fabs(said->truncated_at_s) < MOST_TIME_S)) {
        return pp_session_lie(s->media, "sums that do not agree", err);
    }
    out->pictures = s->planned;
    out->video_end_s = said->video_end_s;
    out->truncated = said->truncated != 0;
    out->truncated_at_s = out->truncated ? said->truncated_at_s : 0;
    out->damaged_packets = said->damaged_packets;
    if (said->linear) {
        for (int64_t i = 0; i < out->pictures; i++) out->plan[i].only_reference |= PP_PLAN_LINEAR;
    }
    return PP_OK;
}

static pp_status take_reports(scan *s, pp_error *err)
{
    const pp_media_limits *limits = &s->media->job.limits;
    double patience_s = 60 + 2 * FRESH_MEDIA_S * limits->cpu_s_per_media_s;
    for (;;) {
        pp_report report;
        pp_status status = pp_session_next(s->media, patience_s, &report, err);
        if (status != PP_OK) return status;
        if (report.kind == PP_REPORT_SCANNED) return take_end(s, &report.as.scanned, err);
        if (report.kind == PP_REPORT_SOUND) status = take_sound(s, &report, err);
        else if (report.kind == PP_REPORT_PLAN) status = take_plan(s, &report, err);
        else status = pp_session_lie(s->media, "an answer to another question", err);
        if (status != PP_OK) return status;
    }
}

pp_status pp_media_scan(pp_media *media, double interval_s, pp_sound_sink sink, void *user,
                        pp_media_scan_result *out, pp_error *err)
{
    scan s = {.media = media, .interval_s = interval_s, .sink = sink, .user = user, .out = out};
    pp_ask ask = {.kind = PP_ASK_SCAN, .interval_s = interval_s};
    memset(out, 0, sizeof *out);
    if (!(interval_s >= PP_LEAST_INTERVAL_S && interval_s < 1e6)) {
        return pp_fail(err, PP_ERR_USAGE, "frames cannot be %g s apart", interval_s);
    }
    pp_status status = pp_session_check(media, err);
    if (status != PP_OK) return status;
    allow_time(&s);
    status = pp_session_ask(media, &ask, err);
    if (status == PP_OK) status = take_reports(&s, err);
    if (status != PP_OK) PP_FREE(out->plan);
    return status;
}
