/* One synthetic music video: who plays what, where, in which light, seen by which camera.
 *
 * Video `item` of a seed depends on the options and (seed, item) alone. Order: pp_scene_create;
 * then sound (pp_scene_play) and pictures (pp_scene_draw), in any order, as often as wanted;
 * pp_scene_destroy. Nothing is written: this is also how a trainer gets its clips in memory.
 * One thread a scene; scenes share nothing. */
#ifndef PP_SYNTH_SCENE_H
#define PP_SYNTH_SCENE_H

#include "backdrop.h"
#include "performer.h"
#include "sound.h"

#define PP_MOST_PLAYERS 3
#define PP_PLAYER_CYCLE 32

typedef struct pp_scene_options {
    pp_world world;
    uint64_t seed;
    int players[PP_PLAYER_CYCLE]; /* item i has players[i mod player_cycle] of them, 1 to 3 */
    int player_cycle;
    uint32_t instruments; /* bit i: instrument i may occur; 0: all */
    double same_share;    /* of the videos in which two play the same instrument */
    double seconds;
    int width, height; /* even */
    double fps;
    int rate_hz; /* of the sound */
    int fonts;   /* how many sound fonts the band has */
} pp_scene_options;

typedef struct pp_light {
    uint8_t table[3][256]; /* brightness, contrast, tint */
    float vignette, noise; /* darkening of the corners; 8-bit steps */
} pp_light;

typedef struct pp_scene {
    pp_scene_options options;
    uint64_t item;
    int players;
    pp_part parts[PP_MOST_PLAYERS];
    pp_performer performers[PP_MOST_PLAYERS];
    pp_sounding soundings[PP_MOST_PLAYERS];
    pp_affine places[PP_MOST_PLAYERS]; /* figure coordinates to scene coordinates */
    int order[PP_MOST_PLAYERS];        /* in which they are drawn: those behind first */
    int panels; /* 1; or one a player, side by side: each filmed apart, with a backdrop of its own
                 */
    pp_backdrop backdrops[PP_MOST_PLAYERS];
    pp_point camera_from, camera_to; /* centre of view, scene coordinates */
    float zoom_from, zoom_to, shake;
    pp_light light;
} pp_scene;

/* Who plays in video `item`, from left to right; returns how many. */
int pp_scene_cast(const pp_scene_options *options, uint64_t item,
                  pp_instrument cast[PP_MOST_PLAYERS]);

pp_status pp_scene_create(pp_scene **out, const pp_scene_options *options, uint64_t item,
                          pp_error *err) PP_MUST_USE;
void pp_scene_destroy(pp_scene **scene);

int64_t pp_scene_frames(const pp_scene *scene);   /* sound samples a channel */
int64_t pp_scene_pictures(const pp_scene *scene); /* video pictures */

/* Each performer's sound into tracks[player][frames]; their sum, in order of players, is the
 * mixture and lies within -1..1. */
pp_status pp_scene_play(const pp_scene *scene, pp_band *band, float *const tracks[],
                        pp_error *err) PP_MUST_USE;

typedef struct pp_sighting { /* pixels; empty boxes where nothing shows */
    pp_box performer, instrument;
} pp_sighting;

/* The picture at time_s into rgb [height, width, 3]; NULL: only the sightings [players] (which may
 * be NULL). canvas: of the video's size. */
void pp_scene_draw(const pp_scene *scene, pp_canvas *canvas, double time_s, uint8_t *rgb,
                   pp_sighting *sightings);

#endif
