/* pp label train: a labeller fitted on the archives of labelled solos. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/text.h"
#include "label_solos.h"
#include "pipeline/label_features.h"

static const char usage_text[] =
    "usage: pp label train --model MODEL.h5 [OPTIONS] OUT|ARCHIVE...\n"
    "\n"
    "OUT is what pp-cluster made of videos in which one instrument plays, with this model; the\n"
    "loudest source of each archive counts. What plays is said by a manifest (--labels), or by "
    "the\n"
    "name of the folder that each video lies in. Says what cross-validation by video found, then\n"
    "writes the model anew (atomically) with these labels; its networks stay what they are.\n"
    "\n"
    "  -m, --model FILE     whose networks the archives come from\n"
    "  -l, --labels CSV     columns id or path, and labels; matched by id, else by path\n"
    "  -o, --out FILE       where the model with labels goes (over --model)\n"
    "      --precision P    of the labels that are given, in cross-validation; what is not that\n"
    "                       sure is called unknown (0.95)\n"
    "      --folds N        of the cross-validation (5)\n"
    "      --penalty X      of squared weights (0: the best of a few)\n"
    "      --seed S         of the folds (1)\n"
    "      --json           what was found as JSON\n";

typedef struct arguments {
    const char *model, *labels, *out;
    pp_label_options fit;
    int json;
} arguments;

enum { OPT_PRECISION = 256, OPT_FOLDS, OPT_PENALTY, OPT_SEED, OPT_JSON };

static pp_status take_option(arguments *a, int option, pp_error *err)
{
    int64_t whole = 0;
    pp_status status = PP_OK;
    switch (option) {
    case 'm':
        a->model = optarg;
        return PP_OK;
    case 'l':
        a->labels = optarg;
        return PP_OK;
    case 'o':
        a->out = optarg;
        return PP_OK;
    case OPT_JSON:
        a->json = 1;
        return PP_OK;
    case OPT_PRECISION:
        return pp_text_to_real(&a->fit.precision, optarg, 0, 1, "--precision", err);
    case OPT_PENALTY:
        return pp_text_to_real(&a->fit.penalty, optarg, 0, 1e6, "--penalty", err);
    case OPT_FOLDS:
        status = pp_text_to_int(&whole, optarg, 2, 1000, "--folds", err);
        a->fit.folds = (int)whole;
        return status;
    case OPT_SEED:
        status = pp_text_to_int(&whole, optarg, 0, INT64_MAX, "--seed", err);
        a->fit.seed = (uint64_t)whole;
        return status;
    default:
        return pp_fail(err, PP_ERR_USAGE, "pp label train --help says what there is");
    }
}

/* ---- what was found -------------------------------------------------------------------------- */

static pp_json *report_json(const pp_label_report *r, const arguments *a, const label_solos *solos)
{
    pp_json *root = pp_json_object(), *confusions = pp_json_array();
    pp_json_set_text(root, "made_by", "pp label train " PP_VERSION);
    pp_json_set_int(root, "videos", r->videos);
    pp_json_set_int(root, "samples", r->samples);
    pp_json_set_int(root, "classes", r->classes);
    pp_json_set_int(root, "folds", a->fit.folds);
    pp_json_set_int(root, "seed", (int64_t)a->fit.seed);
    pp_json_set_real(root, "penalty", r->penalty);
    pp_json_set_real(root, "accuracy", r->accuracy);
    pp_json_set_real(root, "calibration_error", r->calibration_error);
    pp_json_set_real(root, "temperature", r->temperature);
    pp_json_set_real(root, "precision_wanted", a->fit.precision);
    pp_json_set_real(root, "threshold", r->threshold);
    pp_json_set_real(root, "sure_share", r->sure_share);
    pp_json_set_real(root, "sure_precision", r->sure_precision);
    for (int i = 0; i < r->confusion_count; i++) {
        pp_json *one = pp_json_object();
        pp_json_set_text(one, "label", solos->names[r->confusions[i].truth]);
        pp_json_set_text(one, "called", solos->names[r->confusions[i].said]);
        pp_json_set_int(one, "videos", r->confusions[i].count);
        pp_json_append(confusions, one);
    }
    pp_json_set(root, "confusions", confusions);
    pp_json_set_int(root, "left_out_unlabelled", solos->unlabelled);
    pp_json_set_int(root, "left_out_several_labels", solos->several);
    pp_json_set_int(root, "left_out_silent", solos->silent);
    return root;
}

