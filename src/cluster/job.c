#include "cluster/job.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/ini.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/launch.h"

/* ---- settings: one row each, for both ways to say it -------------------------------------------
 */

typedef struct setting_value {
    const char *text;   /* NULL: a switch that was given */
    const char *name;   /* for messages */
    const char *folder; /* for relative paths, NULL: the working folder */
} setting_value;

typedef pp_status setter(pp_job *job, const setting_value *value, pp_error *err);

static pp_status set_path(char **out, const setting_value *value, pp_error *err)
{
    if (*value->text == '\0') return pp_fail(err, PP_ERR_USAGE, "%s is empty", value->name);
    char *joined =
        value->folder != NULL ? pp_path_join(value->folder, value->text) : pp_strdup(value->text);
    pp_free(*out);
    *out = joined != NULL ? pp_path_absolute(joined) : NULL;
    pp_free(joined);
    return *out != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
}

static pp_status set_int(int *out, const setting_value *value, int64_t least, int64_t most,
                         pp_error *err)
{
    int64_t number = *out;
    pp_status status = pp_text_to_int(&number, value->text, least, most, value->name, err);
    *out = (int)number;
    return status;
}

static pp_status set_real(double *out, const setting_value *value, double least, double most,
                          pp_error *err)
{
    return pp_text_to_real(out, value->text, least, most, value->name, err);
}

/* One of two words. */
static pp_status set_choice(int *out, const setting_value *value, const char *zero, const char *one,
                            pp_error *err)
{
    *out = strcmp(value->text, one) == 0;
    if (*out || strcmp(value->text, zero) == 0) return PP_OK;
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is neither '%s' nor '%s'", value->name, value->text,
                   zero, one);
}

static pp_status set_switch(int *out, const setting_value *value, pp_error *err)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};
    *out = 1;
    if (value->text == NULL) return PP_OK;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        *out = (int)(i % 2);
        if (strcmp(value->text, words[i]) == 0) return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is neither 'yes' nor 'no'", value->name,
                   value->text);
}

static pp_status set_out(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_path(&job->out, value, err);
}

static pp_status set_model(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_path(&job->model, value, err);
}

static pp_status set_kernels(pp_job *job, const setting_value *value, pp_error *err)
{
    pp_free(job->kernels);
    job->kernels = pp_strdup(value->text);
    return job->kernels != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a name");
}

static pp_status set_profile(pp_job *job, const setting_value *value, pp_error *err)
{
    int pixels = 0;
    pp_status status = set_choice(&pixels, value, "stems", "pixels", err);
    job->parameters.profile = pixels ? PP_PROFILE_PIXELS : PP_PROFILE_STEMS;
    return status;
}

static pp_status set_mask(pp_job *job, const setting_value *value, pp_error *err)
{
    static const pp_mask_kind kinds[] = {PP_MASK_SHARED, PP_MASK_RATIO, PP_MASK_BINARY};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (strcmp(value->text, pp_mask_kind_name(kinds[i])) != 0) continue;
        job->parameters.masks = kinds[i];
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is not shared, ratio or binary", value->name,
                   value->text);
}

static pp_status set_query(pp_job *job, const setting_value *value, pp_error *err)
{
    pp_parameters *p = &job->parameters;
    int length = snprintf(p->query, sizeof p->query, "%s", value->text);
    if (length > 0 && (size_t)length < sizeof p->query) return PP_OK;
    return pp_fail(err, PP_ERR_USAGE, "%s: names of instruments, with commas, at most %zu bytes",
                   value->name, sizeof p->query - 1);
}

static pp_status set_log_format(pp_job *job, const setting_value *value, pp_error *err)
{
    int json = 0;
    pp_status status = set_choice(&json, value, "text", "json", err);
    job->log_form = json ? PP_LOG_JSON : PP_LOG_TEXT;
    return status;
}

static pp_status set_frame_interval(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_real(&job->parameters.frame_interval_s, value, 0.05, 3600, err);
}

static pp_status set_window_step(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_int(&job->parameters.window_step_frames, value, 1, 65536, err);
}

static pp_status set_most_sources(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_int(&job->parameters.most_sources, value, 1, PP_MOST_SOURCES, err);
}

