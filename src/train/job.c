#include "train/job.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/ini.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "train/job_keys.h"

static const char *const sections[] = {"model", "data", "augment", "mix", "train", "run", NULL};

static void name_of(const pp_train_key *key, const char *source, char *name, size_t room)
{
    snprintf(name, room, "%s[%s] %s", source, key->section, key->name);
}

static pp_status set_text(char **out, const char *text, pp_error *err)
{
    pp_free(*out);
    *out = pp_strdup(text);
    return *out != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a setting");
}

/* folder NULL: the working folder. An empty value means none. */
static pp_status set_path(char **out, const char *text, const char *folder, pp_error *err)
{
    char *joined = folder != NULL && text[0] != '/' ? pp_path_join(folder, text) : pp_strdup(text);
    pp_free(*out);
    *out = text[0] == 0 ? pp_strdup("") : joined != NULL ? pp_path_absolute(joined) : NULL;
    pp_free(joined);
    return *out != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
}

static pp_status set_bool(int *out, const char *text, const char *name, pp_error *err)
{
    static const char *const words[] = {"no", "yes", "off", "on", "false", "true", "0", "1"};
    for (int i = 0; i < 8; i++) {
        if (strcasecmp(text, words[i]) != 0) continue;
        *out = i % 2;
        return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is neither yes nor no", name, text);
}

static pp_status set_choice(int *out, const char *text, const char *const *words, const char *name,
                            pp_error *err)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcasecmp(text, words[i]) != 0) continue;
        *out = i;
        return PP_OK;
    }
    pp_fail(err, PP_ERR_USAGE, "%s: '%s' is not among the choices", name, text);
    return pp_advise(err, "the first choice is '%s'; pp-train --keys lists all", words[0]);
}

/* Numbers separated by blanks or commas. */
static pp_status set_list(double *out, int most, int *count, const char *text, const char *name,
                          pp_error *err)
{
    *count = 0;
    for (const char *at = text; *at != 0;) {
        char *end;
        while (*at == ' ' || *at == ',' || *at == '\t') at++;
        if (*at == 0) break;
        const double value = strtod(at, &end);
        if (end == at || !isfinite(value) || *count == most) {
            return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is not a list of at most %d numbers", name,
                           text, most);
        }
        out[(*count)++] = value;
        at = end;
    }
    return PP_OK;
}

static pp_status set_blocks(pp_train_job *job, const char *text, const char *name, pp_error *err)
{
    double values[PP_TRAIN_LAYERS];
    int count;
    pp_status status = set_list(values, PP_TRAIN_LAYERS, &count, text, name, err);
    if (status == PP_OK && count != 1 && count != PP_TRAIN_LAYERS) {
        status = pp_fail(err, PP_ERR_USAGE, "%s: one number, or one for each of four layers", name);
    }
    for (int i = 0; i < PP_TRAIN_LAYERS && status == PP_OK; i++) {
        const double v = values[count == 1 ? 0 : i];
        if (!(v >= 1 && v <= PP_TRAIN_MOST_BLOCKS)) {
            status = pp_fail(err, PP_ERR_USAGE, "%s: a layer has 1 to %d blocks", name,
                             PP_TRAIN_MOST_BLOCKS);
        }
        job->shape.trunk_blocks[i] = status == PP_OK ? (int)v : 1;
    }
    return status;
}

static pp_status set_drops(pp_train_job *job, const char *text, const char *name, pp_error *err)
{
    double values[PP_TRAIN_MOST_DROPS];
    pp_status status = set_list(values, PP_TRAIN_MOST_DROPS, &job->rates.drops, text, name, err);
    for (int i = 0; i < job->rates.drops && status == PP_OK; i++) {
        if (!(values[i] >= 0 && values[i] < 1e15)) {
            status = pp_fail(err, PP_ERR_USAGE, "%s: steps are not negative", name);
        }
        job->rates.drop_at[i] = (int64_t)values[i];
    }
    return status;
}

