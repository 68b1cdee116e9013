/* pp eval: how well a model separates, against baselines and ceilings, so that
 * one can repeat it.
 */
#include "cmd_eval.h"

#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "eval/draw.h"
#include "eval/ready_made.h"
#include "eval/report.h"
#include "eval/run.h"
#include "nn/blas.h"
#include "pp.h"
#include "store/commit.h"

static const char usage_text[] =
    "usage: pp eval [--model M.h5] [OPTIONS] SOLOS...        mixes solos by a seed\n"
    "       pp eval [--model M.h5] [OPTIONS] MIXTURES.csv    ready-made mixtures\n"
    "       pp eval [--model M.h5] [OPTIONS] --protocol P    again, from a written protocol\n"
    "       pp eval --truth CORPUS [OPTIONS] OUT             archives against known truth\n"
    "\n"
    "Separates with clip-level features as in the paper and prints SDR, SIR and SAR (BSS-eval\n"
    "v3) with 95 % intervals, over all and for every instrument, beside the mixture itself, NMF,\n"
    "ideal masks, and the model with shuffled and with blanked pictures. Without --model only\n"
    "what needs none. docs/evaluation.md says what the rows mean.\n"
    "\n"
    "SOLOS: files, folders (a folder's name is the instrument), lists (.txt), or tables (.csv\n"
    "with `path`, `label`, `split`).\n"
    "MIXTURES.csv: mixture, label_1, pictures_1, reference_1, label_2, ...\n"
    "\n"
    "  -m, --model FILE       the model\n"
    "  -o, --out DIR          writes DIR/protocol.json and DIR/report.json\n"
    "  -n, --mixtures N       how many mixtures to draw (100)\n"
    "      --sources N        solos in each (2)\n"
    "  -s, --seed S           (1)\n"
    "      --split NAME       only this split of a table\n"
    "      --any-labels       let two of the same instrument meet\n"
    "      --random-times     windows anywhere, not round the middle of each file\n"
    "      --silence DB       references below this level are refused (-60 dBFS)\n"
    "      --methods LIST     all, or some of mixture, model-shared, model-ratio, model-binary,\n"
    "                         shuffled, blanked, name-shared, name-ratio, name-binary,\n"
    "                         nmf-blind, nmf, ideal-binary,\n"
    "                         ideal-ratio (commas)\n"
    "      --nmf D:R:I        kl, euclidean or is; R components a source; I steps (kl:12:100)\n"
    "      --nmf-blind D:R:I  the same for the row without an oracle (kl:8:100)\n"
    "      --tune-nmf         find the best of both on these (validation) mixtures, and stop\n"
    "      --protocol FILE    run this protocol again\n"
    "      --truth CORPUS     a folder of pp synth; OUT is that of pp-cluster on its videos: SDR\n"
    "                         of the stems, pointing, number of sources, activity, labels\n"
    "      --kernels SET      plain or fast\n"
    "      --json             the report as JSON on standard output\n";

enum {
    OPT_SOURCES = 256,
    OPT_SPLIT,
    OPT_ANY,
    OPT_RANDOM,
    OPT_SILENCE,
    OPT_METHODS,
    OPT_NMF,
    OPT_NMF_BLIND,
    OPT_TUNE,
    OPT_PROTOCOL,
    OPT_TRUTH,
    OPT_KERNELS,
    OPT_JSON
};

static const struct option long_options[] = {
    {"model", required_argument, NULL, 'm'},
    {"out", required_argument, NULL, 'o'},
    {"mixtures", required_argument, NULL, 'n'},
    {"pairs", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 's'},
    {"sources", required_argument, NULL, OPT_SOURCES},
    {"split", required_argument, NULL, OPT_SPLIT},
    {"any-labels", no_argument, NULL, OPT_ANY},
    {"random-times", no_argument, NULL, OPT_RANDOM},
    {"silence", required_argument, NULL, OPT_SILENCE},
    {"methods", required_argument, NULL, OPT_METHODS},
    {"nmf", required_argument, NULL, OPT_NMF},
    {"nmf-blind", required_argument, NULL, OPT_NMF_BLIND},
    {"tune-nmf", no_argument, NULL, OPT_TUNE},
    {"protocol", required_argument, NULL, OPT_PROTOCOL},
    {"truth", required_argument, NULL, OPT_TRUTH},
    {"kernels", required_argument, NULL, OPT_KERNELS},
    {"json", no_argument, NULL, OPT_JSON},
    {"help", no_argument, NULL, 'h'},
    {NULL, 0, NULL, 0},
};

