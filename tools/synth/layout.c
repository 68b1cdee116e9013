#include "layout.h"

#include <math.h>

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

/* Puts a performer into a cell of the scene, as large as it allows or a little smaller; where the
 * cell ends with the picture, sometimes cut off below, anywhere under the instrument. */
static pp_affine place_in(pp_box cell, pp_sighting seen, int at_bottom, float least_size,
                          pp_random *random)
{
    pp_box box = seen.performer;
    float lowest = fminf(fmaxf(seen.instrument.y1 + 0.02f, -0.3f), 0), cut = 0.02f;
    if (at_bottom && pp_chance(random, 0.65)) cut = pp_between(random, lowest, 0);
    float wide = cell.x1 - cell.x0, tall = cell.y1 - cell.y0;
    float scale = fminf(0.97f * wide / (box.x1 - box.x0), 0.96f * tall / (cut - box.y0));
    scale *= pp_between(random, least_size, 1);
    float mirror = pp_chance(random, 0.5) ? -1 : 1;
    float middle = mirror * 0.5f * (box.x0 + box.x1) * scale;
    float spare_x = 0.5f * fmaxf(wide - scale * (box.x1 - box.x0), 0);
    float spare_y = fmaxf(tall - scale * (cut - box.y0), 0);
    float x = 0.5f * (cell.x0 + cell.x1) + pp_between(random, -0.85f, 0.85f) * spare_x;
    /* Who is cut off stands at the very edge; others anywhere, but rather low. */
    float lift = cut < 0 ? 0 : spare_y * pp_between(random, 0, 0.6f) * pp_between(random, 0, 1);
    return (pp_affine){mirror * scale, 0, 0, scale, x - middle, cell.y1 - lift - scale * cut};
}

static pp_box cell_in_square(const pp_scene *scene, int player, int rows)
{
    const pp_scene_options *o = &scene->options;
    float aspect = (float)o->width / (float)o->height, side = fminf(aspect, 1);
    float left = 0.5f * (aspect - side), slot = side / (float)scene->players;
    /* Heights are of the square here. */
    if (rows == 1) {
        return (pp_box){left + slot * (float)player, 0.01f, left + slot * (float)(player + 1), 1};
    }
    /* Three in two rows: the one in the middle behind and above, or before and below. */
    float half = left + 0.5f * side;
    pp_box wide = {left + 0.2f * side, 0.01f, left + 0.8f * side, 0.5f};
    if (player == 1) {
        if (rows == 2) return wide;
        return (pp_box){wide.x0, 0.5f, wide.x1, 1};
    }
    pp_box cell = {player == 0 ? left : half, 0.49f, player == 0 ? half : left + side, 1};
    if (rows == 3) {
        cell.y0 = 0.01f;
        cell.y1 = 0.52f;
    }
    return cell;
}

/* The square lies in the middle of the picture, also of an upright one. */
static pp_box cell_of(const pp_scene *scene, int player, int rows)
{
    pp_box cell = cell_in_square(scene, player, rows);
    float side = fminf((float)scene->options.width / (float)scene->options.height, 1);
    cell.y0 = 0.5f + (cell.y0 - 0.5f) * side;
    cell.y1 = 0.5f + (cell.y1 - 0.5f) * side;
    return cell;
}

pp_status pp_layout_place(pp_scene *scene, pp_random *random, pp_error *err)
{
    pp_canvas *ruler = NULL;
    pp_status status = pp_canvas_create(&ruler, 400, 400, err);
    if (status != PP_OK) return status;
    int rows = scene->players == 3 && pp_chance(random, 0.6) ? 2 + pp_pick(random, 2) : 1;
    scene->panels = rows == 1 && scene->players > 1 && pp_chance(random, 0.2) ? scene->players : 1;
    for (int i = 0; i < scene->players; i++) {
        pp_box cell = cell_of(scene, i, rows);
        float least = scene->players == 1 ? 0.7f : 0.82f;
        scene->places[i] = place_in(cell, measure(scene, i, ruler), cell.y1 >= 1, least, random);
        scene->order[i] = i;
    }
    if (rows == 2) {
        scene->order[0] = 1;
        scene->order[1] = 0;
    } else if (rows == 3) {
        scene->order[1] = 2;
        scene->order[2] = 1;
    }
    pp_canvas_destroy(&ruler);
    return PP_OK;
}

void pp_layout_camera(pp_scene *scene, pp_random *random)
{
    float aspect = (float)scene->options.width / (float)scene->options.height;
    int still = scene->panels > 1 || pp_chance(random, 0.4);
    scene->zoom_from = pp_between(random, 0.92f, 1.06f);
    scene->zoom_to = still ? scene->zoom_from : pp_between(random, 0.92f, 1.06f);
    if (scene->panels > 1) scene->zoom_from = scene->zoom_to = 1;
    scene->camera_from = (pp_point){0.5f * aspect, 0.5f};
    if (!still) {
        scene->camera_from.x += pp_between(random, -0.02f, 0.02f);
        scene->camera_from.y += pp_between(random, -0.02f, 0.01f);
    }
    scene->camera_to = scene->camera_from;
    if (!still) {
        scene->camera_to.x += pp_between(random, -0.025f, 0.025f);
        scene->camera_to.y += pp_between(random, -0.015f, 0.015f);
    }
    scene->shake = pp_chance(random, 0.3) ? pp_between(random, 0.001f, 0.004f) : 0;
}

void pp_layout_light(pp_scene *scene, pp_random *random)
{
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
