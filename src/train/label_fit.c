#include "train/label_fit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/random.h"

static const double penalties[] = {3e-4, 1e-3, 3e-3, 1e-2};
enum { PENALTIES = sizeof penalties / sizeof *penalties };

void pp_label_options_default(pp_label_options *options)
{
    *options = (pp_label_options){.folds = 5, .precision = 0.95, .seed = 1};
}

typedef struct fit {
    const pp_label_samples *s;
    const pp_label_options *options;
    int *fold;             /* [count] */
    unsigned char *chosen; /* [count] */
    double *mean, *scale;  /* [D] of the chosen samples */
    double *x;             /* [count, D] standardised by them */
    double *theta;         /* [C, D + 1] */
    double *scores;        /* [count, C] by the fits that did not see the sample */
    double *best;          /* [count, C] of the best penalty */
    double *room;          /* [C] */
    pp_label_sure *sure;   /* [count] */
} fit;

static pp_status allocate(fit *f, pp_error *err)
{
    size_t n = (size_t)f->s->count, d = (size_t)f->s->features, c = (size_t)f->s->classes;
    const struct {
        void *to;
        size_t count, size;
    } wants[] = {
        {&f->fold, n, sizeof *f->fold},      {&f->chosen, n, 1},
        {&f->mean, d, sizeof(double)},       {&f->scale, d, sizeof(double)},
        {&f->x, n * d, sizeof(double)},      {&f->theta, c * (d + 1), sizeof(double)},
        {&f->scores, n * c, sizeof(double)}, {&f->best, n * c, sizeof(double)},
        {&f->room, c, sizeof(double)},       {&f->sure, n, sizeof *f->sure},
    };
    pp_status status = PP_OK;
    for (size_t i = 0; status == PP_OK && i < sizeof wants / sizeof *wants; i++) {
        void *memory = NULL;
        status = pp_alloc_checked(&memory, wants[i].count, wants[i].size, "fitting labels", err);
        memcpy(wants[i].to, &memory, sizeof memory);
    }
    return status;
}

static void destroy(fit *f)
{
    pp_free(f->fold);
    pp_free(f->chosen);
    pp_free(f->mean);
    pp_free(f->scale);
    pp_free(f->x);
    pp_free(f->theta);
    pp_free(f->scores);
    pp_free(f->best);
    pp_free(f->room);
    pp_free(f->sure);
}

/* ---- folds ----------------------------------------------------------------------------------- */

typedef struct place { /* a sample among those of its class, in chance order of videos */
    int y;
    uint64_t order;
    int video, sample;
} place;

static int by_class(const void *a, const void *b)
{
    const place *x = a, *y = b;
    if (x->y != y->y) return x->y - y->y;
    if (x->order != y->order) return x->order < y->order ? -1 : 1;
    return x->video != y->video ? x->video - y->video : x->sample - y->sample;
}

/* Videos of each class are dealt out to the folds in turn, so that every fold has all classes. A
 * video with samples of several classes keeps the first fold it got. */
static pp_status deal_folds(fit *f, pp_error *err)
{
    const pp_label_samples *s = f->s;
    void *memory = NULL;
    pp_status status =
        pp_alloc_checked(&memory, (size_t)s->count, sizeof(place), "folds of videos", err);
    if (status != PP_OK) return status;
    place *places = memory;
    for (int i = 0; i < s->count; i++) {
        pp_random random;
        pp_random_seed(&random, f->options->seed, (uint64_t)s->video[i]);
        places[i] = (place){s->y[i], pp_random_bits(&random), s->video[i], i};
        f->fold[i] = -1;
    }
    qsort(places, (size_t)s->count, sizeof *places, by_class);
    for (int i = 0, next = 0; i < s->count; i++) {
        int at = places[i].sample;
        if (f->fold[at] >= 0) continue;
        for (int j = 0; j < s->count; j++) {
            if (s->video[j] == s->video[at]) f->fold[j] = next % f->options->folds;
        }
        next++;
    }
    pp_free(memory);
    return PP_OK;
}

static pp_status check_samples(const pp_label_samples *s, pp_error *err)
{
    if (s->classes < 2) {
        return pp_fail(err, PP_ERR_USAGE, "labels of at least two classes are needed, not %d",
                       s->classes);
    }
    for (int c = 0; c < s->classes; c++) {
        int first = -1, several = 0;
        for (int i = 0; i < s->count; i++) {
            if (s->y[i] != c) continue;
            if (first >= 0 && s->video[i] != first) several = 1;
            if (first < 0) first = s->video[i];
        }
        if (!several) {
            return pp_fail(err, PP_ERR_USAGE,
                           "class %d has fewer than two videos: none could be left out to check",
                           c);
        }
    }
    return PP_OK;
}

