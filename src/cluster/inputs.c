#include "cluster/inputs.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/hash.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/inputs_internal.h"

static const char *const video_endings[] = {
    ".mp4", ".m4v", ".mov",  ".mkv", ".webm", ".avi", ".mpg",  ".mpeg", ".m2v",  ".mpv",
    ".ts",  ".mts", ".m2ts", ".vob", ".ogv",  ".ogg", ".ogm",  ".flv",  ".f4v",  ".wmv",
    ".asf", ".3gp", ".3g2",  ".mxf", ".dv",   ".rm",  ".rmvb", ".nut",  ".mjpg",
};

static const char *const sound_endings[] = {
    ".wav", ".flac", ".mp3", ".m4a", ".aac", ".opus", ".oga",
    ".aif", ".aiff", ".wma", ".mka", ".ac3", ".caf",
};

int pp_inputs_is_video_name(const char *name)
{
    for (size_t i = 0; i < sizeof video_endings / sizeof *video_endings; i++) {
        if (pp_text_ends_with(name, video_endings[i])) return 1;
    }
    return 0;
}

int pp_inputs_is_sound_name(const char *name)
{
    for (size_t i = 0; i < sizeof sound_endings / sizeof *sound_endings; i++) {
        if (pp_text_ends_with(name, sound_endings[i])) return 1;
    }
    return 0;
}

static int is_wanted(const pp_inputs *inputs, const char *name)
{
    return pp_inputs_is_video_name(name) || (inputs->with_sounds && pp_inputs_is_sound_name(name));
}

static void tidy(char *path) /* "//" and "/./" go, and a '/' at the end */
{
    char *to = path;
    for (const char *from = path; *from; from++) {
        if (from[0] == '/' && (from[1] == '/' || from[1] == '\0')) {
            if (from[1] == '\0' && to == path) *to++ = '/';
            continue;
        }
        if (from[0] == '/' && from[1] == '.' && (from[2] == '/' || from[2] == '\0')) {
            from++;
            continue;
        }
        *to++ = *from;
    }
    if (to == path) *to++ = '/';
    *to = '\0';
}

char *pp_inputs_resolve(const char *folder, const char *path)
{
    char *joined = folder != NULL ? pp_path_join(folder, path) : pp_strdup(path);
    char *absolute = joined != NULL ? pp_path_absolute(joined) : NULL;
    pp_free(joined);
    if (absolute != NULL) tidy(absolute);
    return absolute;
}

/* ---- entries ----------------------------------------------------------------------------------
 */

static void free_input(pp_input *input)
{
    pp_free(input->path);
    pp_free(input->id);
    pp_free(input->split);
    pp_free(input->labels);
    pp_free(input->problem);
    *input = (pp_input){0};
}

void pp_inputs_free(pp_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) free_input(&inputs->items[i]);
    pp_free(inputs->items);
    *inputs = (pp_inputs){.audio_track = inputs->audio_track};
}

pp_status pp_inputs_append(pp_inputs *inputs, char *path, pp_input **out, pp_error *err)
{
    pp_status status = pp_grow((void **)&inputs->items, &inputs->capacity, inputs->count + 1,
                               sizeof *inputs->items, err);
    if (status != PP_OK || path == NULL) {
        pp_free(path);
        return status != PP_OK ? status : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    }
    pp_input *added = &inputs->items[inputs->count];
    *added = (pp_input){.path = path,
                        .id = pp_strdup(""),
                        .split = pp_strdup(""),
                        .labels = pp_strdup(""),
                        .audio_track = inputs->audio_track};
    if (added->id == NULL || added->split == NULL || added->labels == NULL) {
        free_input(added);
        return pp_fail(err, PP_ERR_NOMEM, "no memory for an input");
    }
    inputs->count++;
    if (out != NULL) *out = added;
    return PP_OK;
}

static void set_problem(pp_input *input, const pp_error *problem)
{
    if (input->problem == NULL) input->problem = pp_alloc(1, sizeof *problem);
    if (input->problem != NULL) *input->problem = *problem;
}

pp_status pp_inputs_problem(pp_inputs *inputs, const char *path, const pp_error *problem,
                            pp_error *err)
{
    pp_input *input = NULL;
    pp_status status = pp_inputs_append(inputs, pp_strdup(path), &input, err);
    if (status != PP_OK) return status;
    set_problem(input, problem);
    return input->problem != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for a reason");
}

static void describe_missing(pp_error *problem, const char *path)
{
    int code = errno;
    pp_fail_errno(problem, "cannot find %s", path);
    if (code == ENOENT)
        pp_advise(problem, "check the path; relative ones start at the working "
                           "folder, or at the folder of the list or job file");
    else if (code == EACCES) pp_advise(problem, "give this user the right to read it");
}

