/* The pictures of a plan, from the worker. */
#include <math.h>

#include "media/session.h"

typedef struct fetch {
    pp_media *media;
    const pp_picture_plan *plan;
    int64_t count, asked, received;
    double patience_s;
    pp_picture_sink sink;
    void *user;
} fetch;

/* The worker's answer to this may take decoding from the very start of the video to the last of
 * these pictures. */
static void allow_time(fetch *f, int64_t last)
{
    const pp_media_limits *limits = &f->media->job.limits;
    double media_s = fmin(fmax(f->plan[last].shown_s, 0), PP_MOST_SOUND_S) + 600;
    f->patience_s = 60 + media_s * limits->cpu_s_per_media_s;
    pp_client_allow_cpu(f->media->decoder, f->patience_s);
}

static pp_status send_targets(fetch *f, const pp_report *report, pp_error *err)
{
    pp_ask ask = {.kind = PP_ASK_TARGETS};
    if (report->first != f->asked || f->asked >= f->count) {
        return pp_session_lie(f->media, "a question out of order", err);
    }
    while (ask.count < PP_TARGETS && f->asked < f->count) {
        const pp_picture_plan *from = &f->plan[f->asked++];
        pp_target *to = &ask.targets[ask.count++];
        to->pts = from->pts;
        to->seek_pts = from->seek_pts;
        to->flags = (uint32_t)from->only_reference;
    }
    allow_time(f, f->asked - 1);
    return pp_session_ask(f->media, &ask, err);
}

static pp_status take_picture(fetch *f, const pp_report *report, pp_error *err)
{
    int size = f->media->job.options.picture_size;
    if (report->first != f->received || f->received >= f->asked) {
        return pp_session_lie(f->media, "pictures out of order", err);
    }
    pp_status status = pp_session_take(f->media, report, (size_t)size * (size_t)size * 3, err);
    if (status != PP_OK) return status;
    pp_picture picture = {.rgb = f->media->copy,
                          .size = size,
                          .missing = (report->flags & PP_PICTURE_MISSING) != 0,
                          .neighbour = (report->flags & PP_PICTURE_NEIGHBOUR) != 0};
    status = f->sink(f->user, f->received++, &picture, err);
    if (status != PP_OK) pp_session_end(f->media);
    return status;
}

pp_status pp_media_pictures(pp_media *media, const pp_picture_plan *plan, int64_t count,
                            pp_picture_sink sink, void *user, pp_error *err)
{
    fetch f = {.media = media, .plan = plan, .count = count, .sink = sink, .user = user};
    pp_ask ask = {.kind = PP_ASK_PICTURES, .total = count};
    if (count <= 0) return PP_OK;
    pp_status status = pp_session_ask(media, &ask, err);
    while (status == PP_OK) {
        pp_report report;
        status = pp_session_next(media, f.patience_s, &report, err);
        if (status != PP_OK) break;
        if (report.kind == PP_REPORT_MORE) status = send_targets(&f, &report, err);
        else if (report.kind == PP_REPORT_PICTURE) status = take_picture(&f, &report, err);
        else if (report.kind == PP_REPORT_DONE && f.received == count) return PP_OK;
        else status = pp_session_lie(media, "an answer to another question", err);
    }
    return status;
}
