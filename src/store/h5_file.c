/* Files: created, committed, opened, closed; objects found in them; HDF5's errors in our words. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/path.h"
#include "store/commit.h"
#include "store/h5_internal.h"

/* ---- errors --------------------------------------------------------------------------------- */

typedef struct reason {
    char words[256];
} reason;

static herr_t innermost(unsigned index, const H5E_error2_t *entry, void *user)
{
    reason *found = user;
    if (index > 0 || entry->desc == NULL) return 0;
    size_t length = strlen(entry->desc);
    if (length >= sizeof found->words) length = sizeof found->words - 1;
    memcpy(found->words, entry->desc, length);
    found->words[length] = '\0';
    return 0;
}

pp_status pp_h5_settled(const pp_h5 *file, pp_error *err)
{
    if (file->io.write_code == 0) return PP_OK;
    return pp_commit_fail(err, file->io.write_code, file->io.write_doing, file->path);
}

pp_status pp_h5_failed(pp_h5 *file, pp_error *err, const char *doing, const char *object)
{
    reason found = {"HDF5 gives no reason"};
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, innermost, &found);
    H5Eclear2(H5E_DEFAULT);
    pp_status status = pp_h5_settled(file, err);
    if (status != PP_OK) return status;
    if (file->io.read_code != 0) {
        errno = file->io.read_code;
        file->io.read_code = 0;
        return pp_fail_errno(err, "%s: cannot %s%s%s", file->path, doing, object ? " " : "",
                             object ? object : "");
    }
    status = file->temporary != NULL ? PP_ERR_INTERNAL : PP_ERR_FORMAT;
    pp_fail(err, status, "%s: cannot %s%s%s: %s", file->path, doing, object ? " " : "",
            object ? object : "", found.words);
    if (status == PP_ERR_FORMAT && err != NULL && err->advice[0] == '\0') {
        pp_advise(err, "the file is damaged or not what it should be; `pp fsck` checks a whole "
                       "output folder and can have the damaged parts made again");
    }
    return status;
}

/* ---- opening -------------------------------------------------------------------------------- */

static pp_h5 *new_file(const pp_fileops *ops, const char *path)
{
    pp_h5 *file = pp_alloc(1, sizeof *file);
    if (file == NULL) return NULL;
    file->file = -1;
    file->io.ops = ops;
    file->path = pp_strdup(path);
    for (int i = 0; i < PP_H5_HANDLES; i++) file->handles[i].id = -1;
    if (file->path == NULL) PP_FREE(file);
    /* Errors are ours to report; HDF5 would print them on standard error. */
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    return file;
}

static void free_file(pp_h5 **at)
{
    pp_h5 *file = *at;
    for (size_t i = 0; i < file->made_count; i++) pp_free(file->made[i].path);
    pp_free(file->made);
    pp_free(file->chunk);
    pp_h5_packer_destroy(&file->packer);
    pp_free(file->path);
    pp_free(file->temporary);
    pp_free(file->image);
    PP_FREE(*at);
}

/* Version 1.10 alone, below and above: older structures carry no checksums of their own. */
static hid_t access_list(pp_h5 *file)
{
    hid_t access = pp_h5_driver_access(&file->io);
    if (access < 0) return -1;
    int failed = H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) < 0;
    if (file->io.creating) {
        failed |= H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) < 0;
    }
    if (!failed) return access;
    H5Pclose(access);
    return -1;
}

/* HDF5 forgets why a call failed at the next call, closing a list included: so that comes last. */
static pp_status open_h5(pp_h5 *file, pp_error *err)
{
    hid_t access = access_list(file);
    if (access >= 0) file->file = H5Fopen(file->io.path, H5F_ACC_RDONLY, access);
    pp_status status = PP_OK;
    if (file->file < 0) status = pp_h5_failed(file, err, "open it as HDF5", NULL);
    if (access >= 0) H5Pclose(access);
    return status;
}

