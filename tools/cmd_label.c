/* pp label: names for sources. docs/labels.md. */
#include "cmd_label.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "pp.h"
#include "store/folder.h"

static const char usage_text[] =
    "usage: pp label train --model MODEL.h5 [--labels MANIFEST.csv] OUT|ARCHIVE...\n"
    "       pp label apply --model MODEL.h5 OUT|ARCHIVE...\n"
    "       pp label show MODEL.h5\n"
    "\n"
    "Names for sources: a small classifier in the model file, from what a source looks and sounds\n"
    "like to an instrument, and how sure that is; \"unknown\" where it is not sure enough.\n"
    "\n"
    "  train    fits it on the archives of labelled solos, cross-validated by video\n"
    "  apply    writes archives anew with the labels of a model; nothing else changes\n"
    "  show     the classes, how they were learned and how well\n"
    "\n"
    "pp-cluster labels by itself with a model that has labels. pp label VERB --help says more.\n";

int pp_label_command_failed(const pp_error *err)
{
    pp_log_failure(PP_LOG_ERROR, "pp label", err);
    return err->status == PP_ERR_USAGE ? 2 : 1;
}

pp_status pp_label_read_model(pp_model_file *file, const char *path, int with_values, pp_error *err)
{
    pp_h5 *h5 = NULL;
    *file = (pp_model_file){0};
    pp_status status = pp_h5_open(&h5, pp_fileops_system(), path, err);
    if (status == PP_OK) status = pp_model_file_read(file, h5, with_values, err);
    pp_h5_close(&h5);
    return status;
}

pp_status pp_label_for_archives(const char *argument, pp_label_visit visit, void *user,
                                pp_error *err)
{
    if (!pp_path_is_folder(argument)) return visit(user, argument, err);
    pp_folder folder = {0};
    int64_t found = 0;
    pp_status status = pp_folder_scan(&folder, argument, err);
    for (int64_t i = 0; status == PP_OK && i < folder.count; i++) {
        if (folder.files[i].kind != PP_FILE_ARCHIVE) continue;
        char *path = pp_path_join(argument, folder.files[i].path);
        found++;
        status = path != NULL ? visit(user, path, err)
                              : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        pp_free(path);
    }
    pp_folder_free(&folder);
    if (status == PP_OK && found == 0) {
        pp_fail(err, PP_ERR_NOT_FOUND, "%s holds no archives", argument);
        return pp_advise(err, "name an output folder of pp-cluster, or archives themselves");
    }
    return status;
}

/* ---- show ------------------------------------------------------------------------------------ */

static const char show_usage[] =
    "usage: pp label show MODEL.h5 [--json]\n"
    "\n"
    "The classes that the model's labels come from, with AudioSet's identifiers; how they were\n"
    "learned, and what cross-validation said.\n";

static void show_training(const char *text)
{
    pp_json *t = NULL;
    if (text == NULL || pp_json_parse(&t, text, strlen(text), "training", NULL) != PP_OK) return;
    printf("learned from   %lld videos; cross-validated: %.1f %% right, %.1f %% labelled, of which "
           "%.1f %% right; calibration error %.3f\n",
           (long long)pp_json_int(t, "videos", 0), 100 * pp_json_real(t, "accuracy", 0),
           100 * pp_json_real(t, "sure_share", 0), 100 * pp_json_real(t, "sure_precision", 0),
           pp_json_real(t, "calibration_error", 0));
    pp_json_free(&t);
}

static void show_text(const pp_model_file *file)
{
    const pp_labeller *l = &file->labeller;
    printf("model          %s, digest %.16s\n", file->identity.name, file->identity.digest);
    if (l->classes == 0) {
        printf("labels         none (pp label train learns them)\n");
        return;
    }
    printf("labels         %d classes from %d features, digest %.16s\n", l->classes, l->features,
           l->digest);
    printf("unknown        below a confidence of %.3f; temperature %.3f\n", l->threshold,
           l->temperature);
    show_training(l->training);
    for (int i = 0; i < l->classes; i++) printf("  %-28s %s\n", l->names[i], l->audioset_ids[i]);
}

static pp_json *show_json(const pp_model_file *file)
{
    const pp_labeller *l = &file->labeller;
    pp_json *root = pp_json_object(), *classes = pp_json_array(), *training = NULL;
    pp_json_set_text(root, "model", file->identity.name);
    pp_json_set_text(root, "digest", file->identity.digest);
    pp_json_set_text(root, "label_digest", l->digest);
    pp_json_set_int(root, "features", l->features);
    pp_json_set_int(root, "layout", l->layout);
    pp_json_set_real(root, "threshold", l->threshold);
    pp_json_set_real(root, "temperature", l->temperature);
    for (int i = 0; i < l->classes; i++) {
        pp_json *one = pp_json_object();
        pp_json_set_text(one, "name", l->names[i]);
        pp_json_set_text(one, "audioset_id", l->audioset_ids[i]);
        pp_json_append(classes, one);
    }
    pp_json_set(root, "classes", classes);
    if (l->training != NULL &&
        pp_json_parse(&training, l->training, strlen(l->training), "training", NULL) == PP_OK) {
        pp_json_set(root, "training", training);
    }
    return root;
}

int pp_label_command_show(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int as_json = 0;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') return fputs(show_usage, stdout) < 0;
        if (c != 'j') return 2;
        as_json = 1;
    }
    if (argc - optind != 1) {
        fputs(show_usage, stderr);
        return 2;
    }
    pp_model_file file;
    pp_error err = {0};
    pp_status status = pp_label_read_model(&file, argv[optind], 0, &err);
    if (status == PP_OK && as_json) {
        pp_json *json = show_json(&file);
        char *text = pp_json_dump(json, 1);
        pp_json_free(&json);
        if (text != NULL) puts(text);
        pp_free(text);
    } else if (status == PP_OK) {
        show_text(&file);
    }
    pp_model_file_clear(&file);
    return status == PP_OK ? 0 : pp_label_command_failed(&err);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static int run_label(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int argc, char **argv);
    } verbs[] = {{"train", pp_label_command_train},
                 {"apply", pp_label_command_apply},
                 {"show", pp_label_command_show}};
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    }
    int asked = argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0);
    fputs(usage_text, asked ? stdout : stderr);
    return asked ? 0 : 2;
}

const pp_verb pp_verb_label = {"label", "names of instruments: learn them, give them to sources",
                               run_label};
