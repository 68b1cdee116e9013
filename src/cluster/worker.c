#include "cluster/worker.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"

typedef struct watch { /* remembers how far a lease came, for the reason of its failure */
    pp_progress progress;
    void *user;
    pp_stage stage;
} watch;

static pp_status watch_progress(void *user, pp_stage stage, int windows, pp_error *err)
{
    watch *w = user;
    w->stage = stage;
    return w->progress != NULL ? w->progress(w->user, stage, windows, err) : PP_OK;
}

static pp_status hash_file(int fd, const char *path, pp_hash *hash, watch *w, pp_error *err)
{
    enum { CHUNK = 4 << 20 };
    unsigned char *bytes = pp_alloc(CHUNK, 1);
    if (bytes == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory to read %s", path);
    pp_status status = PP_OK;
    ssize_t got;
    while (status == PP_OK && (got = read(fd, bytes, CHUNK)) != 0) {
        if (got < 0) {
            status = pp_fail_errno(err, "cannot read %s", path);
            break;
        }
        pp_hash_add(hash, bytes, (size_t)got);
        status = watch_progress(w, PP_STAGE_PROBE, 0, err);
    }
    pp_free(bytes);
    return status;
}

static pp_status identify(const char *path, watch *w, pp_lease_result *result, pp_error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pp_fail_errno(err, "cannot open %s", path);
    pp_hash *hash = NULL;
    struct stat info;
    pp_status status = pp_hash_create(&hash, err);
    if (status == PP_OK) status = hash_file(fd, path, hash, w, err);
    if (status == PP_OK && fstat(fd, &info) != 0) {
        status = pp_fail_errno(err, "cannot look at %s", path);
    }
    if (status == PP_OK) {
        pp_hash_finish(hash, result->sha256);
        result->size_bytes = info.st_size;
        result->mtime_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    }
    pp_hash_destroy(&hash);
    close(fd);
    return status;
}

void pp_worker_run(pp_pipeline *pipeline, const pp_message *lease, pp_progress progress, void *user,
                   pp_message *answer)
{
    *answer = (pp_message){.kind = PP_MESSAGE_FINISHED, .lease = lease->lease};
    watch w = {.progress = progress, .user = user, .stage = lease->work.first_stage};
    double start_s = pp_clock_s();
    pp_status status = lease->task == PP_TASK_IDENTIFY
                           ? identify(lease->work.source.path, &w, &answer->result, &answer->error)
                           : pp_pipeline_run(pipeline, &lease->work, watch_progress, &w,
                                             &answer->result, &answer->error);
    answer->seconds = pp_clock_s() - start_s;
    answer->stage = w.stage;
    if (status == PP_OK) {
        answer->error = (pp_error){0};
        return;
    }
    answer->kind = PP_MESSAGE_FAILED;
    if (answer->error.status == PP_OK) {
        pp_fail(&answer->error, status, "%s failed without a word", pp_stage_name(w.stage));
    }
}
