#include "pipeline/activity.h"

#include <math.h>

#include "base/memory.h"

#define BLOCK_S 0.1           /* length of a block of the on/off decision, about */
#define ON_BELOW_MEAN 1e-2    /* 20 dB */
#define ON_BELOW_NOW 6.3e-2   /* 12 dB */
#define OFF_BELOW_MEAN 2.5e-3 /* 26 dB */
#define OFF_BELOW_NOW 1.6e-2  /* 18 dB */
#define QUIET_BLOCKS 3        /* of quiet before a source counts as off */

double pp_level_db(double mean_square)
{
    double db = mean_square > 0 ? 10 * log10(mean_square) : PP_SILENCE_DB;
    return db > PP_SILENCE_DB ? db : PP_SILENCE_DB;
}

/* ---- levels of windows ------------------------------------------------------------------- */

struct pp_level_meter {
    pp_cut cut;
    int64_t sample;      /* samples seen */
    int64_t hops;        /* whole hops seen */
    int64_t next_window; /* the first that is not complete */
    double hop_energy;   /* of the hop that is being filled */
    double total_energy; /* of all whole hops */
    double *energies;    /* [window_frames]: of the last hops, hop h at h % window_frames */
};

pp_status pp_level_meter_create(pp_level_meter **out, const pp_cut *cut, pp_error *err)
{
    void *memory = NULL, *energies = NULL;
    *out = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "a level meter", err);
    if (status != PP_OK) return status;
    pp_level_meter *meter = memory;
    meter->cut = *cut;
    status = pp_alloc_checked(&energies, (size_t)cut->window_frames, sizeof(double),
                              "a level meter", err);
    meter->energies = energies;
    if (status == PP_OK) *out = meter;
    else pp_level_meter_destroy(&meter);
    return status;
}

void pp_level_meter_destroy(pp_level_meter **meter)
{
    if (*meter == NULL) return;
    pp_free((*meter)->energies);
    PP_FREE(*meter);
}

/* Mean square of the next window, whose hops all lie in the ring. */
static void complete_window(pp_level_meter *meter, float *level_db)
{
    int64_t window = meter->next_window++;
    int64_t first = pp_cut_window_first_frame(&meter->cut, window);
    int64_t behind = first + meter->cut.window_frames;
    if (behind > meter->hops) behind = meter->hops;
    double energy = 0;
    for (int64_t hop = first; hop < behind; hop++) {
        energy += meter->energies[hop % meter->cut.window_frames];
    }
    int64_t end = behind * meter->cut.hop_samples;
    if (end > meter->sample) end = meter->sample;
    int64_t samples = end - first * meter->cut.hop_samples;
    level_db[window] = (float)pp_level_db(samples > 0 ? energy / (double)samples : 0);
}

static void complete_hop(pp_level_meter *meter)
{
    meter->energies[meter->hops % meter->cut.window_frames] = meter->hop_energy;
    meter->total_energy += meter->hop_energy;
    meter->hop_energy = 0;
    meter->hops++;
}

void pp_level_meter_add(pp_level_meter *meter, const float *samples, int64_t count, float *level_db)
{
    for (int64_t i = 0; i < count; i++) {
        meter->hop_energy += (double)samples[i] * samples[i];
        if (++meter->sample % meter->cut.hop_samples != 0) continue;
        complete_hop(meter);
        /* The last window waits for the last sample. */
        while (meter->next_window < meter->cut.all.windows - 1 &&
               pp_cut_window_first_frame(&meter->cut, meter->next_window) +
                       meter->cut.window_frames <=
                   meter->hops) {
            complete_window(meter, level_db);
        }
    }
}

double pp_level_meter_finish(pp_level_meter *meter, float *level_db)
{
    if (meter->sample % meter->cut.hop_samples != 0) complete_hop(meter);
    while (meter->next_window < meter->cut.all.windows) complete_window(meter, level_db);
    return pp_level_db(meter->sample > 0 ? meter->total_energy / (double)meter->sample : 0);
}

/* ---- on and off -------------------------------------------------------------------------- */

