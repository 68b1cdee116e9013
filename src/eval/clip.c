#include "eval/clip.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

enum { PICTURES = 3, PICTURE_RATE = 8 }; /* three pictures on a grid of 8 a second */
enum { MOST_PICTURES = PICTURES * PP_CLIP_MOST_FILES };
static const double spacing_s = 3.0;

struct pp_clip_reader {
    pp_decoder *decoder;   /* borrowed */
    const pp_model *model; /* borrowed; may be NULL */
    pp_model_scratch *scratch;
    int rate_hz;
    uint8_t *picture;        /* [size, size, 3] */
    size_t picture_features; /* K grid grid */
    float *features;         /* [MOST_PICTURES, K, grid, grid] */
    float *pooled;           /* [K] */
    int seen;                /* pictures of this clip so far */
};

pp_status pp_clip_reader_create(pp_clip_reader **out, pp_decoder *decoder, const pp_model *model,
                                int rate_hz, pp_error *err)
{
    *out = NULL;
    pp_clip_reader *r = NULL;
    pp_status status = pp_alloc_checked((void **)&r, 1, sizeof *r, "clip reader", err);
    if (status != PP_OK) return status;
    r->decoder = decoder;
    r->model = model;
    r->rate_hz = rate_hz;
    if (model != NULL) {
        const pp_model_shape *s = pp_model_get_shape(model);
        const size_t size = (size_t)s->picture_size, k = (size_t)s->components;
        const size_t cells = (size_t)s->grid * (size_t)s->grid;
        r->rate_hz = s->rate_hz;
        r->picture_features = k * cells;
        status = pp_alloc_checked((void **)&r->picture, size * size * 3, 1, "picture", err);
        if (status == PP_OK) {
            status = pp_alloc_checked((void **)&r->features, MOST_PICTURES * r->picture_features,
                                      sizeof(float), "features", err);
        }
        if (status == PP_OK) {
            status = pp_alloc_checked((void **)&r->pooled, k, sizeof(float), "features", err);
        }
        if (status == PP_OK) status = pp_model_scratch_create(&r->scratch, model, 1, err);
    }
    if (status != PP_OK) pp_clip_reader_destroy(&r);
    *out = r;
    return status;
}

void pp_clip_reader_destroy(pp_clip_reader **reader)
{
    pp_clip_reader *r = *reader;
    if (r == NULL) return;
    pp_model_scratch_destroy(&r->scratch);
    pp_free(r->picture);
    pp_free(r->features);
    pp_free(r->pooled);
    PP_FREE(*reader);
}

/* ---- pictures ---------------------------------------------------------------------------------
 */

/* The features of one picture [size, size, 3], kept for pooling. */
static void see(pp_clip_reader *r, const uint8_t *rgb)
{
    pp_model_see(r->model, r->scratch, rgb, 1, r->features + (size_t)r->seen * r->picture_features);
    r->seen++;
}

static void finish_vector(const pp_clip_reader *r, float *vector)
{
    pp_model_pool(r->model, r->features, r->seen, r->pooled);
    pp_model_activate(r->pooled, (size_t)pp_model_get_shape(r->model)->components, vector);
}

static pp_status see_picture(void *user, int64_t index, const pp_picture *picture, pp_error *err)
{
    (void)index;
    (void)err;
    pp_clip_reader *r = user;
    if (!picture->missing && r->seen < MOST_PICTURES) see(r, picture->rgb);
    return PP_OK;
}

/* The grid points nearest to the three times round middle_s; each one once, where a file is short.
 */
static int choose_pictures(const pp_media_scan_result *scan, double middle_s,
                           pp_picture_plan chosen[PICTURES])
{
    int count = 0;
    int64_t before = -1;
    for (int i = 0; i < PICTURES; i++) {
        double time_s = middle_s + (i - PICTURES / 2) * spacing_s;
        int64_t at = (int64_t)floor(time_s * PICTURE_RATE + 0.5);
        if (at >= scan->pictures) at = scan->pictures - 1;
        if (at < 0) at = 0;
        if (at == before) continue;
        before = at;
        chosen[count] = scan->plan[at];
        chosen[count].same_as_before = 0; /* its neighbour in the grid is not among the chosen */
        count++;
    }
    return count;
}

static pp_status see_middle(pp_clip_reader *r, pp_media *media, const pp_media_scan_result *scan,
                            double middle_s, pp_error *err)
{
    pp_picture_plan chosen[PICTURES];
    const int count = choose_pictures(scan, middle_s, chosen);
    return pp_media_pictures(media, chosen, count, see_picture, r, err);
}

/* ---- sound ------------------------------------------------------------------------------------
 */

typedef struct sound_buffer {
    float *samples;
    size_t count, room;
} sound_buffer;

static pp_status keep_sound(void *user, const float *samples, int64_t first, int64_t count,
                            pp_error *err)
{
    sound_buffer *b = user;
    (void)first; /* comes in order, without gaps */
    pp_status status =
        pp_grow((void **)&b->samples, &b->room, b->count + (size_t)count, sizeof *b->samples, err);
    if (status != PP_OK) return status;
    memcpy(b->samples + b->count, samples, (size_t)count * sizeof *samples);
    b->count += (size_t)count;
    return PP_OK;
}

