/* Parts played by FluidSynth. Each part has a synthesizer of its own: a used one, even reset, adds
 * its voices in another order, and sums of floats then differ in their last bits. The loaded sound
 * font passes from one to the next. */
#include <fluidsynth.h>
#include <math.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "sound.h"

#define SYNTH_RATE 44100
#define BLOCK 128 /* samples between control changes: two of FluidSynth's own */
#define MOST_FONTS 8
#define WHEEL 12 /* semitones of pitch bend each way */

typedef struct font {
    char *path;
    fluid_settings_t *settings;
    fluid_synth_t *holder; /* has the font while nobody plays */
    fluid_sfont_t *sfont;  /* owned by the synthesizer that has it */
} font;

struct pp_band {
    font fonts[MOST_FONTS];
    int count;
};

static void log_quietly(int level, const char *message, void *user)
{
    (void)level;
    (void)user;
    pp_log(PP_LOG_DEBUG, "fluidsynth: %s", message);
}

pp_status pp_band_create(pp_band **out, const char *const *fonts, int count, pp_error *err)
{
    *out = NULL;
    if (count < 1 || count > MOST_FONTS) {
        return pp_fail(err, PP_ERR_USAGE, "%d sound fonts: 1 to %d can be used", count, MOST_FONTS);
    }
    for (int level = 0; level < LAST_LOG_LEVEL; level++) {
        fluid_set_log_function(level, log_quietly, NULL);
    }
    pp_band *band = pp_alloc(1, sizeof *band);
    if (band == NULL) return pp_fail(err, PP_ERR_NOMEM, "a band: no memory");
    for (int i = 0; i < count; i++) {
        if (!pp_path_exists(fonts[i])) {
            pp_band_destroy(&band);
            pp_fail(err, PP_ERR_NOT_FOUND, "sound font %s: there is no such file", fonts[i]);
            return pp_advise(err, "install one (Debian: apt-get install timgm6mb-soundfont) or "
                                  "name one with --soundfont FILE.sf2");
        }
        band->fonts[i].path = pp_strdup(fonts[i]);
        band->count = i + 1;
        if (band->fonts[i].path == NULL) {
            pp_band_destroy(&band);
            return pp_fail(err, PP_ERR_NOMEM, "a band: no memory");
        }
    }
    *out = band;
    return PP_OK;
}

void pp_band_destroy(pp_band **band)
{
    if (*band == NULL) return;
    for (int i = 0; i < (*band)->count; i++) {
        font *f = &(*band)->fonts[i];
        if (f->holder != NULL) delete_fluid_synth(f->holder);
        if (f->settings != NULL) delete_fluid_settings(f->settings);
        pp_free(f->path);
    }
    PP_FREE(*band);
}

int pp_band_fonts(const pp_band *band)
{
    return band->count;
}

const char *pp_band_font(const pp_band *band, int index)
{
    return band->fonts[index].path;
}

/* Samples are read when an instrument first needs them, but for SF3: there each time they would be
 * unpacked anew, seconds for one part. */
static pp_status set_up(fluid_settings_t *settings, const char *path, pp_error *err)
{
    static const struct {
        const char *name;
        int value;
    } numbers[] = {
        {"synth.reverb.active", 0}, {"synth.chorus.active", 0},  {"synth.cpu-cores", 1},
        {"synth.polyphony", 96},    {"synth.threadsafe-api", 0},
    };
    int whole = pp_text_ends_with(path, ".sf3");
    int failed =
        fluid_settings_setint(settings, "synth.dynamic-sample-loading", !whole) != FLUID_OK ||
        fluid_settings_setnum(settings, "synth.sample-rate", SYNTH_RATE) != FLUID_OK ||
        fluid_settings_setnum(settings, "synth.gain", 0.5) != FLUID_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        failed |= fluid_settings_setint(settings, numbers[i].name, numbers[i].value) != FLUID_OK;
    }
    return failed ? pp_fail(err, PP_ERR_INTERNAL, "FluidSynth refused its settings") : PP_OK;
}