static pp_status set_cast_threshold(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_real(&job->parameters.cast_threshold, value, 0, 1, err);
}

static pp_status set_segment_windows(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_int(&job->parameters.segment_windows, value, 1, 100000, err);
}

static pp_status set_single_lease(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_int(&job->parameters.single_lease_windows, value, 0, 1000000000, err);
}

static pp_status set_threads(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_int(&job->threads, value, 1, 64, err);
}

static pp_status set_strict(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->parameters.strict, value, err);
}

static pp_status set_keep_shards(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->parameters.keep_shards, value, err);
}

static pp_status set_audio_track(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_int(&job->audio_track, value, 0, 1000, err);
}

static pp_status set_dead_after(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_real(&job->dead_after_s, value, 1, 86400, err);
}

static pp_status set_decoder_wait(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_real(&job->decoder_wait_s, value, 0.1, 86400, err);
}

static pp_status set_time_limit(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_real(&job->time_limit_s, value, 1, 1e9, err);
}

static pp_status set_max_failures(pp_job *job, const setting_value *value, pp_error *err)
{
    size_t length = strlen(value->text);
    job->max_failures_percent = length > 1 && value->text[length - 1] == '%';
    char *number =
        pp_format("%.*s", (int)(length - (size_t)job->max_failures_percent), value->text);
    if (number == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a number");
    pp_status status = pp_text_to_real(&job->max_failures, number, 0,
                                       job->max_failures_percent ? 100 : 1e15, value->name, err);
    pp_free(number);
    return status;
}

static pp_status set_part(pp_job *job, const setting_value *value, pp_error *err)
{
    const char *slash = strchr(value->text, '/');
    int64_t part = 0, parts = 0;
    char first[24] = "";
    if (slash != NULL)
        snprintf(first, sizeof first, "%.*s", (int)(slash - value->text), value->text);
    pp_error ignored = {0};
    if (slash == NULL || pp_text_to_int(&parts, slash + 1, 1, 1000000, "", &ignored) != PP_OK ||
        pp_text_to_int(&part, first, 1, parts, "", &ignored) != PP_OK) {
        return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is no part, as 2/5", value->name, value->text);
    }
    job->part = (int)part;
    job->parts = (int)parts;
    return PP_OK;
}

static pp_status set_quiet(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->quiet, value, err);
}

static pp_status set_dry_run(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->dry_run, value, err);
}

static pp_status set_explain(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->explain, value, err);
}

static pp_status set_force(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->force, value, err);
}

static pp_status set_only_failed(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->only_failed, value, err);
}

static pp_status set_skip_space_check(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->skip_space_check, value, err);
}

static pp_status set_mixed(pp_job *job, const setting_value *value, pp_error *err)
{
    return set_switch(&job->mixed, value, err);
}

static const struct setting {
    const char *option;  /* of the command line */
    const char *section; /* of the job file; NULL: not there */
    const char *key;
    int takes_value;
    setter *set;
} settings[] = {
    {"out", "job", "output", 1, set_out},
    {"model", "job", "model", 1, set_model},
    {"kernels", "job", "kernels", 1, set_kernels},
    {"log-format", "job", "log_format", 1, set_log_format},
    {"threads", "job", "threads", 1, set_threads},
    {"max-failures", "job", "max_failures", 1, set_max_failures},
    {"dead-after", "job", "dead_after", 1, set_dead_after},
    {"decoder-wait", "job", "decoder_wait", 1, set_decoder_wait},
    {"time-limit", "job", "time_limit", 1, set_time_limit},
    {"skip-space-check", "job", "skip_space_check", 0, set_skip_space_check},
    {"mixed", "job", "mixed", 0, set_mixed},
    {"profile", "parameters", "profile", 1, set_profile},
    {"audio-track", "parameters", "audio_track", 1, set_audio_track},
    {"frame-interval", "parameters", "frame_interval", 1, set_frame_interval},
    {"window-step", "parameters", "window_step", 1, set_window_step},
    {"most-sources", "parameters", "most_sources", 1, set_most_sources},
    {"cast-threshold", "parameters", "cast_threshold", 1, set_cast_threshold},
    {"mask", "parameters", "mask", 1, set_mask},
    {"query", "parameters", "query", 1, set_query},
    {"strict", "parameters", "strict", 0, set_strict},
    {"segment-windows", "parameters", "segment_windows", 1, set_segment_windows},
    {"single-lease-windows", "parameters", "single_lease_windows", 1, set_single_lease},
    {"keep-shards", "parameters", "keep_shards", 0, set_keep_shards},
    {"part", NULL, NULL, 1, set_part},
    {"quiet", NULL, NULL, 0, set_quiet},
    {"dry-run", NULL, NULL, 0, set_dry_run},
    {"explain", NULL, NULL, 0, set_explain},
    {"force", NULL, NULL, 0, set_force},
    {"only-failed", NULL, NULL, 0, set_only_failed},
};
enum { SETTINGS = sizeof settings / sizeof *settings };

