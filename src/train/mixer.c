#include "train/mixer.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "train/spectrum.h"
#include "train/vector_math.h"

#define CROP_TRIES 5
#define QUIET_CROP 0.1F /* of the clip's RMS: such a crop is drawn again */
#define CLIP_TRIES 64

struct pp_train_mixer {
    const pp_train_corpus *corpus;
    pp_train_mix_options options;
    pp_train_shape shape;
    pp_train_spectrum *spectrum;
    int samples; /* of a crop */
    int *usable; /* [usable_count] entries that can be asked for, grouped by label */
    int usable_count;
    int *label_first, *label_count; /* [groups] into usable */
    int groups;                     /* labels, and one more for clips without */
    pp_train_batch batch;
    float *sound, *weight, *target, *pictures;
    int *clip, *label, *entry, *extra_label;
    pp_train_tile *tiles;
    float *tile;    /* [pictures, size, size, 3] of one clip, before it is made small */
    float *spectra; /* [sources + 1][size]: the mix last */
    float *crop, *scratch, *gains, *picture_scratch, *warped;
    float *kept; /* [mixes][sources + 1][samples] */
};

static int can_ask(const pp_train_mixer *m, const pp_train_entry *e)
{
    const int picture = e->clip.pictures > 0 && m->shape.pictures > 0;
    const int label = e->label >= 0 && m->shape.labels > 0;
    switch (m->options.condition) {
    case PP_TRAIN_BY_PICTURE:
        return picture;
    case PP_TRAIN_BY_LABEL:
        return label;
    default:
        return picture || label;
    }
}

/* Lists the entries that serve, label by label, those without a label last. */
static pp_status list_usable(pp_train_mixer *m, pp_error *err)
{
    const pp_train_corpus *c = m->corpus;
    m->groups = c->label_count + 1;
    m->usable = pp_alloc(c->count, sizeof(int));
    m->label_first = pp_alloc((size_t)m->groups, sizeof(int));
    m->label_count = pp_alloc((size_t)m->groups, sizeof(int));
    if (m->usable == NULL || m->label_first == NULL || m->label_count == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for the list of clips");
    }
    for (int g = 0; g < m->groups; g++) {
        m->label_first[g] = m->usable_count;
        for (size_t i = 0; i < c->count; i++) {
            const pp_train_entry *e = &c->entries[i];
            const int group = e->label >= 0 ? e->label : c->label_count;
            if (group == g && can_ask(m, e)) m->usable[m->usable_count++] = (int)i;
        }
        m->label_count[g] = m->usable_count - m->label_first[g];
    }
    return PP_OK;
}

/* For its pictures alone: it has some, and one label. */
static int can_show(const pp_train_entry *e)
{
    return e->clip.pictures > 0 && e->label >= 0;
}

static pp_status check_corpus(const pp_train_mixer *m, pp_error *err)
{
    int different = 0, shown = 0;
    for (int i = 0; i < m->usable_count; i++) {
        shown += can_show(&m->corpus->entries[m->usable[i]]);
    }
    if (m->shape.extra_clips + m->shape.mosaics > 0 && shown == 0) {
        return pp_fail(err, PP_ERR_USAGE,
                       "extra_clips and mosaics show pictures of clips with one label: "
                       "there is no such clip");
    }
    for (int g = 0; g < m->corpus->label_count; g++) different += m->label_count[g] > 0;
    if (m->usable_count < m->shape.sources) {
        return pp_fail(
            err, PP_ERR_USAGE, "%d clips can be asked for by %s: a mix of %d sources needs as many",
            m->usable_count, m->options.condition == PP_TRAIN_BY_LABEL ? "label" : "picture",
            m->shape.sources);
    }
    if (m->options.condition == PP_TRAIN_BY_LABEL && different < m->shape.sources) {
        return pp_fail(err, PP_ERR_USAGE,
                       "%d different labels among the clips: a mix of %d sources that are asked "
                       "for by label needs as many",
                       different, m->shape.sources);
    }
    return PP_OK;
}

