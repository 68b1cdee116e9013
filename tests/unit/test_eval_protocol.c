/* eval: from solos or a table of mixtures to a protocol, through a model, to a report; and the same
 * again from the written protocol. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../lib/fakes/media.c"
#include "base/json.h"
#include "eval/draw.h"
#include "eval/ready_made.h"
#include "eval/report.h"
#include "eval/run.h"
#include "model/init.h"
#include "nn/blas.h"
#include "store/commit.h"

#define OK(call) assert_ok((call), &err, __LINE__)

static void assert_ok(pp_status status, const pp_error *err, int line)
{
    if (status != PP_OK) fail_msg("line %d: %s (%s)", line, err->message, pp_status_name(status));
}

static void classes_are_found_by_name(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_classes classes;
    const char text[] =
        "{\"names\": [\"Electric bass\", \"tuba\"], \"vectors\": [[0.5, 1], [0, 0.25]]}";
    OK(pp_classes_parse(&classes, text, 2, &err));
    assert_true(pp_classes_vector(&classes, "electric_bass")[1] == 1);
    assert_true(pp_classes_vector(&classes, "Tuba")[1] == 0.25F);
    assert_null(pp_classes_vector(&classes, "tub"));
    assert_null(pp_classes_vector(&classes, "tubas"));
    pp_classes_free(&classes);
    OK(pp_classes_parse(&classes, "{\"names\": [\"tuba\"]}", 2, &err));
    assert_null(pp_classes_vector(&classes, "tuba"));
    pp_classes_free(&classes);
    const char *const bad[] = {
        "{\"names\": [\"a\"], \"vectors\": []}", "{\"names\": [\"a\"], \"vectors\": [[0.5]]}",
        "{\"names\": [\"a\"], \"vectors\": [[0.5, 1.5]]}", "{\"names\": [3]}", "{\"names\": "};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        pp_error refused = {0};
        assert_int_equal(pp_classes_parse(&classes, bad[i], 2, &refused), PP_ERR_FORMAT);
        pp_classes_free(&classes);
    }
}

typedef struct place {
    char *folder, *model;
} place;

static char *file_in(const place *p, const char *name, const char *content)
{
    pp_error err = {0};
    char *path = pp_path_join(p->folder, name);
    OK(pp_commit_bytes(pp_fileops_system(), path, content, strlen(content), &err));
    return path;
}

static void touch(const place *p, const char *name)
{
    pp_free(file_in(p, name, name)); /* its name as content: every digest differs */
}

/* Solos in folders of instruments, and a small untrained model. */
static int set_up(void **state)
{
    static place p;
    pp_error err = {0};
    const char *work = getenv("PP_WORK");
    p.folder = pp_format("%s/eval-%d", work != NULL ? work : "/tmp", (int)getpid());
    touch(&p, "solos/flute/tone-880-9.mp4");
    touch(&p, "solos/flute/tone-1100-9.mp4");
    touch(&p, "solos/cello/tone-110-9.mp4");
    touch(&p, "solos/cello/tone-140-2.mp4"); /* shorter than a window */
    touch(&p, "solos/drum/noise-1-9.mp4");
    touch(&p, "solos/drum/silent-9.mp4");
    touch(&p, "solos/drum/broken.mp4");
    touch(&p, "solos/drum/notes.md");
    pp_model_file file = {0};
    pp_model_file_defaults(&file);
    file.shape.n_fft = 254;
    file.shape.hop_samples = 64;
    file.shape.window_frames = 64;
    file.shape.log_rows = 32;
    file.shape.picture_size = 32;
    const pp_model_options options = {1, 2, 3, 4, 4, 1, 0, 0.0};
    p.model = pp_path_join(p.folder, "tiny.h5");
    OK(pp_blas_load(NULL, &err));
    OK(pp_model_file_init(&file, &options, &err));
    file.classes = pp_strdup("{\"names\": [\"flute\", \"Cello\", \"snare drum\", \"drum\"], "
                             "\"vectors\": [[0.9, 0.1, 0.2, 0.3], [0, 1, 0.5, 0.5], [0, 0, 0, 0], "
                             "[0.4, 0.5, 0.6, 1]]}");
    OK(pp_model_file_write(&file, pp_fileops_system(), p.model, &err));
    pp_model_file_clear(&file);
    *state = &p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    if (p == NULL) return -1;
    char *command = pp_format("rm -rf '%s'", p->folder);
    const int result = system(command);
    pp_free(command);
    pp_free(p->folder);
    pp_free(p->model);
    return result;
}

