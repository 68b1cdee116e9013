/* pp model: bring models in, make new ones, look at them, check them. */
#include "cmd_model.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "model/checkpoint.h"
#include "model/init.h"
#include "pp.h"

static const char usage_text[] =
    "usage: pp model import --sound F --frame F --synthesizer F -o MODEL.h5\n"
    "       pp model init -o MODEL.h5 --seed S\n"
    "       pp model show MODEL.h5\n"
    "       pp model check MODEL.h5 --inputs I.h5 [-o OUTPUTS.h5] [--expected E.h5]\n"
    "\n"
    "  import   reads published PyTorch checkpoints (legacy or zip container; nothing in them is\n"
    "           executed) and writes one model file\n"
    "  init     makes an untrained model from a seed\n"
    "  show     what a model is: networks, front end, digests, where it comes from\n"
    "  check    runs the networks on given inputs and compares with expected outputs\n"
    "\n"
    "pp model VERB --help says more.\n";

int pp_model_command_failed(const pp_error *err)
{
    pp_log_failure(PP_LOG_ERROR, NULL, err);
    return err->status == PP_ERR_USAGE ? 2 : 1;
}

static pp_status number(int *out, const char *value, int least, int most, const char *name,
                        pp_error *err)
{
    int64_t parsed = 0;
    pp_status status = pp_text_to_int(&parsed, value, least, most, name, err);
    if (status == PP_OK) *out = (int)parsed;
    return status;
}

/* One of two words: *out is 0 for the first. */
static pp_status choice(int *out, const char *value, const char *first, const char *second,
                        const char *name, pp_error *err)
{
    *out = strcmp(value, second) == 0;
    if (*out || strcmp(value, first) == 0) return PP_OK;
    return pp_fail(err, PP_ERR_USAGE, "%s: '%s' is neither '%s' nor '%s'", name, value, first,
                   second);
}

int pp_model_command_shape_option(pp_model_file *file, int option, const char *value,
                                  pp_status *status, pp_error *err)
{
    pp_model_shape *s = &file->shape;
    switch (option) {
    case PP_MODEL_OPTION_PICTURE:
        *status = number(&s->picture_size, value, 32, 2048, "--picture", err);
        return 1;
    case PP_MODEL_OPTION_STRIDE:
        *status = number(&file->output_stride, value, 8, 32, "--stride", err);
        return 1;
    case PP_MODEL_OPTION_ROWS:
        *status = number(&s->log_rows, value, 4, 4096, "--log-rows", err);
        return 1;
    case PP_MODEL_OPTION_FRAMES:
        *status = number(&s->window_frames, value, 4, 4096, "--window-frames", err);
        return 1;
    case PP_MODEL_OPTION_RATE:
        *status = number(&s->rate_hz, value, 1000, 192000, "--rate", err);
        return 1;
    case PP_MODEL_OPTION_FFT:
        *status = number(&s->n_fft, value, 16, 65536, "--n-fft", err);
        return 1;
    case PP_MODEL_OPTION_HOP:
        *status = number(&s->hop_samples, value, 1, 32768, "--hop", err);
        return 1;
    case PP_MODEL_OPTION_POOLING:
        *status = choice(&s->pool_average, value, "maximum", "average", "--pooling", err);
        return 1;
    case PP_MODEL_OPTION_MASKS:
        *status = choice(&s->binary_masks, value, "ratio", "binary", "--masks", err);
        return 1;
    default:
        return 0;
    }
}

static void set_name(pp_model_file *file, const char *name, const char *path)
{
    char *from_path = NULL;
    if (name == NULL) {
        from_path = pp_path_safe_name(pp_path_name(path), sizeof file->identity.name - 1);
        if (from_path != NULL && pp_text_ends_with(from_path, ".h5")) {
            from_path[strlen(from_path) - 3] = '\0';
        }
        name = from_path != NULL ? from_path : "model";
    }
    snprintf(file->identity.name, sizeof file->identity.name, "%s", name);
    pp_free(from_path);
}

static void print_written(const pp_model_file *file, const char *path)
{
    printf("%s: %s, %d components, digest %.16s%s\n", path, file->identity.name,
           file->shape.components, file->identity.digest,
           file->identity.untrained ? "; untrained: it separates nothing" : "");
}

/* ---- import ---------------------------------------------------------------------------------- */

static const char import_usage[] =
    "usage: pp model import --sound F --frame F --synthesizer F -o MODEL.h5 [OPTIONS]\n"
    "\n"
    "Reads sound_best.pth, frame_best.pth and synthesizer_best.pth as PyTorch wrote them and\n"
    "writes one model file. Widths, depth and number of components are read off the tensors.\n"
    "\n"
    "      --sound F              the audio network's checkpoint\n"
    "      --frame F              the video network's\n"
    "      --synthesizer F        the synthesizer's\n"
    "  -o, --out FILE             the model file\n"
    "      --name NAME            (the file's name)\n" PP_MODEL_SHAPE_USAGE;

