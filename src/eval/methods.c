#include "eval/methods.h"

#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "eval/masks.h"
#include "nn/share.h"

static const struct {
    const char *name, *title;
} words[PP_METHODS] = {
    [PP_METHOD_MIXTURE] = {"mixture", "mixture itself"},
    [PP_METHOD_MODEL_SHARED] = {"model-shared", "model, shared masks"},
    [PP_METHOD_MODEL_RATIO] = {"model-ratio", "model, ratio masks"},
    [PP_METHOD_MODEL_BINARY] = {"model-binary", "model, binary masks"},
    [PP_METHOD_SHUFFLED] = {"shuffled", "model, pictures shuffled"},
    [PP_METHOD_BLANKED] = {"blanked", "model, pictures blanked"},
    [PP_METHOD_NAME_SHARED] = {"name-shared", "model by name, shared masks"},
    [PP_METHOD_NAME_RATIO] = {"name-ratio", "model by name, ratio masks"},
    [PP_METHOD_NAME_BINARY] = {"name-binary", "model by name, binary masks"},
    [PP_METHOD_NMF_BLIND] = {"nmf-blind", "NMF, grouped blindly"},
    [PP_METHOD_NMF] = {"nmf", "NMF, oracle assignment"},
    [PP_METHOD_IDEAL_BINARY] = {"ideal-binary", "ideal binary masks"},
    [PP_METHOD_IDEAL_RATIO] = {"ideal-ratio", "ideal ratio masks"},
};

const char *pp_method_name(pp_method method)
{
    return words[method].name;
}

const char *pp_method_title(pp_method method)
{
    return words[method].title;
}

static pp_status parse_one(unsigned *out, const char *name, size_t length, pp_error *err)
{
    if (length == 3 && strncmp(name, "all", 3) == 0) {
        *out |= PP_METHODS_ALL;
        return PP_OK;
    }
    for (int m = 0; m < PP_METHODS; m++) {
        if (strlen(words[m].name) != length || strncmp(name, words[m].name, length) != 0) continue;
        *out |= 1U << m;
        return PP_OK;
    }
    return pp_fail(
        err, PP_ERR_USAGE,
        "no method '%.*s': all, mixture, model-shared, model-ratio, model-binary, shuffled, "
        "blanked, name-shared, name-ratio, name-binary, nmf-blind, nmf, ideal-binary, "
        "ideal-ratio",
        (int)length, name);
}

pp_status pp_methods_parse(unsigned *out, const char *names, pp_error *err)
{
    *out = 1U << PP_METHOD_MIXTURE; /* what every gain is counted from */
    for (;;) {
        const size_t length = strcspn(names, ",");
        pp_status status = parse_one(out, names, length, err);
        if (status != PP_OK) return status;
        if (names[length] == '\0') return PP_OK;
        names += length + 1;
    }
}

struct pp_methods {
    pp_methods_options options;
    const pp_model *model; /* borrowed; may be NULL */
    pp_model_scratch *scratch;
    pp_spectrogram *mixture, *references[PP_BSS_MOST_SOURCES];
    size_t cells, log_cells;               /* of a mask on either grid */
    float *masks[PP_BSS_MOST_SOURCES];     /* [cells] each, for either grid */
    float *maps;                           /* [K, log_cells] */
    float *vectors;                        /* [PP_BSS_MOST_SOURCES, K] */
    float *model_masks;                    /* [PP_BSS_MOST_SOURCES, log_cells] */
    float *estimates[PP_BSS_MOST_SOURCES]; /* [most samples] */
};

static pp_status allocate_model(pp_methods *m, pp_error *err)
{
    const size_t k = (size_t)pp_model_get_shape(m->model)->components;
    const struct {
        float **to;
        size_t count;
    } arrays[] = {
        {&m->maps, k * m->log_cells},
        {&m->vectors, PP_BSS_MOST_SOURCES * k},
        {&m->model_masks, PP_BSS_MOST_SOURCES * m->log_cells},
    };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) {
        pp_status status =
            pp_alloc_checked((void **)arrays[i].to, arrays[i].count, sizeof(float), "masks", err);
        if (status != PP_OK) return status;
    }
    return pp_model_scratch_create(&m->scratch, m->model, 1, err);
}