typedef struct bench {
    pp_decoder *decoder;
    pp_model *model;
    pp_classes classes;
    pp_clip_reader *reader;
    pp_protocol *protocol;
    pp_clip_cache *cache;
} bench;

/* protocol NULL: a fresh one, with small tasks. */
static void set_bench(bench *b, const place *p, const char *protocol)
{
    pp_error err = {0};
    memset(b, 0, sizeof *b);
    OK(pp_model_open(&b->model, p->model, "plain", "", &err));
    OK(pp_classes_read(&b->classes, p->model, &err));
    if (protocol != NULL) OK(pp_protocol_read(&b->protocol, protocol, &err));
    else {
        OK(pp_protocol_create(&b->protocol, &err));
        b->protocol->filter_taps = 16;
        b->protocol->nmf.iterations = b->protocol->nmf_blind.iterations = 5;
    }
    OK(pp_clip_reader_create(&b->reader, b->decoder, b->model, 0, &err));
    OK(pp_clip_cache_create(&b->cache, b->reader, b->protocol, &err));
}

static void clear_bench(bench *b)
{
    pp_clip_cache_destroy(&b->cache);
    pp_protocol_destroy(&b->protocol);
    pp_clip_reader_destroy(&b->reader);
    pp_model_close(&b->model);
    pp_classes_free(&b->classes);
}

static const pp_draw_options draw_options = {.mixtures = 12, .sources = 2, .samples = 4095};

static void draw_from_solos(bench *b, const place *p, pp_draw_options options, uint64_t seed)
{
    pp_error err = {0};
    pp_solos solos = {0};
    char *folder = pp_path_join(p->folder, "solos");
    OK(pp_solos_add(&solos, folder, NULL, &err));
    assert_int_equal(solos.count, 7);
    b->protocol->seed = seed;
    OK(pp_draw_mixtures(b->protocol, b->cache, &solos, &options, &err));
    pp_solos_release(&solos);
    pp_free(folder);
}

static void drawn_mixtures_are_of_unlike_sounding_solos(void **state)
{
    bench b;
    set_bench(&b, *state, NULL);
    draw_from_solos(&b, *state, draw_options, 3);
    const pp_protocol *p = b.protocol;
    assert_int_equal(p->mixture_count, 12);
    int short_clip = 0;
    for (size_t m = 0; m < p->mixture_count; m++) {
        const pp_protocol_source *s = p->mixtures[m].source;
        assert_int_equal(p->mixtures[m].sources, 2);
        assert_string_not_equal(s[0].label, s[1].label);
        for (int i = 0; i < 2; i++) {
            const char *path = p->files[s[i].sound].path;
            assert_null(strstr(path, "silent"));
            assert_null(strstr(path, "broken"));
            assert_non_null(strstr(path, s[i].label));
            assert_int_equal(strlen(p->files[s[i].sound].sha256), 64);
            const int64_t total = strstr(path, "-2.mp4") != NULL ? 22050 : 99225;
            assert_int_equal(s[i].start, (total - 4095) / 2);
            short_clip |= total == 22050;
            assert_int_not_equal(s[i].shuffled_mixture, m);
        }
    }
    assert_true(short_clip);
    /* Both refusals are there, once each, with their reasons. */
    assert_int_equal(p->refusal_count, 2);
    for (int i = 0; i < 2; i++) {
        const char *path = p->files[p->refusals[i].file].path;
        const char *word = strstr(path, "broken") != NULL ? "not a video" : "silent";
        assert_non_null(strstr(p->refusals[i].reason, word));
    }
    clear_bench(&b);
}

