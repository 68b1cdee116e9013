#include "train/trainer.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/clones.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "train/checkpoint.h"
#include "train/mixer.h"
#include "train/report.h"
#include "train/transfer.h"
#include "train/validate.h"

typedef struct trainer {
    const pp_train_setup *setup;
    const pp_train_job *job;
    const pp_train_exchange *exchange;
    pp_train_net *net;
    pp_train_params *params; /* the network's */
    pp_train_optimiser *optimiser;
    pp_train_mixer *mixer;
    pp_train_validation *validation; /* NULL: no validation clips */
    pp_train_history history;
    pp_train_state state;
    char *description;            /* of the job, JSON */
    float *average;               /* running mean of the values; NULL: none */
    double *statistics;           /* room for share_statistics; NULL: nothing to share */
    double start_s, hours_before; /* this run's start; of the runs before */
    double loss_sum;              /* since the last point, of this rank */
    int64_t loss_steps;
    double point_s, mixing_s; /* when the last point was made; spent on mixes since */
    double last_loss;
} trainer;

char *pp_train_out_path(const pp_train_job *job, const char *name)
{
    return pp_path_join(job->out, name);
}

static int is_writer(const trainer *t)
{
    return t->exchange->rank == 0;
}

/* ---- starting ---- */

static pp_status start_weights(trainer *t, pp_error *err)
{
    const pp_train_job *job = t->job;
    int taken = 0;
    pp_status status = PP_OK;
    pp_train_params_init(t->params, job->init, job->seed);
    if (job->trunk[0] != 0) {
        status = pp_train_trunk_from(t->params, job->trunk, &taken, err);
        if (status == PP_OK && is_writer(t)) {
            pp_log(PP_LOG_INFO, "%d tensors of the video network from %s", taken, job->trunk);
        }
    }
    if (status == PP_OK && job->start[0] != 0) {
        status = pp_train_start_from(t->params, job->start, &taken, err);
        if (status == PP_OK && is_writer(t)) {
            pp_log(PP_LOG_INFO, "starting from %d of %zu tensors of %s", taken, t->params->count,
                   job->start);
        }
    }
    if (status == PP_OK && t->average != NULL) {
        memcpy(t->average, t->params->values, sizeof(float) * t->params->trained);
    }
    return status;
}

static pp_status resume(trainer *t, const char *path, pp_error *err)
{
    pp_status status = pp_train_checkpoint_read(&t->state, pp_fileops_system(), path, err);
    if (status != PP_OK) {
        return pp_advise(err, "give another [run] out, or delete the checkpoint to start anew");
    }
    t->hours_before = t->state.hours;
    if (is_writer(t)) {
        t->loss_sum = t->state.loss_sum;
        t->loss_steps = t->state.loss_steps;
    }
    if (is_writer(t)) {
        pp_log(PP_LOG_INFO, "going on from step %lld (%.2f h)", (long long)t->state.step,
               t->state.hours);
    }
    if (t->state.ranks != t->exchange->ranks && is_writer(t)) {
        pp_log(PP_LOG_WARN, "%d ranks where there were %d: other mixes than without the stop",
               t->exchange->ranks, t->state.ranks);
    }
    t->state.ranks = t->exchange->ranks;
    return PP_OK;
}

static void fill_state(trainer *t)
{
    const pp_train_corpus *corpus = t->setup->train;
    const int labels = pp_train_net_shape(t->net)->labels;
    t->state = (pp_train_state){.params = t->params,
                                .optimiser = t->optimiser,
                                .average = t->average,
                                .history = &t->history,
                                .labels = corpus->labels,
                                .label_count = labels > 0 ? corpus->label_count : 0,
                                .ranks = t->exchange->ranks,
                                .best_loss = INFINITY,
                                .job = t->description};
}

