/* Inside a scene: where performers stand, and how they are filmed. For scene.c. */
#ifndef PP_SYNTH_LAYOUT_H
#define PP_SYNTH_LAYOUT_H

#include "scene.h"

/* Sets places, order and panels. */
pp_status pp_layout_place(pp_scene *scene, pp_random *random, pp_error *err) PP_MUST_USE;
void pp_layout_camera(pp_scene *scene, pp_random *random);
void pp_layout_light(pp_scene *scene, pp_random *random);

#endif
