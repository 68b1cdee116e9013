#include "scene.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"

static int count_players(const pp_scene_options *o, uint64_t item)
{
    if (o->player_cycle < 1) return 1;
    int players = o->players[item % (uint64_t)o->player_cycle];
    return players < 1 ? 1 : players > PP_MOST_PLAYERS ? PP_MOST_PLAYERS : players;
}

static pp_instrument pick_instrument(uint32_t among, pp_random *random)
{
    int count = 0;
    for (int i = 0; i < PP_INSTRUMENTS; i++) count += among >> i & 1;
    int chosen = pp_pick(random, count);
    for (int i = 0; i < PP_INSTRUMENTS; i++) {
        if ((among >> i & 1) && chosen-- == 0) return (pp_instrument)i;
    }
    return (pp_instrument)0;
}

static void cast_players(pp_scene *scene, pp_random *random)
{
    const pp_scene_options *o = &scene->options;
    uint32_t all = (1u << PP_INSTRUMENTS) - 1,
             among = o->instruments & all ? o->instruments & all : all;
    scene->players = count_players(o, scene->item);
    int same = pp_chance(random, o->same_share);
    uint32_t left = among;
    for (int i = 0; i < scene->players; i++) {
        pp_instrument instrument = pick_instrument(left, random);
        if (i == 1 && same) instrument = scene->parts[0].instrument;
        scene->parts[i].instrument = instrument;
        left &= ~(1u << instrument);
        if (left == 0) left = among;
    }
    for (int i = scene->players - 1; i > 0; i--) { /* the twins need not stand side by side */
        int j = pp_pick(random, i + 1);
        pp_instrument kept = scene->parts[i].instrument;
        scene->parts[i].instrument = scene->parts[j].instrument;
        scene->parts[j].instrument = kept;
    }
}

static pp_status compose_parts(pp_scene *scene, pp_error *err)
{
    const pp_scene_options *o = &scene->options;
    pp_random shared = pp_world_random(o->world, o->seed, scene->item, PP_FOR_MUSIC, 0);
    pp_piece together;
    pp_piece_compose(&together, &shared);
    int apart = pp_chance(&shared, 0.3);
    for (int i = 0; i < scene->players; i++) {
        uint64_t part = 1 + (uint64_t)i;
        pp_random random = pp_world_random(o->world, o->seed, scene->item, PP_FOR_MUSIC, part);
        pp_piece own = together;
        if (apart) pp_piece_compose(&own, &random);
        pp_status status = pp_part_compose(&scene->parts[i], &own, o->seconds, &random, err);
        if (status != PP_OK) return status;
        pp_random sound = pp_world_random(o->world, o->seed, scene->item, PP_FOR_SOUND, part);
        pp_sounding_choose(&scene->soundings[i], o->world, scene->parts[i].instrument, o->fonts,
                           &sound);
        pp_random look = pp_world_random(o->world, o->seed, scene->item, PP_FOR_LOOK, part);
        pp_performer_choose(&scene->performers[i], scene->parts[i].instrument, o->world,
                            &scene->parts[i], &look);
    }
    return PP_OK;
}

/* What a performer covers in figure coordinates, over the whole video. */
static pp_sighting measure(const pp_scene *scene, int player, pp_canvas *ruler)
{
    const float unit = 200;
    pp_sighting seen = {pp_box_empty(), pp_box_empty()};
    pp_pen pen = {.canvas = ruler};
    pp_canvas_begin(ruler, NULL, 1);
    pen.frame = pp_affine_scale(pp_affine_identity(), unit, unit);
    pen.frame = pp_affine_move(pen.frame, 1, 1.5f); /* the ruler spans -1..1 and -1.5..0.5 */
    for (int i = 0; i < 12; i++) {
        pp_performer_draw(&scene->performers[player], &pen, scene->options.seconds * i / 12);
    }
    pp_box *boxes[2] = {&seen.performer, &seen.instrument};
    const pp_box found[2] = {ruler->box, ruler->inner};
    for (int i = 0; i < 2; i++) {
        *boxes[i] = (pp_box){found[i].x0 / unit - 1, found[i].y0 / unit - 1.5f,
                             found[i].x1 / unit - 1, found[i].y1 / unit - 1.5f};
    }
    return seen;
}

/* Players side by side in the picture's middle square, which is what networks get to see; each
 * as large as the place allows or smaller, sometimes cut off below by the picture's edge. */