static pp_status make_room(pp_train_mixer *m, pp_error *err)
{
    const pp_train_shape *s = &m->shape;
    const size_t mixes = (size_t)s->batch, sources = (size_t)s->sources;
    const size_t bins = (size_t)(s->rows * s->frames), samples = (size_t)m->samples;
    const size_t picture = 3 * (size_t)(s->picture_size * s->picture_size);
    const size_t n_fft = (size_t)m->options.n_fft;
    const size_t extra = (size_t)(s->extra_clips + s->mosaics);
    m->sound = pp_alloc(mixes * bins, sizeof(float));
    m->weight = pp_alloc(mixes * bins, sizeof(float));
    m->target = pp_alloc(mixes * sources * bins, sizeof(float));
    m->pictures =
        pp_alloc(mixes * (sources + extra) * (size_t)s->pictures * picture, sizeof(float));
    m->extra_label = pp_alloc(mixes * (size_t)s->extra_clips, sizeof(int));
    m->tiles = pp_alloc(mixes * (size_t)s->mosaics * PP_TRAIN_TILES, sizeof *m->tiles);
    m->tile = pp_alloc(s->mosaics > 0 ? (size_t)s->pictures * picture : 1, sizeof(float));
    m->clip = pp_alloc(mixes * sources, sizeof(int));
    m->label = pp_alloc(mixes * sources, sizeof(int));
    m->entry = pp_alloc(mixes * sources, sizeof(int));
    m->spectra = pp_alloc((sources + 1) * pp_train_spectrum_size(m->spectrum), sizeof(float));
    m->crop = pp_alloc(samples, sizeof(float));
    m->scratch = pp_alloc(3 * samples, sizeof(float));
    m->gains = pp_alloc(n_fft / 2 + 1, sizeof(float));
    m->picture_scratch = pp_alloc(3 * (size_t)s->picture_size, sizeof(float));
    m->warped = pp_alloc(bins, sizeof(float));
    m->kept = pp_alloc(m->options.keep_sounds ? mixes * (sources + 1) * samples : 1, sizeof(float));
    if (m->extra_label == NULL || m->tiles == NULL || m->tile == NULL || m->sound == NULL ||
        m->weight == NULL || m->target == NULL || m->pictures == NULL || m->clip == NULL ||
        m->label == NULL || m->entry == NULL || m->spectra == NULL || m->crop == NULL ||
        m->scratch == NULL || m->gains == NULL || m->picture_scratch == NULL || m->warped == NULL ||
        m->kept == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for mixes");
    }
    return PP_OK;
}