/* "2", or "2@0 3@20000": from step 0 two sources a mix, from step 20000 three. */
static pp_status set_stages(pp_train_job *job, const char *text, const char *name, pp_error *err)
{
    job->stage_count = 0;
    for (const char *at = text; *at != 0;) {
        int used = 0, sources = 0;
        long long step = 0;
        if (sscanf(at, " %d@%lld%n", &sources, &step, &used) != 2 || used == 0) {
            used = 0;
            if (sscanf(at, " %d%n", &sources, &used) != 1 || used == 0) break;
            step = 0;
        }
        const int last = job->stage_count - 1;
        const int rising = last < 0 ? step == 0 : step > job->stages[last].from_step;
        if (sources < 1 || sources > PP_TRAIN_MOST_SOURCES || !rising ||
            job->stage_count == PP_TRAIN_MOST_STAGES) {
            return pp_fail(err, PP_ERR_USAGE,
                           "%s: '%s' is not a list SOURCES@STEP with rising steps from 0 and 1 to "
                           "%d sources",
                           name, text, PP_TRAIN_MOST_SOURCES);
        }
        job->stages[job->stage_count++] = (pp_train_stage){sources, step};
        at += used;
        while (*at == ' ' || *at == ',' || *at == '\t') at++;
        if (*at == 0) return PP_OK;
    }
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is neither a number nor a list SOURCES@STEP", name,
                   text);
}

static pp_status add_input(char **list, int *count, const char *text, const char *name,
                           pp_error *err)
{
    if (*count == PP_TRAIN_MOST_INPUTS) {
        return pp_fail(err, PP_ERR_USAGE, "%s: at most %d of them", name, PP_TRAIN_MOST_INPUTS);
    }
    list[*count] = NULL;
    return set_text(&list[(*count)++], text, err);
}

static pp_status set_special(pp_train_job *job, const pp_train_key *key, const char *text,
                             const char *folder, const char *name, pp_error *err)
{
    char *path = NULL;
    switch (key->offset) {
    case PP_TRAIN_KEY_BLOCKS:
        return set_blocks(job, text, name, err);
    case PP_TRAIN_KEY_DROPS:
        return set_drops(job, text, name, err);
    case PP_TRAIN_KEY_STAGES:
        return set_stages(job, text, name, err);
    default:
        break;
    }
    pp_status status = set_path(&path, text, folder, err);
    if (status == PP_OK && key->offset == PP_TRAIN_KEY_TRAIN) {
        status = add_input(job->train, &job->train_count, path, name, err);
    } else if (status == PP_OK) {
        status = add_input(job->validation, &job->validation_count, path, name, err);
    }
    pp_free(path);
    return status;
}

static pp_status set_key(pp_train_job *job, const pp_train_key *key, const char *text,
                         const char *folder, const char *source, pp_error *err)
{
    char name[256];
    void *at = (char *)job + key->offset;
    int64_t number = 0;
    pp_status status;
    name_of(key, source, name, sizeof name);
    switch (key->kind) {
    case PP_TRAIN_KEY_INT:
        status = pp_text_to_int(&number, text, (int64_t)key->least, (int64_t)key->most, name, err);
        if (status == PP_OK) *(int *)at = (int)number;
        return status;
    case PP_TRAIN_KEY_LONG:
        return pp_text_to_int(at, text, (int64_t)key->least, (int64_t)key->most, name, err);
    case PP_TRAIN_KEY_REAL:
        return pp_text_to_real(at, text, key->least, key->most, name, err);
    case PP_TRAIN_KEY_BOOL:
        return set_bool(at, text, name, err);
    case PP_TRAIN_KEY_CHOICE:
        return set_choice(at, text, key->words, name, err);
    case PP_TRAIN_KEY_TEXT:
        return set_text(at, text, err);
    case PP_TRAIN_KEY_PATH:
        return set_path(at, text, folder, err);
    case PP_TRAIN_KEY_NAME:
        if (strlen(text) >= sizeof job->name || text[0] == 0) {
            return pp_fail(err, PP_ERR_USAGE, "%s: 1 to 63 bytes", name);
        }
        strcpy(job->name, text);
        return PP_OK;
    default:
        return set_special(job, key, text, folder, name, err);
    }
}

pp_status pp_train_job_defaults(pp_train_job *job, pp_error *err)
{
    memset(job, 0, sizeof *job);
    pp_status status = PP_OK;
    for (const pp_train_key *key = pp_train_keys; key->name != NULL && status == PP_OK; key++) {
        if (key->otherwise == NULL) continue;
        status = set_key(job, key, key->otherwise, NULL, "default of ", err);
    }
    return status;
}

