/* Made-up videos, what they cost, and the referee who keeps their files. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "schedule/simulate_internal.h"

/* ---- drawn -------------------------------------------------------------------------------------
 */

/* exp of a normal number, with mean 1. */
static double draw_factor(pp_random *random, double spread)
{
    if (!(spread > 0)) return 1;
    return exp(spread * pp_random_normal(random) - 0.5 * spread * spread);
}

/* Pareto between two bounds, by its inverse distribution function. */
static double draw_duration_s(pp_random *random, const pp_simulation_setup *setup)
{
    double least = setup->shortest_s, most = setup->longest_s, alpha = setup->pareto_alpha;
    double u = pp_random_uniform(random) * (1 - pow(least / most, alpha));
    return least / pow(1 - u, 1 / alpha);
}

static void draw_film(pp_random *random, const pp_simulation_setup *setup, film *f)
{
    f->windows = (int64_t)ceil(draw_duration_s(random, setup) / setup->window_step_s);
    if (f->windows < 1) f->windows = 1;
    double window_bytes = setup->costs.window_bytes * draw_factor(random, setup->size_spread);
    f->size_bytes = (int64_t)(((double)f->windows + pp_random_uniform(random)) * window_bytes);
    f->weight = (float)draw_factor(random, setup->cost_spread);
    f->flavour = FILM_GOOD;
    double luck = pp_random_uniform(random);
    if (luck < setup->broken_share) {
        f->flavour = FILM_BROKEN;
    } else if (luck < setup->broken_share + setup->flaky_share) {
        f->flavour = FILM_FLAKY;
        f->failures_left = (uint8_t)(1 + pp_random_below(random, 2));
    }
}

static pp_status add_film(world *w, pp_random *random, pp_error *err)
{
    pp_status status =
        pp_grow((void **)&w->films, &w->film_capacity, w->film_count + 1, sizeof *w->films, err);
    if (status != PP_OK) return status;
    int64_t index = (int64_t)w->film_count++;
    film *f = &w->films[index];
    draw_film(random, &w->setup, f);
    f->content = index;
    if (w->setup.equal_share > 0 && index > 0 && pp_random_uniform(random) < w->setup.equal_share) {
        const film *same = &w->films[pp_random_below(random, (uint64_t)index)];
        int64_t content = same->content;
        f->content = content;
        f->windows = w->films[content].windows;
        f->size_bytes = w->films[content].size_bytes;
        f->flavour = w->films[content].flavour;
    }
    pp_schedule_video video = {.size_bytes = f->size_bytes};
    if (w->setup.durations_known) video.windows = (double)f->windows;
    return pp_schedule_add(w->schedule, &video, err);
}

static int is_long(const world *w, const film *f)
{
    return f->windows > w->setup.single_lease_windows;
}

static double stage_s(const world *w, const film *f, int stage, double windows)
{
    return windows * w->setup.costs.window_s[stage] * (double)f->weight;
}

static double all_stages_s(const world *w, const film *f)
{
    double sum = w->setup.video_s;
    for (int stage = 0; stage < PP_STAGES; stage++) sum += stage_s(w, f, stage, (double)f->windows);
    return sum;
}

static double min_of(double a, double b)
{
    return a < b ? a : b;
}

/* The shortest time in which all workers together could do this video. */
static double chain_s(const world *w, const film *f)
{
    const pp_simulation_setup *setup = &w->setup;
    if (f->flavour == FILM_BROKEN) return 0;
    double leases = setup->costs.lease_s;
    if (!is_long(w, f)) return leases + all_stages_s(w, f);
    double all = (double)f->windows, segment = min_of(all, setup->segment_windows);
    double sum = 6 * leases + setup->video_s;
    for (int stage = 0; stage < PP_STAGES; stage++) {
        int is_whole =
            stage == PP_STAGE_PROBE || stage == PP_STAGE_CAST || stage == PP_STAGE_PUBLISH;
        sum += stage_s(w, f, stage, is_whole ? all : segment);
    }
    return sum;
}

static void count_film(world *w, const film *f, int64_t index)
{
    pp_simulation_report *report = w->report;
    report->videos++;
    report->windows += f->windows;
    if (f->content != index || f->flavour == FILM_BROKEN) return;
    report->cut_videos += is_long(w, f);
    report->work_s += all_stages_s(w, f);
    double chain = chain_s(w, f);
    if (chain > report->chain_s) {
        report->chain_s = chain;
        report->chain_windows = (double)f->windows;
    }
}

