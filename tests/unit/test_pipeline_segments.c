/* pipeline: where windows, samples and pictures of a cut video lie. Everything is compared with
 * the plain definition, counted out one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "pipeline/segments.h"

static const pp_model_shape published = {.rate_hz = 11025,
                                         .n_fft = 1022,
                                         .hop_samples = 256,
                                         .window_frames = 256,
                                         .log_rows = 256,
                                         .components = 32,
                                         .picture_size = 224,
                                         .grid = 14};

static pp_cut cut_of(int64_t samples, int segment_windows, double interval_s)
{
    pp_parameters parameters;
    pp_parameters_default(&parameters);
    parameters.segment_windows = segment_windows;
    parameters.frame_interval_s = interval_s;
    return pp_cut_of(samples, &parameters, &published);
}

static void a_short_sound_is_one_window(void **state)
{
    (void)state;
    const int64_t lengths[] = {1, 255, 256, 2205, 65534, 65535};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        pp_cut cut = cut_of(lengths[i], 30, 2);
        assert_int_equal(cut.all.windows, 1);
        assert_int_equal(cut.all.segments, 1);
        assert_int_equal(pp_cut_window_first_frame(&cut, 0), 0);
        assert_int_equal(pp_cut_window_present(&cut, 0), 1 + lengths[i] / 256);
        assert_int_equal(pp_cut_segment_samples(&cut, 0).count, lengths[i]);
        assert_int_equal(pp_cut_window_samples(&cut, 0).count, lengths[i]);
    }
    pp_cut two = cut_of(65536, 30, 2); /* one frame more than a window */
    assert_int_equal(two.all.windows, 2);
    assert_int_equal(pp_cut_window_first_frame(&two, 1), 1);
}

static void the_last_window_ends_on_the_last_frame(void **state)
{
    (void)state;
    for (int64_t samples = 60000; samples < 400000; samples += 3331) {
        pp_cut cut = cut_of(samples, 3, 2);
        int64_t last = cut.all.windows - 1, frames = 1 + samples / 256;
        assert_int_equal(pp_cut_window_first_frame(&cut, last) + pp_cut_window_present(&cut, last),
                         frames);
        pp_range lies = pp_cut_window_samples(&cut, last);
        assert_int_equal(lies.first + lies.count, samples);
        /* No window more than needed, and no hole between two. */
        for (int64_t w = 0; w < last; w++) {
            assert_int_equal(pp_cut_window_first_frame(&cut, w), 192 * w);
            assert_true(192 * w + 256 < frames);
            assert_true(pp_cut_window_first_frame(&cut, w + 1) <= 192 * w + 256);
        }
    }
}

static void segments_share_out_everything_once(void **state)
{
    (void)state;
    const double intervals[] = {0.5, 2, 7.3};
    for (int64_t samples = 1; samples < 900000; samples = samples * 2 + 12345) {
        for (int length = 1; length < 7; length += 2) {
            for (int i = 0; i < 3; i++) {
                pp_cut cut = cut_of(samples, length, intervals[i]);
                int64_t window = 0, sample = 0, picture = 0;
                for (int64_t s = 0; s < cut.all.segments; s++) {
                    pp_range windows = pp_cut_segment_windows(&cut, s);
                    pp_range own = pp_cut_segment_samples(&cut, s);
                    pp_range pictures = pp_cut_segment_pictures(&cut, s);
                    assert_int_equal(windows.first, window);
                    assert_int_equal(own.first, sample);
                    assert_int_equal(pictures.first, picture);
                    assert_true(windows.count > 0 && own.count > 0 && pictures.count >= 0);
                    window += windows.count, sample += own.count, picture += pictures.count;
                    for (int64_t p = pictures.first; p < picture; p++) {
                        double at = (double)p * intervals[i] * 11025;
                        assert_true(at >= (double)own.first && at < (double)sample);
                        assert_int_equal(pp_cut_segment_of_picture(&cut, p), s);
                    }
                }
                assert_int_equal(window, cut.all.windows);
                assert_int_equal(sample, samples);
                assert_int_equal(picture, cut.all.pictures);
            }
        }
    }
}

