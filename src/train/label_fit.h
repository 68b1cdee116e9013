/* Fits a labeller: multinomial logistic regression on standardised features, with a penalty on the
 * weights, by L-BFGS (Liu and Nocedal, Math. Programming 45, 1989). Cross-validated by video: the
 * penalty, the temperature (Guo et al., "On calibration of modern neural networks", ICML 2017) and
 * the threshold for "unknown" come from videos that the fit did not see. docs/labels.md.
 *
 * Everything is in double precision and in a fixed order: the same samples give the same labeller.
 * One thread.
 */
#ifndef PP_TRAIN_LABEL_FIT_H
#define PP_TRAIN_LABEL_FIT_H

#include "base/json.h"
#include "model/labeller.h"

typedef struct pp_label_samples { /* all borrowed */
    int count, features, classes;
    const float *x;   /* [count, features] */
    const int *y;     /* [count] class */
    const int *video; /* [count] samples of one video (parts, copies) stay in one fold */
} pp_label_samples;

typedef struct pp_label_options {
    int folds;        /* 5 */
    double precision; /* 0.95: what labels that are given must reach in cross-validation */
    double penalty;   /* of the squared weights; 0: the best of a few by cross-validation */
    uint64_t seed;    /* of the folds */
} pp_label_options;

typedef struct pp_label_confusion { /* samples of `truth` called `said` */
    int truth, said, count;
} pp_label_confusion;

enum { PP_LABEL_MOST_CONFUSIONS = 8 };

typedef struct pp_label_report { /* of cross-validation */
    int samples, videos, classes;
    double penalty;
    double accuracy;          /* likeliest class right, sure or not */
    double calibration_error; /* expected: 15 bins of confidence */
    double temperature, threshold;
    double sure_share;     /* of samples that get a label and not "unknown" */
    double sure_precision; /* of those, how many are right */
    int confusion_count;
    pp_label_confusion confusions[PP_LABEL_MOST_CONFUSIONS]; /* the worst first */
} pp_label_report;

void pp_label_options_default(pp_label_options *options);

/* Fits *labeller (made by this; its names, identifiers and layout are the caller's to fill in
 * before pp_labeller_complete). Fails (PP_ERR_USAGE) with fewer than 2 classes or with a class that
 * has samples of fewer than 2 videos. */
pp_status pp_label_fit(pp_labeller *labeller, const pp_label_samples *samples,
                       const pp_label_options *options, pp_label_report *report,
                       pp_error *err) PP_MUST_USE;

/* Of probabilities [count, classes] against y: the expected calibration error. */
double pp_label_calibration_error(const double *probabilities, const int *y, int count,
                                  int classes);

/* The parts, for tests. Weights of a plain fit: theta [classes, features + 1], the bias last; x
 * standardised, [count, features]; chosen NULL: all samples, else those with chosen[i] != 0.
 * Returns the loss reached. */
typedef struct pp_label_problem {
    int count, features, classes;
    const double *x;
    const int *y;
    const unsigned char *chosen;
    double penalty;
} pp_label_problem;
/* Mean cross-entropy plus penalty; gradient [classes, features + 1]. room: [classes]. */
double pp_label_loss(const pp_label_problem *problem, const double *theta, double *gradient,
                     double *room);
/* theta: where it starts, and the result. */
pp_status pp_label_minimise(const pp_label_problem *problem, double *theta, double *loss,
                            pp_error *err) PP_MUST_USE;

/* The temperature that makes scores [count, classes] likeliest. */
double pp_label_find_temperature(const double *scores, const int *y, int count, int classes,
                                 double *room);
/* The lowest threshold on the confidence from which on labels reach the precision, at least one
 * half; 1 where none does. confidence, right [count]; sorted in place. */
typedef struct pp_label_sure {
    double confidence;
    int right;
} pp_label_sure;
double pp_label_find_threshold(pp_label_sure *sure, int count, double precision);

#endif
