#include "cluster/run_refused.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "cluster/run_files.h"
#include "store/commit.h"

static pp_json *describe(int exit_code, const pp_error *reason)
{
    char now[40];
    pp_json *json = pp_json_object(), *run = pp_json_object();
    pp_clock_utc_text(now, sizeof now);
    pp_json_set_text(json, "format", "pixelplayer-status");
    pp_json_set_int(json, "version", 1);
    pp_json_set_int(json, "status", exit_code);
    pp_json_set_text(json, "state", "refused");
    pp_json_set_text(json, "ended", now);
    pp_json_set_text(run, "program", "pp-cluster " PP_VERSION);
    pp_json_set_path(run, "refused_because", reason->message);
    if (*reason->advice) pp_json_set_path(run, "advice", reason->advice);
    pp_json_set(json, "run", run);
    pp_json_set(json, "failures", pp_json_array());
    return json;
}

void pp_run_refused(const pp_job *job, int exit_code, const pp_error *reason)
{
    char name[96];
    pp_error err = {0};
    pp_run_file_name(name, sizeof name, "status", "json", job->part, job->parts);
    pp_json *json = describe(exit_code, reason);
    char *text = pp_json_dump(json, 2), *path = pp_path_join(job->out, name);
    pp_json_free(&json);
    pp_status status = pp_path_make_folders(job->out, &err);
    if (status == PP_OK) {
        status = text != NULL && path != NULL
                     ? pp_commit_bytes(pp_fileops_system(), path, text, strlen(text), &err)
                     : pp_fail(&err, PP_ERR_NOMEM, "no memory for %s", name);
    }
    if (status != PP_OK) pp_log_failure(PP_LOG_WARN, "how the run ended is not recorded", &err);
    pp_free(text);
    pp_free(path);
}