static pp_status build(trainer *t, pp_error *err)
{
    pp_train_shape shape = t->job->shape;
    shape.labels = t->job->mix.condition == PP_TRAIN_BY_PICTURE ? 0 : t->setup->train->label_count;
    if (t->job->mix.condition == PP_TRAIN_BY_LABEL && shape.labels == 0) {
        pp_fail(err, PP_ERR_USAGE, "sources are asked for by label, and no clip has one label");
        return pp_advise(err, "a manifest's column `labels`, or [data] folder_labels = yes");
    }
    pp_status status = pp_train_net_create(&t->net, &shape, err);
    if (status != PP_OK) return status;
    t->params = pp_train_net_params(t->net);
    status = pp_train_optimiser_create(&t->optimiser, &t->job->optimiser, t->params, err);
    if (status == PP_OK) {
        status = pp_train_mixer_create(&t->mixer, t->setup->train, &t->job->mix, &shape, err);
    }
    if (status == PP_OK && t->setup->validation != NULL && t->setup->validation->count > 0) {
        status =
            pp_train_validation_create(&t->validation, t->job, t->setup->validation, t->net, err);
        if (status != PP_OK) pp_error_prefix(err, "validation: ");
    }
    if (status != PP_OK) return status;
    pp_json *description = pp_train_job_describe(t->job);
    t->description = pp_json_dump(description, 0);
    pp_json_free(&description);
    const int shares = t->exchange->sum != NULL && !t->job->synchronised_norm;
    if (t->job->average > 0) t->average = pp_alloc(t->params->trained, sizeof(float));
    if (shares) t->statistics = pp_alloc(t->params->tracked, sizeof(double));
    if (t->description == NULL || (t->job->average > 0 && t->average == NULL) ||
        (shares && t->statistics == NULL)) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for the training's state");
    }
    return PP_OK;
}

static pp_status start(trainer *t, pp_error *err)
{
    char *path = pp_train_out_path(t->job, "checkpoint.h5");
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = build(t, err);
    if (status == PP_OK) {
        fill_state(t);
        status = pp_path_exists(path) ? resume(t, path, err) : start_weights(t, err);
    }
    pp_free(path);
    t->start_s = t->point_s = pp_clock_s();
    return pp_train_agree(t->exchange, status, err);
}

static void finish(trainer *t)
{
    pp_train_validation_destroy(&t->validation);
    pp_train_mixer_destroy(&t->mixer);
    pp_train_optimiser_destroy(&t->optimiser);
    pp_train_net_destroy(&t->net);
    pp_train_history_free(&t->history);
    pp_free(t->average);
    pp_free(t->statistics);
    pp_free(t->description);
}

/* ---- a step ---- */

PP_CLONES static void blend(float *restrict average, const float *values, size_t count, float keep)
{
    for (size_t i = 0; i < count; i++) average[i] = keep * average[i] + (1 - keep) * values[i];
}

/* Young averages forget faster, or they would remember the random start for long. */
static void update_average(trainer *t)
{
    const double n = (double)t->state.step, young = (1 + n) / (10 + n);
    const double keep = t->job->average < young ? t->job->average : young;
    blend(t->average, t->params->values, t->params->trained, (float)keep);
}

/* Where BatchNorm is local, each rank has running statistics of its own mixes: their mean counts.
 * Taken after every step, it is the same on all ranks, so that a checkpoint at any step changes no
 * digit of what comes later: a mean of equal numbers is that number. */
static void share_statistics(trainer *t)
{
    const pp_train_exchange *x = t->exchange;
    if (t->statistics == NULL) return;
    for (size_t i = 0; i < t->params->tracked; i++) t->statistics[i] = t->params->statistics[i];
    x->sum(x->user, t->statistics, (int)t->params->tracked);
    for (size_t i = 0; i < t->params->tracked; i++) {
        t->params->statistics[i] = (float)(t->statistics[i] / x->ranks);
    }
}

static pp_status step(trainer *t, pp_error *err)
{
    const pp_train_exchange *x = t->exchange;
    const int mixes = t->job->shape.batch;
    const int sources = pp_train_job_sources(t->job, t->state.step);
    const uint64_t number = (uint64_t)t->state.step * (uint64_t)x->ranks + (uint64_t)x->rank;
    pp_train_batch batch;
    double loss = 0, rates[PP_TRAIN_GROUPS], before = pp_clock_s();
    pp_status status = pp_train_mixer_fill(t->mixer, t->job->seed, number * (uint64_t)mixes, mixes,
                                           sources, &batch, err);
    t->mixing_s += pp_clock_s() - before;
    if (status != PP_OK) return status;
    const pp_train_hooks hooks = {x->user, t->job->synchronised_norm ? x->sum : NULL, x->ready};
    if (x->begin != NULL) x->begin(x->user, t->params->gradients, t->params->trained);
    status = pp_train_net_step(t->net, &batch, t->job->loss, &hooks, &loss, err);
    if (x->finish != NULL) x->finish(x->user);
    if (status != PP_OK) return status;
    pp_train_rates_at(&t->job->rates, t->state.step, rates);
    pp_train_optimiser_step(t->optimiser, t->params, rates, 1.0 / x->ranks);
    share_statistics(t);
    t->state.step++;
    if (t->average != NULL) update_average(t);
    t->loss_sum += loss;
    t->loss_steps++;
    return PP_OK;
}

