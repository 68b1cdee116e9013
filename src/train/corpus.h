/* The clips that a training draws from: cached clips of one split, with their labels.
 *
 * Clips that cannot be used are counted by reason, never dropped unseen. Order: create, add...,
 * settle, borrow, destroy. Not thread-safe while adding; then any number of threads.
 */
#ifndef PP_TRAIN_CORPUS_H
#define PP_TRAIN_CORPUS_H

#include "train/cache.h"

enum { PP_TRAIN_NO_LABEL = -1, PP_TRAIN_MANY_LABELS = -2 };

typedef struct pp_train_entry {
    pp_train_clip clip;
    char *id;     /* owned */
    char *labels; /* as given, joined by ';'; owned */
    int label;    /* of a clip with one label; or one of the two above */
} pp_train_entry;

typedef struct pp_train_corpus {
    pp_train_entry *entries;
    size_t count, capacity;
    char **labels; /* names in alphabetical order, once settled; owned */
    int label_count;
    int skipped[PP_TRAIN_CLIP_STATES]; /* by state; usable: 0 */
    int without_pictures;              /* among the usable */
    int without_label;                 /* none, or several */
    double seconds;
} pp_train_corpus;

pp_status pp_train_corpus_create(pp_train_corpus **out, pp_error *err) PP_MUST_USE;
void pp_train_corpus_destroy(pp_train_corpus **corpus);

/* clip: taken in every case (closed where it is not usable, and counted). id, labels: copied. */
pp_status pp_train_corpus_add(pp_train_corpus *corpus, pp_train_clip *clip, const char *id,
                              const char *labels, pp_error *err) PP_MUST_USE;

/* Numbers the labels. names NULL: all that stand alone in some clip, sorted. Otherwise those given
 * [count], whose order counts (a checkpoint's); clips of other labels then have none. */
pp_status pp_train_corpus_settle(pp_train_corpus *corpus, const char *const *names, int count,
                                 pp_error *err) PP_MUST_USE;

#endif