void pp_train_job_free(pp_train_job *job)
{
    for (int i = 0; i < job->train_count; i++) pp_free(job->train[i]);
    for (int i = 0; i < job->validation_count; i++) pp_free(job->validation[i]);
    pp_free(job->train_split), pp_free(job->validation_split);
    pp_free(job->cache), pp_free(job->out), pp_free(job->start), pp_free(job->trunk);
    memset(job, 0, sizeof *job);
}

pp_status pp_train_job_read(pp_train_job *job, const char *path, pp_error *err)
{
    pp_ini *ini;
    char *folder = pp_path_folder(path), source[200];
    snprintf(source, sizeof source, "%s: ", path);
    pp_status status = pp_ini_read(&ini, path, err);
    if (status != PP_OK) {
        pp_free(folder);
        return status;
    }
    for (const pp_train_key *key = pp_train_keys; key->name != NULL && status == PP_OK; key++) {
        const char *text;
        for (size_t i = 0; status == PP_OK && (text = pp_ini_nth(ini, key->section, key->name, i));
             i++) {
            status = set_key(job, key, text, folder, source, err);
        }
    }
    if (status == PP_OK) status = pp_ini_refuse_unknown(ini, err);
    pp_ini_destroy(&ini);
    pp_free(folder);
    return status;
}

/* A list of the command line replaces that of the file. */
static void clear_inputs(pp_train_job *job, const pp_train_key *key)
{
    char **list = key->offset == PP_TRAIN_KEY_TRAIN ? job->train : job->validation;
    int *count = key->offset == PP_TRAIN_KEY_TRAIN ? &job->train_count : &job->validation_count;
    if (key->offset != PP_TRAIN_KEY_TRAIN && key->offset != PP_TRAIN_KEY_VALIDATION) return;
    while (*count > 0) pp_free(list[--*count]);
}

pp_status pp_train_job_set(pp_train_job *job, const char *setting, pp_error *err)
{
    const char *dot = strchr(setting, '.'), *equals = strchr(setting, '=');
    if (dot == NULL || equals == NULL || equals < dot) {
        return pp_fail(err, PP_ERR_USAGE, "'%s' is not section.key=value", setting);
    }
    for (const pp_train_key *key = pp_train_keys; key->name != NULL; key++) {
        const size_t section = (size_t)(dot - setting), name = (size_t)(equals - dot - 1);
        if (strlen(key->section) != section || strncasecmp(key->section, setting, section) != 0 ||
            strlen(key->name) != name || strncasecmp(key->name, dot + 1, name) != 0) {
            continue;
        }
        if (key->kind == PP_TRAIN_KEY_SPECIAL) clear_inputs(job, key);
        return set_key(job, key, equals + 1, NULL, "", err);
    }
    return pp_fail(err, PP_ERR_USAGE, "there is no key '%.*s'", (int)(equals - setting), setting);
}

static pp_status check_paths(const pp_train_job *job, pp_error *err)
{
    if (job->train_count == 0) {
        return pp_fail(err, PP_ERR_USAGE, "[data] train: nothing to train on");
    }
    if (job->out == NULL || job->out[0] == 0) {
        return pp_fail(err, PP_ERR_USAGE, "[run] out: where do checkpoints and the model go?");
    }
    if (job->cache == NULL || job->cache[0] == 0) {
        return pp_fail(err, PP_ERR_USAGE, "[data] cache: where do decoded clips go?");
    }
    return PP_OK;
}

pp_status pp_train_job_settle(pp_train_job *job, pp_error *err)
{
    pp_status status = check_paths(job, err);
    if (status != PP_OK) return status;
    job->shape.sources = 0;
    for (int i = 0; i < job->stage_count; i++) {
        const int sources = job->stages[i].sources;
        job->shape.sources = sources > job->shape.sources ? sources : job->shape.sources;
    }
    if (job->mix.condition == PP_TRAIN_BY_LABEL) job->shape.pictures = 0;
    job->mix.picture.margin = job->picture_margin;
    job->rates.steps = job->steps;
    if (job->window_frames == 0) job->window_frames = job->shape.frames;
    const int unit = 1 << job->shape.levels;
    if (job->shape.rows % unit != 0 || job->shape.frames % unit != 0 ||
        job->window_frames % unit != 0) {
        return pp_fail(err, PP_ERR_USAGE,
                       "[model] rows, frames and export_frames are divisible by %d with %d levels",
                       unit, job->shape.levels);
    }
    return PP_OK;
}

