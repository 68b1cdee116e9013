/* A media layer without FFmpeg, for tests of what stands above src/media: #include this file and
 * it takes the place of the real one. Sounds and pictures are made from the name of a file:
 *
 *   tone-F-SECONDS...    a plucked tone of F Hz; pictures of a colour that depends on F
 *   noise-SEED-SECONDS   pictures of a colour that depends on SEED
 *   silent-SECONDS       digital silence
 *   picture-N...         a still image; no sound
 *   broken...            cannot be decoded
 *
 * The files must exist (digests are taken of them); their content does not matter. A name that ends
 * in .wav has no pictures.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/random.h"
#include "base/text.h"
#include "media/media.h"

struct pp_media {
    pp_media_info info;
    pp_media_options options;
    double frequency, seconds;
    long long noise; /* seed, or -1 */
    int pictures;    /* 1: has pictures */
    uint8_t colour[3];
    uint8_t *rgb;
};

static int fake_media_opened; /* how many files so far */

pp_status pp_decoder_create(pp_decoder **out, const char *executable, const pp_media_limits *limits,
                            pp_error *err)
{
    (void)executable, (void)limits, (void)err;
    *out = NULL;
    return PP_OK;
}

void pp_decoder_destroy(pp_decoder **decoder)
{
    *decoder = NULL;
}

static void describe(pp_media *m, const char *name)
{
    long long number = 0;
    m->noise = -1;
    if (sscanf(name, "tone-%lf-%lf", &m->frequency, &m->seconds) == 2) {
        number = (long long)m->frequency;
    } else if (sscanf(name, "noise-%lld-%lf", &m->noise, &m->seconds) == 2) {
        number = m->noise;
    } else if (sscanf(name, "picture-%lld", &number) != 1) {
        sscanf(name, "silent-%lf", &m->seconds);
    }
    m->pictures = !pp_text_ends_with(name, ".wav");
    m->info.duration_s = m->seconds;
    m->info.width = m->info.height = m->pictures ? 32 : 0;
    for (int c = 0; c < 3; c++) m->colour[c] = (uint8_t)(number * (3 + 4 * c) % 256);
}

pp_status pp_media_open(pp_media **out, pp_decoder *decoder, const char *path,
                        const pp_media_options *options, pp_error *err)
{
    (void)decoder;
    *out = NULL;
    fake_media_opened++;
    const char *name = pp_path_name(path);
    if (strncmp(name, "broken", 6) == 0) {
        return pp_fail(err, PP_ERR_MEDIA, "%s: not a video", path);
    }
    pp_media *m = NULL;
    pp_status status = pp_alloc_checked((void **)&m, 1, sizeof *m, "media", err);
    if (status != PP_OK) return status;
    m->options = *options;
    describe(m, name);
    const size_t bytes = (size_t)options->picture_size * (size_t)options->picture_size * 3;
    status = pp_alloc_checked((void **)&m->rgb, bytes, 1, "picture", err);
    for (size_t i = 0; i < bytes && status == PP_OK; i++) m->rgb[i] = m->colour[i % 3];
    if (status != PP_OK) pp_media_close(&m);
    *out = m;
    return status;
}

void pp_media_close(pp_media **media)
{
    if (*media == NULL) return;
    pp_free((*media)->rgb);
    PP_FREE(*media);
}

const pp_media_info *pp_media_get_info(const pp_media *media)
{
    return &media->info;
}

static pp_status make_sound(pp_media *m, int64_t samples, pp_sound_sink sink, void *user,
                            pp_error *err)
{
    pp_random random;
    pp_random_seed(&random, (uint64_t)(m->noise + 1), 0);
    for (int64_t first = 0; first < samples;) {
        float block[1000];
        const int64_t count = samples - first < 1000 ? samples - first : 1000;
        for (int64_t i = 0; i < count; i++) {
            const double t = (double)(first + i) / m->options.rate_hz;
            const double pluck = exp(-3.0 * fmod(t, 0.5));
            block[i] = m->noise >= 0 ? (float)(0.1 * pp_random_normal(&random))
                                     : (float)(0.5 * pluck * sin(2.0 * M_PI * m->frequency * t) *
                                               (m->frequency > 0.0));
        }
        pp_status status = sink(user, block, first, count, err);
        if (status != PP_OK) return status;
        first += count;
    }
    return PP_OK;
}

pp_status pp_media_scan(pp_media *media, double interval_s, pp_sound_sink sink, void *user,
                        pp_media_scan_result *out, pp_error *err)
{
    memset(out, 0, sizeof *out);
    out->samples = (int64_t)(media->seconds * media->options.rate_hz);
    pp_status status = make_sound(media, out->samples, sink, user, err);
    if (status != PP_OK || !media->pictures) return status;
    out->pictures = (int64_t)ceil(media->seconds / interval_s);
    if (out->pictures < 1) out->pictures = 1;
    status = pp_alloc_checked((void **)&out->plan, (size_t)out->pictures, sizeof *out->plan, "plan",
                              err);
    for (int64_t i = 0; i < out->pictures && status == PP_OK; i++) {
        out->plan[i].time_s = (double)i * interval_s;
    }
    return status;
}

pp_status pp_media_pictures(pp_media *media, const pp_picture_plan *plan, int64_t count,
                            pp_picture_sink sink, void *user, pp_error *err)
{
    (void)plan;
    const pp_picture picture = {media->rgb, media->options.picture_size, 0, 0};
    for (int64_t i = 0; i < count; i++) {
        pp_status status = sink(user, i, &picture, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}
