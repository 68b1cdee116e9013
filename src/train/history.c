#include "train/history.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

pp_status pp_train_history_add(pp_train_history *history, const pp_train_point *point,
                               pp_error *err)
{
    pp_status status = pp_grow((void **)&history->points, &history->capacity, history->count + 1,
                               sizeof *history->points, err);
    if (status == PP_OK) history->points[history->count++] = *point;
    return status;
}

void pp_train_history_free(pp_train_history *history)
{
    pp_free(history->points);
    memset(history, 0, sizeof *history);
}

static void set_if_known(pp_json *object, const char *key, double value)
{
    if (isfinite(value)) pp_json_set_real(object, key, value);
}

pp_json *pp_train_point_json(const pp_train_point *p)
{
    pp_json *object = pp_json_object();
    pp_json_set_int(object, "step", p->step);
    set_if_known(object, "hours", p->hours);
    set_if_known(object, "loss", p->loss);
    set_if_known(object, "rate", p->rate);
    set_if_known(object, "validation_loss", p->validation_loss);
    set_if_known(object, "sdr_db", p->sdr_db);
    set_if_known(object, "gain_db", p->gain_db);
    set_if_known(object, "label_sdr_db", p->label_sdr_db);
    set_if_known(object, "label_gain_db", p->label_gain_db);
    set_if_known(object, "samples_per_s", p->samples_per_s);
    return object;
}

/* ---- the plot ---- */

typedef struct text {
    char *bytes;
    size_t length, capacity;
    int failed;
} text;

static void append(text *t, const char *format, ...) PP_PRINTF(2, 3);
static void append(text *t, const char *format, ...)
{
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    const int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    pp_error err = {0};
    if (length < 0 || (size_t)length >= sizeof line || t->failed ||
        pp_grow((void **)&t->bytes, &t->capacity, t->length + (size_t)length + 1, 1, &err) !=
            PP_OK) {
        t->failed = 1;
        return;
    }
    memcpy(t->bytes + t->length, line, (size_t)length + 1);
    t->length += (size_t)length;
}

/* One of the two panels: where it lies on the page and what its axes span. */
typedef struct panel {
    double top, low, high, hours;
    const char *title;
} panel;

enum { LEFT = 60, WIDTH = 640, HEIGHT = 200 };

static double x_of(const panel *p, double hours)
{
    return LEFT + (p->hours > 0 ? hours / p->hours : 0) * WIDTH;
}

static double y_of(const panel *p, double value)
{
    return p->top + HEIGHT - (value - p->low) / (p->high - p->low) * HEIGHT;
}

static double member(const pp_train_point *p, size_t offset)
{
    double value;
    memcpy(&value, (const char *)p + offset, sizeof value);
    return value;
}

/* Ticks at 1, 2 or 5 times a power of ten, about five of them. */
static double tick_of(double span)
{
    const double power = pow(10, floor(log10(span / 5)));
    const double share = span / 5 / power;
    return (share < 1.5 ? 1 : share < 3.5 ? 2 : share < 7.5 ? 5 : 10) * power;
}

static void draw_axes(text *t, const panel *p)
{
    append(t, "<text x=\"%d\" y=\"%g\" font-weight=\"bold\">%s</text>\n", LEFT, p->top - 8,
           p->title);
    append(t,
           "<rect x=\"%d\" y=\"%g\" width=\"%d\" height=\"%d\" fill=\"none\" stroke=\"#888\"/>\n",
           LEFT, p->top, WIDTH, HEIGHT);
    const double step = tick_of(p->high - p->low), hour = tick_of(p->hours > 0 ? p->hours : 1);
    for (double v = ceil(p->low / step) * step; v <= p->high; v += step) {
        append(t,
               "<path d=\"M%d %.1fh%d\" stroke=\"#ddd\"/><text x=\"%d\" y=\"%.1f\" "
               "text-anchor=\"end\">%g</text>\n",
               LEFT, y_of(p, v), WIDTH, LEFT - 6, y_of(p, v) + 4, fabs(v) < 1e-12 ? 0 : v);
    }
    for (double h = 0; h <= p->hours; h += hour) {
        append(t, "<text x=\"%.1f\" y=\"%g\" text-anchor=\"middle\">%g h</text>\n", x_of(p, h),
               p->top + HEIGHT + 16, h);
    }
}

static void draw_curve(text *t, const panel *p, const pp_train_history *history, size_t offset,
                       const char *colour, const char *name, int place)
{
    int begun = 0;
    for (size_t i = 0; i < history->count; i++) {
        const double value = member(&history->points[i], offset);
        if (!isfinite(value)) continue;
        if (!begun) append(t, "<path fill=\"none\" stroke=\"%s\" d=\"", colour);
        const double inside = value < p->low ? p->low : value > p->high ? p->high : value;
        append(t, "%s%.1f %.1f", begun ? "L" : "M", x_of(p, history->points[i].hours),
               y_of(p, inside));
        begun = 1;
    }
    if (!begun) return;
    append(t, "\"/>\n<text x=\"%d\" y=\"%g\" text-anchor=\"end\" fill=\"%s\">%s</text>\n",
           LEFT + WIDTH - 6, p->top + 16 + 16 * place, colour, name);
}

static void widen(panel *p, const pp_train_history *history, size_t offset)
{
    for (size_t i = 0; i < history->count; i++) {
        const double value = member(&history->points[i], offset);
        if (!isfinite(value)) continue;
        p->low = fmin(p->low, value);
        p->high = fmax(p->high, value);
    }
}

typedef struct curve {
    size_t offset;
    const char *colour, *name;
} curve;

static void draw_panel(text *t, const pp_train_history *history, double top, const char *title,
                       const curve *curves, int count)
{
    const double hours = history->count > 0 ? history->points[history->count - 1].hours : 0;
    panel p = {top, INFINITY, -INFINITY, hours, title};
    for (int i = 0; i < count; i++) widen(&p, history, curves[i].offset);
    if (!(p.low < p.high)) {
        p.low = isfinite(p.low) ? p.low - 1 : 0;
        p.high = p.low + 2;
    }
    draw_axes(t, &p);
    for (int i = 0; i < count; i++) {
        draw_curve(t, &p, history, curves[i].offset, curves[i].colour, curves[i].name, i);
    }
}

char *pp_train_history_plot(const pp_train_history *history, const char *title)
{
    static const curve losses[] = {
        {offsetof(pp_train_point, loss), "#4477aa", "training"},
        {offsetof(pp_train_point, validation_loss), "#cc3311", "validation"}};
    static const curve gains[] = {
        {offsetof(pp_train_point, gain_db), "#cc3311", "asked by picture"},
        {offsetof(pp_train_point, label_gain_db), "#228833", "asked by name"}};
    text t = {0};
    append(&t, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 730 550\" "
               "font-family=\"sans-serif\" font-size=\"12\">\n"
               "<rect width=\"730\" height=\"550\" fill=\"#fff\"/>\n");
    append(&t, "<text x=\"%d\" y=\"20\" font-size=\"15\">", LEFT);
    for (const char *c = title; *c != 0; c++) {
        append(&t, *c == '<' ? "&lt;" : *c == '&' ? "&amp;" : "%c", *c);
    }
    append(&t, "</text>\n");
    draw_panel(&t, history, 50, "loss", losses, 2);
    draw_panel(&t, history, 310, "SDR gained over the mixture, dB (validation)", gains, 2);
    append(&t, "</svg>\n");
    if (t.failed) PP_FREE(t.bytes);
    return t.bytes;
}
