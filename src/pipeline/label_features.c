#include "pipeline/label_features.h"

#include <math.h>
#include <string.h>

#include "base/clones.h"
#include "base/memory.h"
#include "pipeline/room.h"

#define LOWEST_BAND_HZ 50.0
#define LEAST_SHARE 1e-5   /* of a frame's power: below it a band counts as empty */
#define MOST_CHANGE 3.0    /* nepers between two frames */
#define LOWEST_PITCH_HZ 80 /* of the logarithmic grid for harmonics */
#define STEPS 24           /* of that grid in an octave */
#define OCTAVES 6
#define LARGEST_ACTIVATION 12.0 /* before the sigmoid: beyond it float32 cannot tell */

enum { GRID = STEPS * OCTAVES };

/* The intervals at which a spectrum is compared with itself, in steps: ratios of harmonics. */
static const int lags[PP_LABEL_LAGS] = {8, 10, 14, 18, 24, 32, 38, 43, 48, 56, 62};

/* Where things lie in a block's sums. */
enum {
    WEIGHT,      /* of frames: amplitude */
    PAIR_WEIGHT, /* of frames that have one before them */
    RISE,        /* of the level, nepers */
    FALL,        /*  */
    CHANGE,      /* squared */
    BANDS_RISE,  /* amplitude gained, over all bands */
    BANDS_FALL,  /*  */
    AMPLITUDE,   /* of all bands */
    MEAN,        /* [BANDS] */
    SQUARE = MEAN + PP_LABEL_BANDS,
    DELTA = SQUARE + PP_LABEL_BANDS,
    LAG = DELTA + PP_LABEL_BANDS
};

typedef struct band {     /* a triangle over some bins */
    int first, count, at; /* at: of its first weight */
} band;

typedef struct frame {
    double energy;
    double power[PP_LABEL_BANDS], share[PP_LABEL_BANDS]; /* share: log of the part of the frame */
} frame;

struct pp_label_meter {
    int bins, grid; /* points of the logarithmic grid below the highest bin */
    band bands[PP_LABEL_BANDS];
    float *weights; /* of all bands' bins */
    int grid_bin[GRID];
    double grid_part[GRID]; /* of the bin above */
    double *power;          /* [bins] of the frame at hand */
};

/* ---- create ---------------------------------------------------------------------------------- */

/* Triangles from centre to centre, on a logarithmic scale, at least a bin wide to either side.
 * weights NULL: counts. */
static int lay_bands(pp_label_meter *meter, double bin_hz, float *weights)
{
    double highest_hz = bin_hz * (meter->bins - 1);
    double step = pow(highest_hz / LOWEST_BAND_HZ, 1.0 / (PP_LABEL_BANDS + 1));
    int at = 0;
    for (int b = 0; b < PP_LABEL_BANDS; b++) {
        double middle = LOWEST_BAND_HZ * pow(step, b + 1);
        double low = fmin(middle / step, middle - bin_hz);
        double high = fmax(middle * step, middle + bin_hz);
        band *now = &meter->bands[b];
        *now = (band){.first = meter->bins, .at = at};
        for (int i = 0; i < meter->bins; i++) {
            double f = i * bin_hz;
            double weight = fmin((f - low) / (middle - low), (high - f) / (high - middle));
            if (!(weight > 0)) continue;
            if (now->count == 0) now->first = i;
            now->count = i + 1 - now->first;
            if (weights != NULL) weights[at + now->count - 1] = (float)weight;
        }
        at += now->count;
    }
    return at;
}

static void lay_grid(pp_label_meter *meter, double bin_hz)
{
    for (int g = 0; g < GRID; g++) {
        double bin = LOWEST_PITCH_HZ * pow(2, (double)g / STEPS) / bin_hz;
        int below = (int)floor(bin);
        if (below + 1 >= meter->bins) return;
        meter->grid_bin[g] = below;
        meter->grid_part[g] = bin - below;
        meter->grid = g + 1;
    }
}

pp_status pp_label_meter_create(pp_label_meter **out, int bins, int n_fft, int rate_hz,
                                pp_error *err)
{
    void *memory = NULL;
    double bin_hz = (double)rate_hz / n_fft;
    *out = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "label features", err);
    if (status != PP_OK) return status;
    pp_label_meter *meter = memory;
    meter->bins = bins;
    lay_grid(meter, bin_hz);
    const pp_want wants[] = {
        {&meter->weights, (size_t)lay_bands(meter, bin_hz, NULL), sizeof(float)},
        {&meter->power, (size_t)bins, sizeof(double)},
    };
    status = pp_room_take(wants, sizeof wants / sizeof *wants, "label features", err);
    if (status == PP_OK) {
        lay_bands(meter, bin_hz, meter->weights);
        *out = meter;
    } else {
        pp_label_meter_destroy(&meter);
    }
    return status;
}

