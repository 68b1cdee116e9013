/* Shared by inputs.c and inputs_lists.c only. */
#ifndef PP_CLUSTER_INPUTS_INTERNAL_H
#define PP_CLUSTER_INPUTS_INTERNAL_H

#include "cluster/inputs.h"

/* One entry more. path: taken (freed on failure too). *out may be NULL. */
pp_status pp_inputs_append(pp_inputs *inputs, char *path, pp_input **out,
                           pp_error *err) PP_MUST_USE;
/* An entry that cannot be used. path: borrowed. */
pp_status pp_inputs_problem(pp_inputs *inputs, const char *path, const pp_error *problem,
                            pp_error *err) PP_MUST_USE;
/* Adds a file or a folder, never a list. path: borrowed, absolute. */
pp_status pp_inputs_add_path(pp_inputs *inputs, const char *path, pp_error *err) PP_MUST_USE;
/* `path` as seen from `folder` (NULL: the working folder), absolute and tidy; owned. */
char *pp_inputs_resolve(const char *folder, const char *path);
/* Fills in size and time of a video's entry, or its problem. */
void pp_inputs_look(pp_input *input);

pp_status pp_inputs_add_list(pp_inputs *inputs, const char *path, pp_error *err) PP_MUST_USE;
pp_status pp_inputs_add_manifest(pp_inputs *inputs, const char *path, pp_error *err) PP_MUST_USE;

#endif
