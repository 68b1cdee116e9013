/* eval: archives against the truth of synthetic videos. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lib/fakes/media.c"
#include "eval/assign.h"
#include "eval/whole_report.h"
#include "store/commit.h"

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status != PP_OK) fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

/* ---- parts ------------------------------------------------------------------------------------
 */

static void the_best_assignment_is_found(void **state)
{
    (void)state;
    int stem[3];
    const double square[] = {9, 8, 0, 9, 1, 0, 3, 3, 2}; /* greedy would give 9 + 1 + 2 */
    pp_assign_best(square, 3, 3, stem);
    assert_int_equal(stem[0], 1);
    assert_int_equal(stem[1], 0);
    assert_int_equal(stem[2], 2);
    const double few[] = {5, 7, -3}; /* one stem for three: who gains most has it */
    pp_assign_best(few, 3, 1, stem);
    assert_int_equal(stem[0], -1);
    assert_int_equal(stem[1], 0);
    assert_int_equal(stem[2], -1);
    const double many[] = {1, -5, 3, 2, 0, -INFINITY, -INFINITY, -20};
    pp_assign_best(many, 2, 4, stem);
    assert_int_equal(stem[0], 2);
    assert_int_equal(stem[1], 0);
    pp_assign_best(NULL, 2, 0, stem);
    assert_int_equal(stem[0], -1);
}

static void activity_is_counted_in_tenths(void **state)
{
    (void)state;
    const pp_interval truth[] = {{0.0, 1.0}, {2.0, 3.0}}, found[] = {{0.5, 2.5}};
    pp_activity_counts counts = {0};
    pp_activity_count(found, 1, truth, 2, 4.0, &counts);
    assert_int_equal(counts.both, 10);
    assert_int_equal(counts.only_found, 10);
    assert_int_equal(counts.only_true, 10);
    assert_true(pp_activity_f1(&counts) == 0.5);
    counts = (pp_activity_counts){0};
    assert_true(pp_activity_f1(&counts) == 1.0);
    pp_activity_count(NULL, 0, truth, 2, 4.0, &counts);
    assert_true(pp_activity_f1(&counts) == 0.0);
    assert_true(fabs(pp_interval_overlap(truth, 2, 0.25, 2.5) - 1.25) < 1e-12);
}

static void cells_lie_in_the_centre_square(void **state)
{
    (void)state;
    const pp_grid_view wide = {14, 320, 240}; /* the square is x = 40 .. 280: a cell is 17.1 wide */
    const pp_box all = {0, 0, 1, 1}, edge = {0, 0, 0.125F, 1}; /* x = 0 .. 40: not seen */
    const pp_box corner = {0.125F, 0, 0.17F, 0.05F};           /* x = 40 .. 54, y = 0 .. 12 */
    assert_true(pp_point_chance(&wide, &all) == 1.0);
    assert_true(pp_point_chance(&wide, &edge) == 0.0);
    assert_true(pp_point_on_box(&wide, 0, &corner));
    assert_false(pp_point_on_box(&wide, 1, &corner));
    assert_false(pp_point_on_box(&wide, 14, &corner));
    assert_true(fabs(pp_point_chance(&wide, &corner) - 1.0 / 196) < 1e-9);
    const pp_grid_view tall = {2, 100, 300}; /* y = 100 .. 200 */
    const pp_box low = {0, 0.55F, 1, 0.9F};
    assert_false(pp_point_on_box(&tall, 0, &low));
    assert_true(pp_point_on_box(&tall, 2, &low));
    const float values[] = {1, 5, 3, 4};
    const int8_t sources[] = {0, 1, 0, -1};
    assert_int_equal(pp_point_loudest(values, NULL, 0, 4), 1);
    assert_int_equal(pp_point_loudest(values, sources, 0, 4), 2);
    assert_int_equal(pp_point_loudest(values, sources, 2, 4), -1);
    uint8_t before[4 * 4 * 3] = {0}, after[4 * 4 * 3] = {0};
    float motion[4] = {0};
    after[(3 * 4 + 1) * 3] = 10; /* row 3, column 1: the cell below left */
    pp_point_add_motion(before, after, 4, 2, motion);
    assert_true(motion[2] == 10.0F && motion[0] == 0.0F && motion[3] == 0.0F);
}

