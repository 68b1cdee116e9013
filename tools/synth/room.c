/* What happens to a part between the instrument and the microphone. */
#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "sound.h"

#define MOST_CREST_DB 15 /* of peaks above the level: strikes would drown in a mix otherwise */
#define PI 3.141592653589793

typedef struct biquad {
    double b0, b1, b2, a1, a2;
} biquad;

static void run_biquad(const biquad *f, float *samples, int64_t frames)
{
    double x1 = 0, x2 = 0, y1 = 0, y2 = 0;
    for (int64_t i = 0; i < frames; i++) {
        double x = samples[i];
        double y = f->b0 * x + f->b1 * x1 + f->b2 * x2 - f->a1 * y1 - f->a2 * y2;
        x2 = x1;
        x1 = x;
        y2 = y1;
        y1 = y;
        samples[i] = (float)y;
    }
}

static biquad normalised(double b0, double b1, double b2, double a0, double a1, double a2)
{
    return (biquad){b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0};
}

/* Shelves of slope 1 and a bell: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter
 * coefficients". sign +1: low shelf, -1: high shelf. */
static biquad shelf(double hz, double gain_db, int rate_hz, int sign)
{
    double a = pow(10, gain_db / 40), w = 2 * PI * fmin(hz, 0.45 * rate_hz) / rate_hz;
    double cw = sign * cos(w), alpha = sin(w) / 2 * sqrt(2.0), root = 2 * sqrt(a) * alpha;
    return normalised(a * ((a + 1) - (a - 1) * cw + root), sign * 2 * a * ((a - 1) - (a + 1) * cw),
                      a * ((a + 1) - (a - 1) * cw - root), (a + 1) + (a - 1) * cw + root,
                      sign * -2 * ((a - 1) + (a + 1) * cw), (a + 1) + (a - 1) * cw - root);
}

static biquad bell(double hz, double gain_db, double q, int rate_hz)
{
    double a = pow(10, gain_db / 40), w = 2 * PI * fmin(hz, 0.45 * rate_hz) / rate_hz;
    double alpha = sin(w) / (2 * q), cw = cos(w);
    return normalised(1 + alpha * a, -2 * cw, 1 - alpha * a, 1 + alpha / a, -2 * cw, 1 - alpha / a);
}

void pp_room_equalise(float *samples, int64_t frames, int rate_hz, const pp_sounding *s)
{
    biquad filters[3] = {shelf(s->low_hz, s->low_db, rate_hz, 1),
                         bell(s->bell_hz, s->bell_db, s->bell_q, rate_hz),
                         shelf(s->high_hz, s->high_db, rate_hz, -1)};
    for (int i = 0; i < 3; i++) run_biquad(&filters[i], samples, frames);
}

void pp_room_record(float *samples, int64_t frames, int rate_hz, const pp_sounding *s)
{
    float peak = 1e-9f;
    for (int64_t i = 0; i < frames; i++) peak = fmaxf(peak, fabsf(samples[i]));
    if (s->drive_db > 0) {
        float drive = powf(10, s->drive_db / 20) / peak;
        for (int64_t i = 0; i < frames; i++) samples[i] = tanhf(drive * samples[i]);
    }
    if (s->cut_hz <= 0 || s->cut_hz >= 0.45f * (float)rate_hz) return;
    double w = 2 * PI * (double)s->cut_hz / rate_hz, cw = cos(w), alpha = sin(w) / sqrt(2.0);
    biquad low_pass = normalised((1 - cw) / 2, 1 - cw, (1 - cw) / 2, 1 + alpha, -2 * cw, 1 - alpha);
    run_biquad(&low_pass, samples, frames);
}

/* A comb with a damped loop: y[i] = x[i - n] + g lowpass(y[i - n]), added to out. */
static void add_comb(const float *in, float *out, int64_t frames, float *loop, int length,
                     float feedback, float damping)
{
    float kept = 0;
    memset(loop, 0, (size_t)length * sizeof *loop);
    for (int64_t i = 0, at = 0; i < frames; i++) {
        float delayed = loop[at];
        kept = delayed * (1 - damping) + kept * damping;
        loop[at] = in[i] + kept * feedback;
        out[i] += delayed;
        at = at + 1 == length ? 0 : at + 1;
    }
}

static void run_allpass(float *samples, int64_t frames, float *loop, int length)
{
    memset(loop, 0, (size_t)length * sizeof *loop);
    for (int64_t i = 0, at = 0; i < frames; i++) {
        float delayed = loop[at], in = samples[i] + 0.5f * delayed;
        loop[at] = in;
        samples[i] = delayed - 0.5f * in;
        at = at + 1 == length ? 0 : at + 1;
    }
}