/* ---- inputs and the job file ------------------------------------------------------------------
 */

static pp_status add_input(pp_job *job, const char *argument, const char *folder, pp_error *err)
{
    pp_status status = pp_grow((void **)&job->inputs, &job->input_capacity, job->input_count + 1,
                               sizeof *job->inputs, err);
    if (status != PP_OK) return status;
    pp_job_input *input = &job->inputs[job->input_count++];
    input->argument = pp_strdup(argument);
    input->folder = folder != NULL ? pp_strdup(folder) : NULL;
    if (input->argument != NULL && (folder == NULL || input->folder != NULL)) return PP_OK;
    return pp_fail(err, PP_ERR_NOMEM, "no memory for an argument");
}

static pp_status apply_file(pp_job *job, pp_ini *ini, const char *folder, pp_error *err)
{
    for (size_t i = 0; i < SETTINGS; i++) {
        const struct setting *s = &settings[i];
        const char *text = s->section != NULL ? pp_ini_text(ini, s->section, s->key) : NULL;
        if (text == NULL) continue;
        setting_value value = {.text = text, .name = s->key, .folder = folder};
        if (s->set(job, &value, err) != PP_OK) {
            return pp_error_prefix(err, "%s: ", pp_ini_path(ini));
        }
    }
    const char *argument;
    for (size_t i = 0; (argument = pp_ini_nth(ini, "job", "input", i)) != NULL; i++) {
        pp_status status = add_input(job, argument, folder, err);
        if (status != PP_OK) return status;
    }
    return pp_ini_refuse_unknown(ini, err);
}

static pp_status read_job_file(pp_job *job, const char *path, pp_error *err)
{
    pp_ini *ini = NULL;
    pp_status status = pp_ini_read(&ini, path, err);
    if (status != PP_OK) {
        pp_advise(err, "an argument that ends in .ini is a job file (docs/formats/job.md)");
        return PP_ERR_USAGE;
    }
    job->file = pp_path_absolute(path);
    char *folder = job->file != NULL ? pp_path_folder(job->file) : NULL;
    status = folder != NULL ? apply_file(job, ini, folder, err)
                            : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_free(folder);
    pp_ini_destroy(&ini);
    return status;
}

/* ---- the command line -------------------------------------------------------------------------
 */

enum {
    CODE_HELP = 'h',
    CODE_VERSION = 'V',
    CODE_OUT = 'o',
    CODE_QUIET = 'q',
    CODE_PRINT_OUT = 255,
    CODE_SETTING = 256
};

typedef struct given { /* an option as it stood there */
    int setting;
    const char *text;
} given;

static void fill_options(struct option options[SETTINGS + 4])
{
    for (int i = 0; i < SETTINGS; i++) {
        options[i] = (struct option){settings[i].option,
                                     settings[i].takes_value ? required_argument : no_argument,
                                     NULL, CODE_SETTING + i};
    }
    options[SETTINGS] = (struct option){"help", no_argument, NULL, CODE_HELP};
    options[SETTINGS + 1] = (struct option){"version", no_argument, NULL, CODE_VERSION};
    options[SETTINGS + 2] = (struct option){"print-out", no_argument, NULL, CODE_PRINT_OUT};
    options[SETTINGS + 3] = (struct option){0};
}

