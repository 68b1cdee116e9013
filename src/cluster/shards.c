#include "cluster/shards.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"

void pp_shards_sweep(const char *out_folder, const char *identity)
{
    if (strlen(identity) < 16) return;
    char *path = pp_format("%s/shards/%.16s", out_folder, identity);
    DIR *folder = path != NULL ? opendir(path) : NULL;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        char *name = pp_path_join(path, entry->d_name);
        if (name != NULL) unlink(name);
        pp_free(name);
    }
    if (folder != NULL) {
        closedir(folder);
        rmdir(path);
    }
    pp_free(path);
}
