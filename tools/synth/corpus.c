#include "corpus.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "media/encode.h"
#include "truth.h"

void pp_corpus_stem(const pp_scene *scene, char *stem, size_t room)
{
    size_t used = (size_t)snprintf(stem, room, "video-%04llu", (unsigned long long)scene->item);
    for (int i = 0; i < scene->players && used < room; i++) {
        used += (size_t)snprintf(stem + used, room - used, "-%s",
                                 pp_instrument_get(scene->parts[i].instrument)->name);
    }
}

static pp_status write_text(const char *path, const char *text, pp_error *err)
{
    FILE *file = fopen(path, "wb");
    if (file == NULL) return pp_fail_errno(err, "%s", path);
    int failed = fputs(text, file) == EOF;
    failed |= fclose(file) != 0;
    return failed ? pp_fail_errno(err, "%s", path) : PP_OK;
}

/* What one process needs to make videos, one after another. */
typedef struct maker {
    const pp_corpus_options *options;
    pp_band *band;
    pp_canvas *canvas;
    uint8_t *rgb;
    float *tracks[PP_MOST_PLAYERS], *mixture;
} maker;

static void close_maker(maker *m)
{
    pp_band_destroy(&m->band);
    pp_canvas_destroy(&m->canvas);
    PP_FREE(m->rgb);
    PP_FREE(m->mixture);
    for (int i = 0; i < PP_MOST_PLAYERS; i++) PP_FREE(m->tracks[i]);
}

static pp_status open_maker(maker *m, const pp_corpus_options *options, pp_error *err)
{
    const pp_scene_options *o = &options->scene;
    *m = (maker){.options = options};
    pp_status status = pp_band_create(&m->band, options->fonts, o->fonts, err);
    if (status == PP_OK) status = pp_canvas_create(&m->canvas, o->width, o->height, err);
    if (status != PP_OK) {
        close_maker(m);
        return status;
    }
    size_t frames = (size_t)(o->seconds * o->rate_hz) + 2;
    m->rgb = pp_alloc((size_t)o->width * (size_t)o->height, 3);
    m->mixture = pp_alloc(frames, sizeof *m->mixture);
    int missing = m->rgb == NULL || m->mixture == NULL;
    for (int i = 0; i < PP_MOST_PLAYERS; i++) {
        m->tracks[i] = pp_alloc(frames, sizeof *m->tracks[i]);
        missing |= m->tracks[i] == NULL;
    }
    if (!missing) return PP_OK;
    close_maker(m);
    return pp_fail(err, PP_ERR_NOMEM, "videos of %g s, %dx%d: no memory", o->seconds, o->width,
                   o->height);
}

static pp_status encode(maker *m, const pp_scene *scene, const char *path, pp_error *err)
{
    const pp_scene_options *o = &scene->options;
    pp_movie_options settings = {.width = o->width,
                                 .height = o->height,
                                 .fps = o->fps,
                                 .rate_hz = o->rate_hz,
                                 .channels = 1,
                                 .crf = m->options->crf,
                                 .preset = m->options->preset};
    pp_movie *movie = NULL;
    pp_status status = pp_movie_create(&movie, path, &settings, err);
    int64_t pictures = pp_scene_pictures(scene), frames = pp_scene_frames(scene), sent = 0;
    for (int64_t k = 0; k < pictures && status == PP_OK; k++) {
        pp_scene_draw(scene, m->canvas, (double)k / o->fps, m->rgb, NULL);
        status = pp_movie_add_picture(movie, m->rgb, err);
        int64_t due = k + 1 < pictures ? (int64_t)((double)(k + 1) / o->fps * o->rate_hz) : frames;
        if (due > frames) due = frames;
        if (status == PP_OK) status = pp_movie_add_sound(movie, m->mixture + sent, due - sent, err);
        sent = due;
    }
    if (status == PP_OK) status = pp_movie_finish(movie, err);
    pp_movie_destroy(&movie);
    return status;
}

static pp_status write_tracks(maker *m, const pp_scene *scene, const char *folder, pp_error *err)
{
    pp_status status = pp_path_make_folders(folder, err);
    for (int i = 0; i < scene->players && status == PP_OK; i++) {
        char *path = pp_format("%s/track-%d.wav", folder, i);
        if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "a file name: no memory");
        status = pp_encode_sound(path, m->tracks[i], pp_scene_frames(scene), 1,
                                 scene->options.rate_hz, 32, err);
        pp_free(path);
    }
    return status;
}