static int setting_of(int code)
{
    const char *name = code == CODE_OUT ? "out" : code == CODE_QUIET ? "quiet" : NULL;
    for (int i = 0; name != NULL && i < SETTINGS; i++) {
        if (strcmp(settings[i].option, name) == 0) return i;
    }
    return code - CODE_SETTING;
}

static pp_status read_options(pp_job *job, int argc, char **argv, given *list, int *count,
                              pp_error *err)
{
    struct option options[SETTINGS + 4];
    fill_options(options);
    opterr = 0;
    optind = 0;
    int code;
    while ((code = getopt_long(argc, argv, ":hVqo:", options, NULL)) != -1) {
        if (code == CODE_HELP) job->verb = PP_JOB_HELP;
        else if (code == CODE_VERSION) job->verb = PP_JOB_VERSION;
        else if (code == CODE_PRINT_OUT) job->verb = PP_JOB_PRINT_OUT;
        else if (code == ':') {
            return pp_fail(err, PP_ERR_USAGE, "%s needs a value", argv[optind - 1]);
        } else if (code == '?') {
            return pp_fail(err, PP_ERR_USAGE, "no such option: %s", argv[optind - 1]);
        } else {
            list[(*count)++] = (given){setting_of(code), optarg};
        }
    }
    return PP_OK;
}

static pp_status apply_options(pp_job *job, const given *list, int count, pp_error *err)
{
    for (int i = 0; i < count; i++) {
        const struct setting *s = &settings[list[i].setting];
        char name[64];
        snprintf(name, sizeof name, "--%s", s->option);
        setting_value value = {.text = list[i].text, .name = name};
        pp_status status = s->set(job, &value, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

static pp_status read_arguments(pp_job *job, int argc, char **argv, pp_error *err)
{
    for (int i = optind; i < argc; i++) {
        if (!pp_text_ends_with(argv[i], ".ini")) continue;
        if (job->file != NULL) {
            return pp_fail(err, PP_ERR_USAGE, "two job files: %s and %s", job->file, argv[i]);
        }
        pp_status status = read_job_file(job, argv[i], err);
        if (status != PP_OK) return status;
    }
    for (int i = optind; i < argc; i++) {
        if (pp_text_ends_with(argv[i], ".ini")) continue;
        pp_status status = add_input(job, argv[i], NULL, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

static pp_status check_job(const pp_job *job, pp_error *err)
{
    if (job->out == NULL) {
        pp_fail(err, PP_ERR_USAGE, "where to? no --out DIR and no `output =` in a job file");
        return pp_advise(err, "pp-cluster --out DIR VIDEO|FOLDER|LIST...; see pp-cluster --help");
    }
    if (job->input_count == 0) {
        pp_fail(err, PP_ERR_USAGE, "no videos, folders, lists or manifests were given");
        return pp_advise(err, "pp-cluster --out DIR VIDEO|FOLDER|LIST...; see pp-cluster --help");
    }
    return pp_parameters_check(&job->parameters, err);
}

pp_status pp_job_parse(pp_job *job, int argc, char **argv, pp_error *err)
{
    *job = (pp_job){.audio_track = -1, .dead_after_s = 60, .decoder_wait_s = 60};
    pp_parameters_default(&job->parameters);
    job->end_unix_s = pp_launch_end_unix_s();
    given *list = pp_alloc((size_t)argc, sizeof *list);
    if (list == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the arguments");
    int count = 0;
    pp_status status = read_options(job, argc, argv, list, &count, err);
    if (status == PP_OK && (job->verb == PP_JOB_RUN || job->verb == PP_JOB_PRINT_OUT)) {
        status = read_arguments(job, argc, argv, err);
        if (status == PP_OK) status = apply_options(job, list, count, err);
        if (status == PP_OK) status = check_job(job, err);
    }
    pp_free(list);
    return status;
}

void pp_job_free(pp_job *job)
{
    pp_free(job->file);
    pp_free(job->out);
    pp_free(job->model);
    pp_free(job->kernels);
    for (size_t i = 0; i < job->input_count; i++) {
        pp_free(job->inputs[i].argument);
        pp_free(job->inputs[i].folder);
    }
    pp_free(job->inputs);
    *job = (pp_job){0};
}
