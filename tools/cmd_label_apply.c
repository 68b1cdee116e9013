/* pp label apply: archives written anew with the labels of a model. */
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/path.h"
#include "cmd_label.h"
#include "pipeline/relabel.h"
#include "store/index.h"

static const char usage_text[] =
    "usage: pp label apply --model MODEL.h5 OUT|ARCHIVE...\n"
    "\n"
    "Writes each archive anew (atomically) with labels by the model: of its sources and of its\n"
    "annotations. Nothing else in it changes. The archives must come from the same networks.\n"
    "Sources that were asked for by name (--query) keep their names. Of an output folder the\n"
    "caches (corpus.h5, catalogue.sqlite) are made again too.\n"
    "\n"
    "  -m, --model FILE   a model with labels (pp label train)\n";

typedef struct applying {
    pp_model_file file;
    int64_t labelled, unchanged, asked, failed;
} applying;

static int is_labelled_so(const pp_archive_header *header, const pp_labeller *labeller)
{
    char key[PP_HASH_HEX];
    pp_publish_key(key, header->stage_keys[PP_STAGE_SEPARATE],
                   header->with_maps ? PP_PROFILE_PIXELS : PP_PROFILE_STEMS, labeller->digest);
    return strcmp(key, header->stage_keys[PP_STAGE_PUBLISH]) == 0 &&
           strcmp(header->label_digest, labeller->digest) == 0;
}

static pp_status label_archive(applying *a, const char *path, pp_error *err)
{
    pp_archive *archive = NULL;
    pp_status status = pp_archive_open(&archive, pp_fileops_system(), path, err);
    if (status != PP_OK) return status;
    const pp_archive_header *header = pp_archive_get_header(archive);
    if (pp_archive_was_asked(header)) {
        a->asked++;
    } else if (is_labelled_so(header, &a->file.labeller)) {
        a->unchanged++;
    } else if (strcmp(header->model_digest, a->file.identity.digest) != 0) {
        pp_fail(err, PP_ERR_FORMAT, "%s was made by other networks (%s, %.16s) than %s, %.16s",
                path, header->model_name, header->model_digest, a->file.identity.name,
                a->file.identity.digest);
        status = pp_advise(err, "labels fit the networks that their features come from");
    } else {
        status = pp_archive_label(archive, pp_fileops_system(), path, &a->file.labeller,
                                  a->file.identity.name, err);
        a->labelled += status == PP_OK;
    }
    pp_archive_close(&archive);
    return status;
}

/* One bad archive does not keep the others from their labels. */
static pp_status visit(void *user, const char *path, pp_error *err)
{
    applying *a = user;
    pp_error why = {0};
    pp_status status = label_archive(a, path, &why);
    if (status == PP_ERR_NOMEM) {
        *err = why;
        return status;
    }
    if (status != PP_OK) {
        pp_log_failure(PP_LOG_ERROR, NULL, &why);
        a->failed++;
    }
    return PP_OK;
}

static pp_status apply_to(applying *a, const char *argument, pp_error *err)
{
    int64_t before = a->labelled;
    pp_status status = pp_label_for_archives(argument, visit, a, err);
    if (status != PP_OK || !pp_path_is_folder(argument) || a->labelled == before) return status;
    pp_index_report report;
    return pp_index_rebuild(pp_fileops_system(), argument, 0, &report, err);
}

int pp_label_command_apply(int argc, char **argv)
{
    static const struct option options[] = {{"model", required_argument, NULL, 'm'},
                                            {"help", no_argument, NULL, 'h'},
                                            {NULL, 0, NULL, 0}};
    const char *model = NULL;
    for (int c; (c = getopt_long(argc, argv, "m:h", options, NULL)) != -1;) {
        if (c == 'h') return fputs(usage_text, stdout) < 0;
        if (c != 'm') return 2;
        model = optarg;
    }
    if (model == NULL || optind == argc) {
        fputs(usage_text, stderr);
        return 2;
    }
    applying a = {0};
    pp_error err = {0};
    pp_status status = pp_label_read_model(&a.file, model, 0, &err);
    if (status == PP_OK && a.file.labeller.classes == 0) {
        pp_fail(&err, PP_ERR_USAGE, "%s has no labels", model);
        status = pp_advise(&err, "pp label train --model %s OUT... learns them", model);
    }
    if (status == PP_OK) {
        status = pp_labeller_check(&a.file.labeller, a.file.shape.components, &err);
    }
    for (int i = optind; status == PP_OK && i < argc; i++) status = apply_to(&a, argv[i], &err);
    if (status == PP_OK) {
        printf("%lld archives labelled anew, %lld had these labels already", (long long)a.labelled,
               (long long)a.unchanged);
        if (a.asked > 0) printf(", %lld were asked for by name", (long long)a.asked);
        if (a.failed > 0) printf(", %lld could not be labelled", (long long)a.failed);
        printf("\n");
    }
    pp_model_file_clear(&a.file);
    if (status != PP_OK) return pp_label_command_failed(&err);
    return a.failed > 0;
}