static pp_status write_truth(maker *m, const pp_scene *scene, const char *stem, pp_error *err)
{
    const char *folder = m->options->folder;
    pp_json *truth = NULL;
    char *video = pp_format("%s.mp4", stem), *path = pp_format("%s/%s.json", folder, stem);
    pp_status status = PP_ERR_NOMEM;
    if (video != NULL && path != NULL) {
        status = pp_truth_describe(&truth, scene, m->band, m->tracks, m->canvas, video,
                                   m->options->tracks ? stem : NULL, err);
    }
    char *text = status == PP_OK ? pp_json_dump(truth, 0) : NULL;
    if (text != NULL) status = write_text(path, text, err);
    else if (status == PP_OK) status = pp_fail(err, PP_ERR_NOMEM, "%s: no memory", path);
    pp_json_free(&truth);
    pp_free(text);
    pp_free(video);
    pp_free(path);
    return status;
}

static pp_status make_video(maker *m, uint64_t item, pp_error *err)
{
    pp_scene *scene = NULL;
    pp_status status = pp_scene_create(&scene, &m->options->scene, item, err);
    if (status != PP_OK) return status;
    char stem[160];
    pp_corpus_stem(scene, stem, sizeof stem);
    char *base = pp_path_join(m->options->folder, stem);
    char *video = base != NULL ? pp_format("%s.mp4", base) : NULL;
    status = video != NULL ? pp_scene_play(scene, m->band, m->tracks, err)
                           : pp_fail(err, PP_ERR_NOMEM, "a file name: no memory");
    for (int64_t k = 0; k < pp_scene_frames(scene) && status == PP_OK; k++) {
        m->mixture[k] = 0;
        for (int i = 0; i < scene->players; i++) m->mixture[k] += m->tracks[i][k];
    }
    if (status == PP_OK) status = encode(m, scene, video, err);
    if (status == PP_OK && m->options->tracks) status = write_tracks(m, scene, base, err);
    if (status == PP_OK) status = write_truth(m, scene, stem, err);
    pp_free(video);
    pp_free(base);
    pp_scene_destroy(&scene);
    return status;
}

/* Videos first + job, first + job + jobs, ... */
static pp_status make_share(const pp_corpus_options *options, int job, int jobs, pp_error *err)
{
    maker m;
    pp_status status = open_maker(&m, options, err);
    if (status != PP_OK) return status;
    for (int64_t i = job; i < options->count && status == PP_OK; i += jobs) {
        status = make_video(&m, (uint64_t)(options->first + i), err);
        if (status == PP_OK)
            pp_log(PP_LOG_DEBUG, "video %lld made", (long long)(options->first + i));
    }
    close_maker(&m);
    return status;
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

/* The manifest needs no files: who plays follows from the options. */
static pp_status write_manifest(const pp_corpus_options *options, pp_error *err)
{
    char *path = pp_path_join(options->folder, "manifest.csv");
    FILE *file = path != NULL ? fopen(path, "wb") : NULL;
    pp_status status = PP_OK;
    if (file == NULL) {
        status = path != NULL ? pp_fail_errno(err, "%s", path)
                              : pp_fail(err, PP_ERR_NOMEM, "a file name: no memory");
        pp_free(path);
        return status;
    }
    const pp_scene_options *o = &options->scene;
    fprintf(file, "id,path,start,end,split,labels\n");
    for (int64_t i = 0; i < options->count && status == PP_OK; i++) {
        pp_scene *scene = NULL;
        status = pp_scene_create(&scene, o, (uint64_t)(options->first + i), err);
        if (status != PP_OK) break;
        char stem[160];
        pp_corpus_stem(scene, stem, sizeof stem);
        fprintf(file, "%s-%llu-%04lld,%s.mp4,,,%s,", pp_world_name(o->world),
                (unsigned long long)o->seed, (long long)(options->first + i), stem,
                pp_world_name(o->world));
        for (int k = 0; k < scene->players; k++) {
            fprintf(file, "%s%s", k > 0 ? ";" : "",
                    pp_instrument_get(scene->parts[k].instrument)->name);
        }
        fputc('\n', file);
        pp_scene_destroy(&scene);
    }
    int failed = ferror(file);
    if ((fclose(file) != 0 || failed) && status == PP_OK) status = pp_fail_errno(err, "%s", path);
    pp_free(path);
    return status;
}

pp_status pp_corpus_make(const pp_corpus_options *options, pp_error *err)
{
    pp_status status = pp_path_make_folders(options->folder, err);
    if (status != PP_OK) return status;
    status = options->jobs > 1 ? make_in_children(options, err) : make_share(options, 0, 1, err);
    return status == PP_OK ? write_manifest(options, err) : status;
}
