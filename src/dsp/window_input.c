#include "dsp/window_input.h"

#include <math.h>
#include <stddef.h>

void pp_window_input(const pp_warp *warp, const float *spectrum, int present, int frames, int bins,
                     int log_rows, float *scratch, float *magnitude_log, float *network_input)
{
    const float floor_magnitude = 1e-10F; /* keeps the logarithm finite in silence */
    for (int b = 0; b < bins; b++) {
        float *row = scratch + (size_t)b * (size_t)frames;
        for (int f = 0; f < present; f++) {
            const float *s = spectrum + 2 * ((size_t)f * (size_t)bins + (size_t)b);
            row[f] = sqrtf(s[0] * s[0] + s[1] * s[1]) + floor_magnitude;
        }
        for (int f = present; f < frames; f++) row[f] = floor_magnitude;
    }
    pp_warp_to_log(warp, scratch, frames, magnitude_log);
    const size_t cells = (size_t)log_rows * (size_t)frames;
    for (size_t i = 0; i < cells; i++) network_input[i] = logf(magnitude_log[i]);
}
