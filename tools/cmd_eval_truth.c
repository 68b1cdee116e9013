/* pp eval --truth: the whole pipeline against synthetic videos whose truth is
 * known. */
#include "cmd_eval.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "base/text.h"
#include "eval/whole_report.h"
#include "store/commit.h"

typedef struct state {
    const pp_eval_truth_options *options;
    pp_decoder *decoder;
    pp_clip_reader *reader; /* made for the first archive's rate */
    int rate_hz;
    pp_whole_video *videos;
    size_t count, room;
} state;

static pp_status hash_file(const char *path, char hex[PP_HASH_HEX], pp_error *err)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return pp_fail_errno(err, "%s: cannot open", path);
    uint64_t size = 0;
    pp_status status = pp_hash_fd(fd, path, hex, &size, err);
    close(fd);
    return status;
}

static pp_status reader_for(state *s, int rate_hz, pp_error *err)
{
    if (s->reader != NULL && s->rate_hz == rate_hz) return PP_OK;
    pp_clip_reader_destroy(&s->reader);
    s->rate_hz = rate_hz;
    return pp_clip_reader_create(&s->reader, s->decoder, NULL, rate_hz, err);
}

static pp_status score_archive(state *s, const char *path, const pp_truth *truth,
                               pp_whole_score *score, pp_error *err)
{
    pp_archive *archive = NULL;
    pp_status status = pp_archive_open(&archive, pp_fileops_system(), path, err);
    if (status == PP_OK) status = reader_for(s, pp_archive_get_header(archive)->rate_hz, err);
    if (status == PP_OK) status = pp_whole_evaluate(archive, truth, s->reader, 512, score, err);
    pp_archive_close(&archive);
    return status;
}

/* One video: its archive, if there is one, against its truth. A damaged archive
 * or a missing track is an error; a video without an archive is a result. */
static pp_status score_video(state *s, const pp_truth *truth, pp_error *err)
{
    pp_status status = pp_grow((void **)&s->videos, &s->room, s->count + 1, sizeof *s->videos, err);
    if (status != PP_OK) return status;
    pp_whole_video *video = &s->videos[s->count++];
    char hex[PP_HASH_HEX];
    video->name = pp_strdup(truth->video);
    if (video->name == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    status = hash_file(truth->video, hex, err);
    if (status != PP_OK) return status;
    char *name = pp_archive_find(s->options->archives, hex);
    if (name == NULL) {
        video->missing = pp_format("no archive of it in %s", s->options->archives);
        return PP_OK;
    }
    char *path = pp_path_join(s->options->archives, name);
    pp_free(name);
    if (path == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    status = score_archive(s, path, truth, &video->score, err);
    pp_free(path);
    return status;
}

static int is_json(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && pp_text_ends_with(entry->d_name, ".json");
}

static pp_status score_corpus(state *s, pp_error *err)
{
    struct dirent **entries = NULL;
    const int count = scandir(s->options->corpus, &entries, is_json, alphasort);
    if (count < 0) return pp_fail_errno(err, "%s: cannot list", s->options->corpus);
    pp_status status = PP_OK;
    for (int i = 0; i < count; i++) {
        pp_truth *truth = NULL;
        char *path = pp_path_join(s->options->corpus, entries[i]->d_name);
        if (status == PP_OK) status = pp_truth_read(&truth, path, err);
        if (status == PP_OK) status = score_video(s, truth, err);
        pp_truth_destroy(&truth);
        pp_free(path);
        free(entries[i]);
    }
    free(entries);
    if (status == PP_OK && count == 0) {
        return pp_fail(err, PP_ERR_USAGE, "%s: no truth files (NAME.json of pp synth) in it",
                       s->options->corpus);
    }
    return status;
}

static pp_status publish(const state *s, pp_error *err)
{
    pp_whole_report report;
    pp_status status = pp_whole_report_make(&report, s->videos, s->count, s->options->seed, err);
    if (status != PP_OK) return status;
    pp_json *root = pp_whole_report_json(&report, s->videos, s->count);
    char *text = pp_json_dump(root, 1);
    pp_json_free(&root);
    if (text == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the report");
    char *path = s->options->out != NULL ? pp_path_join(s->options->out, "whole.json") : NULL;
    if (path != NULL) {
        status = pp_commit_bytes(pp_fileops_system(), path, text, strlen(text), err);
    }
    if (status == PP_OK && s->options->json) puts(text);
    if (status == PP_OK && !s->options->json) {
        pp_whole_report_print(stdout, &report, s->videos, s->count);
    }
    pp_free(path);
    pp_free(text);
    return status;
}

pp_status pp_eval_truth(const pp_eval_truth_options *options, pp_error *err)
{
    state s = {.options = options};
    pp_status status = pp_decoder_create(&s.decoder, NULL, NULL, err);
    if (status == PP_OK) status = score_corpus(&s, err);
    if (status == PP_OK) status = publish(&s, err);
    for (size_t i = 0; i < s.count; i++) {
        pp_free(s.videos[i].name);
        pp_free(s.videos[i].missing);
    }
    pp_free(s.videos);
    pp_clip_reader_destroy(&s.reader);
    pp_decoder_destroy(&s.decoder);
    return status;
}
