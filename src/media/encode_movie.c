/* MP4 movies: H.264 pictures and AAC sound. */
#include <stdio.h>
#include <string.h>

#include <libavutil/opt.h>
#include <libswscale/swscale.h>

#include "base/memory.h"
#include "media/encode.h"
#include "media/libav.h"
#include "media/writer.h"

struct pp_movie {
    pp_movie_options options;
    pp_writer writer;
    struct SwsContext *to_yuv;
    AVFrame *picture, *sound; /* sound: one encoder frame, planar, filled up to `filled` */
    int sound_stream;         /* -1: none */
    int filled;
    int64_t pictures, samples; /* handed to the encoders */
};

static pp_status check(const pp_movie_options *o, const char *path, pp_error *err)
{
    if (o->width < 2 || o->height < 2 || o->width % 2 != 0 || o->height % 2 != 0 ||
        o->width > 16384 || o->height > 16384) {
        return pp_fail(err, PP_ERR_USAGE, "%s: a movie's sides must be even, not %d x %d", path,
                       o->width, o->height);
    }
    if (!(o->fps > 0 && o->fps <= 1000) || o->rate_hz < 0 ||
        (o->rate_hz > 0 && (o->channels < 1 || o->channels > 8))) {
        return pp_fail(err, PP_ERR_USAGE, "%s: a movie cannot have %g pictures/s, %d Hz x %d", path,
                       o->fps, o->rate_hz, o->channels);
    }
    return PP_OK;
}

static pp_status add_pictures(pp_movie *movie, const char *path, pp_error *err)
{
    const pp_movie_options *o = &movie->options;
    AVCodecContext *context = pp_writer_add_stream(&movie->writer, "libx264", err);
    if (context == NULL) return err->status;
    context->width = o->width;
    context->height = o->height;
    context->pix_fmt = AV_PIX_FMT_YUV420P;
    context->framerate = av_d2q(o->fps, 100000);
    context->time_base = av_inv_q(context->framerate);
    context->color_range = AVCOL_RANGE_MPEG;
    context->colorspace = AVCOL_SPC_SMPTE170M; /* the matrix that swscale uses by default */
    AVDictionary *options = NULL;
    av_dict_set(&options, "preset", o->preset != NULL ? o->preset : "veryfast", 0);
    av_dict_set_int(&options, "crf", o->crf > 0 ? o->crf : 23, 0);
    /* x264's macroblock tree reads memory it never wrote (seen with core 164 as Debian 12 has it,
     * by MALLOC_PERTURB_): the same pictures gave other bytes on a second call. */
    av_dict_set_int(&options, "mbtree", 0, 0);
    pp_status status = pp_writer_open_stream(&movie->writer, 0, &options, err);
    av_dict_free(&options);
    if (status != PP_OK) return status;
    movie->to_yuv = sws_getContext(o->width, o->height, AV_PIX_FMT_RGB24, o->width, o->height,
                                   AV_PIX_FMT_YUV420P,
                                   SWS_BICUBIC | SWS_ACCURATE_RND | SWS_BITEXACT, NULL, NULL, NULL);
    movie->picture = av_frame_alloc();
    if (movie->to_yuv == NULL || movie->picture == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "%s: no memory for pictures", path);
    }
    movie->picture->width = o->width;
    movie->picture->height = o->height;
    movie->picture->format = AV_PIX_FMT_YUV420P;
    int code = av_frame_get_buffer(movie->picture, 0);
    if (code < 0) return pp_libav_fail(err, code, "%s: no memory for pictures", path);
    return PP_OK;
}

static pp_status add_sound_track(pp_movie *movie, const char *path, pp_error *err)
{
    const pp_movie_options *o = &movie->options;
    AVCodecContext *context = pp_writer_add_stream(&movie->writer, "aac", err);
    if (context == NULL) return err->status;
    movie->sound_stream = 1;
    context->sample_fmt = AV_SAMPLE_FMT_FLTP;
    context->sample_rate = o->rate_hz;
    context->time_base = (AVRational){1, o->rate_hz};
    context->bit_rate = 96000 * (int64_t)o->channels;
    av_channel_layout_default(&context->ch_layout, o->channels);
    pp_status status = pp_writer_open_stream(&movie->writer, 1, NULL, err);
    if (status != PP_OK) return status;
    movie->sound = av_frame_alloc();
    if (movie->sound == NULL) return pp_fail(err, PP_ERR_NOMEM, "%s: no memory for sound", path);
    movie->sound->format = context->sample_fmt;
    movie->sound->sample_rate = o->rate_hz;
    movie->sound->nb_samples = context->frame_size;
    int code = av_channel_layout_copy(&movie->sound->ch_layout, &context->ch_layout);
    if (code >= 0) code = av_frame_get_buffer(movie->sound, 0);
    if (code < 0) return pp_libav_fail(err, code, "%s: no memory for sound", path);
    return PP_OK;
}

