/* train: the cache file, the corpus, augmentation, and mixes against the general front end. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"
#include "eval/spectrogram.h"
#include "nn/blas.h"
#include "train/mixer.h"

#define RATE 8000
#define SAMPLES (3 * RATE)
#define SIZE 20

/* Clip i: a tone of its own, so that sources can be told apart; pictures of a colour of its own. */
static void fill_clip(pp_train_clip *clip, int i, int16_t *codes, uint8_t *rgb)
{
    float *sound = pp_alloc(SAMPLES, sizeof *sound);
    for (int t = 0; t < SAMPLES; t++) sound[t] = (float)(0.5 * sin(0.05 * (i + 2) * t));
    *clip = (pp_train_clip){.rate_hz = RATE,
                            .pictures = rgb != NULL ? 4 : 0,
                            .picture_size = SIZE,
                            .interval_s = 0.5,
                            .rgb = rgb};
    pp_train_clip_set_sound(clip, sound, SAMPLES, 1e-3F, 100, codes);
    for (int p = 0; rgb != NULL && p < 4 * SIZE * SIZE * 3; p++) {
        rgb[p] = (uint8_t)(40 * i + p / (SIZE * SIZE * 3));
    }
    pp_free(sound);
}

static char *work_path(const char *name)
{
    const char *work = getenv("PP_WORK");
    return pp_format("%s/%s", work != NULL ? work : "/tmp", name);
}

static char *write_clip(int i, int with_pictures)
{
    pp_error err = {0};
    int16_t *codes = pp_alloc(SAMPLES, sizeof *codes);
    uint8_t *rgb = with_pictures ? pp_alloc(4 * SIZE * SIZE * 3, 1) : NULL;
    pp_train_clip clip;
    fill_clip(&clip, i, codes, rgb);
    char *folder = work_path("cache");
    const char *const key[] = {"clip", with_pictures ? "seen" : "unseen",
                               i == 0   ? "0"
                               : i == 1 ? "1"
                               : i == 2 ? "2"
                                        : "3"};
    char *path = pp_train_clip_path(folder, key, 3);
    if (pp_train_clip_write(&clip, pp_fileops_system(), path, &err) != PP_OK) {
        fail_msg("%s", err.message);
    }
    pp_free(codes), pp_free(rgb), pp_free(folder);
    return path;
}

static void clips_come_back_as_written(void **state)
{
    (void)state;
    pp_error err = {0};
    for (int pictures = 0; pictures < 2; pictures++) {
        char *path = write_clip(1, pictures);
        pp_train_clip clip;
        assert_int_equal(pp_train_clip_open(&clip, path, &err), PP_OK);
        assert_int_equal(clip.state, PP_TRAIN_CLIP_USABLE);
        assert_int_equal(clip.samples, SAMPLES);
        assert_int_equal(clip.pictures, 4 * pictures);
        assert_int_equal(clip.rate_hz, RATE);
        assert_true(fabsf(clip.rms - 0.5F / sqrtf(2)) < 0.01F);
        for (int t = 0; t < SAMPLES; t += 7) {
            const double x = clip.sound[t] * (double)clip.full_scale / 32767;
            assert_true(fabs(x - 0.5 * sin(0.05 * 3 * t)) < 2e-5);
        }
        if (pictures) assert_int_equal(clip.rgb[3 * SIZE * SIZE * 3], 43);
        pp_train_clip_close(&clip);
        pp_free(path);
    }
}

