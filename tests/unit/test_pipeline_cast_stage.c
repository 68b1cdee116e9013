/* pipeline: the cast stage on planted performers: shards written by hand, cast.h5 read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pipeline_world.h"

#include "pipeline/shard_rows.h"

enum { SIDE = 14, CELLS = SIDE * SIDE, PARTS = 4, MOST_WINDOWS = 64 };

/* A performer: a blob of one component in the picture, and when it plays. */
typedef struct performer {
    int component, row, column;      /* of the middle; 3 pixels a side, and a rim of one */
    int first_window, behind_window; /* plays in [first, behind) */
    float energy;                    /* of its middle while it plays */
} performer;

typedef struct scene {
    const performer *performers;
    int count;
} scene;

/* 2 in the middle, 1 on the rim, 0 outside. */
static int part_of(const performer *who, int pixel)
{
    int rows = abs(pixel / SIDE - who->row), columns = abs(pixel % SIDE - who->column);
    int away = rows > columns ? rows : columns;
    return away <= 1 ? 2 : away == 2 ? 1 : 0;
}

/* Activations before the sigmoid: 4 in the middle, 0 on the rim, -6 elsewhere, all flickering. */
static void paint_features(const scene *s, int64_t picture, float *features)
{
    for (int p = 0; p < CELLS; p++) {
        for (int k = 0; k < PARTS; k++) {
            uint32_t chance = fake_mix((uint32_t)(p * PARTS + k), (uint32_t)picture);
            float flicker = (float)chance / 4294967296.0f - 0.5f;
            features[p * PARTS + k] = -6 + flicker;
            for (int i = 0; i < s->count; i++) {
                int part = part_of(&s->performers[i], p);
                if (s->performers[i].component != k || part == 0) continue;
                features[p * PARTS + k] = (part == 2 ? 4.0f : 0.0f) + flicker;
            }
        }
    }
}

static void paint_energies(const scene *s, int64_t window, float *energies)
{
    for (int p = 0; p < CELLS; p++) {
        energies[p] = 0.003f;
        for (int i = 0; i < s->count; i++) {
            const performer *who = &s->performers[i];
            int plays = window >= who->first_window && window < who->behind_window;
            int part = part_of(who, p);
            if (plays && part) energies[p] = who->energy * (part == 2 ? 1.0f : 0.4f);
        }
    }
}

/* ---- a job without networks -------------------------------------------------------------- */

static void put_probe(pp_job *job)
{
    pp_error err = {0};
    pp_h5 *file = NULL;
    char *path = pp_shard_path(job, PP_SHARD_PROBE, 0);
    assert_int_equal(pp_shard_create(&file, job, PP_SHARD_PROBE, 0, &err), PP_OK);
    assert_int_equal(pp_h5_set_real(file, "/", "peak", 1, &err), PP_OK);
    assert_int_equal(pp_h5_commit(&file, &err), PP_OK);
    assert_int_equal(pp_h5_open(&job->probe, job->pipeline->is.ops, path, &err), PP_OK);
    pp_free(path);
}

static void put_see(pp_job *job, int64_t segment, const scene *s)
{
    static uint8_t thumbnail[112 * 112 * 3];
    pp_error err = {0};
    pp_h5 *file = NULL;
    float features[CELLS * PARTS];
    pp_range rows = pp_shard_rows(job, PP_SHARD_SEE, segment);
    assert_int_equal(pp_see_file_create(&file, job, segment, &err), PP_OK);
    for (int64_t i = 0; i < rows.count; i++) {
        paint_features(s, rows.first + i, features);
        assert_int_equal(pp_see_file_write(file, job->pipeline->shape, i, (double)i, 0, thumbnail,
                                           features, &err),
                         PP_OK);
    }
    assert_int_equal(pp_h5_commit(&file, &err), PP_OK);
}