static pp_status load(font *f, pp_error *err)
{
    if (f->holder != NULL) return PP_OK;
    if (f->settings == NULL) f->settings = new_fluid_settings();
    if (f->settings == NULL) return pp_fail(err, PP_ERR_NOMEM, "FluidSynth gave no settings");
    pp_status status = set_up(f->settings, f->path, err);
    if (status != PP_OK) return status;
    f->holder = new_fluid_synth(f->settings);
    if (f->holder == NULL) return pp_fail(err, PP_ERR_NOMEM, "FluidSynth gave no synthesizer");
    int id = fluid_synth_sfload(f->holder, f->path, 0);
    f->sfont = id != FLUID_FAILED ? fluid_synth_get_sfont_by_id(f->holder, id) : NULL;
    if (f->sfont != NULL) return PP_OK;
    delete_fluid_synth(f->holder);
    f->holder = NULL;
    return pp_fail(err, PP_ERR_FORMAT, "sound font %s: FluidSynth cannot read it", f->path);
}

static pp_status pass_font(font *f, fluid_synth_t *from, fluid_synth_t *to, pp_error *err)
{
    if (fluid_synth_remove_sfont(from, f->sfont) != FLUID_OK ||
        fluid_synth_add_sfont(to, f->sfont) == FLUID_FAILED) {
        return pp_fail(err, PP_ERR_INTERNAL, "FluidSynth would not pass %s on", f->path);
    }
    return PP_OK;
}

/* Starts and ends of notes in the order in which they happen; ends come first. */
typedef struct event {
    double time_s;
    int key, velocity; /* velocity 0: the end */
} event;

static int by_time(const void *a, const void *b)
{
    const event *first = a, *second = b;
    if (first->time_s != second->time_s) return first->time_s < second->time_s ? -1 : 1;
    int start = (first->velocity > 0) - (second->velocity > 0);
    return start != 0 ? start : first->key - second->key;
}

static pp_status list_events(event **out, const pp_part *part, double stretch, int shift,
                             pp_error *err)
{
    event *events = pp_alloc(2 * part->count, sizeof *events);
    if (events == NULL) return pp_fail(err, PP_ERR_NOMEM, "notes of a part: no memory");
    for (size_t i = 0; i < part->count; i++) {
        const pp_note *note = &part->notes[i];
        int key = note->key - shift < 0 ? 0 : note->key - shift > 127 ? 127 : note->key - shift;
        int velocity = 1 + (int)(126 * note->velocity);
        events[2 * i] = (event){note->on_s * stretch, key, velocity};
        events[2 * i + 1] = (event){note->off_s * stretch, key, 0};
    }
    qsort(events, 2 * part->count, sizeof *events, by_time);
    *out = events;
    return PP_OK;
}

typedef struct player {
    fluid_synth_t *synth;
    int channel;
    const pp_sounding *sounding;
    int sustains;
    int bend, expression; /* as last sent */
    double note_s, stretch;
    int key, key_before;
} player;

static pp_status tune(player *p, const font *f, pp_error *err)
{
    int drums = p->sounding->program >= 128;
    int bank = drums ? 128 : 0, program = drums ? p->sounding->program - 128 : p->sounding->program;
    p->channel = drums ? 9 : 0;
    if (fluid_synth_pitch_wheel_sens(p->synth, p->channel, WHEEL) != FLUID_OK) {
        return pp_fail(err, PP_ERR_INTERNAL, "FluidSynth has no channel %d", p->channel);
    }
    /* Fonts differ in their drum kits; the standard one is in all of them. */
    if (drums && fluid_sfont_get_preset(f->sfont, bank, program) == NULL) program = 0;
    if (fluid_synth_program_select(p->synth, p->channel, fluid_sfont_get_id(f->sfont), bank,
                                   program) != FLUID_OK) {
        pp_fail(err, PP_ERR_FORMAT, "sound font %s has no program %d in bank %d", f->path, program,
                bank);
        return pp_advise(err, "use a General MIDI sound font (Debian: timgm6mb-soundfont)");
    }
    fluid_synth_set_interp_method(p->synth, -1, FLUID_INTERP_4THORDER);
    p->bend = -1;
    p->expression = -1;
    p->note_s = -1;
    p->key_before = -1;
    return PP_OK;
}