pp_status pp_methods_create(pp_methods **out, const pp_model *model,
                            const pp_methods_options *options, pp_error *err)
{
    *out = NULL;
    pp_methods *m = NULL;
    pp_status status = pp_alloc_checked((void **)&m, 1, sizeof *m, "evaluation", err);
    if (status != PP_OK) return status;
    m->options = *options;
    m->model = model;
    status = pp_spectrogram_create(&m->mixture, options->shape, err);
    if (status == PP_OK) {
        m->cells = (size_t)pp_spectrogram_bins(m->mixture) * (size_t)options->shape.frames;
        m->log_cells = (size_t)options->shape.log_rows * (size_t)options->shape.frames;
        if (model != NULL) status = allocate_model(m, err);
    }
    if (status != PP_OK) pp_methods_destroy(&m);
    *out = m;
    return status;
}

void pp_methods_destroy(pp_methods **methods)
{
    pp_methods *m = *methods;
    if (m == NULL) return;
    pp_spectrogram_destroy(&m->mixture);
    for (int i = 0; i < PP_BSS_MOST_SOURCES; i++) {
        pp_spectrogram_destroy(&m->references[i]);
        pp_free(m->masks[i]);
        pp_free(m->estimates[i]);
    }
    pp_model_scratch_destroy(&m->scratch);
    pp_free(m->maps);
    pp_free(m->vectors);
    pp_free(m->model_masks);
    PP_FREE(*methods);
}

/* Room for source i, made when first needed: most mixtures have two. */
static pp_status prepare_source(pp_methods *m, int i, pp_error *err)
{
    if (m->estimates[i] != NULL) return PP_OK;
    const size_t most = m->cells > m->log_cells ? m->cells : m->log_cells;
    pp_status status = PP_OK;
    if (m->references[i] == NULL) {
        status = pp_spectrogram_create(&m->references[i], m->options.shape, err);
    }
    if (status == PP_OK && m->masks[i] == NULL) {
        status = pp_alloc_checked((void **)&m->masks[i], most, sizeof(float), "masks", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&m->estimates[i],
                                  (size_t)pp_spectrogram_most_samples(m->mixture), sizeof(float),
                                  "estimates", err);
    }
    return status;
}

static void ideal_masks(pp_methods *m, const pp_method_task *task, int binary)
{
    const float *magnitudes[PP_BSS_MOST_SOURCES];
    for (int i = 0; i < task->sources; i++) magnitudes[i] = pp_spectrogram_warped(m->references[i]);
    for (int i = 0; i < task->sources; i++) {
        if (binary) {
            pp_mask_ideal_binary(magnitudes[i], pp_spectrogram_warped(m->mixture), m->log_cells,
                                 m->masks[i]);
        } else {
            pp_mask_ideal_ratio(magnitudes, task->sources, i, m->log_cells, m->masks[i]);
        }
        pp_spectrogram_separate(m->mixture, m->masks[i], binary ? PP_MASK_LOG_BINARY : PP_MASK_LOG,
                                m->estimates[i]);
    }
}

static pp_status nmf_masks(pp_methods *m, const pp_method_task *task, pp_nmf_grouping grouping,
                           pp_error *err)
{
    const float *magnitudes[PP_BSS_MOST_SOURCES];
    for (int i = 0; i < task->sources; i++) {
        magnitudes[i] = pp_spectrogram_magnitude(m->references[i]);
    }
    pp_nmf_options options = grouping == PP_NMF_BLIND ? m->options.nmf_blind : m->options.nmf;
    options.rank *= task->sources;
    pp_nmf *nmf = NULL;
    pp_status status = pp_nmf_create(&nmf, pp_spectrogram_bins(m->mixture), m->options.shape.frames,
                                     &options, err);
    if (status != PP_OK) return status;
    pp_nmf_factor(nmf, pp_spectrogram_magnitude(m->mixture));
    pp_nmf_masks(nmf, grouping, magnitudes, task->sources, m->masks);
    for (int i = 0; i < task->sources; i++) {
        pp_spectrogram_separate(m->mixture, m->masks[i], PP_MASK_LINEAR, m->estimates[i]);
    }
    pp_nmf_destroy(&nmf);
    return PP_OK;
}

static int asks_by_name(pp_method method)
{
    return method == PP_METHOD_NAME_SHARED || method == PP_METHOD_NAME_RATIO ||
           method == PP_METHOD_NAME_BINARY;
}

