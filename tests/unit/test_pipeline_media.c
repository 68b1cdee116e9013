/* pipeline: a real file through the real decoder, and only a part of one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define PP_TESTS_REAL_MEDIA
#include "pipeline_world.h"

#include "media/encode.h"

enum { SOUND_RATE = 8000, SECONDS = 8, WIDTH = 96, HEIGHT = 64 };

static int start(void **state)
{
    pp_error err = {0};
    pp_decoder *decoder = NULL;
    const char *bin = getenv("PP_BIN");
    char *path = pp_format("%s/pp-decode", bin != NULL ? bin : "build/bin");
    if (pp_decoder_create(&decoder, path, NULL, &err) != PP_OK) fail_msg("%s", err.message);
    pp_free(path);
    if (set_up(state) != 0) return -1;
    ((world *)*state)->decoder = decoder;
    return 0;
}

static int stop(void **state)
{
    pp_decoder_destroy(&((world *)*state)->decoder);
    return tear_down(state);
}

/* A tone that changes its pitch every second, and a square that moves. */
static char *make_movie(const world *w)
{
    pp_error err = {0};
    pp_movie *movie = NULL;
    char *path = pp_path_join(w->folder, "real.mp4");
    const pp_movie_options options = {
        .width = WIDTH, .height = HEIGHT, .fps = 10, .rate_hz = SOUND_RATE, .channels = 1};
    static uint8_t rgb[WIDTH * HEIGHT * 3];
    static float sound[SOUND_RATE / 10];
    assert_int_equal(pp_movie_create(&movie, path, &options, &err), PP_OK);
    for (int f = 0; f < SECONDS * 10; f++) {
        memset(rgb, 30, sizeof rgb);
        for (int y = 20; y < 40; y++) memset(rgb + (y * WIDTH + f) * 3, 250, 15 * 3);
        for (int i = 0; i < SOUND_RATE / 10; i++) {
            int at = f * (SOUND_RATE / 10) + i;
            sound[i] = 0.5f * sinf((float)(at % SOUND_RATE) * 0.1f * (float)(1 + f / 10 % 3));
        }
        assert_int_equal(pp_movie_add_picture(movie, rgb, &err), PP_OK);
        assert_int_equal(pp_movie_add_sound(movie, sound, SOUND_RATE / 10, &err), PP_OK);
    }
    assert_int_equal(pp_movie_finish(movie, &err), PP_OK);
    pp_movie_destroy(&movie);
    return path;
}

static void a_real_file_becomes_the_same_archive_however_cut(void **state)
{
    world *w = *state;
    char *video = make_movie(w);
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "real-a"};
    run cut = {.model = w->plain, .parameters = small_parameters(), .out = "real-b", .batch = 1};
    how.parameters.frame_interval_s = cut.parameters.frame_interval_s = 0.37;
    cut.parameters.segment_windows = 5;
    pp_lease_result a, b;
    run_whole(w, &how, video, &a);
    run_whole(w, &cut, video, &b);
    assert_true(fabs(a.duration_s - SECONDS) < 0.3);
    assert_true(a.cut.pictures > 15 && b.cut.segments > 5);
    pp_archive *x = open_result(w, &how, &a), *y = open_result(w, &cut, &b);
    int64_t samples = 0, again = 0;
    float *mixture = take_sound(x, PP_SOUND_MIXTURE, &samples);
    double power = 0;
    for (int64_t i = 0; i < samples; i++) power += (double)mixture[i] * mixture[i];
    assert_true(fabs(power / (double)samples - 0.125) < 0.02); /* half a tone of 0.5 */
    for (int which = PP_SOUND_RESIDUAL; which < a.sources; which++) {
        float *one = take_sound(x, which, &samples), *other = take_sound(y, which, &again);
        assert_int_equal(samples, again);
        assert_memory_equal(one, other, (size_t)samples * sizeof *one);
        pp_free(one);
        pp_free(other);
    }
    pp_free(mixture);
    pp_archive_close(&x);
    pp_archive_close(&y);
    pp_free(video);
}

