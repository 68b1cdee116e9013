#include "media/decoder/reader.h"

#include <libavutil/mathematics.h>

enum { CLOSE_S = 3 }; /* ahead by less than this: reading on is cheaper than seeking */

static void start_clock(pp_reader *reader)
{
    reader->namer = (pp_namer){0};
    pp_timeline_start(&reader->timeline, reader->input->start_us,
                      (reader->input->format->iformat->flags & AVFMT_TS_DISCONT) != 0);
    reader->at_packet = 0;
}

pp_status pp_reader_start(pp_reader *reader, pp_worker *worker, pp_input *input, pp_error *err)
{
    reader->worker = worker;
    reader->input = input;
    reader->packet = av_packet_alloc();
    if (reader->packet == NULL) return pp_fail(err, PP_ERR_LIMIT, "no memory for a packet");
    reader->from_start = !input->used;
    start_clock(reader);
    return PP_OK;
}

void pp_reader_close(pp_reader *reader)
{
    av_packet_free(&reader->packet);
}

int pp_reader_next(pp_reader *reader)
{
    reader->at_packet = 0;
    while (pp_input_read(reader->input, reader->packet)) {
        pp_worker_alive(reader->worker);
        AVPacket *packet = reader->packet;
        int is_picture = packet->stream_index == reader->input->picture_index;
        int64_t name =
            is_picture ? pp_name_picture(&reader->namer, reader->input->picture, packet) : 0;
        /* only a reader that saw every packet knows the jumps */
        if (reader->from_start) name += pp_place_packet(&reader->timeline, reader->input, packet);
        if (!is_picture) continue;
        reader->name = name;
        reader->at_packet = 1;
        return 1;
    }
    return 0;
}

static int read_to(pp_reader *reader, int64_t name, int64_t give_up_behind)
{
    if (reader->at_packet && reader->name == name) return 1;
    while (pp_reader_next(reader)) {
        if (reader->name == name) return 1;
        /* packets may be shown in another order than they are coded in, but not by much */
        if (reader->name > give_up_behind && (reader->packet->flags & AV_PKT_FLAG_KEY)) return 0;
    }
    return 0;
}

static int restart(pp_reader *reader, pp_error *err)
{
    if (pp_input_reopen(reader->input, err) != PP_OK) return 0;
    reader->from_start = 1;
    start_clock(reader);
    return 1;
}

/* The sound's packets are of use only to a reader that has to know jumps. */
static void want_sound(const pp_reader *reader, int wanted)
{
    if (reader->input->sound == NULL) return;
    reader->input->sound->discard = wanted ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
}

static int seek_to(pp_reader *reader, int64_t name)
{
    AVRational base = reader->input->picture->time_base;
    int64_t back = av_rescale_q(1, (AVRational){CLOSE_S, 1}, base);
    want_sound(reader, 0);
    if (reader->at_packet && !reader->from_start && reader->name <= name &&
        name - reader->name < back) {
        if (read_to(reader, name, name)) return 1;
    }
    /* some demuxers land behind the wanted packet: try again from further before */
    for (int step = 0; step < 3; step++) {
        int64_t target = name - (step > 0 ? back * (1 << (3 * step)) : 0);
        int code = av_seek_frame(reader->input->format, reader->input->picture_index, target,
                                 AVSEEK_FLAG_BACKWARD);
        if (code < 0) continue;
        reader->from_start = 0;
        reader->at_packet = 0;
        if (read_to(reader, name, name)) return 1;
    }
    return 0;
}

int pp_reader_go(pp_reader *reader, int64_t name, int linear, pp_error *err)
{
    if (!linear) return seek_to(reader, name);
    want_sound(reader, 1);
    int here = reader->from_start && reader->at_packet && reader->name <= name;
    if (here && read_to(reader, name, INT64_MAX)) return 1;
    if (!restart(reader, err)) return 0;
    return read_to(reader, name, INT64_MAX);
}
