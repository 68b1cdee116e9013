#include "cluster/default_model.h"

#include <stddef.h>

#include "base/memory.h"
#include "base/path.h"
#include "model/init.h"

#define SEED 2018

pp_status pp_default_model_find(char **path, pp_error *err)
{
    static const char *const places[] = {"../../models/default.h5",
                                         "../share/pixelplayer/models/default.h5"};
    char *folder = NULL;
    *path = NULL;
    pp_status status = pp_path_program_folder(&folder, err);
    for (size_t i = 0; status == PP_OK && *path == NULL && i < 2; i++) {
        *path = pp_path_join(folder, places[i]);
        if (*path == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        else if (!pp_path_exists(*path)) PP_FREE(*path);
    }
    pp_free(folder);
    return status;
}

static pp_status make(const pp_fileops *ops, const char *path, pp_error *err)
{
    pp_model_file file = {0};
    pp_model_file_defaults(&file);
    pp_model_options options = pp_model_published_options();
    options.seed = SEED;
    pp_status status = pp_model_file_init(&file, &options, err);
    if (status == PP_OK) status = pp_model_file_write(&file, ops, path, err);
    pp_model_file_clear(&file);
    return status;
}

pp_status pp_default_model_make(char **path, const pp_fileops *ops, const char *folder,
                                pp_error *err)
{
    *path = pp_path_join(folder, "untrained-2018.h5");
    if (*path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = pp_path_make_folders(folder, err);
    if (status == PP_OK && !pp_path_exists(*path)) status = make(ops, *path, err);
    if (status != PP_OK) PP_FREE(*path);
    return status;
}