void pp_label_meter_destroy(pp_label_meter **meter)
{
    if (*meter == NULL) return;
    pp_free((*meter)->weights);
    pp_free((*meter)->power);
    PP_FREE(*meter);
}

/* ---- frames ---------------------------------------------------------------------------------- */

static void read_frame(pp_label_meter *meter, const float *spectrum, frame *out)
{
    out->energy = 0;
    for (int i = 0; i < meter->bins; i++) {
        double re = spectrum[2 * i], im = spectrum[2 * i + 1];
        meter->power[i] = re * re + im * im;
    }
    for (int b = 0; b < PP_LABEL_BANDS; b++) {
        const band *now = &meter->bands[b];
        const float *weight = meter->weights + now->at;
        const double *power = meter->power + now->first;
        double sum = 0;
        for (int i = 0; i < now->count; i++) sum += (double)weight[i] * power[i];
        out->power[b] = sum;
        out->energy += sum;
    }
    if (!(out->energy > 0)) return;
    for (int b = 0; b < PP_LABEL_BANDS; b++) {
        out->share[b] = log(out->power[b] / out->energy + LEAST_SHARE);
    }
}

static void add_shape(const frame *now, double weight, double *sums)
{
    sums[WEIGHT] += weight;
    for (int b = 0; b < PP_LABEL_BANDS; b++) {
        sums[MEAN + b] += weight * now->share[b];
        sums[SQUARE + b] += weight * now->share[b] * now->share[b];
        sums[AMPLITUDE] += sqrt(now->power[b]);
    }
}

static void add_change(const frame *before, const frame *now, double weight, double *sums)
{
    double change = MOST_CHANGE;
    if (before->energy > 0) change = 0.5 * log(now->energy / before->energy);
    change = fmax(-MOST_CHANGE, fmin(MOST_CHANGE, change));
    sums[PAIR_WEIGHT] += weight;
    sums[change > 0 ? RISE : FALL] += weight * fabs(change);
    sums[CHANGE] += weight * change * change;
    for (int b = 0; b < PP_LABEL_BANDS; b++) {
        double gained = sqrt(now->power[b]) - sqrt(before->power[b]);
        double apart = now->share[b] - before->share[b];
        sums[gained > 0 ? BANDS_RISE : BANDS_FALL] += fabs(gained);
        if (before->energy > 0) sums[DELTA + b] += weight * apart * apart;
    }
}

/* Correlation of the spectrum (fourth root of power, its mean taken off) with itself, moved. */
static void add_lags(const pp_label_meter *meter, double weight, double *sums)
{
    double grid[GRID], mean = 0, square = 0;
    for (int g = 0; g < meter->grid; g++) {
        const double *at = meter->power + meter->grid_bin[g];
        double part = meter->grid_part[g];
        grid[g] = sqrt(sqrt(at[0] * (1 - part) + at[1] * part));
        mean += grid[g];
    }
    if (meter->grid > 0) mean /= meter->grid;
    for (int g = 0; g < meter->grid; g++) {
        grid[g] -= mean;
        square += grid[g] * grid[g];
    }
    if (!(square > 0)) return;
    for (int l = 0; l < PP_LABEL_LAGS; l++) {
        double sum = 0;
        for (int g = lags[l]; g < meter->grid; g++) sum += grid[g] * grid[g - lags[l]];
        sums[LAG + l] += weight * sum / square;
    }
}

void pp_label_meter_add(pp_label_meter *meter, const float *spectrum, int64_t first, int64_t count,
                        double *sums)
{
    frame frames[2] = {0};
    int64_t row = (int64_t)meter->bins * 2;
    int known = first > 0;
    if (known) read_frame(meter, spectrum + (first - 1) * row, &frames[(first - 1) & 1]);
    for (int64_t t = first; t < first + count; t++) {
        const frame *before = &frames[(t - 1) & 1];
        frame *now = &frames[t & 1];
        read_frame(meter, spectrum + t * row, now);
        if (now->energy > 0) {
            double weight = sqrt(now->energy);
            add_shape(now, weight, sums);
            add_lags(meter, weight, sums);
            if (known) add_change(before, now, weight, sums);
        }
        known = 1;
    }
}

/* ---- components ------------------------------------------------------------------------------ */