typedef struct import_arguments {
    const char *checkpoints[PP_NETWORKS], *out, *name;
} import_arguments;

static const char *const checkpoint_names[PP_NETWORKS] = {"sound", "frame", "synthesizer"};

/* What was read, so that a model can be traced back: names and digests of the checkpoints. */
static pp_status describe_import(pp_model_file *file, const import_arguments *a, pp_error *err)
{
    pp_json *root = pp_json_object(), *sources = pp_json_object();
    pp_json_set_text(root, "made_by", "pp model import " PP_VERSION);
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < PP_NETWORKS; i++) {
        char hex[PP_HASH_HEX];
        size_t length = 0;
        char *bytes = NULL;
        status = pp_text_read_file(&bytes, &length, a->checkpoints[i], (size_t)4 << 30, err);
        if (status != PP_OK) break;
        pp_hash_bytes(bytes, length, hex);
        pp_free(bytes);
        pp_json *source = pp_json_object();
        pp_json_set_path(source, "file", pp_path_name(a->checkpoints[i]));
        pp_json_set_text(source, "sha256", hex);
        pp_json_set(sources, checkpoint_names[i], source);
    }
    pp_json_set(root, "checkpoints", sources);
    file->provenance = pp_json_dump(root, 0);
    pp_json_free(&root);
    if (status == PP_OK && file->provenance == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for the provenance");
    }
    return status;
}

static pp_status import_model(pp_model_file *file, const import_arguments *a, pp_error *err)
{
    for (int i = 0; i < PP_NETWORKS; i++) {
        if (a->checkpoints[i] == NULL) {
            return pp_fail(err, PP_ERR_USAGE, "pp model import needs --%s FILE",
                           checkpoint_names[i]);
        }
    }
    if (a->out == NULL) return pp_fail(err, PP_ERR_USAGE, "pp model import needs -o FILE");
    pp_status status = PP_OK;
    for (int i = 0; status == PP_OK && i < PP_NETWORKS; i++) {
        status = pp_checkpoint_read(&file->networks[i], a->checkpoints[i], err);
    }
    set_name(file, a->name, a->out);
    if (status == PP_OK) status = describe_import(file, a, err);
    return status == PP_OK ? pp_model_file_write(file, pp_fileops_system(), a->out, err) : status;
}