pp_status pp_movie_create(pp_movie **out, const char *path, const pp_movie_options *options,
                          pp_error *err)
{
    *out = NULL;
    pp_error local = {0};
    if (err == NULL) err = &local;
    pp_status status = check(options, path, err);
    if (status != PP_OK) return status;
    pp_movie *movie = pp_alloc(1, sizeof *movie);
    if (movie == NULL) return pp_fail(err, PP_ERR_NOMEM, "%s: no memory for a movie", path);
    movie->options = *options;
    movie->sound_stream = -1;
    status = pp_writer_open(&movie->writer, path, "mp4", err);
    if (status == PP_OK) status = add_pictures(movie, path, err);
    if (status == PP_OK && options->rate_hz > 0) status = add_sound_track(movie, path, err);
    AVDictionary *muxer_options = NULL;
    av_dict_set(&muxer_options, "movflags", "+faststart", 0);
    if (status == PP_OK) status = pp_writer_start(&movie->writer, &muxer_options, err);
    av_dict_free(&muxer_options);
    movie->options.preset = NULL; /* borrowed only for this call */
    if (status != PP_OK) pp_movie_destroy(&movie);
    *out = movie;
    return status;
}

pp_status pp_movie_add_picture(pp_movie *movie, const uint8_t *rgb, pp_error *err)
{
    int code = av_frame_make_writable(movie->picture);
    if (code < 0) return pp_libav_fail(err, code, "%s: cannot encode", movie->writer.path);
    const uint8_t *rows[4] = {rgb};
    int strides[4] = {movie->options.width * 3};
    sws_scale(movie->to_yuv, rows, strides, 0, movie->options.height, movie->picture->data,
              movie->picture->linesize);
    movie->picture->pts = movie->pictures++;
    return pp_writer_encode(&movie->writer, 0, movie->picture, err);
}

/* Sends the frame under way (its first `filled` samples) to the encoder. */
static pp_status send_sound(pp_movie *movie, pp_error *err)
{
    movie->sound->nb_samples = movie->filled;
    movie->sound->pts = movie->samples;
    movie->samples += movie->filled;
    movie->filled = 0;
    return pp_writer_encode(&movie->writer, movie->sound_stream, movie->sound, err);
}

pp_status pp_movie_add_sound(pp_movie *movie, const float *interleaved, int64_t frames,
                             pp_error *err)
{
    if (movie->sound_stream < 0) {
        return pp_fail(err, PP_ERR_USAGE, "%s: this movie was made without sound",
                       movie->writer.path);
    }
    int channels = movie->options.channels;
    int whole = movie->writer.encoder[movie->sound_stream]->frame_size;
    for (int64_t i = 0; i < frames; i++) {
        if (movie->filled == 0) {
            movie->sound->nb_samples = whole;
            int code = av_frame_make_writable(movie->sound);
            if (code < 0) return pp_libav_fail(err, code, "%s: cannot encode", movie->writer.path);
        }
        for (int c = 0; c < channels; c++) {
            float *plane = (float *)(void *)movie->sound->extended_data[c];
            plane[movie->filled] = interleaved[i * channels + c];
        }
        if (++movie->filled == whole) {
            pp_status status = send_sound(movie, err);
            if (status != PP_OK) return status;
        }
    }
    return PP_OK;
}

pp_status pp_movie_finish(pp_movie *movie, pp_error *err)
{
    if (movie->filled > 0) {
        pp_status status = send_sound(movie, err);
        if (status != PP_OK) return status;
    }
    return pp_writer_finish(&movie->writer, err);
}

void pp_movie_destroy(pp_movie **movie)
{
    if (movie == NULL || *movie == NULL) return;
    pp_writer_close(&(*movie)->writer);
    sws_freeContext((*movie)->to_yuv);
    av_frame_free(&(*movie)->picture);
    av_frame_free(&(*movie)->sound);
    PP_FREE(*movie);
}
