#include "train/validate.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "eval/bss.h"
#include "eval/spectrogram.h"
#include "train/mixer.h"

#define SEED 20180727 /* of the mixes; nothing hangs on the number */
#define FILTER_TAPS 512

enum { BY_PICTURE, BY_LABEL, WAYS };

struct pp_train_validation {
    const pp_train_job *job;
    pp_train_net *net;
    pp_train_mixer *mixer;
    pp_spectrogram *spectrogram;
    int sources, mixes, sdr_mixes;
    float *masks;     /* of a batch */
    float *estimates; /* [sources][samples] */
};

/* Sums over mixes, added up over the ranks. */
typedef struct sums {
    double loss, masks;
    double sdr[WAYS], mixture[WAYS], sources[WAYS];
    double refused;
} sums;

pp_status pp_train_validation_create(pp_train_validation **out, const pp_train_job *job,
                                     const pp_train_corpus *corpus, pp_train_net *net,
                                     pp_error *err)
{
    pp_train_validation *v = pp_alloc(1, sizeof *v);
    *out = v;
    if (v == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for validation");
    const pp_train_shape *shape = pp_train_net_shape(net);
    pp_train_shape mixes = *shape;
    mixes.extra_clips = mixes.mosaics = 0;
    pp_train_mix_options options = job->mix;
    memset(&options.sound, 0, sizeof options.sound);
    memset(&options.picture, 0, sizeof options.picture);
    options.keep_sounds = 1;
    v->job = job;
    v->net = net;
    v->sources = shape->sources;
    v->mixes = job->validation_mixes;
    v->sdr_mixes = job->validation_sdr_mixes < v->mixes ? job->validation_sdr_mixes : v->mixes;
    pp_status status = pp_train_mixer_create(&v->mixer, corpus, &options, &mixes, err);
    if (status == PP_OK) {
        const pp_spectrogram_shape front = {options.n_fft, options.hop_samples, shape->frames,
                                            shape->rows};
        status = pp_spectrogram_create(&v->spectrogram, front, err);
    }
    if (status == PP_OK) {
        const size_t bins = (size_t)(shape->rows * shape->frames);
        const size_t masks = (size_t)(shape->batch * shape->sources * 2);
        v->masks = pp_alloc(masks * bins, sizeof(float));
        v->estimates =
            pp_alloc((size_t)(v->sources * pp_train_mixer_samples(v->mixer)), sizeof(float));
        if (v->masks == NULL || v->estimates == NULL) {
            status = pp_fail(err, PP_ERR_NOMEM, "no memory for validation");
        }
    }
    if (status != PP_OK) pp_train_validation_destroy(out);
    return status;
}

void pp_train_validation_destroy(pp_train_validation **validation)
{
    if (validation == NULL || *validation == NULL) return;
    pp_train_mixer_destroy(&(*validation)->mixer);
    pp_spectrogram_destroy(&(*validation)->spectrogram);
    pp_free((*validation)->masks);
    pp_free((*validation)->estimates);
    PP_FREE(*validation);
}

/* Adds the mean SDR of `estimates` against `bss`; 0 where it is refused. */
static int score(pp_bss *bss, const float *const *estimates, int sources, double *sum)
{
    pp_error refused = {0};
    pp_bss_result result;
    if (pp_bss_score(bss, estimates, 0, &result, &refused) != PP_OK) return 0;
    for (int n = 0; n < sources; n++) *sum += result.sdr_db[n];
    return 1;
}

/* Separates mix `mix` of the batch by the masks of one way (masks[n] NULL: not asked so). */
static void measure_way(pp_train_validation *v, pp_bss *bss, int mix, const float *const *masks,
                        int way, sums *s)
{
    const int samples = pp_train_mixer_samples(v->mixer);
    const pp_mask_grid grid = v->job->mix.ratio_masks ? PP_MASK_LOG : PP_MASK_LOG_BINARY;
    const float *mixture = pp_train_mixer_sound(v->mixer, mix, -1);
    const float *estimates[PP_TRAIN_MOST_SOURCES], *mixtures[PP_TRAIN_MOST_SOURCES];
    double sdr = 0, own = 0;
    for (int n = 0; n < v->sources; n++) {
        if (masks[n] == NULL) return;
        float *estimate = v->estimates + (long)n * samples;
        pp_spectrogram_separate(v->spectrogram, masks[n], grid, estimate);
        estimates[n] = estimate;
        mixtures[n] = mixture;
    }
    if (!score(bss, estimates, v->sources, &sdr) || !score(bss, mixtures, v->sources, &own)) {
        s->refused++;
        return;
    }
    s->sdr[way] += sdr;
    s->mixture[way] += own;
    s->sources[way] += v->sources;
}

/* masks: those of this mix, in the order of pp_train_net_evaluate. Returns the next mix's. */
static const float *measure_mix(pp_train_validation *v, const pp_train_batch *batch, int mix,
                                int with_sdr, const float *masks, sums *s)
{
    const pp_train_shape *shape = pp_train_net_shape(v->net);
    const long bins = (long)shape->rows * shape->frames;
    const float *of[WAYS][PP_TRAIN_MOST_SOURCES] = {{NULL}};
    const float *references[PP_TRAIN_MOST_SOURCES];
    for (int n = 0; n < v->sources; n++) {
        const int at = mix * v->sources + n;
        references[n] = pp_train_mixer_sound(v->mixer, mix, n);
        if (batch->clip[at] >= 0) {
            of[BY_PICTURE][n] = masks;
            masks += bins;
        }
        if (batch->label[at] >= 0) {
            of[BY_LABEL][n] = masks;
            masks += bins;
        }
    }
    if (!with_sdr) return masks;
    pp_bss *bss = NULL;
    pp_error refused = {0};
    const int samples = pp_train_mixer_samples(v->mixer);
    if (pp_bss_create(&bss, references, v->sources, samples, FILTER_TAPS, &refused) != PP_OK) {
        s->refused++;
        return masks;
    }
    pp_spectrogram_analyse(v->spectrogram, pp_train_mixer_sound(v->mixer, mix, -1), samples);
    for (int way = 0; way < WAYS; way++) measure_way(v, bss, mix, of[way], way, s);
    pp_bss_destroy(&bss);
    return masks;
}

static pp_status measure_batch(pp_train_validation *v, int first, int mixes, sums *s, pp_error *err)
{
    pp_train_batch batch;
    double loss = 0;
    pp_status status =
        pp_train_mixer_fill(v->mixer, SEED, (uint64_t)first, mixes, v->sources, &batch, err);
    if (status == PP_OK) {
        status = pp_train_net_evaluate(v->net, &batch, v->job->loss, v->masks, &loss, err);
    }
    if (status != PP_OK) return status;
    const float *masks = v->masks;
    for (int i = 0; i < mixes; i++) {
        masks = measure_mix(v, &batch, i, first + i < v->sdr_mixes, masks, s);
    }
    const pp_train_shape *shape = pp_train_net_shape(v->net);
    const double count = (double)((masks - v->masks) / ((long)shape->rows * shape->frames));
    s->loss += loss * count;
    s->masks += count;
    return PP_OK;
}

pp_status pp_train_validation_run(pp_train_validation *validation,
                                  const pp_train_exchange *exchange, pp_train_measured *out,
                                  pp_error *err)
{
    pp_train_validation *v = validation;
    const int batch = pp_train_net_shape(v->net)->batch;
    sums s = {0};
    pp_status status = PP_OK;
    for (int first = exchange->rank * batch; first < v->mixes && status == PP_OK;
         first += exchange->ranks * batch) {
        const int mixes = v->mixes - first < batch ? v->mixes - first : batch;
        status = measure_batch(v, first, mixes, &s, err);
    }
    status = pp_train_agree(exchange, status, err);
    if (status != PP_OK) return status;
    if (exchange->sum != NULL) {
        exchange->sum(exchange->user, (double *)&s, (int)(sizeof s / sizeof(double)));
    }
    const double picture = s.sources[BY_PICTURE], label = s.sources[BY_LABEL];
    *out = (pp_train_measured){
        .loss = s.loss / s.masks,
        .sdr_db = picture > 0 ? s.sdr[BY_PICTURE] / picture : NAN,
        .gain_db = picture > 0 ? (s.sdr[BY_PICTURE] - s.mixture[BY_PICTURE]) / picture : NAN,
        .label_sdr_db = label > 0 ? s.sdr[BY_LABEL] / label : NAN,
        .label_gain_db = label > 0 ? (s.sdr[BY_LABEL] - s.mixture[BY_LABEL]) / label : NAN,
        .refused = (int)s.refused};
    return PP_OK;
}
