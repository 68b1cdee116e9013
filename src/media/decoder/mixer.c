#include "media/decoder/mixer.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libavfilter/buffersink.h>
#include <libavfilter/buffersrc.h>
#include <libavutil/mem.h>
#include <libavutil/samplefmt.h>

enum { MOST_CHANNELS = 64 };

static int make_source(pp_mixer *mixer)
{
    mixer->source =
        avfilter_graph_alloc_filter(mixer->graph, avfilter_get_by_name("abuffer"), NULL);
    AVBufferSrcParameters *facts = av_buffersrc_parameters_alloc();
    int code = mixer->source == NULL || facts == NULL ? AVERROR(ENOMEM) : 0;
    if (code >= 0) {
        facts->format = mixer->format;
        facts->sample_rate = mixer->rate_hz;
        facts->time_base = (AVRational){1, mixer->rate_hz};
        code = av_channel_layout_copy(&facts->ch_layout, &mixer->layout);
    }
    if (code >= 0) code = av_buffersrc_parameters_set(mixer->source, facts);
    if (code >= 0) code = avfilter_init_str(mixer->source, NULL);
    if (facts != NULL) av_channel_layout_uninit(&facts->ch_layout);
    av_free(facts);
    return code;
}

static int add(pp_mixer *mixer, AVFilterContext **last, const char *name, const char *arguments)
{
    AVFilterContext *filter = NULL;
    int code = avfilter_graph_create_filter(&filter, avfilter_get_by_name(name), NULL, arguments,
                                            NULL, mixer->graph);
    if (code >= 0) code = avfilter_link(*last, 0, filter, 0);
    *last = filter;
    return code;
}

/* "mono|c0=0.1*c0+0.1*c1+..." */
static void average_of_all(char *text, size_t room, int channels)
{
    int used = snprintf(text, room, "mono|c0=");
    for (int c = 0; c < channels; c++) {
        used += snprintf(text + used, room - (size_t)used, "%s%.9f*c%d", c > 0 ? "+" : "",
                         1.0 / channels, c);
    }
}

static int build(pp_mixer *mixer, int rate_hz, int64_t first_pts, int average)
{
    char arguments[64 + 24 * MOST_CHANNELS];
    mixer->graph = avfilter_graph_alloc();
    if (mixer->graph == NULL) return AVERROR(ENOMEM);
    mixer->graph->nb_threads = 1;
    int code = make_source(mixer);
    AVFilterContext *last = mixer->source;
    if (code >= 0 && average) {
        average_of_all(arguments, sizeof arguments, mixer->layout.nb_channels);
        code = add(mixer, &last, "pan", arguments);
    }
    if (code >= 0) {
        snprintf(arguments, sizeof arguments, "async=1:first_pts=%" PRId64, first_pts);
        code = add(mixer, &last, "aresample", arguments);
    }
    if (code >= 0) {
        snprintf(arguments, sizeof arguments,
                 "sample_fmts=flt:sample_rates=%d:channel_layouts=mono", rate_hz);
        code = add(mixer, &last, "aformat", arguments);
    }
    if (code >= 0) code = add(mixer, &last, "abuffersink", NULL);
    mixer->sink = last;
    return code >= 0 ? avfilter_graph_config(mixer->graph, NULL) : code;
}

/* A stream that does not say where its channels stand gets the usual layout for their number. */
static int copy_layout(AVChannelLayout *to, const AVFrame *like)
{
    if (like->ch_layout.order != AV_CHANNEL_ORDER_UNSPEC) {
        return av_channel_layout_copy(to, &like->ch_layout);
    }
    av_channel_layout_default(to, like->ch_layout.nb_channels);
    return 0;
}

int pp_mixer_open(pp_mixer *mixer, const AVFrame *like, int rate_hz, int64_t first_pts)
{
    pp_mixer_close(mixer);
    if (like->ch_layout.nb_channels < 1 || like->ch_layout.nb_channels > MOST_CHANNELS) {
        return AVERROR(EINVAL);
    }
    mixer->format = like->format;
    mixer->rate_hz = like->sample_rate;
    int code = copy_layout(&mixer->layout, like);
    if (code < 0) return code;
    int usual = mixer->layout.order == AV_CHANNEL_ORDER_NATIVE;
    if (usual) code = build(mixer, rate_hz, first_pts, 0);
    if (!usual || code == AVERROR(EINVAL)) { /* nothing knows how to mix it */
        avfilter_graph_free(&mixer->graph);
        code = build(mixer, rate_hz, first_pts, 1);
    }
    return code;
}

int pp_mixer_fits(const pp_mixer *mixer, const AVFrame *frame)
{
    if (mixer->graph == NULL || mixer->format != frame->format ||
        mixer->rate_hz != frame->sample_rate) {
        return 0;
    }
    AVChannelLayout layout = {0};
    int same =
        copy_layout(&layout, frame) >= 0 && av_channel_layout_compare(&layout, &mixer->layout) == 0;
    av_channel_layout_uninit(&layout);
    return same;
}

void pp_mixer_close(pp_mixer *mixer)
{
    avfilter_graph_free(&mixer->graph);
    av_channel_layout_uninit(&mixer->layout);
    memset(mixer, 0, sizeof *mixer);
}

int pp_mixer_put(pp_mixer *mixer, AVFrame *frame)
{
    if (frame == NULL) return av_buffersrc_add_frame_flags(mixer->source, NULL, 0);
    int code = av_channel_layout_copy(&frame->ch_layout, &mixer->layout);
    if (code < 0) return code;
    return av_buffersrc_add_frame_flags(mixer->source, frame, AV_BUFFERSRC_FLAG_PUSH);
}

int pp_mixer_get(pp_mixer *mixer, AVFrame *out)
{
    return av_buffersink_get_frame(mixer->sink, out);
}