/* Vibrato that sets in after the note, detuning, and swells. A refused controller is no failure:
 * the note sounds without it. */
static void control(player *p, double time_s)
{
    const pp_sounding *s = p->sounding;
    double since = p->note_s >= 0 ? (time_s - p->note_s) / p->stretch : 0;
    double depth = fmin(fmax((since - (double)s->vibrato_delay_s) * 3, 0), 1);
    double cents = (double)s->detune_cents +
                   (double)s->vibrato_cents * depth *
                       sin(6.283185307179586 * (double)s->vibrato_hz * time_s / p->stretch);
    if (s->slide_s > 0 && p->key_before >= 0 && since < (double)s->slide_s) {
        double left = 1 - since / (double)s->slide_s;
        cents += 100 * fmin(fmax(p->key_before - p->key, -11), 11) * left * left;
    }
    int bend = 8192 + (int)lrint(fmin(fmax(cents / (100 * WHEEL), -1), 1) * 8191);
    if (bend != p->bend) (void)fluid_synth_pitch_bend(p->synth, p->channel, bend);
    p->bend = bend;
    if (!p->sustains) return;
    double rise = fmin(since * 2.5, 1);
    double sunk = (double)s->fade * 0.7 * fmin(since / 2, 1);
    int expression = (int)(127 * (1 - (double)s->swell * 0.6 * (1 - rise)) * (1 - sunk));
    if (expression != p->expression) (void)fluid_synth_cc(p->synth, p->channel, 11, expression);
    p->expression = expression;
}

static pp_status play(player *p, const event *events, size_t count, float *out, int64_t frames,
                      pp_error *err)
{
    float left[BLOCK], right[BLOCK];
    size_t next = 0;
    for (int64_t done = 0; done < frames; done += BLOCK) {
        double time_s = (double)done / SYNTH_RATE;
        for (; next < count && events[next].time_s <= time_s; next++) {
            const event *e = &events[next];
            /* The end of a note that has died away is refused, rightly. */
            if (e->velocity == 0) (void)fluid_synth_noteoff(p->synth, p->channel, e->key);
            else if (fluid_synth_noteon(p->synth, p->channel, e->key, e->velocity) != FLUID_OK) {
                return pp_fail(err, PP_ERR_INTERNAL, "FluidSynth refused key %d", e->key);
            } else {
                double gap_s = time_s - p->note_s; /* the tones of a chord do not glide */
                p->key_before = p->note_s >= 0 && gap_s > 0.02 && gap_s < 1 ? p->key : -1;
                p->key = e->key;
                p->note_s = time_s;
            }
        }
        control(p, time_s);
        if (fluid_synth_write_float(p->synth, BLOCK, left, 0, 1, right, 0, 1) != FLUID_OK) {
            return pp_fail(err, PP_ERR_INTERNAL, "FluidSynth stopped rendering");
        }
        int64_t length = frames - done < BLOCK ? frames - done : BLOCK;
        for (int64_t i = 0; i < length; i++) out[done + i] = 0.5f * (left[i] + right[i]);
    }
    return PP_OK;
}

/* The part as a new synthesizer plays it, at FluidSynth's rate. */
static pp_status play_raw(font *f, const pp_part *part, const pp_sounding *s, double stretch,
                          float *raw, int64_t frames, pp_error *err)
{
    pp_status status = load(f, err);
    if (status != PP_OK) return status;
    event *events = NULL;
    status = list_events(&events, part, stretch, s->shift, err);
    if (status != PP_OK) return status;
    player p = {.synth = new_fluid_synth(f->settings),
                .sounding = s,
                .stretch = stretch,
                .sustains = pp_instrument_get(part->instrument)->sustains};
    if (p.synth == NULL) status = pp_fail(err, PP_ERR_NOMEM, "FluidSynth gave no synthesizer");
    if (status == PP_OK) status = pass_font(f, f->holder, p.synth, err);
    if (status == PP_OK) {
        status = tune(&p, f, err);
        if (status == PP_OK) status = play(&p, events, 2 * part->count, raw, frames, err);
        pp_status back = pass_font(f, p.synth, f->holder, err);
        if (status == PP_OK) status = back;
    }
    if (p.synth != NULL) delete_fluid_synth(p.synth);
    pp_free(events);
    return status;
}

