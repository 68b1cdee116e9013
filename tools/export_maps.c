/* Pixel-sound maps as pictures: how loud each pixel of the grid is, as a glow over the frame, and
 * the sources' pixels and boxes in their colours. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/path.h"
#include "export.h"
#include "media/encode.h"

#define SIZE 448 /* pixels of a picture, square as what the network sees */

typedef struct painter {
    pp_export *job;
    int grid, thumbnail_size;
    double *frame_times;
    int64_t frames;
    uint8_t *thumbnail; /* [T, T, 3] */
    float *energy;      /* [G, G] */
    double *mean;       /* [G, G]: of all windows */
    int8_t *source;     /* [G, G] */
    uint8_t *picture;   /* [SIZE, SIZE, 3] */
} painter;

const pp_export_colour *pp_export_colour_of(int source)
{
    static const pp_export_colour colours[] = {
        {"orange", {255, 140, 0}}, {"cyan", {0, 210, 255}},   {"green", {60, 220, 60}},
        {"pink", {255, 90, 200}},  {"yellow", {255, 235, 0}}, {"blue", {80, 120, 255}},
    };
    return &colours[source % (int)(sizeof colours / sizeof *colours)];
}

/* ---- painting ------------------------------------------------------------------------------- */

/* Value of a [grid, grid] map between its pixels' centres; x, y in 0..1. */
static double between(const double *map, int grid, double x, double y)
{
    double column = fmin(fmax(x * grid - 0.5, 0), grid - 1);
    double row = fmin(fmax(y * grid - 0.5, 0), grid - 1);
    int c0 = (int)column, r0 = (int)row;
    int c1 = c0 + 1 < grid ? c0 + 1 : c0, r1 = r0 + 1 < grid ? r0 + 1 : r0;
    double fx = column - c0, fy = row - r0;
    return (map[r0 * grid + c0] * (1 - fx) + map[r0 * grid + c1] * fx) * (1 - fy) +
           (map[r1 * grid + c0] * (1 - fx) + map[r1 * grid + c1] * fx) * fy;
}

/* From dark red over yellow to white; heat in 0..1. */
static void glow(double heat, double rgb[3])
{
    rgb[0] = 255 * fmin(1, 0.4 + 1.6 * heat);
    rgb[1] = 255 * fmin(1, fmax(0, 1.8 * heat - 0.4));
    rgb[2] = 255 * fmin(1, fmax(0, 3 * heat - 2));
}

/* map: magnitudes [G, G] (roots of energies), scaled by their largest. */
static void paint_glow(painter *p, const double *map)
{
    double largest = 0;
    for (int i = 0; i < p->grid * p->grid; i++) largest = fmax(largest, map[i]);
    for (int y = 0; y < SIZE; y++) {
        for (int x = 0; x < SIZE; x++) {
            int tx = x * p->thumbnail_size / SIZE, ty = y * p->thumbnail_size / SIZE;
            const uint8_t *under = p->thumbnail + 3 * (ty * p->thumbnail_size + tx);
            double heat = 0, rgb[3];
            if (largest > 0) {
                heat = between(map, p->grid, (x + 0.5) / SIZE, (y + 0.5) / SIZE) / largest;
            }
            glow(heat, rgb);
            double cover = 0.7 * heat;
            uint8_t *to = p->picture + 3 * (y * SIZE + x);
            for (int c = 0; c < 3; c++) {
                to[c] = (uint8_t)(0.75 * under[c] * (1 - cover) + rgb[c] * cover + 0.5);
            }
        }
    }
}

static void paint_block(painter *p, int left, int top, int right, int bottom, const uint8_t *rgb)
{
    for (int y = top < 0 ? 0 : top; y < bottom && y < SIZE; y++) {
        for (int x = left < 0 ? 0 : left; x < right && x < SIZE; x++) {
            memcpy(p->picture + 3 * (y * SIZE + x), rgb, 3);
        }
    }
}

