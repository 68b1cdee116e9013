#include "train/augment_picture.h"

#include <string.h>

static const float mean[3] = {0.485F, 0.456F, 0.406F}, deviation[3] = {0.229F, 0.224F, 0.225F};

static double between(pp_random *random, double low, double high)
{
    return low + (high - low) * pp_random_uniform(random);
}

void pp_train_picture_choose(const pp_train_picture_options *options, pp_random *random,
                             pp_train_picture_choice *choice)
{
    const pp_train_picture_options *o = options;
    const double least = o->crop && o->margin > 1 ? 1 / o->margin : 1;
    choice->side = between(random, least, 1);
    choice->left = between(random, 0, 1 - choice->side);
    choice->top = between(random, 0, 1 - choice->side);
    const int mirrored = pp_random_uniform(random) < 0.5;
    choice->flip = o->flip && mirrored;
    choice->brightness = (float)(o->colour * between(random, -1, 1));
    choice->contrast = (float)(1 + o->colour * between(random, -1, 1));
    choice->saturation = (float)(1 + o->colour * between(random, -1, 1));
    const int blurred = pp_random_uniform(random) < o->blur;
    const int passes = 1 + (int)pp_random_below(random, 3);
    choice->blurs = blurred ? passes : 0;
}

/* The two pixels beside a place and the weight of the second. */
static inline int place_in(double place, int from, float *weight)
{
    place = place < 0 ? 0 : place;
    int i = (int)place;
    if (i > from - 2) i = from > 1 ? from - 2 : 0;
    const float w = (float)(place - i);
    *weight = w > 1 ? 1 : w;
    return i;
}

static void resample(const uint8_t *rgb, int from, const pp_train_picture_choice *c, int size,
                     float *out)
{
    const double step = c->side * from / size;
    const int next = from > 1 ? 3 : 0, below = from > 1 ? 3 * from : 0;
    for (int y = 0; y < size; y++) {
        float fy;
        const int iy = place_in(c->top * from + (y + 0.5) * step - 0.5, from, &fy);
        for (int x = 0; x < size; x++, out += 3) {
            float fx;
            const int at = c->flip ? size - 1 - x : x;
            const int ix = place_in(c->left * from + (at + 0.5) * step - 0.5, from, &fx);
            const uint8_t *p = rgb + 3 * ((long)iy * from + ix);
            for (int k = 0; k < 3; k++) {
                const float up = p[k] + fx * (float)(p[k + next] - p[k]);
                const float down = p[k + below] + fx * (float)(p[k + below + next] - p[k + below]);
                out[k] = (up + fy * (down - up)) * (1.0F / 255);
            }
        }
    }
}

/* [1 2 1] / 4 along one line of pixels, `apart` floats from one to the next. */
static void blur_line(float *at, int size, long apart, float *line)
{
    for (int k = 0; k < 3; k++) {
        for (int i = 0; i < size; i++) line[i] = at[i * apart + k];
        for (int i = 0; i < size; i++) {
            const float before = line[i > 0 ? i - 1 : 0], after = line[i + 1 < size ? i + 1 : i];
            at[i * apart + k] = 0.25F * (before + after) + 0.5F * line[i];
        }
    }
}

static void blur(float *picture, int size, float *line)
{
    for (int y = 0; y < size; y++) blur_line(picture + (long)y * size * 3, size, 3, line);
    for (int x = 0; x < size; x++) blur_line(picture + 3L * x, size, 3L * size, line);
}

static void change_colours(float *picture, long pixels, const pp_train_picture_choice *c)
{
    for (long i = 0; i < pixels; i++, picture += 3) {
        const float grey = 0.299F * picture[0] + 0.587F * picture[1] + 0.114F * picture[2];
        for (int k = 0; k < 3; k++) {
            float v = grey + c->saturation * (picture[k] - grey);
            v = (v - 0.5F) * c->contrast + 0.5F + c->brightness;
            picture[k] = v < 0 ? 0 : v > 1 ? 1 : v;
        }
    }
}

void pp_train_picture_make(const uint8_t *rgb, int from, const pp_train_picture_choice *choice,
                           int size, float *normalised, float *scratch)
{
    const long pixels = (long)size * size;
    resample(rgb, from, choice, size, normalised);
    for (int i = 0; i < choice->blurs; i++) blur(normalised, size, scratch);
    if (choice->brightness != 0 || choice->contrast != 1 || choice->saturation != 1) {
        change_colours(normalised, pixels, choice);
    }
    for (long i = 0; i < 3 * pixels; i++) {
        normalised[i] = (normalised[i] - mean[i % 3]) * (1 / deviation[i % 3]);
    }
}