struct pp_activity {
    int source;
    double rate_hz, mixture_power;
    int64_t block_samples, sample;
    double stem_energy, mixture_energy; /* of the block that is being filled */
    int on;
    int64_t on_sample, loud_end; /* of the interval: its start, the end of its last loud block */
    double loud_energy;          /* from on_sample to loud_end */
    double quiet_energy;         /* from loud_end on: counted once it is loud again */
    int quiet_blocks;
    pp_annotation *rows;
    size_t count, capacity;
};

pp_status pp_activity_create(pp_activity **out, const pp_cut *cut, int source, double mixture_power,
                             pp_error *err)
{
    void *memory = NULL;
    pp_status status = pp_alloc_checked(&memory, 1, sizeof **out, "activity", err);
    *out = memory;
    if (status != PP_OK) return status;
    int64_t hops = (int64_t)(BLOCK_S * cut->rate_hz / cut->hop_samples);
    (*out)->source = source;
    (*out)->rate_hz = cut->rate_hz;
    (*out)->mixture_power = mixture_power;
    (*out)->block_samples = (hops > 0 ? hops : 1) * cut->hop_samples;
    return PP_OK;
}

void pp_activity_destroy(pp_activity **activity)
{
    if (*activity == NULL) return;
    pp_free((*activity)->rows);
    PP_FREE(*activity);
}

static pp_status close_interval(pp_activity *activity, pp_error *err)
{
    void *rows = activity->rows;
    pp_status status =
        pp_grow(&rows, &activity->capacity, activity->count + 1, sizeof *activity->rows, err);
    activity->rows = rows;
    if (status != PP_OK) return status;
    double samples = (double)(activity->loud_end - activity->on_sample);
    pp_annotation *row = &activity->rows[activity->count++];
    row->start_s = (double)activity->on_sample / activity->rate_hz;
    row->end_s = (double)activity->loud_end / activity->rate_hz;
    row->source = activity->source;
    row->level_db = (float)pp_level_db(activity->loud_energy / samples);
    activity->on = 0;
    return PP_OK;
}

/* One block is full, `length` samples up to activity->sample. */
static pp_status decide(pp_activity *activity, int64_t length, pp_error *err)
{
    double stem = activity->stem_energy / (double)length;
    double now = activity->mixture_energy / (double)length, mean = activity->mixture_power;
    double energy = activity->stem_energy;
    activity->stem_energy = activity->mixture_energy = 0;
    if (!activity->on) {
        if (!(stem > mean * ON_BELOW_MEAN && stem > now * ON_BELOW_NOW)) return PP_OK;
        activity->on = 1;
        activity->on_sample = activity->sample - length;
        activity->loud_energy = activity->quiet_energy = 0;
    }
    if (stem > mean * OFF_BELOW_MEAN && stem > now * OFF_BELOW_NOW) {
        activity->loud_energy += activity->quiet_energy + energy;
        activity->quiet_energy = 0;
        activity->quiet_blocks = 0;
        activity->loud_end = activity->sample;
        return PP_OK;
    }
    activity->quiet_energy += energy;
    return ++activity->quiet_blocks < QUIET_BLOCKS ? PP_OK : close_interval(activity, err);
}

pp_status pp_activity_add(pp_activity *activity, const float *stem, const float *mixture,
                          int64_t count, pp_error *err)
{
    for (int64_t i = 0; i < count; i++) {
        activity->stem_energy += (double)stem[i] * stem[i];
        activity->mixture_energy += (double)mixture[i] * mixture[i];
        if (++activity->sample % activity->block_samples != 0) continue;
        pp_status status = decide(activity, activity->block_samples, err);
        if (status != PP_OK) return status;
    }
    return PP_OK;
}

pp_status pp_activity_finish(pp_activity *activity, const pp_annotation **rows, int64_t *count,
                             pp_error *err)
{
    pp_status status = PP_OK;
    int64_t rest = activity->sample % activity->block_samples;
    if (rest != 0) status = decide(activity, rest, err);
    if (status == PP_OK && activity->on) status = close_interval(activity, err);
    *rows = activity->rows;
    *count = (int64_t)activity->count;
    return status;
}