void pp_inputs_look(pp_input *input)
{
    struct stat info;
    pp_error problem = {0};
    if (stat(input->path, &info) != 0) {
        describe_missing(&problem, input->path);
    } else if (S_ISDIR(info.st_mode)) {
        pp_fail(&problem, PP_ERR_USAGE, "%s is a folder, where a video was expected", input->path);
        pp_advise(&problem, "name the video, or give the folder itself as an input");
    } else if (!S_ISREG(info.st_mode)) {
        pp_fail(&problem, PP_ERR_USAGE, "%s is neither a file nor a folder", input->path);
        pp_advise(&problem, "pipes and devices cannot be read twice: save it to a file first");
    } else {
        input->size_bytes = info.st_size;
        input->mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    }
    if (problem.status != PP_OK) set_problem(input, &problem);
}

/* ---- folders ----------------------------------------------------------------------------------
 */

typedef struct above { /* the folders that we are inside of: a link back to one is not entered */
    dev_t device;
    ino_t inode;
    const struct above *up;
} above;

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static pp_status read_names(char ***names, size_t *count, const char *path, pp_error *problem)
{
    size_t capacity = 0;
    DIR *folder = opendir(path);
    if (folder == NULL) return pp_fail_errno(problem, "cannot open the folder %s", path);
    pp_status status = PP_OK;
    errno = 0;
    for (struct dirent *entry; status == PP_OK && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.') continue;
        status = pp_grow((void **)names, &capacity, *count + 1, sizeof **names, problem);
        if (status != PP_OK) break;
        (*names)[*count] = pp_strdup(entry->d_name);
        if ((*names)[*count] == NULL) status = pp_fail(problem, PP_ERR_NOMEM, "no memory");
        else ++*count;
        errno = 0;
    }
    if (status == PP_OK && errno != 0) {
        status = pp_fail_errno(problem, "cannot read the folder %s", path);
    }
    closedir(folder);
    if (*count > 1) qsort(*names, *count, sizeof **names, compare_names);
    return status;
}

static pp_status add_folder(pp_inputs *inputs, const char *path, const above *up, pp_error *err);

static pp_status add_child(pp_inputs *inputs, const char *path, const above *up, pp_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0) {
        if (!is_wanted(inputs, path)) return PP_OK;
    } else if (S_ISDIR(info.st_mode)) {
        for (const above *at = up; at != NULL; at = at->up) {
            if (at->device == info.st_dev && at->inode == info.st_ino) return PP_OK;
        }
        return add_folder(inputs, path, &(above){info.st_dev, info.st_ino, up}, err);
    }
    if (!is_wanted(inputs, path)) return PP_OK;
    pp_input *input = NULL;
    pp_status status = pp_inputs_append(inputs, pp_strdup(path), &input, err);
    if (status == PP_OK) pp_inputs_look(input);
    return status;
}

static pp_status add_folder(pp_inputs *inputs, const char *path, const above *up, pp_error *err)
{
    char **names = NULL;
    size_t count = 0;
    pp_error problem = {0};
    pp_status status = read_names(&names, &count, path, &problem);
    if (status != PP_OK) status = pp_inputs_problem(inputs, path, &problem, err);
    for (size_t i = 0; status == PP_OK && i < count; i++) {
        char *child = pp_path_join(path, names[i]);
        status = child != NULL ? add_child(inputs, child, up, err)
                               : pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        pp_free(child);
    }
    for (size_t i = 0; i < count; i++) pp_free(names[i]);
    pp_free(names);
    return status;
}

pp_status pp_inputs_add_path(pp_inputs *inputs, const char *path, pp_error *err)
{
    struct stat info;
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        pp_input *input = NULL;
        pp_status status = pp_inputs_append(inputs, pp_strdup(path), &input, err);
        if (status == PP_OK) pp_inputs_look(input);
        return status;
    }
    size_t before = inputs->count;
    pp_status status = add_folder(inputs, path, &(above){info.st_dev, info.st_ino, NULL}, err);
    if (status != PP_OK || inputs->count > before) return status;
    pp_error problem = {0};
    pp_fail(&problem, PP_ERR_NOT_FOUND, "no videos in the folder %s", path);
    pp_advise(&problem, "videos in folders are known by their endings (.mp4, .mkv, .webm, .mov, "
                        ".avi, ...); a file of any name can be given itself, or in a list");
    return pp_inputs_problem(inputs, path, &problem, err);
}

pp_status pp_inputs_add(pp_inputs *inputs, const char *argument, const char *folder, pp_error *err)
{
    char *path = pp_inputs_resolve(folder, argument);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
    pp_status status;
    if (pp_path_is_folder(path) || !pp_path_exists(path)) {
        status = pp_inputs_add_path(inputs, path, err);
    } else if (pp_text_ends_with(path, ".txt") || pp_text_ends_with(path, ".lst")) {
        status = pp_inputs_add_list(inputs, path, err);
    } else if (pp_text_ends_with(path, ".csv")) {
        status = pp_inputs_add_manifest(inputs, path, err);
    } else {
        status = pp_inputs_add_path(inputs, path, err);
    }
    pp_free(path);
    return status;
}