static pp_status create_h5(pp_h5 *file, pp_error *err)
{
    hid_t access = access_list(file);
    hid_t creation = H5Pcreate(H5P_FILE_CREATE);
    /* no times: equal contents give equal bytes */
    if (access >= 0 && creation >= 0 && H5Pset_obj_track_times(creation, 0) >= 0) {
        file->file = H5Fcreate(file->io.path, H5F_ACC_EXCL, creation, access);
    }
    pp_status status = PP_OK;
    if (file->file < 0) status = pp_h5_failed(file, err, "create the file", NULL);
    if (access >= 0) H5Pclose(access);
    if (creation >= 0) H5Pclose(creation);
    return status != PP_OK ? status : pp_h5_settled(file, err);
}

pp_status pp_h5_create(pp_h5 **out, const pp_fileops *ops, const char *path, pp_error *err)
{
    *out = NULL;
    char *folder = pp_path_folder(path);
    pp_h5 *file = new_file(ops, path);
    if (file != NULL) file->temporary = pp_commit_temporary(path);
    pp_status status = PP_OK;
    if (folder == NULL || file == NULL || file->temporary == NULL) {
        status = pp_fail(err, PP_ERR_NOMEM, "%s: no memory to create it", path);
    }
    if (status == PP_OK) status = pp_path_make_folders(folder, err);
    if (status == PP_OK) {
        file->io.path = file->temporary;
        file->io.creating = 1;
        status = create_h5(file, err);
    }
    pp_free(folder);
    if (status != PP_OK) pp_h5_close(&file);
    *out = file;
    return status;
}

static pp_status finish_open(pp_h5 **out, pp_h5 *file, pp_error *err)
{
    pp_status status = open_h5(file, err);
    if (status != PP_OK) pp_h5_close(&file);
    *out = file;
    return status;
}

pp_status pp_h5_open(pp_h5 **out, const pp_fileops *ops, const char *path, pp_error *err)
{
    *out = NULL;
    pp_h5 *file = new_file(ops, path);
    if (file == NULL) return pp_fail(err, PP_ERR_NOMEM, "%s: no memory to open it", path);
    file->io.path = file->path;
    return finish_open(out, file, err);
}

pp_status pp_h5_open_memory(pp_h5 **out, const void *bytes, size_t length, const char *name,
                            pp_error *err)
{
    *out = NULL;
    pp_h5 *file = new_file(NULL, name);
    if (file != NULL) file->image = pp_alloc(length, 1);
    if (file == NULL || file->image == NULL) {
        pp_h5_close(&file);
        return pp_fail(err, PP_ERR_NOMEM, "%s: no memory for %zu bytes", name, length);
    }
    if (length > 0) memcpy(file->image, bytes, length);
    file->io.path = file->path;
    file->io.image = file->image;
    file->io.image_bytes = length;
    return finish_open(out, file, err);
}

const char *pp_h5_path(const pp_h5 *file)
{
    return file->path;
}

/* ---- closing -------------------------------------------------------------------------------- */

void pp_h5_drop_handles(pp_h5 *file)
{
    for (int i = 0; i < PP_H5_HANDLES; i++) {
        pp_h5_handle *handle = &file->handles[i];
        if (handle->id >= 0) H5Dclose(handle->id);
        pp_free(handle->path);
        *handle = (pp_h5_handle){.id = -1};
    }
}

static int close_h5(pp_h5 *file)
{
    pp_h5_drop_handles(file);
    int failed = file->file >= 0 && H5Fclose(file->file) < 0;
    file->file = -1;
    pp_h5_driver_release(&file->io);
    return failed;
}

void pp_h5_close(pp_h5 **at)
{
    pp_h5 *file = *at;
    if (file == NULL) return;
    file->io.discard = 1;
    close_h5(file);
    H5Eclear2(H5E_DEFAULT);
    /* where the file could not even be created there may be another's under that name: no */
    if (file->temporary != NULL && file->io.path != NULL) {
        file->io.ops->unlink(file->io.ops->user, file->temporary);
    }
    free_file(at);
}

