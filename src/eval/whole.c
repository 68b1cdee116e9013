#include "eval/whole.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"
#include "eval/assign.h"

static const double least_sounding_s = 0.5; /* in a window, for a performer to be pointed at */
static const double silence_db = -60.0;     /* a track below this has no figures */
static const uint64_t most_bytes = (uint64_t)4 << 30;

/* Everything of one video, while it is evaluated. */
typedef struct whole {
    const pp_archive_header *header;
    pp_h5 *h5;
    const pp_truth *truth;
    pp_clip_reader *reader;
    int taps;
    pp_whole_score *out;
    float *stems;   /* [stems, samples] */
    float *mixture; /* [samples] */
    float *tracks;  /* [performers, samples] */
    double *window_start, *window_end;
    float *energy;   /* [windows, cells] */
    int8_t *sources; /* [windows, cells] */
    double *frame_time;
    uint8_t *thumbnails; /* [frames, size, size, 3] */
    float *motion;       /* [cells] */
} whole;

/* ---- stems ------------------------------------------------------------------------------------
 */

static pp_status read_sound(const whole *w, int which, float *to, pp_error *err)
{
    char path[32];
    const int64_t start[2] = {0, 0}, count[2] = {1, w->header->samples};
    pp_archive_sound_path(which, path);
    return pp_h5_read(w->h5, path, PP_H5_F32, start, count, to, err);
}

static pp_status load_sounds(whole *w, pp_error *err)
{
    const size_t samples = (size_t)w->header->samples;
    pp_status status = pp_alloc_checked((void **)&w->stems, (size_t)w->header->sources * samples,
                                        sizeof(float), "stems", err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&w->mixture, samples, sizeof(float), "mixture", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&w->tracks, (size_t)w->truth->performers * samples,
                                  sizeof(float), "tracks", err);
    }
    for (int s = 0; s < w->header->sources && status == PP_OK; s++) {
        status = read_sound(w, s, w->stems + (size_t)s * samples, err);
    }
    return status == PP_OK ? read_sound(w, PP_SOUND_MIXTURE, w->mixture, err) : status;
}

/* The performers' own tracks; *usable is 0 where one is missing or silent. */
static pp_status load_tracks(whole *w, int *usable, pp_error *err)
{
    *usable = w->truth->performers > 0;
    for (int p = 0; p < w->truth->performers && *usable; p++) {
        const char *path = w->truth->performer[p].track;
        if (path == NULL) {
            *usable = 0;
            break;
        }
        pp_clip clip = {0};
        pp_status status = pp_clip_read(w->reader, path, 0, w->header->samples, &clip, err);
        if (status != PP_OK) return status;
        memcpy(w->tracks + (size_t)p * (size_t)w->header->samples, clip.sound,
               (size_t)w->header->samples * sizeof(float));
        if (!(clip.level_db >= silence_db)) *usable = 0;
        pp_clip_release(&clip);
    }
    return PP_OK;
}

/* The figures of one sound as an estimate of every performer; 0 where it is silent. */
static int score_sound(pp_bss *bss, const whole *w, const float *sound, pp_bss_result *result)
{
    const float *estimates[PP_TRUTH_MOST_PERFORMERS];
    for (int p = 0; p < w->truth->performers; p++) estimates[p] = sound;
    pp_error ignored = {0};
    return pp_bss_score(bss, estimates, 0, result, &ignored) == PP_OK;
}

static void use_figures(pp_whole_score *out, int p, const pp_bss_result *from)
{
    out->sdr_db[p] = from->sdr_db[p];
    out->sir_db[p] = from->sir_db[p];
    out->sar_db[p] = from->sar_db[p];
}

