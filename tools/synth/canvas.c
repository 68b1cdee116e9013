/* The canvas itself: colours, frames, boxes, and the area-coverage fill. Shapes are in pen.c. */
#include "canvas.h"

#include <math.h>
#include <string.h>

#include "base/memory.h"
#include "canvas_fill.h"

/* fminf and fmaxf are calls, for the sake of not-a-number; here there is none. */
static inline float lower(float a, float b)
{
    return a < b ? a : b;
}

static inline float upper(float a, float b)
{
    return a > b ? a : b;
}

pp_affine pp_affine_identity(void)
{
    return (pp_affine){1, 0, 0, 1, 0, 0};
}

pp_affine pp_affine_then(pp_affine outer, pp_affine inner)
{
    pp_affine result;
    result.xx = outer.xx * inner.xx + outer.xy * inner.yx;
    result.xy = outer.xx * inner.xy + outer.xy * inner.yy;
    result.yx = outer.yx * inner.xx + outer.yy * inner.yx;
    result.yy = outer.yx * inner.xy + outer.yy * inner.yy;
    result.x0 = outer.xx * inner.x0 + outer.xy * inner.y0 + outer.x0;
    result.y0 = outer.yx * inner.x0 + outer.yy * inner.y0 + outer.y0;
    return result;
}

pp_affine pp_affine_move(pp_affine frame, float x, float y)
{
    return pp_affine_then(frame, (pp_affine){1, 0, 0, 1, x, y});
}

pp_affine pp_affine_turn(pp_affine frame, float radians)
{
    float c = cosf(radians), s = sinf(radians);
    return pp_affine_then(frame, (pp_affine){c, -s, s, c, 0, 0});
}

pp_affine pp_affine_scale(pp_affine frame, float x, float y)
{
    return pp_affine_then(frame, (pp_affine){x, 0, 0, y, 0, 0});
}

pp_point pp_affine_apply(pp_affine frame, float x, float y)
{
    return (pp_point){frame.xx * x + frame.xy * y + frame.x0,
                      frame.yx * x + frame.yy * y + frame.y0};
}

pp_colour pp_rgb(float r, float g, float b)
{
    return (pp_colour){r, g, b, 1};
}

pp_colour pp_hsv(float hue, float saturation, float value)
{
    float sector = (hue - floorf(hue)) * 6;
    float fraction = sector - floorf(sector);
    float p = value * (1 - saturation), q = value * (1 - saturation * fraction);
    float t = value * (1 - saturation * (1 - fraction));
    switch ((int)sector) {
    case 0:
        return pp_rgb(value, t, p);
    case 1:
        return pp_rgb(q, value, p);
    case 2:
        return pp_rgb(p, value, t);
    case 3:
        return pp_rgb(p, q, value);
    case 4:
        return pp_rgb(t, p, value);
    default:
        return pp_rgb(value, p, q);
    }
}

pp_colour pp_mix(pp_colour a, pp_colour b, float share_of_b)
{
    float s = share_of_b;
    return (pp_colour){a.r + (b.r - a.r) * s, a.g + (b.g - a.g) * s, a.b + (b.b - a.b) * s,
                       a.a + (b.a - a.a) * s};
}

pp_colour pp_shade(pp_colour colour, float factor)
{
    if (factor <= 1) {
        return (pp_colour){colour.r * factor, colour.g * factor, colour.b * factor, colour.a};
    }
    return pp_mix(colour, (pp_colour){1, 1, 1, colour.a}, 1 - 1 / factor);
}

pp_colour pp_alpha(pp_colour colour, float alpha)
{
    colour.a = alpha;
    return colour;
}

pp_paint pp_flat(pp_colour colour)
{
    return (pp_paint){PP_PAINT_FLAT, colour, colour, {0, 0}, {0, 0}};
}

pp_paint pp_linear(pp_colour from, pp_colour to, float x0, float y0, float x1, float y1)
{
    return (pp_paint){PP_PAINT_LINEAR, from, to, {x0, y0}, {x1, y1}};
}

pp_paint pp_radial(pp_colour centre, pp_colour rim, float x, float y, float radius)
{
    return (pp_paint){PP_PAINT_RADIAL, centre, rim, {x, y}, {x + radius, y}};
}

pp_box pp_box_empty(void)
{
    return (pp_box){1e9f, 1e9f, -1e9f, -1e9f};
}

int pp_box_is_empty(pp_box box)
{
    return !(box.x1 > box.x0 && box.y1 > box.y0);
}

pp_box pp_box_union(pp_box a, pp_box b)
{
    return (pp_box){lower(a.x0, b.x0), lower(a.y0, b.y0), upper(a.x1, b.x1), upper(a.y1, b.y1)};
}