typedef struct arguments {
    const char *model, *out, *split, *protocol, *truth, *kernels;
    char **inputs;
    int input_count;
    int help, json, tune;
    int64_t mixtures, sources, seed;
    int any_labels, random_place;
    double silence_db;
    unsigned methods;
    pp_nmf_options nmf, nmf_blind;
} arguments;

/* ---- arguments
 * --------------------------------------------------------------------------------
 */

static pp_status parse_nmf(pp_nmf_options *nmf, const char *text, pp_error *err)
{
    char name[16] = "";
    int used = 0;
    if (sscanf(text, "%15[a-z]:%d:%d%n", name, &nmf->rank, &nmf->iterations, &used) != 3 ||
        text[used] != '\0' || nmf->rank < 1 || nmf->rank > 128 || nmf->iterations < 1 ||
        nmf->iterations > 100000) {
        return pp_fail(err, PP_ERR_USAGE,
                       "--nmf %s: DIVERGENCE:COMPONENTS:ITERATIONS, as in kl:8:100", text);
    }
    return pp_nmf_divergence_parse(&nmf->divergence, name, err);
}

static pp_status parse_one(arguments *a, int option, const char *text, pp_error *err)
{
    switch (option) {
    case 'm':
        a->model = text;
        return PP_OK;
    case 'o':
        a->out = text;
        return PP_OK;
    case 'n':
        return pp_text_to_int(&a->mixtures, text, 1, 1000000, "--mixtures", err);
    case 's':
        return pp_text_to_int(&a->seed, text, 0, INT64_MAX, "--seed", err);
    case OPT_SOURCES:
        return pp_text_to_int(&a->sources, text, 1, PP_BSS_MOST_SOURCES, "--sources", err);
    case OPT_SPLIT:
        a->split = text;
        return PP_OK;
    case OPT_ANY:
        a->any_labels = 1;
        return PP_OK;
    case OPT_RANDOM:
        a->random_place = 1;
        return PP_OK;
    case OPT_SILENCE:
        return pp_text_to_real(&a->silence_db, text, -200, 0, "--silence", err);
    case OPT_METHODS:
        return pp_methods_parse(&a->methods, text, err);
    case OPT_NMF:
        return parse_nmf(&a->nmf, text, err);
    case OPT_NMF_BLIND:
        return parse_nmf(&a->nmf_blind, text, err);
    case OPT_TUNE:
        a->tune = 1;
        return PP_OK;
    case OPT_PROTOCOL:
        a->protocol = text;
        return PP_OK;
    case OPT_TRUTH:
        a->truth = text;
        return PP_OK;
    case OPT_KERNELS:
        a->kernels = text;
        return PP_OK;
    case OPT_JSON:
        a->json = 1;
        return PP_OK;
    case 'h':
        a->help = 1;
        return PP_OK;
    default:
        return pp_fail(err, PP_ERR_USAGE, "pp eval --help shows the options");
    }
}

static pp_status parse(arguments *a, int argc, char **argv, pp_error *err)
{
    pp_status status = PP_OK;
    int option = 0;
    optind = 1;
    while (status == PP_OK &&
           (option = getopt_long(argc, argv, "m:o:n:s:h", long_options, NULL)) != -1) {
        status = parse_one(a, option, optarg, err);
    }
    if (status != PP_OK || a->help) return status;
    a->inputs = argv + optind;
    a->input_count = argc - optind;
    if (a->truth != NULL) {
        if (a->input_count == 1 && a->protocol == NULL) return PP_OK;
        return pp_fail(err, PP_ERR_USAGE, "--truth CORPUS takes one OUT folder of pp-cluster");
    }
    if ((a->input_count > 0) == (a->protocol != NULL)) {
        pp_fail(err, PP_ERR_USAGE, "either solos or mixtures, or --protocol FILE");
        return pp_advise(err, "pp eval --help shows the options");
    }
    return PP_OK;
}

