/* pipeline: leases, their order and their ends, with small networks and a made-up decoder. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline_world.h"

static int is_text_or_table(const char *path)
{
    return strcmp(path, "/annotations") == 0 || strcmp(path, "/sources/label") == 0 ||
           strcmp(path, "/sources/audioset_id") == 0;
}

/* Every data set of numbers, byte for byte (as doubles, which hold all of our types). */
static int64_t compare_groups(pp_h5 *a, pp_h5 *b, const char *group)
{
    char **names = NULL;
    int64_t count = 0, compared = 0;
    pp_error err = {0};
    assert_int_equal(pp_h5_list(a, group, &names, &count, &err), PP_OK);
    for (int64_t i = 0; i < count; i++) {
        char *path = pp_format("%s%s%s", group, strcmp(group, "/") == 0 ? "" : "/", names[i]);
        int rank = 0, rank_b = 0;
        int64_t dims[PP_H5_MOST_RANK], dims_b[PP_H5_MOST_RANK];
        pp_error no_dataset = {0};
        if (is_text_or_table(path)) {
            compared++;
        } else if (pp_h5_dims(a, path, &rank, dims, &no_dataset) != PP_OK) {
            compared += compare_groups(a, b, path);
        } else {
            void *x = NULL, *y = NULL;
            size_t bytes = 8;
            assert_int_equal(pp_h5_dims(b, path, &rank_b, dims_b, &err), PP_OK);
            assert_int_equal(rank, rank_b);
            for (int d = 0; d < rank; d++) {
                assert_int_equal(dims[d], dims_b[d]);
                bytes *= (size_t)dims[d];
            }
            assert_int_equal(pp_h5_take(a, path, PP_H5_F64, rank, dims, 1 << 28, &x, &err), PP_OK);
            assert_int_equal(pp_h5_take(b, path, PP_H5_F64, rank, dims, 1 << 28, &y, &err), PP_OK);
            if (memcmp(x, y, bytes) != 0) fail_msg("%s differs", path);
            pp_free(x);
            pp_free(y);
            compared++;
        }
        pp_free(path);
    }
    pp_h5_free_texts(&names, count);
    return compared;
}

static void compare_archives(pp_archive *a, pp_archive *b)
{
    const pp_archive_header *x = pp_archive_get_header(a), *y = pp_archive_get_header(b);
    assert_memory_equal(x->stage_keys, y->stage_keys, sizeof x->stage_keys);
    assert_true(compare_groups(pp_archive_h5(a), pp_archive_h5(b), "/") > 12);
}

/* ---- tests ------------------------------------------------------------------------------- */

static void a_video_becomes_an_archive_once(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "once"};
    char *video = make_video(w, "a b.mp4", "samples=9000 seed=3");
    pp_lease_result result, again;
    run_whole(w, &how, video, &result);
    assert_false(result.already_done);
    assert_true(result.sources >= 1);
    assert_true(result.cut.windows > 30 && result.cut.samples == 9000);

    pp_archive *archive = open_result(w, &how, &result);
    const pp_archive_header *header = pp_archive_get_header(archive);
    assert_string_equal(header->source_sha256, result.sha256);
    assert_string_equal(header->source_path, video);
    assert_true(header->untrained);
    int64_t samples = 0;
    float *mixture = take_sound(archive, PP_SOUND_MIXTURE, &samples);
    assert_int_equal(samples, 9000);
    pp_media made_up = {.seed = 3};
    for (int64_t i = 0; i < samples; i++) assert_true(mixture[i] == fake_sample(&made_up, i));
    pp_free(mixture);
    pp_archive_close(&archive);

    char *shards = pp_format("%s/once/shards/%.16s", w->folder, result.identity);
    assert_false(pp_path_exists(shards));
    run_whole(w, &how, video, &again);
    assert_true(again.already_done);
    assert_string_equal(again.archive, result.archive);
    assert_int_equal(again.sources, result.sources);
    assert_true(again.source_level_db[0] == result.source_level_db[0]);
    pp_free(shards);
    pp_free(video);
}