static pp_status score_stems(whole *w, pp_error *err)
{
    const int performers = w->truth->performers;
    /* More stems than that are a failure anyway; the number of sources says so. */
    const int stems =
        w->header->sources < PP_ASSIGN_MOST_STEMS ? w->header->sources : PP_ASSIGN_MOST_STEMS;
    const float *references[PP_TRUTH_MOST_PERFORMERS];
    for (int p = 0; p < performers; p++) {
        references[p] = w->tracks + (size_t)p * (size_t)w->header->samples;
    }
    pp_bss *bss = NULL;
    pp_bss_result *results = NULL, mixture;
    double *values = NULL;
    pp_status status =
        pp_bss_create(&bss, references, performers, w->header->samples, w->taps, err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&results, (size_t)stems, sizeof *results, "scores", err);
    }
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&values, (size_t)(performers * stems), sizeof *values,
                                  "scores", err);
    }
    if (status == PP_OK && score_sound(bss, w, w->mixture, &mixture)) {
        w->out->has_sdr = 1;
        for (int s = 0; s < stems; s++) {
            const float *stem = w->stems + (size_t)s * (size_t)w->header->samples;
            const int sounds = score_sound(bss, w, stem, &results[s]);
            for (int p = 0; p < performers; p++) {
                values[p * stems + s] = sounds ? results[s].sdr_db[p] : -INFINITY;
            }
        }
        pp_assign_best(values, performers, stems, w->out->stem);
        for (int p = 0; p < performers; p++) {
            w->out->mixture_sdr_db[p] = mixture.sdr_db[p];
            use_figures(w->out, p, w->out->stem[p] < 0 ? &mixture : &results[w->out->stem[p]]);
        }
    }
    pp_bss_destroy(&bss);
    pp_free(results);
    pp_free(values);
    return status;
}

/* ---- pointing ---------------------------------------------------------------------------------
 */

static pp_status take(const whole *w, const char *path, pp_h5_type type, int rank,
                      const int64_t *dims, void **data, pp_error *err)
{
    int64_t wanted[PP_H5_MOST_RANK] = {0};
    for (int i = 0; i < rank; i++) wanted[i] = dims[i];
    return pp_h5_take(w->h5, path, type, rank, wanted, most_bytes, data, err);
}

static pp_status load_pictures(whole *w, pp_error *err)
{
    const int64_t windows = w->header->windows, grid = w->header->grid;
    const int64_t frames = w->header->frames, size = w->header->thumbnail_size;
    const int64_t maps[] = {windows, grid, grid}, pictures[] = {frames, size, size, 3};
    pp_status status =
        take(w, "/windows/start", PP_H5_F64, 1, &windows, (void **)&w->window_start, err);
    if (status == PP_OK) {
        status = take(w, "/windows/end", PP_H5_F64, 1, &windows, (void **)&w->window_end, err);
    }
    if (status == PP_OK) {
        status = take(w, "/pixels/energy", PP_H5_F32, 3, maps, (void **)&w->energy, err);
    }
    if (status == PP_OK) {
        status = take(w, "/pixels/source", PP_H5_I8, 3, maps, (void **)&w->sources, err);
    }
    if (status == PP_OK) {
        status = take(w, "/frames/time", PP_H5_F64, 1, &frames, (void **)&w->frame_time, err);
    }
    if (status == PP_OK) {
        status = take(w, "/frames/thumbnail", PP_H5_U8, 4, pictures, (void **)&w->thumbnails, err);
    }
    if (status != PP_OK) return status;
    return pp_alloc_checked((void **)&w->motion, (size_t)(grid * grid), sizeof(float), "motion",
                            err);
}

/* The cell that changes most between the frames of a window; the centre where there are no two. */
static int most_moving(const whole *w, int64_t window, int centre)
{
    const int grid = w->header->grid, size = w->header->thumbnail_size;
    const size_t bytes = (size_t)size * (size_t)size * 3;
    int64_t before = -1;
    int pairs = 0;
    memset(w->motion, 0, (size_t)(grid * grid) * sizeof(float));
    for (int64_t f = 0; f < w->header->frames; f++) {
        if (w->frame_time[f] < w->window_start[window]) continue;
        if (w->frame_time[f] >= w->window_end[window]) break;
        if (before >= 0) {
            pp_point_add_motion(w->thumbnails + (size_t)before * bytes,
                                w->thumbnails + (size_t)f * bytes, size, grid, w->motion);
            pairs++;
        }
        before = f;
    }
    return pairs > 0 ? pp_point_loudest(w->motion, NULL, 0, grid * grid) : centre;
}

