/* The labeller of a model: from what is known of a source (pipeline/label_features.h) to the name
 * of an instrument, how sure that is, and "unknown" where it is not sure enough. It lies in the
 * model file (docs/formats/model.md, "Labels") with a digest of its own: another labeller changes
 * no network's digest. `pp label train` fits it (train/label_fit.h). docs/labels.md.
 *
 *   features [D] -> x = (f - mean) * scale -> scores [C] = weight x + bias
 *                -> softmax(scores / temperature) -> name and confidence, or unknown
 *
 * Order: parse or read (or fit), use, clear. Immutable once filled; any number of threads.
 */
#ifndef PP_MODEL_LABELLER_H
#define PP_MODEL_LABELLER_H

#include "base/hash.h"
#include "model/tensors.h"
#include "store/h5.h"

#define PP_LABEL_MOST_NAME 64 /* bytes with the NUL: what an archive's label holds */
#define PP_LABEL_MOST_ID 32
#define PP_LABEL_MOST_CLASSES 1000
#define PP_LABEL_UNKNOWN "unknown"

typedef struct pp_labeller {
    int classes, features; /* C, D; classes 0: there is none */
    int layout;            /* of the features: PP_LABEL_LAYOUT when it was fitted */
    char (*names)[PP_LABEL_MOST_NAME];
    char (*audioset_ids)[PP_LABEL_MOST_ID]; /* "" where AudioSet has no such class */
    double temperature;                     /* divides the scores: calibration */
    double threshold;                       /* a confidence below is "unknown" */
    pp_tensors tensors;                     /* mean, scale [D], weight [C, D], bias [C] */
    char *training; /* JSON: how it was fitted, and how well; owned, NULL: not known */
    char digest[PP_HASH_HEX];
} pp_labeller;

void pp_labeller_clear(pp_labeller *labeller);

/* Room for C classes of D features, all zero. Clear in every case. */
pp_status pp_labeller_make(pp_labeller *labeller, int classes, int features,
                           pp_error *err) PP_MUST_USE;
/* Checks it, rounds temperature and threshold to six digits, and computes the digest. */
pp_status pp_labeller_complete(pp_labeller *labeller, pp_error *err) PP_MUST_USE;

/* From and into an open model file. Reading one that has none leaves classes 0. */
pp_status pp_labeller_read(pp_labeller *labeller, pp_h5 *h5, pp_error *err) PP_MUST_USE;
pp_status pp_labeller_write(const pp_labeller *labeller, pp_h5 *h5, pp_error *err) PP_MUST_USE;

/* Scores [C] before temperature and softmax. */
void pp_labeller_scores(const pp_labeller *labeller, const float *features, double *scores);
/* Scores [C] into probabilities, in place. */
void pp_labeller_softmax(double *scores, int count, double temperature);

typedef struct pp_label {
    char name[PP_LABEL_MOST_NAME]; /* "unknown" where it is not sure */
    char audioset_id[PP_LABEL_MOST_ID];
    int index;        /* of the likeliest class, even where it is not sure; -1: none */
    float confidence; /* probability of the likeliest class, calibrated */
} pp_label;

/* The label of a source. Features that are not finite give "unknown" with confidence 0. */
pp_status pp_labeller_decide(const pp_labeller *labeller, const float *features, pp_label *out,
                             pp_error *err) PP_MUST_USE;

/* AudioSet's identifier of an instrument of the MUSIC-21 set, "" for other names and for those
 * that AudioSet does not have. Case, and blanks against underscores, do not count. */
const char *pp_audioset_id(const char *name);
/* Whether two names of classes are the same but for case and blanks against underscores. */
int pp_class_names_equal(const char *a, const char *b);

#endif
