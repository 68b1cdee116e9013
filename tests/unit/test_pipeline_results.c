/* pipeline: what archives hold, computed a second time in plainer ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "nn/share.h"
#include "pipeline_world.h"

#include "dsp/stft.h"
#include "dsp/warp.h"
#include "dsp/window_input.h"
#include "pipeline/crossfade.h"

/* What one video's archive holds, and what is needed to compute it again. */
typedef struct twin {
    pp_archive *archive;
    void *codes, *scale, *offset, *vectors, *features, *energy;
    float *mixture;
    pp_stft *stft;
    pp_warp *warp;
    pp_model_scratch *scratch;
    pp_cut cut;
} twin;

static void *take(pp_archive *archive, const char *path, pp_h5_type type, int rank)
{
    int64_t dims[PP_H5_MOST_RANK] = {-1, -1, -1, -1, -1, -1};
    void *values = NULL;
    pp_error err = {0};
    assert_int_equal(
        pp_h5_take(pp_archive_h5(archive), path, type, rank, dims, 1 << 26, &values, &err), PP_OK);
    return values;
}

static void open_twin(twin *t, world *w, const run *how, const pp_lease_result *result)
{
    pp_error err = {0};
    int64_t samples = 0;
    t->archive = open_result(w, how, result);
    t->codes = take(t->archive, "/components/maps", PP_H5_U8, 4);
    t->scale = take(t->archive, "/components/scale", PP_H5_F32, 2);
    t->offset = take(t->archive, "/components/offset", PP_H5_F32, 2);
    t->vectors = take(t->archive, "/sources/vector", PP_H5_F32, 2);
    t->features = take(t->archive, "/pixels/features", PP_H5_F32, 4);
    t->energy = take(t->archive, "/pixels/energy", PP_H5_F32, 3);
    t->mixture = take_sound(t->archive, PP_SOUND_MIXTURE, &samples);
    t->cut = pp_cut_of(samples, &how->parameters, pp_model_get_shape(w->plain));
    assert_int_equal(pp_stft_create(&t->stft, (pp_stft_shape){62, HOP}, &err), PP_OK);
    assert_int_equal(pp_warp_create(&t->warp, BINS, ROWS, &err), PP_OK);
    assert_int_equal(pp_model_scratch_create(&t->scratch, w->plain, 1, &err), PP_OK);
}

static void close_twin(twin *t)
{
    pp_archive_close(&t->archive);
    pp_stft_destroy(&t->stft);
    pp_warp_destroy(&t->warp);
    pp_model_scratch_destroy(&t->scratch);
    void *used[] = {t->codes, t->scale, t->offset, t->vectors, t->features, t->energy, t->mixture};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) pp_free(used[i]);
}

static pp_quantised_maps maps_of(const twin *t, int64_t window)
{
    return (pp_quantised_maps){(uint8_t *)t->codes + window * K * GRID,
                               (float *)t->scale + window * K, (float *)t->offset + window * K};
}