/* Adds one performer of one window to the counts of sources. */
static void point_at_source(const whole *w, const pp_grid_view *view, int64_t window, int p,
                            const pp_box *box)
{
    pp_pointing_counts *counts = &w->out->pointing;
    const int cells = view->grid * view->grid;
    if (w->out->stem[p] < 0) return;
    const int cell = pp_point_loudest(w->energy + window * cells, w->sources + window * cells,
                                      w->out->stem[p], cells);
    counts->sources++;
    counts->source_hits += cell >= 0 && pp_point_on_box(view, cell, box);
    counts->source_chance += pp_point_chance(view, box);
}

static void point_in_window(const whole *w, const pp_grid_view *view, int64_t window)
{
    pp_pointing_counts *counts = &w->out->pointing;
    const double start_s = w->window_start[window], end_s = w->window_end[window];
    const int cells = view->grid * view->grid, centre = (view->grid / 2) * (view->grid + 1);
    const int loudest = pp_point_loudest(w->energy + window * cells, NULL, 0, cells);
    const int moving = most_moving(w, window, centre);
    const pp_box *boxes[PP_TRUTH_MOST_PERFORMERS];
    int sounding = 0, hits[3] = {0}, on_any = 0;
    for (int p = 0; p < w->truth->performers; p++) {
        const pp_truth_performer *who = &w->truth->performer[p];
        if (pp_interval_overlap(who->active, who->active_count, start_s, end_s) <
            least_sounding_s) {
            continue;
        }
        const pp_box *box = pp_truth_box(w->truth, p, 0.5 * (start_s + end_s));
        boxes[sounding++] = box;
        hits[0] |= pp_point_on_box(view, loudest, box);
        hits[1] |= pp_point_on_box(view, centre, box);
        hits[2] |= pp_point_on_box(view, moving, box);
        point_at_source(w, view, window, p, box);
    }
    if (sounding == 0) return;
    for (int c = 0; c < cells; c++) {
        int on = 0;
        for (int i = 0; i < sounding; i++) on |= pp_point_on_box(view, c, boxes[i]);
        on_any += on;
    }
    counts->windows++;
    counts->loudest += hits[0];
    counts->centre += hits[1];
    counts->moving += hits[2];
    counts->chance += (double)on_any / cells;
}

/* ---- activity and labels ----------------------------------------------------------------------
 */

static pp_status take_annotations(const whole *w, pp_annotation **rows, int64_t *count,
                                  pp_error *err)
{
    static const pp_h5_column columns[] = {
        {"start", "s", offsetof(pp_annotation, start_s), PP_H5_F64, 0},
        {"end", "s", offsetof(pp_annotation, end_s), PP_H5_F64, 0},
        {"source", "1", offsetof(pp_annotation, source), PP_H5_I32, 0},
        {"label", "1", offsetof(pp_annotation, label), PP_H5_U8, sizeof((*rows)->label)},
        {"confidence", "1", offsetof(pp_annotation, confidence), PP_H5_F32, 0},
        {"level_db", "dB", offsetof(pp_annotation, level_db), PP_H5_F32, 0},
    };
    return pp_h5_take_table(w->h5, "/annotations", columns, sizeof columns / sizeof *columns,
                            sizeof **rows, (void **)rows, count, err);
}

/* Intervals of one stem, and their number; `room` holds as many as there are rows. */
static size_t intervals_of(const pp_annotation *rows, int64_t count, int stem, pp_interval *room)
{
    size_t found = 0;
    for (int64_t i = 0; i < count; i++) {
        if (rows[i].source != stem) continue;
        room[found++] = (pp_interval){rows[i].start_s, rows[i].end_s};
    }
    return found;
}

static int is_assigned(const pp_whole_score *score, int stem)
{
    for (int p = 0; p < score->performers; p++) {
        if (score->stem[p] == stem) return 1;
    }
    return 0;
}

/* What an assigned stem says counts against its performer; what any other stem says is wrong, and a
 * performer without a stem was never found. */