/* ---- one fit --------------------------------------------------------------------------------- */

/* Mean and deviation of the chosen samples; all samples standardised by them. A feature that never
 * changes counts for nothing. */
static void standardise(fit *f)
{
    const pp_label_samples *s = f->s;
    int used = 0;
    for (int i = 0; i < s->count; i++) used += f->chosen[i] != 0;
    for (int k = 0; k < s->features; k++) {
        double sum = 0, squares = 0;
        for (int i = 0; i < s->count; i++) {
            if (f->chosen[i]) sum += (double)s->x[(size_t)i * (size_t)s->features + (size_t)k];
        }
        f->mean[k] = sum / used;
        for (int i = 0; i < s->count; i++) {
            double apart = (double)s->x[(size_t)i * (size_t)s->features + (size_t)k] - f->mean[k];
            if (f->chosen[i]) squares += apart * apart;
        }
        double deviation = sqrt(squares / used);
        f->scale[k] = deviation > 1e-9 * (1 + fabs(f->mean[k])) ? 1 / deviation : 0;
        for (int i = 0; i < s->count; i++) {
            size_t at = (size_t)i * (size_t)s->features + (size_t)k;
            f->x[at] = ((double)s->x[at] - f->mean[k]) * f->scale[k];
        }
    }
}

/* Fits to the chosen samples, from nothing. */
static pp_status fit_chosen(fit *f, double penalty, pp_error *err)
{
    const pp_label_samples *s = f->s;
    double loss = 0;
    size_t size = (size_t)s->classes * ((size_t)s->features + 1);
    standardise(f);
    memset(f->theta, 0, size * sizeof *f->theta);
    const pp_label_problem problem = {.count = s->count,
                                      .features = s->features,
                                      .classes = s->classes,
                                      .x = f->x,
                                      .y = s->y,
                                      .chosen = f->chosen,
                                      .penalty = penalty};
    return pp_label_minimise(&problem, f->theta, &loss, err);
}

static void score(const fit *f, int sample)
{
    const pp_label_samples *s = f->s;
    const double *x = f->x + (size_t)sample * (size_t)s->features;
    double *out = f->scores + (size_t)sample * (size_t)s->classes;
    for (int c = 0; c < s->classes; c++) {
        const double *w = f->theta + (size_t)c * ((size_t)s->features + 1);
        out[c] = w[s->features];
        for (int k = 0; k < s->features; k++) out[c] += w[k] * x[k];
    }
}

/* Scores of every sample by a fit that did not see its video. */
static pp_status cross_validate(fit *f, double penalty, pp_error *err)
{
    pp_status status = PP_OK;
    for (int fold = 0; status == PP_OK && fold < f->options->folds; fold++) {
        for (int i = 0; i < f->s->count; i++) f->chosen[i] = f->fold[i] != fold;
        status = fit_chosen(f, penalty, err);
        for (int i = 0; status == PP_OK && i < f->s->count; i++) {
            if (!f->chosen[i]) score(f, i);
        }
    }
    return status;
}

static int likeliest(const double *values, int count)
{
    int best = 0;
    for (int i = 1; i < count; i++) best = values[i] > values[best] ? i : best;
    return best;
}

/* Mean cross-entropy of the scores at their best temperature. */
static double surprise(fit *f, const double *scores, double *temperature)
{
    const pp_label_samples *s = f->s;
    double sum = 0;
    *temperature = pp_label_find_temperature(scores, s->y, s->count, s->classes, f->room);
    for (int i = 0; i < s->count; i++) {
        memcpy(f->room, scores + (size_t)i * (size_t)s->classes,
               (size_t)s->classes * sizeof *f->room);
        pp_labeller_softmax(f->room, s->classes, *temperature);
        sum -= log(f->room[s->y[i]] > 1e-300 ? f->room[s->y[i]] : 1e-300);
    }
    return sum / s->count;
}

static pp_status choose_penalty(fit *f, pp_label_report *report, pp_error *err)
{
    double least = INFINITY;
    size_t bytes = (size_t)f->s->count * (size_t)f->s->classes * sizeof *f->best;
    pp_status status = PP_OK;
    int given = f->options->penalty > 0;
    for (int i = 0; status == PP_OK && i < (given ? 1 : PENALTIES); i++) {
        double penalty = given ? f->options->penalty : penalties[i], temperature = 1;
        status = cross_validate(f, penalty, err);
        if (status != PP_OK) break;
        double now = surprise(f, f->scores, &temperature);
        if (!(now < least)) continue;
        least = now;
        report->penalty = penalty;
        report->temperature = temperature;
        memcpy(f->best, f->scores, bytes);
    }
    return status;
}

/* ---- what came of it ------------------------------------------------------------------------- */

