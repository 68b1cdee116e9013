/* tools/synth: the same scene whatever came before; sums, levels, intervals and boxes. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/path.h"
#include "tools/synth/truth.h"

static const char *const font = "/usr/share/sounds/sf2/TimGM6mb.sf2";

static pp_scene_options small_options(void)
{
    return (pp_scene_options){.seed = 11,
                              .players = {2, 1, 3},
                              .player_cycle = 3,
                              .seconds = 2,
                              .width = 96,
                              .height = 64,
                              .fps = 4,
                              .rate_hz = 11025,
                              .fonts = 1,
                              .same_share = 0.1};
}

typedef struct clip {
    pp_scene *scene;
    float *tracks[PP_MOST_PLAYERS];
    uint8_t *rgb;
} clip;

static void make_clip(clip *c, pp_band *band, uint64_t item)
{
    pp_error err = {0};
    pp_scene_options options = small_options();
    memset(c, 0, sizeof *c);
    assert_int_equal(pp_scene_create(&c->scene, &options, item, &err), PP_OK);
    for (int i = 0; i < c->scene->players; i++) {
        c->tracks[i] = pp_alloc((size_t)pp_scene_frames(c->scene), sizeof(float));
        assert_non_null(c->tracks[i]);
    }
    if (band != NULL) assert_int_equal(pp_scene_play(c->scene, band, c->tracks, &err), PP_OK);
    pp_canvas *canvas = NULL;
    assert_int_equal(pp_canvas_create(&canvas, options.width, options.height, &err), PP_OK);
    c->rgb = pp_alloc((size_t)options.width * (size_t)options.height, 3);
    assert_non_null(c->rgb);
    pp_scene_draw(c->scene, canvas, 0.75, c->rgb, NULL);
    pp_canvas_destroy(&canvas);
}

static void drop_clip(clip *c)
{
    pp_scene_destroy(&c->scene);
    for (int i = 0; i < PP_MOST_PLAYERS; i++) pp_free(c->tracks[i]);
    pp_free(c->rgb);
}

static pp_band *open_band(void)
{
    pp_band *band = NULL;
    pp_error err = {0};
    if (!pp_path_exists(font)) {
        print_message("no %s here\n", font);
        skip();
    }
    assert_int_equal(pp_band_create(&band, &font, 1, &err), PP_OK);
    return band;
}

static void same_item_same_samples_and_pixels(void **state)
{
    (void)state;
    pp_band *band = open_band(), *other = open_band();
    clip first, between, again;
    make_clip(&first, band, 2);
    make_clip(&between, other, 0); /* other notes still ringing in the synthesizer */
    make_clip(&again, other, 2);
    assert_int_equal(first.scene->players, 3);
    assert_int_equal(between.scene->players, 2);
    size_t bytes = (size_t)pp_scene_frames(first.scene) * sizeof(float);
    for (int i = 0; i < 3; i++) assert_memory_equal(first.tracks[i], again.tracks[i], bytes);
    assert_memory_equal(first.rgb, again.rgb, 96 * 64 * 3);
    assert_memory_not_equal(first.rgb, between.rgb, 96 * 64 * 3);
    drop_clip(&first);
    drop_clip(&between);
    drop_clip(&again);
    pp_band_destroy(&band);
    pp_band_destroy(&other);
}

static void mixtures_neither_clip_nor_stay_silent(void **state)
{
    (void)state;
    pp_band *band = open_band();
    for (uint64_t item = 0; item < 6; item++) {
        clip c;
        make_clip(&c, band, item);
        float peak = 0;
        double energy[PP_MOST_PLAYERS] = {0};
        int64_t frames = pp_scene_frames(c.scene);
        for (int64_t k = 0; k < frames; k++) {
            float sum = 0;
            for (int i = 0; i < c.scene->players; i++) {
                sum += c.tracks[i][k];
                energy[i] += (double)c.tracks[i][k] * (double)c.tracks[i][k];
            }
            peak = fmaxf(peak, fabsf(sum));
        }
        assert_true(peak <= 0.8901f && peak > 0.02f);
        for (int i = 0; i < c.scene->players; i++) {
            double level_db = 10 * log10(energy[i] / (double)frames + 1e-12);
            assert_true(level_db > -45 && level_db < -10);
        }
        drop_clip(&c);
    }
    pp_band_destroy(&band);
}

