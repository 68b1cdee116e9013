/* One video after another: pictures, sound, tracks, truth. */
#include <stdio.h>

#include "base/memory.h"
#include "base/path.h"
#include "corpus_items.h"
#include "media/encode.h"
#include "truth.h"

void pp_corpus_stem(uint64_t item, const pp_instrument *cast, int players, char *stem, size_t room)
{
    size_t used = (size_t)snprintf(stem, room, "video-%04llu", (unsigned long long)item);
    for (int i = 0; i < players && used < room; i++) {
        used += (size_t)snprintf(stem + used, room - used, "-%s", pp_instrument_get(cast[i])->name);
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

void pp_video_maker_close(pp_video_maker *m)
{
    pp_band_destroy(&m->band);
    pp_canvas_destroy(&m->canvas);
    PP_FREE(m->rgb);
    PP_FREE(m->mixture);
    for (int i = 0; i < PP_MOST_PLAYERS; i++) PP_FREE(m->tracks[i]);
}

pp_status pp_video_maker_open(pp_video_maker *m, const pp_corpus_options *options, pp_error *err)
{
    const pp_scene_options *o = &options->scene;
    *m = (pp_video_maker){.options = options};
    pp_status status = pp_band_create(&m->band, options->fonts, o->fonts, err);
    if (status == PP_OK) status = pp_canvas_create(&m->canvas, o->width, o->height, err);
    if (status != PP_OK) {
        pp_video_maker_close(m);
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
    pp_video_maker_close(m);
    return pp_fail(err, PP_ERR_NOMEM, "videos of %g s, %dx%d: no memory", o->seconds, o->width,
                   o->height);
}

static pp_status encode(pp_video_maker *m, const pp_scene *scene, const char *path, pp_error *err)
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

static pp_status write_tracks(pp_video_maker *m, const pp_scene *scene, const char *folder,
                              pp_error *err)
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

static pp_status write_truth(pp_video_maker *m, const pp_scene *scene, const char *stem,
                             pp_error *err)
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

pp_status pp_video_maker_make(pp_video_maker *m, uint64_t item, pp_error *err)
{
    pp_scene *scene = NULL;
    pp_status status = pp_scene_create(&scene, &m->options->scene, item, err);
    if (status != PP_OK) return status;
    char stem[160];
    pp_instrument cast[PP_MOST_PLAYERS];
    int players = pp_scene_cast(&m->options->scene, item, cast);
    pp_corpus_stem(item, cast, players, stem, sizeof stem);
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