/* The first and the last chunk of a data set, through all filters. */
static pp_status read_ends(pp_h5 *file, const pp_h5_made *made, pp_error *err)
{
    hid_t dataset, type;
    int rank;
    hsize_t dims[PP_H5_MOST_RANK], one[PP_H5_MOST_RANK];
    pp_status status = pp_h5_shape(file, made->path, &dataset, &type, &rank, dims, err);
    if (status != PP_OK) return status;
    int same = rank == made->rank, empty = 0;
    for (int i = 0; same && i < rank; i++) {
        same = dims[i] == made->dims[i];
        empty |= dims[i] == 0;
        one[i] = 1;
    }
    hid_t space = H5Dget_space(dataset), single = H5Screate(H5S_SCALAR);
    void *value = pp_alloc(1, H5Tget_size(type));
    int failed = space < 0 || single < 0 || value == NULL;
    for (int end = 0; !failed && same && !empty && end < 2; end++) {
        hsize_t start[PP_H5_MOST_RANK];
        for (int i = 0; i < rank; i++) start[i] = end == 0 ? 0 : dims[i] - 1;
        failed = H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, one, NULL) < 0 ||
                 H5Dread(dataset, type, single, space, H5P_DEFAULT, value) < 0;
    }
    if (failed) status = pp_h5_failed(file, err, "read again", made->path);
    else if (!same)
        status =
            pp_fail(err, PP_ERR_IO, "%s: %s reads back in another shape", file->path, made->path);
    pp_free(value);
    if (single >= 0) H5Sclose(single);
    if (space >= 0) H5Sclose(space);
    H5Tclose(type);
    return status;
}

static pp_status reread(const pp_h5 *file, pp_error *err)
{
    pp_h5 *again = NULL;
    pp_status status = pp_h5_open(&again, file->io.ops, file->temporary, err);
    for (size_t i = 0; status == PP_OK && i < file->made_count; i++) {
        status = read_ends(again, &file->made[i], err);
    }
    pp_h5_close(&again);
    return status;
}

static pp_status finish(pp_h5 *file, int sync, pp_error *err)
{
    pp_status status = pp_h5_settled(file, err);
    if (status != PP_OK) return status;
    file->io.sync = sync;
    if (close_h5(file)) return pp_h5_failed(file, err, "finish the file", NULL);
    return pp_h5_settled(file, err);
}

pp_status pp_h5_commit(pp_h5 **at, pp_error *err)
{
    pp_h5 *file = *at;
    pp_status status = finish(file, 1, err);
    if (status == PP_OK) status = reread(file, err);
    if (status == PP_OK) {
        status = pp_commit_rename_synced(file->io.ops, file->temporary, file->path, err);
        PP_FREE(file->temporary); /* renamed or removed */
    }
    pp_h5_close(at);
    return status;
}

pp_status pp_h5_commit_unsynced(pp_h5 **at, pp_error *err)
{
    pp_h5 *file = *at;
    pp_status status = finish(file, 0, err);
    if (status == PP_OK) {
        status = pp_commit_rename_unsynced(file->io.ops, file->temporary, file->path, err);
        PP_FREE(file->temporary);
    }
    pp_h5_close(at);
    return status;
}

/* ---- objects -------------------------------------------------------------------------------- */

/* 1 where each link on the way is a hard one of this file; 0 where something is missing; -1 where
 * a link leads elsewhere. Soft and external links could leave the file or go round in circles. */
