/* What a training did over its steps: points of progress, kept in the checkpoint, and drawn.
 *
 * Order: zero-initialise, add, print or plot, free. One thread.
 */
#ifndef PP_TRAIN_HISTORY_H
#define PP_TRAIN_HISTORY_H

#include <stddef.h>
#include <stdint.h>

#include "base/json.h"
#include "base/status.h"

typedef struct pp_train_point { /* NaN: not measured there */
    int64_t step;               /* steps done */
    double hours;               /* of training, pauses between runs left out */
    double loss;                /* mean of the training steps since the point before */
    double rate;                /* of the audio network */
    double validation_loss;
    double sdr_db, gain_db; /* of the masks asked for by picture; over the mixture's own SDR */
    double label_sdr_db, label_gain_db;
    double samples_per_s;
} pp_train_point;

typedef struct pp_train_history {
    pp_train_point *points; /* owned */
    size_t count, capacity;
} pp_train_history;

pp_status pp_train_history_add(pp_train_history *history, const pp_train_point *point,
                               pp_error *err) PP_MUST_USE;
void pp_train_history_free(pp_train_history *history);

/* A point as one JSON object; what was not measured is left out. Owned by the caller. */
pp_json *pp_train_point_json(const pp_train_point *point);

/* Curves of loss and of gain over hours as an SVG document; owned by the caller, NULL: no memory.
 */
char *pp_train_history_plot(const pp_train_history *history, const char *title);

#endif