/* ---- all of them together ---------------------------------------------------------------------
 */

void pp_input_key(const pp_input *input, char key[17])
{
    char part[128], hex[PP_HASH_HEX];
    snprintf(part, sizeof part, "\n%d %.17g %.17g", input->audio_track, input->start_s,
             input->end_s);
    char *text = pp_format("%s%s", input->path, part);
    pp_hash_bytes(text != NULL ? text : part, strlen(text != NULL ? text : part), hex);
    pp_free(text);
    snprintf(key, 17, "%.16s", hex);
}

typedef struct by_place {
    const pp_input *input;
    size_t index;
} by_place;

static int compare_sense(const pp_input *a, const pp_input *b)
{
    int order = strcmp(a->path, b->path);
    if (order == 0) order = (a->start_s > b->start_s) - (a->start_s < b->start_s);
    if (order == 0) order = (a->end_s > b->end_s) - (a->end_s < b->end_s);
    return order != 0 ? order : a->audio_track - b->audio_track;
}

static int compare_all(const void *left, const void *right)
{
    const by_place *a = left, *b = right;
    int order = compare_sense(a->input, b->input);
    if (order == 0) order = strcmp(a->input->id, b->input->id);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int compare_ids(const void *left, const void *right)
{
    const by_place *a = left, *b = right;
    int order = strcmp(a->input->id, b->input->id);
    return order != 0 ? order : (a->index > b->index) - (a->index < b->index);
}

static int same_problem(const pp_error *a, const pp_error *b)
{
    if (a == NULL || b == NULL) return a == b;
    return strcmp(a->message, b->message) == 0;
}

static void drop_marked(pp_inputs *inputs, const uint8_t *drop)
{
    size_t kept = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        if (drop[i]) {
            free_input(&inputs->items[i]);
        } else if (kept != i) {
            inputs->items[kept] = inputs->items[i];
            inputs->items[i] = (pp_input){0};
        }
        kept += !drop[i];
    }
    inputs->count = kept;
}

static uint64_t mix(uint64_t z) /* the finaliser of splitmix64 */
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

void pp_inputs_keep_part(pp_inputs *inputs, int part, int parts)
{
    size_t kept = 0;
    for (size_t i = 0; i < inputs->count; i++) {
        pp_input *input = &inputs->items[i];
        uint64_t number = mix((uint64_t)input->size_bytes + 0x9e3779b97f4a7c15u);
        if (number % (uint64_t)parts + 1 != (uint64_t)part) {
            free_input(input);
            continue;
        }
        if (kept != i) {
            inputs->items[kept] = *input;
            *input = (pp_input){0};
        }
        kept++;
    }
    inputs->count = kept;
}

static void refuse_double_id(pp_inputs *inputs, const by_place *a, const by_place *b)
{
    if (b->input->problem != NULL) return;
    pp_error problem = {0};
    pp_fail(&problem, PP_ERR_USAGE, "the id '%s' stands for two things: %s and %s", a->input->id,
            a->input->path, b->input->path);
    pp_advise(&problem, "give each row of the manifest an id of its own");
    set_problem(&inputs->items[b->index], &problem);
}

pp_status pp_inputs_settle(pp_inputs *inputs, pp_error *err)
{
    by_place *order = pp_alloc(inputs->count, sizeof *order);
    uint8_t *drop = pp_alloc(inputs->count, 1);
    if (order == NULL || drop == NULL) {
        pp_free(order);
        pp_free(drop);
        return pp_fail(err, PP_ERR_NOMEM, "no memory for %zu inputs", inputs->count);
    }
    for (size_t i = 0; i < inputs->count; i++) order[i] = (by_place){&inputs->items[i], i};
    qsort(order, inputs->count, sizeof *order, compare_all);
    for (size_t i = 1; i < inputs->count; i++) {
        const pp_input *a = order[i - 1].input, *b = order[i].input;
        drop[order[i].index] = compare_sense(a, b) == 0 && strcmp(a->id, b->id) == 0 &&
                               same_problem(a->problem, b->problem);
    }
    drop_marked(inputs, drop);
    for (size_t i = 0; i < inputs->count; i++) order[i] = (by_place){&inputs->items[i], i};
    qsort(order, inputs->count, sizeof *order, compare_ids);
    for (size_t i = 1; i < inputs->count; i++) {
        if (order[i].input->id[0] == '\0') continue;
        if (strcmp(order[i - 1].input->id, order[i].input->id) == 0) {
            refuse_double_id(inputs, &order[i - 1], &order[i]);
        }
    }
    pp_free(order);
    pp_free(drop);
    return PP_OK;
}