static void the_seed_decides(void **state)
{
    bench a, b, c;
    set_bench(&a, *state, NULL);
    set_bench(&b, *state, NULL);
    set_bench(&c, *state, NULL);
    pp_draw_options options = draw_options;
    options.random_place = 1;
    draw_from_solos(&a, *state, options, 5);
    draw_from_solos(&b, *state, options, 5);
    draw_from_solos(&c, *state, options, 6);
    int different = 0;
    for (size_t m = 0; m < a.protocol->mixture_count; m++) {
        for (int i = 0; i < 2; i++) {
            const pp_protocol_source *x = &a.protocol->mixtures[m].source[i];
            const pp_protocol_source *y = &b.protocol->mixtures[m].source[i];
            const pp_protocol_source *z = &c.protocol->mixtures[m].source[i];
            assert_int_equal(x->sound, y->sound);
            assert_int_equal(x->start, y->start);
            assert_int_equal(x->shuffled_mixture, y->shuffled_mixture);
            different += x->start != z->start;
        }
    }
    assert_true(different > 10);
    clear_bench(&a);
    clear_bench(&b);
    clear_bench(&c);
}

static void too_few_solos_are_an_error_not_a_loop(void **state)
{
    bench b;
    set_bench(&b, *state, NULL);
    pp_error err = {0};
    pp_solos solos = {0};
    char *folder = pp_path_join(((place *)*state)->folder, "solos/drum");
    OK(pp_solos_add(&solos, folder, NULL, &err));
    assert_int_equal(solos.count, 3);
    assert_int_equal(pp_draw_mixtures(b.protocol, b.cache, &solos, &draw_options, &err),
                     PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "too few usable solos"));
    pp_solos_release(&solos);
    pp_free(folder);
    clear_bench(&b);
}

static void assert_same_scores(const pp_eval_result *a, const pp_eval_result *b, size_t count)
{
    for (size_t m = 0; m < count; m++) {
        for (int method = 0; method < PP_METHODS; method++) {
            const pp_score *x = &a[m].score[method], *y = &b[m].score[method];
            assert_int_equal(x->state, y->state);
            for (int i = 0; i < 2 && x->state == PP_SCORE_VALID; i++) {
                assert_true(x->figures.sdr_db[i] == y->figures.sdr_db[i]);
                assert_true(x->figures.sir_db[i] == y->figures.sir_db[i]);
                assert_true(x->figures.sar_db[i] == y->figures.sar_db[i]);
            }
        }
    }
}

static void a_written_protocol_gives_equal_numbers(void **state)
{
    const place *p = *state;
    pp_error err = {0};
    bench a, b;
    set_bench(&a, p, NULL);
    pp_draw_options options = draw_options;
    options.mixtures = 4;
    draw_from_solos(&a, p, options, 3);
    pp_eval_result *first = NULL, *second = NULL;
    OK(pp_eval_run(a.protocol, a.cache, a.reader, a.model, &a.classes, NULL, &first, &err));
    for (int method = 0; method < PP_METHODS; method++) {
        /* An untrained model's binary masks may be silent; the rest has figures. */
        if (method != PP_METHOD_MODEL_BINARY && method != PP_METHOD_NAME_BINARY) {
            assert_int_equal(first[0].score[method].state, PP_SCORE_VALID);
        }
    }
    char *path = pp_path_join(p->folder, "out/protocol.json");
    OK(pp_protocol_write(a.protocol, path, &err));
    set_bench(&b, p, path);
    OK(pp_eval_run(b.protocol, b.cache, b.reader, b.model, &b.classes, NULL, &second, &err));
    assert_same_scores(first, second, 4);
    /* What shuffled and blanked pictures change is the model's estimate. */
    int shared = 0, shuffled = 0, blanked = 0, named = 0;
    for (size_t m = 0; m < 4; m++) {
        const pp_score *s = first[m].score;
        const double own = s[PP_METHOD_MODEL_SHARED].figures.sdr_db[0];
        shared += own != s[PP_METHOD_MODEL_RATIO].figures.sdr_db[0];
        shuffled += own != s[PP_METHOD_SHUFFLED].figures.sdr_db[0];
        blanked += own != s[PP_METHOD_BLANKED].figures.sdr_db[0];
        named += own != s[PP_METHOD_NAME_SHARED].figures.sdr_db[0];
        assert_true(s[PP_METHOD_IDEAL_RATIO].figures.sdr_db[0] >
                    s[PP_METHOD_MIXTURE].figures.sdr_db[0] + 3.0);
    }
    assert_true(shared > 0 && shuffled > 0 && blanked > 0 && named > 0);
    clear_bench(&b);
    /* Another file under the same name is noticed. */
    char *changed = pp_strdup(a.protocol->files[a.protocol->mixtures[0].source[0].sound].path);
    char *kept = pp_format("%s.kept", changed);
    assert_int_equal(rename(changed, kept), 0);
    OK(pp_commit_bytes(pp_fileops_system(), changed, "other", 5, &err));
    set_bench(&b, p, path);
    pp_eval_result *third = NULL;
    assert_int_equal(pp_eval_run(b.protocol, b.cache, b.reader, b.model, NULL, NULL, &third, &err),
                     PP_ERR_FORMAT);
    assert_null(third);
    assert_non_null(strstr(err.message, "not the file of the protocol"));
    assert_int_equal(rename(kept, changed), 0);
    pp_free(kept);
    pp_free(changed);
    pp_free(path);
    pp_free(first);
    pp_free(second);
    clear_bench(&a);
    clear_bench(&b);
}