int pp_train_job_sources(const pp_train_job *job, int64_t step)
{
    int sources = job->stages[0].sources;
    for (int i = 1; i < job->stage_count; i++) {
        if (step >= job->stages[i].from_step) sources = job->stages[i].sources;
    }
    return sources;
}

static void describe_special(const pp_train_job *job, const pp_train_key *key, pp_json *section)
{
    pp_json *list = pp_json_array();
    switch (key->offset) {
    case PP_TRAIN_KEY_BLOCKS:
        for (int i = 0; i < PP_TRAIN_LAYERS; i++) {
            pp_json_append_real(list, job->shape.trunk_blocks[i]);
        }
        break;
    case PP_TRAIN_KEY_DROPS:
        for (int i = 0; i < job->rates.drops; i++) {
            pp_json_append_real(list, (double)job->rates.drop_at[i]);
        }
        break;
    case PP_TRAIN_KEY_STAGES:
        for (int i = 0; i < job->stage_count; i++) {
            pp_json *stage = pp_json_object();
            pp_json_set_int(stage, "sources", job->stages[i].sources);
            pp_json_set_int(stage, "from_step", job->stages[i].from_step);
            pp_json_append(list, stage);
        }
        break;
    default: { /* inputs: their names, not where they lie */
        char *const *inputs = key->offset == PP_TRAIN_KEY_TRAIN ? job->train : job->validation;
        const int count =
            key->offset == PP_TRAIN_KEY_TRAIN ? job->train_count : job->validation_count;
        for (int i = 0; i < count; i++) pp_json_append_text(list, pp_path_name(inputs[i]));
    }
    }
    pp_json_set(section, key->name, list);
}

pp_json *pp_train_job_describe(const pp_train_job *job)
{
    pp_json *all = pp_json_object();
    for (int s = 0; sections[s] != NULL; s++) {
        pp_json *section = pp_json_object();
        for (const pp_train_key *key = pp_train_keys; key->name != NULL; key++) {
            const void *at = (const char *)job + key->offset;
            if (strcmp(key->section, sections[s]) != 0 || key->kind == PP_TRAIN_KEY_PATH) continue;
            switch (key->kind) {
            case PP_TRAIN_KEY_INT:
                pp_json_set_int(section, key->name, *(const int *)at);
                break;
            case PP_TRAIN_KEY_LONG:
                pp_json_set_int(section, key->name, *(const int64_t *)at);
                break;
            case PP_TRAIN_KEY_REAL:
                pp_json_set_real(section, key->name, *(const double *)at);
                break;
            case PP_TRAIN_KEY_BOOL:
                pp_json_set_bool(section, key->name, *(const int *)at);
                break;
            case PP_TRAIN_KEY_CHOICE:
                pp_json_set_text(section, key->name, key->words[*(const int *)at]);
                break;
            case PP_TRAIN_KEY_TEXT:
                pp_json_set_text(section, key->name, *(char *const *)at);
                break;
            case PP_TRAIN_KEY_NAME:
                pp_json_set_text(section, key->name, job->name);
                break;
            default:
                describe_special(job, key, section);
            }
        }
        pp_json_set(all, sections[s], section);
    }
    return all;
}

void pp_train_job_print_keys(FILE *to)
{
    for (int s = 0; sections[s] != NULL; s++) {
        fprintf(to, "%s[%s]\n", s > 0 ? "\n" : "", sections[s]);
        for (const pp_train_key *key = pp_train_keys; key->name != NULL; key++) {
            if (strcmp(key->section, sections[s]) != 0) continue;
            fprintf(to, "; %s\n", key->help);
            for (int i = 0; key->words != NULL && key->words[i] != NULL; i++) {
                fprintf(to, "%s%s%s", i == 0 ? "; one of: " : ", ", key->words[i],
                        key->words[i + 1] == NULL ? "\n" : "");
            }
            const int empty = key->otherwise == NULL || key->otherwise[0] == 0;
            fprintf(to, "%s%s = %s\n", empty ? "; " : "", key->name, empty ? "" : key->otherwise);
        }
    }
}