pp_status pp_sim_films_make(world *w, pp_error *err)
{
    const pp_simulation_setup *setup = &w->setup;
    pp_random random;
    pp_random_seed(&random, setup->seed, 1);
    pp_status status = PP_OK;
    while (status == PP_OK && ((int64_t)w->film_count < setup->videos ||
                               (double)w->report->windows < setup->windows)) {
        status = add_film(w, &random, err);
        if (status == PP_OK) {
            count_film(w, &w->films[w->film_count - 1], (int64_t)w->film_count - 1);
        }
    }
    w->report->share_s = w->report->work_s / setup->workers;
    w->report->bound_s = fmax(w->report->share_s, w->report->chain_s);
    return status;
}

static void shards_free(shards **files)
{
    if (*files == NULL) return;
    pp_free((*files)->memory);
    PP_FREE(*files);
}

void pp_sim_films_free(world *w)
{
    for (size_t i = 0; i < w->film_count; i++) shards_free(&w->films[i].files);
    PP_FREE(w->films);
}

/* ---- steps: what they cost --------------------------------------------------------------------
 */

static film *content_of(const world *w, int64_t video)
{
    return &w->films[w->films[video].content];
}

int64_t pp_sim_film_segments(const world *w, const film *f)
{
    return (f->windows + w->setup.segment_windows - 1) / w->setup.segment_windows;
}

static double step_windows(const world *w, const film *f, const pp_task *task, int64_t step)
{
    if (task->kind != PP_TASK_STAGE || task->stage == PP_STAGE_CAST ||
        task->stage == PP_STAGE_PUBLISH) {
        return (double)f->windows;
    }
    return min_of((double)(f->windows - step * w->setup.segment_windows), w->setup.segment_windows);
}

double pp_sim_step_windows(const world *w, const pp_task *task, int64_t step)
{
    return step_windows(w, content_of(w, task->video), task, step);
}

void pp_sim_step_stages_s(const world *w, const pp_task *task, int64_t step,
                          double parts[PP_STAGES])
{
    const film *f = content_of(w, task->video);
    memset(parts, 0, PP_STAGES * sizeof *parts);
    if (task->kind == PP_TASK_IDENTIFY) return;
    double windows = step_windows(w, f, task, step);
    for (int stage = 0; stage < PP_STAGES; stage++) {
        int runs = task->kind == PP_TASK_STAGE ? stage == (int)task->stage
                                               : stage == PP_STAGE_PROBE || !is_long(w, f);
        if (runs) parts[stage] = stage_s(w, f, stage, windows);
    }
    if (task->kind == PP_TASK_WHOLE) parts[PP_STAGE_PROBE] += w->setup.video_s;
}

double pp_sim_step_s(const world *w, const pp_task *task, int64_t step)
{
    double parts[PP_STAGES], sum = 0;
    if (task->kind == PP_TASK_IDENTIFY) {
        const film *f = content_of(w, task->video);
        return (double)f->size_bytes / w->setup.costs.identify_bytes_per_s;
    }
    pp_sim_step_stages_s(w, task, step, parts);
    for (int stage = 0; stage < PP_STAGES; stage++) sum += parts[stage];
    return sum;
}

/* ---- steps: their files -----------------------------------------------------------------------
 */

static shards *shards_create(int64_t segments)
{
    shards *files = pp_alloc(1, sizeof *files);
    if (files == NULL) return NULL;
    files->segments = segments;
    files->memory = pp_alloc((size_t)segments, PP_STAGES);
    if (files->memory == NULL) {
        pp_free(files);
        return NULL;
    }
    for (int stage = 0; stage < PP_STAGES; stage++) {
        files->done[stage] = files->memory + stage * segments;
    }
    return files;
}

int pp_sim_step_is_done(const world *w, const pp_task *task, int64_t step)
{
    const film *f = content_of(w, task->video);
    if (task->kind == PP_TASK_IDENTIFY) return 0; /* reads the file whatever is known */
    if (f->published) return task->kind == PP_TASK_WHOLE || task->stage == PP_STAGE_PUBLISH;
    if (task->kind == PP_TASK_WHOLE) return f->files != NULL;
    return f->files != NULL && f->files->done[task->stage][step];
}

static int all_done(const shards *files, int stage, int64_t first, int64_t last)
{
    if (first < 0) first = 0;
    if (last >= files->segments) last = files->segments - 1;
    for (int64_t s = first; s <= last; s++) {
        if (!files->done[stage][s]) return 0;
    }
    return 1;
}

static int inputs_are_there(const world *w, const shards *files, pp_stage stage, int64_t s)
{
    int64_t reach = w->setup.reach, last = files->segments - 1;
    switch (stage) {
    case PP_STAGE_LISTEN:
        return all_done(files, PP_STAGE_SEE, s - reach, s + reach);
    case PP_STAGE_CAST:
        return all_done(files, PP_STAGE_SEE, 0, last) && all_done(files, PP_STAGE_LISTEN, 0, last);
    case PP_STAGE_SEPARATE:
        return all_done(files, PP_STAGE_CAST, 0, 0) &&
               all_done(files, PP_STAGE_LISTEN, s - reach, s + reach);
    case PP_STAGE_PUBLISH:
        return all_done(files, PP_STAGE_SEPARATE, 0, last);
    default:
        return 1;
    }
}

