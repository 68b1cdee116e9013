/* The shapes a pen draws, as contours for the fill. */
#include <math.h>

#include "canvas_fill.h"

#define CURVE_STEPS 6 /* straight pieces between two given points */
#define MOST_CURVE 512
#define PI 3.14159265f

pp_pen pp_pen_at(pp_pen pen, float x, float y, float radians, float scale)
{
    pen.frame = pp_affine_move(pen.frame, x, y);
    if (radians != 0) pen.frame = pp_affine_turn(pen.frame, radians);
    if (scale != 1) pen.frame = pp_affine_scale(pen.frame, scale, scale);
    pen.outline /= scale;
    return pen;
}

static void put(const pp_pen *pen, float x, float y)
{
    pp_point p = pp_affine_apply(pen->frame, x, y);
    pp_fill_point(pen->canvas, p.x, p.y);
}

/* A four-cornered piece of a stroke, always turning the same way, so that pieces add up. */
static void put_quad(const pp_pen *pen, const pp_point corner[4])
{
    pp_point p[4];
    float area = 0;
    for (int i = 0; i < 4; i++) p[i] = pp_affine_apply(pen->frame, corner[i].x, corner[i].y);
    for (int i = 0; i < 4; i++) {
        pp_point a = p[i], b = p[(i + 1) & 3];
        area += a.x * b.y - b.x * a.y;
    }
    for (int i = 0; i < 4; i++) {
        pp_point q = p[area > 0 ? i : 3 - i];
        pp_fill_point(pen->canvas, q.x, q.y);
    }
    pp_fill_close(pen->canvas);
}

static int circle_steps(const pp_pen *pen, float radius)
{
    const pp_affine *f = &pen->frame;
    float pixels = radius * sqrtf(fabsf(f->xx * f->yy - f->xy * f->yx));
    int steps = 7 + (int)(3 * sqrtf(fmaxf(pixels, 0)));
    return steps > 64 ? 64 : steps;
}

/* turn +1 or -1 in pixels, whatever mirrors the frame holds. */
static void put_ellipse(const pp_pen *pen, float x, float y, float rx, float ry, int turn)
{
    const pp_affine *f = &pen->frame;
    if (f->xx * f->yy - f->xy * f->yx < 0) turn = -turn;
    int steps = circle_steps(pen, fmaxf(rx, ry));
    /* Corners a little outside, so that the polygon has the ellipse's area. */
    float corner = 2 * PI / (float)steps, wider = sqrtf(corner / sinf(corner));
    rx *= wider;
    ry *= wider;
    for (int i = 0; i < steps; i++) {
        float angle = (float)turn * 2 * PI * (float)i / (float)steps;
        put(pen, x + rx * cosf(angle), y + ry * sinf(angle));
    }
    pp_fill_close(pen->canvas);
}

static void fill(const pp_pen *pen, pp_paint paint)
{
    pp_fill(pen->canvas, pen->frame, &paint);
}

static void stroke(const pp_pen *pen, const pp_point *points, int count, float width0, float width1)
{
    for (int i = 0; i + 1 < count; i++) {
        pp_point a = points[i], b = points[i + 1];
        float share0 = (float)i / (float)(count - 1), share1 = (float)(i + 1) / (float)(count - 1);
        float wa = 0.5f * (width0 + (width1 - width0) * share0);
        float wb = 0.5f * (width0 + (width1 - width0) * share1);
        float dx = b.x - a.x, dy = b.y - a.y, length = sqrtf(dx * dx + dy * dy);
        if (length < 1e-7f) continue;
        float nx = -dy / length, ny = dx / length;
        put_quad(pen, (pp_point[4]){{a.x + nx * wa, a.y + ny * wa},
                                    {b.x + nx * wb, b.y + ny * wb},
                                    {b.x - nx * wb, b.y - ny * wb},
                                    {a.x - nx * wa, a.y - ny * wa}});
        put_ellipse(pen, a.x, a.y, wa, wa, 1);
    }
    if (count > 0) {
        put_ellipse(pen, points[count - 1].x, points[count - 1].y, width1 / 2, width1 / 2, 1);
    }
}

static void outline(const pp_pen *pen, const pp_point *points, int count)
{
    if (pen->outline <= 0) return;
    stroke(pen, points, count, pen->outline, pen->outline);
    stroke(pen, (pp_point[2]){points[count - 1], points[0]}, 2, pen->outline, pen->outline);
    fill(pen, pp_flat(pen->outline_colour));
}

void pp_pen_polygon(const pp_pen *pen, const pp_point *points, int count, pp_paint paint)
{
    for (int i = 0; i < count; i++) put(pen, points[i].x, points[i].y);
    pp_fill_close(pen->canvas);
    fill(pen, paint);
    outline(pen, points, count);
}

