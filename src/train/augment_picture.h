/* From a cached picture to what the video network sees: a crop scaled to its size, mirrored or not,
 * colours changed, blurred, normalised. Pure functions of random numbers; any number of threads. */
#ifndef PP_TRAIN_AUGMENT_PICTURE_H
#define PP_TRAIN_AUGMENT_PICTURE_H

#include <stdint.h>

#include "base/random.h"

typedef struct pp_train_picture_options { /* all 0: the whole picture, scaled */
    int crop;      /* a random square of at least size / margin of the picture */
    double margin; /* cached size over network size, as 1.1 */
    int flip;      /* half of them mirrored */
    double colour; /* +- share of brightness, contrast and saturation, as 0.2 */
    double blur;   /* share of pictures blurred: 0 .. 1 */
} pp_train_picture_options;

typedef struct pp_train_picture_choice {
    double left, top, side; /* of the crop, shares of the picture */
    int flip;
    float brightness, contrast, saturation; /* 0, 1, 1: none */
    int blurs;                              /* passes of a 3x3 binomial filter */
} pp_train_picture_choice;

void pp_train_picture_choose(const pp_train_picture_options *options, pp_random *random,
                             pp_train_picture_choice *choice);

/* rgb [from, from, 3] -> normalised [size, size, 3] (/255, ImageNet mean and deviation, as
 * NETWORKS.md says). scratch: 3 size floats. */
void pp_train_picture_make(const uint8_t *rgb, int from, const pp_train_picture_choice *choice,
                           int size, float *normalised, float *scratch);

#endif