static void damaged_clips_are_refused(void **state)
{
    (void)state;
    pp_error err = {0};
    char *path = write_clip(2, 1), *bad = work_path("bad.ppclip"), *bytes = NULL;
    size_t length = 0;
    assert_int_equal(pp_text_read_file(&bytes, &length, path, 1 << 24, &err), PP_OK);
    for (size_t cut = 0; cut <= length; cut += cut < 520 ? 13 : length / 5) {
        FILE *file = fopen(bad, "wb");
        assert_int_equal(fwrite(bytes, 1, cut, file), cut);
        fclose(file);
        pp_train_clip clip;
        pp_error refused = {0};
        const pp_status status = pp_train_clip_open(&clip, bad, &refused);
        assert_int_equal(status, PP_ERR_FORMAT);
        assert_non_null(strstr(refused.message, "bad.ppclip"));
        pp_train_clip_close(&clip);
    }
    for (size_t at = 0; at < 512; at += 5) {
        FILE *file = fopen(bad, "wb");
        bytes[at] = (char)(bytes[at] ^ 4);
        assert_int_equal(fwrite(bytes, 1, length, file), length);
        bytes[at] = (char)(bytes[at] ^ 4);
        fclose(file);
        pp_train_clip clip;
        pp_error refused = {0};
        assert_int_equal(pp_train_clip_open(&clip, bad, &refused), PP_ERR_FORMAT);
        pp_train_clip_close(&clip);
    }
    unlink(bad);
    pp_free(path), pp_free(bad), pp_free(bytes);
}

static void silence_and_stubs_are_told(void **state)
{
    (void)state;
    float sound[200] = {0};
    int16_t codes[200];
    pp_train_clip clip = {.rate_hz = RATE};
    pp_train_clip_set_sound(&clip, sound, 200, 1e-3F, 100, codes);
    assert_int_equal(clip.state, PP_TRAIN_CLIP_SILENT);
    sound[3] = NAN; /* counts as silence */
    pp_train_clip_set_sound(&clip, sound, 200, 1e-3F, 100, codes);
    assert_int_equal(clip.state, PP_TRAIN_CLIP_SILENT);
    pp_train_clip_set_sound(&clip, sound, 50, 1e-3F, 100, codes);
    assert_int_equal(clip.state, PP_TRAIN_CLIP_SHORT);
    assert_non_null(strstr(clip.reason, "50 samples"));
    sound[7] = -0.25F;
    pp_train_clip_set_sound(&clip, sound, 200, 1e-3F, 100, codes);
    assert_int_equal(clip.state, PP_TRAIN_CLIP_USABLE);
    assert_int_equal(codes[7], -32767);
}

/* Three clips of three labels, the last without pictures, and one that is broken. */
static pp_train_corpus *make_corpus(void)
{
    pp_error err = {0};
    pp_train_corpus *corpus;
    assert_int_equal(pp_train_corpus_create(&corpus, &err), PP_OK);
    const char *const labels[] = {"viola", "oboe", "tuba", "oboe;viola"};
    for (int i = 0; i < 4; i++) {
        char *path = write_clip(i, i != 2);
        pp_train_clip clip;
        assert_int_equal(pp_train_clip_open(&clip, path, &err), PP_OK);
        assert_int_equal(pp_train_corpus_add(corpus, &clip, labels[i], labels[i], &err), PP_OK);
        pp_free(path);
    }
    pp_train_clip broken = {.state = PP_TRAIN_CLIP_BROKEN};
    assert_int_equal(pp_train_corpus_add(corpus, &broken, "x", "", &err), PP_OK);
    assert_int_equal(pp_train_corpus_settle(corpus, NULL, 0, &err), PP_OK);
    return corpus;
}

static void corpus_numbers_labels_and_counts_the_rest(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_train_corpus *corpus = make_corpus();
    assert_int_equal(corpus->count, 4);
    assert_int_equal(corpus->skipped[PP_TRAIN_CLIP_BROKEN], 1);
    assert_int_equal(corpus->without_pictures, 1);
    assert_int_equal(corpus->label_count, 3);
    assert_string_equal(corpus->labels[0], "oboe");
    assert_int_equal(corpus->entries[0].label, 2);
    assert_int_equal(corpus->entries[3].label, PP_TRAIN_MANY_LABELS);
    const char *const names[] = {"viola", "horn"};
    assert_int_equal(pp_train_corpus_settle(corpus, names, 2, &err), PP_OK);
    assert_int_equal(corpus->entries[0].label, 0);
    assert_int_equal(corpus->entries[1].label, PP_TRAIN_NO_LABEL);
    assert_int_equal(corpus->without_label, 3);
    pp_train_corpus_destroy(&corpus);
}

