#include "train/report.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "store/commit.h"
#include "train/trainer.h"

void pp_train_report_line(const pp_train_history *history, int64_t steps)
{
    const pp_train_point *p = &history->points[history->count - 1];
    char validation[160] = "", gain[80] = "";
    if (isfinite(p->validation_loss)) {
        if (isfinite(p->gain_db)) snprintf(gain, sizeof gain, ", gain %+.2f dB", p->gain_db);
        if (isfinite(p->label_gain_db)) {
            const size_t used = strlen(gain);
            snprintf(gain + used, sizeof gain - used, ", by name %+.2f dB", p->label_gain_db);
        }
        snprintf(validation, sizeof validation, "; validation loss %.5f%s", p->validation_loss,
                 gain);
    }
    pp_log(PP_LOG_INFO, "step %lld of %lld: loss %.5f, rate %.2g, %.1f mixes/s%s",
           (long long)p->step, (long long)steps, p->loss, p->rate, p->samples_per_s, validation);
}

static pp_status write_points(const pp_train_history *history, const char *path, pp_error *err)
{
    char *text = NULL;
    size_t length = 0, capacity = 0;
    pp_status status = PP_OK;
    for (size_t i = 0; i < history->count && status == PP_OK; i++) {
        char line[512];
        pp_json *point = pp_train_point_json(&history->points[i]);
        const size_t size = pp_json_print(point, line, sizeof line);
        pp_json_free(&point);
        status = size > 0 ? pp_grow((void **)&text, &capacity, length + size + 1, 1, err)
                          : pp_fail(err, PP_ERR_INTERNAL, "a point of progress is too long");
        if (status != PP_OK) break;
        memcpy(text + length, line, size);
        text[length + size] = '\n';
        length += size + 1;
    }
    if (status == PP_OK) status = pp_commit_bytes(pp_fileops_system(), path, text, length, err);
    pp_free(text);
    return status;
}

pp_status pp_train_report_files(const pp_train_job *job, const pp_train_history *history,
                                pp_error *err)
{
    char *points = pp_train_out_path(job, "progress.jsonl");
    char *curve = pp_train_out_path(job, "curve.svg");
    char *plot = pp_train_history_plot(history, job->name);
    pp_status status = points != NULL && curve != NULL && plot != NULL
                           ? write_points(history, points, err)
                           : pp_fail(err, PP_ERR_NOMEM, "no memory for reports");
    if (status == PP_OK) {
        status = pp_commit_bytes(pp_fileops_system(), curve, plot, strlen(plot), err);
    }
    pp_free(points), pp_free(curve), pp_free(plot);
    return status;
}

void pp_train_report_start(const pp_train_job *job)
{
    const pp_fileops *ops = pp_fileops_system();
    char *path = pp_train_out_path(job, "status.json");
    if (path != NULL) ops->unlink(ops->user, path);
    pp_free(path);
}

pp_status pp_train_report_end(const pp_train_job *job, int finished, int64_t step, double best_loss,
                              const pp_error *failure, pp_error *err)
{
    char now[32];
    pp_json *object = pp_json_object(), *training = pp_json_object();
    pp_clock_utc_text(now, sizeof now);
    pp_json_set_text(object, "format", "pixelplayer-status");
    pp_json_set_int(object, "version", 1);
    pp_json_set_int(object, "status", failure != NULL ? 1 : finished ? 0 : 75);
    pp_json_set_text(object, "state", failure != NULL ? "failures" : finished ? "done" : "stopped");
    pp_json_set_text(object, "ended", now);
    pp_json_set_int(training, "step", step);
    pp_json_set_int(training, "steps", job->steps);
    pp_json_set_real(training, "best_validation_loss", best_loss);
    if (failure != NULL) pp_json_set_text(training, "failure", failure->message);
    pp_json_set(object, "training", training);
    char *text = pp_json_dump(object, 2), *path = pp_train_out_path(job, "status.json");
    pp_json_free(&object);
    pp_status status = text != NULL && path != NULL
                           ? pp_commit_bytes(pp_fileops_system(), path, text, strlen(text), err)
                           : pp_fail(err, PP_ERR_NOMEM, "no memory for status.json");
    pp_free(text), pp_free(path);
    return status;
}
