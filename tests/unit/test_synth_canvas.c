/* tools/synth: the rasteriser against areas known by geometry, the resampler against a sine. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "tools/synth/canvas.h"
#include "tools/synth/sound.h"

enum { WIDTH = 60, HEIGHT = 40 };

typedef struct sheet {
    pp_canvas *canvas;
    uint8_t rgb[WIDTH * HEIGHT * 3];
    pp_pen pen;
} sheet;

static void open_sheet(sheet *s)
{
    pp_error err = {0};
    memset(s, 0, sizeof *s);
    assert_int_equal(pp_canvas_create(&s->canvas, WIDTH, HEIGHT, &err), PP_OK);
    pp_canvas_begin(s->canvas, s->rgb, 0);
    s->pen = (pp_pen){.canvas = s->canvas, .frame = pp_affine_identity()};
}

/* Area painted in white on black, in pixels. */
static double area(const sheet *s)
{
    double sum = 0;
    for (int i = 0; i < WIDTH * HEIGHT; i++) sum += s->rgb[3 * i] / 255.0;
    return sum;
}

static const pp_colour white = {1, 1, 1, 1};

static void areas_are_exact(void **state)
{
    (void)state;
    sheet s;
    open_sheet(&s);
    pp_pen_rect(&s.pen, 3.25f, 4.5f, 10.5f, 7.25f, 0, pp_flat(white));
    assert_float_equal(area(&s), 10.5 * 7.25, 0.3);
    pp_canvas_destroy(&s.canvas);
    open_sheet(&s);
    pp_pen_ellipse(&s.pen, 30.3f, 20.7f, 15, 9, pp_flat(white));
    assert_float_equal(area(&s), 3.14159 * 15 * 9, 6);
    pp_canvas_destroy(&s.canvas);
    open_sheet(&s);
    pp_pen_ring(&s.pen, 30, 20, 12, 12, 4, pp_flat(white));
    assert_float_equal(area(&s), 3.14159 * (14 * 14 - 10 * 10), 6);
    pp_canvas_destroy(&s.canvas);
    open_sheet(&s);
    s.pen.frame = pp_affine_turn(pp_affine_move(s.pen.frame, 30, 20), 0.4f);
    pp_pen_line(&s.pen, -10, 0, 10, 0, 5, pp_flat(white)); /* with round ends */
    assert_float_equal(area(&s), 20 * 5 + 3.14159 * 2.5 * 2.5, 2);
    pp_canvas_destroy(&s.canvas);
}

static void shapes_beyond_the_edges_are_cut(void **state)
{
    (void)state;
    sheet s;
    open_sheet(&s);
    pp_pen_rect(&s.pen, -100, -100, 130, 120, 0, pp_flat(white));
    assert_float_equal(area(&s), 30 * 20, 0.01);
    assert_true(s.canvas->box.x0 == 0 && s.canvas->box.x1 == 30 && s.canvas->box.y1 == 20);
    pp_pen_ellipse(&s.pen, 1e4f, -1e4f, 50, 50, pp_flat(white));
    pp_pen_ellipse(&s.pen, WIDTH, HEIGHT, 8, 8, pp_flat(white));
    assert_float_equal(area(&s), 30 * 20 + 3.14159 * 16, 1.5);
    pp_canvas_destroy(&s.canvas);
}

static void mirrored_frames_paint_alike(void **state)
{
    (void)state;
    sheet a, b;
    open_sheet(&a);
    open_sheet(&b);
    const pp_point points[3] = {{-8, 3}, {2, -6}, {9, 5}};
    a.pen.frame = pp_affine_move(a.pen.frame, 30, 20);
    b.pen.frame = pp_affine_scale(a.pen.frame, -1, 1);
    pp_pen_curve(&a.pen, points, 3, 4, pp_flat(white));
    pp_pen_curve(&b.pen, points, 3, 4, pp_flat(white));
    for (int y = 0; y < HEIGHT; y++) {
        for (int x = 0; x < WIDTH; x++) {
            int left = a.rgb[3 * (y * WIDTH + x)], right = b.rgb[3 * (y * WIDTH + WIDTH - 1 - x)];
            assert_in_range(left - right + 4, 0, 8);
        }
    }
    pp_canvas_destroy(&a.canvas);
    pp_canvas_destroy(&b.canvas);
}

static void measuring_paints_nothing(void **state)
{
    (void)state;
    sheet s;
    open_sheet(&s);
    pp_canvas_begin(s.canvas, NULL, 1);
    pp_pen_rect(&s.pen, 5, 6, 10, 10, 2, pp_flat(white));
    assert_float_equal(s.canvas->box.x0, 5, 0.01);
    assert_float_equal(s.canvas->box.y1, 16, 0.01);
    assert_float_equal(area(&s), 0, 0);
    pp_canvas_destroy(&s.canvas);
}

static void resampler_keeps_a_sine(void **state)
{
    (void)state;
    enum { IN = 8820, OUT = 2205 };
    float *in = pp_alloc(IN, sizeof *in), *out = pp_alloc(OUT, sizeof *out);
    pp_error err = {0};
    for (int i = 0; i < IN; i++) in[i] = sinf(6.2831853f * 1000 * (float)i / 44100);
    assert_int_equal(pp_resample(in, IN, 4, out, OUT, &err), PP_OK);
    double worst = 0;
    for (int i = 100; i < OUT - 100; i++) {
        worst = fmax(worst, fabs(out[i] - sin(6.283185307 * 1000 * i / 11025.0)));
    }
    assert_true(worst < 2e-3);
    for (int i = 0; i < IN; i++) in[i] = sinf(6.2831853f * 7000 * (float)i / 44100); /* aliases */
    assert_int_equal(pp_resample(in, IN, 4, out, OUT, &err), PP_OK);
    for (int i = 100; i < OUT - 100; i++) assert_true(fabsf(out[i]) < 2e-3f);
    pp_free(in);
    pp_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(areas_are_exact),
        cmocka_unit_test(shapes_beyond_the_edges_are_cut),
        cmocka_unit_test(mirrored_frames_paint_alike),
        cmocka_unit_test(measuring_paints_nothing),
        cmocka_unit_test(resampler_keeps_a_sine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
