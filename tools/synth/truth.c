#include "truth.h"

#include <math.h>
#include <stdio.h>

#include "base/memory.h"
#include "base/path.h"

int64_t pp_truth_steps(int64_t frames, int rate_hz)
{
    return (int64_t)ceil((double)frames / (PP_LEVEL_STEP_S * rate_hz) - 1e-9);
}

void pp_truth_levels(const float *samples, int64_t frames, int rate_hz, float *levels)
{
    int64_t steps = pp_truth_steps(frames, rate_hz);
    for (int64_t k = 0; k < steps; k++) {
        int64_t from = (int64_t)llround((double)k * PP_LEVEL_STEP_S * rate_hz);
        int64_t until = (int64_t)llround((double)(k + 1) * PP_LEVEL_STEP_S * rate_hz);
        if (until > frames) until = frames;
        double sum = 0;
        for (int64_t i = from; i < until; i++) sum += (double)samples[i] * (double)samples[i];
        double power = until > from ? sum / (double)(until - from) : 0;
        levels[k] = power > 1e-12 ? (float)(10 * log10(power)) : -120;
    }
}

/* Closes short gaps, then drops short intervals; returns how many are left. */
static size_t tidy(pp_interval *all, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && all[i].on_s - all[kept - 1].off_s < 0.15)
            all[kept - 1].off_s = all[i].off_s;
        else all[kept++] = all[i];
    }
    size_t left = 0;
    for (size_t i = 0; i < kept; i++) {
        if (all[i].off_s - all[i].on_s >= 0.0999) all[left++] = all[i];
    }
    return left;
}

pp_status pp_truth_activity(pp_interval **out, size_t *count, const float *levels, int64_t steps,
                            double duration_s, pp_error *err)
{
    float loudest = -120;
    for (int64_t k = 0; k < steps; k++) loudest = fmaxf(loudest, levels[k]);
    float threshold = fmaxf(loudest - 40, -60);
    *count = 0;
    *out = pp_alloc((size_t)steps, sizeof **out);
    if (*out == NULL) return pp_fail(err, PP_ERR_NOMEM, "activity: no memory");
    for (int64_t k = 0; k < steps; k++) {
        if (levels[k] <= threshold) continue;
        double on_s = (double)k * PP_LEVEL_STEP_S;
        double off_s = fmin((double)(k + 1) * PP_LEVEL_STEP_S, duration_s);
        if (*count > 0 && on_s - (*out)[*count - 1].off_s < 1e-6) (*out)[*count - 1].off_s = off_s;
        else (*out)[(*count)++] = (pp_interval){on_s, off_s};
    }
    *count = tidy(*out, *count);
    return PP_OK;
}

/* Numbers in files are rounded: enough for any use, and short. */
static double rounded(double value, double parts)
{
    return round(value * parts) / parts;
}

static pp_json *numbers(const double *values, int count, double parts)
{
    pp_json *array = pp_json_array();
    for (int i = 0; i < count; i++) pp_json_append_real(array, rounded(values[i], parts));
    return array;
}

/* Adds what the tracks say: levels and intervals. */
static pp_status describe_sound(pp_json *to, const pp_scene *scene, const float *track,
                                pp_error *err)
{
    int64_t frames = pp_scene_frames(scene), steps = pp_truth_steps(frames, scene->options.rate_hz);
    float *levels = pp_alloc((size_t)steps, sizeof *levels);
    if (levels == NULL) return pp_fail(err, PP_ERR_NOMEM, "levels: no memory");
    pp_truth_levels(track, frames, scene->options.rate_hz, levels);
    pp_interval *intervals = NULL;
    size_t count = 0;
    double duration_s = (double)frames / scene->options.rate_hz, power = 0;
    pp_status status = pp_truth_activity(&intervals, &count, levels, steps, duration_s, err);
    pp_json *level = pp_json_array(), *active = pp_json_array();
    for (int64_t k = 0; k < steps; k++) {
        pp_json_append_real(level, rounded((double)levels[k], 100));
    }
    for (size_t i = 0; i < count; i++) {
        pp_json_append(active, numbers((double[2]){intervals[i].on_s, intervals[i].off_s}, 2, 1e6));
    }
    for (int64_t i = 0; i < frames; i++) power += (double)track[i] * (double)track[i];
    pp_json_set_real(to, "level_db", rounded(10 * log10(fmax(power / (double)frames, 1e-12)), 100));
    pp_json_set(to, "active", active);
    pp_json_set(to, "levels_db", level);
    pp_free(intervals);
    pp_free(levels);
    return status;
}

