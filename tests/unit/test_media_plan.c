/* media: what is decided from packets alone: the clock of files whose stamps jump, which frame
 * serves a grid point, which frame nobody refers to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "media/decoder/planner.h"
#include "media/decoder/reference.h"
#include "media/decoder/timeline.h"

/* ---- the clock -------------------------------------------------------------------------------*/

#define S INT64_C(1000000)

/* Placed time of a packet of 1 s. */
static int64_t place(pp_timeline *timeline, pp_track track, int64_t stamp_us)
{
    return stamp_us + pp_timeline_place(timeline, track, stamp_us, S);
}

static void stamps_that_go_on_are_left_alone(void **state)
{
    (void)state;
    pp_timeline t;
    pp_timeline_start(&t, 172800 * S, 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(place(&t, PP_TRACK_SOUND, (172800 + i) * S), i * S);
        assert_int_equal(place(&t, PP_TRACK_PICTURE, (172800 + i) * S), i * S);
    }
    /* the sound pauses for less than a minute, then for ten while the pictures go on */
    assert_int_equal(place(&t, PP_TRACK_SOUND, (172800 + 150) * S), 150 * S);
    for (int i = 100; i < 750; i++) place(&t, PP_TRACK_PICTURE, (172800 + i) * S);
    assert_int_equal(place(&t, PP_TRACK_SOUND, (172800 + 750) * S), 750 * S);
    assert_int_equal(t.shifts, 0);
}

static void both_streams_jump_together(void **state)
{
    (void)state;
    static const int64_t jumps_s[] = {7200, -7, 1000000};
    for (int forward_first = 0; forward_first < 2; forward_first++) {
        pp_timeline t;
        pp_timeline_start(&t, 0, 1);
        int64_t now_s = 0, stamp_s = 0;
        for (int j = 0; j < 3; j++) {
            for (int i = 0; i < 20; i++) {
                pp_track first = forward_first ? PP_TRACK_SOUND : PP_TRACK_PICTURE;
                assert_int_equal(place(&t, first, stamp_s * S), now_s * S);
                assert_int_equal(place(&t, 1 - first, stamp_s * S), now_s * S);
                now_s++;
                stamp_s++;
            }
            stamp_s += jumps_s[j];
        }
        assert_int_equal(t.shifts, 2);
    }
}

static void hours_of_nothing_are_not_filled(void **state)
{
    (void)state;
    pp_timeline t;
    pp_timeline_start(&t, 0, 0);
    place(&t, PP_TRACK_SOUND, 0);
    place(&t, PP_TRACK_PICTURE, 0);
    assert_int_equal(place(&t, PP_TRACK_SOUND, 7200 * S), S);
    assert_int_equal(place(&t, PP_TRACK_SOUND, 7201 * S), 2 * S);
    assert_int_equal(place(&t, PP_TRACK_PICTURE, 7200 * S), S); /* takes the same shift */
    assert_int_equal(t.shifts, 1);
    assert_int_equal(place(&t, PP_TRACK_SOUND, 0), 3 * S); /* and back again */
    assert_int_equal(t.shifts, 2);
}

/* ---- the plan --------------------------------------------------------------------------------*/

static pp_planner *planner_of(double interval_s)
{
    pp_planner *planner = NULL;
    pp_error err = {0};
    assert_int_equal(pp_planner_create(&planner, interval_s, &err), PP_OK);
    return planner;
}

static void add(pp_planner *planner, int64_t pts, double decode_s, int key, int disposable)
{
    pp_error err = {0};
    pp_coded_frame frame = {pts, (double)pts / 100, decode_s, key, disposable};
    assert_int_equal(pp_planner_add(planner, &frame, &err), PP_OK);
}

static const pp_picture_plan *finish(pp_planner *planner, double duration_s, int64_t count)
{
    const pp_picture_plan *plan = NULL;
    int64_t planned = 0;
    pp_error err = {0};
    assert_int_equal(pp_planner_finish(planner, duration_s, &plan, &planned, &err), PP_OK);
    assert_int_equal(planned, count);
    return plan;
}

static void keyframes_then_references_then_the_nearest(void **state)
{
    (void)state;
    pp_planner *planner = planner_of(1);
    /* 20 frames a second, coded as I b P b P ...; a key each 1.2 s, stamps in 1/100 s */
    for (int i = 0; i < 80; i++) {
        int coded = i == 0 ? 0 : i % 2 ? i + 1 : i - 1; /* references before what shows earlier */
        add(planner, 5 * coded, 0.05 * i - 0.05, coded % 24 == 0, coded % 2 == 1);
    }
    const pp_picture_plan *plan = finish(planner, 4.0, 4);
    assert_int_equal(plan[0].pts, 0);
    assert_int_equal(plan[1].pts, 120); /* key, 0.2 s away */
    assert_int_equal(plan[2].pts, 200); /* no key near: the reference on the spot */
    assert_int_equal(plan[2].seek_pts, 120);
    assert_int_equal(plan[3].pts, 300);
    assert_int_equal(plan[3].seek_pts, 240);
    assert_int_equal(plan[3].only_reference, 1);
    pp_planner_destroy(&planner);
}