/* ---- progress ---- */

static pp_status validate(trainer *t, pp_train_point *point, pp_error *err)
{
    pp_train_measured measured;
    float *values = t->params->values;
    if (t->average != NULL) t->params->values = t->average;
    pp_status status = pp_train_validation_run(t->validation, t->exchange, &measured, err);
    t->params->values = values;
    if (status != PP_OK) return status;
    if (measured.refused > 0 && is_writer(t)) {
        pp_log(PP_LOG_WARN, "%d measurements of validation mixes left out: silent sources",
               measured.refused);
    }
    point->validation_loss = measured.loss;
    point->sdr_db = measured.sdr_db;
    point->gain_db = measured.gain_db;
    point->label_sdr_db = measured.label_sdr_db;
    point->label_gain_db = measured.label_gain_db;
    return PP_OK;
}

static double hours_now(const trainer *t)
{
    return t->hours_before + (pp_clock_s() - t->start_s) / 3600;
}

static pp_status loss_is_lost(const trainer *t, pp_error *err)
{
    pp_fail(err, PP_ERR_INTERNAL, "the loss is no number any more at step %lld",
            (long long)t->state.step);
    return pp_advise(err, "lower the learning rates, warm up longer, or set clip_norm");
}

/* The mean loss since the last point and the speed; collective. */
static pp_status make_point(trainer *t, int with_validation, pp_error *err)
{
    const double now = pp_clock_s();
    double sums[3] = {t->loss_sum, (double)t->loss_steps, t->mixing_s};
    double rates[PP_TRAIN_GROUPS];
    if (t->exchange->sum != NULL) t->exchange->sum(t->exchange->user, sums, 3);
    pp_train_rates_at(&t->job->rates, t->state.step > 0 ? t->state.step - 1 : 0, rates);
    pp_train_point point = {.step = t->state.step,
                            .hours = hours_now(t),
                            .loss = sums[1] > 0 ? sums[0] / sums[1] : NAN,
                            .rate = rates[PP_TRAIN_GROUP_SOUND],
                            .validation_loss = NAN,
                            .sdr_db = NAN,
                            .gain_db = NAN,
                            .label_sdr_db = NAN,
                            .label_gain_db = NAN,
                            .samples_per_s = sums[1] * t->job->shape.batch / (now - t->point_s)};
    if (sums[1] > 0 && !isfinite(point.loss)) return loss_is_lost(t, err);
    t->last_loss = point.loss;
    pp_status status = PP_OK;
    if (with_validation && t->validation != NULL) status = validate(t, &point, err);
    if (status == PP_OK) status = pp_train_history_add(&t->history, &point, err);
    if (status != PP_OK) return status;
    if (is_writer(t)) {
        pp_train_report_line(&t->history, t->job->steps);
        pp_log(PP_LOG_DEBUG, "%.0f %% of the time on mixes",
               100 * sums[2] / t->exchange->ranks / (now - t->point_s));
        status = pp_train_report_files(t->job, &t->history, err);
    }
    t->loss_sum = t->mixing_s = 0;
    t->loss_steps = 0;
    t->point_s = pp_clock_s();
    return pp_train_agree(t->exchange, status, err);
}

/* ---- files ---- */

static pp_status write_checkpoint(trainer *t, pp_error *err)
{
    pp_status status = PP_OK;
    double sums[2] = {t->loss_sum, (double)t->loss_steps};
    if (t->exchange->sum != NULL) t->exchange->sum(t->exchange->user, sums, 2);
    if (!isfinite(sums[0])) return loss_is_lost(t, err);
    t->state.loss_sum = sums[0];
    t->state.loss_steps = (int64_t)sums[1];
    t->state.hours = hours_now(t);
    if (is_writer(t)) {
        char *path = pp_train_out_path(t->job, "checkpoint.h5");
        status = path != NULL ? pp_train_checkpoint_write(&t->state, pp_fileops_system(), path, err)
                              : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        pp_free(path);
    }
    return pp_train_agree(t->exchange, status, err);
}