/* ---- one archive ------------------------------------------------------------------------------
 */

enum { RATE = 11025, SECONDS = 2, SAMPLES = RATE * SECONDS, GRID = 14, CELLS = GRID * GRID };
enum { K = 2, SIZE = 28, FRAMES = 2 };

typedef struct place {
    char *folder;
} place;

static int set_up(void **state)
{
    static place p;
    const char *work = getenv("PP_WORK");
    p.folder = pp_format("%s/whole-%d", work != NULL ? work : "/tmp", (int)getpid());
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    char *command = pp_format("rm -rf '%s'", p->folder);
    const int result = system(command);
    pp_free(command);
    pp_free(p->folder);
    return result;
}

static char *put(const place *p, const char *name, const char *text)
{
    pp_error err = {0};
    char *path = pp_path_join(p->folder, name);
    OK(pp_commit_bytes(pp_fileops_system(), path, text, strlen(text), &err));
    return path;
}

/* Two players: left 300 Hz, right 500 Hz, the second playing only in the second half. */
static pp_truth *write_truth(const place *p)
{
    static const char text[] =
        "{\"format\":\"pixelplayer-truth\",\"version\":1,\"video\":\"duet.mp4\",\"duration_s\":2.0,"
        "\"width\":280,\"height\":280,\"box_step_s\":0.5,\"performers\":["
        "{\"instrument\":\"flute\",\"track\":\"duet/tone-300-2.wav\",\"active\":[[0,2]],"
        "\"boxes\":[[0.05,0.2,0.4,0.9],[0.05,0.2,0.4,0.9]]},"
        "{\"instrument\":\"cello\",\"track\":\"duet/tone-500-2.wav\",\"active\":[[1,2]],"
        "\"boxes\":[[0.6,0.2,0.9,0.9]]}]}";
    pp_error err = {0};
    pp_truth *truth = NULL;
    char *path = put(p, "duet.json", text);
    pp_free(put(p, "duet/tone-300-2.wav", "x"));
    pp_free(put(p, "duet/tone-500-2.wav", "y"));
    OK(pp_truth_read(&truth, path, &err));
    pp_free(path);
    return truth;
}

static float tone(double frequency, int n)
{
    const double t = (double)n / RATE;
    return (float)(0.5 * exp(-3.0 * fmod(t, 0.5)) * sin(2.0 * M_PI * frequency * t));
}

static void put_sounds(pp_archive *a, int stems)
{
    pp_error err = {0};
    float *sound = pp_alloc(SAMPLES, sizeof *sound), *rest = pp_alloc(SAMPLES, sizeof *rest);
    for (int n = 0; n < SAMPLES; n++) rest[n] = sound[n] = tone(300, n) + tone(500, n);
    OK(pp_archive_put_sound(a, PP_SOUND_MIXTURE, 0, SAMPLES, sound, &err));
    for (int s = 0; s < stems; s++) { /* stem 0 is mostly the second player, stem 1 the first */
        const double own = s == 0 ? 500 : 300, other = s == 0 ? 300 : 500;
        for (int n = 0; n < SAMPLES; n++) {
            sound[n] = 0.9F * tone(own, n) + (s < 2 ? 0.1F : 2.0F) * tone(other, n);
            rest[n] -= sound[n];
        }
        OK(pp_archive_put_sound(a, s, 0, SAMPLES, sound, &err));
    }
    OK(pp_archive_put_sound(a, PP_SOUND_RESIDUAL, 0, SAMPLES, rest, &err));
    pp_free(sound);
    pp_free(rest);
}

