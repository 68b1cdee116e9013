/* The parts of `pp label`, one function a sub-verb; argv[0] is its name. Exit statuses as in pp.h.
 */
#ifndef PP_TOOLS_CMD_LABEL_H
#define PP_TOOLS_CMD_LABEL_H

#include "model/file.h"
#include "store/archive.h"

int pp_label_command_train(int argc, char **argv);
int pp_label_command_apply(int argc, char **argv);
int pp_label_command_show(int argc, char **argv);

/* Prints a failure; returns the exit status that goes with it (2 usage, else 1). */
int pp_label_command_failed(const pp_error *err);

/* The model file without (0) or with (1) the networks' values. Clear it in every case. */
pp_status pp_label_read_model(pp_model_file *file, const char *path, int with_values,
                              pp_error *err) PP_MUST_USE;

/* Calls `visit` for an archive, or for every archive of an output folder in order of names. */
typedef pp_status (*pp_label_visit)(void *user, const char *path, pp_error *err);
pp_status pp_label_for_archives(const char *argument, pp_label_visit visit, void *user,
                                pp_error *err) PP_MUST_USE;

#endif