static void no_byte_depends_on_segments_leases_batches_or_threads(void **state)
{
    world *w = *state;
    const struct {
        const char *out;
        int segment_windows, batch, threads, split; /* split: one lease a stage and segment */
    } ways[] = {{"cut-a", 1000, 1, 1, 0},
                {"cut-b", 1, 3, 2, 0},
                {"cut-c", 4, 2, 1, 1},
                {"cut-d", 7, 4, 3, 1},
                {"cut-e", 1000, 2, 5, 0}};
    char *video = make_video(w, "cut.mp4", "samples=11111 seed=8 odd=4");
    pp_archive *first = NULL;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        run how = {.model = w->plain,
                   .parameters = small_parameters(),
                   .out = ways[i].out,
                   .batch = ways[i].batch,
                   .threads = ways[i].threads};
        how.parameters.segment_windows = ways[i].segment_windows;
        how.parameters.cast_threshold = 0.95; /* random features are a cloud: ask for more */
        pp_lease_result result, probed;
        pp_error err = {0};
        if (ways[i].split) {
            how.parameters.single_lease_windows = 5;
            run_whole(w, &how, video, &probed);
            assert_true(probed.stopped_after_probe);
            pp_lease lease = whole_lease(video);
            memcpy(lease.sha256, probed.sha256, sizeof lease.sha256);
            for (pp_stage stage = PP_STAGE_SEE; stage <= PP_STAGE_PUBLISH; stage++) {
                int a_segment =
                    stage == PP_STAGE_SEE || stage == PP_STAGE_LISTEN || stage == PP_STAGE_SEPARATE;
                int64_t leases = a_segment ? probed.cut.segments : 1;
                for (int64_t s = leases - 1; s >= 0; s--) { /* in an odd order */
                    lease.first_stage = lease.last_stage = stage;
                    lease.first_segment = s;
                    lease.segments = a_segment ? 1 : 0;
                    if (run_lease(w, &how, &lease, &result, &err) != PP_OK)
                        fail_msg("%s", err.message);
                }
            }
        } else {
            run_whole(w, &how, video, &result);
        }
        pp_archive *archive = open_result(w, &how, &result);
        assert_true(result.sources > 1); /* or the comparison says little */
        if (first == NULL) {
            first = archive;
        } else {
            compare_archives(first, archive);
            pp_archive_close(&archive);
        }
    }
    pp_archive_close(&first);
    pp_free(video);
}

static void binary_masks_are_another_result(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "ratio"};
    run binary = {.model = w->plain, .parameters = small_parameters(), .out = "binary"};
    binary.parameters.masks = PP_MASK_BINARY;
    binary.parameters.profile = PP_PROFILE_STEMS;
    char *video = make_video(w, "masks.mp4", "samples=4000 seed=2");
    pp_lease_result a, b;
    run_whole(w, &how, video, &a);
    run_whole(w, &binary, video, &b);
    pp_archive *x = open_result(w, &how, &a), *y = open_result(w, &binary, &b);
    const pp_archive_header *of_x = pp_archive_get_header(x), *of_y = pp_archive_get_header(y);
    assert_string_equal(of_x->stage_keys[PP_STAGE_CAST], of_y->stage_keys[PP_STAGE_CAST]);
    assert_string_not_equal(of_x->stage_keys[PP_STAGE_SEPARATE],
                            of_y->stage_keys[PP_STAGE_SEPARATE]);
    assert_true(pp_h5_has(pp_archive_h5(x), "/components/maps"));
    assert_false(pp_h5_has(pp_archive_h5(y), "/components/maps"));
    pp_archive_close(&x);
    pp_archive_close(&y);
    pp_free(video);
}