static int worst_first(const void *a, const void *b)
{
    const pp_label_confusion *x = a, *y = b;
    if (x->count != y->count) return y->count - x->count;
    return x->truth != y->truth ? x->truth - y->truth : x->said - y->said;
}

static pp_status list_confusions(const fit *f, pp_label_report *report, pp_error *err)
{
    int classes = f->s->classes;
    size_t pairs = (size_t)classes * (size_t)classes;
    void *memory = NULL;
    pp_status status =
        pp_alloc_checked(&memory, pairs, sizeof(pp_label_confusion), "confusions", err);
    if (status != PP_OK) return status;
    pp_label_confusion *all = memory;
    for (int i = 0; i < classes * classes; i++) {
        all[i] = (pp_label_confusion){.truth = i / classes, .said = i % classes};
    }
    for (int i = 0; i < f->s->count; i++) {
        int said = likeliest(f->best + (size_t)i * (size_t)classes, classes);
        if (said != f->s->y[i]) all[f->s->y[i] * classes + said].count++;
    }
    qsort(all, pairs, sizeof *all, worst_first);
    for (size_t i = 0; i < pairs && i < PP_LABEL_MOST_CONFUSIONS && all[i].count > 0; i++) {
        report->confusions[report->confusion_count++] = all[i];
    }
    pp_free(memory);
    return PP_OK;
}

/* f->best becomes probabilities. */
static void judge(fit *f, pp_label_report *report)
{
    const pp_label_samples *s = f->s;
    int right = 0, sure = 0, sure_right = 0;
    for (int i = 0; i < s->count; i++) {
        double *p = f->best + (size_t)i * (size_t)s->classes;
        pp_labeller_softmax(p, s->classes, report->temperature);
        int best = likeliest(p, s->classes);
        f->sure[i] = (pp_label_sure){p[best], best == s->y[i]};
        right += best == s->y[i];
    }
    report->accuracy = (double)right / s->count;
    report->calibration_error = pp_label_calibration_error(f->best, s->y, s->count, s->classes);
    report->threshold = pp_label_find_threshold(f->sure, s->count, f->options->precision);
    for (int i = 0; i < s->count; i++) {
        if (f->sure[i].confidence < report->threshold) continue;
        sure++;
        sure_right += f->sure[i].right;
    }
    report->sure_share = (double)sure / s->count;
    report->sure_precision = sure > 0 ? (double)sure_right / sure : 1;
}

/* The final fit, to all samples. */
static pp_status fill_labeller(fit *f, pp_labeller *out, const pp_label_report *report,
                               pp_error *err)
{
    const pp_label_samples *s = f->s;
    memset(f->chosen, 1, (size_t)s->count);
    pp_status status = fit_chosen(f, report->penalty, err);
    if (status == PP_OK) status = pp_labeller_make(out, s->classes, s->features, err);
    if (status != PP_OK) return status;
    float *weight = pp_tensors_find(&out->tensors, "weight")->values;
    float *bias = pp_tensors_find(&out->tensors, "bias")->values;
    float *mean = pp_tensors_find(&out->tensors, "mean")->values;
    float *scale = pp_tensors_find(&out->tensors, "scale")->values;
    for (int c = 0; c < s->classes; c++) {
        const double *w = f->theta + (size_t)c * ((size_t)s->features + 1);
        for (int k = 0; k < s->features; k++) *weight++ = (float)w[k];
        bias[c] = (float)w[s->features];
    }
    for (int k = 0; k < s->features; k++) {
        mean[k] = (float)f->mean[k];
        scale[k] = (float)f->scale[k];
    }
    out->temperature = report->temperature;
    out->threshold = report->threshold;
    return PP_OK;
}

static int count_videos(const pp_label_samples *s)
{
    int videos = 0;
    for (int i = 0; i < s->count; i++) {
        int seen = 0;
        for (int j = 0; !seen && j < i; j++) seen = s->video[j] == s->video[i];
        videos += !seen;
    }
    return videos;
}

pp_status pp_label_fit(pp_labeller *labeller, const pp_label_samples *samples,
                       const pp_label_options *options, pp_label_report *report, pp_error *err)
{
    fit f = {.s = samples, .options = options};
    *labeller = (pp_labeller){0};
    *report = (pp_label_report){.samples = samples->count, .classes = samples->classes};
    pp_status status = check_samples(samples, err);
    if (status == PP_OK) status = allocate(&f, err);
    if (status == PP_OK) status = deal_folds(&f, err);
    if (status == PP_OK) status = choose_penalty(&f, report, err);
    if (status == PP_OK) status = list_confusions(&f, report, err);
    if (status == PP_OK) {
        report->videos = count_videos(samples);
        judge(&f, report);
        status = fill_labeller(&f, labeller, report, err);
    }
    destroy(&f);
    return status;
}
