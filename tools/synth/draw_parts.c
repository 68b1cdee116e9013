#include "draw_parts.h"

#include <math.h>

void pp_part_strings(const pp_pen *pen, float x0, float x1, float spread0, float spread1, int count,
                     pp_colour colour)
{
    for (int i = 0; i < count; i++) {
        float across = count > 1 ? (float)i / (float)(count - 1) - 0.5f : 0;
        pp_pen_line(pen, x0, across * spread0, x1, across * spread1, 0.004f, pp_flat(colour));
    }
}

void pp_part_pegs(const pp_pen *pen, float x, float step, float reach, int count, pp_paint paint)
{
    for (int i = 0; i < count; i++) {
        float side = i & 1 ? reach : -reach;
        pp_pen_line(pen, x + step * (float)(i / 2), 0, x + step * (float)(i / 2), side, 0.018f,
                    paint);
        pp_pen_ellipse(pen, x + step * (float)(i / 2), side, 0.016f, 0.012f, paint);
    }
}

pp_paint pp_part_tube(pp_colour colour, float width)
{
    return pp_linear(pp_shade(colour, 1.35f), pp_shade(colour, 0.55f), 0, -0.6f * width, 0,
                     0.6f * width);
}

void pp_part_keys(const pp_pen *pen, float x0, float x1, float y, float radius, int count,
                  float pitch, pp_colour colour)
{
    for (int i = 0; i < count; i++) {
        float share = count > 1 ? (float)i / (float)(count - 1) : 0.5f;
        int open = share < pitch; /* higher notes: fewer holes closed */
        pp_pen_ellipse(pen, x0 + (x1 - x0) * share, y + (open ? -0.25f * radius : 0), radius,
                       radius, pp_flat(pp_shade(colour, open ? 1.15f : 0.75f)));
    }
}

void pp_part_bell(const pp_pen *pen, float x0, float x1, float narrow, float wide, float depth,
                  pp_colour colour)
{
    pp_point outline[16];
    for (int i = 0; i < 8; i++) {
        float t = (float)i / 7, half = narrow + (wide - narrow) * t * t * t;
        outline[i] = (pp_point){x0 + (x1 - x0) * t, -half};
        outline[15 - i] = (pp_point){x0 + (x1 - x0) * t, half};
    }
    pp_pen_polygon(pen, outline, 16, pp_part_tube(colour, 1.4f * wide));
    pp_pen_ellipse(pen, x1, 0, depth, wide, pp_flat(pp_shade(colour, 1.2f)));
    pp_pen plain = *pen;
    plain.outline = 0;
    pp_pen_ellipse(&plain, x1, 0, 0.78f * depth, 0.86f * wide,
                   pp_radial(pp_shade(colour, 0.3f), pp_shade(colour, 0.7f), x1, 0, wide));
}