static void describe_notes(pp_json *to, const pp_part *part)
{
    pp_json *notes = pp_json_array();
    for (size_t i = 0; i < part->count; i++) {
        const pp_note *note = &part->notes[i];
        const double values[4] = {note->on_s, note->off_s, note->key, (double)note->velocity};
        pp_json_append(notes, numbers(values, 4, 1e3));
    }
    pp_json_set(to, "notes", notes);
}

static pp_json *box_numbers(const pp_scene *scene, pp_box box)
{
    double width = scene->options.width, height = scene->options.height;
    if (pp_box_is_empty(box)) return numbers((double[4]){0, 0, 0, 0}, 4, 1);
    return numbers((double[4]){(double)box.x0 / width, (double)box.y0 / height,
                               (double)box.x1 / width, (double)box.y1 / height},
                   4, 1e4);
}

static void describe_boxes(pp_json *const to[], const pp_scene *scene, pp_canvas *canvas)
{
    pp_json *all[PP_MOST_PLAYERS], *instruments[PP_MOST_PLAYERS];
    for (int i = 0; i < scene->players; i++) {
        all[i] = pp_json_array();
        instruments[i] = pp_json_array();
    }
    int count = (int)floor(scene->options.seconds / PP_BOX_STEP_S) + 1;
    for (int k = 0; k < count; k++) {
        pp_sighting seen[PP_MOST_PLAYERS];
        pp_scene_draw(scene, canvas, k * PP_BOX_STEP_S, NULL, seen);
        for (int i = 0; i < scene->players; i++) {
            pp_json_append(all[i], box_numbers(scene, seen[i].performer));
            pp_json_append(instruments[i], box_numbers(scene, seen[i].instrument));
        }
    }
    for (int i = 0; i < scene->players; i++) {
        pp_json_set(to[i], "boxes", all[i]);
        pp_json_set(to[i], "instrument_boxes", instruments[i]);
    }
}

static void describe_scene(pp_json *to, const pp_scene *scene, const char *video)
{
    const pp_scene_options *o = &scene->options;
    pp_json_set_text(to, "format", "pixelplayer-truth");
    pp_json_set_int(to, "version", 1);
    pp_json_set_text(to, "video", video);
    pp_json_set_text(to, "world", pp_world_name(o->world));
    pp_json_set_int(to, "seed", (int64_t)o->seed);
    pp_json_set_int(to, "item", (int64_t)scene->item);
    pp_json_set_real(to, "duration_s", (double)pp_scene_frames(scene) / o->rate_hz);
    pp_json_set_int(to, "width", o->width);
    pp_json_set_int(to, "height", o->height);
    pp_json_set_real(to, "fps", o->fps);
    pp_json_set_int(to, "rate_hz", o->rate_hz);
    pp_json_set_real(to, "level_step_s", PP_LEVEL_STEP_S);
    pp_json_set_real(to, "box_step_s", PP_BOX_STEP_S);
}

pp_status pp_truth_describe(pp_json **out, const pp_scene *scene, const pp_band *band,
                            float *const tracks[], pp_canvas *canvas, const char *video,
                            const char *folder, pp_error *err)
{
    pp_json *root = pp_json_object(), *performers = pp_json_array(), *each[PP_MOST_PLAYERS];
    pp_status status = PP_OK;
    describe_scene(root, scene, video);
    for (int i = 0; i < scene->players; i++) {
        const pp_sounding *s = &scene->soundings[i];
        char track[300];
        each[i] = pp_json_object();
        pp_json_set_text(each[i], "instrument",
                         pp_instrument_get(scene->parts[i].instrument)->name);
        snprintf(track, sizeof track, "%s/track-%d.wav", folder != NULL ? folder : "", i);
        pp_json_set_text(each[i], "track", folder != NULL ? track : NULL);
        pp_json_set_text(each[i], "sound_font",
                         pp_path_name(pp_band_font(band, s->font % pp_band_fonts(band))));
        pp_json_set_int(each[i], "program", s->program);
        pp_json_set_int(each[i], "variant", scene->performers[i].look.variant);
        if (status == PP_OK) status = describe_sound(each[i], scene, tracks[i], err);
        describe_notes(each[i], &scene->parts[i]);
    }
    describe_boxes(each, scene, canvas);
    for (int i = 0; i < scene->players; i++) pp_json_append(performers, each[i]);
    pp_json_set(root, "performers", performers);
    if (status != PP_OK) pp_json_free(&root);
    *out = root;
    return status;
}
