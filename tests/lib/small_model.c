#include "small_model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "model/checkpoint.h"

pp_error why;

void must(pp_status status, int line)
{
    if (status != PP_OK) fail_msg("line %d: %s", line, why.message);
    pp_error_clear(&why);
}

char *data_path(const char *name)
{
    const char *root = getenv("PP_ROOT");
    return pp_format("%s/tests/data/%s", root != NULL ? root : ".", name);
}

void import_small(pp_model_file *file, const char *container)
{
    static const char *const networks[] = {"sound", "frame", "synthesizer"};
    *file = (pp_model_file){0};
    pp_model_file_defaults(file);
    file->shape.log_rows = ROWS;
    file->shape.window_frames = COLUMNS;
    file->shape.picture_size = SIZE;
    strcpy(file->identity.name, "small");
    for (int i = 0; i < PP_NETWORKS; i++) {
        char name[64];
        snprintf(name, sizeof name, "network-%s-%s.pth", networks[i], container);
        char *path = data_path(name);
        MUST(pp_checkpoint_read(&file->networks[i], path, &why));
        pp_free(path);
    }
}

int make_folder(char *folder)
{
    strcpy(folder, "/tmp/pp-model-XXXXXX");
    return mkdtemp(folder) != NULL ? 0 : -1;
}

int remove_folder(const char *folder)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}
