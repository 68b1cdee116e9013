/* BatchNorm in training mode and the rectifiers behind it, forward and backward.
 *
 * Tensors are [pixels, channels], channels last and contiguous unless a leading dimension (`ld`,
 * floats from pixel to pixel) is given. A layer z -> x = scale z + offset -> rectifier is computed
 * as one map; x itself is never stored, its sign is found again from z.
 *
 * Statistics are sums in double precision, so that several ranks can add theirs up
 * (synchronised BatchNorm). Ioffe and Szegedy 2015. Nothing allocates. Any number of threads.
 */
#ifndef PP_TRAIN_NORM_H
#define PP_TRAIN_NORM_H

#define PP_TRAIN_NORM_EPS 1e-5
#define PP_TRAIN_NORM_MOMENTUM 0.1 /* of the running statistics, as PyTorch's default */

/* sums [2 channels + 1]: of z, of z * z, and the number of pixels. scratch: 3 channels floats. */
void pp_train_norm_sums(const float *z, long pixels, int channels, double *sums, float *scratch);

/* What one BatchNorm does in this step; each array [channels]. */
typedef struct pp_train_norm_map {
    float *scale, *offset; /* x = scale z + offset */
    float *mean, *inverse; /* of the batch; inverse standard deviation */
} pp_train_norm_map;

/* The map from sums over the whole batch; weight and bias [channels]. Updates the running
 * statistics (variance unbiased) where they are not NULL. */
void pp_train_norm_make(const double *sums, int channels, const float *weight, const float *bias,
                        const pp_train_norm_map *map, float *running_mean, float *running_var);

/* The map of running statistics, as in use: no batch. */
void pp_train_norm_make_fixed(int channels, const float *weight, const float *bias,
                              const float *running_mean, const float *running_var,
                              const pp_train_norm_map *map);

/* y = x > 0 ? x : slope x for x = scale z + offset. Slope 0: ReLU, 1: nothing. z contiguous. */
void pp_train_rectify(const float *z, long pixels, int channels, const float *scale,
                      const float *offset, float slope, float *y, long ld_y);

/* dx from the gradients of a leaky rectifier (d_leaky, its slope) and of a plain one (d_relu) that
 * both saw x; either may be NULL. dx is contiguous and may be d_leaky itself where that is. */
void pp_train_rectify_backward(const float *z, long pixels, int channels, const float *scale,
                               const float *offset, float slope, const float *d_leaky,
                               long ld_leaky, const float *d_relu, long ld_relu, float *dx);

/* sums [2 channels]: of dx, and of dx (z - mean) inverse: the gradients of bias and weight. */
void pp_train_norm_backward_sums(const float *z, const float *dx, long pixels, int channels,
                                 const pp_train_norm_map *map, double *sums, float *scratch);

/* dx -> dz in place, from sums over the whole batch of `batch_pixels` pixels. scratch as above. */
void pp_train_norm_backward(const float *z, float *dx, long pixels, int channels,
                            const pp_train_norm_map *map, const double *sums, double batch_pixels,
                            float *scratch);

#endif
