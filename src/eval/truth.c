#include "eval/truth.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/path.h"

void pp_truth_destroy(pp_truth **truth)
{
    pp_truth *t = *truth;
    if (t == NULL) return;
    for (int i = 0; i < t->performers; i++) {
        pp_free(t->performer[i].track);
        pp_free(t->performer[i].active);
        pp_free(t->performer[i].boxes);
    }
    pp_free(t->video);
    PP_FREE(*truth);
}

static pp_status wrong(const char *path, const char *what, pp_error *err)
{
    return pp_fail(err, PP_ERR_FORMAT, "%s: not a truth file of version 1: %s", path, what);
}

static char *beside(const char *path, const char *name)
{
    char *folder = pp_path_folder(path);
    char *joined = folder != NULL ? pp_path_join(folder, name) : NULL;
    pp_free(folder);
    return joined;
}

static pp_status read_active(pp_truth_performer *p, const pp_json *array, const char *path,
                             pp_error *err)
{
    p->active_count = pp_json_length(array);
    pp_status status =
        pp_alloc_checked((void **)&p->active, p->active_count, sizeof *p->active, "intervals", err);
    for (size_t i = 0; i < p->active_count && status == PP_OK; i++) {
        const pp_json *pair = pp_json_at(array, i);
        p->active[i] = (pp_interval){pp_json_real_at(pair, 0, NAN), pp_json_real_at(pair, 1, NAN)};
        if (!(p->active[i].start_s <= p->active[i].end_s)) {
            status = wrong(path, "an interval that ends before it starts", err);
        }
    }
    return status;
}

static pp_status read_boxes(pp_truth_performer *p, const pp_json *array, const char *path,
                            pp_error *err)
{
    p->box_count = pp_json_length(array);
    if (p->box_count == 0) return wrong(path, "a performer without boxes", err);
    pp_status status =
        pp_alloc_checked((void **)&p->boxes, p->box_count, sizeof *p->boxes, "boxes", err);
    for (size_t i = 0; i < p->box_count && status == PP_OK; i++) {
        const pp_json *four = pp_json_at(array, i);
        if (pp_json_length(four) != 4) return wrong(path, "a box without four numbers", err);
        p->boxes[i] =
            (pp_box){(float)pp_json_real_at(four, 0, NAN), (float)pp_json_real_at(four, 1, NAN),
                     (float)pp_json_real_at(four, 2, NAN), (float)pp_json_real_at(four, 3, NAN)};
    }
    return status;
}

static pp_status read_performer(pp_truth *t, const pp_json *object, const char *path, pp_error *err)
{
    pp_truth_performer *p = &t->performer[t->performers++];
    snprintf(p->instrument, sizeof p->instrument, "%s", pp_json_text(object, "instrument", ""));
    const char *track = pp_json_text(object, "track", NULL);
    if (track != NULL) {
        p->track = beside(path, track);
        if (p->track == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    }
    pp_status status = read_active(p, pp_json_get(object, "active"), path, err);
    return status == PP_OK ? read_boxes(p, pp_json_get(object, "boxes"), path, err) : status;
}

static pp_status read_root(pp_truth *t, const pp_json *root, const char *path, pp_error *err)
{
    const pp_json *performers = pp_json_get(root, "performers");
    const char *video = pp_json_text(root, "video", NULL);
    if (strcmp(pp_json_text(root, "format", ""), "pixelplayer-truth") != 0 ||
        pp_json_int(root, "version", 0) != 1) {
        return wrong(path, "its format or version", err);
    }
    t->width = (int)pp_json_int(root, "width", 0);
    t->height = (int)pp_json_int(root, "height", 0);
    t->duration_s = pp_json_real(root, "duration_s", 0.0);
    t->box_step_s = pp_json_real(root, "box_step_s", 0.0);
    if (video == NULL || t->width < 1 || t->height < 1 || !(t->duration_s > 0.0) ||
        !(t->box_step_s > 0.0) || pp_json_length(performers) > PP_TRUTH_MOST_PERFORMERS) {
        return wrong(path, "video, width, height, duration_s, box_step_s or performers", err);
    }
    t->video = beside(path, video);
    if (t->video == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    pp_status status = PP_OK;
    for (size_t i = 0; i < pp_json_length(performers) && status == PP_OK; i++) {
        status = read_performer(t, pp_json_at(performers, i), path, err);
    }
    return status;
}

pp_status pp_truth_read(pp_truth **out, const char *path, pp_error *err)
{
    *out = NULL;
    pp_json *root = NULL;
    pp_status status = pp_json_read_file(&root, path, err);
    if (status != PP_OK) return status;
    status = pp_alloc_checked((void **)out, 1, sizeof **out, "truth", err);
    if (status == PP_OK) status = read_root(*out, root, path, err);
    pp_json_free(&root);
    if (status != PP_OK) pp_truth_destroy(out);
    return status;
}

const pp_box *pp_truth_box(const pp_truth *truth, int performer, double time_s)
{
    const pp_truth_performer *p = &truth->performer[performer];
    double at = floor(time_s / truth->box_step_s + 0.5);
    if (at < 0.0) at = 0.0;
    if (at > (double)(p->box_count - 1)) at = (double)(p->box_count - 1);
    return &p->boxes[(size_t)at];
}
