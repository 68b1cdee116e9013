#include "train/axis.h"

#include "base/memory.h"

/* The coarse neighbours of fine position `fine`: i and the weight of i + 1. */
static int neighbour(int low, int fine, double *fraction)
{
    const int numerator = fine * (low - 1), denominator = 2 * low - 1;
    *fraction = (double)(numerator % denominator) / denominator;
    return numerator / denominator;
}

static void fill_taps(pp_train_axis *axis)
{
    const int low = axis->low;
    for (int x = 0; x < 2 * low; x++) {
        pp_train_taps *taps = &axis->taps[x];
        for (int k = 0; k < 3; k++) {
            const int fine = x + k - 1;
            double fraction = 0;
            const int inside = fine >= 0 && fine < 2 * low;
            const int i = inside ? neighbour(low, fine, &fraction) : 0;
            const int after = i + 1 < low ? i + 1 : i;
            taps->index[2 * k] = 3 * i + k;
            taps->index[2 * k + 1] = 3 * after + k;
            taps->weight[2 * k] = inside ? (float)(1 - fraction) : 0;
            taps->weight[2 * k + 1] = inside ? (float)fraction : 0;
        }
    }
}

/* Turns the terms round. Those of one pair (i, k) come in rising fine positions without holes:
 * the interpolation weight is a hat over i. */
static void fill_gathers(pp_train_axis *axis)
{
    for (int x = 0; x < 2 * axis->low; x++) {
        const pp_train_taps *taps = &axis->taps[x];
        for (int t = 0; t < PP_TRAIN_AXIS_TERMS; t++) {
            if (taps->weight[t] == 0) continue;
            pp_train_gather *gather = &axis->gathers[taps->index[t]];
            if (gather->count == 0) gather->first = x;
            const int place = x - gather->first;
            gather->weight[place] += taps->weight[t];
            gather->count = place + 1;
        }
    }
}

pp_status pp_train_axis_create(pp_train_axis *axis, int low, pp_error *err)
{
    axis->low = low;
    axis->taps = pp_alloc((size_t)low * 2, sizeof *axis->taps);
    axis->gathers = pp_alloc((size_t)low * 3, sizeof *axis->gathers);
    if (axis->taps == NULL || axis->gathers == NULL) {
        pp_train_axis_destroy(axis);
        return pp_fail(err, PP_ERR_NOMEM, "no memory for interpolation tables");
    }
    fill_taps(axis);
    fill_gathers(axis);
    return PP_OK;
}

void pp_train_axis_destroy(pp_train_axis *axis)
{
    PP_FREE(axis->taps);
    PP_FREE(axis->gathers);
}