static pp_status ignore_sound(void *user, const float *samples, int64_t first, int64_t count,
                              pp_error *err)
{
    (void)user, (void)samples, (void)first, (void)count, (void)err;
    return PP_OK;
}

static pp_status cut_window(const sound_buffer *b, const char *path, int64_t start, int64_t samples,
                            pp_clip *out, pp_error *err)
{
    const int64_t total = (int64_t)b->count;
    out->total = total;
    out->count = samples > 0 ? samples : total;
    out->start = samples == 0 ? 0 : start == PP_CLIP_MIDDLE ? (total - samples) / 2 : start;
    if (out->count == 0) return pp_fail(err, PP_ERR_MEDIA, "%s: no sound in it", path);
    pp_status status =
        pp_alloc_checked((void **)&out->sound, (size_t)out->count, sizeof(float), "sound", err);
    if (status != PP_OK) return status;
    double energy = 0.0;
    for (int64_t i = 0; i < out->count; i++) {
        const int64_t at = out->start + i;
        if (at < 0 || at >= total) continue;
        out->sound[i] = b->samples[at];
        energy += (double)out->sound[i] * (double)out->sound[i];
    }
    out->level_db = 10.0 * log10(energy / (double)out->count);
    return PP_OK;
}

/* ---- whole reads ------------------------------------------------------------------------------
 */

static pp_media_options options_of(const pp_clip_reader *r, pp_media_need need)
{
    pp_media_options options = {.need = need, .rate_hz = r->rate_hz, .audio_track = -1};
    options.picture_size =
        r->model != NULL ? pp_model_get_shape(r->model)->picture_size : 64; /* unused */
    return options;
}

static pp_status read_open(pp_clip_reader *r, pp_media *media, const char *path, int64_t start,
                           int64_t samples, pp_clip *out, pp_error *err)
{
    sound_buffer buffer = {0};
    pp_media_scan_result scan = {0};
    pp_status status = pp_media_scan(media, 1.0 / PICTURE_RATE, keep_sound, &buffer, &scan, err);
    if (status == PP_OK) status = cut_window(&buffer, path, start, samples, out, err);
    if (status == PP_OK && r->model != NULL && scan.pictures > 0) {
        r->seen = 0;
        double middle_s = ((double)out->start + 0.5 * (double)out->count) / r->rate_hz;
        status = see_middle(r, media, &scan, middle_s, err);
        if (status == PP_OK && r->seen > 0) {
            status = pp_alloc_checked((void **)&out->vector,
                                      (size_t)pp_model_get_shape(r->model)->components,
                                      sizeof(float), "vector", err);
            if (status == PP_OK) finish_vector(r, out->vector);
        }
    }
    pp_free(buffer.samples);
    pp_free(scan.plan);
    return status;
}

pp_status pp_clip_read(pp_clip_reader *r, const char *path, int64_t start, int64_t samples,
                       pp_clip *out, pp_error *err)
{
    memset(out, 0, sizeof *out);
    const pp_media_options options = options_of(r, PP_MEDIA_SOUND);
    pp_media *media = NULL;
    pp_status status = pp_media_open(&media, r->decoder, path, &options, err);
    if (status != PP_OK) return status;
    status = read_open(r, media, path, start, samples, out, err);
    pp_media_close(&media);
    if (status != PP_OK) pp_clip_release(out);
    return status;
}

void pp_clip_release(pp_clip *clip)
{
    PP_FREE(clip->sound);
    PP_FREE(clip->vector);
}

static pp_status look_at(pp_clip_reader *r, const char *path, pp_error *err)
{
    const pp_media_options options = options_of(r, PP_MEDIA_PICTURES);
    pp_media *media = NULL;
    pp_status status = pp_media_open(&media, r->decoder, path, &options, err);
    if (status != PP_OK) return status;
    pp_media_scan_result scan = {0};
    const int before = r->seen;
    status = pp_media_scan(media, 1.0 / PICTURE_RATE, ignore_sound, NULL, &scan, err);
    if (status == PP_OK) {
        double middle_s = 0.5 * (double)(scan.pictures - 1) / PICTURE_RATE;
        status = see_middle(r, media, &scan, middle_s, err);
    }
    if (status == PP_OK && r->seen == before) {
        status = pp_fail(err, PP_ERR_MEDIA, "%s: no picture of it can be decoded", path);
    }
    pp_free(scan.plan);
    pp_media_close(&media);
    return status;
}

pp_status pp_clip_look(pp_clip_reader *r, const char *const *paths, int count, float *vector,
                       pp_error *err)
{
    r->seen = 0;
    for (int i = 0; i < count; i++) {
        pp_status status = look_at(r, paths[i], err);
        if (status != PP_OK) return status;
    }
    finish_vector(r, vector);
    return PP_OK;
}

void pp_clip_blank(pp_clip_reader *r, float *vector)
{
    /* ImageNet's mean colour, which normalisation turns into zero (to half a step in 8 bits). */
    static const uint8_t mean[3] = {124, 116, 104};
    const size_t size = (size_t)pp_model_get_shape(r->model)->picture_size;
    for (size_t i = 0; i < size * size * 3; i++) r->picture[i] = mean[i % 3];
    r->seen = 0;
    see(r, r->picture);
    finish_vector(r, vector);
}
