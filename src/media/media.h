/* Videos, decoded in a separate sandboxed process: the rank's side.
 *
 * Media is untrusted. FFmpeg runs only in `pp-decode`. A pp_decoder is one supervisor child of this
 * rank, started before MPI_Init; for every open video it forks a fresh, limited, sandboxed process.
 * Pictures and sound come over shared memory; everything in it is checked here as if an enemy had
 * written it. A decoder that dies, hangs or eats memory fails the call with PP_ERR_CRASH,
 * PP_ERR_TIMEOUT or PP_ERR_LIMIT; the rank goes on and may open the next video.
 *
 * Order: pp_decoder_create (before MPI_Init, before threads); pp_media_open; pp_media_scan first
 * for a video never seen, or straight pp_media_picture with a plan kept from an earlier scan;
 * pp_media_close. One video open at a time a decoder. One thread.
 *
 * Time zero of a video is the container's start time: the earlier of its picture and its sound.
 */
#ifndef PP_MEDIA_MEDIA_H
#define PP_MEDIA_MEDIA_H

#include <stdint.h>

#include "base/status.h"

typedef struct pp_decoder pp_decoder;
typedef struct pp_media pp_media;

typedef struct pp_media_limits { /* 0 anywhere: the default */
    uint64_t memory_bytes;       /* address space for decoding, libraries apart */
    double wall_s;               /* without any answer */
    double cpu_s_per_media_s;    /* processor time allowed a second of video, plus a minute */
    int64_t most_pixels;         /* of one picture */
    int most_streams;
} pp_media_limits;

/* executable: path of pp-decode, NULL for the one beside this program. */
pp_status pp_decoder_create(pp_decoder **out, const char *executable, const pp_media_limits *limits,
                            pp_error *err) PP_MUST_USE;
void pp_decoder_destroy(pp_decoder **decoder);

/* The streams without which a file is refused. What else a file has is used all the same: with
 * PP_MEDIA_SOUND a WAV file opens (width 0, a scan gives an empty plan), with PP_MEDIA_PICTURES a
 * silent video or a still image (JPEG, PNG: a video of one picture, which serves every grid time; a
 * scan gives no samples, and a grid over the duration of the pictures). */
typedef enum pp_media_need { PP_MEDIA_BOTH, PP_MEDIA_SOUND, PP_MEDIA_PICTURES } pp_media_need;

typedef struct pp_media_options {
    pp_media_need need;
    int rate_hz;      /* of the sound handed over: 11025 */
    int picture_size; /* shorter side scaled to this (bicubic), centre crop, rotation applied */
    int audio_track;  /* index among the audio streams, -1 for FFmpeg's default */
    double start_s,
        end_s; /* part of the video to use (0, 0: all); times below count from start_s */
} pp_media_options;

typedef struct pp_media_info {
    double duration_s;    /* by the header; 0 where unknown. pp_media_scan finds the true one */
    double video_fps;     /* 0 where unknown */
    int width, height;    /* as shown, rotation applied */
    int rotation_degrees; /* 0, 90, 180, 270 */
    int audio_rate_hz, audio_channels, audio_tracks, audio_track;
    int is_cover_picture; /* the only picture is an album cover */
    char container[32], video_codec[32], audio_codec[32];
} pp_media_info;

/* Opens by file descriptor; the decoder sees no name. Failures name the file, the reason and a way
 * out: no sound, no picture, unknown or encrypted codec, not a video, empty, ... (PP_ERR_MEDIA). */
pp_status pp_media_open(pp_media **out, pp_decoder *decoder, const char *path,
                        const pp_media_options *options, pp_error *err) PP_MUST_USE;
void pp_media_close(pp_media **media);
const pp_media_info *pp_media_get_info(const pp_media *media); /* borrowed */

/* One picture of the frame grid, as planned by a scan: which coded frame serves grid time
 * time_s. Depends on the video and the grid alone, so that segments cut anywhere agree. */
typedef struct pp_picture_plan {
    double time_s;          /* of the grid */
    double shown_s;         /* time stamp of the frame that serves it */
    int64_t pts;            /* the same in stream units */
    int64_t seek_pts;       /* keyframe from which decoding starts */
    int32_t only_reference; /* bit 0: frames no other refers to can be skipped on the way; bit 1:
                             * time stamps jump, found only by reading from the start */
    int32_t same_as_before; /* 1: the very frame of the grid point before */
} pp_picture_plan;

typedef struct pp_media_scan_result {
    int64_t samples;       /* of sound handed over */
    pp_picture_plan *plan; /* [pictures]; owned by the caller after a scan, pp_free */
    int64_t pictures;      /* grid points in [0, samples / rate_hz); at least 1 if any picture */
    double video_end_s;    /* where the pictures end */
    int truncated;         /* the file ends before its index says */
    double truncated_at_s;
    int64_t damaged_packets; /* that the decoder had to leave out */
    int64_t bad_samples;     /* not a number, infinite or absurdly loud: made silent */
} pp_media_scan_result;

/* Called with sound in order, mono, `count` samples from sample number `first` on. */
typedef pp_status (*pp_sound_sink)(void *user, const float *samples, int64_t first, int64_t count,
                                   pp_error *err);

/* Reads the whole file once, from the very start: all the sound into `sink`, and the picture plan
 * for grid times 0, interval_s, 2 interval_s, ... Sound equals, to the sample,
 * `ffmpeg -ac 1 -ar RATE -af aresample=async=1:first_pts=0`. */
pp_status pp_media_scan(pp_media *media, double interval_s, pp_sound_sink sink, void *user,
                        pp_media_scan_result *out, pp_error *err) PP_MUST_USE;

/* One decoded picture: rgb [size, size, 3] bytes, valid until the next call on this media. */
typedef struct pp_picture {
    const uint8_t *rgb;
    int size;
    int missing;   /* could not be decoded: black */
    int neighbour; /* could not be decoded: the nearest frame of its group that could */
} pp_picture;

/* The pictures of plan[0 .. count) (ascending in time) one after another into `sink`. */
typedef pp_status (*pp_picture_sink)(void *user, int64_t index, const pp_picture *picture,
                                     pp_error *err);
pp_status pp_media_pictures(pp_media *media, const pp_picture_plan *plan, int64_t count,
                            pp_picture_sink sink, void *user, pp_error *err) PP_MUST_USE;

/* The command line that shows the same failure again, for OUT/failed: owned by the caller. */
char *pp_media_reproducer(const char *path, const pp_media_options *options);

#endif