static void windows_use_the_pictures_inside_or_the_nearest(void **state)
{
    (void)state;
    const double intervals[] = {0.7, 2, 5.5, 30};
    for (int i = 0; i < 4; i++) {
        pp_cut cut = cut_of(700001, 4, intervals[i]);
        for (int64_t w = 0; w < cut.all.windows; w++) {
            pp_range samples = pp_cut_window_samples(&cut, w);
            pp_range used = pp_cut_window_pictures(&cut, w);
            double begin = (double)samples.first / 11025;
            double end = (double)(samples.first + samples.count) / 11025;
            int64_t inside = 0, first = -1, nearest = 0;
            for (int64_t p = 0; p < cut.all.pictures; p++) {
                double time = (double)p * intervals[i], middle = (begin + end) / 2;
                double best = (double)nearest * intervals[i];
                if (time >= begin && time < end && inside++ == 0) first = p;
                if (time - middle < middle - best && middle - time < middle - best) nearest = p;
            }
            assert_int_equal(used.first, inside ? first : nearest);
            assert_int_equal(used.count, inside ? inside : 1);
        }
    }
}

static void windows_over_frames_are_all_that_touch_them(void **state)
{
    (void)state;
    pp_cut cut = cut_of(500000, 2, 2);
    for (int64_t frame = 0; frame < cut.all.stft_frames; frame += 7) {
        for (int64_t count = 1; count < 400; count += 133) {
            pp_range found = pp_cut_windows_over(&cut, frame, count);
            for (int64_t w = 0; w < cut.all.windows; w++) {
                int64_t at = pp_cut_window_first_frame(&cut, w);
                int touches = at < frame + count && at + 256 > frame;
                int listed = w >= found.first && w < found.first + found.count;
                assert_int_equal(listed, touches);
            }
        }
    }
}

static void needs_name_the_neighbours_that_are_read(void **state)
{
    (void)state;
    pp_parameters parameters;
    pp_parameters_default(&parameters);
    parameters.segment_windows = 2;
    pp_segments all;
    pp_segments_of(&all, 700001, &parameters, &published);
    pp_cut cut = pp_cut_of(700001, &parameters, &published);
    assert_int_equal(all.segments, cut.all.segments);
    for (int64_t s = 0; s < all.segments; s++) {
        int64_t first, count;
        pp_segment_needs(&all, &parameters, &published, PP_STAGE_SEE, s, &first, &count);
        assert_true(first == s && count == 1);
        pp_segment_needs(&all, &parameters, &published, PP_STAGE_LISTEN, s, &first, &count);
        pp_range windows = pp_cut_segment_windows(&cut, s);
        for (int64_t w = windows.first; w < windows.first + windows.count; w++) {
            pp_range used = pp_cut_window_pictures(&cut, w);
            assert_true(pp_cut_segment_of_picture(&cut, used.first) >= first);
            assert_true(pp_cut_segment_of_picture(&cut, used.first + used.count - 1) <
                        first + count);
        }
        pp_segment_needs(&all, &parameters, &published, PP_STAGE_SEPARATE, s, &first, &count);
        assert_int_equal(first, s > 0 ? s - 1 : 0);
        assert_true(first + count <= all.segments && first + count > s);
    }
}

/* No window uses a picture, no segment has one, and listen needs nobody's. */
static void a_sound_may_have_no_pictures(void **state)
{
    (void)state;
    pp_parameters parameters;
    pp_parameters_default(&parameters);
    parameters.segment_windows = 2;
    pp_cut cut = pp_cut_of(700001, &parameters, &published);
    cut.all.pictures = 0;
    for (int64_t w = 0; w < cut.all.windows; w++) {
        assert_int_equal(pp_cut_window_pictures(&cut, w).count, 0);
    }
    for (int64_t s = 0; s < cut.all.segments; s++) {
        int64_t first, count;
        assert_int_equal(pp_cut_segment_pictures(&cut, s).count, 0);
        pp_segment_needs(&cut.all, &parameters, &published, PP_STAGE_LISTEN, s, &first, &count);
        assert_true(first == s && count == 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_short_sound_is_one_window),
        cmocka_unit_test(the_last_window_ends_on_the_last_frame),
        cmocka_unit_test(segments_share_out_everything_once),
        cmocka_unit_test(windows_use_the_pictures_inside_or_the_nearest),
        cmocka_unit_test(windows_over_frames_are_all_that_touch_them),
        cmocka_unit_test(needs_name_the_neighbours_that_are_read),
        cmocka_unit_test(a_sound_may_have_no_pictures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