/* Energies once more, window by window, from what the archive holds. */
static void energies_are_those_of_the_pictures_in_each_window(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "energies"};
    char *video = make_video(w, "energies.mp4", "samples=3333 seed=8 odd=4");
    pp_lease_result result;
    twin t;
    run_whole(w, &how, video, &result);
    open_twin(&t, w, &how, &result);
    pp_media made_up = {.seed = 8, .odd = ODD_MISSING};
    for (int64_t i = 0; i < t.cut.all.windows; i++) {
        float v[PIXELS * K], energy[PIXELS], spectrum[FRAMES * BINS * 2], scratch[FRAMES * BINS];
        float magnitude[GRID], input[GRID];
        pp_range pictures = pp_cut_window_pictures(&t.cut, i);
        int last = (int)(pictures.first + pictures.count), taken = 0;
        for (int p = (int)pictures.first; p < last; p++) {
            int only = pictures.count == 1;
            if (fake_missing(&made_up, fake_shown(&made_up, p * 0.1)) && !only) continue;
            const float *row = (float *)t.features + p * PIXELS * K;
            for (int j = 0; j < PIXELS * K; j++) {
                if (taken == 0 || row[j] > v[j]) v[j] = row[j];
            }
            taken++;
        }
        if (taken == 0) continue; /* all of several are missing: no need to state it twice */
        pp_model_activate(v, PIXELS * K, v);
        int present = pp_cut_window_present(&t.cut, i);
        pp_stft_forward(t.stft, t.mixture, 0, t.cut.all.samples,
                        pp_cut_window_first_frame(&t.cut, i), present, spectrum);
        pp_window_input(t.warp, spectrum, present, FRAMES, BINS, ROWS, scratch, magnitude, input);
        pp_quantised_maps maps = maps_of(&t, i);
        pp_model_energies(w->plain, t.scratch, &maps, magnitude, v, PIXELS, energy);
        assert_memory_equal(energy, (float *)t.energy + i * PIXELS, sizeof energy);
    }
    close_twin(&t);
    pp_free(video);
}

/* The stems once more, in the plainest way: all masks, one spectrum, one inverse. */
static void stems_are_those_of_the_whole_done_at_once(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "whole"};
    how.parameters.segment_windows = 3;
    how.parameters.cast_threshold = 0.99;
    char *video = make_video(w, "whole.mp4", "samples=3333 seed=8");
    pp_lease_result result;
    twin t;
    run_whole(w, &how, video, &result);
    open_twin(&t, w, &how, &result);
    int sources = result.sources, windows = (int)result.cut.windows;
    assert_true(sources > 1);
    int64_t frames = t.cut.all.stft_frames, samples = t.cut.all.samples, values = frames * BINS;
    size_t of_one = (size_t)sources * BINS * FRAMES;
    float *log_masks = pp_alloc((size_t)sources * GRID, sizeof(float));
    float *linear = pp_alloc((size_t)windows * of_one, sizeof(float));
    float *masks = pp_alloc((size_t)(sources * values), sizeof(float));
    float *rest = pp_alloc((size_t)values, sizeof(float));
    float *spectrum = pp_alloc((size_t)values * 2, sizeof(float));
    float *masked = pp_alloc((size_t)values * 2, sizeof(float));
    float *expected = pp_alloc((size_t)samples, sizeof(float));
    pp_window_masks *all = pp_alloc((size_t)windows, sizeof *all);
    for (int i = 0; i < windows; i++) {
        pp_quantised_maps maps = maps_of(&t, i);
        pp_model_masks(w->plain, t.scratch, &maps, t.vectors, sources, log_masks);
        pp_masks_share(log_masks, sources, GRID);
        all[i] = (pp_window_masks){i, linear + (size_t)i * of_one};
        for (int s = 0; s < sources; s++) {
            pp_warp_to_linear(t.warp, log_masks + s * GRID, FRAMES,
                              all[i].linear + s * BINS * FRAMES);
        }
    }
    pp_crossfade(&t.cut, all, windows, sources, BINS, 0, frames, masks);
    pp_masks_limit(masks, sources, values, rest);
    pp_stft_forward(t.stft, t.mixture, 0, samples, 0, frames, spectrum);
    for (int s = 0; s < sources; s++) {
        int64_t length = 0;
        float *stem = take_sound(t.archive, s, &length);
        pp_mask_apply(spectrum, masks + s * values, values, masked);
        pp_stft_inverse(t.stft, masked, 0, frames, frames, 0, samples, expected);
        assert_memory_equal(stem, expected, (size_t)samples * sizeof(float));
        pp_free(stem);
    }
    close_twin(&t);
    void *used[] = {log_masks, linear, masks, rest, spectrum, masked, expected, all, video};
    for (size_t i = 0; i < sizeof used / sizeof *used; i++) pp_free(used[i]);
}