static const pp_train_shape shape = {.rows = 32,
                                     .frames = 32,
                                     .base = 4,
                                     .levels = 3,
                                     .components = 4,
                                     .pictures = 2,
                                     .picture_size = SIZE,
                                     .trunk_width = 2,
                                     .trunk_blocks = {1, 1, 1, 1},
                                     .labels = 3,
                                     .sources = 2,
                                     .batch = 4};

static pp_train_mix_options options_of(pp_train_condition condition)
{
    pp_train_mix_options o = {.rate_hz = RATE,
                              .n_fft = 254,
                              .hop_samples = 64,
                              .condition = condition,
                              .picture_spacing_s = 0.5,
                              .keep_sounds = 1};
    return o;
}

/* Against eval/spectrogram.h, which is what separation will go through. */
static void mixes_are_what_the_front_end_hears(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_train_corpus *corpus = make_corpus();
    pp_train_mixer *mixer;
    pp_spectrogram *mix, *source;
    pp_train_batch batch;
    const pp_train_mix_options options = options_of(PP_TRAIN_BY_BOTH);
    const pp_spectrogram_shape front = {254, 64, 32, 32};
    assert_int_equal(pp_train_mixer_create(&mixer, corpus, &options, &shape, &err), PP_OK);
    assert_int_equal(pp_spectrogram_create(&mix, front, &err), PP_OK);
    assert_int_equal(pp_spectrogram_create(&source, front, &err), PP_OK);
    assert_int_equal(pp_train_mixer_fill(mixer, 5, 0, 4, 2, &batch, &err), PP_OK);
    const int samples = pp_train_mixer_samples(mixer);
    for (int b = 0; b < 4; b++) {
        pp_spectrogram_analyse(mix, pp_train_mixer_sound(mixer, b, -1), samples);
        const float *heard = pp_spectrogram_warped(mix), *logs = pp_spectrogram_input(mix);
        for (int i = 0; i < 1024; i++) {
            /* near the floor the two ways round differently; that is far below what counts */
            if (heard[i] < 1e-3F) continue;
            assert_true(fabsf(batch.sound[b * 1024 + i] - logs[i]) < 2e-3F);
            const float weight = fminf(fmaxf(log1pf(heard[i]), 1e-3F), 10);
            assert_true(fabsf(batch.weight[b * 1024 + i] - weight) < 1e-4F);
        }
        for (int n = 0; n < 2; n++) {
            pp_spectrogram_analyse(source, pp_train_mixer_sound(mixer, b, n), samples);
            const float *alone = pp_spectrogram_warped(source);
            for (int i = 0; i < 1024; i++) {
                const float share = alone[i] / heard[i];
                if (heard[i] < 1e-3F || fabsf(share - 0.5F) < 1e-3F) continue;
                assert_true(batch.target[(b * 2 + n) * 1024 + i] == (share > 0.5F ? 1 : 0));
            }
        }
    }
    pp_spectrogram_destroy(&mix), pp_spectrogram_destroy(&source);
    pp_train_mixer_destroy(&mixer);
    pp_train_corpus_destroy(&corpus);
}