pp_status pp_train_mixer_create(pp_train_mixer **out, const pp_train_corpus *corpus,
                                const pp_train_mix_options *options, const pp_train_shape *shape,
                                pp_error *err)
{
    pp_train_mixer *m = pp_alloc(1, sizeof *m);
    *out = m;
    if (m == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for mixes");
    m->corpus = corpus;
    m->options = *options;
    m->shape = *shape;
    const pp_train_spectrum_shape spectrum = {options->n_fft, options->hop_samples, shape->frames,
                                              shape->rows};
    pp_status status = pp_train_spectrum_create(&m->spectrum, spectrum, err);
    if (status == PP_OK) {
        m->samples = pp_train_spectrum_samples(m->spectrum);
        status = make_room(m, err);
    }
    if (status == PP_OK) status = list_usable(m, err);
    if (status == PP_OK) status = check_corpus(m, err);
    if (status != PP_OK) pp_train_mixer_destroy(out);
    return status;
}

void pp_train_mixer_destroy(pp_train_mixer **mixer)
{
    if (mixer == NULL || *mixer == NULL) return;
    pp_train_mixer *m = *mixer;
    pp_train_spectrum_destroy(&m->spectrum);
    pp_free(m->usable), pp_free(m->label_first), pp_free(m->label_count), pp_free(m->sound);
    pp_free(m->weight), pp_free(m->target), pp_free(m->pictures), pp_free(m->clip);
    pp_free(m->label), pp_free(m->entry), pp_free(m->spectra), pp_free(m->crop);
    pp_free(m->scratch), pp_free(m->gains), pp_free(m->picture_scratch), pp_free(m->warped);
    pp_free(m->kept), pp_free(m->extra_label), pp_free(m->tiles), pp_free(m->tile);
    PP_FREE(*mixer);
}

/* ---- which clips ---- */

/* One clip: of a label drawn first (balanced), or of all. */
static int draw_clip(const pp_train_mixer *m, pp_random *random)
{
    if (!m->options.balance_labels) {
        return m->usable[pp_random_below(random, (uint64_t)m->usable_count)];
    }
    int groups = 0;
    for (int g = 0; g < m->groups; g++) groups += m->label_count[g] > 0;
    int left = (int)pp_random_below(random, (uint64_t)groups);
    int g = 0;
    while (m->label_count[g] == 0 || left-- > 0) g++;
    const uint64_t i = pp_random_below(random, (uint64_t)m->label_count[g]);
    return m->usable[m->label_first[g] + (int)i];
}

static int same_label(const pp_train_mixer *m, int a, int b)
{
    const int label = m->corpus->entries[a].label;
    return label >= 0 && label == m->corpus->entries[b].label;
}

/* Draws the clips of a mix: all different, and of different labels where that can be had and the
 * mix is not one of those that may repeat one. */
static void draw_clips(const pp_train_mixer *m, pp_random *random, int sources, int *entry)
{
    const int may_repeat = pp_random_uniform(random) < m->options.same_label &&
                           m->options.condition != PP_TRAIN_BY_LABEL;
    for (int n = 0; n < sources; n++) {
        for (int attempt = 0; attempt < CLIP_TRIES; attempt++) {
            entry[n] = draw_clip(m, random);
            int clash = 0;
            for (int i = 0; i < n; i++) {
                const int labels =
                    attempt < CLIP_TRIES / 2 || m->options.condition == PP_TRAIN_BY_LABEL;
                clash |= entry[i] == entry[n] ||
                         (labels && !may_repeat && same_label(m, entry[i], entry[n]));
            }
            if (!clash) break;
        }
    }
}

/* ---- sound ---- */

static float rms_of_codes(const pp_train_clip *clip, int64_t begin, int64_t span)
{
    double sum = 0;
    const int64_t end = begin + span < clip->samples ? begin + span : clip->samples;
    for (int64_t i = begin; i < end; i += 4) sum += (double)clip->sound[i] * clip->sound[i];
    const double count = (double)span / 4;
    return (float)(sqrt(sum / count) * clip->full_scale / 32767);
}

/* Where the crop begins: anywhere, but not in silence if a few draws can avoid it. */
static int64_t draw_begin(const pp_train_clip *clip, int64_t span, pp_random *random)
{
    int64_t begin = 0;
    for (int attempt = 0; attempt < CROP_TRIES; attempt++) {
        const int64_t room = clip->samples - span;
        begin = room > 0 ? (int64_t)pp_random_below(random, (uint64_t)room + 1) : 0;
        if (rms_of_codes(clip, begin, span) >= QUIET_CROP * clip->rms) break;
    }
    return begin;
}

/* One source into its spectrum; returns the middle of its crop in seconds. */
static double make_source(pp_train_mixer *m, const pp_train_clip *clip, int sources, int mix,
                          int source, pp_random *random)
{
    pp_train_sound_choice choice;
    pp_train_sound_choose(&m->options.sound, m->options.rate_hz, random, &choice);
    const int64_t span = pp_train_sound_span(&choice, m->samples);
    const int64_t begin = draw_begin(clip, span, random);
    pp_train_sound_read(clip, begin, &choice, m->samples, m->crop);
    pp_train_sound_apply(&choice, m->crop, m->samples, m->scratch);
    for (int i = 0; i < m->samples; i++) m->crop[i] /= (float)sources;
    const int equalised =
        pp_train_sound_gains(&choice, m->options.rate_hz, m->options.n_fft, m->gains);
    pp_train_spectrum_transform(m->spectrum, m->crop, equalised ? m->gains : NULL,
                                m->spectra + (size_t)source * pp_train_spectrum_size(m->spectrum));
    if (m->options.keep_sounds) {
        float *kept = m->kept + ((long)mix * (m->shape.sources + 1) + source) * m->samples;
        memcpy(kept, m->crop, sizeof *kept * (size_t)m->samples);
    }
    return ((double)begin + 0.5 * (double)span) / clip->rate_hz;
}

/* Natural logarithm of the mixture, and its weight in the loss: log(1 + magnitude) in [1e-3, 10].
 */
PP_CLONES static void network_input(const float *magnitude, long bins, float *restrict sound,
                                    float *restrict weight)
{
    for (long i = 0; i < bins; i++) {
        const float w = pp_train_log(1 + magnitude[i]);
        sound[i] = pp_train_log(magnitude[i]);
        weight[i] = w < 1e-3F ? 1e-3F : w > 10 ? 10 : w;
    }
}

PP_CLONES static void binary_target(const float *source, const float *mix, long bins, float *target)
{
    PP_IN_PLACE
    for (long i = 0; i < bins; i++) target[i] = source[i] > 0.5F * mix[i] ? 1 : 0;
}

/* A sigmoid cannot say more than 1. */
PP_CLONES static void ratio_target(const float *source, const float *mix, long bins, float *target)
{
    PP_IN_PLACE
    for (long i = 0; i < bins; i++) {
        const float share = source[i] / mix[i];
        target[i] = share > 1 ? 1 : share;
    }
}

/* What the network hears of mix `mix` of the batch, and the targets, from the sources' spectra. */
static void finish_sound(pp_train_mixer *m, int mix, int sources)
{
    const size_t size = pp_train_spectrum_size(m->spectrum);
    const long bins = (long)m->shape.rows * m->shape.frames;
    float *sum = m->spectra + (size_t)sources * size, *mixed = m->warped;
    memcpy(sum, m->spectra, sizeof *sum * size);
    for (int n = 1; n < sources; n++) {
        pp_train_spectrum_add(m->spectrum, m->spectra + (size_t)n * size, sum);
    }
    pp_train_spectrum_warp(m->spectrum, sum, mixed);
    network_input(mixed, bins, m->sound + mix * bins, m->weight + mix * bins);
    for (int n = 0; n < sources; n++) {
        float *target = m->target + ((long)mix * sources + n) * bins;
        pp_train_spectrum_warp(m->spectrum, m->spectra + (size_t)n * size, target);
        (m->options.ratio_masks ? ratio_target : binary_target)(target, mixed, bins, target);
    }
}

/* The kept sounds' sum, for validation. */
static void keep_mix(pp_train_mixer *m, int mix, int sources)
{
    float *first = m->kept + (long)mix * (m->shape.sources + 1) * m->samples;
    float *sum = first + (long)m->shape.sources * m->samples;
    for (int i = 0; i < m->samples; i++) {
        sum[i] = 0;
        for (int n = 0; n < sources; n++) sum[i] += first[(long)n * m->samples + i];
    }
}

/* ---- pictures ---- */

static int nearest_picture(const pp_train_clip *clip, double time_s)
{
    const double place = floor(time_s / clip->interval_s + 0.5);
    if (!(place > 0)) return 0;
    return place < clip->pictures ? (int)place : clip->pictures - 1;
}

static void make_pictures(pp_train_mixer *m, const pp_train_clip *clip, double middle_s,
                          pp_random *random, float *to)
{
    const int size = m->shape.picture_size, from = clip->picture_size, count = m->shape.pictures;
    const long pixels = (long)size * size;
    pp_train_picture_choice choice;
    pp_train_picture_choose(&m->options.picture, random, &choice);
    if (m->options.blank_pictures) {
        memset(to, 0, sizeof *to * (size_t)(3 * pixels * count));
        return;
    }
    for (int i = 0; i < count; i++) {
        const double time_s = middle_s + (i - 0.5 * (count - 1)) * m->options.picture_spacing_s;
        const long at = nearest_picture(clip, time_s);
        pp_train_picture_make(clip->rgb + at * from * from * 3, from, &choice, size,
                              to + 3 * pixels * i, m->picture_scratch);
    }
}

/* ---- mixes ---- */

static int is_ambiguous(const pp_train_mixer *m, const int *entry, int sources, int n)
{
    for (int i = 0; i < sources; i++) {
        if (i != n && same_label(m, entry[i], entry[n])) return 1;
    }
    return 0;
}

static void make_mix(pp_train_mixer *m, uint64_t seed, uint64_t number, int mix, int sources)
{
    const pp_train_condition by = m->options.condition;
    int *entry = m->entry + (long)mix * sources;
    pp_random random;
    pp_random_seed(&random, seed, number);
    draw_clips(m, &random, sources, entry);
    for (int n = 0; n < sources; n++) {
        const pp_train_entry *e = &m->corpus->entries[entry[n]];
        const double middle_s = make_source(m, &e->clip, sources, mix, n, &random);
        const long at = (long)mix * sources + n;
        const int picture =
            by != PP_TRAIN_BY_LABEL && m->shape.pictures > 0 && e->clip.pictures > 0;
        const int label = by != PP_TRAIN_BY_PICTURE && m->shape.labels > 0 && e->label >= 0 &&
                          !is_ambiguous(m, entry, sources, n);
        m->label[at] = label ? e->label : -1;
        m->clip[at] = picture ? m->batch.clips++ : -1;
        if (!picture) continue;
        const long floats = 3L * m->shape.pictures * m->shape.picture_size * m->shape.picture_size;
        make_pictures(m, &e->clip, middle_s, &random, m->pictures + m->clip[at] * floats);
    }
    finish_sound(m, mix, sources);
    if (m->options.keep_sounds) keep_mix(m, mix, sources);
}

/* The pictures of any clip that can be shown, from anywhere in it; returns its label. */
static int show_any(pp_train_mixer *m, pp_random *random, float *to)
{
    const pp_train_entry *e;
    do {
        e = &m->corpus->entries[draw_clip(m, random)];
    } while (!can_show(e));
    const double length_s = e->clip.interval_s * e->clip.pictures;
    make_pictures(m, &e->clip, pp_random_uniform(random) * length_s, random, to);
    return e->label;
}

/* Clips beside a mix, which only show their pictures: with a random stream of their own, so that
 * the mixes are what they are without them. */
static void show_extra(pp_train_mixer *m, uint64_t seed, uint64_t number)
{
    const long floats = 3L * m->shape.pictures * m->shape.picture_size * m->shape.picture_size;
    pp_random random;
    pp_random_seed(&random, seed ^ UINT64_C(0x5ee7e57a), number);
    for (int i = 0; i < m->shape.extra_clips; i++) {
        m->extra_label[m->batch.extra++] =
            show_any(m, &random, m->pictures + m->batch.clips++ * floats);
    }
}

/* One clip's pictures, made small, into a tile of a mosaic's. */
static void show_tile(pp_train_mixer *m, pp_random *random, pp_train_tile *tile, float *mosaic)
{
    const int size = m->shape.picture_size;
    const long picture = 3L * size * size;
    const long corner = 3L * PP_TRAIN_CELL * ((long)tile->top * size + tile->left);
    tile->label = show_any(m, random, m->tile);
    for (int p = 0; p < m->shape.pictures; p++) {
        pp_train_mosaic_shrink(m->tile + p * picture, size, tile->side * PP_TRAIN_CELL,
                               mosaic + p * picture + corner);
    }
}

static void show_mosaics(pp_train_mixer *m, uint64_t seed, uint64_t number)
{
    const int size = m->shape.picture_size, grid = size / PP_TRAIN_CELL;
    const long picture = 3L * size * size, floats = m->shape.pictures * picture;
    pp_random random;
    pp_random_seed(&random, seed ^ UINT64_C(0x305a1c5), number);
    for (int i = 0; i < m->shape.mosaics; i++) {
        float *to = m->pictures + m->batch.clips++ * floats;
        pp_train_tile *tiles = m->tiles + PP_TRAIN_TILES * m->batch.mosaics++;
        pp_train_mosaic_lay(&random, grid, tiles);
        show_any(m, &random, m->tile);
        for (int p = 0; p < m->shape.pictures; p++) {
            pp_train_mosaic_backdrop(m->tile + p * picture, size, to + p * picture);
        }
        for (int t = 0; t < PP_TRAIN_TILES; t++) {
            if (tiles[t].label >= 0) show_tile(m, &random, &tiles[t], to);
        }
    }
}

/* Ablation: every picture is taken from the next clip of the batch. */
static void shuffle_clips(pp_train_mixer *m, int count)
{
    for (int i = 0; i < count; i++) {
        if (m->clip[i] >= 0) m->clip[i] = (m->clip[i] + 1) % m->batch.clips;
    }
}

pp_status pp_train_mixer_fill(pp_train_mixer *mixer, uint64_t seed, uint64_t first, int mixes,
                              int sources, pp_train_batch *batch, pp_error *err)
{
    pp_train_mixer *m = mixer;
    if (mixes < 1 || mixes > m->shape.batch || sources < 1 || sources > m->shape.sources) {
        return pp_fail(err, PP_ERR_INTERNAL, "%d mixes of %d sources were not asked for", mixes,
                       sources);
    }
    m->batch = (pp_train_batch){.mixes = mixes,
                                .sources = sources,
                                .sound = m->sound,
                                .weight = m->weight,
                                .target = m->target,
                                .pictures = m->pictures,
                                .clip = m->clip,
                                .label = m->label,
                                .extra_label = m->extra_label,
                                .tiles = m->tiles,
                                .picture_to_label = (float)m->options.picture_to_label,
                                .nobody = (float)m->options.nobody};
    for (int i = 0; i < mixes; i++) make_mix(m, seed, first + (uint64_t)i, i, sources);
    if (m->options.shuffle_pictures) shuffle_clips(m, mixes * sources);
    for (int i = 0; i < mixes; i++) show_extra(m, seed, first + (uint64_t)i);
    for (int i = 0; i < mixes; i++) show_mosaics(m, seed, first + (uint64_t)i);
    *batch = m->batch;
    return PP_OK;
}

const float *pp_train_mixer_sound(const pp_train_mixer *mixer, int mix, int source)
{
    const int place = source >= 0 ? source : mixer->shape.sources;
    return mixer->kept + ((long)mix * (mixer->shape.sources + 1) + place) * mixer->samples;
}

int pp_train_mixer_samples(const pp_train_mixer *mixer)
{
    return mixer->samples;
}

int pp_train_mixer_entry(const pp_train_mixer *mixer, int mix, int source)
{
    return mixer->entry[(long)mix * mixer->batch.sources + source];
}
