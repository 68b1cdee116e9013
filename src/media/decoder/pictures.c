#include "media/decoder/pictures.h"

#include "base/memory.h"
#include "media/decoder/choose.h"
#include "media/decoder/reader.h"
#include "media/decoder/reference.h"
#include "media/decoder/scaler.h"
#include "media/decoder/targets.h"

/* A picture is lost when this many frames, or packets, have come after its own without it. No codec
 * holds back more than 16 frames. */
enum { FRAMES_TO_WAIT = 32, PACKETS_TO_WAIT = 300 };

typedef struct pictures {
    pp_worker *worker;
    pp_input *input;
    pp_reader reader;
    pp_targets targets;
    pp_scaler *scaler;
    AVCodecContext *codec; /* of the run; opened afresh for each, so that it starts from nothing */
    AVFrame *frame;
    uint8_t *rgb;
    /* of a patient run: the frames nearest to the wanted one, behind and before it */
    AVFrame *after, *before;
} pictures;

typedef enum run_end {
    RUN_SERVED, /* every picture of this keyframe is delivered */
    RUN_LOST,   /* the first one wanted was decoded but did not come out */
    RUN_UNSEEN  /* its packet, or the keyframe's, was not met */
} run_end;

/* ---- frames ----------------------------------------------------------------------------------*/

static pp_wanted *find(pictures *p, int64_t seek_pts, int64_t pts)
{
    pp_wanted *wanted;
    for (int i = 0; (wanted = pp_targets_in_run(&p->targets, i, seek_pts)) != NULL; i++) {
        if (wanted->pts == pts) return wanted;
    }
    return NULL;
}

/* A frame of a run that serves many: into its target, delivered when its turn has come. */
static pp_status serve_frame(pictures *p, int64_t seek_pts, pp_error *err)
{
    pp_wanted *first = pp_targets_peek(&p->targets, 0);
    pp_wanted *wanted = find(p, seek_pts, p->frame->pts);
    if (first->fed) first->frames_since++;
    if (wanted == NULL || wanted->rgb != NULL) return PP_OK;
    if (pp_scaler_run(p->scaler, p->frame, p->rgb) != 0) return PP_OK;
    if (wanted == first) {
        pp_targets_deliver(&p->targets, p->rgb, 0);
        return PP_OK;
    }
    size_t side = (size_t)p->worker->job.options.picture_size;
    wanted->rgb = pp_alloc(side * side, 3);
    if (wanted->rgb == NULL) return pp_fail(err, PP_ERR_LIMIT, "no memory for pictures");
    uint8_t *decoded = p->rgb;
    p->rgb = wanted->rgb;
    wanted->rgb = decoded;
    p->targets.ready++;
    return PP_OK;
}

/* A frame of a patient run: the wanted one, or a neighbour of it. 1 where it was the wanted one. */
static int weigh_frame(pictures *p, pp_wanted *first)
{
    if (p->frame->pts == first->pts && pp_scaler_run(p->scaler, p->frame, p->rgb) == 0) {
        pp_targets_deliver(&p->targets, p->rgb, 0);
        return 1;
    }
    if (first->fed) first->frames_since++;
    AVFrame *keep = NULL;
    if (p->frame->pts > first->pts) {
        if (p->after->data[0] == NULL || p->frame->pts < p->after->pts) keep = p->after;
    } else if (p->before->data[0] == NULL || p->frame->pts > p->before->pts) {
        keep = p->before;
    }
    if (keep != NULL) {
        av_frame_unref(keep);
        av_frame_move_ref(keep, p->frame);
    }
    return 0;
}

/* ---- runs ------------------------------------------------------------------------------------*/

static int open_codec(pictures *p, pp_error *err)
{
    avcodec_free_context(&p->codec);
    p->codec = pp_input_decoder(p->input, p->input->picture, err);
    return p->codec != NULL;
}

/* To the decoder; 0 where the packet was left out, since nothing wanted needs it. */
static int feed(pictures *p, pp_wanted *wanted)
{
    AVPacket *packet = p->reader.packet;
    int special = pp_packet_is_disposable(p->input->picture->codecpar, packet);
    if (special && wanted == NULL) return 0;
    if (wanted != NULL) wanted->fed = 1;
    packet->pts = p->reader.name; /* the frame comes out under this name */
    return avcodec_send_packet(p->codec, packet) != AVERROR(ENOMEM) ? 1 : -1;
}

