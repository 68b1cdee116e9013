/* pp report: what is in archives, in plain words: who plays, where, how loud, when. */
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/path.h"
#include "pp.h"
#include "store/archive.h"
#include "store/folder.h"
#include "tools/run_speed.h"

static const char usage_text[] =
    "usage: pp report ARCHIVE.h5|OUT... [--json]\n"
    "\n"
    "Says what was found in each video: its sources (label, level, where in the picture, when "
    "they\n"
    "play), where their sound lies in the archive, and which model found them. OUT is an output\n"
    "folder of pp-cluster: all of its archives, by name, and how fast they were made.\n"
    "\n"
    "      --json    one JSON object a line, one line an archive\n"
    "\n"
    "Levels are dB relative to full scale. Places count in the square middle of the picture, "
    "which\n"
    "is what the network sees.\n";

/* One source as it is printed. */
typedef struct source_line {
    const char *label; /* borrowed */
    float confidence;
    double level_db, x, y, active_s;
    int64_t parts;
} source_line;

/* ---- what an archive holds --------------------------------------------------------------- */

static pp_status read_sources(pp_archive *archive, char **labels, source_line *lines, pp_error *err)
{
    pp_h5 *h5 = pp_archive_h5(archive);
    int count = pp_archive_get_header(archive)->sources;
    pp_status status = PP_OK;
    for (int s = 0; status == PP_OK && s < count; s++) {
        char path[32];
        pp_archive_sound_path(s, path);
        int64_t at = s, one = 1;
        lines[s].label = labels[s];
        status =
            pp_h5_read(h5, "/sources/confidence", PP_H5_F32, &at, &one, &lines[s].confidence, err);
        if (status == PP_OK) {
            status = pp_h5_get_real(h5, path, "level_db", &lines[s].level_db, err);
        }
        if (status == PP_OK) status = pp_h5_get_real(h5, path, "center_x", &lines[s].x, err);
        if (status == PP_OK) status = pp_h5_get_real(h5, path, "center_y", &lines[s].y, err);
    }
    if (status != PP_OK) return status;
    pp_annotation *rows = NULL;
    int64_t row_count = 0;
    status = pp_archive_take_annotations(archive, &rows, &row_count, err);
    for (int64_t i = 0; status == PP_OK && i < row_count; i++) {
        if (rows[i].source < 0 || rows[i].source >= count) continue;
        lines[rows[i].source].active_s += rows[i].end_s - rows[i].start_s;
        lines[rows[i].source].parts++;
    }
    pp_free(rows);
    return status;
}

/* "left, low"; "centre" where neither says anything; one that was asked for by name may be
 * nowhere. */
static void place_words(double x, double y, char *words, size_t room)
{
    if (!(isfinite(x) && isfinite(y))) {
        snprintf(words, room, "not in the picture");
        return;
    }
    const char *across = x < 1.0 / 3 ? "left" : x > 2.0 / 3 ? "right" : "";
    const char *up = y < 1.0 / 3 ? "high" : y > 2.0 / 3 ? "low" : "";
    if (across[0] == '\0' && up[0] == '\0') snprintf(words, room, "centre");
    else snprintf(words, room, "%s%s%s", across, across[0] && up[0] ? ", " : "", up);
}

/* ---- for people -------------------------------------------------------------------------- */

static void print_source(int index, const source_line *line, double duration_s)
{
    char words[32], where[64], path[32], label[96] = "unlabelled";
    place_words(line->x, line->y, words, sizeof words);
    if (isfinite(line->x))
        snprintf(where, sizeof where, "%s (%.2f, %.2f)", words, line->x, line->y);
    else snprintf(where, sizeof where, "%s", words);
    if (line->label[0] != '\0') {
        snprintf(label, sizeof label, "%s %.2f", line->label, (double)line->confidence);
    }
    pp_archive_sound_path(index, path);
    printf("  source %-2d  %-18s %7.1f dB   %-25s plays %.1f of %.1f s in %lld %-6s  %s\n", index,
           label, line->level_db, where, line->active_s, duration_s, (long long)line->parts,
           line->parts == 1 ? "part" : "parts", path);
}

static pp_status print_track(pp_archive *archive, int which, const char *name, pp_error *err)
{
    char path[32];
    double level_db = 0;
    pp_archive_sound_path(which, path);
    pp_status status = pp_h5_get_real(pp_archive_h5(archive), path, "level_db", &level_db, err);
    if (status == PP_OK) printf("  %-9s  %-18s %7.1f dB   %s\n", name, "", level_db, path);
    return status;
}

static pp_status print_words(pp_archive *archive, const source_line *lines, double work_s,
                             pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    char duration[32];
    pp_clock_duration_text(header->duration_s, duration, sizeof duration);
    printf("%s", pp_path_name(header->source_path));
    if (header->source_end_s > 0) {
        printf(" from %.1f to %.1f s", header->source_start_s, header->source_end_s);
    }
    printf(": %s, %d source%s, model %s\n", duration, header->sources,
           header->sources == 1 ? "" : "s", header->model_name);
    if (header->untrained) {
        printf("  This model is UNTRAINED (random weights from a seed). It separates nothing: the "
               "sources,\n  places and levels below only show that the machinery works.\n");
    }
    if (work_s > 0) {
        printf("  %.1f times real time: %.2f s of work on one core\n", header->duration_s / work_s,
               work_s);
    }
    for (int s = 0; s < header->sources; s++) print_source(s, &lines[s], header->duration_s);
    pp_status status = print_track(archive, PP_SOUND_RESIDUAL, "residual", err);
    if (status == PP_OK) status = print_track(archive, PP_SOUND_MIXTURE, "mixture", err);
    printf("  archive    %s\n", pp_h5_path(pp_archive_h5(archive)));
    return status;
}