static pp_status place_players(pp_scene *scene, pp_random *random, pp_error *err)
{
    pp_canvas *ruler = NULL;
    pp_status status = pp_canvas_create(&ruler, 400, 400, err);
    if (status != PP_OK) return status;
    const pp_scene_options *o = &scene->options;
    float aspect = (float)o->width / (float)o->height, side = fminf(aspect, 1);
    float slot = side / (float)scene->players, left = 0.5f * (aspect - side);
    for (int i = 0; i < scene->players; i++) {
        pp_sighting seen = measure(scene, i, ruler);
        pp_box box = seen.performer;
        /* Where the picture may end below: at the feet, or anywhere under the instrument. */
        float lowest = fmaxf(seen.instrument.y1 + 0.02f, -0.3f);
        float cut = pp_chance(random, 0.5) ? 0.03f : pp_between(random, fminf(lowest, 0), 0.03f);
        float scale = fminf(0.97f * slot / (box.x1 - box.x0), 0.95f / (cut - box.y0));
        scale *= pp_between(random, scene->players == 1 ? 0.72f : 0.85f, 1);
        float mirror = pp_chance(random, 0.5) ? -1 : 1;
        float middle = mirror * 0.5f * (box.x0 + box.x1) * scale;
        float spare = 0.5f * fmaxf(slot - scale * (box.x1 - box.x0), 0);
        float x = left + slot * ((float)i + 0.5f) + pp_between(random, -0.8f, 0.8f) * spare;
        float tall = scale * (cut - box.y0), foot = cut > 0 ? 0.97f : 1.0f;
        if (cut > 0) foot -= pp_between(random, 0, 1) * fminf(0.97f - tall, 0.12f);
        pp_affine place = {mirror * scale, 0, 0, scale, x - middle, foot - scale * cut};
        scene->places[i] = place;
    }
    pp_canvas_destroy(&ruler);
    return PP_OK;
}

static void set_camera_and_light(pp_scene *scene, pp_random *random)
{
    float aspect = (float)scene->options.width / (float)scene->options.height;
    int still = pp_chance(random, 0.4);
    scene->zoom_from = pp_between(random, 0.9f, 1.06f);
    scene->zoom_to = still ? scene->zoom_from : pp_between(random, 0.9f, 1.06f);
    scene->camera_from = (pp_point){0.5f * aspect + pp_between(random, -0.02f, 0.02f),
                                    0.5f + pp_between(random, -0.02f, 0.02f)};
    scene->camera_to = scene->camera_from;
    if (!still) {
        scene->camera_to.x += pp_between(random, -0.025f, 0.025f);
        scene->camera_to.y += pp_between(random, -0.015f, 0.015f);
    }
    scene->shake = pp_chance(random, 0.3) ? pp_between(random, 0.001f, 0.004f) : 0;
    float bright = pp_between(random, -0.1f, 0.08f), contrast = pp_between(random, 0.75f, 1.15f);
    float gamma = pp_between(random, 0.8f, 1.25f);
    for (int c = 0; c < 3; c++) {
        float tint = pp_between(random, 0.88f, 1.1f);
        for (int i = 0; i < 256; i++) {
            float value = powf((float)i / 255, gamma);
            value = ((value - 0.5f) * contrast + 0.5f + bright) * tint;
            scene->light.table[c][i] = (uint8_t)(255 * fminf(fmaxf(value, 0), 1) + 0.5f);
        }
    }
    scene->light.vignette = pp_chance(random, 0.5) ? pp_between(random, 0.1f, 0.5f) : 0;
    scene->light.noise = pp_chance(random, 0.6) ? pp_between(random, 1, 7) : 0;
}

pp_status pp_scene_create(pp_scene **out, const pp_scene_options *options, uint64_t item,
                          pp_error *err)
{
    *out = NULL;
    pp_scene *scene = pp_alloc(1, sizeof *scene);
    if (scene == NULL) return pp_fail(err, PP_ERR_NOMEM, "a scene: no memory");
    scene->options = *options;
    scene->item = item;
    pp_random plan = pp_world_random(options->world, options->seed, item, PP_FOR_PLAN, 0);
    cast_players(scene, &plan);
    pp_status status = compose_parts(scene, err);
    if (status == PP_OK) status = place_players(scene, &plan, err);
    if (status == PP_OK) {
        set_camera_and_light(scene, &plan);
        pp_random random = pp_world_random(options->world, options->seed, item, PP_FOR_BACKDROP, 0);
        status = pp_backdrop_create(&scene->backdrop, options->width, options->height,
                                    options->world, &random, err);
    }
    if (status != PP_OK) pp_scene_destroy(&scene);
    *out = scene;
    return status;
}

void pp_scene_destroy(pp_scene **scene)
{
    if (*scene == NULL) return;
    for (int i = 0; i < PP_MOST_PLAYERS; i++) pp_part_clear(&(*scene)->parts[i]);
    pp_backdrop_clear(&(*scene)->backdrop);
    PP_FREE(*scene);
}