static void sources_are_asked_for_as_told(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_train_corpus *corpus = make_corpus();
    for (int by = PP_TRAIN_BY_PICTURE; by <= PP_TRAIN_BY_BOTH; by++) {
        pp_train_mixer *mixer;
        pp_train_batch batch;
        const pp_train_mix_options options = options_of((pp_train_condition)by);
        assert_int_equal(pp_train_mixer_create(&mixer, corpus, &options, &shape, &err), PP_OK);
        int unseen = 0;
        for (uint64_t step = 0; step < 10; step++) {
            assert_int_equal(pp_train_mixer_fill(mixer, 5, 4 * step, 4, 2, &batch, &err), PP_OK);
            int clips = 0;
            for (int i = 0; i < 8; i++) {
                const pp_train_entry *e =
                    &corpus->entries[pp_train_mixer_entry(mixer, i / 2, i % 2)];
                const int seen = by != PP_TRAIN_BY_LABEL && e->clip.pictures > 0;
                const int named = by != PP_TRAIN_BY_PICTURE && e->label >= 0;
                assert_int_equal(batch.clip[i], seen ? clips : -1);
                assert_int_equal(batch.label[i], named ? e->label : -1);
                clips += seen;
                unseen += !seen && by == PP_TRAIN_BY_BOTH;
                if (i % 2 == 1 && e->label >= 0)
                    assert_true(batch.label[i - 1] != batch.label[i] || batch.label[i] < 0);
                assert_true(pp_train_mixer_entry(mixer, i / 2, 0) !=
                            pp_train_mixer_entry(mixer, i / 2, 1));
                if (!seen) continue;
                /* the whole picture, as it is: clip i shows 40 i + number of the picture */
                const float *p = batch.pictures + (long)batch.clip[i] * 2 * SIZE * SIZE * 3;
                const float first = (p[0] * 0.229F + 0.485F) * 255;
                const int which = pp_train_mixer_entry(mixer, i / 2, i % 2);
                assert_true(first > 40 * (float)which - 0.01F && first < 40 * (float)which + 3.01F);
            }
            assert_int_equal(batch.clips, clips);
        }
        assert_true((unseen > 0) == (by == PP_TRAIN_BY_BOTH));
        pp_train_mixer_destroy(&mixer);
    }
    pp_train_corpus_destroy(&corpus);
}

/* Every clip's pictures have a colour of their own. */
static int label_shown(const pp_train_corpus *corpus, const float *pixel)
{
    const int which = (int)((pixel[0] * 0.229F + 0.485F) * 255 + 0.01F) / 40;
    return corpus->entries[which].label;
}

static void tiles_of_a_mosaic_do_not_overlap(void **state)
{
    (void)state;
    enum { MOST = 14 };
    pp_random random;
    int counts[PP_TRAIN_TILES + 1] = {0};
    pp_random_seed(&random, 3, 0);
    for (int i = 0; i < 2000; i++) {
        const int grid = 2 + i % (MOST - 1);
        uint8_t taken[MOST][MOST] = {{0}};
        pp_train_tile tiles[PP_TRAIN_TILES];
        int count = 0;
        pp_train_mosaic_lay(&random, grid, tiles);
        for (int t = 0; t < PP_TRAIN_TILES; t++) {
            const pp_train_tile *at = &tiles[t];
            if (at->label < 0) continue;
            assert_true(at->side >= 1 && at->left >= 0 && at->top >= 0);
            assert_true(at->left + at->side <= grid && at->top + at->side <= grid);
            for (int c = 0; c < at->side * at->side; c++) {
                assert_false(taken[at->top + c / at->side][at->left + c % at->side]++);
            }
            count++;
        }
        counts[count]++;
    }
    assert_int_equal(counts[0], 0);
    for (int i = 2; i <= PP_TRAIN_TILES; i++) assert_true(counts[i] > 200);
}

/* Means of what each pixel covers; the rest of the square stays as it was. */
static void pictures_are_shrunk_into_tiles(void **state)
{
    (void)state;
    enum { FULL = 6, SIDE = 3 };
    float from[FULL * FULL * 3], to[FULL * FULL * 3];
    for (int i = 0; i < FULL * FULL * 3; i++) {
        from[i] = (float)(i / 3 / FULL + 10 * (i / 3 % FULL) + 100 * (i % 3));
        to[i] = -1;
    }
    pp_train_mosaic_shrink(from, FULL, SIDE, to);
    for (int i = 0; i < FULL * FULL * 3; i++) {
        const int row = i / 3 / FULL, column = i / 3 % FULL;
        const float mean =
            2 * (float)row + 0.5F + 10 * (2 * (float)column + 0.5F) + 100 * (float)(i % 3);
        assert_true(to[i] == (row < SIDE && column < SIDE ? mean : -1));
    }
    pp_train_mosaic_shrink(from, FULL, FULL, to);
    assert_memory_equal(to, from, sizeof to);
    pp_train_mosaic_backdrop(from, FULL, to);
    for (int i = 0; i < FULL * FULL * 3; i++) assert_true(to[i] == from[i % 3]);
}