/* Maps of independent components, each with a deviation of 0.8. */
static void put_energy(pp_job *job, int64_t segment, const scene *s)
{
    pp_error err = {0};
    pp_h5 *file = NULL;
    pp_range rows = pp_shard_rows(job, PP_SHARD_ENERGY, segment);
    const int64_t energies[] = {rows.count, SIDE, SIDE}, products[] = {rows.count, PARTS, PARTS};
    assert_int_equal(pp_shard_create(&file, job, PP_SHARD_ENERGY, segment, &err), PP_OK);
    assert_int_equal(
        pp_shard_dataset(file, "/energy", PP_H5_F32, 3, energies, "1", "made up", &err), PP_OK);
    assert_int_equal(
        pp_shard_dataset(file, "/products", PP_H5_F32, 3, products, "1", "made up", &err), PP_OK);
    assert_int_equal(
        pp_shard_dataset(file, "/weight", PP_H5_F64, 1, &rows.count, "1", "made up", &err), PP_OK);
    for (int64_t i = 0; i < rows.count; i++) {
        float energy[CELLS], product[PARTS * PARTS] = {0};
        double weight = 10;
        const int64_t start[] = {i, 0, 0}, one[] = {1, SIDE, SIDE}, square[] = {1, PARTS, PARTS};
        paint_energies(s, rows.first + i, energy);
        for (int k = 0; k < PARTS; k++) product[k * PARTS + k] = 10 * 0.8f * 0.8f;
        assert_int_equal(pp_h5_write(file, "/energy", PP_H5_F32, start, one, energy, &err), PP_OK);
        assert_int_equal(pp_h5_write(file, "/products", PP_H5_F32, start, square, product, &err),
                         PP_OK);
        assert_int_equal(pp_h5_write(file, "/weight", PP_H5_F64, start, one, &weight, &err), PP_OK);
    }
    assert_int_equal(pp_h5_commit(&file, &err), PP_OK);
}

/* What cast.h5 says. */
typedef struct findings {
    int64_t sources;
    int8_t source[MOST_WINDOWS][CELLS];
    float box[MOST_WINDOWS][PP_MOST_SOURCES][4];
    float vector[PP_MOST_SOURCES][PARTS], center[PP_MOST_SOURCES][2];
} findings;

static void read_cast(const pp_job *job, findings *found)
{
    pp_error err = {0};
    pp_h5 *file = NULL;
    assert_int_equal(pp_shard_open(&file, job, PP_SHARD_CAST, 0, &err), PP_OK);
    assert_int_equal(pp_h5_get_int(file, "/", "sources", &found->sources, &err), PP_OK);
    for (int64_t w = 0; w < job->cut.all.windows; w++) {
        const int64_t start[] = {w, 0, 0}, grid[] = {1, SIDE, SIDE};
        const int64_t boxes[] = {1, found->sources, 4};
        assert_int_equal(pp_h5_read(file, "/source", PP_H5_I8, start, grid, found->source[w], &err),
                         PP_OK);
        assert_int_equal(pp_h5_read(file, "/box", PP_H5_F32, start, boxes, found->box[w], &err),
                         PP_OK);
    }
    assert_int_equal(pp_h5_read(file, "/vector", PP_H5_F32, NULL, NULL, found->vector, &err),
                     PP_OK);
    assert_int_equal(pp_h5_read(file, "/center", PP_H5_F32, NULL, NULL, found->center, &err),
                     PP_OK);
    pp_h5_close(&file);
}