static pp_status play_dry(pp_band *band, const pp_part *part, const pp_sounding *s, int rate_hz,
                          float *out, int64_t frames, pp_error *err)
{
    double stretch = pow(2, s->shift / 12.0), step = SYNTH_RATE * stretch / rate_hz;
    int64_t raw_frames = (int64_t)ceil((double)frames * step) + BLOCK;
    float *raw = pp_alloc((size_t)raw_frames, sizeof *raw);
    if (raw == NULL) return pp_fail(err, PP_ERR_NOMEM, "sound of a part: no memory");
    font *f = &band->fonts[s->font % band->count];
    pp_status status = play_raw(f, part, s, stretch, raw, raw_frames, err);
    if (status == PP_OK) status = pp_resample(raw, raw_frames, step, out, frames, err);
    pp_free(raw);
    return status;
}

pp_status pp_band_play(pp_band *band, const pp_part *part, const pp_sounding *sounding, int rate_hz,
                       float *out, int64_t frames, pp_error *err)
{
    if (rate_hz < 8000 || rate_hz > 48000 || frames < 1) {
        return pp_fail(err, PP_ERR_USAGE, "%d Hz: the sound's rate is 8000 to 48000", rate_hz);
    }
    pp_status status = play_dry(band, part, sounding, rate_hz, out, frames, err);
    if (status != PP_OK) return status;
    pp_room_equalise(out, frames, rate_hz, sounding);
    status = pp_room_reverberate(out, frames, rate_hz, sounding, err);
    if (status != PP_OK) return status;
    pp_room_record(out, frames, rate_hz, sounding);
    pp_room_level(out, frames, rate_hz, sounding->level_db);
    pp_room_add_noise(out, frames, sounding);
    return PP_OK;
}

void pp_sounding_choose(pp_sounding *s, pp_world world, pp_instrument instrument, int fonts,
                        pp_random *random)
{
    const pp_instrument_info *info = pp_instrument_get(instrument);
    *s = (pp_sounding){0};
    s->font = pp_pick(random, fonts);
    s->program = pp_world_program(world, instrument, random);
    s->shift = s->program >= 128 || pp_chance(random, 0.4) ? 0 : pp_pick(random, 7) - 3;
    s->detune_cents = 12 * (float)pp_random_normal(random);
    s->vibrato_hz = pp_between(random, 4.5f, 6.8f);
    s->vibrato_cents = pp_chance(random, 0.3) ? 0 : info->vibrato * pp_between(random, 0.2f, 1);
    s->vibrato_delay_s = pp_between(random, 0.05f, 0.4f);
    s->slide_s = pp_chance(random, 0.5) ? 0 : info->slide_s * pp_between(random, 0.3f, 1);
    s->swell = pp_chance(random, 0.3) ? 0 : pp_between(random, 0, 0.8f);
    s->fade = pp_chance(random, 0.5) ? 0 : pp_between(random, 0, 1);
    s->level_db = pp_between(random, -23, -17);
    s->room_s = pp_between(random, 0.15f, 1.4f);
    s->room_db = pp_between(random, -24, -5);
    s->low_db = pp_between(random, -6, 5);
    s->low_hz = pp_between(random, 100, 300);
    s->bell_db = pp_between(random, -6, 6);
    s->bell_hz = 300 * powf(10, pp_between(random, 0, 1));
    s->bell_q = pp_between(random, 0.4f, 1.5f);
    s->high_db = pp_between(random, -9, 5);
    s->high_hz = pp_between(random, 1800, 4500);
    s->noise_db = pp_between(random, -80, -55);
    s->seed = pp_random_bits(random);
    if (info->nasal_db > 0) {
        s->bell_db = info->nasal_db * pp_between(random, 0.7f, 1.3f);
        s->bell_hz = pp_between(random, 900, 1600);
        s->bell_q = pp_between(random, 0.5f, 0.9f);
    }
}