static void put_pictures(pp_archive *a)
{
    pp_error err = {0};
    const double time_s[FRAMES] = {0.0, 1.0}, start_s = 0.0, end_s = 2.0;
    uint8_t *thumbnails = pp_alloc(FRAMES * SIZE * SIZE * 3, 1);
    float *features = pp_alloc(FRAMES * CELLS * K, sizeof *features);
    float energy[CELLS];
    int8_t source[CELLS];
    thumbnails[SIZE * SIZE * 3] = 200; /* something moves at the top left, on nobody */
    for (int i = 0; i < CELLS; i++) {
        energy[i] = 0.1F;
        source[i] = i % GRID < GRID / 2 ? 1 : 0; /* left: stem 1 */
    }
    energy[7 * GRID + 3] = 5.0F;  /* on the left player: the loudest */
    energy[7 * GRID + 13] = 3.0F; /* at the right edge, beside the right player */
    OK(pp_archive_put_frames(a, 0, FRAMES, time_s, thumbnails, features, &err));
    OK(pp_archive_put_windows(a, 0, 1, &start_s, &end_s, energy, source, &err));
    pp_free(thumbnails);
    pp_free(features);
}

static void put_sources(pp_archive *a, int stems)
{
    pp_error err = {0};
    const float vector[K] = {0.5F, 0.5F}, box[4] = {0, 0, 1, 1}, level = -20.0F;
    pp_archive_source sources[3] = {0};
    for (int s = 0; s < stems; s++) {
        snprintf(sources[s].label, sizeof sources[s].label, s == 1 ? "flute" : "tuba");
        sources[s].vector = vector;
        sources[s].box = box;
        sources[s].level_db = &level;
    }
    OK(pp_archive_put_sources(a, sources, &err));
    const pp_annotation rows[] = {
        {.start_s = 1.0, .end_s = 2.0, .source = 0}, /* all of the second's */
        {.start_s = 0.0, .end_s = 1.0, .source = 1}, /* half of the first player's */
        {.start_s = 0.0, .end_s = 0.5, .source = 2}, /* of nobody */
    };
    OK(pp_archive_put_annotations(a, rows, stems, &err));
}

static pp_archive *write_archive(const place *p, int stems)
{
    pp_archive_header header = {.source_path = "duet.mp4",
                                .source_id = "",
                                .duration_s = SECONDS,
                                .model_name = "test",
                                .parameters_json = "{}",
                                .kernels = "plain",
                                .tool_version = "0",
                                .media_json = "{}",
                                .samples = SAMPLES,
                                .frames = FRAMES,
                                .windows = 1,
                                .rate_hz = RATE,
                                .components = K,
                                .grid = GRID,
                                .log_rows = 16,
                                .window_frames = 16,
                                .sources = stems,
                                .thumbnail_size = SIZE};
    pp_hash_bytes("x", 1, header.source_sha256);
    pp_hash_bytes("m", 1, header.model_digest);
    for (int i = 0; i < PP_STAGES; i++) pp_hash_bytes("k", 1, header.stage_keys[i]);
    pp_error err = {0};
    pp_archive *a = NULL;
    char *path = pp_path_join(p->folder, "duet.h5");
    OK(pp_archive_create(&a, pp_fileops_system(), path, &header, &err));
    put_sounds(a, stems);
    put_pictures(a);
    put_sources(a, stems);
    OK(pp_archive_commit(&a, &err));
    OK(pp_archive_open(&a, pp_fileops_system(), path, &err));
    pp_free(path);
    return a;
}

static void evaluate(const place *p, int stems, pp_whole_score *score)
{
    pp_error err = {0};
    pp_truth *truth = write_truth(p);
    pp_archive *archive = write_archive(p, stems);
    pp_clip_reader *reader = NULL;
    OK(pp_clip_reader_create(&reader, NULL, NULL, RATE, &err));
    OK(pp_whole_evaluate(archive, truth, reader, 64, score, &err));
    pp_clip_reader_destroy(&reader);
    pp_archive_close(&archive);
    pp_truth_destroy(&truth);
}