pp_status pp_canvas_create(pp_canvas **out, int width, int height, pp_error *err)
{
    *out = NULL;
    if (width < 1 || height < 1 || width > 8192 || height > 8192) {
        return pp_fail(err, PP_ERR_USAGE, "a picture of %dx%d: sides are 1 to 8192", width, height);
    }
    pp_canvas *canvas = pp_alloc(1, sizeof *canvas);
    if (canvas == NULL) return pp_fail(err, PP_ERR_NOMEM, "a canvas: no memory");
    canvas->width = width;
    canvas->height = height;
    canvas->cover = pp_alloc((size_t)(width + 2) * (size_t)height, sizeof *canvas->cover);
    canvas->points = pp_alloc(PP_CANVAS_POINTS, sizeof *canvas->points);
    canvas->ends = pp_alloc(PP_CANVAS_POINTS, sizeof *canvas->ends);
    if (canvas->cover == NULL || canvas->points == NULL || canvas->ends == NULL) {
        pp_canvas_destroy(&canvas);
        return pp_fail(err, PP_ERR_NOMEM, "a canvas of %dx%d: no memory", width, height);
    }
    pp_canvas_begin(canvas, NULL, 1);
    *out = canvas;
    return PP_OK;
}

void pp_canvas_destroy(pp_canvas **canvas)
{
    if (*canvas == NULL) return;
    pp_free((*canvas)->cover);
    pp_free((*canvas)->points);
    pp_free((*canvas)->ends);
    PP_FREE(*canvas);
}

void pp_canvas_reset_boxes(pp_canvas *canvas)
{
    canvas->box = pp_box_empty();
    canvas->inner = pp_box_empty();
    canvas->in_inner = 0;
}

void pp_canvas_begin(pp_canvas *canvas, uint8_t *rgb, int measure_only)
{
    canvas->rgb = rgb;
    canvas->measure_only = measure_only;
    canvas->clip = (pp_box){0, 0, (float)canvas->width, (float)canvas->height};
    pp_canvas_reset_boxes(canvas);
    pp_fill_clear(canvas);
}

void pp_fill_clear(pp_canvas *canvas)
{
    canvas->point_count = 0;
    canvas->contour_count = 0;
}

void pp_fill_point(pp_canvas *canvas, float x, float y)
{
    if (canvas->point_count < PP_CANVAS_POINTS) {
        canvas->points[canvas->point_count++] = (pp_point){x, y};
    }
}

void pp_fill_close(pp_canvas *canvas)
{
    int start = canvas->contour_count > 0 ? canvas->ends[canvas->contour_count - 1] : 0;
    if (canvas->point_count - start < 3) {
        canvas->point_count = start;
        return;
    }
    canvas->ends[canvas->contour_count++] = canvas->point_count;
}

/* One edge's share of the coverage of the rows it crosses. In row y the edge runs from xa to xb
 * over a height of dy; every pixel right of it gains dy in full, the pixels it crosses in part. The
 * running sum along a row, taken later, spreads that to the right. */
static void add_edge_row(float *row, int width, float xa, float xb, float dy)
{
    if (xa > xb) {
        float t = xa;
        xa = xb;
        xb = t;
    }
    xa = lower(upper(xa, 0), (float)width);
    xb = lower(upper(xb, 0), (float)width);
    int first = (int)xa, last = (int)xb;
    if (first >= width) return;
    if (first == last || xb - xa < 1e-6f) {
        float right = 1 - ((xa + xb) * 0.5f - (float)first);
        row[first] += dy * right;
        row[first + 1] += dy * (1 - right);
        return;
    }
    float slope = dy / (xb - xa), done = 0;
    for (int x = first; x <= last; x++) {
        float from = upper(xa, (float)x), to = lower(xb, (float)x + 1);
        float part = slope * (to - from);
        float right = 1 - ((from + to) * 0.5f - (float)x);
        row[x] += part * right;
        row[x + 1] += part * (1 - right);
        done += part;
    }
    row[last + 1] += dy - done;
}

static void add_edge(pp_canvas *canvas, pp_point a, pp_point b, float left, int top, int bottom,
                     int width)
{
    float sign = 1;
    if (a.y > b.y) {
        pp_point t = a;
        a = b;
        b = t;
        sign = -1;
    }
    if (b.y <= (float)top || a.y >= (float)bottom || b.y - a.y < 1e-7f) return;
    float slope = (b.x - a.x) / (b.y - a.y);
    float from = upper(a.y, (float)top), end = lower(b.y, (float)bottom);
    for (int y = (int)from; y < bottom && (float)y < end; y++) {
        float y0 = upper(from, (float)y), y1 = lower(end, (float)y + 1);
        if (y1 <= y0) continue;
        float xa = a.x + (y0 - a.y) * slope - left, xb = a.x + (y1 - a.y) * slope - left;
        add_edge_row(canvas->cover + (size_t)y * (size_t)(canvas->width + 2), width, xa, xb,
                     sign * (y1 - y0));
    }
}

/* Gradient position of pixel (x, y) as t = gx x + gy y + g0 for LINEAR, or |(x, y) - p0| / radius.
 */
typedef struct shader {
    pp_paint_kind kind;
    float gx, gy, g0, cx, cy, scale;
    float from[4], change[4];
} shader;

