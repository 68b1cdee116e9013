#include "base/path.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

char *pp_path_join(const char *folder, const char *name)
{
    if (name[0] == '/' || folder[0] == '\0') return pp_strdup(name);
    size_t length = strlen(folder);
    return pp_format("%s%s%s", folder, folder[length - 1] == '/' ? "" : "/", name);
}

const char *pp_path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash != NULL ? slash + 1 : path;
}

char *pp_path_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) return pp_strdup(".");
    if (slash == path) return pp_strdup("/");
    return pp_format("%.*s", (int)(slash - path), path);
}

char *pp_path_absolute(const char *path)
{
    char here[PATH_MAX];
    if (path[0] == '/' || getcwd(here, sizeof here) == NULL) return pp_strdup(path);
    return pp_path_join(here, path);
}

static int is_safe(unsigned char c)
{
    return c < 0x80 && (isalnum(c) || c == '.' || c == '_' || c == '-');
}

char *pp_path_safe_name(const char *name, size_t most)
{
    char *safe = pp_alloc(most + 2, 1);
    if (safe == NULL) return NULL;
    size_t used = 0;
    for (const unsigned char *at = (const unsigned char *)name; *at != 0 && used < most; at++) {
        if (is_safe(*at)) safe[used++] = (char)*at;
        else if (used == 0 || safe[used - 1] != '_') safe[used++] = '_';
    }
    if (used == 0) safe[used++] = '_';
    if (safe[0] == '.' || safe[0] == '-') safe[0] = '_';
    safe[used] = '\0';
    return safe;
}

int pp_path_exists(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0;
}

int pp_path_is_folder(const char *path)
{
    struct stat info;
    return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

static pp_status make_one(const char *path, pp_error *err)
{
    if (mkdir(path, 0777) == 0 || errno == EEXIST) return PP_OK;
    return pp_fail_errno(err, "cannot make the folder %s", path);
}

pp_status pp_path_make_folders(const char *path, pp_error *err)
{
    char *copy = pp_strdup(path);
    if (copy == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status = PP_OK;
    for (char *at = copy + 1; status == PP_OK && *copy != '\0' && *at != '\0'; at++) {
        if (*at != '/') continue;
        *at = '\0';
        status = make_one(copy, err);
        *at = '/';
    }
    if (status == PP_OK) status = make_one(copy, err);
    pp_free(copy);
    if (status == PP_OK && !pp_path_is_folder(path)) {
        status = pp_fail(err, PP_ERR_IO, "%s is there, but is no folder", path);
    }
    return status;
}

pp_status pp_path_program_folder(char **out, pp_error *err)
{
    char program[PATH_MAX];
    ssize_t length = readlink("/proc/self/exe", program, sizeof program - 1);
    *out = NULL;
    if (length < 0) return pp_fail_errno(err, "cannot read /proc/self/exe");
    program[length] = '\0';
    *out = pp_path_folder(program);
    return *out != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
}