static void boxes_lie_in_the_picture_and_apart(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_scene_options options = small_options();
    pp_canvas *canvas = NULL;
    assert_int_equal(pp_canvas_create(&canvas, options.width, options.height, &err), PP_OK);
    for (uint64_t item = 0; item < 24; item++) {
        pp_scene *scene = NULL;
        assert_int_equal(pp_scene_create(&scene, &options, item, &err), PP_OK);
        pp_sighting seen[PP_MOST_PLAYERS];
        pp_scene_draw(scene, canvas, 1, NULL, seen);
        for (int i = 0; i < scene->players; i++) {
            pp_box all = seen[i].performer, instrument = seen[i].instrument;
            assert_true(all.x0 >= 0 && all.y0 >= 0 && all.x1 <= 96 && all.y1 <= 64);
            assert_false(pp_box_is_empty(instrument));
            assert_true(instrument.x0 >= all.x0 && instrument.x1 <= all.x1);
            assert_true(instrument.y0 >= all.y0 && instrument.y1 <= all.y1);
            for (int k = 0; k < i; k++) {
                float wide =
                    fminf(all.x1, seen[k].performer.x1) - fmaxf(all.x0, seen[k].performer.x0);
                float tall =
                    fminf(all.y1, seen[k].performer.y1) - fmaxf(all.y0, seen[k].performer.y0);
                float shared = fmaxf(wide, 0) * fmaxf(tall, 0);
                assert_true(shared < 0.3f * (all.x1 - all.x0) * (all.y1 - all.y0));
            }
        }
        pp_scene_destroy(&scene);
    }
    pp_canvas_destroy(&canvas);
}

static void worlds_share_no_scene(void **state)
{
    (void)state;
    pp_error err = {0};
    for (int world = 0; world < 3; world++) {
        for (uint64_t item = 0; item < 8; item++) {
            pp_scene_options options = small_options();
            options.world = (pp_world)world;
            pp_scene *scene = NULL;
            assert_int_equal(pp_scene_create(&scene, &options, item, &err), PP_OK);
            for (int i = 0; i < scene->players; i++) {
                int variant = scene->performers[i].look.variant;
                assert_int_equal(variant < PP_VARIANTS - 2 ? 0 : variant - PP_VARIANTS + 3, world);
            }
            pp_scene_destroy(&scene);
        }
    }
}

static void activity_follows_its_rules(void **state)
{
    (void)state;
    float levels[40];
    for (int k = 0; k < 40; k++) levels[k] = -120;
    for (int k = 4; k < 10; k++) levels[k] = -20;  /* 0.2 to 0.5 s */
    for (int k = 12; k < 14; k++) levels[k] = -55; /* a gap of 0.1 s, closed */
    levels[20] = -30;                              /* 0.05 s: dropped */
    for (int k = 30; k < 40; k++) levels[k] = -61; /* below -60: silence */
    pp_interval *found = NULL;
    size_t count = 0;
    pp_error err = {0};
    assert_int_equal(pp_truth_activity(&found, &count, levels, 40, 2, &err), PP_OK);
    assert_int_equal(count, 1);
    assert_float_equal(found[0].on_s, 0.2, 1e-9);
    assert_float_equal(found[0].off_s, 0.7, 1e-9);
    pp_free(found);
}

static void a_missing_font_is_named(void **state)
{
    (void)state;
    const char *missing = "/nowhere/font.sf2";
    pp_band *band = NULL;
    pp_error err = {0};
    assert_int_equal(pp_band_create(&band, &missing, 1, &err), PP_ERR_NOT_FOUND);
    assert_null(band);
    assert_non_null(strstr(err.message, "/nowhere/font.sf2"));
    assert_non_null(strstr(err.advice, "timgm6mb-soundfont"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(same_item_same_samples_and_pixels),
        cmocka_unit_test(mixtures_neither_clip_nor_stay_silent),
        cmocka_unit_test(boxes_lie_in_the_picture_and_apart),
        cmocka_unit_test(worlds_share_no_scene),
        cmocka_unit_test(activity_follows_its_rules),
        cmocka_unit_test(a_missing_font_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