/* What `pp report OPTION NAME` prints, NAME below the world's folder. */
static void report(const world *w, const char *option, const char *name, char *text, size_t room)
{
    const char *bin = getenv("PP_BIN");
    char *command = pp_format("'%s/pp' report %s '%s/%s' 2>&1", bin != NULL ? bin : "build/bin",
                              option, w->folder, name);
    FILE *from = popen(command, "r");
    assert_non_null(from);
    text[fread(text, 1, room - 1, from)] = '\0';
    pclose(from);
    pp_free(command);
}

static void reports_say_who_plays_where(void **state)
{
    world *w = *state;
    char *video = make_movie(w);
    char words[8192], where[64];
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "reported"};
    pp_lease_result result;
    run_whole(w, &how, video, &result);
    report(w, "", "reported", words, sizeof words);
    assert_non_null(strstr(words, "real.mp4: 8."));
    assert_non_null(strstr(words, "UNTRAINED"));
    assert_non_null(strstr(words, "unlabelled"));
    snprintf(where, sizeof where, "%.1f dB", result.source_level_db[0]);
    assert_non_null(strstr(words, where));
    snprintf(where, sizeof where, "(%.2f, %.2f)", (double)result.source_center[0][0],
             (double)result.source_center[0][1]);
    assert_non_null(strstr(words, where));
    assert_non_null(strstr(words, "/stems/residual/audio"));
    assert_non_null(strstr(words, result.archive));

    pp_json *json = NULL;
    pp_error err = {0};
    char *archive = pp_path_join("reported", result.archive);
    report(w, "--json", archive, words, sizeof words);
    assert_int_equal(pp_json_parse(&json, words, strlen(words), "report", &err), PP_OK);
    assert_int_equal(pp_json_length(pp_json_get(json, "sources")), result.sources);
    assert_true(pp_json_bool(json, "untrained", 0));
    pp_json_free(&json);
    report(w, "", "nothing-here", words, sizeof words);
    assert_non_null(strstr(words, "nothing-here"));
    pp_free(archive);
    pp_free(video);
}

static void a_part_of_a_file_is_another_video(void **state)
{
    world *w = *state;
    char *video = make_movie(w);
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "parts"};
    pp_lease whole = whole_lease(video), part = whole_lease(video);
    part.source.start_s = 2;
    part.source.end_s = 5;
    pp_lease_result a, b;
    pp_error err = {0};
    assert_int_equal(run_lease(w, &how, &whole, &a, &err), PP_OK);
    if (run_lease(w, &how, &part, &b, &err) != PP_OK) fail_msg("%s", err.message);
    assert_string_equal(a.sha256, b.sha256);
    assert_string_not_equal(a.identity, b.identity);
    assert_string_not_equal(a.archive, b.archive);
    assert_true(fabs(b.duration_s - 3) < 0.05);
    pp_archive *archive = open_result(w, &how, &b);
    assert_true(pp_archive_get_header(archive)->source_end_s == 5);
    pp_archive_close(&archive);
    pp_free(video);
}

static void what_is_no_video_says_so_and_leaves_nothing(void **state)
{
    world *w = *state;
    char *video = make_video(w, "words.mp4", "These are words and no film.");
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "nothing"};
    pp_lease lease = whole_lease(video);
    pp_lease_result result;
    pp_error err = {0};
    assert_int_equal(run_lease(w, &how, &lease, &result, &err), PP_ERR_MEDIA);
    assert_non_null(strstr(err.message, video));
    assert_true(err.advice[0] != '\0' && result.sha256[0] != '\0');
    char *out = pp_path_join(w->folder, "nothing");
    assert_false(pp_path_exists(out));
    pp_free(out);
    pp_free(video);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_real_file_becomes_the_same_archive_however_cut),
        cmocka_unit_test(reports_say_who_plays_where),
        cmocka_unit_test(a_part_of_a_file_is_another_video),
        cmocka_unit_test(what_is_no_video_says_so_and_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