static void a_constant_mask_gives_that_share_of_every_sample(void **state)
{
    world *w = *state;
    const long lengths[] = {1, 15, 16, 100, 255, 256, 257, 5003};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        char text[64];
        snprintf(text, sizeof text, "samples=%ld seed=%d", lengths[l], (int)l);
        char *video = make_video(w, "constant.mp4", text);
        run how = {.model = w->constant, .parameters = small_parameters(), .out = "constant"};
        how.parameters.masks = PP_MASK_RATIO; /* the constant itself, whatever else is there */
        how.parameters.segment_windows = 3;
        pp_lease_result result;
        run_whole(w, &how, video, &result);
        assert_int_equal(result.sources, 1);
        pp_archive *archive = open_result(w, &how, &result);
        int64_t samples = 0;
        float *mixture = take_sound(archive, PP_SOUND_MIXTURE, &samples);
        float *stem = take_sound(archive, 0, &samples);
        assert_int_equal(samples, lengths[l]);
        for (int64_t i = 0; i < samples; i++) {
            if (fabsf(stem[i] - 0.3f * mixture[i]) > 1e-5f)
                fail_msg("sample %lld of %lld: %g, not 0.3 of %g", (long long)i, (long long)samples,
                         (double)stem[i], (double)mixture[i]);
        }
        pp_free(mixture);
        pp_free(stem);
        pp_archive_close(&archive);
        pp_free(video);
    }
}

/* What could not be decoded is black, is counted, and decides nothing where there is another. */
static void missing_pictures_are_black_and_counted(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "black", .batch = 3};
    char *video = make_video(w, "black.mp4", "samples=6000 seed=8 odd=4");
    pp_lease_result result;
    pp_error err = {0};
    run_whole(w, &how, video, &result);
    pp_archive *archive = open_result(w, &how, &result);
    int64_t dims[4] = {-1, -1, -1, -1};
    void *memory = NULL;
    assert_int_equal(pp_h5_take(pp_archive_h5(archive), "/frames/thumbnail", PP_H5_U8, 4, dims,
                                1 << 26, &memory, &err),
                     PP_OK);
    pp_media made_up = {.seed = 8, .odd = ODD_MISSING};
    const uint8_t *thumbnails = memory;
    int count = 0;
    for (int64_t p = 0; p < dims[0]; p++) {
        uint32_t sum = 0;
        for (int i = 0; i < 112 * 112 * 3; i++) sum += thumbnails[p * 112 * 112 * 3 + i];
        int missing = fake_missing(&made_up, fake_shown(&made_up, (double)p * 0.1));
        assert_int_equal(sum == 0, missing);
        count += missing;
    }
    char expected[40];
    snprintf(expected, sizeof expected, "\"pictures_missing\":%d", count);
    assert_true(count > 5 && count < dims[0]);
    assert_non_null(strstr(pp_archive_get_header(archive)->media_json, expected));
    pp_free(memory);
    pp_archive_close(&archive);
    pp_free(video);
}

static void silence_has_no_sources(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "silence"};
    how.parameters.segment_windows = 4;
    char *video = make_video(w, "silence.mp4", "samples=3000 silent=1");
    pp_lease_result result;
    run_whole(w, &how, video, &result);
    assert_int_equal(result.sources, 0);
    pp_archive *archive = open_result(w, &how, &result);
    int64_t samples = 0;
    float *residual = take_sound(archive, PP_SOUND_RESIDUAL, &samples);
    for (int64_t i = 0; i < samples; i++) assert_true(residual[i] == 0);
    pp_free(residual);
    pp_archive_close(&archive);
    pp_free(video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_constant_mask_gives_that_share_of_every_sample),
        cmocka_unit_test(energies_are_those_of_the_pictures_in_each_window),
        cmocka_unit_test(stems_are_those_of_the_whole_done_at_once),
        cmocka_unit_test(missing_pictures_are_black_and_counted),
        cmocka_unit_test(silence_has_no_sources),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