static void print_report(const pp_label_report *r, const label_solos *solos)
{
    int64_t left_out = solos->unlabelled + solos->several + solos->silent;
    printf("%d samples of %d videos, %d classes", r->samples, r->videos, r->classes);
    if (left_out > 0) {
        printf("; left out: %lld without a label, %lld with several, %lld silent",
               (long long)solos->unlabelled, (long long)solos->several, (long long)solos->silent);
    }
    printf("\ncross-validated by video (penalty %g):\n", r->penalty);
    printf("  right                %5.1f %%\n", 100 * r->accuracy);
    printf("  labelled             %5.1f %%, of which right %.1f %% (unknown below a confidence of "
           "%.3f)\n",
           100 * r->sure_share, 100 * r->sure_precision, r->threshold);
    printf("  calibration error    %.3f (temperature %.3f)\n", r->calibration_error,
           r->temperature);
    for (int i = 0; i < r->confusion_count; i++) {
        printf("  %-20s called %-20s %d times\n", solos->names[r->confusions[i].truth],
               solos->names[r->confusions[i].said], r->confusions[i].count);
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static pp_status name_classes(pp_labeller *labeller, const label_solos *solos, char *training,
                              pp_error *err)
{
    labeller->layout = PP_LABEL_LAYOUT;
    labeller->training = training;
    if (training == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the report");
    for (int i = 0; i < labeller->classes; i++) {
        memcpy(labeller->names[i], solos->names[i], sizeof labeller->names[i]);
        snprintf(labeller->audioset_ids[i], sizeof labeller->audioset_ids[i], "%s",
                 pp_audioset_id(solos->names[i]));
    }
    return PP_OK;
}

static pp_status train(const arguments *a, pp_model_file *file, label_solos *solos,
                       pp_label_report *report, pp_error *err)
{
    pp_label_samples samples;
    pp_labeller labeller = {0};
    pp_status status = label_solos_settle(solos, &samples, err);
    if (status == PP_OK) status = pp_label_fit(&labeller, &samples, &a->fit, report, err);
    if (status == PP_OK) {
        pp_json *json = report_json(report, a, solos);
        status = name_classes(&labeller, solos, pp_json_dump(json, 0), err);
        pp_json_free(&json);
    }
    pp_labeller_clear(&file->labeller);
    file->labeller = labeller;
    if (status != PP_OK) return status;
    const char *out = a->out != NULL ? a->out : a->model;
    return pp_model_file_write(file, pp_fileops_system(), out, err);
}

static pp_status run(const arguments *a, int argc, char **argv, pp_error *err)
{
    pp_model_file file;
    label_solos solos = {0};
    pp_label_report report = {0};
    pp_status status = pp_label_read_model(&file, a->model, 1, err);
    if (status == PP_OK) status = label_solos_start(&solos, &file, a->labels, err);
    for (int i = optind; status == PP_OK && i < argc; i++) {
        status = label_solos_add(&solos, argv[i], err);
    }
    if (status == PP_OK) status = train(a, &file, &solos, &report, err);
    if (status == PP_OK && a->json) {
        puts(file.labeller.training);
    } else if (status == PP_OK) {
        print_report(&report, &solos);
        printf("%s: labels %.16s\n", a->out != NULL ? a->out : a->model, file.labeller.digest);
    }
    label_solos_destroy(&solos);
    pp_model_file_clear(&file);
    return status;
}

int pp_label_command_train(int argc, char **argv)
{
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"labels", required_argument, NULL, 'l'},
                                            {"out", required_argument, NULL, 'o'},
                                            {"precision", required_argument, NULL, OPT_PRECISION},
                                            {"folds", required_argument, NULL, OPT_FOLDS},
                                            {"penalty", required_argument, NULL, OPT_PENALTY},
                                            {"seed", required_argument, NULL, OPT_SEED},
                                            {"json", no_argument, NULL, OPT_JSON},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    arguments a = {0};
    pp_error err = {0};
    pp_status status = PP_OK;
    pp_label_options_default(&a.fit);
    for (int c; status == PP_OK && (c = getopt_long(argc, argv, "m:l:o:h", options, NULL)) != -1;) {
        if (c == 'h') return fputs(usage_text, stdout) < 0;
        status = take_option(&a, c, &err);
    }
    if (status == PP_OK && (a.model == NULL || optind == argc)) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (status == PP_OK) status = run(&a, argc, argv, &err);
    return status == PP_OK ? 0 : pp_label_command_failed(&err);
}