pp_status pp_sim_step_check(const world *w, const pp_task *task, int64_t step, pp_error *err)
{
    const film *f = content_of(w, task->video);
    if (task->kind != PP_TASK_STAGE) return PP_OK;
    if (f->published) return PP_ERR_NOT_FOUND;
    if (f->files == NULL) return pp_sim_broken(w, err, "a stage before the probe", task->video);
    int is_whole = task->stage == PP_STAGE_CAST || task->stage == PP_STAGE_PUBLISH;
    if (step < 0 || step >= (is_whole ? 1 : f->files->segments)) {
        return pp_sim_broken(w, err, "a segment that does not exist", task->video);
    }
    if (!inputs_are_there(w, f->files, task->stage, step)) {
        return pp_sim_broken(w, err, "a stage before its inputs", task->video);
    }
    return PP_OK;
}

static void publish(world *w, film *f)
{
    f->published = 1;
    shards_free(&f->files);
    w->report->windows_published += f->windows;
}

pp_status pp_sim_step_commit(world *w, const pp_task *task, int64_t step, double *useful_s,
                             pp_error *err)
{
    film *f = content_of(w, task->video);
    *useful_s = 0;
    if (task->kind == PP_TASK_IDENTIFY) {
        film *own = &w->films[task->video];
        if (!own->identified) *useful_s = pp_sim_step_s(w, task, step);
        own->identified = 1;
        return PP_OK;
    }
    if (pp_sim_step_is_done(w, task, step)) return PP_OK;
    if (task->kind == PP_TASK_STAGE && f->files == NULL) return PP_OK; /* published meanwhile */
    *useful_s = pp_sim_step_s(w, task, step);
    if (task->kind == PP_TASK_STAGE) {
        f->files->done[task->stage][step] = 1;
        if (task->stage == PP_STAGE_PUBLISH) publish(w, f);
        return PP_OK;
    }
    if (!is_long(w, f)) {
        publish(w, f);
        return PP_OK;
    }
    f->files = shards_create(pp_sim_film_segments(w, f));
    return f->files != NULL ? PP_OK : pp_fail(err, PP_ERR_NOMEM, "no memory for segments");
}

/* ---- promises ---------------------------------------------------------------------------------
 */

pp_status pp_sim_broken(const world *w, pp_error *err, const char *what, int64_t video)
{
    return pp_fail(err, PP_ERR_INTERNAL, "seed %llu, at %.3f s: %s (video %lld)",
                   (unsigned long long)w->setup.seed, w->now_s, what, (long long)video);
}

pp_status pp_sim_outcome(world *w, const pp_action *action, pp_error *err)
{
    film *own = &w->films[action->video];
    const film *f = content_of(w, action->video);
    if (own->outcome) return pp_sim_broken(w, err, "a second outcome", action->video);
    own->outcome = 1;
    if (action->status == PP_OK && !f->published) {
        return pp_sim_broken(w, err, "done without an archive", action->video);
    }
    if ((action->status == PP_OK) != (f->flavour != FILM_BROKEN)) {
        return pp_sim_broken(w, err, "the wrong outcome", action->video);
    }
    if (action->same_as >= 0 && content_of(w, action->same_as) != f) {
        return pp_sim_broken(w, err, "another one's outcome", action->video);
    }
    w->report->makespan_s = w->now_s;
    return PP_OK;
}

pp_status pp_sim_films_check(world *w, pp_error *err)
{
    int64_t outcomes = 0, published = 0, expected = 0;
    for (size_t i = 0; i < w->film_count; i++) {
        const film *f = &w->films[i];
        outcomes += f->outcome;
        if (f->content != (int64_t)i) continue;
        if (f->published) published += f->windows;
        if (f->flavour != FILM_BROKEN) expected += f->windows;
        int may_lack = w->draining || w->report->out_of_time;
        if (!may_lack && f->flavour != FILM_BROKEN && !f->published) {
            return pp_sim_broken(w, err, "never published", (int64_t)i);
        }
    }
    const pp_simulation_report *report = w->report;
    if (published != report->windows_published) {
        return pp_sim_broken(w, err, "windows published more than once", -1);
    }
    if (outcomes != report->done + report->failed) {
        return pp_sim_broken(w, err, "outcomes and counts differ", -1);
    }
    if (!w->draining && !report->out_of_time &&
        (published != expected || outcomes != (int64_t)w->film_count)) {
        return pp_sim_broken(w, err, "a video without an outcome", -1);
    }
    return PP_OK;
}
