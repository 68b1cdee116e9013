/* What the audio network sees of one window: log magnitude on the log-frequency grid. */
#ifndef PP_DSP_WINDOW_INPUT_H
#define PP_DSP_WINDOW_INPUT_H

#include "dsp/warp.h"

/* spectrum [frames, bins, 2] of `present` <= frames STFT frames -> magnitude_log [log_rows, frames]
 * (warped |S| + 1e-10) and network_input [log_rows, frames], its natural logarithm. Frames from
 * `present` on are silence (magnitude 1e-10). scratch: bins * frames floats. */
void pp_window_input(const pp_warp *warp, const float *spectrum, int present, int frames, int bins,
                     int log_rows, float *scratch, float *magnitude_log, float *network_input);

#endif