/* The networks' results are taken from the archive where it holds them. */
static void another_synthesizer_runs_no_network(void **state)
{
    world *w = *state;
    char *video = make_video(w, "again.mp4", "samples=5000 seed=6");
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "again"};
    how.parameters.segment_windows = 5;
    run fresh = how;
    pp_lease_result first, again, apart;
    run_whole(w, &how, video, &first);
    how.model = fresh.model = w->other;
    fresh.out = "fresh";
    int decoded = fake_pictures_decoded;
    run_whole(w, &how, video, &again);
    assert_int_equal(fake_pictures_decoded, decoded);
    assert_false(again.already_done);
    assert_string_equal(again.archive, first.archive);
    run_whole(w, &fresh, video, &apart);
    assert_true(fake_pictures_decoded > decoded);
    pp_archive *x = open_result(w, &how, &again), *y = open_result(w, &fresh, &apart);
    compare_archives(x, y);
    pp_archive_close(&x);
    pp_archive_close(&y);

    /* Other networks of the same shape: nothing may be taken over. */
    how.model = fresh.model = w->constant;
    fresh.out = "fresher";
    run_whole(w, &how, video, &again);
    run_whole(w, &fresh, video, &apart);
    x = open_result(w, &how, &again), y = open_result(w, &fresh, &apart);
    compare_archives(x, y);
    pp_archive_close(&x);
    pp_archive_close(&y);
    pp_free(video);
}

static void a_lease_without_its_shards_says_what_is_missing(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "missing"};
    char *video = make_video(w, "missing.mp4", "samples=4000 seed=2");
    pp_lease lease = whole_lease(video);
    pp_lease_result result;
    pp_error err = {0};
    lease.last_stage = PP_STAGE_PROBE;
    assert_int_equal(run_lease(w, &how, &lease, &result, &err), PP_OK);
    memcpy(lease.sha256, result.sha256, sizeof lease.sha256);
    for (pp_stage stage = PP_STAGE_LISTEN; stage <= PP_STAGE_PUBLISH; stage++) {
        pp_error missing = {0};
        lease.first_stage = lease.last_stage = stage;
        assert_int_equal(run_lease(w, &how, &lease, &result, &missing), PP_ERR_NOT_FOUND);
        assert_non_null(strstr(missing.message, video));
        assert_non_null(strstr(missing.advice, "Run the stage"));
    }
    pp_free(video);
}

/* Turns one byte over in the middle of a file. */
static void damage(const char *path)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    long middle = ftell(file) / 2;
    fseek(file, middle, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, middle, SEEK_SET);
    fputc(byte ^ 0x10, file);
    fclose(file);
}

static void a_damaged_shard_is_computed_again(void **state)
{
    world *w = *state;
    char *video = make_video(w, "damage.mp4", "samples=4000 seed=4");
    run straight = {.model = w->plain, .parameters = small_parameters(), .out = "whole-shards"};
    run damaged = {.model = w->plain, .parameters = small_parameters(), .out = "damaged-shards"};
    straight.parameters.segment_windows = damaged.parameters.segment_windows = 8;
    pp_lease_result a, b;
    pp_error err = {0};
    run_whole(w, &straight, video, &a);
    pp_archive *x = open_result(w, &straight, &a);
    pp_lease lease = whole_lease(video);
    lease.last_stage = PP_STAGE_SEPARATE;
    assert_int_equal(run_lease(w, &damaged, &lease, &b, &err), PP_OK);
    const char *const names[] = {"probe", "see-000000", "listen-000001", "separate-000000"};
    for (int i = 0; i < 4; i++) {
        char *shard =
            pp_format("%s/damaged-shards/shards/%.16s/%s.h5", w->folder, b.identity, names[i]);
        damage(shard);
        pp_free(shard);
    }
    lease.first_stage = lease.last_stage = PP_STAGE_PUBLISH;
    memcpy(lease.sha256, b.sha256, sizeof lease.sha256);
    if (run_lease(w, &damaged, &lease, &b, &err) != PP_OK) fail_msg("%s", err.message);
    pp_archive *y = open_result(w, &damaged, &b);
    compare_archives(x, y);
    pp_archive_close(&x);
    pp_archive_close(&y);
    pp_free(video);
}

