#include "dsp/warp.h"

#include <math.h>

#include "base/memory.h"

/* One output row: weight * row[index] + (1 - weight) * row[index + 1]. */
typedef struct tap {
    int index;
    float weight, weight_next;
} tap;

struct pp_warp {
    int linear_rows, log_rows;
    tap *to_log;    /* [log_rows] */
    tap *to_linear; /* [linear_rows] */
};

/* position in [-1, 1] of `rows` rows whose first and last centres lie at -1 and 1
 * (align_corners = True). Both grids map [-1, 1] onto itself; what lies outside does so by rounding
 * only, so clamping equals the zero padding of the reference. */
static tap tap_at(double position, int rows)
{
    double row = 0.5 * (position + 1.0) * (rows - 1);
    if (row < 0.0) row = 0.0;
    if (row > rows - 1) row = rows - 1;
    int index = (int)row;
    if (index > rows - 2) index = rows - 2;
    double next = row - index;
    return (tap){index, (float)(1.0 - next), (float)next};
}

pp_status pp_warp_create(pp_warp **out, int linear_rows, int log_rows, pp_error *err)
{
    *out = NULL;
    if (linear_rows < 2 || log_rows < 2 || linear_rows > 1 << 20 || log_rows > 1 << 20) {
        return pp_fail(err, PP_ERR_USAGE, "a warp of %d rows to %d: both must be 2 to 1048576",
                       linear_rows, log_rows);
    }
    pp_warp *warp = NULL;
    pp_status status = pp_alloc_checked((void **)&warp, 1, sizeof *warp, "warp", err);
    if (status != PP_OK) return status;
    warp->linear_rows = linear_rows;
    warp->log_rows = log_rows;
    status = pp_alloc_checked((void **)&warp->to_log, (size_t)log_rows, sizeof(tap), "warp", err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&warp->to_linear, (size_t)linear_rows, sizeof(tap),
                                  "warp", err);
    }
    if (status != PP_OK) {
        pp_warp_destroy(&warp);
        return status;
    }
    for (int i = 0; i < log_rows; i++) {
        double y = -1.0 + 2.0 * i / (log_rows - 1);
        warp->to_log[i] = tap_at((pow(21.0, 0.5 * (y + 1.0)) - 11.0) / 10.0, linear_rows);
    }
    for (int i = 0; i < linear_rows; i++) {
        double y = -1.0 + 2.0 * i / (linear_rows - 1);
        warp->to_linear[i] = tap_at(2.0 * log(10.0 * y + 11.0) / log(21.0) - 1.0, log_rows);
    }
    *out = warp;
    return PP_OK;
}

void pp_warp_destroy(pp_warp **warp)
{
    if (*warp == NULL) return;
    pp_free((*warp)->to_log);
    pp_free((*warp)->to_linear);
    PP_FREE(*warp);
}

static void apply(const tap *taps, int rows, const float *in, int columns, float *out)
{
    for (int i = 0; i < rows; i++) {
        const tap t = taps[i];
        const float *a = in + (size_t)t.index * (size_t)columns, *b = a + columns;
        float *o = out + (size_t)i * (size_t)columns;
        for (int j = 0; j < columns; j++) o[j] = t.weight * a[j] + t.weight_next * b[j];
    }
}

void pp_warp_to_log(const pp_warp *warp, const float *linear, int columns, float *log)
{
    apply(warp->to_log, warp->log_rows, linear, columns, log);
}

void pp_warp_to_linear(const pp_warp *warp, const float *log, int columns, float *linear)
{
    apply(warp->to_linear, warp->linear_rows, log, columns, linear);
}