static void silent_references_of_a_protocol_are_an_error(void **state)
{
    const place *p = *state;
    pp_error err = {0};
    bench b;
    set_bench(&b, p, NULL);
    pp_draw_options options = draw_options;
    options.mixtures = 1;
    draw_from_solos(&b, p, options, 3);
    char *silent = pp_path_join(p->folder, "solos/drum/silent-9.mp4");
    OK(pp_protocol_add_file(b.protocol, silent, &b.protocol->mixtures[0].source[1].sound, &err));
    pp_eval_result *results = NULL;
    assert_int_equal(
        pp_eval_run(b.protocol, b.cache, b.reader, b.model, NULL, NULL, &results, &err),
        PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "silent-9.mp4: silent"));
    pp_free(silent);
    clear_bench(&b);
}

static void ready_made_mixtures_are_read(void **state)
{
    const place *p = *state;
    pp_error err = {0};
    bench b;
    touch(p, "made/noise-9-1.wav");
    touch(p, "made/tone-300-1.wav");
    touch(p, "made/tone-500-1.wav");
    touch(p, "made/tone-500-3.wav");
    touch(p, "made/silent-1.wav");
    touch(p, "made/picture-1-a.png");
    touch(p, "made/picture-1-b.png");
    touch(p, "made/tone-500-4.mp4");
    char *table = file_in(p, "made/pairs.csv",
                          "mixture,label_1,pictures_1,reference_1,label_2,pictures_2,reference_2\n"
                          "noise-9-1.wav,flute,picture-1-*.png,tone-300-1.wav,cello,tone-500-4.mp4,"
                          "tone-500-1.wav\n"
                          "noise-9-1.wav,flute,,tone-300-1.wav,,,tone-500-1.wav\n");
    set_bench(&b, p, NULL);
    int yes = 0;
    OK(pp_ready_made_is(table, &yes, &err));
    assert_true(yes);
    OK(pp_ready_made_read(b.protocol, b.cache, table, 4095, &err));
    const pp_protocol_mixture *m = b.protocol->mixtures;
    assert_int_equal(b.protocol->mixture_count, 2);
    assert_int_equal(m[0].samples, 4095);
    assert_int_equal(m[0].source[0].start, (11025 - 4095) / 2);
    assert_int_equal(m[0].source[0].picture_count, 2);
    assert_int_equal(m[0].source[1].picture_count, 1);
    assert_int_equal(m[1].source[1].picture_count, 0);
    assert_string_equal(m[0].source[1].label, "cello");
    pp_eval_result *results = NULL;
    OK(pp_eval_run(b.protocol, b.cache, b.reader, b.model, NULL, NULL, &results, &err));
    assert_int_equal(results[0].score[PP_METHOD_MODEL_RATIO].state, PP_SCORE_VALID);
    /* Without pictures there is no row of the model, shuffled ones included. */
    assert_int_equal(results[1].score[PP_METHOD_MODEL_RATIO].state, PP_SCORE_NONE);
    assert_int_equal(results[1].score[PP_METHOD_BLANKED].state, PP_SCORE_NONE);
    assert_int_equal(results[1].score[PP_METHOD_NMF].state, PP_SCORE_VALID);
    pp_free(results);
    clear_bench(&b);
    pp_free(table);
}

