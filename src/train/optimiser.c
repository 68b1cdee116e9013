#include "train/optimiser.h"

#include <math.h>

#include "base/clones.h"
#include "base/memory.h"
#include "train/loss.h"

#define CHUNK 1024

pp_status pp_train_optimiser_create(pp_train_optimiser **out,
                                    const pp_train_optimiser_options *options,
                                    const pp_train_params *params, pp_error *err)
{
    pp_train_optimiser *o = pp_alloc(1, sizeof *o);
    *out = o;
    if (o != NULL) {
        o->options = *options;
        o->first = pp_alloc(params->trained, sizeof(float));
        o->second =
            pp_alloc(options->method == PP_TRAIN_ADAMW ? params->trained : 1, sizeof(float));
    }
    if (o != NULL && o->first != NULL && o->second != NULL) return PP_OK;
    pp_train_optimiser_destroy(out);
    return pp_fail(err, PP_ERR_NOMEM, "no memory for the optimiser");
}

void pp_train_optimiser_destroy(pp_train_optimiser **optimiser)
{
    if (optimiser == NULL || *optimiser == NULL) return;
    pp_free((*optimiser)->first);
    pp_free((*optimiser)->second);
    PP_FREE(*optimiser);
}

PP_CLONES static void squares(const float *from, int count, float *restrict to)
{
    for (int i = 0; i < count; i++) to[i] = from[i] * from[i];
}

static double norm_of(const float *gradients, size_t count)
{
    float room[CHUNK];
    double sum = 0;
    for (size_t first = 0; first < count; first += CHUNK) {
        const int n = count - first < CHUNK ? (int)(count - first) : CHUNK;
        squares(gradients + first, n, room);
        sum += pp_train_sum(room, n);
    }
    return sqrt(sum);
}

PP_CLONES static void sgd(float *restrict value, const float *gradient, float *restrict momentum,
                          size_t count, float rate, float keep, float decay, float factor)
{
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i] * factor + decay * value[i];
        momentum[i] = keep * momentum[i] + g;
        value[i] -= rate * momentum[i];
    }
}

typedef struct adam_step {
    float factor, decayed; /* of the gradient; of the value */
    float beta1, beta2, rate, root2, epsilon;
} adam_step;

PP_CLONES static void adam(float *restrict value, const float *gradient, float *restrict first,
                           float *restrict second, size_t count, adam_step s)
{
    for (size_t i = 0; i < count; i++) {
        const float g = gradient[i] * s.factor;
        first[i] = s.beta1 * first[i] + (1 - s.beta1) * g;
        second[i] = s.beta2 * second[i] + (1 - s.beta2) * g * g;
        value[i] = s.decayed * value[i] -
                   s.rate * first[i] / (__builtin_sqrtf(second[i]) * s.root2 + s.epsilon);
    }
}

static int decays(const pp_train_optimiser *o, const pp_train_tensor *t)
{
    return !o->options.decay_weights_only || t->role == PP_TRAIN_WEIGHT;
}

double pp_train_optimiser_step(pp_train_optimiser *optimiser, pp_train_params *params,
                               const double rates[PP_TRAIN_GROUPS], double factor)
{
    pp_train_optimiser *o = optimiser;
    const pp_train_optimiser_options *options = &o->options;
    const double norm = norm_of(params->gradients, params->trained) * factor;
    if (options->clip_norm > 0 && norm > options->clip_norm) factor *= options->clip_norm / norm;
    o->steps++;
    const double unbias1 = 1 - pow(options->beta1, (double)o->steps);
    const double unbias2 = 1 - pow(options->beta2, (double)o->steps);
    for (size_t i = 0; i < params->count; i++) {
        const pp_train_tensor *t = &params->tensors[i];
        if (pp_train_is_statistic(t)) continue;
        const double rate = rates[t->group], decay = decays(o, t) ? options->weight_decay : 0;
        float *value = params->values + t->offset, *first = o->first + t->offset;
        const float *gradient = params->gradients + t->offset;
        if (options->method == PP_TRAIN_SGD) {
            sgd(value, gradient, first, t->count, (float)rate, (float)options->momentum,
                (float)decay, (float)factor);
            continue;
        }
        const adam_step s = {(float)factor,           (float)(1 - rate * decay),
                             (float)options->beta1,   (float)options->beta2,
                             (float)(rate / unbias1), (float)(1 / sqrt(unbias2)),
                             (float)options->epsilon};
        adam(value, gradient, first, o->second + t->offset, t->count, s);
    }
    return norm;
}