/* ---- for programs ------------------------------------------------------------------------ */

static pp_status print_json(pp_archive *archive, const source_line *lines, double work_s,
                            pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    pp_json *json = pp_json_object(), *sources = pp_json_array();
    pp_json_set_path(json, "video", header->source_path);
    pp_json_set_text(json, "id", header->source_id);
    pp_json_set_text(json, "sha256", header->source_sha256);
    pp_json_set_path(json, "archive", pp_h5_path(pp_archive_h5(archive)));
    pp_json_set_real(json, "start_s", header->source_start_s);
    pp_json_set_real(json, "end_s", header->source_end_s);
    pp_json_set_real(json, "duration_s", header->duration_s);
    if (work_s > 0) {
        pp_json_set_real(json, "work_s", work_s);
        pp_json_set_real(json, "times_real_time", header->duration_s / work_s);
    }
    pp_json_set_text(json, "model", header->model_name);
    pp_json_set_bool(json, "untrained", header->untrained);
    for (int s = 0; s < header->sources; s++) {
        char words[32], path[32];
        pp_json *one = pp_json_object();
        place_words(lines[s].x, lines[s].y, words, sizeof words);
        pp_archive_sound_path(s, path);
        pp_json_set_int(one, "source", s);
        pp_json_set_text(one, "label", lines[s].label);
        pp_json_set_real(one, "confidence", (double)lines[s].confidence);
        pp_json_set_real(one, "level_db", lines[s].level_db);
        pp_json_set_real(one, "x", lines[s].x);
        pp_json_set_real(one, "y", lines[s].y);
        pp_json_set_text(one, "where", words);
        pp_json_set_real(one, "active_s", lines[s].active_s);
        pp_json_set_int(one, "parts", lines[s].parts);
        pp_json_set_text(one, "path", path);
        pp_json_append(sources, one);
    }
    pp_json_set(json, "sources", sources);
    char *text = pp_json_dump(json, 0);
    pp_json_free(&json);
    if (text == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for the report");
    printf("%s\n", text);
    pp_free(text);
    return PP_OK;
}

/* ---- archives ---------------------------------------------------------------------------- */

static pp_status report_archive(const char *path, int as_json, double work_s, pp_error *err)
{
    pp_archive *archive = NULL;
    char **labels = NULL;
    int64_t label_count = 0;
    source_line lines[PP_ARCHIVE_MOST_SOURCES] = {0};
    pp_status status = pp_archive_open(&archive, pp_fileops_system(), path, err);
    if (status == PP_OK) {
        status =
            pp_h5_take_texts(pp_archive_h5(archive), "/sources/label", &labels, &label_count, err);
    }
    if (status == PP_OK && label_count != pp_archive_get_header(archive)->sources)
        status = pp_fail(err, PP_ERR_FORMAT, "%s: not every source has a label", path);
    if (status == PP_OK) status = read_sources(archive, labels, lines, err);
    if (status == PP_OK)
        status = as_json ? print_json(archive, lines, work_s, err)
                         : print_words(archive, lines, work_s, err);
    pp_h5_free_texts(&labels, label_count);
    pp_archive_close(&archive);
    return status;
}

static pp_status report_folder(const char *out_folder, int as_json, int *failures, pp_error *err)
{
    pp_folder folder = {0};
    run_speed *speed = NULL;
    int64_t found = 0;
    pp_status status = pp_folder_scan(&folder, out_folder, err);
    if (status == PP_OK) status = run_speed_create(&speed, out_folder, err);
    for (int64_t i = 0; status == PP_OK && i < folder.count; i++) {
        if (folder.files[i].kind != PP_FILE_ARCHIVE) continue;
        pp_error one = {0};
        char *path = pp_path_join(out_folder, folder.files[i].path);
        if (path == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a path");
        if (found++ > 0 && !as_json) printf("\n");
        double work_s = run_speed_work_s(speed, folder.files[i].path);
        if (path != NULL && report_archive(path, as_json, work_s, &one) != PP_OK) {
            pp_log_failure(PP_LOG_ERROR, NULL, &one);
            ++*failures;
        }
        pp_free(path);
    }
    run_speed_destroy(&speed);
    pp_folder_free(&folder);
    if (status == PP_OK && found == 0) {
        pp_fail(err, PP_ERR_NOT_FOUND, "%s holds no archives", out_folder);
        return pp_advise(err, "Name an output folder of pp-cluster, or archives themselves.");
    }
    return status;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"help", no_argument, NULL, 'h'}, {NULL, 0, NULL, 0}};
    int as_json = 0, option, failures = 0;
    while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (option == 'j') {
            as_json = 1;
        } else {
            fputs(usage_text, option == 'h' ? stdout : stderr);
            return option == 'h' ? 0 : 2;
        }
    }
    if (optind == argc) {
        fputs(usage_text, stderr);
        return 2;
    }
    for (int i = optind; i < argc; i++) {
        pp_error err = {0};
        if (i > optind && !as_json) printf("\n");
        pp_status status = pp_path_is_folder(argv[i])
                               ? report_folder(argv[i], as_json, &failures, &err)
                               : report_archive(argv[i], as_json, 0, &err);
        if (status == PP_OK) continue;
        pp_log_failure(PP_LOG_ERROR, NULL, &err);
        failures++;
    }
    return failures > 0;
}

const pp_verb pp_verb_report = {"report", "what was found in videos, from their archives", run};