/* Ends the lease at the n-th sign of life. */
static pp_status stop_at(void *user, pp_stage stage, int windows_done, pp_error *err)
{
    int *left = user;
    (void)stage, (void)windows_done;
    return (*left)-- > 0 ? PP_OK : pp_fail(err, PP_ERR_INTERRUPTED, "told to stop");
}

static void an_interrupted_run_goes_on_where_it_was(void **state)
{
    world *w = *state;
    char *video = make_video(w, "stop.mp4", "samples=3000 seed=4");
    run straight = {.model = w->plain, .parameters = small_parameters(), .out = "straight"};
    straight.parameters.segment_windows = 3;
    run stopped = straight;
    pp_lease_result a, b;
    run_whole(w, &straight, video, &a);
    stopped.out = "stopped";
    stopped.progress = stop_at;
    int stops = 0;
    for (int life = 5;; life += 3) {
        int left = life;
        pp_error err = {0};
        pp_lease lease = whole_lease(video);
        stopped.user = &left;
        pp_status status = run_lease(w, &stopped, &lease, &b, &err);
        if (status == PP_OK) break;
        assert_int_equal(status, PP_ERR_INTERRUPTED);
        stops++;
    }
    assert_true(stops > 10);
    pp_archive *x = open_result(w, &straight, &a), *y = open_result(w, &stopped, &b);
    compare_archives(x, y);
    pp_archive_close(&x);
    pp_archive_close(&y);
    pp_free(video);
}

typedef struct counts {
    int signs[PP_STAGES], windows;
} counts;

static pp_status count_life(void *user, pp_stage stage, int windows_done, pp_error *err)
{
    counts *seen = user;
    (void)err;
    seen->signs[stage]++;
    seen->windows += windows_done;
    return PP_OK;
}

static void life_is_shown_at_least_once_a_window(void **state)
{
    world *w = *state;
    counts seen = {0};
    run how = {.model = w->plain,
               .parameters = small_parameters(),
               .out = "life",
               .progress = count_life,
               .user = &seen};
    char *video = make_video(w, "life.mp4", "samples=6000 seed=4");
    pp_lease_result result;
    run_whole(w, &how, video, &result);
    assert_int_equal(seen.windows, result.cut.windows);
    for (int stage = PP_STAGE_SEE; stage <= PP_STAGE_PUBLISH; stage++) {
        assert_true(seen.signs[stage] >= result.cut.windows);
    }
    assert_true(seen.signs[PP_STAGE_PROBE] > 0);
    pp_free(video);
}

static void a_decoder_that_lies_is_found_out(void **state)
{
    world *w = *state;
    const int faults[] = {ODD_ORDER, ODD_FEW_PICTURES, ODD_SIZE};
    for (int i = 0; i < 3; i++) {
        char text[64];
        snprintf(text, sizeof text, "samples=4000 odd=%d", faults[i]);
        char *video = make_video(w, "odd.mp4", text);
        run how = {.model = w->plain, .parameters = small_parameters(), .out = "odd"};
        pp_lease lease = whole_lease(video);
        pp_lease_result result;
        pp_error err = {0};
        assert_int_equal(run_lease(w, &how, &lease, &result, &err), PP_ERR_CRASH);
        assert_non_null(strstr(err.message, video));
        pp_free(video);
    }
    char *video = make_video(w, "nan.mp4", "samples=4000 odd=1");
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "odd"};
    pp_lease_result result;
    run_whole(w, &how, video, &result);
    pp_archive *archive = open_result(w, &how, &result);
    assert_non_null(strstr(pp_archive_get_header(archive)->media_json, "\"bad_samples\":2"));
    pp_archive_close(&archive);
    pp_free(video);

    video = make_video(w, "empty.mp4", "samples=0");
    pp_lease lease = whole_lease(video);
    pp_error err = {0};
    assert_int_equal(run_lease(w, &how, &lease, &result, &err), PP_ERR_MEDIA);
    pp_free(video);
}