static pp_json *provenance_of(const trainer *t)
{
    pp_json *object = pp_json_object(), *job = NULL;
    pp_error unused = {0};
    pp_json_set_text(object, "trained_by", "pp-train " PP_VERSION);
    pp_json_set_int(object, "step", t->state.step);
    pp_json_set_int(object, "ranks", t->exchange->ranks);
    pp_json_set_real(object, "hours", hours_now(t));
    pp_json_set_int(object, "training_clips", (int64_t)t->setup->train->count);
    pp_json_set_real(object, "training_hours", t->setup->train->seconds / 3600);
    if (pp_json_parse(&job, t->description, strlen(t->description), "job", &unused) == PP_OK) {
        pp_json_set(object, "job", job);
    }
    return object;
}

/* best.h5 and model.h5, from the values that validation used. */
static pp_status write_best(trainer *t, pp_error *err)
{
    pp_train_state best = t->state;
    float *values = t->params->values;
    char *checkpoint = pp_train_out_path(t->job, "best.h5");
    char *model = pp_train_out_path(t->job, "model.h5");
    best.optimiser = NULL;
    best.history = NULL;
    best.average = NULL;
    best.hours = hours_now(t);
    pp_status status = checkpoint != NULL && model != NULL
                           ? PP_OK
                           : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    if (status == PP_OK) {
        if (t->average != NULL) t->params->values = t->average;
        status = pp_train_checkpoint_write(&best, pp_fileops_system(), checkpoint, err);
        pp_json *quality = t->validation != NULL
                               ? pp_train_point_json(&t->history.points[t->history.count - 1])
                               : NULL;
        if (status == PP_OK) {
            status = pp_train_export(t->job, t->params, t->params->values, t->state.labels,
                                     t->state.label_count, provenance_of(t), quality, model, err);
        } else {
            pp_json_free(&quality);
        }
        t->params->values = values;
    }
    pp_free(checkpoint), pp_free(model);
    return status;
}

/* After a point: is it the best so far? Without validation the latest is. */
static pp_status keep_best(trainer *t, pp_error *err)
{
    const double loss = t->history.points[t->history.count - 1].validation_loss;
    if (t->validation != NULL && !(loss < t->state.best_loss)) return PP_OK;
    if (t->validation != NULL) t->state.best_loss = loss;
    pp_status status = is_writer(t) ? write_best(t, err) : PP_OK;
    return pp_train_agree(t->exchange, status, err);
}

/* ---- the loop ---- */

/* Any rank's wish to stop is all ranks' wish. */
static int stops(const trainer *t)
{
    double wish = t->setup->should_stop != NULL && t->setup->should_stop(t->setup->stop_user);
    if (t->exchange->sum != NULL) t->exchange->sum(t->exchange->user, &wish, 1);
    return wish > 0;
}

/* What is due after a step. `last`: of the training. */
static pp_status after_step(trainer *t, int last, pp_error *err)
{
    const int64_t done = t->state.step;
    const int validates = last || done % t->job->validate_every == 0;
    pp_status status = PP_OK;
    if (validates || done % t->job->progress_every == 0) status = make_point(t, validates, err);
    if (status == PP_OK && validates) status = keep_best(t, err);
    if (status == PP_OK && (last || done % t->job->checkpoint_every == 0)) {
        status = write_checkpoint(t, err);
    }
    return status;
}

static pp_status loop(trainer *t, pp_train_outcome *outcome, pp_error *err)
{
    pp_status status = PP_OK;
    while (status == PP_OK && t->state.step < t->job->steps) {
        if (stops(t)) return write_checkpoint(t, err);
        status = step(t, err);
        if (status == PP_OK) status = after_step(t, t->state.step == t->job->steps, err);
    }
    outcome->finished = status == PP_OK;
    return status;
}

pp_status pp_train_run(const pp_train_setup *setup, pp_train_outcome *outcome, pp_error *err)
{
    trainer t = {.setup = setup, .job = setup->job, .exchange = setup->exchange, .last_loss = NAN};
    *outcome = (pp_train_outcome){.last_loss = NAN, .best_loss = INFINITY};
    pp_status status = pp_path_make_folders(setup->job->out, err);
    status = pp_train_agree(setup->exchange, status, err);
    if (status == PP_OK) status = start(&t, err);
    if (status == PP_OK) {
        status = loop(&t, outcome, err);
        outcome->step = t.state.step;
        outcome->last_loss = t.last_loss;
        outcome->best_loss = t.state.best_loss;
    }
    finish(&t);
    return status;
}
