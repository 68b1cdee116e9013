#include "scene.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "layout.h"

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

int pp_scene_cast(const pp_scene_options *o, uint64_t item, pp_instrument cast[PP_MOST_PLAYERS])
{
    pp_random random = pp_world_random(o->world, o->seed, item, PP_FOR_PLAN, 1);
    uint32_t all = (1u << PP_INSTRUMENTS) - 1;
    uint32_t among = o->instruments & all ? o->instruments & all : all, left = among;
    int players = count_players(o, item), same = pp_chance(&random, o->same_share);
    for (int i = 0; i < players; i++) {
        cast[i] = pick_instrument(left, &random);
        if (i == 1 && same) cast[i] = cast[0];
        left &= ~(1u << cast[i]);
        if (left == 0) left = among;
    }
    for (int i = players - 1; i > 0; i--) { /* the twins need not stand side by side */
        int j = pp_pick(&random, i + 1);
        pp_instrument kept = cast[i];
        cast[i] = cast[j];
        cast[j] = kept;
    }
    return players;
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

pp_status pp_scene_create(pp_scene **out, const pp_scene_options *options, uint64_t item,
                          pp_error *err)
{
    *out = NULL;
    pp_scene *scene = pp_alloc(1, sizeof *scene);
    if (scene == NULL) return pp_fail(err, PP_ERR_NOMEM, "a scene: no memory");
    scene->options = *options;
    scene->item = item;
    pp_random plan = pp_world_random(options->world, options->seed, item, PP_FOR_PLAN, 0);
    pp_instrument cast[PP_MOST_PLAYERS];
    scene->players = pp_scene_cast(options, item, cast);
    for (int i = 0; i < scene->players; i++) scene->parts[i].instrument = cast[i];
    pp_status status = compose_parts(scene, err);
    if (status == PP_OK) status = pp_layout_place(scene, &plan, err);
    if (status == PP_OK) pp_layout_camera(scene, &plan);
    if (status == PP_OK) pp_layout_light(scene, &plan);
    for (int i = 0; i < scene->panels && status == PP_OK; i++) {
        pp_random random =
            pp_world_random(options->world, options->seed, item, PP_FOR_BACKDROP, (uint64_t)i);
        status = pp_backdrop_create(&scene->backdrops[i], options->width, options->height,
                                    options->world, &random, err);
    }
    if (status != PP_OK) pp_scene_destroy(&scene);
    *out = scene;
    return status;
}

void pp_scene_destroy(pp_scene **scene)
{
    if (*scene == NULL) return;
    for (int i = 0; i < PP_MOST_PLAYERS; i++) {
        pp_part_clear(&(*scene)->parts[i]);
        pp_backdrop_clear(&(*scene)->backdrops[i]);
    }
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
    int width = scene->options.width, height = scene->options.height;
    for (int i = 0; i < scene->panels && rgb != NULL; i++) {
        int left = i * width / scene->panels, right = (i + 1) * width / scene->panels;
        pp_backdrop_show(&scene->backdrops[i], view, rgb, width, height, left, right);
    }
    for (int k = 0; k < scene->players; k++) {
        int i = scene->order[k];
        pp_pen pen = {.canvas = canvas, .frame = pp_affine_then(view, scene->places[i])};
        if (scene->panels > 1) {
            canvas->clip.x0 = (float)(i * width / scene->panels);
            canvas->clip.x1 = (float)((i + 1) * width / scene->panels);
        }
        pp_canvas_reset_boxes(canvas);
        pp_performer_draw(&scene->performers[i], &pen, time_s);
        if (sightings != NULL) sightings[i] = (pp_sighting){canvas->box, canvas->inner};
    }
    if (rgb != NULL) apply_light(scene, time_s, rgb);
}
