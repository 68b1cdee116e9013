/* Decoded frames of any pixel format and shape to size x size RGB: shorter side to `size`
 * (bicubic, full chroma, accurate rounding), turned upright, middle square.
 *
 * As torchvision's Resize and CenterCrop do: pixels count, the sample aspect ratio does not. Frames
 * longer than 4:1 are cropped first, so that a 4097 x 3 picture is not scaled to 305 909 x 224. */
#ifndef PP_MEDIA_DECODER_SCALER_H
#define PP_MEDIA_DECODER_SCALER_H

#include <stdint.h>

#include <libavutil/frame.h>

#include "base/status.h"

typedef struct pp_scaler pp_scaler;

/* turn: as pp_choose_turn gives it. */
pp_status pp_scaler_create(pp_scaler **out, int size, const int turn[4], pp_error *err) PP_MUST_USE;
void pp_scaler_destroy(pp_scaler **scaler);

/* rgb [size, size, 3]. -1 where this frame cannot be scaled (a format swscale does not take). */
int pp_scaler_run(pp_scaler *scaler, const AVFrame *frame, uint8_t *rgb);

#endif