/* They come behind the clips of the mixes, which stay as they are, with their labels. */
static void extra_clips_show_their_pictures(void **state)
{
    (void)state;
    enum { EXTRA = 3, LARGE = 64 };
    pp_error err = {0};
    pp_train_corpus *corpus = make_corpus();
    pp_train_mixer *plain, *mixer;
    pp_train_batch alone, batch;
    pp_train_shape wider = shape;
    wider.extra_clips = EXTRA;
    wider.mosaics = 1;
    wider.picture_size = LARGE;
    const pp_train_mix_options options = options_of(PP_TRAIN_BY_BOTH);
    assert_int_equal(pp_train_mixer_create(&plain, corpus, &options, &shape, &err), PP_OK);
    assert_int_equal(pp_train_mixer_create(&mixer, corpus, &options, &wider, &err), PP_OK);
    assert_int_equal(pp_train_mixer_fill(plain, 5, 8, 4, 2, &alone, &err), PP_OK);
    assert_int_equal(pp_train_mixer_fill(mixer, 5, 8, 4, 2, &batch, &err), PP_OK);
    assert_memory_equal(batch.sound, alone.sound, 4 * 1024 * sizeof(float));
    assert_memory_equal(batch.clip, alone.clip, 8 * sizeof(int));
    assert_int_equal(batch.extra, 4 * EXTRA);
    assert_int_equal(batch.mosaics, 4);
    assert_int_equal(batch.clips, alone.clips + 4 * EXTRA + 4);
    for (int i = 0; i < batch.extra; i++) {
        const float *p = batch.pictures + (long)(alone.clips + i) * 2 * LARGE * LARGE * 3;
        assert_true(batch.extra_label[i] >= 0);
        assert_int_equal(batch.extra_label[i], label_shown(corpus, p));
    }
    int shown = 0;
    for (int i = 0; i < PP_TRAIN_TILES * batch.mosaics; i++) { /* in the second picture */
        const pp_train_tile *tile = &batch.tiles[i];
        if (tile->label < 0) continue;
        const long clip = alone.clips + batch.extra + i / PP_TRAIN_TILES;
        const long row = PP_TRAIN_CELL * (tile->top + tile->side) - 1;
        const long column = PP_TRAIN_CELL * tile->left;
        const float *p =
            batch.pictures + ((clip * 2 + 1) * LARGE * LARGE + row * LARGE + column) * 3;
        assert_int_equal(tile->label, label_shown(corpus, p));
        shown++;
    }
    assert_true(shown >= 8);
    pp_train_mixer_destroy(&plain);
    pp_train_mixer_destroy(&mixer);
    pp_train_corpus_destroy(&corpus);
}

/* Mix 7 is mix 7: made first, made after others, made in a batch of another size. */
static void mixes_depend_on_their_number_alone(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_train_corpus *corpus = make_corpus();
    pp_train_mixer *mixer;
    pp_train_batch batch;
    pp_train_mix_options options = options_of(PP_TRAIN_BY_BOTH);
    options.sound = (pp_train_sound_options){6, 2, 0.5, 6, -30};
    options.picture = (pp_train_picture_options){1, 1.2, 1, 0.2, 0.5};
    assert_int_equal(pp_train_mixer_create(&mixer, corpus, &options, &shape, &err), PP_OK);
    assert_int_equal(pp_train_mixer_fill(mixer, 5, 7, 1, 2, &batch, &err), PP_OK);
    float *kept = pp_alloc(1024, sizeof *kept);
    memcpy(kept, batch.sound, 1024 * sizeof *kept);
    assert_int_equal(pp_train_mixer_fill(mixer, 5, 4, 4, 2, &batch, &err), PP_OK);
    assert_memory_equal(batch.sound + 3 * 1024, kept, 1024 * sizeof *kept);
    assert_memory_not_equal(batch.sound, kept, 1024 * sizeof *kept);
    assert_int_equal(pp_train_mixer_fill(mixer, 6, 7, 1, 2, &batch, &err), PP_OK);
    assert_memory_not_equal(batch.sound, kept, 1024 * sizeof *kept);
    for (int i = 0; i < 1024; i++) assert_true(isfinite(batch.sound[i]));
    pp_free(kept);
    pp_train_mixer_destroy(&mixer);
    pp_train_corpus_destroy(&corpus);
}

