/* One axis of "bilinear x2 (align_corners), then a kernel of 3 with zero padding", as tables.
 *
 * Along one axis the value at fine position X, 0 <= X < 2 low, is
 *
 *     sum over k in 0..2, X' = X + k - 1 inside:   (1 - f) t[i][k] + f t[i + 1][k]
 *     with i + f = X' (low - 1) / (2 low - 1)
 *
 * where t[i][k] is what coarse position i sends through tap k: the kernel's weights act on the
 * coarse grid and only interpolation is left for the fine one (NETWORKS.md, "Exact shortcuts").
 * `taps` lists the terms of a fine position, `gathers` the transpose: which fine positions, all in
 * a row, a pair (i, k) reaches. Immutable once created; any number of threads.
 */
#ifndef PP_TRAIN_AXIS_H
#define PP_TRAIN_AXIS_H

#include "base/status.h"

#define PP_TRAIN_AXIS_TERMS 6

typedef struct pp_train_taps {      /* terms that do not exist have weight 0 and a valid index */
    int index[PP_TRAIN_AXIS_TERMS]; /* 3 i + k */
    float weight[PP_TRAIN_AXIS_TERMS];
} pp_train_taps;

typedef struct pp_train_gather {
    int first, count; /* fine positions */
    float weight[PP_TRAIN_AXIS_TERMS];
} pp_train_gather;

typedef struct pp_train_axis {
    int low;                  /* coarse positions; the fine ones are twice as many */
    pp_train_taps *taps;      /* [2 low] */
    pp_train_gather *gathers; /* [3 low], index 3 i + k */
} pp_train_axis;

pp_status pp_train_axis_create(pp_train_axis *axis, int low, pp_error *err) PP_MUST_USE;
void pp_train_axis_destroy(pp_train_axis *axis);

#endif