static double energy(const float *samples, int64_t frames)
{
    double sum = 0;
    for (int64_t i = 0; i < frames; i++) sum += (double)samples[i] * (double)samples[i];
    return sum;
}

/* M. R. Schroeder, "Natural sounding artificial reverberation" (1962): early echoes, four combs,
 * two all-passes; lengths are drawn, so that no two rooms ring alike. */
pp_status pp_room_reverberate(float *samples, int64_t frames, int rate_hz, const pp_sounding *s,
                              pp_error *err)
{
    int most = rate_hz / 8; /* longest delay */
    float *wet = pp_alloc((size_t)frames, sizeof *wet),
          *loop = pp_alloc((size_t)most, sizeof *loop);
    if (wet == NULL || loop == NULL) {
        pp_free(wet);
        pp_free(loop);
        return pp_fail(err, PP_ERR_NOMEM, "a room of %lld samples: no memory", (long long)frames);
    }
    pp_random random;
    pp_random_seed(&random, s->seed, 1);
    for (int i = 0; i < 4; i++) {
        double delay_s = (0.028 + 0.006 * i + 0.005 * pp_random_uniform(&random)) *
                         (0.6 + 0.5 * fmin((double)s->room_s, 1.6));
        float feedback = (float)pow(10, -3 * delay_s / fmax((double)s->room_s, 0.05));
        float damping = 0.1f + 0.5f * (float)pp_random_uniform(&random);
        add_comb(samples, wet, frames, loop, 1 + (int)(delay_s * rate_hz), feedback, damping);
    }
    for (int i = 0; i < 2; i++) {
        double delay_s = 0.004 + 0.007 * pp_random_uniform(&random);
        run_allpass(wet, frames, loop, 1 + (int)(delay_s * rate_hz));
    }
    for (int i = 0; i < 6; i++) {
        int64_t delay = 1 + (int64_t)((0.003 + 0.03 * pp_random_uniform(&random)) * rate_hz);
        float gain = pp_between(&random, -1, 1);
        for (int64_t k = delay; k < frames; k++) wet[k] += gain * samples[k - delay];
    }
    double dry = energy(samples, frames), room = energy(wet, frames);
    float gain = room > 0 ? (float)(sqrt(dry / room) * pow(10, (double)s->room_db / 20)) : 0;
    for (int64_t i = 0; i < frames; i++) samples[i] += gain * wet[i];
    pp_free(wet);
    pp_free(loop);
    return PP_OK;
}

void pp_room_add_noise(float *samples, int64_t frames, const pp_sounding *s)
{
    pp_random random;
    pp_random_seed(&random, s->seed, 2);
    float colour = pp_between(&random, 0, 0.95f), kept = 0;
    float gain = powf(10, s->noise_db / 20) * sqrtf(3 * (1 - colour * colour));
    for (int64_t i = 0; i < frames; i++) {
        /* Even noise of variance 1/3, through one pole. */
        float white = (float)(int32_t)(pp_random_bits(&random) >> 32) * 0x1p-31f;
        kept = white + colour * kept;
        samples[i] += gain * kept;
    }
}

void pp_room_level(float *samples, int64_t frames, int rate_hz, float level_db)
{
    int64_t block = rate_hz / 20 > 0 ? rate_hz / 20 : 1;
    double loudest = 0, sum = 0;
    float peak = 1e-9f;
    for (int64_t i = 0; i < frames; i++) peak = fmaxf(peak, fabsf(samples[i]));
    for (int64_t i = 0; i < frames; i += block) {
        int64_t length = frames - i < block ? frames - i : block;
        loudest = fmax(loudest, energy(samples + i, length) / (double)length);
    }
    int64_t count = 0;
    for (int64_t i = 0; i < frames; i += block) {
        int64_t length = frames - i < block ? frames - i : block;
        double power = energy(samples + i, length);
        if (power < 1e-3 * loudest * (double)length) continue;
        sum += power;
        count += length;
    }
    if (count == 0 || sum <= 0) return;
    float gain = (float)(pow(10, (double)level_db / 20) / sqrt(sum / (double)count));
    gain = fminf(gain, powf(10, (level_db + MOST_CREST_DB) / 20) / peak);
    for (int64_t i = 0; i < frames; i++) samples[i] *= gain;
}