static void poor_corpora_are_refused(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_train_corpus *corpus = make_corpus();
    pp_train_mixer *mixer;
    const char *const names[] = {"viola"};
    assert_int_equal(pp_train_corpus_settle(corpus, names, 1, &err), PP_OK);
    const pp_train_mix_options options = options_of(PP_TRAIN_BY_LABEL);
    assert_int_equal(pp_train_mixer_create(&mixer, corpus, &options, &shape, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "1 clips can be asked for by label"));
    assert_null(mixer);
    pp_train_corpus_destroy(&corpus);
}

static double rms_of(const float *sound, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++) sum += (double)sound[i] * sound[i];
    return sqrt(sum / count);
}

static int crossings(const float *sound, int count)
{
    int n = 0;
    for (int i = 1; i < count; i++) n += (sound[i - 1] < 0) != (sound[i] < 0);
    return n;
}

static void sound_is_changed_as_chosen(void **state)
{
    (void)state;
    int16_t *codes = pp_alloc(SAMPLES, sizeof *codes);
    float *plain = pp_alloc(4000, sizeof *plain), *changed = pp_alloc(4000, sizeof *changed);
    float *scratch = pp_alloc(12000, sizeof *scratch), gains[128];
    pp_train_clip clip;
    fill_clip(&clip, 1, codes, NULL);
    pp_train_sound_choice none = {.ratio = 1, .level = 1};
    pp_train_sound_read(&clip, 100, &none, 4000, plain);
    assert_true(fabs(plain[5] - 0.5 * sin(0.15 * 105)) < 1e-4);
    assert_int_equal(pp_train_sound_gains(&none, RATE, 254, gains), 0);
    pp_train_sound_choice higher = none; /* a fifth up: half as many crossings again */
    higher.ratio = 1.5;
    pp_train_sound_read(&clip, 100, &higher, 4000, changed);
    assert_true(abs(crossings(changed, 4000) * 2 - crossings(plain, 4000) * 3) <= 4);
    assert_true(fabs(rms_of(changed, 4000) / rms_of(plain, 4000) - 1) < 0.01);
    pp_random random;
    const pp_train_sound_options options = {6, 3, 0.5, 9, -20};
    int rooms = 0, noisy = 0;
    for (uint64_t i = 0; i < 200; i++) {
        pp_random_seed(&random, 1, i);
        pp_train_sound_choice c;
        pp_train_sound_choose(&options, RATE, &random, &c);
        assert_true(c.ratio >= pow(2, -0.25) && c.ratio <= pow(2, 0.25));
        assert_true(c.level >= 0.501F && c.level <= 1.996F);
        assert_true(c.noise > 0 && c.noise <= 0.1F);
        rooms += c.room.wet > 0;
        noisy += c.noise > 0.01F;
        c.level = 1;
        memcpy(changed, plain, 4000 * sizeof *changed);
        pp_train_sound_apply(&c, changed, 4000, scratch);
        assert_true(fabs(rms_of(changed, 4000) / rms_of(plain, 4000) - 1) < 0.05);
        assert_int_equal(pp_train_sound_gains(&c, RATE, 254, gains), 1);
        for (int k = 0; k < 128; k++) assert_true(gains[k] > 0.354F && gains[k] < 2.819F);
    }
    assert_true(rooms > 70 && rooms < 130 && noisy > 20);
    pp_free(codes), pp_free(plain), pp_free(changed), pp_free(scratch);
}

/* A room rings on after the sound: energy where the dry sound has none. */
static void rooms_ring_on(void **state)
{
    (void)state;
    float *sound = pp_alloc(4000, sizeof *sound), *scratch = pp_alloc(12000, sizeof *scratch);
    pp_train_sound_choice c = {.ratio = 1, .level = 1};
    c.room = (pp_train_room){{200, 230, 270, 310}, {50, 70}, {0.9F, 0.9F, 0.9F, 0.9F}, 0.5F};
    for (int i = 0; i < 100; i++) sound[i] = i % 2 ? 1 : -1;
    pp_train_sound_apply(&c, sound, 4000, scratch);
    assert_true(rms_of(sound + 2000, 1000) > 0.01);
    assert_true(rms_of(sound + 3000, 1000) < rms_of(sound + 1000, 1000));
    pp_free(sound), pp_free(scratch);
}