static void stems_are_assigned_and_scored(void **state)
{
    pp_whole_score s;
    evaluate(*state, 2, &s);
    assert_true(s.has_sdr);
    assert_int_equal(s.stem[0], 1);
    assert_int_equal(s.stem[1], 0);
    for (int p = 0; p < 2; p++) {
        assert_true(s.sdr_db[p] > 15.0);
        assert_true(s.mixture_sdr_db[p] < s.sdr_db[p] - 8.0);
    }
    assert_int_equal(s.pointing.windows, 1);
    assert_int_equal(s.pointing.loudest, 1);
    assert_int_equal(s.pointing.centre, 0);
    assert_int_equal(s.pointing.moving, 0);
    assert_int_equal(s.pointing.sources, 2);
    assert_int_equal(s.pointing.source_hits, 1); /* the right one is missed by a cell */
    assert_true(s.pointing.chance > 0.3 && s.pointing.chance < 0.75);
    assert_int_equal(s.activity.both, 20);
    assert_int_equal(s.activity.only_true, 10);
    assert_int_equal(s.activity.only_found, 0);
    assert_int_equal(s.labels_judged, 2);
    assert_int_equal(s.labels_right, 1);
}

static void a_stem_too_many_or_too_few(void **state)
{
    pp_whole_score s;
    evaluate(*state, 3, &s);
    assert_int_equal(s.stems, 3);
    assert_int_equal(s.stem[0], 1);
    assert_int_equal(s.stem[1], 0);
    assert_int_equal(s.activity.only_found, 5);
    evaluate(*state, 1, &s);
    assert_int_equal(s.stem[0], -1);
    assert_int_equal(s.stem[1], 0);
    /* Nobody separated the first: it has the mixture's figures. */
    assert_true(s.sdr_db[0] == s.mixture_sdr_db[0]);
    assert_int_equal(s.activity.only_true, 20);
    assert_int_equal(s.pointing.sources, 1);
}

static void broken_truth_is_refused(void **state)
{
    static const char *const bad[] = {
        "{}",
        "[1]",
        "{\"format\":\"pixelplayer-truth\",\"version\":2}",
        "{\"format\":\"pixelplayer-truth\",\"version\":1,\"video\":\"a.mp4\",\"duration_s\":2,"
        "\"width\":2,\"height\":2,\"box_step_s\":0.5,\"performers\":[{\"active\":[],\"boxes\":[]}]"
        "}",
        "{\"format\":\"pixelplayer-truth\",\"version\":1,\"video\":\"a.mp4\",\"duration_s\":2,"
        "\"width\":2,\"height\":2,\"box_step_s\":0.5,\"performers\":[{\"active\":[[2,1]],\"boxes\":"
        "[[0,0,1,1]]}]}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pp_error err = {0};
        pp_truth *truth = NULL;
        char *path = put(*state, "bad.json", bad[i]);
        assert_int_equal(pp_truth_read(&truth, path, &err), PP_ERR_FORMAT);
        assert_null(truth);
        pp_free(path);
    }
}

static void reports_group_by_performers(void **state)
{
    pp_error err = {0};
    pp_whole_video videos[3] = {
        {.name = (char *)"a"}, {.name = (char *)"b"}, {.name = (char *)"c"}};
    evaluate(*state, 2, &videos[0].score);
    evaluate(*state, 1, &videos[1].score);
    videos[2].missing = (char *)"no archive";
    pp_whole_report report;
    OK(pp_whole_report_make(&report, videos, 3, 1, &err));
    assert_int_equal(report.missing, 1);
    assert_int_equal(report.group[0].videos, 2);
    assert_int_equal(report.group[1].videos, 0);
    assert_int_equal(report.group[2].videos, 2);
    assert_int_equal(report.group[2].counted_right, 1);
    assert_true(report.group[0].gain.mean > 12.0 && report.group[0].gain.mean < 16.0);
    pp_json *json = pp_whole_report_json(&report, videos, 3);
    assert_int_equal(pp_json_length(pp_json_get(json, "scores")), 3);
    assert_int_equal(pp_json_length(pp_json_get(json, "groups")), 2);
    pp_json_free(&json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_best_assignment_is_found),
        cmocka_unit_test(activity_is_counted_in_tenths),
        cmocka_unit_test(cells_lie_in_the_centre_square),
        cmocka_unit_test(stems_are_assigned_and_scored),
        cmocka_unit_test(a_stem_too_many_or_too_few),
        cmocka_unit_test(broken_truth_is_refused),
        cmocka_unit_test(reports_group_by_performers),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
