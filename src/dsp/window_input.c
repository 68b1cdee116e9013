#include "dsp/window_input.h"

#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clones.h"

/* Natural logarithm of a positive, normal x, within one unit in the last place. libm's own picks
 * other code on other processors, and archives must not depend on that.
 * x = m 2^e with m in [sqrt(1/2), sqrt(2)); ln m = 2 artanh(s), s = (m - 1) / (m + 1), |s| < 0.172:
 * the first term left out is below 1e-13. */
static inline __attribute__((always_inline)) float natural_log(float x)
{
    int32_t bits, root_half = 0x3f3504f3;
    memcpy(&bits, &x, sizeof bits);
    const int32_t exponent = (bits - root_half) >> 23;
    const int32_t rest = bits - exponent * (1 << 23);
    float m;
    memcpy(&m, &rest, sizeof m);
    const double s = ((double)m - 1.0) / ((double)m + 1.0), q = s * s;
    double series = 1.0 / 15.0;
    for (int odd = 13; odd >= 1; odd -= 2) series = series * q + 1.0 / odd;
    return (float)(exponent * 0.69314718055994530942 + 2.0 * s * series);
}

PP_CLONES static void natural_logs(const float *restrict x, size_t count, float *restrict y)
{
    for (size_t i = 0; i < count; i++) y[i] = natural_log(x[i]);
}

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
    natural_logs(magnitude_log, cells, network_input);
}
