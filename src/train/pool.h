/* Pooling, forward and backward: the trunk's max-pool, and the pooling of a clip's feature grid
 * over frames, rows and columns. Channels last. Pure functions; any number of threads. */
#ifndef PP_TRAIN_POOL_H
#define PP_TRAIN_POOL_H

#include <stdint.h>

/* 3x3, stride 2, padding 1: x [batch, height, width, channels] -> y [batch, (height + 1) / 2,
 * (width + 1) / 2, channels]. place (as y): which of the nine won; ties go to the first. */
void pp_train_maxpool(int batch, int height, int width, int channels, const float *x, float *y,
                      uint8_t *place);
/* dy as y -> dx as x (overwritten). */
void pp_train_maxpool_backward(int batch, int height, int width, int channels, const float *dy,
                               const uint8_t *place, float *dx);

/* features [clips, cells, channels] (cells: frames x rows x columns) -> pooled [clips, channels]:
 * the maximum, or the average. place [clips, channels]: the cell of the maximum. */
void pp_train_clip_pool(int average, int clips, int cells, int channels, const float *features,
                        float *pooled, int32_t *place);
/* d_pooled -> d_features (overwritten). */
void pp_train_clip_pool_backward(int average, int clips, int cells, int channels,
                                 const float *d_pooled, const int32_t *place, float *d_features);

#endif