/* ---- one evaluation
 * ---------------------------------------------------------------------------
 */

typedef struct session {
    pp_decoder *decoder;
    pp_model *model; /* NULL without one */
    pp_classes classes;
    pp_clip_reader *reader;
    pp_protocol *protocol;
    pp_clip_cache *cache;
} session;

static void end_session(session *s)
{
    pp_clip_cache_destroy(&s->cache);
    pp_protocol_destroy(&s->protocol);
    pp_clip_reader_destroy(&s->reader);
    pp_model_close(&s->model);
    pp_classes_free(&s->classes);
    pp_decoder_destroy(&s->decoder);
}

static pp_status start_session(session *s, const arguments *a, pp_error *err)
{
    pp_status status = pp_decoder_create(&s->decoder, NULL, NULL, err);
    if (status == PP_OK && a->model != NULL) {
        status = pp_blas_load(NULL, err);
        if (status == PP_OK) status = pp_model_open(&s->model, a->model, a->kernels, NULL, err);
        if (status == PP_OK) status = pp_classes_read(&s->classes, a->model, err);
    }
    if (status == PP_OK && a->protocol != NULL) {
        status = pp_protocol_read(&s->protocol, a->protocol, err);
    } else if (status == PP_OK) {
        status = pp_protocol_create(&s->protocol, err);
        if (status != PP_OK) return status;
        s->protocol->seed = (uint64_t)a->seed;
        s->protocol->silence_db = a->silence_db;
        s->protocol->methods = a->methods;
        s->protocol->nmf = a->nmf;
        s->protocol->nmf_blind = a->nmf_blind;
        if (s->model != NULL) s->protocol->rate_hz = pp_model_get_shape(s->model)->rate_hz;
    }
    if (status != PP_OK) return status;
    if (s->model != NULL && pp_model_get_shape(s->model)->rate_hz != s->protocol->rate_hz) {
        return pp_fail(err, PP_ERR_USAGE, "the protocol is at %d Hz, the model at %d",
                       s->protocol->rate_hz, pp_model_get_shape(s->model)->rate_hz);
    }
    status = pp_clip_reader_create(&s->reader, s->decoder, s->model, s->protocol->rate_hz, err);
    if (status != PP_OK) return status;
    return pp_clip_cache_create(&s->cache, s->reader, s->protocol, err);
}

static int64_t window_samples(const session *s)
{
    const pp_spectrogram_shape shape = pp_eval_shape(s->model);
    return (int64_t)shape.frames * shape.hop_samples - 1;
}

static pp_status draw(session *s, const arguments *a, pp_error *err)
{
    const pp_draw_options options = {.mixtures = (int)a->mixtures,
                                     .sources = (int)a->sources,
                                     .samples = window_samples(s),
                                     .any_labels = a->any_labels,
                                     .random_place = a->random_place};
    pp_solos solos = {0};
    pp_status status = PP_OK;
    for (int i = 0; i < a->input_count && status == PP_OK; i++) {
        status = pp_solos_add(&solos, a->inputs[i], a->split, err);
    }
    if (status == PP_OK) {
        status = pp_draw_mixtures(s->protocol, s->cache, &solos, &options, err);
    }
    pp_solos_release(&solos);
    return status;
}

static pp_status make_protocol(session *s, const arguments *a, pp_error *err)
{
    if (a->protocol != NULL) return PP_OK;
    int ready = 0;
    if (a->input_count == 1 && pp_text_ends_with(a->inputs[0], ".csv")) {
        pp_status status = pp_ready_made_is(a->inputs[0], &ready, err);
        if (status != PP_OK) return status;
    }
    if (!ready) return draw(s, a, err);
    return pp_ready_made_read(s->protocol, s->cache, a->inputs[0], window_samples(s), err);
}

