/* How far a labeller's confidences can be believed, and from which on a label is given. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "train/label_fit.h"

#define COLDEST 0.25 /* few samples that are all right ask for infinite confidence */
#define HOTTEST 20.0
#define LOWEST_THRESHOLD 0.5
enum { BINS = 15, STEPS = 60 };

static int likeliest(const double *values, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++) best = values[i] > values[best] ? i : best;
    return best;
}

double pp_label_calibration_error(const double *probabilities, const int *y, int count, int classes)
{
    double confidence[BINS] = {0}, right[BINS] = {0}, error = 0;
    for (int i = 0; i < count; i++) {
        const double *p = probabilities + (size_t)i * (size_t)classes;
        int best = likeliest(p, classes), bin = (int)(p[best] * BINS);
        if (bin >= BINS) bin = BINS - 1;
        confidence[bin] += p[best];
        right[bin] += best == y[i];
    }
    for (int b = 0; b < BINS; b++) error += fabs(confidence[b] - right[b]);
    return count > 0 ? error / count : 0;
}

static double unlikeliness(const double *scores, const int *y, int count, int classes,
                           double temperature, double *room)
{
    double sum = 0;
    for (int i = 0; i < count; i++) {
        memcpy(room, scores + (size_t)i * (size_t)classes, (size_t)classes * sizeof *room);
        pp_labeller_softmax(room, classes, temperature);
        sum -= log(room[y[i]] > 1e-300 ? room[y[i]] : 1e-300);
    }
    return sum;
}

/* Golden section over the logarithm: the loss has one minimum in 1 / temperature. */
double pp_label_find_temperature(const double *scores, const int *y, int count, int classes,
                                 double *room)
{
    const double golden = 0.6180339887498949;
    double low = log(COLDEST), high = log(HOTTEST);
    double a = high - golden * (high - low), b = low + golden * (high - low);
    double at_a = unlikeliness(scores, y, count, classes, exp(a), room);
    double at_b = unlikeliness(scores, y, count, classes, exp(b), room);
    for (int i = 0; i < STEPS; i++) {
        if (at_a < at_b) {
            high = b, b = a, at_b = at_a;
            a = high - golden * (high - low);
            at_a = unlikeliness(scores, y, count, classes, exp(a), room);
        } else {
            low = a, a = b, at_a = at_b;
            b = low + golden * (high - low);
            at_b = unlikeliness(scores, y, count, classes, exp(b), room);
        }
    }
    return exp((low + high) / 2);
}

static int surest_first(const void *a, const void *b)
{
    const pp_label_sure *x = a, *y = b;
    if (x->confidence != y->confidence) return x->confidence > y->confidence ? -1 : 1;
    return x->right - y->right;
}

/* Of ties, which no threshold tells apart, the wrong ones come first: if some of them reach the
 * precision, all do. Between two samples it lies in the middle. However good the rest is, what is
 * more likely wrong than right is not given. */
double pp_label_find_threshold(pp_label_sure *sure, int count, double precision)
{
    double threshold = 1;
    int right = 0;
    qsort(sure, (size_t)count, sizeof *sure, surest_first);
    for (int i = 0; i < count; i++) {
        right += sure[i].right;
        if (right < precision * (i + 1)) continue;
        threshold = i + 1 < count ? (sure[i].confidence + sure[i + 1].confidence) / 2 : 0;
    }
    return threshold > LOWEST_THRESHOLD ? threshold : LOWEST_THRESHOLD;
}
