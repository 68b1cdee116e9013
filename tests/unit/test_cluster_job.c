/* cluster: arguments and job files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"
#include "cluster/job.h"

static pp_status parse(pp_job *job, pp_error *err, const char *words)
{
    static char text[1024];
    char *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "pp-cluster %s", words);
    for (char *at = strtok(text, " "); at != NULL; at = strtok(NULL, " ")) argv[argc++] = at;
    argv[argc] = NULL;
    *err = (pp_error){0};
    return pp_job_parse(job, argc, argv, err);
}

static void arguments_are_understood(void **state)
{
    (void)state;
    pp_job job;
    pp_error err;
    assert_int_equal(parse(&job, &err,
                           "a.mp4 -o /tmp/x --profile pixels --most-sources=3 --mask binary "
                           "--max-failures 2.5% --log-format json b --audio-track 1 "
                           "--frame-interval 0.5 --force -q --kernels plain --threads 3"),
                     PP_OK);
    assert_string_equal(job.out, "/tmp/x");
    assert_int_equal(job.parameters.profile, PP_PROFILE_PIXELS);
    assert_int_equal(job.parameters.most_sources, 3);
    assert_int_equal(job.parameters.masks, PP_MASK_BINARY);
    assert_true(job.parameters.frame_interval_s == 0.5);
    assert_true(job.max_failures == 2.5 && job.max_failures_percent);
    assert_int_equal(job.log_form, PP_LOG_JSON);
    assert_true(job.force && job.quiet && !job.dry_run);
    assert_int_equal(job.audio_track, 1);
    assert_int_equal(job.input_count, 2);
    assert_string_equal(job.inputs[0].argument, "a.mp4");
    assert_string_equal(job.inputs[1].argument, "b");
    assert_string_equal(job.kernels, "plain");
    assert_int_equal(job.threads, 3);
    pp_job_free(&job);
    assert_int_equal(parse(&job, &err, "--help --nothing-else"), PP_ERR_USAGE);
    pp_job_free(&job);
    assert_int_equal(parse(&job, &err, "--help"), PP_OK);
    assert_int_equal(job.verb, PP_JOB_HELP);
    pp_job_free(&job);
}

static void nonsense_is_refused_with_its_name(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"a.mp4", "--out DIR"},
        {"-o x", "no videos"},
        {"-o x a --most-sources 99", "--most-sources: '99'"},
        {"-o x a --profile both", "--profile: 'both'"},
        {"-o x a --frame-interval", "--frame-interval needs a value"},
        {"-o x a --nothing", "no such option: --nothing"},
        {"-o x a --max-failures 101%", "--max-failures"},
        {"-o x not-there.ini", "not-there.ini"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        pp_job job;
        pp_error err;
        assert_int_equal(parse(&job, &err, cases[i][0]), PP_ERR_USAGE);
        if (strstr(err.message, cases[i][1]) == NULL) fail_msg("%s: %s", cases[i][0], err.message);
        pp_job_free(&job);
    }
}

static void write_job(char *path, const char *text)
{
    strcpy(path, "/tmp/pp-job-XXXXXX.ini");
    int fd = mkstemps(path, 4);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    close(fd);
}

static void job_files_say_the_same(void **state)
{
    (void)state;
    char path[64], words[256];
    pp_job job;
    pp_error err;
    write_job(path, "[job]\noutput = out\ninput = videos\ninput = /abs/list.txt\n"
                    "max_failures = 3\n[parameters]\nmost_sources = 2\nmask = binary\n"
                    "keep_shards = yes\nquery = violin, my kazoo\n");
    snprintf(words, sizeof words, "%s --most-sources 5 more.mp4", path);
    assert_int_equal(parse(&job, &err, words), PP_OK);
    assert_string_equal(job.file, path);
    assert_string_equal(job.out, "/tmp/out");         /* from the job file's folder */
    assert_int_equal(job.parameters.most_sources, 5); /* the command line wins */
    assert_int_equal(job.parameters.masks, PP_MASK_BINARY);
    assert_int_equal(job.parameters.keep_shards, 1);
    assert_string_equal(job.parameters.query, "violin, my kazoo");
    assert_true(job.max_failures == 3 && !job.max_failures_percent);
    assert_int_equal(job.input_count, 3);
    assert_string_equal(job.inputs[0].argument, "videos");
    assert_string_equal(job.inputs[0].folder, "/tmp");
    assert_null(job.inputs[2].folder);
    pp_job_free(&job);
    unlink(path);
    char text[400];
    snprintf(text, sizeof text, "[job]\noutput = out\ninput = %0250d.mp4\n", 0);
    write_job(path, text);
    assert_int_equal(parse(&job, &err, path), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, ":3: a line of more than"));
    pp_job_free(&job);
    unlink(path);
    write_job(path, "[job]\noutput = out\ninput = v\nmodle = x\n");
    assert_int_equal(parse(&job, &err, path), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, "modle"));
    pp_job_free(&job);
    unlink(path);
    write_job(path, "[job]\noutput = out\ninput = v\n[parameters]\nmost_sources = many\n");
    assert_int_equal(parse(&job, &err, path), PP_ERR_USAGE);
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "most_sources"));
    pp_job_free(&job);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_understood),
        cmocka_unit_test(nonsense_is_refused_with_its_name),
        cmocka_unit_test(job_files_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
