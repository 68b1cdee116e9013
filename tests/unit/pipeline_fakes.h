/* A decoder that makes up its videos: linked in place of the media layer by tests of the pipeline,
 * so that they are fast and know every sample. Include it once, in the test's own file.
 *
 * A "video" is a small text file: "samples=70000 seed=3 ...", which is also what gets hashed. */
#ifndef PP_TESTS_PIPELINE_FAKES_H
#define PP_TESTS_PIPELINE_FAKES_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "media/media.h"

struct pp_decoder {
    int unused;
};

struct pp_media {
    pp_media_info info;
    pp_media_options options;
    long samples, seed;
    int silent, still, odd; /* odd: breaks the contract in this way */
    uint8_t *rgb;
};

/* The faults a decoder can be told to have. */
enum { ODD_NONE, ODD_NAN, ODD_ORDER, ODD_FEW_PICTURES, ODD_MISSING, ODD_SIZE };

/* Pictures handed over so far, by all decoders: shows what was not computed again. */
static int fake_pictures_decoded;

static long fake_number(const char *text, const char *name, long otherwise)
{
    const char *at = strstr(text, name);
    return at != NULL ? strtol(at + strlen(name), NULL, 10) : otherwise;
}

/* Evenly spread 32 bits from two numbers: the fakes' only source of chance. */
static uint32_t fake_mix(uint32_t a, uint32_t b)
{
    uint32_t x = a * 0x9e3779b1u ^ (b + 0x7f4a7c15u) * 0x85ebca6bu;
    x ^= x >> 15, x *= 0x2c1b3c6du, x ^= x >> 12, x *= 0x297a2d39u;
    return x ^ x >> 15;
}

static float fake_sample(const pp_media *media, int64_t i)
{
    if (media->silent) return 0;
    float noise = (float)fake_mix((uint32_t)i, (uint32_t)media->seed) / 4294967296.0f - 0.5f;
    float tone = sinf((float)(i % 1000) * 0.3f) + sinf((float)(i % 700) * 0.05f);
    return 0.2f * noise + 0.3f * tone * (float)((i / 900) % 3);
}

/* Which picture is shown at a time: some stay for 0.2 s. */
static uint32_t fake_shown(const pp_media *media, double time_s)
{
    uint32_t index = (uint32_t)lround(time_s * 100);
    if (media->still) return 0;
    return fake_mix(index / 20, 77) % 2 ? index / 20 * 20 : index;
}

/* A plan must come back as it was given. */
static int fake_hint(double time_s)
{
    return 1 + (int)(lround(time_s * 100) % 7);
}

static int fake_missing(const pp_media *media, uint32_t shown)
{
    return media->odd == ODD_MISSING && fake_mix(shown, 5) % 3 == 0;
}

static void fake_paint(pp_media *media, uint32_t shown)
{
    int size = media->options.picture_size;
    for (int y = 0; y < size; y++) {
        for (int x = 0; x < size; x++) {
            uint32_t tile = fake_mix((uint32_t)(y / 8 * 64 + x / 8), shown + (uint32_t)media->seed);
            for (int c = 0; c < 3; c++) {
                media->rgb[(y * size + x) * 3 + c] = (uint8_t)(tile >> (8 * c));
            }
        }
    }
}

pp_status pp_media_open(pp_media **out, pp_decoder *decoder, const char *path,
                        const pp_media_options *options, pp_error *err)
{
    (void)decoder;
    char *text = NULL;
    size_t length = 0;
    pp_status status = pp_text_read_file(&text, &length, path, 4096, err);
    if (status != PP_OK) return status;
    pp_media *media = pp_alloc(1, sizeof *media);
    media->options = *options;
    media->samples = fake_number(text, "samples=", 0);
    media->seed = fake_number(text, "seed=", 1);
    media->silent = (int)fake_number(text, "silent=", 0);
    media->still = (int)fake_number(text, "still=", 0);
    media->odd = (int)fake_number(text, "odd=", ODD_NONE);
    media->rgb = pp_alloc((size_t)(options->picture_size * options->picture_size), 3);
    snprintf(media->info.container, sizeof media->info.container, "fake");
    pp_free(text);
    *out = media;
    return PP_OK;
}

void pp_media_close(pp_media **media)
{
    pp_free((*media)->rgb);
    PP_FREE(*media);
}

const pp_media_info *pp_media_get_info(const pp_media *media)
{
    return &media->info;
}

pp_status pp_media_scan(pp_media *media, double interval_s, pp_sound_sink sink, void *user,
                        pp_media_scan_result *out, pp_error *err)
{
    *out = (pp_media_scan_result){.samples = media->samples};
    float slab[3001];
    for (int64_t at = 0; at < media->samples; at += 3001) {
        int64_t count = media->samples - at < 3001 ? media->samples - at : 3001;
        for (int64_t i = 0; i < count; i++) slab[i] = fake_sample(media, at + i);
        if (media->odd == ODD_NAN && at == 3001) slab[5] = NAN, slab[6] = 1e30f;
        int64_t first = media->odd == ODD_ORDER && at == 3001 ? at + 1 : at;
        pp_status status = sink(user, slab, first, count, err);
        if (status != PP_OK) return status;
    }
    double rate = media->options.rate_hz;
    while ((double)out->pictures * interval_s * rate < (double)media->samples) out->pictures++;
    if (media->odd == ODD_FEW_PICTURES) out->pictures--;
    out->plan = pp_alloc((size_t)out->pictures + 1, sizeof *out->plan);
    for (int64_t p = 0; p < out->pictures; p++) {
        pp_picture_plan *plan = &out->plan[p];
        plan->time_s = (double)p * interval_s;
        plan->shown_s = fake_shown(media, plan->time_s) / 100.0;
        plan->pts = fake_shown(media, plan->time_s);
        /* Every other repeat is announced; the rest must be seen to be equal. */
        plan->only_reference = fake_hint(plan->time_s);
        plan->same_as_before = p > 0 && plan[-1].pts == plan->pts && p % 2;
    }
    return PP_OK;
}

pp_status pp_media_pictures(pp_media *media, const pp_picture_plan *plan, int64_t count,
                            pp_picture_sink sink, void *user, pp_error *err)
{
    for (int64_t p = 0; p < count; p++) {
        int missing = fake_missing(media, (uint32_t)plan[p].pts);
        /* As the real one: what was decoded last is shown again. */
        if (!missing) fake_paint(media, (uint32_t)plan[p].pts);
        fake_pictures_decoded++;
        if (plan[p].only_reference != fake_hint(plan[p].time_s)) missing = 1; /* mixed up */
        pp_picture picture = {media->rgb, media->options.picture_size, missing, 0};
        if (media->odd == ODD_SIZE) picture.size--;
        pp_status status = sink(user, p, &picture, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

#endif