static int64_t run_cast(world *w, const scene *s, int segment_windows, findings *found)
{
    static int runs;
    pp_error err = {0};
    pp_parameters parameters = small_parameters();
    parameters.segment_windows = segment_windows;
    pp_pipeline pipeline = {
        .is = {.model = w->wide, .parameters = &parameters, .ops = pp_fileops_system()},
        .shape = pp_model_get_shape(w->wide)};
    assert_int_equal(pipeline.shape->grid, SIDE);
    pp_lease_result result = {0};
    pp_job job = {.pipeline = &pipeline, .result = &result};
    job.folder = pp_format("%s/cast-%d", w->folder, runs++);
    job.cut = pp_cut_of(8000, &parameters, pipeline.shape);
    assert_true(job.cut.all.windows < MOST_WINDOWS);
    put_probe(&job);
    for (int64_t i = 0; i < job.cut.all.segments; i++) {
        put_see(&job, i, s);
        put_energy(&job, i, s);
    }
    if (pp_stage_cast(&job, &err) != PP_OK) fail_msg("%s", err.message);
    memset(found, 0, sizeof *found);
    read_cast(&job, found);
    int64_t windows = job.cut.all.windows;
    pp_h5_close(&job.probe);
    pp_free(job.folder);
    return windows;
}

/* ---- tests ------------------------------------------------------------------------------- */

static void two_instruments_are_found_where_and_when_they_play(void **state)
{
    const performer band[] = {{0, 6, 3, 0, 28, 1}, {2, 8, 10, 14, 64, 0.5f}};
    const scene duet = {band, 2};
    static findings whole, cut;
    int64_t windows = run_cast(*state, &duet, 1000, &whole);
    assert_int_equal(whole.sources, 2);
    /* Each is found in its place; the louder one need not be the first. */
    int first = whole.center[0][0] < 0.5f ? 0 : 1;
    for (int i = 0; i < 2; i++) {
        int source = i == 0 ? first : 1 - first;
        const performer *who = &band[i];
        assert_true(fabsf(whole.center[source][0] - ((float)who->column + 0.5f) / SIDE) < 0.01f);
        assert_true(fabsf(whole.center[source][1] - ((float)who->row + 0.5f) / SIDE) < 0.01f);
        for (int k = 0; k < PARTS; k++) {
            float v = whole.vector[source][k];
            assert_true(k == who->component ? v > 0.97f : v < 0.01f);
        }
        for (int64_t w = 0; w < windows; w++) {
            int plays = w >= who->first_window && w < who->behind_window;
            const float *box = whole.box[w][source];
            assert_int_equal(!isnan(box[0]), plays);
            if (!plays) continue;
            assert_true(box[0] == (float)(who->column - 2) / SIDE);
            assert_true(box[3] == (float)(who->row + 3) / SIDE);
            for (int p = 0; p < CELLS; p++) {
                assert_int_equal(whole.source[w][p] == source, part_of(who, p) > 0);
            }
        }
    }
    run_cast(*state, &duet, 3, &cut);
    assert_memory_equal(&whole, &cut, sizeof whole);
}

static void one_instrument_twice_is_two_sources(void **state)
{
    const performer band[] = {{1, 6, 2, 0, 64, 1}, {1, 6, 11, 0, 64, 0.8f}};
    const scene duet = {band, 2};
    static findings found;
    run_cast(*state, &duet, 7, &found);
    assert_int_equal(found.sources, 2);
    assert_true(fabsf(found.center[0][0] - found.center[1][0]) > 0.5f);
    const performer moved[] = {{1, 6, 2, 0, 30, 1}, {1, 6, 11, 30, 64, 1}};
    const scene one = {moved, 2};
    run_cast(*state, &one, 7, &found);
    assert_int_equal(found.sources, 1);
}

static void a_solo_with_a_quiet_background_is_one(void **state)
{
    const performer alone[] = {{3, 7, 7, 0, 64, 1}};
    const scene solo = {alone, 1};
    static findings found;
    run_cast(*state, &solo, 5, &found);
    assert_int_equal(found.sources, 1);
    assert_true(found.vector[0][3] > 0.97f && found.vector[0][0] < 0.01f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_instruments_are_found_where_and_when_they_play),
        cmocka_unit_test(one_instrument_twice_is_two_sources),
        cmocka_unit_test(a_solo_with_a_quiet_background_is_one),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