static shader prepare_shader(const pp_paint *paint, pp_affine frame)
{
    shader s = {.kind = paint->kind};
    pp_point p0 = pp_affine_apply(frame, paint->p0.x, paint->p0.y);
    pp_point p1 = pp_affine_apply(frame, paint->p1.x, paint->p1.y);
    float dx = p1.x - p0.x, dy = p1.y - p0.y, square = upper(dx * dx + dy * dy, 1e-6f);
    s.gx = dx / square;
    s.gy = dy / square;
    s.g0 = -(p0.x * s.gx + p0.y * s.gy);
    s.cx = p0.x;
    s.cy = p0.y;
    s.scale = 1 / sqrtf(square);
    const float from[4] = {255 * paint->from.r, 255 * paint->from.g, 255 * paint->from.b,
                           paint->from.a};
    const float to[4] = {255 * paint->to.r, 255 * paint->to.g, 255 * paint->to.b, paint->to.a};
    for (int i = 0; i < 4; i++) {
        s.from[i] = from[i];
        s.change[i] = to[i] - from[i];
    }
    return s;
}

static float shade_position(const shader *s, float x, float y)
{
    float t = 0;
    if (s->kind == PP_PAINT_LINEAR) t = s->gx * x + s->gy * y + s->g0;
    if (s->kind == PP_PAINT_RADIAL) {
        float dx = x - s->cx, dy = y - s->cy;
        t = sqrtf(dx * dx + dy * dy) * s->scale;
    }
    return lower(upper(t, 0), 1);
}

static void blend_flat(const shader *s, float alpha, uint8_t *pixel)
{
    int share = (int)(alpha * s->from[3] * 256 + 0.5f);
    for (int c = 0; c < 3; c++) {
        pixel[c] =
            (uint8_t)((pixel[c] * (256 - share) + (int)(s->from[c] + 0.5f) * share + 128) >> 8);
    }
}

static void blend_shaded(const shader *s, float alpha, float x, float y, uint8_t *pixel)
{
    float t = shade_position(s, x, y);
    alpha *= s->from[3] + s->change[3] * t;
    for (int c = 0; c < 3; c++) {
        float below = pixel[c];
        pixel[c] = (uint8_t)(below + (s->from[c] + s->change[c] * t - below) * alpha + 0.5f);
    }
}

static void blend_row(const shader *s, float *row, uint8_t *rgb, int left, int y, int width)
{
    float sum = 0;
    for (int x = 0; x < width; x++) {
        sum += row[x];
        row[x] = 0;
        float cover = lower(sum < 0 ? -sum : sum, 1);
        if (cover < 0.004f) continue;
        if (s->kind == PP_PAINT_FLAT) blend_flat(s, cover, rgb + 3 * x);
        else blend_shaded(s, cover, (float)(left + x) + 0.5f, (float)y + 0.5f, rgb + 3 * x);
    }
    row[width] = row[width + 1] = 0;
}

static pp_box path_box(const pp_canvas *canvas)
{
    pp_box box = pp_box_empty();
    for (int i = 0; i < canvas->point_count; i++) {
        pp_point p = canvas->points[i];
        box.x0 = lower(box.x0, p.x);
        box.y0 = lower(box.y0, p.y);
        box.x1 = upper(box.x1, p.x);
        box.y1 = upper(box.y1, p.y);
    }
    const pp_box *clip = &canvas->clip;
    return (pp_box){upper(box.x0, clip->x0), upper(box.y0, clip->y0), lower(box.x1, clip->x1),
                    lower(box.y1, clip->y1)};
}

void pp_fill(pp_canvas *canvas, pp_affine frame, const pp_paint *paint)
{
    pp_box box = path_box(canvas);
    if (pp_box_is_empty(box) || canvas->contour_count == 0) {
        pp_fill_clear(canvas);
        return;
    }
    if (upper(paint->from.a, paint->to.a) >= 0.5f) {
        canvas->box = pp_box_union(canvas->box, box);
        if (canvas->in_inner) canvas->inner = pp_box_union(canvas->inner, box);
    }
    if (!canvas->measure_only) {
        int left = (int)box.x0, top = (int)box.y0;
        int right = (int)ceilf(box.x1), bottom = (int)ceilf(box.y1);
        for (int contour = 0, i = 0; contour < canvas->contour_count; contour++) {
            int end = canvas->ends[contour], start = i;
            for (; i < end; i++) {
                pp_point next = canvas->points[i + 1 < end ? i + 1 : start];
                add_edge(canvas, canvas->points[i], next, (float)left, top, bottom, right - left);
            }
        }
        shader s = prepare_shader(paint, frame);
        for (int y = top; y < bottom; y++) {
            blend_row(&s, canvas->cover + (size_t)y * (size_t)(canvas->width + 2),
                      canvas->rgb + 3 * ((size_t)y * (size_t)canvas->width + (size_t)left), left, y,
                      right - left);
        }
    }
    pp_fill_clear(canvas);
}
