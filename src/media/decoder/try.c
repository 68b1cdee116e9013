#include "media/decoder/try.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

typedef struct loudness {
    double energy, peak;
} loudness;

static pp_status hear(void *user, const float *samples, int64_t first, int64_t count, pp_error *err)
{
    loudness *sum = user;
    (void)first, (void)err;
    for (int64_t i = 0; i < count; i++) {
        sum->energy += (double)samples[i] * samples[i];
        sum->peak = fmax(sum->peak, fabs((double)samples[i]));
    }
    return PP_OK;
}

typedef struct seen {
    int64_t pictures, missing, neighbours;
} seen;

static pp_status see(void *user, int64_t index, const pp_picture *picture, pp_error *err)
{
    seen *count = user;
    (void)index, (void)err;
    count->pictures++;
    count->missing += picture->missing;
    count->neighbours += picture->neighbour;
    return PP_OK;
}

static void print_info(const pp_media_info *info)
{
    printf("container   %s, %.3f s by its header\n", info->container, info->duration_s);
    printf("pictures    %s, %d x %d as shown (turned by %d), %.3f a second%s\n", info->video_codec,
           info->width, info->height, info->rotation_degrees, info->video_fps,
           info->is_cover_picture ? ", a cover" : "");
    printf("sound       %s, %d channels at %d Hz, track %d of %d\n", info->audio_codec,
           info->audio_channels, info->audio_rate_hz, info->audio_track, info->audio_tracks);
}

static pp_status decode_all(pp_media *media, int rate_hz, double interval_s, pp_error *err)
{
    loudness sum = {0, 0};
    seen count = {0, 0, 0};
    pp_media_scan_result scanned;
    double start_s = pp_clock_s();
    pp_status status = pp_media_scan(media, interval_s, hear, &sum, &scanned, err);
    if (status != PP_OK) return status;
    double level = sqrt(sum.energy / (double)scanned.samples);
    printf("scanned     in %.3f s: %" PRId64 " samples (%.3f s), level %.1f dB, peak %.3f\n",
           pp_clock_s() - start_s, scanned.samples, (double)scanned.samples / rate_hz,
           20 * log10(level + 1e-10), sum.peak);
    printf("            pictures end at %.3f s; %" PRId64 " damaged packets, %" PRId64
           " bad samples\n",
           scanned.video_end_s, scanned.damaged_packets, scanned.bad_samples);
    if (scanned.truncated) printf("            cut off at %.3f s\n", scanned.truncated_at_s);
    int64_t same = 0;
    for (int64_t i = 0; i < scanned.pictures; i++) same += scanned.plan[i].same_as_before;
    printf("plan        %" PRId64 " points, %" PRId64 " as the one before\n", scanned.pictures,
           same);
    start_s = pp_clock_s();
    status = pp_media_pictures(media, scanned.plan, scanned.pictures, see, &count, err);
    printf("decoded     in %.3f s: %" PRId64 " pictures, %" PRId64 " by a neighbour, %" PRId64
           " missing\n",
           pp_clock_s() - start_s, count.pictures, count.neighbours, count.missing);
    pp_free(scanned.plan);
    return status;
}

int pp_try(const char *path, const pp_media_options *options, const pp_media_limits *limits,
           double interval_s)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    program[length > 0 ? length : 0] = '\0';
    pp_error err = {0};
    pp_decoder *decoder = NULL;
    pp_media *media = NULL;
    pp_status status = pp_decoder_create(&decoder, program, limits, &err);
    if (status == PP_OK) status = pp_media_open(&media, decoder, path, options, &err);
    if (status == PP_OK) {
        print_info(pp_media_get_info(media));
        status = decode_all(media, options->rate_hz, interval_s, &err);
    }
    pp_media_close(&media);
    pp_decoder_destroy(&decoder);
    if (status == PP_OK) {
        printf("ok\n");
        return 0;
    }
    printf("failed      %s (%s)\n", err.message, pp_status_name(status));
    if (err.advice[0] != '\0') printf("advice      %s\n", err.advice);
    return 1;
}