static pp_point catmull_rom(pp_point a, pp_point b, pp_point c, pp_point d, float t)
{
    float t2 = t * t, t3 = t2 * t;
    float wa = -0.5f * t3 + t2 - 0.5f * t, wb = 1.5f * t3 - 2.5f * t2 + 1;
    float wc = -1.5f * t3 + 2 * t2 + 0.5f * t, wd = 0.5f * t3 - 0.5f * t2;
    return (pp_point){wa * a.x + wb * b.x + wc * c.x + wd * d.x,
                      wa * a.y + wb * b.y + wc * c.y + wd * d.y};
}

/* Points along the smooth curve into room for MOST_CURVE; returns how many. */
static int smooth(const pp_point *points, int count, int closed, pp_point *out)
{
    int made = 0, pieces = closed ? count : count - 1;
    for (int i = 0; i < pieces; i++) {
        int before = i - 1, after = i + 2, next = i + 1;
        if (closed) {
            before = (before + count) % count;
            after %= count;
            next %= count;
        } else {
            before = before < 0 ? 0 : before;
            after = after >= count ? count - 1 : after;
        }
        for (int step = 0; step < CURVE_STEPS && made < MOST_CURVE - 1; step++) {
            out[made++] = catmull_rom(points[before], points[i], points[next], points[after],
                                      (float)step / CURVE_STEPS);
        }
    }
    if (!closed && count > 0) out[made++] = points[count - 1];
    return made;
}

void pp_pen_blob(const pp_pen *pen, const pp_point *points, int count, pp_paint paint)
{
    pp_point curve[MOST_CURVE];
    pp_pen_polygon(pen, curve, smooth(points, count, 1, curve), paint);
}

void pp_pen_ellipse(const pp_pen *pen, float x, float y, float rx, float ry, pp_paint paint)
{
    put_ellipse(pen, x, y, rx, ry, 1);
    fill(pen, paint);
    if (pen->outline > 0) {
        pp_pen plain = *pen;
        plain.outline = 0;
        pp_pen_ring(&plain, x, y, rx, ry, pen->outline, pp_flat(pen->outline_colour));
    }
}

void pp_pen_ring(const pp_pen *pen, float x, float y, float rx, float ry, float width,
                 pp_paint paint)
{
    put_ellipse(pen, x, y, rx + width / 2, ry + width / 2, 1);
    put_ellipse(pen, x, y, fmaxf(rx - width / 2, 0), fmaxf(ry - width / 2, 0), -1);
    fill(pen, paint);
}

void pp_pen_rect(const pp_pen *pen, float x, float y, float width, float height, float round,
                 pp_paint paint)
{
    pp_point p[20];
    int count = 0;
    round = fminf(round, 0.5f * fminf(width, height));
    if (round <= 0) {
        const pp_point corners[4] = {
            {x, y}, {x + width, y}, {x + width, y + height}, {x, y + height}};
        pp_pen_polygon(pen, corners, 4, paint);
        return;
    }
    for (int corner = 0; corner < 4; corner++) {
        float cx = corner == 0 || corner == 3 ? x + width - round : x + round;
        float cy = corner < 2 ? y + height - round : y + round;
        for (int i = 0; i < 5; i++) {
            float angle = 0.5f * PI * ((float)corner + (float)i / 4);
            p[count++] = (pp_point){cx + round * cosf(angle), cy + round * sinf(angle)};
        }
    }
    pp_pen_polygon(pen, p, count, paint);
}

void pp_pen_line(const pp_pen *pen, float x0, float y0, float x1, float y1, float width,
                 pp_paint paint)
{
    pp_pen_polyline(pen, (pp_point[2]){{x0, y0}, {x1, y1}}, 2, width, paint);
}

void pp_pen_polyline(const pp_pen *pen, const pp_point *points, int count, float width,
                     pp_paint paint)
{
    stroke(pen, points, count, width, width);
    fill(pen, paint);
}

void pp_pen_curve(const pp_pen *pen, const pp_point *points, int count, float width, pp_paint paint)
{
    pp_pen_horn(pen, points, count, width, width, paint);
}

void pp_pen_horn(const pp_pen *pen, const pp_point *points, int count, float width0, float width1,
                 pp_paint paint)
{
    pp_point curve[MOST_CURVE];
    int made = smooth(points, count, 0, curve);
    if (pen->outline > 0) {
        float extra = 2 * pen->outline;
        stroke(pen, curve, made, width0 + extra, width1 + extra);
        fill(pen, pp_flat(pen->outline_colour));
    }
    stroke(pen, curve, made, width0, width1);
    fill(pen, paint);
}