static void a_file_that_changes_is_refused(void **state)
{
    world *w = *state;
    run how = {.model = w->plain, .parameters = small_parameters(), .out = "changed"};
    char *video = make_video(w, "changed.mp4", "samples=4000 seed=1");
    pp_lease lease = whole_lease(video);
    pp_lease_result result;
    pp_error err = {0};
    lease.last_stage = PP_STAGE_PROBE;
    assert_int_equal(run_lease(w, &how, &lease, &result, &err), PP_OK);
    pp_free(make_video(w, "changed.mp4", "samples=4000 seed=22"));
    memcpy(lease.sha256, result.sha256, sizeof lease.sha256);
    lease.first_stage = lease.last_stage = PP_STAGE_SEE;
    assert_int_equal(run_lease(w, &how, &lease, &result, &err), PP_ERR_IO);
    assert_non_null(strstr(err.message, "changed"));
    pp_free(video);
}

static void keys_follow_what_they_depend_on(void **state)
{
    world *w = *state;
    char base[PP_STAGES][PP_HASH_HEX], other[PP_STAGES][PP_HASH_HEX];
    pp_source source = {.path = "x", .id = "", .audio_track = -1};
    pp_parameters p = small_parameters();
    const char *sha = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    /* Which stages a change reaches: one letter each, y or n. */
    const char *reached[] = {"nnnnnn", "nnnnnn", "yynyyy", "nnyyyy",
                             "nnnyyy", "nnnnyy", "nnnnny", "yyyyyy"};
    for (int change = 0; change < 8; change++) {
        pp_source changed_source = source;
        pp_parameters changed = p;
        if (change == 0) changed_source.path = "y", changed_source.id = "7";
        if (change == 1) changed.segment_windows = 3, changed.keep_shards = 1;
        if (change == 2) changed.frame_interval_s = 1;
        if (change == 3) changed.window_step_frames = 8;
        if (change == 4) changed.cast_threshold = 0.5;
        if (change == 5) changed.masks = PP_MASK_BINARY;
        if (change == 6) changed.profile = PP_PROFILE_STEMS;
        if (change == 7) changed_source.end_s = 3;
        pp_stage_keys(base, sha, &source, &p, w->plain);
        pp_stage_keys(other, sha, &changed_source, &changed, w->plain);
        for (int s = 0; s < PP_STAGES; s++) {
            assert_int_equal(strcmp(base[s], other[s]) != 0, reached[change][s] == 'y');
        }
    }
    pp_stage_keys(other, sha, &source, &p, w->constant);
    assert_string_equal(base[PP_STAGE_PROBE], other[PP_STAGE_PROBE]);
    assert_string_not_equal(base[PP_STAGE_CAST], other[PP_STAGE_CAST]);

    p.most_sources = PP_MOST_SOURCES + 1;
    pp_error err = {0};
    assert_int_equal(pp_parameters_check(&p, &err), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "most_sources"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_video_becomes_an_archive_once),
        cmocka_unit_test(no_byte_depends_on_segments_leases_batches_or_threads),
        cmocka_unit_test(binary_masks_are_another_result),
        cmocka_unit_test(another_synthesizer_runs_no_network),
        cmocka_unit_test(a_lease_without_its_shards_says_what_is_missing),
        cmocka_unit_test(a_damaged_shard_is_computed_again),
        cmocka_unit_test(an_interrupted_run_goes_on_where_it_was),
        cmocka_unit_test(life_is_shown_at_least_once_a_window),
        cmocka_unit_test(a_decoder_that_lies_is_found_out),
        cmocka_unit_test(a_file_that_changes_is_refused),
        cmocka_unit_test(keys_follow_what_they_depend_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