static void slow_pictures_serve_while_they_are_shown(void **state)
{
    (void)state;
    pp_planner *planner = planner_of(1);
    add(planner, 40, 0.4, 1, 0);
    add(planner, 350, 3.5, 0, 0);
    const pp_picture_plan *plan = finish(planner, 6.5, 7);
    static const int64_t expected[] = {40, 40, 40, 40, 350, 350, 350};
    for (int i = 0; i < 7; i++) {
        assert_int_equal(plan[i].pts, expected[i]);
        assert_int_equal(plan[i].seek_pts, 40);
        assert_int_equal(plan[i].same_as_before, i > 0 && expected[i] == expected[i - 1]);
        assert_true(plan[i].time_s == i);
    }
    pp_planner_destroy(&planner);
}

/* Frames shown before a keyframe though coded after it belong to the keyframe before. */
static void open_groups_start_one_key_earlier(void **state)
{
    (void)state;
    pp_planner *planner = planner_of(1);
    add(planner, 0, 0, 1, 0);
    add(planner, 30, 0.1, 0, 0);
    add(planner, 140, 0.6, 1, 0);
    add(planner, 100, 0.7, 0, 0); /* leads to the key at 140 */
    add(planner, 180, 1.4, 0, 0);
    const pp_picture_plan *plan = finish(planner, 2, 2);
    assert_int_equal(plan[1].pts, 100);
    assert_int_equal(plan[1].seek_pts, 0);
    pp_planner_destroy(&planner);
}

/* A hundred hours in one go: what is kept does not grow with the frames. */
static void long_plans_stay_small_and_equal(void **state)
{
    (void)state;
    pp_planner *planner = planner_of(2);
    for (int64_t i = 0; i < 2000000; i++) add(planner, 4 * i, 0.04 * (double)i, i % 12 == 0, 0);
    const pp_picture_plan *plan = finish(planner, 79000, 39500);
    for (int64_t i = 0; i < 39500; i++) {
        assert_true(plan[i].shown_s - 2.0 * (double)i <= 0.25);
        assert_true(plan[i].shown_s - 2.0 * (double)i >= -0.25);
        assert_int_equal(plan[i].pts % 48, 0);
    }
    pp_planner_destroy(&planner);
}

static void no_packet_no_plan(void **state)
{
    (void)state;
    pp_planner *planner = planner_of(2);
    const pp_picture_plan *plan = NULL;
    int64_t count = 0;
    pp_error err = {0};
    assert_int_equal(pp_planner_finish(planner, 10, &plan, &count, &err), PP_ERR_MEDIA);
    pp_planner_destroy(&planner);
}

/* ---- references ------------------------------------------------------------------------------*/

static int disposable(enum AVCodecID codec, const char *extra, int extra_size, const char *bytes,
                      int size)
{
    AVCodecParameters facts = {
        .codec_id = codec, .extradata = (uint8_t *)(uintptr_t)extra, .extradata_size = extra_size};
    AVPacket packet = {.data = (uint8_t *)(uintptr_t)bytes, .size = size};
    return pp_packet_is_disposable(&facts, &packet);
}

static void frames_nobody_refers_to(void **state)
{
    (void)state;
    /* start codes: delimiter, then a slice with nal_ref_idc 0, and 3 */
    assert_true(disposable(AV_CODEC_ID_H264, NULL, 0, "\0\0\1\x09\x10\0\0\1\x01\x9a\x02", 11));
    assert_false(disposable(AV_CODEC_ID_H264, NULL, 0, "\0\0\1\x09\x10\0\0\1\x61\x9a\x02", 11));
    /* a field pair of which only one is referred to */
    assert_false(disposable(AV_CODEC_ID_H264, NULL, 0, "\0\0\1\x01\x9a\0\0\1\x21\x9a\x02", 11));
    /* lengths of four bytes, and one that lies */
    assert_true(disposable(AV_CODEC_ID_H264, "\1\x64\0\x1f\xff", 5, "\0\0\0\2\x01\x9a", 6));
    assert_false(disposable(AV_CODEC_ID_H264, "\1\x64\0\x1f\xff", 5, "\0\0\0\2\x41\x9a", 6));
    assert_false(disposable(AV_CODEC_ID_H264, "\1\x64\0\x1f\xff", 5, "\xff\xff\xff\xff\x01", 5));
    assert_true(disposable(AV_CODEC_ID_MPEG2VIDEO, NULL, 0, "\0\0\1\0\x00\x18\x00", 7));
    assert_false(disposable(AV_CODEC_ID_MPEG2VIDEO, NULL, 0, "\0\0\1\0\x00\x10\x00", 7));
    assert_true(disposable(AV_CODEC_ID_MPEG4, NULL, 0, "\0\0\1\xb6\x96\x00\x00", 7));
    assert_false(disposable(AV_CODEC_ID_MPEG4, NULL, 0, "\0\0\1\xb6\x56\x00\x00", 7));
    assert_false(disposable(AV_CODEC_ID_VP9, NULL, 0, "\0\0\0\0\0\0", 6));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stamps_that_go_on_are_left_alone),
        cmocka_unit_test(both_streams_jump_together),
        cmocka_unit_test(hours_of_nothing_are_not_filled),
        cmocka_unit_test(keyframes_then_references_then_the_nearest),
        cmocka_unit_test(slow_pictures_serve_while_they_are_shown),
        cmocka_unit_test(open_groups_start_one_key_earlier),
        cmocka_unit_test(long_plans_stay_small_and_equal),
        cmocka_unit_test(no_packet_no_plan),
        cmocka_unit_test(frames_nobody_refers_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
