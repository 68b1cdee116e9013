/* Log-frequency warp and unwarp (NETWORKS.md, "Sound in"): bilinear resampling of rows with
 * align_corners = True, zero outside, on the grids of Zhao et al. 2018.
 *
 * Immutable once created; any number of threads.
 */
#ifndef PP_DSP_WARP_H
#define PP_DSP_WARP_H

#include "base/status.h"

typedef struct pp_warp pp_warp;

/* linear_rows: bins of the STFT (512); log_rows: rows of the networks' grid (256). */
pp_status pp_warp_create(pp_warp **out, int linear_rows, int log_rows, pp_error *err) PP_MUST_USE;
void pp_warp_destroy(pp_warp **warp);

/* [linear_rows, columns] -> [log_rows, columns]; row-major, any number of columns. */
void pp_warp_to_log(const pp_warp *warp, const float *linear, int columns, float *log);
/* [log_rows, columns] -> [linear_rows, columns], for masks. */
void pp_warp_to_linear(const pp_warp *warp, const float *log, int columns, float *linear);

#endif