static pp_status score_activity(whole *w, pp_error *err)
{
    pp_annotation *rows = NULL;
    pp_interval *room = NULL;
    int64_t count = 0;
    pp_status status = take_annotations(w, &rows, &count, err);
    if (status == PP_OK) {
        status = pp_alloc_checked((void **)&room, (size_t)count, sizeof *room, "intervals", err);
    }
    pp_whole_score *out = w->out;
    for (int p = 0; p < out->performers && status == PP_OK; p++) {
        const pp_truth_performer *who = &w->truth->performer[p];
        const size_t found = out->stem[p] >= 0 ? intervals_of(rows, count, out->stem[p], room) : 0;
        pp_activity_count(room, found, who->active, who->active_count, w->truth->duration_s,
                          &out->activity);
    }
    for (int s = 0; s < out->stems && status == PP_OK; s++) {
        if (is_assigned(out, s)) continue;
        const size_t found = intervals_of(rows, count, s, room);
        pp_activity_count(room, found, NULL, 0, w->truth->duration_s, &out->activity);
    }
    pp_free(rows);
    pp_free(room);
    return status;
}

static pp_status score_labels(whole *w, pp_error *err)
{
    char **labels = NULL;
    int64_t count = 0;
    if (w->header->sources == 0) return PP_OK;
    pp_status status = pp_h5_take_texts(w->h5, "/sources/label", &labels, &count, err);
    if (status != PP_OK) return status;
    for (int p = 0; p < w->out->performers; p++) {
        const int s = w->out->stem[p];
        if (s < 0 || s >= count || labels[s][0] == '\0') continue;
        snprintf(w->out->label[p], sizeof w->out->label[p], "%s", labels[s]);
        w->out->labels_judged++;
        w->out->labels_right += strcmp(labels[s], w->truth->performer[p].instrument) == 0;
    }
    pp_h5_free_texts(&labels, count);
    return PP_OK;
}

/* ---- all --------------------------------------------------------------------------------------
 */

/* Without figures, stems go to performers in their order: pointing and activity are still judged.
 */
static void assign_in_order(pp_whole_score *out)
{
    for (int p = 0; p < out->performers; p++) out->stem[p] = p < out->stems ? p : -1;
}

static pp_status evaluate(whole *w, pp_error *err)
{
    int usable = 0;
    pp_status status = load_sounds(w, err);
    if (status == PP_OK) status = load_tracks(w, &usable, err);
    if (status == PP_OK && usable) status = score_stems(w, err);
    if (status == PP_OK) status = load_pictures(w, err);
    if (status != PP_OK) return status;
    if (!w->out->has_sdr) assign_in_order(w->out);
    const pp_grid_view view = {w->header->grid, w->truth->width, w->truth->height};
    for (int64_t i = 0; i < w->header->windows; i++) point_in_window(w, &view, i);
    status = score_activity(w, err);
    return status == PP_OK ? score_labels(w, err) : status;
}

pp_status pp_whole_evaluate(pp_archive *archive, const pp_truth *truth, pp_clip_reader *reader,
                            int filter_taps, pp_whole_score *out, pp_error *err)
{
    const pp_archive_header *header = pp_archive_get_header(archive);
    memset(out, 0, sizeof *out);
    if ((double)header->samples > PP_WHOLE_MOST_S * header->rate_hz) {
        return pp_fail(err, PP_ERR_LIMIT, "%s: longer than the %.0f s that are evaluated at once",
                       truth->video, PP_WHOLE_MOST_S);
    }
    out->performers = truth->performers;
    out->stems = header->sources;
    whole w = {.header = header,
               .h5 = pp_archive_h5(archive),
               .truth = truth,
               .reader = reader,
               .taps = filter_taps,
               .out = out};
    pp_status status = evaluate(&w, err);
    void *const all[] = {w.stems,  w.mixture, w.tracks, w.window_start, w.window_end,
                         w.energy, w.sources, w.motion, w.frame_time,   w.thumbnails};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) pp_free(all[i]);
    return status;
}
