/* tools/synth: parts of every instrument, and the gestures that follow from them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tools/synth/figure.h"
#include "tools/synth/music.h"
#include "tools/synth/solo.h"

static const double seconds = 9;

static void compose(pp_part *part, int instrument, uint64_t seed)
{
    pp_error err = {0};
    pp_random random;
    pp_piece piece;
    pp_random_seed(&random, seed, 5);
    pp_piece_compose(&piece, &random);
    *part = (pp_part){.instrument = (pp_instrument)instrument};
    assert_int_equal(pp_part_compose(part, &piece, seconds, &random, &err), PP_OK);
}

static void notes_are_playable(void **state)
{
    (void)state;
    for (int instrument = 0; instrument < PP_INSTRUMENTS; instrument++) {
        const pp_instrument_info *info = pp_instrument_get((pp_instrument)instrument);
        int drone = info->manner == PP_MANNER_DRONE ? 12 : 0;
        for (uint64_t seed = 0; seed < 30; seed++) {
            pp_part part;
            compose(&part, instrument, seed);
            assert_true(part.count > 0 && part.count < 400);
            for (size_t i = 0; i < part.count; i++) {
                const pp_note *note = &part.notes[i];
                assert_true(i == 0 || part.notes[i - 1].on_s <= note->on_s);
                assert_true(note->on_s >= 0 && note->off_s >= note->on_s && note->off_s <= seconds);
                assert_in_range(note->key, info->low - drone, info->high);
                assert_true(note->velocity > 0.1f && note->velocity <= 1);
                assert_in_range(note->hand, 0, 2);
                for (size_t k = i + 1; k < part.count && part.notes[k].on_s < note->off_s; k++) {
                    assert_int_not_equal(part.notes[k].key, note->key);
                }
            }
            pp_part_clear(&part);
        }
    }
}

static void parts_play_and_rest(void **state)
{
    (void)state;
    double share = 0;
    int rests = 0;
    for (int instrument = 0; instrument < PP_INSTRUMENTS; instrument++) {
        pp_part part;
        compose(&part, instrument, 77);
        int playing = 0;
        for (int k = 0; k < 90; k++) {
            pp_act act;
            pp_act_at(&act, &part, 0.1 * k);
            playing += act.level > 0.5f;
        }
        share += playing / 90.0 / PP_INSTRUMENTS;
        rests += playing < 85;
        pp_part_clear(&part);
    }
    assert_true(share > 0.5 && share < 0.98);
    assert_true(rests > 3);
}

static void gestures_follow_the_notes(void **state)
{
    (void)state;
    for (int instrument = 0; instrument < PP_INSTRUMENTS; instrument++) {
        pp_part part;
        compose(&part, instrument, 3);
        for (size_t i = 0; i < part.count; i++) {
            const pp_note *note = &part.notes[i];
            pp_act act;
            pp_act_at(&act, &part, note->on_s);
            assert_true(act.level > 0.99f);
            assert_true(act.hands[note->hand].raise < 1e-4f); /* the stick is down */
            assert_true(fabsf(act.bow) <= 1 && act.pitch >= -1e-5f && act.pitch <= 1.00001f);
            assert_true(pp_act_pressed(&act, note->key) || note->off_s <= note->on_s);
        }
        pp_part_clear(&part);
    }
}

static void solos_take_turns(void **state)
{
    (void)state;
    pp_scene_options options = {.instruments = 1u << PP_FLUTE | 1u << PP_VIOLIN | 1u << PP_BANJO};
    static const int expected[] = {PP_BANJO, PP_FLUTE, PP_VIOLIN, PP_BANJO};
    for (uint64_t i = 0; i < 4; i++) {
        assert_int_equal(pp_solo_instrument(&options, i), expected[i]);
    }
    options.instruments = 0;
    assert_int_equal(pp_solo_instrument(&options, PP_INSTRUMENTS + 2), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(notes_are_playable),
        cmocka_unit_test(parts_play_and_rest),
        cmocka_unit_test(gestures_follow_the_notes),
        cmocka_unit_test(solos_take_turns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
