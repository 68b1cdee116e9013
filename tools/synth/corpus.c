#include "corpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "corpus_items.h"
#include "solo.h"

/* Items first + job, first + job + jobs, ... */
static pp_status make_videos(const pp_corpus_options *options, int job, int jobs, pp_error *err)
{
    pp_video_maker maker;
    pp_status status = pp_video_maker_open(&maker, options, err);
    if (status != PP_OK) return status;
    for (int64_t i = job; i < options->count && status == PP_OK; i += jobs) {
        status = pp_video_maker_make(&maker, (uint64_t)(options->first + i), err);
    }
    pp_video_maker_close(&maker);
    return status;
}

static pp_status make_sounds(const pp_corpus_options *options, int job, int jobs, pp_error *err)
{
    pp_sound_maker maker;
    pp_status status = pp_sound_maker_open(&maker, options, err);
    if (status != PP_OK) return status;
    for (int64_t i = job; i < options->count && status == PP_OK; i += jobs) {
        status = pp_sound_maker_make(&maker, (uint64_t)(options->first + i), err);
    }
    pp_sound_maker_close(&maker);
    return status;
}

static pp_status make_share(const pp_corpus_options *options, int job, int jobs, pp_error *err)
{
    return options->sound_only ? make_sounds(options, job, jobs, err)
                               : make_videos(options, job, jobs, err);
}

static pp_status make_in_children(const pp_corpus_options *options, pp_error *err)
{
    pid_t children[64];
    int jobs = options->jobs > 64 ? 64 : options->jobs, started = 0, failed = 0;
    for (; started < jobs; started++) {
        children[started] = fork();
        if (children[started] < 0) break;
        if (children[started] == 0) {
            pp_error own = {0};
            pp_status status = make_share(options, started, jobs, &own);
            if (status != PP_OK) pp_log_failure(PP_LOG_ERROR, NULL, &own);
            _exit(status == PP_OK ? 0 : 1);
        }
    }
    pp_status status = started == jobs ? PP_OK : pp_fail_errno(err, "starting a process");
    for (int i = 0; i < started; i++) {
        int result = 0;
        while (waitpid(children[i], &result, 0) < 0 && errno == EINTR) continue;
        failed += !(WIFEXITED(result) && WEXITSTATUS(result) == 0);
    }
    if (failed > 0) return pp_fail(err, PP_ERR_IO, "%d of %d processes failed", failed, jobs);
    return status;
}

/* Name and labels of an item follow from the options: no file is read. */
static pp_status write_row(FILE *file, const pp_corpus_options *options, uint64_t item,
                           pp_error *err)
{
    const pp_scene_options *o = &options->scene;
    const char *world = pp_world_name(o->world);
    fprintf(file, "%s-%llu-%04llu,", world, (unsigned long long)o->seed, (unsigned long long)item);
    char name[160];
    if (options->sound_only) {
        pp_corpus_sound_name(options, item, name, sizeof name);
        fprintf(file, "%s,,,%s,%s\n", name, world,
                pp_instrument_get(pp_solo_instrument(o, item))->name);
        return PP_OK;
    }
    pp_instrument cast[PP_MOST_PLAYERS];
    int players = pp_scene_cast(o, item, cast);
    pp_corpus_stem(item, cast, players, name, sizeof name);
    fprintf(file, "%s.mp4,,,%s,", name, world);
    for (int k = 0; k < players; k++) {
        fprintf(file, "%s%s", k > 0 ? ";" : "", pp_instrument_get(cast[k])->name);
    }
    fputc('\n', file);
    return ferror(file) ? pp_fail_errno(err, "%s/manifest.csv", options->folder) : PP_OK;
}

static pp_status write_manifest(const pp_corpus_options *options, pp_error *err)
{
    char *path = pp_path_join(options->folder, "manifest.csv");
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "a file name: no memory");
    FILE *file = fopen(path, "wb");
    pp_status status = file != NULL ? PP_OK : pp_fail_errno(err, "%s", path);
    if (file != NULL) fprintf(file, "id,path,start,end,split,labels\n");
    for (int64_t i = 0; i < options->count && status == PP_OK; i++) {
        status = write_row(file, options, (uint64_t)(options->first + i), err);
    }
    if (file != NULL && fclose(file) != 0 && status == PP_OK) {
        status = pp_fail_errno(err, "%s", path);
    }
    pp_free(path);
    return status;
}

pp_status pp_corpus_make(const pp_corpus_options *options, pp_error *err)
{
    double began_s = pp_clock_s();
    pp_status status = pp_path_make_folders(options->folder, err);
    if (status != PP_OK) return status;
    status = options->jobs > 1 ? make_in_children(options, err) : make_share(options, 0, 1, err);
    if (status == PP_OK) status = write_manifest(options, err);
    if (status != PP_OK) return status;
    double made_s = options->scene.seconds * (double)options->count,
           took_s = pp_clock_s() - began_s;
    pp_log(PP_LOG_INFO, "%lld %s in %s: %g s of them, made in %.1f s, %.1f times real time",
           (long long)options->count, options->sound_only ? "sounds" : "videos", options->folder,
           made_s, took_s, made_s / took_s);
    return PP_OK;
}