static void refused_table(const place *p, const char *row, const char *words)
{
    pp_error err = {0};
    bench b;
    char text[512];
    snprintf(text, sizeof text, "mixture,reference_1,pictures_1,reference_2\n%s\n", row);
    char *table = file_in(p, "made/bad.csv", text);
    set_bench(&b, p, NULL);
    assert_int_not_equal(pp_ready_made_read(b.protocol, b.cache, table, 4095, &err), PP_OK);
    if (strstr(err.message, words) == NULL) fail_msg("'%s' lacks '%s'", err.message, words);
    clear_bench(&b);
    pp_free(table);
}

static void bad_tables_are_refused_with_the_reason(void **state)
{
    const place *p = *state;
    refused_table(p, "noise-9-1.wav,silent-1.wav,,tone-300-1.wav", "silent-1.wav: silent");
    refused_table(p, "noise-9-1.wav,tone-500-3.wav,,tone-300-1.wav", "3.00 s long");
    refused_table(p, "noise-9-1.wav,tone-500-1.wav,nothing-*.png,tone-300-1.wav", "no picture");
    refused_table(p, "missing.wav,tone-500-1.wav,,tone-300-1.wav", "missing.wav");
    refused_table(p, "noise-9-1.wav,,,", "no reference_1");
}

static void manifests_and_lists_are_read(void **state)
{
    const place *p = *state;
    pp_error err = {0};
    char *table =
        file_in(p, "solos/manifest.csv",
                "id,path,split,labels\n1,flute/tone-880-9.mp4,test,flute\n"
                "2,cello/tone-110-9.mp4,train,cello\n3,drum/noise-1-9.mp4,test,drum;flute\n");
    char *list =
        file_in(p, "solos/list.txt", "# two\nflute/tone-880-9.mp4\r\ncello/tone-110-9.mp4\n");
    char *folder = pp_path_join(p->folder, "solos");
    pp_solos solos = {0};
    OK(pp_solos_add(&solos, folder, "test", &err));
    assert_int_equal(solos.count, 1);
    assert_string_equal(solos.items[0].label, "flute");
    OK(pp_solos_add(&solos, table, NULL, &err));
    assert_int_equal(solos.count, 3);
    OK(pp_solos_add(&solos, list, NULL, &err));
    assert_int_equal(solos.count, 5);
    assert_string_equal(solos.items[4].label, "cello");
    assert_true(pp_path_exists(solos.items[4].path));
    assert_int_equal(pp_solos_add(&solos, "no-such-thing", NULL, &err), PP_ERR_NOT_FOUND);
    pp_solos_release(&solos);
    assert_int_equal(unlink(table), 0);
    pp_free(folder);
    pp_free(list);
    pp_free(table);
}

static void damaged_protocols_are_refused(void **state)
{
    const place *p = *state;
    pp_error err = {0};
    bench b;
    set_bench(&b, p, NULL);
    pp_draw_options options = draw_options;
    options.mixtures = 2;
    draw_from_solos(&b, p, options, 3);
    char *path = pp_path_join(p->folder, "out/damaged.json"), *text = NULL;
    size_t length = 0;
    OK(pp_protocol_write(b.protocol, path, &err));
    OK(pp_text_read_file(&text, &length, path, 1 << 20, &err));
    pp_protocol *read = NULL;
    OK(pp_protocol_parse(&read, text, length, "whole", &err));
    assert_int_equal(read->mixture_count, 2);
    pp_protocol_destroy(&read);
    /* Any one byte: read or refused, never trusted (the sanitizers watch). */
    for (size_t at = 0; at < length; at++) {
        const char kept = text[at];
        text[at] = kept == '9' ? '-' : '9';
        pp_error_clear(&err);
        if (pp_protocol_parse(&read, text, length, "changed", &err) == PP_OK) {
            pp_protocol_destroy(&read);
        }
        assert_null(read);
        text[at] = kept;
    }
    for (size_t cut = 0; cut < length; cut += 37) {
        pp_error_clear(&err);
        assert_int_not_equal(pp_protocol_parse(&read, text, cut, "cut", &err), PP_OK);
        assert_null(read);
    }
    pp_free(text);
    pp_free(path);
    clear_bench(&b);
}

