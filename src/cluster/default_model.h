/* The model where the user names none. */
#ifndef PP_CLUSTER_DEFAULT_MODEL_H
#define PP_CLUSTER_DEFAULT_MODEL_H

#include "base/status.h"
#include "store/fileops.h"

/* The model that comes with the program (models/default.h5 beside the build or in share/), NULL
 * in *path where there is none; owned by the caller. */
pp_status pp_default_model_find(char **path, pp_error *err) PP_MUST_USE;
/* Makes an untrained one of the published shape from a fixed seed, FOLDER/untrained-2018.h5,
 * unless it is there. *path is owned by the caller. */
pp_status pp_default_model_make(char **path, const pp_fileops *ops, const char *folder,
                                pp_error *err) PP_MUST_USE;

#endif