/* The model's masks for these vectors, from the component maps computed once a mixture. */
static void model_masks(pp_methods *m, const pp_method_task *task, const float *const *vectors,
                        pp_method method)
{
    const int binary = method == PP_METHOD_MODEL_BINARY || method == PP_METHOD_NAME_BINARY;
    const int alone = method == PP_METHOD_MODEL_RATIO || method == PP_METHOD_NAME_RATIO || binary;
    const size_t k = (size_t)pp_model_get_shape(m->model)->components;
    for (int i = 0; i < task->sources; i++) {
        memcpy(m->vectors + (size_t)i * k, vectors[i], k * sizeof(float));
    }
    pp_model_masks_float(m->model, m->scratch, m->maps, m->vectors, task->sources, m->model_masks);
    if (!alone) pp_masks_share(m->model_masks, task->sources, (int64_t)m->log_cells);
    for (int i = 0; i < task->sources; i++) {
        pp_spectrogram_separate(m->mixture, m->model_masks + (size_t)i * m->log_cells,
                                binary ? PP_MASK_LOG_BINARY : PP_MASK_LOG, m->estimates[i]);
    }
}

static int all_there(const float *const *vectors, int count)
{
    for (int i = 0; i < count; i++) {
        if (vectors[i] == NULL) return 0;
    }
    return 1;
}

/* Fills the estimates; *possible is 0 where the method lacks what it needs. */
static pp_status separate(pp_methods *m, const pp_method_task *task, pp_method method,
                          int *possible, pp_error *err)
{
    const float *blank[PP_BSS_MOST_SOURCES];
    for (int i = 0; i < task->sources; i++) blank[i] = task->blank;
    const float *const *vectors = method == PP_METHOD_SHUFFLED  ? task->shuffled
                                  : method == PP_METHOD_BLANKED ? blank
                                  : asks_by_name(method)        ? task->named
                                                                : task->vectors;
    *possible = 1;
    switch (method) {
    case PP_METHOD_MIXTURE:
        for (int i = 0; i < task->sources; i++) {
            memcpy(m->estimates[i], task->mixture, (size_t)task->samples * sizeof(float));
        }
        return PP_OK;
    case PP_METHOD_IDEAL_BINARY:
    case PP_METHOD_IDEAL_RATIO:
        ideal_masks(m, task, method == PP_METHOD_IDEAL_BINARY);
        return PP_OK;
    case PP_METHOD_NMF:
        return nmf_masks(m, task, PP_NMF_ORACLE, err);
    case PP_METHOD_NMF_BLIND:
        return nmf_masks(m, task, PP_NMF_BLIND, err);
    default:
        *possible = m->model != NULL && all_there(vectors, task->sources);
        if (*possible) model_masks(m, task, vectors, method);
        return PP_OK;
    }
}

static int any_silent(float *const *sounds, int count, int64_t samples)
{
    for (int i = 0; i < count; i++) {
        int64_t n = 0;
        while (n < samples && sounds[i][n] == 0.0F) n++;
        if (n == samples) return 1;
    }
    return 0;
}

static pp_status analyse(pp_methods *m, const pp_method_task *task, pp_error *err)
{
    if (task->samples < 1 || task->samples > pp_spectrogram_most_samples(m->mixture)) {
        return pp_fail(err, PP_ERR_USAGE, "a mixture of %lld samples: a window holds 1 to %lld",
                       (long long)task->samples,
                       (long long)pp_spectrogram_most_samples(m->mixture));
    }
    for (int i = 0; i < task->sources; i++) {
        pp_status status = prepare_source(m, i, err);
        if (status != PP_OK) return status;
        pp_spectrogram_analyse(m->references[i], task->references[i], task->samples);
    }
    pp_spectrogram_analyse(m->mixture, task->mixture, task->samples);
    if (m->model != NULL && (m->options.methods & PP_METHODS_MODEL) != 0) {
        pp_model_listen(m->model, m->scratch, pp_spectrogram_input(m->mixture), 1, m->maps);
    }
    return PP_OK;
}

pp_status pp_methods_run(pp_methods *m, const pp_method_task *task, pp_score scores[PP_METHODS],
                         pp_error *err)
{
    memset(scores, 0, PP_METHODS * sizeof *scores);
    pp_bss *bss = NULL;
    pp_status status = pp_bss_create(&bss, task->references, task->sources, task->samples,
                                     m->options.filter_taps, err);
    if (status == PP_OK) status = analyse(m, task, err);
    for (int method = 0; method < PP_METHODS && status == PP_OK; method++) {
        if ((m->options.methods & 1U << method) == 0) continue;
        int possible = 0;
        status = separate(m, task, (pp_method)method, &possible, err);
        if (status != PP_OK || !possible) continue;
        scores[method].state = PP_SCORE_SILENT;
        if (any_silent(m->estimates, task->sources, task->samples)) continue;
        scores[method].state = PP_SCORE_VALID;
        status =
            pp_bss_score(bss, (const float *const *)m->estimates, 0, &scores[method].figures, err);
    }
    pp_bss_destroy(&bss);
    return status;
}
