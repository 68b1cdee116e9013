/* A windowed-sinc resampler for any ratio: a table of fractional phases, the nearest two mixed. */
#include <math.h>

#include "base/memory.h"
#include "sound.h"

#define PHASES 256
#define ZERO_CROSSINGS 12 /* each side */

static double kernel(double x, double cutoff, double half)
{
    if (fabs(x) >= half) return 0;
    double u = 3.141592653589793 * x * cutoff, sinc = fabs(u) < 1e-9 ? 1 : sin(u) / u;
    double w = 3.141592653589793 * x / half; /* Blackman window */
    return cutoff * sinc * (0.42 + 0.5 * cos(w) + 0.08 * cos(2 * w));
}

static void fill_table(float *table, int taps, double cutoff)
{
    double half = taps / 2;
    for (int phase = 0; phase <= PHASES; phase++) {
        double sum = 0;
        float *row = table + (size_t)phase * (size_t)taps;
        for (int k = 0; k < taps; k++) {
            double value = kernel(k - half + 1 - (double)phase / PHASES, cutoff, half);
            row[k] = (float)value;
            sum += value;
        }
        for (int k = 0; k < taps; k++) row[k] = (float)(row[k] / sum);
    }
}

static float read_at(const float *in, int64_t in_frames, double position, const float *table,
                     int taps)
{
    int64_t whole = (int64_t)floor(position);
    double phase = (position - (double)whole) * PHASES;
    int index = (int)phase;
    float share = (float)(phase - index), a = 0, b = 0;
    const float *row = table + (size_t)index * (size_t)taps, *next = row + taps;
    int64_t first = whole - taps / 2 + 1;
    int from = first < 0 ? (int)-first : 0;
    int until = first + taps > in_frames ? (int)(in_frames - first) : taps;
    for (int k = from; k < until; k++) {
        a += in[first + k] * row[k];
        b += in[first + k] * next[k];
    }
    return a + (b - a) * share;
}

pp_status pp_resample(const float *in, int64_t in_frames, double step, float *out,
                      int64_t out_frames, pp_error *err)
{
    if (!(step >= 0.25 && step <= 16)) {
        return pp_fail(err, PP_ERR_INTERNAL, "resampling by %g", step);
    }
    double cutoff = step > 1 ? 0.92 / step : 0.96;
    int taps = 2 * (int)ceil(ZERO_CROSSINGS / cutoff);
    float *table = pp_alloc((size_t)taps * (PHASES + 1), sizeof *table);
    if (table == NULL) return pp_fail(err, PP_ERR_NOMEM, "resampling: no memory");
    fill_table(table, taps, cutoff);
    for (int64_t i = 0; i < out_frames; i++) {
        double position = (double)i * step;
        int beyond = position - taps > (double)in_frames;
        out[i] = beyond ? 0 : read_at(in, in_frames, position, table, taps);
    }
    pp_free(table);
    return PP_OK;
}
