#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "store/commit.h"

#define DEEPEST 4

static int is_hex(const char *text, size_t length)
{
    return strspn(text, "0123456789abcdef") >= length;
}

static int is_archive(const char *path)
{
    if (strncmp(path, "archives/", 9) != 0 || !is_hex(path + 9, 2) || path[11] != '/') return 0;
    size_t length = strlen(path);
    return pp_text_ends_with(path, ".h5") && length > 12 + 20 && path[length - 20] == '-' &&
           is_hex(path + length - 19, 16) && strchr(path + 12, '/') == NULL;
}

static pp_file_kind kind_of(const char *path)
{
    if (pp_commit_is_temporary(path)) return PP_FILE_TEMPORARY;
    if (is_archive(path)) return PP_FILE_ARCHIVE;
    if (strncmp(path, "shards/", 7) == 0 && pp_text_ends_with(path, ".h5")) return PP_FILE_SHARD;
    if (strncmp(path, "failed/", 7) == 0 && pp_text_ends_with(path, ".json")) {
        return PP_FILE_FAILURE;
    }
    return PP_FILE_OTHER;
}

/* path: taken. */
static pp_status add_file(pp_folder *folder, char *path, const struct stat *info, pp_error *err)
{
    pp_status status = pp_grow((void **)&folder->files, &folder->room, (size_t)folder->count + 1,
                               sizeof *folder->files, err);
    if (status != PP_OK) {
        pp_free(path);
        return status;
    }
    pp_folder_file *file = &folder->files[folder->count++];
    file->path = path;
    file->kind = kind_of(path);
    file->size_bytes = info->st_size;
    file->mtime_ns = (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec;
    folder->kinds[file->kind]++;
    return PP_OK;
}

static pp_status scan(pp_folder *folder, const char *root, const char *below, int depth,
                      pp_error *err);

static pp_status scan_entry(pp_folder *folder, const char *root, const char *below,
                            const char *name, int depth, pp_error *err)
{
    char *path = below[0] == '\0' ? pp_strdup(name) : pp_path_join(below, name);
    char *full = path != NULL ? pp_path_join(root, path) : NULL;
    struct stat info;
    pp_status status = PP_OK;
    if (full == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    } else if (lstat(full, &info) != 0) {
        if (errno != ENOENT) status = pp_fail_errno(err, "cannot look at %s", full);
    } else if (S_ISDIR(info.st_mode)) {
        if (depth < DEEPEST && strcmp(path, "damaged") != 0) {
            status = scan(folder, root, path, depth + 1, err);
        }
    } else if (S_ISREG(info.st_mode)) {
        status = add_file(folder, path, &info, err);
        path = NULL;
    }
    pp_free(path);
    pp_free(full);
    return status;
}

static pp_status scan(pp_folder *folder, const char *root, const char *below, int depth,
                      pp_error *err)
{
    char *full = below[0] == '\0' ? pp_strdup(root) : pp_path_join(root, below);
    DIR *entries = full != NULL ? opendir(full) : NULL;
    pp_status status = PP_OK;
    if (entries == NULL && (errno != ENOENT || depth == 0)) {
        status = pp_fail_errno(err, "cannot list %s", full != NULL ? full : below);
    }
    for (struct dirent *entry; status == PP_OK && entries != NULL;) {
        errno = 0;
        entry = readdir(entries);
        if (entry == NULL) {
            if (errno != 0) status = pp_fail_errno(err, "cannot list %s", full);
            break;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        status = scan_entry(folder, root, below, entry->d_name, depth, err);
    }
    if (entries != NULL) closedir(entries);
    pp_free(full);
    return status;
}

static int by_path(const void *a, const void *b)
{
    return strcmp(((const pp_folder_file *)a)->path, ((const pp_folder_file *)b)->path);
}

pp_status pp_folder_scan(pp_folder *out, const char *out_folder, pp_error *err)
{
    pp_status status = scan(out, out_folder, "", 0, err);
    if (out->count > 0) qsort(out->files, (size_t)out->count, sizeof *out->files, by_path);
    if (status != PP_OK) pp_folder_free(out);
    return status;
}

void pp_folder_free(pp_folder *folder)
{
    for (int64_t i = 0; i < folder->count; i++) pp_free(folder->files[i].path);
    pp_free(folder->files);
    *folder = (pp_folder){0};
}