int pp_model_command_import(int argc, char **argv)
{
    static const struct option options[] = {{"sound", required_argument, NULL, 0},
                                            {"frame", required_argument, NULL, 1},
                                            {"synthesizer", required_argument, NULL, 2},
                                            {"out", required_argument, NULL, 'o'},
                                            {"name", required_argument, NULL, 'n'},
                                            {"help", no_argument, NULL, 'h'},
                                            PP_MODEL_SHAPE_OPTIONS,
                                            {NULL, 0, NULL, 0}};
    import_arguments a = {0};
    pp_model_file file = {0};
    pp_error err = {0};
    pp_status status = PP_OK;
    int option;
    pp_model_file_defaults(&file);
    while (status == PP_OK && (option = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
        if (option >= 0 && option < PP_NETWORKS) a.checkpoints[option] = optarg;
        else if (option == 'o') a.out = optarg;
        else if (option == 'n') a.name = optarg;
        else if (option == 'h') return fputs(import_usage, stdout) < 0;
        else if (!pp_model_command_shape_option(&file, option, optarg, &status, &err)) return 2;
    }
    if (status == PP_OK && optind < argc) {
        status = pp_fail(&err, PP_ERR_USAGE, "pp model import: what is '%s'?", argv[optind]);
    }
    if (status == PP_OK) status = import_model(&file, &a, &err);
    if (status == PP_OK) print_written(&file, a.out);
    pp_model_file_clear(&file);
    return status == PP_OK ? 0 : pp_model_command_failed(&err);
}

/* ---- init ------------------------------------------------------------------------------------ */

static const char init_usage[] =
    "usage: pp model init -o MODEL.h5 [--seed S] [OPTIONS]\n"
    "\n"
    "Makes an untrained model: random weights, scaled so that signals pass through. It separates\n"
    "nothing. The same options give the same weights on every machine.\n"
    "\n"
    "  -o, --out FILE             the model file\n"
    "  -s, --seed S               (1)\n"
    "      --name NAME            (untrained-SEED)\n"
    "      --base-width N         U-Net: channels of the outermost level (64)\n"
    "      --levels N             U-Net: 2 to 8 (7)\n"
    "      --components K         sound components (32)\n"
    "      --trunk-width N        video: channels of the first layer (64)\n"
    "      --trunk-blocks N       video: blocks in each of the four layers (2)\n"
    "      --constant-mask C      every mask is C, between 0 and 1: for "
    "tests\n" PP_MODEL_SHAPE_USAGE;

enum { OPT_WIDTH = 256, OPT_LEVELS, OPT_COMPONENTS, OPT_TRUNK, OPT_BLOCKS, OPT_CONSTANT };

static pp_status init_option(pp_model_options *o, int option, const char *value, pp_error *err)
{
    int64_t seed = 0;
    pp_status status;
    switch (option) {
    case 's':
        status = pp_text_to_int(&seed, value, 0, INT64_MAX, "--seed", err);
        o->seed = (uint64_t)seed;
        return status;
    case OPT_WIDTH:
        return number(&o->base_width, value, 1, 1024, "--base-width", err);
    case OPT_LEVELS:
        return number(&o->levels, value, 2, 8, "--levels", err);
    case OPT_COMPONENTS:
        return number(&o->components, value, 1, 4096, "--components", err);
    case OPT_TRUNK:
        return number(&o->trunk_width, value, 1, 1024, "--trunk-width", err);
    case OPT_BLOCKS:
        return number(&o->trunk_blocks, value, 1, 16, "--trunk-blocks", err);
    default:
        return pp_text_to_real(&o->constant_mask, value, 1e-6, 1 - 1e-6, "--constant-mask", err);
    }
}

static pp_status make_model(pp_model_file *file, const pp_model_options *o, const char *out,
                            const char *name, pp_error *err)
{
    if (out == NULL) return pp_fail(err, PP_ERR_USAGE, "pp model init needs -o FILE");
    pp_status status = pp_model_file_init(file, o, err);
    if (status != PP_OK) return status;
    if (name != NULL) set_name(file, name, out);
    pp_json *root = pp_json_object();
    pp_json_set_text(root, "made_by", "pp model init " PP_VERSION);
    pp_json_set_int(root, "seed", (int64_t)o->seed);
    file->provenance = pp_json_dump(root, 0);
    pp_json_free(&root);
    if (file->provenance == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory");
    return pp_model_file_write(file, pp_fileops_system(), out, err);
}

int pp_model_command_init(int argc, char **argv)
{
    static const struct option options[] = {
        {"out", required_argument, NULL, 'o'},
        {"seed", required_argument, NULL, 's'},
        {"name", required_argument, NULL, 'n'},
        {"base-width", required_argument, NULL, OPT_WIDTH},
        {"levels", required_argument, NULL, OPT_LEVELS},
        {"components", required_argument, NULL, OPT_COMPONENTS},
        {"trunk-width", required_argument, NULL, OPT_TRUNK},
        {"trunk-blocks", required_argument, NULL, OPT_BLOCKS},
        {"constant-mask", required_argument, NULL, OPT_CONSTANT},
        {"help", no_argument, NULL, 'h'},
        PP_MODEL_SHAPE_OPTIONS,
        {NULL, 0, NULL, 0}};
    pp_model_options o = pp_model_published_options();
    const char *out = NULL, *name = NULL;
    pp_model_file file = {0};
    pp_error err = {0};
    pp_status status = PP_OK;
    int option;
    o.seed = 1;
    pp_model_file_defaults(&file);
    while (status == PP_OK && (option = getopt_long(argc, argv, "o:s:h", options, NULL)) != -1) {
        if (option == 'o') out = optarg;
        else if (option == 'n') name = optarg;
        else if (option == 'h') return fputs(init_usage, stdout) < 0;
        else if (option == 's' || (option >= OPT_WIDTH && option <= OPT_CONSTANT)) {
            status = init_option(&o, option, optarg, &err);
        } else if (!pp_model_command_shape_option(&file, option, optarg, &status, &err)) return 2;
    }
    if (status == PP_OK && optind < argc) {
        status = pp_fail(&err, PP_ERR_USAGE, "pp model init: what is '%s'?", argv[optind]);
    }
    if (status == PP_OK) status = make_model(&file, &o, out, name, &err);
    if (status == PP_OK) print_written(&file, out);
    pp_model_file_clear(&file);
    return status == PP_OK ? 0 : pp_model_command_failed(&err);
}

/* ---- the verb -------------------------------------------------------------------------------- */

static int run_model(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*run)(int, char **);
    } verbs[] = {{"import", pp_model_command_import},
                 {"init", pp_model_command_init},
                 {"show", pp_model_command_show},
                 {"check", pp_model_command_check}};
    if (argc > 1 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)) {
        return fputs(usage_text, stdout) < 0;
    }
    for (size_t i = 0; argc > 1 && i < sizeof verbs / sizeof *verbs; i++) {
        if (strcmp(argv[1], verbs[i].name) == 0) return verbs[i].run(argc - 1, argv + 1);
    }
    fputs(usage_text, stderr);
    return 2;
}

const pp_verb pp_verb_model = {"model", "bring models in, make, show and check them", run_model};