static int all_fed(pictures *p, int64_t seek_pts)
{
    pp_wanted *wanted;
    int i = 0;
    for (; (wanted = pp_targets_in_run(&p->targets, i, seek_pts)) != NULL; i++) {
        if (!wanted->fed && wanted->rgb == NULL) return 0;
    }
    return i < PP_TARGETS; /* else there may be more of them than are known yet */
}

static pp_status out_of_memory(pp_error *err)
{
    return pp_fail(err, PP_ERR_LIMIT, "decoding its pictures needs more memory than its limit");
}

static pp_status serve_frames(pictures *p, int64_t seek_pts, pp_error *err)
{
    pp_status status = PP_OK;
    while (status == PP_OK && pp_targets_in_run(&p->targets, 0, seek_pts) != NULL) {
        int code = avcodec_receive_frame(p->codec, p->frame);
        if (code == AVERROR(ENOMEM)) return out_of_memory(err);
        if (code < 0) break;
        status = serve_frame(p, seek_pts, err);
        av_frame_unref(p->frame);
    }
    return status;
}

/* Whether to go on looking for the first wanted packet: two keyframes behind it are too far. */
static int is_too_far(pictures *p, const pp_wanted *first, int *keys_behind)
{
    int behind = p->reader.name > first->pts && (p->reader.packet->flags & AV_PKT_FLAG_KEY);
    if (first->fed) *keys_behind = 0;
    else if (behind) ++*keys_behind;
    return *keys_behind >= 2;
}

static run_end end_of(pictures *p, int64_t seek_pts)
{
    pp_wanted *first = pp_targets_in_run(&p->targets, 0, seek_pts);
    if (first == NULL) return RUN_SERVED;
    return first->fed ? RUN_LOST : RUN_UNSEEN;
}

/* Decodes from the keyframe until every picture that starts from it is served. */
static pp_status run(pictures *p, int64_t seek_pts, int linear, run_end *end, pp_error *err)
{
    pp_wanted *wanted;
    for (int i = 0; (wanted = pp_targets_in_run(&p->targets, i, seek_pts)) != NULL; i++) {
        wanted->fed = wanted->frames_since = 0;
    }
    *end = RUN_UNSEEN;
    int keys_behind = 0;
    pp_status status = PP_OK;
    if (!open_codec(p, err)) return err->status;
    for (int more = pp_reader_go(&p->reader, seek_pts, linear, err); more;
         more = pp_reader_next(&p->reader)) {
        int fed = feed(p, find(p, seek_pts, p->reader.name));
        if (fed < 0) return out_of_memory(err);
        if (fed) status = serve_frames(p, seek_pts, err);
        wanted = pp_targets_in_run(&p->targets, 0, seek_pts);
        if (status != PP_OK || wanted == NULL || all_fed(p, seek_pts)) break;
        if (wanted->frames_since > FRAMES_TO_WAIT || p->targets.ready >= PP_READY_MOST) break;
        if (is_too_far(p, wanted, &keys_behind)) break;
    }
    if (status == PP_OK) {
        (void)avcodec_send_packet(p->codec, NULL); /* what it still holds */
        status = serve_frames(p, seek_pts, err);
    }
    *end = end_of(p, seek_pts);
    return status != PP_OK ? status : err->status;
}

/* The first wanted picture alone, waiting for it longer and remembering its neighbours. */
static pp_status run_patiently(pictures *p, int linear, run_end *end, pp_error *err)
{
    pp_wanted *first = pp_targets_peek(&p->targets, 0);
    int64_t pts = first->pts, seek_pts = first->seek_pts;
    int keys_behind = 0, served = 0, waited = 0, more;
    first->fed = first->frames_since = 0;
    av_frame_unref(p->after);
    av_frame_unref(p->before);
    if (!open_codec(p, err)) return err->status;
    more = pp_reader_go(&p->reader, seek_pts, linear, err);
    while (!served) {
        int fed = more ? feed(p, p->reader.name == pts ? first : NULL) : 1;
        if (fed < 0) return out_of_memory(err);
        if (!more) (void)avcodec_send_packet(p->codec, NULL);
        while (fed && !served && avcodec_receive_frame(p->codec, p->frame) >= 0) {
            served = weigh_frame(p, first);
            av_frame_unref(p->frame);
        }
        if (served || !more) break;
        waited += first->fed;
        int enough = first->frames_since > FRAMES_TO_WAIT || waited > PACKETS_TO_WAIT ||
                     is_too_far(p, first, &keys_behind);
        more = !enough && pp_reader_next(&p->reader);
    }
    *end = served ? RUN_SERVED : first->fed ? RUN_LOST : RUN_UNSEEN;
    return err->status;
}