static int reachable(pp_h5 *file, const char *path)
{
    char *part = pp_strdup(path);
    if (part == NULL) return 0;
    int found = 1;
    size_t length = strlen(part);
    for (size_t i = 1; found == 1 && i <= length; i++) {
        if (part[i] != '/' && part[i] != '\0') continue;
        char kept = part[i];
        part[i] = '\0';
        if (part[i - 1] != '/') { /* a doubled or closing slash names nothing */
            H5L_info_t info;
            if (H5Lexists(file->file, part, H5P_DEFAULT) <= 0) found = 0;
            else if (H5Lget_info(file->file, part, &info, H5P_DEFAULT) < 0) found = 0;
            else if (info.type != H5L_TYPE_HARD) found = -1;
        }
        part[i] = kept;
    }
    pp_free(part);
    return found;
}

pp_status pp_h5_object(pp_h5 *file, const char *path, hid_t *object, H5I_type_t *kind,
                       pp_error *err)
{
    *object = -1;
    int found = path[0] == '/' ? reachable(file, path) : 0;
    if (found < 0) {
        return pp_fail(err, PP_ERR_FORMAT, "%s: %s is a link to elsewhere, which is not followed",
                       file->path, path);
    }
    if (found == 0) {
        if (file->io.read_code != 0) return pp_h5_failed(file, err, "find", path);
        H5Eclear2(H5E_DEFAULT);
        return pp_fail(err, PP_ERR_NOT_FOUND, "%s: has no %s", file->path, path);
    }
    *object = H5Oopen(file->file, path, H5P_DEFAULT);
    if (*object < 0) return pp_h5_failed(file, err, "open", path);
    *kind = H5Iget_type(*object);
    if (*kind == H5I_GROUP || *kind == H5I_DATASET) return PP_OK;
    H5Oclose(*object);
    *object = -1;
    return pp_fail(err, PP_ERR_FORMAT, "%s: %s is neither a group nor a data set", file->path,
                   path);
}

int pp_h5_has(pp_h5 *file, const char *path)
{
    int found = path[0] == '/' && reachable(file, path) == 1;
    H5Eclear2(H5E_DEFAULT);
    return found;
}

typedef struct name_list {
    char **names;
    size_t count, room;
    pp_status status;
    pp_error *err;
} name_list;

static herr_t add_name(hid_t group, const char *name, const H5L_info_t *info, void *user)
{
    (void)group;
    (void)info;
    name_list *list = user;
    list->status = pp_grow((void **)&list->names, &list->room, list->count + 1, sizeof *list->names,
                           list->err);
    if (list->status != PP_OK) return -1;
    list->names[list->count] = pp_strdup(name);
    if (list->names[list->count] == NULL) {
        list->status = pp_fail(list->err, PP_ERR_NOMEM, "no memory for a name");
        return -1;
    }
    list->count++;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* HDF5's own sorted order first fills a table, and 1.10.8 frees rubbish where that fails half-way
 * (a damaged file); so in the order of the file, sorted here. */
pp_status pp_h5_list(pp_h5 *file, const char *group, char ***names, int64_t *count, pp_error *err)
{
    *names = NULL;
    *count = 0;
    hid_t object;
    H5I_type_t kind = H5I_BADID;
    pp_status status = pp_h5_object(file, group, &object, &kind, err);
    if (status != PP_OK) return status;
    name_list list = {.err = err};
    if (kind != H5I_GROUP) {
        status = pp_fail(err, PP_ERR_FORMAT, "%s: %s is no group", file->path, group);
    } else if (H5Literate(object, H5_INDEX_NAME, H5_ITER_NATIVE, NULL, add_name, &list) < 0) {
        status = list.status != PP_OK ? list.status : pp_h5_failed(file, err, "list", group);
    }
    H5Oclose(object);
    if (list.count > 0) qsort(list.names, list.count, sizeof *list.names, by_name);
    *names = list.names;
    *count = (int64_t)list.count;
    if (status != PP_OK) pp_h5_free_texts(names, *count);
    if (status != PP_OK) *count = 0;
    return status;
}

void pp_h5_free_texts(char ***texts, int64_t count)
{
    for (int64_t i = 0; *texts != NULL && i < count; i++) pp_free((*texts)[i]);
    PP_FREE(*texts);
}
