#include "media/decoder/targets.h"

#include <string.h>

#include "base/memory.h"

static size_t picture_bytes(const pp_targets *targets)
{
    size_t size = (size_t)targets->worker->job.options.picture_size;
    return size * size * 3;
}

static void fetch(pp_targets *targets)
{
    pp_report report = {.kind = PP_REPORT_MORE, .first = targets->fetched};
    pp_ask ask;
    pp_worker_report(targets->worker, &report);
    pp_worker_await(targets->worker, PP_ASK_TARGETS, &ask);
    for (uint32_t i = 0; i < ask.count && i < PP_TARGETS; i++) {
        pp_wanted *wanted = &targets->queue[targets->fetched++ % PP_QUEUE];
        memset(wanted, 0, sizeof *wanted);
        wanted->pts = ask.targets[i].pts;
        wanted->seek_pts = ask.targets[i].seek_pts;
        wanted->linear = (ask.targets[i].flags & PP_PLAN_LINEAR) != 0;
    }
}

pp_wanted *pp_targets_peek(pp_targets *targets, int i)
{
    int64_t number = targets->delivered + i;
    if (number >= targets->total) return NULL;
    while (number >= targets->fetched) fetch(targets);
    return &targets->queue[number % PP_QUEUE];
}

pp_wanted *pp_targets_in_run(pp_targets *targets, int i, int64_t seek_pts)
{
    if (i >= PP_TARGETS) return NULL;
    pp_wanted *wanted = pp_targets_peek(targets, i);
    return wanted != NULL && wanted->seek_pts == seek_pts ? wanted : NULL;
}

static void send(pp_targets *targets)
{
    pp_report report = {
        .kind = PP_REPORT_PICTURE, .first = targets->delivered, .flags = targets->last_flags};
    void *slot = pp_worker_slot(targets->worker, &report.slot);
    memcpy(slot, targets->last, picture_bytes(targets));
    pp_worker_report(targets->worker, &report);
    targets->delivered++;
}

void pp_targets_deliver(pp_targets *targets, const uint8_t *rgb, uint32_t flags)
{
    pp_wanted *wanted = pp_targets_peek(targets, 0);
    while (wanted != NULL) {
        if (rgb != NULL) memcpy(targets->last, rgb, picture_bytes(targets));
        else memset(targets->last, 0, picture_bytes(targets));
        targets->last_pts = wanted->pts;
        targets->last_flags = flags;
        targets->any = 1;
        targets->ready -= wanted->rgb != NULL;
        PP_FREE(wanted->rgb);
        send(targets);
        wanted = pp_targets_peek(targets, 0);
        while (wanted != NULL && wanted->pts == targets->last_pts) { /* the very frame again */
            targets->ready -= wanted->rgb != NULL;
            PP_FREE(wanted->rgb);
            send(targets);
            wanted = pp_targets_peek(targets, 0);
        }
        if (wanted == NULL || wanted->rgb == NULL) return;
        rgb = wanted->rgb;
        flags = 0;
    }
}

void pp_targets_free(pp_targets *targets)
{
    for (int i = 0; i < PP_QUEUE; i++) PP_FREE(targets->queue[i].rgb);
    PP_FREE(targets->last);
}