/* Sums of a row: weights times codes, and times their squares; of every 16th column first. */
PP_CLONES static void add_row(const float *restrict weight, const uint8_t *restrict codes,
                              int columns, double *sum, double *squares)
{
    enum { LANES = 16 };
    float first[LANES] = {0}, second[LANES] = {0};
    int whole = columns / LANES * LANES;
    for (int c = 0; c < whole; c += LANES) {
        for (int l = 0; l < LANES; l++) {
            float code = codes[c + l], by = weight[c + l] * code;
            first[l] += by;
            second[l] += by * code;
        }
    }
    for (int c = whole; c < columns; c++) {
        float code = codes[c], by = weight[c] * code;
        first[c - whole] += by;
        second[c - whole] += by * code;
    }
    for (int l = 0; l < LANES; l++) {
        *sum += (double)first[l];
        *squares += (double)second[l];
    }
}

void pp_label_add_components(const pp_quantised_maps *maps, const pp_model_shape *shape,
                             const float *mask, const float *magnitude, double *sums)
{
    int rows = shape->log_rows, columns = shape->window_frames, components = shape->components;
    float weight[4096]; /* the most columns a model may have */
    for (int r = 0; r < rows; r++) {
        double row_weight = 0;
        size_t at = (size_t)r * (size_t)columns;
        for (int c = 0; c < columns; c++) {
            weight[c] = mask[at + (size_t)c] * magnitude[at + (size_t)c];
            row_weight += (double)weight[c];
        }
        sums[2 * components] += row_weight;
        for (int k = 0; k < components; k++) {
            size_t map = (size_t)k * (size_t)rows * (size_t)columns;
            double scale = (double)maps->scale[k], offset = (double)maps->offset[k];
            double sum = 0, squares = 0;
            add_row(weight, maps->codes + map + at, columns, &sum, &squares);
            sums[k] += offset * row_weight + scale * sum;
            sums[components + k] +=
                offset * offset * row_weight + 2 * offset * scale * sum + scale * scale * squares;
        }
    }
}

/* ---- the whole ------------------------------------------------------------------------------- */

static double root(double value)
{
    return value > 0 ? sqrt(value) : 0;
}

static void finish_sound(const double *sums, float *out)
{
    double weight = sums[WEIGHT], pairs = sums[PAIR_WEIGHT] > 0 ? sums[PAIR_WEIGHT] : 1;
    double amplitude = sums[AMPLITUDE] > 0 ? sums[AMPLITUDE] : 1;
    memset(out, 0, PP_LABEL_SOUND_FEATURES * sizeof *out);
    if (!(weight > 0)) return;
    float *deviation = out + PP_LABEL_BANDS, *change = deviation + PP_LABEL_GROUPS;
    double of_group = (double)PP_LABEL_BANDS / PP_LABEL_GROUPS;
    for (int b = 0; b < PP_LABEL_BANDS; b++) {
        double mean = sums[MEAN + b] / weight;
        int group = b * PP_LABEL_GROUPS / PP_LABEL_BANDS;
        out[b] = (float)mean;
        deviation[group] += (float)(root(sums[SQUARE + b] / weight - mean * mean) / of_group);
        change[group] += (float)(root(sums[DELTA + b] / pairs) / of_group);
    }
    out = change + PP_LABEL_GROUPS;
    *out++ = (float)(sums[RISE] / pairs);
    *out++ = (float)(sums[FALL] / pairs);
    *out++ = (float)root(sums[CHANGE] / pairs);
    *out++ = (float)(sums[BANDS_RISE] / amplitude);
    *out++ = (float)(sums[BANDS_FALL] / amplitude);
    for (int l = 0; l < PP_LABEL_LAGS; l++) *out++ = (float)(sums[LAG + l] / weight);
}

static void finish_components(const double *sums, int components, float *out)
{
    double weight = sums[2 * components];
    for (int k = 0; k < components; k++) {
        double mean = weight > 0 ? sums[k] / weight : 0;
        out[k] = (float)mean;
        out[components + k] =
            (float)(weight > 0 ? root(sums[components + k] / weight - mean * mean) : 0);
    }
}

void pp_label_features_finish(const double *sums, const double *component_sums, const float *vector,
                              int components, float *features)
{
    for (int k = 0; k < components; k++) {
        double v = vector[k];
        double activation = v > 0 && v < 1 ? log(v / (1 - v)) : v > 0.5 ? INFINITY : -INFINITY;
        activation = fmax(-LARGEST_ACTIVATION, fmin(LARGEST_ACTIVATION, activation));
        features[k] = (float)activation;
    }
    finish_sound(sums, features + components);
    finish_components(component_sums, components, features + components + PP_LABEL_SOUND_FEATURES);
}
