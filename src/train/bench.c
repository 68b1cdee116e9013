#include "train/bench.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/memory.h"
#include "base/random.h"
#include "train/net.h"
#include "train/optimiser.h"
#include "train/rates.h"

typedef struct material { /* of a batch; owned */
    float *sound, *weight, *target, *pictures;
    int *clip, *label;
} material;

static void free_material(material *m)
{
    pp_free(m->sound), pp_free(m->weight), pp_free(m->target), pp_free(m->pictures);
    pp_free(m->clip), pp_free(m->label);
}

static pp_status make_up(const pp_train_shape *s, uint64_t seed, material *m, pp_train_batch *batch,
                         pp_error *err)
{
    const size_t bins = (size_t)(s->rows * s->frames) * (size_t)s->batch;
    const size_t asked = (size_t)(s->batch * s->sources);
    const size_t pixels =
        asked * (size_t)s->pictures * 3 * (size_t)(s->picture_size * s->picture_size);
    m->sound = pp_alloc(bins, sizeof(float));
    m->weight = pp_alloc(bins, sizeof(float));
    m->target = pp_alloc(bins * (size_t)s->sources, sizeof(float));
    m->pictures = pp_alloc(pixels, sizeof(float));
    m->clip = pp_alloc(asked, sizeof(int));
    m->label = pp_alloc(asked, sizeof(int));
    if (m->sound == NULL || m->weight == NULL || m->target == NULL || m->pictures == NULL ||
        m->clip == NULL || m->label == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for a batch");
    }
    pp_random random;
    pp_random_seed(&random, seed, 0);
    for (size_t i = 0; i < bins; i++) {
        m->sound[i] = (float)(3 * pp_random_normal(&random) - 5);
        m->weight[i] = (float)pp_random_uniform(&random);
    }
    for (size_t i = 0; i < bins * (size_t)s->sources; i++) {
        m->target[i] = pp_random_uniform(&random) < 0.5;
    }
    for (size_t i = 0; i < pixels; i++) m->pictures[i] = (float)pp_random_uniform(&random);
    for (size_t i = 0; i < asked; i++) {
        m->clip[i] = s->pictures > 0 ? (int)i : -1;
        m->label[i] = s->labels > 0 ? (int)i % s->labels : -1;
    }
    *batch = (pp_train_batch){.mixes = s->batch,
                              .sources = s->sources,
                              .sound = m->sound,
                              .weight = m->weight,
                              .target = m->target,
                              .clips = s->pictures > 0 ? (int)asked : 0,
                              .pictures = m->pictures,
                              .clip = m->clip,
                              .label = m->label};
    return PP_OK;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static pp_status run_steps(const pp_train_job *job, const pp_train_exchange *x, pp_train_net *net,
                           pp_train_optimiser *optimiser, const pp_train_batch *batch, int steps,
                           double *seconds, pp_error *err)
{
    pp_train_params *params = pp_train_net_params(net);
    const pp_train_hooks hooks = {x->user, job->synchronised_norm ? x->sum : NULL, x->ready};
    pp_status status = PP_OK;
    for (int i = 0; i < steps && status == PP_OK; i++) {
        double loss, rates[PP_TRAIN_GROUPS];
        const double before = pp_clock_s();
        if (x->begin != NULL) x->begin(x->user, params->gradients, params->trained);
        status = pp_train_net_step(net, batch, job->loss, &hooks, &loss, err);
        if (x->finish != NULL) x->finish(x->user);
        pp_train_rates_at(&job->rates, i, rates);
        pp_train_optimiser_step(optimiser, params, rates, 1.0 / x->ranks);
        seconds[i] = pp_clock_s() - before;
    }
    return status;
}

pp_status pp_train_bench(const pp_train_job *job, const pp_train_exchange *exchange, int labels,
                         int steps, pp_train_speed *speed, pp_error *err)
{
    pp_train_shape shape = job->shape;
    pp_train_net *net = NULL;
    pp_train_optimiser *optimiser = NULL;
    material m = {0};
    pp_train_batch batch;
    double *seconds = pp_alloc((size_t)steps, sizeof *seconds);
    shape.labels = job->mix.condition == PP_TRAIN_BY_PICTURE ? 0 : labels;
    pp_status status =
        seconds != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory to measure speed");
    if (status == PP_OK) status = pp_train_net_create(&net, &shape, err);
    if (status == PP_OK) {
        pp_train_params_init(pp_train_net_params(net), job->init, job->seed);
        status =
            pp_train_optimiser_create(&optimiser, &job->optimiser, pp_train_net_params(net), err);
    }
    if (status == PP_OK) {
        status = make_up(&shape, job->seed + (uint64_t)exchange->rank, &m, &batch, err);
    }
    status = pp_train_agree(exchange, status, err);
    if (status == PP_OK) {
        status = run_steps(job, exchange, net, optimiser, &batch, steps, seconds, err);
    }
    if (status == PP_OK) {
        qsort(seconds, (size_t)steps, sizeof *seconds, compare);
        speed->best_step_s = seconds[0];
        speed->median_step_s = seconds[steps / 2];
        speed->samples_per_s = shape.batch * exchange->ranks / seconds[steps / 2];
        speed->parameters = pp_train_net_params(net)->trained;
    }
    free_material(&m);
    pp_free(seconds);
    pp_train_optimiser_destroy(&optimiser);
    pp_train_net_destroy(&net);
    return status;
}