/* ---- the report, from made-up scores ------------------------------------------------------------
 */

static void reports_average_sources_then_mixtures(void **state)
{
    (void)state;
    pp_error err = {0};
    pp_protocol *p = NULL;
    OK(pp_protocol_create(&p, &err));
    pp_protocol_mixture m = {.mixture = -1, .samples = 100, .sources = 2};
    snprintf(m.source[0].label, sizeof m.source[0].label, "violin");
    snprintf(m.source[1].label, sizeof m.source[1].label, "cello");
    for (int i = 0; i < 3; i++) OK(pp_protocol_add_mixture(p, &m, &err));
    pp_eval_result results[3] = {0};
    for (int i = 0; i < 3; i++) {
        pp_score *mixture = &results[i].score[PP_METHOD_MIXTURE];
        pp_score *nmf = &results[i].score[PP_METHOD_NMF];
        mixture->state = PP_SCORE_VALID;
        nmf->state = i == 2 ? PP_SCORE_SILENT : PP_SCORE_VALID;
        for (int s = 0; s < 2; s++) {
            mixture->figures.sdr_db[s] = 1.0;
            nmf->figures.sdr_db[s] = 2.0 + i + 4.0 * s; /* 2, 6; 3, 7 */
        }
    }
    pp_report *report = NULL;
    OK(pp_report_create(&report, p, results, &err));
    const pp_summary *nmf = &report->method[PP_METHOD_NMF];
    assert_int_equal(nmf->scored, 2);
    assert_int_equal(nmf->silent, 1);
    assert_true(nmf->figure[PP_FIGURE_SDR].mean == 4.5);
    assert_true(nmf->figure[PP_FIGURE_GAIN].mean == 3.5);
    assert_true(nmf->figure[PP_FIGURE_SDR].low >= 4.0 && nmf->figure[PP_FIGURE_SDR].high <= 5.0);
    assert_int_equal(report->method[PP_METHOD_MODEL_RATIO].scored, 0);
    assert_int_equal(report->instrument_count, 2);
    assert_string_equal(report->instruments[0].label, "cello");
    assert_int_equal(report->instruments[0].sources, 3);
    assert_true(report->instruments[0].method[PP_METHOD_NMF].figure[PP_FIGURE_SDR].mean == 6.5);
    pp_json *json = pp_report_json(report, p, results);
    assert_int_equal(pp_json_length(pp_json_get(json, "scores")), 12);
    assert_int_equal(pp_json_length(pp_json_get(json, "methods")), 2);
    pp_json_free(&json);
    pp_report_destroy(&report);
    pp_protocol_destroy(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(classes_are_found_by_name),
        cmocka_unit_test(drawn_mixtures_are_of_unlike_sounding_solos),
        cmocka_unit_test(the_seed_decides),
        cmocka_unit_test(too_few_solos_are_an_error_not_a_loop),
        cmocka_unit_test(a_written_protocol_gives_equal_numbers),
        cmocka_unit_test(silent_references_of_a_protocol_are_an_error),
        cmocka_unit_test(ready_made_mixtures_are_read),
        cmocka_unit_test(bad_tables_are_refused_with_the_reason),
        cmocka_unit_test(manifests_and_lists_are_read),
        cmocka_unit_test(damaged_protocols_are_refused),
        cmocka_unit_test(reports_average_sources_then_mixtures),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