static void pictures_are_cropped_mirrored_and_blurred(void **state)
{
    (void)state;
    uint8_t rgb[SIZE * SIZE * 3];
    float out[10 * 10 * 3], flipped[10 * 10 * 3], scratch[3 * SIZE];
    for (int i = 0; i < SIZE * SIZE; i++) {
        rgb[3 * i] = (uint8_t)(10 * (i % SIZE));     /* red grows to the right */
        rgb[3 * i + 1] = (uint8_t)(10 * (i / SIZE)); /* green downwards */
        rgb[3 * i + 2] = 100;
    }
    pp_train_picture_choice c = {0.5, 0.25, 0.5, 0, 0, 1, 1, 0};
    pp_train_picture_make(rgb, SIZE, &c, 10, out, scratch);
    /* a crop of the size of the result is those pixels: columns 10 .. 19, rows 5 .. 14 */
    for (int i = 0; i < 100; i++) {
        assert_true(fabsf((out[3 * i] * 0.229F + 0.485F) * 255 - (float)(10 * (10 + i % 10))) <
                    0.01F);
        assert_true(fabsf((out[3 * i + 1] * 0.224F + 0.456F) * 255 - (float)(10 * (5 + i / 10))) <
                    0.01F);
    }
    c.flip = 1;
    pp_train_picture_make(rgb, SIZE, &c, 10, flipped, scratch);
    for (int i = 0; i < 100; i++) {
        assert_true(fabsf(flipped[3 * i] - out[3 * (i / 10 * 10 + 9 - i % 10)]) < 1e-4F);
    }
    c.blurs = 2;
    pp_train_picture_make(rgb, SIZE, &c, 10, flipped, scratch);
    assert_true(fabsf(flipped[3 * 55] - out[3 * 54]) < 1e-3F); /* a ramp stays one inside */
    assert_true(flipped[3 * 50] < out[3 * 59] - 0.01F);        /* and bends at the border */
    const pp_train_picture_options options = {1, 1.25, 1, 0.3, 0.5};
    int mirrored = 0, blurred = 0;
    for (uint64_t i = 0; i < 200; i++) {
        pp_random random;
        pp_random_seed(&random, 1, i);
        pp_train_picture_choose(&options, &random, &c);
        assert_true(c.side >= 0.8 && c.left >= 0 && c.left + c.side <= 1.0000001);
        pp_train_picture_make(rgb, SIZE, &c, 10, out, scratch);
        for (int k = 0; k < 300; k++) assert_true(isfinite(out[k]) && fabsf(out[k]) < 3);
        mirrored += c.flip;
        blurred += c.blurs > 0;
    }
    assert_true(mirrored > 70 && mirrored < 130 && blurred > 70 && blurred < 130);
}

static int load_blas(void **state)
{
    (void)state;
    pp_error err = {0};
    return pp_blas_load(NULL, &err);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(clips_come_back_as_written),
        cmocka_unit_test(damaged_clips_are_refused),
        cmocka_unit_test(silence_and_stubs_are_told),
        cmocka_unit_test(corpus_numbers_labels_and_counts_the_rest),
        cmocka_unit_test(mixes_are_what_the_front_end_hears),
        cmocka_unit_test(sources_are_asked_for_as_told),
        cmocka_unit_test(tiles_of_a_mosaic_do_not_overlap),
        cmocka_unit_test(pictures_are_shrunk_into_tiles),
        cmocka_unit_test(extra_clips_show_their_pictures),
        cmocka_unit_test(mixes_depend_on_their_number_alone),
        cmocka_unit_test(poor_corpora_are_refused),
        cmocka_unit_test(sound_is_changed_as_chosen),
        cmocka_unit_test(rooms_ring_on),
        cmocka_unit_test(pictures_are_cropped_mirrored_and_blurred),
    };
    return cmocka_run_group_tests(tests, load_blas, NULL);
}
