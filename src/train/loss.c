#include "train/loss.h"

#include "base/clones.h"
#include "train/vector_math.h"

#define LANES 16
#define CHUNK 2048 /* floats summed in single precision before the sum goes over into double */

/* sigmoid(z), and e = exp(-|z|) for those who need the logarithm too. */
static inline float sigmoid(float z, float *e)
{
    const float magnitude = z < 0 ? -z : z;
    *e = pp_train_exp(-magnitude);
    const float up = 1 / (1 + *e);
    return z < 0 ? *e * up : up;
}

PP_CLONES static void bce(const float *z, const float *t, const float *w, int count, float factor,
                          float *restrict loss, float *gradient)
{
    PP_IN_PLACE
    for (int i = 0; i < count; i++) {
        float e;
        const float s = sigmoid(z[i], &e);
        const float positive = z[i] > 0 ? z[i] : 0;
        loss[i] = w[i] * (positive - z[i] * t[i] + pp_train_log1p_small(e));
        gradient[i] = factor * w[i] * (s - t[i]);
    }
}

PP_CLONES static void l1(const float *z, const float *t, const float *w, int count, float factor,
                         float *restrict loss, float *gradient)
{
    PP_IN_PLACE
    for (int i = 0; i < count; i++) {
        float e;
        const float s = sigmoid(z[i], &e), d = s - t[i];
        const float slope = w[i] * s * (1 - s) * factor;
        loss[i] = w[i] * (d < 0 ? -d : d);
        gradient[i] = d > 0 ? slope : d < 0 ? -slope : 0;
    }
}

PP_CLONES static void l2(const float *z, const float *t, const float *w, int count, float factor,
                         float *restrict loss, float *gradient)
{
    PP_IN_PLACE
    for (int i = 0; i < count; i++) {
        float e;
        const float s = sigmoid(z[i], &e), d = s - t[i];
        loss[i] = w[i] * d * d;
        gradient[i] = 2 * factor * w[i] * d * s * (1 - s);
    }
}

PP_CLONES static void add_lanes(const float *values, int count, float *restrict lanes)
{
    for (int i = 0; i + LANES <= count; i += LANES) {
        for (int j = 0; j < LANES; j++) lanes[j] += values[i + j];
    }
    for (int i = count - count % LANES; i < count; i++) lanes[i % LANES] += values[i];
}

double pp_train_sum(const float *values, long count)
{
    double sum = 0;
    for (long first = 0; first < count; first += CHUNK) {
        float lanes[LANES] = {0};
        add_lanes(values + first, count - first < CHUNK ? (int)(count - first) : CHUNK, lanes);
        for (int j = 0; j < LANES; j++) sum += lanes[j];
    }
    return sum;
}

double pp_train_mask_loss(pp_train_loss kind, const float *logits, const float *target,
                          const float *weight, long count, float factor, float *gradient)
{
    float loss[CHUNK], unused[CHUNK];
    double sum = 0;
    for (long first = 0; first < count; first += CHUNK) {
        const int n = count - first < CHUNK ? (int)(count - first) : CHUNK;
        const float *z = logits + first, *t = target + first, *w = weight + first;
        float *g = gradient != NULL ? gradient + first : unused;
        switch (kind) {
        case PP_TRAIN_BCE:
            bce(z, t, w, n, factor, loss, g);
            break;
        case PP_TRAIN_L1:
            l1(z, t, w, n, factor, loss, g);
            break;
        case PP_TRAIN_L2:
            l2(z, t, w, n, factor, loss, g);
            break;
        }
        sum += pp_train_sum(loss, n);
    }
    return sum;
}

PP_CLONES void pp_train_sigmoid(const float *logits, long count, float *mask)
{
    PP_IN_PLACE
    for (long i = 0; i < count; i++) {
        float e;
        mask[i] = sigmoid(logits[i], &e);
    }
}
