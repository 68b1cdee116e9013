#include "solo.h"

#include <math.h>

pp_instrument pp_solo_instrument(const pp_scene_options *options, uint64_t item)
{
    uint32_t all = (1u << PP_INSTRUMENTS) - 1, among = options->instruments & all;
    if (among == 0) among = all;
    int count = 0, chosen = 0;
    for (int i = 0; i < PP_INSTRUMENTS; i++) count += among >> i & 1;
    int left = (int)(item % (uint64_t)count);
    while (!(among >> chosen & 1) || left-- > 0) chosen++;
    return (pp_instrument)chosen;
}

int64_t pp_solo_frames(const pp_scene_options *options)
{
    return (int64_t)llround(options->seconds * options->rate_hz);
}

/* Rooms from dry to a church, telephones to hi-fi, quiet to noisy. */
static void roughen(pp_sounding *s, pp_random *random)
{
    s->room_s = pp_between(random, 0.1f, 1) * pp_between(random, 0.3f, 2.5f);
    s->room_db = pp_between(random, -26, 0);
    s->low_db += pp_between(random, -8, 4);
    s->high_db += pp_between(random, -9, 4);
    s->bell_db += pp_between(random, -4, 4);
    s->noise_db = pp_chance(random, 0.3) ? pp_between(random, -55, -38) : s->noise_db;
    s->drive_db = pp_chance(random, 0.25) ? pp_between(random, 0.5f, 10) : 0;
    s->cut_hz = pp_chance(random, 0.3) ? pp_between(random, 2200, 5000) : 0;
    s->detune_cents += 20 * (float)pp_random_normal(random);
    s->vibrato_cents *= pp_between(random, 0.5f, 1.6f);
}

pp_status pp_solo_play(const pp_scene_options *o, uint64_t item, pp_band *band, float *samples,
                       pp_error *err)
{
    pp_part part = {.instrument = pp_solo_instrument(o, item)};
    /* Other streams than those of videos: purposes of part 9. */
    pp_random music = pp_world_random(o->world, o->seed, item, PP_FOR_MUSIC, 9);
    pp_random sound = pp_world_random(o->world, o->seed, item, PP_FOR_SOUND, 9);
    pp_piece piece;
    pp_sounding sounding;
    pp_piece_compose(&piece, &music);
    pp_status status = pp_part_compose(&part, &piece, o->seconds, &music, err);
    if (status == PP_OK) {
        pp_sounding_choose(&sounding, o->world, part.instrument, o->fonts, &sound);
        roughen(&sounding, &sound);
        status = pp_band_play(band, &part, &sounding, o->rate_hz, samples, pp_solo_frames(o), err);
    }
    pp_part_clear(&part);
    float peak = 0;
    for (int64_t k = 0; k < pp_solo_frames(o) && status == PP_OK; k++) {
        peak = fmaxf(peak, fabsf(samples[k]));
    }
    for (int64_t k = 0; k < pp_solo_frames(o) && peak > 0.95f; k++) samples[k] *= 0.95f / peak;
    return status;
}