int64_t pp_scene_frames(const pp_scene *scene)
{
    return (int64_t)llround(scene->options.seconds * scene->options.rate_hz);
}

int64_t pp_scene_pictures(const pp_scene *scene)
{
    int64_t count = (int64_t)llround(scene->options.seconds * scene->options.fps);
    return count > 0 ? count : 1;
}

pp_status pp_scene_play(const pp_scene *scene, pp_band *band, float *const tracks[], pp_error *err)
{
    int64_t frames = pp_scene_frames(scene);
    for (int i = 0; i < scene->players; i++) {
        pp_status status = pp_band_play(band, &scene->parts[i], &scene->soundings[i],
                                        scene->options.rate_hz, tracks[i], frames, err);
        if (status != PP_OK) return status;
    }
    float peak = 0;
    for (int64_t k = 0; k < frames; k++) {
        float sum = 0;
        for (int i = 0; i < scene->players; i++) {
            sum += tracks[i][k];
            peak = fmaxf(peak, fabsf(tracks[i][k]));
        }
        peak = fmaxf(peak, fabsf(sum));
    }
    if (peak <= 0.89f) return PP_OK; /* -1 dB: lossy coding must not clip either */
    float gain = 0.89f / peak;
    for (int i = 0; i < scene->players; i++) {
        for (int64_t k = 0; k < frames; k++) tracks[i][k] *= gain;
    }
    return PP_OK;
}

static pp_affine view_at(const pp_scene *scene, double time_s)
{
    float share = (float)fmin(time_s / scene->options.seconds, 1), t = (float)time_s;
    float zoom = scene->zoom_from + (scene->zoom_to - scene->zoom_from) * share;
    float x = scene->camera_from.x + (scene->camera_to.x - scene->camera_from.x) * share;
    float y = scene->camera_from.y + (scene->camera_to.y - scene->camera_from.y) * share;
    x += scene->shake * (sinf(7.3f * t) + 0.6f * sinf(17.9f * t + 1));
    y += scene->shake * (sinf(8.9f * t + 2) + 0.6f * sinf(15.1f * t));
    float width = (float)scene->options.width, height = (float)scene->options.height;
    return (pp_affine){zoom * height,
                       0,
                       0,
                       zoom * height,
                       0.5f * width - zoom * height * x,
                       0.5f * height - zoom * height * y};
}

static void apply_light(const pp_scene *scene, double time_s, uint8_t *rgb)
{
    const pp_light *light = &scene->light;
    const pp_scene_options *o = &scene->options;
    uint64_t moment = (uint64_t)llround(time_s * 1000);
    pp_random random = pp_world_random(o->world, o->seed, scene->item, PP_FOR_NOISE, 0);
    random.state[0] ^= moment * 0x9e3779b97f4a7c15u;
    pp_random_bits(&random);
    float cx = 0.5f * (float)o->width, cy = 0.5f * (float)o->height, far = 1 / (cx * cx + cy * cy);
    int noise = (int)(light->noise * 256 / 128);
    for (int y = 0; y < o->height; y++) {
        uint8_t *row = rgb + 3 * (size_t)y * (size_t)o->width;
        uint64_t bits = 0;
        for (int x = 0; x < o->width; x++) {
            float dx = (float)x - cx, dy = (float)y - cy;
            int keep = (int)(256 * (1 - light->vignette * (dx * dx + dy * dy) * far));
            if ((x & 7) == 0) bits = pp_random_bits(&random);
            int grain = ((int)(bits >> (8 * (x & 7)) & 255) - 128) * noise;
            for (int c = 0; c < 3; c++) {
                int value = light->table[c][row[3 * x + c]] * keep + grain;
                row[3 * x + c] = (uint8_t)(value < 0 ? 0 : value > 65280 ? 255 : value >> 8);
            }
        }
    }
}

void pp_scene_draw(const pp_scene *scene, pp_canvas *canvas, double time_s, uint8_t *rgb,
                   pp_sighting *sightings)
{
    pp_canvas_begin(canvas, rgb, rgb == NULL);
    pp_affine view = view_at(scene, time_s);
    if (rgb != NULL) {
        pp_backdrop_show(&scene->backdrop, view, rgb, scene->options.width, scene->options.height);
    }
    for (int i = 0; i < scene->players; i++) {
        pp_pen pen = {.canvas = canvas, .frame = pp_affine_then(view, scene->places[i])};
        pp_canvas_reset_boxes(canvas);
        pp_performer_draw(&scene->performers[i], &pen, time_s);
        if (sightings != NULL) sightings[i] = (pp_sighting){canvas->box, canvas->inner};
    }
    if (rgb != NULL) apply_light(scene, time_s, rgb);
}