/* The first wanted picture cannot be had: the nearest following frame serves, else the one before
 * it, else black. */
static void give_up(pictures *p)
{
    AVFrame *neighbour = p->after->data[0] != NULL ? p->after : p->before;
    if (neighbour->data[0] != NULL && pp_scaler_run(p->scaler, neighbour, p->rgb) == 0) {
        pp_targets_deliver(&p->targets, p->rgb, PP_PICTURE_NEIGHBOUR);
    } else {
        pp_targets_deliver(&p->targets, NULL, PP_PICTURE_MISSING);
    }
    av_frame_unref(p->after);
    av_frame_unref(p->before);
}

static pp_status serve_next(pictures *p, pp_error *err)
{
    pp_wanted *first = pp_targets_peek(&p->targets, 0);
    int64_t number = p->targets.delivered, seek_pts = first->seek_pts;
    int linear = first->linear;
    run_end end;
    pp_status status = run(p, seek_pts, linear, &end, err);
    if (status != PP_OK || end == RUN_SERVED || p->targets.delivered != number) return status;
    status = run_patiently(p, linear, &end, err);
    if (status == PP_OK && end == RUN_UNSEEN && !linear) status = run_patiently(p, 1, &end, err);
    if (status == PP_OK && end != RUN_SERVED) give_up(p);
    return status;
}

/* ---- a cover ---------------------------------------------------------------------------------*/

/* The still that goes with the sound lies beside the packets; it serves every target. */
static pp_status serve_cover(pictures *p, pp_error *err)
{
    const AVPacket *still = &p->input->picture->attached_pic;
    int good = 0;
    if (!open_codec(p, err)) return err->status;
    if (avcodec_send_packet(p->codec, still) >= 0) {
        (void)avcodec_send_packet(p->codec, NULL);
        good = avcodec_receive_frame(p->codec, p->frame) >= 0 &&
               pp_scaler_run(p->scaler, p->frame, p->rgb) == 0;
    }
    while (pp_targets_peek(&p->targets, 0) != NULL) {
        pp_targets_deliver(&p->targets, good ? p->rgb : NULL, good ? 0 : PP_PICTURE_MISSING);
    }
    return PP_OK;
}

/* ---- all -------------------------------------------------------------------------------------*/

static pp_status prepare(pictures *p, int64_t total, pp_error *err)
{
    size_t side = (size_t)p->worker->job.options.picture_size;
    int turn[4];
    p->targets.worker = p->worker;
    p->targets.total = total;
    p->targets.last = pp_alloc(side * side, 3);
    p->rgb = pp_alloc(side * side, 3);
    p->frame = av_frame_alloc();
    p->after = av_frame_alloc();
    p->before = av_frame_alloc();
    if (p->targets.last == NULL || p->rgb == NULL || p->frame == NULL || p->after == NULL ||
        p->before == NULL) {
        return out_of_memory(err);
    }
    pp_choose_turn(p->input->picture, turn);
    pp_status status = pp_scaler_create(&p->scaler, (int)side, turn, err);
    if (status == PP_OK) status = pp_reader_start(&p->reader, p->worker, p->input, err);
    return status;
}

pp_status pp_pictures(pp_worker *worker, pp_input *input, int64_t total, pp_error *err)
{
    pictures *p = pp_alloc(1, sizeof *p);
    if (p == NULL) return out_of_memory(err);
    if (input->picture == NULL) {
        pp_free(p);
        return pp_fail(err, PP_ERR_USAGE, "has no pictures");
    }
    p->worker = worker;
    p->input = input;
    pp_status status = prepare(p, total, err);
    if (status == PP_OK && input->cover) status = serve_cover(p, err);
    while (status == PP_OK && pp_targets_peek(&p->targets, 0) != NULL) status = serve_next(p, err);
    if (status == PP_OK) {
        pp_report done = {.kind = PP_REPORT_DONE};
        pp_worker_report(worker, &done);
    }
    avcodec_free_context(&p->codec);
    av_frame_free(&p->frame);
    av_frame_free(&p->after);
    av_frame_free(&p->before);
    pp_scaler_destroy(&p->scaler);
    pp_reader_close(&p->reader);
    pp_targets_free(&p->targets);
    pp_free(p->rgb);
    pp_free(p);
    return status;
}