static void paint_box(painter *p, const float box[4], int source)
{
    if (!(isfinite(box[0]) && isfinite(box[1]) && isfinite(box[2]) && isfinite(box[3]))) return;
    const uint8_t *rgb = pp_export_colour_of(source)->rgb;
    int inset = 3 * source; /* boxes that lie upon each other stay visible */
    int left = (int)(box[0] * SIZE) + inset, top = (int)(box[1] * SIZE) + inset;
    int right = (int)(box[2] * SIZE) - inset, bottom = (int)(box[3] * SIZE) - inset;
    paint_block(p, left, top, right, top + 3, rgb);
    paint_block(p, left, bottom - 3, right, bottom, rgb);
    paint_block(p, left, top, left + 3, bottom, rgb);
    paint_block(p, right - 3, top, right, bottom, rgb);
}

/* A dot in the middle of each pixel of the grid that belongs to a source. */
static void paint_sources(painter *p)
{
    for (int row = 0; row < p->grid; row++) {
        for (int column = 0; column < p->grid; column++) {
            int source = p->source[row * p->grid + column];
            if (source < 0 || source >= p->job->header->sources) continue;
            int x = (2 * column + 1) * SIZE / (2 * p->grid);
            int y = (2 * row + 1) * SIZE / (2 * p->grid);
            paint_block(p, x - 2, y - 2, x + 3, y + 3, pp_export_colour_of(source)->rgb);
        }
    }
}

/* ---- reading -------------------------------------------------------------------------------- */

static pp_status read_window(painter *p, int64_t window, pp_error *err)
{
    pp_h5 *h5 = pp_archive_h5(p->job->archive);
    int64_t start[3] = {window, 0, 0}, count[3] = {1, p->grid, p->grid};
    pp_status status = pp_h5_read(h5, "/pixels/energy", PP_H5_F32, start, count, p->energy, err);
    if (status != PP_OK) return status;
    return pp_h5_read(h5, "/pixels/source", PP_H5_I8, start, count, p->source, err);
}

/* The frame nearest to a time; black where there is none. */
static pp_status read_frame(painter *p, double time_s, pp_error *err)
{
    int64_t nearest = 0, size = p->thumbnail_size;
    for (int64_t f = 1; f < p->frames; f++) {
        if (fabs(p->frame_times[f] - time_s) < fabs(p->frame_times[nearest] - time_s)) nearest = f;
    }
    if (p->frames == 0) {
        memset(p->thumbnail, 0, (size_t)(size * size * 3));
        return PP_OK;
    }
    int64_t start[4] = {nearest}, count[4] = {1, size, size, 3};
    return pp_h5_read(pp_archive_h5(p->job->archive), "/frames/thumbnail", PP_H5_U8, start, count,
                      p->thumbnail, err);
}

static pp_status read_box(painter *p, int source, int64_t window, float box[4], pp_error *err)
{
    int64_t start[3] = {source, window, 0}, count[3] = {1, 1, 4};
    return pp_h5_read(pp_archive_h5(p->job->archive), "/sources/box", PP_H5_F32, start, count, box,
                      err);
}

/* ---- files ---------------------------------------------------------------------------------- */

static pp_status write_picture(painter *p, const char *name, const char *what, pp_error *err)
{
    char *path = pp_path_join(p->job->folder, name);
    char *temporary = path != NULL ? pp_export_temporary(path) : NULL;
    pp_status status = PP_OK;
    if (temporary == NULL) status = pp_fail(err, PP_ERR_NOMEM, "no memory for a file name");
    if (status == PP_OK) {
        status = pp_encode_png(temporary, p->picture, SIZE, SIZE, err);
        if (status != PP_OK) unlink(temporary);
    }
    if (status == PP_OK) status = pp_export_publish(p->job, temporary, path, what, err);
    pp_free(temporary);
    pp_free(path);
    return status;
}

static pp_status export_window(painter *p, int64_t window, pp_error *err)
{
    double start_s, end_s;
    int64_t one = 1;
    pp_h5 *h5 = pp_archive_h5(p->job->archive);
    pp_status status = pp_h5_read(h5, "/windows/start", PP_H5_F64, &window, &one, &start_s, err);
    if (status == PP_OK) {
        status = pp_h5_read(h5, "/windows/end", PP_H5_F64, &window, &one, &end_s, err);
    }
    if (status == PP_OK) status = read_window(p, window, err);
    if (status == PP_OK) status = read_frame(p, (start_s + end_s) / 2, err);
    if (status != PP_OK) return status;
    double map[4096];
    for (int i = 0; i < p->grid * p->grid; i++) map[i] = sqrt(fmax(0, p->energy[i]));
    paint_glow(p, map);
    paint_sources(p);
    for (int s = 0; status == PP_OK && s < p->job->header->sources; s++) {
        float box[4];
        status = read_box(p, s, window, box, err);
        if (status == PP_OK) paint_box(p, box, s);
    }
    char name[64], what[64];
    snprintf(name, sizeof name, "map-%05lld.png", (long long)window);
    snprintf(what, sizeof what, "where sound comes from, %.1f to %.1f s", start_s, end_s);
    return status == PP_OK ? write_picture(p, name, what, err) : status;
}

