#include "cluster/estimate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "cluster/run_refused.h"

/* Costs by what the last run in this output folder learned. */
static void learn_costs(pp_costs *costs, const char *out)
{
    pp_error ignored = {0};
    pp_json *status = NULL;
    char *path = pp_path_join(out, "status.json");
    pp_costs_default(costs);
    if (path != NULL && pp_path_exists(path) &&
        pp_json_read_file(&status, path, &ignored) == PP_OK) {
        const pp_json *known = pp_json_get(pp_json_get(status, "run"), "window_costs_s");
        for (int s = 0; known != NULL && s < PP_STAGES; s++) {
            double each = pp_json_real(known, pp_stage_name((pp_stage)s), 0);
            if (each > 0) costs->window_s[s] = each;
        }
    }
    pp_json_free(&status);
    pp_free(path);
}

/* Stems, mixture and residual as float32, features and energies, and the maps (1.7 GB an hour;
 * about half after compression): in archives where they are kept, in shards always. */
void pp_estimate_begin(pp_estimate *e, const pp_job *job, const pp_model *model)
{
    const pp_model_shape *shape = pp_model_get_shape(model);
    const pp_parameters *p = &job->parameters;
    learn_costs(&e->costs, job->out);
    e->window_s = (double)p->window_step_frames * shape->hop_samples / shape->rate_hz;
    double cells = (double)shape->grid * shape->grid;
    double sound = e->window_s * shape->rate_hz * 4;
    double frames =
        e->window_s / p->frame_interval_s * (cells * shape->components * 4 + 112 * 112 * 3);
    double maps = 0.5 * shape->components * shape->log_rows * shape->window_frames;
    e->archive_bytes = 0.8 * (sound * (2 + 0.5 * p->most_sources) + frames) + cells * 5;
    e->shard_bytes = maps + sound * (2 + 0.5 * p->most_sources) + frames + cells * 4;
    if (p->profile == PP_PROFILE_PIXELS) e->archive_bytes += maps;
}

int pp_estimate_runs(const pp_record *record)
{
    return record->state == PP_RECORD_TO_RUN && record->input->problem == NULL;
}

double pp_estimate_windows(const pp_estimate *e, const pp_record *record, int *guessed)
{
    const pp_input *input = record->input;
    double known_s = input->end_s > 0 ? input->end_s - input->start_s : record->duration_s;
    double windows = known_s > 0 ? known_s / e->window_s
                                 : (double)input->size_bytes / pp_costs_window_bytes(&e->costs);
    *guessed = !(known_s > 0) && !record->only_labels;
    if (record->only_labels) return 0; /* its archive takes the place of the one that is there */
    return windows < 1 ? 1 : windows;
}

double pp_estimate_window_s(const pp_estimate *e, const pp_record *record)
{
    double all = pp_costs_all_window_s(&e->costs);
    if (!record->sees) all -= pp_costs_window_s(&e->costs, PP_STAGE_SEE);
    if (!record->hears) all -= pp_costs_window_s(&e->costs, PP_STAGE_LISTEN);
    return all;
}

/* ---- room for it -------------------------------------------------------------------------------
 */

static int longest_first(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static double free_bytes_of(const char *folder)
{
    struct statvfs info;
    if (statvfs(folder, &info) != 0) return -1;
    return (double)info.f_bavail * (double)info.f_frsize;
}

void pp_space_look(pp_space *space, const pp_run *run, pp_ledger *ledger, int workers)
{
    pp_estimate e;
    size_t count = pp_ledger_count(ledger), runs = 0;
    double *windows = pp_alloc(count, sizeof *windows), all = 0, guesses = 0, under_way = 0;
    pp_estimate_begin(&e, run->job, run->model);
    for (size_t i = 0; windows != NULL && i < count; i++) {
        const pp_record *record = pp_ledger_record(ledger, i);
        if (!pp_estimate_runs(record)) continue;
        int guessed;
        windows[runs] = pp_estimate_windows(&e, record, &guessed);
        all += windows[runs];
        if (guessed) guesses += windows[runs];
        runs++;
    }
    if (runs > 0) qsort(windows, runs, sizeof *windows, longest_first);
    for (size_t i = 0; i < runs && i < (size_t)workers; i++) under_way += windows[i];
    pp_free(windows);
    *space = (pp_space){.archive_bytes = all * e.archive_bytes,
                        .shard_bytes = under_way * e.shard_bytes,
                        .free_bytes = free_bytes_of(run->job->out),
                        .guessed = guesses > all / 2};
}

pp_status pp_space_check(const pp_run *run, pp_ledger *ledger, int workers, pp_error *err)
{
    pp_space space;
    if (run->job->skip_space_check) return PP_OK;
    pp_space_look(&space, run, ledger, workers);
    double needed = space.archive_bytes + space.shard_bytes;
    if (space.free_bytes < 0 || needed <= space.free_bytes) return PP_OK;
    char archives[40], shards[40], room[40];
    pp_text_bytes((uint64_t)space.archive_bytes, archives, sizeof archives);
    pp_text_bytes((uint64_t)space.shard_bytes, shards, sizeof shards);
    pp_text_bytes((uint64_t)space.free_bytes, room, sizeof room);
    pp_fail(err, PP_ERR_IO,
            "%s has %s free; this run would take about %s for archives and up to %s for partial "
            "results%s",
            run->job->out, room, archives, shards,
            space.guessed ? " (guessed from the sizes of files)" : "");
    pp_advise(err, "free some space there, name another folder with --out, do a part at a time "
                   "(--part 1/4), or start all the same with --skip-space-check: a run that finds "
                   "the disk full stops, and goes on later from what is there");
    pp_run_refused(run->job, 1, err);
    return err->status;
}