typedef struct ticker {
    double started_s, told_s;
} ticker;

static void tell(void *user, size_t mixtures, size_t of)
{
    ticker *t = user;
    const double now_s = pp_clock_s();
    if (now_s - t->told_s < 5.0) return;
    t->told_s = now_s;
    pp_log(PP_LOG_INFO, "%zu of %zu mixtures, %.2f s each", mixtures, of,
           (now_s - t->started_s) / (double)mixtures);
}

static pp_status run_protocol(session *s, pp_eval_result **results, pp_error *err)
{
    ticker t = {pp_clock_s(), pp_clock_s()};
    const pp_eval_progress progress = {tell, &t};
    return pp_eval_run(s->protocol, s->cache, s->reader, s->model, &s->classes, &progress, results,
                       err);
}

/* ---- output
 * -----------------------------------------------------------------------------------
 */

static pp_status write_text(const char *folder, const char *name, const char *text, pp_error *err)
{
    char *path = pp_path_join(folder, name);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    pp_status status = pp_commit_bytes(pp_fileops_system(), path, text, strlen(text), err);
    pp_free(path);
    return status;
}

static pp_status write_files(const session *s, const char *folder, const char *report,
                             pp_error *err)
{
    pp_status status = pp_path_make_folders(folder, err);
    char *path = pp_path_join(folder, "protocol.json");
    if (status == PP_OK && path == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory");
    if (status == PP_OK) status = pp_protocol_write(s->protocol, path, err);
    pp_free(path);
    return status == PP_OK ? write_text(folder, "report.json", report, err) : status;
}

/* A model was given, but not every mixture has pictures of its sources. */
static void warn_unseen(const session *s, const pp_eval_result *results)
{
    size_t unseen = 0;
    if (s->model == NULL || (s->protocol->methods & 1U << PP_METHOD_MODEL_RATIO) == 0) return;
    for (size_t m = 0; m < s->protocol->mixture_count; m++) {
        unseen += results[m].score[PP_METHOD_MODEL_RATIO].state == PP_SCORE_NONE;
    }
    if (unseen == 0) return;
    pp_log(PP_LOG_WARN,
           "%zu of %zu mixtures have a source without pictures: the model's rows leave "
           "them out",
           unseen, s->protocol->mixture_count);
}

static void add_model(pp_json *root, const session *s)
{
    pp_json *object = pp_json_object();
    if (s->model != NULL) {
        const pp_model_identity *identity = pp_model_get_identity(s->model);
        pp_json_set_text(object, "name", identity->name);
        pp_json_set_text(object, "digest", identity->digest);
        pp_json_set_text(object, "kernels", pp_model_kernels(s->model));
        pp_json_set_bool(object, "untrained", identity->untrained);
    }
    pp_json_set(root, "model", object);
}

static pp_status publish(const session *s, const arguments *a, const pp_eval_result *results,
                         pp_error *err)
{
    pp_report *report = NULL;
    pp_status status = pp_report_create(&report, s->protocol, results, err);
    if (status != PP_OK) return status;
    warn_unseen(s, results);
    pp_json *root = pp_report_json(report, s->protocol, results);
    add_model(root, s);
    char *text = pp_json_dump(root, 1);
    pp_json_free(&root);
    if (text == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for the report");
    if (status == PP_OK && a->out != NULL) status = write_files(s, a->out, text, err);
    if (status == PP_OK && a->json) puts(text);
    if (status == PP_OK && !a->json) {
        if (s->model != NULL && pp_model_get_identity(s->model)->untrained) {
            puts("This model is untrained: its rows are noise.\n");
        }
        pp_report_print(stdout, report, s->protocol);
    }
    pp_free(text);
    pp_report_destroy(&report);
    return status;
}

/* ---- tuning NMF
 * -------------------------------------------------------------------------------
 */

/* sdr[0]: by the oracle; sdr[1]: blindly */
static pp_status tune_one(session *s, pp_nmf_options nmf, double sdr[2], pp_error *err)
{
    s->protocol->nmf = s->protocol->nmf_blind = nmf;
    s->protocol->methods =
        1U << PP_METHOD_MIXTURE | 1U << PP_METHOD_NMF | 1U << PP_METHOD_NMF_BLIND;
    pp_eval_result *results = NULL;
    pp_report *report = NULL;
    pp_status status = run_protocol(s, &results, err);
    if (status == PP_OK) status = pp_report_create(&report, s->protocol, results, err);
    if (status == PP_OK) {
        sdr[0] = report->method[PP_METHOD_NMF].figure[PP_FIGURE_SDR].mean;
        sdr[1] = report->method[PP_METHOD_NMF_BLIND].figure[PP_FIGURE_SDR].mean;
        printf("%s:%d:%d  SDR %.2f dB by an oracle, %.2f blindly\n",
               pp_nmf_divergence_name(nmf.divergence), nmf.rank, nmf.iterations, sdr[0], sdr[1]);
        fflush(stdout);
    }
    pp_report_destroy(&report);
    pp_free(results);
    return status;
}

static pp_status tune(session *s, const arguments *a, pp_error *err)
{
    static const int ranks[] = {1, 2, 3, 4, 6, 8, 12, 16};
    pp_nmf_options best[2] = {a->nmf, a->nmf};
    double most[2] = {-INFINITY, -INFINITY};
    for (int d = PP_NMF_KL; d <= PP_NMF_IS; d++) {
        for (size_t r = 0; r < sizeof ranks / sizeof *ranks; r++) {
            pp_nmf_options nmf = a->nmf;
            nmf.divergence = (pp_nmf_divergence)d;
            nmf.rank = ranks[r];
            double sdr[2] = {0};
            pp_status status = tune_one(s, nmf, sdr, err);
            if (status != PP_OK) return status;
            for (int i = 0; i < 2; i++) {
                if (!(sdr[i] > most[i])) continue;
                most[i] = sdr[i];
                best[i] = nmf;
            }
        }
    }
    printf("best: --nmf %s:%d:%d --nmf-blind %s:%d:%d\n",
           pp_nmf_divergence_name(best[0].divergence), best[0].rank, best[0].iterations,
           pp_nmf_divergence_name(best[1].divergence), best[1].rank, best[1].iterations);
    return PP_OK;
}

/* ---- the verb
 * ---------------------------------------------------------------------------------
 */

static pp_status evaluate(const arguments *a, pp_error *err)
{
    if (a->truth != NULL) {
        const pp_eval_truth_options options = {a->truth, a->inputs[0], a->out, a->json,
                                               (uint64_t)a->seed};
        return pp_eval_truth(&options, err);
    }
    session s = {0};
    pp_status status = start_session(&s, a, err);
    if (status == PP_OK) status = make_protocol(&s, a, err);
    if (status == PP_OK && a->tune) {
        status = tune(&s, a, err);
    } else if (status == PP_OK) {
        pp_eval_result *results = NULL;
        status = run_protocol(&s, &results, err);
        if (status == PP_OK) status = publish(&s, a, results, err);
        pp_free(results);
    }
    end_session(&s);
    return status;
}

static int run(int argc, char **argv)
{
    arguments a = {.mixtures = 100, .sources = 2, .seed = 1, .silence_db = -60.0};
    a.methods = PP_METHODS_ALL;
    a.nmf = PP_PROTOCOL_NMF;
    a.nmf_blind = PP_PROTOCOL_NMF_BLIND;
    pp_error err = {0};
    pp_status status = parse(&a, argc, argv, &err);
    if (status == PP_OK && a.help) return fputs(usage_text, stdout) == EOF;
    if (status == PP_OK) status = evaluate(&a, &err);
    if (status == PP_OK) return 0;
    pp_log_failure(PP_LOG_ERROR, "pp eval", &err);
    return status == PP_ERR_USAGE ? 2 : 1;
}

const pp_verb pp_verb_eval = {"eval", "measure separation against baselines, repeatably", run};
