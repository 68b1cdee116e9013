/* The filters between decoded sound and the wanted samples: one graph for one input format.
 *
 *   abuffer -> [pan: average of all channels] -> aresample=async=1:first_pts=N -> aformat -> sink
 */
#ifndef PP_MEDIA_DECODER_MIXER_H
#define PP_MEDIA_DECODER_MIXER_H

#include <libavfilter/avfilter.h>
#include <libavutil/frame.h>

typedef struct pp_mixer { /* start from {0} */
    AVFilterGraph *graph;
    AVFilterContext *source, *sink;
    int format, rate_hz; /* of the input */
    AVChannelLayout layout;
} pp_mixer;

/* A graph for frames like this one. first_pts: sample number, at the input's rate, that the output
 * has got to. FFmpeg's negative code on failure. */
int pp_mixer_open(pp_mixer *mixer, const AVFrame *like, int rate_hz, int64_t first_pts);
int pp_mixer_fits(const pp_mixer *mixer, const AVFrame *frame);
void pp_mixer_close(pp_mixer *mixer);

/* frame: its data is taken (NULL: the end); pts in 1 / input rate. */
int pp_mixer_put(pp_mixer *mixer, AVFrame *frame);
/* One frame of mono floats; AVERROR(EAGAIN) or AVERROR_EOF where there is none. */
int pp_mixer_get(pp_mixer *mixer, AVFrame *out);

#endif