/* The mean over all windows, and the pixels that most windows give to a source. */
static pp_status export_overview(painter *p, pp_error *err)
{
    int64_t windows = p->job->header->windows;
    int pixels = p->grid * p->grid;
    int *votes = pp_alloc((size_t)pixels * PP_ARCHIVE_MOST_SOURCES, sizeof *votes);
    if (votes == NULL) return pp_fail(err, PP_ERR_NOMEM, "no memory for a picture");
    pp_status status = PP_OK;
    for (int64_t w = 0; status == PP_OK && w < windows; w++) {
        status = read_window(p, w, err);
        for (int i = 0; status == PP_OK && i < pixels; i++) {
            p->mean[i] += fmax(0, p->energy[i]) / (double)windows;
            int source = p->source[i];
            if (source >= 0 && source < PP_ARCHIVE_MOST_SOURCES) {
                votes[i * PP_ARCHIVE_MOST_SOURCES + source]++;
            }
        }
    }
    for (int i = 0; i < pixels; i++) {
        p->mean[i] = sqrt(p->mean[i]);
        p->source[i] = -1;
        for (int s = 0; s < p->job->header->sources; s++) {
            if (2 * votes[i * PP_ARCHIVE_MOST_SOURCES + s] > windows) p->source[i] = (int8_t)s;
        }
    }
    pp_free(votes);
    if (status == PP_OK) status = read_frame(p, p->job->header->duration_s / 2, err);
    if (status != PP_OK) return status;
    paint_glow(p, p->mean);
    paint_sources(p);
    return write_picture(p, "map-overview.png", "where sound comes from, the whole video", err);
}

static pp_status take_room(painter *p, pp_error *err)
{
    size_t pixels = (size_t)(p->grid * p->grid), size = (size_t)p->thumbnail_size;
    int64_t dims[1] = {p->job->header->frames};
    p->thumbnail = pp_alloc(size * size, 3);
    p->energy = pp_alloc(pixels, sizeof *p->energy);
    p->mean = pp_alloc(pixels, sizeof *p->mean);
    p->source = pp_alloc(pixels, 1);
    p->picture = pp_alloc((size_t)SIZE * SIZE, 3);
    if (p->thumbnail == NULL || p->energy == NULL || p->mean == NULL || p->source == NULL ||
        p->picture == NULL) {
        return pp_fail(err, PP_ERR_NOMEM, "no memory for pictures");
    }
    p->frames = dims[0];
    return pp_h5_take(pp_archive_h5(p->job->archive), "/frames/time", PP_H5_F64, 1, dims,
                      UINT64_C(1) << 30, (void **)&p->frame_times, err);
}

pp_status pp_export_maps(pp_export *job, pp_error *err)
{
    painter p = {
        .job = job, .grid = job->header->grid, .thumbnail_size = job->header->thumbnail_size};
    int64_t windows = job->header->windows;
    int64_t pictures =
        job->map_windows > 0 && job->map_windows < windows ? job->map_windows : windows;
    if (p.grid > 64) return pp_fail(err, PP_ERR_LIMIT, "maps of %d x %d pixels", p.grid, p.grid);
    pp_status status = take_room(&p, err);
    if (status == PP_OK && windows > 0) status = export_overview(&p, err);
    for (int64_t i = 0; status == PP_OK && i < pictures; i++) {
        /* evenly spread, in the middle of its part each */
        status = export_window(&p, (2 * i + 1) * windows / (2 * pictures), err);
    }
    pp_free(p.frame_times);
    pp_free(p.thumbnail);
    pp_free(p.energy);
    pp_free(p.mean);
    pp_free(p.source);
    pp_free(p.picture);
    return status;
}
